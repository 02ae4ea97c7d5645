package learn_test

import (
	"context"
	"fmt"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
)

func ExamplePC() {
	set := data.Synthetic(1, 400, 4, 5, 4)
	batches, err := data.NewBatches[float32](set, 40, 1)
	if err != nil {
		panic(err)
	}
	net, err := nn.Build[float32](nn.Arch{Dims: []int{set.Inputs, 12, 12, set.Classes}, Act: nn.Tanh, Bias: true})
	if err != nil {
		panic(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)

	pool := learn.NewPool(2)
	defer pool.Close()
	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{Settings: infer.Settings{Tol: 1e-3}}, pool, 40)
	opt := optim.NewSGD[float32](optim.Rate{LR: 0.25}, 0)
	for step := range 31 {
		s, err := rule.Step(context.Background(), batches.Next(), opt)
		if err != nil {
			panic(err)
		}
		if step%10 == 0 {
			settled := s.Inference.Count[infer.Equilibrium]
			fmt.Printf("batch %2d: loss %.2f, F from %.2f to %.2f, %d of %d at equilibrium\n",
				step, s.Loss, s.Inference.FStart, s.Inference.F, settled, s.Inference.Samples)
		}
	}
	// Output:
	// batch  0: loss 0.64, F from 25.40 to 19.09, 40 of 40 at equilibrium
	// batch 10: loss 0.08, F from 3.12 to 1.95, 40 of 40 at equilibrium
	// batch 20: loss 0.02, F from 0.83 to 0.43, 40 of 40 at equilibrium
	// batch 30: loss 0.01, F from 0.50 to 0.26, 40 of 40 at equilibrium
}
