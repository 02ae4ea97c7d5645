package learn

import (
	"context"
	"fmt"
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Precise is PC that learns its precisions beside the weights, by descent on (F − Σ_b Σ_l (n_l/2) log π_l)/B at the equilibrium.
// The step is on log π_l, divided by its curvature n_l/2 at the optimum, so that a rate means the same in layers of any width:
//
//	log π_l ← log π_l − lr (π_l Σ_b‖e_l‖²/(B n_l) − 1),
//
// at rest where π_l is the inverse mean square of the errors. With one layer that is the maximum-likelihood estimate. With more it is
// what Eq. 3 says and no more: a higher precision makes the errors of the equilibrium smaller, which asks for a higher one. Hidden
// precisions run to MostPrecision, and that of the output too unless the residual r is large beside what hidden errors can take
// up: along an eigenvector of Σ_{l<L} J_l J_lᵀ/π_l with eigenvalue λ there is a rest only for r² > 4λ. A batch in which a sample diverges
// leaves them as they are. Cost: PC's.
type Precise[T tensor.Float] struct {
	*PC[T]
	o        Precision
	pi, grad []float64
}

// Precision says how precisions are learned.
type Precision struct {
	LR    float64 // above 0, at most 1
	Fixed []bool  // of each layer: left alone; nil: none
}

// MostPrecision bounds what Precise learns: from 1/MostPrecision to MostPrecision.
const MostPrecision = 1e3

var _ Rule[float32] = (*Precise[float32])(nil)

// NewPrecise returns the rule, which starts from the problem's precisions. The output term must be squared error. Otherwise NewPC's
// arguments.
func NewPrecise[T tensor.Float](problem *energy.PC[T], inf Inference[T], o Precision, pool *Pool, rows int) *Precise[T] {
	L := problem.Net.L()
	if o.Fixed == nil {
		o.Fixed = make([]bool, L)
	}
	if !(o.LR > 0 && o.LR <= 1) || len(o.Fixed) != L {
		panic("learn: precisions want a rate above 0, at most 1, and a word on each layer")
	}
	if !output(problem).Quadratic() {
		panic("learn: precisions are learned with squared error")
	}
	r := &Precise[T]{PC: NewPC(problem, inf, pool, rows), o: o, grad: make([]float64, L)}
	r.pi = append(r.pi, r.state.Precisions()...)
	return r
}

// Precisions returns π_1 … π_L as they are now.
func (r *Precise[T]) Precisions() []float64 { return append([]float64(nil), r.pi...) }

// Step descends the gradients of weights and precisions, both at the same point.
func (r *Precise[T]) Step(ctx context.Context, b data.Batch[T], opt optim.Optimizer[T]) (Stats, error) {
	s, err := r.equilibrate(ctx, b)
	if err != nil {
		return s, err
	}
	if s.Inference.Count[infer.Diverged]+s.Inference.Count[infer.NotFinite] == 0 { // their errors would say nothing of the others'
		r.adapt()
	}
	r.learn(opt)
	r.state.SetPrecisions(r.pi)
	return s, nil
}

// adapt takes the step on the precisions.
func (r *Precise[T]) adapt() {
	r.state.PrecisionGradient(r.grad)
	for l, g := range r.grad {
		if r.o.Fixed[l] {
			continue
		}
		// π ∂/∂π is the derivative in log π.
		step := r.o.LR * 2 * r.pi[l] * g / float64(r.trace.Rows*r.problem.Net.Width(l+1))
		next := math.Exp(math.Log(r.pi[l]) - step)
		r.pi[l] = min(max(next, 1/MostPrecision), MostPrecision)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// State is the precisions.
func (r *Precise[T]) State() []float64 { return r.Precisions() }

// SetState restores them.
func (r *Precise[T]) SetState(s []float64) error {
	if len(s) != len(r.pi) {
		return fmt.Errorf("rule state: %d numbers: want the %d precisions", len(s), len(r.pi))
	}
	for _, v := range s {
		if !(v >= 1e-30 && v <= 1e30) {
			return fmt.Errorf("rule state: precision %v: want numbers from 1e-30 to 1e30", v)
		}
	}
	copy(r.pi, s)
	r.state.SetPrecisions(r.pi)
	return nil
}
