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

// TestFirstStepsAreTheShortOnes: sᵀy/yᵀy of the first move, gᵀHg/gᵀH²g, for each sample; 0 for one that made none.
func TestFirstStepsAreTheShortOnes(t *testing.T) {
	const rows = 3
	b := newBowl[float64](rows, 5, 3, nil, 30)
	tensor.Zero(b.y.RowsOf(1, 2)) // at its minimum from the start
	h := hessian(b.d, b.h, b.dense())
	g := tensor.New[float64](rows, 5)
	b.Eval(make([]float64, rows), g, tensor.New[float64](rows, 5))
	m := &infer.BarzilaiBorwein[float64]{First: 0.01}
	solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, m, infer.Settings{Tol: 1e-6})
	for i, got := range m.FirstSteps() {
		var gHg, gHHg float64
		for j := range 5 {
			hg := 0.0
			for k := range 5 {
				hg += h.At(j, k) * g.Row(i)[k]
			}
			gHg += g.Row(i)[j] * hg
			gHHg += hg * hg
		}
		want := gHg / gHHg
		if i == 1 {
			want = 0
		}
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("sample %d: %v, want %v", i, got, want)
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

// TestAutoChooses Exact for a quadratic in errors, where it ends in one step, else BarzilaiBorwein, step by step.
func TestAutoChooses(t *testing.T) {
	const rows = 5
	for _, c := range []struct {
		act        nn.Activation
		activities bool
		same       infer.Method[float64]
	}{
		{nn.Linear, false, &infer.Exact[float64]{}},
		{nn.Linear, true, &infer.BarzilaiBorwein[float64]{}},
		{nn.Tanh, false, &infer.BarzilaiBorwein[float64]{}},
		{nn.Tanh, true, &infer.BarzilaiBorwein[float64]{}},
	} {
		k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: c.act}, nil, 1, rows)
		s := infer.Settings{Tol: 1e-6, MaxPasses: 1e4}
		auto := &infer.Auto[float64]{}
		a, ra := solve[float64](t, k.in(c.activities), rows, auto, s)
		b, rb := solve[float64](t, k.in(c.activities), rows, c.same, s)
		// Unknown excess is NaN in activities: print, which takes NaN for NaN.
		if fmt.Sprint(ra) != fmt.Sprint(rb) || !check.Same(a.Z, b.Z) {
			t.Errorf("%v, activities %v: %+v, want %+v of %T", c.act, c.activities, ra, rb, c.same)
		}
		first := c.same.(infer.Sharer[float64]).FirstSteps()
		if fmt.Sprint(auto.FirstSteps()) != fmt.Sprint(first) || (first == nil) != (c.act == nn.Linear && !c.activities) {
			t.Errorf("%v, activities %v: first steps %v, want %v", c.act, c.activities, auto.FirstSteps(), first)
		}
	}
}
