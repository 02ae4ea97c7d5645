package nn

import "github.com/settle-pc/settle/tensor"

// ChannelsLast turns an image whose channels lie one after the other, as files of pictures with several have them, into the layout
// of Image: g[(y·W + x)·C + c] = z[(c·H + y)·W + x].
type ChannelsLast[T tensor.Float] struct {
	bare[T]
	m Image
}

var _ Layer[float32] = ChannelsLast[float32]{}

// NewChannelsLast returns the layer for images of one shape.
func NewChannelsLast[T tensor.Float](m Image) ChannelsLast[T] {
	if !m.valid() {
		panic("nn: image without channels or pixels")
	}
	return ChannelsLast[T]{m: m}
}

// Dims returns the size of the image twice.
func (l ChannelsLast[T]) Dims() (in, out int) { return l.m.Len(), l.m.Len() }

// MACs is 0: nothing is computed.
func (l ChannelsLast[T]) MACs() int { return 0 }

// Affine is true.
func (l ChannelsLast[T]) Affine() bool { return true }

// Smooth is true.
func (l ChannelsLast[T]) Smooth() bool { return true }

// Slot is empty.
func (l ChannelsLast[T]) Slot() Slot { return Slot{} }

// Forward puts the channels of each pixel side by side.
func (l ChannelsLast[T]) Forward(dst, z tensor.Matrix[T], _ Cache[T]) {
	for i := range dst.Rows {
		to, from := dst.Row(i), z.Row(i)
		l.each(func(planes, pixels int) { to[pixels] = from[planes] })
	}
}

// Push is Forward.
func (l ChannelsLast[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) { l.Forward(dst, v, c) }

// Pull puts them back.
func (l ChannelsLast[T]) Pull(dst, u tensor.Matrix[T], _ Cache[T]) {
	for i := range dst.Rows {
		to, from := dst.Row(i), u.Row(i)
		l.each(func(planes, pixels int) { to[planes] = from[pixels] })
	}
}

// each calls f with the place of every element in both layouts.
func (l ChannelsLast[T]) each(f func(planes, pixels int)) {
	n := l.m.H * l.m.W
	for p := range n {
		for c := range l.m.C {
			f(c*n+p, p*l.m.C+c)
		}
	}
}
