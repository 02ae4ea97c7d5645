package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// BarzilaiBorwein is gradient descent with a step size per sample from the last two gradients. With s the last move
// and y the change of the gradient along it, sᵀs/sᵀy (long) and sᵀy/yᵀy (short) are inverse curvatures; the next step
// is the short one where it is less than half the long one, else the long one (Barzilai and Borwein 1988; the
// alternation of Zhou, Gao and Dai 2006, threshold 0.5). The method is not monotone: a trial whose energy lies more
// than 20 % above the sample's best is rejected and its step halved.
//
// In errors the Hessian is D + JᵀHJ with few large eigenvalues, and a handful of steps reaches a 1 % energy gap on
// networks new, trained by BP or by PC alike, if the first step is 1/λ_max. There moves go along D⁻¹ ∂F/∂z and all
// products are in the metric of D: all but a few eigenvalues are then 1, whatever the precisions, and no step need be
// longer. In activities it is a fair general method. Cost: two passes a step, and once about one pass to measure λ_max
// where no first step is given.
type BarzilaiBorwein[T tensor.Float] struct {
	First float64 // first step, in errors in the metric of D; 0: from the shared curvature, or else measured at Init

	shared       *Curvature[T]
	own          Curvature[T]
	z, grad      tensor.Matrix[T] // trial
	metric       metric[T]
	f, res       []float64
	step         []float64 // next step of each sample
	move         []float64
	best         []float64 // lowest energy of each sample
	firstShort   []float64 // short step after the first move; 0 while unknown
	least, most  float64   // limits of the step
	hasCurvature bool
}

var _ Method[float32] = (*BarzilaiBorwein[float32])(nil)

const (
	// minStep is the smallest step, unless the first is not much longer; 1/minStep is the largest without curvature.
	minStep = 1e-4
	// activityStep is the first step where there is no curvature to measure: stable for λ_max < 40.
	activityStep = 0.05
	// tolerated rise of a sample's energy above its best
	rise = 0.2
)

// Share gives the method the curvature that all inferences of one update share.
func (m *BarzilaiBorwein[T]) Share(c *Curvature[T]) { m.shared = c }

// Init evaluates the start and finds the first step.
func (m *BarzilaiBorwein[T]) Init(f Objective[T], p *Point[T]) error {
	n := p.Z.Rows
	m.z, m.grad = reshape(m.z, p.Z), reshape(m.grad, p.Z)
	m.f, m.res = resize(m.f, n), resize(m.res, n)
	m.step, m.move = resize(m.step, n), resize(m.move, n)
	m.best, m.firstShort = resize(m.best, n), resize(m.firstShort, n)
	first := m.First
	m.most, m.metric = 1/minStep, m.metric[:0]
	var c Curved[T]
	if c, m.hasCurvature = curved(f); m.hasCurvature {
		m.most, m.metric = 1, m.metric.of(c.Precision())
	}
	switch {
	case first > 0:
	case m.shared != nil && m.shared.Step > 0:
		first = m.shared.Step
	case m.hasCurvature:
		m.own.Measure(c, p.Z.RowsOf(0, min(n, MeasureRows)))
		first = m.own.Step
	default:
		first = activityStep
	}
	m.least = min(minStep, first/10)
	p.Eval(f)
	for i := range n {
		m.step[i] = min(first, m.most)
		m.best[i] = p.F[i]
	}
	return nil
}

// Step tries one move of every sample and keeps the good ones.
func (m *BarzilaiBorwein[T]) Step(f Objective[T], p *Point[T]) {
	for i, done := range p.Done {
		m.move[i] = -m.step[i]
		if done {
			m.move[i] = 0
		}
	}
	m.z.CopyFrom(p.Z)
	tensor.AxpyRows(m.z, m.move, m.metric.direction(m.grad, p.Grad))
	f.Eval(m.f, m.grad, m.z)
	norms(m.res, m.grad)
	p.Stale = false
	for i, done := range p.Done {
		if done {
			continue
		}
		if !finite(m.f[i]) || !finite(m.res[i]) || m.f[i] > m.best[i]+rise*math.Abs(m.best[i]) {
			m.step[i] = max(m.step[i]/2, m.least/100)
			p.Stale = true
			continue
		}
		m.accept(i, p)
	}
}

// accept moves sample i to the trial and chooses its next step.
func (m *BarzilaiBorwein[T]) accept(i int, p *Point[T]) {
	s := m.metric.secant(m.step[i], p.Grad.Row(i), m.grad.Row(i))
	long, short := s.long(m.most), s.short()
	if m.firstShort[i] == 0 {
		m.firstShort[i] = short
	}
	if m.hasCurvature {
		p.Alpha[i] = long * m.metric.shrink(m.grad.Row(i))
	}
	switch {
	case short == 0: // no or negative curvature along the move: what held stays
		long = m.step[i]
	case short < 0.5*long:
		long = short
	}
	m.step[i] = min(max(long, m.least), m.most)
	copy(p.Z.Row(i), m.z.Row(i))
	copy(p.Grad.Row(i), m.grad.Row(i))
	p.F[i], p.Res[i] = m.f[i], m.res[i]
	m.best[i] = min(m.best[i], m.f[i])
}

// FirstSteps returns each sample's short step after its first move, 0 where it made none: their median is a good first
// step for the next batch, at no cost.
func (m *BarzilaiBorwein[T]) FirstSteps() []float64 { return m.firstShort }
