package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// RungeKutta integrates ż = −Scale ∂F/∂z by an explicit Runge–Kutta method, with a fixed step DT, or, with RTol > 0, with
// a step per sample that keeps the estimated error of a step within ATol + RTol·max(|z|, |z_new|), as a root mean square
// over its coordinates. The step follows a PID controller (Söderlind 2003), in diffrax's form and with its defaults: a
// plain integral controller, factors within [0.2, 10] of the step that was taken, safety 0.9, and no step shorter after one that was accepted.
//
// It is what users of JPC expect, and a faithful picture of the flow; to reach an equilibrium the flow's accuracy is of no
// use, and Auto takes a small part of the passes. Cost: two passes a stage; a tableau with Last saves one stage.
type RungeKutta[T tensor.Float] struct {
	Tableau    Tableau // the zero value means Heun
	DT         float64 // fixed or first step; 0 means 0.1
	RTol, ATol float64 // both 0: fixed steps
	P, I, D    float64 // coefficients of the controller; all 0 means 0, 1, 0
	Scale      float64 // 0 means 1; 1/B is JPC's division of the activity gradient by the batch size
	Until      float64 // time at which a sample stops, truncated; 0: none

	tab  Tableau
	k    []tensor.Matrix[T] // stages: ∂F/∂z there
	z    tensor.Matrix[T]   // stage or trial point
	diff tensor.Matrix[T]
	f    []float64
	move []float64
	dt   []float64    // of each sample
	t    []float64    // its time
	err  [][2]float64 // inverse error ratios of its last two accepted steps
}

var _ Method[float32] = (*RungeKutta[float32])(nil)

// roundedTime is what sums of steps may miss of the time at which to stop.
const roundedTime = 1e-9

// Limits of the step controller.
const (
	safety    = 0.9
	minFactor = 0.2
	maxFactor = 10
)

// Init evaluates the start.
func (m *RungeKutta[T]) Init(f Objective[T], p *Point[T]) error {
	m.tab = m.Tableau
	if m.tab.B == nil {
		m.tab = Heun
	}
	m.tab.check()
	if m.adaptive() && m.tab.E == nil {
		panic("infer: adaptive steps need a tableau with an error estimate")
	}
	s, n := len(m.tab.B), p.Z.Rows
	for len(m.k) < s {
		m.k = append(m.k, tensor.Matrix[T]{})
	}
	for i := range s {
		m.k[i] = reshape(m.k[i], p.Z)
	}
	m.z, m.diff = reshape(m.z, p.Z), reshape(m.diff, p.Z)
	m.f, m.move, m.dt, m.t = resize(m.f, n), resize(m.move, n), resize(m.dt, n), resize(m.t, n)
	m.err = m.err[:0]
	for i := range n {
		m.dt[i] = orElse(m.DT, defaultDT)
		m.err = append(m.err, [2]float64{1, 1})
	}
	p.Eval(f)
	return nil
}

func (m *RungeKutta[T]) adaptive() bool { return m.RTol > 0 || m.ATol > 0 }

// Step makes one step of every sample, or rejects it and shortens the next.
func (m *RungeKutta[T]) Step(f Objective[T], p *Point[T]) {
	scale := orElse(m.Scale, 1)
	for i, done := range p.Done {
		m.move[i] = 0
		if !done {
			m.move[i] = -scale * m.span(i)
		}
	}
	m.k[0].CopyFrom(p.Grad)
	s := len(m.tab.B)
	for i := 1; i < s; i++ {
		m.combine(m.z, p.Z, m.tab.A[i])
		f.Eval(m.f, m.k[i], m.z)
	}
	if !m.tab.Last {
		m.combine(m.z, p.Z, m.tab.B)
	}
	if m.adaptive() {
		tensor.Zero(m.diff)
		m.combine(m.diff, m.diff, m.tab.E)
	}
	rejected := false
	for i, done := range p.Done {
		if done {
			continue
		}
		if m.accept(i, p) {
			copy(p.Z.Row(i), m.z.Row(i))
			p.Done[i] = m.Until > 0 && m.t[i] >= m.Until*(1-roundedTime)
		} else {
			rejected = true
		}
	}
	if m.tab.Last && !rejected {
		p.Grad.CopyFrom(m.k[s-1])
		copy(p.F, m.f)
		norms(p.Res, p.Grad)
		p.Stale = false
		return
	}
	p.Eval(f)
}

// span is the time that sample i's next step takes: no more than it has left.
func (m *RungeKutta[T]) span(i int) float64 {
	if m.Until > 0 {
		return min(m.dt[i], m.Until-m.t[i])
	}
	return m.dt[i]
}

// combine stores z + Σ_j w_j (−dt k_j) in dst, row by row; dst may be z.
func (m *RungeKutta[T]) combine(dst, z tensor.Matrix[T], w []float64) {
	if &dst.Data[0] != &z.Data[0] {
		dst.CopyFrom(z)
	}
	for j, a := range w {
		if a == 0 {
			continue
		}
		for i := range dst.Rows {
			if v := a * m.move[i]; v != 0 {
				tensor.Axpy(dst.Row(i), T(v), m.k[j].Row(i))
			}
		}
	}
}

// accept judges sample i's step by its error and chooses the next step's size.
func (m *RungeKutta[T]) accept(i int, p *Point[T]) bool {
	took := m.span(i)
	if !m.adaptive() {
		m.t[i] += took
		return true
	}
	sum := 0.0
	z, znew, e := p.Z.Row(i), m.z.Row(i), m.diff.Row(i)
	for j, d := range e {
		if d == 0 { // even of what is 0, with ATol = 0
			continue
		}
		r := float64(d) / (m.ATol + m.RTol*max(math.Abs(float64(z[j])), math.Abs(float64(znew[j]))))
		sum += float64(r * r)
	}
	ratio := math.Sqrt(sum / float64(max(len(e), 1)))
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		m.dt[i] = took * minFactor
		return false
	}
	inverse := 1 / max(ratio, 1e-10)
	pc, ic, dc := m.P, m.I, m.D
	if pc == 0 && ic == 0 && dc == 0 {
		ic = 1
	}
	order := float64(m.tab.Order)
	last := m.err[i]
	factor := safety * math.Pow(inverse, (pc+ic+dc)/order) * math.Pow(last[0], -(pc+2*dc)/order) * math.Pow(last[1], dc/order)
	factor = min(max(factor, minFactor), maxFactor)
	if ratio > 1 {
		m.dt[i] = took * min(factor, 1)
		return false
	}
	m.dt[i] = took * max(factor, 1)
	m.t[i] += took
	m.err[i] = [2]float64{inverse, last[0]}
	return true
}
