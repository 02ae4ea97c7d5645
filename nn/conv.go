package nn

import "github.com/settle-pc/settle/tensor"

// Conv2D is a convolution of images (as deep-learning libraries call it: a correlation) with a bias, if any, for each channel:
//
//	g[y][x][o] = b[o] + Σ_{i,j,c} W[o][i][j][c] · z[s·y + i − p][s·x + j − p][c],  0 ≤ i, j < kernel
//
// with stride s, and padding p: z is 0 outside its image. W is out×kernel×kernel×in, stored before b. An activation stands beside
// it in a Seq.
//
// It is the dense product of a matrix that holds, in a row for each pixel of the result, the pixels under the kernel: as many rows
// at a time as fit the second-level cache beside the weights. Units are the taps of the kernel; b's gradient is the first one's.
type Conv2D[T tensor.Float] struct {
	plain[T]
	in, out Image
	Kernel
	hasBias bool
	w       tensor.Matrix[T] // out × kernel·kernel·in
	b       []T
	wt, wn  tensor.Packed[T]
	rows    spare[[]T]
}

var _ Layer[float32] = (*Conv2D[float32])(nil)

// Kernel is the window of a convolution: Size×Size pixels, Stride apart, on an image with Pad rows and columns of zeros around it.
type Kernel struct{ Size, Stride, Pad int }

// valid reports whether every window has a pixel of an image large enough.
func (k Kernel) valid() bool { return k.Size >= 1 && k.Stride >= 1 && k.Pad >= 0 && k.Pad < k.Size }

// NewConv2D returns a convolution to the given number of channels. The padding is smaller than the kernel.
func NewConv2D[T tensor.Float](in Image, channels int, k Kernel, bias bool) *Conv2D[T] {
	if !in.valid() || channels < 1 {
		panic("nn: convolution without channels or pixels")
	}
	if !k.valid() {
		panic("nn: convolution wants a kernel and a stride from 1 and a padding below the kernel")
	}
	out, ok := in.after(channels, k)
	if !ok {
		panic("nn: kernel larger than its image")
	}
	d := &Conv2D[T]{in: in, out: out, Kernel: k, hasBias: bias}
	n := min(d.pixels()*d.depth(), max(gathered, rowTile*d.depth())) // the most that atOnce pixels of any number of taps take
	d.rows.make = func() []T { return make([]T, n) }
	return d
}

// Out is the shape of the result.
func (d *Conv2D[T]) Out() Image { return d.out }

// Dims returns the sizes of both images.
func (d *Conv2D[T]) Dims() (in, out int) { return d.in.Len(), d.out.Len() }

// taps is the number of inputs that a pixel of the result sees of each channel, depth that of all channels.
func (d *Conv2D[T]) taps() int   { return d.Size * d.Size }
func (d *Conv2D[T]) depth() int  { return d.taps() * d.in.C }
func (d *Conv2D[T]) pixels() int { return d.out.H * d.out.W }

// Params returns W and, with a bias, b.
func (d *Conv2D[T]) Params() []Param {
	p := []Param{{Name: "W", Shape: []int{d.out.C, d.Size, d.Size, d.in.C}, FanIn: d.depth(), FanOut: d.taps() * d.out.C}}
	if d.hasBias {
		p = append(p, Param{Name: "b", Shape: []int{d.out.C}, FanIn: d.depth()})
	}
	return p
}

// Units returns the number of taps.
func (d *Conv2D[T]) Units() int { return d.taps() }

// MACs counts those with the padding too.
func (d *Conv2D[T]) MACs() int { return d.pixels() * d.depth() * d.out.C }

// Affine is true.
func (d *Conv2D[T]) Affine() bool { return true }

// Smooth is true.
func (d *Conv2D[T]) Smooth() bool { return true }

// Slot is empty.
func (d *Conv2D[T]) Slot() Slot { return Slot{} }

// Bind takes W and b as views of theta.
func (d *Conv2D[T]) Bind(theta []T) {
	n := d.out.C * d.depth()
	d.w = tensor.Of(d.out.C, d.depth(), theta[:n])
	d.b = nil
	if d.hasBias {
		d.b = theta[n : n+d.out.C]
	}
}

// Pack blocks W and Wᵀ.
func (d *Conv2D[T]) Pack() {
	d.wt.PackT(d.w)
	d.wn.Pack(d.w)
}

// Forward stores the convolution of z.
func (d *Conv2D[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	d.Push(dst, z, c)
	if !d.hasBias {
		return
	}
	for i := range dst.Rows {
		tensor.AddRow(tensor.Of(d.pixels(), d.out.C, dst.Row(i)), d.b)
	}
}

// gathered is the number of elements gathered at a time, 128 or 256 kB, or rowTile pixels' where those are more.
const gathered = 32 << 10

// rowTile is a multiple of every kernel's row tile.
const rowTile = 16

// atOnce is the number of pixels whose inputs from some taps are gathered at a time.
func (d *Conv2D[T]) atOnce(taps int) int {
	return min(d.pixels(), max(rowTile, gathered/(taps*d.in.C)/rowTile*rowTile))
}

// Reserve makes room for gathered pixels.
func (d *Conv2D[T]) Reserve(calls int) { d.rows.reserve(calls) }

// Push stores the convolution of v without the bias.
func (d *Conv2D[T]) Push(dst, v tensor.Matrix[T], _ Cache[T]) {
	if dst.Rows != v.Rows {
		panic("nn: row mismatch")
	}
	n, depth, all := d.atOnce(d.taps()), d.depth(), Span{Hi: d.taps()}
	buffer := d.rows.take()
	for i := range v.Rows {
		to := tensor.Of(d.pixels(), d.out.C, dst.Row(i))
		for lo := 0; lo < to.Rows; lo += n {
			hi := min(lo+n, to.Rows)
			x := tensor.Of(hi-lo, depth, buffer[:(hi-lo)*depth])
			d.gather(x, v.Row(i), lo, all)
			tensor.Mul(to.RowsOf(lo, hi), x, &d.wt)
		}
	}
	d.rows.give(buffer)
}

// Pull stores the transposed convolution of u: every pixel of the result gives what it has taken.
func (d *Conv2D[T]) Pull(dst, u tensor.Matrix[T], _ Cache[T]) {
	if dst.Rows != u.Rows {
		panic("nn: row mismatch")
	}
	n, depth := d.atOnce(d.taps()), d.depth()
	buffer := d.rows.take()
	tensor.Zero(dst)
	for i := range u.Rows {
		from := tensor.Of(d.pixels(), d.out.C, u.Row(i))
		for lo := 0; lo < from.Rows; lo += n {
			hi := min(lo+n, from.Rows)
			x := tensor.Of(hi-lo, depth, buffer[:(hi-lo)*depth])
			tensor.Mul(x, from.RowsOf(lo, hi), &d.wn)
			d.scatter(dst.Row(i), x, lo)
		}
	}
	d.rows.give(buffer)
}

// PullParams adds the gradient of the taps in units, and b's with the first.
func (d *Conv2D[T]) PullParams(grad []T, units Span, u, z tensor.Matrix[T], _ Cache[T]) {
	taps := units.Hi - units.Lo
	if taps == 0 {
		return
	}
	n, width := d.atOnce(taps), taps*d.in.C
	buffer := d.rows.take()
	size := d.out.C * d.depth()
	w := tensor.Of(d.out.C, d.depth(), grad[:size]).ColsOf(units.Lo*d.in.C, units.Hi*d.in.C)
	for i := range u.Rows {
		from := tensor.Of(d.pixels(), d.out.C, u.Row(i))
		for lo := 0; lo < from.Rows; lo += n {
			hi := min(lo+n, from.Rows)
			x := tensor.Of(hi-lo, width, buffer[:(hi-lo)*width])
			d.gather(x, z.Row(i), lo, units)
			tensor.AddMulT(w, from.RowsOf(lo, hi), x)
		}
		if d.hasBias && units.Lo == 0 {
			tensor.AddSumRows(grad[size:size+d.out.C], from)
		}
	}
	d.rows.give(buffer)
}

// gather stores in each row of dst what one pixel of the result, from first on, sees of the image z through the taps.
func (d *Conv2D[T]) gather(dst tensor.Matrix[T], z []T, first int, taps Span) {
	for i := range dst.Rows {
		row := dst.Row(i)
		for t := taps.Lo; t < taps.Hi; {
			end := min(taps.Hi, t-t%d.Size+d.Size)
			at, lo, hi := d.run(first+i, t, end)
			clear(row[:lo])
			copy(row[lo:hi], z[at:at+hi-lo])
			n := (end - t) * d.in.C
			clear(row[hi:n])
			row, t = row[n:], end
		}
	}
}

// scatter adds each row of x to the pixels of the image dst that gather took it from.
func (d *Conv2D[T]) scatter(dst []T, x tensor.Matrix[T], first int) {
	for i := range x.Rows {
		row := x.Row(i)
		for t := 0; t < d.taps(); t += d.Size {
			at, lo, hi := d.run(first+i, t, t+d.Size)
			tensor.Axpy(dst[at:at+hi-lo], 1, row[lo:hi])
			row = row[d.Size*d.in.C:]
		}
	}
}

// run says where the taps t ≤ k < end, of one row of the kernel, lie on the image at a pixel of the result: elements lo ≤ e < hi of
// them are elements at, at+1, … of the image, the others lie outside it.
func (d *Conv2D[T]) run(pixel, t, end int) (at, lo, hi int) {
	y := pixel/d.out.W*d.Stride - d.Pad + t/d.Size
	x := pixel%d.out.W*d.Stride - d.Pad + t%d.Size
	first, last := max(x, 0), min(x+end-t, d.in.W)
	if y < 0 || y >= d.in.H || first >= last {
		return 0, 0, 0
	}
	return (y*d.in.W + first) * d.in.C, (first - x) * d.in.C, (last - x) * d.in.C
}
