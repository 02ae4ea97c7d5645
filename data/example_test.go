package data_test

import (
	"fmt"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
)

func ExampleBatches() {
	set, err := data.Open(mnist.FS(), "mnist")
	if err != nil {
		panic(err)
	}
	batches, err := data.NewBatches[float32](set, 64, 0) // seed 0
	if err != nil {
		panic(err)
	}
	b := batches.Next()
	fmt.Printf("%d images of %d×%d, mean %v\n", set.Train.N(), set.Rows, set.Cols, set.Mean)
	fmt.Printf("X %d×%d, Y %d×%d, %d batches an epoch\n", b.X.Rows, b.X.Cols, b.Y.Rows, b.Y.Cols, batches.PerEpoch())
	// Output:
	// 60000 images of 28×28, mean 0.1307
	// X 64×784, Y 64×10, 937 batches an epoch
}
