package optim

import "github.com/settle-pc/settle/tensor"

// SGD is θ ← θ − lr (∂ + λθ), with weight decay λ (the post's Eq. 2 and 5 with λ = 0).
type SGD[T tensor.Float] struct {
	base[T]
	decay float64
}

var _ Optimizer[float32] = (*SGD[float32])(nil)

// NewSGD returns stochastic gradient descent with weight decay.
func NewSGD[T tensor.Float](rate Rate, decay float64) *SGD[T] {
	return &SGD[T]{base: newBase[T](rate, 0), decay: decay}
}

// Apply updates a piece of θ.
func (o *SGD[T]) Apply(theta, grad []T, _ int) {
	tensor.Descend(theta, grad, T(o.lr), T(o.decay))
}
