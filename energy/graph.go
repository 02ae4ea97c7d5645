package energy

import (
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Graph is the energy of a graph of any topology (Salvatori et al. 2022, "Learning on Arbitrary Graph Topologies via Predictive Coding"),
//
//	F = Σ_b Σ_i (π_i/2)‖x_i − μ_i‖²,   μ_i = φ_i(Σ_j W_ij x_j + b_i) or Σ_j W_ij φ_i(x_j) + b_i,
//
// summed over the nodes i to which edges lead. A node to which none leads has no error; if it is free it comes to be what explains those
// that it predicts best. To classify, to generate and to associate is to clamp other nodes.
type Graph[T tensor.Float] struct {
	Net       *nn.Graph[T]
	Precision []float64 // π_i of each node; nil means all 1
	Clamped   []int     // nodes whose activities are given
}

// wiring is Graph with its defaults resolved.
type wiring[T tensor.Float] struct {
	columns[T]
	net         *nn.Graph[T]
	pi          []float64
	fixed, free [][]int     // edges to node i from clamped nodes, and from free ones
	act         []nn.Act[T] // that follows the sum of node i, where acts says so
	acts        []bool
}

func newWiring[T tensor.Float](g *Graph[T]) *wiring[T] {
	if g.Net == nil {
		panic("energy: no graph")
	}
	n := g.Net.Nodes()
	if g.Precision != nil && len(g.Precision) != n {
		panic("energy: want one precision for each node")
	}
	y := &wiring[T]{net: g.Net, pi: make([]float64, n), fixed: make([][]int, n), free: make([][]int, n), act: make([]nn.Act[T], n), acts: make([]bool, n)}
	widths := make([]int, n)
	for i := range n {
		widths[i], y.pi[i] = g.Net.Vertex(i).N, 1
		if g.Precision != nil {
			y.pi[i] = g.Precision[i]
		}
		checkPrecision[T](y.pi[i])
		y.act[i], y.acts[i] = g.Net.Act(i)
	}
	y.columns = newColumns[T](widths, g.Clamped)
	for i := range n {
		for _, l := range g.Net.Into(i) {
			if from, _ := g.Net.Ends(l); y.clamped[from] {
				y.fixed[i] = append(y.fixed[i], l)
			} else {
				y.free[i] = append(y.free[i], l)
			}
		}
	}
	return y
}

// GraphState is the memory of inference on one batch, and F as a function of the free activities, node by node: an objective for package
// infer, without curvature at hand. Of a chain of nodes it is a network's F in Activities, bit for bit. It is allocated once; a shard
// is a window of rows. One GraphState, or window, serves one goroutine.
type GraphState[T tensor.Float] struct {
	*wiring[T]
	cost[T]
	Record *nn.Record[T]      // Z holds x_i, and U what flows back against the sums
	e      []tensor.Matrix[T] // π_i (x_i − μ_i), B×n_i: U itself where no φ follows the sum
	slope  []nn.Cache[T]      // φ′ where it does
	room   tensor.Matrix[T]   // of one product

	// What the edges from clamped nodes add to a sum does not change while the weights rest. Where there are no others it is μ_i.
	given        []tensor.Matrix[T] // B×n_i
	givenRows    int                // rows that are valid
	givenVersion uint64             // of the weights
}

// NewState allocates the state of a batch of rows samples.
func (g *Graph[T]) NewState(rows int) *GraphState[T] {
	y := newWiring(g)
	n, widest := len(y.widths), 0
	s := &GraphState[T]{wiring: y, cost: cost[T]{weights: &g.Net.Weights, rows: rows}, Record: g.Net.NewRecord(rows),
		e: make([]tensor.Matrix[T], n), slope: make([]nn.Cache[T], n), given: make([]tensor.Matrix[T], n)}
	for i, width := range y.widths {
		widest = max(widest, width)
		s.e[i] = s.Record.U[i]
		if y.acts[i] {
			s.e[i], s.slope[i] = tensor.New[T](rows, width), nn.NewCache[T](rows, y.act[i].Slot())
		}
		if len(y.fixed[i]) > 0 {
			s.given[i] = tensor.New[T](rows, width)
		}
		if !y.clamped[i] && s.Record.Z[i].Rows == 0 {
			s.Record.Z[i] = tensor.New[T](rows, width)
		}
	}
	s.room = tensor.New[T](rows, widest)
	return s
}

// RowsOf returns the window of rows lo ≤ i < hi, which shares the memory but counts its own cost.
func (s *GraphState[T]) RowsOf(lo, hi int) *GraphState[T] {
	w := &GraphState[T]{wiring: s.wiring, cost: cost[T]{weights: s.weights, rows: hi - lo}, Record: s.Record.RowsOf(lo, hi), room: s.room.RowsOf(lo, hi)}
	for i := range s.e {
		e, slope, given := s.e[i], s.slope[i], s.given[i]
		if e.Rows > 0 {
			e = e.RowsOf(lo, hi)
		}
		if s.acts[i] {
			slope = slope.RowsOf(lo, hi)
		}
		if given.Rows > 0 {
			given = given.RowsOf(lo, hi)
		}
		w.e, w.slope, w.given = append(w.e, e), append(w.slope, slope), append(w.given, given)
	}
	return w
}

// Columns are those of node i in a point: none if it is clamped.
func (s *GraphState[T]) Columns(i int) nn.Span {
	if s.clamped[i] {
		return nn.Span{}
	}
	return nn.Span{Lo: s.offset[i], Hi: s.offset[i] + s.widths[i]}
}

// Clamp gives node i the activities x (B×n_i), which the state keeps by reference, as State.Clamp does.
func (s *GraphState[T]) Clamp(i int, x tensor.Matrix[T]) {
	if !s.clamped[i] {
		panic("energy: node is free")
	}
	if x.Rows != s.rows || x.Cols != s.widths[i] {
		panic("energy: clamped activities of another shape")
	}
	s.Record.Z[i] = x
	s.givenRows = 0
}

// Start stores the point at which every free node in turn, in their order, has taken its prediction, later ones being 0 before: in a
// graph without cycles whose nodes are listed after those that predict them, the feedforward activities. Cost: one pass.
func (s *GraphState[T]) Start(p tensor.Matrix[T]) {
	for i, clamped := range s.clamped {
		if !clamped {
			tensor.Zero(s.Record.Z[i].RowsOf(0, p.Rows))
		}
	}
	for i, clamped := range s.clamped {
		if clamped {
			continue
		}
		x := s.Record.Z[i].RowsOf(0, p.Rows)
		if s.predicted(i) {
			mu := s.e[i].RowsOf(0, p.Rows) // not x at once, which an edge from i to i reads
			s.predict(i, mu)
			x.CopyFrom(mu)
		}
		s.of(i, p).CopyFrom(x)
	}
	s.count(1, p.Rows)
}

// Place stores the point p (n×Dim) whose activities are x, by node, of which the free nodes' are used. Cost: nothing.
func (s *GraphState[T]) Place(p tensor.Matrix[T], x []tensor.Matrix[T]) { s.place(p, x) }

// Eval stores F of each sample in f and, unless grad has no rows, ∂F/∂x in grad, at the point p: n×Dim for the first n samples of the
// batch. It leaves activities, errors and caches in the Record. Cost: one pass, all edges one way, two with grad.
func (s *GraphState[T]) Eval(f []float64, grad, p tensor.Matrix[T]) {
	s.check(s.rows, f, grad, p)
	f = f[:p.Rows]
	clear(f)
	for i, clamped := range s.clamped {
		if !clamped {
			s.Record.Z[i].RowsOf(0, p.Rows).CopyFrom(s.of(i, p))
		}
	}
	for i := range s.e {
		s.residual(i, f)
	}
	s.count(1, p.Rows)
	if grad.Rows == 0 {
		return
	}
	for i, clamped := range s.clamped {
		if clamped {
			continue
		}
		g := s.of(i, grad)
		s.pull(i, g)
		if s.predicted(i) {
			tensor.Sub(g, s.e[i].RowsOf(0, p.Rows), g)
		} else {
			scaleRows(g, -1)
		}
	}
	s.count(1, p.Rows)
}

// Gradient stores ∂F/∂θ at the last Eval, summed over the batch, in grad (laid out like θ), with x held fixed. Every edge's part uses
// the error at its end and the activity at its start only. Cost: one pass.
func (s *GraphState[T]) Gradient(grad []T) { s.gradient(grad, s.Record) }

// Fit adds to loss ½‖x_i − μ_i‖² of each sample at the last Eval over all rows, and to squares twice that.
func (s *GraphState[T]) Fit(i int, loss, squares []float64) {
	if !s.predicted(i) {
		panic("energy: nothing predicts the node")
	}
	for k := range s.rows {
		e := s.e[i].Row(k)
		d := tensor.Dot(e, e) / (s.pi[i] * s.pi[i])
		loss[k] += d / 2
		squares[k] += d
	}
}

// predicted reports whether an edge leads to node i.
func (s *GraphState[T]) predicted(i int) bool { return len(s.fixed[i])+len(s.free[i]) > 0 }

// say computes what the clamped nodes add to sums, unless it is there.
func (s *GraphState[T]) say(rows int) {
	v := s.net.Version()
	if s.givenRows >= rows && s.givenVersion == v {
		return
	}
	for i, edges := range s.fixed {
		if len(edges) == 0 {
			continue
		}
		dst := s.given[i].RowsOf(0, rows)
		s.sum(dst, edges, false)
		if len(s.free[i]) == 0 {
			s.activate(i, dst)
		}
	}
	s.givenRows, s.givenVersion = rows, v
}

// predict stores μ_i in dst.
func (s *GraphState[T]) predict(i int, dst tensor.Matrix[T]) {
	s.say(dst.Rows)
	begun := len(s.fixed[i]) > 0
	if begun {
		dst.CopyFrom(s.given[i].RowsOf(0, dst.Rows))
	}
	if len(s.free[i]) > 0 {
		s.sum(dst, s.free[i], begun)
		s.activate(i, dst)
	}
}

// sum stores the sum of what the edges give in dst, or adds it where the sum has begun.
func (s *GraphState[T]) sum(dst tensor.Matrix[T], edges []int, begun bool) {
	for _, l := range edges {
		to := dst
		if begun {
			to = s.room.RowsOf(0, dst.Rows).ColsOf(0, dst.Cols)
		}
		s.Record.Forward(l, to)
		s.work(l, dst.Rows)
		if begun {
			tensor.Add(dst, dst, to)
		}
		begun = true
	}
}

// activate applies the activation that follows the sum of node i, if any does.
func (s *GraphState[T]) activate(i int, x tensor.Matrix[T]) {
	if s.acts[i] {
		s.act[i].Forward(x, x, s.slope[i].RowsOf(0, x.Rows))
	}
}

// residual adds the energy of node i to f and stores its error, and what of it flows back against the sum.
func (s *GraphState[T]) residual(i int, f []float64) {
	if !s.predicted(i) {
		return
	}
	e := s.e[i].RowsOf(0, len(f))
	s.predict(i, e)
	tensor.Sub(e, s.Record.Z[i].RowsOf(0, len(f)), e)
	weigh(f, e, s.pi[i])
	if s.acts[i] {
		s.act[i].Pull(s.Record.U[i].RowsOf(0, len(f)), e, s.slope[i].RowsOf(0, len(f)))
	}
}

// pull stores the sum over the edges from node i of (∂μ/∂x_i)ᵀ π (x − μ) at their ends in dst.
func (s *GraphState[T]) pull(i int, dst tensor.Matrix[T]) {
	edges := s.net.OutOf(i)
	if len(edges) == 0 {
		tensor.Zero(dst)
	}
	for k, l := range edges {
		to := dst
		if k > 0 {
			to = s.room.RowsOf(0, dst.Rows).ColsOf(0, dst.Cols)
		}
		_, end := s.net.Ends(l)
		s.Record.Pull(l, to, s.Record.U[end].RowsOf(0, dst.Rows))
		s.work(l, dst.Rows)
		if k > 0 {
			tensor.Add(dst, dst, to)
		}
	}
}
