// Package nn is what a network computes: layers g_l, their derivatives as linear maps, activations, initial weights,
// and the feedforward pass. It knows nothing of energies or of learning rules.
package nn

import "github.com/settle-pc/settle/tensor"

// Layer is g_l: it predicts the activities of layer l from those of layer l−1, row by row.
//
// Push, Pull and PullParams are the derivative of g at the point of the last Forward into the same cache rows:
// J v, Jᵀ u and (∂g/∂θ)ᵀ u. Each costs what Forward does, MACs multiply-adds a row; attention's cost up to twice that.
type Layer[T tensor.Float] interface {
	// Dims returns n_{l−1} and n_l.
	Dims() (in, out int)
	// Params describes θ_l in the order in which it is stored.
	Params() []Param
	// Units is the number of parts into which PullParams can be divided: the outputs of a dense layer, the taps of a convolution's
	// kernel, the matrices of attention, 1 for a normalisation, 0 without parameters.
	Units() int
	// MACs is the number of multiply-adds of one row in Forward.
	MACs() int
	// Affine reports whether g is affine in z.
	Affine() bool
	// Smooth reports whether ∂g/∂z is differentiable: no kinks.
	Smooth() bool
	// Slot is what one row of this layer needs of a cache.
	Slot() Slot
	// Bind makes theta, a view of the network's flat parameters, the layer's own.
	Bind(theta []T)
	// Pack blocks the weights for the kernels, both orientations. The network calls it after each Update.
	Pack()
	// Draw makes the random choices of the layer, if it has any, for the rows of c anew: a pure function of seed and row. Until it
	// is called, a cache stands for none: g is then what an evaluation wants.
	Draw(c Cache[T], seed uint64)
	// Reserve makes ready for so many calls at the same time as workers will make: then none allocates.
	Reserve(calls int)
	// Forward stores g(z) in dst: B×out from B×in. dst may not alias z.
	Forward(dst, z tensor.Matrix[T], c Cache[T])
	// Push stores (∂g/∂z) v in dst: B×out from B×in. dst may not alias v.
	Push(dst, v tensor.Matrix[T], c Cache[T])
	// Pull stores (∂g/∂z)ᵀ u in dst: B×in from B×out. dst may not alias u, which is unchanged.
	Pull(dst, u tensor.Matrix[T], c Cache[T])
	// PullParams adds (∂g/∂θ)ᵀ u, summed over rows in ascending order, to the part of grad that belongs to units.
	// z is as at Forward. Calls on disjoint units may run at the same time.
	PullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T])
}

// Local is a Layer whose units can learn one by one: their parameters are theirs alone, and PullParams reads no others. So what
// PullParams gave for some units may change their parameters, and be packed, before the others' are asked for.
type Local[T tensor.Float] interface {
	Layer[T]
	// Own lists where in θ_l the parameters of units are.
	Own(units Span) []Span
	// PullOwn is PullParams to a grad that holds just the parameters of units, in the order of Own.
	PullOwn(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T])
	// PackUnits is Pack for units whose parameters, and no others, have changed. Calls on disjoint units may run at the same time.
	PackUnits(units Span)
}

// Span is the half-open range Lo ≤ i < Hi.
type Span struct{ Lo, Hi int }

// Param describes one parameter array of a layer. A weight has FanIn and FanOut, and an output in its first axis; a bias has the
// FanIn of its unit and FanOut 0. One with neither is not drawn: it starts at Start.
type Param struct {
	Name          string
	Shape         []int
	FanIn, FanOut int
	Start         float64
}

// Len is the number of elements.
func (p Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Slot is the number of floats that one row of a layer's cache holds (φ′, scratch).
type Slot struct{ Floats int }

// Cache is what Forward leaves behind for the derivative maps, a row for each sample. It is passed by value; the
// elements are shared.
type Cache[T tensor.Float] struct{ F tensor.Matrix[T] }

// NewCache returns a cache for rows rows of a layer with the given slot.
func NewCache[T tensor.Float](rows int, s Slot) Cache[T] {
	return Cache[T]{F: tensor.New[T](rows, s.Floats)}
}

// RowsOf returns the window of rows lo ≤ i < hi.
func (c Cache[T]) RowsOf(lo, hi int) Cache[T] { return Cache[T]{F: c.F.RowsOf(lo, hi)} }

// Repeat stores what row i < rows of from, another cache of the layer, holds in rows i·times … (i+1)·times − 1, which must be there.
func (c Cache[T]) Repeat(from Cache[T], rows, times int) {
	for i := range rows {
		for k := range times {
			copy(c.F.Row(i*times+k), from.F.Row(i))
		}
	}
}
