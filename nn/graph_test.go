package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/check"
)

// ring is x → h → y → x with an edge from h to itself and one from x to y.
func ring() Wiring {
	return Wiring{
		Nodes: []Vertex{{Name: "x", N: 4}, {Name: "h", N: 3, Act: Tanh, Bias: true}, {Name: "y", N: 2, Act: Sigmoid, Place: Before, Bias: true}},
		Edges: []Edge{{"x", "y"}, {"y", "x"}, {"h", "h"}, {"x", "h"}, {"h", "y"}},
	}
}

// TestGraphLaysItsParametersOutByNode: the edges to x, to h, to y, each by where it comes from, and a bias after the last one.
func TestGraphLaysItsParametersOutByNode(t *testing.T) {
	w := ring()
	g, err := BuildGraph[float64](w)
	if err != nil {
		t.Fatal(err)
	}
	x, h, y := g.Node("x"), g.Node("h"), g.Node("y")
	if x != 0 || h != 1 || y != 2 || g.Node("z") != -1 || g.Nodes() != 3 {
		t.Errorf("nodes %d, %d, %d", x, h, y)
	}
	want := []struct{ from, to, params int }{{y, x, 8}, {x, h, 12}, {h, h, 9 + 3}, {x, y, 8}, {h, y, 6 + 2}}
	all := 0
	for k, e := range want {
		l := g.Edge(e.from, e.to)
		from, to := g.Ends(k + 1)
		if n := len(g.Of(k+1, g.Theta())); l != k+1 || from != e.from || to != e.to || n != e.params {
			t.Errorf("edge %d is %d → %d with %d parameters, and %d by its ends; want %+v", k+1, from, to, n, l, e)
		}
		all += e.params
	}
	if g.L() != len(want) || len(g.Theta()) != all || g.MACs() != 8+12+9+8+6 {
		t.Errorf("%d edges, %d parameters, %d MACs", g.L(), len(g.Theta()), g.MACs())
	}
	if g.Edge(y, h) != 0 || !slices.Equal(g.Into(h), []int{2, 3}) || !slices.Equal(g.OutOf(h), []int{3, 5}) {
		t.Errorf("edges to h %v, from it %v", g.Into(h), g.OutOf(h))
	}
	slices.Reverse(w.Edges)
	other, err := BuildGraph[float64](w)
	if err != nil {
		t.Fatal(err)
	}
	Initialize(g, Init{Kind: FanIn}, 1)
	Initialize(other, Init{Kind: FanIn}, 1)
	if !check.SameBits(other.Theta(), g.Theta()) {
		t.Error("the order in which edges are listed changes the weights")
	}
}

// TestGraphWeightsKnowAllThatTheirUnitsTakeIn: the fan-in of an edge is that of all edges to its node.
func TestGraphWeightsKnowAllThatTheirUnitsTakeIn(t *testing.T) {
	g, err := BuildGraph[float64](Wiring{
		Nodes: []Vertex{{Name: "a", N: 300}, {Name: "b", N: 100}, {Name: "c", N: 200, Bias: true}},
		Edges: []Edge{{"a", "c"}, {"b", "c"}, {"a", "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	Initialize(g, Init{Kind: FanIn}, 2)
	for _, c := range []struct {
		from, to string
		fanIn    float64
	}{{"a", "b", 300}, {"a", "c", 400}, {"b", "c", 400}} {
		most := 0.0
		for _, v := range g.Of(g.Edge(g.Node(c.from), g.Node(c.to)), g.Theta()) {
			most = max(most, math.Abs(v))
		}
		// The largest of n ≥ 20000 uniform numbers is below the bound by a part in 10⁴ of it or so.
		if bound := 1 / math.Sqrt(c.fanIn); !(most <= bound && most > 0.99*bound) {
			t.Errorf("%s → %s: weights up to %v, want %v", c.from, c.to, most, bound)
		}
	}
}

func TestWiringReportsAllFaults(t *testing.T) {
	if err := ring().Validate(); err != nil {
		t.Errorf("the ring: %v", err)
	}
	for want, change := range map[string]func(w *Wiring){
		`graph: no edges: want 1 or more`:                                                                             func(w *Wiring) { w.Edges = nil },
		`graph: node 3: no name: want one`:                                                                            func(w *Wiring) { w.Nodes = append(w.Nodes, Vertex{N: 1}) },
		`graph: node "h": named twice: want every name once`:                                                          func(w *Wiring) { w.Nodes = append(w.Nodes, Vertex{Name: "h", N: 1}) },
		`graph: edge h→q: node "q": want one of x, h, y`:                                                              func(w *Wiring) { w.Edges = append(w.Edges, Edge{"h", "q"}) },
		`graph: edge q→h: node "q": want one of x, h, y`:                                                              func(w *Wiring) { w.Edges = append(w.Edges, Edge{"q", "h"}) },
		`graph: edge x→h: given twice: want every edge once`:                                                          func(w *Wiring) { w.Edges = append(w.Edges, Edge{"x", "h"}) },
		`graph: node "z": no edge from or to it: want one at least`:                                                   func(w *Wiring) { w.Nodes = append(w.Nodes, Vertex{Name: "z", N: 1}) },
		`graph: node "x": width 0: want 1 or more`:                                                                    func(w *Wiring) { w.Nodes[0].N = 0 },
		`graph: node "h": activation 99: want one of ` + strings.Join(Activations(), ", "):                            func(w *Wiring) { w.Nodes[1].Act = 99 },
		`graph: node "h": activation placement 2: want after or before`:                                               func(w *Wiring) { w.Nodes[1].Place = 2 },
		`graph: 4e+10 weights: want at most 2147483648`:                                                               func(w *Wiring) { w.Nodes[1].N = 200000 },
		`graph: node "x": nothing predicts it: want neither bias nor activation, or an edge to it`:                    func(w *Wiring) { w.Nodes[0].Bias, w.Edges = true, w.Edges[2:] },
		`graph: node "x": nothing predicts it: want neither bias nor activation, or an edge to it` + "\n" + "graph: ": func(w *Wiring) { w.Nodes[0].Act, w.Nodes[1].N, w.Edges = ReLU, -1, w.Edges[2:] },
	} {
		w := ring()
		change(&w)
		if err := w.Validate(); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if g, err := BuildGraph[float32](w); g != nil || err == nil {
			t.Errorf("builds a graph of which Validate says %s", want)
		}
	}
}
