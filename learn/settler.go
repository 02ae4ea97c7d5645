package learn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// settler is a rule that learns where an energy comes to rest: pointwise, with the inference of a batch's shards.
type settler[T tensor.Float] struct {
	pointwise[T]
	name    string
	inf     Inference[T]
	parts   []part[T]
	methods []infer.Method[T] // one a worker
	input   [2]tensor.Matrix[T]
	task    func(worker, i int)

	diverged bool // some sample has, in a batch so far
	draws    bool // the methods are infer.Drawers
	round    uint64
	start    func(i int, p *part[T])     // puts a shard's point where inference starts: where the energy says
	fresh    func(rows int) objective[T] // the energy in memory of its own
}

// objective is an energy, some of whose activities are given.
type objective[T tensor.Float] interface {
	infer.Objective[T]
	Start(z tensor.Matrix[T])
	Place(p tensor.Matrix[T], z []tensor.Matrix[T])
	Clamp(l int, z tensor.Matrix[T])
	Fit(loss, squares []float64)
	ResetCost()
}

// part is a window of the batch: a shard or the lead.
type part[T tensor.Float] struct {
	lo, hi   int
	f        objective[T]
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

// prepare makes ready for inference on b's shards, each on a window of the energy of dim coordinates.
func (r *settler[T]) prepare(name string, b *batch[T], inf Inference[T], dim int, window func(lo, hi int) objective[T]) {
	if inf.Method == nil {
		inf.Method = func() infer.Method[T] { return &infer.Auto[T]{} }
	}
	r.pointwise, r.name, r.inf = pointwise[T]{batch: b}, name, inf
	rows := b.trace.Rows
	work := infer.NewWork[T](rows, dim)
	loss, squares := make([]float64, rows), make([]float64, rows)
	for _, s := range r.shards {
		p := part[T]{lo: s.Lo, hi: s.Hi, f: window(s.Lo, s.Hi), work: work.RowsOf(s.Lo, s.Hi)}
		p.fit = &fit{loss: loss[s.Lo:s.Hi], squares: squares[s.Lo:s.Hi]}
		p.settings = inf.Settings
		p.settings.Observe = p.watch(inf.Settings.Observe)
		r.parts = append(r.parts, p)
	}
	for range b.pool.Workers() {
		m := inf.Method()
		_, r.draws = m.(infer.Drawer[T])
		r.methods = append(r.methods, m)
	}
	r.task = r.shard
	r.start = cold[T]
}

// cold starts inference where the energy says.
func cold[T tensor.Float](_ int, p *part[T]) {
	p.work.Reference = nil
	p.f.Start(p.work.Z)
}

// watch returns what is to be called at the start and after every step: it takes the fit at the start, at no cost in passes.
func (p part[T]) watch(also func()) func() {
	f, fit := p.f, p.fit
	return func() {
		if !fit.known {
			f.Fit(fit.loss, fit.squares)
			fit.known = true
		}
		if also != nil {
			also()
		}
	}
}

// take accepts a batch, which costs no more than the pass of learning from it.
func (r *settler[T]) take(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.give(b)
	return Stats{Passes: 1, MACs: 1}, nil
}

// give clamps what a batch gives.
func (r *settler[T]) give(b data.Batch[T]) {
	r.input = given(b)
	for k, end := range r.ends {
		if end.at != None {
			r.trace.Z[end.at] = r.input[k]
		}
	}
}

// settle leaves every activity where inference ended, and the weighted errors there, in the trace.
func (r *settler[T]) settle(stats Stats) (Stats, error) {
	r.pool.Do(len(r.parts), r.task)
	r.round++
	for i := range r.parts {
		p := &r.parts[i]
		if p.err != nil {
			return stats, p.err
		}
		stats.Inference.Add(p.result)
		r.spend(&stats, p)
	}
	if stats.Inference.Count[infer.Diverged]+stats.Inference.Count[infer.NotFinite] > 0 && !r.diverged {
		r.diverged = true
		stats.Limit = r.limit()
	}
	return r.fitted(stats), nil
}

// fitted adds the fit of all parts to s.
func (r *settler[T]) fitted(s Stats) Stats {
	loss, squares := 0.0, 0.0
	for i := range r.parts {
		loss += sum(r.parts[i].fit.loss)
		squares += sum(r.parts[i].fit.squares)
	}
	return r.lossStats(loss, squares, s)
}

// limit returns 2/λ_max over the first samples at their feedforward points, in memory of its own, or 0 where the weights are such that there
// is none. Its passes, once in a training, are not counted.
func (r *settler[T]) limit() float64 {
	p := part[T]{hi: min(limitRows, r.trace.Rows)}
	p.f = r.fresh(p.hi)
	r.clamp(&p)
	z := tensor.New[T](p.hi, p.f.Dim())
	p.f.Start(z)
	limit := 2 / slices.Max(infer.LargestEigenvalues[T](p.f, z))
	if !finite(limit) {
		return 0
	}
	return limit
}

// limitRows is the number of samples whose stability limit is found when inference diverges.
const limitRows = 8

// clamp gives p its rows of the batch. Its cost starts from 0 every time: as the difference of ever larger sums it would
// be other bits in a training that was resumed.
func (r *settler[T]) clamp(p *part[T]) {
	p.f.ResetCost()
	for k, end := range r.ends {
		if end.at != None {
			p.f.Clamp(end.at, r.input[k].RowsOf(p.lo, p.hi))
		}
	}
}

// shard takes one shard through its whole inference.
func (r *settler[T]) shard(worker, i int) {
	p, m := &r.parts[i], r.methods[worker]
	r.clamp(p)
	r.start(i, p)
	p.fit.begin()
	if r.draws {
		m.(infer.Drawer[T]).Draw(r.round, p.lo)
	}
	p.result, p.err = infer.Solve[T](p.f, p.work, m, p.settings)
}

// spend adds to stats what p cost in this batch.
func (r *settler[T]) spend(stats *Stats, p *part[T]) {
	passes, macs := p.f.Cost()
	share := float64(p.hi-p.lo) / float64(r.trace.Rows)
	stats.Passes += float64(passes * share)
	stats.MACs += float64(macs * share)
}

// State is empty, or, for methods that draw, the number of inferences so far.
func (r *settler[T]) State() []float64 {
	if !r.draws {
		return nil
	}
	return []float64{float64(r.round)}
}

// SetState restores it.
func (r *settler[T]) SetState(s []float64) error {
	if !r.draws {
		return wantEmpty(r.name, s)
	}
	if len(s) != 1 || !(s[0] >= 0 && s[0] == math.Trunc(s[0])) {
		return fmt.Errorf("rule state: %v: want the number of inferences so far", s)
	}
	r.round = uint64(s[0])
	return nil
}
