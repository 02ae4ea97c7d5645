package infer

import "github.com/settle-pc/settle/tensor"

// Auto is the default, and has nothing to tune: Exact where the objective is quadratic; else BarzilaiBorwein, after one step
// of Chord where the samples share their curvature. These two start at z = 0, the feedforward point, wherever the caller does.
type Auto[T tensor.Float] struct {
	shared *Curvature[T]
	own    Curvature[T]
	exact  Exact[T]
	chord  Chord[T]
	bb     BarzilaiBorwein[T]
	m      Method[T]
}

var _ Method[float32] = (*Auto[float32])(nil)

// chordGap is the expected gap up to which a chord step is made. On tanh networks of ten layers, new or trained by PC, it is
// 1e−9 to 1e−4. Where it is more, two samples may agree by chance, and BarzilaiBorwein's first step does as well.
const chordGap = 1e-3

// Share gives the method the curvature that all inferences of one update share; without it, it is measured at Init.
func (m *Auto[T]) Share(c *Curvature[T]) { m.shared = c }

// Init chooses the method and starts it.
func (m *Auto[T]) Init(f Objective[T], p *Point[T]) error {
	m.m = &m.bb
	if c, ok := curved(f); ok {
		use := m.own.orMeasured(m.shared, c, p.Z.Rows)
		switch {
		case !use.of(c.Outputs()):
		case c.Quadratic():
			m.exact.Share(use)
			m.m = &m.exact
		case c.Smooth() && use.Gap <= chordGap:
			m.chord.Share(use)
			m.m = &m.chord
		}
	}
	return m.m.Init(f, p)
}

// Step is the chosen method's.
func (m *Auto[T]) Step(f Objective[T], p *Point[T]) {
	if m.m != Method[T](&m.chord) {
		m.m.Step(f, p)
		return
	}
	m.chord.try(f, p)
	m.bb.begin(f, p)
	for i, done := range p.Done {
		if done {
			continue
		}
		m.chord.accept(i, p) // or it goes on from where it was
		m.bb.best[i] = p.F[i]
		m.bb.setFirst(i, alongGradient(m.bb.metric.squares(p.Grad.Row(i)), m.chord.phi2(i)))
	}
	m.m = &m.bb
}
