package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// smallToy is the default with less of everything that only costs time.
func smallToy() Toy {
	t := DefaultToy()
	t.Grid, t.Starts, t.Runs, t.Inference = 21, 21, 20, 8
	return t
}

func runToy(t *testing.T, spec Toy, sink Sink, workers int) ToyResult {
	t.Helper()
	r, err := spec.Run(context.Background(), sink, Env{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// oneToy is smallToy on one worker and what it stored, for all tests that only look.
var oneToy = sync.OnceValues(func() (ToyResult, *memory) {
	sink := newMemory()
	r, err := smallToy().Run(context.Background(), sink, Env{Workers: 1})
	if err != nil {
		panic(err)
	}
	return r, sink
})

func nearTo(got, want, tol float64) bool { return math.Abs(got-want) <= tol }

// The numbers of the notation and of the published pictures.
func TestToyGivesTheNumbersOfTheFigures(t *testing.T) {
	r, _ := oneToy()
	for _, c := range []struct {
		name      string
		got, want float64
		tol       float64
	}{
		{"BP's end w₁", r.BP.End[0], -.933, .001}, {"BP's end w₂", r.BP.End[1], 1.037, .001}, {"PC's end w₁", r.PC.End[0], -.662, .001},
		{"PC's end w₂", r.PC.End[1], 1.452, .001}, {"BP's steps", float64(r.BP.Steps), 18, 0}, {"PC's steps", float64(r.PC.Steps), 25, 0},
		{"BP's closest", r.BP.Closest, .503, .001}, {"PC's closest", r.PC.Closest, 1.08, .001},
		{"PC's steps from the stable manifold", float64(r.Manifold.PC.Steps), 26, 0}, {"BP's steps there", float64(r.Manifold.BP.Steps), 3000, 0},
		{"λ of 𝓛", r.Hessian.Loss[0], -1, 1e-12}, {"λ of 𝓛", r.Hessian.Loss[1], 1, 1e-12},
		{"λ of F*", r.Hessian.Energy[0], -(1 + math.Sqrt(5)) / 2, 1e-12}, {"λ of F*", r.Hessian.Energy[1], (math.Sqrt(5) - 1) / 2, 1e-12},
	} {
		if !nearTo(c.got, c.want, c.tol) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if r.Manifold.W0 != [2]float64{.8, .8} || r.Manifold.BP.Status != "step limit" || r.Manifold.PC.Status != "reached" {
		t.Errorf("from %v: BP %s, PC %s", r.Manifold.W0, r.Manifold.BP.Status, r.Manifold.PC.Status)
	}
	if n := r.BP.StepsTo["0.001"]; n == nil || *n != 18 || len(r.BP.StepsTo) != 4 {
		t.Errorf("BP's steps to losses: %v", r.BP.StepsTo)
	}
	if n := r.Manifold.BP.StepsTo["0.25"]; n != nil {
		t.Errorf("caught BP reached half of the loss at the saddle after %d steps", *n)
	}
}

// plainRun is a descent written out from the definitions of the notation.
func plainRun(x, y float64, w [2]float64, lr float64, pc bool) (steps int, reached bool) {
	for ; steps < 3000; steps++ {
		r := y - w[0]*w[1]*x
		if r*r/2 < 1e-3 {
			return steps, true
		}
		s := 1.0
		if pc {
			s = 1 + w[1]*w[1]
		}
		d1, d2 := -(r*x)*w[1]/s, -(r*x)*w[0]/s // rounded alike: another order breaks the symmetry of the saddle's stable manifold
		if pc {
			d2 -= r * r * w[1] / (s * s)
		}
		w = [2]float64{w[0] - lr*d1, w[1] - lr*d2}
	}
	return steps, false
}

func TestRacesCountTheStarts(t *testing.T) {
	spec := smallToy()
	r, _ := oneToy()
	var want ToyRace
	points := 0
	for i := range 21 {
		for j := range 21 {
			w := [2]float64{-2 + float64(j)/5, -2 + float64(i)/5}
			bp, okBP := plainRun(1, -1, w, spec.LR, false)
			pc, okPC := plainRun(1, -1, w, spec.LR, true)
			if okBP && bp == 0 || i == 10 && j == 10 {
				continue
			}
			points++
			switch {
			case !okBP && !okPC:
				want.Neither++
			case okBP && (!okPC || bp < pc):
				want.BP++
			case okPC && (!okBP || pc < bp):
				want.PC++
			default:
				want.Tie++
			}
			if !okBP {
				want.MissedBP++
			}
		}
	}
	got := r.Starts.Equal
	if r.Starts.Points != points || got.BP != want.BP || got.PC != want.PC || got.Tie != want.Tie || got.Neither != want.Neither || got.MissedBP != want.MissedBP {
		t.Errorf("of %d starts %+v; the loop counts %+v of %d", r.Starts.Points, got, want, points)
	}
	for _, b := range r.Rates {
		if b.LR == nil || !b.Interior {
			t.Errorf("best rate of %s: %v, interior %v", b.Rule, b.LR, b.Interior)
		}
	}
}

func TestToyClaims(t *testing.T) {
	r, _ := oneToy()
	want := map[string]Verdict{"C1": Holds, "C2": Holds, "C3": Conditional, "C4": Conditional, "C11": Conditional, "C12": Conditional, "C13": Conditional}
	for _, c := range r.Claims {
		if c.Verdict != want[c.ID] || c.Text == "" || len(c.Numbers) == 0 || c.Statement == "" {
			t.Errorf("%+v: want verdict %s", c, want[c.ID])
		}
		delete(want, c.ID)
		if strings.Contains(c.Text, "NaN") || strings.Contains(c.Text, "%!") {
			t.Errorf("%s: %s", c.ID, c.Text)
		}
	}
	if len(want) > 0 {
		t.Errorf("not judged: %v", want)
	}
	l := r.Landscape
	if l.Increase != 0 || l.Below > exactly || l.StartError > exactly || l.TotalError > exactly || l.LocalFirst != 0 || l.MinimaError > 1e-12 || l.FStarError > exactly {
		t.Errorf("identities: %+v", l)
	}
	if r.Noise.BP.ManifoldReached != 0 || r.Noise.PC.ManifoldReached != r.Noise.Runs {
		t.Errorf("SGD from the stable manifold: %d and %d of %d arrive", r.Noise.BP.ManifoldReached, r.Noise.PC.ManifoldReached, r.Noise.Runs)
	}
}

func TestVerdictsByShares(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		shares []*float64
		want   Verdict
	}{
		{[]*float64{v(1), v(0.95)}, Holds}, {[]*float64{v(0.05), v(0)}, Fails}, {[]*float64{v(1), v(0.9)}, Conditional},
		{[]*float64{v(1), v(0)}, Conditional}, {[]*float64{nil, v(1)}, Holds}, {[]*float64{nil, nil}, Undecided}, {nil, Undecided},
	} {
		if got := byShares(c.shares...); got != c.want {
			t.Errorf("%v: %s, want %s", c.shares, got, c.want)
		}
	}
}

func TestToyDoesNotDependOnWorkers(t *testing.T) {
	spec := smallToy()
	one, a := oneToy()
	b := newMemory()
	two := runToy(t, spec, b, 3)
	if text(one) != text(two) || !reflect.DeepEqual(a, b) {
		t.Error("one worker and three find different things")
	}
	spec.Seed = 1
	if other := runToy(t, spec, newMemory(), 1); other.Noise == one.Noise {
		t.Error("another seed gives the same noise")
	}
}

// What any x, y, w⁰ and learning rate give is a result that JSON can hold, divergence and all.
func TestToyAnywhere(t *testing.T) {
	for _, change := range []func(*Toy){
		func(s *Toy) { s.LR = 50 }, func(s *Toy) { s.W0 = [2]float64{} }, func(s *Toy) { s.W0 = [2]float64{1, -1} },
		func(s *Toy) { s.Y = 1e-3 }, func(s *Toy) { s.X, s.Y = 1e-6, 1e6 }, func(s *Toy) { s.X, s.Y = -1e6, 1e-6 }, func(s *Toy) { s.W0[1] = 1e6 },
		func(s *Toy) { s.Steps, s.Noise = 1, 0 }, func(s *Toy) { s.X, s.Y, s.LR = 300, 200, 1e-5 }, func(s *Toy) { s.Loss = 1e6 },
	} {
		spec := smallToy()
		spec.Grid, spec.Starts, spec.Runs = 11, 5, 2
		change(&spec)
		spec.Choose(true, true, true, spec.Noise > 0)
		if err := spec.Validate(); err != nil {
			t.Errorf("%+v: %v", spec, err)
			continue
		}
		r := runToy(t, spec, newMemory(), 1)
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%+v: %v", spec, err)
		}
		for _, c := range r.Claims {
			if strings.Contains(c.Text, "NaN") || strings.Contains(c.Text, "%!") {
				t.Errorf("%+v: %s: %s", spec, c.ID, c.Text)
			}
		}
	}
}

func TestToyValidateNamesTheFlags(t *testing.T) {
	for _, c := range []struct {
		change func(*Toy)
		want   string
	}{
		{func(s *Toy) { s.X = 0 }, "--x 0: the landscape is flat"}, {func(s *Toy) { s.Y = 0 }, "--y 0: the landscape is flat"},
		{func(s *Toy) { s.X = math.NaN() }, "--x NaN"}, {func(s *Toy) { s.Y = math.Inf(-1) }, "--y -Inf"}, {func(s *Toy) { s.Y = 1e-9 }, "--y 1e-09"},
		{func(s *Toy) { s.W0[0] = math.Inf(1) }, "--w0 +Inf,0.95"}, {func(s *Toy) { s.LR = 0 }, "--lr 0"}, {func(s *Toy) { s.LR = math.NaN() }, "--lr NaN"},
		{func(s *Toy) { s.Steps = 0 }, "--steps 0"}, {func(s *Toy) { s.Steps = 1e9 }, "--steps 1000000000"}, {func(s *Toy) { s.Loss = -1 }, "--threshold -1"},
		{func(s *Toy) { s.W1 = [2]float64{2, -2} }, "--w1 2,-2: the range is empty"}, {func(s *Toy) { s.W2 = [2]float64{1, 1} }, "--w2 1,1: the range is empty"},
		{func(s *Toy) { s.W1[1] = math.NaN() }, "--w1 -2,NaN"}, {func(s *Toy) { s.W1 = [2]float64{1, 1 + 1e-9} }, "--w1"},
		{func(s *Toy) { s.DT = 0.4 }, "--dt 0.4: want above 0 and below 0.4"}, {func(s *Toy) { s.DT = 0 }, "--dt 0:"}, {func(s *Toy) { s.W2[1] = 3 }, ""},
		{func(s *Toy) { s.W2[1], s.DT = 3, 0.25 }, "below 0.2"}, {func(s *Toy) { s.Grid = 5000 }, "--grid 5000: want a whole number from 11 to 301"},
		{func(s *Toy) { s.Grid = -1 }, "--grid -1"}, {func(s *Toy) { s.Starts = 1000 }, "--starts 1000"}, {func(s *Toy) { s.Inference = 0 }, "--inference-steps 0"},
		{func(s *Toy) { s.Noise = math.NaN() }, "--noise NaN"}, {func(s *Toy) { s.Runs = 0 }, "--noise-runs 0"},
	} {
		spec := DefaultToy()
		c.change(&spec)
		err := spec.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
	spec := DefaultToy()
	spec.X, spec.LR, spec.Grid = 0, -1, 1
	if err := spec.Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three faults: %v", err)
	}
	if _, err := spec.Run(context.Background(), newMemory(), Env{}); err == nil {
		t.Error("Run takes a faulty description")
	}
}

func TestWindowShowsWhatMatters(t *testing.T) {
	for _, c := range []struct {
		x, y, w1, want float64
	}{{1, -1, 0.75, 2}, {1, 1, 1.9, 2}, {1, 1, 2, 2.5}, {1, 9, 0.75, 6}, {100, 1, 0.05, 1}, {1, 1, -30, 35}, {1, 4, 0, 4}} {
		spec := Toy{X: c.x, Y: c.y, W0: [2]float64{c.w1, 0.95}}
		if got := spec.Window(); got != [2]float64{-c.want, c.want} {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if got := (Toy{}).Window(); got != [2]float64{-2, 2} {
		t.Errorf("of nothing: %v", got)
	}
}

func TestToyPassesOnTheErrorsOfTheSink(t *testing.T) {
	for _, table := range []string{"settings", "landscapes", "starts", "trajectories"} {
		m := newMemory()
		m.fail = table
		if _, err := smallToy().Run(context.Background(), m, Env{Workers: 1}); !errors.Is(err, errFull) {
			t.Errorf("table %s cannot be written: %v", table, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := smallToy().Run(ctx, newMemory(), Env{Workers: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestToyStoresWhatTheFiguresNeed(t *testing.T) {
	_, m := oneToy()
	for table, want := range map[string]int{"settings": 1, "landscapes": 21 * (2 + 9), "fields": 2*17*17 + 2*9*11*11, "flatness": 9, "inference": 9, "starts": 21 * 21} {
		if got := len(m.rows[table]); got != want {
			t.Errorf("table %s has %d rows, want %d", table, got, want)
		}
	}
	if len(m.rows["trajectories"]) < 18+25+26+3000 || len(m.rows["rates"]) < 20 {
		t.Errorf("trajectories %d, rates %d", len(m.rows["trajectories"]), len(m.rows["rates"]))
	}
}

func ExampleToy() {
	spec := DefaultToy()
	spec.W0 = [2]float64{0.8, 0.8} // on the stable manifold of the saddle
	r, err := spec.Run(context.Background(), newMemory(), Env{Workers: 1})
	if err != nil {
		panic(err)
	}
	fmt.Printf("bp: %s, pc: %s in %d steps\n", r.BP.Status, r.PC.Status, r.PC.Steps)
	// Output: bp: step limit, pc: reached in 26 steps
}
