package learn_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// chain is the graph of a network of fully connected layers: node l predicts node l+1.
func chain(a nn.Arch) nn.Wiring {
	var w nn.Wiring
	L := len(a.Dims) - 1
	for l, n := range a.Dims {
		v := nn.Vertex{Name: fmt.Sprint("z", l), N: n, Place: a.Place, Bias: a.Bias && l > 0}
		if a.Place == nn.After && l > 0 && l < L || a.Place == nn.Before && l > 1 {
			v.Act = a.Act
		}
		w.Nodes = append(w.Nodes, v)
		if l > 0 {
			w.Edges = append(w.Edges, nn.Edge{From: fmt.Sprint("z", l-1), To: v.Name})
		}
	}
	return w
}

// grown returns the graph with weights and biases of about gain/√fan_in.
func grown[T tensor.Float](w nn.Wiring, gain float64) *nn.Graph[T] {
	g, err := nn.BuildGraph[T](w)
	if err != nil {
		panic(err)
	}
	nn.Initialize(g, nn.Init{Kind: nn.FanIn}, 3)
	g.Update(func(theta []T) { tensor.Scale(theta, T(gain*math.Sqrt(3))) })
	return g
}

// chains are networks of several depths, placements and precisions.
var chains = []struct {
	arch nn.Arch
	pi   []float64
}{
	{nn.Arch{Dims: []int{5, 3}, Bias: true}, nil},
	{nn.Arch{Dims: []int{6, 7, 3}, Act: nn.Tanh, Bias: true}, nil},
	{nn.Arch{Dims: []int{6, 7, 3}, Act: nn.Tanh, Bias: true, Place: nn.Before}, nil},
	{nn.Arch{Dims: []int{30, 17, 40, 9, 4}, Act: nn.ReLU, Bias: true}, []float64{1, 0.5, 3, 2}},
	{nn.Arch{Dims: []int{30, 17, 40, 9, 4}, Act: nn.GELU, Place: nn.Before}, []float64{1, 0.5, 3, 2}},
	{nn.Arch{Dims: []int{20, 15, 15, 15, 15, 3}, Act: nn.Sigmoid, Place: nn.Before, Bias: true}, nil},
}

// TestChainGraphIsTheNetwork, bit for bit: initial weights, energy and its gradients, where every method settles and at what cost, the
// learning gradient, statistics, and the weights after steps of Adam.
func TestChainGraphIsTheNetwork(t *testing.T) { both(t, checkChain[float32], checkChain[float64]) }

func checkChain[T tensor.Float](t *testing.T) {
	const rows = learn.ShardRows + 5
	for _, c := range chains {
		name := fmt.Sprint(c.arch.DimString(), " ", c.arch.Act, " ", c.arch.Place)
		net, graph := build[T](c.arch, 1.5), grown[T](chain(c.arch), 1.5)
		if !check.SameBits(graph.Theta(), net.Theta()) {
			t.Fatalf("%s: initial weights differ", name)
		}
		b := draw(net, rows)
		L := net.L()
		problem := &energy.PC[T]{Net: net, Precision: c.pi}
		of := &energy.Graph[T]{Net: graph, Clamped: []int{0, L}}
		if c.pi != nil {
			of.Precision = append([]float64{1}, c.pi...)
		}
		z := problem.NewState(rows).Activities()
		x := of.NewState(rows)
		for _, f := range []interface{ Clamp(int, tensor.Matrix[T]) }{z, x} {
			f.Clamp(0, b.X)
			f.Clamp(L, b.Y)
		}
		sameSettling(t, name, z, x)
		of.Clamped = nil
		for _, m := range []string{"auto", "euler", "nesterov", "dopri"} {
			method, err := learn.NewMethod[T](m, learn.Activities, learn.Tuning{DT: 0.1, Mu: 0.5})
			if err != nil {
				t.Fatal(err)
			}
			inf := learn.Inference[T]{Coordinates: learn.Activities, Method: method, Settings: infer.Settings{Tol: 1e-3, MaxPasses: 40}}
			sameTraining(t, name+" "+m, b, learn.NewPC(problem, inf, pool(t, 1), rows), learn.NewGraph(of, learn.Nodes{X: 0, Y: L}, inf, pool(t, 2), rows), c.pi == nil)
		}
		if !check.SameBits(graph.Theta(), net.Theta()) {
			t.Errorf("%s: weights differ after training", name)
		}
	}
}

// sameSettling compares energies at a point away from the start, then whole inferences from the start.
func sameSettling[T tensor.Float](t *testing.T, name string, z *energy.Activities[T], x *energy.GraphState[T]) {
	t.Helper()
	rows, dim := z.Trace.Rows, z.Dim()
	if x.Dim() != dim {
		t.Fatalf("%s: %d coordinates, want %d", name, x.Dim(), dim)
	}
	p := check.Random[T](rand.New(rand.NewPCG(1, 2)), rows, dim)
	theta := len(z.Trace.Net.Theta())
	f, g, d := [2][]float64{}, [2]tensor.Matrix[T]{}, [2][]T{}
	for k, o := range []interface {
		infer.Objective[T]
		Gradient([]T)
	}{z, x} {
		f[k], g[k], d[k] = make([]float64, rows), tensor.New[T](rows, dim), make([]T, theta)
		o.Eval(f[k], g[k], p)
		o.Gradient(d[k])
	}
	if !slices.Equal(f[0], f[1]) || !check.Same(g[0], g[1]) || !check.SameBits(d[0], d[1]) {
		t.Errorf("%s: energy, activity gradient or weight gradient differ", name)
	}
	for _, m := range []func() infer.Method[T]{
		func() infer.Method[T] { return &infer.Auto[T]{} },
		func() infer.Method[T] { return &infer.Euler[T]{DT: 0.1} },
		func() infer.Method[T] { return &infer.Momentum[T]{DT: 0.05, Mu: 0.5, Nesterov: true} },
		func() infer.Method[T] { return &infer.RungeKutta[T]{Tableau: infer.Heun, DT: 0.1} },
	} {
		var w [2]*infer.Work[T]
		var r [2]infer.Result
		for k, o := range []interface {
			infer.Objective[T]
			Start(tensor.Matrix[T])
			ResetCost()
		}{z, x} {
			o.ResetCost()
			w[k] = infer.NewWork[T](rows, dim)
			o.Start(w[k].Z)
			var err error
			if r[k], err = infer.Solve[T](o, w[k], m(), infer.Settings{Tol: 1e-3, MaxPasses: 60}); err != nil {
				t.Fatal(err)
			}
		}
		if !check.Same(w[0].Z, w[1].Z) || fmt.Sprintf("%b", r[0]) != fmt.Sprintf("%b", r[1]) {
			t.Errorf("%s: %T settles elsewhere, or at another cost:\n%v\n%v", name, m(), r[0], r[1])
		}
	}
}

// sameTraining takes the gradient and three steps by both rules. Loss and MSE are taken from weighted errors, and are of the same bits
// where the precision is 1.
func sameTraining[T tensor.Float](t *testing.T, name string, b data.Batch[T], want, got graded[T], loss bool) {
	t.Helper()
	stats := func(s learn.Stats) string {
		if !loss {
			s.Loss, s.MSE = 0, 0
		}
		return fmt.Sprintf("%b", s)
	}
	wantGrad, wantStats := gradient(t, want, b)
	gotGrad, gotStats := gradient(t, got, b)
	if !check.SameBits(gotGrad, wantGrad) {
		t.Errorf("%s: learning gradient differs", name)
	}
	if stats(gotStats) != stats(wantStats) || !check.Close(gotStats.Loss, wantStats.Loss, 1e-5) || !check.Close(gotStats.MSE, wantStats.MSE, 1e-5) {
		t.Errorf("%s: statistics\n%+v, want\n%+v", name, gotStats, wantStats)
	}
	opts := [2]optim.Optimizer[T]{}
	for k := range opts {
		opts[k] = optim.NewAdam[T](len(wantGrad), optim.Rate{LR: 1e-3}, 1e-2)
	}
	for range 3 {
		s, err := want.Step(context.Background(), b, opts[0])
		if err != nil {
			t.Fatal(err)
		}
		r, err := got.Step(context.Background(), b, opts[1])
		if err != nil {
			t.Fatal(err)
		}
		if stats(r) != stats(s) {
			t.Errorf("%s: statistics of a step\n%+v, want\n%+v", name, r, s)
		}
	}
}

// tangle is a wiring with a cycle, an edge from a node to itself, a skip, and a node that nothing predicts.
func tangle(act nn.Activation, place nn.Place) nn.Wiring {
	return nn.Wiring{
		Nodes: []nn.Vertex{{Name: "x", N: 4}, {Name: "h", N: 5, Act: act, Place: place, Bias: true}, {Name: "g", N: 3, Act: act, Place: place}, {Name: "y", N: 2, Bias: true}},
		Edges: []nn.Edge{{From: "x", To: "h"}, {From: "h", To: "h"}, {From: "y", To: "h"}, {From: "h", To: "g"}, {From: "x", To: "g"}, {From: "g", To: "y"}, {From: "h", To: "y"}},
	}
}

// graphMakers are the rule with both nodes of a batch given, or one, by several methods.
func graphMakers[T tensor.Float](y int) map[string]func(g *nn.Graph[T], p *learn.Pool, rows int) *learn.Graph[T] {
	with := func(x, y int, m func() infer.Method[T]) func(*nn.Graph[T], *learn.Pool, int) *learn.Graph[T] {
		inf := learn.Inference[T]{Coordinates: learn.Activities, Method: m, Settings: infer.Settings{Tol: 1e-3, MaxPasses: 16}}
		return func(g *nn.Graph[T], p *learn.Pool, rows int) *learn.Graph[T] {
			return learn.NewGraph(&energy.Graph[T]{Net: g}, learn.Nodes{X: x, Y: y}, inf, p, rows)
		}
	}
	return map[string]func(g *nn.Graph[T], p *learn.Pool, rows int) *learn.Graph[T]{
		"auto":     with(0, y, nil),
		"euler":    with(0, y, func() infer.Method[T] { return &infer.Euler[T]{DT: 0.1} }),
		"langevin": with(0, y, func() infer.Method[T] { return &infer.Langevin[T]{DT: 0.1} }),
		"y alone":  with(learn.None, y, nil),
	}
}

// TestGraphWorkersDoNotChangeABit of gradient, statistics, state or weights after steps of Adam. Edges are wide enough to be divided in
// several tiles, the batch leaves a shard of two rows.
func TestGraphWorkersDoNotChangeABit(t *testing.T) {
	both(t, checkGraphWorkers[float32], checkGraphWorkers[float64])
}

func checkGraphWorkers[T tensor.Float](t *testing.T) {
	const rows = 2*learn.ShardRows + 2
	for _, place := range []nn.Place{nn.After, nn.Before} {
		w := tangle(nn.Tanh, place)
		w.Nodes[0].N, w.Nodes[1].N = 100, 170
		b := data.Batch[T]{X: check.Random[T](rand.New(rand.NewPCG(1, 2)), rows, 100), Y: check.Random[T](rand.New(rand.NewPCG(3, 4)), rows, 2)}
		for name, make := range graphMakers[T](3) {
			follow := func(workers int) (string, []T, []T) {
				g := grown[T](w, 0.5)
				r := make(g, pool(t, workers), rows)
				grad, s := gradient(t, r, b)
				text := fmt.Sprintf("%b", s)
				opt := optim.NewAdam[T](len(g.Theta()), optim.Rate{LR: 1e-3}, 1e-2)
				for range 2 {
					s, err := r.Step(context.Background(), b, opt)
					if err != nil {
						t.Fatal(err)
					}
					text += fmt.Sprintf("%b", s)
				}
				return text + fmt.Sprint(r.State()), grad, g.Theta()
			}
			stats, grad, theta := follow(1)
			for _, workers := range []int{1, 2, 3} {
				s, g, th := follow(workers)
				if s != stats || !check.SameBits(g, grad) || !check.SameBits(th, theta) {
					t.Errorf("%s, %v: %d workers change bits", name, place, workers)
				}
			}
		}
	}
}

// TestGraphTakesOneNodeAsInputOrTarget: it makes no difference, and error and loss are those of that node.
func TestGraphTakesOneNodeAsInputOrTarget(t *testing.T) {
	g := grown[float64](tangle(nn.Tanh, nn.After), 0.5)
	one := check.Random[float64](rand.New(rand.NewPCG(3, 4)), batchRows, 2)
	inf := learn.Inference[float64]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: 1e-3}}
	of := func(at learn.Nodes, b data.Batch[float64]) ([]float64, learn.Stats) {
		return gradient(t, learn.NewGraph(&energy.Graph[float64]{Net: g}, at, inf, pool(t, 2), batchRows), b)
	}
	want, w := of(learn.Nodes{X: learn.None, Y: 3}, data.Batch[float64]{X: tensor.New[float64](1, 7), Y: one}) // X is not looked at
	got, s := of(learn.Nodes{X: 3, Y: learn.None}, data.Batch[float64]{X: one})
	if !check.SameBits(got, want) || fmt.Sprintf("%b", s) != fmt.Sprintf("%b", w) || !check.Close(s.MSE, 2*s.Loss/2, 1e-12) || !(s.Loss > 0) { // of two units
		t.Errorf("as input %+v, as target %+v", s, w)
	}
}

// TestGraphStepAllocatesNothing in steady state.
func TestGraphStepAllocatesNothing(t *testing.T) {
	both(t, checkGraphAllocs[float32], checkGraphAllocs[float64])
}

func checkGraphAllocs[T tensor.Float](t *testing.T) {
	const rows = 20
	b := data.Batch[T]{X: check.Random[T](rand.New(rand.NewPCG(1, 2)), rows, 4), Y: check.Random[T](rand.New(rand.NewPCG(3, 4)), rows, 2)}
	for name, make := range graphMakers[T](3) {
		for _, workers := range []int{1, 3} {
			g := grown[T](tangle(nn.Tanh, nn.Before), 0.5)
			r := make(g, pool(t, workers), rows)
			opt := optim.NewSGD[T](optim.Rate{LR: 1e-3}, 0)
			step := func() {
				if _, err := r.Step(context.Background(), b, opt); err != nil {
					t.Fatal(err)
				}
			}
			n := testing.AllocsPerRun(5, step)
			for tries := 0; n != 0 && workers > 1 && tries < 20; tries++ {
				n = testing.AllocsPerRun(5, step) // a worker's method sizes itself at the first shard it happens to get
			}
			if n != 0 {
				t.Errorf("%s, %d workers: %v allocations", name, workers, n)
			}
		}
	}
}

// TestGraphRefuses what is not finite, the state of another rule, and to begin when there is no time left.
func TestGraphRefuses(t *testing.T) {
	g := grown[float64](tangle(nn.Tanh, nn.After), 1)
	problem := &energy.Graph[float64]{Net: g}
	settling := learn.Inference[float64]{Coordinates: learn.Activities}
	draw := func() data.Batch[float64] {
		return data.Batch[float64]{X: tensor.New[float64](3, 4), Y: tensor.New[float64](3, 2)}
	}
	opt := optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0)
	for want, spoil := range map[string]func(b data.Batch[float64]){
		`batch: sample 1: node "x", the input, holds NaN or Inf; want finite numbers`:  func(b data.Batch[float64]) { b.X.Row(1)[2] = nan },
		`batch: sample 2: node "y", the target, holds NaN or Inf; want finite numbers`: func(b data.Batch[float64]) { b.Y.Row(2)[0] = inf },
		`graph: edge 3: the weights hold NaN or Inf; want finite numbers`: func(data.Batch[float64]) {
			g.Update(func(theta []float64) { g.Of(3, theta)[0] = nan })
		},
	} {
		b := draw()
		spoil(b)
		before := slices.Clone(g.Theta())
		if _, err := learn.NewGraph(problem, learn.Nodes{X: 0, Y: 3}, settling, pool(t, 1), 3).Step(context.Background(), b, opt); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if !check.SameBits(g.Theta(), before) {
			t.Errorf("learns from what it refuses: %s", want)
		}
		g.Update(func(theta []float64) { g.Of(3, theta)[0] = 0 })
	}
	r := learn.NewGraph(problem, learn.Nodes{X: 0, Y: 3}, settling, pool(t, 1), 3)
	if err := r.SetState([]float64{1}); err == nil || !strings.Contains(err.Error(), "graph carries none") {
		t.Errorf("a state of another rule: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Step(ctx, draw(), opt); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// TestGraphPanicsOfItsCallers of the rule, and of Query.
func TestGraphPanicsOfItsCallers(t *testing.T) {
	g := grown[float64](tangle(nn.Tanh, nn.After), 1)
	problem := &energy.Graph[float64]{Net: g}
	settling := learn.Inference[float64]{Coordinates: learn.Activities}
	short := data.Batch[float64]{X: tensor.New[float64](3, 4), Y: tensor.New[float64](3, 3)}
	clamping := &energy.Graph[float64]{Net: g, Clamped: []int{0}}
	make := func(problem *energy.Graph[float64], x, y int, inf learn.Inference[float64]) func() {
		return func() { learn.NewGraph(problem, learn.Nodes{X: x, Y: y}, inf, pool(t, 1), 3) }
	}
	query := func(problem *energy.Graph[float64], given []tensor.Matrix[float64], known [][]bool) func() {
		return func() { learn.Query(problem, given, known, &infer.Auto[float64]{}, infer.Settings{}) }
	}
	for want, f := range map[string]func(){
		"learn: Graph clamps the nodes of the batch": make(clamping, 0, 3, settling),
		"learn: a graph settles in activities":       make(problem, 0, 3, learn.Inference[float64]{}),
		"learn: no such node":                        make(problem, 0, 4, settling),
		"learn: a batch gives two nodes, or one":     make(problem, 3, 3, settling),
		"learn: nothing predicts the target's node":  make(problem, 0, learn.None, settling),
		"learn: batch of another width": func() {
			learn.NewGraph(problem, learn.Nodes{X: 0, Y: 3}, settling, pool(t, 1), 3).Gradient(context.Background(), short)
		},
		"learn: nothing is given":                                     query(problem, []tensor.Matrix[float64]{{}, {}, {}, {}}, nil),
		"learn: want what is given of each node":                      query(problem, nil, nil),
		"learn: what is clamped is no choice of the problem here":     query(clamping, nil, nil),
		"learn: want a word on each element of what is known in part": query(problem, []tensor.Matrix[float64]{{}, {}, {}, short.X}, [][]bool{nil, nil, nil, {true}}),
	} {
		if got := fmt.Sprint(check.Panic(f)); got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
}

// TestRecurrentGraphsLearnDigits: 200 batches of MNIST, then the label of test images by inference from the image alone. Chance is 0.1;
// from seed to seed the accuracies differ by 0.03 or so.
func TestRecurrentGraphsLearnDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("short: trains for a while")
	}
	const rows, steps, tests = 50, 200, 500
	set, err := data.Open(mnist.FS(), "mnist")
	if err != nil {
		t.Fatal(err)
	}
	test := data.Fill(data.NewBatch[float32](set, tests), set, set.Test, 0, tests)
	image, hidden, label := nn.Vertex{Name: "image", N: 784}, nn.Vertex{Name: "hidden", N: 64, Act: nn.Tanh, Bias: true}, nn.Vertex{Name: "label", N: 10, Bias: true}
	up, round, out := nn.Edge{From: "image", To: "hidden"}, nn.Edge{From: "hidden", To: "hidden"}, nn.Edge{From: "hidden", To: "label"}
	down, back := nn.Edge{From: "hidden", To: "image"}, nn.Edge{From: "label", To: "hidden"}
	for _, c := range []struct {
		edges []nn.Edge
		least float64
	}{
		{[]nn.Edge{up, out, round, back}, 0.85},
		{[]nn.Edge{up, down, round, out}, 0.8},
	} {
		g := grown[float32](nn.Wiring{Nodes: []nn.Vertex{image, hidden, label}, Edges: c.edges}, 1/math.Sqrt(3))
		problem := &energy.Graph[float32]{Net: g, Precision: []float64{0.01, 1, 1}} // of 784 pixels; 1 has them outweigh the label
		inf := learn.Inference[float32]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: 1e-2, MaxPasses: 40}}
		r := learn.NewGraph(problem, learn.Nodes{X: g.Node("image"), Y: g.Node("label")}, inf, pool(t, 2), rows)
		batches, err := data.NewBatches[float32](set, rows, 1)
		if err != nil {
			t.Fatal(err)
		}
		opt := optim.NewAdam[float32](len(g.Theta()), optim.Rate{LR: 0.003}, 0)
		settled := 0
		for range steps {
			s, err := r.Step(context.Background(), batches.Next(), opt)
			if err != nil {
				t.Fatal(err)
			}
			settled += s.Inference.Count[infer.Equilibrium]
		}
		x, _, err := learn.Query(problem, []tensor.Matrix[float32]{test.X, {}, {}}, nil, &infer.Auto[float32]{}, infer.Settings{Tol: 1e-2, MaxPasses: 200})
		if err != nil {
			t.Fatal(err)
		}
		right := 0.0
		for i, want := range test.Labels {
			y := x[g.Node("label")].Row(i)
			if slices.Index(y, slices.Max(y)) == int(want) {
				right++
			}
		}
		if accuracy := right / tests; !(accuracy >= c.least) || settled < steps*rows*9/10 {
			t.Errorf("%v: accuracy %v, want %v; %d of %d inferences settled", c.edges, accuracy, c.least, settled, steps*rows)
		} else {
			t.Logf("%v: accuracy %v, %d of %d inferences settled", c.edges, accuracy, settled, steps*rows)
		}
	}
}
