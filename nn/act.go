package nn

import "github.com/settle-pc/settle/tensor"

// Act is an activation alone, g(z) = φ(z): a part of a Seq.
type Act[T tensor.Float] struct {
	bare[T]
	n   int
	act Activation
}

var _ Layer[float32] = Act[float32]{}

// NewAct returns φ on n units.
func NewAct[T tensor.Float](n int, act Activation) Act[T] {
	if n < 1 {
		panic("nn: layer without units")
	}
	if act >= numActivations {
		panic("nn: unknown activation")
	}
	return Act[T]{n: n, act: act}
}

// Dims returns n twice.
func (a Act[T]) Dims() (in, out int) { return a.n, a.n }

// MACs counts one for each unit.
func (a Act[T]) MACs() int { return a.n }

// Affine reports whether φ is linear.
func (a Act[T]) Affine() bool { return a.act == Linear }

// Smooth reports whether φ has no kinks.
func (a Act[T]) Smooth() bool { return a.act.Smooth() }

// Slot keeps φ′.
func (a Act[T]) Slot() Slot { return Slot{Floats: a.n} }

// Forward stores φ(z) and keeps φ′; dst may be z.
func (a Act[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) { apply(a.act, dst, c.F, z) }

// Push stores φ′ ⊙ v.
func (a Act[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) { tensor.Hadamard(dst, v, c.F) }

// Pull stores φ′ ⊙ u.
func (a Act[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) { tensor.Hadamard(dst, u, c.F) }
