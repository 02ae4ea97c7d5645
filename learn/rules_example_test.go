package learn_test

import (
	"context"
	"fmt"
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// toy returns f(x) = w₂w₁x with w = (0.3, −0.7), and one sample, x = 1.3 and y = 0.9.
func toy() (*nn.Network[float64], data.Batch[float64]) {
	net := network(nn.Arch{Dims: []int{1, 1, 1}})
	net.Update(func(theta []float64) { theta[0], theta[1] = 0.3, -0.7 })
	return net, data.Batch[float64]{X: tensor.Of(1, 1, []float64{1.3}), Y: tensor.Of(1, 1, []float64{0.9}), Labels: make([]uint8, 1), Index: make([]int, 1)}
}

// grad returns a rule's learning gradient.
func grad(r graded[float64], b data.Batch[float64]) []float64 {
	g, _, err := r.Gradient(context.Background(), b)
	if err != nil {
		panic(err)
	}
	return g
}

// closely settles until nothing moves any more.
func closely() learn.Inference[float64] {
	return learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-9}}
}

// Backpropagation of half the squared error: ∂𝓛/∂w = −(y − w₂w₁x)·(w₂x, w₁x).
func ExampleBP() {
	net, b := toy()
	pool := learn.NewPool(1)
	defer pool.Close()
	fmt.Printf("%.4f\n", grad(learn.NewBP(net, pool, 1), b))
	// Output: [1.0674 -0.4575]
}

// Backpropagation of another loss.
func ExampleNewLossBP() {
	_, batches, net := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	r := learn.NewLossBP(net, energy.CrossEntropy[float64]{}, pool, 40)
	s := teach(r, batches, optim.NewSGD[float64](optim.Rate{LR: 1}, 0), 12)
	fmt.Printf("cross-entropy %.2f\n", s.Loss)
	// Output: cross-entropy 0.04
}

// The gradient of the equilibrated energy: of the toy, F* = 𝓛/(1 + w₂²).
func ExampleNewPC() {
	net, b := toy()
	pool := learn.NewPool(1)
	defer pool.Close()
	fmt.Printf("%.4f\n", grad(learn.NewPC(&energy.PC[float64]{Net: net}, closely(), pool, 1), b))
	// Output: [0.7164 0.1268]
}

// PC's errors with the activities of the feedforward pass: of the toy, BP's gradient divided by 1 + w₂².
func ExampleFeedforwardPC() {
	net, b := toy()
	pool := learn.NewPool(1)
	defer pool.Close()
	fmt.Printf("%.4f\n", grad(learn.NewFeedforwardPC(&energy.PC[float64]{Net: net}, closely(), pool, 1), b))
	// Output: [0.7164 -0.3070]
}

// BP with S⁻¹r for the residual r: in linear networks the same, without any inference.
func ExampleCurvedBP() {
	net, b := toy()
	pool := learn.NewPool(1)
	defer pool.Close()
	fmt.Printf("%.4f\n", grad(learn.NewCurvedBP(net, pool, 1), b))
	// Output: [0.7164 -0.3070]
}

// BP's direction in every layer with PC's size.
func ExampleMatchedBP() {
	_, batches, net := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	b, problem := batches.Next(), &energy.PC[float64]{Net: net}
	pc := grad(learn.NewPC(problem, closely(), pool, 40), b)
	matched := grad(learn.NewMatchedBP(problem, closely(), pool, 40), b)
	norm := func(v []float64) (s float64) {
		for _, x := range v {
			s += x * x
		}
		return math.Sqrt(s)
	}
	for l := 1; l <= net.L(); l++ {
		fmt.Printf("layer %d: %.4f and %.4f\n", l, norm(net.Of(l, pc)), norm(net.Of(l, matched)))
	}
	// Output:
	// layer 1: 0.8706 and 0.8706
	// layer 2: 0.7148 and 0.7148
}

// Incremental PC: the weights move at each of ten steps of the activities.
func ExampleIPC() {
	_, batches, net := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	r := learn.NewIPC(&energy.PC[float64]{Net: net}, learn.Incremental{DT: 0.2, Steps: 10}, pool, 40)
	opt := optim.NewSGD[float64](optim.Rate{LR: 0.05}, 0)
	first := teach(r, batches, opt, 1)
	last := teach(r, batches, opt, 40)
	fmt.Printf("loss from %.2f to %.2f, %d of %d truncated\n", first.Loss, last.Loss, last.Inference.Count[infer.PassLimit], last.Inference.Samples)
	// Output: loss from 0.56 to 0.01, 40 of 40 truncated
}

// Nudging by less and less comes to the gradient of CurvedBP.
func ExampleNewNudged() {
	_, batches, net := digits(20, 12, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	b := batches.Next()
	want := grad(learn.NewCurvedBP(net, pool, 40), b)
	for _, beta := range []float64{1, 0.1, 0.01} {
		far, all := 0.0, 0.0
		for i, g := range grad(learn.NewNudged(&energy.PC[float64]{Net: net}, closely(), beta, pool, 40), b) {
			far, all = far+(g-want[i])*(g-want[i]), all+want[i]*want[i]
		}
		fmt.Printf("β = %.2f: off by %.1e\n", beta, math.Sqrt(far/all))
	}
	// Output:
	// β = 1.00: off by 3.0e-01
	// β = 0.10: off by 3.0e-02
	// β = 0.01: off by 3.0e-03
}

// What a generative network would have made a pattern of: of one linear layer, ridge regression.
func ExampleCauses() {
	net := network(nn.Arch{Dims: []int{1, 2}})
	net.Update(func(theta []float64) { theta[0], theta[1] = 1, 2 })
	problem := &energy.PC[float64]{Net: net, Decay: []float64{0.5, 0}}
	z, r, err := learn.Causes(problem, tensor.Of(1, 2, []float64{1, 2}), &infer.Auto[float64]{}, infer.Settings{Tol: 1e-9})
	if err != nil {
		panic(err)
	}
	fmt.Printf("z = %.4f = wᵀy/(wᵀw + λ), %d at equilibrium\n", z.Row(0), r.Count[infer.Equilibrium])
	// Output: z = [0.9091] = wᵀy/(wᵀw + λ), 1 at equilibrium
}

// Two networks over the same activities: one learns to tell digits apart, the other to draw them from their labels.
func ExampleNewBidirectional() {
	_, batches, up := digits(20, 12, 4)
	pool := learn.NewPool(1)
	defer pool.Close()
	down := network(nn.Arch{Dims: []int{4, 12, 20}, Act: nn.Tanh, Bias: true})
	adam := func(net *nn.Network[float64]) optim.Optimizer[float64] {
		return optim.NewAdam[float64](len(net.Theta()), optim.Rate{LR: 0.01}, 0)
	}
	inf := closely()
	inf.Coordinates = learn.Activities
	r := learn.NewBidirectional(&energy.PC[float64]{Net: up},
		learn.Downward[float64]{Problem: &energy.PC[float64]{Net: down, Precision: []float64{0.1, 0.1}}, Optimizer: adam(down)}, inf, pool, 40)
	opt := adam(up)
	first := teach(r, batches, opt, 1)
	last := teach(r, batches, opt, 100)
	fmt.Printf("loss of the way up from %.2f to %.2f\n", first.Loss, last.Loss)
	// Output: loss of the way up from 0.56 to 0.01
}

// A bottom-up network learns where inference ends, which is where it begins the next time.
func ExampleAmortiser() {
	_, batches, net := digits(3, 20)
	pool := learn.NewPool(1)
	defer pool.Close()
	up := network(nn.Arch{Dims: []int{20, 3}, Bias: true})
	amortiser := learn.NewAmortiser(up, optim.NewAdam[float64](len(up.Theta()), optim.Rate{LR: 0.1}, 0))
	r := learn.NewGenerative(&energy.PC[float64]{Net: net, Decay: []float64{0.1, 0}}, closely(), amortiser, pool, 40)
	still := optim.NewSGD[float64](optim.Rate{LR: 0}, 0) // the network itself stays
	first := teach(r, batches, still, 1)
	last := teach(r, batches, still, 60)
	fmt.Printf("F to go: %.1f %%, then %.1f %%\n", 100*(first.Inference.FStart/first.Inference.F-1), 100*(last.Inference.FStart/last.Inference.F-1))
	// Output: F to go: 16.9 %, then 0.1 %
}

// Methods have names, which the coordinates allow or not.
func ExampleNewMethod() {
	method, err := learn.NewMethod[float64]("momentum", learn.Activities, learn.Tuning{DT: 0.05, Mu: 0.65})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%T\n", method())
	_, err = learn.NewMethod[float64]("exact", learn.Activities, learn.Tuning{})
	fmt.Println(err)
	// Output:
	// *infer.Momentum[float64]
	// "exact" in activities: it needs error coordinates; want one of auto, bb, euler, momentum, nesterov, langevin, heun, bosh, dopri, heun-adaptive, dopri-adaptive
}
