package nn

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// LayerNorm is layer normalisation (Ba, Kiros and Hinton 2016) of each group of n neighbouring units, the channels of a pixel, a
// token or all of a row, with a gain and a shift for each of the n that all groups share:
//
//	g = gain ⊙ ẑ + shift,  ẑ = (z − mean z)/√(var z + 1e−5)
//
// with the mean of squares, not divided by n − 1, as var. θ = (gain, shift), 1 and 0 at the start. Means are formed in float64.
// It is one unit, small beside those of its neighbours in a Seq.
type LayerNorm[T tensor.Float] struct {
	plain[T]
	groups, n   int
	gain, shift []T
}

var _ Layer[float32] = (*LayerNorm[float32])(nil)

// normEpsilon is PyTorch's default.
const normEpsilon = 1e-5

// NewLayerNorm returns the layer for rows of groups·n units.
func NewLayerNorm[T tensor.Float](groups, n int) *LayerNorm[T] {
	if groups < 1 || n < 1 {
		panic("nn: layer without units")
	}
	return &LayerNorm[T]{groups: groups, n: n}
}

// Dims returns groups·n twice.
func (l *LayerNorm[T]) Dims() (in, out int) { return l.groups * l.n, l.groups * l.n }

// Params returns gain and shift.
func (l *LayerNorm[T]) Params() []Param {
	return []Param{{Name: "gain", Shape: []int{l.n}, Start: 1}, {Name: "shift", Shape: []int{l.n}}}
}

// Units returns 1.
func (l *LayerNorm[T]) Units() int { return 1 }

// MACs counts three for each unit: mean, variance, gain.
func (l *LayerNorm[T]) MACs() int { return 3 * l.groups * l.n }

// Affine is false.
func (l *LayerNorm[T]) Affine() bool { return false }

// Smooth is true.
func (l *LayerNorm[T]) Smooth() bool { return true }

// Slot keeps ẑ and, for each group, 1/√(var z + ε).
func (l *LayerNorm[T]) Slot() Slot { return Slot{Floats: l.groups * (l.n + 1)} }

// Bind takes gain and shift as views of theta.
func (l *LayerNorm[T]) Bind(theta []T) { l.gain, l.shift = theta[:l.n], theta[l.n:2*l.n] }

// Pack has nothing to do.
func (l *LayerNorm[T]) Pack() {}

// group returns group k of a row, ẑ or another.
func (l *LayerNorm[T]) group(row []T, k int) []T { return row[k*l.n : (k+1)*l.n] }

// scale is 1/√(var z + ε) of group k.
func (l *LayerNorm[T]) scale(cache []T, k int) *T { return &cache[l.groups*l.n+k] }

// Forward stores g and keeps ẑ.
func (l *LayerNorm[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	for i := range dst.Rows {
		cache := c.F.Row(i)
		for k := range l.groups {
			z, hat, to := l.group(z.Row(i), k), l.group(cache, k), l.group(dst.Row(i), k)
			mean, square := 0.0, 0.0
			for _, v := range z {
				mean += float64(v)
			}
			mean /= float64(l.n)
			for _, v := range z {
				d := float64(v) - mean
				square += float64(d * d)
			}
			s := 1 / math.Sqrt(square/float64(l.n)+normEpsilon)
			*l.scale(cache, k) = T(s)
			for j, v := range z {
				hat[j] = T((float64(v) - mean) * s)
				to[j] = T(l.gain[j]*hat[j]) + l.shift[j]
			}
		}
	}
}

// project stores s (h − mean h − ẑ mean(ẑ ⊙ h)), h = a ⊙ w, in dst: the derivative of ẑ, which is symmetric. A nil a is all 1.
func (l *LayerNorm[T]) project(dst, w, a, hat []T, s T) {
	mean, along := 0.0, 0.0
	for j, v := range w {
		if a != nil {
			v *= a[j]
		}
		dst[j] = v
		mean += float64(v)
		along += float64(float64(v) * float64(hat[j]))
	}
	mean, along = mean/float64(l.n), along/float64(l.n)
	for j, v := range dst {
		dst[j] = T(float64(s) * (float64(v) - mean - float64(float64(hat[j])*along)))
	}
}

// Push stores gain ⊙ (∂ẑ/∂z) v.
func (l *LayerNorm[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	for i := range dst.Rows {
		cache := c.F.Row(i)
		for k := range l.groups {
			to := l.group(dst.Row(i), k)
			l.project(to, l.group(v.Row(i), k), nil, l.group(cache, k), *l.scale(cache, k))
			for j := range to {
				to[j] *= l.gain[j]
			}
		}
	}
}

// Pull stores (∂ẑ/∂z) (gain ⊙ u).
func (l *LayerNorm[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) {
	for i := range dst.Rows {
		cache := c.F.Row(i)
		for k := range l.groups {
			l.project(l.group(dst.Row(i), k), l.group(u.Row(i), k), l.gain, l.group(cache, k), *l.scale(cache, k))
		}
	}
}

// PullParams adds Σ u ⊙ ẑ to the gradient of the gain and Σ u to that of the shift, over rows and groups.
func (l *LayerNorm[T]) PullParams(grad []T, units Span, u, _ tensor.Matrix[T], c Cache[T]) {
	if units.Lo == units.Hi {
		return
	}
	gain, shift := grad[:l.n], grad[l.n:2*l.n]
	for i := range u.Rows {
		for k := range l.groups {
			u, hat := l.group(u.Row(i), k), l.group(c.F.Row(i), k)
			for j, v := range u {
				gain[j] += T(v * hat[j])
				shift[j] += v
			}
		}
	}
}
