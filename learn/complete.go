package learn

import (
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Causes infers what a generative network would have made the patterns y (B×n_L) of: it settles with the output alone clamped, from
// z_0 = 0, and returns z_0, B×n_0. Problem.Clamped must be nil; its Decay is the prior.
func Causes[T tensor.Float](problem *energy.PC[T], y tensor.Matrix[T], m infer.Method[T], s infer.Settings) (tensor.Matrix[T], infer.Result, error) {
	return CausesFrom(problem, nil, y, m, s)
}

// CausesFrom is Causes from where the network up guesses that it will end, as an Amortiser does; nil: from z_0 = 0. Residual ratios are
// taken to z_0 = 0 either way.
func CausesFrom[T tensor.Float](problem *energy.PC[T], up *nn.Network[T], y tensor.Matrix[T], m infer.Method[T], s infer.Settings) (tensor.Matrix[T], infer.Result, error) {
	f := free(problem, y.Rows, problem.Net.L())
	f.Clamp(problem.Net.L(), y)
	w := infer.NewWork[T](y.Rows, f.Dim())
	f.Start(w.Z)
	if up != nil {
		guess(f, f, w, up, y)
	}
	r, err := infer.Solve[T](f, w, m, s)
	return f.Trace.Z[0], r, err
}

// Complete recalls patterns of which parts are known: it settles with nothing clamped but the known elements of the output held, the
// same of every row of y (B×n_L), and stores what the network makes of the others there. Of a linear network that is their mean given
// the known ones. Problem.Clamped must be nil; its Decay is the prior of the causes.
func Complete[T tensor.Float](problem *energy.PC[T], y tensor.Matrix[T], known []bool, m infer.Method[T], s infer.Settings) (infer.Result, error) {
	return CompleteFrom(problem, nil, y, known, m, s)
}

// CompleteFrom is Complete from what the network up guesses of y as it is, its unknown elements included, as an Amortiser does; nil:
// from z_0 = 0. Residual ratios are taken to z_0 = 0 either way.
func CompleteFrom[T tensor.Float](problem *energy.PC[T], up *nn.Network[T], y tensor.Matrix[T], known []bool, m infer.Method[T], s infer.Settings) (infer.Result, error) {
	n := problem.Net.Outputs()
	if y.Cols != n || len(known) != n {
		panic("learn: want patterns of the network's outputs, and a word on each")
	}
	f := free(problem, y.Rows)
	at := f.Dim() - n // the output's coordinates are the last
	held := make([]bool, f.Dim())
	copy(held[at:], known)
	w := infer.NewWork[T](y.Rows, f.Dim())
	f.Start(w.Z)
	for i := range y.Rows {
		for k, v := range y.Row(i) {
			if known[k] {
				w.Z.Row(i)[at+k] = v
			}
		}
	}
	hold := infer.NewHold[T](f, held)
	if up != nil {
		guess(f, hold, w, up, y)
	}
	r, err := infer.Solve[T](hold, w, m, s)
	y.CopyFrom(w.Z.ColsOf(at, at+n))
	return r, err
}

// guess takes the residuals at the start, where w is, and puts w at what up guesses of the patterns y; the objective is f, of which
// some coordinates may be held.
func guess[T tensor.Float](f *energy.Activities[T], held infer.Objective[T], w *infer.Work[T], up *nn.Network[T], y tensor.Matrix[T]) {
	mirrors(up, f.Trace.Net)
	w.Eval(held)
	w.Reference = append([]float64(nil), w.Res...)
	t := nn.NewTrace(up, y.Rows)
	t.Z[0] = y
	t.Feedforward()
	z := mirrored(t)
	z[len(z)-1] = y
	f.Place(w.Z, z)
}

// free is the problem in activities with only the given layers clamped.
func free[T tensor.Float](problem *energy.PC[T], rows int, clamped ...int) *energy.Activities[T] {
	if problem.Clamped != nil {
		panic("learn: what is clamped is no choice of the problem here")
	}
	p := *problem
	p.Clamped = append([]int{}, clamped...)
	return p.NewState(rows).Activities()
}
