package experiment

import (
	"math"
	"math/rand/v2"
	"testing"
)

// outcome is a contest by hand: batches to 0.1 of each seed, 0 for never, of which negative ones diverged.
func outcome(rule string, budget int, to ...int) Outcome {
	o := Outcome{Contest: Contest{Name: "x", Thresholds: []float64{0.1}}}
	o.Contest.Base.Batches = budget
	lr := 1.0
	o.Chosen = []Chosen{{Rule: rule, Threshold: 0.1, LR: &lr}}
	for seed, n := range to {
		o.Contest.Reporting = append(o.Contest.Reporting, uint64(seed))
		each := map[string]float64{"bp": 3, "pc": 8}[rule]
		c := Cell{Rule: rule, Stage: Reporting, LR: lr, Seed: uint64(seed), ToMSE: map[string]*Cost{"0.1": nil}, PassesMean: &each}
		if n > 0 {
			c.ToMSE["0.1"] = &Cost{Batches: n, Passes: each * float64(n)}
		}
		if n < 0 {
			c.DivergedAt = new(-n)
		}
		o.Cells = append(o.Cells, c)
	}
	return o
}

func compared(bp, pc []int) Ratio {
	return ratio(outcome("bp", 1000, bp...), "bp", outcome("pc", 1000, pc...), "pc", 0.1)
}

func TestRatioIsPairedAndCensored(t *testing.T) {
	for _, c := range []struct {
		name    string
		bp, pc  []int
		want    float64
		outcome string
	}{
		{"one seed", []int{400}, []int{100}, 4, Faster},
		{"geometric mean", []int{400, 100}, []int{100, 100}, 2, Unclear},
		{"censored at the budget", []int{0, 0, 0}, []int{100, 100, 100}, 10, Faster},
		{"both ways", []int{0}, []int{0}, 1, Neither},
		{"PC never, BP did", []int{500, 500}, []int{0, 0}, 0.5, Slower},
		{"divergence is not reaching", []int{500, 250}, []int{-3, -3}, math.Sqrt(0.5 * 0.25), Slower},
		{"five seeds, all faster", []int{200, 300, 250, 260, 240}, []int{100, 100, 100, 100, 100}, math.Exp((math.Log(2) + math.Log(3) + math.Log(2.5) + math.Log(2.6) + math.Log(2.4)) / 5), Faster},
		{"five seeds, one slower by much", []int{200, 200, 200, 200, 10}, []int{100, 100, 100, 100, 100}, math.Exp((4*math.Log(2) + math.Log(0.1)) / 5), Unclear},
		{"five seeds, slower", []int{90, 80, 90, 80, 90}, []int{100, 100, 100, 100, 100}, math.Exp((3*math.Log(0.9) + 2*math.Log(0.8)) / 5), Slower},
	} {
		got := compared(c.bp, c.pc)
		if math.Abs(got.Batches.Estimate/c.want-1) > 1e-12 || got.Outcome != c.outcome {
			t.Errorf("%s: %v %q, want %v %q", c.name, got.Batches.Estimate, got.Outcome, c.want, c.outcome)
		}
		if (got.Batches.Low != nil) != (len(c.bp) >= 5) {
			t.Errorf("%s: interval from %v with %d seeds", c.name, got.Batches.Low, len(c.bp))
		}
	}
}

// TestPassesCountAsSeen, though PC's be more than BP could take in its budget; who did not get there counts with its whole budget.
func TestPassesCountAsSeen(t *testing.T) {
	for _, c := range []struct {
		bp, pc int
		want   float64
	}{
		{500, 100, 1500. / 800},
		{500, 800, 1500. / 6400},
		{500, 0, 1500. / 8000},
		{500, -3, 1500. / 8000},
		{0, 900, 3000. / 7200},
		{0, 0, 3. / 8},
	} {
		if got := compared([]int{c.bp}, []int{c.pc}); math.Abs(got.Passes.Estimate/c.want-1) > 1e-12 {
			t.Errorf("%d batches of BP, %d of PC: ratio of passes %v, want %v", c.bp, c.pc, got.Passes.Estimate, c.want)
		}
	}
}

func TestASideSaysHowManyReachedAndDiverged(t *testing.T) {
	s := compared([]int{400, 0, 300}, []int{-5, 100, -2}).PC
	if s.Reached != 1 || s.Diverged != 2 || s.DivergedRates != 1 || s.Batches != nil || s.Least == nil || *s.Least != 100 || s.Most != nil {
		t.Errorf("%+v", s)
	}
	o := outcome("pc", 1000)
	o.Chosen[0].LR = nil // every rate diverged
	o.Contest.Reporting = []uint64{0}
	if got := ratio(outcome("bp", 1000, 100), "bp", o, "pc", 0.1); got.Outcome != Slower || math.Abs(got.Batches.Estimate/0.1-1) > 1e-12 {
		t.Errorf("no rate: %+v", got)
	}
}

// TestIntervalIsStudents: by the tables t(0.975) is 2.7764 with 4 degrees of freedom; and of five normal numbers the interval misses their
// mean as often as it says.
func TestIntervalIsStudents(t *testing.T) {
	got := interval([]float64{-2, -1, 0, 1, 2}, 0.95)
	if half := 2.776445 * math.Sqrt(2.5) / math.Sqrt(5); math.Abs(math.Log(*got.High)-half) > 1e-6 || math.Abs(math.Log(*got.Low)+half) > 1e-6 || got.Estimate != 1 {
		t.Errorf("%v from %v to %v, want ±%v of the logarithm", got.Estimate, *got.Low, *got.High, half)
	}
	rng, missed := rand.New(rand.NewPCG(1, 2)), 0
	const times = 20_000
	for range times {
		var v [5]float64
		for i := range v {
			v[i] = 1 + rng.NormFloat64()
		}
		if x := interval(v[:], 0.95); *x.Low > math.E || *x.High < math.E {
			missed++
		}
	}
	if share := float64(missed) / times; math.Abs(share-0.05) > 5*math.Sqrt(0.05*0.95/times) {
		t.Errorf("the interval misses in %.3f of all cases", share)
	}
}
