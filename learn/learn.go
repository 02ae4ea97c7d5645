// Package learn is how a batch changes θ: one rule per file. All rules share one normalisation, the gradient of the
// batch sum divided by B, and one weight-gradient product, (1/B) Σ_b (∂g_l/∂θ_l)ᵀ u_l; they differ in the u_l and z_l
// that they leave in the Trace.
//
// A batch is cut into shards of ShardRows rows; a worker takes a shard through all of its work without waiting for the
// others, and the weight gradient is a product over the whole batch, divided by output units. Neither the cuts nor any
// order of summation depend on the number of workers, so that results are the same bits with any.
package learn

import (
	"context"
	"fmt"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Rule is a learning rule bound to a network and a batch size. Those that learn at one point, BP and PC, also have
//
//	Gradient(ctx context.Context, b data.Batch[T]) ([]T, Stats, error)
//
// which returns the learning gradient of the batch, laid out like θ, valid until the next call.
type Rule[T tensor.Float] interface {
	// Step lets opt update the weights along the rule's gradient. It refuses a batch, or initial weights, with NaN or Inf.
	Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error)
	// State is all that the rule carries from batch to batch: part of a checkpoint.
	State() []float64
	// SetState restores a State of the same rule.
	SetState([]float64) error
}

// Stats says what one batch cost and showed, before its update.
type Stats struct {
	Loss   float64 // 𝓛/B at the feedforward prediction: half the squared error, or another output term, mean over the batch
	MSE    float64 // mean over batch and outputs of (y − ȳ)², ȳ the mean of y that ŷ predicts: for squared error ŷ, and 2·Loss/n_L
	Passes float64 // see notation; learning included
	MACs   float64 // multiply-adds, in units of one feedforward evaluation of the batch
	// Inference is the outcome of settling z, over all samples of the batch; without samples for rules that do not.
	Inference infer.Result
	// Limit is 2/λ_max of ∂²F/∂z² in the coordinates of inference, the largest over the first samples, where some sample
	// diverged for the first time: Euler's method is stable for shorter steps only. 0 otherwise.
	Limit float64
}

// wantEmpty reports a state given to a rule that carries none.
func wantEmpty(rule string, s []float64) error {
	if len(s) != 0 {
		return fmt.Errorf("rule state: %d numbers: %s carries none", len(s), rule)
	}
	return nil
}

// ShardRows is the number of rows that a worker takes through their whole inference at a time: a multiple of every
// kernel's row tile.
const ShardRows = 16

// Sizes of the pieces into which weight gradient and update are divided, in parameters. What is done to a block of a chunk, one
// thing after the other, finds it in the first-level cache.
const (
	tileParams  = 16384
	chunkParams = 16384
	blockParams = 1024
)

// tile is a piece of the weight gradient: some units of one layer.
type tile struct {
	layer int
	units nn.Span
}

// batch is what every rule has: layers, what a batch leaves in them cut into shards, the weight gradient and the update.
type batch[T tensor.Float] struct {
	net     *nn.Weights[T]
	pool    *Pool
	trace   *nn.Record[T]
	ends    [2]end // what the batch's X and Y are
	layer   string // what a layer is called in errors
	outputs int    // width of the target
	shards  []nn.Span
	tiles   []tile
	grad    []T
	zero    bool    // grad is, or holds what the next gradient is to be added to
	weight  float64 // of the gradient: 1, but for targets that are nudged
	// checked says that the weights were finite before the first batch. What an update makes of them shows in the next loss.
	checked bool
	opt     optim.Optimizer[T]
	theta   []T

	// Bound once: a method value made in every step would allocate.
	gradTask, applyTask func(worker, i int)
	update              func(theta []T)
	do                  func(n int, f func(worker, i int))
}

// end is an activity that batches give.
type end struct {
	at, width int    // its place in the record, or None
	name      string // for errors
}

// newBatch is that of a network.
func newBatch[T tensor.Float](t *nn.Trace[T], pool *Pool) *batch[T] {
	L := t.Net.L()
	ends := [2]end{{0, t.Net.Inputs(), "layer 0, the input,"}, {L, t.Net.Outputs(), fmt.Sprintf("layer %d, the target,", L)}}
	return newBatchOf(&t.Record, ends, "network: layer", pool)
}

func newBatchOf[T tensor.Float](trace *nn.Record[T], ends [2]end, layer string, pool *Pool) *batch[T] {
	net := trace.Weights
	b := &batch[T]{net: net, pool: pool, trace: trace, ends: ends, layer: layer, outputs: ends[1].width, grad: make([]T, len(net.Theta())), weight: 1}
	for lo := 0; lo < trace.Rows; lo += ShardRows {
		b.shards = append(b.shards, nn.Span{Lo: lo, Hi: min(lo+ShardRows, trace.Rows)})
	}
	for i, layer := range net.Layers {
		layer.Reserve(pool.Workers())
		units := layer.Units()
		if units == 0 {
			continue
		}
		params := 0
		for _, p := range layer.Params() {
			params += p.Len()
		}
		step := max(1, tileParams*units/params)
		for lo := 0; lo < units; lo += step {
			b.tiles = append(b.tiles, tile{layer: i + 1, units: nn.Span{Lo: lo, Hi: min(lo+step, units)}})
		}
	}
	b.gradTask, b.applyTask, b.update = b.gradTile, b.applyChunk, b.applyAll
	b.do = pool.Do
	return b
}

// given returns what d gives, in the order of the ends.
func given[T tensor.Float](d data.Batch[T]) [2]tensor.Matrix[T] { return [2]tensor.Matrix[T]{d.X, d.Y} }

// accept checks that data fits before any work.
func (b *batch[T]) accept(d data.Batch[T]) {
	for k, m := range given(d) {
		if b.ends[k].at == None {
			continue
		}
		if m.Rows != b.trace.Rows {
			panic("learn: batch of another size")
		}
		if m.Cols != b.ends[k].width {
			panic("learn: batch of another width")
		}
	}
}

// begin checks, before any work, that there is time left and that all numbers are finite: the batch's, and before the first
// batch the weights'. It lets the network make its random choices for the batch.
func (b *batch[T]) begin(ctx context.Context, d data.Batch[T]) error {
	b.accept(d)
	if err := ctx.Err(); err != nil {
		return err
	}
	b.trace.Draw(d.Draw)
	for k, m := range given(d) {
		for i := range m.Rows {
			if b.ends[k].at != None && !tensor.Finite(m.Row(i)) {
				return fmt.Errorf("batch: sample %d: %s holds NaN or Inf; want finite numbers", i, b.ends[k].name)
			}
		}
	}
	if b.checked {
		return nil
	}
	for l := 1; l <= b.net.L(); l++ {
		if !tensor.Finite(b.net.Of(l, b.net.Theta())) {
			return fmt.Errorf("%s %d: the weights hold NaN or Inf; want finite numbers", b.layer, l)
		}
	}
	b.checked = true
	return nil
}

// gradient computes Σ_b (∂g_l/∂θ_l)ᵀ u_l from the trace. Cost: one pass.
func (b *batch[T]) gradient() {
	if !b.zero {
		clear(b.grad)
	}
	b.zero = false
	b.pool.Do(len(b.tiles), b.gradTask)
}

func (b *batch[T]) gradTile(_, i int) {
	b.trace.PullParams(b.grad, b.tiles[i].layer, b.tiles[i].units)
}

// scale turns the sum of (∂g/∂θ)ᵀ u, which points downhill, into the gradient of the mean.
func (b *batch[T]) scale() T { return T(-b.weight / float64(b.trace.Rows)) }

// learn computes the learning gradient from the trace and lets opt update the weights.
func (b *batch[T]) learn(opt optim.Optimizer[T]) {
	b.gradient()
	b.descend(opt)
}

// descend lets opt update the weights along the gradient that is there.
func (b *batch[T]) descend(opt optim.Optimizer[T]) {
	opt.Advance()
	b.opt = opt
	b.net.UpdateOn(b.do, b.update)
	b.opt, b.zero = nil, true
}

func (b *batch[T]) applyAll(theta []T) {
	b.theta = theta
	b.pool.Do((len(theta)+chunkParams-1)/chunkParams, b.applyTask)
	b.theta = nil
}

// applyChunk updates a chunk of the weights and clears their gradient for the next step.
func (b *batch[T]) applyChunk(_, i int) {
	end := min((i+1)*chunkParams, len(b.theta))
	for lo := i * chunkParams; lo < end; lo += blockParams {
		hi := min(lo+blockParams, end)
		tensor.Scale(b.grad[lo:hi], b.scale())
		b.opt.Apply(b.theta, b.grad, lo, hi)
		clear(b.grad[lo:hi])
	}
}
