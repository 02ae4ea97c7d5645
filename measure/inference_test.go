package measure

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
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

// TestLookingCostsNothing: the passes and multiply-adds of a method that is followed are those of the same solution unobserved, though
// its weight gradient is looked at on the way.
func TestLookingCostsNothing(t *testing.T) {
	a := nn.Arch{Dims: []int{16, 12, 12, 12, 4}, Act: nn.Tanh}
	net, err := nn.Build[float32](a)
	if err != nil {
		t.Fatal(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
	b, err := newBench(Inference{Batch: 16, Batches: 1, Max: 4000, Now: time.Now}, a, net, data.Synthetic(1, 400, 4, 4, 4))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range contenders {
		got := b.follow(m, b.truth[0])
		state := clamped(net, b.truth[0].batch.X, b.truth[0].batch.Y)
		f := inCoordinates(state, m.coords)
		w := infer.NewWork[float32](16, f.Dim())
		f.Start(w.Z)
		method, err := learn.NewMethod[float32](m.method, m.coords, m.tuning)
		if err != nil {
			t.Fatal(err)
		}
		var want []Work
		if _, err := infer.Solve[float32](f, w, method(), infer.Settings{Tol: 1e-4, MaxPasses: 4000, Patience: -1, Observe: func() {
			passes, macs := f.Cost()
			want = append(want, Work{Passes: passes, MACs: macs})
		}}); err != nil {
			continue // a method that needs a linear network
		}
		if len(got.points) != len(want) {
			t.Errorf("%s: %d steps, want %d", m.name, len(got.points), len(want))
			continue
		}
		crossed := map[float64]bool{}
		for _, th := range thresholds {
			if w := got.first(func(p point) bool { return p.res <= th.value*got.points[0].res }); w != nil {
				crossed[w.Passes] = true
			}
		}
		if m.name == "bb" && len(crossed) != len(thresholds) {
			t.Errorf("%s crosses thresholds after %v passes: want a step for each", m.name, crossed)
		}
		for i, p := range got.points {
			if p.Passes != want[i].Passes || p.MACs != want[i].MACs {
				t.Errorf("%s: %v passes, %v MACs after %d steps, want %v and %v", m.name, p.Passes, p.MACs, i, want[i].Passes, want[i].MACs)
				break
			}
		}
	}
}

// TestMediansCountWhatWasNotReached as above all others, for the errors of gradients as for passes.
func TestMediansCountWhatWasNotReached(t *testing.T) {
	b := &bench{}
	var traces []trace
	for i, res := range []float64{0.05, 0.05, 0.05, 0.05, 0.5, 0.5, 0.05} {
		b.truth = append(b.truth, &reference{start: 1, best: []float64{0}})
		v := float64(i + 1)
		traces = append(traces, trace{points: []point{{f: 1, res: 1}, {Work: Work{Passes: v, MACs: v, MS: v}, f: 0.5, res: res}}, grad: map[string]float64{"0.1": v}})
	}
	c := b.judge(traces) // 1, 2, 3, 4, 7 and two that are not reached
	if w, e := c.Residual["0.1"], c.GradientError["0.1"]; w == nil || w.Passes != 4 || e == nil || *e != 4 {
		t.Errorf("median %+v passes, gradient error %v; want 4 and 4", w, e)
	}
	traces[0].grad["0.1"], traces[1].grad["0.1"], traces[2].grad["0.1"] = math.NaN(), math.NaN(), math.NaN()
	if e := b.judge(traces).GradientError["0.1"]; e != nil {
		t.Errorf("gradient error %v, though most are no numbers", *e)
	}
}

// TestLowestEnergiesLeaveOutNaN of a method that failed on a sample.
func TestLowestEnergiesLeaveOutNaN(t *testing.T) {
	r := &reference{best: []float64{2, 2, 2}}
	r.lower([]float64{math.NaN(), 1, 3})
	if want := []float64{2, 1, 2}; !slices.Equal(r.best, want) {
		t.Errorf("lowest energies %v, want %v", r.best, want)
	}
}
