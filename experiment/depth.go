package experiment

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Depth is Figure 4: do ten-layer networks on MNIST learn in fewer batches with PC than with BP, each at its best
// learning rate? A Contest for each activation and width; beside them the rules between BP and PC on the same networks,
// the confound of published comparisons, and the error that no linear network can go below.
type Depth struct {
	Contests []Contest `json:"contests"`
	// Isolate has contests of other rules on networks of Contests, whose names they begin with: NAME-isolate.
	Isolate  []Contest `json:"isolate"`
	Confound bool      `json:"confound"`
	Optimum  bool      `json:"optimum"` // of linear maps
}

// isolateSuffix marks the contests of Isolate.
const isolateSuffix = "-isolate"

// DepthResult is what came out.
type DepthResult struct {
	Ratios   []Ratio    `json:"ratios"`
	Isolated []Ratio    `json:"isolated"` // BP over each rule between it and PC
	Confound []Confound `json:"confound"`
	Optimum  *float64   `json:"linear_optimum"`
	Claims   []Claim    `json:"claims"`
}

// Confound is PC at the learning rate that is best for BP, with its gradient averaged over the batch like BP's, and
// summed, as in published notebooks: B times the step.
type Confound struct {
	Contest string  `json:"contest"`
	Act     string  `json:"act"`
	LR      float64 `json:"lr"` // as the notebook would print it
	Rule    string  `json:"rule"`
	Factor  float64 `json:"factor"` // 1: averaged; B: summed
	Seed    uint64  `json:"seed"`
	// Threshold is the lowest; Batches nil where it was not reached.
	Threshold float64 `json:"threshold"`
	Batches   *int    `json:"batches"`
	Diverged  *int    `json:"diverged_at"`
}

// Validate reports every fault.
func (d Depth) Validate() error {
	var faults []error
	names := map[string]bool{}
	for _, c := range d.Contests {
		names[c.Name] = true
		faults = append(faults, c.Validate())
	}
	for _, c := range d.Isolate {
		base, ok := strings.CutSuffix(c.Name, isolateSuffix)
		if !ok || !names[base] {
			faults = append(faults, fmt.Errorf("contest %s: want the name of a contest and %s", c.Name, isolateSuffix))
		}
		faults = append(faults, c.Validate())
	}
	return errors.Join(faults...)
}

// Run computes it and judges C8. Its tables start with fig4_.
func (d Depth) Run(ctx context.Context, sets Sets, sink Sink, env Env) (DepthResult, error) {
	out := DepthResult{Ratios: []Ratio{}}
	if err := d.Validate(); err != nil {
		return out, err
	}
	r := newTrials(sink, env)
	all := append(append([]Contest{}, d.Contests...), d.Isolate...)
	outcomes, err := contests(ctx, all, r, sets, env.Now)
	if err != nil {
		return out, err
	}
	for _, o := range outcomes[:len(d.Contests)] {
		out.Ratios = append(out.Ratios, o.ratios()...)
	}
	for _, iso := range outcomes[len(d.Contests):] {
		for _, o := range outcomes[:len(d.Contests)] {
			if o.Contest.Name+isolateSuffix == iso.Contest.Name {
				out.Isolated = append(out.Isolated, isolated(o, iso)...)
			}
		}
	}
	if d.Confound {
		if out.Confound, err = confounds(ctx, r, sets, outcomes[:len(d.Contests)]); err != nil {
			return out, err
		}
	}
	if d.Optimum {
		v, err := cell(sink, "linear-optimum", func() (float64, error) {
			set, err := sets("mnist")
			if err != nil {
				return 0, err
			}
			return LinearOptimum(set)
		})
		if err != nil {
			return out, err
		}
		out.Optimum = &v
	}
	out.Claims = []Claim{claim8(out)}
	w := &tables{sink: sink}
	w.outcomes("fig4_", outcomes)
	w.ratios("fig4_", out.Ratios)
	w.ratios("fig4_isolated_", out.Isolated)
	for _, c := range out.Confound {
		w.row("fig4_confound", []string{"contest", "act", "lr", "rule", "factor", "seed", "threshold", "batches", "diverged_at"},
			c.Contest, c.Act, c.LR, c.Rule, c.Factor, c.Seed, c.Threshold, deref(c.Batches), deref(c.Diverged))
	}
	if out.Optimum != nil {
		w.row("fig4_optimum", []string{"data", "linear_optimum"}, "mnist", *out.Optimum)
	}
	return out, w.err
}

// isolated compares BP with every rule of another contest on the same network.
func isolated(bp, iso Outcome) []Ratio {
	var out []Ratio
	for _, rule := range iso.Contest.rules() {
		for _, t := range iso.Contest.Thresholds {
			out = append(out, ratio(bp, "bp", iso, rule, t))
		}
	}
	return out
}

// confounds trains PC at BP's rate, averaged and summed, on the first reported seed.
func confounds(ctx context.Context, r *trials, sets Sets, outcomes []Outcome) ([]Confound, error) {
	var out []Confound
	var todo []trial
	for _, o := range outcomes {
		c := o.Contest
		lr := o.best("bp").LR
		if lr == nil {
			continue
		}
		set, err := sets(c.Base.Data)
		if err != nil {
			return nil, err
		}
		for _, f := range []struct {
			rule   string
			factor float64
		}{{"bp", 1}, {"pc", 1}, {"pc", float64(c.Base.Batch)}} {
			s := c.Base
			s.Rule, s.LR, s.Seed, s.Workers = f.rule, *lr*f.factor, c.Reporting[0], 1
			// The cell of the contest, if it has this one: the training is the same.
			todo = append(todo, trial{contest: c.Name, stage: Reporting, spec: s, thresholds: c.Thresholds, set: set, credit: r.m.plan(0)})
			out = append(out, Confound{Contest: c.Name, Act: c.Base.Act, LR: *lr, Rule: f.rule, Factor: f.factor, Seed: s.Seed, Threshold: c.Thresholds[len(c.Thresholds)-1]})
		}
	}
	cells, err := r.all(ctx, todo)
	if err != nil {
		return nil, err
	}
	for i, x := range cells {
		if cost := x.ToMSE[ThresholdKey(out[i].Threshold)]; cost != nil {
			out[i].Batches = &cost.Batches
		}
		out[i].Diverged = x.DivergedAt
	}
	return out, nil
}

// claim8 holds if PC is faster, by the interval, in every cell: contest and threshold.
func claim8(d DepthResult) Claim {
	c := newClaim("C8")
	c.Numbers["cells"] = briefs(d.Ratios)
	c.Numbers["linear_optimum"] = deref(d.Optimum)
	t := tallyOf(d.Ratios)
	c.Numbers["outcomes"] = t.counts
	c.Numbers["seeds"] = t.seeds
	c.Verdict, c.Text = t.everyFaster()
	if passes := tallyPasses(d.Ratios); passes != "" {
		c.Text += " " + passes
	}
	return c
}
