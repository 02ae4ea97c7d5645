package settle_test

import (
	"context"
	"fmt"
	"log"
	"runtime"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/train"
)

// Train a predictive-coding network on MNIST, at a 1 % energy gap in every batch.
func Example() {
	set, err := data.Open(mnist.FS(), "mnist")
	if err != nil {
		log.Fatal(err)
	}
	net, err := nn.Build[float32](nn.Arch{Dims: []int{784, 128, 128, 10}, Act: nn.ReLU})
	if err != nil {
		log.Fatal(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 0)
	pool := learn.NewPool(runtime.NumCPU())
	defer pool.Close()
	pc := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{Settings: infer.Settings{Gap: 0.01}}, pool, 64)
	adam := optim.NewAdam[float32](len(net.Theta()), optim.Rate{LR: 0.001}, 0)
	batches, err := data.NewBatches[float32](set, 64, 0)
	if err != nil {
		log.Fatal(err)
	}
	for range 300 {
		if _, err := pc.Step(context.Background(), batches.Next(), adam); err != nil {
			log.Fatal(err)
		}
	}
	test := train.Evaluate(net, pool, set, set.Test)
	fmt.Println("more than 92 % of the test digits:", test.Accuracy > 0.92)
	// Output: more than 92 % of the test digits: true
}
