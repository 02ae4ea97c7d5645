// Package learn is how a batch changes θ: one rule per file. All rules share one normalisation, the gradient of the
// batch sum divided by B, and one weight-gradient product, (1/B) Σ_b (∂g_l/∂θ_l)ᵀ u_l; they differ in the u_l and z_l
// that they leave in the Trace.
//
// A batch is cut into shards of ShardRows rows; a worker takes a shard through all of its work without waiting for the
// others, and the weight gradient is a product over the whole batch, divided by output units. Neither the cuts (but those of
// BP, whose rows know nothing of each other) nor any order of summation depend on the number of workers, so that results are
// the same bits with any.
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

// ShardRows is the number of rows that a worker takes through their whole inference at a time: a multiple of every kernel's row tile. With
// more the weights of large networks are read from memory less often; with fewer there is work for more workers.
const ShardRows = 32

// Sizes of the pieces into which weight gradient and update are divided, in parameters. What is done to a tile or a block of it, one
// thing after the other, finds it in the second- or first-level cache. Tiles of Local layers are of whole lines of 16 packed columns,
// so that no two workers write to one.
const (
	tileParams  = 16384
	blockParams = 1024
	lineUnits   = 16
)

// tile is a piece of the weight gradient: some units of one layer.
type tile[T tensor.Float] struct {
	layer int
	units nn.Span
	local nn.Local[T] // the layer, if it is
	own   []nn.Span   // of θ: where the parameters of a Local layer's units are

	params int // how many
}

// batch is what every rule has: layers, what a batch leaves in them cut into shards, the weight gradient and the update.
type batch[T tensor.Float] struct {
	clip
	net        *nn.Weights[T]
	pool       *Pool
	trace      *nn.Record[T]
	ends       [2]end // what the batch's X and Y are
	layer      string // what a layer is called in errors
	outputs    int    // width of the target
	shards     []nn.Span
	tiles      []tile[T]
	local      []int     // tiles of Local layers
	others     []int     // the other tiles,
	rest       []int     // their layers, and
	chunks     []nn.Span // their θ, and all of it, in pieces
	all        []nn.Span
	grad       []T
	scratch    [][]T     // a tile's gradient for each worker, zero between batches
	zero       bool      // grad is, or holds what the next gradient is to be added to
	weight     float64   // of the gradient: 1, but for targets that are nudged
	shrink     float64   // of the gradient in an update: 1, unless it is clipped
	sumSquares []float64 // sum of squares of each piece of all of it
	// checked says that the weights were finite before the first batch. What an update makes of them shows in the next loss.
	checked bool
	opt     optim.Optimizer[T]
	theta   []T

	// Bound once: a method value made in every step would allocate.
	gradTask, otherTask, localTask, chunkTask, allTask, squareTask func(worker, i int)

	whole, locally func(theta []T)
	do             func(n int, f func(worker, i int))
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
	b := &batch[T]{net: net, pool: pool, trace: trace, ends: ends, layer: layer, outputs: ends[1].width, grad: make([]T, len(net.Theta())), weight: 1, shrink: 1}
	b.shards = cut(trace.Rows, ShardRows)
	at, most := 0, 0
	for i, layer := range net.Layers {
		layer.Reserve(pool.Workers())
		params := 0
		for _, p := range layer.Params() {
			params += p.Len()
		}
		b.divide(i+1, layer, nn.Span{Lo: at, Hi: at + params})
		at += params
	}
	for _, i := range b.local {
		most = max(most, b.tiles[i].params)
	}
	b.all = cut(at, tileParams)
	b.sumSquares = make([]float64, len(b.all))
	b.squareTask = func(_, i int) { b.square(i, b.all[i]) }
	b.gradTask = func(_, i int) { b.pullParams(&b.tiles[i]) }
	b.otherTask = func(_, i int) { b.pullParams(&b.tiles[b.others[i]]) }
	b.localTask = func(worker, i int) { b.learnTile(&b.tiles[b.local[i]], b.scratch[worker]) }
	b.chunkTask = func(_, i int) { b.apply(b.chunks[i], b.grad[b.chunks[i].Lo:b.chunks[i].Hi]) }
	b.allTask = func(_, i int) { b.apply(b.all[i], b.grad[b.all[i].Lo:b.all[i].Hi]) }
	for range pool.Workers() {
		b.scratch = append(b.scratch, make([]T, most))
	}
	b.whole, b.locally = b.applyAll, b.learnLocally
	b.do = pool.Do
	return b
}

// divide cuts layer l, whose parameters are θ[of.Lo:of.Hi], into tiles.
func (b *batch[T]) divide(l int, layer nn.Layer[T], of nn.Span) {
	units := layer.Units()
	if units == 0 {
		return
	}
	local, ok := layer.(nn.Local[T])
	step := max(1, tileParams*units/(of.Hi-of.Lo))
	if ok {
		step = max(step/lineUnits, 1) * lineUnits
	} else {
		b.rest = append(b.rest, l)
		for _, s := range cut(of.Hi-of.Lo, tileParams) {
			b.chunks = append(b.chunks, nn.Span{Lo: of.Lo + s.Lo, Hi: of.Lo + s.Hi})
		}
	}
	for lo := 0; lo < units; lo += step {
		t := tile[T]{layer: l, units: nn.Span{Lo: lo, Hi: min(lo+step, units)}, local: local}
		if ok {
			for _, s := range local.Own(t.units) {
				t.own = append(t.own, nn.Span{Lo: of.Lo + s.Lo, Hi: of.Lo + s.Hi})
				t.params += s.Hi - s.Lo
			}
			b.local = append(b.local, len(b.tiles))
		} else {
			b.others = append(b.others, len(b.tiles))
		}
		b.tiles = append(b.tiles, t)
	}
}

// cut cuts n into pieces of size.
func cut(n, size int) []nn.Span {
	var pieces []nn.Span
	for lo := 0; lo < n; lo += size {
		pieces = append(pieces, nn.Span{Lo: lo, Hi: min(lo+size, n)})
	}
	return pieces
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
	b.clear()
	b.pool.Do(len(b.tiles), b.gradTask)
}

// clear makes the gradient ready to be added to.
func (b *batch[T]) clear() {
	if !b.zero {
		clear(b.grad)
	}
	b.zero = false
}

func (b *batch[T]) pullParams(t *tile[T]) { b.trace.PullParams(b.grad, t.layer, t.units) }

// scale turns the sum of (∂g/∂θ)ᵀ u, which points downhill, into the gradient of the mean.
func (b *batch[T]) scale() T { return b.shrunk(1) }

// shrunk is scale for a gradient multiplied by a factor, too.
func (b *batch[T]) shrunk(factor float64) T { return T(-b.weight * factor / float64(b.trace.Rows)) }

// learn computes the learning gradient from the trace and lets opt update the weights: the same bits as gradient and descend, but
// parameters of Local layers go all the way, gradient, step and packing, while they are in a cache.
func (b *batch[T]) learn(opt optim.Optimizer[T]) {
	if b.most > 0 {
		b.gradient()
		b.descend(opt)
		return
	}
	if len(b.others) > 0 {
		b.clear()
		b.pool.Do(len(b.others), b.otherTask)
		b.zero = true // once it is applied: the rest of it is not touched
	}
	opt.Advance()
	b.opt = opt
	b.net.UpdateLocally(b.do, b.locally, b.rest)
	b.opt = nil
}

// descend lets opt update the weights along the gradient that is there.
func (b *batch[T]) descend(opt optim.Optimizer[T]) {
	if b.most > 0 {
		b.shrink = b.factor(b.norm())
	}
	b.update(opt)
}

// update is descend along the gradient as it is to be shrunk.
func (b *batch[T]) update(opt optim.Optimizer[T]) {
	opt.Advance()
	b.opt = opt
	b.net.UpdateOn(b.do, b.whole)
	b.opt, b.zero, b.shrink = nil, true, 1
}

// learnLocally updates all weights, those of layers that are not Local by the gradient that is there.
func (b *batch[T]) learnLocally(theta []T) {
	b.theta = theta
	b.pool.Do(len(b.local), b.localTask)
	b.pool.Do(len(b.chunks), b.chunkTask)
	b.theta = nil
}

// learnTile takes the parameters of a Local tile all the way, their gradient in scratch.
func (b *batch[T]) learnTile(t *tile[T], scratch []T) {
	b.trace.PullOwn(scratch[:t.params], t.layer, t.units)
	for _, s := range t.own {
		n := s.Hi - s.Lo
		b.apply(s, scratch[:n])
		scratch = scratch[n:]
	}
	t.local.PackUnits(t.units)
}

func (b *batch[T]) applyAll(theta []T) {
	b.theta = theta
	b.pool.Do(len(b.all), b.allTask)
	b.theta = nil
}

// apply updates a piece of the weights and clears their gradient for the next step.
func (b *batch[T]) apply(s nn.Span, grad []T) {
	for lo := s.Lo; lo < s.Hi; lo += blockParams {
		hi := min(lo+blockParams, s.Hi)
		g := grad[lo-s.Lo : hi-s.Lo]
		tensor.Scale(g, b.shrunk(b.shrink))
		b.opt.Apply(b.theta[lo:hi], g, lo)
		clear(g)
	}
}
