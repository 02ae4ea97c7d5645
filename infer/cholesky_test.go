package infer

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/internal/check"
)

// definite is a random symmetric positive definite matrix with condition number about condition.
func definite(rng *rand.Rand, n int, condition float64) *mat.SymDense {
	g, a := mat.NewDense(n, n, nil), mat.NewSymDense(n, nil)
	for i := range n {
		for j := range n {
			g.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	var q mat.Dense
	qr.Factorize(g)
	qr.QTo(&q)
	for k := range n {
		a.SymRankOne(a, math.Pow(condition, -float64(k)/float64(max(n-1, 1))), q.ColView(k))
	}
	return a
}

// flat returns a row-major copy, with NaN above the diagonal if lower: cholesky must not read it.
func flat(a *mat.SymDense, lower bool) []float64 {
	n := a.SymmetricDim()
	v := make([]float64, n*n)
	for i := range n {
		for j := range n {
			if v[i*n+j] = a.At(i, j); lower && j > i {
				v[i*n+j] = math.NaN()
			}
		}
	}
	return v
}

func TestCholeskyIsGonums(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 13; n++ {
		a := definite(rng, n, 1e4)
		var want mat.Cholesky
		if !want.Factorize(a) {
			t.Fatalf("%d: oracle: not positive definite", n)
		}
		var l mat.TriDense
		want.LTo(&l)
		got := flat(a, true)
		cholesky(got, n)
		for i := range n {
			for j := range i + 1 {
				// rounding of n sums, times the condition
				if math.Abs(got[i*n+j]-l.At(i, j)) > 1e-12 {
					t.Errorf("%d: L[%d,%d] = %v, want %v", n, i, j, got[i*n+j], l.At(i, j))
				}
			}
		}
		r := make([]float64, n)
		for i := range r {
			r[i] = rng.NormFloat64()
		}
		var x mat.VecDense
		if err := want.SolveVecTo(&x, mat.NewVecDense(n, append([]float64(nil), r...))); err != nil {
			t.Fatal(err)
		}
		cholSolve(got, r)
		if d := check.RelError(r, x.RawVector().Data); !(d < 1e-10) {
			t.Errorf("%d: solution off by %g", n, d)
		}
	}
}

func TestCholeskyOfAnIndefiniteMatrixIsNotFinite(t *testing.T) {
	for _, a := range [][]float64{{1, 2, 2, 1}, {-1, 0, 0, 1}, {1, math.NaN(), math.NaN(), 1}} {
		r := []float64{1, 1}
		cholesky(a, 2)
		if cholSolve(a, r); finite(r[0]) && finite(r[1]) {
			t.Errorf("%v: solution %v", a, r)
		}
	}
}

// TestLargestEigenvalue is at most 3 % below gonum's, also where the first columns have no part in it.
func TestLargestEigenvalue(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	matrices := []*mat.SymDense{
		mat.NewSymDense(3, []float64{1, 0, 0, 0, 2, 0, 0, 0, 100}),
		mat.NewSymDense(2, []float64{1, 0, 0, 1}),
		mat.NewSymDense(4, []float64{5, 5, 0, 0, 5, 5, 0, 0, 0, 0, 7, 0, 0, 0, 0, 7}),
	}
	for n := 1; n < 12; n++ {
		matrices = append(matrices, definite(rng, n, 100), definite(rng, n, 1.5))
	}
	for _, a := range matrices {
		n := a.SymmetricDim()
		var eig mat.EigenSym
		eig.Factorize(a, false)
		want := eig.Values(nil)[n-1]
		if got := largest(flat(a, false), make([]float64, n), make([]float64, n)); !(got <= want*(1+1e-14) && got >= 0.97*want) {
			t.Errorf("%v: %v, want %v", mat.Formatted(a), got, want)
		}
	}
	if got := largest([]float64{0, 0, 0, 0}, make([]float64, 2), make([]float64, 2)); got != 0 {
		t.Errorf("of zero: %v", got)
	}
	if got := largest([]float64{math.NaN(), 0, 0, 1}, make([]float64, 2), make([]float64, 2)); finite(got) && got > 1 {
		t.Errorf("with NaN: %v", got)
	}
}
