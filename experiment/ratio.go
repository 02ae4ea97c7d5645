package experiment

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Ratio is how many times fewer batches one rule needs than another to a threshold, each at its own best learning rate,
// paired by seed. A seed that did not reach the threshold counts with the budget, so that a ratio is never larger than
// what was seen: right-censored, not dropped. Diverged is a way of not reaching it.
type Ratio struct {
	Contest   string  `json:"contest"`
	Act       string  `json:"act"`
	Arch      string  `json:"arch"`
	Init      string  `json:"init"`
	Optim     string  `json:"optim"`
	Data      string  `json:"data"`
	Threshold float64 `json:"threshold"`
	Budget    int     `json:"budget"` // batches
	BP        Side    `json:"bp"`
	PC        Side    `json:"pc"`
	Seeds     int     `json:"seeds"`
	// Batches and Passes are geometric means over seeds of BP over PC: above 1, PC needs fewer. Passes are censored at
	// the passes of BP's budget for both.
	Batches Interval `json:"batches_ratio"`
	Passes  Interval `json:"passes_ratio"`
	Outcome string   `json:"outcome"`
}

// Side is one rule's part of a Ratio.
type Side struct {
	Rule     string   `json:"rule"`
	LR       *float64 `json:"lr"`
	Edge     bool     `json:"edge"`
	Reached  int      `json:"reached"`  // seeds
	Diverged int      `json:"diverged"` // seeds
	// Medians over seeds and, of batches, the range; nil where not reached.
	Batches *float64 `json:"batches"`
	Least   *float64 `json:"least"`
	Most    *float64 `json:"most"`
	Passes  *float64 `json:"passes"`
	MACs    *float64 `json:"macs"`
	Seconds *float64 `json:"seconds"`
	// TestAccuracy is the median at the end of the training, which is at its lowest threshold or its budget.
	TestAccuracy *float64 `json:"test_accuracy"`
	// DivergedRates is how many of the learning rates tried diverged on some seed.
	DivergedRates int `json:"diverged_rates"`
}

// Interval is an estimate with its paired bootstrap 95 % interval, none for fewer than minSeeds seeds.
type Interval struct {
	Estimate float64  `json:"estimate"`
	Low      *float64 `json:"low"`
	High     *float64 `json:"high"`
}

// The outcomes of a Ratio. With minSeeds seeds or more the interval decides, with fewer all seeds must agree.
const (
	Faster  = "PC faster"
	Slower  = "BP faster"
	Unclear = "no difference shown"
	Neither = "neither reached it"
)

// minSeeds is the number of seeds from which on there are intervals.
const minSeeds = 5

// ratio compares two rules of outcomes (of the same network, data and budget) at a threshold.
func ratio(bp Outcome, bpRule string, pc Outcome, pcRule string, threshold float64) Ratio {
	c := bp.Contest
	r := Ratio{Contest: pc.Contest.Name, Act: c.Base.Act, Arch: c.Base.Arch, Init: c.Base.Init, Optim: c.Base.Optim, Data: c.Base.Data,
		Threshold: threshold, Budget: c.Base.Batches, Seeds: len(c.Reporting)}
	a, b := bp.at(bpRule, threshold), pc.at(pcRule, threshold)
	r.BP, r.PC = bp.side(bpRule, threshold, a), pc.side(pcRule, threshold, b)
	budget := float64(c.Base.Batches)
	key := ThresholdKey(threshold)
	logs := func(f func(Cost) float64, most float64) []float64 {
		out := make([]float64, r.Seeds)
		of := func(cells []Cell, i int) float64 {
			if i >= len(cells) { // no rate without divergence
				return most
			}
			return min(costOf(key, f)(cells[i]), most)
		}
		for i := range out {
			out[i] = math.Log(of(a, i) / of(b, i))
		}
		return out
	}
	byBatches := logs(batches, budget)
	r.Batches = interval(byBatches)
	r.Passes = interval(logs(passes, 3*budget))
	r.Outcome = r.outcome(byBatches)
	return r
}

// at returns the reported cells of a rule at its rate for the threshold, by seed; none where it has no rate.
func (o Outcome) at(rule string, threshold float64) []Cell {
	c, ok := o.choice(rule, threshold)
	if !ok || c.LR == nil {
		return nil
	}
	return o.of(rule, Reporting, *c.LR)
}

func (o Outcome) side(rule string, threshold float64, cells []Cell) Side {
	key := ThresholdKey(threshold)
	c, _ := o.choice(rule, threshold)
	s := Side{Rule: rule, LR: c.LR, Edge: c.Edge}
	var accuracy []float64
	for _, x := range cells {
		if x.ToMSE[key] != nil {
			s.Reached++
		}
		if x.DivergedAt != nil {
			s.Diverged++
		}
		if x.TestAccuracy != nil {
			accuracy = append(accuracy, *x.TestAccuracy)
		}
	}
	seen := map[float64]bool{}
	for _, x := range o.Cells {
		if x.Rule == rule && x.DivergedAt != nil && !seen[x.LR] {
			seen[x.LR] = true
			s.DivergedRates++
		}
	}
	s.TestAccuracy = orNil(median(accuracy))
	n := values(cells, costOf(key, batches))
	s.Batches = orNil(median(n))
	if len(n) > 0 {
		s.Least, s.Most = orNil(slices.Min(n)), orNil(slices.Max(n))
	}
	if cost := medianCost(cells, key); cost != nil {
		s.Passes, s.MACs = orNil(cost.Passes), orNil(cost.MACs)
		if cost.Seconds > 0 {
			s.Seconds = orNil(cost.Seconds)
		}
	}
	return s
}

func (r Ratio) outcome(logs []float64) string {
	all := func(f func(float64) bool) bool {
		return !slices.ContainsFunc(logs, func(v float64) bool { return !f(v) })
	}
	switch {
	case r.BP.Reached == 0 && r.PC.Reached == 0:
		return Neither
	case r.Batches.Low != nil && *r.Batches.Low > 1, r.Batches.Low == nil && all(func(v float64) bool { return v > 0 }):
		return Faster
	case r.Batches.High != nil && *r.Batches.High < 1, r.Batches.High == nil && all(func(v float64) bool { return v < 0 }):
		return Slower
	}
	return Unclear
}

// interval returns the exponential of the mean of logs and of the ends of its 95 % bootstrap interval: percentiles of
// the means of samples of as many logs, drawn with replacement.
func interval(logs []float64) Interval {
	out := Interval{Estimate: math.Exp(meanOf(logs))}
	if len(logs) < minSeeds {
		return out
	}
	means := resampled(logs)
	slices.Sort(means)
	low, high := math.Exp(percentile(means, 0.025)), math.Exp(percentile(means, 0.975))
	out.Low, out.High = &low, &high
	return out
}

// The bootstrap is exact up to so many values: all samples are taken; beyond it so many are drawn.
const (
	exactValues = 6
	draws       = 20_000
)

// resampled returns the means of samples of v.
func resampled(v []float64) []float64 {
	n := len(v)
	if n <= exactValues {
		var out []float64
		var sum func(k int, s float64)
		sum = func(k int, s float64) {
			if k == 0 {
				out = append(out, s/float64(n))
				return
			}
			for _, x := range v {
				sum(k-1, s+x)
			}
		}
		sum(n, 0)
		return out
	}
	rng := rand.New(rand.NewPCG(uint64(n), 0x626f6f74)) // "boot"
	out := make([]float64, draws)
	for i := range out {
		for range n {
			out[i] += v[rng.IntN(n)]
		}
		out[i] /= float64(n)
	}
	return out
}

// percentile returns the value of sorted below which a share q lies, between neighbours in proportion.
func percentile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

func meanOf(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
