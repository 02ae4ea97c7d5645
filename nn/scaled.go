package nn

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Scaled is a layer times a constant, g(z) = a h(z). All maps are those of h, scaled. Cost: those of h and a scaling.
type Scaled[T tensor.Float] struct {
	Layer[T]
	a T
	n int // outputs
	f int // floats of h's cache
}

var _ Layer[float32] = Scaled[float32]{}

// NewScaled returns the layer a·inner(z). a must be finite and not 0, and inner's units its outputs, whose parameters are theirs alone, as
// a dense layer's are: u is scaled unit by unit.
func NewScaled[T tensor.Float](inner Local[T], a float64) Scaled[T] {
	if a == 0 || math.IsNaN(a) || math.IsInf(a, 0) {
		panic("nn: layer scaled by 0 or by no number")
	}
	_, n := inner.Dims()
	if inner.Units() != n {
		panic("nn: scaled layer whose units are not its outputs")
	}
	return Scaled[T]{Layer: inner, a: T(a), n: n, f: inner.Slot().Floats}
}

// Slot keeps what h keeps, and one scratch row of outputs.
func (s Scaled[T]) Slot() Slot { return Slot{Floats: s.f + s.n} }

func (s Scaled[T]) inner(c Cache[T]) Cache[T] { return Cache[T]{F: c.F.ColsOf(0, s.f)} }

func (s Scaled[T]) scale(m tensor.Matrix[T]) {
	for i := range m.Rows {
		tensor.Scale(m.Row(i), s.a)
	}
}

// Forward stores a h(z).
func (s Scaled[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	s.Layer.Forward(dst, z, s.inner(c))
	s.scale(dst)
}

// Push stores a (∂h/∂z) v.
func (s Scaled[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	s.Layer.Push(dst, v, s.inner(c))
	s.scale(dst)
}

// Pull stores a (∂h/∂z)ᵀ u.
func (s Scaled[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) {
	s.Layer.Pull(dst, u, s.inner(c))
	s.scale(dst)
}

// PullParams adds a (∂h/∂θ)ᵀ u.
func (s Scaled[T]) PullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	w := c.F.ColsOf(s.f, s.f+s.n)
	part := w.ColsOf(units.Lo, units.Hi)
	part.CopyFrom(u.ColsOf(units.Lo, units.Hi))
	s.scale(part)
	s.Layer.PullParams(grad, units, w, z, s.inner(c))
}

// Parameterisation says by which constants the predictions of a multilayer perceptron are scaled.
type Parameterisation uint8

// Standard: 1. NTK: 1/√n_{l−1} (Jacot et al. 2018). MuPC: the depth-μP scalings of Innocenti, Achour and Buckley (2025,
// "μPC: Scaling Predictive Coding to 100+ Layer Networks", Table 1), 1/√n_0 for the first layer, 1/√(n_{l−1} L) for hidden
// ones, which have skip connections there, and 1/n_{L−1} for the last. Both are made for weights from N(0, 1).
const (
	Standard Parameterisation = iota
	NTK
	MuPC
)

var parameterisations = []string{"standard", "ntk", "mupc"}

// Parameterisations lists the names that ParseParameterisation accepts.
func Parameterisations() []string { return append([]string(nil), parameterisations...) }

// String returns the name that ParseParameterisation accepts.
func (p Parameterisation) String() string {
	if int(p) >= len(parameterisations) {
		return fmt.Sprintf("Parameterisation(%d)", uint8(p))
	}
	return parameterisations[p]
}

// ParseParameterisation returns the parameterisation called name.
func ParseParameterisation(name string) (Parameterisation, error) {
	for i, n := range parameterisations {
		if n == name {
			return Parameterisation(i), nil
		}
	}
	return 0, fmt.Errorf("parameterisation %q: want one of standard, ntk, mupc", name)
}

// scale is the constant of layer l (1…L) with in inputs.
func (p Parameterisation) scale(l, L, in int) float64 {
	n := float64(in)
	switch {
	case p == Standard:
		return 1
	case p == NTK || l == 1:
		return 1 / math.Sqrt(n)
	case l == L:
		return 1 / n
	}
	return 1 / math.Sqrt(n*float64(L))
}
