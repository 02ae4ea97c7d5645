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
// networks new, trained by BP or by PC alike, if the first step is 1/λ_max. In activities it is a fair general method.
// Cost: two passes a step, and once about one pass to measure λ_max where no first step is given.
type BarzilaiBorwein[T tensor.Float] struct {
	First float64 // first step; 0: from the shared curvature, or else measured at Init

	shared       *Curvature[T]
	own          Curvature[T]
	z, grad      tensor.Matrix[T] // trial
	f, res       []float64
	step         []float64 // next step of each sample
	move         []float64
	best         []float64 // lowest energy of each sample
	firstShort   []float64 // short step after the first move; 0 while unknown
	largest      float64   // step
	hasCurvature bool
}

var _ Method[float32] = (*BarzilaiBorwein[float32])(nil)

// minStep is the smallest step, 1/minStep the largest where the objective does not bound its curvature from below.
// A step is also never longer than the inverse of the smallest precision, the least curvature in errors.
const (
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
	m.largest = 1 / minStep
	var c Curved[T]
	if c, m.hasCurvature = curved(f); m.hasCurvature {
		m.largest = 1 / floor(c)
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
	p.Eval(f)
	for i := range n {
		m.step[i] = min(max(first, minStep), m.largest)
		m.best[i] = p.F[i]
	}
	return nil
}

// floor returns the smallest precision, a lower bound of the Gauss–Newton curvature.
func floor[T tensor.Float](c Curved[T]) float64 {
	low := math.Inf(1)
	for _, pi := range c.Precision() {
		low = min(low, float64(pi))
	}
	return min(low, 1/minStep)
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
	tensor.AxpyRows(m.z, m.move, p.Grad)
	f.Eval(m.f, m.grad, m.z)
	norms(m.res, m.grad)
	p.Stale = false
	for i, done := range p.Done {
		if done {
			continue
		}
		if !finite(m.f[i]) || !finite(m.res[i]) || m.f[i] > m.best[i]+rise*math.Abs(m.best[i]) {
			m.step[i] = max(m.step[i]/2, minStep/100)
			p.Stale = true
			continue
		}
		m.accept(i, p)
	}
}

// accept moves sample i to the trial and chooses its next step.
func (m *BarzilaiBorwein[T]) accept(i int, p *Point[T]) {
	s := secantOf(m.step[i], p.Grad.Row(i), m.grad.Row(i))
	long, short := s.long(m.largest), s.short()
	if m.firstShort[i] == 0 {
		m.firstShort[i] = short
	}
	if m.hasCurvature {
		p.Alpha[i] = long
	}
	switch {
	case short == 0: // no or negative curvature along the move: what held stays
		long = m.step[i]
	case short < 0.5*long:
		long = short
	}
	m.step[i] = min(max(long, minStep), m.largest)
	copy(p.Z.Row(i), m.z.Row(i))
	copy(p.Grad.Row(i), m.grad.Row(i))
	p.F[i], p.Res[i] = m.f[i], m.res[i]
	m.best[i] = min(m.best[i], m.f[i])
}

// FirstSteps returns each sample's short step after its first move, 0 where it made none: their median is a good first
// step for the next batch, at no cost.
func (m *BarzilaiBorwein[T]) FirstSteps() []float64 { return m.firstShort }

// secant holds the products of the last move s = −a g and the change y of the gradient g along it.
type secant struct{ ss, sy, yy float64 }

func secantOf[T tensor.Float](a float64, before, after []T) secant {
	var gg, gy, yy float64
	after = after[:len(before)]
	for j, g := range before {
		g, y := float64(g), float64(after[j])-float64(g)
		gg += float64(g * g)
		gy += float64(g * y)
		yy += float64(y * y)
	}
	return secant{ss: a * a * gg, sy: -a * gy, yy: yy}
}

// long returns sᵀs/sᵀy, at most most, which also stands for no or negative curvature.
func (s secant) long(most float64) float64 {
	if !(s.sy > 0) {
		return most
	}
	return min(s.ss/s.sy, most)
}

// short returns sᵀy/yᵀy, 0 for no or negative curvature.
func (s secant) short() float64 {
	if !(s.sy > 0) {
		return 0
	}
	return s.sy / s.yy
}
