package learn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// Coordinates are those in which inference moves. The minima are the same.
type Coordinates uint8

// Errors are the default, Activities the post's.
const (
	Errors Coordinates = iota
	Activities
)

// Inference says how a batch settles.
type Inference[T tensor.Float] struct {
	Coordinates Coordinates
	Method      func() infer.Method[T] // a new method for each worker; nil: infer.Auto
	Settings    infer.Settings
}

// PC is predictive coding at equilibrium: inference from the feedforward point with input and target clamped (post,
// Eq. 4), then (1/B) ∂F/∂θ with z held fixed (Eq. 5). Cost: what inference took, and one pass.
type PC[T tensor.Float] struct {
	pointwise[T]
	problem *energy.PC[T]
	inf     Inference[T]
	state   *energy.State[T]
	parts   []part[T]
	methods []infer.Method[T] // one a worker
	input   data.Batch[T]
	task    func(worker, i int)

	// lead measures, on the first rows and before the shards start, what their inferences share: anew for every batch, so
	// that nothing is carried from one to the next.
	lead   part[T]
	shared infer.Curvature[T]

	diverged bool // some sample has, in a batch so far
	draws    bool // the methods are infer.Drawers
	round    uint64
	clamped  []int // layers that are given: 0 the input, L the target
	// start puts a shard's point, of the batch whose targets are y, where inference starts: the feedforward point.
	start func(i int, p *part[T], y tensor.Matrix[T])
}

// objective is an energy in either coordinates.
type objective[T tensor.Float] interface {
	infer.Objective[T]
	Start(z tensor.Matrix[T])
	Place(p tensor.Matrix[T], z []tensor.Matrix[T])
	Clamp(l int, z tensor.Matrix[T])
}

// part is a window of the batch: a shard or the lead.
type part[T tensor.Float] struct {
	lo, hi   int
	state    *energy.State[T]
	f        objective[T] // on state
	work     *infer.Work[T]
	fit      *fit
	settings infer.Settings // of the rule, with a watch on the start
	result   infer.Result
	err      error
}

// fit is how well the samples of a part are predicted at the start of their inference, the feedforward point.
type fit struct {
	loss, squares []float64
	known         bool
}

// begin forgets the last batch.
func (t *fit) begin() {
	clear(t.loss)
	clear(t.squares)
	t.known = false
}

var _ Rule[float32] = (*PC[float32])(nil)

// NewPC returns the rule for the problem (which clamps input and target) and batches of rows samples.
func NewPC[T tensor.Float](problem *energy.PC[T], inf Inference[T], pool *Pool, rows int) *PC[T] {
	if problem.Clamped != nil {
		panic("learn: PC clamps input and target")
	}
	return newPC(problem, []int{0, problem.Net.L()}, inf, pool, rows)
}

// newPC is NewPC for the layers that the problem clamps: the input, the target, or both.
func newPC[T tensor.Float](problem *energy.PC[T], clamped []int, inf Inference[T], pool *Pool, rows int) *PC[T] {
	if inf.Method == nil {
		inf.Method = func() infer.Method[T] { return &infer.Auto[T]{} }
	}
	state := problem.NewState(rows)
	r := &PC[T]{pointwise: pointwise[T]{batch: newBatch(state.Trace, pool)}, problem: problem, inf: inf, state: state, clamped: clamped}
	work := infer.NewWork[T](rows, state.Dim())
	loss, squares := make([]float64, rows), make([]float64, rows)
	for _, s := range r.shards {
		p := r.part(s.Lo, s.Hi, work)
		p.fit = &fit{loss: loss[s.Lo:s.Hi], squares: squares[s.Lo:s.Hi]}
		p.settings = inf.Settings
		p.settings.Observe = p.watch(inf.Settings.Observe)
		r.parts = append(r.parts, p)
	}
	lead := 0
	if inf.Coordinates == Errors {
		lead = infer.Lead[T](state.Errors(), rows)
	}
	for range pool.Workers() {
		m := inf.Method()
		if _, ok := m.(*infer.Chord[T]); ok && lead == 0 && inf.Coordinates == Errors && state.Errors().Outputs() > 0 {
			lead = infer.Room[T](state.Errors(), rows) // it needs the curvature, whatever the passes
		}
		if s, ok := m.(infer.Sharer[T]); ok && lead > 0 {
			s.Share(&r.shared)
			r.lead = r.part(0, lead, work)
		}
		_, r.draws = m.(infer.Drawer[T])
		r.methods = append(r.methods, m)
	}
	r.task, r.reach = r.shard, r.settle
	r.start = cold[T]
	return r
}

// cold starts at the feedforward point.
func cold[T tensor.Float](_ int, p *part[T], _ tensor.Matrix[T]) {
	p.work.Reference = nil
	p.f.Start(p.work.Z)
}

func (r *PC[T]) part(lo, hi int, work *infer.Work[T]) part[T] {
	p := part[T]{lo: lo, hi: hi, state: r.state.RowsOf(lo, hi), work: work.RowsOf(lo, hi)}
	p.f = r.objective(p.state)
	return p
}

// watch returns what is to be called at the start and after every step: it takes the fit at the start, at no cost in passes.
func (p part[T]) watch(also func()) func() {
	state, fit := p.state, p.fit
	return func() {
		if !fit.known {
			state.Fit(fit.loss, fit.squares)
			fit.known = true
		}
		if also != nil {
			also()
		}
	}
}

// objective is the energy on a state, in the coordinates of inference.
func (r *PC[T]) objective(s *energy.State[T]) objective[T] {
	if r.inf.Coordinates == Activities {
		return s.Activities()
	}
	return s.Errors()
}

// settle leaves z_l at the equilibrium, or where inference ended, and u_l = π_l e_l in the trace.
func (r *PC[T]) settle(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.input = b
	if r.clamped[0] == 0 {
		r.trace.Z[0] = b.X
	}
	stats := Stats{Passes: 1, MACs: 1}
	if r.lead.f != nil {
		r.clamp(&r.lead)
		r.shared.Measure(r.lead.f.(infer.Curved[T]), r.lead.hi)
		r.spend(&stats, &r.lead)
	}
	r.pool.Do(len(r.parts), r.task)
	r.round++
	loss, squares := 0.0, 0.0
	for i := range r.parts {
		p := &r.parts[i]
		if p.err != nil {
			return stats, p.err
		}
		stats.Inference.Add(p.result)
		r.spend(&stats, p)
		loss += sum(p.fit.loss)
		squares += sum(p.fit.squares)
	}
	if stats.Inference.Count[infer.Diverged]+stats.Inference.Count[infer.NotFinite] > 0 && !r.diverged {
		r.diverged = true
		stats.Limit = r.limit()
	}
	return lossStats(loss, squares, r.trace, stats), nil
}

// limit returns 2/λ_max over the first samples at their feedforward points, in memory of its own.
func (r *PC[T]) limit() float64 {
	state := r.problem.NewState(min(limitRows, r.trace.Rows))
	state.SetPrecisions(r.state.Precisions())
	p := part[T]{hi: state.Trace.Rows, state: state}
	p.f = r.objective(state)
	r.clamp(&p)
	z := tensor.New[T](p.hi, p.f.Dim())
	p.f.Start(z)
	return 2 / slices.Max(infer.LargestEigenvalues[T](p.f, z))
}

// limitRows is the number of samples whose stability limit is found when inference diverges.
const limitRows = 8

// clamp gives p its rows of the batch. Its cost starts from 0 every time: as the difference of ever larger sums it would
// be other bits in a training that was resumed.
func (r *PC[T]) clamp(p *part[T]) {
	p.state.ResetCost()
	for _, l := range r.clamped {
		given := r.input.Y
		if l == 0 {
			given = r.input.X
		}
		p.f.Clamp(l, given.RowsOf(p.lo, p.hi))
	}
}

// shard takes one shard through its whole inference.
func (r *PC[T]) shard(worker, i int) {
	p, m := &r.parts[i], r.methods[worker]
	r.clamp(p)
	r.start(i, p, r.input.Y.RowsOf(p.lo, p.hi))
	p.fit.begin()
	if r.draws {
		m.(infer.Drawer[T]).Draw(r.round, p.lo)
	}
	p.result, p.err = infer.Solve[T](p.f, p.work, m, p.settings)
}

// spend adds to stats what p cost in this batch.
func (r *PC[T]) spend(stats *Stats, p *part[T]) {
	passes, macs := p.f.Cost()
	share := float64(p.hi-p.lo) / float64(r.trace.Rows)
	stats.Passes += float64(passes * share)
	stats.MACs += float64(macs * share)
}

// output is the problem's output term.
func output[T tensor.Float](p *energy.PC[T]) energy.Output[T] {
	if p.Output == nil {
		return energy.SquaredError[T]{}
	}
	return p.Output
}

// State is empty, or, for methods that draw, the number of inferences so far.
func (r *PC[T]) State() []float64 {
	if !r.draws {
		return nil
	}
	return []float64{float64(r.round)}
}

// SetState restores it.
func (r *PC[T]) SetState(s []float64) error {
	if !r.draws {
		return wantEmpty("pc", s)
	}
	if len(s) != 1 || !(s[0] >= 0 && s[0] == math.Trunc(s[0])) {
		return fmt.Errorf("rule state: %v: want the number of inferences so far", s)
	}
	r.round = uint64(s[0])
	return nil
}
