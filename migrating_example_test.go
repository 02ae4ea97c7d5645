package settle_test

import (
	"context"
	"fmt"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/theory"
	"github.com/settle-pc/settle/train"
)

// The code of docs/migrating-jpc.md and docs/migrating-pcx.md, which shows parts of these examples.

// must returns v where there is no error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// jpc.make_mlp, jpc.make_pc_step and jpc.test_discriminative_pc.
func Example_jpc() {
	ctx := context.Background()
	set := must(data.Open(mnist.FS(), "mnist"))

	net := must(nn.Build[float32](nn.Arch{Dims: []int{784, 300, 300, 10}, Act: nn.ReLU, Place: nn.Before}))
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 0)

	pool := learn.NewPool(2)
	defer pool.Close()
	heun := func() infer.Method[float32] { // a new one for each worker
		return &infer.RungeKutta[float32]{RTol: 1e-3, ATol: 1e-3, Until: 20, Scale: 1. / 64}
	}
	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{
		Coordinates: learn.Activities,
		Method:      heun,
		Settings:    infer.Settings{MaxPasses: 1e4, Patience: -1}, // nothing but the time ends it
	}, pool, 64)
	adam := optim.NewAdam[float32](len(net.Theta()), optim.Rate{LR: 1e-3}, 0)
	batches := must(data.NewBatches[float32](set, 64, 0))
	var stats learn.Stats
	for range 20 {
		stats = must(rule.Step(ctx, batches.Next(), adam))
	}

	score := train.Evaluate(net, pool, set, set.Test)
	fmt.Println("more than 80 % after 20 batches:", score.Accuracy > 0.8)

	fmt.Println(stats.Inference.Count[infer.PassLimit], "of 64 truncated, as they must be")
	// Output:
	// more than 80 % after 20 batches: true
	// 64 of 64 truncated, as they must be
}

// jpc.update_pc_activities by optax.sgd, and jpc.update_pc_params.
func Example_jpcDiscrete() {
	net, pool := chain(nn.Arch{Dims: []int{20, 12, 12, 4}, Act: nn.Tanh, Place: nn.Before})
	defer pool.Close()

	euler := func() infer.Method[float32] { return &infer.Euler[float32]{DT: 0.5 / 40} } // 0.5, divided by the batch
	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{
		Coordinates: learn.Activities,
		Method:      euler,
		Settings:    infer.Settings{MaxSteps: 20, Patience: -1},
	}, pool, 40)

	fmt.Printf("ρ = %.2f\n", once(rule).Residual())
	// Output: ρ = 0.70
}

// jpc.update_epc_errors.
func Example_jpcErrors() {
	net, pool := chain(nn.Arch{Dims: []int{20, 12, 12, 4}, Act: nn.Tanh, Place: nn.Before})
	defer pool.Close()

	euler := func() infer.Method[float32] { return &infer.Euler[float32]{DT: 0.1} }
	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{
		Coordinates: learn.Errors,
		Method:      euler,
		Settings:    infer.Settings{MaxSteps: 20, Patience: -1},
	}, pool, 40)

	fmt.Printf("ρ = %.2f\n", once(rule).Residual())
	// Output: ρ = 0.05
}

// What to ask for where no other library is repeated.
func Example_settled() {
	net, pool := chain(nn.Arch{Dims: []int{20, 12, 12, 4}, Act: nn.Tanh})
	defer pool.Close()

	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{
		Settings: infer.Settings{Gap: 0.01}, // until 1 % of the energy that inference takes away is left
	}, pool, 40)

	r := once(rule)
	fmt.Println(r.Count[infer.Gap]+r.Count[infer.Equilibrium], "of 40 settled")
	// Output: 40 of 40 settled
}

// jpc.make_mlp and jpc.make_skip_model with param_type="mupc".
func Example_jpcMuPC() {
	net := must(nn.Build[float32](nn.Arch{Dims: []int{784, 128, 128, 128, 10}, Act: nn.ReLU, Place: nn.Before,
		Residual: true, Param: nn.MuPC}))
	nn.Initialize(net, nn.Init{Kind: nn.Normal, Scale: 1}, 0)

	fmt.Println(net.L(), "layers")
	// Output: 4 layers
}

// jpc.make_hpc_step without an input.
func Example_jpcHybrid() {
	ctx := context.Background()
	set := data.Synthetic(1, 400, 4, 5, 4)
	batches := must(data.NewBatches[float32](set, 40, 1))
	pool := learn.NewPool(1)
	defer pool.Close()

	generator := must(nn.Build[float32](nn.Arch{Dims: []int{3, 12, 20}, Act: nn.Tanh, Bias: true}))
	amortiser := must(nn.Build[float32](nn.Arch{Dims: []int{20, 12, 3}, Act: nn.Tanh, Bias: true}))
	nn.Initialize(generator, nn.Init{Kind: nn.FanIn}, 0)
	nn.Initialize(amortiser, nn.Init{Kind: nn.FanIn}, 1)
	rule := learn.NewGenerative(&energy.PC[float32]{Net: generator, Decay: []float64{0.1, 0, 0}}, // a prior; JPC has none
		learn.Inference[float32]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: 1e-2}},
		learn.NewAmortiser(amortiser, optim.NewAdam[float32](len(amortiser.Theta()), optim.Rate{LR: 1e-2}, 0)), pool, 40)
	adam := optim.NewAdam[float32](len(generator.Theta()), optim.Rate{LR: 1e-2}, 0)
	stats := must(rule.Step(ctx, batches.Next(), adam)) // both learn; rule.Causes() is what was inferred

	for range 150 {
		stats = must(rule.Step(ctx, batches.Next(), adam))
	}
	fmt.Println("reconstructs with an MSE below 0.1:", stats.MSE < 0.1)
	// Output: reconstructs with an MSE below 0.1: true
}

// jpc.update_bpc_activities and jpc.update_bpc_params.
func Example_jpcBidirectional() {
	ctx := context.Background()
	set := data.Synthetic(1, 400, 4, 5, 4)
	batches := must(data.NewBatches[float32](set, 40, 1))

	down := must(nn.Build[float32](nn.Arch{Dims: []int{4, 12, 20}, Act: nn.Tanh, Place: nn.Before})) // labels to images
	up := must(nn.Build[float32](nn.Arch{Dims: []int{20, 12, 4}, Act: nn.Tanh, Place: nn.Before}))   // images to labels
	nn.Initialize(down, nn.Init{Kind: nn.FanIn}, 0)
	nn.Initialize(up, nn.Init{Kind: nn.FanIn}, 1)
	pool := learn.NewPool(2)
	defer pool.Close()
	rule := learn.NewBidirectional(&energy.PC[float32]{Net: up}, learn.Downward[float32]{
		Problem:   &energy.PC[float32]{Net: down, Precision: []float64{1e-3, 1e-3}},
		Optimizer: optim.NewAdam[float32](len(down.Theta()), optim.Rate{LR: 3e-3}, 0),
	},
		learn.Inference[float32]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: 1e-2}}, pool, 40)
	adam := optim.NewAdam[float32](len(up.Theta()), optim.Rate{LR: 3e-3}, 0)
	var stats learn.Stats
	for range 100 {
		stats = must(rule.Step(ctx, batches.Next(), adam)) // X are images, Y labels: both networks learn
	}

	fmt.Printf("accuracy above 0.9: %v, F falls: %v\n", train.Evaluate(up, pool, set, set.Test).Accuracy > 0.9, stats.Inference.F < stats.Inference.FStart)
	// Output: accuracy above 0.9: true, F falls: true
}

// jpc.linear_equilib_energy, jpc.compute_linear_activity_solution and jpc.update_linear_equilib_energy_params.
func Example_jpcLinear() {
	ctx := context.Background()
	arch := nn.Arch{Dims: []int{20, 12, 4}}
	net := must(nn.Build[float64](arch))
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 0)
	batch := must(data.NewBatches[float64](data.Synthetic(1, 400, 4, 5, 4), 40, 1)).Next()
	pool := learn.NewPool(1)
	defer pool.Close()

	rule := learn.NewPC(&energy.PC[float64]{Net: net}, learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-9}}, pool, 40)
	grad, stats, err := rule.Gradient(ctx, batch) // the default method solves linear networks exactly

	closed := must(must(theory.New(arch, net.Theta(), nil)).Closed())
	f, want := 0.0, make([]float64, len(grad))
	for i := range 40 {
		x, y := batch.X.Row(i), batch.Y.Row(i)
		f += closed.Energy(x, y)
		closed.ParamGradient(x, y, want) // adds; closed.Equilibrium(x, y) are the activities
	}

	far := 0.0
	for i, g := range grad {
		far = max(far, g-want[i]/40, want[i]/40-g)
	}
	fmt.Println(err, "same energy:", relative(stats.Inference.F, f) < 1e-9, "same gradient:", far < 1e-9)
	// Output: <nil> same energy: true same gradient: true
}

// PCX: activities by eight steps with momentum, weights by AdamW.
func Example_pcx() {
	ctx := context.Background()
	set := must(data.Open(mnist.FS(), "mnist"))
	set.Mean, set.Std = 0.5, 0.5 // inputs from −1 to 1

	net := must(nn.Build[float32](nn.Arch{Dims: []int{784, 128, 128, 128, 10}, Act: nn.GELU, Bias: true}))
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 0)

	pool := learn.NewPool(2)
	defer pool.Close()
	momentum := func() infer.Method[float32] { return &infer.Momentum[float32]{DT: 0.01, Mu: 0.65} }
	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{
		Coordinates: learn.Activities,
		Method:      momentum,
		Settings:    infer.Settings{MaxSteps: 8, Patience: -1},
	}, pool, 128)
	adamW := optim.NewAdamW[float32](len(net.Theta()), optim.Rate{LR: 3e-4, Schedule: optim.PCX(11700)}, 3.55e-4)
	batches := must(data.NewBatches[float32](set, 128, 0))
	for range 20 {
		must(rule.Step(ctx, batches.Next(), adamW))
	}

	score := train.Evaluate(net, pool, set, set.Test)
	fmt.Println("more than half after 20 batches:", score.Accuracy > 0.5)
	// Output: more than half after 20 batches: true
}

// PCX: pxc.ce_energy, nudging, and updates of the weights at every step.
func Example_pcxVariants() {
	net, pool := chain(nn.Arch{Dims: []int{20, 12, 12, 4}, Act: nn.GELU, Bias: true})
	defer pool.Close()
	inference := learn.Inference[float32]{Settings: infer.Settings{Gap: 0.01}}

	crossEntropy := learn.NewPC(&energy.PC[float32]{Net: net, Output: energy.CrossEntropy[float32]{}}, inference, pool, 40)
	nudged := learn.NewNudged(&energy.PC[float32]{Net: net}, inference, -0.1, pool, 40)
	centred := learn.NewCentred(&energy.PC[float32]{Net: net}, inference, 0.1, pool, 40) // both signs, averaged
	incremental := learn.NewIPC(&energy.PC[float32]{Net: net}, learn.Incremental{DT: 0.05, Steps: 8}, pool, 40)

	for _, rule := range []learn.Rule[float32]{crossEntropy, nudged, centred, incremental} {
		fmt.Println(once(rule).Samples, "inferences")
	}
	// Output:
	// 40 inferences
	// 40 inferences
	// 80 inferences
	// 40 inferences
}

// PCX: a generative network, whose first vode has no energy (pxc.zero_energy), and a memory that completes.
func Example_pcxMemory() {
	ctx := context.Background()
	set := data.Synthetic(1, 400, 4, 5, 4)
	batches := must(data.NewBatches[float64](set, 40, 1))
	net := must(nn.Build[float64](nn.Arch{Dims: []int{3, 12, 20}, Act: nn.Tanh, Bias: true}))
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
	pool := learn.NewPool(1)
	defer pool.Close()

	problem := &energy.PC[float64]{Net: net, Decay: []float64{0.1, 0, 0}} // a prior of the causes
	rule := learn.NewGenerative(problem, learn.Inference[float64]{Coordinates: learn.Activities,
		Settings: infer.Settings{Tol: 1e-3}}, nil, pool, 40)
	adam := optim.NewAdam[float64](len(net.Theta()), optim.Rate{LR: 0.01}, 0)
	for range 100 {
		must(rule.Step(ctx, batches.Next(), adam))
	}

	image := tensor.New[float64](1, 20)
	copy(image.Row(0), batches.Next().X.Row(0))
	known := make([]bool, 20)
	for i := range 10 {
		known[i] = true
	}
	r := must(learn.Complete(problem, image, known, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-3, MaxPasses: 1e4}))

	fmt.Println(r.Count[infer.Equilibrium], "completed")
	// Output: 1 completed
}

// chain returns a network and a worker.
func chain(a nn.Arch) (*nn.Network[float32], *learn.Pool) {
	net := must(nn.Build[float32](a))
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
	return net, learn.NewPool(1)
}

// once takes one step on a small set and returns the outcome of inference.
func once(r learn.Rule[float32]) infer.Result {
	batches := must(data.NewBatches[float32](data.Synthetic(1, 400, 4, 5, 4), 40, 1))
	return must(r.Step(context.Background(), batches.Next(), optim.NewSGD[float32](optim.Rate{LR: 0.1}, 0))).Inference
}

// relative is how far a is from b.
func relative(a, b float64) float64 { return max(a-b, b-a) / b }
