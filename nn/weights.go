package nn

import "github.com/settle-pc/settle/tensor"

// Weights is layers l = 1…L over one flat parameter slice θ = (θ_1, …, θ_L), whatever connects them.
type Weights[T tensor.Float] struct {
	Layers []Layer[T]
	theta  []T
	offset []int // θ_l is theta[offset[l−1]:offset[l]]

	version uint64
	pack    func(worker, i int) // of layer rest[i]; bound once: a method value made in every update would allocate
	rest    []int
	all     []int // 1…L
}

// bind makes the layers w's, over parameters that are all zero.
func (w *Weights[T]) bind(layers []Layer[T]) {
	w.Layers, w.offset = layers, make([]int, 1, len(layers)+1)
	w.pack = func(_, i int) { w.Layers[w.rest[i]-1].Pack() }
	for i, l := range layers {
		w.all = append(w.all, i+1)
		w.offset = append(w.offset, w.offset[i]+paramLen(l))
	}
	w.theta = make([]T, w.offset[len(layers)])
	for i, l := range layers {
		l.Bind(w.theta[w.offset[i]:w.offset[i+1]])
		l.Pack()
	}
}

// L is the number of layers.
func (w *Weights[T]) L() int { return len(w.Layers) }

// Theta is the flat parameter slice, to read only: weights are packed for the kernels, and Update keeps the packs true.
func (w *Weights[T]) Theta() []T { return w.theta }

// Of returns layer l's part (l = 1…L) of a slice laid out like θ.
func (w *Weights[T]) Of(l int, v []T) []T { return v[w.offset[l-1]:w.offset[l]] }

// Update calls f with θ to write to, then packs the weights. It and its kind are the only ways to write, so packs are never stale.
func (w *Weights[T]) Update(f func(theta []T)) { w.UpdateOn(serially, f) }

// UpdateOn is Update with the packing divided: do(tasks, task) must call task(_, i) once for each i < tasks, at the same time if
// it likes, and return when all are done, as learn.Pool.Do does.
func (w *Weights[T]) UpdateOn(do func(tasks int, task func(worker, i int)), f func(theta []T)) {
	w.UpdateLocally(do, f, w.all)
}

// UpdateLocally is UpdateOn for an f that packs units as it changes them, but for those of the layers l = 1…L in rest.
func (w *Weights[T]) UpdateLocally(do func(tasks int, task func(worker, i int)), f func(theta []T), rest []int) {
	f(w.theta)
	w.version++
	w.rest = rest
	do(len(rest), w.pack)
	w.rest = nil
}

// serially does tasks in the caller's goroutine.
func serially(tasks int, task func(worker, i int)) {
	for i := range tasks {
		task(0, i)
	}
}

// Version counts the Updates: what is computed from the weights holds while it stays.
func (w *Weights[T]) Version() uint64 { return w.version }

// MACs is the number of multiply-adds of one evaluation of all layers on one sample.
func (w *Weights[T]) MACs() int {
	sum := 0
	for _, l := range w.Layers {
		sum += l.MACs()
	}
	return sum
}

// weights makes what embeds Weights a Weighted.
func (w *Weights[T]) weights() *Weights[T] { return w }

// Weighted is what has Weights: a Network or a Graph.
type Weighted[T tensor.Float] interface{ weights() *Weights[T] }
