package infer_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// hessianOf reads the Hessian of a quadratic f off differences of its gradient, exact but for rounding.
func hessianOf(t testing.TB, f objective[float64]) *mat.SymDense {
	t.Helper()
	n := f.Dim()
	z, up, down := tensor.New[float64](1, n), tensor.New[float64](1, n), tensor.New[float64](1, n)
	h := mat.NewSymDense(n, nil)
	for k := range n {
		z.Data[k] = 1
		f.Eval(make([]float64, 1), up, z)
		z.Data[k] = -1
		f.Eval(make([]float64, 1), down, z)
		z.Data[k] = 0
		for j := range n {
			h.SetSym(k, j, (up.Data[j]-down.Data[j])/2)
		}
	}
	return h
}

// minimum is z* = −H⁻¹∂F/∂z(0).
func minimum(t testing.TB, f objective[float64]) []float64 {
	t.Helper()
	g := tensor.New[float64](1, f.Dim())
	f.Eval(make([]float64, 1), g, tensor.New[float64](1, f.Dim()))
	var z mat.VecDense
	if err := z.SolveVec(hessianOf(t, f), mat.NewVecDense(f.Dim(), g.Data)); err != nil {
		t.Fatal(err)
	}
	z.ScaleVec(-1, &z)
	return z.RawVector().Data
}

// drawn is T H⁻¹(I − dt H/2)⁻¹.
func drawn(t *testing.T, h *mat.SymDense, dt, temp float64) *mat.Dense {
	var inner, cov mat.Dense
	inner.Mul(h, h)
	inner.Scale(-dt/2, &inner)
	inner.Add(&inner, h)
	if err := cov.Inverse(&inner); err != nil {
		t.Fatal(err)
	}
	cov.Scale(temp, &cov)
	return &cov
}

// TestLangevinDrawsThePosterior of a linear Gaussian chain: its mean z*, and the covariance of the discretised flow, H⁻¹(I − dt H/2)⁻¹,
// which comes to the posterior's H⁻¹ as dt falls; in activities and in errors, at two temperatures.
func TestLangevinDrawsThePosterior(t *testing.T) {
	const rows = 1500
	k := newTask[float64](nn.Arch{Dims: []int{2, 3, 2, 2}, Bias: true}, []float64{1, 2, 1.5}, 1, rows)
	for i := range rows {
		copy(k.x.Row(i), []float64{0.5, -1})
		copy(k.y.Row(i), []float64{1, 2})
	}
	one := newTask[float64](k.arch, []float64{1, 2, 1.5}, 1, 1)
	one.x, one.y = k.x.RowsOf(0, 1), k.y.RowsOf(0, 1)
	for _, c := range []struct {
		errors   bool
		dt, temp float64
	}{{false, 0.2, 1}, {true, 0.2, 1}, {false, 0.02, 0}, {false, 0.1, 0.25}} {
		f, single := k.activities(), one.activities()
		if c.errors {
			f, single = k.errors(), one.errors()
		}
		n := f.Dim()
		temp := c.temp
		if temp == 0 {
			temp = 1
		}
		mean, second, draws := make([]float64, n), mat.NewSymDense(n, nil), 0.0
		w := infer.NewWork[float64](rows, n)
		f.Start(w.Z)
		want := minimum(t, single)
		steps, burn := 0, int(8/c.dt)
		s := infer.Settings{MaxSteps: burn + int(40/c.dt), Patience: -1, Diverge: math.Inf(1), Observe: func() {
			if steps++; steps <= burn || steps%int(1/c.dt) != 0 {
				return
			}
			for i := range rows {
				draws++
				for a, v := range w.Z.Row(i) {
					mean[a] += v
					for b := range a + 1 {
						second.SetSym(a, b, second.At(a, b)+(v-want[a])*(w.Z.Row(i)[b]-want[b]))
					}
				}
			}
		}}
		r, err := infer.Solve[float64](f, w, &infer.Langevin[float64]{DT: c.dt, Temperature: c.temp, Seed: 4}, s)
		if err != nil {
			t.Fatal(err)
		}
		if r.Count[infer.PassLimit] != rows || !math.IsNaN(r.Gap()) {
			t.Errorf("%+v: %v, gap %v: want draws that end at the limit, and no gap", c, r.Count, r.Gap())
		}
		cov := drawn(t, hessianOf(t, single), c.dt, temp)
		// About 60,000 draws, some of each row's correlated: standard errors below 1 % of a deviation and of a variance.
		for a := range n {
			sd := math.Sqrt(cov.At(a, a))
			if d := math.Abs(mean[a]/draws - want[a]); !(d < 0.03*sd) {
				t.Errorf("%+v: mean of z_%d is off by %.3f of its deviation", c, a, d/sd)
			}
			for b := range a + 1 {
				size := math.Sqrt(cov.At(a, a) * cov.At(b, b))
				if d := math.Abs(second.At(a, b)/draws - cov.At(a, b)); !(d < 0.03*size) {
					t.Errorf("%+v: covariance %d, %d is %v, want %v", c, a, b, second.At(a, b)/draws, cov.At(a, b))
				}
			}
		}
	}
}

// TestDrawsDoNotDependOnTheDivision of a batch, differ between rounds, samples and seeds, and are the same when asked for again.
func TestDrawsDoNotDependOnTheDivision(t *testing.T) {
	const rows = 6
	k := newTask[float32](nn.Arch{Dims: []int{3, 4, 2}, Act: nn.Tanh}, nil, 1, rows)
	s := infer.Settings{MaxSteps: 5, Patience: -1, Diverge: math.Inf(1)}
	draw := func(seed, round uint64, cuts ...int) tensor.Matrix[float32] {
		state := k.state()
		w := infer.NewWork[float32](rows, state.Dim())
		m := &infer.Langevin[float32]{Seed: seed}
		for i := range len(cuts) - 1 {
			part, window := w.RowsOf(cuts[i], cuts[i+1]), state.RowsOf(cuts[i], cuts[i+1])
			m.Draw(round, cuts[i])
			if _, err := infer.Solve[float32](window.Activities(), part, m, s); err != nil {
				t.Fatal(err)
			}
		}
		return w.Z
	}
	whole := draw(1, 3, 0, rows)
	if !check.Same(whole, draw(1, 3, 0, 2, 3, rows)) {
		t.Error("divided, the batch draws something else")
	}
	for what, other := range map[string]tensor.Matrix[float32]{"round": draw(1, 4, 0, rows), "seed": draw(2, 3, 0, rows)} {
		if check.Same(whole, other) {
			t.Errorf("another %s draws the same", what)
		}
	}
	if check.SameBits(whole.Row(0), whole.Row(1)) {
		t.Error("two samples draw the same")
	}
}

// TestHeldCoordinatesStayAndTheRestSettles at the conditional mean of the Gaussian: H_uu z_u = −g_u − H_uh z_h.
func TestHeldCoordinatesStayAndTheRestSettles(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{3, 4, 3, 2}, Bias: true}, []float64{1, 2, 1.5}, 1, 1)
	n := k.activities().Dim()
	held, given := make([]bool, n), []float64{0.7, -0.4, 1.1}
	for _, j := range []int{1, 4, 5} {
		held[j] = true
	}
	want := conditional(t, k.activities(), held, given)
	for _, m := range []infer.Method[float64]{&infer.Auto[float64]{}, &infer.Euler[float64]{}, &infer.Momentum[float64]{}, &infer.RungeKutta[float64]{Tableau: infer.Heun}} {
		f := infer.NewHold[float64](k.activities(), held)
		w := infer.NewWork[float64](1, n)
		at := 0
		for j, h := range held {
			if h {
				w.Z.Row(0)[j] = given[at]
				at++
			}
		}
		r, err := infer.Solve[float64](f, w, m, infer.Settings{Tol: 1e-9, MaxPasses: 1e5, Patience: -1})
		if err != nil || r.Count[infer.Equilibrium] != 1 {
			t.Fatalf("%T: %v, error %v", m, r.Count, err)
		}
		if d := check.RelError(w.Z.Row(0), want); !(d < 1e-7) {
			t.Errorf("%T: %v, want %v", m, w.Z.Row(0), want)
		}
		at = 0
		for j, h := range held {
			if h && w.Z.Row(0)[j] != given[at] {
				t.Errorf("%T: coordinate %d moved from %v to %v", m, j, given[at], w.Z.Row(0)[j])
			}
			if h {
				at++
			}
		}
	}
	f := infer.NewHold[float64](k.activities(), held)
	w := infer.NewWork[float64](1, n)
	if _, err := infer.Solve[float64](f, w, &infer.Langevin[float64]{}, infer.Settings{MaxSteps: 20, Patience: -1, Diverge: math.Inf(1)}); err != nil {
		t.Fatal(err)
	}
	for j, v := range w.Z.Row(0) {
		if held[j] != (v == 0) {
			t.Errorf("draws: coordinate %d, held %v, is %v", j, held[j], v)
		}
	}
	if got := check.Panic(func() { infer.NewHold[float64](k.activities(), held[:2]) }); got != "infer: want a word on each coordinate" {
		t.Errorf("panics with %v", got)
	}
	if _, err := infer.Solve[float64](infer.NewHold(infer.Objective[float64](k.errors()), held), w, &infer.ConjugateGradient[float64]{}, infer.Settings{}); err == nil {
		t.Error("a method that needs curvature takes held coordinates")
	}
}

// conditional is the minimum of the quadratic f where held coordinates have the given values.
func conditional(t *testing.T, f objective[float64], held []bool, given []float64) []float64 {
	n := f.Dim()
	h := hessianOf(t, f)
	g := tensor.New[float64](1, n)
	f.Eval(make([]float64, 1), g, tensor.New[float64](1, n))
	var free []int
	z, at := make([]float64, n), 0
	for j := range n {
		if held[j] {
			z[j] = given[at]
			at++
		} else {
			free = append(free, j)
		}
	}
	a, b := mat.NewDense(len(free), len(free), nil), mat.NewVecDense(len(free), nil)
	for p, j := range free {
		rhs := -g.Data[j]
		for i := range n {
			if held[i] {
				rhs -= h.At(j, i) * z[i]
			}
		}
		b.SetVec(p, rhs)
		for q, i := range free {
			a.Set(p, q, h.At(j, i))
		}
	}
	var u mat.VecDense
	if err := u.SolveVec(a, b); err != nil {
		t.Fatal(err)
	}
	for p, j := range free {
		z[j] = u.AtVec(p)
	}
	return z
}
