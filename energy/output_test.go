package energy

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// outputs are the terms, by name, with their elementwise formulas in plain float64: probabilities first, then logarithms.
var outputs = map[string]Output[float64]{
	"squared": SquaredError[float64]{}, "cross-entropy": CrossEntropy[float64]{}, "bernoulli": Bernoulli[float64]{},
}

// TestOutputTermsAreThoseOfTheReference: value, gradient, curvature and mean from NumPy (testdata/outputs.py).
func TestOutputTermsAreThoseOfTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/outputs.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		Cases []struct {
			Name         string
			Precision, F float64
			Y, YHat, V   []float64
			R, HV, Mean  []float64
		}
	}
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	if len(ref.Cases) < 27 {
		t.Fatalf("%d cases", len(ref.Cases))
	}
	for i, c := range ref.Cases {
		n, out := len(c.Y), outputs[c.Name]
		row := func(v []float64) tensor.Matrix[float64] { return tensor.Of(1, n, v) }
		f, r := []float64{0}, tensor.New[float64](1, n)
		out.Residual(f, r, row(c.Y), row(c.YHat), c.Precision)
		hv, mean := tensor.New[float64](1, n), tensor.New[float64](1, n)
		out.Curvature(hv, row(c.V), row(c.YHat), c.Precision)
		out.Mean(mean, row(c.YHat))
		// The reference takes logarithms of rounded probabilities: its error is ε/p, p from 1e−5.
		const tol = 1e-10
		if !(math.Abs(f[0]-c.F) <= tol*max(c.F, 1)) {
			t.Errorf("case %d, %s: F = %v, want %v", i, c.Name, f[0], c.F)
		}
		for what, pair := range map[string][2][]float64{"r": {r.Data, c.R}, "Hv": {hv.Data, c.HV}, "mean": {mean.Data, c.Mean}} {
			for k, want := range pair[1] {
				if !(math.Abs(pair[0][k]-want) <= tol) {
					t.Errorf("case %d, %s: %s[%d] = %v, want %v", i, c.Name, what, k, pair[0][k], want)
				}
			}
		}
	}
}

// TestOutputDerivativesMeetDifferences: r = −∂F/∂ŷ, the curvature is −∂r/∂ŷ; f is added to, r may be ŷ and dst v.
func TestOutputDerivativesMeetDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, out := range outputs {
		const n, pi = 4, 1.7
		y, yhat, v := tensor.New[float64](2, n), check.Random[float64](rng, 2, n), check.Random[float64](rng, 2, n)
		for i := range 2 {
			left := 1.0
			for k := range n - 1 {
				y.Row(i)[k] = left * rng.Float64()
				left -= y.Row(i)[k]
			}
			y.Row(i)[n-1] = left
		}
		f, r := []float64{10, 20}, tensor.New[float64](2, n)
		out.Residual(f, r, y, yhat, pi)
		aliased := check.Clone(yhat)
		out.Residual(make([]float64, 2), aliased, y, aliased, pi)
		if !check.Same(aliased, r) {
			t.Errorf("%s: r depends on where it is stored", name)
		}
		value := func(i int) func() float64 {
			return func() float64 {
				f := make([]float64, 2)
				out.Residual(f, tensor.New[float64](2, n), y, yhat, pi)
				return f[i]
			}
		}
		hv := check.Clone(v)
		out.Curvature(hv, hv, yhat, pi)
		for i := range 2 {
			if got := f[i] - float64(10*(i+1)); !check.Close(got, value(i)(), 1e-13) {
				t.Errorf("%s: adds %v to f, want %v", name, got, value(i)())
			}
			want := check.Gradient(value(i), yhat.Row(i))
			tensor.Scale(want, -1)
			if d := check.RelError(r.Row(i), want); !(d < fdTol) {
				t.Errorf("%s: r is off by %g", name, d)
			}
			slope := check.Gradient(func() float64 {
				r := tensor.New[float64](2, n)
				out.Residual(make([]float64, 2), r, y, yhat, pi)
				return -tensor.Dot(r.Row(i), v.Row(i))
			}, yhat.Row(i))
			if d := check.RelError(hv.Row(i), slope); !(d < fdTol) {
				t.Errorf("%s: the curvature is off by %g", name, d)
			}
		}
	}
}

// TestMeanIsWhereTheTermIsStationary, and Misfit is the distance from it.
func TestMeanIsWhereTheTermIsStationary(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for name, out := range outputs {
		const n = 4
		y, yhat, r := check.Random[float64](rng, 2, n), check.Random[float64](rng, 2, n), tensor.New[float64](2, n)
		mean := check.Clone(yhat)
		out.Mean(mean, mean)
		out.Residual(make([]float64, 2), r, mean, yhat, 1.7)
		for i := range 2 {
			if d := math.Sqrt(tensor.Dot(r.Row(i), r.Row(i))); !(d < 1e-15) {
				t.Errorf("%s: r at the mean is %g, want 0", name, d)
			}
		}
		squares := make([]float64, 2)
		out.Mean(mean, yhat)
		Misfit(out, squares, tensor.New[float64](2, n), y, yhat)
		for i, got := range squares {
			want := 0.0
			for k, m := range mean.Row(i) {
				want += (y.Row(i)[k] - m) * (y.Row(i)[k] - m)
			}
			if !check.Close(got, want, 1e-13) {
				t.Errorf("%s: misfit %v, want %v", name, got, want)
			}
		}
	}
}

// TestLogitsMayBeLarge: nothing overflows, and a confident prediction keeps its small loss, e^(−d) at distance d.
func TestLogitsMayBeLarge(t *testing.T) {
	for _, d := range []float64{40, 300, 5000} {
		for _, right := range []bool{true, false} {
			y := []float64{0, 1, 0}
			want := [2]float64{2*d + math.Log(2), 4 * d} // two others at +2d; every Bernoulli is wrong by that much
			yhat := []float64{2 * d, 0, 2 * d}
			if right {
				yhat = []float64{-d, d, -d}
				want = [2]float64{2 * math.Exp(-2*d), 3 * math.Exp(-d)}
			} else {
				want[1] += math.Log(2) // the target's own logit is 0
			}
			for k, out := range []Output[float64]{CrossEntropy[float64]{}, Bernoulli[float64]{}} {
				f, r := []float64{0}, tensor.New[float64](1, 3)
				out.Residual(f, r, tensor.Of(1, 3, y), tensor.Of(1, 3, yhat), 1)
				if !check.Close(f[0], want[k], 1e-13) || !tensor.Finite(r.Data) {
					t.Errorf("%T at %v: F = %v, want %v; r = %v", out, yhat, f[0], want[k], r.Data)
				}
			}
		}
	}
}

// TestOutputTermsInANetwork: gradients of F in z, e and θ follow the term.
func TestOutputTermsInANetwork(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		if !x.given(x.L()) {
			return
		}
		x.use(Bernoulli[float64]{}, func(y, a float64) float64 {
			p := 1 / (1 + math.Exp(-a))
			return -y*math.Log(p) - (1-y)*math.Log(1-p)
		})
		for _, c := range x.both() {
			checkGradient(t, x, c)
			checkWeightGradient(t, x, c)
		}
		if e := x.state.Errors(); e.Quadratic() || e.Smooth() || e.Isotropic() {
			t.Error("claims the curvature of squared error")
		}
	})
}
