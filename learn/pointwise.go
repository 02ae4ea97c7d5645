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
	// reach leaves z_l and u_l in the trace or, where it has pulled, Σ_b (∂g_l/∂θ_l)ᵀ u_l, downhill, in the gradient.
	reach  func(context.Context, data.Batch[T]) (Stats, error)
	pulled bool
}

// Gradient returns the rule's learning gradient, valid until the next call.
func (r *pointwise[T]) Gradient(ctx context.Context, b data.Batch[T]) ([]T, Stats, error) {
	s, err := r.reach(ctx, b)
	if err != nil {
		return nil, s, err
	}
	if !r.pulled {
		r.gradient()
	}
	tensor.Scale(r.grad, r.scale())
	return r.grad, s, nil
}

// Step descends it.
func (r *pointwise[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	s, err := r.reach(ctx, b)
	switch {
	case err != nil:
	case r.pulled:
		r.descend(opt)
	default:
		r.learn(opt)
	}
	return s, err
}
