package theory

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// TestLanczos: the ends of the spectrum against gonum's dense eigenvalues, for Hessians at random weights, multiple
// eigenvalues, and the zero matrix.
func TestLanczos(t *testing.T) {
	p := newProblem(t, nn.Arch{Dims: []int{4, 5, 4, 3}, Act: nn.Tanh, Bias: true}, nil, 1, 9)
	samples := p.samples(p.net.Theta())
	energy, err := EnergyHessian(settle(t, samples))
	if err != nil {
		t.Fatal(err)
	}
	diagonal := func(d []float64) Operator {
		return Operator{Dim: len(d), Mul: func(v []float64) []float64 { return times(v, d) }}
	}
	for name, o := range map[string]Operator{
		"𝓛": LossHessian(samples), "F*": energy,
		"multiple": diagonal([]float64{2, 2, 2, -1, -1, 0, 0, 0, 0, 0}),
		"zero":     diagonal(make([]float64, 9)),
		"one":      diagonal([]float64{-3}),
	} {
		want := Eigenvalues(o.Dense())
		low, high := want[0], want[len(want)-1]
		for _, c := range []struct {
			steps int
			tol   float64
			off   float64
		}{{o.Dim, 1e-14, 1e-11}, {60, 1e-6, 1e-6}} {
			x := o.Lanczos(c.steps, c.tol, 4)
			size := max(1e-300, math.Abs(low), math.Abs(high))
			if !(math.Abs(x.Min-low) <= c.off*size && math.Abs(x.Max-high) <= c.off*size) {
				t.Errorf("%s: %v … %v after %d products, want %v … %v", name, x.Min, x.Max, x.Products, low, high)
			}
			if !(math.Abs(x.Min-low) <= x.Bound+1e-12*size) || x.Min < low-1e-12*size || x.Max > high+1e-12*size {
				t.Errorf("%s: %+v leaves %v … %v", name, x, low, high)
			}
		}
	}
}

// TestLanczosBound: an eigenvalue lies within the bound of either end at any number of products, and with two eigenvalues
// apart from the others the process stops long before the dimension.
func TestLanczosBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	d := make([]float64, 300)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	d[7], d[100] = -9, 12
	o := Operator{Dim: len(d), Mul: func(v []float64) []float64 { return times(v, d) }}
	apart := func(v float64) float64 {
		least := math.Inf(1)
		for _, e := range d {
			least = min(least, math.Abs(v-e))
		}
		return least
	}
	for steps := 2; steps < 30; steps++ {
		if x := o.Lanczos(steps, 0, 1); !(apart(x.Min) <= x.Bound+1e-12 && apart(x.Max) <= x.Bound+1e-12) || x.Products != steps {
			t.Errorf("%d products: %+v, %v and %v from an eigenvalue", steps, x, apart(x.Min), apart(x.Max))
		}
	}
	x := o.Lanczos(300, 1e-8, 1)
	if x.Products > 60 || !(x.Bound <= 1e-8*12) || !check.Close(x.Min, -9, 1e-12) || !check.Close(x.Max, 12, 1e-12) {
		t.Errorf("to 1e-8: %+v", x)
	}
}

// TestErrorEnds: on both sides of denseDim. The lowest eigenvalue is the smallest precision, whose layer is wider than the
// output.
func TestErrorEnds(t *testing.T) {
	for _, width := range []int{5, 60} {
		p := newProblem(t, nn.Arch{Dims: []int{3, width, width, width, 2}}, []float64{1, 0.5, 2, 3}, 1, 9)
		s := p.samples(p.net.Theta())[0]
		all := Eigenvalues(s.ErrorCurvature())
		low, high := s.ErrorEnds()
		if !check.Close(low, 0.5, 1e-7) || !check.Close(all[0], 0.5, 1e-12) || !check.Close(high, all[len(all)-1], 1e-7) {
			t.Errorf("width %d: %v … %v, want 0.5 … %v", width, low, high, all[len(all)-1])
		}
	}
	if EscapeRate(2) != 0 || EscapeRate(-2) != 2 {
		t.Error("escape rates of eigenvalues 2 and -2")
	}
}

// TestTridiagonal: products, solutions and ends against the dense matrix, on both sides of denseDim.
func TestTridiagonal(t *testing.T) {
	for _, dims := range [][]int{{3, 4, 2}, {3, 5, 4, 6, 2}, {2, 130, 130, 130, 130, 130, 130, 2}} {
		p := newProblem(t, nn.Arch{Dims: dims, Act: nn.Tanh}, nil, 1, 9)
		h := p.samples(p.net.Theta())[0].Fisher
		dense := h.Dense()
		v := p.vector(h.Dim())
		var want, solved mat.VecDense
		want.MulVec(dense, mat.NewVecDense(len(v), v))
		if e := check.RelError(h.Mul(v), want.RawVector().Data); !(e <= 1e-13) {
			t.Errorf("%v: product is off by %v", dims, e)
		}
		if err := solved.SolveVec(dense, mat.NewVecDense(len(v), v)); err != nil {
			t.Fatal(err)
		}
		f, ok := h.Factor()
		if e := check.RelError(f.Solve(v), solved.RawVector().Data); !ok || !(e <= 1e-10) {
			t.Errorf("%v: solution is off by %v", dims, e)
		}
		all := Eigenvalues(dense)
		low, high, ok := h.Ends()
		if !ok || !check.Close(low, all[0], 1e-5) || !check.Close(high, all[len(all)-1], 1e-5) {
			t.Errorf("%v: ends %v … %v, want %v … %v", dims, low, high, all[0], all[len(all)-1])
		}
		if _, ok := h.Shift(-2 * all[0]).Factor(); ok {
			t.Errorf("%v: factorised a matrix that is not positive definite", dims)
		}
	}
}

// TestChainConditionNumber: a linear chain of width 1 with weights 1 has the Hessian tridiag(−1, 2, −1), whose
// eigenvalues are 2 − 2cos(kπ/L), k = 1…L−1: the condition number grows like (2L/π)².
func TestChainConditionNumber(t *testing.T) {
	for _, L := range []int{2, 5, 20} {
		dims, theta := make([]int, L+1), make([]float64, L)
		for i := range dims {
			dims[i] = 1
		}
		for i := range theta {
			theta[i] = 1
		}
		n, err := New(nn.Arch{Dims: dims}, theta, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := Eigenvalues(n.Sample([]float64{1}, []float64{0}).Fisher.Dense())
		for k := 1; k < L; k++ {
			if want := 2 - 2*math.Cos(float64(k)*math.Pi/float64(L)); !check.Close(got[k-1], want, 1e-11) {
				t.Errorf("L = %d: eigenvalue %d is %v, want %v", L, k, got[k-1], want)
			}
		}
	}
}
