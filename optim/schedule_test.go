package optim

import (
	"math"
	"testing"

	"github.com/settle-pc/settle/internal/check"
)

// scheduleTol: a cosine and a few roundings.
const scheduleTol = 1e-14

func TestScheduleValues(t *testing.T) {
	half := (1 + math.Sqrt2/2) / 2 // (1 + cos(π/4))/2
	for _, c := range []struct {
		name string
		s    Schedule
		want map[int]float64
	}{
		{"constant", Constant{}, map[int]float64{0: 1, 1: 1, 1 << 40: 1}},
		{"cosine to 0", Cosine{Total: 8}, map[int]float64{0: 1, 2: half, 4: 0.5, 6: 1 - half, 8: 0, 9: 0, 1 << 40: 0}},
		{"cosine to 0.2", Cosine{Total: 8, End: 0.2}, map[int]float64{0: 1, 2: 0.2 + 0.8*half, 4: 0.6, 8: 0.2, 100: 0.2}},
		{"cosine 3 to 1", Cosine{Total: 4, Start: 3, End: 1}, map[int]float64{0: 3, 1: 1 + 2*half, 2: 2, 3: 3 - 2*half, 4: 1, 5: 1}},
		{"cosine up", Cosine{Total: 2, Start: 1, End: 5}, map[int]float64{0: 1, 1: 3, 2: 5}},
		{"cosine of no steps", Cosine{End: 0.3}, map[int]float64{0: 0.3, 1: 0.3}},
		// optax.warmup_cosine_decay_schedule(lr, 1.1 lr, 100, 1000, 0.1 lr), as PCX calls it.
		{"pcx", PCX(1000), map[int]float64{0: 1, 1: 1.001, 50: 1.05, 99: 1.099, 100: 1.1, 325: 0.1 + half, 550: 0.6, 775: 1.1 - half, 1000: 0.1, 5000: 0.1}},
		{"pcx of few steps", PCX(9), map[int]float64{0: 1.1, 3: 0.85, 6: 0.35, 9: 0.1}},
		{"pcx of an odd number", PCX(25), map[int]float64{0: 1, 1: 1.05, 2: 1.1, 25: 0.1}},
		// From 0 the rise is from Peak/(Warmup+1): no step is empty.
		{"from 0", WarmupCosine{Warmup: 4, Total: 12}, map[int]float64{0: 0.2, 1: 0.4, 3: 0.8, 4: 1, 6: half, 8: 0.5, 10: 1 - half, 12: 0, 13: 0}},
		{"from 0 to 2", WarmupCosine{Warmup: 1, Total: 3, Peak: 2, End: 1}, map[int]float64{0: 1, 1: 2, 2: 1.5, 3: 1}},
		{"no warm-up", WarmupCosine{Total: 8, From: 0.5, Peak: 2}, map[int]float64{0: 2, 2: 2 * half, 4: 1, 8: 0}},
		{"warm-up only", WarmupCosine{Warmup: 4, Total: 4, From: 0.5, End: 0.1}, map[int]float64{0: 0.5, 2: 0.75, 3: 0.875, 4: 0.1}},
		{"warm-up beyond the end", WarmupCosine{Warmup: 4, Total: 2, From: 0.5, End: 0.1}, map[int]float64{3: 0.875, 4: 0.1}},
	} {
		for at, want := range c.want {
			if got := c.s.At(at); !(math.Abs(got-want) <= scheduleTol) {
				t.Errorf("%s: factor of step %d is %v, want %v", c.name, at, got, want)
			}
		}
	}
}

// TestSchedulesAreMonotoneInTheirParts: up to the peak and down to the end, strictly, without a jump where parts meet.
func TestSchedulesAreMonotoneInTheirParts(t *testing.T) {
	for _, w := range []WarmupCosine{
		PCX(1000),
		PCX(11700),
		{Warmup: 37, Total: 400},
		{Warmup: 0, Total: 300, End: 0.5},
	} {
		peak := max(w.Peak, 1)
		// The steepest slope of a half cosine is π/2 times its mean slope; the factor admits rounding.
		limit := 1.001 * max(peak/float64(w.Warmup+1), math.Pi/2*peak/float64(w.Total-w.Warmup))
		for at := range w.Total {
			a, b := w.At(at), w.At(at+1)
			if (b > a) != (at < w.Warmup) || a == b {
				t.Errorf("%+v: from step %d to the next %v to %v", w, at, a, b)
			}
			if math.Abs(a-b) > limit {
				t.Errorf("%+v: a jump at step %d, %v to %v", w, at, a, b)
			}
			if a > peak || a < w.End || a <= 0 {
				t.Errorf("%+v: factor %v of step %d", w, a, at)
			}
		}
	}
}

func TestRateIsBaseTimesSchedule(t *testing.T) {
	if got := (Rate{LR: 0.3}).At(17); got != 0.3 {
		t.Errorf("rate without schedule %v, want 0.3", got)
	}
	if got := (Rate{0.3, Cosine{Total: 4}}).At(2); !check.Close(got, 0.15, scheduleTol) {
		t.Errorf("rate half way %v, want 0.15", got)
	}
	// The first step has the factor of step 0, and so on: θ moves by −lr·At(t).
	s := WarmupCosine{Warmup: 2, Total: 6, From: 1, Peak: 1.1, End: 0.1}
	o, theta := NewSGD[float64](Rate{0.5, s}, 0), []float64{0}
	for at := range 8 {
		before := theta[0]
		step(o, theta, []float64{1})
		if got := before - theta[0]; !check.Close(got, 0.5*s.At(at), 1e-13) { // a difference
			t.Errorf("step %d moves by %v, want %v", at, got, 0.5*s.At(at))
		}
	}
}
