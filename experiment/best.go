package experiment

import (
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

// score ranks a learning rate: batches to the lowest threshold that any rate of the rule reached, then final MSE.
type score struct{ batches, mse float64 }

func (c Compare) bestOf(act, rule string, cells []Cell) Best {
	b := Best{Rule: rule, Act: act, ToMSE: map[string]*Cost{}}
	thresholds := c.Thresholds[act]
	for _, t := range thresholds {
		b.ToMSE[ThresholdKey(t)] = nil
	}
	rates := c.Rates[act+"/"+rule]
	at := func(lr float64) []Cell {
		return slices.DeleteFunc(slices.Clone(cells), func(x Cell) bool { return x.Act != act || x.Rule != rule || x.LR != lr })
	}
	// The lowest threshold that the median seed of some rate reached; without one, the final MSE decides alone.
	key := ""
	for _, t := range slices.Sorted(slices.Values(thresholds)) {
		k := ThresholdKey(t)
		if slices.ContainsFunc(rates, func(lr float64) bool { return !math.IsInf(medianBatches(at(lr), k), 0) }) {
			key = k
			break
		}
	}
	won := score{math.Inf(1), math.Inf(1)}
	for _, lr := range rates {
		group := at(lr)
		if slices.ContainsFunc(group, func(x Cell) bool { return x.DivergedAt != nil }) {
			continue
		}
		s := score{medianBatches(group, key), median(values(group, finalMSE))}
		if b.LR == nil || s.batches < won.batches || (s.batches == won.batches && s.mse < won.mse) {
			won, b.LR = s, &lr
		}
	}
	if b.LR != nil {
		for _, t := range thresholds {
			b.ToMSE[ThresholdKey(t)] = medianCost(at(*b.LR), ThresholdKey(t))
		}
	}
	return b
}

func finalMSE(x Cell) float64 {
	if x.TrainMSE == nil || x.DivergedAt != nil {
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
		if c := x.ToMSE[key]; c != nil && x.DivergedAt == nil {
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
