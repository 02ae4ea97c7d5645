package optim

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Adam keeps running means m of the gradient and v of its square, both corrected for their start at zero, and steps by
// lr m̂/(√v̂ + ε) (Kingma and Ba 2015, Alg. 1; β = 0.9, 0.999, ε = 1e−8). Weight decay λ is added to the gradient, or,
// in AdamW, taken from the weights apart from it: θ ← θ − lr λ θ (Loshchilov and Hutter 2019, in the form of PyTorch,
// whose decay follows lr).
type Adam[T tensor.Float] struct {
	base[T]
	decay     float64
	decoupled bool
	scale     float64 // lr/(1 − β₁ᵗ)
	unbias    float64 // 1/(1 − β₂ᵗ)
}

var _ Optimizer[float32] = (*Adam[float32])(nil)

const (
	beta1 = 0.9
	beta2 = 0.999
	eps   = 1e-8
)

// NewAdam returns Adam for n parameters, weight decay added to the gradient.
func NewAdam[T tensor.Float](n int, rate Rate, decay float64) *Adam[T] {
	return &Adam[T]{base: newBase[T](rate, n, "m", "v"), decay: decay}
}

// NewAdamW returns Adam for n parameters with decoupled weight decay.
func NewAdamW[T tensor.Float](n int, rate Rate, decay float64) *Adam[T] {
	o := NewAdam[T](n, rate, decay)
	o.decoupled = true
	return o
}

// Advance begins the next step.
func (o *Adam[T]) Advance() {
	o.base.Advance()
	t := float64(o.steps)
	o.scale = o.lr / (1 - math.Pow(beta1, t))
	o.unbias = 1 / (1 - math.Pow(beta2, t))
}

// Apply updates a piece of θ.
func (o *Adam[T]) Apply(theta, grad []T, lo int) {
	hi := lo + len(theta)
	c := tensor.Adam[T]{Decay: T(o.decay), Beta1: beta1, Rest1: 1 - beta1, Beta2: beta2, Rest2: 1 - beta2,
		Scale: T(o.scale), Unbias: T(o.unbias), Epsilon: eps}
	if o.decoupled {
		c.Decay, c.Shrink = 0, T(o.lr*o.decay)
	}
	c.Step(theta, grad, o.slots[0].V[lo:hi], o.slots[1].V[lo:hi])
}
