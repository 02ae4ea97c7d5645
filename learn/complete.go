package learn

import (
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// Causes infers what a generative network would have made the patterns y (B×n_L) of: it settles with the output alone clamped, from
// z_0 = 0, and returns z_0, B×n_0. Problem.Clamped must be nil; its Decay is the prior.
func Causes[T tensor.Float](problem *energy.PC[T], y tensor.Matrix[T], m infer.Method[T], s infer.Settings) (tensor.Matrix[T], infer.Result, error) {
	f := free(problem, y.Rows, problem.Net.L())
	f.Clamp(problem.Net.L(), y)
	w := infer.NewWork[T](y.Rows, f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve[T](f, w, m, s)
	return f.Trace.Z[0], r, err
}

// Complete recalls patterns of which parts are known: it settles with nothing clamped but the known elements of the output held, the
// same of every row of y (B×n_L), and stores what the network makes of the others there. Of a linear network that is their mean given
// the known ones. Problem.Clamped must be nil; its Decay is the prior of the causes.
func Complete[T tensor.Float](problem *energy.PC[T], y tensor.Matrix[T], known []bool, m infer.Method[T], s infer.Settings) (infer.Result, error) {
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
	r, err := infer.Solve[T](infer.NewHold[T](f, held), w, m, s)
	y.CopyFrom(w.Z.ColsOf(at, at+n))
	return r, err
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
