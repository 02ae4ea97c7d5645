package nn

import "github.com/settle-pc/settle/tensor"

// Network is a chain of layers l = 1…L: each takes what the one before gives.
type Network[T tensor.Float] struct{ Weights[T] }

// New chains layers, each of which must take what the one before gives, over parameters that are all zero.
func New[T tensor.Float](layers ...Layer[T]) *Network[T] {
	if len(layers) == 0 {
		panic("nn: network without layers")
	}
	for i, l := range layers[1:] {
		_, out := layers[i].Dims()
		if in, _ := l.Dims(); in != out {
			panic("nn: layers of different widths")
		}
	}
	if d, ok := layers[0].(*Dense[T]); ok {
		d.late = true // the input is given, as a rule
	}
	n := &Network[T]{}
	n.bind(layers)
	return n
}

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
