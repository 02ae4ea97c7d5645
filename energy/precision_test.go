package energy

import (
	"fmt"
	"math"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// TestDecayIsItsFormula: F and its gradients with (λ_l/2)‖z_l‖² of the free layers, in both coordinates, for every clamping.
func TestDecayIsItsFormula(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		x.decay = []float64{0.3, 0.7, 0, 1.1, 0.4}[:x.L()+1]
		x.pc.Decay = x.decay
		x.use(nil, nil)
		for _, c := range x.both() {
			f, _ := eval(c, x.point)
			for i := range f {
				if want := x.energy(c.z(i, x.point.Row(i))); !check.Close(f[i], want, roundTol) {
					t.Errorf("%s: F of sample %d = %v, want %v", c.name, i, f[i], want)
				}
			}
			checkGradient(t, x, c)
			checkWeightGradient(t, x, c)
		}
		decays := false
		for l, a := range x.decay {
			decays = decays || !x.given(l) && a > 0
		}
		if decays && x.state.Errors().Outputs() != 0 {
			t.Error("offers a curvature that leaves the decay out")
		}
		// What Layers measures is the gradient's norm, layer by layer.
		c := x.both()[0]
		_, grad := eval(c, x.point)
		var d Layers
		x.state.Layers(&d)
		got, want := 0.0, 0.0
		for l, r := range d.Residual {
			got += r
			if !x.given(l + 1) {
				g := grad.ColsOf(x.state.offset[l+1], x.state.offset[l+1]+x.arch.Dims[l+1])
				for i := range g.Rows {
					want += tensor.Dot(g.Row(i), g.Row(i))
				}
			}
		}
		if !check.Close(got, want, roundTol) {
			t.Errorf("squared residuals %v, want %v", got, want)
		}
	})
}

// TestPrecisionGradientIsTheDerivative of F − Σ (n_l/2) log π_l, against differences; and it is 0 at the closed form.
func TestPrecisionGradientIsTheDerivative(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		L := x.L()
		pi := make([]float64, L)
		for l := range pi {
			pi[l] = 0.5 + 0.4*float64(l)
		}
		x.state.SetPrecisions(pi)
		window := x.state.RowsOf(0, 1) // shares them
		x.pi = pi
		c := x.both()[0]
		full := func() float64 {
			sum := 0.0
			for i := range x.rows {
				sum += x.energy(c.z(i, x.point.Row(i)))
				for l, v := range pi {
					sum -= float64(x.arch.Dims[l+1]) / 2 * math.Log(v)
				}
			}
			return sum
		}
		eval(c, x.point)
		got := make([]float64, L)
		x.state.PrecisionGradient(got)
		want := check.Gradient(full, pi)
		if d := check.RelError(got, want); !(d < fdTol) {
			t.Errorf("∂F/∂π = %v, differences give %v", got, want)
		}
		for _, c := range x.both() { // the precisions that were set are in use, with their D
			checkGradient(t, x, c)
		}
		if !check.SameBits(window.Precisions(), pi) {
			t.Errorf("a window has precisions %v, want %v", window.Precisions(), pi)
		}
		for l := range pi {
			squares := 0.0
			for i := range x.rows {
				z := c.z(i, x.point.Row(i))
				for j, g := range x.g(l+1, z[l]) {
					squares += (z[l+1][j] - g) * (z[l+1][j] - g)
				}
			}
			pi[l] = float64(x.rows*x.arch.Dims[l+1]) / squares
		}
		x.state.SetPrecisions(pi)
		eval(c, x.point)
		x.state.PrecisionGradient(got)
		for l, g := range got { // of the size of either of its two terms
			if size := float64(x.rows*x.arch.Dims[l+1]) / (2 * pi[l]); !(math.Abs(g) < 1e-12*size) {
				t.Errorf("∂F/∂π_%d = %v at the optimum, beside terms of %v", l+1, g, size)
			}
		}
	})
}

// TestMisuseOfPrecisionAndDecayIsNamed.
func TestMisuseOfPrecisionAndDecayIsNamed(t *testing.T) {
	x := newFixture(t, problem{arch: archOf(3, 4, 2)})
	for want, f := range map[string]func(){
		"energy: want one precision for each layer":           func() { x.state.SetPrecisions([]float64{1}) },
		"energy: precision must be positive and finite":       func() { x.state.SetPrecisions([]float64{1, 0}) },
		"energy: want one decay for each layer and the input": func() { (&PC[float64]{Net: x.net, Decay: []float64{1}}).NewState(1) },
		"energy: decay must be from 0 and finite":             func() { (&PC[float64]{Net: x.net, Decay: []float64{0, -1, 0}}).NewState(1) },
		"energy: no target: the last layer is free":           func() { (&PC[float64]{Net: x.net, Clamped: []int{0}}).NewState(1).Fit(nil, nil) },
		"energy: the precision of an output term other than squared error has no normalisation": func() {
			(&PC[float64]{Net: x.net, Output: Bernoulli[float64]{}}).NewState(1).PrecisionGradient(make([]float64, 2))
		},
	} {
		if got := fmt.Sprint(check.Panic(f)); got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
	for _, pi := range []float64{1e-50, 1e39} { // numbers, but not in float32
		if check.Panic(func() { checkPrecision[float32](pi) }) == nil {
			t.Errorf("a precision of %v is taken for a float32", pi)
		}
		checkPrecision[float64](pi)
	}
}
