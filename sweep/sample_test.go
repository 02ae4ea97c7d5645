package sweep

import (
	"math"
	"slices"
	"strconv"
	"testing"
)

// Coordinates are uniform: the largest distance of their distribution from the line is below Kolmogorov's 1 % point for
// random points, and below 2/n for Sobol points, whose every interval of 1/n has one.
func TestCoordinatesAreUniform(t *testing.T) {
	const n = 1024
	for _, method := range Methods {
		for _, seed := range []uint64{0, 1, 99} {
			for dim := range sobolDims {
				s := &Sample{Method: method, N: n, Seed: seed}
				var u []float64
				for i := range n {
					u = append(u, s.coordinate(i, dim))
				}
				slices.Sort(u)
				d := 0.0
				for i, v := range u {
					d = max(d, math.Abs(v-(float64(i)+0.5)/n))
				}
				limit := 2.0 / n
				if method == "random" {
					limit = 1.95 / math.Sqrt(n) // Kolmogorov's point of 0.1 %: there are 120 tests
				}
				if d > limit {
					t.Errorf("%s, seed %d, coordinate %d: distance %.4f, want below %.4f", method, seed, dim, d, limit)
				}
			}
		}
	}
}

// Two coordinates of random points are uncorrelated to about 1/√n; neighbouring points too.
func TestRandomPointsAreIndependent(t *testing.T) {
	const n = 4096
	s := &Sample{Method: "random"}
	sum := func(f func(i int) float64) float64 {
		v := 0.0
		for i := range n {
			v += f(i)
		}
		return 12 * v / n // in units of the variance 1/12
	}
	for dim := range 5 {
		for name, r := range map[string]float64{
			"the next coordinate": sum(func(i int) float64 { return (s.coordinate(i, dim) - 0.5) * (s.coordinate(i, dim+1) - 0.5) }),
			"the next point":      sum(func(i int) float64 { return (s.coordinate(i, dim) - 0.5) * (s.coordinate(i+1, dim) - 0.5) }),
		} {
			if math.Abs(r) > 4/math.Sqrt(n) {
				t.Errorf("coordinate %d and %s: correlation %.3f", dim, name, r)
			}
		}
	}
}

// No coordinate of a point is one of another point's, however many there are.
func TestRandomCoordinatesAreAllDifferent(t *testing.T) {
	s := &Sample{Method: "random", Seed: 3}
	seen := map[float64][2]int{}
	for i := range 50 {
		for dim := range 2 * sobolDims {
			u := s.coordinate(i, dim)
			if at, twice := seen[u]; twice {
				t.Fatalf("coordinate %d of point %d is coordinate %d of point %d", dim, i, at[1], at[0])
			}
			seen[u] = [2]int{i, dim}
		}
	}
}

func TestSeedsGiveOtherPoints(t *testing.T) {
	for _, method := range Methods {
		a, b := &Sample{Method: method}, &Sample{Method: method, Seed: 1}
		if a.coordinate(3, 2) == b.coordinate(3, 2) {
			t.Errorf("%s: the seed changes nothing", method)
		}
	}
}

func TestValuesOfRanges(t *testing.T) {
	const most, least = 1 - 0x1p-33, 0x1p-33
	choice := []Value{{Text: "a"}, {Text: "b"}, {Text: "c"}}
	for _, c := range []struct {
		g    Range
		u    float64
		want string
	}{
		{Range{Kind: "uniform", Low: 2, High: 4}, 0.25, "2.5"},
		{Range{Kind: "uniform", Low: 0, High: 1}, 1.0 / 3, "0.333333"},
		{Range{Kind: "uniform", Low: 0, High: 0.99999999}, most, "0.99999999"}, // not rounded to 1
		{Range{Kind: "uniform", Low: -1, High: 1}, least, "-1"},
		{Range{Kind: "log-uniform", Low: 1e-4, High: 1}, 0.5, "0.01"},
		{Range{Kind: "log-uniform", Low: 1e-4, High: 1}, 0.25, "0.001"},
		{Range{Kind: "log-uniform", Low: 3e-7, High: 1}, least, "3e-07"},
		{Range{Kind: "int", Low: 1, High: 6}, least, "1"},
		{Range{Kind: "int", Low: 1, High: 6}, 0.5, "4"},
		{Range{Kind: "int", Low: 1, High: 6}, most, "6"},
		{Range{Kind: "int", Low: -2, High: 2000000000}, most, "2000000000"},
		{Range{Kind: "choice", Values: choice}, least, "a"},
		{Range{Kind: "choice", Values: choice}, 0.34, "b"},
		{Range{Kind: "choice", Values: choice}, most, "c"},
	} {
		if got := c.g.at(c.u); got != c.want {
			t.Errorf("%s [%g, %g] at %g: %s, want %s", c.g.Kind, c.g.Low, c.g.High, c.u, got, c.want)
		}
	}
}

// The trials of a file are the same for ever: these are what the first version gave.
func TestSampledTrialsStayAsTheyAre(t *testing.T) {
	for method, want := range map[string][]string{
		"sobol": {
			"lr=0.00195963 momentum=0.77594 batch=188 seed=0", "lr=0.0619689 momentum=0.28094 batch=67 seed=0",
			"lr=0.0110198 momentum=0.52844 batch=248 seed=0",
		},
		"random": {
			"lr=0.00415164 momentum=0.00725119 batch=106 seed=0", "lr=0.000825871 momentum=0.50783 batch=116 seed=0",
			"lr=0.00026049 momentum=0.559661 batch=179 seed=0",
		},
	} {
		s := parse(t, "sample: {method: "+method+", n: 3, seed: 5, ranges: {lr: {log-uniform: [1e-4, 0.1]}, momentum: {uniform: [0, 0.99]}, batch: {int: [16, 256]}}}")
		for i, l := range labels(s) {
			if l != want[i] {
				t.Errorf("%s, trial %d: %s, was %s", method, i, l, want[i])
			}
		}
	}
}

func TestNumbersHaveSixDigits(t *testing.T) {
	g := Range{Kind: "uniform", Low: 0, High: 1}
	s := &Sample{Method: "random"}
	for i := range 1000 {
		text := g.at(s.coordinate(i, 0))
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || text != strconv.FormatFloat(v, 'g', -1, 64) || strconv.FormatFloat(v, 'g', 6, 64) != text && v != 0 {
			t.Fatalf("%q, %v", text, err)
		}
	}
}
