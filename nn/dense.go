package nn

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/settle-pc/settle/tensor"
)

// Place says on which side of the weights the activation stands.
type Place uint8

// After: φ(z Wᵀ + b), the default. Before: φ(z) Wᵀ + b, JPC's convention.
const (
	After Place = iota
	Before
)

// String returns the name that ParsePlace accepts.
func (p Place) String() string {
	if p == Before {
		return "before"
	}
	return "after"
}

// ParsePlace returns the placement called name.
func ParsePlace(name string) (Place, error) {
	switch name {
	case "after":
		return After, nil
	case "before":
		return Before, nil
	}
	return 0, fmt.Errorf("activation placement %q: want after or before", name)
}

// Dense is a fully connected layer: φ(z Wᵀ + b) with the activation After, φ(z) Wᵀ + b with it Before.
// W is out×in, row-major, stored before the bias b (out, if any). θ = (W, b).
type Dense[T tensor.Float] struct {
	plain[T]
	in, out int
	act     Activation
	place   Place
	w       tensor.Matrix[T]
	b       []T // nil without bias
	hasBias bool
	wt      tensor.Packed[T] // Wᵀ, for Z Wᵀ
	wn      tensor.Packed[T] // W, for E W

	// late says that W is packed when it is first asked for: in layers through which, as a rule, nothing comes back.
	late  bool
	stale atomic.Bool // packed too long ago
	mu    sync.Mutex  // held by who packs late
}

var _ Local[float32] = (*Dense[float32])(nil)

// NewDense returns a layer from in to out units. Its parameters are those of the network that binds it.
func NewDense[T tensor.Float](in, out int, act Activation, place Place, bias bool) *Dense[T] {
	if in < 1 || out < 1 {
		panic("nn: dense layer without units")
	}
	if act >= numActivations {
		panic("nn: unknown activation")
	}
	if place > Before {
		panic("nn: unknown activation placement")
	}
	return &Dense[T]{in: in, out: out, act: act, place: place, hasBias: bias}
}

// Dims returns the numbers of inputs and outputs.
func (d *Dense[T]) Dims() (in, out int) { return d.in, d.out }

// Params returns W and, with a bias, b.
func (d *Dense[T]) Params() []Param {
	p := []Param{{Name: "W", Shape: []int{d.out, d.in}, FanIn: d.in, FanOut: d.out}}
	if d.hasBias {
		p = append(p, Param{Name: "b", Shape: []int{d.out}, FanIn: d.in})
	}
	return p
}

// Units returns the number of outputs: a row of W and an element of b belong to each.
func (d *Dense[T]) Units() int { return d.out }

// MACs returns in·out.
func (d *Dense[T]) MACs() int { return d.in * d.out }

// Affine reports whether φ is linear.
func (d *Dense[T]) Affine() bool { return d.act == Linear }

// Smooth reports whether φ has no kinks.
func (d *Dense[T]) Smooth() bool { return d.act.Smooth() }

// Slot keeps φ′ and one scratch row (After: both of length out), or φ(z), φ′ and scratch (Before: of length in).
func (d *Dense[T]) Slot() Slot {
	switch {
	case d.act == Linear:
		return Slot{}
	case d.place == After:
		return Slot{Floats: 2 * d.out}
	}
	return Slot{Floats: 3 * d.in}
}

// Bind takes W and b as views of theta.
func (d *Dense[T]) Bind(theta []T) {
	n := d.in * d.out
	d.w = tensor.Of(d.out, d.in, theta[:n])
	d.b = nil
	if d.hasBias {
		d.b = theta[n : n+d.out]
	}
}

// Pack blocks W and Wᵀ.
func (d *Dense[T]) Pack() {
	d.wt.PackT(d.w)
	if d.late {
		d.stale.Store(true)
	} else {
		d.wn.Pack(d.w)
	}
}

// down returns W packed.
func (d *Dense[T]) down() *tensor.Packed[T] {
	if d.stale.Load() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.stale.Load() {
			d.wn.Pack(d.w)
			d.stale.Store(false)
		}
	}
	return &d.wn
}

// Own returns rows of W and elements of b.
func (d *Dense[T]) Own(units Span) []Span {
	own := []Span{{units.Lo * d.in, units.Hi * d.in}}
	if d.hasBias {
		n := d.in * d.out
		own = append(own, Span{n + units.Lo, n + units.Hi})
	}
	return own
}

// PackUnits blocks rows of W and columns of Wᵀ.
func (d *Dense[T]) PackUnits(units Span) {
	d.wt.PackTRows(d.w, units.Lo, units.Hi)
	if d.late {
		d.stale.Store(true)
	} else {
		d.wn.PackRows(d.w, units.Lo, units.Hi)
	}
}

// Forward stores φ(z Wᵀ + b), or φ(z) Wᵀ + b, and keeps φ′.
func (d *Dense[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	if d.act != Linear && d.place == Before {
		phi, slope := c.F.ColsOf(0, d.in), c.F.ColsOf(d.in, 2*d.in)
		apply(d.act, phi, slope, z)
		z = phi
	}
	tensor.Mul(dst, z, &d.wt)
	if d.hasBias {
		tensor.AddRow(dst, d.b)
	}
	if d.act != Linear && d.place == After {
		apply(d.act, dst, c.F.ColsOf(0, d.out), dst)
	}
}

// Push stores φ′ ⊙ (v Wᵀ), or (φ′ ⊙ v) Wᵀ.
func (d *Dense[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	switch {
	case d.act == Linear:
		tensor.Mul(dst, v, &d.wt)
	case d.place == After:
		tensor.Mul(dst, v, &d.wt)
		tensor.Hadamard(dst, dst, c.F.ColsOf(0, d.out))
	default:
		slope, scratch := c.F.ColsOf(d.in, 2*d.in), c.F.ColsOf(2*d.in, 3*d.in)
		tensor.Hadamard(scratch, v, slope)
		tensor.Mul(dst, scratch, &d.wt)
	}
}

// Pull stores (φ′ ⊙ u) W, or φ′ ⊙ (u W).
func (d *Dense[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) { d.pull(dst, u, c, d.down()) }

// pull is Pull with the weights w.
func (d *Dense[T]) pull(dst, u tensor.Matrix[T], c Cache[T], w *tensor.Packed[T]) {
	switch {
	case d.act == Linear:
		tensor.Mul(dst, u, w)
	case d.place == After:
		slope, scratch := c.F.ColsOf(0, d.out), c.F.ColsOf(d.out, 2*d.out)
		tensor.Hadamard(scratch, u, slope)
		tensor.Mul(dst, scratch, w)
	default:
		tensor.Mul(dst, u, w)
		tensor.Hadamard(dst, dst, c.F.ColsOf(d.in, 2*d.in))
	}
}

// PullParams adds (φ′ ⊙ u)ᵀ z, or uᵀ φ(z), to the rows units of W's gradient and the column sums to b's.
func (d *Dense[T]) PullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	lo, hi := units.Lo, units.Hi
	var b []T
	if d.hasBias {
		n := d.in * d.out
		b = grad[n+lo : n+hi]
	}
	u, z = d.factors(units, u, z, c)
	d.pullRows(grad[lo*d.in:hi*d.in], b, u, z)
}

// PullOwn is PullParams to rows of W and elements of b.
func (d *Dense[T]) PullOwn(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	n := (units.Hi - units.Lo) * d.in
	u, z = d.factors(units, u, z, c)
	d.pullRows(grad[:n], grad[n:], u, z)
}

// pullRows adds the gradient of rows of W, whose factors are u and z, to w and that of elements of the bias, if there is one, to b.
func (d *Dense[T]) pullRows(w, b []T, u, z tensor.Matrix[T]) {
	tensor.AddMulT(tensor.Of(u.Cols, d.in, w), u, z)
	if d.hasBias {
		tensor.AddSumRows(b, u)
	}
}

// factors returns the two matrices of which W's gradient in the rows units is the product.
func (d *Dense[T]) factors(units Span, u, z tensor.Matrix[T], c Cache[T]) (_, _ tensor.Matrix[T]) {
	lo, hi := units.Lo, units.Hi
	u = u.ColsOf(lo, hi)
	if d.act != Linear {
		if d.place == After {
			scratch := c.F.ColsOf(d.out+lo, d.out+hi)
			tensor.Hadamard(scratch, u, c.F.ColsOf(lo, hi))
			u = scratch
		} else {
			z = c.F.ColsOf(0, d.in)
		}
	}
	return u, z
}
