package energy_test

import (
	"fmt"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// One hidden unit predicted from both sides: from x by w = 2, from y by v = 0.5, with y = z and x = z predicted from it.
func ExampleBidirectional() {
	build := func(w ...float64) *energy.PC[float64] {
		net, err := nn.Build[float64](nn.Arch{Dims: []int{1, 1, 1}})
		if err != nil {
			panic(err)
		}
		net.Update(func(theta []float64) { copy(theta, w) })
		return &energy.PC[float64]{Net: net}
	}
	f := energy.NewBidirectional(build(2, 1), build(0.5, 1), 1)
	f.Clamp(0, tensor.Of(1, 1, []float64{1})) // x
	f.Clamp(2, tensor.Of(1, 1, []float64{3})) // y
	w := infer.NewWork[float64](1, f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve[float64](f, w, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-6})
	if err != nil {
		panic(err)
	}
	// z is the mean of 2x = 2, y = 3, 0.5y = 1.5 and x = 1.
	fmt.Printf("z = %.3f, F = %.3f from %.3f\n", w.Z.Row(0)[0], r.F, r.FStart)
	// Output: z = 1.875, F = 1.094 from 1.125
}

// Yes-or-no outputs are logits: the mean that they predict, and the energy.
func ExampleBernoulli() {
	var out energy.Bernoulli[float64]
	yhat, y := tensor.Of(1, 2, []float64{0, 2}), tensor.Of(1, 2, []float64{1, 1})
	f, r, mean := []float64{0}, tensor.New[float64](1, 2), tensor.New[float64](1, 2)
	out.Residual(f, r, y, yhat, 1)
	out.Mean(mean, yhat)
	fmt.Printf("p = %.3f, F = %.3f, r = %.3f\n", mean.Row(0), f[0], r.Row(0))
	// Output: p = [0.500 0.881], F = 0.820, r = [0.500 0.119]
}

// CrossEntropy takes classes: the target is one-hot, the output logits.
func ExampleCrossEntropy() {
	var out energy.CrossEntropy[float64]
	yhat, y := tensor.Of(1, 3, []float64{1, 0, 0}), tensor.Of(1, 3, []float64{1, 0, 0})
	f, r, mean := []float64{0}, tensor.New[float64](1, 3), tensor.New[float64](1, 3)
	out.Residual(f, r, y, yhat, 1)
	out.Mean(mean, yhat)
	fmt.Printf("p = %.3f, F = %.3f, r = %.3f\n", mean.Row(0), f[0], r.Row(0))
	// Output: p = [0.576 0.212 0.212], F = 0.551, r = [0.424 -0.212 -0.212]
}

// A cycle of two nodes of one unit, y = 2x and x = y/3 by each other's predictions: given x they settle on y between 2x and 3x.
func ExampleGraph() {
	net, err := nn.BuildGraph[float64](nn.Wiring{
		Nodes: []nn.Vertex{{Name: "x", N: 1}, {Name: "y", N: 1}},
		Edges: []nn.Edge{{From: "x", To: "y"}, {From: "y", To: "x"}},
	})
	if err != nil {
		panic(err)
	}
	x, y := net.Node("x"), net.Node("y")
	net.Update(func(theta []float64) {
		net.Of(net.Edge(x, y), theta)[0] = 2
		net.Of(net.Edge(y, x), theta)[0] = 1. / 3
	})
	f := (&energy.Graph[float64]{Net: net, Clamped: []int{x}}).NewState(1)
	f.Clamp(x, tensor.Of(1, 1, []float64{1}))
	w := infer.NewWork[float64](1, f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve[float64](f, w, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-6})
	if err != nil {
		panic(err)
	}
	fmt.Printf("y = %.3f, F = %.3f from %.3f\n", f.Record.Z[y].Row(0)[0], r.F, r.FStart)
	// Output: y = 2.100, F = 0.050 from 0.056
}
