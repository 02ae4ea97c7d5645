package energy

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// graphs are wirings with cycles, edges from a node to itself, skips, nodes of several edges and of none, to them or from them, in two
// parts, and listed against the way in which predictions go.
var graphs = map[string]nn.Wiring{
	"two parts": {
		Nodes: []nn.Vertex{{Name: "y", N: 1, Bias: true}, {Name: "s", N: 3, Act: nn.Tanh, Bias: true}, {Name: "h", N: 4, Act: nn.Sigmoid, Place: nn.Before}, {Name: "x", N: 2}},
		Edges: []nn.Edge{{From: "s", To: "s"}, {From: "x", To: "h"}, {From: "h", To: "y"}, {From: "x", To: "y"}},
	},
	"ring": {
		Nodes: []nn.Vertex{{Name: "a", N: 3, Act: nn.Tanh, Bias: true}, {Name: "b", N: 4, Act: nn.Sigmoid}, {Name: "c", N: 2, Bias: true}},
		Edges: []nn.Edge{{From: "a", To: "b"}, {From: "b", To: "c"}, {From: "c", To: "a"}},
	},
	"ring, before": {
		Nodes: []nn.Vertex{{Name: "a", N: 3, Act: nn.Tanh, Place: nn.Before, Bias: true}, {Name: "b", N: 4, Act: nn.Sigmoid, Place: nn.Before}, {Name: "c", N: 2}},
		Edges: []nn.Edge{{From: "a", To: "b"}, {From: "b", To: "c"}, {From: "c", To: "a"}},
	},
	"all to all": {
		Nodes: []nn.Vertex{{Name: "a", N: 2, Act: nn.Tanh, Bias: true}, {Name: "b", N: 3, Act: nn.SiLU, Place: nn.Before, Bias: true}, {Name: "c", N: 4}},
		Edges: []nn.Edge{{From: "a", To: "a"}, {From: "a", To: "b"}, {From: "a", To: "c"}, {From: "b", To: "a"}, {From: "b", To: "b"},
			{From: "b", To: "c"}, {From: "c", To: "a"}, {From: "c", To: "b"}, {From: "c", To: "c"}},
	},
	"skips": {
		Nodes: []nn.Vertex{{Name: "a", N: 5}, {Name: "b", N: 4, Act: nn.Sigmoid, Bias: true}, {Name: "c", N: 3, Act: nn.Tanh, Place: nn.Before}, {Name: "d", N: 2, Bias: true}},
		Edges: []nn.Edge{{From: "a", To: "b"}, {From: "b", To: "c"}, {From: "a", To: "c"}, {From: "c", To: "d"}, {From: "a", To: "d"}, {From: "b", To: "b"}, {From: "d", To: "b"}},
	},
}

// naiveGraph is the energy written out, one sample at a time. It shares no code with nn or energy.
type naiveGraph struct {
	nn.Wiring
	theta, pi []float64
}

// sources are the nodes from which edges lead to node i.
func (n naiveGraph) sources(i int) []int {
	var all []int
	for j, from := range n.Nodes {
		if slices.Contains(n.Edges, nn.Edge{From: from.Name, To: n.Nodes[i].Name}) {
			all = append(all, j)
		}
	}
	return all
}

// mu is μ_i of the activities x; 0 if nothing predicts it.
func (n naiveGraph) mu(i int, x [][]float64) []float64 {
	phi := map[nn.Activation]func(float64) float64{
		nn.Linear:  func(v float64) float64 { return v },
		nn.Tanh:    math.Tanh,
		nn.Sigmoid: func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
		nn.SiLU:    func(v float64) float64 { return v / (1 + math.Exp(-v)) },
	}[n.Nodes[i].Act]
	theta := n.theta
	for k, v := range n.Nodes[:i] {
		for _, j := range n.sources(k) {
			theta = theta[v.N*n.Nodes[j].N:]
		}
		if v.Bias {
			theta = theta[v.N:]
		}
	}
	v, mu := n.Nodes[i], make([]float64, n.Nodes[i].N)
	for _, j := range n.sources(i) {
		width := n.Nodes[j].N
		for k := range mu {
			for m, z := range x[j] {
				if v.Place == nn.Before {
					z = phi(z)
				}
				mu[k] += theta[k*width+m] * z
			}
		}
		theta = theta[v.N*width:]
	}
	for k := range mu {
		if v.Bias {
			mu[k] += theta[k]
		}
		if v.Place == nn.After {
			mu[k] = phi(mu[k])
		}
	}
	return mu
}

// energy is F of one sample.
func (n naiveGraph) energy(x [][]float64) float64 {
	sum := 0.0
	for i := range n.Nodes {
		if len(n.sources(i)) == 0 {
			continue
		}
		for k, m := range n.mu(i, x) {
			sum += n.pi[i] / 2 * (x[i][k] - m) * (x[i][k] - m)
		}
	}
	return sum
}

// graphFixture is a graph at a random point, in naive terms and in those of the package.
type graphFixture struct {
	naiveGraph
	net   *nn.Graph[float64]
	of    *Graph[float64]
	state *GraphState[float64]
	data  []tensor.Matrix[float64] // of every node; the clamped ones are given to the state
	point tensor.Matrix[float64]
	rng   *rand.Rand
}

const graphRows = 3

func newGraphFixture(t *testing.T, w nn.Wiring, clamped []int) *graphFixture {
	t.Helper()
	net, err := nn.BuildGraph[float64](w)
	if err != nil {
		t.Fatal(err)
	}
	x := &graphFixture{naiveGraph: naiveGraph{Wiring: w, pi: []float64{0.5, 2, 1.5, 0.7}[:len(w.Nodes)]}, net: net, rng: rand.New(rand.NewPCG(14, uint64(len(w.Edges))))}
	x.of = &Graph[float64]{Net: net, Precision: x.pi, Clamped: clamped}
	x.state = x.of.NewState(graphRows)
	x.perturb()
	for _, v := range w.Nodes {
		x.data = append(x.data, check.Random[float64](x.rng, graphRows, v.N))
	}
	x.clamp()
	x.point = check.Random[float64](x.rng, graphRows, x.state.Dim())
	return x
}

func (x *graphFixture) perturb() {
	x.net.Update(func(theta []float64) {
		for i := range theta {
			theta[i] = 0.6 * x.rng.NormFloat64()
		}
	})
	x.theta = slices.Clone(x.net.Theta())
}

func (x *graphFixture) clamp() {
	for _, i := range x.of.Clamped {
		x.state.Clamp(i, x.data[i])
	}
}

// activities are those of all nodes in sample k where the point is p.
func (x *graphFixture) activities(k int, p []float64) [][]float64 {
	z := make([][]float64, len(x.Nodes))
	for i, v := range x.Nodes {
		if slices.Contains(x.of.Clamped, i) {
			z[i] = x.data[i].Row(k)
		} else {
			z[i], p = p[:v.N], p[v.N:]
		}
	}
	return z
}

// eachGraph runs f for all graphs with all sorts of clamping.
func eachGraph(t *testing.T, f func(t *testing.T, x *graphFixture)) {
	for name, w := range graphs {
		for _, clamped := range [][]int{nil, {0}, {1}, {0, len(w.Nodes) - 1}, {0, 1}, {0, 1, 2}} {
			t.Run(fmt.Sprint(name, "/", clamped), func(t *testing.T) { f(t, newGraphFixture(t, w, clamped)) })
		}
	}
}

// TestGraphEnergyAndDerivatives: F is the naive one, ∂F/∂x and ∂F/∂θ its central differences, also with other inputs, other weights and
// fewer rows than before: nothing that is kept is stale.
func TestGraphEnergyAndDerivatives(t *testing.T) {
	eachGraph(t, func(t *testing.T, x *graphFixture) {
		x.check(t, "at first", graphRows)
		x.data[0] = check.Random[float64](x.rng, graphRows, x.Nodes[0].N)
		x.clamp()
		x.check(t, "one row of other data", 1)
		x.check(t, "then all", graphRows)
		x.perturb()
		x.check(t, "with other weights", graphRows)
	})
}

func (x *graphFixture) check(t *testing.T, when string, rows int) {
	t.Helper()
	f, grad, p := make([]float64, rows), tensor.New[float64](rows, x.state.Dim()), x.point.RowsOf(0, rows)
	for i := range grad.Data {
		grad.Data[i] = math.NaN()
	}
	x.state.Eval(f, grad, p)
	for k := range rows {
		value := func() float64 { return x.energy(x.activities(k, p.Row(k))) }
		if want := value(); !check.Close(f[k], want, roundTol) {
			t.Errorf("%s: F of sample %d = %v, want %v", when, k, f[k], want)
		}
		if want := check.Gradient(value, p.Row(k)); x.state.Dim() > 0 && !(check.RelError(grad.Row(k), want) <= fdTol) {
			t.Errorf("%s: ∂F/∂x of sample %d is off by %g", when, k, check.RelError(grad.Row(k), want))
		}
	}
	if rows < graphRows {
		return
	}
	got := make([]float64, len(x.theta))
	for i := range got {
		got[i] = math.NaN()
	}
	again := make([]float64, rows)
	x.state.Eval(again, tensor.Matrix[float64]{}, p) // its value is enough for the weights
	if !slices.Equal(again, f) {
		t.Errorf("%s: F without gradient is %v, with it %v", when, again, f)
	}
	x.state.Gradient(got)
	want := check.Gradient(func() float64 {
		sum := 0.0
		for k := range rows {
			sum += x.energy(x.activities(k, p.Row(k)))
		}
		return sum
	}, x.theta)
	if d := check.RelError(got, want); !(d <= fdTol) {
		t.Errorf("%s: ∂F/∂θ is off by %g", when, d)
	}
}

// TestGraphStartsWherePredictionsLead: in their order, free nodes have no error but for what later nodes say, taken to be 0.
func TestGraphStartsWherePredictionsLead(t *testing.T) {
	eachGraph(t, func(t *testing.T, x *graphFixture) {
		p := tensor.New[float64](graphRows, x.state.Dim())
		x.state.Start(p)
		placed := tensor.New[float64](graphRows, x.state.Dim())
		x.state.Place(placed, x.state.Record.Z)
		if !check.Same(placed, p) {
			t.Error("the point is not that of the activities")
		}
		for k := range graphRows {
			z := x.activities(k, make([]float64, x.state.Dim()))
			for i, v := range x.Nodes {
				if slices.Contains(x.of.Clamped, i) {
					continue
				}
				z[i] = x.mu(i, z)
				span := x.state.Columns(i)
				if got := p.Row(k)[span.Lo:span.Hi]; !(check.RelError(got, z[i]) <= roundTol) {
					t.Errorf("node %s of sample %d starts at %v, want %v", v.Name, k, got, z[i])
				}
			}
		}
	})
}

// reference is a case of testdata/graph.json: one sample of a graph whose nodes are all free, and the derivatives of F there.
type reference struct {
	Nodes []struct {
		N          int
		Act, Place string
		Bias       bool
	}
	Edges        [][2]int
	Pi           []float64
	X, B, DX, DB [][]float64
	W, DW        [][][]float64
	F            float64
}

// build returns the case's graph, with parameters 0.
func (r reference) build(t *testing.T) *nn.Graph[float64] {
	t.Helper()
	var w nn.Wiring
	for i, v := range r.Nodes {
		act, err := nn.ParseActivation(v.Act)
		if err != nil {
			t.Fatal(err)
		}
		place, err := nn.ParsePlace(v.Place)
		if err != nil {
			t.Fatal(err)
		}
		w.Nodes = append(w.Nodes, nn.Vertex{Name: fmt.Sprint(i), N: v.N, Act: act, Place: place, Bias: v.Bias})
	}
	for _, e := range r.Edges {
		w.Edges = append(w.Edges, nn.Edge{From: fmt.Sprint(e[0]), To: fmt.Sprint(e[1])})
	}
	g, err := nn.BuildGraph[float64](w)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// lay puts weights and biases where θ has them.
func (r reference) lay(g *nn.Graph[float64], theta []float64, weights [][][]float64, biases [][]float64) {
	for k, e := range r.Edges {
		copy(g.Of(g.Edge(e[0], e[1]), theta), slices.Concat(weights[k]...))
	}
	for i, b := range biases {
		if into := g.Into(i); r.Nodes[i].Bias {
			last := g.Of(into[len(into)-1], theta)
			copy(last[len(last)-len(b):], b)
		}
	}
}

// TestGraphEnergiesAreThoseOfTheReference: F and its gradients in all x, W and b from NumPy (testdata/graph.py).
func TestGraphEnergiesAreThoseOfTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/graph.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct{ Cases []reference }
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	if len(ref.Cases) != 5 {
		t.Fatalf("%d cases", len(ref.Cases))
	}
	for c, r := range ref.Cases {
		g := r.build(t)
		g.Update(func(theta []float64) { r.lay(g, theta, r.W, r.B) })
		s := (&Graph[float64]{Net: g, Precision: r.Pi}).NewState(1)
		x, want := slices.Concat(r.X...), slices.Concat(r.DX...)
		f, grad := []float64{0}, tensor.New[float64](1, len(x))
		s.Eval(f, grad, tensor.Of(1, len(x), x))
		theta, wantTheta := make([]float64, len(g.Theta())), make([]float64, len(g.Theta()))
		s.Gradient(theta)
		r.lay(g, wantTheta, r.DW, r.DB)
		if !check.Close(f[0], r.F, roundTol) {
			t.Errorf("case %d: F = %v, want %v", c, f[0], r.F)
		}
		if d := check.RelError(grad.Row(0), want); !(d <= roundTol) {
			t.Errorf("case %d: ∂F/∂x is off by %g", c, d)
		}
		if d := check.RelError(theta, wantTheta); !(d <= roundTol) {
			t.Errorf("case %d: ∂F/∂θ is off by %g", c, d)
		}
	}
}

// TestGraphWindowsAreTheWhole: a state cut into windows leaves the bits of the whole batch, and no evaluation allocates.
func TestGraphWindowsAreTheWhole(t *testing.T) {
	eachGraph(t, func(t *testing.T, x *graphFixture) {
		want, wantGrad := make([]float64, graphRows), tensor.New[float64](graphRows, x.state.Dim())
		x.state.Eval(want, wantGrad, x.point)
		theta := make([]float64, len(x.theta))
		x.state.Gradient(theta)
		cut := x.of.NewState(graphRows)
		for _, i := range x.of.Clamped {
			cut.Clamp(i, x.data[i])
		}
		f, grad := make([]float64, graphRows), tensor.New[float64](graphRows, x.state.Dim())
		for _, w := range []nn.Span{{Lo: 1, Hi: 3}, {Lo: 0, Hi: 1}} {
			s := cut.RowsOf(w.Lo, w.Hi)
			for _, i := range x.of.Clamped {
				s.Clamp(i, x.data[i].RowsOf(w.Lo, w.Hi))
			}
			s.Eval(f[w.Lo:w.Hi], grad.RowsOf(w.Lo, w.Hi), x.point.RowsOf(w.Lo, w.Hi))
		}
		got := make([]float64, len(x.theta))
		cut.Gradient(got)
		if !slices.Equal(f, want) || !check.Same(grad, wantGrad) || !check.SameBits(got, theta) {
			t.Error("windows differ from the whole")
		}
		if n := testing.AllocsPerRun(3, func() {
			x.clamp()
			x.state.Start(grad)
			x.state.Eval(f, grad, x.point)
			x.state.Gradient(got)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// TestGraphCost: a pass is all edges one way for all rows, whatever is skipped; multiply-adds are as done. In "skips" the edges from a,
// which is clamped, cost 20 to b, 15 to c and 10 to d, the others b→b 16, b→c 12, c→d 6, d→b 8: together 87.
func TestGraphCost(t *testing.T) {
	const all, free = 87, 42
	x := newGraphFixture(t, graphs["skips"], []int{0})
	f, grad, p := make([]float64, 3), tensor.New[float64](3, x.state.Dim()), x.point
	m := &meter{cost: x.state.Cost}
	for _, c := range []struct {
		what         string
		do           func()
		passes, macs float64
	}{
		{"value", func() { x.state.Eval(f, tensor.Matrix[float64]{}, p) }, 1, all},
		{"again", func() { x.state.Eval(f, tensor.Matrix[float64]{}, p) }, 1, free},
		{"value and gradient", func() { x.state.Eval(f, grad, p) }, 2, 2 * free},
		{"one row of three", func() { x.state.Eval(f, grad.RowsOf(0, 1), p.RowsOf(0, 1)) }, 2. / 3, 2. / 3 * free},
		{"Start", func() { x.state.Start(grad) }, 1, free},
		{"weight gradient", func() { x.state.Gradient(make([]float64, len(x.theta))) }, 1, all},
		{"another input", func() { x.clamp(); x.state.Eval(f, tensor.Matrix[float64]{}, p) }, 1, all},
		{"other weights", func() { x.perturb(); x.state.Eval(f, tensor.Matrix[float64]{}, p) }, 1, all},
	} {
		c.do()
		if passes, macs := m.look(); !check.Close(passes, c.passes, 1e-12) || !check.Close(macs, c.macs/all, 1e-12) {
			t.Errorf("%s: %v passes, %v macs; want %v and %v", c.what, passes, macs, c.passes, c.macs/all)
		}
	}
}

// TestGraphFitIsTheMisfitOfANode, whatever its precision.
func TestGraphFitIsTheMisfitOfANode(t *testing.T) {
	x := newGraphFixture(t, graphs["skips"], []int{0, 3})
	x.state.Eval(make([]float64, graphRows), tensor.Matrix[float64]{}, x.point)
	loss, squares := []float64{1, 2, 3}, []float64{4, 5, 6}
	x.state.Fit(3, loss, squares)
	alone := x.naiveGraph
	alone.pi = []float64{0, 0, 0, 1}
	for k := range graphRows {
		want := alone.energy(x.activities(k, x.point.Row(k)))
		if !check.Close(loss[k], want+float64(1+k), roundTol) || !check.Close(squares[k], 2*want+float64(4+k), roundTol) {
			t.Errorf("sample %d: loss %v, squares %v, want %v more", k, loss[k], squares[k], want)
		}
	}
}

func TestGraphPanicsOfItsCallers(t *testing.T) {
	x := newGraphFixture(t, graphs["skips"], []int{0})
	one := func(n int) tensor.Matrix[float64] { return tensor.New[float64](graphRows, n) }
	for want, f := range map[string]func(){
		"energy: no graph":                         func() { (&Graph[float64]{}).NewState(1) },
		"energy: want one precision for each node": func() { (&Graph[float64]{Net: x.net, Precision: []float64{1}}).NewState(1) },
		"energy: precision must be positive and finite": func() {
			(&Graph[float64]{Net: x.net, Precision: []float64{1, 1, 0, 1}}).NewState(1)
		},
		"energy: clamped layer out of range":          func() { (&Graph[float64]{Net: x.net, Clamped: []int{4}}).NewState(1) },
		"energy: node is free":                        func() { x.state.Clamp(1, one(4)) },
		"energy: clamped activities of another shape": func() { x.state.Clamp(0, one(4)) },
		"energy: nothing predicts the node":           func() { x.state.Fit(0, nil, nil) },
		"energy: point of another shape":              func() { x.state.Eval(make([]float64, 3), tensor.Matrix[float64]{}, one(2)) },
		"energy: gradient of another shape":           func() { x.state.Eval(make([]float64, 3), one(2), x.point) },
	} {
		if got := fmt.Sprint(check.Panic(f)); got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
}
