package learn

import (
	"context"
	"fmt"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// Graph is predictive coding in a graph of any topology: inference from energy.GraphState's Start with the nodes of the batch clamped, in
// activities, then (1/B) ∂F/∂θ with x held fixed. Of a chain it is PC in activities, bit for bit. Loss and MSE in Stats are those of
// what is predicted of the target's node at the start of inference, without what other nodes would make of it: where a path leads from
// the target's node back to it, that prediction has seen the target. Query says what a graph has learnt. Cost: PC's.
type Graph[T tensor.Float] struct{ settler[T] }

var _ Rule[float32] = (*Graph[float32])(nil)

// None is the node of what batches do not give.
const None = -1

// Nodes are those to which X and Y of a batch are given. One of them may be None: that part of the batch is then not used.
type Nodes struct{ X, Y int }

// NewGraph returns the rule for batches of rows samples that are given to the nodes at of the problem, which clamps none of its own. The
// target is Y, or X where Y is None. Inference is in activities.
func NewGraph[T tensor.Float](problem *energy.Graph[T], at Nodes, inf Inference[T], pool *Pool, rows int) *Graph[T] {
	if problem.Clamped != nil {
		panic("learn: Graph clamps the nodes of the batch")
	}
	if inf.Coordinates != Activities {
		panic("learn: a graph settles in activities")
	}
	p := *problem
	ends := [2]end{{at: None}, {at: None}}
	target := None
	for k, i := range [2]int{at.X, at.Y} {
		if i == None {
			continue
		}
		if i < 0 || i >= p.Net.Nodes() {
			panic("learn: no such node")
		}
		v := p.Net.Vertex(i)
		ends[k] = end{i, v.N, fmt.Sprintf("node %q, the %s,", v.Name, [...]string{"input", "target"}[k])}
		p.Clamped, target = append(p.Clamped, i), i
	}
	if target == None || at.X == at.Y {
		panic("learn: a batch gives two nodes, or one")
	}
	if len(p.Net.Into(target)) == 0 {
		panic("learn: nothing predicts the target's node")
	}
	state := p.NewState(rows)
	r := &Graph[T]{}
	r.prepare("graph", newBatchOf(state.Record, ends, "graph: edge", pool), inf, state.Dim(), func(lo, hi int) objective[T] {
		return aimed[T]{state.RowsOf(lo, hi), target}
	})
	r.outputs = p.Net.Vertex(target).N
	r.fresh = func(rows int) objective[T] { return aimed[T]{p.NewState(rows), target} }
	r.reach = func(ctx context.Context, b data.Batch[T]) (Stats, error) {
		stats, err := r.take(ctx, b)
		if err != nil {
			return stats, err
		}
		return r.settle(stats)
	}
	return r
}

// aimed is the energy of a graph one of whose nodes is the target.
type aimed[T tensor.Float] struct {
	*energy.GraphState[T]
	target int
}

var _ objective[float32] = aimed[float32]{}

// Fit is that of the target.
func (a aimed[T]) Fit(loss, squares []float64) { a.GraphState.Fit(a.target, loss, squares) }

// Query infers what a graph makes of what is known of it: it settles from Start, and returns the activities of all nodes there, B×n_i.
// given holds the known activities of each node, a matrix without rows where there are none; known says which elements of a node are
// known, the same of every row, nil: all of them. What is known whole comes back as given, not copied. Problem.Clamped must be nil.
func Query[T tensor.Float](problem *energy.Graph[T], given []tensor.Matrix[T], known [][]bool, m infer.Method[T], s infer.Settings) ([]tensor.Matrix[T], infer.Result, error) {
	p, rows := *problem, 0
	if p.Clamped != nil {
		panic("learn: what is clamped is no choice of the problem here")
	}
	if len(given) != p.Net.Nodes() || known != nil && len(known) != len(given) {
		panic("learn: want what is given of each node")
	}
	part := func(i int) bool { return known != nil && known[i] != nil }
	for i, x := range given {
		if rows = max(rows, x.Rows); x.Rows > 0 && !part(i) {
			p.Clamped = append(p.Clamped, i)
		}
	}
	if rows == 0 {
		panic("learn: nothing is given")
	}
	state := p.NewState(rows)
	for _, i := range p.Clamped {
		state.Clamp(i, given[i])
	}
	w := infer.NewWork[T](rows, state.Dim())
	state.Start(w.Z)
	held := make([]bool, state.Dim())
	for i, x := range given {
		if x.Rows > 0 && part(i) {
			at := state.Columns(i)
			copy(held[at.Lo:at.Hi], known[i])
			keep(w.Z.ColsOf(at.Lo, at.Hi), x, known[i])
		}
	}
	r, err := infer.Solve[T](infer.NewHold[T](state, held), w, m, s)
	return state.Record.Z, r, err
}

// keep copies the known columns of x.
func keep[T tensor.Float](dst, x tensor.Matrix[T], known []bool) {
	if x.Rows != dst.Rows || x.Cols != dst.Cols || len(known) != dst.Cols {
		panic("learn: want a word on each element of what is known in part")
	}
	for i := range x.Rows {
		for k, v := range x.Row(i) {
			if known[k] {
				dst.Row(i)[k] = v
			}
		}
	}
}
