package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Curvature is what all inferences of one weight update share: measured before they start, from fixed samples in a
// fixed order, and only read while they run, so that results do not depend on how a batch is divided.
type Curvature[T tensor.Float] struct {
	// Step is the first step of gradient methods, about 1/λ_max of the Hessian in errors; 0 while unknown. It moves
	// slowly from batch to batch, so that it may be carried over.
	Step float64

	// For quadratic objectives: J of every sample, G = J Jᵀ, and the Cholesky factor of S = I/h + J D⁻¹ Jᵀ.
	outputs int
	j       tensor.Matrix[T] // n_L×Dim
	gram    []float64        // n_L×n_L
	chol    []float64        // n_L×n_L, lower triangle
	h       float64

	v, hv, e, u tensor.Matrix[T]
	f           []float64
}

// MeasureRows is the number of samples from which λ_max is measured, powerSteps the number of power iterations: with
// the gradient as start vector, which lies in the range of Jᵀ, four bring the Rayleigh quotient to a few percent.
const (
	MeasureRows = 8
	powerSteps  = 4
)

// Measure evaluates f at the point z, of a few samples, and measures its curvature there: S for a quadratic objective
// (n_L of the rows of a pass), else Step = 1/λ_max, the largest over these samples (2 + 2·4 passes of these samples).
func (c *Curvature[T]) Measure(f Curved[T], z tensor.Matrix[T]) {
	c.f = resize(c.f, z.Rows)
	if f.Quadratic() {
		c.measureS(f, z)
		return
	}
	c.v, c.hv = reshape(c.v, z), reshape(c.hv, z)
	c.u = reshape(c.u, tensor.Matrix[T]{Rows: z.Rows, Cols: f.Outputs()})
	f.Eval(c.f, c.v, z)
	lambda := 0.0
	for range powerSteps {
		for i := range z.Rows {
			if n := math.Sqrt(tensor.Dot(c.v.Row(i), c.v.Row(i))); n > 0 {
				tensor.Scale(c.v.Row(i), T(1/n))
			}
		}
		f.Push(c.u, c.v)
		f.Curve(c.u, c.u)
		f.Pull(c.hv, c.u)
		d := f.Precision()
		lambda = 0
		for i := range z.Rows {
			v, hv := c.v.Row(i), c.hv.Row(i)
			for j := range hv {
				hv[j] += d[j] * v[j]
			}
			if q := tensor.Dot(v, hv); q > lambda {
				lambda = q
			}
		}
		c.v, c.hv = c.hv, c.v
	}
	c.Step = 1
	if lambda > 0 && finite(lambda) {
		c.Step = 1 / lambda
	}
}

// measureS pulls the n_L unit vectors back, as many at a time as z has rows, and factors S.
func (c *Curvature[T]) measureS(f Curved[T], z tensor.Matrix[T]) {
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
			c.chol[a*n+b] = s
		}
		c.chol[a*n+a] += 1 / c.h
	}
	cholesky(c.chol, n)
}

// solve overwrites r (n_L) with S⁻¹ r.
func (c *Curvature[T]) solve(r []float64) { cholSolve(c.chol, r) }

// squares returns uᵀ G u = ‖Jᵀu‖² for u of length n_L.
func (c *Curvature[T]) squares(u []float64) float64 {
	n, sum := c.outputs, 0.0
	for a := range n {
		sum += u[a] * tensor.Dot(c.gram[a*n:(a+1)*n], u)
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
			r[i] -= l[k*n+i] * r[k]
		}
		r[i] /= l[i*n+i]
	}
}
