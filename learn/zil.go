package learn

import (
	"context"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// ZIL is zero-divergence inference learning (Song, Lukasiewicz, Xu and Bogacz 2020, "Can the Brain Do Backpropagation?", Z-IL):
// predictive coding whose weight gradient is that of BP, exactly. From the feedforward activities z moves by −∂F/∂z, with step 1,
// and layer l learns at step L − l, when the error of the output has just come down to it:
//
//	step 0: e_L = r;   step L−l: e_l = (∂g_{l+1}/∂z_l)ᵀ e_{l+1} of the step before, with z_{l−1} still feedforward.
//
// Nothing settles, and Stats has no outcome of inference. All of it is local in space, but not in time: a layer must know its depth. The weights are updated at the end: what they were
// in the original as soon as a layer has learnt changes no later gradient. With rounding alone it differs from BP, by about one
// part in 10¹⁵ of the activities in float64. Cost: 2L + 2 passes.
type ZIL[T tensor.Float] struct {
	pointwise[T]
	parts []walk[T]
	input data.Batch[T]
	start bool
	at    []nn.Span // tiles of layer l = 1…L at index l
	now   int       // layer that learns
	task  func(worker, i int)
	learn func(worker, i int)
}

var _ Rule[float32] = (*ZIL[float32])(nil)

// NewZIL returns the rule for the problem (which clamps input and target, with all precisions 1 and no decay) and batches of rows samples.
func NewZIL[T tensor.Float](problem *energy.PC[T], pool *Pool, rows int) *ZIL[T] {
	if problem.Clamped != nil {
		panic("learn: ZIL clamps input and target")
	}
	if problem.Precision != nil || problem.Decay != nil {
		panic("learn: ZIL has all precisions 1, and no decay")
	}
	state := problem.NewState(rows)
	r := &ZIL[T]{pointwise: pointwise[T]{batch: newBatch(state.Trace, pool)}, at: make([]nn.Span, problem.Net.L()+1)}
	r.parts = newWalks(state, r.shards)
	for i, t := range r.tiles {
		if r.at[t.layer].Hi == 0 {
			r.at[t.layer].Lo = i
		}
		r.at[t.layer].Hi = i + 1
	}
	r.task, r.reach, r.pulled = r.shard, r.descendActivities, true
	r.learn = func(worker, i int) { r.gradTask(worker, r.at[r.now].Lo+i) }
	return r
}

// descendActivities makes the L steps and leaves Σ_b (∂g_l/∂θ_l)ᵀ u_l, each layer's at its step, in the gradient.
func (r *ZIL[T]) descendActivities(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.clear()
	r.input, r.trace.Z[0] = b, b.X
	L := r.net.L()
	for t := range L {
		r.start, r.now = t == 0, L-t
		r.pool.Do(len(r.parts), r.task)
		if n := r.at[r.now].Hi - r.at[r.now].Lo; n > 0 {
			r.pool.Do(n, r.learn)
		}
	}
	s := r.walked(r.parts, L-1, Stats{Passes: 1, MACs: 1})
	s.Inference = infer.Result{} // what activities do once they have taught is nobody's affair: with step 1 they may well diverge
	return s, nil
}

// shard takes one shard a step on.
func (r *ZIL[T]) shard(_, i int) {
	p := &r.parts[i]
	if r.start {
		p.start(r.input)
	}
	p.step(1)
}

// State is empty.
func (r *ZIL[T]) State() []float64 { return nil }

// SetState takes an empty state.
func (r *ZIL[T]) SetState(s []float64) error { return wantEmpty("zil", s) }
