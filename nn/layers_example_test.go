package nn_test

import (
	"fmt"
	"slices"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// predict returns what a network of the layers, with the parameters theta, makes of a row.
func predict(theta, z []float64, layers ...nn.Layer[float64]) []float64 {
	net := nn.New(layers...)
	net.Update(func(t []float64) { copy(t, theta) })
	trace := nn.NewTrace(net, 1)
	trace.Z[0] = tensor.Of(1, len(z), z)
	trace.Feedforward()
	return trace.Z[len(layers)].Row(0)
}

// The activation stands after the weights, or before them.
func ExampleNewDense() {
	theta := []float64{1, -1, 2, 2} // W, out×in
	z := []float64{3, -5}
	fmt.Println("after: ", predict(theta, z, nn.NewDense[float64](2, 2, nn.ReLU, nn.After, false)))
	fmt.Println("before:", predict(theta, z, nn.NewDense[float64](2, 2, nn.ReLU, nn.Before, false)))
	// Output:
	// after:  [8 0]
	// before: [3 6]
}

// An image of one channel, 3×3 pixels: every pixel less its neighbour on the right.
func ExampleNewConv2D() {
	image := nn.Image{C: 1, H: 3, W: 3}
	conv := nn.NewConv2D[float64](image, 1, nn.Kernel{Size: 2, Stride: 1}, false)
	fmt.Println(image, "to", conv.Out())
	fmt.Println(predict([]float64{1, -1, 0, 0}, []float64{
		1, 2, 4,
		5, 5, 9,
		0, 3, 1,
	}, conv))
	// Output:
	// 1x3x3 to 1x2x2
	// [-1 -2 0 -4]
}

// The largest of each window; rows and columns that fill no window are left out.
func ExampleNewMaxPool() {
	image := nn.Image{C: 1, H: 2, W: 5}
	fmt.Println(predict(nil, []float64{
		1, 2, 4, 0, 7,
		5, 3, 1, 2, 7,
	}, nn.NewMaxPool[float64](image, 2, 2)))
	// Output: [5 4]
}

// The mean of each window.
func ExampleNewAvgPool() {
	image := nn.Image{C: 1, H: 2, W: 4}
	fmt.Println(predict(nil, []float64{
		1, 3, 4, 0,
		5, 3, 2, 2,
	}, nn.NewAvgPool[float64](image, 2, 2)))
	// Output: [3 2]
}

// Two groups of three units, each brought to mean 0 and variance 1; gain and shift are shared.
func ExampleNewLayerNorm() {
	theta := []float64{1, 1, 1, 0, 0, 10} // gain, then shift
	fmt.Printf("%.2f\n", predict(theta, []float64{1, 2, 3, 10, 10, 40}, nn.NewLayerNorm[float64](2, 3)))
	// Output: [-1.22 0.00 11.22 -0.71 -0.71 11.41]
}

// What is dropped is drawn once, for an inference and the learning after it; without a draw nothing is.
func ExampleNewDropout() {
	net := nn.New[float64](nn.NewDropout[float64](8, 0.5))
	trace := nn.NewTrace(net, 1)
	trace.Z[0] = tensor.Of(1, 8, []float64{1, 1, 1, 1, 1, 1, 1, 1})
	trace.Feedforward()
	fmt.Println(trace.Z[1].Row(0))
	trace.Draw(2)
	trace.Feedforward()
	first := slices.Clone(trace.Z[1].Row(0))
	trace.Feedforward()
	fmt.Println("again the same:", slices.Equal(first, trace.Z[1].Row(0)))
	for _, v := range first {
		if v != 0 && v != 2 {
			fmt.Println("neither dropped nor doubled:", v)
		}
	}
	// Output:
	// [1 1 1 1 1 1 1 1]
	// again the same: true
}

// Two tokens of one unit that look at each other: with Wq = 0 all keys count the same, and both become the mean of the values.
func ExampleNewAttention() {
	theta := []float64{0, 1, 1, 2} // Wq, Wk, Wv, Wo
	fmt.Println(predict(theta, []float64{1, 3}, nn.NewAttention[float64](2, 1, 1)))
	// Output: [4 4]
}

// An activation alone is a part of a Seq, which predicts as one layer: here a convolution, its activation and pooling.
func ExampleNewSeq() {
	image := nn.Image{C: 1, H: 3, W: 3}
	conv := nn.NewConv2D[float64](image, 1, nn.Kernel{Size: 2, Stride: 1}, true)
	seq := nn.NewSeq[float64](conv, nn.NewAct[float64](conv.Out().Len(), nn.ReLU), nn.NewMaxPool[float64](conv.Out(), 2, 2))
	fmt.Println(predict([]float64{1, -1, 0, 0, 3}, []float64{1, 2, 4, 5, 5, 9, 0, 3, 1}, seq))
	for _, p := range seq.Params() {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// [3]
	// W [1 2 2 1]
	// b [1]
}

// A skip connection: g(z) = z + h(z).
func ExampleNewResidual() {
	h := nn.NewDense[float64](2, 2, nn.Tanh, nn.After, false)
	fmt.Printf("%.2f\n", predict([]float64{0, 1, 1, 0}, []float64{0.5, -1}, nn.NewResidual[float64](h)))
	// Output: [-0.26 -0.54]
}

// A layer times a constant, as parameterisations scale predictions.
func ExampleNewScaled() {
	h := nn.NewDense[float64](2, 1, nn.Linear, nn.After, false)
	fmt.Println(predict([]float64{1, 1}, []float64{3, 5}, nn.NewScaled[float64](h, 0.5)))
	// Output: [4]
}

// Errors come back by B, not by the transpose of W.
func ExampleNewFeedback() {
	layer := nn.NewFeedback(nn.NewDense[float64](2, 1, nn.Linear, nn.After, false), false)
	net := nn.New[float64](layer)
	net.Update(func(theta []float64) { copy(theta, []float64{1, 2}) })
	layer.SetB([]float64{3, -1})
	trace := nn.NewTrace(net, 1)
	trace.Z[0] = tensor.Of(1, 2, []float64{1, 1})
	trace.Feedforward()
	back := tensor.New[float64](1, 2)
	trace.Pull(1, back, tensor.Of(1, 1, []float64{1}))
	fmt.Println("forward", trace.Z[1].Row(0), "back", back.Row(0))
	// Output: forward [3] back [3 -1]
}

// What the parameterisations predict in a residual network of four layers, from weights that are all 1.
func ExampleParameterisation() {
	for _, param := range []nn.Parameterisation{nn.Standard, nn.NTK, nn.MuPC} {
		net, err := nn.Build[float64](nn.Arch{Dims: []int{16, 4, 4, 4, 1}, Place: nn.Before, Residual: true, Param: param})
		if err != nil {
			panic(err)
		}
		net.Update(func(theta []float64) {
			for i := range theta {
				theta[i] = 1
			}
		})
		trace := nn.NewTrace(net, 1)
		trace.Z[0] = tensor.Of(1, 16, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		trace.Feedforward()
		fmt.Printf("%-8v", param)
		for l := 1; l <= 4; l++ {
			fmt.Printf("%8.3f", trace.Z[l].Row(0)[0])
		}
		fmt.Println()
	}
	// Output:
	// standard   1.000   5.000  25.000 100.000
	// ntk        0.250   0.750   2.250   4.500
	// mupc       0.250   0.500   1.000   1.000
}

// The sizes of initial weights from 100 units to 50.
func ExampleInitialize() {
	net, err := nn.Build[float64](nn.Arch{Dims: []int{100, 50}})
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"fanin", "xavier", "he", "orthogonal", "normal:0.05"} {
		init, err := nn.ParseInit(name)
		if err != nil {
			panic(err)
		}
		nn.Initialize(net, init, 1)
		sum := 0.0
		for _, w := range net.Theta() {
			sum += w * w
		}
		fmt.Printf("%-12s mean square %.4f\n", init, sum/5000)
	}
	// Output:
	// fanin        mean square 0.0033
	// xavier       mean square 0.0134
	// he           mean square 0.0200
	// orthogonal   mean square 0.0100
	// normal:0.05  mean square 0.0025
}

// All activations at −2, −0.5, 0.5 and 2.
func ExampleParseActivation() {
	for _, name := range nn.Activations() {
		act, err := nn.ParseActivation(name)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-10s %6.3f\n", name, predict(nil, []float64{-2, -0.5, 0.5, 2}, nn.NewAct[float64](4, act)))
	}
	// Output:
	// linear     [-2.000 -0.500  0.500  2.000]
	// tanh       [-0.964 -0.462  0.462  0.964]
	// relu       [ 0.000  0.000  0.500  2.000]
	// leaky_relu [-0.020 -0.005  0.500  2.000]
	// sigmoid    [ 0.119  0.378  0.622  0.881]
	// gelu       [-0.046 -0.154  0.346  1.954]
	// silu       [-0.238 -0.189  0.311  1.762]
	// hard_tanh  [-1.000 -0.500  0.500  1.000]
}
