package experiment

import (
	"maps"
	"math"
	"slices"
)

// tables writes the tables of contests.
type tables struct {
	sink Sink
	err  error // the first of the sink
}

// row stores a row; after an error it does nothing.
func (w *tables) row(table string, columns []string, values ...any) {
	if w.err == nil {
		w.err = w.sink.Row(table, columns, values)
	}
}

// outcomes stores contests under names that start with prefix: what they are, every cell, every curve, the learning
// rates chosen, and the time of a pass. Wall times are in the last table alone.
func (w *tables) outcomes(prefix string, all []Outcome) {
	for _, o := range all {
		c := o.Contest
		b := c.Base
		w.row(prefix+"contests", []string{"contest", "data", "arch", "act", "place", "init", "bias", "optim", "momentum", "batch", "budget", "solver", "coords", "gap", "tol", "max_passes", "rules",
			"thresholds", "selection", "elsewhere", "reporting", "worse", "extend", "refine"},
			c.Name, b.Data, b.Arch, b.Act, b.Place, b.Init, b.Bias, b.Optim, b.Momentum, b.Batch, b.Batches, b.Solver, b.Coords, b.Gap, b.Tol, b.MaxPasses, c.rules(),
			c.Thresholds, c.Selection, c.Elsewhere, c.Reporting, c.Worse, c.Extend, c.Refine)
		for _, x := range o.Cells {
			w.cell(prefix, o, x)
		}
		for _, x := range o.Chosen {
			w.row(prefix+"chosen", []string{"contest", "act", "rule", "threshold", "lr", "edge", "reached", "batches", "tried"},
				x.Contest, x.Act, x.Rule, x.Threshold, deref(x.LR), x.Edge, x.Reached, deref(x.Batches), x.Tried)
		}
		w.summaries(prefix, o)
		for _, rule := range c.rules() {
			if s, ok := o.Pass[rule]; ok {
				w.row(prefix+"timings", []string{"contest", "act", "rule", "seconds"}, c.Name, b.Act, rule, s)
			}
		}
	}
}

func (w *tables) cell(prefix string, o Outcome, x Cell) {
	for _, t := range o.Contest.Thresholds {
		row := []any{x.Contest, x.Stage, x.Act, x.Rule, x.LR, x.Seed, t, nil, nil, nil, x.Batches, deref(x.TrainMSE), deref(x.TestMSE), deref(x.TestAccuracy), deref(x.DivergedAt),
			deref(x.PassesMean), deref(x.ResidualMean), deref(x.GapMean)}
		if cost := x.ToMSE[ThresholdKey(t)]; cost != nil {
			row[7], row[8], row[9] = cost.Batches, cost.Passes, cost.MACs
		}
		w.row(prefix+"cells", []string{"contest", "stage", "act", "rule", "lr", "seed", "threshold", "batches", "passes", "macs",
			"batches_run", "train_mse", "test_mse", "test_accuracy", "diverged_at", "passes_mean", "residual_mean", "gap_mean"}, row...)
	}
	best := slices.ContainsFunc(o.Chosen, func(c Chosen) bool { return c.Rule == x.Rule && c.LR != nil && *c.LR == x.LR })
	for i, b := range x.Curve.Batch {
		w.row(prefix+"curves", []string{"contest", "stage", "act", "rule", "lr", "chosen", "seed", "batch", "mse", "passes"},
			x.Contest, x.Stage, x.Act, x.Rule, x.LR, best, x.Seed, b, x.Curve.MSE[i], x.Curve.Passes[i])
	}
}

// ratios stores comparisons of rules.
func (w *tables) ratios(prefix string, all []Ratio) {
	for _, r := range all {
		columns := []string{"contest", "act", "arch", "init", "optim", "data", "threshold", "budget", "seeds", "outcome",
			"batches_ratio", "batches_low", "batches_high", "passes_ratio", "passes_low", "passes_high"}
		row := []any{r.Contest, r.Act, r.Arch, r.Init, r.Optim, r.Data, r.Threshold, r.Budget, r.Seeds, r.Outcome,
			r.Batches.Estimate, deref(r.Batches.Low), deref(r.Batches.High), r.Passes.Estimate, deref(r.Passes.Low), deref(r.Passes.High)}
		for _, side := range []struct {
			name string
			Side
		}{{"a", r.BP}, {"b", r.PC}} {
			for _, col := range []struct {
				name  string
				value any
			}{{"rule", side.Rule}, {"lr", deref(side.LR)}, {"edge", side.Edge}, {"reached", side.Reached}, {"diverged", side.Diverged}, {"diverged_rates", side.DivergedRates},
				{"batches", deref(side.Batches)}, {"least", deref(side.Least)}, {"most", deref(side.Most)},
				{"passes", deref(side.Passes)}, {"macs", deref(side.MACs)}, {"test_accuracy", deref(side.TestAccuracy)}} {
				columns, row = append(columns, side.name+"_"+col.name), append(row, col.value)
			}
		}
		w.row(prefix+"ratios", columns, row...)
	}
}

// summaries stores, for each rule, the median curve of the reported seeds at the rate for the lowest threshold, and what
// every learning rate came to with the seeds that choose.
func (w *tables) summaries(prefix string, o Outcome) {
	c := o.Contest
	lowest := c.Thresholds[len(c.Thresholds)-1]
	for _, rule := range c.rules() {
		if ch, ok := o.choice(rule, lowest); ok && ch.LR != nil {
			for _, p := range medianCurve(o.of(rule, Reporting, *ch.LR)) {
				w.row(prefix+"medians", []string{"contest", "act", "rule", "lr", "batch", "mse", "passes"}, c.Name, c.Base.Act, rule, *ch.LR, p.batch, p.mse, p.passes)
			}
		}
		stage := Selection
		if !c.fair() {
			stage = Reporting
		}
		for _, lr := range o.rates(rule, stage) {
			cells := o.of(rule, stage, lr)
			diverged := 0
			for _, x := range cells {
				if x.DivergedAt != nil {
					diverged++
				}
			}
			for _, t := range c.Thresholds {
				w.row(prefix+"rates", []string{"contest", "act", "rule", "lr", "threshold", "seeds", "diverged", "batches"}, c.Name, c.Base.Act, rule, lr, t, len(cells), diverged,
					deref(orNil(medianBatches(cells, ThresholdKey(t)))))
			}
		}
	}
}

// rates returns the learning rates of a rule's cells, ascending.
func (o Outcome) rates(rule, stage string) []float64 {
	var out []float64
	for _, c := range o.Cells {
		if c.Rule == rule && c.Stage == stage {
			out = append(out, c.LR)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// curvePoint is a point of a median curve.
type curvePoint struct{ batch, mse, passes float64 }

// medianCurve returns the median over trainings at every batch where most of them have a point. A training that has ended
// at its threshold counts as lower than all others from then on, one that diverged as higher; both go on at their passes a batch.
func medianCurve(cells []Cell) []curvePoint {
	at := map[float64]bool{}
	for _, c := range cells {
		for _, b := range c.Curve.Batch {
			if stored(int(b)) {
				at[b] = true
			}
		}
	}
	var out []curvePoint
	for _, b := range slices.Sorted(maps.Keys(at)) {
		var mse, passes []float64
		for _, c := range cells {
			i, ok := slices.BinarySearch(c.Curve.Batch, b)
			switch {
			case ok:
				mse, passes = append(mse, c.Curve.MSE[i]), append(passes, c.Curve.Passes[i])
			case c.DivergedAt != nil:
				mse, passes = append(mse, math.Inf(1)), append(passes, float64(c.passesABatch()*b))
			default:
				mse, passes = append(mse, math.Inf(-1)), append(passes, float64(c.passesABatch()*b))
			}
		}
		if m := median(mse); !math.IsInf(m, 0) {
			out = append(out, curvePoint{b, m, median(passes)})
		}
	}
	return out
}
