package theory

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Dense returns all elements of the matrix, from as many products as it has rows.
func (o Operator) Dense() *mat.SymDense {
	m := mat.NewSymDense(o.Dim, nil)
	unit := make([]float64, o.Dim)
	columns := make([][]float64, o.Dim)
	for i := range columns {
		unit[i] = 1
		columns[i] = o.Mul(unit)
		unit[i] = 0
	}
	for i := range columns {
		for j := i; j < o.Dim; j++ {
			m.SetSym(i, j, (columns[i][j]+columns[j][i])/2)
		}
	}
	return m
}

// Eigenvalues returns the eigenvalues in ascending order.
func Eigenvalues(m *mat.SymDense) []float64 {
	var e mat.EigenSym
	if !e.Factorize(m, false) {
		panic("theory: eigenvalues of a matrix that is not finite")
	}
	return e.Values(nil)
}

// Extremes are the ends of a spectrum.
type Extremes struct {
	Min, Max float64
	Bound    float64 // an eigenvalue lies within this distance of either; 0 where they are known to rounding
	Products int     // that it took
}

// Lanczos returns the ends of the spectrum by the Lanczos process from a random start, with every vector made orthogonal
// to all before it, after at most steps products or when both ends are known to tol times the larger one.
//
// The ends are approached from inside. A multiple eigenvalue is found once, which is why this returns no more of the
// spectrum than its ends.
func (o Operator) Lanczos(steps int, tol float64, seed uint64) Extremes {
	steps = min(steps, o.Dim)
	rng := rand.New(rand.NewPCG(seed, 0x6c616e637a6f73)) // "lanczos"
	q := Direction(rng, o.Dim)
	var basis [][]float64
	var alpha, beta []float64
	size := 0.0 // about ‖matrix‖
	for k := 1; ; k++ {
		basis = append(basis, q)
		w := o.Mul(q)
		size = max(size, norm(w))
		alpha = append(alpha, dot(w, q))
		for range 2 { // once loses orthogonality where much cancels
			for _, v := range basis {
				add(w, -dot(w, v), v)
			}
		}
		b := norm(w)
		// b at rounding: the space is exhausted, all that the start contains is found.
		last := k == steps || b <= 1e-14*size
		if last || k%lanczosLook == 0 {
			x := ends(alpha, beta, b)
			if x.Products = k; last || x.Bound <= tol*max(math.Abs(x.Min), math.Abs(x.Max)) {
				return x
			}
		}
		beta = append(beta, b)
		scale(w, 1/b)
		q = w
	}
}

// lanczosLook is the number of products between two looks at what is known, which cost more than a cheap product.
const lanczosLook = 8

// ends returns the outer eigenvalues of the tridiagonal matrix, and as their bound b times the last element of their
// eigenvectors.
func ends(alpha, beta []float64, b float64) Extremes {
	n := len(alpha)
	t := mat.NewSymDense(n, nil)
	for i, a := range alpha {
		t.SetSym(i, i, a)
		if i > 0 {
			t.SetSym(i-1, i, beta[i-1])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(t, true) {
		panic("theory: Lanczos met a product that is not finite")
	}
	var v mat.Dense
	e.VectorsTo(&v)
	values := e.Values(nil)
	return Extremes{Min: values[0], Max: values[n-1], Bound: b * max(math.Abs(v.At(n-1, 0)), math.Abs(v.At(n-1, n-1)))}
}

// Operator returns the matrix by its products.
func (t *Tridiagonal) Operator() Operator { return Operator{Dim: t.Dim(), Mul: t.Mul} }

// denseDim is up to where the eigenvalues of an activity Hessian are computed all at once: beyond, Lanczos is faster.
const denseDim = 128

// Ends returns the extreme eigenvalues of a positive definite matrix: of its dense form, or where it is large by Lanczos
// on it and on its inverse, which separates the smallest.
func (t *Tridiagonal) Ends() (low, high float64, ok bool) {
	if t.Dim() <= denseDim {
		v := Eigenvalues(t.Dense())
		return v[0], v[len(v)-1], v[0] > 0
	}
	f, ok := t.Factor()
	if !ok {
		return math.NaN(), math.NaN(), false
	}
	const products, tol = 100, 1e-6
	inverse := Operator{Dim: t.Dim(), Mul: f.Solve}
	return 1 / inverse.Lanczos(products, tol, 1).Max, t.Operator().Lanczos(products, tol, 1).Max, true
}

// EscapeRate returns the rate r at which the linearised flow θ̇ = −∇ leaves a saddle, e^(rt): minus the lowest
// eigenvalue of its Hessian, 0 if none is negative.
func EscapeRate(lowest float64) float64 { return max(0, -lowest) }

// Level is an eigenvalue and how often it occurs.
type Level struct {
	Value float64
	Times int
}

// Expand returns the eigenvalues in ascending order, each as often as it occurs.
func Expand(levels []Level) []float64 {
	var out []float64
	for _, v := range levels {
		out = append(out, slices.Repeat([]float64{v.Value}, v.Times)...)
	}
	slices.Sort(out)
	return out
}

// ErrorEnds returns the extreme eigenvalues of the curvature in error coordinates, D + π_L JᵀJ: of its dense form, or
// where it is large by Lanczos. The lowest is the smallest precision if its layer is wider than the output.
func (s *Sample) ErrorEnds() (low, high float64) {
	if s.Net.Dim() <= denseDim {
		v := Eigenvalues(s.ErrorCurvature())
		return v[0], v[len(v)-1]
	}
	x := s.Errors()
	e := Operator{Dim: x.Dim, Mul: x.Curvature}.Lanczos(100, 1e-9, 1)
	return e.Min, e.Max
}
