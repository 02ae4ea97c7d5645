package learn

import (
	"context"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// BP is backpropagation: (1/B) ∂𝓛/∂θ with 𝓛 = Σ_b ½‖y − ŷ‖² (post, Eq. 1 and 2, with the half), or another output term.
// Cost: three passes.
type BP[T tensor.Float] struct {
	pointwise[T]
	out     energy.Output[T]
	windows []*nn.Trace[T]
	loss    []float64 // of each sample
	squares []float64 // ‖y − ȳ‖² of each sample
	y       tensor.Matrix[T]
	task    func(worker, i int)
}

var _ Rule[float32] = (*BP[float32])(nil)

// maxRows is the largest shard of BP. Its rows know nothing of each other, so that shards can be as large as there are workers to
// share the batch: the weights are then read once for many rows.
const maxRows = 2 * ShardRows

// NewBP returns the rule for squared error and batches of rows samples on the pool's workers.
func NewBP[T tensor.Float](net *nn.Network[T], pool *Pool, rows int) *BP[T] {
	return NewLossBP(net, energy.SquaredError[T]{}, pool, rows)
}

// NewLossBP returns the rule for the loss out, of precision 1.
func NewLossBP[T tensor.Float](net *nn.Network[T], out energy.Output[T], pool *Pool, rows int) *BP[T] {
	trace := nn.NewTrace(net, rows)
	r := &BP[T]{pointwise: pointwise[T]{batch: newBatch(trace, pool)}, out: out, loss: make([]float64, rows), squares: make([]float64, rows)}
	share := (rows + pool.Workers() - 1) / pool.Workers()
	r.shards = cut(rows, min(max(ShardRows, share), maxRows))
	for _, s := range r.shards {
		r.windows = append(r.windows, trace.RowsOf(s.Lo, s.Hi))
	}
	r.task, r.reach = r.shard, r.propagate
	return r
}

// propagate leaves z_l feedforward and u_l = −∂𝓛/∂z_l in the trace.
func (r *BP[T]) propagate(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.trace.Z[0], r.y = b.X, b.Y
	clear(r.loss)
	clear(r.squares)
	r.pool.Do(len(r.shards), r.task)
	// Of the way back, the first layer's product is the weight gradient's alone.
	first := float64(r.net.Layers[0].MACs()) / float64(r.net.MACs())
	return r.lossStats(sum(r.loss), sum(r.squares), Stats{Passes: 3, MACs: 3 - first}), nil
}

func (r *BP[T]) shard(_, i int) {
	s, t := r.shards[i], r.windows[i]
	L := r.net.L()
	t.Z[0] = r.trace.Z[0].RowsOf(s.Lo, s.Hi)
	t.Feedforward()
	y := r.y.RowsOf(s.Lo, s.Hi)
	r.out.Residual(r.loss[s.Lo:s.Hi], t.U[L], y, t.Z[L], 1)
	energy.Misfit(r.out, r.squares[s.Lo:s.Hi], t.Z[L], y, t.Z[L]) // ŷ is needed no more
	t.Back()
}

// lossStats adds loss and MSE to s, from the batch sums of 𝓛 and ‖y − ȳ‖².
func (b *batch[T]) lossStats(loss, squares float64, s Stats) Stats {
	s.Loss = loss / float64(b.trace.Rows)
	s.MSE = squares / float64(b.trace.Rows) / float64(b.outputs)
	return s
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

// State is empty.
func (r *BP[T]) State() []float64 { return nil }

// SetState takes an empty state.
func (r *BP[T]) SetState(s []float64) error { return wantEmpty("bp", s) }
