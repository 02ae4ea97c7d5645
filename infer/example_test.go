package infer_test

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// The toy f(x) = w₂w₁x settles at z* = (w₁x + w₂y)/(1 + w₂²), where F* = 𝓛/(1 + w₂²).
func ExampleSolve() {
	net, err := nn.Build[float64](nn.Arch{Dims: []int{1, 1, 1}})
	if err != nil {
		panic(err)
	}
	net.Update(func(theta []float64) { theta[0], theta[1] = 0.3, -0.7 })
	state := (&energy.PC[float64]{Net: net}).NewState(1)
	state.Clamp(0, tensor.Of(1, 1, []float64{1.3})) // x
	state.Clamp(2, tensor.Of(1, 1, []float64{0.9})) // y

	// The dynamics of the post: gradient descent on the activities, here until ρ ≤ 1e-6.
	f := state.Activities()
	w := infer.NewWork[float64](1, f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve(f, w, &infer.Euler[float64]{DT: 0.1}, infer.Settings{Tol: 1e-6, MaxPasses: 1000})
	if err != nil {
		panic(err)
	}
	fmt.Printf("euler: %v, z = %.4f, F from %.4f to %.4f in %.0f passes\n", w.Status[0], w.Z.Row(0)[0], r.FStart, r.F, r.Passes)

	// The same minimum in errors, by the default method.
	e := state.Errors()
	e.Start(w.Z)
	r, err = infer.Solve(e, w, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-6})
	if err != nil {
		panic(err)
	}
	fmt.Printf("auto:  %v, z = %.4f, F from %.4f to %.4f in %.0f passes\n", w.Status[0], state.Trace.Z[1].Row(0)[0], r.FStart, r.F, r.Passes)
	// Output:
	// euler: equilibrium, z = -0.1611, F from 0.6880 to 0.4617 in 174 passes
	// auto:  equilibrium, z = -0.1611, F from 0.6880 to 0.4617 in 5 passes
}

// Monte-Carlo predictive coding: the activity of the toy is drawn from its posterior, normal around z* with variance 1/(1 + w₂²).
func ExampleLangevin() {
	net, err := nn.Build[float64](nn.Arch{Dims: []int{1, 1, 1}})
	if err != nil {
		panic(err)
	}
	net.Update(func(theta []float64) { theta[0], theta[1] = 0.3, -0.7 })
	const rows = 4000 // chains beside each other
	x, y := tensor.New[float64](rows, 1), tensor.New[float64](rows, 1)
	for i := range rows {
		x.Data[i], y.Data[i] = 1.3, 0.9
	}
	state := (&energy.PC[float64]{Net: net}).NewState(rows)
	state.Clamp(0, x)
	state.Clamp(2, y)
	f, w := state.Activities(), infer.NewWork[float64](rows, 1)
	f.Start(w.Z)
	s := infer.Settings{MaxSteps: 200, Patience: -1, Diverge: math.Inf(1)}
	if _, err := infer.Solve[float64](f, w, &infer.Langevin[float64]{DT: 0.05, Seed: 1}, s); err != nil {
		panic(err)
	}
	mean, variance := 0.0, 0.0
	for _, z := range w.Z.Data {
		mean += z / rows
	}
	for _, z := range w.Z.Data {
		variance += (z - mean) * (z - mean) / rows
	}
	fmt.Printf("mean %.1f (exact %.1f), variance %.1f (exact %.1f)\n", mean, -0.1611, variance, 1/(1+0.49))
	// Output: mean -0.2 (exact -0.2), variance 0.7 (exact 0.7)
}

// What is known of the input is held; the rest of it is inferred.
func ExampleHold() {
	net, err := nn.Build[float64](nn.Arch{Dims: []int{2, 1}})
	if err != nil {
		panic(err)
	}
	net.Update(func(theta []float64) { theta[0], theta[1] = 1, 2 }) // y = x₁ + 2x₂
	state := (&energy.PC[float64]{Net: net, Clamped: []int{1}}).NewState(1)
	state.Clamp(1, tensor.Of(1, 1, []float64{7}))
	f := infer.NewHold[float64](state.Activities(), []bool{true, false})
	w := infer.NewWork[float64](1, 2)
	w.Z.Row(0)[0] = 1 // x₁, known
	if _, err := infer.Solve[float64](f, w, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-6}); err != nil {
		panic(err)
	}
	fmt.Printf("x = %.3f\n", w.Z.Row(0))
	// Output: x = [1.000 3.000]
}
