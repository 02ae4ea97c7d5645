package learn_test

import (
	"context"
	"errors"
	"fmt"
	"github.com/settle-pc/settle/data"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// TestLossIsThatOfTheFeedforwardPrediction: 𝓛/B and 2𝓛/(B n_L), for both rules, whatever the precisions, against plain
// loops.
func TestLossIsThatOfTheFeedforwardPrediction(t *testing.T) {
	both(t, checkLoss[float32], checkLoss[float64])
}

func checkLoss[T tensor.Float](t *testing.T) {
	tol := 1e-13 // rounding of sums
	if single[T]() {
		tol = 1e-5
	}
	for _, a := range archs {
		net := build[T](a, 1)
		b := draw(net, batchRows)
		want := loss(a, net.Theta(), b) / batchRows
		pi := slices.Repeat([]float64{0.5, 2, 3}, len(a.Dims))[:len(a.Dims)-1]
		p := pool(t, 1)
		for name, r := range map[string]graded[T]{
			"bp":                 learn.NewBP(net, p, batchRows),
			"pc":                 pc(net, nil, learn.Inference[T]{}, p, batchRows),
			"pc with precisions": pc(net, pi, learn.Inference[T]{}, p, batchRows),
			"pc in activities":   pc(net, pi, learn.Inference[T]{Coordinates: learn.Activities}, p, batchRows),
		} {
			_, s := gradient(t, r, b)
			if !check.Close(s.Loss, want, tol) || !check.Close(s.MSE, 2*want/float64(net.Outputs()), tol) {
				t.Errorf("%s on %+v: loss %v, MSE %v; want %v, %v", name, a, s.Loss, s.MSE, want, 2*want/float64(net.Outputs()))
			}
			f0 := want * batchRows
			if strings.Contains(name, " ") {
				f0 *= pi[len(pi)-1]
			}
			if r := s.Inference; name != "bp" && (r.Samples != batchRows || !check.Close(r.FStart, f0, tol) || !(r.F < r.FStart)) {
				t.Errorf("%s on %+v: F from %v to %v over %d samples, want a start of %v", name, a, r.FStart, r.F, r.Samples, f0)
			}
		}
	}
}

// TestPassesAreCounted by the rules of notation.md: BP 3; PC what inference took, the weight gradient 1, the feedforward
// start 1 in activities, and n/B for the n rows spent on curvature. Multiply-adds leave out what the first layer skips:
// its prediction is made once, and nothing is pulled back to the input.
func TestPassesAreCounted(t *testing.T) {
	const rows, k = 20, 3
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-12 }
	for _, act := range []nn.Activation{nn.Tanh, nn.Linear} {
		net := build[float64](nn.Arch{Dims: []int{6, 5, 4, 3}, Act: act, Bias: true}, 1)
		b := draw(net, rows)
		first := 30.0 / (30 + 20 + 12)
		p := pool(t, 2)
		if _, s := gradient[float64](t, learn.NewBP(net, p, rows), b); !near(s.Passes, 3) || !near(s.MACs, 3-first) || s.Inference != (infer.Result{}) {
			t.Errorf("bp: %v passes, %v macs, want 3 and %v", s.Passes, s.MACs, 3-first)
		}
		euler := learn.Inference[float64]{Settings: infer.Settings{MaxPasses: 2 + 2*k},
			Method: func() infer.Method[float64] { return &infer.Euler[float64]{} }}
		_, s := gradient[float64](t, pc(net, nil, euler, p, rows), b)
		macs := first + (1+k)*2*(1-first) + 1
		if !near(s.Passes, 2+2*k+1) || !near(s.MACs, macs) || !near(s.Inference.Passes, 2+2*k) {
			t.Errorf("euler: %v passes, %v macs, want %v and %v", s.Passes, s.MACs, 2+2*k+1, macs)
		}
		euler.Coordinates = learn.Activities
		_, s = gradient[float64](t, pc(net, nil, euler, p, rows), b)
		// Start predicts layers 1 … L−1, every evaluation 2 … L, and pulls back from L … 2.
		macs = first + (1 - first - 12.0/62) + (1+k)*2*(1-first) + 1
		if !near(s.Passes, 1+2+2*k+1) || !near(s.MACs, macs) || !near(s.Inference.Passes, 2+2*k) {
			t.Errorf("euler in activities: %v passes, %v macs, want %v and %v", s.Passes, s.MACs, 1+2+2*k+1, macs)
		}
		auto := pc(net, nil, learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-6}}, p, rows)
		for batch := range 2 {
			_, s = gradient[float64](t, auto, b)
			measured := 6.0 / rows // with every batch: evaluate n_L rows and pull n_L back
			if act == nn.Tanh {
				measured = 8.0 / rows // two rows, and n_L pulled back through either
			}
			if !near(s.Passes, s.Inference.Passes+1+measured) {
				t.Errorf("auto on %v, batch %d: %v passes, inference %v, measuring %v", act, batch, s.Passes, s.Inference.Passes, measured)
			}
			if act == nn.Linear && (s.Inference.Steps != 1 || !near(s.Inference.Passes, 3)) {
				t.Errorf("exact: %d steps and %v passes, want 1 and 3", s.Inference.Steps, s.Inference.Passes)
			}
		}
	}
}

// TestCancelledBeforeABatch: nothing happens.
func TestCancelledBeforeABatch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	p := pool(t, 2)
	for name, r := range map[string]graded[float64]{"bp": learn.NewBP(net, p, batchRows), "pc": pc(net, nil, learn.Inference[float64]{}, p, batchRows)} {
		opt := optim.NewSGD[float64](optim.Rate{LR: 1}, 0)
		theta, state := slices.Clone(net.Theta()), r.State()
		s, err := r.Step(ctx, b, opt)
		g, sg, errg := r.Gradient(ctx, b)
		if !errors.Is(err, context.Canceled) || !errors.Is(errg, context.Canceled) || g != nil || s != (learn.Stats{}) || sg != (learn.Stats{}) {
			t.Errorf("%s: errors %v and %v, stats %+v", name, err, errg, s)
		}
		if !slices.Equal(theta, net.Theta()) || !slices.Equal(state, r.State()) || opt.State().Steps != 0 {
			t.Errorf("%s: something moved", name)
		}
	}
}

// TestAMethodThatDoesNotFitIsAnError, and the weights stay.
func TestAMethodThatDoesNotFitIsAnError(t *testing.T) {
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	inf := learn.Inference[float64]{Method: func() infer.Method[float64] { return &infer.Exact[float64]{} }}
	theta := slices.Clone(net.Theta())
	for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
		inf.Coordinates = c
		_, err := pc(net, nil, inf, pool(t, 2), batchRows).Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 1}, 0))
		if err == nil || !strings.Contains(err.Error(), "exact") || !slices.Equal(theta, net.Theta()) {
			t.Errorf("coordinates %v: error %v", c, err)
		}
	}
	// One sample has nobody to compare its curvature with.
	inf = learn.Inference[float64]{Method: func() infer.Method[float64] { return &infer.Chord[float64]{} }}
	_, err := pc(net, nil, inf, pool(t, 2), 1).Step(context.Background(), draw(net, 1), optim.NewSGD[float64](optim.Rate{LR: 1}, 0))
	if err == nil || !strings.Contains(err.Error(), "chord") || !slices.Equal(theta, net.Theta()) {
		t.Errorf("chord and one sample: error %v", err)
	}
}

// TestNaNIsRefusedByName, in batches always, in weights before the first batch, and nothing moves.
func TestNaNIsRefusedByName(t *testing.T) {
	net := build[float64](archs[1], 1)
	good := draw(net, batchRows)
	theta := slices.Clone(net.Theta())
	rules := func(net *nn.Network[float64]) map[string]learn.Rule[float64] {
		made := map[string]learn.Rule[float64]{}
		for _, k := range append(makers[float64](), isolating[float64]()...) {
			made[k.name] = k.make(net, pool(t, 1), batchRows)
		}
		return made
	}
	refuse := func(what string, r learn.Rule[float64], b data.Batch[float64], want string) {
		t.Helper()
		_, err := r.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 1}, 0))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", what, err, want)
		}
	}
	for name, r := range rules(net) {
		for _, bad := range []float64{nan, inf} {
			b := draw(net, batchRows)
			b.X.Row(2)[1] = bad
			refuse(name, r, b, "sample 2: layer 0, the input")
			b = draw(net, batchRows)
			b.Y.Row(learn.ShardRows)[0] = bad
			refuse(name, r, b, fmt.Sprintf("sample %d: layer %d, the target", learn.ShardRows, net.L()))
		}
	}
	if !slices.Equal(theta, net.Theta()) {
		t.Error("a refused batch moved the weights")
	}
	for l := 1; l <= net.L(); l++ {
		broken := build[float64](archs[1], 1)
		broken.Update(func(theta []float64) { broken.Of(l, theta)[1] = nan })
		for name, r := range rules(broken) {
			refuse(name, r, good, fmt.Sprintf("layer %d: the weights", l))
		}
	}
}

// TestADivergedNetworkShowsInTheLoss: weights that have become NaN are an outcome of training, not a fault of the next batch.
func TestADivergedNetworkShowsInTheLoss(t *testing.T) {
	for _, k := range append(makers[float64](), isolating[float64]()...) {
		net := build[float64](archs[1], 1)
		r, b, rest := k.make(net, pool(t, 2), batchRows), draw(net, batchRows), optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)
		if _, err := r.Step(context.Background(), b, rest); err != nil {
			t.Fatal(err)
		}
		net.Update(func(theta []float64) { theta[0] = nan })
		if s, err := r.Step(context.Background(), b, rest); err != nil || !math.IsNaN(s.Loss) {
			t.Errorf("%s: loss %v, error %v, want a loss of NaN", k.name, s.Loss, err)
		}
	}
}

// TestExactSharesItsCurvature with many outputs too, where auto would not measure it: once a batch, not once a shard.
func TestExactSharesItsCurvature(t *testing.T) {
	const rows, outputs = 2 * learn.ShardRows, 70
	net := build[float64](nn.Arch{Dims: []int{6, 5, outputs * 2}}, 1)
	inf := learn.Inference[float64]{Method: func() infer.Method[float64] { return &infer.Exact[float64]{} }, Settings: infer.Settings{Tol: 1e-6}}
	_, s := gradient[float64](t, pc(net, nil, inf, pool(t, 2), rows), draw(net, rows))
	// A batch is evaluated, and 140 rows are pulled back, by the lead; then one step of inference; then the weight gradient.
	if want := 1 + 140./rows + 3 + 1; s.Inference.Count[infer.Equilibrium] != rows || math.Abs(s.Passes-want) > 1e-12 {
		t.Errorf("%v, %v passes, want %v", s.Inference.Count, s.Passes, want)
	}
}

// TestOutcomesOfInferenceAreCounted, sample by sample: an energy that overflows is not finite, a truncation one.
func TestOutcomesOfInferenceAreCounted(t *testing.T) {
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	b.Y.Row(2)[1], b.Y.Row(learn.ShardRows)[0] = 1e200, -1e200
	_, s := gradient[float64](t, pc(net, nil, learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-3}}, pool(t, 1), batchRows), b)
	if s.Inference.Count[infer.NotFinite] != 2 || s.Inference.Count[infer.Equilibrium] != batchRows-2 || !math.IsInf(s.Loss, 1) {
		t.Errorf("statuses %v, loss %v", s.Inference.Count, s.Loss)
	}
	for _, limit := range []infer.Settings{{MaxPasses: 2}, {MaxSteps: 1}} {
		_, s = gradient[float64](t, pc(net, nil, learn.Inference[float64]{Settings: limit}, pool(t, 1), batchRows), draw(net, batchRows))
		if s.Inference.Count[infer.PassLimit] != batchRows {
			t.Errorf("%+v: statuses %v, want the pass limit", limit, s.Inference.Count)
		}
	}
}

// TestDivergenceNamesTheLimit: with a step above it, samples diverge, and the first batch says 2/λ_max; below it none do.
func TestDivergenceNamesTheLimit(t *testing.T) {
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
		rule := func(dt float64) *learn.PC[float64] {
			m, err := learn.NewMethod[float64]("euler", c, learn.Tuning{DT: dt})
			if err != nil {
				t.Fatal(err)
			}
			return pc(net, nil, learn.Inference[float64]{Coordinates: c, Method: m, Settings: infer.Settings{Tol: 1e-3, MaxPasses: 1e4}}, pool(t, 2), batchRows)
		}
		r := rule(20)
		_, s := gradient[float64](t, r, b)
		if s.Inference.Count[infer.Diverged]+s.Inference.Count[infer.NotFinite] == 0 || !(s.Limit > 0 && s.Limit < 2.0001) {
			t.Errorf("coordinates %v: %v, limit %v", c, s.Inference.Count, s.Limit)
		}
		if _, again := gradient[float64](t, r, b); again.Limit != 0 {
			t.Errorf("coordinates %v: the limit is found again", c)
		}
		// The limit is that of the start, and of eight samples: half of it is safe on this network.
		if _, below := gradient[float64](t, rule(s.Limit/2), b); below.Inference.Count[infer.Equilibrium] != batchRows || below.Limit != 0 {
			t.Errorf("coordinates %v: at half the limit %v", c, below.Inference.Count)
		}
	}
}

// TestMisuseIsNamed.
func TestMisuseIsNamed(t *testing.T) {
	net := build[float64](archs[1], 1)
	p := pool(t, 1)
	r := learn.NewBP(net, p, 4)
	wide := build[float64](nn.Arch{Dims: []int{7, 3}}, 1)
	for text, f := range map[string]func(){
		"learn: batch of another size":  func() { r.Gradient(context.Background(), draw(net, 5)) },
		"learn: batch of another width": func() { r.Gradient(context.Background(), draw(wide, 4)) },
		"learn: pool without workers":   func() { learn.NewPool(0) },
		"learn: PC clamps input and target": func() {
			learn.NewPC(&energy.PC[float64]{Net: net, Clamped: []int{0}}, learn.Inference[float64]{}, p, 4)
		},
	} {
		if got := fmt.Sprint(check.Panic(f)); got != text {
			t.Errorf("panics with %q, want %q", got, text)
		}
	}
}
