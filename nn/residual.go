package nn

import "github.com/settle-pc/settle/tensor"

// Residual is a layer with a skip connection around it, g(z) = z + h(z), h from n to n units. All four maps are those of h, and the
// identity beside them. Cost: those of h and an addition.
type Residual[T tensor.Float] struct{ Layer[T] }

var _ Layer[float32] = Residual[float32]{}

// NewResidual returns the layer z + inner(z).
func NewResidual[T tensor.Float](inner Layer[T]) Residual[T] {
	if in, out := inner.Dims(); in != out {
		panic("nn: residual layer of unequal widths")
	}
	return Residual[T]{inner}
}

// Forward stores z + h(z).
func (r Residual[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	r.Layer.Forward(dst, z, c)
	tensor.Add(dst, dst, z)
}

// Push stores v + (∂h/∂z) v.
func (r Residual[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	r.Layer.Push(dst, v, c)
	tensor.Add(dst, dst, v)
}

// Pull stores u + (∂h/∂z)ᵀ u.
func (r Residual[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) {
	r.Layer.Pull(dst, u, c)
	tensor.Add(dst, dst, u)
}
