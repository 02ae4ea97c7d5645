package energy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// checkFresh compares energy and both gradients with the naive formulas, for the first rows samples.
func checkFresh(t *testing.T, x *fixture, c coordinates, rows int, when string) {
	t.Helper()
	p := x.point.RowsOf(0, rows)
	f, grad := eval(c, p)
	for i := range rows {
		if want := x.energy(c.z(i, p.Row(i))); !check.Close(f[i], want, roundTol) {
			t.Errorf("%s, %s: F of sample %d = %v, want %v", c.name, when, i, f[i], want)
		}
		row := p.Row(i)
		want := check.Gradient(func() float64 { return x.energy(c.z(i, row)) }, row)
		if e := check.RelError(grad.Row(i), want); !(e <= fdTol) {
			t.Errorf("%s, %s: gradient of sample %d is off by %v", c.name, when, i, e)
		}
	}
	if rows == x.rows {
		checkWeightGradient(t, x, c)
	}
}

// TestFirstPredictionIsRefreshed: g_1(x) is kept while x and the weights rest, and only then.
func TestFirstPredictionIsRefreshed(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			checkFresh(t, x, c, x.rows, "at first")
			checkFresh(t, x, c, x.rows, "again")
			if x.given(0) {
				x.data[0] = check.Random[float64](x.rng, x.rows, x.arch.Dims[0])
				x.state.Clamp(0, x.data[0])
				checkFresh(t, x, c, x.rows, "after another matrix was clamped")
				for i := range x.rows {
					tensor.Scale(x.data[0].Row(i), -2)
				}
				x.state.Clamp(0, x.data[0])
				checkFresh(t, x, c, x.rows, "after the same matrix was filled and clamped anew")
				x.data[0] = check.Clone(x.data[0])
				tensor.Scale(x.data[0].Row(0), 3)
				x.state.Clamp(0, x.data[0])
				p := check.Random[float64](x.rng, x.rows, x.state.Dim())
				c.f.Start(p)
				checkFresh(t, x, c, x.rows, "after Start at another input")
			}
			x.perturb()
			checkFresh(t, x, c, x.rows, "after an update")
			x.perturb()
			checkFresh(t, x, c, 1, "after an update, one sample")
			checkFresh(t, x, c, 2, "after an update, two samples")
			checkFresh(t, x, c, x.rows, "after an update, all samples")
			checkFresh(t, x, c, 1, "fewer again")
			checkFresh(t, x, c, x.rows, "all again")
		}
	})
}

// TestClampingAnotherTarget: the target, or a hidden layer, may change between evaluations too.
func TestClampingAnotherTarget(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			for l := 1; l <= x.L(); l++ {
				if x.given(l) {
					x.data[l] = check.Random[float64](x.rng, x.rows, x.arch.Dims[l])
					x.state.Clamp(l, x.data[l])
					checkFresh(t, x, c, x.rows, fmt.Sprintf("layer %d clamped anew", l))
				}
			}
		}
	})
}

// outcome is all that an evaluation leaves.
type outcome[T tensor.Float] struct {
	f       []float64
	grad    tensor.Matrix[T]
	trace   *nn.Trace[T]
	weights []T
}

func (o outcome[T]) same(w outcome[T]) bool {
	ok := check.SameBits(o.f, w.f) && check.Same(o.grad, w.grad) && check.SameBits(o.weights, w.weights)
	for l := 1; l < len(o.trace.Z); l++ {
		ok = ok && check.Same(o.trace.Z[l], w.trace.Z[l]) && check.Same(o.trace.U[l], w.trace.U[l])
	}
	return ok
}

// TestWindowsAndSinglesAreTheWhole: a state cut into windows, and separate states for each sample, give the same bits
// as the whole batch.
func TestWindowsAndSinglesAreTheWhole(t *testing.T) {
	t.Run("float32", testWindows[float32])
	t.Run("float64", testWindows[float64])
}

func testWindows[T tensor.Float](t *testing.T) {
	for _, place := range []nn.Place{nn.After, nn.Before} {
		arch := nn.Arch{Dims: []int{5, 9, 6, 4, 3}, Act: nn.GELU, Place: place, Bias: true}
		net, err := nn.Build[T](arch)
		if err != nil {
			t.Fatal(err)
		}
		nn.Initialize(net, nn.Init{Kind: nn.He}, 3)
		for _, clamped := range [][]int{nil, {}, {0, 2, 4}, {4}, {0}} {
			pc := &PC[T]{Net: net, Precision: []float64{0.3, 2, 1.7, 5}, Clamped: clamped}
			for _, errors := range []bool{false, true} {
				name := fmt.Sprintf("%v/clamped=%v/errors=%v", place, clamped, errors)
				t.Run(name, func(t *testing.T) { newParts(pc, errors).test(t) })
			}
		}
	}
}

// parts is a problem with data for seven samples, to be evaluated in parts.
type parts[T tensor.Float] struct {
	pc     *PC[T]
	errors bool
	data   []tensor.Matrix[T]
	point  tensor.Matrix[T]
}

func newParts[T tensor.Float](pc *PC[T], errors bool) parts[T] {
	const B = 7
	rng := rand.New(rand.NewPCG(13, 0))
	p := parts[T]{pc: pc, errors: errors, point: check.Random[T](rng, B, pc.NewState(B).Dim())}
	for l := range pc.Net.L() + 1 {
		p.data = append(p.data, check.Random[T](rng, B, pc.Net.Width(l)))
	}
	return p
}

// outcome returns room for what evaluations in s leave.
func (p parts[T]) outcome(s *State[T]) outcome[T] {
	B := p.point.Rows
	return outcome[T]{make([]float64, B), tensor.New[T](B, s.Dim()), s.Trace, make([]T, len(p.pc.Net.Theta()))}
}

// eval evaluates samples lo ≤ i < hi in s, which has as many rows.
func (p parts[T]) eval(s *State[T], lo, hi int, o outcome[T]) {
	f, g, z := o.f[lo:hi], o.grad.RowsOf(lo, hi), p.point.RowsOf(lo, hi)
	if p.errors {
		s.Errors().Eval(f, g, z)
	} else {
		s.Activities().Eval(f, g, z)
	}
}

func (p parts[T]) test(t *testing.T) {
	B := p.point.Rows
	whole := p.pc.NewState(B)
	clamp(whole, p.data, 0, B)
	want := p.outcome(whole)
	p.eval(whole, 0, B, want)
	whole.Gradient(want.weights)

	cut := p.pc.NewState(B)
	clamp(cut, p.data, 0, B)
	got := p.outcome(cut)
	windows := []nn.Span{{Lo: 4, Hi: 7}, {Lo: 0, Hi: 1}, {Lo: 1, Hi: 4}}
	var states []*State[T]
	for _, w := range windows {
		s := cut.RowsOf(w.Lo, w.Hi)
		clamp(s, p.data, w.Lo, w.Hi)
		states = append(states, s)
	}
	for _, when := range []string{"at first", "again, with what they have kept"} {
		for k, w := range windows {
			p.eval(states[k], w.Lo, w.Hi, got)
		}
		cut.Gradient(got.weights)
		if !got.same(want) {
			t.Errorf("%s windows differ from the whole", when)
		}
	}

	singles := p.pc.NewState(B) // its trace gathers what the states of single samples leave
	clamp(singles, p.data, 0, B)
	got = p.outcome(singles)
	one := p.pc.NewState(1)
	for i := range B {
		clamp(one, p.data, i, i+1)
		p.eval(one, i, i+1, got)
		for l := range p.data {
			if !one.clamped[l] {
				singles.Trace.Z[l].RowsOf(i, i+1).CopyFrom(one.Trace.Z[l])
			}
			if l > 0 {
				singles.Trace.U[l].RowsOf(i, i+1).CopyFrom(one.Trace.U[l])
			}
		}
	}
	got.weights = want.weights // a sum over samples, rounded differently
	if !got.same(want) {
		t.Error("single samples differ from the batch")
	}
}

// clamp gives s rows lo ≤ i < hi of the data of its clamped layers.
func clamp[T tensor.Float](s *State[T], data []tensor.Matrix[T], lo, hi int) {
	for l, m := range data {
		if s.clamped[l] {
			s.Clamp(l, m.RowsOf(lo, hi))
		}
	}
}

// TestCurvatureOfWindowsIsThatOfTheWhole, for fewer rows than the state has too.
func TestCurvatureOfWindowsIsThatOfTheWhole(t *testing.T) {
	eachCurved(t, func(t *testing.T, x *fixture, e *Errors[float64]) {
		n := e.Outputs()
		x.use(logCosh{}, nil) // whose curvature depends on ŷ
		e = x.state.Errors()
		e.Eval(make([]float64, x.rows), tensor.Matrix[float64]{}, x.point)
		u, v := check.Random[float64](x.rng, x.rows, n), check.Random[float64](x.rng, x.rows, e.Dim())
		maps := func(e *Errors[float64], u, v tensor.Matrix[float64]) [4]tensor.Matrix[float64] {
			o := [4]tensor.Matrix[float64]{}
			for k, cols := range []int{n, e.Dim(), n, n} {
				o[k] = tensor.New[float64](u.Rows, cols)
			}
			e.Push(o[0], v)
			e.Pull(o[1], u)
			e.Residual(o[2])
			e.Curve(o[3], u)
			return o
		}
		want := maps(e, u, v)
		var windows []*Errors[float64]
		for i := range x.rows { // overlapping, all evaluated before any is asked
			windows = append(windows, x.state.RowsOf(i, x.rows).Errors())
			windows[i].Eval(make([]float64, x.rows), tensor.Matrix[float64]{}, x.point.RowsOf(i, x.rows))
		}
		for i := range x.rows {
			got := maps(windows[i], u.RowsOf(i, i+1), v.RowsOf(i, i+1))
			for k, name := range []string{"Push", "Pull", "Residual", "Curve"} {
				if !check.Same(got[k], want[k].RowsOf(i, i+1)) {
					t.Errorf("%s of row %d: %v, in the whole %v", name, i, got[k].Row(0), want[k].Row(i))
				}
			}
		}
	})
}

func TestFloat32AgreesWithFloat64(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		net, err := nn.Build[float32](x.arch)
		if err != nil {
			t.Fatal(err)
		}
		net.Update(func(theta []float32) { narrow(theta, x.theta) })
		s := (&PC[float32]{Net: net, Precision: x.pi, Clamped: x.clamped}).NewState(x.rows)
		var data []tensor.Matrix[float32]
		for _, m := range x.data {
			data = append(data, narrowed(m))
		}
		clamp(s, data, 0, x.rows)
		p := narrowed(x.point)
		f, grad, weights := make([]float64, x.rows), tensor.New[float32](x.rows, s.Dim()), make([]float32, len(x.theta))
		for k, c := range x.both() {
			want, g := eval(c, x.point)
			gw, w := make([]float64, len(x.theta)), make([]float32, len(x.theta))
			x.state.Gradient(gw)
			narrow(w, gw)
			if k == 0 {
				s.Activities().Eval(f, grad, p)
			} else {
				s.Errors().Eval(f, grad, p)
			}
			s.Gradient(weights)
			const tol = 1e-5 // some tens of roundings of 6e−8
			if e := check.RelError(f, want); !(e <= tol) {
				t.Errorf("%s: F is off by %v", c.name, e)
			}
			for i := range x.rows {
				if e := check.RelError(grad.Row(i), narrowed(g).Row(i)); !(e <= tol) {
					t.Errorf("%s: the gradient of sample %d is off by %v", c.name, i, e)
				}
			}
			if e := check.RelError(weights, w); !(e <= tol) {
				t.Errorf("%s: ∂F/∂θ is off by %v", c.name, e)
			}
		}
	})
}

func narrow(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

func narrowed(m tensor.Matrix[float64]) tensor.Matrix[float32] {
	n := tensor.New[float32](m.Rows, m.Cols)
	for i := range m.Rows {
		narrow(n.Row(i), m.Row(i))
	}
	return n
}

// TestNaNShowsInItsSampleOnly: a sample that is not a number has no energy, the others theirs.
func TestNaNShowsInItsSampleOnly(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		if x.state.Dim() == 0 {
			return
		}
		for _, c := range x.both() {
			want, g := eval(c, x.point)
			p := check.Clone(x.point)
			p.Row(1)[p.Cols-1] = math.NaN() // (a free input alone need not matter: in errors, with all free, F is ½Σπ‖e‖²)
			f, grad := eval(c, p)
			if f[1] == f[1] || f[0] != want[0] || f[2] != want[2] || !check.SameBits(grad.Row(0), g.Row(0)) || !check.SameBits(grad.Row(2), g.Row(2)) {
				t.Errorf("%s: with a NaN in sample 1 F = %v, without %v", c.name, f, want)
			}
			if !slices.ContainsFunc(grad.Row(1), math.IsNaN) {
				t.Errorf("%s: the gradient of a sample with NaN is %v", c.name, grad.Row(1))
			}
		}
	})
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	x := newFixture(t, problem{nn.Arch{Dims: []int{4, 5, 3, 2}, Act: nn.Tanh, Bias: true}, []float64{1, 2, 3}, nil})
	f, grad, weights := make([]float64, x.rows), tensor.New[float64](x.rows, x.state.Dim()), make([]float64, len(x.theta))
	u, v := tensor.New[float64](x.rows, 2), tensor.New[float64](x.rows, x.state.Dim())
	a, e := x.state.Activities(), x.state.Errors()
	for name, call := range map[string]func(){
		"Clamp":            func() { x.state.Clamp(0, x.data[0]) },
		"Activities.Start": func() { a.Start(x.point) },
		"Activities.Eval":  func() { a.Eval(f, grad, x.point) },
		"Errors.Eval":      func() { e.Eval(f, grad, x.point) },
		"Gradient":         func() { x.state.Gradient(weights) },
		"Push":             func() { e.Push(u, v) },
		"Pull":             func() { e.Pull(v, u) },
		"Curve":            func() { e.Curve(u, u) },
		"Residual":         func() { e.Residual(u) },
	} {
		if n := testing.AllocsPerRun(10, call); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestEnergyPanics(t *testing.T) {
	net, err := nn.Build[float64](nn.Arch{Dims: []int{3, 4, 2}})
	if err != nil {
		t.Fatal(err)
	}
	type m = tensor.Matrix[float64]
	pc := func(pi []float64, clamped ...int) func() {
		return func() { (&PC[float64]{Net: net, Precision: pi, Clamped: clamped}).NewState(2) }
	}
	s := (&PC[float64]{Net: net}).NewState(2)
	s.Clamp(0, tensor.New[float64](2, 3))
	f, p := make([]float64, 3), tensor.New[float64](2, 4)
	tall, wide := tensor.New[float64](3, 4), tensor.New[float64](2, 5)
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"energy: no network", func() { new(PC[float64]).NewState(1) }},
		{"energy: want one precision for each layer", pc([]float64{1})},
		{"energy: want one precision for each layer", pc([]float64{})},
		{"energy: precision must be positive and finite", pc([]float64{1, 0})},
		{"energy: precision must be positive and finite", pc([]float64{-1, 1})},
		{"energy: precision must be positive and finite", pc([]float64{1, math.NaN()})},
		{"energy: precision must be positive and finite", pc([]float64{math.Inf(1), 1})},
		{"energy: clamped layer out of range", pc(nil, 0, 3)},
		{"energy: clamped layer out of range", pc(nil, -1)},
		{"energy: layer is free", func() { s.Clamp(1, p) }},
		{"energy: clamped activities of another shape", func() { s.Clamp(0, p) }},
		{"energy: clamped activities of another shape", func() { s.Clamp(0, tensor.New[float64](1, 3)) }},
		{"energy: point of another shape", func() { s.Errors().Eval(f, m{}, tall) }},
		{"energy: point of another shape", func() { s.Activities().Eval(f, m{}, wide) }},
		{"energy: point of another shape", func() { s.Errors().Eval(f[:1], m{}, p) }},
		{"energy: gradient of another shape", func() { s.Errors().Eval(f, wide, p) }},
		{"energy: gradient of another shape", func() { s.Activities().Eval(f, p.RowsOf(0, 1), p) }},
	} {
		if got := check.Panic(c.f); got != c.want {
			t.Errorf("panic %v, want %q", got, c.want)
		}
	}
}
