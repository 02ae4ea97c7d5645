package infer

import "github.com/settle-pc/settle/tensor"

// Hold is the objective f with some coordinates held where they are, the same of every sample: what is known of a pattern, while
// the rest of it is inferred (completion from an associative memory). Its gradient is 0 there, so that methods that follow the
// gradient never move them; it has no curvature at hand. To hold parts of a layer's activities that layer must be free, and the
// coordinates be its activities: any layer's in activities, a free input's in either coordinates.
type Hold[T tensor.Float] struct {
	Objective[T]
	held []bool
}

var _ Holder[float32] = (*Hold[float32])(nil)

// NewHold returns the objective with held, which has an element for each coordinate.
func NewHold[T tensor.Float](f Objective[T], held []bool) *Hold[T] {
	if len(held) != f.Dim() {
		panic("infer: want a word on each coordinate")
	}
	return &Hold[T]{f, held}
}

// Held says which coordinates are held.
func (h *Hold[T]) Held() []bool { return h.held }

// Eval is f's, with a gradient of 0 where coordinates are held.
func (h *Hold[T]) Eval(f []float64, grad, z tensor.Matrix[T]) {
	h.Objective.Eval(f, grad, z)
	for i := range grad.Rows {
		g := grad.Row(i)
		for j, held := range h.held {
			if held {
				g[j] = 0
			}
		}
	}
}
