package infer_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// round is ½a‖z − c‖² + 1 for each sample, started at 0: after t steps of Euler z − c and the gradient have shrunk by
// (1 − a dt)ᵗ, F − F* by its square, and the estimated F − F* is exact.
type round struct{ *bowl[float64] }

func newRound(a float64) round {
	b := newBowl[float64](1, 3, 2, []float64{a, a, a}, 1)
	tensor.Zero(b.j)
	copy(b.y.Row(0), []float64{1, 0}) // h/2 = 1
	return round{b}
}

// Start is at distance √3 from the minimum, which lies at 0.
func (r round) Start(z tensor.Matrix[float64]) { copy(z.Data, ones(len(z.Data))) }

// TestSolveStopsByResidual: at the first step with ρ = |1 − a dt|ᵗ ≤ Tol.
func TestSolveStopsByResidual(t *testing.T) {
	for _, tol := range []float64{0.9, 0.5, 1e-3, 1e-9} {
		const a, dt = 2, 0.1
		f := newSpyStart(newRound(a), 1)
		w, r := solve[float64](t, f, 1, &infer.Euler[float64]{DT: dt}, infer.Settings{Tol: tol, MaxPasses: 1e4})
		want := int(math.Ceil(math.Log(tol) / math.Log(1-a*dt)))
		if r.Steps != want || r.Count[infer.Equilibrium] != 1 || w.Status[0] != infer.Equilibrium {
			t.Errorf("tol %g: %d steps, statuses %v; want %d and equilibrium", tol, r.Steps, r.Count, want)
		}
		rho := math.Pow(1-a*dt, float64(want))
		if !check.Close(r.Residual(), rho, 1e-12) || !check.Close(w.Res[0], a*math.Sqrt(3)*rho, 1e-12) {
			t.Errorf("tol %g: ρ = %v, residual %v; want %v of %v", tol, r.Residual(), w.Res[0], rho, a*math.Sqrt(3))
		}
	}
}

// TestSolveStopsByGap: at the first step where q/(1 − q) ≤ Gap with q = (1 − a dt)²ᵗ = (F − F*)/(F_start − F*).
func TestSolveStopsByGap(t *testing.T) {
	for _, gap := range []float64{0.5, 0.1, 0.01, 1e-6} {
		const a, dt = 2, 0.02
		f := newSpyStart(newRound(a), 1)
		w, r := solve[float64](t, f, 1, &infer.Euler[float64]{DT: dt}, infer.Settings{Gap: gap, MaxPasses: 1e4})
		q := gap / (1 + gap)
		want := int(math.Ceil(math.Log(q) / (2 * math.Log(1-a*dt))))
		if r.Steps != want || r.Count[infer.Gap] != 1 || w.Status[0] != infer.Gap {
			t.Errorf("gap %g: %d steps, statuses %v; want %d and gap", gap, r.Steps, r.Count, want)
		}
		left := 3 * a / 2.0 * math.Pow(1-a*dt, float64(2*want))
		if !check.Close(r.Excess, left, 1e-9) || !check.Close(r.F, 1+left, 1e-12) || !check.Close(r.FStart, 1+3*a/2.0, 1e-12) {
			t.Errorf("gap %g: F %v of %v, excess %v; want 1 + %v", gap, r.F, r.FStart, r.Excess, left)
		}
		if g := left / (3*a/2.0 - left); !check.Close(r.Gap(), g, 1e-9) || r.Gap() > gap {
			t.Errorf("gap %g: estimate %v, want %v", gap, r.Gap(), g)
		}
	}
}

// TestSolveStopsByPasses: no step begins once MaxPasses are spent.
func TestSolveStopsByPasses(t *testing.T) {
	for _, c := range []struct {
		max   float64
		steps int
	}{{1, 0}, {2, 0}, {2.5, 1}, {3, 1}, {4, 1}, {5, 2}, {12, 5}, {0, 49}} {
		f := newSpyStart(newRound(1), 1)
		w, r := solve[float64](t, f, 1, &infer.Euler[float64]{DT: 0.01}, infer.Settings{MaxPasses: c.max})
		if r.Steps != c.steps || r.Passes != float64(2+2*c.steps) || r.Count[infer.PassLimit] != 1 || w.Status[0] != infer.PassLimit {
			t.Errorf("max %v: %d steps, %v passes, statuses %v; want %d steps and the limit", c.max, r.Steps, r.Passes, r.Count, c.steps)
		}
	}
}

// TestWhicheverStopComesFirst.
func TestWhicheverStopComesFirst(t *testing.T) {
	all := infer.Settings{Tol: 0.3, Gap: 0.3, MaxPasses: 20} // after 6, 4 and 9 steps
	for _, c := range []struct {
		change func(s *infer.Settings)
		want   infer.Status
	}{
		{func(s *infer.Settings) {}, infer.Gap},
		{func(s *infer.Settings) { s.Gap = 0 }, infer.Equilibrium},
		{func(s *infer.Settings) { s.Gap, s.Tol = 0, 0 }, infer.PassLimit},
		{func(s *infer.Settings) { s.MaxPasses = 6 }, infer.PassLimit},
		{func(s *infer.Settings) { s.Tol = 0.9 }, infer.Equilibrium},
	} {
		s := all
		c.change(&s)
		w, _ := solve[float64](t, newSpyStart(newRound(2), 1), 1, &infer.Euler[float64]{DT: 0.1}, s)
		if w.Status[0] != c.want {
			t.Errorf("%+v: %v, want %v", s, w.Status[0], c.want)
		}
	}
}

// TestGapNeedsCurvature: without it the gap is unknown, says so, and never stops.
func TestGapNeedsCurvature(t *testing.T) {
	f := newSpy(&diagonal[float64]{a: tensor.Of(1, 2, []float64{1, 2}), c: tensor.Of(1, 2, []float64{1, 1})}, 1)
	for name, m := range map[string]infer.Method[float64]{"euler": &infer.Euler[float64]{}, "bb": &infer.BarzilaiBorwein[float64]{}} {
		r, err := infer.Solve[float64](f, infer.NewWork[float64](1, 2), m, infer.Settings{Gap: 0.9, MaxPasses: 12})
		if err != nil || r.Count[infer.PassLimit] != 1 || !math.IsNaN(r.Gap()) || !math.IsNaN(r.Excess) {
			t.Errorf("%s: statuses %v, gap %v (%v)", name, r.Count, r.Gap(), err)
		}
	}
}

// TestEverySampleHasItsOwnOutcome: in one batch an equilibrium from the start, a fast and a slow one, one that diverges,
// NaN and Inf. Each ends where Euler alone would, z − c = (1 − a dt)ᵗ(0 − c), at its own last step, and stays there.
func TestEverySampleHasItsOwnOutcome(t *testing.T) {
	const dt, tol = 0.1, 1e-4
	curvature := []float64{3, 5, 1, 25, 2, 2, 1e-7}
	centre := []float64{0, 2, -1, 1, math.NaN(), math.Inf(1), 1}
	want := []infer.Status{infer.Equilibrium, infer.Equilibrium, infer.Equilibrium, infer.Diverged, infer.NotFinite, infer.NotFinite, infer.PassLimit}
	last := []int{0, 14, 88, 0, 0, 0, 200}
	last[3] = int(math.Ceil(math.Log(100) / (2 * math.Log(1.5)))) // F grows by 1.5² a step: the first beyond 100 times
	n := len(want)
	f := &diagonal[float64]{a: tensor.Of(n, 1, curvature), c: tensor.Of(n, 1, centre)}
	w := infer.NewWork[float64](n, 1)
	r, err := infer.Solve[float64](newSpy[float64](f, n), w, &infer.Euler[float64]{DT: dt}, infer.Settings{Tol: tol, MaxPasses: 402, Patience: -1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.Status, want) {
		t.Errorf("statuses %v, want %v", w.Status, want)
	}
	for _, st := range infer.Statuses() {
		count := 0
		for _, x := range want {
			if x == st {
				count++
			}
		}
		if r.Count[st] != count {
			t.Errorf("%v counted %d times, want %d", st, r.Count[st], count)
		}
	}
	for i, c := range centre {
		exact := c - math.Pow(1-curvature[i]*dt, float64(last[i]))*c
		if last[i] == 0 {
			exact = 0
		}
		if got := w.Z.Row(i)[0]; math.Abs(got-exact) > 1e-12*(1+math.Abs(exact)) {
			t.Errorf("sample %d (%v): z = %v, want %v after %d steps", i, want[i], got, exact, last[i])
		}
		if !w.Done[i] {
			t.Errorf("sample %d is not done", i)
		}
	}
	if r.Steps != 200 {
		t.Errorf("%d steps, want 200", r.Steps)
	}
}

// kink is Σ|z|, whose gradient never gets small.
type kink struct{}

func (kink) Dim() int             { return 1 }
func (kink) Cost() (_, _ float64) { return 0, 0 }
func (kink) Eval(f []float64, grad, z tensor.Matrix[float64]) {
	for i := range z.Rows {
		v := z.Row(i)[0]
		f[i] = math.Abs(v)
		if grad.Rows > 0 {
			grad.Row(i)[0] = math.Copysign(1, v)
		}
	}
}

// TestNonSmoothEnergyStalls: from 0.5 a step of 0.2 comes to ±0.1 in two steps and stays there. Asked after Patience,
// 2·Patience, … steps, the sample is Stalled the first time that the half before brought nothing.
func TestNonSmoothEnergyStalls(t *testing.T) {
	for _, c := range []struct{ patience, steps int }{{0, 20}, {1, 4}, {2, 4}, {3, 6}, {10, 20}, {15, 30}} {
		w := infer.NewWork[float64](1, 1)
		w.Z.Data[0] = 0.5
		r, err := infer.Solve[float64](newSpy[float64](kink{}, 1), w, &infer.Euler[float64]{DT: 0.2}, infer.Settings{Tol: 0.1, Patience: c.patience})
		if err != nil || w.Status[0] != infer.Stalled || r.Count[infer.Stalled] != 1 || r.Steps != c.steps {
			t.Errorf("patience %d: %v after %d steps (%v), want stalled after %d", c.patience, w.Status[0], r.Steps, err, c.steps)
		}
	}
	w := infer.NewWork[float64](1, 1)
	w.Z.Data[0] = 0.5
	if r, _ := infer.Solve[float64](newSpy[float64](kink{}, 1), w, &infer.Euler[float64]{DT: 0.2}, infer.Settings{Patience: -1}); w.Status[0] != infer.PassLimit {
		t.Errorf("without patience: %v after %d steps, want the pass limit", w.Status[0], r.Steps)
	}
	w.Z.Data[0] = 0.5
	if r, _ := infer.Solve[float64](newSpy[float64](kink{}, 1), w, &infer.BarzilaiBorwein[float64]{First: 0.2}, infer.Settings{}); w.Status[0] != infer.Stalled {
		t.Errorf("bb: %v after %d steps, want stalled", w.Status[0], r.Steps)
	}
}

// TestSlowIsNotStalled: a residual that falls by a thousandth a step reaches the tolerance, however long it takes.
func TestSlowIsNotStalled(t *testing.T) {
	const a, dt, tol = 1, 1e-3, 1e-6
	w, r := solve[float64](t, newSpyStart(newRound(a), 1), 1, &infer.Euler[float64]{DT: dt}, infer.Settings{Tol: tol, MaxPasses: 1e5})
	if want := int(math.Ceil(math.Log(tol) / math.Log(1-a*dt))); w.Status[0] != infer.Equilibrium || r.Steps != want {
		t.Errorf("%v after %d steps, want equilibrium after %d", w.Status[0], r.Steps, want)
	}
}

// TestResultsOfShardsAddUp to the result of the whole.
func TestResultsOfShardsAddUp(t *testing.T) {
	const rows, cut = 7, 3
	a, c := tensor.New[float64](rows, 2), tensor.New[float64](rows, 2)
	for i := range rows {
		copy(a.Row(i), []float64{1 + float64(i), 4})
		copy(c.Row(i), []float64{1, float64(i)})
	}
	open := func(lo, hi int) infer.Objective[float64] {
		return newSpy[float64](&diagonal[float64]{a: a.RowsOf(lo, hi), c: c.RowsOf(lo, hi)}, hi-lo)
	}
	s := infer.Settings{Tol: 1e-3, MaxPasses: 60}
	m := &infer.Euler[float64]{}
	whole := infer.NewWork[float64](rows, 2)
	want, err := infer.Solve[float64](open(0, rows), whole, m, s)
	if err != nil {
		t.Fatal(err)
	}
	work := infer.NewWork[float64](rows, 2)
	var sum infer.Result
	passes := 0.0
	for _, cuts := range [][2]int{{0, cut}, {cut, rows}} {
		lo, hi := cuts[0], cuts[1]
		r, err := infer.Solve[float64](open(lo, hi), work.RowsOf(lo, hi), m, s)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(r)
		passes += r.Passes * float64(hi-lo) / rows
	}
	if !check.Same(whole.Z, work.Z) || !slices.Equal(whole.F, work.F) || !slices.Equal(whole.Status, work.Status) {
		t.Error("shards ended elsewhere")
	}
	if !slices.Equal(whole.Start(), work.Start()) {
		t.Errorf("energies at the start %v, want %v", work.Start(), whole.Start())
	}
	if sum.Count != want.Count || sum.Samples != rows || sum.Steps != want.Steps {
		t.Errorf("sum %+v, want %+v", sum, want)
	}
	for _, v := range [][2]float64{{sum.F, want.F}, {sum.FStart, want.FStart}, {sum.Res2, want.Res2}, {sum.Start2, want.Start2},
		{sum.Residual(), want.Residual()}, {sum.Passes, passes}, {sum.MACs, 10 * passes}} {
		if !check.Close(v[0], v[1], 1e-14) {
			t.Errorf("%v, want %v", v[0], v[1])
		}
	}
	if want.Count[infer.PassLimit] == 0 || want.Count[infer.Equilibrium] == 0 {
		t.Errorf("statuses %v: the test wants several", want.Count)
	}
	var none infer.Result
	if none.Add(infer.Result{}); none != (infer.Result{}) {
		t.Errorf("nothing and nothing make %+v", none)
	}
}

// TestFailedSamplesDoNotHideTheGapOfTheOthers: one sample that diverges, or is NaN, must not keep all others going.
func TestFailedSamplesDoNotHideTheGapOfTheOthers(t *testing.T) {
	for name, target := range map[string]float64{"not finite": math.NaN(), "diverged": 1e6} {
		b := newBowl[float64](4, 3, 2, nil, 5)
		alone := *b
		alone.y = b.y.RowsOf(0, 3)
		s := infer.Settings{Gap: 1e-3}
		m := &infer.Euler[float64]{DT: 0.2}
		_, want := solve[float64](t, bowlStart[float64]{&alone}, 3, m, s)
		b.y.Row(3)[0] = target
		var failed infer.Method[float64] = m
		if name == "diverged" {
			failed = &explode{m, 3}
		}
		w, r := solve[float64](t, newSpyStart(bowlStart[float64]{b}, 4), 4, failed, s)
		if r.Steps != want.Steps || r.Count[infer.Gap] != 3 {
			t.Errorf("%s: %d steps, %v; want %d steps", name, r.Steps, w.Status, want.Steps)
		}
	}
}

// explode throws sample i far out after each step of another method.
type explode struct {
	*infer.Euler[float64]
	i int
}

func (m *explode) Step(f infer.Objective[float64], p *infer.Point[float64]) {
	m.Euler.Step(f, p)
	if !p.Done[m.i] {
		tensor.Scale(p.Z.Row(m.i), 1e6)
		p.Eval(f)
	}
}

// TestStatusIsATable.
func TestStatusIsATable(t *testing.T) {
	names := map[infer.Status]string{infer.Moving: "moving", infer.Equilibrium: "equilibrium", infer.Gap: "gap", infer.PassLimit: "pass_limit",
		infer.Stalled: "stalled", infer.Diverged: "diverged", infer.NotFinite: "not_finite"}
	for st, name := range names {
		if st.String() != name {
			t.Errorf("%d is called %q, want %q", st, st, name)
		}
		settled := st == infer.Equilibrium || st == infer.Gap
		if err := st.Err(); (err == nil) != settled || err != nil && err.Error() != "infer: "+name {
			t.Errorf("%v: error %v", st, err)
		}
		if slices.Contains(infer.Statuses(), st) != (st != infer.Moving) {
			t.Errorf("%v: listed in %v", st, infer.Statuses())
		}
	}
	if s := infer.Status(99).String(); s != "Status(99)" {
		t.Errorf("unknown status is called %q", s)
	}
	if text := check.Panic(func() {
		infer.Solve[float64](newSpy[float64](kink{}, 1), infer.NewWork[float64](1, 2), &infer.Euler[float64]{}, infer.Settings{})
	}); fmt.Sprint(text) != "infer: work of another dimension" {
		t.Errorf("work of another dimension: panics with %v", text)
	}
}
