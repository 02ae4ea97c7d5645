package optim

import "math"

// Schedule is the factor on the learning rate at step t = 0, 1, ….
type Schedule interface{ At(t int) float64 }

// Constant is the factor 1.
type Constant struct{}

// At returns 1.
func (Constant) At(int) float64 { return 1 }

// Cosine falls from Start (0 means 1) at step 0 to End at step Total along half a cosine wave, and stays there
// (Loshchilov and Hutter 2017, without restarts).
type Cosine struct {
	Total      int
	Start, End float64
}

// At returns End + (Start − End)·(1 + cos(π t/Total))/2.
func (c Cosine) At(t int) float64 {
	start := c.Start
	if start == 0 {
		start = 1
	}
	if t >= c.Total {
		return c.End
	}
	return c.End + (start-c.End)*(1+math.Cos(math.Pi*float64(t)/float64(c.Total)))/2
}

// WarmupCosine rises linearly from From at step 0 to Peak (0 means 1) at step Warmup, then falls to End at step Total
// along half a cosine wave. With From 0 the rise is from Peak/(Warmup+1) rather than from 0, so that no step is empty.
type WarmupCosine struct {
	Warmup, Total   int
	From, Peak, End float64
}

// At returns the factor of step t.
func (w WarmupCosine) At(t int) float64 {
	peak := w.Peak
	if peak == 0 {
		peak = 1
	}
	switch {
	case t >= w.Warmup:
		return Cosine{Total: w.Total - w.Warmup, Start: peak, End: w.End}.At(t - w.Warmup)
	case w.From == 0:
		return peak * float64(t+1) / float64(w.Warmup+1)
	}
	return w.From + (peak-w.From)*float64(t)/float64(w.Warmup)
}

// PCX is the schedule of PCX's examples for total steps: from 1 to 1.1 over the first tenth, then to 0.1.
func PCX(total int) WarmupCosine {
	return WarmupCosine{Warmup: total / 10, Total: total, From: 1, Peak: 1.1, End: 0.1}
}
