package tensor

import "math"

// The functions below are the steps of optimisers, one pass over memory each: at the size of a network they wait for nothing else.
// All slices have one length. Every product and sum is rounded to T, in the order written, so bits are the same at all levels.

// Descend takes a step of gradient descent with weight decay λ: θ ← θ − lr (∂ + λθ).
func Descend[T Float](theta, grad []T, lr, decay T) {
	if len(theta) != len(grad) {
		panic("tensor: length mismatch")
	}
	if machineDescend(theta, grad, &[2]T{lr, decay}) {
		return
	}
	for i, g := range grad {
		theta[i] -= T(lr * (g + T(decay*theta[i])))
	}
}

// Momentum takes the steps of gradient descent with momentum μ, weight decay λ.
type Momentum[T Float] struct{ LR, Decay, Mu T }

// Step is v ← μv + ∂ + λθ, θ ← θ − lr v.
func (c Momentum[T]) Step(theta, grad, v []T) {
	if len(theta) != len(grad) || len(v) != len(grad) {
		panic("tensor: length mismatch")
	}
	if machineMomentum(theta, grad, v, &[3]T{c.LR, c.Decay, c.Mu}) {
		return
	}
	for i, g := range grad {
		v[i] = T(c.Mu*v[i]) + (g + T(c.Decay*theta[i]))
		theta[i] -= T(c.LR * v[i])
	}
}

// Nesterov is v ← μv + ∂ + λθ, θ ← θ − lr (∂ + λθ + μv).
func (c Momentum[T]) Nesterov(theta, grad, v []T) {
	if len(theta) != len(grad) || len(v) != len(grad) {
		panic("tensor: length mismatch")
	}
	if machineNesterov(theta, grad, v, &[3]T{c.LR, c.Decay, c.Mu}) {
		return
	}
	for i, g := range grad {
		g += T(c.Decay * theta[i])
		v[i] = T(c.Mu*v[i]) + g
		theta[i] -= T(c.LR * (g + T(c.Mu*v[i])))
	}
}

// Adam takes the steps of Adam. Scale and Unbias are lr/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ); Decay is the weight decay added to the
// gradient, Shrink the share of the weights that is taken from them apart from it.
type Adam[T Float] struct {
	Decay                  T
	Beta1, Rest1           T // β₁, 1 − β₁
	Beta2, Rest2           T
	Scale, Unbias, Epsilon T
	Shrink                 T
}

// Step is g = ∂ + Decay θ, m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − (Shrink θ + Scale m/(√(Unbias v) + ε)).
func (c Adam[T]) Step(theta, grad, m, v []T) {
	if len(theta) != len(grad) || len(m) != len(grad) || len(v) != len(grad) {
		panic("tensor: length mismatch")
	}
	if machineAdam(theta, grad, m, v, &[9]T{c.Decay, c.Beta1, c.Rest1, c.Beta2, c.Rest2, c.Scale, c.Unbias, c.Epsilon, c.Shrink}) {
		return
	}
	for i, g := range grad {
		g += T(c.Decay * theta[i])
		m[i] = T(c.Beta1*m[i]) + T(c.Rest1*g)
		v[i] = T(c.Beta2*v[i]) + T(c.Rest2*T(g*g))
		step := T(c.Scale*m[i]) / (T(math.Sqrt(float64(T(c.Unbias*v[i])))) + c.Epsilon)
		theta[i] -= T(c.Shrink*theta[i]) + step
	}
}
