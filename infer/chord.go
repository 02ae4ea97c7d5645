package infer

import (
	"errors"

	"github.com/settle-pc/settle/tensor"
)

// Chord takes Newton's step with one matrix for all samples and all steps (a chord method: Ortega & Rheinboldt 1970). An
// equilibrium is z = D⁻¹Jᵀw with w = r, the output residual there; so, from z = 0 and w = 0,
//
//	w ← w + S⁻¹(r − w)/h,   z ← D⁻¹Jᵀw,   S = I/h + J D⁻¹ Jᵀ (n_L×n_L).
//
// J is each sample's at its last point. On smooth networks whose samples share their curvature, among them those that PC
// itself has trained, one step leaves a gap of 1e−5, where gradient methods need four steps and more. Where they do not
// (see Curvature.Gap), or J changes along the way as with ReLU, the steps do not settle: a sample whose energy rises is left
// where it was, truncated. The start of the caller is ignored. Cost: two passes at the start, three a step, and once an
// update 2(n_L + 1) rows of a pass to measure S.
type Chord[T tensor.Float] struct {
	shared  *Curvature[T]
	own     Curvature[T]
	c       *Curvature[T]
	metric  metric[T]
	w, r    []float64        // n×n_L
	last    []float64        // w before the trial
	u       tensor.Matrix[T] // n×n_L: w as T, then r
	z, grad tensor.Matrix[T] // trial
	f, res  []float64
	phi     []float64 // n_L
}

var _ Method[float32] = (*Chord[float32])(nil)

var errNotSmooth = errors.New("infer: chord needs a smooth network in error coordinates with squared error and clamped input and target, and a batch of at least two samples; auto, bb, cg and newton take any in errors, auto, bb, euler, momentum, nesterov, heun, bosh and dopri in either coordinates")

// Share gives the method the curvature, measured on this network, that all inferences of one update share.
func (m *Chord[T]) Share(c *Curvature[T]) { m.shared = c }

// Init evaluates z = 0.
func (m *Chord[T]) Init(f Objective[T], p *Point[T]) error {
	c, ok := curved(f)
	if !ok || !(c.Quadratic() || c.Smooth()) {
		return errNotSmooth
	}
	if m.c = m.shared; !m.c.of(c.Outputs()) {
		if !c.Quadratic() && p.Z.Rows < 2 {
			return errNotSmooth
		}
		m.c = &m.own
		m.own.Measure(c, Room[T](c, p.Z.Rows))
	}
	n := m.c.outputs
	m.z, m.grad = reshape(m.z, p.Z), reshape(m.grad, p.Z)
	m.f, m.res, m.phi = resize(m.f, p.Z.Rows), resize(m.res, p.Z.Rows), resize(m.phi, n)
	m.w, m.r, m.last = resize(m.w, p.Z.Rows*n), resize(m.r, p.Z.Rows*n), resize(m.last, p.Z.Rows*n)
	m.u = reshape(m.u, tensor.Matrix[T]{Rows: p.Z.Rows, Cols: n})
	m.metric = m.metric.of(c.Precision())
	tensor.Zero(p.Z)
	p.Eval(f)
	c.Residual(m.u)
	for i := range p.Z.Rows {
		m.observe(i)
	}
	return nil
}

// observe keeps r of sample i.
func (m *Chord[T]) observe(i int) {
	for k, v := range m.u.Row(i) {
		m.r[i*m.c.outputs+k] = float64(v)
	}
}

// Step makes one step of every sample.
func (m *Chord[T]) Step(f Objective[T], p *Point[T]) {
	m.try(f, p)
	for i, done := range p.Done {
		if !done && !m.accept(i, p) {
			p.Done[i] = true
		}
	}
}

// try evaluates the next point of every sample, those that are done where they are.
func (m *Chord[T]) try(f Objective[T], p *Point[T]) {
	c, _ := curved(f)
	n := m.c.outputs
	copy(m.last, m.w)
	for i, done := range p.Done {
		w, r := m.w[i*n:(i+1)*n], m.r[i*n:(i+1)*n]
		if !done {
			for k := range m.phi {
				m.phi[k] = (r[k] - w[k]) / m.c.h
			}
			m.c.solve(m.phi)
			tensor.Axpy(w, 1, m.phi)
		}
		for k, v := range w {
			m.u.Row(i)[k] = T(v)
			w[k] = float64(m.u.Row(i)[k]) // what is pulled back, so that w − r is true of z
		}
	}
	c.Pull(m.z, m.u)
	m.metric.divide(m.z)
	for i, done := range p.Done {
		if done {
			copy(m.z.Row(i), p.Z.Row(i))
		}
	}
	f.Eval(m.f, m.grad, m.z)
	norms(m.res, m.grad)
	c.Residual(m.u)
	p.Stale = false
}

// accept moves sample i to the trial and estimates what is left, or reports that its energy rose.
func (m *Chord[T]) accept(i int, p *Point[T]) bool {
	if !finite(m.f[i]) || !finite(m.res[i]) || m.f[i] > (1+rise)*p.F[i] {
		n := m.c.outputs
		copy(m.w[i*n:(i+1)*n], m.last[i*n:])
		p.Stale = true
		return false
	}
	p.take(i, m.z, m.grad, m.f, m.res)
	m.observe(i)
	if p.Res[i] > 0 {
		p.Alpha[i] = 2 * m.left(i) / float64(p.Res[i]*p.Res[i])
	}
	return true
}

// left estimates F − F_min of sample i at the trial. g = Jᵀφ where J has stayed; what φ does not explain of g lies, for all
// that is known, where the curvature is that of D alone.
func (m *Chord[T]) left(i int) float64 {
	l, h, g := m.c.chol, m.c.h, m.metric.squares(m.grad.Row(i))
	explained := -m.phi2(i)
	cholTranspose(l, m.phi)
	explained += tensor.Dot(m.phi, m.phi) // φᵀ(S − I/h)φ = ‖Jᵀφ‖² in the metric of D⁻¹
	m.phi2(i)
	return excess(l, h, m.phi) + max(0, g-explained)/2
}

// phi2 stores φ = w − r of sample i in m.phi and returns ‖φ‖²/h.
func (m *Chord[T]) phi2(i int) float64 {
	n := m.c.outputs
	w, r := m.w[i*n:(i+1)*n], m.r[i*n:(i+1)*n]
	for k := range m.phi {
		m.phi[k] = w[k] - r[k]
	}
	return tensor.Dot(m.phi, m.phi) / m.c.h
}
