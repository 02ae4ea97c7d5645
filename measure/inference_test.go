package measure

import (
	"context"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
)

// measured runs the benchmark of a small network on synthetic data and returns its cases by method and state.
func measured(t *testing.T, act nn.Activation) map[[2]string]InferenceCase {
	t.Helper()
	ticks := 0
	q := Inference{Archs: []string{"16-12-12-12-4"}, Acts: []nn.Activation{act}, States: States(), Methods: Methods(),
		Batch: 16, Batches: 3, Max: 4000, Workers: 1, Now: func() time.Time {
			ticks++
			return time.Unix(0, int64(ticks)*1e6)
		}}
	out := map[[2]string]InferenceCase{}
	err := q.Run(context.Background(), data.Synthetic(1, 400, 4, 4, 4), func(string) {}, func(c InferenceCase) { out[[2]string{c.State, c.Method}] = c })
	if err != nil {
		t.Fatal(err)
	}
	if want := len(States()) * len(Methods()); len(out) != want {
		t.Fatalf("%d cases, want %d", len(out), want)
	}
	return out
}

func TestInferenceBenchmarkIsConsistent(t *testing.T) {
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		for key, c := range measured(t, act) {
			last := 0.0
			for _, th := range thresholds {
				w := c.Gap[th.key]
				if w == nil {
					break // only a later threshold may be missing, too
				}
				if w.Passes < last || w.Passes < 2 || w.MACs <= 0 || w.MACs > w.Passes {
					t.Errorf("%v %v: %+v at gap %s after %v passes at the one before", act, key, *w, th.key, last)
				}
				last = w.Passes
			}
			// A smaller residual is nearer to the equilibrium, and so is its weight gradient, within the rounding of float32.
			coarse, fine := c.GradientError["0.1"], c.GradientError["0.001"]
			if fine != nil && (*fine > *coarse+1e-6 || *fine > 0.2) {
				t.Errorf("%v %v: gradient error %g at ρ = 0.1, %g at 0.001", act, key, *coarse, *fine)
			}
		}
	}
}

// On a linear network the default is exact: one pass, n_L of the batch's rows to measure S, a pull and an evaluation.
func TestInferenceBenchmarkCountsTheExactSolution(t *testing.T) {
	cases := measured(t, nn.Linear)
	for _, state := range States() {
		w := cases[[2]string{state, "auto"}].Gap["0.001"]
		if want := 3 + (4.+4.)/16; w == nil || w.Passes != want {
			t.Errorf("%s: %+v, want %v passes", state, w, want)
		}
	}
}

// TestShallowStatesAreTrained: the states of a network of three layers are of trainings that learned, at their first learning
// rate, and inference settles on them. The rates of ten layers leave weights that are finite and worth nothing there.
func TestShallowStatesAreTrained(t *testing.T) {
	set, err := data.Open(mnist.FS(), "mnist")
	if err != nil {
		t.Fatal(err)
	}
	dims := []int{784, 300, 300, 10}
	b := data.Fill(data.NewBatch[float32](set, 32), set, set.Test, 0, 32)
	init, err := nn.ParseInit("fanin")
	if err != nil {
		t.Fatal(err)
	}
	mse := func(a nn.Arch, state string) float64 {
		q := Inference{Init: init, Batch: 32, Workers: 1, Seed: 1, shorter: 6}
		net, err := q.trained(context.Background(), a, state, set, 1)
		if err != nil {
			t.Fatal(err)
		}
		if net == nil {
			t.Fatalf("%v %s: diverged", a, state)
		}
		f := clamped(net, b.X, b.Y).Errors()
		w := infer.NewWork[float32](b.X.Rows, f.Dim())
		r, err := infer.Solve[float32](f, w, &infer.Auto[float32]{}, infer.Settings{Tol: 1e-3, Gap: 0.01, MaxPasses: 20})
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Count[infer.Equilibrium] + r.Count[infer.Gap]; n != r.Samples {
			t.Errorf("%v %s: %d of %d samples settle in 20 passes", a, state, n, r.Samples)
		}
		return 2 * r.FStart / float64(r.Samples*10)
	}
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh, nn.ReLU, nn.GELU} {
		a := nn.Arch{Dims: dims, Act: act}
		fresh := mse(a, New)
		for _, state := range []string{BPTrained, PCTrained} {
			if got := mse(a, state); got > 0.7*fresh {
				t.Errorf("%v %s: MSE %.3g, %.3g before", a, state, got, fresh)
			}
		}
	}
}
