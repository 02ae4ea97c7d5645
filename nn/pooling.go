package nn

import "github.com/settle-pc/settle/tensor"

// maxPooled is the largest number of elements of an image that is pooled.
const maxPooled = 1 << 24

// windows are those of a pooling layer: size×size pixels, stride apart, none of them outside the image.
type windows[T tensor.Float] struct {
	bare[T]
	in, out      Image
	size, stride int
}

func newWindows[T tensor.Float](in Image, size, stride int) windows[T] {
	if !in.valid() || in.Len() > maxPooled {
		panic("nn: pooling of no pixels or of more than 2²⁴ elements")
	}
	if size < 1 || stride < 1 {
		panic("nn: pooling wants a window and a stride from 1")
	}
	out, ok := in.after(in.C, Kernel{Size: size, Stride: stride})
	if !ok {
		panic("nn: window larger than its image")
	}
	return windows[T]{in: in, out: out, size: size, stride: stride}
}

// Out is the shape of the result.
func (w *windows[T]) Out() Image { return w.out }

// Dims returns the sizes of both images.
func (w *windows[T]) Dims() (in, out int) { return w.in.Len(), w.out.Len() }

// MACs counts one for each pixel of each window.
func (w *windows[T]) MACs() int { return w.out.Len() * w.size * w.size }

// pixel returns the channels of a pixel of the result in row.
func (w *windows[T]) pixel(row []T, p int) []T { return row[p*w.in.C : (p+1)*w.in.C] }

// offset is where, in an image, pixel k of the window of pixel p of the result begins.
func (w *windows[T]) offset(p, k int) int {
	y, x := p/w.out.W*w.stride+k/w.size, p%w.out.W*w.stride+k%w.size
	return (y*w.in.W + x) * w.in.C
}

// under returns the channels of that pixel of the image z.
func (w *windows[T]) under(z []T, p, k int) []T {
	at := w.offset(p, k)
	return z[at : at+w.in.C]
}

// AvgPool is the mean over windows of an image, channel by channel.
type AvgPool[T tensor.Float] struct{ windows[T] }

var _ Layer[float32] = (*AvgPool[float32])(nil)

// NewAvgPool returns pooling with windows of size×size, stride apart; rows and columns that fill no window are left out.
func NewAvgPool[T tensor.Float](in Image, size, stride int) *AvgPool[T] {
	return &AvgPool[T]{newWindows[T](in, size, stride)}
}

// Affine is true.
func (a *AvgPool[T]) Affine() bool { return true }

// Smooth is true.
func (a *AvgPool[T]) Smooth() bool { return true }

// Slot is empty.
func (a *AvgPool[T]) Slot() Slot { return Slot{} }

// Forward stores the means.
func (a *AvgPool[T]) Forward(dst, z tensor.Matrix[T], _ Cache[T]) {
	n := a.size * a.size
	for i := range dst.Rows {
		to, from := dst.Row(i), z.Row(i)
		for p := range a.out.H * a.out.W {
			mean := a.pixel(to, p)
			copy(mean, a.under(from, p, 0))
			for k := 1; k < n; k++ {
				tensor.Axpy(mean, 1, a.under(from, p, k))
			}
		}
		tensor.Scale(to, T(1/float64(n)))
	}
}

// Push stores the means of v.
func (a *AvgPool[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) { a.Forward(dst, v, c) }

// Pull gives every pixel of a window its share.
func (a *AvgPool[T]) Pull(dst, u tensor.Matrix[T], _ Cache[T]) {
	tensor.Zero(dst)
	n := a.size * a.size
	for i := range dst.Rows {
		to, from := dst.Row(i), u.Row(i)
		for p := range a.out.H * a.out.W {
			for k := range n {
				tensor.Axpy(a.under(to, p, k), T(1/float64(n)), a.pixel(from, p))
			}
		}
	}
}

// MaxPool is the largest element of each window of an image, channel by channel. Of equal ones the first counts, in the order of
// rows and columns: there lies a kink, and the derivative is that of the first. A NaN is larger than any number.
type MaxPool[T tensor.Float] struct{ windows[T] }

var _ Layer[float32] = (*MaxPool[float32])(nil)

// NewMaxPool returns pooling with windows of size×size, stride apart; rows and columns that fill no window are left out.
func NewMaxPool[T tensor.Float](in Image, size, stride int) *MaxPool[T] {
	return &MaxPool[T]{newWindows[T](in, size, stride)}
}

// Affine is false, unless windows are single pixels.
func (m *MaxPool[T]) Affine() bool { return m.size == 1 }

// Smooth is false, unless windows are single pixels.
func (m *MaxPool[T]) Smooth() bool { return m.size == 1 }

// Slot keeps which element of the image each element of the result is: exact, since there are no more than 2²⁴ of them.
func (m *MaxPool[T]) Slot() Slot { return Slot{Floats: m.out.Len()} }

// Forward stores the largest elements.
func (m *MaxPool[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	n := m.size * m.size
	for i := range dst.Rows {
		to, from, which := dst.Row(i), z.Row(i), c.F.Row(i)
		for p := range m.out.H * m.out.W {
			best, at := m.pixel(to, p), m.pixel(which, p)
			first := m.offset(p, 0)
			copy(best, from[first:])
			for j := range at {
				at[j] = T(first + j)
			}
			for k := 1; k < n; k++ {
				first := m.offset(p, k)
				for j, v := range from[first : first+len(best)] {
					if b := best[j]; v > b || v != v && b == b {
						best[j], at[j] = v, T(first+j)
					}
				}
			}
		}
	}
}

// Push stores v where the largest elements were.
func (m *MaxPool[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	for i := range dst.Rows {
		to, from := dst.Row(i), v.Row(i)
		for e, at := range c.F.Row(i) {
			to[e] = from[int(at)]
		}
	}
}

// Pull gives u to the largest elements.
func (m *MaxPool[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) {
	tensor.Zero(dst)
	for i := range dst.Rows {
		to, from := dst.Row(i), u.Row(i)
		for e, at := range c.F.Row(i) {
			to[int(at)] += from[e]
		}
	}
}
