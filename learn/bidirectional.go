package learn

import (
	"context"
	"math"
	"slices"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Bidirectional is predictive coding by two networks over the same activities (energy.Bidirectional): one predicts targets from inputs,
// up, the other inputs from targets, down. With both clamped z settles to a minimum of the sum of their energies, and each network
// descends (1/B) ∂F/∂θ of its own errors there. The first then classifies and the second generates, each by a feedforward pass. As the
// precisions of the way down vanish it is PC. Loss and MSE in Stats are of the way up, feedforward. Inference moves in activities.
// Cost: twice PC's.
type Bidirectional[T tensor.Float] struct {
	*batch[T]
	down    *batch[T]
	opt     optim.Optimizer[T] // of the way down
	up, dn  *energy.PC[T]
	f       *energy.Bidirectional[T]
	parts   []twoWay[T]
	methods []infer.Method[T] // one a worker
	input   data.Batch[T]
	task    func(worker, i int)

	diverged bool // some sample has, in a batch so far
}

// twoWay is a shard.
type twoWay[T tensor.Float] struct {
	lo, hi   int
	f        *energy.Bidirectional[T]
	work     *infer.Work[T]
	fit      fit
	settings infer.Settings
	result   infer.Result
	err      error
}

var _ Rule[float32] = (*Bidirectional[float32])(nil)

// NewBidirectional returns the rule for two problems as energy.NewBidirectional takes them, which clamp input and target. The optimiser
// opt is that of the way down; what Step is given updates the way up. Otherwise NewPC's arguments, with activities for coordinates and no
// method that draws.
func NewBidirectional[T tensor.Float](up, down *energy.PC[T], opt optim.Optimizer[T], inf Inference[T], pool *Pool, rows int) *Bidirectional[T] {
	if up.Clamped != nil || down.Clamped != nil {
		panic("learn: Bidirectional clamps input and target")
	}
	if inf.Coordinates != Activities {
		panic("learn: Bidirectional infers in activities")
	}
	if inf.Method == nil {
		inf.Method = func() infer.Method[T] { return &infer.Auto[T]{} }
	}
	f := energy.NewBidirectional(up, down, rows)
	r := &Bidirectional[T]{batch: newBatch(f.Up.Trace, pool), down: newBatch(f.Down.Trace, pool), opt: opt, up: up, dn: down, f: f}
	work := infer.NewWork[T](rows, f.Dim())
	loss, squares := make([]float64, rows), make([]float64, rows)
	for _, s := range r.shards {
		r.parts = append(r.parts, twoWay[T]{lo: s.Lo, hi: s.Hi, f: f.RowsOf(s.Lo, s.Hi), work: work.RowsOf(s.Lo, s.Hi),
			fit: fit{loss: loss[s.Lo:s.Hi], squares: squares[s.Lo:s.Hi]}, settings: inf.Settings})
	}
	for i := range r.parts {
		p, also := &r.parts[i], inf.Settings.Observe
		p.settings.Observe = func() {
			if !p.fit.known {
				p.f.Up.Fit(p.fit.loss, p.fit.squares)
				p.fit.known = true
			}
			if also != nil {
				also()
			}
		}
	}
	for range pool.Workers() {
		m := inf.Method()
		if _, ok := m.(infer.Drawer[T]); ok {
			panic("learn: Bidirectional takes no method that draws")
		}
		r.methods = append(r.methods, m)
	}
	r.task = r.shard
	return r
}

// Gradient returns the learning gradients of both networks, not clipped, valid until the next call.
func (r *Bidirectional[T]) Gradient(ctx context.Context, b data.Batch[T]) (up, down []T, s Stats, err error) {
	if s, err = r.settle(ctx, b); err != nil {
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
	s, err := r.settle(ctx, b)
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

// settle leaves z_l where inference ended and u_l in both traces.
func (r *Bidirectional[T]) settle(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.input = b
	r.trace.Z[0], r.down.trace.Z[0] = b.X, b.Y
	r.pool.Do(len(r.parts), r.task)
	stats := Stats{Passes: 2, MACs: 2}
	loss, squares := 0.0, 0.0
	for i := range r.parts {
		p := &r.parts[i]
		if p.err != nil {
			return stats, p.err
		}
		stats.Inference.Add(p.result)
		passes, macs := p.f.Cost()
		share := float64(p.hi-p.lo) / float64(r.trace.Rows)
		stats.Passes += float64(passes * share)
		stats.MACs += float64(macs * share)
		loss += sum(p.fit.loss)
		squares += sum(p.fit.squares)
	}
	if stats.Inference.Count[infer.Diverged]+stats.Inference.Count[infer.NotFinite] > 0 && !r.diverged {
		r.diverged = true
		stats.Limit = r.limit()
	}
	return lossStats(loss, squares, r.trace, stats), nil
}

// shard takes one shard through its whole inference.
func (r *Bidirectional[T]) shard(worker, i int) {
	p := &r.parts[i]
	p.f.ResetCost()
	p.f.Clamp(0, r.input.X.RowsOf(p.lo, p.hi))
	p.f.Clamp(r.net.L(), r.input.Y.RowsOf(p.lo, p.hi))
	p.f.Start(p.work.Z)
	p.fit.begin()
	p.result, p.err = infer.Solve[T](p.f, p.work, r.methods[worker], p.settings)
}

// limit returns 2/λ_max over the first samples at their feedforward points, in memory of its own.
func (r *Bidirectional[T]) limit() float64 {
	rows := min(limitRows, r.trace.Rows)
	f := energy.NewBidirectional(r.up, r.dn, rows)
	f.Clamp(0, r.input.X.RowsOf(0, rows))
	f.Clamp(r.net.L(), r.input.Y.RowsOf(0, rows))
	z := tensor.New[T](rows, f.Dim())
	f.Start(z)
	return 2 / slices.Max(infer.LargestEigenvalues[T](f, z))
}

// State is empty: the weights of both networks and both optimisers are the caller's.
func (r *Bidirectional[T]) State() []float64 { return nil }

// SetState takes an empty state.
func (r *Bidirectional[T]) SetState(s []float64) error { return wantEmpty("pc-bidirectional", s) }
