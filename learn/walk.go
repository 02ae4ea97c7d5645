package learn

import (
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// walk takes a shard's activities along −∂F/∂z in fixed steps, for the rules that learn on the way: its state, point, gradient,
// energies at the start and now, and squared residuals.
type walk[T tensor.Float] struct {
	lo, hi      int
	f           *energy.Activities[T]
	z, grad     tensor.Matrix[T]
	f0, now     []float64
	res0, resid []float64
	fit         *fit
}

// newWalks divides the state of a batch into shards.
func newWalks[T tensor.Float](state *energy.State[T], shards []nn.Span) []walk[T] {
	rows := state.Trace.Rows
	z, grad := tensor.New[T](rows, state.Dim()), tensor.New[T](rows, state.Dim())
	v := func() []float64 { return make([]float64, rows) }
	f0, now, res0, resid, loss, squares := v(), v(), v(), v(), v(), v()
	var walks []walk[T]
	for _, s := range shards {
		walks = append(walks, walk[T]{lo: s.Lo, hi: s.Hi, f: state.RowsOf(s.Lo, s.Hi).Activities(),
			z: z.RowsOf(s.Lo, s.Hi), grad: grad.RowsOf(s.Lo, s.Hi),
			f0: f0[s.Lo:s.Hi], now: now[s.Lo:s.Hi], res0: res0[s.Lo:s.Hi], resid: resid[s.Lo:s.Hi],
			fit: &fit{loss: loss[s.Lo:s.Hi], squares: squares[s.Lo:s.Hi]}})
	}
	return walks
}

// start goes to the feedforward activities of the shard's rows of b.
func (p *walk[T]) start(b data.Batch[T]) {
	p.f.ResetCost()
	p.f.Clamp(0, b.X.RowsOf(p.lo, p.hi))
	p.f.Clamp(p.f.Trace.Net.L(), b.Y.RowsOf(p.lo, p.hi))
	p.f.Start(p.z)
	p.fit.known = false
}

// step evaluates the point, leaves z and u there in the trace, and moves on by dt.
func (p *walk[T]) step(dt float64) {
	p.f.Eval(p.now, p.grad, p.z)
	tensor.SquaresRows(p.resid, p.grad)
	if !p.fit.known {
		copy(p.f0, p.now)
		copy(p.res0, p.resid)
		p.fit.begin()
		p.f.Fit(p.fit.loss, p.fit.squares)
		p.fit.known = true
	}
	for k := range p.z.Rows {
		tensor.Axpy(p.z.Row(k), T(-dt), p.grad.Row(k))
	}
}

// walked adds to s what the walks of a batch cost and showed, their samples truncated after so many steps, or diverged.
func (b *batch[T]) walked(walks []walk[T], steps int, s Stats) Stats {
	loss, squares := 0.0, 0.0
	for i := range walks {
		p := &walks[i]
		passes, macs := p.f.Cost()
		one := infer.Result{Passes: passes, MACs: macs, Steps: steps, Samples: p.hi - p.lo, Excess: math.NaN(),
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
	return b.lossStats(loss, squares, s)
}
