package infer

import "github.com/settle-pc/settle/tensor"

// Momentum is gradient descent with momentum and a fixed step: v ← μv − dt ∂F/∂z, z ← z + v (Polyak 1964), or with
// Nesterov's look-ahead, in the form in which gradients are taken at the points shown: z ← z + μv − dt ∂F/∂z after the
// update of v (Sutskever et al. 2013). On a quadratic with curvatures from λ_min to λ_max Polyak's form is stable for
// dt < 2(1 + μ)/λ_max, Nesterov's only for dt < 2(1 + μ)/((1 + 2μ)λ_max), which is less than Euler's 2/λ_max. With the best constants
// Polyak's contracts by 1 − 2/(√κ + 1) a step, κ = λ_max/λ_min, against 1 − 2/(κ + 1) without momentum. Cost: two passes a step.
type Momentum[T tensor.Float] struct {
	DT       float64 // 0 means 0.1
	Mu       float64 // 0 means 0.7
	Nesterov bool

	v tensor.Matrix[T]
}

var _ Method[float32] = (*Momentum[float32])(nil)

// Init evaluates the start, at rest.
func (m *Momentum[T]) Init(f Objective[T], p *Point[T]) error {
	m.v = reshape(m.v, p.Z)
	tensor.Zero(m.v)
	p.Eval(f)
	return nil
}

// Step makes one step.
func (m *Momentum[T]) Step(f Objective[T], p *Point[T]) {
	dt, mu := orElse(m.DT, defaultDT), orElse(m.Mu, 0.7)
	for i, done := range p.Done {
		if done {
			continue
		}
		v, z, g := m.v.Row(i), p.Z.Row(i), p.Grad.Row(i)
		tensor.Scale(v, T(mu))
		tensor.Axpy(v, T(-dt), g)
		if m.Nesterov {
			tensor.Axpy(z, T(mu), v)
			tensor.Axpy(z, T(-dt), g)
		} else {
			tensor.Axpy(z, 1, v)
		}
	}
	p.Eval(f)
}

// defaultDT is the step of the methods with a fixed one, that of the post's experiments.
const defaultDT = 0.1

// orElse returns v, or the default if v is 0.
func orElse(v, otherwise float64) float64 {
	if v == 0 {
		return otherwise
	}
	return v
}
