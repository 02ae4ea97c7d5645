package nn

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Attention is self-attention with one head (Vaswani et al. 2017) over a row of tokens of equal width, X:
//
//	g = softmax(Q Kᵀ/√h) V Woᵀ,  Q = X Wqᵀ,  K = X Wkᵀ,  V = X Wvᵀ
//
// softmax by rows, no biases, no positions: what distinguishes places must be in the tokens. Wq, Wk and Wv are h×width, Wo is
// width×h. Units are the four matrices.
type Attention[T tensor.Float] struct {
	plain[T]
	tokens, width, h int
	w                [4]tensor.Matrix[T] // Wq, Wk, Wv, Wo
	wt, wn           [4]tensor.Packed[T]
	rooms            spare[*attentionRoom[T]]
}

var _ Layer[float32] = (*Attention[float32])(nil)

// attentionRoom is what one call works in.
type attentionRoom[T tensor.Float] struct {
	p       tensor.Packed[T] // a right operand that differs from sample to sample
	q, k, v tensor.Matrix[T] // tokens×h: tangents or gradients of Q, K, V
	o, sum  tensor.Matrix[T] // tokens×h
	s, t    tensor.Matrix[T] // tokens×tokens
	x       tensor.Matrix[T] // tokens×width
}

// NewAttention returns the layer for rows of tokens·width units, with a head of width h.
func NewAttention[T tensor.Float](tokens, width, h int) *Attention[T] {
	if tokens < 1 || width < 1 || h < 1 {
		panic("nn: attention without tokens")
	}
	a := &Attention[T]{tokens: tokens, width: width, h: h}
	a.rooms.make = a.newRoom
	return a
}

// Dims returns tokens·width twice.
func (a *Attention[T]) Dims() (in, out int) { return a.tokens * a.width, a.tokens * a.width }

// Params returns Wq, Wk, Wv and Wo.
func (a *Attention[T]) Params() []Param {
	var p []Param
	for _, name := range []string{"Wq", "Wk", "Wv"} {
		p = append(p, Param{Name: name, Shape: []int{a.h, a.width}, FanIn: a.width, FanOut: a.h})
	}
	return append(p, Param{Name: "Wo", Shape: []int{a.width, a.h}, FanIn: a.h, FanOut: a.width})
}

// Units returns 4.
func (a *Attention[T]) Units() int { return 4 }

// MACs counts the products of Forward. The other maps have twice as many between tokens.
func (a *Attention[T]) MACs() int { return 4*a.tokens*a.width*a.h + 2*a.tokens*a.tokens*a.h }

// Affine is false.
func (a *Attention[T]) Affine() bool { return false }

// Smooth is true.
func (a *Attention[T]) Smooth() bool { return true }

// Slot keeps Q, K, V, the softmax A and A V.
func (a *Attention[T]) Slot() Slot { return Slot{Floats: int(attentionSlot(a.tokens, a.h))} }

// attentionSlot is the number of floats that attention keeps of a sample.
func attentionSlot(tokens, h int) float64 { return float64(tokens) * (4*float64(h) + float64(tokens)) }

// Bind takes the matrices as views of theta.
func (a *Attention[T]) Bind(theta []T) {
	n := a.h * a.width
	for i := range a.w {
		a.w[i] = tensor.Of(a.h, a.width, theta[i*n:(i+1)*n])
	}
	a.w[3] = tensor.Of(a.width, a.h, theta[3*n:4*n])
}

// Pack blocks all matrices.
func (a *Attention[T]) Pack() {
	for i, w := range a.w {
		a.wt[i].PackT(w)
		a.wn[i].Pack(w)
	}
}

// kept is what Forward left of one sample.
type kept[T tensor.Float] struct{ q, k, v, o, a tensor.Matrix[T] }

func (a *Attention[T]) kept(row []T) kept[T] {
	n := a.tokens * a.h
	of := func(i int) tensor.Matrix[T] { return tensor.Of(a.tokens, a.h, row[i*n:(i+1)*n]) }
	return kept[T]{q: of(0), k: of(1), v: of(2), o: of(3), a: tensor.Of(a.tokens, a.tokens, row[4*n:4*n+a.tokens*a.tokens])}
}

// row returns a row of activities as tokens.
func (a *Attention[T]) row(m tensor.Matrix[T], i int) tensor.Matrix[T] {
	return tensor.Of(a.tokens, a.width, m.Row(i))
}

// newRoom allocates all that a call needs.
func (a *Attention[T]) newRoom() *attentionRoom[T] {
	h := func() tensor.Matrix[T] { return tensor.New[T](a.tokens, a.h) }
	n := func() tensor.Matrix[T] { return tensor.New[T](a.tokens, a.tokens) }
	r := &attentionRoom[T]{q: h(), k: h(), v: h(), o: h(), sum: h(), s: n(), t: n(), x: tensor.New[T](a.tokens, a.width)}
	r.p.Pack(r.q)
	r.p.PackT(r.q)
	return r
}

// Reserve makes rooms.
func (a *Attention[T]) Reserve(calls int) { a.rooms.reserve(calls) }

// mulT stores x yᵀ in dst, mul x y.
func (r *attentionRoom[T]) mulT(dst, x, y tensor.Matrix[T]) {
	r.p.PackT(y)
	tensor.Mul(dst, x, &r.p)
}

func (r *attentionRoom[T]) mul(dst, x, y tensor.Matrix[T]) {
	r.p.Pack(y)
	tensor.Mul(dst, x, &r.p)
}

// shrink is 1/√h.
func (a *Attention[T]) shrink() T { return T(1 / math.Sqrt(float64(a.h))) }

// Forward stores the tokens that attention makes of z, and keeps all steps.
func (a *Attention[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	r := a.rooms.take()
	for i := range dst.Rows {
		x, s := a.row(z, i), a.kept(c.F.Row(i))
		tensor.Mul(s.q, x, &a.wt[0])
		tensor.Mul(s.k, x, &a.wt[1])
		tensor.Mul(s.v, x, &a.wt[2])
		r.mulT(s.a, s.q, s.k)
		tensor.Scale(s.a.Data, a.shrink())
		for t := range a.tokens {
			softmax(s.a.Row(t))
		}
		r.mul(s.o, s.a, s.v)
		tensor.Mul(a.row(dst, i), s.o, &a.wt[3])
	}
	a.rooms.give(r)
}

// softmax turns x into exp(x − max x), divided by its sum.
func softmax[T tensor.Float](x []T) {
	most := x[0]
	for _, v := range x {
		most = max(most, v)
	}
	for j, v := range x {
		x[j] = v - most
	}
	tensor.Exp(x, x)
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	for j, v := range x {
		x[j] = T(float64(v) / sum)
	}
}

// curve turns s, a derivative on one side of the softmax A, into that on the other, A ⊙ (s − rowsum(A ⊙ s)): its Jacobian is
// symmetric.
func curve[T tensor.Float](s, a tensor.Matrix[T]) {
	for i := range s.Rows {
		s, a := s.Row(i), a.Row(i)
		mean := tensor.Dot(a, s)
		for j, v := range s {
			s[j] = T(float64(a[j]) * (float64(v) - mean))
		}
	}
}

// Push stores the derivative along v, product rule by product rule.
func (a *Attention[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	r := a.rooms.take()
	for i := range dst.Rows {
		x, s := a.row(v, i), a.kept(c.F.Row(i))
		tensor.Mul(r.q, x, &a.wt[0])
		tensor.Mul(r.k, x, &a.wt[1])
		tensor.Mul(r.v, x, &a.wt[2])
		r.mulT(r.s, r.q, s.k)
		r.mulT(r.t, s.q, r.k)
		tensor.Add(r.s, r.s, r.t)
		tensor.Scale(r.s.Data, a.shrink())
		curve(r.s, s.a)
		r.mul(r.o, r.s, s.v)
		r.mul(r.sum, s.a, r.v)
		tensor.Add(r.o, r.o, r.sum)
		tensor.Mul(a.row(dst, i), r.o, &a.wt[3])
	}
	a.rooms.give(r)
}

// back leaves the gradients of Q, K and V of one sample in r, from that of its result.
func (a *Attention[T]) back(r *attentionRoom[T], u tensor.Matrix[T], s kept[T]) {
	tensor.Mul(r.o, u, &a.wn[3])
	tensor.Zero(r.v)
	tensor.AddMulT(r.v, s.a, r.o)
	r.mulT(r.s, r.o, s.v)
	curve(r.s, s.a)
	tensor.Scale(r.s.Data, a.shrink())
	r.mul(r.q, r.s, s.k)
	tensor.Zero(r.k)
	tensor.AddMulT(r.k, r.s, s.q)
}

// Pull stores the gradient in z of ⟨u, g⟩.
func (a *Attention[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) {
	r := a.rooms.take()
	for i := range dst.Rows {
		a.back(r, a.row(u, i), a.kept(c.F.Row(i)))
		to := a.row(dst, i)
		tensor.Mul(to, r.q, &a.wn[0])
		for j, g := range [...]tensor.Matrix[T]{r.k, r.v} {
			tensor.Mul(r.x, g, &a.wn[1+j])
			tensor.Add(to, to, r.x)
		}
	}
	a.rooms.give(r)
}

// PullParams adds the gradients of the matrices in units.
func (a *Attention[T]) PullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	if units.Lo == units.Hi {
		return
	}
	r, n := a.rooms.take(), a.h*a.width
	for i := range u.Rows {
		s, up := a.kept(c.F.Row(i)), a.row(u, i)
		if units.Lo < 3 {
			a.back(r, up, s)
		}
		for k, g := range [...]tensor.Matrix[T]{r.q, r.k, r.v} {
			if units.Lo <= k && k < units.Hi {
				tensor.AddMulT(tensor.Of(a.h, a.width, grad[k*n:(k+1)*n]), g, a.row(z, i))
			}
		}
		if units.Hi == 4 {
			tensor.AddMulT(tensor.Of(a.width, a.h, grad[3*n:]), up, s.o)
		}
	}
	a.rooms.give(r)
}
