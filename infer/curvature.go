package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Curvature is what all inferences of one weight update share: measured before they start, from fixed samples in a
// fixed order, and only read while they run, so that results do not depend on how a batch is divided.
type Curvature[T tensor.Float] struct {
	// Step is the first step of gradient methods, about 1/λ_max of I + D⁻¹JᵀHJ, the Hessian in the metric of D; 0 while
	// unknown. It moves slowly from batch to batch, so that it may be carried over.
	Step float64

	// For quadratic objectives: J of every sample, G = J Jᵀ, and the Cholesky factor of S = I/h + J D⁻¹ Jᵀ.
	outputs int
	j       tensor.Matrix[T] // n_L×Dim
	gram    []float64        // n_L×n_L
	chol    []float64        // n_L×n_L, lower triangle
	h       float64
	x, y    []float64 // n_L

	v, hv, e, u tensor.Matrix[T]
	f           []float64
}

// MeasureRows is the number of samples from which λ_max is measured, powerSteps the number of power iterations: with
// the gradient as start vector, most of which lies in the range of Jᵀ, four bring λ_max to a few percent.
const (
	MeasureRows = 8
	powerSteps  = 4
)

// Measure evaluates f at the point z, of a few samples, and measures its curvature there: S and its λ_max for a
// quadratic objective (n_L of the rows of a pass), else the largest λ_max of these samples (2 + 2·4 passes of them).
func (c *Curvature[T]) Measure(f Curved[T], z tensor.Matrix[T]) {
	c.f = resize(c.f, z.Rows)
	lambda := 0.0
	if f.Quadratic() {
		lambda = c.measureS(f, z)
	} else {
		lambda = c.powerIteration(f, z)
	}
	c.Step = 1
	if lambda > 1 {
		c.Step = 1 / lambda
	}
}

// powerIteration returns ‖Av‖/‖v‖ of A = I + D⁻¹JᵀHJ in the metric of D, where A is symmetric, for v = Aᵏ D⁻¹g. It is
// never above λ_max, and nearer to it than the Rayleigh quotient of v.
func (c *Curvature[T]) powerIteration(f Curved[T], z tensor.Matrix[T]) float64 {
	c.v, c.hv = reshape(c.v, z), reshape(c.hv, z)
	c.u = reshape(c.u, tensor.Matrix[T]{Rows: z.Rows, Cols: f.Outputs()})
	f.Eval(c.f, c.v, z)
	d := f.Precision()
	for i := range z.Rows {
		v := c.v.Row(i)
		for j := range v {
			v[j] /= d[j]
		}
		normalise(v, d)
	}
	lambda := 0.0
	for range powerSteps {
		f.Push(c.u, c.v)
		f.Curve(c.u, c.u)
		f.Pull(c.hv, c.u)
		lambda = 0
		for i := range z.Rows {
			v, hv := c.v.Row(i), c.hv.Row(i)
			for j := range hv {
				hv[j] = v[j] + hv[j]/d[j]
			}
			if n := normalise(hv, d); n > lambda && finite(n) { // a sample that is not finite says nothing of the others
				lambda = n
			}
		}
		c.v, c.hv = c.hv, c.v
	}
	return lambda
}

// normalise divides v by its norm in the metric of d, unless it is 0, and returns the norm.
func normalise[T tensor.Float](v, d []T) float64 {
	sum := 0.0
	for j, x := range v {
		sum += float64(float64(d[j]) * float64(x) * float64(x))
	}
	n := math.Sqrt(sum)
	if n > 0 {
		tensor.Scale(v, T(1/n))
	}
	return n
}

// measureS pulls the n_L unit vectors back, as many at a time as z has rows, factors S, and returns λ_max(hS), which is
// that of I + D⁻¹hJᵀJ.
func (c *Curvature[T]) measureS(f Curved[T], z tensor.Matrix[T]) float64 {
	n := f.Outputs()
	c.outputs = n
	c.j = reshape(c.j, tensor.Matrix[T]{Rows: n, Cols: f.Dim()})
	c.e = reshape(c.e, tensor.Matrix[T]{Rows: z.Rows, Cols: n})
	c.gram, c.chol = resize(c.gram, n*n), resize(c.chol, n*n)
	f.Eval(c.f, tensor.Matrix[T]{}, z)
	for lo := 0; lo < n; lo += z.Rows {
		hi := min(n, lo+z.Rows)
		e := c.e.RowsOf(0, hi-lo)
		tensor.Zero(e)
		for k := lo; k < hi; k++ {
			e.Row(k - lo)[k] = 1
		}
		f.Pull(c.j.RowsOf(lo, hi), e)
		if lo == 0 {
			f.Curve(e, e)
			c.h = float64(e.Row(0)[0])
		}
	}
	d := f.Precision()
	for a := range n {
		for b := range a + 1 {
			ja, jb := c.j.Row(a), c.j.Row(b)
			var g, s float64
			for k, v := range ja {
				p := float64(v) * float64(jb[k])
				g += p
				s += p / float64(d[k])
			}
			c.gram[a*n+b], c.gram[b*n+a] = g, g
			c.chol[a*n+b], c.chol[b*n+a] = s, s
		}
		c.chol[a*n+a] += 1 / c.h
	}
	c.x, c.y = resize(c.x, n), resize(c.y, n)
	lambda := c.h * largest(c.chol, c.x, c.y)
	cholesky(c.chol, n)
	return lambda
}

// largest returns the largest eigenvalue of the symmetric matrix a ≥ 0, n×n, to a few percent below, by power
// iteration from its longest column with scratch x and y of length n.
func largest(a, x, y []float64) float64 {
	n, longest := len(x), -1.0
	for k := range n {
		if col := a[k*n : (k+1)*n]; tensor.Dot(col, col) > longest {
			longest = tensor.Dot(col, col)
			copy(x, col)
		}
	}
	lambda := 0.0
	for range 20 {
		norm := math.Sqrt(tensor.Dot(x, x))
		if !(norm > 0) {
			return norm
		}
		tensor.Scale(x, 1/norm)
		for k := range n {
			y[k] = tensor.Dot(a[k*n:(k+1)*n], x)
		}
		x, y = y, x
		lambda = math.Sqrt(tensor.Dot(x, x))
	}
	return lambda
}

// solve overwrites r (n_L) with S⁻¹ r.
func (c *Curvature[T]) solve(r []float64) { cholSolve(c.chol, r) }

// squares returns uᵀ G u = ‖Jᵀu‖² for u of length n_L.
func (c *Curvature[T]) squares(u []float64) float64 {
	n, sum := c.outputs, 0.0
	for a := range n {
		sum += float64(u[a] * tensor.Dot(c.gram[a*n:(a+1)*n], u))
	}
	return max(sum, 0)
}

// cholesky overwrites the lower triangle of the n×n matrix a, symmetric and positive definite, with L, a = L Lᵀ
// (Golub & Van Loan 2013, Alg. 4.2.1). Not finite where a is not positive definite.
func cholesky(a []float64, n int) {
	for j := range n {
		row := a[j*n : j*n+j]
		d := math.Sqrt(a[j*n+j] - tensor.Dot(row, row))
		a[j*n+j] = d
		for i := j + 1; i < n; i++ {
			a[i*n+j] = (a[i*n+j] - tensor.Dot(a[i*n:i*n+j], row)) / d
		}
	}
}

// cholSolve overwrites r with (L Lᵀ)⁻¹ r.
func cholSolve(l, r []float64) {
	n := len(r)
	for i := range n {
		r[i] = (r[i] - tensor.Dot(l[i*n:i*n+i], r[:i])) / l[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			r[i] -= float64(l[k*n+i] * r[k])
		}
		r[i] /= l[i*n+i]
	}
}
