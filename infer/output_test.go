package infer_test

import (
	"math"
	"strings"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
)

// classed makes the task one of another output term, with one-hot targets.
func (k *task[T]) classed(out energy.Output[T]) *task[T] {
	k.pc.Output = out
	for i := range k.y.Rows {
		y := k.y.Row(i)
		clear(y)
		y[i%len(y)] = 1
	}
	return k
}

// TestGapWithOtherOutputTerms: with terms that are not quadratic too, the estimate at which inference stops is within a factor
// three of the gap; F_min is the lowest of two long runs.
func TestGapWithOtherOutputTerms(t *testing.T) {
	const rows = 16
	for _, out := range []energy.Output[float64]{energy.CrossEntropy[float64]{}, energy.Bernoulli[float64]{}} {
		for _, act := range []nn.Activation{nn.Linear, nn.Tanh, nn.ReLU} {
			for _, dims := range [][]int{{20, 30, 10}, {20, 30, 30, 30, 10}} {
				for _, gain := range []float64{0.58, 1.4} {
					a := nn.Arch{Dims: dims, Act: act}
					k := newTask[float64](a, nil, gain, rows).classed(out)
					lowest := make([]float64, rows)
					for i := range lowest {
						lowest[i] = math.Inf(1)
					}
					for _, first := range []float64{0, 0.01} {
						w, _ := solve[float64](t, k.errors(), rows, &infer.BarzilaiBorwein[float64]{First: first}, infer.Settings{Tol: 1e-9, MaxPasses: 2000, Patience: -1})
						for i, f := range w.F {
							lowest[i] = math.Min(lowest[i], f)
						}
					}
					for _, gap := range []float64{0.1, 0.01} {
						w, r := solve[float64](t, k.errors(), rows, &infer.Auto[float64]{}, infer.Settings{Gap: gap})
						var left, all float64
						for i, f := range w.F {
							left += f - lowest[i]
							all += w.Start()[i] - lowest[i]
						}
						ratio := r.Gap() / (left / all)
						if !(ratio > 1/3.0 && ratio < 3) {
							t.Errorf("%T, %v, gain %v: gap %.2g taken for %.2g, %.2f of it", out, a, gain, left/all, r.Gap(), ratio)
						}
					}
				}
			}
		}
	}
}

// TestMethodsThatNeedSquaredErrorSaySo.
func TestMethodsThatNeedSquaredErrorSaySo(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{5, 6, 3}}, nil, 1, 4).classed(energy.CrossEntropy[float64]{})
	for _, m := range []infer.Method[float64]{&infer.GaussNewton[float64]{}, &infer.Exact[float64]{}, &infer.Chord[float64]{}} {
		f := k.errors()
		_, err := infer.Solve[float64](f, infer.NewWork[float64](4, f.Dim()), m, infer.Settings{})
		if err == nil || !strings.Contains(err.Error(), "squared error") {
			t.Errorf("%T: error %v, want one that names squared error", m, err)
		}
	}
}

// TestAllMethodsMeetOnOtherOutputTerms: the minimum does not depend on method or coordinates.
func TestAllMethodsMeetOnOtherOutputTerms(t *testing.T) {
	for _, out := range []energy.Output[float64]{energy.CrossEntropy[float64]{}, energy.Bernoulli[float64]{}} {
		k := newTask[float64](nn.Arch{Dims: []int{5, 6, 6, 3}, Act: nn.Tanh}, []float64{1, 2, 1.5}, 1, 4).classed(out)
		var want float64
		for i, run := range []struct {
			f objective[float64]
			m infer.Method[float64]
		}{
			{k.errors(), &infer.Auto[float64]{}}, {k.errors(), &infer.ConjugateGradient[float64]{}},
			{k.activities(), &infer.Euler[float64]{DT: 0.1}}, {k.activities(), &infer.BarzilaiBorwein[float64]{}},
		} {
			_, r := solve[float64](t, run.f, 4, run.m, infer.Settings{Tol: 1e-7, MaxPasses: 1e5, Patience: -1})
			if r.Count[infer.Equilibrium] != 4 {
				t.Errorf("%T, run %d: %v", out, i, r.Count)
			}
			if i == 0 {
				want = r.F
			}
			// F − F* is of second order in the residual.
			if !(math.Abs(r.F-want) < 1e-10*want) || !(r.F < 0.99*r.FStart) {
				t.Errorf("%T, run %d: F = %v from %v, want %v", out, i, r.F, r.FStart, want)
			}
		}
	}
}
