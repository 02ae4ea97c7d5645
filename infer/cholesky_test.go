package infer

import (
	"math"
	"math/rand/v2"
	"slices"
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

// TestProductsOfTheFactor are those of L, Lᵀ and L Lᵀ in gonum.
func TestProductsOfTheFactor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 12; n++ {
		a := definite(rng, n, 100)
		l := flat(a, true)
		cholesky(l, n)
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		var chol mat.Cholesky
		chol.Factorize(a)
		var lower mat.TriDense
		chol.LTo(&lower)
		var ax, ltx, lix mat.VecDense
		v := mat.NewVecDense(n, slices.Clone(x))
		ax.MulVec(a, v)
		ltx.MulVec(lower.T(), v)
		if err := lix.SolveVec(&lower, v); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			f    func(l, x []float64)
			want *mat.VecDense
		}{"L Lᵀ x": {cholMul, &ax}, "Lᵀ x": {cholTranspose, &ltx}, "L⁻¹ x": {cholForward, &lix}} {
			got := slices.Clone(x)
			c.f(l, got)
			if d := check.RelError(got, c.want.RawVector().Data); !(d < 1e-12) {
				t.Errorf("%d: %s off by %g", n, name, d)
			}
		}
	}
}
