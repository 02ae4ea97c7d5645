package optim

import "github.com/settle-pc/settle/tensor"

// Momentum is v ← μv + ∂ + λθ, θ ← θ − lr v (Polyak's heavy ball), or with Nesterov θ ← θ − lr (∂ + λθ + μv), both in
// the form of PyTorch, in which v is not scaled by lr (that of Sutskever et al. 2013 is).
type Momentum[T tensor.Float] struct {
	base[T]
	mu, decay float64
	nesterov  bool
}

var _ Optimizer[float32] = (*Momentum[float32])(nil)

// NewMomentum returns gradient descent with momentum mu for n parameters.
func NewMomentum[T tensor.Float](n int, rate Rate, mu, decay float64) *Momentum[T] {
	return &Momentum[T]{base: newBase[T](rate, n, "v"), mu: mu, decay: decay}
}

// NewNesterov returns gradient descent with Nesterov's momentum mu for n parameters.
func NewNesterov[T tensor.Float](n int, rate Rate, mu, decay float64) *Momentum[T] {
	o := NewMomentum[T](n, rate, mu, decay)
	o.nesterov = true
	return o
}

// Apply updates a piece of θ.
func (o *Momentum[T]) Apply(theta, grad []T, lo int) {
	c := tensor.Momentum[T]{LR: T(o.lr), Decay: T(o.decay), Mu: T(o.mu)}
	if o.nesterov {
		c.Nesterov(theta, grad, o.slots[0].V[lo:lo+len(theta)])
		return
	}
	c.Step(theta, grad, o.slots[0].V[lo:lo+len(theta)])
}
