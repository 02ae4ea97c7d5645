package infer_test

import (
	"fmt"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// three returns the state of three samples in a network of three layers, input and target clamped.
func three(act nn.Activation) *energy.State[float64] {
	net, err := nn.Build[float64](nn.Arch{Dims: []int{4, 6, 6, 2}, Act: act, Bias: true})
	if err != nil {
		panic(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.Xavier}, 1)
	s := (&energy.PC[float64]{Net: net}).NewState(3)
	s.Clamp(0, tensor.Of(3, 4, []float64{1, 0, -1, 0.5, 0, 1, 1, -0.5, -1, 0.5, 0, 1}))
	s.Clamp(3, tensor.Of(3, 2, []float64{1, 0, 0, 1, 1, 1}))
	return s
}

// settle solves in errors, or in activities, and prints what came of it.
func settle(s *energy.State[float64], m infer.Method[float64], inActivities bool, until infer.Settings) {
	var f interface {
		infer.Objective[float64]
		Start(z tensor.Matrix[float64])
	} = s.Errors()
	if inActivities {
		f = s.Activities()
	}
	w := infer.NewWork[float64](3, f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve[float64](f, w, m, until)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%v: F from %.4f to %.4f\n", w.Status, r.FStart, r.F)
}

// The default knows what to do with either: a linear network is solved exactly, a nonlinear one by steps.
func ExampleAuto() {
	settle(three(nn.Linear), &infer.Auto[float64]{}, false, infer.Settings{Tol: 1e-6})
	settle(three(nn.ReLU), &infer.Auto[float64]{}, false, infer.Settings{Gap: 0.01})
	// Output:
	// [equilibrium equilibrium equilibrium]: F from 3.1377 to 1.2495
	// [gap gap gap]: F from 1.7735 to 0.7029
}

// Gradient descent whose steps come from the last two gradients, here until an estimated 1 % of the energy is left.
func ExampleBarzilaiBorwein() {
	settle(three(nn.Tanh), &infer.BarzilaiBorwein[float64]{}, false, infer.Settings{Gap: 0.01})
	// Output: [gap gap gap]: F from 2.4897 to 1.0164
}

// Newton's step with one matrix for all samples.
func ExampleChord() {
	settle(three(nn.Tanh), &infer.Chord[float64]{}, false, infer.Settings{Tol: 1e-3})
	// Output: [equilibrium equilibrium equilibrium]: F from 2.4897 to 1.0071
}

// Conjugate gradients.
func ExampleConjugateGradient() {
	settle(three(nn.Tanh), &infer.ConjugateGradient[float64]{}, false, infer.Settings{Tol: 1e-6})
	// Output: [equilibrium equilibrium equilibrium]: F from 2.4897 to 1.0071
}

// The equilibrium of a linear network, in one step.
func ExampleExact() {
	settle(three(nn.Linear), &infer.Exact[float64]{}, false, infer.Settings{Tol: 1e-9})
	// Output: [equilibrium equilibrium equilibrium]: F from 3.1377 to 1.2495
}

// Steps of second order, to a residual that gradient methods do not reach soon.
func ExampleGaussNewton() {
	settle(three(nn.Tanh), &infer.GaussNewton[float64]{}, false, infer.Settings{Tol: 1e-9})
	// Output: [equilibrium equilibrium equilibrium]: F from 2.4897 to 1.0071
}

// Twenty steps of 0.1 on the activities, settled or not, as other libraries have it.
func ExampleEuler() {
	settle(three(nn.Tanh), &infer.Euler[float64]{DT: 0.1}, true, infer.Settings{MaxSteps: 20})
	// Output: [pass_limit pass_limit pass_limit]: F from 2.4897 to 1.0529
}

// Momentum, and Nesterov's, on the activities.
func ExampleMomentum() {
	settle(three(nn.Tanh), &infer.Momentum[float64]{DT: 0.1, Mu: 0.65}, true, infer.Settings{Tol: 1e-3})
	settle(three(nn.Tanh), &infer.Momentum[float64]{DT: 0.1, Mu: 0.65, Nesterov: true}, true, infer.Settings{Tol: 1e-3})
	// Output:
	// [equilibrium equilibrium equilibrium]: F from 2.4897 to 1.0071
	// [equilibrium equilibrium equilibrium]: F from 2.4897 to 1.0071
}

// The flow ż = −∂F/∂z by Heun's method, up to the time 20 with steps that keep their error within 1e−3 of z, and by fixed steps of a
// fifth order.
func ExampleRungeKutta() {
	settle(three(nn.Tanh), &infer.RungeKutta[float64]{RTol: 1e-3, ATol: 1e-3, Until: 20}, true, infer.Settings{Tol: 1e-9, MaxPasses: 1000})
	settle(three(nn.Tanh), &infer.RungeKutta[float64]{Tableau: infer.DormandPrince, DT: 0.5}, true, infer.Settings{Tol: 1e-3, MaxPasses: 1000})
	// Output:
	// [pass_limit pass_limit pass_limit]: F from 2.4897 to 1.0071
	// [equilibrium equilibrium equilibrium]: F from 2.4897 to 1.0071
}

// What S is worth for other samples than those on which it was measured, and how Chord is given it.
func ExampleCurvature() {
	s := three(nn.Tanh)
	var c infer.Curvature[float64]
	c.Measure(s.Errors(), 2)
	fmt.Println("a step leaves less than 1 % of the energy:", c.Gap < 0.01)
	m := &infer.Chord[float64]{}
	m.Share(&c)
	settle(s, m, false, infer.Settings{MaxSteps: 1})
	// Output:
	// a step leaves less than 1 % of the energy: true
	// [pass_limit pass_limit pass_limit]: F from 2.4897 to 1.0130
}

// The longest stable step of Euler's method, for each sample, in activities.
func ExampleLargestEigenvalues() {
	f := three(nn.Tanh).Activities()
	w := infer.NewWork[float64](3, f.Dim())
	f.Start(w.Z)
	for _, lambda := range infer.LargestEigenvalues[float64](f, w.Z) {
		fmt.Printf("λ_max = %.2f, stable below %.2f\n", lambda, 2/lambda)
	}
	// Output:
	// λ_max = 3.88, stable below 0.52
	// λ_max = 3.99, stable below 0.50
	// λ_max = 3.83, stable below 0.52
}

// Not to settle is an outcome, not a failure: each sample has its own.
func ExampleStatus() {
	settle(three(nn.Tanh), &infer.Euler[float64]{DT: 1.5}, true, infer.Settings{Tol: 1e-3})
	for _, s := range infer.Statuses() {
		fmt.Println(s)
	}
	// Output:
	// [diverged diverged diverged]: F from 2.4897 to 1034.6719
	// equilibrium
	// gap
	// pass_limit
	// stalled
	// diverged
	// not_finite
}
