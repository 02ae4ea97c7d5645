package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/theory"
)

// smallTheory is a study of a few seconds, with trained networks on synthetic images.
func smallTheory() Theory {
	t := QuickTheory()
	s := &t.Study
	s.Networks, s.Samples, s.Depths = 3, 2, []int{2, 4}
	s.Trained.Depths, s.Trained.Width, s.Trained.Batches, s.Trained.Samples = []int{3}, 8, 30, 4
	s.ChainDepths, s.ChainWidths = []int{2, 4, 8}, []int{4}
	t.Images = data.Synthetic(3, 256, 6, 6, 4)
	return t
}

// TestTheory runs the whole and looks at what must hold whatever the seed: orders, the first trap, closed forms, escape
// rates, limits, claims.
func TestTheory(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute under -race; TestTheoryIsAPureFunction runs all of the code")
	}
	sink := newMemory()
	r, err := smallTheory().Run(context.Background(), sink, Env{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !near(r.TaylorSlope, 3, 0.1) || !near(r.TaylorExact, 3, 0.1) || !near(r.TaylorErrors, 2, 0.2) {
		t.Errorf("orders of the network asked for: %v, %v, %v", *r.TaylorSlope, *r.TaylorExact, *r.TaylorErrors)
	}
	if len(r.Terms) != 3 || r.Depth != 3 || r.State != "asked" {
		t.Errorf("%d terms, depth %d, state %s", len(r.Terms), r.Depth, r.State)
	}
	for _, c := range r.Cases {
		checkCase(t, c)
	}
	if c := r.Cases[0]; c.State != "toy" || !near(c.Terms[0].RelSum, 1.49, 1e-12) || !near(c.Terms[0].RelTR, 0, 1e-12) || !near(c.Condition, 1, 0) {
		t.Errorf("the toy as a case: %+v", c)
	}
	for i, want := range []TheoryTrap{{"w1", 0.71640, 0.71640, 1.06743, 1.78383, 1.49}, {"w2", 0.12681, 0, -0.45747, -0.45747, 4.6077}} {
		got := r.Toy[i]
		for k, v := range [][2]float64{{got.PC, want.PC}, {got.TR, want.TR}, {got.BP, want.BP}, {got.Sum, want.Sum}, {got.Rel / 10, want.Rel / 10}} {
			if !(math.Abs(v[0]-v[1]) <= 5e-6) {
				t.Errorf("first trap, %s: value %d is %v, want %v", want.Weight, k, v[0], v[1])
			}
		}
	}
	checkSaddles(t, r)
	for _, l := range r.Limits {
		want := map[string]float64{pcAsBP: 1, errForPC: 1, sumForPC: 0, stepForPC: 1}[l.Quantity]
		if l.Quantity == stepForPC && l.Act == "linear" {
			if l.Slope != nil {
				t.Errorf("%+v: exact, but slope %v", l, *l.Slope)
			}
			continue
		}
		if !near(l.Slope, want, 0.05) {
			t.Errorf("%s %s %s: slope %v, want %v", l.Quantity, l.Act, l.Place, l.Slope, want)
		}
	}
	checkClaims(t, r.Claims)
	for _, name := range []string{"cases", "terms", "paths", "remainders", "saddles", "eigenvalues", "conditions", "limits", "first_trap", "space", "space_path", "space_energy"} {
		if len(sink.rows["theory_"+name]) == 0 {
			t.Errorf("table %s is empty", name)
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	if len(r.Reading) < 4 {
		t.Errorf("reading: %q", r.Reading)
	}
}

// checkCase looks at orders and at what is exact.
func checkCase(t *testing.T, c TheoryCase) {
	t.Helper()
	bent := c.Act == "tanh" && (c.Place == "before" || c.Depth > 2)
	if !bent {
		if c.TaylorSlope != nil || !within(c.SolutionRelError, 1e-9) {
			t.Errorf("%s %s %d: F is quadratic, but order %v, error %v", c.Act, c.Place, c.Depth, c.TaylorSlope, c.SolutionRelError)
		}
		for _, x := range c.Terms {
			if !within(x.RelStep, 1e-7) { // depth 4 at scale 2 loses a few digits to its condition number
				t.Errorf("%s %s %d: local rule after the step off by %v in layer %d", c.Act, c.Place, c.Depth, *x.RelStep, x.Layer)
			}
		}
	}
	if bent && c.Scale != nil {
		want := map[string]float64{"after": 3, "before": 2}[c.Place]
		if !near(c.TaylorSlope, want, 0.2) || !near(c.TaylorExact, 3, 0.1) || !near(c.TaylorErrors, 2, 0.2) {
			t.Errorf("%s %s %d scale %v: orders %v, %v, %v", c.Act, c.Place, c.Depth, *c.Scale, c.TaylorSlope, c.TaylorExact, c.TaylorErrors)
		}
	}
	for _, x := range c.Terms {
		if !atLeast(x.RelSum, smallError) {
			t.Errorf("%s %s %s %d: Eq. 8 holds in layer %d: %v", c.State, c.Act, c.Place, c.Depth, x.Layer, x.RelSum)
		}
		if x.Layer == c.Depth && (*x.NormTR != 0 || x.CosTR != nil || *x.RelTR != 1) {
			t.Errorf("TR of the last layer: %+v", x)
		}
	}
	if (c.Scale != nil && *c.Scale == 1 || c.Scale == nil) != (len(c.Path) > 0) {
		t.Errorf("%s %s %d: %d points of the path", c.State, c.Act, c.Depth, len(c.Path))
	}
	for i, m := range c.Path {
		if i == 0 && !near(m.CosGradient, 1, 1e-12) {
			t.Errorf("the first step has cosine %v with −g", *m.CosGradient)
		}
	}
}

// checkSaddles: numeric spectra are those of the closed form, BP's rate is 0 where its saddle is flat, PC's never.
func checkSaddles(t *testing.T, r TheoryResult) {
	t.Helper()
	for _, s := range r.Saddles {
		if !(s.Loss.RelError <= 1e-9 && s.Energy.RelError <= 1e-9) {
			t.Errorf("%s of %s: spectra off by %v, %v", s.At, s.Arch, s.Loss.RelError, s.Energy.RelError)
		}
		flat := s.Depth > 3 || s.Depth > 2 && s.At == "origin"
		if (s.RateBP == 0) != flat || !(s.RatePC > s.RateBP) {
			t.Errorf("%s of %s: rates %v, %v", s.At, s.Arch, s.RateBP, s.RatePC)
		}
		times := 0
		for _, v := range s.Energy.Closed {
			times += v.Times
		}
		if times != s.Parameters && len(s.Energy.Closed) < 20 { // else only the outer ones are there
			t.Errorf("%s of %s: %d eigenvalues of %d", s.At, s.Arch, times, s.Parameters)
		}
	}
	methods := map[string]bool{}
	for _, s := range r.Saddles {
		methods[s.Method] = true
	}
	if !methods["dense"] {
		t.Error("no saddle by dense eigenvalues")
	}
	e := r.Escape
	if e.Origin == nil || e.Origin.BP != 0 || !(e.Origin.PC > 0) || e.Penultimate == nil || !(e.Penultimate.PC > e.Penultimate.BP) {
		t.Errorf("escape: %+v", e)
	}
}

// checkClaims: the verdicts do not hang on the seed.
func checkClaims(t *testing.T, claims []Claim) {
	t.Helper()
	got := map[string]Verdict{}
	for _, c := range claims {
		got[c.ID] = c.Verdict
		if len(c.Numbers) == 0 || c.Text == "" || strings.Contains(c.Text, "%!") {
			t.Errorf("%s: %d numbers, text %q", c.ID, len(c.Numbers), c.Text)
		}
	}
	for id, want := range map[string]Verdict{"C5": Conditional, "C6": Conditional, "C7": Fails, "C13": Conditional} {
		if got[id] != want {
			t.Errorf("%s: %s, want %s", id, got[id], want)
		}
	}
}

// TestTheoryIsAPureFunction: another number of workers, and a sink with all cells, give the same result.
func TestTheoryIsAPureFunction(t *testing.T) {
	small := smallTheory()
	small.Study.Depths, small.Study.Scales, small.Study.SaddleDepths = []int{3}, []float64{1}, []int{2}
	sink := newMemory()
	run := func(workers int) string {
		r, err := small.Run(context.Background(), sink, Env{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := run(1)
	if again := run(3); again != first {
		t.Error("stored cells give another result")
	}
	for cell, n := range sink.puts {
		if n != 1 {
			t.Errorf("cell %s computed %d times", cell, n)
		}
	}
	sink = newMemory()
	if other := run(3); other != first {
		t.Error("three workers give another result than one")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := small.Run(ctx, newMemory(), Env{Workers: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	for _, fail := range []string{"theory_cases", "theory_space", "theory_eigenvalues"} {
		full := newMemory()
		full.fail, full.cells = fail, maps.Clone(sink.cells)
		if _, err := small.Run(context.Background(), full, Env{Workers: 2}); !errors.Is(err, errFull) {
			t.Errorf("table %s cannot be written: %v", fail, err)
		}
	}
}

// TestTheoryShapes: one layer, kinks, a saddle without closed form, precisions, weights from elsewhere.
func TestTheoryShapes(t *testing.T) {
	ask := func(change func(*Theory)) TheoryResult {
		t.Helper()
		th := DefaultTheory()
		th.Batch = 5
		change(&th)
		if err := th.Validate(); err != nil {
			t.Fatal(err)
		}
		r := &theoryRun{Theory: th, sink: newMemory(), m: &meter{}, env: Env{Workers: 1}}
		if err := r.asked(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r.out); err != nil {
			t.Fatal(err)
		}
		return r.out
	}
	one := ask(func(t *Theory) { t.Arch = "4-2" })
	if one.TaylorSlope != nil || one.SolutionRelError != nil || !near(one.Terms[0].RelSum, 0, 0) || one.Spectra.Origin != nil || len(one.Spectra.Why) == 0 {
		t.Errorf("one layer: %+v", one.TheoryCase)
	}
	relu := ask(func(t *Theory) { t.Act = "relu" })
	if relu.Spectra.Origin != nil || relu.Escape.Origin != nil || len(relu.Spectra.Why) == 0 {
		t.Error("relu: F* is not differentiable at the origin")
	}
	linear := ask(func(t *Theory) { t.Act, t.Precision, t.ClosedForm = "linear", []float64{0.5, 2, 3}, true })
	if c := linear.ClosedForm; c == nil || !(c.RelEnergy <= 1e-10 && c.RelZ <= 1e-10 && c.RelGradient <= 1e-10) || !(c.SEigenvalues[0] >= 1./3) {
		t.Errorf("closed form of a linear network: %+v", linear.ClosedForm)
	}
	if linear.TaylorSlope != nil {
		t.Errorf("linear: order %v", *linear.TaylorSlope)
	}
	given := ask(func(t *Theory) {
		t.Arch, t.Act, t.Model = "1-1-1", "linear", "file"
		t.Weights = []float64{0.3, -0.7}
	})
	if given.State != "model" || !near(given.Terms[0].RelSum, 1+0.49, 1e-12) {
		t.Errorf("weights given: %+v", given.Terms[0])
	}
	same := ask(func(*Theory) {})
	if tiny := ask(func(t *Theory) { t.Precision = []float64{1, 1, 1e-6} }); !within(tiny.Terms[2].RelTR, 1) || slices.Equal([]float64{*tiny.Terms[0].NormPC}, []float64{*same.Terms[0].NormPC}) {
		t.Error("precisions change nothing")
	}
}

// TestTheoryValidate: every fault is named by its flag.
func TestTheoryValidate(t *testing.T) {
	for want, change := range map[string]func(*Theory){
		"--arch":        func(t *Theory) { t.Arch = "4" },
		"--act:":        func(t *Theory) { t.Act = "wobble" },
		"--act-place":   func(t *Theory) { t.Place = "within" },
		"--init":        func(t *Theory) { t.Init = "normal:-1" },
		"--init normal": func(t *Theory) { t.Init = "normal:1e40" },
		"--batch":       func(t *Theory) { t.Batch = 0 },
		"--precision":   func(t *Theory) { t.Precision = []float64{1, 2} },
		"--precision 0": func(t *Theory) { t.Precision = []float64{0} },
		"--closed-form": func(t *Theory) { t.ClosedForm = true },
		"--data moon":   func(t *Theory) { t.Data = "moon" },
		"--arch 4x3-2: 4 inputs": func(t *Theory) {
			t.Arch, t.Data, t.Set = "4x3-2", "synthetic", data.Synthetic(1, 16, 3, 3, 2)
		},
		"--arch 4-4096-2": func(t *Theory) { t.Arch = "4-4096-2" },
		"study":           func(t *Theory) { t.Study.Networks = 0 },
	} {
		th := DefaultTheory()
		change(&th)
		err := th.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
		if _, err := th.Run(context.Background(), newMemory(), Env{Workers: 1}); err == nil {
			t.Errorf("%s: runs", want)
		}
	}
	if err := DefaultTheory().Validate(); err != nil {
		t.Error(err)
	}
	if err := QuickTheory().Validate(); err != nil {
		t.Error(err)
	}
}

// TestImagesAreThoseOfBatches, also where each channel is normalised by itself.
func TestImagesAreThoseOfBatches(t *testing.T) {
	set := data.Synthetic(1, 16, 3, 3, 2)
	colour := *set
	colour.Size = data.Size{Rows: 1, Cols: 3, Channels: 3}
	colour.Channel = []data.Unit{{Mean: 0.1, Std: 0.5}, {Mean: 0.4, Std: 0.2}, {Mean: 0.7, Std: 1}}
	for _, s := range []*data.Set{set, &colour} {
		n := s.Test.N()
		x, y := images(s, n)
		b := data.Fill(data.NewBatch[float64](s, n), s, s.Test, 0, n)
		for i := range n {
			if !slices.Equal(x[i], b.X.Row(i)) || !slices.Equal(y[i], b.Y.Row(i)) {
				t.Errorf("%d channels: image %d is %v, label %v; in a batch %v, %v", s.Channels, i, x[i], y[i], b.X.Row(i), b.Y.Row(i))
			}
		}
	}
}

// TestMiddle: medians leave out what is not a number, but not most.
func TestMiddle(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		v    []float64
		want float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}, {[]float64{nan, 1, 3, nan}, 2}, {[]float64{nan, nan, 3}, nan}, {nil, nan}} {
		if got := middle(c.v); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("middle of %v is %v, want %v", c.v, got, c.want)
		}
	}
	if r := theory.Radii(); len(r) != 13 || math.Abs(r[0]-1e-3) > 1e-15 || math.Abs(r[12]-3e-2) > 1e-15 {
		t.Errorf("radii %v", r)
	}
}
