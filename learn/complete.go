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
	return Recall[T]{Problem: problem}.Causes(y, m, s)
}

// Recall infers from patterns as Causes and Complete do, from where the network Up guesses that inference will end, as an Amortiser does;
// nil: from z_0 = 0. Residual ratios are taken to z_0 = 0 either way.
type Recall[T tensor.Float] struct {
	Problem *energy.PC[T]
	Up      *nn.Network[T]
}

// Causes is the function Causes.
func (c Recall[T]) Causes(y tensor.Matrix[T], m infer.Method[T], s infer.Settings) (tensor.Matrix[T], infer.Result, error) {
	L := c.Problem.Net.L()
	f := free(c.Problem, y.Rows, L)
	f.Clamp(L, y)
	w := infer.NewWork[T](y.Rows, f.Dim())
	f.Start(w.Z)
	c.guess(f, f, w, y)
	r, err := infer.Solve[T](f, w, m, s)
	return f.Trace.Z[0], r, err
}

// Complete recalls patterns of which parts are known: it settles with nothing clamped but the known elements of the output held, the
// same of every row of y (B×n_L), and stores what the network makes of the others there. Of a linear network that is their mean given
// the known ones. Problem.Clamped must be nil; its Decay is the prior of the causes.
func Complete[T tensor.Float](problem *energy.PC[T], y tensor.Matrix[T], known []bool, m infer.Method[T], s infer.Settings) (infer.Result, error) {
	return Recall[T]{Problem: problem}.Complete(y, known, m, s)
}

// Complete is the function Complete. Up guesses from y as it is, its unknown elements included.
func (c Recall[T]) Complete(y tensor.Matrix[T], known []bool, m infer.Method[T], s infer.Settings) (infer.Result, error) {
	n := c.Problem.Net.Outputs()
	if y.Cols != n || len(known) != n {
		panic("learn: want patterns of the network's outputs, and a word on each")
	}
	f := free(c.Problem, y.Rows)
	at := f.Dim() - n // the output's coordinates are the last
	held := make([]bool, f.Dim())
	copy(held[at:], known)
	w := infer.NewWork[T](y.Rows, f.Dim())
	f.Start(w.Z)
	keep(w.Z.ColsOf(at, at+n), y, known)
	hold := infer.NewHold[T](f, held)
	c.guess(f, hold, w, y)
	r, err := infer.Solve[T](hold, w, m, s)
	if err == nil {
		y.CopyFrom(w.Z.ColsOf(at, at+n))
	}
	return r, err
}

// guess takes the residuals at the start, where w is, and puts w at what Up guesses of the patterns y; the objective is f, of which
// some coordinates may be held.
func (c Recall[T]) guess(f *energy.Activities[T], held infer.Objective[T], w *infer.Work[T], y tensor.Matrix[T]) {
	if c.Up == nil {
		return
	}
	mirrors(c.Up, f.Trace.Net)
	w.Eval(held)
	w.Reference = append([]float64(nil), w.Res...)
	t := nn.NewTrace(c.Up, y.Rows)
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
