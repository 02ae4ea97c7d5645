package experiment

import (
	"math"
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
		c := Cell{Rule: rule, Stage: Reporting, LR: lr, Seed: uint64(seed), ToMSE: map[string]*Cost{"0.1": nil}}
		if n > 0 {
			c.ToMSE["0.1"] = &Cost{Batches: n, Passes: map[string]float64{"bp": 3, "pc": 8}[rule] * float64(n)}
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

// At equal passes PC's budget is 3·1000 of them: 375 batches of eight.
func TestPassesAreCensoredAtThoseOfBP(t *testing.T) {
	got := compared([]int{500}, []int{800})
	if want := 1500. / 3000; math.Abs(got.Passes.Estimate/want-1) > 1e-12 {
		t.Errorf("ratio of passes %v, want %v", got.Passes.Estimate, want)
	}
	if got := compared([]int{500}, []int{100}); math.Abs(got.Passes.Estimate/(1500./800)-1) > 1e-12 {
		t.Errorf("ratio of passes %v", got.Passes.Estimate)
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

// The exact bootstrap against values worked out by hand: of two values, means are a (1/4), (a+b)/2 (1/2), b (1/4).
func TestBootstrapTakesAllSamples(t *testing.T) {
	got := resampled([]float64{1, 3})
	sum, n := 0.0, map[float64]int{}
	for _, v := range got {
		sum += v
		n[v]++
	}
	if len(got) != 4 || n[1] != 1 || n[2] != 2 || n[3] != 1 {
		t.Errorf("means %v", got)
	}
	if n := len(resampled([]float64{1, 2, 3, 4, 5})); n != 3125 {
		t.Errorf("%d samples of five", n)
	}
	// Drawn samples of many values: their spread is that of the mean, σ/√n.
	v := make([]float64, 40)
	for i := range v {
		v[i] = float64(i % 2)
	}
	means := resampled(v)
	var m, s float64
	for _, x := range means {
		m += x / float64(len(means))
	}
	for _, x := range means {
		s += (x - m) * (x - m) / float64(len(means))
	}
	// 20,000 draws: the mean is off by 0.079/√20000 = 6e-4, the deviation by half a percent.
	if math.Abs(m-0.5) > 0.003 || math.Abs(math.Sqrt(s)-0.5/math.Sqrt(40)) > 0.002 {
		t.Errorf("mean %v, deviation %v", m, math.Sqrt(s))
	}
}
