package learn_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// digits returns a small set, its batches of 40, and a network of the widths, activated by tanh.
func digits(dims ...int) (*data.Set, *data.Batches[float64], *nn.Network[float64]) {
	set := data.Synthetic(1, 400, 4, 5, 4)
	batches, err := data.NewBatches[float64](set, 40, 1)
	if err != nil {
		panic(err)
	}
	return set, batches, network(nn.Arch{Dims: dims, Act: nn.Tanh, Bias: true})
}

func network(a nn.Arch) *nn.Network[float64] {
	net, err := nn.Build[float64](a)
	if err != nil {
		panic(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
	return net
}

// teach takes steps and returns the last one's statistics.
func teach(r learn.Rule[float64], batches *data.Batches[float64], opt optim.Optimizer[float64], steps int) learn.Stats {
	var s learn.Stats
	for range steps {
		var err error
		if s, err = r.Step(context.Background(), batches.Next(), opt); err != nil {
			panic(err)
		}
	}
	return s
}

// PC with another loss than squared error: the problem names the output term.
func ExamplePC_crossEntropy() {
	_, batches, net := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	problem := &energy.PC[float64]{Net: net, Output: energy.CrossEntropy[float64]{}}
	r := learn.NewPC(problem, learn.Inference[float64]{Settings: infer.Settings{Gap: 0.01}}, pool, 40)
	s := teach(r, batches, optim.NewSGD[float64](optim.Rate{LR: 1}, 0), 12)
	fmt.Printf("cross-entropy %.2f, squared error of the probabilities %.3f\n", s.Loss, s.MSE)
	// Output: cross-entropy 0.04, squared error of the probabilities 0.001
}

// Z-IL is predictive coding whose gradient is that of backpropagation.
func ExampleZIL() {
	_, batches, net := digits(20, 12, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	b := batches.Next()
	bp, _, err := learn.NewBP(net, pool, 40).Gradient(context.Background(), b)
	if err != nil {
		panic(err)
	}
	zil, _, err := learn.NewZIL(&energy.PC[float64]{Net: net}, pool, 40).Gradient(context.Background(), b)
	if err != nil {
		panic(err)
	}
	same := true
	for i, g := range zil {
		same = same && g-bp[i] < 1e-12 && bp[i]-g < 1e-12
	}
	fmt.Println("Z-IL is BP:", same)
	// Output: Z-IL is BP: true
}

// Centred nudging moves the output a tenth of the way to the target, and away from it.
func ExampleNewCentred() {
	_, batches, net := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	r := learn.NewCentred(&energy.PC[float64]{Net: net}, learn.Inference[float64]{Settings: infer.Settings{Gap: 0.01}}, 0.1, pool, 40)
	s := teach(r, batches, optim.NewSGD[float64](optim.Rate{LR: 0.25}, 0), 40)
	fmt.Printf("loss %.2f, %d inferences\n", s.Loss, s.Inference.Samples)
	// Output: loss 0.01, 80 inferences
}

// The precision of the output is learned, that of the hidden layer stays.
func ExamplePrecise() {
	_, batches, net := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	r := learn.NewPrecise(&energy.PC[float64]{Net: net, Precision: []float64{10, 1}}, learn.Inference[float64]{Settings: infer.Settings{Gap: 0.01}},
		learn.Precision{LR: 0.05, Fixed: []bool{true, false}}, pool, 40)
	teach(r, batches, optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0), 20)
	fmt.Printf("π = %.1f\n", r.Precisions())
	// Output: π = [10.0 2.5]
}

// Errors come back by fixed random weights of their own; the step of inference is the method's.
func ExampleNewPC_feedback() {
	set, batches, _ := digits(1, 1)
	net := network(nn.Arch{Dims: []int{set.Inputs, 12, set.Classes}, Act: nn.Tanh, Bias: true, Feedback: nn.Fixed})
	pool := learn.NewPool(1)
	defer pool.Close()
	r := learn.NewPC(&energy.PC[float64]{Net: net}, learn.Inference[float64]{Coordinates: learn.Activities,
		Method:   func() infer.Method[float64] { return &infer.Euler[float64]{DT: 0.2} },
		Settings: infer.Settings{Tol: 1e-2}}, pool, 40)
	s := teach(r, batches, optim.NewSGD[float64](optim.Rate{LR: 0.25}, 0), 60)
	fmt.Printf("loss %.2f, %d of %d at a fixed point\n", s.Loss, s.Inference.Count[infer.Equilibrium], s.Inference.Samples)
	// Output: loss 0.01, 40 of 40 at a fixed point
}

// Unsupervised: three causes for every image, started by an amortiser; then the lower half of an image is recalled from the upper.
func ExampleGenerative() {
	set, batches, net := digits(3, 12, 20)
	pool := learn.NewPool(1)
	defer pool.Close()
	problem := &energy.PC[float64]{Net: net, Decay: []float64{0.1, 0, 0}}
	up := network(nn.Arch{Dims: []int{20, 12, 3}, Act: nn.Tanh, Bias: true})
	amortiser := learn.NewAmortiser(up, optim.NewAdam[float64](len(up.Theta()), optim.Rate{LR: 0.01}, 0))
	inf := learn.Inference[float64]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: 1e-3}}
	r := learn.NewGenerative(problem, inf, amortiser, pool, 40)
	opt := optim.NewAdam[float64](len(net.Theta()), optim.Rate{LR: 0.01}, 0)
	first := teach(r, batches, opt, 1)
	last := teach(r, batches, opt, 300)
	fmt.Printf("reconstruction error from %.2f to %.2f\n", first.MSE, last.MSE)
	fmt.Printf("F at the start over F at the end, %.1f with the amortiser as drawn, %.1f as trained\n",
		first.Inference.FStart/first.Inference.F, last.Inference.FStart/last.Inference.F)

	b := data.Fill(data.NewBatch[float64](set, 40), set, set.Test, 0, 40)
	known, want := make([]bool, 20), tensor.New[float64](40, 20)
	for k := range 10 {
		known[k] = true
	}
	want.CopyFrom(b.X)
	if _, err := learn.Complete(problem, b.X, known, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-3, MaxPasses: 1000}); err != nil {
		panic(err)
	}
	off, all := 0.0, 0.0
	for i := range 40 {
		for k := 10; k < 20; k++ {
			d := want.Row(i)[k] - b.X.Row(i)[k]
			off, all = off+d*d/400, all+want.Row(i)[k]*want.Row(i)[k]/400
		}
	}
	fmt.Printf("hidden half off by %.2f, of a variance of %.2f\n", off, all)
	// Output:
	// reconstruction error from 0.63 to 0.03
	// F at the start over F at the end, 1.5 with the amortiser as drawn, 1.1 as trained
	// hidden half off by 0.14, of a variance of 1.01
}

// A graph with a cycle: the image predicts a hidden node, which predicts itself, the image and the label. The label of a new image, and the
// lower half of one that is seen in part, are inferred alike.
func ExampleGraph() {
	set, batches, _ := digits(1, 1)
	net, err := nn.BuildGraph[float64](nn.Wiring{
		Nodes: []nn.Vertex{{Name: "image", N: set.Inputs}, {Name: "hidden", N: 12, Act: nn.Tanh, Bias: true}, {Name: "label", N: set.Classes}},
		Edges: []nn.Edge{{From: "image", To: "hidden"}, {From: "hidden", To: "hidden"}, {From: "hidden", To: "image"}, {From: "hidden", To: "label"}},
	})
	if err != nil {
		panic(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
	pool := learn.NewPool(1)
	defer pool.Close()
	problem := &energy.Graph[float64]{Net: net}
	settings := infer.Settings{Tol: 1e-3}
	r := learn.NewGraph(problem, learn.Nodes{X: net.Node("image"), Y: net.Node("label")}, learn.Inference[float64]{Coordinates: learn.Activities, Settings: settings}, pool, 40)
	teach(r, batches, optim.NewAdam[float64](len(net.Theta()), optim.Rate{LR: 0.01}, 0), 200)

	b := data.Fill(data.NewBatch[float64](set, 40), set, set.Test, 0, 40)
	seen := make([]bool, set.Inputs)
	for k := range seen {
		seen[k] = k < set.Inputs/2
	}
	for _, known := range [][][]bool{nil, {seen, nil, nil}} {
		x, _, err := learn.Query(problem, []tensor.Matrix[float64]{b.X, {}, {}}, known, &infer.Auto[float64]{}, settings)
		if err != nil {
			panic(err)
		}
		right, off := 0, 0.0
		for i, label := range b.Labels {
			y := x[net.Node("label")].Row(i)
			if slices.Index(y, slices.Max(y)) == int(label) {
				right++
			}
			for k, v := range x[net.Node("image")].Row(i) {
				d := v - b.X.Row(i)[k]
				off += d * d / float64(40*set.Inputs)
			}
		}
		fmt.Printf("%d of 40 labels, pixels off by %.2f, of a variance of 1\n", right, off)
	}
	// Output:
	// 40 of 40 labels, pixels off by 0.00, of a variance of 1
	// 40 of 40 labels, pixels off by 0.08, of a variance of 1
}
