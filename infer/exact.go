package infer

import (
	"errors"
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Exact goes to the equilibrium of a quadratic objective, a linear network in errors, in one step: with r the
// feedforward residual and S = I/h + J D⁻¹ Jᵀ (n_L×n_L, one for all samples),
//
//	z* = D⁻¹ Jᵀ w,   S w = r/h.
//
// It needs no gradient: at D⁻¹Jᵀw the gradient is Jᵀ(w − r(w)), whose norm follows from J Jᵀ. Steps after the first
// refine w against rounding. The start of the caller is ignored: it starts at z = 0. p.Grad is not filled.
// Cost: one pass at the start, two a step, and once an update what Measure takes: up to 2 n_L rows of a pass.
type Exact[T tensor.Float] struct {
	shared *Curvature[T]
	own    Curvature[T]
	c      *Curvature[T]
	r      tensor.Matrix[T] // −∂F_L/∂ŷ, then w as T, n×n_L
	w      []float64        // n×n_L
	d      []float64        // n_L
}

var _ Method[float32] = (*Exact[float32])(nil)

var errNotQuadratic = errors.New("infer: exact needs a linear network in error coordinates with squared error, clamped input and target, and no decay of activities; auto, bb, cg and newton take any in errors, auto, bb, euler, momentum, nesterov, heun, bosh and dopri in either coordinates")

// Share gives the method the curvature, measured on this network, that all inferences of one update share.
func (m *Exact[T]) Share(c *Curvature[T]) { m.shared = c }

// Init evaluates F at z = 0 and the residual there from the Gram matrix of J.
func (m *Exact[T]) Init(f Objective[T], p *Point[T]) error {
	c, ok := curved(f)
	if !ok || !c.Quadratic() {
		return errNotQuadratic
	}
	tensor.Zero(p.Z)
	if m.c = m.shared; m.c == nil {
		m.c = &m.own
		m.own.Measure(c, Room[T](c, p.Z.Rows))
	}
	if !m.c.of(c.Outputs()) {
		panic("infer: shared curvature was not measured on this objective")
	}
	n := m.c.outputs
	m.r = reshape(m.r, tensor.Matrix[T]{Rows: p.Z.Rows, Cols: n})
	m.w, m.d = resize(m.w, p.Z.Rows*n), resize(m.d, n)
	m.eval(f, c, p)
	return nil
}

// Step solves S (w + δ) = r/h for the error δ of w that the last evaluation showed, and moves to D⁻¹ Jᵀ w.
func (m *Exact[T]) Step(f Objective[T], p *Point[T]) {
	c, _ := curved(f)
	n := m.c.outputs
	for i := range p.Z.Rows {
		w, r := m.w[i*n:(i+1)*n], m.r.Row(i)
		if !p.Done[i] {
			// S w = r(0)/h has the residual (r(w) − w)/h, since r(w) = r(0) − h J D⁻¹ Jᵀ w.
			for k := range w {
				m.d[k] = (float64(r[k]) - w[k]) / m.c.h
			}
			m.c.solve(m.d)
			for k := range w {
				w[k] += m.d[k]
			}
		}
		for k := range w {
			r[k] = T(w[k])
			w[k] = float64(r[k]) // what is pulled back, so that w − r(w) is true of z
		}
	}
	c.Pull(p.Z, m.r)
	for i := range p.Z.Rows {
		z := p.Z.Row(i)
		for j, d := range c.Precision() {
			z[j] /= d
		}
	}
	m.eval(f, c, p)
}

// eval evaluates F at p.Z, keeps r(w), and finds ‖∂F/∂z‖ = ‖Jᵀ(w − r(w))‖. The curvature is at least the smallest
// precision, so that ½‖∂F/∂z‖²/π_min bounds what is left: Alpha = 1/π_min.
func (m *Exact[T]) eval(f Objective[T], c Curved[T], p *Point[T]) {
	f.Eval(p.F, tensor.Matrix[T]{}, p.Z)
	c.Residual(m.r)
	n, alpha := m.c.outputs, 1/floor(c)
	for i := range p.Z.Rows {
		for k, r := range m.r.Row(i) {
			m.d[k] = m.w[i*n+k] - float64(r)
		}
		p.Res[i] = math.Sqrt(m.c.squares(m.d))
		p.Alpha[i] = alpha
	}
	p.Stale = false
}

// floor returns the smallest precision, a lower bound of the Gauss–Newton curvature.
func floor[T tensor.Float](c Curved[T]) float64 {
	low := math.Inf(1)
	for _, pi := range c.Precision() {
		low = min(low, float64(pi))
	}
	return low
}
