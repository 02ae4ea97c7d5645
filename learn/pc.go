package learn

import (
	"context"

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
	settler[T]
	problem *energy.PC[T]
	state   *energy.State[T]

	// lead measures, on the first rows and before the shards start, what their inferences share: anew for every batch, so
	// that nothing is carried from one to the next.
	lead   part[T]
	shared infer.Curvature[T]
}

var _ Rule[float32] = (*PC[float32])(nil)

// NewPC returns the rule for the problem (which clamps input and target) and batches of rows samples.
func NewPC[T tensor.Float](problem *energy.PC[T], inf Inference[T], pool *Pool, rows int) *PC[T] {
	if problem.Clamped != nil {
		panic("learn: PC clamps input and target")
	}
	return newPC(problem, inf, pool, rows)
}

// newPC is NewPC for a problem that may also clamp the target alone.
func newPC[T tensor.Float](problem *energy.PC[T], inf Inference[T], pool *Pool, rows int) *PC[T] {
	r := &PC[T]{problem: problem, state: problem.NewState(rows)}
	b := newBatch(r.state.Trace, pool)
	if problem.Clamped != nil {
		b.ends[0].at = None
	}
	on := func(s *energy.State[T]) objective[T] {
		if inf.Coordinates == Activities {
			return s.Activities()
		}
		return s.Errors()
	}
	window := func(lo, hi int) objective[T] { return on(r.state.RowsOf(lo, hi)) }
	r.prepare("pc", b, inf, r.state.Dim(), window)
	r.fresh = func(rows int) objective[T] {
		state := problem.NewState(rows)
		state.SetPrecisions(r.state.Precisions())
		return on(state)
	}
	r.reach = r.equilibrate
	if inf.Coordinates == Errors {
		r.share(rows, window)
	}
	return r
}

// share lets the methods that can share what the first rows of a batch measure.
func (r *PC[T]) share(rows int, window func(lo, hi int) objective[T]) {
	e := r.state.Errors()
	lead := infer.Lead[T](e, rows)
	for _, m := range r.methods {
		switch m.(type) {
		case *infer.Chord[T], *infer.Exact[T]: // they need the curvature, whatever the passes
			if lead == 0 && e.Outputs() > 0 {
				lead = infer.Room[T](e, rows)
			}
		}
		if s, ok := m.(infer.Sharer[T]); ok && lead > 0 {
			s.Share(&r.shared)
			r.lead = part[T]{hi: lead, f: window(0, lead)}
		}
	}
}

// equilibrate leaves z_l at the equilibrium, or where inference ended, and u_l = π_l e_l in the trace.
func (r *PC[T]) equilibrate(ctx context.Context, b data.Batch[T]) (Stats, error) {
	stats, err := r.take(ctx, b)
	if err != nil {
		return stats, err
	}
	return r.infer(stats)
}

// infer settles on what is given.
func (r *PC[T]) infer(stats Stats) (Stats, error) {
	if r.lead.f != nil {
		r.clamp(&r.lead)
		r.shared.Measure(r.lead.f.(infer.Curved[T]), r.lead.hi)
		r.spend(&stats, &r.lead)
	}
	return r.settle(stats)
}

// output is the problem's output term.
func output[T tensor.Float](p *energy.PC[T]) energy.Output[T] {
	if p.Output == nil {
		return energy.SquaredError[T]{}
	}
	return p.Output
}
