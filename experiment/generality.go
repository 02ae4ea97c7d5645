package experiment

import (
	"context"
	"errors"
	"fmt"
)

// Generality asks whether PC is ahead elsewhere too: other initial weights, optimisers, data, tasks, depths and widths.
// Each is a Contest; Missing says which were left out, and why.
type Generality struct {
	Contests []Contest `json:"contests"`
	Missing  []string  `json:"missing"`
}

// GeneralityResult is what came out.
type GeneralityResult struct {
	Ratios []Ratio `json:"ratios"`
	Claims []Claim `json:"claims"`
}

// Run computes it and judges C10. Its tables start with generality_.
func (g Generality) Run(ctx context.Context, sets Sets, sink Sink, env Env) (GeneralityResult, error) {
	out := GeneralityResult{Ratios: []Ratio{}}
	var faults []error
	for _, c := range g.Contests {
		faults = append(faults, c.Validate())
	}
	if err := errors.Join(faults...); err != nil {
		return out, err
	}
	outcomes, err := contests(ctx, g.Contests, newTrials(sink, env), sets, env.Now)
	if err != nil {
		return out, err
	}
	for _, o := range outcomes {
		out.Ratios = append(out.Ratios, o.ratios()...)
	}
	out.Claims = []Claim{g.claim10(out)}
	w := &tables{sink: sink}
	w.outcomes("generality_", outcomes)
	w.ratios("generality_", out.Ratios)
	for _, m := range g.Missing {
		w.row("generality_missing", []string{"what"}, m)
	}
	return out, w.err
}

// claim10 holds if BP is ahead in some cell, by an interval that is wide enough for as many cells (Bonferroni).
func (g Generality) claim10(r GeneralityResult) Claim {
	c, t := newClaim("C10"), tallyOf(r.Ratios)
	c.Numbers["cells"], c.Numbers["outcomes"], c.Numbers["seeds"], c.Numbers["missing"] = briefs(r.Ratios), t.counts, t.seeds, g.Missing
	decided, certain := t.all-t.counts[Neither], 0
	for _, x := range r.Ratios {
		if x.Outcome == Slower && x.behind(1-(1-level)/float64(decided)) {
			certain++
		}
	}
	c.Numbers["bp_ahead_for_all_cells"] = certain
	switch {
	case decided == 0:
		c.Verdict = Undecided
	case t.exact && certain > 0:
		c.Verdict = Holds
	case t.exact && t.counts[Faster] < decided:
		c.Verdict = Conditional
	case t.exact:
		c.Verdict = Fails
	case t.seeds >= 2 && t.counts[Slower] > 0:
		c.Verdict = Conditional
	default:
		c.Verdict = Undecided
	}
	c.Text = fmt.Sprintf("Over %d other settings (%d cells with their thresholds) PC needs fewer batches in %d cells, BP in %d, %d show no difference, in %d neither reached the threshold; %d seed(s).",
		len(contestsOf(r.Ratios)), t.all, t.counts[Faster], t.counts[Slower], t.counts[Unclear], t.counts[Neither], t.seeds)
	if t.counts[Slower] > 0 {
		c.Text += " BP is ahead at " + list(t.where[Slower]) + "."
		if t.exact {
			c.Text += fmt.Sprintf(" With so many cells chance alone puts some ahead; by intervals for all of them together it is in %d.", certain)
		}
	}
	if !t.exact {
		c.Text += fmt.Sprintf(" Intervals take %d seeds: --full.", minSeeds)
	}
	if p := tallyPasses(r.Ratios); p != "" {
		c.Text += " " + p
	}
	return c
}
