package infer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// TestToyEquilibriumIsRescaledLoss: F* = 𝓛/(1 + w₂²) at z* = (w₁x + w₂y)/(1 + w₂²), for weights on both sides of the
// saddle, by every method in either coordinates (post, footnote to Eq. 7; notation, section 2).
func TestToyEquilibriumIsRescaledLoss(t *testing.T) {
	const tol = 1e-12
	for _, w := range [][2]float64{{0.3, -0.7}, {0, 0}, {1, 1}, {-2, 0.5}, {1e-3, 3}, {1.5, 0}} {
		k := newTask[float64](nn.Arch{Dims: []int{1, 1, 1}}, nil, 1, 3)
		k.pc.Net.Update(func(theta []float64) { copy(theta, w[:]) })
		fisher := 1 + w[1]*w[1]
		for _, c := range []struct {
			name string
			open func() objective[float64]
			m    infer.Method[float64]
		}{
			{"exact", k.errors, &infer.Exact[float64]{}},
			{"bb in errors", k.errors, &infer.BarzilaiBorwein[float64]{}},
			{"bb in activities", k.activities, &infer.BarzilaiBorwein[float64]{}},
			{"euler in activities", k.activities, &infer.Euler[float64]{DT: 0.15}},
		} {
			f := c.open()
			work, r := solve[float64](t, f, 3, c.m, infer.Settings{Tol: 1e-13, MaxPasses: 1e4})
			if r.Count[infer.Equilibrium] != 3 {
				t.Errorf("%s at w = %v: statuses %v", c.name, w, r.Count)
			}
			z := activitiesOf(f).Z[1]
			for i := range 3 {
				x, y := k.x.Row(i)[0], k.y.Row(i)[0]
				residual := y - w[1]*w[0]*x
				if want := residual * residual / 2 / fisher; !check.Close(work.F[i], want, tol) {
					t.Errorf("%s at w = %v: F* = %v, want %v", c.name, w, work.F[i], want)
				}
				if want := (w[0]*x + w[1]*y) / fisher; !check.Close(z.Row(i)[0], want, tol) {
					t.Errorf("%s at w = %v: z* = %v, want %v", c.name, w, z.Row(i)[0], want)
				}
			}
		}
	}
}

// activitiesOf is the trace that learning takes from an energy.
func activitiesOf[T tensor.Float](f objective[T]) *nn.Trace[T] {
	switch f := f.(type) {
	case *energy.Errors[T]:
		return f.Trace
	case *energy.Activities[T]:
		return f.Trace
	}
	panic("no energy")
}

// TestExactIsTheLinearEquilibrium: F* = ½ rᵀS⁻¹r and e* = π_l⁻¹P_{l+1}ᵀS⁻¹r with S = I/π_L + Σ P_l P_lᵀ/π_{l−1}, for any
// depth, precisions, biases, placement of the (linear) activation, and batch sizes on both sides of n_L, in one step.
func TestExactIsTheLinearEquilibrium(t *testing.T) { both(t, checkExact[float32], checkExact[float64]) }

func checkExact[T tensor.Float](t *testing.T) {
	// float64: 1e-10 as promised. float32: rounding of the products times the condition of S, which reaches some 1000.
	tol := 1e-10
	if single[T]() {
		tol = 1e-4
	}
	for _, c := range []struct {
		dims []int
		pi   []float64
	}{
		{dims: []int{3, 2}},
		{dims: []int{3, 4, 2}},
		{dims: []int{3, 4, 2}, pi: []float64{2, 5}},
		{dims: []int{5, 4, 6, 3, 5}},
		{dims: []int{5, 4, 6, 3, 5}, pi: []float64{0.1, 3, 1, 20}},
		{dims: []int{4, 3, 3, 3, 3, 3, 7}, pi: []float64{1, 2, 3, 4, 5, 1e-3}},
	} {
		for _, rows := range []int{1, 2, c.dims[len(c.dims)-1], 9} {
			for _, gain := range []float64{0.3, 1.5} {
				k := newTask[T](nn.Arch{Dims: c.dims, Bias: rows > 1, Place: nn.Place(rows % 2)}, c.pi, gain, rows)
				for name, m := range map[string]infer.Method[T]{"exact": &infer.Exact[T]{}, "auto": &infer.Auto[T]{}} {
					w, r := solve[T](t, k.errors(), rows, m, infer.Settings{Tol: 10 * tol})
					where := fmt.Sprintf("%s on %v, π = %v, %d samples, gain %v", name, c.dims, c.pi, rows, gain)
					most := 1
					if single[T]() {
						most = 2 // a step of refinement
					}
					if r.Count[infer.Equilibrium] != rows || r.Steps > most {
						t.Errorf("%s: statuses %v after %d steps", where, r.Count, r.Steps)
					}
					oracle := k.oracle()
					for i := range rows {
						f, e := oracle.linearMinimum(t, wide(k.x.Row(i)), wide(k.y.Row(i)))
						if !check.Close(w.F[i], f, tol) {
							t.Errorf("%s: F* = %v, want %v", where, w.F[i], f)
						}
						if d := check.RelError(wide(w.Z.Row(i)), e); !(d <= tol) {
							t.Errorf("%s: e* is off by %g", where, d)
						}
					}
				}
			}
		}
	}
}

// TestExactIgnoresWhereItStarts, and so do its energies at the start, which are those of the feedforward point.
func TestExactIgnoresWhereItStarts(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}}, nil, 1, 3)
	w, r := solve[float64](t, k.errors(), 3, &infer.Exact[float64]{}, infer.Settings{Tol: 1e-9})
	f := k.errors()
	away := infer.NewWork[float64](3, f.Dim())
	for i := range away.Z.Data {
		away.Z.Data[i] = float64(i)
	}
	s, err := infer.Solve[float64](f, away, &infer.Exact[float64]{}, infer.Settings{Tol: 1e-9})
	if err != nil {
		t.Fatal(err)
	}
	if s != r || !check.Same(w.Z, away.Z) {
		t.Errorf("from elsewhere %+v, want %+v", s, r)
	}
}

// TestExactRefusesWhatIsNotQuadratic, with an error that says what it needs and what to use.
func TestExactRefusesWhatIsNotQuadratic(t *testing.T) {
	linear := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}}, nil, 1, 3)
	tanh := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}, Act: nn.Tanh}, nil, 1, 3)
	free := &energy.PC[float64]{Net: linear.pc.Net, Clamped: []int{2}}
	generative := free.NewState(3)
	generative.Clamp(2, linear.y)
	for name, f := range map[string]infer.Objective[float64]{
		"activities": linear.activities(),
		"tanh":       tanh.errors(),
		"free input": generative.Errors(),
		"diagonal":   &diagonal[float64]{a: tensor.Of(3, 2, ones(6)), c: tensor.Of(3, 2, ones(6))},
	} {
		w := infer.NewWork[float64](3, f.Dim())
		r, err := infer.Solve[float64](f, w, &infer.Exact[float64]{}, infer.Settings{})
		if err == nil || r != (infer.Result{}) {
			t.Errorf("%s: error %v, result %+v", name, err, r)
			continue
		}
		for _, word := range []string{"exact", "linear", "error coordinates", "auto"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not mention %q", name, err, word)
			}
		}
	}
}
