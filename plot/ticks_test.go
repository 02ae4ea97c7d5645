package plot

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func labels(ticks []tick) string {
	var s []string
	for _, t := range ticks {
		if t.label != "" {
			s = append(s, t.label)
		}
	}
	return strings.Join(s, " ")
}

func TestTickLabels(t *testing.T) {
	for _, c := range []struct {
		s      scale
		length vg.Length
		want   string
	}{
		{scale{lo: 0, hi: 1}, 300, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{scale{lo: 0, hi: 1}, 60, "0.0 0.5 1.0"},
		{scale{lo: 0, hi: 2000}, 130, "0 500 1,000 1,500 2,000"},
		{scale{lo: 0, hi: 60000}, 130, "0 20,000 40,000 60,000"},
		{scale{lo: -3, hi: 3}, 300, "−3 −2 −1 0 1 2 3"},
		{scale{lo: -0.1, hi: 0.1}, 200, "−0.10 −0.05 0.00 0.05 0.10"},
		{scale{lo: 0, hi: 1.5}, 300, "0.00 0.25 0.50 0.75 1.00 1.25 1.50"},
		{scale{lo: 0, hi: 5e6}, 300, "0 1×10⁶ 2×10⁶ 3×10⁶ 4×10⁶ 5×10⁶"},
		{scale{lo: 0, hi: 1.5e-7}, 300, "0 0.5×10⁻⁷ 1.0×10⁻⁷ 1.5×10⁻⁷"},
		{scale{lo: 1000, hi: 1000.01}, 300, "1,000.000 1,000.002 1,000.004 1,000.006 1,000.008 1,000.010"},
		{scale{lo: 1, hi: 4, whole: true}, 300, "1 2 3 4"},
		{scale{lo: 0.9, hi: 2.1, whole: true}, 300, "1 2"},
		{scale{lo: 0, hi: 15, whole: true}, 300, "0 5 10 15"},
		{scale{log: true, lo: -2, hi: 1}, 100, "10⁻² 10⁻¹ 10⁰ 10¹"},
		{scale{log: true, lo: -1, hi: 3}, 130, "0.1 1 10 100 1,000"},
		{scale{log: true, lo: 0, hi: 4}, 200, "1 10 100 1,000 10,000"},
		{scale{log: true, lo: -12, hi: 2}, 130, "10⁻¹² 10⁻⁹ 10⁻⁶ 10⁻³ 10⁰"},
		{scale{log: true, lo: -0.2, hi: 0.8}, 60, "1 2 5"},
		{scale{log: true, lo: -1.7, hi: -0.1}, 150, "0.02 0.05 0.1 0.2 0.5"},
		{scale{log: true, lo: -5.8, hi: -4.8}, 150, "2×10⁻⁶ 5×10⁻⁶ 10⁻⁵"},
		{scale{log: true, lo: math.Log10(2.1), hi: math.Log10(2.9)}, 150, "2.2 2.4 2.6 2.8"},
	} {
		if got := labels(c.s.ticks(c.length, along)); got != c.want {
			t.Errorf("%+v on %v points: %s, want %s", c.s, c.length, got, c.want)
		}
	}
}

// On any axis: a few ticks, at least one of them with a label, in order, inside, the labels apart and different.
func TestTicksOnAnyAxis(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 3000 {
		s := scale{lo: (r.Float64() - 0.5) * math.Pow(10, 40*r.Float64()-20), log: i%3 == 0, whole: i%5 == 0}
		s.hi = s.lo + math.Pow(10, 40*r.Float64()-20)
		if s.log {
			s.lo = 500*r.Float64() - 250
			s.hi = s.lo + math.Pow(10, 2.7*r.Float64()-1)
		} else if s.hi-s.lo < leastWidth(s.lo, s.hi) {
			continue
		}
		length := vg.Length(40 + 500*r.Float64())
		ticks := s.ticks(length, along)
		if s.whole && !s.log && s.hi-s.lo < 1 && len(ticks) == 0 {
			continue // no whole number there
		}
		seen, last := map[string]bool{}, -1.0
		for _, k := range ticks {
			if k.at < -1e-6 || k.at > 1+1e-6 || k.at < last || math.IsNaN(k.at) {
				t.Fatalf("%+v: tick at %v after %v", s, k.at, last)
			}
			last = k.at
			if k.label != "" && seen[k.label] {
				t.Fatalf("%+v: %q comes twice in %s", s, k.label, labels(ticks))
			}
			seen[k.label] = true
		}
		if n := labelled(ticks); n < 1 || n > 10 || len(ticks) > 150 {
			t.Fatalf("%+v: %d ticks, %d labels: %s", s, len(ticks), n, labels(ticks))
		}
		if labelled(ticks) > 2 && !along(ticks, length) {
			t.Fatalf("%+v on %v points: %s run into each other", s, length, labels(ticks))
		}
	}
}

func TestFit(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		log    bool
		r      Range
		values []float64
		margin float64
		lo, hi float64
	}{
		{false, Range{}, []float64{2, nan, 4, -inf, 1e301}, 0, 2, 4},
		{false, Range{}, []float64{2, 4}, 0.05, 1.9, 4.1},
		{false, Range{}, []float64{0.1, 4}, 0.05, 0, 4.195},
		{false, Range{}, []float64{5, 5}, 0, 4.5, 5.5},
		{false, Range{}, []float64{0, 5e-324}, 0, -1, 1},
		{false, Range{}, nil, 0.05, 0, 1},
		{false, Range{-1, 2}, []float64{5}, 0.05, -1, 2},
		{true, Range{}, []float64{0, -1, 0.01, 100, nan}, 0, -2, 2},
		{true, Range{}, []float64{0.01, 100}, 0.05, -2.2, 2.2},
		{true, Range{}, []float64{10}, 0, 0.7, 1.3},
		{true, Range{}, []float64{0, -5}, 0, 0, 1},
		{true, Range{1, 1000}, nil, 0, 0, 3},
	} {
		s := fit(c.log, c.r, c.values, c.margin)
		if math.Abs(s.lo-c.lo) > 1e-12 || math.Abs(s.hi-c.hi) > 1e-12 {
			t.Errorf("%+v: %v to %v", c, s.lo, s.hi)
		}
	}
}
