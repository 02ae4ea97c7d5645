package learn

import (
	"context"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Incremental says how activities and weights move together.
type Incremental struct {
	DT    float64 // step of the activities; 0 means 0.1
	Steps int     // steps on a batch; 0 means DefaultIncrementalSteps
	// From is the first step, counted from 0, at which the weights move too. Steps−1 moves them once, after Steps−1 steps of
	// the activities: PC by Euler's method, truncated.
	From int
}

// DefaultIncrementalSteps is what Incremental.Steps = 0 means.
const DefaultIncrementalSteps = 20

// IPC is incremental predictive coding (Salvatori et al. 2022, arXiv 2212.00720): z and θ descend F at the same time. From the
// feedforward activities, at every step,
//
//	z ← z − dt ∂F/∂z,   θ ← the optimiser's step on (1/B) ∂F/∂θ,
//
// both at the same point. Inference does not settle, which Stats says: samples are truncated, or diverged. It moves in activities,
// which stay where they are when the weights move. The optimiser takes as many steps a batch as the weights move. Cost: one
// pass to start, two a step and one for each step of the weights.
type IPC[T tensor.Float] struct {
	*batch[T]
	o     Incremental
	parts []walk[T]
	input data.Batch[T]
	start bool
	task  func(worker, i int)
}

var _ Rule[float32] = (*IPC[float32])(nil)

// NewIPC returns the rule for the problem (which clamps input and target) and batches of rows samples.
func NewIPC[T tensor.Float](problem *energy.PC[T], o Incremental, pool *Pool, rows int) *IPC[T] {
	if problem.Clamped != nil {
		panic("learn: IPC clamps input and target")
	}
	if o.DT == 0 {
		o.DT = 0.1
	}
	if o.Steps == 0 {
		o.Steps = DefaultIncrementalSteps
	}
	if !(o.DT > 0) || o.Steps < 1 || o.From < 0 || o.From >= o.Steps {
		panic("learn: IPC wants a step above 0, steps, and a first step of the weights among them")
	}
	state := problem.NewState(rows)
	r := &IPC[T]{batch: newBatch(state.Trace, pool), o: o}
	r.parts = newWalks(state, r.shards)
	r.task = r.shard
	return r
}

// Step moves the activities from their feedforward values and the weights with them.
func (r *IPC[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.input, r.trace.Z[0] = b, b.X
	for t := range r.o.Steps {
		r.start = t == 0
		r.pool.Do(len(r.parts), r.task)
		if t >= r.o.From {
			r.learn(opt)
		}
	}
	return r.stats(), nil
}

// shard takes one shard a step on.
func (r *IPC[T]) shard(_, i int) {
	p := &r.parts[i]
	if r.start {
		p.start(r.input)
	}
	p.step(r.o.DT)
}

// stats describes the batch: its loss before the first update, and where the activities were at the last.
func (r *IPC[T]) stats() Stats {
	updates := float64(r.o.Steps - r.o.From)
	return r.walked(r.parts, r.o.Steps-1, Stats{Passes: updates, MACs: updates})
}

// State is empty.
func (r *IPC[T]) State() []float64 { return nil }

// SetState takes an empty state.
func (r *IPC[T]) SetState(s []float64) error { return wantEmpty("ipc", s) }
