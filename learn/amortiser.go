package learn

import (
	"fmt"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Amortiser starts inference where a network of its own guesses that it will end (hybrid predictive coding: Tschantz, Millidge, Seth and
// Buckley 2022). Its layer k predicts z_{L−k} from z_{L−k+1}, bottom-up from the data z_L to the causes z_0. It learns each layer from
// what inference found on both sides of it, (1/B) Σ_b ½‖z*_{L−k} − h_k(z*_{L−k+1})‖²: predictive coding with all layers clamped, local
// as that is. Where inference settles does not depend on it, but for the choice among several minima.
type Amortiser[T tensor.Float] struct {
	net   *nn.Network[T]
	opt   optim.Optimizer[T]
	state *energy.State[T]
	trace []*nn.Trace[T] // of each shard
	at    [][]tensor.Matrix[T]
	f     []float64
	grad  []T
	point tensor.Matrix[T]
}

// NewAmortiser returns the amortiser of a generative network by net, whose widths are that network's from n_L to n_0, learning by opt.
func NewAmortiser[T tensor.Float](net *nn.Network[T], opt optim.Optimizer[T]) *Amortiser[T] {
	return &Amortiser[T]{net: net, opt: opt, grad: make([]T, len(net.Theta()))}
}

// fit makes room for the batch of s in shards.
func (a *Amortiser[T]) fit(s *energy.State[T], parts []part[T]) {
	L, g := a.net.L(), s.Trace.Net
	all := []int{0}
	for k := 1; k <= L; k++ {
		all = append(all, k)
	}
	for k := range all {
		if L != g.L() || a.net.Width(k) != g.Width(L-k) {
			panic("learn: amortiser of other widths than the network from its outputs to its inputs")
		}
	}
	rows := s.Trace.Rows
	a.state = (&energy.PC[T]{Net: a.net, Clamped: all}).NewState(rows)
	a.f, a.point = make([]float64, rows), tensor.New[T](rows, 0)
	for _, p := range parts {
		t := nn.NewTrace(a.net, p.hi-p.lo)
		z := make([]tensor.Matrix[T], L+1)
		for k := 1; k <= L; k++ {
			z[L-k] = t.Z[k]
		}
		a.trace, a.at = append(a.trace, t), append(a.at, z)
	}
}

// start puts the point of the i-th shard at the network's guess from the data y.
func (a *Amortiser[T]) start(i int, p *part[T], y tensor.Matrix[T]) {
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

// carried is all that it carries from batch to batch: steps and slots of the optimiser, and the weights.
func (a *Amortiser[T]) carried() []float64 {
	state := a.opt.State()
	out := []float64{float64(state.Steps)}
	add := func(v []T) {
		for _, x := range v {
			out = append(out, float64(x))
		}
	}
	for _, s := range state.Slots {
		add(s.V)
	}
	add(a.net.Theta())
	return out
}

// restore takes what carried gave.
func (a *Amortiser[T]) restore(v []float64) error {
	state := a.opt.State()
	n := len(a.net.Theta())
	if want := 1 + n*(len(state.Slots)+1); len(v) != want {
		return fmt.Errorf("rule state: %d numbers: want the %d of an amortiser with %d weights", len(v), want, n)
	}
	take := func() []T {
		out := make([]T, n)
		for i := range out {
			out[i] = T(v[i])
		}
		v = v[n:]
		return out
	}
	state.Steps, v = int(v[0]), v[1:]
	slots := make([]optim.Slot[T], len(state.Slots))
	for i, s := range state.Slots {
		slots[i] = optim.Slot[T]{Name: s.Name, V: take()}
	}
	state.Slots = slots
	theta := take()
	a.net.Update(func(own []T) { copy(own, theta) })
	return a.opt.SetState(state)
}
