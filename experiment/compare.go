package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// Compare asks which of several learning rules needs fewer batches to a training error, on the same network, initial
// weights and order of batches (notation, section 3). A cell is one training: activation × rule × learning rate × seed.
// It stops at its lowest threshold, at divergence, or after Base.Batches batches.
type Compare struct {
	Base  train.Spec `json:"base"` // of every cell, but for rule, activation, learning rate and seed
	Rules []string   `json:"rules"`
	Acts  []string   `json:"acts"`
	// Rates holds the learning rates of each "ACT/RULE", ascending.
	Rates      map[string][]float64 `json:"rates"`
	Seeds      []uint64             `json:"seeds"`
	Thresholds map[string][]float64 `json:"thresholds"` // of each activation, descending
}

// Preview returns the comparison that fits in a few minutes on two cores: ten layers, width 128, next to the saddle at
// the origin; plain SGD; two learning rates a rule near the best of a wider search; one seed. It is not fair, and says so.
func Preview() Compare {
	base := train.Defaults()
	base.Arch, base.Optim = "784-128x9-10", "sgd"
	base.Batches, base.Epochs = 1000, 0
	return Compare{
		Base: base, Rules: []string{"bp", "pc"}, Acts: []string{"relu", "tanh", "linear"}, Seeds: []uint64{0},
		Rates: map[string][]float64{
			"relu/bp": {0.25, 0.5}, "relu/pc": {8, 16},
			"tanh/bp": {0.5, 1}, "tanh/pc": {2, 4},
			"linear/bp": {0.25, 0.5}, "linear/pc": {1, 2},
		},
		Thresholds: map[string][]float64{"relu": {0.05, 0.03}, "tanh": {0.05, 0.03}, "linear": {0.05}},
	}
}

// SetRates gives every activation and rule the same learning rates.
func (c *Compare) SetRates(rates []float64) {
	c.Rates = map[string][]float64{}
	for _, act := range c.Acts {
		for _, rule := range c.Rules {
			c.Rates[act+"/"+rule] = rates
		}
	}
}

// Cost is what it took to reach a threshold: the batch (from 1) at which the running mean of the last train.Window
// batches was at or below it, and passes, multiply-adds (of one feedforward evaluation of a batch) and seconds until then.
type Cost struct {
	Batches int     `json:"batches"`
	Passes  float64 `json:"passes"`
	MACs    float64 `json:"macs"`
	Seconds float64 `json:"seconds"`
}

// Cell is the outcome of one training. ToMSE has every threshold, nil where it was not reached.
type Cell struct {
	Rule         string           `json:"rule"`
	Act          string           `json:"act"`
	LR           float64          `json:"lr"`
	Seed         uint64           `json:"seed"`
	Batches      int              `json:"batches"`
	TrainMSE     *float64         `json:"train_mse"`
	TestAccuracy *float64         `json:"test_accuracy"`
	DivergedAt   *int             `json:"diverged_at"`
	ToMSE        map[string]*Cost `json:"to_mse"`
	PassesMean   *float64         `json:"passes_mean"`
	ResidualMean *float64         `json:"residual_mean"`
	GapMean      *float64         `json:"gap_mean"`
	Curve        *Curve           `json:"curve,omitempty"`
}

// Curve is the running mean of the training error against batches and what they cost.
type Curve struct {
	Batch   []float64 `json:"batch"`
	MSE     []float64 `json:"mse"`
	Passes  []float64 `json:"passes"`
	Seconds []float64 `json:"seconds"`
}

// curveEvery is the number of batches between two points of a stored curve.
const curveEvery = 5

// Best is the learning rate at which a rule reached the lowest threshold that any of its rates reached in the fewest
// batches (median over seeds, ties by final MSE, none where all diverged), and the medians of its costs.
type Best struct {
	Rule  string           `json:"rule"`
	Act   string           `json:"act"`
	LR    *float64         `json:"lr"`
	ToMSE map[string]*Cost `json:"to_mse"`
}

// Comparison is the outcome: cells in the order of the spec.
type Comparison struct {
	Fair  bool     `json:"fair"`
	Why   []string `json:"why"` // not fair
	Cells []Cell   `json:"cells"`
	Best  []Best   `json:"best"`
}

// ThresholdKey writes a threshold as a key of ToMSE.
func ThresholdKey(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Validate reports every fault of the description.
func (c Compare) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		err := fmt.Errorf(format, args...)
		if !slices.ContainsFunc(faults, func(e error) bool { return e.Error() == err.Error() }) {
			faults = append(faults, err)
		}
	}
	if len(c.Rules) == 0 || len(c.Acts) == 0 || len(c.Seeds) == 0 {
		fault("--rules, --acts, --seeds: want at least one of each")
	}
	base := c.Base
	if base.Batches < 1 {
		fault("--batches %d: want a number from 1", base.Batches)
		base.Batches = 1
	}
	// What cells replace is judged below, in the words of the flags that ask for it.
	base.Act, base.Rule, base.LR = "linear", "bp", 1
	if err := base.Validate(); err != nil {
		fault("%w", err)
	}
	for _, rule := range c.Rules {
		if !slices.Contains(train.Rules, rule) {
			fault("--rules %q: want some of %s", rule, strings.Join(train.Rules, ", "))
		}
	}
	for _, act := range c.Acts {
		c.validateAct(act, fault)
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	seen := map[string]bool{}
	for _, s := range c.specs() {
		if err := s.Validate(); err != nil {
			fault("%w", err)
		}
		if name := cellName(s); seen[name] {
			fault("cell %s is asked for twice: want each rule, activation, learning rate and seed once", name)
		} else {
			seen[name] = true
		}
	}
	return errors.Join(faults...)
}

// validateAct reports what is wrong with an activation, its thresholds and its learning rates.
func (c Compare) validateAct(act string, fault func(string, ...any)) {
	if _, err := nn.ParseActivation(act); err != nil {
		fault("--acts: %w", err)
		return
	}
	if len(c.Thresholds[act]) == 0 {
		fault("--thresholds: none for %s: want one or more", act)
	}
	for _, t := range c.Thresholds[act] {
		if !(t > 0) || math.IsInf(t, 0) {
			fault("--thresholds %v: want training errors above 0", t)
		}
	}
	for _, rule := range c.Rules {
		rates := c.Rates[act+"/"+rule]
		if len(rates) == 0 {
			fault("--lrs: no learning rate for %s with %s: want one or more", rule, act)
		}
		for _, lr := range rates {
			if !(lr > 0) || math.IsInf(lr, 0) {
				fault("--lrs %v: want learning rates above 0", lr)
			}
		}
	}
}

// specs returns the trainings in order.
func (c Compare) specs() []train.Spec {
	var out []train.Spec
	for _, act := range c.Acts {
		for _, rule := range c.Rules {
			for _, lr := range c.Rates[act+"/"+rule] {
				for _, seed := range c.Seeds {
					s := c.Base
					s.Act, s.Rule, s.LR, s.Seed, s.Workers = act, rule, lr, seed, 1
					out = append(out, s)
				}
			}
		}
	}
	return out
}

func cellName(s train.Spec) string {
	return fmt.Sprintf("%s-%s-lr%s-seed%d", s.Act, s.Rule, strconv.FormatFloat(s.LR, 'g', -1, 64), s.Seed)
}

// weight is about what a batch of the training costs, in feedforward passes.
func weight(s train.Spec) float64 {
	switch {
	case s.Rule == "bp":
		return 3
	case s.Act == "linear":
		return 4
	}
	return 6
}

// Run computes the comparison. The cells that the sink already has are not computed again. Tables cells and curves are
// written when all are there.
func (c Compare) Run(ctx context.Context, set *data.Set, sink Sink, env Env) (Comparison, error) {
	if err := c.Validate(); err != nil {
		return Comparison{}, err
	}
	specs := c.specs()
	m := &meter{show: env.Progress}
	order := make([]int, len(specs)) // the dearest first, so that the last to end is short
	for i, s := range specs {
		order[i] = i
		m.p.Total += weight(s) * float64(s.Batches)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weight(specs[b]), weight(specs[a])) })
	out := Comparison{Cells: make([]Cell, len(specs))}
	err := forEach(ctx, env.Workers, len(specs), func(ctx context.Context, k int) error {
		i := order[k]
		s := specs[i]
		left := float64(s.Batches)
		todo := job{s, c.Thresholds[s.Act], func() { left--; m.add(weight(s), "") }}
		result, err := cell(sink, cellName(s), func() (Cell, error) {
			if s.DType == "float64" {
				return runCell[float64](ctx, todo, set, env)
			}
			return runCell[float32](ctx, todo, set, env)
		})
		out.Cells[i] = result
		if err == nil {
			m.add(weight(s)*left, cellNote(result, todo.thresholds))
		}
		return err
	})
	if err != nil {
		return out, err
	}
	out.Best = c.best(out.Cells)
	out.Why = c.why(out)
	out.Fair = len(out.Why) == 0
	_, err = cell(sink, tablesCell, func() (bool, error) { return true, c.writeTables(sink, out) })
	return out, err
}

// tablesCell says that the tables are written, so that a run which goes on after that does not write them again.
const tablesCell = "tables"

// job is what a cell trains, to which thresholds, and what it calls after each batch.
type job struct {
	spec       train.Spec
	thresholds []float64
	tick       func()
}

// runCell trains one cell.
func runCell[T tensor.Float](ctx context.Context, todo job, set *data.Set, env Env) (Cell, error) {
	s := todo.spec
	c := Cell{Rule: s.Rule, Act: s.Act, LR: s.LR, Seed: s.Seed, ToMSE: map[string]*Cost{}, Curve: &Curve{}}
	for _, t := range todo.thresholds {
		c.ToMSE[ThresholdKey(t)] = nil
	}
	t, err := train.New[T](s, set, train.Options{Now: env.Now, Stop: func(r train.Record) bool {
		todo.tick()
		return c.record(r, todo.thresholds)
	}})
	if err != nil {
		return c, err
	}
	defer t.Close()
	var test *train.Score
	if err = t.Run(ctx); err == nil {
		var score train.Score
		score, err = t.Conclude()
		test = &score
	}
	if diverged, ok := errors.AsType[*train.DivergedError](err); ok {
		c.DivergedAt, test = &diverged.Batch, nil
	} else if err != nil {
		return c, err
	}
	sum := t.Summary(test)
	c.Batches, c.TrainMSE, c.TestAccuracy = sum.Batches, sum.TrainMSE, sum.TestAccuracy
	c.PassesMean, c.ResidualMean, c.GapMean = sum.PassesMean, sum.ResidualMean, sum.GapMean
	return c, nil
}

// record takes a batch into the cell and reports whether its lowest threshold is reached.
func (c *Cell) record(r train.Record, thresholds []float64) bool {
	if math.IsNaN(r.Running) {
		return false
	}
	missing := false
	reached := false
	for _, t := range thresholds {
		key := ThresholdKey(t)
		if c.ToMSE[key] == nil && r.Running <= t {
			c.ToMSE[key] = &Cost{Batches: r.Batch, Passes: r.Passes, MACs: r.MACs, Seconds: r.Seconds}
			reached = true
		}
		missing = missing || c.ToMSE[key] == nil
	}
	if r.Batch%curveEvery == 0 || reached {
		c.Curve.Batch = append(c.Curve.Batch, float64(r.Batch))
		c.Curve.MSE = append(c.Curve.MSE, r.Running)
		c.Curve.Passes = append(c.Curve.Passes, r.Passes)
		c.Curve.Seconds = append(c.Curve.Seconds, r.Seconds)
	}
	return !missing
}

func cellNote(c Cell, thresholds []float64) string {
	what := fmt.Sprintf("%s %s lr %g: ", c.Act, c.Rule, c.LR)
	if c.DivergedAt != nil {
		return what + fmt.Sprintf("diverged at batch %d", *c.DivergedAt)
	}
	var reached []string
	for _, t := range thresholds {
		if cost := c.ToMSE[ThresholdKey(t)]; cost != nil {
			reached = append(reached, fmt.Sprintf("MSE %g after %d batches", t, cost.Batches))
		}
	}
	if len(reached) == 0 {
		mse := math.NaN()
		if c.TrainMSE != nil {
			mse = *c.TrainMSE
		}
		return what + fmt.Sprintf("MSE %.3f after %d batches", mse, c.Batches)
	}
	return what + strings.Join(reached, ", ")
}

// writeTables stores the cells, their curves and the best learning rates as tables.
func (c Compare) writeTables(sink Sink, out Comparison) error {
	for _, b := range out.Best {
		if err := sink.Row("best", []string{"act", "rule", "lr"}, []any{b.Act, b.Rule, deref(b.LR)}); err != nil {
			return err
		}
	}
	for _, x := range out.Cells {
		for _, t := range c.Thresholds[x.Act] {
			row := []any{x.Act, x.Rule, x.LR, x.Seed, t, nil, nil, nil, nil, x.Batches, deref(x.TrainMSE), deref(x.TestAccuracy), deref(x.DivergedAt)}
			if cost := x.ToMSE[ThresholdKey(t)]; cost != nil {
				row[5], row[6], row[7], row[8] = cost.Batches, cost.Passes, cost.MACs, cost.Seconds
			}
			err := sink.Row("cells", []string{"act", "rule", "lr", "seed", "threshold", "batches", "passes", "macs", "seconds",
				"batches_run", "train_mse", "test_accuracy", "diverged_at"}, row)
			if err != nil {
				return err
			}
		}
		for i, b := range x.Curve.Batch {
			err := sink.Row("curves", []string{"act", "rule", "lr", "seed", "batch", "mse", "passes", "seconds"},
				[]any{x.Act, x.Rule, x.LR, x.Seed, b, x.Curve.MSE[i], x.Curve.Passes[i], x.Curve.Seconds[i]})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// deref returns what p points to, or nil.
func deref[V any](p *V) any {
	if p == nil {
		return nil
	}
	return *p
}
