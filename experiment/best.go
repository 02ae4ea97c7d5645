package experiment

import (
	"cmp"
	"math"
	"slices"
)

// candidate is a learning rate and its cells, one for each seed.
type candidate struct {
	lr    float64
	cells []Cell
}

// fastest returns the candidate with the fewest batches to the threshold key, then the lowest final MSE, then the lowest
// rate; nil where at every rate some seed diverged.
func fastest(all []candidate, key string) *candidate {
	all = sound(all)
	if len(all) == 0 {
		return nil
	}
	best := slices.MinFunc(all, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(medianBatches(x.cells, key), medianBatches(y.cells, key)),
			cmp.Compare(median(values(x.cells, finalMSE)), median(values(y.cells, finalMSE))))
	})
	return &best
}

// sound returns the candidates of which no seed diverged.
func sound(all []candidate) []candidate {
	return slices.DeleteFunc(slices.Clone(all), func(x candidate) bool {
		return len(x.cells) == 0 || slices.ContainsFunc(x.cells, func(c Cell) bool { return c.DivergedAt != nil })
	})
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
func passes(c Cost) float64  { return c.Passes }

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
	return &Cost{Batches: int(n), Passes: of(passes),
		MACs: of(func(c Cost) float64 { return c.MACs }), Seconds: of(func(c Cost) float64 { return c.Seconds })}
}
