package infer

import (
	"errors"
	"math"

	"github.com/settle-pc/settle/tensor"
)

// GaussNewton minimises, step by step, the quadratic model that takes J and H where the sample stands:
//
//	z⁺ = D⁻¹Jᵀ w,   S w = r/h + J z,   S = I/h + J D⁻¹ Jᵀ (n_L×n_L),
//
// Newton's step by the push-through identity (notation, section 1). S is not formed: conjugate gradients in the output space,
// preconditioned by the S of two samples where it was measured, solve for the difference to w = r, whose right-hand side is
// J D⁻¹∂F/∂z, to a tenth of it or for ten iterations. A trial that raises a sample's energy is rejected, and the next goes a
// quarter as far (a trust region along the step); twice as far again after one that was accepted.
//
// It is good far from the equilibrium of smooth networks with badly conditioned S, and the only method here whose last steps
// are second order; BarzilaiBorwein takes fewer passes to the gaps at which learning is not the worse for it. Cost: two passes
// at the start; a step is three, and two for each iteration of conjugate gradients.
type GaussNewton[T tensor.Float] struct {
	shared *Curvature[T]
	own    Curvature[T]
	c      *Curvature[T]
	h      float64
	metric metric[T]

	z, grad   tensor.Matrix[T] // trial
	pull      tensor.Matrix[T] // D⁻¹Jᵀ of the direction
	f, res    []float64
	q, d, y   []float64        // n×n_L: residual, direction, preconditioned residual
	rho, goal []float64        // of each sample: qᵀy, and ‖q‖ at which it is solved
	u         tensor.Matrix[T] // n×n_L
	sd        []float64        // n_L: S d
	reach     []float64        // of each sample: share of the step that is tried
}

var _ Method[float32] = (*GaussNewton[float32])(nil)

// Limits of the inner iteration: its residual over that at its start, and its length.
const (
	forcing   = 0.1
	innerMost = 10
)

var errNotSquared = errors.New("infer: newton needs squared error, whose curvature is the same for all outputs; auto, bb and cg take any output term in errors")

// Share gives the method the curvature with which all inferences of one update are preconditioned.
func (m *GaussNewton[T]) Share(c *Curvature[T]) { m.shared = c }

// Init evaluates the start.
func (m *GaussNewton[T]) Init(f Objective[T], p *Point[T]) error {
	c, ok := curved(f)
	if !ok {
		return errNotCurved("newton")
	}
	if !c.Isotropic() {
		return errNotSquared
	}
	n, rows := c.Outputs(), p.Z.Rows
	m.c = m.own.orMeasured(m.shared, c, rows)
	m.metric = m.metric.of(c.Precision())
	m.z, m.grad, m.pull = reshape(m.z, p.Z), reshape(m.grad, p.Z), reshape(m.pull, p.Z)
	m.f, m.res, m.reach = resize(m.f, rows), resize(m.res, rows), resize(m.reach, rows)
	m.rho, m.goal = resize(m.rho, rows), resize(m.goal, rows)
	m.q, m.d, m.y, m.sd = resize(m.q, rows*n), resize(m.d, rows*n), resize(m.y, rows*n), resize(m.sd, n)
	m.u = reshape(m.u, tensor.Matrix[T]{Rows: rows, Cols: n})
	for i := range m.reach {
		m.reach[i] = 1
	}
	p.Eval(f)
	m.h = outputScale(c, m.u)
	return nil
}

// Step solves for the model's minimum and tries a share of the way there.
func (m *GaussNewton[T]) Step(f Objective[T], p *Point[T]) {
	c, _ := curved(f)
	if p.Stale { // J is that of a rejected trial of some samples
		f.Eval(m.f, tensor.Matrix[T]{}, p.Z)
	}
	m.begin(c, p)
	for range innerMost {
		if !m.iterate(c, p) {
			break
		}
	}
	for i := range p.Z.Rows {
		z, at := m.z.Row(i), p.Z.Row(i)
		a := T(m.reach[i])
		if p.Done[i] {
			a = 0
		}
		for j, v := range at {
			z[j] = v + T(a*(z[j]-v))
		}
	}
	f.Eval(m.f, m.grad, m.z)
	norms(m.res, m.grad)
	p.Stale = false
	for i, done := range p.Done {
		switch {
		case done:
		case !finite(m.f[i]) || !finite(m.res[i]) || m.f[i] > p.F[i]+tinyRise*math.Abs(p.F[i]):
			m.reach[i] /= 4
			p.Stale = true
		default:
			m.accept(i, p)
		}
	}
}

// accept moves sample i to the trial.
func (m *GaussNewton[T]) accept(i int, p *Point[T]) {
	s := m.metric.moved(p.Z.Row(i), m.z.Row(i), p.Grad.Row(i), m.grad.Row(i))
	p.Alpha[i] = s.long(1) * m.metric.shrink(m.grad.Row(i))
	p.take(i, m.z, m.grad, m.f, m.res)
	m.reach[i] = min(1, 2*m.reach[i])
}

// row is sample i's part of v.
func (m *GaussNewton[T]) row(v []float64, i int) []float64 {
	n := m.u.Cols
	return v[i*n : (i+1)*n]
}

// begin starts at w = r, where z⁺ = z − D⁻¹g and the residual is q = J D⁻¹g.
func (m *GaussNewton[T]) begin(c Curved[T], p *Point[T]) {
	g := m.metric.direction(m.pull, p.Grad)
	c.Push(m.u, g)
	for i := range m.u.Rows {
		z, at := m.z.Row(i), p.Z.Row(i)
		for j, v := range g.Row(i) {
			z[j] = at[j] - v
		}
		q := m.row(m.q, i)
		for k, v := range m.u.Row(i) {
			q[k] = float64(v)
		}
		m.goal[i] = forcing * math.Sqrt(tensor.Dot(q, q))
		m.rho[i] = m.precondition(i)
		copy(m.row(m.d, i), m.row(m.y, i))
	}
}

// precondition stores an approximation of S⁻¹q in y and returns qᵀy.
func (m *GaussNewton[T]) precondition(i int) float64 {
	q, y := m.row(m.q, i), m.row(m.y, i)
	copy(y, q)
	if m.c.of(len(y)) {
		m.c.solve(y)
	}
	return tensor.Dot(q, y)
}

// iterate makes one step of conjugate gradients for every sample not yet solved, and reports whether there was any.
func (m *GaussNewton[T]) iterate(c Curved[T], p *Point[T]) bool {
	any := false
	for i := range m.u.Rows {
		q, d := m.row(m.q, i), m.row(m.d, i)
		if p.Done[i] || !(math.Sqrt(tensor.Dot(q, q)) > m.goal[i]) {
			clear(d)
		} else {
			any = true
		}
		for k, v := range d {
			m.u.Row(i)[k] = T(v)
		}
	}
	if !any {
		return false
	}
	c.Pull(m.pull, m.u)
	m.metric.divide(m.pull)
	c.Push(m.u, m.pull)
	for i := range m.u.Rows {
		q, d, y := m.row(m.q, i), m.row(m.d, i), m.row(m.y, i)
		for k, v := range m.u.Row(i) {
			m.sd[k] = d[k]/m.h + float64(v)
		}
		curvature := tensor.Dot(d, m.sd)
		if !(curvature > 0) {
			continue
		}
		a := m.rho[i] / curvature
		tensor.Axpy(q, -a, m.sd)
		tensor.Axpy(m.z.Row(i), T(a), m.pull.Row(i))
		next := m.precondition(i)
		b := next / m.rho[i]
		m.rho[i] = next
		for k := range d {
			d[k] = y[k] + float64(b*d[k])
		}
	}
	return true
}
