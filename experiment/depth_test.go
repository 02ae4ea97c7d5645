package experiment

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/train"
)

func syntheticSets(string) (*data.Set, error) { return synthetic(), nil }

// tinyDepth is Figure 4 in a second: one contest, one of the rules beside it, and the confound.
func tinyDepth() Depth {
	c := searcher()
	c.Base.Batches, c.Extend, c.Refine, c.Worse, c.Selection = 120, 1, false, 1, []uint64{100}
	iso := c
	iso.Name += isolateSuffix
	iso.Rules = []Entrant{{Rule: "bp-curved", Low: -6, High: -5}, {Rule: "pc-feedforward", Low: -6, High: -5}, {Rule: "bp-matched", Low: -6, High: -5}}
	return Depth{Contests: []Contest{c}, Isolate: []Contest{iso}, Confound: true, Optimum: true}
}

func TestDepthComparesIsolatesAndConfounds(t *testing.T) {
	sink := newMemory()
	out, err := tinyDepth().Run(context.Background(), syntheticSets, sink, Env{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Ratios) != 2 || len(out.Isolated) != 6 || len(out.Confound) != 3 || out.Optimum == nil || len(out.Claims) != 1 || out.Claims[0].ID != "C8" {
		t.Fatalf("%d ratios, %d isolated, %d confounds, claims %v", len(out.Ratios), len(out.Isolated), len(out.Confound), out.Claims)
	}
	for _, r := range out.Isolated {
		if r.BP.Rule != "bp" || r.PC.Rule == "bp" || r.PC.Rule == "pc" || r.BP.LR == nil || *r.BP.LR != *out.Ratios[0].BP.LR && r.Threshold == out.Ratios[0].Threshold {
			t.Errorf("isolated: %s over %s", r.BP.Rule, r.PC.Rule)
		}
	}
	bp, averaged, summed := out.Confound[0], out.Confound[1], out.Confound[2]
	if bp.Rule != "bp" || averaged.Factor != 1 || summed.Factor != 16 || averaged.LR != bp.LR || summed.LR != bp.LR {
		t.Errorf("confound: %+v", out.Confound)
	}
	if c, ok := sink.cells[trial{contest: "tanh", spec: func() (s train.Spec) { s.Rule, s.LR = "pc", 16*bp.LR; return }()}.name()]; !ok || !strings.Contains(string(c), `"rule":"pc"`) {
		t.Error("the summed gradient took no step sixteen times as long")
	}
	for _, name := range []string{"fig4_contests", "fig4_cells", "fig4_curves", "fig4_chosen", "fig4_medians", "fig4_rates", "fig4_ratios", "fig4_isolated_ratios", "fig4_confound", "fig4_optimum"} {
		if len(sink.rows[name]) == 0 {
			t.Errorf("table %s is empty", name)
		}
	}
	d := tinyDepth()
	d.Isolate[0].Name = "other" + isolateSuffix
	if _, err := d.Run(context.Background(), syntheticSets, newMemory(), Env{}); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("isolating rules without their contest: %v", err)
	}
}

// TestLinearOptimumIsThatOfLeastSquares: against plain gradient descent on W from 0, which ends there.
func TestLinearOptimumIsThatOfLeastSquares(t *testing.T) {
	set := data.Synthetic(2, 60, 2, 3, 3)
	got, err := LinearOptimum(set)
	if err != nil {
		t.Fatal(err)
	}
	b := data.Fill(data.NewBatch[float64](set, 60), set, set.Train, 0, 60)
	w := make([]float64, 3*6)
	mse := 0.0
	for range 200_000 {
		grad := make([]float64, len(w))
		mse = 0
		for i := range 60 {
			x, y := b.X.Row(i), b.Y.Row(i)
			for c := range 3 {
				r := y[c]
				for k, v := range x {
					r -= w[6*c+k] * v
				}
				mse += r * r / 180
				for k, v := range x {
					grad[6*c+k] += r * v / 60
				}
			}
		}
		for k := range w {
			w[k] += 0.2 * grad[k]
		}
	}
	if math.Abs(got/mse-1) > 1e-6 { // the ridge is 1e-9 of the mean eigenvalue, whose spread is below 100
		t.Errorf("optimum %v, gradient descent ends at %v", got, mse)
	}
	if _, err := LinearOptimum(set.Autoencoding()); err == nil {
		t.Error("an autoencoder has a linear optimum")
	}
}

// ratios makes some of given outcomes, with intervals or without.
func ratiosOf(seeds int, outcomes ...string) []Ratio {
	var out []Ratio
	for i, o := range outcomes {
		r := Ratio{Contest: string(rune('a' + i)), Threshold: 0.05, Outcome: o, Seeds: seeds, Passes: Interval{Estimate: 0.5}}
		if seeds >= minSeeds {
			r.Batches.Low, r.Batches.High = new(1.0), new(2.0)
		}
		if o == Slower {
			r.logs = slices.Repeat([]float64{-0.9, -1.1}, seeds)[:seeds]
		}
		out = append(out, r)
	}
	return out
}

func TestVerdictsOfC8AndC10(t *testing.T) {
	for _, c := range []struct {
		name    string
		ratios  []Ratio
		c8, c10 Verdict
	}{
		{"nothing", nil, Undecided, Undecided},
		{"five seeds, all faster", ratiosOf(5, Faster, Faster), Holds, Fails},
		{"five seeds, mixed", ratiosOf(5, Faster, Slower), Conditional, Holds},
		{"five seeds, unclear", ratiosOf(5, Faster, Unclear), Conditional, Conditional},
		{"five seeds, none faster", ratiosOf(5, Slower, Unclear), Fails, Holds},
		{"five seeds, too short", ratiosOf(5, Faster, Neither), Undecided, Fails},
		{"nobody anywhere", ratiosOf(5, Neither, Neither), Undecided, Undecided},
		{"three seeds, all faster", ratiosOf(3, Faster, Faster), Conditional, Undecided},
		{"three seeds, mixed", ratiosOf(3, Faster, Slower), Conditional, Conditional},
		{"three seeds, none faster", ratiosOf(3, Slower, Slower), Undecided, Conditional},
		{"one seed", ratiosOf(1, Faster, Faster), Undecided, Undecided},
		{"one seed, mixed", ratiosOf(1, Faster, Slower), Undecided, Undecided},
	} {
		if got := claim8(DepthResult{Ratios: c.ratios}); got.Verdict != c.c8 || got.Text == "" {
			t.Errorf("%s: C8 %s, want %s", c.name, got.Verdict, c.c8)
		}
		if got := (Generality{}).claim10(GeneralityResult{Ratios: c.ratios}); got.Verdict != c.c10 || got.Text == "" {
			t.Errorf("%s: C10 %s, want %s", c.name, got.Verdict, c.c10)
		}
	}
}

// TestOneOfManyCellsIsNoProof: among 50 cells, BP is ahead in one by its own interval, which chance alone makes likely.
func TestOneOfManyCellsIsNoProof(t *testing.T) {
	ratios := ratiosOf(5, append(slices.Repeat([]string{Faster}, 49), Slower)...)
	ratios[49].logs = []float64{-2, -1, -0.5, -0.2, -0.9} // t = −3, p = 0.04
	if !ratios[49].behind(0.95) {
		t.Fatal("BP is not ahead")
	}
	if got := (Generality{}).claim10(GeneralityResult{Ratios: ratios}); got.Verdict != Conditional {
		t.Errorf("C10 %s: %s", got.Verdict, got.Text)
	}
	ratios[49].logs = []float64{-1, -1.01, -1.02, -1, -1}
	if got := (Generality{}).claim10(GeneralityResult{Ratios: ratios}); got.Verdict != Holds {
		t.Errorf("C10 %s: %s", got.Verdict, got.Text)
	}
}

func TestVerdictOfC9(t *testing.T) {
	of := func(post, ours float64) Verdict {
		s := ScalingResult{}
		for dynamics, e := range map[string]float64{"post": post, "ours": ours} {
			s.Growth = append(s.Growth, Growth{Dynamics: dynamics, Along: "depth", Exponent: &e})
		}
		return Claim9(s, nil).Verdict
	}
	if got := []Verdict{of(1, 1), of(1, 0.1), of(0.1, 0.1), Claim9(ScalingResult{}, nil).Verdict}; !slices.Equal(got, []Verdict{Holds, Conditional, Fails, Undecided}) {
		t.Errorf("verdicts %v", got)
	}
	g := Growth{Unreached: 1}
	if !g.bad() {
		t.Error("a gap that was not reached is no bad growth")
	}
	if e := exponent([]float64{1, 2, 4}, []float64{3, 12, 48}); math.Abs(e-2) > 1e-12 {
		t.Errorf("3x² has exponent %v", e)
	}
	if e := exponent([]float64{1}, []float64{3}); !math.IsNaN(e) {
		t.Errorf("one point has exponent %v", e)
	}
}

// A curve that has ended at its threshold is lower than the others from then on, a diverged one higher; both go on at their passes a batch.
func TestMedianCurveCountsWhatHasEnded(t *testing.T) {
	cell := func(diverged *int, passes float64, mse ...float64) Cell {
		c := Cell{Curve: &Curve{}, DivergedAt: diverged, PassesMean: &passes}
		for i, v := range mse {
			b := float64(50 + 5*i)
			c.Curve.Batch, c.Curve.MSE, c.Curve.Passes = append(c.Curve.Batch, b), append(c.Curve.MSE, v), append(c.Curve.Passes, passes*b)
		}
		return c
	}
	got := medianCurve([]Cell{cell(nil, 2, 3, 2, 1), cell(nil, 10, 9, 8, 7, 6), cell(new(60), 4, 5)})
	want := []curvePoint{{50, 5, 200}, {55, 8, 220}, {60, 7, 240}, {65, 6, 260}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := medianCurve([]Cell{cell(nil, 1, 3), cell(nil, 1, 4), cell(nil, 1, 5, 4)}); len(got) != 1 {
		t.Errorf("most have ended: %v", got)
	}
}
