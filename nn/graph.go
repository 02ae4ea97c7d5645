package nn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/settle-pc/settle/tensor"
)

// Wiring describes a Graph as plain data, as Arch does a Network.
type Wiring struct {
	Nodes []Vertex
	Edges []Edge // in any order: that of the nodes is what counts
}

// Vertex is a node of a Graph, of N units. Where its Act φ stands, as in a layer, is Place:
//
//	After: μ_i = φ(Σ_j W_ij x_j + b_i)   Before: μ_i = Σ_j W_ij φ(x_j) + b_i
//
// is what the nodes j, from which edges lead to it, predict of its activities x_i. A node to which none leads has neither φ nor bias.
type Vertex struct {
	Name  string
	N     int
	Act   Activation
	Place Place
	Bias  bool
}

// Edge leads from the node that predicts to the one that is predicted, which may be the same.
type Edge struct{ From, To string }

func (e Edge) String() string { return e.From + "→" + e.To }

// Validate reports every fault of the description.
func (w Wiring) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("graph: "+format, args...)) }
	if len(w.Edges) == 0 {
		fault("no edges: want 1 or more")
	}
	at, names := map[string]int{}, make([]string, len(w.Nodes))
	for i, v := range w.Nodes {
		if names[i] = v.Name; v.Name == "" {
			fault("node %d: no name: want one", i)
		} else if _, twice := at[v.Name]; twice {
			fault("node %q: named twice: want every name once", v.Name)
		}
		at[v.Name] = i
	}
	predicted, alone, params := make([]bool, len(w.Nodes)), w.loners(), 0.0
	seen := map[Edge]bool{}
	for _, e := range w.Edges {
		if seen[e] {
			fault("edge %v: given twice: want every edge once", e)
		}
		seen[e] = true
		from, known := at[e.From]
		to, both := at[e.To]
		switch {
		case !known:
			fault("edge %v: node %q: want one of %s", e, e.From, strings.Join(names, ", "))
		case !both:
			fault("edge %v: node %q: want one of %s", e, e.To, strings.Join(names, ", "))
		default:
			predicted[to] = true
			params += float64(w.Nodes[from].N) * float64(w.Nodes[to].N)
		}
	}
	if params > maxParams {
		fault("%.3g weights: want at most %d", params, maxParams)
	}
	for i, v := range w.Nodes {
		if alone[v.Name] {
			fault("node %q: no edge from or to it: want one at least", v.Name)
		}
		faults = append(faults, v.faults(predicted[i])...)
	}
	return errors.Join(faults...)
}

// loners are the names of the nodes without edges.
func (w Wiring) loners() map[string]bool {
	alone := map[string]bool{}
	for _, v := range w.Nodes {
		alone[v.Name] = true
	}
	for _, e := range w.Edges {
		alone[e.From], alone[e.To] = false, false
	}
	return alone
}

// faults are those of the node itself.
func (v Vertex) faults(predicted bool) []error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("graph: node %q: "+format, append([]any{v.Name}, args...)...))
	}
	if v.N < 1 {
		fault("width %d: want 1 or more", v.N)
	}
	if v.Act >= numActivations {
		fault("activation %d: want one of %s", v.Act, strings.Join(activationNames[:], ", "))
	}
	if v.Place > Before {
		fault("activation placement %d: want after or before", v.Place)
	}
	if !predicted && (v.Bias || v.Act != Linear) {
		fault("nothing predicts it: want neither bias nor activation, or an edge to it")
	}
	return faults
}

// Graph is nodes that predict each other along directed edges, in any topology: cycles and edges from a node to itself are allowed
// (Salvatori et al. 2022, "Learning on Arbitrary Graph Topologies via Predictive Coding"). Nodes are numbered from 0 as they are
// listed. Its Layers are the edges l = 1…L, by the node to which they lead, then by the one from which: W_ij, and with the last of a
// node b_i. θ is in that order.
type Graph[T tensor.Float] struct {
	Weights[T]
	nodes    []Vertex
	from, to []int   // edge l leads from from[l] to to[l]; [0] is no edge
	into     [][]int // edges to node i, ascending
	out      [][]int // edges from node i, ascending
}

// edge is a dense layer that shares its units with others: their fan-in is that of all of them.
type edge[T tensor.Float] struct {
	*Dense[T]
	fanIn int
}

// Params returns those of the dense layer.
func (e edge[T]) Params() []Param {
	all := e.Dense.Params()
	for i := range all {
		all[i].FanIn = e.fanIn
	}
	return all
}

// BuildGraph returns the graph with all parameters zero.
func BuildGraph[T tensor.Float](w Wiring) (*Graph[T], error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	n := len(w.Nodes)
	g := &Graph[T]{nodes: append([]Vertex(nil), w.Nodes...), from: []int{0}, to: []int{0}, into: make([][]int, n), out: make([][]int, n)}
	wired := map[Edge]bool{}
	for _, e := range w.Edges {
		wired[e] = true
	}
	var layers []Layer[T]
	for i, v := range g.nodes {
		fanIn := 0
		for j, source := range g.nodes {
			if wired[Edge{source.Name, v.Name}] {
				fanIn += source.N
				g.from, g.to = append(g.from, j), append(g.to, i)
				l := len(g.from) - 1
				g.into[i], g.out[j] = append(g.into[i], l), append(g.out[j], l)
			}
		}
		for k, l := range g.into[i] {
			act := v.Act
			if v.Place == After {
				act = Linear // it follows the sum
			}
			layers = append(layers, edge[T]{NewDense[T](g.nodes[g.from[l]].N, v.N, act, Before, v.Bias && k == len(g.into[i])-1), fanIn})
		}
	}
	g.bind(layers)
	return g, nil
}

// Nodes is their number.
func (g *Graph[T]) Nodes() int { return len(g.nodes) }

// Vertex describes node i.
func (g *Graph[T]) Vertex(i int) Vertex { return g.nodes[i] }

// Node returns the number of the node of that name, −1 if there is none.
func (g *Graph[T]) Node(name string) int {
	for i, v := range g.nodes {
		if v.Name == name {
			return i
		}
	}
	return -1
}

// Edge returns l, 1…L, of the edge between two nodes, 0 if there is none. g.Of(l, v) is its part of a v that is laid out like θ.
func (g *Graph[T]) Edge(from, to int) int {
	for _, l := range g.into[to] {
		if g.from[l] == from {
			return l
		}
	}
	return 0
}

// Ends returns the nodes between which edge l leads.
func (g *Graph[T]) Ends(l int) (from, to int) { return g.from[l], g.to[l] }

// Into returns the edges to node i, ascending. To read only.
func (g *Graph[T]) Into(i int) []int { return g.into[i] }

// OutOf returns the edges from node i, ascending. To read only.
func (g *Graph[T]) OutOf(i int) []int { return g.out[i] }

// Act returns the activation that follows the sum of the edges to node i; false if none does.
func (g *Graph[T]) Act(i int) (Act[T], bool) {
	v := g.nodes[i]
	return Act[T]{n: v.N, act: v.Act}, v.Act != Linear && v.Place == After
}

// NewRecord allocates the record of a batch of rows samples: Z and U of node i, of which those that nothing predicts are empty, and the
// caches of the edges. U is what flows back against the sums, the errors times φ′ where φ follows.
func (g *Graph[T]) NewRecord(rows int) *Record[T] {
	r := newRecord(&g.Weights, g.from, g.to, len(g.nodes), rows)
	return &r
}
