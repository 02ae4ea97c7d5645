package measure

import (
	"context"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
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
