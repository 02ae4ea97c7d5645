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
// In errors the Gauss–Newton curvature is D + JᵀHJ with few large eigenvalues. There moves go along D⁻¹ ∂F/∂z and all products are in
// the metric of D: all but a few eigenvalues are then 1, whatever the precisions, and no step need be longer. The first
// step is the length to the minimum along the gradient, or a little more, without any pass spent on it: see alongGradient.
// A handful of steps then reaches a 1 % energy gap on networks new, trained by BP or by PC alike. In activities it is a
// fair general method. Cost: two passes at the start and two a step.
type BarzilaiBorwein[T tensor.Float] struct {
	First float64 // first step, in errors in the metric of D; 0: alongGradient in errors, 0.05 elsewhere

	z, grad      tensor.Matrix[T] // trial
	metric       metric[T]
	f, res       []float64
	step, least  []float64 // next step of each sample, its lower limit
	move         []float64
	best         []float64 // lowest energy of each sample
	most         float64   // upper limit of the step
	hasCurvature bool
}

var _ Method[float32] = (*BarzilaiBorwein[float32])(nil)

const (
	// minStep is the smallest step, unless the first is not much longer; 1/minStep is the largest without curvature.
	minStep = 1e-4
	// activityStep is the first step where there is no curvature at hand: stable for λ_max < 40.
	activityStep = 0.05
	// tolerated rise of a sample's energy above its best
	rise = 0.2
)

// alongGradient returns a step along D⁻¹g, in the metric of D, for g = Jᵀφ with gᵀD⁻¹g = gg and ‖φ‖²/h = phi2. The
// curvature of D + hJᵀJ along it is 1 + h‖JD⁻¹g‖²/gg, and by Cauchy–Schwarz ‖JD⁻¹g‖ ≥ φᵀJD⁻¹g/‖φ‖ = gg/‖φ‖. So the step
// is at most 1/(1 + gg/phi2), and just that where φ lies along one eigenvector of S. At z = 0 φ = −r, and with squared
// error phi2 = 2F: all is known once F and its gradient are.
func alongGradient(gg, phi2 float64) float64 {
	if !(phi2 > 0) {
		return 1
	}
	return 1 / (1 + gg/phi2)
}

// Init evaluates the start and finds the first steps.
func (m *BarzilaiBorwein[T]) Init(f Objective[T], p *Point[T]) error {
	p.Eval(f)
	m.begin(f, p)
	for i := range m.step {
		first := m.First
		switch {
		case first > 0:
		case m.hasCurvature:
			first = alongGradient(m.metric.squares(p.Grad.Row(i)), 2*p.F[i])
		default:
			first = activityStep
		}
		m.setFirst(i, first)
	}
	return nil
}

// begin sizes the scratch at an evaluated point.
func (m *BarzilaiBorwein[T]) begin(f Objective[T], p *Point[T]) {
	n := p.Z.Rows
	m.z, m.grad = reshape(m.z, p.Z), reshape(m.grad, p.Z)
	m.f, m.res = resize(m.f, n), resize(m.res, n)
	m.step, m.least, m.move = resize(m.step, n), resize(m.least, n), resize(m.move, n)
	m.best = append(m.best[:0], p.F...)
	m.most, m.metric = 1/minStep, m.metric[:0]
	var c Curved[T]
	if c, m.hasCurvature = curved(f); m.hasCurvature {
		m.most, m.metric = 1, m.metric.of(c.Precision())
	}
}

func (m *BarzilaiBorwein[T]) setFirst(i int, step float64) {
	m.step[i], m.least[i] = min(step, m.most), min(minStep, step/10)
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
		if !finite(m.f[i]) || !finite(m.res[i]) || m.f[i] > m.best[i]+float64(rise*math.Abs(m.best[i])) {
			m.step[i] = max(m.step[i]/2, m.least[i]/100)
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
	if m.hasCurvature {
		p.Alpha[i] = long * m.metric.shrink(m.grad.Row(i))
	}
	switch {
	case short == 0: // no or negative curvature along the move: what held stays
		long = m.step[i]
	case short < 0.5*long:
		long = short
	}
	m.step[i] = min(max(long, m.least[i]), m.most)
	p.take(i, m.z, m.grad, m.f, m.res)
	m.best[i] = min(m.best[i], m.f[i])
}
