package energy_test

import (
	"fmt"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// chain returns the linear network f(x) = w_L ⋯ w_1 x of single units.
func chain(w ...float64) *nn.Network[float64] {
	dims := make([]int, len(w)+1)
	for i := range dims {
		dims[i] = 1
	}
	net, err := nn.Build[float64](nn.Arch{Dims: dims})
	if err != nil {
		panic(err)
	}
	net.Update(func(theta []float64) { copy(theta, w) })
	return net
}

// settle infers with the given layers at the given values and returns all activities.
func settle(pc *energy.PC[float64], given map[int]float64) []float64 {
	s := pc.NewState(1)
	for l, v := range given {
		s.Clamp(l, tensor.Of(1, 1, []float64{v}))
	}
	f := s.Activities()
	w := infer.NewWork[float64](1, f.Dim())
	f.Start(w.Z)
	if _, err := infer.Solve[float64](f, w, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-9, MaxPasses: 1000}); err != nil {
		panic(err)
	}
	z := make([]float64, len(s.Trace.Z))
	for l := range z {
		z[l] = s.Trace.Z[l].Row(0)[0]
	}
	return z
}

// A precise layer has the smaller error: z is pulled to w₁x = 1, or to y = 3.
func ExamplePC_precision() {
	for _, pi := range [][]float64{nil, {9, 1}, {1, 9}} {
		z := settle(&energy.PC[float64]{Net: chain(1, 1), Precision: pi}, map[int]float64{0: 1, 2: 3})
		fmt.Printf("π = %v: z = %.2f\n", pi, z[1])
	}
	// Output:
	// π = []: z = 2.00
	// π = [9 1]: z = 1.20
	// π = [1 9]: z = 2.80
}

// Which layers are given says what inference is for: training, prediction, generation, or anything between.
func ExamplePC_clamped() {
	net := chain(2, 3)
	fmt.Printf("%.2f\n", settle(&energy.PC[float64]{Net: net, Clamped: []int{0}}, map[int]float64{0: 1}))
	fmt.Printf("%.2f\n", settle(&energy.PC[float64]{Net: net, Clamped: []int{2}}, map[int]float64{2: 12}))
	fmt.Printf("%.2f\n", settle(&energy.PC[float64]{Net: net, Clamped: []int{0, 1}}, map[int]float64{0: 1, 1: 5}))
	// Output:
	// [1.00 2.00 6.00]
	// [2.00 4.00 12.00]
	// [1.00 5.00 15.00]
}

// A prior keeps the causes of a generative network small.
func ExamplePC_decay() {
	net := chain(1)
	for _, lambda := range []float64{0, 1, 3} {
		z := settle(&energy.PC[float64]{Net: net, Clamped: []int{1}, Decay: []float64{lambda, 0}}, map[int]float64{1: 8})
		fmt.Printf("λ = %v: z = %.2f\n", lambda, z[0])
	}
	// Output:
	// λ = 0: z = 8.00
	// λ = 1: z = 4.00
	// λ = 3: z = 2.00
}

// The term of squared error, with its half.
func ExampleSquaredError() {
	var out energy.SquaredError[float64]
	yhat, y := tensor.Of(1, 2, []float64{0, 2}), tensor.Of(1, 2, []float64{1, 1})
	f, r := []float64{0}, tensor.New[float64](1, 2)
	out.Residual(f, r, y, yhat, 1)
	fmt.Printf("F = %v, r = %v\n", f[0], r.Row(0))
	// Output: F = 1, r = [1 -1]
}

// The same activities as a point in errors, where the energy is the same and its gradient another.
func ExampleErrors() {
	s := (&energy.PC[float64]{Net: chain(2, 3, 1)}).NewState(1)
	s.Clamp(0, tensor.Of(1, 1, []float64{1}))
	s.Clamp(3, tensor.Of(1, 1, []float64{5}))
	z := []tensor.Matrix[float64]{{}, tensor.Of(1, 1, []float64{1.5}), tensor.Of(1, 1, []float64{4}), {}}
	f, point, grad := []float64{0}, tensor.New[float64](1, 2), tensor.New[float64](1, 2)

	inZ := s.Activities()
	inZ.Place(point, z)
	inZ.Eval(f, grad, point)
	fmt.Printf("z = %v: F = %v, ∂F/∂z = %v\n", point.Row(0), f[0], grad.Row(0))

	inE := s.Errors()
	inE.Place(point, z)
	inE.Eval(f, grad, point)
	fmt.Printf("e = %v: F = %v, ∂F/∂e = %v\n", point.Row(0), f[0], grad.Row(0))
	// Output:
	// z = [1.5 4]: F = 0.75, ∂F/∂z = [1 -1.5]
	// e = [-0.5 -0.5]: F = 0.75, ∂F/∂e = [-3.5 -1.5]
}

// Where the energy of a batch lies, layer by layer.
func ExampleState_Layers() {
	s := (&energy.PC[float64]{Net: chain(1, 1, 1)}).NewState(1)
	s.Clamp(0, tensor.Of(1, 1, []float64{0}))
	s.Clamp(3, tensor.Of(1, 1, []float64{3}))
	f := s.Activities()
	f.Eval([]float64{0}, tensor.New[float64](1, 2), tensor.Of(1, 2, []float64{1, 1}))
	var d energy.Layers
	s.Layers(&d)
	fmt.Println("energy", d.Energy, "residual", d.Residual)
	// Output: energy [0.5 0 2] residual [1 4 0]
}
