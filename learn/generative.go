package learn

import (
	"context"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Generative is unsupervised predictive coding: the network predicts the data of a batch, its X, from causes z_0 that nobody gives.
// The data clamp the output, inference finds all activities from z_0 on, and the weights learn as in PC. What keeps z_0 bounded is
// the prior (λ_0/2)‖z_0‖², the problem's Decay. Inference starts at z_0 = 0 and what the network predicts from there, or where an
// Amortiser puts it. Loss and MSE in Stats are those of the reconstruction, at the end of inference. Networks of rectifiers need biases:
// without, nothing comes back from z_0 = 0. Cost: PC's, and the amortiser's: a pass to guess, two to learn, and what its
// reference takes.
type Generative[T tensor.Float] struct {
	*PC[T]
	amortiser *Amortiser[T]
	cold      bool // start without its guess
	again     func(worker, i int)
}

var _ Rule[float32] = (*Generative[float32])(nil)

// NewGenerative returns the rule for the problem, whose Clamped it sets, with an amortiser or nil. Otherwise NewPC's arguments.
func NewGenerative[T tensor.Float](problem *energy.PC[T], inf Inference[T], amortiser *Amortiser[T], pool *Pool, rows int) *Generative[T] {
	p, L := *problem, problem.Net.L()
	if p.Clamped != nil {
		panic("learn: Generative clamps the output alone")
	}
	p.Clamped = []int{L}
	r := &Generative[T]{PC: newPC(&p, inf, pool, rows), amortiser: amortiser}
	if amortiser != nil {
		amortiser.fit(r.state, r.parts, inf.Settings.Tol)
		r.start = func(i int, p *part[T]) {
			if r.cold {
				cold(i, p)
				return
			}
			amortiser.start(i, p, r.input[1].RowsOf(p.lo, p.hi))
		}
	}
	r.again = func(_, i int) {
		p := &r.parts[i]
		p.fit.begin()
		p.f.Fit(p.fit.loss, p.fit.squares)
	}
	r.reach = r.reconstruct
	return r
}

// Step descends (1/B) ∂F/∂θ, and teaches the amortiser where inference ended.
func (r *Generative[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	s, err := r.PC.Step(ctx, b, opt)
	if err == nil && r.amortiser != nil {
		r.amortiser.learn(r.trace.Z, b.X)
		s.Passes, s.MACs = s.Passes+2, s.MACs+2
	}
	return s, err
}

// Infer settles on the data b.X without learning. It does not look for a stability limit.
func (r *Generative[T]) Infer(ctx context.Context, b data.Batch[T]) (Stats, error) {
	known := r.diverged
	r.diverged = true
	s, err := r.reconstruct(ctx, b)
	r.diverged = known
	return s, err
}

// reconstruct settles on the data b.X, and finds how well they are predicted from there.
func (r *Generative[T]) reconstruct(ctx context.Context, b data.Batch[T]) (Stats, error) {
	s, err := r.equilibrate(ctx, data.Batch[T]{Y: b.X, Draw: b.Draw})
	if err != nil {
		return s, err
	}
	if r.amortiser != nil && !r.cold {
		s.Passes, s.MACs = s.Passes+1, s.MACs+1
	}
	r.pool.Do(len(r.parts), r.again)
	return r.fitted(s), nil
}

// InferCold is Infer from z_0 = 0, with an amortiser too.
func (r *Generative[T]) InferCold(ctx context.Context, b data.Batch[T]) (Stats, error) {
	r.cold = true
	defer func() { r.cold = false }()
	return r.Infer(ctx, b)
}

// Causes returns z_0 where the last inference ended, B×n_0, valid until the next.
func (r *Generative[T]) Causes() tensor.Matrix[T] { return r.trace.Z[0] }
