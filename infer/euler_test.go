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

// steps returns the settings for exactly n steps of two passes after a first evaluation.
func steps(n int) infer.Settings {
	if n == 0 {
		return infer.Settings{MaxPasses: 1, Patience: -1} // the start alone
	}
	return infer.Settings{MaxSteps: n, Patience: -1}
}

// TestIntegratorsHaveTheirOrder compares z(T) = z* + exp(−HT)(z₀ − z*), H = D + hJᵀJ, with T/dt steps of a method of order
// p: halving dt divides the error by 2ᵖ.
func TestIntegratorsHaveTheirOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		order  float64
		stages int // evaluations of a step
		least  int // number of steps from which the order shows
		with   func(dt float64) infer.Method[float64]
	}{
		{"Euler", 1, 1, 80, func(dt float64) infer.Method[float64] { return &infer.Euler[float64]{DT: dt} }},
		{"Heun", 2, 2, 80, func(dt float64) infer.Method[float64] { return &infer.RungeKutta[float64]{DT: dt} }},
		{"Bogacki–Shampine", 3, 3, 80, func(dt float64) infer.Method[float64] {
			return &infer.RungeKutta[float64]{DT: dt, Tableau: infer.BogackiShampine}
		}},
		{"Dormand–Prince", 5, 6, 40, func(dt float64) infer.Method[float64] {
			return &infer.RungeKutta[float64]{DT: dt, Tableau: infer.DormandPrince}
		}},
	} {
		t.Run(c.name, func(t *testing.T) { checkOrder(t, c.order, c.stages, c.least, c.with) })
	}
}

// flow is a small bowl with its exact flow: z(T) = z* + exp(−HT)(z₀ − z*), z₀ = 0, for two samples.
func flow(t *testing.T, horizon float64) (objective[float64], tensor.Matrix[float64]) {
	t.Helper()
	const rows, dim = 2, 6
	b := newBowl[float64](rows, dim, 3, []float64{0.5, 1, 1.5, 2, 1, 0.7}, 4)
	h := hessian(b.d, b.h, b.dense())
	var decay mat.Dense
	scaled := mat.DenseCopyOf(h)
	scaled.Scale(-horizon, scaled)
	decay.Exp(scaled)
	want := tensor.New[float64](rows, dim)
	for i := range rows {
		var rhs, z, moved mat.VecDense
		rhs.MulVec(b.dense().T(), mat.NewVecDense(3, b.y.Row(i)))
		rhs.ScaleVec(b.h, &rhs)
		if err := z.SolveVec(h, &rhs); err != nil {
			t.Fatal(err)
		}
		moved.MulVec(&decay, &z)
		z.SubVec(&z, &moved)
		copy(want.Row(i), z.RawVector().Data)
	}
	return bowlStart[float64]{b}, want
}

func checkOrder(t *testing.T, order float64, stages, least int, with func(dt float64) infer.Method[float64]) {
	const rows, horizon = 2, 0.5
	f, want := flow(t, horizon)
	after := func(n int) float64 {
		s := infer.Settings{MaxPasses: float64(2 + 2*stages*n), Patience: -1}
		w, r := solve[float64](t, newSpyStart(f, rows), rows, with(horizon/float64(n)), s)
		if r.Steps != n || r.Count[infer.PassLimit] != rows {
			t.Fatalf("%d steps, statuses %v: want %d steps and the pass limit", r.Steps, r.Count, n)
		}
		diff := check.Clone(w.Z)
		tensor.Sub(diff, diff, want)
		return norm(diff.Data)
	}
	coarse := after(least)
	for n := 2 * least; n <= 4*least; n *= 2 {
		fine := after(n)
		if got := math.Log2(coarse / fine); math.Abs(got-order) > 0.1 {
			t.Errorf("from %d to %d steps the error falls from %g to %g: order %.3f", n/2, n, coarse, fine, got)
		}
		coarse = fine
	}
}

// TestAdaptiveStepsKeepTheirTolerance integrates to a time at which every sample stops, with error control: the error is
// of the order of the tolerance, and a method of higher order takes fewer evaluations.
func TestAdaptiveStepsKeepTheirTolerance(t *testing.T) {
	const rows, horizon, tol, scale = 2, 2.0, 1e-7, 0.25
	f, want := flow(t, horizon*scale)
	cost := math.Inf(1)
	for _, tableau := range []infer.Tableau{infer.Heun, infer.BogackiShampine, infer.DormandPrince} {
		m := &infer.RungeKutta[float64]{Tableau: tableau, RTol: tol, ATol: tol, Scale: scale, Until: horizon}
		w, r := solve[float64](t, newSpyStart(f, rows), rows, m, infer.Settings{MaxPasses: 1e5, Patience: -1})
		if r.Count[infer.PassLimit] != rows {
			t.Errorf("%s: statuses %v: want all truncated at their time", tableau.Name, r.Count)
		}
		diff := check.Clone(w.Z)
		tensor.Sub(diff, diff, want)
		// Each of the steps may add the tolerance, and their number is below 300.
		if e := norm(diff.Data); !(e < 300*tol) || e == 0 {
			t.Errorf("%s: error %g at tolerance %g after %d steps", tableau.Name, e, tol, r.Steps)
		}
		if r.Passes >= cost {
			t.Errorf("%s takes %v passes, the method of lower order %v", tableau.Name, r.Passes, cost)
		}
		cost = r.Passes
	}
}

// ball is ½ λ‖z‖² of one sample of dim coordinates.
type ball struct {
	dim            int
	lambda, passes float64
}

func (b *ball) Dim() int                     { return b.dim }
func (b *ball) Cost() (passes, macs float64) { return b.passes, 0 }
func (b *ball) Eval(f []float64, grad, z tensor.Matrix[float64]) {
	b.passes++
	f[0] = b.lambda / 2 * tensor.Dot(z.Row(0), z.Row(0))
	if grad.Rows > 0 {
		b.passes++
		grad.CopyFrom(z)
		tensor.Scale(grad.Data, b.lambda)
	}
}

// TestStepsFollowTheController, from whatever first step, accepted or rejected: of diffrax's integral controller, written out for Heun's
// method on ż = −λz.
func TestStepsFollowTheController(t *testing.T) {
	const lambda, tol, horizon = 3.0, 1e-4, 2.0
	for _, first := range []float64{0.003, 0.0061, 0.0064, 0.0066, 0.1, 1.9, 5} {
		z, now, dt, steps := 1.0, 0.0, first, 0
		for ; now < horizon*(1-1e-9); steps++ {
			took := min(dt, horizon-now)
			k1 := -lambda * z
			k2 := -lambda * (z + took*k1)
			next := z + took*(k1+k2)/2
			ratio := math.Abs(took*(k2-k1)/2) / (tol + tol*max(math.Abs(z), math.Abs(next)))
			factor := 0.9 / math.Sqrt(ratio)
			if ratio <= 1 {
				z, now = next, now+took
				factor = max(factor, 1)
			}
			dt = took * min(max(factor, 0.2), 10)
		}
		f := &ball{dim: 1, lambda: lambda}
		w := infer.NewWork[float64](1, 1)
		w.Z.Data[0] = 1
		r, err := infer.Solve[float64](f, w, &infer.RungeKutta[float64]{DT: first, RTol: tol, ATol: tol, Until: horizon}, infer.Settings{MaxPasses: 1e5, Patience: -1})
		if err != nil || r.Steps != steps || !check.Close(w.Z.Data[0], z, 1e-12) {
			t.Errorf("first step %v: z = %v after %d steps, want %v after %d; %v", first, w.Z.Data[0], r.Steps, z, steps, err)
		}
	}
}

// TestNothingIsAnErrorOfNothing: with a relative tolerance alone, a coordinate that is and stays 0 is within it.
func TestNothingIsAnErrorOfNothing(t *testing.T) {
	w := infer.NewWork[float64](1, 2)
	w.Z.Data[0] = 1
	r, err := infer.Solve[float64](&ball{dim: 2, lambda: 1}, w, &infer.RungeKutta[float64]{RTol: 1e-3, Until: 1}, infer.Settings{MaxPasses: 200, Patience: -1})
	if err != nil || !(r.Passes < 200) || !check.Close(w.Z.Data[0], math.Exp(-1), 1e-2) {
		t.Errorf("z = %v, %+v, %v", w.Z.Data, r, err)
	}
}

// A table that misses an order condition is the caller's bug.
func TestTableausCheckThemselves(t *testing.T) {
	wrong := infer.Heun
	wrong.B = []float64{0.4, 0.6}
	implicit := infer.Heun
	implicit.A = [][]float64{{0.5}, {1}}
	for name, tableau := range map[string]infer.Tableau{"order": wrong, "implicit": implicit} {
		f, _ := flow(t, 1)
		if check.Panic(func() {
			_, _ = infer.Solve[float64](f, infer.NewWork[float64](2, f.Dim()), &infer.RungeKutta[float64]{Tableau: tableau}, infer.Settings{})
		}) == nil {
			t.Errorf("%s: want a panic", name)
		}
	}
}

// spyStart is a spy that can start.
type spyStart struct{ *spy[float64] }

func newSpyStart(f objective[float64], rows int) spyStart { return spyStart{newSpy(f, rows)} }

func (s spyStart) Start(z tensor.Matrix[float64]) { s.Objective.(objective[float64]).Start(z) }

// TestEulerFollowsTheToy holds every step to z_t − z* = (1 − dt(1 + w₂²))ᵗ (z₀ − z*) (notation, section 2), in
// activities, and F_t = F* + ½(1 + w₂²)(z_t − z*)².
func TestEulerFollowsTheToy(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{1, 1, 1}}, nil, 1, 4)
	const dt = 0.15
	w1, w2 := k.pc.Net.Theta()[0], k.pc.Net.Theta()[1]
	fisher := 1 + w2*w2
	for _, n := range []int{1, 2, 7, 30} {
		w, r := solve[float64](t, k.activities(), 4, &infer.Euler[float64]{DT: dt}, steps(n))
		if r.Steps != n {
			t.Fatalf("%d steps, want %d", r.Steps, n)
		}
		for i := range 4 {
			x, y := k.x.Row(i)[0], k.y.Row(i)[0]
			star := (w1*x + w2*y) / fisher
			left := math.Pow(1-dt*fisher, float64(n)) * (w1*x - star)
			if got := w.Z.Row(i)[0]; math.Abs(got-star-left) > 1e-14 {
				t.Errorf("z after %d steps: %v, want %v", n, got, star+left)
			}
			want := (y-w2*w1*x)*(y-w2*w1*x)/(2*fisher) + fisher*left*left/2
			if math.Abs(w.F[i]-want) > 1e-14 {
				t.Errorf("F after %d steps: %v, want %v", n, w.F[i], want)
			}
		}
	}
}

// TestEulerKnowsTheCurvatureOfItsMoves: α = sᵀs/sᵀy = gᵀg/gᵀHg, g the gradient before the move, where the objective has
// curvature; from it the gap is estimated.
func TestEulerKnowsTheCurvatureOfItsMoves(t *testing.T) {
	const rows, dt = 3, 0.05
	b := newBowl[float64](rows, 6, 3, []float64{0.5, 1, 1.5, 2, 1, 0.7}, 4)
	h := hessian(b.d, b.h, b.dense())
	for n := 1; n < 5; n++ {
		before, _ := solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, &infer.Euler[float64]{DT: dt}, steps(n-1))
		after, r := solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, &infer.Euler[float64]{DT: dt}, steps(n))
		excess := 0.0
		for i := range rows {
			var hg mat.VecDense
			g := mat.NewVecDense(6, before.Grad.Row(i))
			hg.MulVec(h, g)
			want := mat.Dot(g, g) / mat.Dot(g, &hg)
			if !check.Close(after.Alpha[i], want, 1e-9) {
				t.Errorf("sample %d: α = %v, want %v", i, after.Alpha[i], want)
			}
			excess += want * after.Res[i] * after.Res[i] / 2
		}
		if !check.Close(r.Excess, excess, 1e-9) || !check.Close(r.Gap(), excess/(r.FStart-r.F), 1e-9) {
			t.Errorf("excess %v, gap %v; want %v, %v", r.Excess, r.Gap(), excess, excess/(r.FStart-r.F))
		}
	}
}

// TestEulerDefaultStep: dt 0 is 0.1.
func TestEulerDefaultStep(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{2, 3, 2}}, nil, 1, 4)
	a, _ := solve[float64](t, k.activities(), 4, &infer.Euler[float64]{}, steps(3))
	b, _ := solve[float64](t, k.activities(), 4, &infer.Euler[float64]{DT: 0.1}, steps(3))
	c, _ := solve[float64](t, k.activities(), 4, &infer.Euler[float64]{DT: 0.2}, steps(3))
	if !check.Same(a.Z, b.Z) || check.Same(a.Z, c.Z) {
		t.Error("the default step is not 0.1")
	}
}

// TestEnergyFallsUpToTwiceTheInverseCurvature: on a quadratic every step of Euler lowers F while dt < 2/λ_max, and beyond
// it F rises until the sample is Diverged. The two dt lie 2 % on either side.
func TestEnergyFallsUpToTwiceTheInverseCurvature(t *testing.T) {
	const rows = 3
	b := newBowl[float64](rows, 8, 4, []float64{1, 2, 1, 2, 0.5, 1, 1, 3}, 6)
	limit := 2 / largestEigenvalue(t, b.d, b.h, b.dense())
	last := make([]float64, rows)
	for n := range 60 {
		w, _ := solve[float64](t, newSpyStart(bowlStart[float64]{b}, rows), rows, &infer.Euler[float64]{DT: 0.98 * limit}, steps(n))
		for i, f := range w.F {
			if n > 0 && !(f < last[i]) {
				t.Fatalf("sample %d: step %d brings F from %v to %v", i, n, last[i], f)
			}
			last[i] = f
		}
	}
	f := newSpyStart(bowlStart[float64]{b}, rows)
	w, r := solve[float64](t, f, rows, &infer.Euler[float64]{DT: 1.02 * limit}, infer.Settings{Tol: 1e-6, MaxPasses: 1e5, Patience: -1})
	if r.Count[infer.Diverged] != rows {
		t.Errorf("statuses %v, want all diverged", r.Count)
	}
	for i, v := range w.F {
		// The last step before freezing overshoots by at most (1 − 1.02·2)² per unit of F.
		if f0 := w.Start()[i]; !(v > 100*f0 && v < 150*f0) {
			t.Errorf("sample %d diverged at F = %g from %g: want just above 100 times", i, v, f0)
		}
	}
}
