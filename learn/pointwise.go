package learn

import (
	"context"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// pointwise is a batch of a rule that learns once a batch, at one point: all that the rule adds is how it gets there.
type pointwise[T tensor.Float] struct {
	*batch[T]
	// point leaves Σ_b (∂g_l/∂θ_l)ᵀ u_l, downhill, in the gradient.
	point func(context.Context, data.Batch[T]) (Stats, error)
}

// traced is a point whose gradient is that of the trace which reach leaves.
func (r *pointwise[T]) traced(reach func(context.Context, data.Batch[T]) (Stats, error)) func(context.Context, data.Batch[T]) (Stats, error) {
	return func(ctx context.Context, b data.Batch[T]) (Stats, error) {
		s, err := reach(ctx, b)
		if err == nil {
			r.gradient()
		}
		return s, err
	}
}

// Gradient returns the rule's learning gradient, valid until the next call.
func (r *pointwise[T]) Gradient(ctx context.Context, b data.Batch[T]) ([]T, Stats, error) {
	s, err := r.point(ctx, b)
	if err != nil {
		return nil, s, err
	}
	tensor.Scale(r.grad, r.scale())
	return r.grad, s, nil
}

// Step descends it.
func (r *pointwise[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	s, err := r.point(ctx, b)
	if err == nil {
		r.descend(opt)
	}
	return s, err
}
