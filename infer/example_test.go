package infer_test

import (
	"fmt"

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
