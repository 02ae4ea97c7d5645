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

// A set of one's own: images of 1×2 pixels in red, green and blue, two for training and one for the test.
func ExampleNew() {
	train := data.Split{Images: []byte{255, 0, 0, 250, 5, 0, 0, 0, 255, 9, 0, 240}, Labels: []uint8{0, 1}}
	test := data.Split{Images: []byte{245, 0, 0, 255, 0, 9}, Labels: []uint8{0}}
	set, err := data.New("tones", data.Size{Rows: 1, Cols: 2, Channels: 3}, train, test)
	if err != nil {
		panic(err)
	}
	fmt.Println(set.Inputs, "inputs,", set.Classes, "classes")
	fmt.Println("second training image:", set.Train.Image(1))
	// Output:
	// 6 inputs, 2 classes
	// second training image: [0 0 255 9 0 240]
}
