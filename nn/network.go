package nn

import "github.com/settle-pc/settle/tensor"

// Network is a chain of layers l = 1…L over one flat parameter slice θ = (θ_1, …, θ_L).
type Network[T tensor.Float] struct {
	Layers []Layer[T]
	theta  []T
	offset []int // θ_l is theta[offset[l−1]:offset[l]]

	version uint64
	pack    func(worker, i int) // of layer rest[i]; bound once: a method value made in every update would allocate
	rest    []int
	all     []int // 1…L
}

// New chains layers, each of which must take what the one before gives, over parameters that are all zero.
func New[T tensor.Float](layers ...Layer[T]) *Network[T] {
	if len(layers) == 0 {
		panic("nn: network without layers")
	}
	n := &Network[T]{Layers: layers, offset: make([]int, 1, len(layers)+1)}
	n.pack = func(_, i int) { n.Layers[n.rest[i]-1].Pack() }
	for i, l := range layers {
		n.all = append(n.all, i+1)
		if i > 0 {
			_, out := layers[i-1].Dims()
			if in, _ := l.Dims(); in != out {
				panic("nn: layers of different widths")
			}
		}
		n.offset = append(n.offset, n.offset[i]+paramLen(l))
	}
	if d, ok := layers[0].(*Dense[T]); ok {
		d.late = true // the input is given, as a rule
	}
	n.theta = make([]T, n.offset[len(layers)])
	for i, l := range layers {
		l.Bind(n.theta[n.offset[i]:n.offset[i+1]])
		l.Pack()
	}
	return n
}

// L is the number of layers.
func (n *Network[T]) L() int { return len(n.Layers) }

// Inputs is n_0.
func (n *Network[T]) Inputs() int { in, _ := n.Layers[0].Dims(); return in }

// Outputs is n_L.
func (n *Network[T]) Outputs() int { _, out := n.Layers[n.L()-1].Dims(); return out }

// Width is n_l, l = 0…L.
func (n *Network[T]) Width(l int) int {
	if l == 0 {
		return n.Inputs()
	}
	_, out := n.Layers[l-1].Dims()
	return out
}

// Theta is the flat parameter slice, to read only: weights are packed for the kernels, and Update keeps the packs true.
func (n *Network[T]) Theta() []T { return n.theta }

// Of returns layer l's part (l = 1…L) of a slice laid out like θ.
func (n *Network[T]) Of(l int, v []T) []T { return v[n.offset[l-1]:n.offset[l]] }

// Update calls f with θ to write to, then packs the weights. It and its kind are the only ways to write, so packs are never stale.
func (n *Network[T]) Update(f func(theta []T)) { n.UpdateOn(serially, f) }

// UpdateOn is Update with the packing divided: do(tasks, task) must call task(_, i) once for each i < tasks, at the same time if
// it likes, and return when all are done, as learn.Pool.Do does.
func (n *Network[T]) UpdateOn(do func(tasks int, task func(worker, i int)), f func(theta []T)) {
	n.UpdateLocally(do, f, n.all)
}

// UpdateLocally is UpdateOn for an f that packs units as it changes them, but for those of the layers l = 1…L in rest.
func (n *Network[T]) UpdateLocally(do func(tasks int, task func(worker, i int)), f func(theta []T), rest []int) {
	f(n.theta)
	n.version++
	n.rest = rest
	do(len(rest), n.pack)
	n.rest = nil
}

// serially does tasks in the caller's goroutine.
func serially(tasks int, task func(worker, i int)) {
	for i := range tasks {
		task(0, i)
	}
}

// Version counts the Updates: what is computed from the weights holds while it stays.
func (n *Network[T]) Version() uint64 { return n.version }

// MACs is the number of multiply-adds of one feedforward evaluation of one sample.
func (n *Network[T]) MACs() int {
	sum := 0
	for _, l := range n.Layers {
		sum += l.MACs()
	}
	return sum
}
