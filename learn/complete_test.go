package learn_test

import (
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
)

// TestCompletionIsTheConditionalMean of the Gaussian y = W z + e: E[y_u | y_k] = W_u (λ I + W_kᵀW_k)⁻¹ W_kᵀ y_k; and causes are ridge
// regression on all of y.
func TestCompletionIsTheConditionalMean(t *testing.T) {
	const rows, lambda = 6, 0.3
	net := build[float64](nn.Arch{Dims: []int{2, 5}}, 1)
	problem := &energy.PC[float64]{Net: net, Decay: []float64{lambda, 0}}
	b := draw(net, rows)
	settings := infer.Settings{Tol: 1e-11, MaxPasses: 1e5, Patience: -1}
	z, r, err := learn.Causes(problem, b.Y, &infer.Auto[float64]{}, settings)
	if err != nil || r.Count[infer.Equilibrium] != rows {
		t.Fatalf("%v, %v", r.Count, err)
	}
	m := ridge(t, net, lambda)
	for i := range rows {
		var want mat.VecDense
		want.MulVec(m, mat.NewVecDense(5, b.Y.Row(i)))
		if d := check.RelError(z.Row(i), want.RawVector().Data); !(d < 1e-9) {
			t.Errorf("causes of pattern %d are off by %g", i, d)
		}
	}
	known := []bool{true, false, true, true, false}
	given := check.Clone(b.Y)
	for i := range rows {
		given.Row(i)[1], given.Row(i)[4] = 100, -100 // what stands in place of the unknown does not matter
	}
	if r, err = learn.Complete(problem, given, known, &infer.Auto[float64]{}, settings); err != nil || r.Count[infer.Equilibrium] != rows {
		t.Fatalf("%v, %v", r.Count, err)
	}
	w := mat.NewDense(5, 2, append([]float64(nil), net.Theta()...))
	seen, a := mat.NewDense(3, 2, nil), mat.NewDense(2, 2, nil)
	for p, k := range []int{0, 2, 3} {
		seen.SetRow(p, w.RawRowView(k))
	}
	a.Mul(seen.T(), seen)
	for i := range 2 {
		a.Set(i, i, a.At(i, i)+lambda)
	}
	for i := range rows {
		y := b.Y.Row(i)
		var rhs, cause, all mat.VecDense
		rhs.MulVec(seen.T(), mat.NewVecDense(3, []float64{y[0], y[2], y[3]}))
		if err := cause.SolveVec(a, &rhs); err != nil {
			t.Fatal(err)
		}
		all.MulVec(w, &cause)
		for k, v := range given.Row(i) {
			want := all.AtVec(k)
			if known[k] {
				want = y[k]
			}
			if !check.Close(v, want, 1e-8) {
				t.Errorf("element %d of pattern %d is %v, want %v", k, i, v, want)
			}
		}
	}
}

// TestRefusedRecallLeavesThePatterns as they are.
func TestRefusedRecallLeavesThePatterns(t *testing.T) {
	net := build[float64](nn.Arch{Dims: []int{2, 4, 5}, Act: nn.Tanh}, 1)
	y := draw(net, 3).Y
	before := check.Clone(y)
	if _, err := learn.Complete(&energy.PC[float64]{Net: net}, y, make([]bool, 5), &infer.Exact[float64]{}, infer.Settings{}); err == nil || !check.Same(y, before) {
		t.Errorf("error %v, patterns %v", err, y.Data)
	}
}

// TestRecallFromAGuess ends where it does from z_0 = 0: guessing rightly, by ridge regression, there is nothing left to infer of a whole
// pattern; wrongly, all.
func TestRecallFromAGuess(t *testing.T) {
	const rows, lambda = 6, 0.3
	net, up := build[float64](nn.Arch{Dims: []int{2, 5}}, 1), build[float64](nn.Arch{Dims: []int{5, 2}}, 1)
	problem := &energy.PC[float64]{Net: net, Decay: []float64{lambda, 0}}
	b := draw(net, rows)
	settings := infer.Settings{Tol: 1e-11, MaxPasses: 1e5, Patience: -1}
	known, auto := []bool{true, false, true, true, false}, &infer.Auto[float64]{}
	z, _, err := learn.Causes(problem, b.Y, auto, settings)
	if err != nil {
		t.Fatal(err)
	}
	whole := check.Clone(b.Y)
	if _, err := learn.Complete(problem, whole, known, auto, settings); err != nil {
		t.Fatal(err)
	}
	for _, exact := range []bool{false, true} {
		if exact {
			up.Update(func(theta []float64) { copy(theta, ridge(t, net, lambda).RawMatrix().Data) })
		}
		recall := learn.Recall[float64]{Problem: problem, Up: up}
		from, r, err := recall.Causes(b.Y, auto, settings)
		if err != nil || r.Count[infer.Equilibrium] != rows || (r.Steps == 0) != exact || !(check.RelError(from.Data, z.Data) < 1e-9) {
			t.Errorf("an exact guess: %v: %d steps, off by %g; %v", exact, r.Steps, check.RelError(from.Data, z.Data), err)
		}
		guessed := check.Clone(b.Y)
		if _, err := recall.Complete(guessed, known, auto, settings); err != nil || !(check.RelError(guessed.Data, whole.Data) < 1e-9) {
			t.Errorf("an exact guess: %v: patterns are off by %g, %v", exact, check.RelError(guessed.Data, whole.Data), err)
		}
	}
}
