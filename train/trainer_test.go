package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/model"
)

// mean of the MSE of some batches.
func mean(r []Record) float64 {
	sum := 0.0
	for _, x := range r {
		sum += x.MSE
	}
	return sum / float64(len(r))
}

// falls trains and wants the error of the last batches well below that of the first.
func falls(t *testing.T, s Spec) {
	t.Helper()
	_, l := train[float32](t, s)
	first, last := l.batches[0].MSE, mean(l.batches[len(l.batches)-3:])
	if !(last < 0.5*first) {
		t.Errorf("%s %s %s %s %s: MSE %v at first, %v at last", s.Rule, s.Solver, s.Coords, s.Optim, s.Schedule, first, last)
	}
}

var rates = map[string]float64{"sgd": 0.5, "momentum": 0.1, "nesterov": 0.1, "adam": 0.01, "adamw": 0.01}

func TestErrorFallsWithEveryOptimizer(t *testing.T) {
	for _, rule := range supervised {
		for _, optim := range Optimizers {
			falls(t, small().with(func(s *Spec) {
				s.Rule, s.Optim, s.LR, s.Batches = rule, optim, rates[optim], 40
				if rule == "pc" && optim == "sgd" {
					s.LR = 1
				}
			}))
		}
	}
}

func TestErrorFallsWithEverySchedule(t *testing.T) {
	for _, rule := range supervised {
		for _, schedule := range Schedules {
			falls(t, small().with(func(s *Spec) {
				s.Rule, s.Optim, s.LR, s.Schedule, s.Batches = rule, "adam", 0.02, schedule, 40
				if schedule == "warmup-cosine" {
					s.Warmup = 5
				}
			}))
		}
	}
}

func TestErrorFallsWithEverySolver(t *testing.T) {
	for _, solver := range learn.MethodNames() {
		for _, coords := range Coordinates {
			s := small().with(func(s *Spec) { s.Optim, s.LR, s.Solver, s.Coords, s.Batches = "adam", 0.01, solver, coords, 40 })
			if solver == "exact" {
				s.Act = "linear"
			}
			if s.Validate() == nil { // those that need errors refuse activities
				falls(t, s)
			}
		}
	}
}

// What a word of the spec selects is what it says: each changes the outcome, and solvers that reach the same
// equilibrium agree about it.
func TestEveryWordOfTheSpecActs(t *testing.T) {
	base := small().with(func(s *Spec) { s.Gap, s.Tol, s.MaxPasses, s.Batches = 0, 1e-6, 2000, 5 })
	tr, _ := train[float64](t, base)
	settled := model.Sum(tr.Network())
	for name, change := range map[string]func(*Spec){
		"init":         func(s *Spec) { s.Init = "xavier" },
		"act":          func(s *Spec) { s.Act = "gelu" },
		"loss":         func(s *Spec) { s.Loss = "cross-entropy" },
		"act-place":    func(s *Spec) { s.Place = "before" },
		"bias":         func(s *Spec) { s.Bias = true },
		"rule":         func(s *Spec) { s.Rule = "bp" },
		"lr":           func(s *Spec) { s.LR *= 1.01 },
		"weight-decay": func(s *Spec) { s.WeightDecay = 1e-3 },
		"schedule":     func(s *Spec) { s.Schedule = "cosine" },
		"batch":        func(s *Spec) { s.Batch = 17 },
		"batches":      func(s *Spec) { s.Batches = 6 },
		"limit":        func(s *Spec) { s.Limit = 100 },
		"seed":         func(s *Spec) { s.Seed++ },
		"momentum":     func(s *Spec) { s.Optim = "momentum" },
		"nesterov":     func(s *Spec) { s.Optim = "nesterov" },
		"tol":          func(s *Spec) { s.Tol = 0.5 },
		"gap":          func(s *Spec) { s.Gap = 0.5 },
		"max-passes":   func(s *Spec) { s.MaxPasses = 4 },
		"dt":           func(s *Spec) { s.Solver, s.DT, s.MaxPasses = "euler", 0.01, 10 },
		"steps":        func(s *Spec) { s.Steps = 1 },
		"horizon":      func(s *Spec) { s.Solver, s.Horizon = "heun", 0.5 },
		"by batch":     func(s *Spec) { s.Solver, s.Horizon, s.ByBatch = "heun", 0.5, true },
		"precision":    func(s *Spec) { s.Precision = "2" },
		"precisions":   func(s *Spec) { s.Precision = "2,1,1" },
		"learned":      func(s *Spec) { s.PrecisionLR = 0.1 },
		"activity":     func(s *Spec) { s.ActivityDecay = 0.01 },
		"feedback":     func(s *Spec) { s.Feedback, s.Coords, s.Solver = "fixed", "activities", "euler" },
		"zil":          func(s *Spec) { s.Rule = "zil" },
		"nudged":       func(s *Spec) { s.Rule = "pc-nudged" },
		"beta":         func(s *Spec) { s.Rule, s.Beta = "pc-nudged", -0.1 },
		"centred":      func(s *Spec) { s.Rule = "pc-centred" },
		"ipc":          func(s *Spec) { s.Rule = "ipc" },
		"ipc steps":    func(s *Spec) { s.Rule, s.Steps = "ipc", 5 },
		"ipc by batch": func(s *Spec) { s.Rule, s.ByBatch = "ipc", true },
	} {
		if tr, _ := train[float64](t, base.with(change)); model.Sum(tr.Network()) == settled {
			t.Errorf("%s changes nothing", name)
		}
	}
	for name, change := range map[string]func(*Spec){
		"bb":                    func(s *Spec) { s.Solver = "bb" },
		"bb in activities":      func(s *Spec) { s.Solver, s.Coords = "bb", "activities" },
		"euler":                 func(s *Spec) { s.Solver, s.DT = "euler", 0.2 },
		"euler with activities": func(s *Spec) { s.Solver, s.Coords, s.DT = "euler", "activities", 0.2 },
	} {
		other, _ := train[float64](t, base.with(change))
		worst := 0.0
		for i, v := range tr.Network().Theta() {
			worst = max(worst, math.Abs(v-other.Network().Theta()[i]))
		}
		// A residual ratio of 1e−6 leaves about as much of the weight gradient, five times at a rate of 0.3.
		if worst > 1e-5 {
			t.Errorf("%s: weights differ by %v from auto's", name, worst)
		}
	}
}

// No two optimisers, and no two steps of a truncated Euler, do the same.
func TestOptimizersAndStepsDiffer(t *testing.T) {
	seen := map[string]string{}
	try := func(name string, s Spec) {
		tr, _ := train[float64](t, s)
		sum := model.Sum(tr.Network())
		if seen[sum] != "" {
			t.Errorf("%s does what %s does", name, seen[sum])
		}
		seen[sum] = name
	}
	for _, optim := range Optimizers {
		try(optim, small().with(func(s *Spec) { s.Optim, s.LR, s.WeightDecay, s.Batches = optim, 0.01, 0.1, 3 }))
	}
	for _, dt := range []float64{0.01, 0.1, 0.2} {
		try(fmt.Sprint("euler ", dt), small().with(func(s *Spec) { s.Solver, s.DT, s.MaxPasses, s.Tol, s.Gap, s.Batches = "euler", dt, 10, 0, 0, 3 }))
	}
}

func TestEpochsDealEveryBatchOnce(t *testing.T) {
	_, l := train[float32](t, small().with(func(s *Spec) { s.Batches, s.Epochs, s.Batch = 0, 3, 64 }))
	if len(l.batches) != 3*(200/64) {
		t.Errorf("%d batches in 3 epochs of 200 images by 64", len(l.batches))
	}
}

// Running is the mean of exactly the last Window batches, and unknown before there are so many.
func TestRunningMeanIsOfTheLastWindow(t *testing.T) {
	tr, l := train[float32](t, small().with(func(s *Spec) { s.Batches = Window + 7 }))
	for i, r := range l.batches {
		if r.Batch != i+1 {
			t.Fatalf("record %d is of batch %d", i, r.Batch)
		}
		if r.Batch < Window {
			if !math.IsNaN(r.Running) {
				t.Errorf("batch %d: running %v before there is a window", r.Batch, r.Running)
			}
			continue
		}
		want := mean(l.batches[r.Batch-Window : r.Batch])
		// The sums run in the same order; the margin is for a mean that is kept some other way.
		if math.Abs(r.Running-want) > 1e-12*want {
			t.Errorf("batch %d: running %v, want %v", r.Batch, r.Running, want)
		}
	}
	if s := tr.Summary(nil); *s.TrainMSE != l.batches[len(l.batches)-1].Running {
		t.Errorf("train_mse %v, want the last running mean %v", *s.TrainMSE, l.batches[len(l.batches)-1].Running)
	}
}

func TestRecordsAddUp(t *testing.T) {
	tr, l := train[float32](t, small())
	passes, macs := 0.0, 0.0
	for _, r := range l.batches {
		passes += r.Stats.Passes
		macs += r.Stats.MACs
		if r.Passes != passes || r.MACs != macs || r.MSE != r.Stats.MSE {
			t.Fatalf("batch %d: %v passes, %v macs, MSE %v; want %v, %v, %v", r.Batch, r.Passes, r.MACs, r.MSE, passes, macs, r.Stats.MSE)
		}
	}
	if s := tr.Summary(nil); math.Abs(*s.PassesMean-passes/10) > 1e-12*passes {
		t.Errorf("passes_mean %v, want %v", *s.PassesMean, passes/10)
	}
}

// Tests come every EvalEvery batches, after the batch and before the next, but not at the end, which has its own.
func TestRecorderSeesBatchesAndTestsInOrder(t *testing.T) {
	_, l := train[float32](t, small().with(func(s *Spec) { s.Batches, s.EvalEvery = 4, 2 }))
	want := []event{{false, 1}, {false, 2}, {true, 2}, {false, 3}, {false, 4}}
	if !slices.Equal(l.events, want) {
		t.Errorf("got %v, want %v", l.events, want)
	}
}

func TestStopEndsAfterTheBatch(t *testing.T) {
	var asked []int
	tr := start[float32](t, small(), Options{Stop: func(r Record) bool { asked = append(asked, r.Batch); return r.Batch == 4 }})
	if err := tr.Run(context.Background()); err != nil || tr.Done() != 4 || !slices.Equal(asked, []int{1, 2, 3, 4}) {
		t.Fatalf("done %d, asked %v, error %v", tr.Done(), asked, err)
	}
	whole, _ := train[float32](t, small())
	tr.opts.Stop = nil
	if err := tr.Run(context.Background()); err != nil || model.Sum(tr.Network()) != model.Sum(whole.Network()) {
		t.Errorf("going on after a stop gives other weights (error %v)", err)
	}
}

func TestCancellingEndsBetweenBatches(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := start[float32](t, small(), Options{Stop: func(r Record) bool {
		if r.Batch == 3 {
			cancel()
		}
		return false
	}})
	if err := tr.Run(ctx); !errors.Is(err, context.Canceled) || tr.Done() != 3 {
		t.Fatalf("error %v after %d batches", err, tr.Done())
	}
	whole, _ := train[float32](t, small())
	if err := tr.Run(context.Background()); err != nil || model.Sum(tr.Network()) != model.Sum(whole.Network()) {
		t.Errorf("going on after cancelling gives other weights (error %v)", err)
	}
}

// Seconds are those of training steps: not of reading data, of tests, or of the recorder.
func TestSecondsCountStepsOnly(t *testing.T) {
	clock := time.Unix(0, 0)
	calls := 0
	now := func() time.Time { calls++; clock = clock.Add(time.Second); return clock }
	tr := start[float32](t, small().with(func(s *Spec) { s.EvalEvery = 1 }), Options{Now: now, Recorder: &log{}})
	if err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := tr.Summary(nil)
	if s.Seconds != 10 || calls != 20 || *s.SamplesPerSecond != 16 {
		t.Errorf("%v s and %v samples/s after %d looks at the clock; want 10, 16 and 20", s.Seconds, *s.SamplesPerSecond, calls)
	}
}

func TestWorkersChangeNoBit(t *testing.T) {
	for _, rule := range supervised {
		s := small().with(func(s *Spec) { s.Rule, s.Optim, s.LR, s.Batch = rule, "adam", 0.01, 50 })
		one, oneLog := train[float32](t, s)
		for _, workers := range []int{2, 3, 7} {
			many, log := train[float32](t, s.with(func(s *Spec) { s.Workers = workers }))
			if !slices.Equal(log.sums, oneLog.sums) || one.Test() != many.Test() {
				t.Errorf("%s: %d workers give other weights or scores than one", rule, workers)
			}
			for i, r := range log.batches {
				if fmt.Sprint(r) != fmt.Sprint(oneLog.batches[i]) {
					t.Errorf("%s: %d workers record %+v, one %+v", rule, workers, r, oneLog.batches[i])
				}
			}
		}
	}
}

// float32 and float64 start from the same numbers and see the same batches: what they compute differs by rounding only.
func TestElementTypesAgree(t *testing.T) {
	for _, rule := range supervised {
		s := small().with(func(s *Spec) { s.Rule, s.Gap, s.Tol = rule, 0, 1e-4 })
		if rule == "ipc" {
			s.LR /= 20 // which it takes twenty times a batch
		}
		_, single := train[float32](t, s)
		_, double := train[float64](t, s)
		for i, r := range single.batches {
			// Ten updates on the way from 6e−8 leave two or three digits more than this.
			if want := double.batches[i].MSE; math.Abs(r.MSE-want) > 1e-4*want {
				t.Errorf("%s, batch %d: MSE %v in float32, %v in float64", rule, r.Batch, r.MSE, want)
			}
		}
	}
}

func TestDivergenceNamesTheBatch(t *testing.T) {
	for _, rule := range supervised {
		for _, lr := range []float64{1e6, 1e30} {
			l := &log{}
			tr := start[float32](t, small().with(func(s *Spec) { s.Rule, s.LR = rule, lr }), Options{Recorder: l})
			err := tr.Run(context.Background())
			diverged, ok := errors.AsType[*DivergedError](err)
			if !ok || diverged.Batch != 2 || !strings.Contains(err.Error(), "batch 2") || !strings.Contains(err.Error(), "--lr") {
				t.Errorf("%s at %v: error %v, want divergence at batch 2", rule, lr, err)
				continue
			}
			if len(l.batches) != 2 || !(l.batches[0].MSE < divergedMSE) || l.batches[1].MSE <= divergedMSE || !same(diverged.MSE, l.batches[1].MSE) {
				t.Errorf("%s at %v: records %+v", rule, lr, l.batches)
			}
		}
	}
}

// A batch's MSE is before its update: what the last update breaks only a test can see.
func TestDivergenceOfTheLastUpdateIsSeen(t *testing.T) {
	for _, lr := range []float64{1e6, 1e30} {
		tr := start[float32](t, small().with(func(s *Spec) { s.LR, s.Batches = lr, 1 }), Options{})
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		_, err := tr.Conclude()
		if diverged, ok := errors.AsType[*DivergedError](err); !ok || diverged.Batch != 1 {
			t.Errorf("at %v: error %v, want divergence at batch 1", lr, err)
		}
	}
	tr, _ := train[float32](t, small())
	for mse, want := range map[float64]bool{0: false, divergedMSE: false, math.Nextafter(divergedMSE, 100): true, inf: true, nan: true} {
		if got := tr.judge(mse) != nil; got != want {
			t.Errorf("an MSE of %v is divergence: %v, want %v", mse, got, want)
		}
	}
	if score, err := tr.Conclude(); err != nil || score != tr.Test() {
		t.Errorf("a good training concludes with %v, error %v", score, err)
	}
}

// Means over batches leave out those that have no number, and no NaN gets into what a checkpoint keeps.
func TestMeansLeaveOutWhatIsNoNumber(t *testing.T) {
	tr := start[float32](t, small(), Options{})
	add := func(res2, start2, f, fStart, excess float64) {
		inf := infer.Result{Samples: 1, Res2: res2, Start2: start2, F: f, FStart: fStart, Excess: excess}
		tr.p.add(learn.Stats{MSE: 0.1, Inference: inf}, 0)
	}
	add(0.01, 1, 1, 3, 0.2)                         // ratio 0.1, gap 0.1
	add(math.NaN(), 1, math.NaN(), 3, math.NaN())   // neither
	add(math.Inf(1), 1, math.Inf(1), 3, math.NaN()) // neither
	add(0.09, 1, 1, 3, math.NaN())                  // ratio 0.3, gap unknown
	s := tr.Summary(nil)
	if s.ResidualMean == nil || math.Abs(*s.ResidualMean-0.2) > 1e-12 || s.GapMean == nil || math.Abs(*s.GapMean-0.1) > 1e-12 {
		t.Errorf("residual_mean %v, gap_mean %v; want 0.2 and 0.1", s.ResidualMean, s.GapMean)
	}
	if err := tr.Save(discard{}); err != nil {
		t.Error(err)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Inputs are normalised as the spec says, in training, in testing and in what the model file says of them.
func TestNormalizeIsOfTheSpec(t *testing.T) {
	spec, set := small(), synthetic()
	spec.Normalize = "0.25,2"
	tr, err := New[float64](spec, set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	m := tr.Meta()
	if m.Mean != 0.25 || m.Std != 2 || set.Mean == 0.25 {
		t.Fatalf("mean %v, std %v; the set's are %v, %v", m.Mean, m.Std, set.Mean, set.Std)
	}
	b := tr.batches.Next()
	pixels := set.Train.Image(int(b.Index[0]))
	for j, v := range b.X.Row(0) {
		if want := (float64(pixels[j])/255 - 0.25) / 2; math.Abs(v-want) > 1e-15 {
			t.Fatalf("input %d is %v, want %v", j, v, want)
		}
	}
}
