package learn

import (
	"context"
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
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
	parts []ipcPart[T]
	input data.Batch[T]
	start bool
	task  func(worker, i int)
}

// ipcPart is a shard: its state, point, gradient, energies at the start and now, and squared residuals.
type ipcPart[T tensor.Float] struct {
	lo, hi      int
	f           *energy.Activities[T]
	z, grad     tensor.Matrix[T]
	f0, now     []float64
	res0, resid []float64
	fit         *fit
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
	z, grad := tensor.New[T](rows, state.Dim()), tensor.New[T](rows, state.Dim())
	v := func() []float64 { return make([]float64, rows) }
	f0, now, res0, resid, loss, squares := v(), v(), v(), v(), v(), v()
	for _, s := range r.shards {
		r.parts = append(r.parts, ipcPart[T]{lo: s.Lo, hi: s.Hi, f: state.RowsOf(s.Lo, s.Hi).Activities(),
			z: z.RowsOf(s.Lo, s.Hi), grad: grad.RowsOf(s.Lo, s.Hi),
			f0: f0[s.Lo:s.Hi], now: now[s.Lo:s.Hi], res0: res0[s.Lo:s.Hi], resid: resid[s.Lo:s.Hi],
			fit: &fit{loss: loss[s.Lo:s.Hi], squares: squares[s.Lo:s.Hi]}})
	}
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

// shard evaluates one shard, leaves z and u there in the trace, and moves its point on.
func (r *IPC[T]) shard(_, i int) {
	p := &r.parts[i]
	if r.start {
		p.f.ResetCost()
		p.f.Clamp(0, r.input.X.RowsOf(p.lo, p.hi))
		p.f.Clamp(r.net.L(), r.input.Y.RowsOf(p.lo, p.hi))
		p.f.Start(p.z)
	}
	p.f.Eval(p.now, p.grad, p.z)
	tensor.SquaresRows(p.resid, p.grad)
	if r.start {
		copy(p.f0, p.now)
		copy(p.res0, p.resid)
		p.fit.begin()
		p.f.Fit(p.fit.loss, p.fit.squares)
	}
	for k := range p.z.Rows {
		tensor.Axpy(p.z.Row(k), T(-r.o.DT), p.grad.Row(k))
	}
}

// stats describes the batch: its loss before the first update, and where the activities were at the last.
func (r *IPC[T]) stats() Stats {
	updates := float64(r.o.Steps - r.o.From)
	s := Stats{Passes: updates, MACs: updates}
	loss, squares := 0.0, 0.0
	for i := range r.parts {
		p := &r.parts[i]
		passes, macs := p.f.Cost()
		one := infer.Result{Passes: passes, MACs: macs, Steps: r.o.Steps - 1, Samples: p.hi - p.lo, Excess: math.NaN(),
			F: sum(p.now), FStart: sum(p.f0), Res2: sum(p.resid), Start2: sum(p.res0)}
		for k, f := range p.now {
			switch {
			case math.IsNaN(f) || math.IsInf(f, 0):
				one.Count[infer.NotFinite]++
			case f > infer.DivergeFactor*math.Abs(p.f0[k]):
				one.Count[infer.Diverged]++
			default:
				one.Count[infer.PassLimit]++
			}
		}
		s.Inference.Add(one)
		loss += sum(p.fit.loss)
		squares += sum(p.fit.squares)
	}
	s.Passes += s.Inference.Passes
	s.MACs += s.Inference.MACs
	return lossStats(loss, squares, r.trace, s)
}

// State is empty.
func (r *IPC[T]) State() []float64 { return nil }

// SetState takes an empty state.
func (r *IPC[T]) SetState(s []float64) error { return wantEmpty("ipc", s) }
