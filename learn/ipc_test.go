package learn_test

import (
	"context"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// TestIPCThatLearnsAtTheEndIsPC: moved once, after n steps of the activities, the weights are those of PC by n steps of
// Euler's method, to the bit.
func TestIPCThatLearnsAtTheEndIsPC(t *testing.T) {
	both(t, checkLateIPC[float32], checkLateIPC[float64])
}

func checkLateIPC[T tensor.Float](t *testing.T) {
	const n, rows = 7, learn.ShardRows + 3
	a := nn.Arch{Dims: []int{6, 5, 4, 3}, Act: nn.Tanh, Bias: true}
	pi := []float64{1, 2, 0.5}
	late, settled := build[T](a, 1), build[T](a, 1)
	b := draw(late, rows)
	ipc := learn.NewIPC(&energy.PC[T]{Net: late, Precision: pi}, learn.Incremental{DT: 0.2, Steps: n + 1, From: n}, pool(t, 2), rows)
	want := pc(settled, pi, learn.Inference[T]{Coordinates: learn.Activities, Settings: infer.Settings{MaxSteps: n},
		Method: func() infer.Method[T] { return &infer.Euler[T]{DT: 0.2} }}, pool(t, 1), rows)
	for range 3 {
		sgd := optim.NewSGD[T](optim.Rate{LR: 0.1}, 0)
		si, err := ipc.Step(context.Background(), b, sgd)
		if err != nil {
			t.Fatal(err)
		}
		sp, err := want.Step(context.Background(), b, sgd)
		if err != nil {
			t.Fatal(err)
		}
		if !check.SameBits(late.Theta(), settled.Theta()) || si.Loss != sp.Loss || si.Inference.F != sp.Inference.F ||
			si.Inference.Count != sp.Inference.Count || si.Passes != sp.Passes || !check.Close(si.MACs, sp.MACs, 1e-12) {
			t.Fatalf("%+v, want %+v; weights off by %g", si, sp, check.RelError(late.Theta(), settled.Theta()))
		}
	}
}

// TestIPCFollowsTheToy: z and both weights of f(x) = w₂w₁x descend F together, by hand.
func TestIPCFollowsTheToy(t *testing.T) {
	const x, y, dt, lr, n = 1.3, 0.9, 0.2, 0.05, 9
	for from := range n {
		w1, w2 := 0.3, -0.7
		net := build[float64](nn.Arch{Dims: []int{1, 1, 1}}, 1)
		net.Update(func(theta []float64) { copy(theta, []float64{w1, w2}) })
		r := learn.NewIPC(&energy.PC[float64]{Net: net}, learn.Incremental{DT: dt, Steps: n, From: from}, pool(t, 1), 1)
		b := data.Batch[float64]{X: tensor.Of(1, 1, []float64{x}), Y: tensor.Of(1, 1, []float64{y})}
		s, err := r.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: lr}, 0))
		if err != nil {
			t.Fatal(err)
		}
		z := w1 * x
		loss := (y - w2*z) * (y - w2*z) / 2
		for k := range n {
			e1, e2 := z-w1*x, y-w2*z
			if k >= from {
				w1, w2 = w1+lr*e1*x, w2+lr*e2*z
			}
			// The step of z is by the weights before theirs.
			old := w2
			if k >= from {
				old = w2 - lr*e2*z
			}
			z -= dt * (e1 - old*e2)
		}
		if got := net.Theta(); !check.Close(got[0], w1, 1e-12) || !check.Close(got[1], w2, 1e-12) || !check.Close(s.Loss, loss, 1e-12) {
			t.Errorf("from %d: %v, loss %v; want %v, %v, loss %v", from, got, s.Loss, w1, w2, loss)
		}
		if want := float64(1 + 2*n + n - from); s.Passes != want {
			t.Errorf("from %d: %v passes, want %v", from, s.Passes, want)
		}
	}
}

// TestEveryNamedMethodIsMade for the coordinates that it takes, and refused elsewhere with the names that go.
func TestEveryNamedMethodIsMade(t *testing.T) {
	net := build[float64](nn.Arch{Dims: []int{4, 5, 3}}, 1)
	b := draw(net, batchRows)
	curved := []string{"chord", "exact", "cg", "newton"}
	for _, name := range learn.MethodNames() {
		if name == "langevin" {
			continue // draws, and settles nowhere
		}
		for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
			m, err := learn.NewMethod[float64](name, c, learn.Tuning{DT: 0.05})
			if refused := c == learn.Activities && slices.Contains(curved, name); refused {
				if err == nil {
					t.Errorf("%s takes activities", name)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			_, s := gradient[float64](t, pc(net, nil, learn.Inference[float64]{Coordinates: c, Method: m, Settings: infer.Settings{Tol: 1e-2, MaxPasses: 1e4}}, pool(t, 1), batchRows), b)
			if s.Inference.Count[infer.Equilibrium] != batchRows {
				t.Errorf("%s in coordinates %v: %v", name, c, s.Inference.Count)
			}
		}
	}
	if _, err := learn.NewMethod[float64]("magic", learn.Errors, learn.Tuning{}); err == nil {
		t.Error("magic is a method")
	}
}

// TestScaleDividesTheStep: with 1/B, every method with a step takes one B times as short.
func TestScaleDividesTheStep(t *testing.T) {
	net := build[float64](nn.Arch{Dims: []int{4, 5, 5, 3}, Act: nn.Tanh}, 1)
	b := draw(net, batchRows)
	for _, name := range learn.MethodNames() {
		if !learn.Steps(name) || name == "heun-adaptive" || name == "dopri-adaptive" {
			continue
		}
		grad := func(tune learn.Tuning) []float64 {
			m, err := learn.NewMethod[float64](name, learn.Activities, tune)
			if err != nil {
				t.Fatal(err)
			}
			g, _ := gradient[float64](t, pc(net, nil, learn.Inference[float64]{Coordinates: learn.Activities, Method: m,
				Settings: infer.Settings{MaxSteps: 3}}, pool(t, 1), batchRows), b)
			return g
		}
		got, want := grad(learn.Tuning{DT: 0.4, Scale: 1. / 16}), grad(learn.Tuning{DT: 0.4 / 16})
		if d := check.RelError(got, want); !(d < 1e-12) {
			t.Errorf("%s: gradient off by %g", name, d)
		}
	}
}
