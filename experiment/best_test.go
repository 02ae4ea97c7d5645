package experiment

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// made is a cell by hand: batches to 0.1 and to 0.05 (0: not reached), final MSE, and where it diverged (0: it did not).
type made struct {
	lr       float64
	seed     uint64
	to10     int
	to05     int
	mse      float64
	diverged int
}

func (m made) cell() Cell {
	c := Cell{Rule: "pc", Act: "tanh", LR: m.lr, Seed: m.seed, TrainMSE: &m.mse, ToMSE: map[string]*Cost{"0.1": nil, "0.05": nil}}
	for key, n := range map[string]int{"0.1": m.to10, "0.05": m.to05} {
		if n > 0 {
			c.ToMSE[key] = &Cost{Batches: n, Passes: 3 * float64(n), MACs: 2 * float64(n), Seconds: 1000 - float64(n)}
		}
	}
	if m.diverged > 0 {
		c.DivergedAt = &m.diverged
	}
	return c
}

// bestOf groups cells by rate and chooses for the thresholds 0.1 and 0.05.
func bestOf(cells ...made) Best {
	s := &search{Contest: Contest{Name: "x", Thresholds: []float64{0.1, 0.05}, Reporting: []uint64{0, 1, 2}, Worse: 1},
		entrant: Entrant{Rule: "pc", Rates: []float64{1, 2, 4}}, got: map[int][]Cell{}}
	for _, m := range cells {
		k := slices.Index(s.entrant.Rates, m.lr)
		c := m.cell()
		c.Stage = Reporting
		s.got[k] = append(s.got[k], c)
	}
	s.choose(0, 2)
	return Outcome{Contest: s.Contest, Cells: s.cells(), Chosen: s.chosen}.best("pc")
}

func TestBestIsFewestBatchesToTheLowestThresholdReached(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells []made
		want  float64
	}{
		{"the lowest threshold counts", []made{{1, 0, 60, 300, 0.05, 0}, {2, 0, 80, 200, 0.05, 0}, {4, 0, 50, 0, 0.01, 0}}, 2},
		{"the highest, where nobody reached the lowest", []made{{1, 0, 90, 0, 0.06, 0}, {2, 0, 80, 0, 0.09, 0}, {4, 0, 0, 0, 0.11, 0}}, 2},
		{"the final error, where nobody reached any", []made{{1, 0, 0, 0, 0.3, 0}, {2, 0, 0, 0, 0.2, 0}, {4, 0, 0, 0, 0.1, 0}}, 4},
		{"a tie goes by the final error", []made{{1, 0, 60, 100, 0.05, 0}, {2, 0, 60, 100, 0.049, 0}, {4, 0, 60, 100, 0.0495, 0}}, 2},
		{"a tie in both goes to the lower rate", []made{{1, 0, 60, 100, 0.05, 0}, {2, 0, 60, 100, 0.05, 0}, {4, 0, 60, 101, 0.05, 0}}, 1},
		{"a diverged run never wins", []made{{1, 0, 60, 900, 0.05, 0}, {2, 0, 51, 52, 0.01, 70}, {4, 0, 0, 0, 60, 3}}, 1},
		{"nor does a rate of which one seed diverged", []made{{1, 0, 60, 900, 0.05, 0}, {1, 1, 60, 900, 0.05, 0}, {1, 2, 60, 900, 0.05, 0},
			{2, 0, 51, 52, 0.01, 0}, {2, 1, 51, 52, 0.01, 0}, {2, 2, 0, 0, 60, 3}}, 1},
		{"nor does it set the threshold", []made{{1, 0, 70, 0, 0.06, 0}, {2, 0, 60, 0, 0.08, 0}, {4, 0, 51, 52, 0.01, 70}}, 2},
		{"the median seed decides", []made{{1, 0, 60, 100, 0.05, 0}, {1, 1, 60, 110, 0.05, 0}, {1, 2, 60, 900, 0.05, 0},
			{2, 0, 60, 101, 0.05, 0}, {2, 1, 60, 120, 0.05, 0}, {2, 2, 60, 130, 0.05, 0}}, 1},
		{"not reached counts as infinity", []made{{1, 0, 60, 51, 0.05, 0}, {1, 1, 60, 0, 0.06, 0}, {1, 2, 60, 0, 0.06, 0},
			{2, 0, 60, 500, 0.05, 0}, {2, 1, 60, 500, 0.05, 0}, {2, 2, 60, 0, 0.06, 0}}, 2},
		{"of two seeds both must reach it", []made{{1, 0, 60, 51, 0.05, 0}, {1, 1, 60, 0, 0.06, 0}, {2, 0, 60, 500, 0.05, 0}, {2, 1, 60, 500, 0.05, 0}}, 2},
	} {
		if got := bestOf(c.cells...); got.LR == nil || *got.LR != c.want {
			t.Errorf("%s: %v, want %v", c.name, show(got.LR), c.want)
		}
	}
	if got := bestOf(made{1, 0, 60, 0, 60, 61}, made{2, 0, 0, 0, 60, 2}, made{4, 0, 0, 0, math.Inf(1), 2}); got.LR != nil || len(got.ToMSE) != 2 || got.ToMSE["0.1"] != nil {
		t.Errorf("all diverged: %v, %v", show(got.LR), got.ToMSE)
	}
}

func show(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

// Costs are medians over seeds, each by itself, and null where the median seed did not reach the threshold.
func TestBestCostsAreMediansOverSeeds(t *testing.T) {
	got := bestOf(made{1, 0, 60, 300, 0.04, 0}, made{1, 1, 90, 0, 0.06, 0}, made{1, 2, 70, 0, 0.07, 0})
	c := got.ToMSE["0.1"]
	if c == nil || *c != (Cost{Batches: 70, Passes: 210, MACs: 140, Seconds: 930}) {
		t.Errorf("to 0.1: %+v", c)
	}
	if got.ToMSE["0.05"] != nil {
		t.Errorf("to 0.05: %+v, want null", got.ToMSE["0.05"])
	}
}

func TestWhySaysWhatIsMissing(t *testing.T) {
	c := Compare{Seeds: []uint64{0, 1, 2}, Search: &Search{}}
	of := func(c Compare, x Chosen) string { return strings.Join(c.why([]Outcome{{Chosen: []Chosen{x}}}), "\n") }
	if got := of(c, Chosen{LR: new(2.0)}); got != "" {
		t.Errorf("nothing is missing: %s", got)
	}
	if got := of(c, Chosen{LR: new(2.0), Edge: true}); !strings.Contains(got, "edge") {
		t.Errorf("at the edge: %s", got)
	}
	if got := of(c, Chosen{}); !strings.Contains(got, "diverged") {
		t.Errorf("no rate: %s", got)
	}
	c.Seeds, c.Search = c.Seeds[:2], nil
	if got := of(c, Chosen{LR: new(2.0)}); !strings.Contains(got, "2 seed(s): at least 3") || !strings.Contains(got, "seeds that are reported") {
		t.Errorf("two seeds: %s", got)
	}
}
