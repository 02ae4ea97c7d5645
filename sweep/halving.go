package sweep

import (
	"cmp"
	"math"
	"slices"

	"github.com/settle-pc/settle/train"
)

// Halving is successive halving (Jamieson & Talwalkar 2016, Alg. 1) with a factor other than two where asked for. All
// configurations are trained for a share Factor^(1−Rungs) of their batches; the best 1/Factor of them go on to Factor times
// as many, and so on, until the last rung ends where the spec does. A configuration is judged by the mean over its seeds: all
// of them go on, or none. What goes on depends on scores alone, not on the order in which trials end.
type Halving struct {
	Metric string // one of Metrics
	Rungs  int    // from 2
	Factor int    // from 2
}

// Batches returns after how many of total batches a trial is judged on a rung, from 0; total on the last.
func (h *Halving) Batches(rung, total int) int {
	n := float64(total)
	for range h.Rungs - 1 - rung {
		n /= float64(h.Factor)
	}
	return max(1, int(math.Ceil(n)))
}

// Score returns the metric such that less is better; +Inf for a training that diverged or lacks it.
func (h *Halving) Score(t train.Summary) float64 {
	v, sign := t.TestMSE, 1.0
	switch h.Metric {
	case "test_accuracy":
		v, sign = t.TestAccuracy, -1
	case "train_mse":
		v = t.TrainMSE
	}
	if v == nil || t.DivergedAt != nil {
		return math.Inf(1)
	}
	return sign * *v
}

// Promote returns which configurations go on, ascending: of scores, by configuration, the lowest 1/Factor, at least one; of
// equal ones those that come first. Those at +Inf do not go on.
func (h *Halving) Promote(scores map[int]float64) []int {
	var all []int
	for c := range scores {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b int) int { return cmp.Or(cmp.Compare(scores[a], scores[b]), cmp.Compare(a, b)) })
	all = all[:(len(all)+h.Factor-1)/h.Factor]
	all = slices.DeleteFunc(all, func(c int) bool { return math.IsInf(scores[c], 1) })
	slices.Sort(all)
	return all
}
