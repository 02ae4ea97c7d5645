// Package train is the epoch loop: a Spec in, metrics out through a Recorder, a trained network at the end. What a
// training computes is a pure function of its Spec and its data, at any number of workers; the clock is the caller's.
package train

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// Window is the number of batches over which curves, thresholds and the final training error are averaged.
const Window = 50

// A training has diverged when a batch's MSE is above this, or not finite. Another loss counts as much: 2𝓛/(B n_L).
const divergedMSE = 50

// DivergedError says at which batch (from 1) a training diverged.
type DivergedError struct {
	Batch int
	MSE   float64 // 2𝓛/(B n_L), for squared error the MSE
	Loss  string  // its name; empty: mse
}

// Error names batch and value.
func (e *DivergedError) Error() string {
	what := "MSE"
	if e.Loss != "" {
		what = "twice the " + e.Loss + " per output"
	}
	return fmt.Sprintf("diverged at batch %d: %s %.3g; a smaller --lr may help", e.Batch, what, e.MSE)
}

// Recorder receives what a training measures, in order, on the caller's goroutine.
type Recorder interface {
	Batch(Record)
	Eval(batch int, test Score)
}

// Record is one batch: Batch counts from 1, MSE is before its update, Running its mean over the last Window batches
// (NaN before there are so many). Passes and MACs are sums since the start.
type Record struct {
	Batch        int
	MSE, Running float64
	Passes, MACs float64
	Seconds      float64 // of training steps since the start
	Stats        learn.Stats
}

// Score is a network's performance on a split.
type Score struct {
	MSE      float64 `json:"mse"`      // mean over samples and outputs of (y − ȳ)², ȳ the mean that ŷ predicts, for mse ŷ
	Loss     float64 `json:"loss"`     // mean over samples of 𝓛, for mse n_L/2 times the MSE
	Accuracy float64 `json:"accuracy"` // share of samples whose largest output is their label; NaN for other tasks
	// Passes is what settling took from an amortiser's guess, and Cold what it takes without, to the same residual; 0 where there is
	// none, or no residual that ends it.
	Passes float64 `json:"passes,omitempty"`
	Cold   float64 `json:"passes_cold,omitempty"`
	// Generation is the MSE of the images that a way down predicts from their targets, in normalised intensities; 0 where there is none.
	Generation float64 `json:"generation_mse,omitempty"`
}

// Options are what a training needs of its surroundings. All may be nil.
type Options struct {
	Recorder Recorder
	Now      func() time.Time  // the clock; nil: seconds stay 0
	Stop     func(Record) bool // asked after every batch: end here?
}

// Trainer is a training in progress.
type Trainer[T tensor.Float] struct {
	spec    Spec
	arch    nn.Arch
	set     *data.Set
	opts    Options
	net     *nn.Network[T]
	second  *companion[T] // nil: none
	pool    *learn.Pool
	rule    learn.Rule[T]
	opt     optim.Optimizer[T]
	batches *data.Batches[T]
	total   int // batches to train
	p       progress
	clipped int // before it was resumed
}

// progress is what a training has seen so far: part of a checkpoint.
type progress struct {
	Batch        int       `json:"batch"`  // done
	Recent       []float64 `json:"recent"` // MSE of the last Window batches, oldest first
	Passes, MACs float64
	Seconds      float64
	Residual     float64 // sum of the batches' residual ratios, where finite
	Residuals    int
	Gap          float64 // sum of their estimated gaps, where known
	Gaps         int
	Count        map[string]int // samples by status
	// Limit is learn.Stats.Limit of the first batch in which inference diverged; 0: none has.
	Limit float64
	// Clipped counts updates whose gradient was.
	Clipped int `json:",omitempty"`
}

// New prepares a training of the spec on the set. The error names every flag at fault.
func New[T tensor.Float](spec Spec, set *data.Set, opts Options) (*Trainer[T], error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	arch, init, err := spec.Network()
	if err != nil {
		return nil, err
	}
	if err := spec.Fits(set); err != nil {
		return nil, err
	}
	if set, err = spec.prepared(set); err != nil {
		return nil, err
	}
	t := &Trainer[T]{spec: spec, arch: arch, set: set, opts: opts}
	if t.batches, err = data.NewBatches[T](set, spec.Batch, spec.Seed); err != nil {
		return nil, fmt.Errorf("--batch: %w", err)
	}
	if t.net, err = nn.Build[T](arch); err != nil {
		return nil, err
	}
	nn.Initialize(t.net, init, spec.Seed)
	t.total = spec.Batches
	if t.total == 0 {
		t.total = spec.Epochs * t.batches.PerEpoch()
	}
	if t.second, err = newSecond[T](spec, arch, init, t.total*spec.updates()); err != nil {
		return nil, err
	}
	t.pool = learn.NewPool(spec.Workers)
	t.rule = newRule(spec, t.net, t.second, t.pool)
	if spec.Clip > 0 {
		t.rule.(learn.Clipper).Clip(spec.Clip)
	}
	t.opt = newOptimizer[T](spec, len(t.net.Theta()), t.total*spec.updates())
	t.p.Count = map[string]int{}
	return t, nil
}

func newRule[T tensor.Float](s Spec, net *nn.Network[T], beside *companion[T], pool *learn.Pool) learn.Rule[T] {
	switch s.Rule {
	case "bp":
		return learn.NewLossBP(net, Output[T](s.Loss), pool, s.Batch)
	case "bp-curved":
		return learn.NewCurvedBP(net, pool, s.Batch)
	}
	inf := learn.Inference[T]{Coordinates: s.Coordinates(), Settings: s.settings()}
	var err error
	if inf.Method, err = learn.NewMethod[T](s.Solver, s.Coordinates(), s.tuning()); err != nil {
		panic("train: a solver that Validate has let pass")
	}
	problem := &energy.PC[T]{Net: net, Output: Output[T](s.Loss), Decay: s.decay(net.L())}
	if problem.Precision, err = s.precisions(); err != nil {
		panic("train: precisions that Validate has let pass")
	}
	switch s.Rule {
	case "ipc":
		t := s.tuning()
		dt := t.DT
		if t.Scale > 0 {
			dt *= t.Scale
		}
		return learn.NewIPC(problem, learn.Incremental{DT: dt, Steps: s.Steps}, pool, s.Batch)
	case "zil":
		return learn.NewZIL(problem, pool, s.Batch)
	case "pc-nudged":
		return learn.NewNudged(problem, inf, s.beta(), pool, s.Batch)
	case "pc-centred":
		return learn.NewCentred(problem, inf, s.beta(), pool, s.Batch)
	case "pc-bidirectional":
		down := &energy.PC[T]{Net: beside.net, Precision: s.downPrecisions(net.L())}
		return learn.NewBidirectional(problem, learn.Downward[T]{Problem: down, Optimizer: beside.opt}, inf, pool, s.Batch)
	case "pc-feedforward":
		return learn.NewFeedforwardPC(problem, inf, pool, s.Batch)
	case "bp-matched":
		return learn.NewMatchedBP(problem, inf, pool, s.Batch)
	}
	if s.generates() {
		var amortiser *learn.Amortiser[T]
		if s.Amortise {
			amortiser = learn.NewAmortiser(beside.net, beside.opt)
		}
		return learn.NewGenerative(problem, inf, amortiser, pool, s.Batch)
	}
	if s.PrecisionLR > 0 {
		return learn.NewPrecise(problem, inf, learn.Precision{LR: s.PrecisionLR}, pool, s.Batch)
	}
	return learn.NewPC(problem, inf, pool, s.Batch)
}

// settings say when inference stops. A fixed number of steps has no patience: it is made whether it helps or not.
func (s Spec) settings() infer.Settings {
	set := infer.Settings{Tol: s.Tol, Gap: s.Gap, MaxPasses: s.MaxPasses, MaxSteps: s.Steps}
	if s.Steps > 0 || s.Horizon > 0 {
		set.Patience = -1
	}
	if s.Solver == "langevin" {
		set.Diverge = math.Inf(1)
	}
	return set
}

// newOptimizer makes the optimiser for total updates of n weights.
func newOptimizer[T tensor.Float](s Spec, n, total int) optim.Optimizer[T] {
	rate := optim.Rate{LR: s.LR}
	switch s.Schedule {
	case "cosine":
		rate.Schedule = optim.Cosine{Total: total}
	case "warmup-cosine":
		rate.Schedule = optim.WarmupCosine{Warmup: s.Warmup * s.updates(), Total: total}
	case "pcx":
		rate.Schedule = optim.PCX(total)
	}
	switch s.Optim {
	case "momentum":
		return optim.NewMomentum[T](n, rate, s.Momentum, s.WeightDecay)
	case "nesterov":
		return optim.NewNesterov[T](n, rate, s.Momentum, s.WeightDecay)
	case "adam":
		return optim.NewAdam[T](n, rate, s.WeightDecay)
	case "adamw":
		return optim.NewAdamW[T](n, rate, s.WeightDecay)
	}
	return optim.NewSGD[T](rate, s.WeightDecay)
}

// Close ends the trainer's workers.
func (t *Trainer[T]) Close() { t.pool.Close() }

// Network returns the network in training.
func (t *Trainer[T]) Network() *nn.Network[T] { return t.net }

// Spec is what is trained.
func (t *Trainer[T]) Spec() Spec { return t.spec }

// Total is the number of batches that the spec asks for.
func (t *Trainer[T]) Total() int { return t.total }

// Done is the number of batches trained.
func (t *Trainer[T]) Done() int { return t.p.Batch }

// Run trains until the spec's last batch, Options.Stop, divergence (a *DivergedError) or the end of ctx (its error),
// between two batches: the trainer then holds a state that a checkpoint can keep.
func (t *Trainer[T]) Run(ctx context.Context) error {
	t.batches.Seek(t.p.Batch)
	for t.p.Batch < t.total {
		b := t.batches.Next()
		start := t.now()
		stats, err := t.rule.Step(ctx, b, t.opt)
		if err != nil {
			return err
		}
		took := t.now().Sub(start)
		if t.spec.Clip > 0 {
			t.p.Clipped = t.clipped + t.rule.(learn.Clipper).Clipped()
		}
		r := t.p.add(stats, took)
		if t.opts.Recorder != nil {
			t.opts.Recorder.Batch(r)
		}
		if err := t.judge(t.error(stats.MSE, stats.Loss)); err != nil {
			return err
		}
		if e := t.spec.EvalEvery; e > 0 && r.Batch%e == 0 && r.Batch < t.total && t.opts.Recorder != nil {
			t.opts.Recorder.Eval(r.Batch, t.Test())
		}
		if t.opts.Stop != nil && t.opts.Stop(r) {
			return nil
		}
	}
	return nil
}

func (t *Trainer[T]) now() time.Time {
	if t.opts.Now == nil {
		return time.Time{}
	}
	return t.opts.Now()
}

// add takes one batch into account.
func (p *progress) add(s learn.Stats, took time.Duration) Record {
	p.Batch++
	p.Passes += s.Passes
	p.MACs += s.MACs
	p.Seconds += took.Seconds()
	if len(p.Recent) == Window {
		copy(p.Recent, p.Recent[1:])
		p.Recent = p.Recent[:Window-1]
	}
	p.Recent = append(p.Recent, s.MSE)
	if s.Inference.Samples > 0 {
		// A sum that took in a NaN would hide all other batches, and JSON, in which it is kept, has none.
		if r := s.Inference.Residual(); finite(r) {
			p.Residual += r
			p.Residuals++
		}
		if g := s.Inference.Gap(); finite(g) {
			p.Gap += g
			p.Gaps++
		}
		for _, st := range infer.Statuses() {
			p.Count[st.String()] += s.Inference.Count[st]
		}
	}
	if p.Limit == 0 {
		p.Limit = s.Limit
	}
	r := Record{Batch: p.Batch, MSE: s.MSE, Running: math.NaN(), Passes: p.Passes, MACs: p.MACs, Seconds: p.Seconds, Stats: s}
	if len(p.Recent) == Window {
		r.Running = p.running()
	}
	return r
}

// running is the mean of the recent batches, NaN without any.
func (p *progress) running() float64 {
	sum := 0.0
	for _, v := range p.Recent {
		sum += v
	}
	return sum / float64(len(p.Recent))
}

// error is what divergence is judged by: the MSE, or 2𝓛/(B n_L) of another loss, whose mean target stays bounded.
func (t *Trainer[T]) error(mse, loss float64) float64 {
	if t.spec.squared() {
		return mse
	}
	return 2 * loss / float64(t.net.Outputs())
}

// judge reports whether the MSE says that the training has diverged, at the last batch done.
func (t *Trainer[T]) judge(mse float64) error {
	if mse <= divergedMSE {
		return nil
	}
	return &DivergedError{Batch: t.p.Batch, MSE: mse, Loss: t.spec.lossNote()}
}

// Conclude is Test at the end of a training. A batch's MSE is before its update: what the last update has done shows
// here only. The error is a *DivergedError.
func (t *Trainer[T]) Conclude() (Score, error) {
	score := t.Test()
	return score, t.judge(t.error(score.MSE, score.Loss))
}
