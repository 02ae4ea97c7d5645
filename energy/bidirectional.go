package energy

import "github.com/settle-pc/settle/tensor"

// Bidirectional is the energy of two networks that share their activities (bidirectional predictive coding: Oliviers, Tang and
// Bogacz 2025): one predicts z_l from z_{l−1}, as in PC, the other z_{l−1} from z_l,
//
//	F = Σ_{l=1}^{L} (π_l/2)‖z_l − g_l(z_{l−1})‖² + Σ_{k=1}^{L} (κ_k/2)‖z_{L−k} − h_k(z_{L−k+1})‖².
//
// It classifies with the first layer clamped, generates with the last, and completes with parts of either. Its coordinates are the
// activities, layer by layer of the first network; methods take it as they take Activities. Each network learns by its own Gradient,
// from its own errors.
type Bidirectional[T tensor.Float] struct {
	Up, Down *Activities[T]

	z, grad tensor.Matrix[T] // the point and gradient in the order of Down, B×Dim
	f       []float64
}

// NewBidirectional returns the energy of a batch of rows samples. Down's widths are Up's from n_L to n_0, and it clamps the same
// layers: those of Up, which clamps input and output where it names none. Their output terms are squared errors, and only one of
// them may have Decay, or each its share.
func NewBidirectional[T tensor.Float](up, down *PC[T], rows int) *Bidirectional[T] {
	L := up.Net.L()
	if down.Net.L() != L {
		panic("energy: two directions of different depths")
	}
	for l := range L + 1 {
		if up.Net.Width(l) != down.Net.Width(L-l) {
			panic("energy: two directions of different widths")
		}
	}
	mirrored := *down
	mirrored.Clamped = nil
	if up.Clamped != nil {
		mirrored.Clamped = []int{}
		for _, l := range up.Clamped {
			mirrored.Clamped = append(mirrored.Clamped, L-l)
		}
	}
	x := &Bidirectional[T]{Up: up.NewState(rows).Activities(), Down: mirrored.NewState(rows).Activities(), f: make([]float64, rows)}
	x.z, x.grad = tensor.New[T](rows, x.Up.Dim()), tensor.New[T](rows, x.Up.Dim())
	return x
}

// RowsOf returns the window of rows lo ≤ i < hi, which shares the memory but counts its own cost.
func (x *Bidirectional[T]) RowsOf(lo, hi int) *Bidirectional[T] {
	return &Bidirectional[T]{Up: x.Up.RowsOf(lo, hi).Activities(), Down: x.Down.RowsOf(lo, hi).Activities(),
		z: x.z.RowsOf(lo, hi), grad: x.grad.RowsOf(lo, hi), f: x.f[lo:hi]}
}

// Dim is the number of free activities of a sample.
func (x *Bidirectional[T]) Dim() int { return x.Up.Dim() }

// Cost is that of both networks.
func (x *Bidirectional[T]) Cost() (passes, macs float64) {
	p, m := x.Up.Cost()
	q, n := x.Down.Cost()
	return p + q, m + n
}

// ResetCost makes the cost 0.
func (x *Bidirectional[T]) ResetCost() {
	x.Up.ResetCost()
	x.Down.ResetCost()
}

// Clamp gives layer l of Up, L−l of Down, the activities z.
func (x *Bidirectional[T]) Clamp(l int, z tensor.Matrix[T]) {
	x.Up.Clamp(l, z)
	x.Down.Clamp(x.Down.net.L()-l, z)
}

// Start stores Up's feedforward activities if its input is clamped, else Down's from the last layer, in z (B×Dim).
func (x *Bidirectional[T]) Start(z tensor.Matrix[T]) {
	if x.Up.clamped[0] {
		x.Up.Start(z)
		return
	}
	d := x.z.RowsOf(0, z.Rows)
	x.Down.Start(d)
	x.mirror(z, d, false)
}

// Place stores the point p (n×Dim) whose activities are z, l = 0…L in Up's order, of which the free layers' are used.
func (x *Bidirectional[T]) Place(p tensor.Matrix[T], z []tensor.Matrix[T]) { x.Up.Place(p, z) }

// Fit is that of Up.
func (x *Bidirectional[T]) Fit(loss, squares []float64) { x.Up.Fit(loss, squares) }

// Eval stores F of each sample in f and, unless grad has no rows, ∂F/∂z in grad. Cost: two passes, four with grad.
func (x *Bidirectional[T]) Eval(f []float64, grad, z tensor.Matrix[T]) {
	x.Up.Eval(f, grad, z)
	d := x.z.RowsOf(0, z.Rows)
	x.mirror(z, d, true)
	var g tensor.Matrix[T]
	if grad.Rows > 0 {
		g = x.grad.RowsOf(0, z.Rows)
	}
	x.Down.Eval(x.f, g, d)
	for i := range z.Rows {
		f[i] += x.f[i]
	}
	if grad.Rows > 0 {
		L := x.Up.net.L()
		for l, clamped := range x.Up.clamped {
			if !clamped {
				to := x.Up.of(l, grad)
				tensor.Add(to, to, x.Down.of(L-l, g))
			}
		}
	}
}

// mirror copies the layers of a point between Up's order and Down's: from up to down, or back.
func (x *Bidirectional[T]) mirror(up, down tensor.Matrix[T], there bool) {
	L := x.Up.net.L()
	for l, clamped := range x.Up.clamped {
		if clamped {
			continue
		}
		a, b := x.Up.of(l, up), x.Down.of(L-l, down)
		if there {
			b.CopyFrom(a)
		} else {
			a.CopyFrom(b)
		}
	}
}
