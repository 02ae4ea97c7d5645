package learn

import (
	"context"
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Bidirectional is predictive coding by two networks over the same activities (energy.Bidirectional): one predicts targets from inputs,
// up, the other inputs from targets, down. With both clamped z settles to a minimum of the sum of their energies, and each network
// descends (1/B) ∂F/∂θ of its own errors there. The first then classifies and the second generates, each by a feedforward pass. As the
// precisions of the way down vanish it is PC. Loss and MSE in Stats are of the way up, feedforward. Inference moves in activities.
// Cost: twice PC's.
type Bidirectional[T tensor.Float] struct {
	settler[T]
	down *batch[T]
	opt  optim.Optimizer[T] // of the way down
}

var _ Rule[float32] = (*Bidirectional[float32])(nil)

// Downward is the way from targets to inputs: its problem, and the optimiser of its network.
type Downward[T tensor.Float] struct {
	Problem   *energy.PC[T]
	Optimizer optim.Optimizer[T]
}

// NewBidirectional returns the rule for two problems as energy.NewBidirectional takes them, which clamp input and target. What Step is
// given updates the way up. Otherwise NewPC's arguments, with activities for coordinates.
func NewBidirectional[T tensor.Float](up *energy.PC[T], way Downward[T], inf Inference[T], pool *Pool, rows int) *Bidirectional[T] {
	down := way.Problem
	if up.Clamped != nil || down.Clamped != nil {
		panic("learn: Bidirectional clamps input and target")
	}
	if inf.Coordinates != Activities {
		panic("learn: Bidirectional infers in activities")
	}
	f := energy.NewBidirectional(up, down, rows)
	r := &Bidirectional[T]{down: newBatch(f.Down.Trace, pool), opt: way.Optimizer}
	r.prepare("pc-bidirectional", newBatch(f.Up.Trace, pool), inf, f.Dim(), func(lo, hi int) objective[T] { return f.RowsOf(lo, hi) })
	r.down.layer = "network down: layer"
	r.fresh = func(rows int) objective[T] { return energy.NewBidirectional(up, down, rows) }
	return r
}

// equilibrate leaves z_l where inference ended and u_l there in both traces.
func (r *Bidirectional[T]) equilibrate(ctx context.Context, b data.Batch[T]) (Stats, error) {
	stats, err := r.take(ctx, b)
	if err != nil {
		return stats, err
	}
	if err := r.down.begin(ctx, data.Batch[T]{X: b.Y, Y: b.X, Draw: b.Draw}); err != nil {
		return stats, err
	}
	r.down.trace.Z[0] = b.Y
	stats.Passes, stats.MACs = stats.Passes+1, stats.MACs+1 // of two gradients
	return r.settle(stats)
}

// Gradient returns the learning gradients of both networks, not clipped, valid until the next call.
func (r *Bidirectional[T]) Gradient(ctx context.Context, b data.Batch[T]) (up, down []T, s Stats, err error) {
	if s, err = r.equilibrate(ctx, b); err != nil {
		return nil, nil, s, err
	}
	for _, way := range [...]*batch[T]{r.batch, r.down} {
		way.gradient()
		tensor.Scale(way.grad, way.scale())
	}
	return r.grad, r.down.grad, s, nil
}

// Step descends them, each by its own optimiser. They are clipped as one vector.
func (r *Bidirectional[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	s, err := r.equilibrate(ctx, b)
	if err != nil {
		return s, err
	}
	if r.most == 0 {
		r.learn(opt)
		r.down.learn(r.opt)
		return s, nil
	}
	r.gradient()
	r.down.gradient()
	r.shrink = r.factor(math.Hypot(r.norm(), r.down.norm()))
	r.down.shrink = r.shrink
	r.update(opt)
	r.down.update(r.opt)
	return s, nil
}
