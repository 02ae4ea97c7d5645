package learn

import (
	"context"
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// The rules of this file stand between BP and PC, one difference at a time, to see which of them makes PC what it is
// (docs/design/protocol.md). PC's gradient in a linear network is (1/B) Σ_b −(∂g_l/∂θ_l)ᵀ e_l* at z*, with
// e_l* = J_lᵀ S⁻¹r: BP's, but for S⁻¹r in place of r and z* in place of ẑ.

// CurvedBP is BP with S⁻¹r in place of r, S = I + J Jᵀ at the feedforward point of each sample (J = ∂ŷ/∂e): the errors
// of one Gauss–Newton step of inference, e⁺ = Jᵀ S⁻¹r, with feedforward presynaptic activities. In linear networks it is
// FeedforwardPC. Cost: 3 + n_L passes.
type CurvedBP[T tensor.Float] struct {
	pointwise[T]
	parts []curvedPart[T]
	input data.Batch[T]
	loss  []float64 // of each sample
	task  func(worker, i int)
}

// curvedPart is a shard with its own room.
type curvedPart[T tensor.Float] struct {
	lo, hi int
	state  *energy.State[T]
	f      *energy.Errors[T]
	zero   tensor.Matrix[T]   // the feedforward point
	j      []tensor.Matrix[T] // of each output k: Jᵀ1_k of every sample
	u      tensor.Matrix[T]   // unit vectors
	s, r   []float64
}

var _ Rule[float32] = (*CurvedBP[float32])(nil)

// NewCurvedBP returns the rule for batches of rows samples on the pool's workers.
func NewCurvedBP[T tensor.Float](net *nn.Network[T], pool *Pool, rows int) *CurvedBP[T] {
	problem := energy.PC[T]{Net: net}
	state := problem.NewState(rows)
	b := &CurvedBP[T]{pointwise: pointwise[T]{batch: newBatch(state.Trace, pool)}, loss: make([]float64, rows)}
	n := net.Outputs()
	for _, sh := range b.shards {
		p := curvedPart[T]{lo: sh.Lo, hi: sh.Hi, state: state.RowsOf(sh.Lo, sh.Hi), s: make([]float64, n*n), r: make([]float64, n)}
		p.f = p.state.Errors()
		count := sh.Hi - sh.Lo
		p.zero, p.u = tensor.New[T](count, p.f.Dim()), tensor.New[T](count, n)
		for range n {
			p.j = append(p.j, tensor.New[T](count, p.f.Dim()))
		}
		b.parts = append(b.parts, p)
	}
	b.task, b.reach = b.shard, b.propagate
	return b
}

// propagate leaves z_l feedforward and u_l = J_lᵀ S⁻¹r in the trace.
func (r *CurvedBP[T]) propagate(ctx context.Context, b data.Batch[T]) (Stats, error) {
	if err := r.begin(ctx, b); err != nil {
		return Stats{}, err
	}
	r.input, r.trace.Z[0] = b, b.X
	clear(r.loss)
	r.pool.Do(len(r.parts), r.task)
	n := float64(r.outputs)
	first := float64(r.net.Layers[0].MACs()) / float64(r.net.MACs())
	return r.lossStats(sum(r.loss), 2*sum(r.loss), Stats{Passes: 3 + n, MACs: 2 + (1-first)*(1+n)}), nil
}

func (r *CurvedBP[T]) shard(_, i int) {
	p, L := &r.parts[i], r.net.L()
	p.state.Clamp(0, r.input.X.RowsOf(p.lo, p.hi))
	p.state.Clamp(L, r.input.Y.RowsOf(p.lo, p.hi))
	p.f.Eval(r.loss[p.lo:p.hi], tensor.Matrix[T]{}, p.zero)
	for k, j := range p.j {
		tensor.Zero(p.u)
		for row := range p.u.Rows {
			p.u.Row(row)[k] = 1
		}
		if L > 1 {
			p.f.Pull(j, p.u)
		}
	}
	for row := range p.u.Rows {
		p.curve(row, p.state.Trace.U[L].Row(row))
	}
	p.state.Trace.Back()
}

// curve turns r of one sample into S⁻¹r.
func (p *curvedPart[T]) curve(row int, r []T) {
	n := len(p.r)
	for a := range n {
		for b := range a + 1 {
			s := tensor.Dot(p.j[a].Row(row), p.j[b].Row(row))
			if a == b {
				s++
			}
			p.s[a*n+b] = s
		}
		p.r[a] = float64(r[a])
	}
	solveSymmetric(p.s, p.r)
	for a, v := range p.r {
		r[a] = T(v)
	}
}

// solveSymmetric overwrites r with A⁻¹r for the lower triangle of a symmetric positive definite A, which it destroys:
// Cholesky's A = L Lᵀ (Golub & Van Loan 2013, Alg. 4.2.1).
func solveSymmetric(a, r []float64) {
	n := len(r)
	for i := range n {
		for j := range i + 1 {
			v := a[i*n+j]
			for k := range j {
				v -= float64(a[i*n+k] * a[j*n+k])
			}
			if i == j {
				a[i*n+i] = math.Sqrt(v)
			} else {
				a[i*n+j] = v / a[j*n+j]
			}
		}
		for k := range i {
			r[i] -= float64(a[i*n+k] * r[k])
		}
		r[i] /= a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			r[i] -= float64(a[k*n+i] * r[k])
		}
		r[i] /= a[i*n+i]
	}
}

// State is empty.
func (r *CurvedBP[T]) State() []float64 { return nil }

// SetState takes an empty state.
func (r *CurvedBP[T]) SetState(s []float64) error { return wantEmpty("bp-curved", s) }

// FeedforwardPC is PC with the errors of the equilibrium and the presynaptic activities, and with them φ′, of the
// feedforward point: (1/B) Σ_b −(∂g_l/∂θ_l)ᵀ π_l e_l* at ẑ. Cost: PC's and one pass.
type FeedforwardPC[T tensor.Float] struct {
	*PC[T]
	windows []*nn.Trace[T]
	forward func(worker, i int)
}

var _ Rule[float32] = (*FeedforwardPC[float32])(nil)

// NewFeedforwardPC returns the rule, with NewPC's arguments.
func NewFeedforwardPC[T tensor.Float](problem *energy.PC[T], inf Inference[T], pool *Pool, rows int) *FeedforwardPC[T] {
	r := &FeedforwardPC[T]{PC: NewPC(problem, inf, pool, rows)}
	for _, s := range r.shards {
		r.windows = append(r.windows, r.state.Trace.RowsOf(s.Lo, s.Hi))
	}
	r.forward = func(_, i int) {
		s := r.shards[i]
		r.windows[i].Z[0] = r.trace.Z[0].RowsOf(s.Lo, s.Hi)
		r.windows[i].Feedforward()
	}
	r.reach = r.settleThenForward
	return r
}

// settleThenForward leaves u_l = π_l e_l* and z_l feedforward in the trace.
func (r *FeedforwardPC[T]) settleThenForward(ctx context.Context, b data.Batch[T]) (Stats, error) {
	s, err := r.equilibrate(ctx, b)
	if err != nil {
		return s, err
	}
	r.pool.Do(len(r.shards), r.forward)
	s.Passes, s.MACs = s.Passes+1, s.MACs+1
	return s, nil
}

// MatchedBP is BP with the gradient of each layer scaled to the norm that PC's has there: BP's direction in every layer,
// PC's size. Cost: both together.
type MatchedBP[T tensor.Float] struct {
	clip
	bp  *BP[T]
	pc  *PC[T]
	net *nn.Network[T]
}

var _ Rule[float32] = (*MatchedBP[float32])(nil)

// NewMatchedBP returns the rule, with NewPC's arguments.
func NewMatchedBP[T tensor.Float](problem *energy.PC[T], inf Inference[T], pool *Pool, rows int) *MatchedBP[T] {
	return &MatchedBP[T]{bp: NewLossBP(problem.Net, output(problem), pool, rows), pc: NewPC(problem, inf, pool, rows), net: problem.Net}
}

// Gradient returns the learning gradient.
func (r *MatchedBP[T]) Gradient(ctx context.Context, b data.Batch[T]) ([]T, Stats, error) {
	like, s, err := r.pc.Gradient(ctx, b)
	if err != nil {
		return nil, s, err
	}
	grad, t, err := r.bp.Gradient(ctx, b)
	if err != nil {
		return nil, s, err
	}
	for l := 1; l <= r.net.L(); l++ {
		g, p := r.net.Of(l, grad), r.net.Of(l, like)
		if norm := math.Sqrt(tensor.Dot(g, g)); norm > 0 {
			tensor.Scale(g, T(math.Sqrt(tensor.Dot(p, p))/norm))
		}
	}
	s.Passes, s.MACs = s.Passes+t.Passes, s.MACs+t.MACs
	return grad, s, nil
}

// Step descends it.
func (r *MatchedBP[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	grad, s, err := r.Gradient(ctx, b)
	if err != nil {
		return s, err
	}
	if r.most > 0 {
		if f := r.factor(math.Sqrt(tensor.Dot(grad, grad))); f < 1 {
			tensor.Scale(grad, T(f))
		}
	}
	opt.Advance()
	r.net.Update(func(theta []T) { opt.Apply(theta, grad, 0) })
	return s, nil
}

// State is PC's.
func (r *MatchedBP[T]) State() []float64 { return r.pc.State() }

// SetState takes PC's.
func (r *MatchedBP[T]) SetState(s []float64) error { return r.pc.SetState(s) }
