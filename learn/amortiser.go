package learn

import (
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Amortiser starts inference where a network of its own guesses that it will end (hybrid predictive coding: Tschantz, Millidge, Seth and
// Buckley 2022). Its layer k predicts z_{L−k} from z_{L−k+1}, bottom-up from the data z_L to the causes z_0. It learns each layer from
// what inference found on both sides of it, (1/B) Σ_b ½‖z*_{L−k} − h_k(z*_{L−k+1})‖²: predictive coding with all layers clamped, local
// as that is. Where inference settles does not depend on it, but for the choice among several minima.
//
// Residual ratios are taken to the residuals at the usual start, z_0 = 0, so that a tolerance asks for the same equilibrium with it and
// without, and a good guess for fewer steps. That costs three passes a batch; with no tolerance, none.
type Amortiser[T tensor.Float] struct {
	net       *nn.Network[T]
	opt       optim.Optimizer[T]
	state     *energy.State[T]
	trace     []*nn.Trace[T] // of each shard
	at        [][]tensor.Matrix[T]
	reference []float64 // ‖∂F/∂z‖ of each sample at the usual start; nil: not asked for
	f         []float64
	grad      []T
	point     tensor.Matrix[T]
}

// NewAmortiser returns the amortiser of a generative network by net, whose widths are that network's from n_L to n_0, learning by opt.
// What it carries from batch to batch are the weights of net and the state of opt, which are the caller's. It serves one rule: the last
// that was made with it.
func NewAmortiser[T tensor.Float](net *nn.Network[T], opt optim.Optimizer[T]) *Amortiser[T] {
	return &Amortiser[T]{net: net, opt: opt, grad: make([]T, len(net.Theta()))}
}

// fit makes room for the batch of s in shards, whose inference stops by the tolerance tol.
func (a *Amortiser[T]) fit(s *energy.State[T], parts []part[T], tol float64) {
	mirrors(a.net, s.Trace.Net)
	L := a.net.L()
	all := []int{0}
	for k := 1; k <= L; k++ {
		all = append(all, k)
	}
	rows := s.Trace.Rows
	a.state = (&energy.PC[T]{Net: a.net, Clamped: all}).NewState(rows)
	a.f, a.point = make([]float64, rows), tensor.New[T](rows, 0)
	a.trace, a.at, a.reference = nil, nil, nil
	if tol > 0 {
		a.reference = make([]float64, rows)
	}
	for _, p := range parts {
		t := nn.NewTrace(a.net, p.hi-p.lo)
		a.trace, a.at = append(a.trace, t), append(a.at, mirrored(t))
	}
}

// mirrors panics unless the widths of up are those of g from its outputs to its inputs.
func mirrors[T tensor.Float](up, g *nn.Network[T]) {
	L := up.L()
	if L != g.L() {
		panic("learn: amortiser of other widths than the network from its outputs to its inputs")
	}
	for k := range L + 1 {
		if up.Width(k) != g.Width(L-k) {
			panic("learn: amortiser of other widths than the network from its outputs to its inputs")
		}
	}
}

// mirrored lists the activities of a trace by the layers of the network that it mirrors, but for the last.
func mirrored[T tensor.Float](t *nn.Trace[T]) []tensor.Matrix[T] {
	L := t.Net.L()
	z := make([]tensor.Matrix[T], L+1)
	for k := 1; k <= L; k++ {
		z[L-k] = t.Z[k]
	}
	return z
}

// start puts the point of the i-th shard at the network's guess from the data y.
func (a *Amortiser[T]) start(i int, p *part[T], y tensor.Matrix[T]) {
	if a.reference != nil {
		p.f.Start(p.work.Z)
		p.work.Eval(p.f)
		p.work.Reference = a.reference[p.lo:p.hi]
		copy(p.work.Reference, p.work.Res)
	}
	a.trace[i].Z[0] = y
	a.trace[i].Feedforward()
	p.f.Place(p.work.Z, a.at[i])
}

// learn takes a step on what inference found, z, for the data y.
func (a *Amortiser[T]) learn(z []tensor.Matrix[T], y tensor.Matrix[T]) {
	L := a.net.L()
	a.state.Clamp(0, y)
	for k := 1; k <= L; k++ {
		a.state.Clamp(k, z[L-k])
	}
	a.state.Activities().Eval(a.f, tensor.Matrix[T]{}, a.point)
	a.state.Gradient(a.grad)
	tensor.Scale(a.grad, T(1/float64(y.Rows)))
	a.opt.Advance()
	a.net.Update(func(theta []T) { a.opt.Apply(theta, a.grad, 0) })
}
