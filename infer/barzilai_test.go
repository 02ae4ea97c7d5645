package infer_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// TestStepsAreBarzilaiAndBorweins follows the method by hand, in the textbook's vectors s and y, on two samples with a
// dense quadratic and a first step short enough that no trial is rejected. With precisions the vectors are those of the
// coordinates √D z.
func TestStepsAreBarzilaiAndBorweins(t *testing.T) {
	const rows, dim, first, n = 2, 5, 0.02, 6
	for _, d := range [][]float64{nil, {0.25, 0.5, 4, 1, 2}} {
		b := newBowl[float64](rows, dim, 3, d, 30)
		h := hessian(b.d, b.h, b.dense())
		for i := range rows {
			z, step, changes := make([]float64, dim), first, 0
			for k := range n {
				all, grad := tensor.New[float64](rows, dim), tensor.New[float64](rows, dim)
				copy(all.Row(i), z)
				b.Eval(make([]float64, rows), grad, all)
				var ss, sy, yy, gg, scaled float64
				move := mat.NewVecDense(dim, nil) // of z
				for j, g := range grad.Row(i) {
					move.SetVec(j, -step*g/b.d[j])
				}
				var change mat.VecDense // of the gradient of a quadratic
				change.MulVec(h, move)
				for j := range z {
					s, y := math.Sqrt(b.d[j])*move.AtVec(j), change.AtVec(j)/math.Sqrt(b.d[j])
					ss, sy, yy = ss+s*s, sy+s*y, yy+y*y
					z[j] += move.AtVec(j)
					g := grad.Row(i)[j] + change.AtVec(j)
					gg, scaled = gg+g*g, scaled+g*g/b.d[j]
				}
				w, r := solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, &infer.BarzilaiBorwein[float64]{First: first}, steps(k+1))
				if off := check.RelError(w.Z.Row(i), z); r.Steps != k+1 || !(off < 1e-9) {
					t.Fatalf("D = %v, sample %d: after %d steps z is off by %g", d, i, r.Steps, off)
				}
				// Along the gradient g of the new point, the long step of √D z is one of gᵀD⁻¹g/gᵀg times the length.
				if want := math.Min(ss/sy, 1) * scaled / gg; !check.Close(w.Alpha[i], want, 1e-9) {
					t.Errorf("D = %v, sample %d: α = %v after step %d, want the long step %v", d, i, w.Alpha[i], k, want)
				}
				if step = ss / sy; sy/yy < step/2 {
					step = sy / yy
					changes++
				}
			}
			if changes == 0 || changes == n {
				t.Errorf("D = %v, sample %d took %d short steps of %d: the test wants both kinds", d, i, changes, n)
			}
		}
	}
}

// TestTheFirstStepGoesToTheMinimumOrBeyond: in the metric of D the first move −a D⁻¹g is never shorter than the one to the
// minimum along it, and just that where y is an eigenvector of J D⁻¹ Jᵀ.
func TestTheFirstStepGoesToTheMinimumOrBeyond(t *testing.T) {
	const rows, dim = 4, 5
	for _, d := range [][]float64{nil, {0.25, 0.5, 4, 1, 2}} {
		b := newBowl[float64](rows, dim, 3, d, 30)
		var u mat.SVD
		var scaled mat.Dense
		root := mat.NewDiagDense(dim, nil)
		for k, v := range b.d {
			root.SetDiag(k, 1/math.Sqrt(v))
		}
		scaled.Mul(b.dense(), root)
		u.Factorize(&scaled, mat.SVDThin)
		var left mat.Dense
		u.UTo(&left)
		for k := range 3 { // the last sample's target is the second eigenvector
			b.y.Row(rows - 1)[k] = 3 * left.At(k, 1)
		}
		h := mat.NewDense(dim, dim, nil)
		h.Copy(hessian(b.d, b.h, b.dense()))
		g := tensor.New[float64](rows, dim)
		b.Eval(make([]float64, rows), g, tensor.New[float64](rows, dim))
		w, _ := solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, &infer.BarzilaiBorwein[float64]{}, steps(1))
		for i := range rows {
			move := mat.NewVecDense(dim, nil)
			for k, v := range g.Row(i) {
				move.SetVec(k, -v/b.d[k])
			}
			var hm mat.VecDense
			hm.MulVec(h, move)
			toMinimum := -mat.Dot(move, mat.NewVecDense(dim, g.Row(i))) / mat.Dot(move, &hm)
			took := w.Z.Row(i)[0] / move.AtVec(0)
			if w.Z.Row(i)[0] == 0 { // rejected: too long by much
				took = math.Inf(1)
			}
			if !(took >= toMinimum*(1-1e-12)) || (i == rows-1 && !check.Close(took, toMinimum, 1e-12)) {
				t.Errorf("D = %v, sample %d: first step %v, to the minimum %v", d, i, took, toMinimum)
			}
		}
	}
}

// TestPrecisionsOnlyScale: with all precisions times c, F is c times as large and the way to its minimum the same, in
// steps 1/c as long. The limits on the step are therefore relative to the precision.
func TestPrecisionsOnlyScale(t *testing.T) {
	const rows = 5
	a := nn.Arch{Dims: []int{4, 6, 5, 3}, Act: nn.Tanh, Bias: true}
	pi := []float64{1, 2, 4}
	s := infer.Settings{Tol: 1e-6, Gap: 1e-9}
	want, r := solve[float64](t, newTask[float64](a, pi, 1.3, rows).errors(), rows, &infer.Auto[float64]{}, s)
	if r.Count[infer.Equilibrium]+r.Count[infer.Gap] != rows {
		t.Fatalf("statuses %v", r.Count)
	}
	for _, c := range []float64{0x1p-30, 0x1p-7, 0x1p+7, 0x1p+30} { // powers of two, so that rounding is the same
		scaled := []float64{c * pi[0], c * pi[1], c * pi[2]}
		w, got := solve[float64](t, newTask[float64](a, scaled, 1.3, rows).errors(), rows, &infer.Auto[float64]{}, s)
		if got.Steps != r.Steps || got.Count != r.Count || got.F != c*r.F || got.Gap() != r.Gap() || !check.Same(w.Z, want.Z) {
			t.Errorf("precisions times %g: %d steps, %v, F = %g c; want %d, %v, %g", c, got.Steps, got.Count, got.F/c, r.Steps, r.Count, r.F)
		}
	}
}

// TestHiddenPrecisionsCostNothing: precisions of hidden layers spread over three orders of magnitude take no more steps
// than all 1. Moves along ∂F/∂e instead of D⁻¹ ∂F/∂e would have to find each precision as an eigenvalue of its own.
func TestHiddenPrecisionsCostNothing(t *testing.T) {
	const rows = 5
	a := nn.Arch{Dims: []int{4, 6, 6, 6, 3}, Act: nn.Tanh}
	steps := func(pi []float64) int {
		_, r := solve[float64](t, newTask[float64](a, pi, 1, rows).errors(), rows, &infer.BarzilaiBorwein[float64]{}, infer.Settings{Tol: 1e-6})
		if r.Count[infer.Equilibrium] != rows {
			t.Errorf("π = %v: %v", pi, r.Count)
		}
		return r.Steps
	}
	most := steps(nil)
	for _, pi := range [][]float64{{1, 30, 1000, 1}, {1000, 1, 30, 1}, {30, 1000, 1, 1}} {
		if n := steps(pi); n > most {
			t.Errorf("π = %v: %d steps, with all 1 %d", pi, n, most)
		}
	}
}

// TestSharpOutputsAreSettled: an output precision of up to 10⁸ makes λ_max as large, and steps as short, which no limit on
// them may forbid. The eigenvalues then fall in two groups, and the way is short.
func TestSharpOutputsAreSettled(t *testing.T) {
	const rows = 5
	a := nn.Arch{Dims: []int{4, 6, 6, 6, 3}, Act: nn.Tanh}
	for _, sharp := range []float64{1e4, 1e6, 1e8} {
		_, r := solve[float64](t, newTask[float64](a, []float64{1, 1, 1, sharp}, 1, rows).errors(), rows, &infer.BarzilaiBorwein[float64]{}, infer.Settings{Tol: 1e-4})
		if r.Count[infer.Equilibrium] != rows || r.Steps > 20 {
			t.Errorf("π_L = %g: %v after %d steps, want equilibrium within 20", sharp, r.Count, r.Steps)
		}
	}
}

// TestABadFirstStepIsSurvived: first steps from far too short to far too long end at the same energy.
func TestABadFirstStepIsSurvived(t *testing.T) {
	const rows = 5
	b := newBowl[float64](rows, 12, 4, nil, 300)
	want := b.minima(t)
	for _, first := range []float64{1e-9, 1e-4, 1e-2, 1, 1e9} {
		w, r := solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, &infer.BarzilaiBorwein[float64]{First: first}, infer.Settings{Tol: 1e-8, MaxPasses: 1000})
		if d := check.RelError(w.F, want); r.Count[infer.Equilibrium] != rows || !(d < 1e-10) {
			t.Errorf("first step %g: %v, F* off by %g", first, r.Count, d)
		}
	}
}

// TestARejectedTrialLeavesNoTrace: F never ends more than 20 % above the best that a sample has seen, whatever the first
// step and the limit on passes.
func TestARejectedTrialLeavesNoTrace(t *testing.T) {
	const rows = 4
	k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: nn.ReLU, Bias: true}, nil, 2.5, rows)
	for _, first := range []float64{0.05, 0.3, 1} {
		best := make([]float64, rows)
		for n := range 25 {
			w, _ := solve[float64](t, k.errors(), rows, &infer.BarzilaiBorwein[float64]{First: first}, steps(n))
			for i, f := range w.F {
				if n == 0 {
					best[i] = f
				}
				if f > 1.2*best[i]*(1+1e-12) {
					t.Errorf("first step %g, sample %d: F = %v after %d steps, the best was %v", first, i, f, n, best[i])
				}
				best[i] = math.Min(best[i], f)
			}
		}
	}
}

// TestAutoChooses Exact for a quadratic in errors, where it ends in one step; one step of Chord and then BarzilaiBorwein
// where a smooth network's samples share their curvature; else BarzilaiBorwein, step by step.
func TestAutoChooses(t *testing.T) {
	const rows = 8
	for _, c := range []struct {
		act        nn.Activation
		gain       float64
		activities bool
		same       infer.Method[float64]
		first      int // steps by it
	}{
		{nn.Linear, 1, false, &infer.Exact[float64]{}, 1},
		{nn.Linear, 1, true, &infer.BarzilaiBorwein[float64]{}, 1e6},
		{nn.Tanh, 0.3, false, &infer.Chord[float64]{}, 1},
		{nn.Tanh, 3, false, &infer.BarzilaiBorwein[float64]{}, 1e6},
		{nn.Tanh, 1, true, &infer.BarzilaiBorwein[float64]{}, 1e6},
		{nn.ReLU, 0.5, false, &infer.BarzilaiBorwein[float64]{}, 1e6},
	} {
		where := fmt.Sprintf("%v, gain %v, activities %v", c.act, c.gain, c.activities)
		k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: c.act}, nil, c.gain, rows)
		s := infer.Settings{Tol: 1e-6, MaxPasses: 1e4}
		_, all := solve[float64](t, k.in(c.activities), rows, &infer.Auto[float64]{}, s)
		if c.act.Smooth() && all.Count[infer.Equilibrium] != rows { // ReLU may stall at a kink
			t.Errorf("%s: %v", where, all.Count)
		}
		measuring := 0.0
		if e, ok := k.in(c.activities).(infer.Curved[float64]); ok && c.act == nn.Tanh {
			measuring = float64(2+2*e.Outputs()) / rows
			if _, ok := c.same.(*infer.Chord[float64]); ok {
				measuring = 0 // Chord measures too
			}
		}
		for n := 1; n <= min(c.first, all.Steps); n++ {
			a, ra := solve[float64](t, k.in(c.activities), rows, &infer.Auto[float64]{}, steps(n))
			b, rb := solve[float64](t, k.in(c.activities), rows, c.same, steps(n))
			if math.Abs(ra.Passes-rb.Passes-measuring) > 1e-12 || !check.Same(a.Z, b.Z) {
				t.Errorf("%s: after %d steps %+v, want %+v of %T", where, n, ra, rb, c.same)
			}
		}
	}
}
