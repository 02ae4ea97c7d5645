package learn_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
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
			sameTraining(t, name+" "+m, b, learn.NewPC(problem, inf, pool(t, 1), rows), learn.NewGraph(of, 0, L, inf, pool(t, 2), rows), c.pi == nil)
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
