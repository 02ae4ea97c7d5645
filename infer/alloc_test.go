package infer_test

import (
	"testing"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// TestSolveAllocatesNothing once its scratch has grown, also when shards of several sizes take turns.
func TestSolveAllocatesNothing(t *testing.T) { both(t, checkAllocs[float32], checkAllocs[float64]) }

func checkAllocs[T tensor.Float](t *testing.T) {
	const rows = 6
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh, nn.ReLU} {
		k := newTask[T](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: act, Bias: true}, []float64{1, 2, 3}, 1.5, rows)
		for _, activities := range []bool{false, true} {
			for _, m := range []infer.Method[T]{&infer.Euler[T]{}, &infer.BarzilaiBorwein[T]{First: 1}, &infer.BarzilaiBorwein[T]{}, &infer.Exact[T]{}, &infer.Chord[T]{}, &infer.ConjugateGradient[T]{}, &infer.GaussNewton[T]{}, &infer.Auto[T]{}} {
				if !fits(m, act, activities) {
					continue
				}
				whole, part := k.in(activities), k.rowsOf(0, 2).in(activities)
				w := infer.NewWork[T](rows, whole.Dim())
				window := w.RowsOf(0, 2)
				n := testing.AllocsPerRun(3, func() {
					whole.Start(w.Z)
					if _, err := infer.Solve[T](whole, w, m, infer.Settings{Tol: 1e-3, Gap: 1e-3}); err != nil {
						t.Fatal(err)
					}
					part.Start(window.Z)
					if _, err := infer.Solve[T](part, window, m, infer.Settings{Tol: 1e-3}); err != nil {
						t.Fatal(err)
					}
				})
				if n != 0 {
					t.Errorf("%T, %v, activities %v: %v allocations", m, act, activities, n)
				}
			}
		}
		var c infer.Curvature[T]
		f := k.state().Errors()
		if n := testing.AllocsPerRun(3, func() { c.Measure(f, 2) }); n != 0 {
			t.Errorf("Measure, %v: %v allocations", act, n)
		}
	}
}
