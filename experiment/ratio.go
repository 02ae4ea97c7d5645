package experiment

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Ratio is how many times fewer batches one rule needs than another to a threshold, each at its own best learning rate,
// paired by seed. A seed that did not reach the threshold counts with what the whole budget would have cost it: right-censored, not
// dropped, so that a ratio is nearer to 1 than the truth, whichever rule is missing. Diverged is a way of not reaching it.
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
	// Batches and Passes are geometric means over seeds of BP over PC: above 1, PC needs fewer.
	Batches Interval `json:"batches_ratio"`
	Passes  Interval `json:"passes_ratio"`
	Outcome string   `json:"outcome"`

	logs []float64 // of each seed, of batches
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

// Interval is an estimate with its 95 % interval, paired by seed, none for fewer than minSeeds seeds.
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
	logs := func(f func(Cost) float64, whole func(Cell) float64) []float64 {
		out := make([]float64, r.Seeds)
		of := func(cells []Cell, i int) float64 {
			if i >= len(cells) { // no rate without divergence
				return whole(Cell{})
			}
			if v := costOf(key, f)(cells[i]); !math.IsInf(v, 1) {
				return v
			}
			return whole(cells[i])
		}
		for i := range out {
			out[i] = math.Log(of(a, i) / of(b, i))
		}
		return out
	}
	r.logs = logs(batches, func(Cell) float64 { return budget })
	r.Batches = interval(r.logs, level)
	r.Passes = interval(logs(passes, func(c Cell) float64 { return budget * c.passesABatch() }), level)
	r.Outcome = r.outcome()
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

func (r Ratio) outcome() string {
	all := func(f func(float64) bool) bool {
		return !slices.ContainsFunc(r.logs, func(v float64) bool { return !f(v) })
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

// level is that of intervals.
const level = 0.95

// interval returns the exponential of the mean of logs and of the ends of its interval by Student's t: of few values a bootstrap's is too
// narrow.
func interval(logs []float64, level float64) Interval {
	mean, deviation := stat.MeanStdDev(logs, nil)
	out := Interval{Estimate: math.Exp(mean)}
	n := float64(len(logs))
	if len(logs) < minSeeds {
		return out
	}
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1+level)/2) * deviation / math.Sqrt(n)
	low, high := math.Exp(mean-half), math.Exp(mean+half)
	out.Low, out.High = &low, &high
	return out
}

// behind reports whether PC is, by an interval of the level.
func (r Ratio) behind(level float64) bool {
	high := interval(r.logs, level).High
	return high != nil && *high < 1
}
