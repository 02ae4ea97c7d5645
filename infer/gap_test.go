package infer_test

import (
	"math"
	"testing"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
)

// TestGapIsEstimatedWithinAFactorThree of (F − F_min)/(F_start − F_min) when it stops inference, on tanh and ReLU networks
// from PyTorch's initial scale up (gain 1/√3), at the gaps that training uses. F_min is the lowest that long float64 runs
// from different first steps have seen.
func TestGapIsEstimatedWithinAFactorThree(t *testing.T) {
	const rows = 16
	for _, c := range []struct {
		act  nn.Activation
		dims []int
		gain float64
	}{
		{nn.Tanh, []int{20, 30, 10}, 0.58},
		{nn.Tanh, []int{20, 30, 10}, 2},
		{nn.Tanh, []int{20, 30, 30, 30, 10}, 0.58},
		{nn.Tanh, []int{20, 30, 30, 30, 10}, 1.4},
		{nn.Tanh, []int{20, 30, 30, 30, 30, 30, 30, 10}, 1},
		{nn.ReLU, []int{20, 30, 10}, 0.58},
		{nn.ReLU, []int{20, 30, 10}, 2},
		{nn.ReLU, []int{20, 30, 30, 30, 10}, 0.58},
		{nn.ReLU, []int{20, 30, 30, 30, 10}, 1.4},
	} {
		a := nn.Arch{Dims: c.dims, Act: c.act}
		k := newTask[float64](a, nil, c.gain, rows)
		lowest := make([]float64, rows)
		for i := range lowest {
			lowest[i] = math.Inf(1)
		}
		for _, first := range []float64{0, 0.01} {
			w, _ := solve[float64](t, k.errors(), rows, &infer.BarzilaiBorwein[float64]{First: first}, infer.Settings{Tol: 1e-7, MaxPasses: 300, Patience: -1})
			for i, f := range w.F {
				lowest[i] = math.Min(lowest[i], f)
			}
		}
		for _, gap := range []float64{0.1, 0.03, 0.01} {
			w, r := solve[float64](t, k.errors(), rows, &infer.BarzilaiBorwein[float64]{}, infer.Settings{Gap: gap})
			var left, all float64
			for i, f := range w.F {
				left += f - lowest[i]
				all += w.Start()[i] - lowest[i]
			}
			if r.Count[infer.Gap] != rows || r.Gap() > gap {
				t.Errorf("%v, gain %v: asked for a gap of %g, %v at %g", a, c.gain, gap, r.Count, r.Gap())
			}
			if ratio := r.Gap() / (left / all); !(ratio > 1/3.0 && ratio < 3) {
				t.Errorf("%v, gain %v: gap %.2g taken for %.2g, %.2f of it", a, c.gain, left/all, r.Gap(), ratio)
			}
			if excess := r.Excess / (r.FStart - r.F); !(math.Abs(excess-r.Gap()) < 1e-15) {
				t.Errorf("gap %v, but excess over fall %v", r.Gap(), excess)
			}
		}
	}
}
