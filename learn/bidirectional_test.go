package learn_test

import (
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// TestBidirectionalSettlesInClosedForm: one hidden layer, linear, both ways: with x and y clamped
//
//	(I + W₂ᵀW₂ + I + V₂ᵀV₂) z = W₁x + W₂ᵀy + V₁y + V₂ᵀx,
//
// W up, V down, V₂ predicting x from z.
func TestBidirectionalSettlesInClosedForm(t *testing.T) {
	up, down := build[float64](nn.Arch{Dims: []int{4, 3, 2}}, 1), build[float64](nn.Arch{Dims: []int{2, 3, 4}}, 1.3)
	b := draw(up, batchRows)
	f := energy.NewBidirectional(&energy.PC[float64]{Net: up}, &energy.PC[float64]{Net: down}, batchRows)
	f.Clamp(0, b.X)
	f.Clamp(2, b.Y)
	dense := func(n *nn.Network[float64], l int) *mat.Dense {
		return mat.NewDense(n.Width(l), n.Width(l-1), append([]float64(nil), n.Of(l, n.Theta())...))
	}
	w1, w2, v1, v2 := dense(up, 1), dense(up, 2), dense(down, 1), dense(down, 2)
	var a, c mat.Dense
	a.Mul(w2.T(), w2)
	c.Mul(v2.T(), v2)
	a.Add(&a, &c)
	for i := range 3 {
		a.Set(i, i, a.At(i, i)+2)
	}
	for _, m := range []infer.Method[float64]{&infer.Auto[float64]{}, &infer.Euler[float64]{DT: 0.1}} {
		w := infer.NewWork[float64](batchRows, f.Dim())
		f.Start(w.Z)
		r, err := infer.Solve[float64](f, w, m, infer.Settings{Tol: 1e-10, MaxPasses: 1e5, Patience: -1})
		if err != nil || r.Count[infer.Equilibrium] != batchRows {
			t.Fatalf("%T: %v, %v", m, r.Count, err)
		}
		for i := range batchRows {
			x, y := mat.NewVecDense(4, b.X.Row(i)), mat.NewVecDense(2, b.Y.Row(i))
			var rhs, part, z mat.VecDense
			rhs.MulVec(w1, x)
			for _, term := range []struct {
				m mat.Matrix
				v *mat.VecDense
			}{{w2.T(), y}, {v1, y}, {v2.T(), x}} {
				part.Reset()
				part.MulVec(term.m, term.v)
				rhs.AddVec(&rhs, &part)
			}
			if err := z.SolveVec(&a, &rhs); err != nil {
				t.Fatal(err)
			}
			if d := check.RelError(w.Z.Row(i), z.RawVector().Data); !(d < 1e-8) {
				t.Errorf("%T: sample %d is off by %g", m, i, d)
			}
		}
	}
}
