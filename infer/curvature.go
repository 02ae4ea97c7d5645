package infer

import (
	"math"
	"slices"

	"github.com/settle-pc/settle/tensor"
)

// Curvature is what all inferences of one weight update share: the matrix S = I/h + J D⁻¹ Jᵀ (n_L×n_L) of the output space.
// It is measured before they start, from fixed samples in a fixed order, and only read while they run, so that results do
// not depend on how a batch is divided.
//
// A quadratic objective has one S for all samples. Elsewhere S is that of the mean J D⁻¹ Jᵀ of two samples, at z = 0, and
// Gap says what it is worth for others.
type Curvature[T tensor.Float] struct {
	// Gap is the energy gap that a step of Chord with this S is expected to leave: that of the quadratic models of the two
	// samples, when each takes the other's S. 0 for a quadratic objective, +Inf while nothing is measured.
	Gap float64

	outputs int
	h       float64
	chol    []float64        // n_L×n_L, lower triangle: the Cholesky factor of S
	j       tensor.Matrix[T] // n_L×Dim: J of every sample of a quadratic objective; else of two samples, see row
	times   int              // rows that a sample is repeated in
	gram    []float64        // n_L×n_L: J Jᵀ, for quadratic objectives

	each [2][]float64 // S of either sample, then its factor
	z, u tensor.Matrix[T]
	f    []float64
	x    []float64 // n_L
}

// Lead returns the number of rows on which Measure is worth its passes for a batch of rows samples, 0 where it is not:
// some that share out the n_L rows to pull back where the objective is quadratic and n_L small (64, or two passes), n_L for each of
// two samples where it is smooth (at most one pass).
func Lead[T tensor.Float](f Curved[T], rows int) int {
	n := f.Outputs()
	switch {
	case n == 0: // no curvature at hand
		return 0
	case f.Quadratic() && n <= max(64, 2*rows), !f.Quadratic() && f.Smooth() && 2*n <= rows:
		return Room(f, rows)
	}
	return 0
}

// Room returns the number of rows, at most rows, of which Measure makes use: 0 where it cannot measure.
func Room[T tensor.Float](f Curved[T], rows int) int {
	n := f.Outputs()
	if !f.Quadratic() {
		if n *= 2; rows < 2 {
			return 0
		}
	}
	return min(n, rows)
}

// Measure measures the curvature on the first samples of f: rows of them where it is quadratic, else two, whose points the rows then
// repeat, so that the weights are read once for many rows of J. Cost: the rows evaluated and pulled back, of a pass: rows + n_L, or
// 2 + 2n_L (some more unless rows/2 divides n_L).
func (c *Curvature[T]) Measure(f Curved[T], rows int) {
	n := f.Outputs()
	samples := rows
	if !f.Quadratic() {
		samples = 2
		c.times = min(rows/2, n)
		rows = 2 * c.times
	}
	c.outputs = n
	c.chol, c.x = resize(c.chol, n*n), resize(c.x, n)
	c.f = resize(c.f, samples)
	c.z = reshape(c.z, tensor.Matrix[T]{Rows: samples, Cols: f.Dim()})
	c.u = reshape(c.u, tensor.Matrix[T]{Rows: rows, Cols: n})
	tensor.Zero(c.z)
	f.Eval(c.f, tensor.Matrix[T]{}, c.z)
	if f.Quadratic() {
		c.measureOne(f)
	} else {
		c.measureTwo(f)
	}
}

// orMeasured returns the shared curvature, or, where none is shared, c measured on the first samples of a batch of rows if that is
// worth its passes.
func (c *Curvature[T]) orMeasured(shared *Curvature[T], f Curved[T], rows int) *Curvature[T] {
	if shared != nil {
		return shared
	}
	c.Reset()
	if n := Lead(f, rows); n > 0 {
		c.Measure(f, n)
	}
	return c
}

// Reset forgets what was measured.
func (c *Curvature[T]) Reset() { c.Gap, c.outputs = math.Inf(1), 0 }

// of reports whether the curvature was measured on an objective with n outputs.
func (c *Curvature[T]) of(n int) bool { return c != nil && n > 0 && c.outputs == n }

// unit makes all rows of u the k-th unit vector.
func unit[T tensor.Float](u tensor.Matrix[T], k int) {
	tensor.Zero(u)
	for i := range u.Rows {
		u.Row(i)[k] = 1
	}
}

// outputScale returns h, from H e_0 = h e_0, with scratch u (n×n_L).
func outputScale[T tensor.Float](f Curved[T], u tensor.Matrix[T]) float64 {
	unit(u, 0)
	f.Curve(u, u)
	return float64(u.Row(0)[0])
}

// measureOne pulls the n_L unit vectors back, as many at a time as there are rows, and factors S.
func (c *Curvature[T]) measureOne(f Curved[T]) {
	n, rows := c.outputs, c.u.Rows
	c.j = reshape(c.j, tensor.Matrix[T]{Rows: n, Cols: f.Dim()})
	c.gram = resize(c.gram, n*n)
	c.h = outputScale(f, c.u)
	for lo := 0; lo < n; lo += rows {
		hi := min(n, lo+rows)
		u := c.u.RowsOf(0, hi-lo)
		tensor.Zero(u)
		for k := lo; k < hi; k++ {
			u.Row(k - lo)[k] = 1
		}
		f.Pull(c.j.RowsOf(lo, hi), u)
	}
	for a := range n {
		for b := range a + 1 {
			g := tensor.Dot(c.j.Row(a), c.j.Row(b))
			c.gram[a*n+b], c.gram[b*n+a] = g, g
		}
	}
	c.outer(c.chol, f.Precision(), func(k int) []T { return c.j.Row(k) })
	cholesky(c.chol, n)
	c.Gap = 0
}

// measureTwo pulls the n_L unit vectors back through both samples, and factors S of either and of their mean.
func (c *Curvature[T]) measureTwo(f Curved[T]) {
	n, m := c.outputs, c.times
	c.h = outputScale(f, c.u.RowsOf(0, 1))
	c.j = reshape(c.j, tensor.Matrix[T]{Rows: (n + m - 1) / m * 2 * m, Cols: f.Dim()})
	for lo := 0; lo < n; lo += m {
		tensor.Zero(c.u)
		for k := lo; k < min(n, lo+m); k++ {
			c.u.Row(k - lo)[k], c.u.Row(k - lo + m)[k] = 1, 1
		}
		f.PullEach(c.j.RowsOf(2*lo, 2*(lo+m)), c.u, 2)
	}
	for i := range c.each {
		c.each[i] = resize(c.each[i], n*n)
		c.outer(c.each[i], f.Precision(), func(k int) []T { return c.row(i, k) })
		for k, s := range c.each[i] {
			c.chol[k] += s / 2
		}
		cholesky(c.each[i], n)
	}
	cholesky(c.chol, n)
	c.judge(f)
}

// row returns row k of J of sample i < 2: as it was pulled back, times units of the one sample, then those of the other, and so on.
func (c *Curvature[T]) row(i, k int) []T {
	return c.j.Row(k/c.times*2*c.times + i*c.times + k%c.times)
}

// judge finds Gap from the factors of either sample's S.
func (c *Curvature[T]) judge(f Curved[T]) {
	f.Residual(c.u.RowsOf(0, 2))
	var left, all float64
	for i := range c.each {
		own, other, r := c.each[i], c.each[1-i], c.u.Row(i)
		for k, v := range r {
			c.x[k] = float64(v) / c.h
		}
		cholSolve(other, c.x) // w = S_j⁻¹ r/h, for which S_i w − r/h = φ/h
		cholMul(own, c.x)
		for k, v := range r {
			c.x[k] = float64(c.h*c.x[k]) - float64(v)
		}
		left += excess(own, c.h, c.x)
		for k, v := range r {
			c.x[k] = -float64(v)
		}
		all += excess(own, c.h, c.x)
	}
	c.Gap = left / all
	if math.IsNaN(c.Gap) { // nothing to explain, or a sample that is not finite: no reason to trust S
		c.Gap = math.Inf(1)
	}
}

// outer stores S = I/h + J D⁻¹ Jᵀ in s, J given by its rows.
func (c *Curvature[T]) outer(s []float64, d []T, row func(k int) []T) {
	n := c.outputs
	identity := !slices.ContainsFunc(d, func(v T) bool { return v != 1 })
	for a := range n {
		for b := range a + 1 {
			sum := 0.0
			if ja, jb := row(a), row(b); identity {
				sum = tensor.Dot(ja, jb)
			} else {
				for k, v := range ja {
					sum += float64(float64(v) * float64(jb[k]) / float64(d[k]))
				}
			}
			s[a*n+b], s[b*n+a] = sum, sum
		}
		s[a*n+a] += 1 / c.h
	}
}

// excess is what F lies above the minimum of the quadratic model with S = L Lᵀ, where φ = w − r(w) and z = D⁻¹Jᵀw:
// ½ (‖φ‖² − φᵀS⁻¹φ/h)/h. It overwrites φ.
func excess(l []float64, h float64, phi []float64) float64 {
	all := tensor.Dot(phi, phi)
	cholForward(l, phi)
	return 0.5 * (all - tensor.Dot(phi, phi)/h) / h
}

// solve overwrites r (n_L) with S⁻¹ r.
func (c *Curvature[T]) solve(r []float64) { cholSolve(c.chol, r) }

// squares returns uᵀ J Jᵀ u = ‖Jᵀu‖² for u of length n_L, on a quadratic objective.
func (c *Curvature[T]) squares(u []float64) float64 {
	n, sum := c.outputs, 0.0
	for a := range n {
		sum += float64(u[a] * tensor.Dot(c.gram[a*n:(a+1)*n], u))
	}
	return max(sum, 0)
}
