package optim_test

import (
	"fmt"

	"github.com/settle-pc/settle/optim"
)

// descend takes three steps along the gradient 1 from θ = 1 and prints where they lead.
func descend(o optim.Optimizer[float64]) {
	theta, grad := []float64{1}, []float64{1}
	fmt.Print("θ")
	for range 3 {
		o.Advance()
		o.Apply(theta, grad, 0)
		fmt.Printf("%8.4f", theta[0])
	}
	fmt.Println()
}

// Gradient descent, without and with weight decay.
func ExampleNewSGD() {
	descend(optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0))
	descend(optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0.5))
	// Output:
	// θ  0.9000  0.8000  0.7000
	// θ  0.8500  0.7075  0.5721
}

// The heavy ball.
func ExampleNewMomentum() {
	descend(optim.NewMomentum[float64](1, optim.Rate{LR: 0.1}, 0.9, 0))
	// Output: θ  0.9000  0.7100  0.4390
}

// Nesterov's momentum.
func ExampleNewNesterov() {
	descend(optim.NewNesterov[float64](1, optim.Rate{LR: 0.1}, 0.9, 0))
	// Output: θ  0.8100  0.5390  0.1951
}

// Adam adds weight decay to the gradient, and divides most of it out again.
func ExampleNewAdam() {
	descend(optim.NewAdam[float64](1, optim.Rate{LR: 0.1}, 0))
	descend(optim.NewAdam[float64](1, optim.Rate{LR: 0.1}, 0.5))
	// Output:
	// θ  0.9000  0.8000  0.7000
	// θ  0.9000  0.8001  0.7004
}

// AdamW takes weight decay from the weights apart from that.
func ExampleNewAdamW() {
	descend(optim.NewAdamW[float64](1, optim.Rate{LR: 0.1}, 0.5))
	// Output: θ  0.8500  0.7075  0.5721
}

// The schedules over ten steps.
func ExampleSchedule() {
	for _, s := range []optim.Schedule{optim.Constant{}, optim.Cosine{Total: 10}, optim.WarmupCosine{Warmup: 4, Total: 10}, optim.PCX(10)} {
		fmt.Print("lr ×")
		for t := range 10 {
			fmt.Printf("%6.2f", s.At(t))
		}
		fmt.Println()
	}
	// Output:
	// lr ×  1.00  1.00  1.00  1.00  1.00  1.00  1.00  1.00  1.00  1.00
	// lr ×  1.00  0.98  0.90  0.79  0.65  0.50  0.35  0.21  0.10  0.02
	// lr ×  0.20  0.40  0.60  0.80  1.00  0.93  0.75  0.50  0.25  0.07
	// lr ×  1.00  1.10  1.07  0.98  0.85  0.69  0.51  0.35  0.22  0.13
}
