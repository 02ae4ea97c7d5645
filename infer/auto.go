package infer

import "github.com/settle-pc/settle/tensor"

// Auto is the default: Exact where the objective is quadratic, else BarzilaiBorwein with its first step from the
// curvature. It has nothing to tune.
type Auto[T tensor.Float] struct {
	exact Exact[T]
	bb    BarzilaiBorwein[T]
	m     Method[T]
}

var _ Method[float32] = (*Auto[float32])(nil)

// Share gives the method the curvature that all inferences of one update share; without it, it is measured at Init.
func (m *Auto[T]) Share(c *Curvature[T]) { m.exact.shared, m.bb.shared = c, c }

// Init chooses the method and starts it.
func (m *Auto[T]) Init(f Objective[T], p *Point[T]) error {
	m.m = &m.bb
	if c, ok := curved(f); ok && c.Quadratic() {
		m.m = &m.exact
	}
	return m.m.Init(f, p)
}

// Step is the chosen method's.
func (m *Auto[T]) Step(f Objective[T], p *Point[T]) { m.m.Step(f, p) }

// FirstSteps are BarzilaiBorwein's, none where Exact was chosen.
func (m *Auto[T]) FirstSteps() []float64 {
	if m.m != Method[T](&m.bb) {
		return nil
	}
	return m.bb.FirstSteps()
}
