package learn

import (
	"context"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Nudged is PC whose output is clamped not to the target but to a point β of the way from the prediction to it,
//
//	ỹ = ȳ + β (y − ȳ),   ȳ the feedforward prediction (of another loss than squared error the mean that it stands for),
//
// with the learning gradient (1/βB) ∂F/∂θ (Pinchetti et al. 2024, "Benchmarking Predictive Coding Networks – Made Simple": positive
// nudging for β > 0, negative for β < 0, where the output is pushed away and the sign of the gradient turned). As β → 0 it is BP's
// gradient with S⁻¹r in place of r, S = I + J Jᵀ at the feedforward point, which is CurvedBP (of squared error with precisions 1; S is
// another else); the error is of order β. β = 1 is PC.
//
// Centred, it is the mean of the gradients of β and −β, with an error of order β², at twice the cost; Stats.Inference is of both, so of
// twice as many samples. (The paper draws one of the two signs for every batch.) Cost: one pass, and PC's for every β.
type Nudged[T tensor.Float] struct {
	*PC[T]
	beta    float64
	centred bool

	out       energy.Output[T]
	windows   []*nn.Trace[T]
	mean, y   tensor.Matrix[T] // ȳ, ỹ
	loss      []float64
	squares   []float64
	target    data.Batch[T]
	predictor func(worker, i int)
}

var _ Rule[float32] = (*Nudged[float32])(nil)

// NewNudged returns the rule with beta, not 0, and otherwise NewPC's arguments.
func NewNudged[T tensor.Float](problem *energy.PC[T], inf Inference[T], beta float64, pool *Pool, rows int) *Nudged[T] {
	if beta == 0 {
		panic("learn: a nudge of 0 teaches nothing")
	}
	n := problem.Net.Outputs()
	r := &Nudged[T]{PC: NewPC(problem, inf, pool, rows), beta: beta, out: output(problem), mean: tensor.New[T](rows, n), y: tensor.New[T](rows, n),
		loss: make([]float64, rows), squares: make([]float64, rows)}
	r.weight = 1 / beta
	for _, s := range r.shards {
		r.windows = append(r.windows, r.state.Trace.RowsOf(s.Lo, s.Hi))
	}
	r.predictor, r.reach, r.pulled = r.predict, r.nudge, true
	return r
}

// NewCentred returns the centred rule.
func NewCentred[T tensor.Float](problem *energy.PC[T], inf Inference[T], beta float64, pool *Pool, rows int) *Nudged[T] {
	r := NewNudged(problem, inf, beta, pool, rows)
	r.centred = true
	r.weight = -1 / (2 * beta) // of what towards leaves there
	return r
}

// nudge leaves Σ_b (∂g_l/∂θ_l)ᵀ u_l in the gradient: that of β, or of −β less that of β.
func (r *Nudged[T]) nudge(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.target, r.trace.Z[0] = b, b.X
	clear(r.loss)
	clear(r.squares)
	r.pool.Do(len(r.shards), r.predictor)
	all := r.lossStats(sum(r.loss), sum(r.squares), Stats{Passes: 1, MACs: 1})
	if err := r.towards(ctx, b, r.beta, &all); err != nil || !r.centred {
		return all, err
	}
	tensor.Scale(r.grad, -1)
	r.zero = true // the gradient of −β is added
	err := r.towards(ctx, b, -r.beta, &all)
	r.zero = false // nor was it, where that failed
	return all, err
}

// towards settles with the output nudged by beta and adds cost and outcome to all.
func (r *Nudged[T]) towards(ctx context.Context, b data.Batch[T], beta float64, all *Stats) error {
	for i := range r.y.Rows {
		to := r.y.Row(i)
		copy(to, r.mean.Row(i))
		for k, m := range to {
			to[k] = m + T(T(beta)*(b.Y.Row(i)[k]-m))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.give(data.Batch[T]{X: b.X, Y: r.y}) // NaN is the network's doing, and shows in the loss
	s, err := r.infer(Stats{Passes: 1, MACs: 1})
	all.Passes += s.Passes
	all.MACs += s.MACs
	all.Inference.Add(s.Inference)
	if all.Limit == 0 {
		all.Limit = s.Limit
	}
	if err != nil {
		return err
	}
	r.gradient()
	return nil
}

// predict stores one shard's ȳ and loss.
func (r *Nudged[T]) predict(_, i int) {
	s, t, L := r.shards[i], r.windows[i], r.net.L()
	t.Z[0] = r.trace.Z[0].RowsOf(s.Lo, s.Hi)
	t.Feedforward()
	y := r.target.Y.RowsOf(s.Lo, s.Hi)
	r.out.Mean(r.mean.RowsOf(s.Lo, s.Hi), t.Z[L])
	r.out.Residual(r.loss[s.Lo:s.Hi], t.U[L], y, t.Z[L], 1)
	energy.Misfit(r.out, r.squares[s.Lo:s.Hi], t.U[L], y, t.Z[L])
}
