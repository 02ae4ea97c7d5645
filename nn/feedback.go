package nn

import "github.com/settle-pc/settle/tensor"

// Feedback is a dense layer whose errors come back by weights B of their own, out×in like W, instead of W: Pull stores
// (φ′ ⊙ u) B, or φ′ ⊙ (u B), and no weight is carried from one connection to another. With B = W it is the dense layer, bit for bit.
//
// Pull is then not the transpose of Push, and what inference follows is no gradient of an energy: settle by methods with a step of
// their own, in activities, whose fixed points need nothing more. Fixed, B keeps its random values (feedback alignment: Lillicrap et
// al. 2016). Learned, it is part of θ and its gradient that of W, from the same two local factors (Kolen and Pollack 1994): under
// any optimiser B − W changes by weight decay alone, and with weight decay it vanishes.
type Feedback[T tensor.Float] struct {
	*Dense[T]
	learned bool
	b       tensor.Matrix[T]
	bn      tensor.Packed[T]
}

var _ Layer[float32] = (*Feedback[float32])(nil)

// feedbackName is the name of B among the parameters.
const feedbackName = "B"

// NewFeedback returns the layer with feedback weights that are learned, or fixed. They are 0 until Initialize draws them, or SetB.
func NewFeedback[T tensor.Float](d *Dense[T], learned bool) *Feedback[T] {
	d.late = true // for good: errors do not come back by W
	return &Feedback[T]{Dense: d, learned: learned, b: tensor.New[T](d.out, d.in)}
}

// Params returns those of the dense layer and, if it is learned, B.
func (f *Feedback[T]) Params() []Param {
	p := f.Dense.Params()
	if f.learned {
		p = append(p, f.param())
	}
	return p
}

func (f *Feedback[T]) param() Param {
	return Param{Name: feedbackName, Shape: []int{f.out, f.in}, FanIn: f.in, FanOut: f.out}
}

// own is the number of the dense layer's parameters.
func (f *Feedback[T]) own() int {
	n := f.in * f.out
	if f.hasBias {
		n += f.out
	}
	return n
}

// Bind takes W, b and a learned B as views of theta.
func (f *Feedback[T]) Bind(theta []T) {
	f.Dense.Bind(theta)
	if f.learned {
		f.b = tensor.Of(f.out, f.in, theta[f.own():])
	}
}

// SetB gives B the values v, row-major like W. For a learned B call it within Network.Update; a fixed one is packed here.
func (f *Feedback[T]) SetB(v []T) {
	if len(v) != f.in*f.out {
		panic("nn: feedback weights of another shape")
	}
	copy(f.b.Data, v)
	f.bn.Pack(f.b)
}

// Pack blocks W, Wᵀ and B.
func (f *Feedback[T]) Pack() {
	f.Dense.Pack()
	f.bn.Pack(f.b)
}

// Own returns the dense layer's, and rows of a learned B.
func (f *Feedback[T]) Own(units Span) []Span {
	own := f.Dense.Own(units)
	if f.learned {
		own = append(own, Span{f.own() + units.Lo*f.in, f.own() + units.Hi*f.in})
	}
	return own
}

// PackUnits blocks rows of W and B, and columns of Wᵀ.
func (f *Feedback[T]) PackUnits(units Span) {
	f.Dense.PackUnits(units)
	f.bn.PackRows(f.b, units.Lo, units.Hi)
}

// Pull stores (φ′ ⊙ u) B, or φ′ ⊙ (u B).
func (f *Feedback[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) { f.pull(dst, u, c, &f.bn) }

// PullOwn is the dense layer's, and adds the gradient of rows of W to that of a learned B.
func (f *Feedback[T]) PullOwn(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	if !f.learned {
		f.Dense.PullOwn(grad, units, u, z, c)
		return
	}
	n := len(grad) - (units.Hi-units.Lo)*f.in
	f.Dense.PullOwn(grad[:n], units, u, z, c)
	u, z = f.factors(units, u, z, c)
	tensor.AddMulT(tensor.Of(u.Cols, f.in, grad[n:]), u, z)
}

// PullParams is the dense layer's, and adds the gradient of W to that of a learned B.
func (f *Feedback[T]) PullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	f.Dense.PullParams(grad, units, u, z, c)
	if f.learned {
		grad = grad[f.own():]
		u, z = f.factors(units, u, z, c)
		tensor.AddMulT(tensor.Of(units.Hi-units.Lo, f.in, grad[units.Lo*f.in:units.Hi*f.in]), u, z)
	}
}
