package infer

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/tensor"
)

// ConjugateGradient is nonlinear conjugate gradients per sample (Polak and Ribière 1969, with the plus of Gilbert and
// Nocedal 1992: Nocedal & Wright 2006, eq. 5.45). The step length is the minimiser of the Gauss–Newton model along the
// direction d, −gᵀd/(dᵀDd + (Jd)ᵀH Jd), from one Push, so that it needs an objective with curvature. A trial that raises
// the energy is rejected; the sample starts again along its gradient, with half the model's step.
//
// As good as BarzilaiBorwein on smooth networks. Cost: three passes a step.
type ConjugateGradient[T tensor.Float] struct {
	d       tensor.Matrix[T] // direction
	z, grad tensor.Matrix[T] // trial
	jd, hjd tensor.Matrix[T] // J d, H J d
	f, res  []float64
	damp    []float64 // factor on the model's step
	move    []float64
}

var _ Method[float32] = (*ConjugateGradient[float32])(nil)

// errNotCurved says that a method needs an objective with curvature, and which do not.
func errNotCurved(method string) error {
	return fmt.Errorf("infer: %s needs error coordinates with clamped input and target, nothing else clamped, and no decay of activities; auto, bb, euler, momentum, nesterov, heun, bosh and dopri take any", method)
}

// Init evaluates the start.
func (m *ConjugateGradient[T]) Init(f Objective[T], p *Point[T]) error {
	c, ok := curved(f)
	if !ok {
		return errNotCurved("cg")
	}
	n := p.Z.Rows
	m.d, m.z, m.grad = reshape(m.d, p.Z), reshape(m.z, p.Z), reshape(m.grad, p.Z)
	m.f, m.res, m.damp, m.move = resize(m.f, n), resize(m.res, n), resize(m.damp, n), resize(m.move, n)
	shape := tensor.Matrix[T]{Rows: n, Cols: c.Outputs()}
	m.jd, m.hjd = reshape(m.jd, shape), reshape(m.hjd, shape)
	p.Eval(f)
	for i := range n {
		m.restart(i, p)
		m.damp[i] = 1
	}
	return nil
}

// restart makes sample i's direction its negative gradient.
func (m *ConjugateGradient[T]) restart(i int, p *Point[T]) {
	copy(m.d.Row(i), p.Grad.Row(i))
	tensor.Scale(m.d.Row(i), -1)
}

// Step tries one move along each sample's direction.
func (m *ConjugateGradient[T]) Step(f Objective[T], p *Point[T]) {
	c, _ := curved(f)
	if p.Stale { // J is that of a rejected trial of some samples
		f.Eval(m.f, tensor.Matrix[T]{}, p.Z)
	}
	c.Push(m.jd, m.d)
	c.Curve(m.hjd, m.jd)
	for i, done := range p.Done {
		m.move[i] = 0
		if !done {
			m.move[i] = m.damp[i] * m.model(i, c.Precision(), p)
		}
	}
	m.z.CopyFrom(p.Z)
	tensor.AxpyRows(m.z, m.move, m.d)
	f.Eval(m.f, m.grad, m.z)
	norms(m.res, m.grad)
	p.Stale = false
	for i, done := range p.Done {
		switch {
		case done:
		case !finite(m.f[i]) || !finite(m.res[i]) || m.f[i] > p.F[i]+tinyRise*math.Abs(p.F[i]):
			m.damp[i] /= 2
			m.restart(i, p)
			p.Stale = true
		default:
			m.accept(i, p)
		}
	}
}

// tinyRise is what rounding may add to an energy near its minimum.
const tinyRise = 1e-6

// model returns the step along d that minimises the Gauss–Newton model, and notes the inverse curvature along d.
func (m *ConjugateGradient[T]) model(i int, precision []T, p *Point[T]) float64 {
	d := m.d.Row(i)
	curvature := tensor.Dot(m.jd.Row(i), m.hjd.Row(i))
	for j, w := range precision {
		curvature += float64(float64(w) * float64(d[j]) * float64(d[j]))
	}
	if !(curvature > 0) {
		return 0
	}
	p.Alpha[i] = tensor.Dot(d, d) / curvature
	return -tensor.Dot(p.Grad.Row(i), d) / curvature
}

// accept moves sample i to the trial and turns its direction.
func (m *ConjugateGradient[T]) accept(i int, p *Point[T]) {
	before, after, d := p.Grad.Row(i), m.grad.Row(i), m.d.Row(i)
	beta := max(0, (m.res[i]*m.res[i]-tensor.Dot(before, after))/(p.Res[i]*p.Res[i]))
	if !finite(beta) {
		beta = 0
	}
	tensor.Scale(d, T(beta))
	tensor.Axpy(d, -1, after)
	if m.move[i] != 0 {
		m.damp[i] = 1
	}
	p.take(i, m.z, m.grad, m.f, m.res)
	if tensor.Dot(d, after) >= 0 {
		m.restart(i, p)
	}
}
