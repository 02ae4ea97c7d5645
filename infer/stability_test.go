package infer_test

import (
	"testing"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// TestLargestEigenvaluesAreTheOracles, in both coordinates: those of the oracle's Hessian at the feedforward point, which in
// errors is, for linear networks, D + hJᵀJ.
func TestLargestEigenvaluesAreTheOracles(t *testing.T) {
	both(t, checkEigenvalues[float32], checkEigenvalues[float64])
}

func checkEigenvalues[T tensor.Float](t *testing.T) {
	const rows = 3
	for _, c := range []struct {
		act nn.Activation
		pi  []float64
	}{{nn.Linear, nil}, {nn.Linear, []float64{0.5, 2, 3}}, {nn.Tanh, nil}} {
		k := newTask[T](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: c.act}, c.pi, 1, rows)
		m := k.oracle()
		for _, activities := range []bool{false, true} {
			if c.act == nn.Tanh && !activities {
				continue // the oracle has the Hessian in activities alone
			}
			f := k.in(activities)
			z := tensor.New[T](rows, f.Dim())
			f.Start(z)
			for i, got := range infer.LargestEigenvalues[T](f, z) {
				x, y := wide(k.x.Row(i)), wide(k.y.Row(i))
				want := largestEigenvalue(t, m.precisions(), m.pi[m.layers()-1], m.outputJacobian(x))
				if activities {
					want = m.activityEigenvalue(t, x, y)
				}
				if !check.Close(got, want, 0.03) || got > want*1.001 {
					t.Errorf("%v, π = %v, activities %v, sample %d: %v, want %v", c.act, c.pi, activities, i, got, want)
				}
			}
		}
	}
}

// TestTwiceTheInverseEigenvalueIsTheLimit: on a quadratic, Euler settles with a step below 2/λ_max and diverges above it.
func TestTwiceTheInverseEigenvalueIsTheLimit(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}}, nil, 1.5, 1)
	for _, activities := range []bool{false, true} {
		f := k.in(activities)
		z := tensor.New[float64](1, f.Dim())
		f.Start(z)
		limit := 2 / infer.LargestEigenvalues[float64](f, z)[0]
		for share, want := range map[float64]infer.Status{0.97: infer.Equilibrium, 1.2: infer.Diverged} {
			_, r := solve[float64](t, k.in(activities), 1, &infer.Euler[float64]{DT: share * limit}, infer.Settings{Tol: 1e-6, MaxPasses: 1e5})
			if r.Count[want] != 1 {
				t.Errorf("activities %v, dt = %v of the limit: %v, want %v", activities, share, r.Count, want)
			}
		}
	}
}
