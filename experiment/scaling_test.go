package experiment

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
)

func digits(string) (*data.Set, error) { return data.Synthetic(1, 40, 28, 28, 10), nil }

func tinyScaling() Scaling {
	return Scaling{Acts: []string{"tanh"}, Depths: []int{2, 4}, Widths: []int{4, 8}, Width: 6, Depth: 3, Init: "orthogonal", Own: "auto", Post: []string{"euler-0.1", "euler-0.5"},
		Batch: 4, Batches: 1, Max: 400}
}

// Passes of our method and of the best of the post's, against depth and width; the same on any number of workers and at any
// speed of the clock.
func TestScalingMeasuresGrowth(t *testing.T) {
	a, b := newMemory(), newMemory()
	out, err := tinyScaling().Run(context.Background(), digits, a, Env{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := tinyScaling().Run(context.Background(), digits, b, Env{Workers: 3, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if text(out) != text(again) || strings.Join(a.rows["cost_inference"], "") != strings.Join(b.rows["cost_inference"], "") {
		t.Error("workers or clock change results")
	}
	if len(out.Cases) != 4*3 || len(out.Growth) != 4 || len(a.rows["cost_inference"]) != 36 || len(a.rows["cost_growth"]) != 4 {
		t.Fatalf("%d cases, %d series, %d and %d rows", len(out.Cases), len(out.Growth), len(a.rows["cost_inference"]), len(a.rows["cost_growth"]))
	}
	for _, g := range out.Growth {
		if len(g.Sizes) != 2 || len(g.Passes) != 2 || g.Exponent == nil && g.Unreached == 0 {
			t.Errorf("%+v", g)
		}
		for i, v := range g.Passes { // the best of the post's steps, or ours
			best := 1e9
			for _, c := range out.Cases {
				size := map[string]float64{"depth": float64(c.Depth), "width": float64(c.Width)}[g.Along]
				other := map[string]bool{"depth": c.Width == 6, "width": c.Depth == 3 && c.Width != 6}[g.Along]
				if w := c.Gap["0.01"]; w != nil && size == g.Sizes[i] && other && (c.Method == "auto") == (g.Dynamics == "ours") {
					best = min(best, w.Passes)
				}
			}
			if v != nil && v.(float64) != best {
				t.Errorf("%s along %s at %v: %v passes, want %v", g.Dynamics, g.Along, g.Sizes[i], v, best)
			}
		}
	}
	for _, bad := range []func(*Scaling){func(s *Scaling) { s.Own = "magic" }, func(s *Scaling) { s.Init = "magic" }, func(s *Scaling) { s.Acts = []string{"magic"} }} {
		s := tinyScaling()
		bad(&s)
		if _, err := s.Run(context.Background(), digits, newMemory(), Env{}); err == nil || !strings.Contains(err.Error(), "magic") {
			t.Errorf("error %v", err)
		}
	}
}

func TestGeneralityRunsEverySetting(t *testing.T) {
	one := searcher()
	one.Base.Batches, one.Extend, one.Refine, one.Worse, one.Selection = 60, 0, false, 1, []uint64{100}
	two := one
	two.Name, two.Base.Optim, two.Rules = "tanh-adam", "adam", []Entrant{{Rule: "bp", Low: -8, High: -7}, {Rule: "pc", Low: -8, High: -7}}
	sink := newMemory()
	out, err := Generality{Contests: []Contest{one, two}, Missing: []string{"x: no time"}}.Run(context.Background(), syntheticSets, sink, Env{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Ratios) != 4 || out.Ratios[2].Optim != "adam" || out.Claims[0].ID != "C10" || len(sink.rows["generality_missing"]) != 1 || len(sink.rows["generality_ratios"]) != 4 {
		t.Errorf("%d ratios, claims %v, rows %d", len(out.Ratios), out.Claims, len(sink.rows["generality_ratios"]))
	}
	two.Reporting = nil
	if _, err := (Generality{Contests: []Contest{two}}).Run(context.Background(), syntheticSets, newMemory(), Env{}); err == nil {
		t.Error("ran without seeds")
	}
}
