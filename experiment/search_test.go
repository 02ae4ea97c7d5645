package experiment

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/train"
)

// searcher is a small contest under the fair protocol.
func searcher() Contest {
	base := train.Defaults()
	base.Data, base.Arch, base.Act, base.Optim, base.Batch, base.Batches, base.Epochs = "synthetic", "36-12-10-4", "tanh", "sgd", 16, 150, 0
	return Contest{Name: "tanh", Base: base, Rules: []Entrant{{Rule: "bp", Low: -6, High: -5}, {Rule: "pc", Low: -6, High: -5}},
		Thresholds: []float64{0.1, 0.05}, Selection: []uint64{100, 101, 102}, Elsewhere: 1, Reporting: []uint64{0, 1}, Worse: 2, Extend: 3, Refine: true}
}

func held(t *testing.T, c Contest, sink Sink, workers int) Outcome {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := contests(context.Background(), []Contest{c}, newTrials(sink, Env{Workers: workers}), func(string) (*data.Set, error) { return synthetic(), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// The protocol, looked at from outside: which rates were tried with which seeds, and what was chosen.
func TestSearchFollowsTheProtocol(t *testing.T) {
	c := searcher()
	c.Base.Batches = 400
	out := held(t, c, newMemory(), 2)
	for _, rule := range c.rules() {
		seeds := map[float64][]uint64{}
		for _, x := range out.Cells {
			if x.Rule == rule && x.Stage == Selection {
				seeds[x.LR] = append(seeds[x.LR], x.Seed)
			}
		}
		rates := []float64{}
		for lr := range seeds {
			rates = append(rates, lr)
		}
		slices.Sort(rates)
		for _, threshold := range c.Thresholds {
			ch, ok := out.choice(rule, threshold)
			if !ok || ch.LR == nil {
				t.Fatalf("%s has no rate for %v", rule, threshold)
			}
			at := slices.Index(rates, *ch.LR)
			for _, k := range []int{at - 1, at, at + 1} {
				if k >= 0 && k < len(rates) && !slices.Equal(seeds[rates[k]], c.Selection) {
					t.Errorf("%s: rate %v, of or beside the best of %v, has seeds %v", rule, rates[k], threshold, seeds[rates[k]])
				}
			}
			below, above := 0, 0
			for _, lr := range rates {
				if _, grid := math.Frexp(lr); math.Ldexp(0.5, grid) != lr {
					continue // between the values of the grid
				}
				if lr < *ch.LR {
					below++
				} else if lr > *ch.LR {
					above++
				}
			}
			if edge := below < 2 || above < 2; edge != ch.Edge {
				t.Errorf("%s: best %v of %v, %d below and %d above, edge %v", rule, *ch.LR, rates, below, above, ch.Edge)
			}
			for _, f := range []float64{math.Sqrt2, 1 / math.Sqrt2} {
				if !slices.ContainsFunc(rates, func(lr float64) bool { return math.Abs(lr/(*ch.LR*f)-1) < 1e-9 }) && !ch.Edge {
					t.Errorf("%s: %v beside the best %v was not tried: %v", rule, *ch.LR*f, *ch.LR, rates)
				}
			}
			reported := out.of(rule, Reporting, *ch.LR)
			if len(reported) != 2 || reported[0].Seed != 0 || reported[1].Seed != 1 {
				t.Errorf("%s: reported %v", rule, reported)
			}
			// The median over the seeds that choose is lower nowhere else where all of them ran.
			key := ThresholdKey(threshold)
			best := medianBatches(out.of(rule, Selection, *ch.LR), key)
			for _, lr := range rates {
				if len(seeds[lr]) == 3 && medianBatches(out.of(rule, Selection, lr), key) < best {
					t.Errorf("%s: rate %v is faster to %v than the chosen %v", rule, lr, threshold, *ch.LR)
				}
			}
		}
		if lo, hi := rates[0], rates[len(rates)-1]; lo < math.Ldexp(1, -9-1) || hi > math.Ldexp(1, -5+3+1) {
			t.Errorf("%s: rates from %v to %v: more than three beyond the grid", rule, lo, hi)
		}
	}
}

// Interrupted anywhere or not, on any number of workers, a search tries the same rates and ends with the same cells.
func TestSearchIsTheSameOnAnyWorkers(t *testing.T) {
	a, b := newMemory(), newMemory()
	one, many := text(held(t, searcher(), a, 1)), text(held(t, searcher(), b, 3))
	if one != many {
		t.Errorf("one worker: %s\nthree: %s", one, many)
	}
	for name := range a.cells { // half of the cells are lost
		if len(name)%2 == 0 {
			delete(a.cells, name)
		}
	}
	if again := text(held(t, searcher(), a, 2)); again != one {
		t.Errorf("resumed: %s\nwant %s", again, one)
	}
}

func TestRatesArePowersOfRootTwo(t *testing.T) {
	for k, want := range map[int]float64{0: 1, 2: 2, -14: 1. / 128, 10: 32, 1: math.Sqrt2, -1: 1 / math.Sqrt2, 3: 2 * math.Sqrt2, -3: 0.5 / math.Sqrt2} {
		if got := rateOf(k); math.Abs(got/want-1) > 1e-15 {
			t.Errorf("rate %d is %v, want %v", k, got, want)
		}
	}
}

// Neighbours are counted on the grid: 2^low … 2^high, b in halves.
func TestShortCountsTheGridOnBothSides(t *testing.T) {
	for _, c := range []struct {
		b, low, high int
		down, up     bool
	}{
		{0, -2, 2, false, false}, {0, -1, 2, true, false}, {0, -2, 1, false, true}, {-4, -4, 0, false, false}, {-6, -4, 0, true, false},
		{1, -1, 2, false, false}, {1, 0, 2, true, false}, {-1, -2, 2, false, false}, {-1, -2, 0, false, true}, {-5, -4, -1, false, false}, {-5, -3, -1, true, false},
	} {
		s := search{Contest: Contest{Worse: 2}}
		if down, up := s.short(c.b, c.low, c.high); down != c.down || up != c.up {
			t.Errorf("%+v: %v %v", c, down, up)
		}
	}
}
