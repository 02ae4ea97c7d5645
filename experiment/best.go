package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// best chooses each rule's learning rate for each activation.
func (c Compare) best(cells []Cell) []Best {
	var out []Best
	for _, act := range c.Acts {
		for _, rule := range c.Rules {
			out = append(out, c.bestOf(act, rule, cells))
		}
	}
	return out
}

// candidate is a learning rate at which no seed diverged, and its cells.
type candidate struct {
	lr    float64
	cells []Cell
}

// bestOf chooses the candidate with the fewest batches to the lowest threshold that any candidate reached, then the
// lowest final MSE, then the lowest rate.
func (c Compare) bestOf(act, rule string, cells []Cell) Best {
	b := Best{Rule: rule, Act: act, ToMSE: map[string]*Cost{}}
	for _, t := range c.Thresholds[act] {
		b.ToMSE[ThresholdKey(t)] = nil
	}
	var candidates []candidate
	for _, lr := range c.Rates[act+"/"+rule] {
		group := slices.DeleteFunc(slices.Clone(cells), func(x Cell) bool { return x.Act != act || x.Rule != rule || x.LR != lr })
		if !slices.ContainsFunc(group, func(x Cell) bool { return x.DivergedAt != nil }) {
			candidates = append(candidates, candidate{lr, group})
		}
	}
	if len(candidates) == 0 {
		return b
	}
	key := lowestReached(c.Thresholds[act], candidates)
	best := slices.MinFunc(candidates, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(medianBatches(x.cells, key), medianBatches(y.cells, key)),
			cmp.Compare(median(values(x.cells, finalMSE)), median(values(y.cells, finalMSE))))
	})
	b.LR = &best.lr
	for key := range b.ToMSE {
		b.ToMSE[key] = medianCost(best.cells, key)
	}
	return b
}

// lowestReached returns the key of the lowest threshold that the median seed of some candidate reached, "" if there is
// none: nobody has reached that, and the final MSE decides alone.
func lowestReached(thresholds []float64, candidates []candidate) string {
	for _, t := range slices.Sorted(slices.Values(thresholds)) {
		key := ThresholdKey(t)
		if slices.ContainsFunc(candidates, func(x candidate) bool { return !math.IsInf(medianBatches(x.cells, key), 0) }) {
			return key
		}
	}
	return ""
}

func finalMSE(x Cell) float64 {
	if x.TrainMSE == nil {
		return math.Inf(1)
	}
	return *x.TrainMSE
}

func values(cells []Cell, f func(Cell) float64) []float64 {
	out := make([]float64, len(cells))
	for i, x := range cells {
		out[i] = f(x)
	}
	return out
}

// median returns the middle value, of an even number the upper of the two: with what was not reached at infinity, it
// is reached only if more than half were.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.Inf(1)
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// costOf returns a function that reads one cost of a cell, +Inf where the threshold was not reached.
func costOf(key string, f func(Cost) float64) func(Cell) float64 {
	return func(x Cell) float64 {
		if c := x.ToMSE[key]; c != nil {
			return f(*c)
		}
		return math.Inf(1)
	}
}

func batches(c Cost) float64 { return float64(c.Batches) }

func medianBatches(group []Cell, key string) float64 {
	return median(values(group, costOf(key, batches)))
}

// medianCost returns the medians over seeds, nil if the median seed did not reach the threshold.
func medianCost(group []Cell, key string) *Cost {
	of := func(f func(Cost) float64) float64 { return median(values(group, costOf(key, f))) }
	n := of(batches)
	if math.IsInf(n, 0) {
		return nil
	}
	return &Cost{Batches: int(n), Passes: of(func(c Cost) float64 { return c.Passes }),
		MACs: of(func(c Cost) float64 { return c.MACs }), Seconds: of(func(c Cost) float64 { return c.Seconds })}
}

// why lists what keeps the comparison from being fair by section 3 of the notation.
func (c Compare) why(out Comparison) []string {
	var why []string
	if n := len(c.Seeds); n < 3 {
		why = append(why, fmt.Sprintf("%d seed(s): at least 3 are needed", n))
	}
	var lost, edge []string
	for _, b := range out.Best {
		rates := c.Rates[b.Act+"/"+b.Rule]
		switch {
		case b.LR == nil:
			lost = append(lost, fmt.Sprintf("%s %s", b.Act, b.Rule))
		case *b.LR == rates[0] || *b.LR == rates[len(rates)-1]:
			edge = append(edge, fmt.Sprintf("%s %s %g", b.Act, b.Rule, *b.LR))
		}
	}
	if len(lost) > 0 {
		why = append(why, "diverged at every learning rate tried: "+strings.Join(lost, ", "))
	}
	if len(edge) > 0 {
		why = append(why, "best learning rate at the edge of its grid: "+strings.Join(edge, ", "))
	}
	return append(why, "learning rates are chosen on the seeds that are reported")
}
