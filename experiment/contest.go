package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/train"
)

// Contest is the fair protocol on one network, data set and optimiser (notation, section 3): which of several learning
// rules needs fewer batches to a training error, each at its best learning rate? All rules train the same network from
// the same initial weights on the same batches in the same order. A cell, one training, stops at its lowest threshold,
// at divergence, or after Base.Batches batches.
//
// Learning rates are chosen per rule and threshold on the seeds of Selection: fewest batches (median over seeds, not
// reached counts as infinity), ties by the final error; a rate at which a seed diverged is never chosen. Results are
// those of the seeds of Reporting at the chosen rates. docs/design/protocol.md has the reasons.
type Contest struct {
	Name       string     `json:"name"` // of its cells, and in tables
	Base       train.Spec `json:"base"` // of every cell, but for rule, learning rate and seed
	Rules      []Entrant  `json:"rules"`
	Thresholds []float64  `json:"thresholds"` // training errors, descending

	Selection []uint64 `json:"selection"` // seeds; none: those of Reporting choose, which is not fair
	// Elsewhere is the number of seeds of Selection at rates that are neither the best of a threshold nor beside it.
	Elsewhere int      `json:"elsewhere"`
	Reporting []uint64 `json:"reporting"`

	Worse  int  `json:"worse"`  // values of the grid that must be worse than the best, on each side
	Extend int  `json:"extend"` // values that the grid may grow by for that, on each side
	Refine bool `json:"refine"` // try the best rate ×√2 and ÷√2
}

// Entrant is a learning rule with its grid of learning rates: 2^Low … 2^High, to be extended, or Rates as they are.
type Entrant struct {
	Rule  string    `json:"rule"`
	Low   int       `json:"low"`
	High  int       `json:"high"`
	Rates []float64 `json:"rates,omitempty"`
}

// Chosen is the learning rate of a rule for a threshold.
type Chosen struct {
	Contest   string   `json:"contest"`
	Act       string   `json:"act"`
	Rule      string   `json:"rule"`
	Threshold float64  `json:"threshold"`
	LR        *float64 `json:"lr"`      // nil: diverged at every rate
	Edge      bool     `json:"edge"`    // fewer than Worse values of the grid lie on one side
	Reached   bool     `json:"reached"` // by the median seed of those that choose; else the rate has the lowest final error
	Batches   *float64 `json:"batches"` // median of those
	Tried     int      `json:"tried"`   // learning rates
}

// Outcome is what a contest came to.
type Outcome struct {
	Contest Contest  `json:"contest"`
	Cells   []Cell   `json:"cells"` // by rule, rate and seed, those of Selection first
	Chosen  []Chosen `json:"chosen"`
	// Pass is the time of a pass of each rule in seconds; nil without a clock.
	Pass map[string]float64 `json:"pass"`
}

// rules returns the names of the rules.
func (c Contest) rules() []string {
	var out []string
	for _, e := range c.Rules {
		out = append(out, e.Rule)
	}
	return out
}

// fair reports whether other seeds choose than are reported.
func (c Contest) fair() bool { return len(c.Selection) > 0 }

// Validate reports every fault.
func (c Contest) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		err := fmt.Errorf("contest "+c.Name+": "+format, args...)
		if !slices.ContainsFunc(faults, func(e error) bool { return e.Error() == err.Error() }) {
			faults = append(faults, err)
		}
	}
	if c.Name == "" || len(c.Rules) == 0 || len(c.Reporting) == 0 || len(c.Thresholds) == 0 {
		fault("want a name, rules, seeds to report and thresholds")
	}
	if c.fair() && (c.Elsewhere < 1 || c.Elsewhere > len(c.Selection)) {
		fault("%d seeds elsewhere: want 1 to the %d of selection", c.Elsewhere, len(c.Selection))
	}
	if c.Worse < 0 || c.Extend < 0 {
		fault("worse %d, extend %d: want numbers from 0", c.Worse, c.Extend)
	}
	if c.Base.Batches < 1 {
		fault("%d batches: want 1 or more", c.Base.Batches)
	}
	for i, t := range c.Thresholds {
		if !(t > 0) || math.IsInf(t, 0) || i > 0 && t >= c.Thresholds[i-1] {
			fault("thresholds %v: want training errors above 0, descending", c.Thresholds)
			break
		}
	}
	seen := map[string]bool{}
	for _, e := range c.Rules {
		if seen[e.Rule] || e.Rates == nil && e.Low > e.High || e.Rates != nil && (len(e.Rates) == 0 || !slices.IsSorted(e.Rates)) {
			fault("rule %q: want each once, with learning rates in ascending order", e.Rule)
		}
		seen[e.Rule] = true
		for _, lr := range e.start() {
			s := c.Base
			s.Rule, s.LR, s.Workers = e.Rule, lr, 1
			if err := s.Validate(); err != nil {
				fault("%w", err)
				break
			}
		}
	}
	for _, seeds := range [][]uint64{c.Selection, c.Reporting} {
		if s := slices.Sorted(slices.Values(seeds)); len(slices.Compact(s)) != len(seeds) {
			fault("seeds %v: want each once", seeds)
		}
	}
	for _, s := range c.Selection {
		if slices.Contains(c.Reporting, s) {
			fault("seed %d chooses and is reported: want others", s)
		}
	}
	return errors.Join(faults...)
}

// start returns the learning rates with which the search begins.
func (e Entrant) start() []float64 {
	if e.Rates != nil {
		return e.Rates
	}
	var out []float64
	for k := e.Low; k <= e.High; k++ {
		out = append(out, rateOf(2*k))
	}
	return out
}

// batchWork is about what a batch of the training costs, in millions of multiply-adds of a sample.
func batchWork(s train.Spec) float64 {
	arch, _, err := s.Network()
	if err != nil {
		return 1
	}
	layers, err := nn.LayersOf[float32](arch)
	if err != nil {
		return 1
	}
	macs := 0
	for _, l := range layers {
		macs += l.MACs()
	}
	return nominalPasses(s) * float64(macs*s.Batch) / 1e6
}

// nominalPasses is about what a batch of the training takes.
func nominalPasses(s train.Spec) float64 {
	inference := 8.0
	if s.Act == "linear" {
		inference = 5
	}
	switch s.Rule {
	case "bp":
		return 3
	case "bp-curved":
		return 13
	case "pc-feedforward", "bp-matched": // the networks that they make are harder to settle than PC's own
		return 2*inference + 3
	}
	return inference
}

// planned estimates the work of the contest, were all its cells to use their budget.
func (c Contest) planned() float64 {
	total := 0.0
	for _, e := range c.Rules {
		s := c.Base
		s.Rule = e.Rule
		rates := float64(len(e.start()))
		cells := rates * float64(len(c.Reporting))
		if c.fair() {
			rates += min(1, float64(c.Extend))
			if c.Refine {
				rates += 2
			}
			cells = rates*float64(c.Elsewhere) + 3*float64(len(c.Selection)-c.Elsewhere) + 1.5*float64(len(c.Reporting))
		}
		total += cells * float64(c.Base.Batches) * batchWork(s)
	}
	return total
}

// run does the contest on its data set.
func (c Contest) run(ctx context.Context, r *trials, set *data.Set, credit *credit) (Outcome, error) {
	out := Outcome{Contest: c, Pass: r.pass[c.Name]}
	found := make([]*search, len(c.Rules))
	errs := make([]error, len(c.Rules))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i, e := range c.Rules {
		s := &search{Contest: c, entrant: e, trials: r, credit: credit, set: set, got: map[int][]Cell{}, reported: map[int][]Cell{}}
		found[i] = s
		wg.Go(func() {
			if errs[i] = s.run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	if err := firstCause(errs); err != nil {
		return out, err
	}
	credit.close()
	for _, s := range found {
		out.Cells = append(out.Cells, s.cells()...)
		out.Chosen = append(out.Chosen, s.chosen...)
	}
	for i := range out.Cells {
		for _, cost := range out.Cells[i].ToMSE {
			if cost != nil {
				cost.Seconds = cost.Passes * out.Pass[out.Cells[i].Rule]
			}
		}
	}
	return out, nil
}

// contests runs some at a time, on the data sets that sets returns for them.
func contests(ctx context.Context, all []Contest, r *trials, sets Sets, now func() time.Time) ([]Outcome, error) {
	for _, c := range all {
		if err := r.clock(ctx, c, sets, now); err != nil {
			return nil, err
		}
	}
	out, errs := make([]Outcome, len(all)), make([]error, len(all))
	credits := make([]*credit, len(all))
	for i, c := range all {
		credits[i] = r.m.plan(c.planned())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			set, err := sets(c.Base.Data)
			if err == nil {
				out[i], err = c.run(ctx, r, set, credits[i])
			}
			if errs[i] = err; err != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return out, firstCause(errs)
}

// firstCause returns the first error that is not the end of a context that another error has ended.
func firstCause(errs []error) error {
	var ended error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		if ended == nil {
			ended = err
		}
	}
	return ended
}

// of returns the cells of a rule and stage at a learning rate.
func (o Outcome) of(rule, stage string, lr float64) []Cell {
	return slices.DeleteFunc(slices.Clone(o.Cells), func(c Cell) bool { return c.Rule != rule || c.Stage != stage || c.LR != lr })
}

// choice returns the learning rate of a rule for a threshold.
func (o Outcome) choice(rule string, threshold float64) (Chosen, bool) {
	i := slices.IndexFunc(o.Chosen, func(c Chosen) bool { return c.Rule == rule && c.Threshold == threshold })
	if i < 0 {
		return Chosen{}, false
	}
	return o.Chosen[i], true
}
