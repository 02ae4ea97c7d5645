package infer_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// example is one problem of the matrix: every method must bring it to the same F*.
type example[T tensor.Float] struct {
	name  string
	rows  int
	exact bool    // a quadratic with its curvature at hand
	gap   float64 // Curvature.Gap, NaN without curvature: Chord settles where it is small
	want  []float64
	dt    float64 // of Euler, below 2/λ_max
	open  func() objective[T]
}

// bowlStart gives bowl the shape of an energy.
type bowlStart[T tensor.Float] struct{ *bowl[T] }

func (b bowlStart[T]) Start(z tensor.Matrix[T]) { tensor.Zero(z) }

func bowlExample[T tensor.Float](t *testing.T, name string, d []float64, top float64) example[T] {
	const rows, dim, outputs = 5, 12, 4
	b := newBowl[T](rows, dim, outputs, d, top)
	return example[T]{name: name, rows: rows, exact: true, want: b.minima(t),
		dt: 1 / largestEigenvalue(t, wide(b.d), b.h, b.dense()), open: func() objective[T] { return bowlStart[T]{b} }}
}

// taskExamples are the two coordinates of one task, whose F* the oracle knows.
func taskExamples[T tensor.Float](t *testing.T, name string, k *task[T], minimum func(m *mlp, x, y []float64) float64) []example[T] {
	t.Helper()
	m := k.oracle()
	var want []float64
	inErrors, inActivities := 0.0, 0.0 // λ_max at the feedforward points
	for i := range k.x.Rows {
		x, y := wide(k.x.Row(i)), wide(k.y.Row(i))
		want = append(want, minimum(m, x, y))
		inErrors = max(inErrors, largestEigenvalue(t, m.precisions(), m.pi[m.layers()-1], m.outputJacobian(x)))
		inActivities = max(inActivities, m.activityEigenvalue(t, x, y))
	}
	var c infer.Curvature[T]
	lead := k.state().Errors()
	c.Measure(lead, 2)
	return []example[T]{
		{name: name + " in errors", rows: k.x.Rows, exact: !m.tanh, gap: c.Gap, want: want, dt: 0.7 / inErrors, open: k.errors},
		{name: name + " in activities", rows: k.x.Rows, gap: math.NaN(), want: want, dt: 0.7 / inActivities, open: k.activities},
	}
}

// precisions is the diagonal of D.
func (m *mlp) precisions() []float64 {
	var d []float64
	for l := 1; l < m.layers(); l++ {
		for range m.dims[l] {
			d = append(d, m.pi[l-1])
		}
	}
	return d
}

// activityEigenvalue is λ_max of ∂²F/∂z² at the feedforward point, from central differences of the gradient.
func (m *mlp) activityEigenvalue(t *testing.T, x, y []float64) float64 {
	t.Helper()
	z, _ := m.feedforward(x)
	var p []float64
	for l := 1; l < m.layers(); l++ {
		p = append(p, z[l].RawVector().Data...)
	}
	n := len(p)
	up, down, h := make([]float64, n), make([]float64, n), mat.NewSymDense(n, nil)
	for k, v := range p {
		p[k] = v + 1e-5
		m.energy(x, y, p, up)
		p[k] = v - 1e-5
		m.energy(x, y, p, down)
		p[k] = v
		for i := range k + 1 {
			h.SetSym(i, k, (up[i]-down[i])/2e-5)
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(h, false) {
		t.Fatal("oracle: no eigenvalues")
	}
	return slices.Max(eig.Values(nil))
}

func examples[T tensor.Float](t *testing.T) []example[T] {
	linear := func(m *mlp, x, y []float64) float64 {
		f, _ := m.linearMinimum(t, x, y)
		return f
	}
	toy := func(m *mlp, x, y []float64) float64 { // F* = 𝓛/(1 + w₂²)
		w2 := m.w[1].At(0, 0)
		return m.loss(x, y) / (1 + w2*w2)
	}
	tanh := func(m *mlp, x, y []float64) float64 { return m.minimum(t, x, y) }

	spread := make([]float64, 12)
	for k := range spread {
		spread[k] = 0.25 * math.Pow(2, float64(k%5))
	}
	all := []example[T]{
		bowlExample[T](t, "bowl", nil, 8),
		bowlExample[T](t, "ill-conditioned bowl", nil, 999),
		bowlExample[T](t, "bowl with precisions", spread, 20),
	}
	all = append(all, taskExamples(t, "toy", newTask[T](nn.Arch{Dims: []int{1, 1, 1}}, nil, 1, 4), toy)...)
	deep := nn.Arch{Dims: []int{4, 5, 3, 4, 2}, Bias: true}
	all = append(all, taskExamples(t, "deep linear", newTask[T](deep, nil, 1, 5), linear)...)
	all = append(all, taskExamples(t, "deep linear with precisions", newTask[T](deep, []float64{0.5, 2, 1, 3}, 1, 5), linear)...)
	for _, place := range []nn.Place{nn.After, nn.Before} {
		a := nn.Arch{Dims: []int{4, 5, 4, 3}, Act: nn.Tanh, Place: place, Bias: true}
		all = append(all, taskExamples(t, "tanh "+place.String(), newTask[T](a, []float64{1, 0.5, 2}, 1, 6), tanh)...)
		all = append(all, taskExamples(t, "small tanh "+place.String(), newTask[T](a, []float64{1, 0.5, 2}, 0.3, 6), tanh)...)
	}
	return all
}

// methods are all of them; Auto must be as good as any on every problem.
func methods[T tensor.Float](e example[T]) []infer.Method[T] {
	return []infer.Method[T]{&infer.Euler[T]{DT: e.dt}, &infer.BarzilaiBorwein[T]{}, &infer.Exact[T]{}, &infer.Chord[T]{}, &infer.Auto[T]{},
		&infer.Momentum[T]{DT: e.dt, Mu: 0.5}, &infer.Momentum[T]{DT: e.dt, Mu: 0.5, Nesterov: true},
		&infer.RungeKutta[T]{DT: e.dt}, &infer.RungeKutta[T]{DT: e.dt, Tableau: infer.BogackiShampine}, &infer.ConjugateGradient[T]{}, &infer.GaussNewton[T]{}}
}

func TestAllMethodsReachTheSameEnergy(t *testing.T) {
	both(t, checkMatrix[float32], checkMatrix[float64])
}

func checkMatrix[T tensor.Float](t *testing.T) {
	for _, e := range examples[T](t) {
		for _, m := range methods(e) {
			name := strings.Split(strings.TrimPrefix(fmt.Sprintf("%T", m), "*infer."), "[")[0]
			t.Run(name+" on "+e.name, func(t *testing.T) { checkEquilibrium(t, e, m) })
		}
	}
}

func checkEquilibrium[T tensor.Float](t *testing.T, e example[T], m infer.Method[T]) {
	// What is left of F − F* at ρ ≤ tol is of order tol² for every sample; the rest of the tolerance is rounding and, for
	// the ill-conditioned bowl, its condition number 1000 between ρ² and the energy.
	tol, energyTol := 1e-9, 1e-11
	if single[T]() {
		tol, energyTol = 2e-5, 1e-5
	}
	f := newSpy[T](e.open(), e.rows)
	w := infer.NewWork[T](e.rows, f.Dim())
	run := func(m infer.Method[T]) infer.Result {
		f.Objective.(objective[T]).Start(w.Z)
		f.passes = 0
		r, err := infer.Solve[T](f, w, m, infer.Settings{Tol: tol, MaxPasses: 1e6})
		_, exact := m.(*infer.Exact[T])
		_, conjugate := m.(*infer.ConjugateGradient[T])
		_, newton := m.(*infer.GaussNewton[T])
		_, chord := m.(*infer.Chord[T])
		if curved := !math.IsNaN(e.gap); exact && !e.exact || (conjugate || chord || newton) && !curved {
			if err == nil || r.Samples != 0 {
				t.Fatalf("error %v, %d samples: want a refusal", err, r.Samples)
			}
			t.SkipNow()
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run(m)
	if !check.Same(f.last, w.Z) { // learning takes from the objective what it was last evaluated at
		t.Errorf("the last evaluation was not at the result")
	}
	if _, chord := m.(*infer.Chord[T]); chord && e.gap > 0.01 {
		// Then its steps may not settle; what they reached must not be called an equilibrium.
		if r.Count[infer.Equilibrium] == e.rows && !(r.Residual() <= tol) {
			t.Errorf("statuses %v at ρ = %g", r.Count, r.Residual())
		}
		return
	}
	if r.Count[infer.Equilibrium] != e.rows || r.Samples != e.rows || !(r.Residual() <= tol) {
		t.Fatalf("statuses %v, ρ = %g after %d steps: want all at equilibrium", r.Count, r.Residual(), r.Steps)
	}
	total := 0.0
	for i, want := range e.want {
		if !check.Close(w.F[i], want, energyTol) {
			t.Errorf("sample %d: F* = %v, want %v", i, w.F[i], want)
		}
		total += want
	}
	if !check.Close(r.F, total, energyTol) {
		t.Errorf("batch: F* = %v, want %v", r.F, total)
	}
	if r.Passes != f.passes || r.MACs != 10*f.passes {
		t.Errorf("%v passes, %v macs: spent %v", r.Passes, r.MACs, f.passes)
	}
	checkCount(t, e, m, r)
	checkPoint(t, e, w, r, tol)

	// The same again with the same value, whose scratch is now used, and with a fresh one: the same bits.
	z, energy := check.Clone(w.Z), slices.Clone(w.F)
	for _, m := range []infer.Method[T]{m, fresh(m)} {
		again := run(m)
		if fmt.Sprintf("%b", again) != fmt.Sprintf("%b", r) || !slices.Equal(w.Z.Data, z.Data) || !slices.Equal(w.F, energy) {
			t.Errorf("second run: %+v, want %+v", again, r)
		}
	}
}

func fresh[T tensor.Float](m infer.Method[T]) infer.Method[T] {
	switch m := m.(type) {
	case *infer.Euler[T]:
		return &infer.Euler[T]{DT: m.DT}
	case *infer.BarzilaiBorwein[T]:
		return &infer.BarzilaiBorwein[T]{First: m.First}
	case *infer.Exact[T]:
		return &infer.Exact[T]{}
	case *infer.Chord[T]:
		return &infer.Chord[T]{}
	case *infer.Momentum[T]:
		return &infer.Momentum[T]{DT: m.DT, Mu: m.Mu, Nesterov: m.Nesterov}
	case *infer.RungeKutta[T]:
		return &infer.RungeKutta[T]{DT: m.DT, Tableau: m.Tableau}
	case *infer.ConjugateGradient[T]:
		return &infer.ConjugateGradient[T]{}
	case *infer.GaussNewton[T]:
		return &infer.GaussNewton[T]{}
	}
	return &infer.Auto[T]{}
}

// checkCount holds the passes to the documented cost of each method. No trial of these runs is rejected at the end, so
// that no pass is spent on going back.
func checkCount[T tensor.Float](t *testing.T, e example[T], m infer.Method[T], r infer.Result) {
	t.Helper()
	rows := float64(e.rows)
	steps := float64(r.Steps)
	outputs, lead := 0.0, 0
	if c, ok := e.open().(infer.Curved[T]); ok {
		outputs, lead = float64(c.Outputs()), infer.Lead(c, e.rows)
	}
	two := (2 + 2*outputs) / rows // measuring two samples
	var want float64
	switch m := m.(type) {
	case *infer.Euler[T], *infer.Momentum[T]:
		want = 2 + 2*steps
	case *infer.RungeKutta[T]: // Heun: a stage and the new point; Bogacki–Shampine: three stages, the last at the new point
		want = 2 + 4*steps
		if m.Tableau.Last {
			want = 2 + 6*steps
		}
	case *infer.ConjugateGradient[T]:
		want = 2 + 3*steps
	case *infer.Exact[T]:
		want = (min(rows, outputs)+outputs)/rows + 1 + 2*steps
	case *infer.BarzilaiBorwein[T]:
		want = 2 + 2*steps
	case *infer.Chord[T]:
		want = two + 2 + 3*steps
		if e.exact {
			want += (min(rows, outputs)+outputs)/rows - two
		}
	case *infer.GaussNewton[T]: // and two for each inner iteration, at most ten a step
		inner := (r.Passes - 2 - 3*steps) / 2
		if e.exact {
			inner -= (min(rows, outputs) + outputs) / rows / 2
		} else if lead > 0 {
			inner -= two / 2
		}
		if math.Abs(inner-math.Round(inner)) > 1e-9 || !(inner > steps-1e-9 && inner < 10*steps+1e-9) {
			t.Errorf("%v passes for %d steps: %v inner iterations", r.Passes, r.Steps, inner)
		}
		return
	case *infer.Auto[T]:
		switch want = 2 + 2*steps; {
		case e.exact:
			checkCount(t, e, &infer.Exact[T]{}, r)
			return
		case lead > 0 && e.gap <= 1e-3:
			want += two + 1
		case lead > 0:
			want += two
		}
	default:
		t.Fatalf("cost of %T?", m)
	}
	if !check.Close(r.Passes, want, 1e-12) {
		t.Errorf("%v passes for %d steps, want %v", r.Passes, r.Steps, want)
	}
}

// checkPoint evaluates another objective at the point reached: energies, residuals and their ratio are true of it.
func checkPoint[T tensor.Float](t *testing.T, e example[T], w *infer.Work[T], r infer.Result, tol float64) {
	t.Helper()
	g := e.open()
	grad, f := tensor.New[T](e.rows, g.Dim()), make([]float64, e.rows)
	start := tensor.New[T](e.rows, g.Dim())
	g.Start(start)
	g.Eval(f, grad, start)
	before, start2, res2 := make([]float64, e.rows), 0.0, 0.0
	for i := range before {
		before[i] = norm(wide(grad.Row(i)))
		start2 += before[i] * before[i]
		if w.Start()[i] != f[i] {
			t.Errorf("sample %d: F at the start %v, want %v", i, w.Start()[i], f[i])
		}
	}
	g.Eval(f, grad, w.Z)
	// In float32 Exact knows the residual of w, not that of the rounded z = D⁻¹Jᵀw.
	slack := 1 + 1e-9
	if single[T]() {
		slack = 1.1
	}
	for i := range f {
		res := norm(wide(grad.Row(i)))
		if !(res <= slack*tol*before[i]) {
			t.Errorf("sample %d: ρ = %g outside, want ≤ %g", i, res/before[i], tol)
		}
		if f[i] != w.F[i] {
			t.Errorf("sample %d: F = %v outside, %v inside", i, f[i], w.F[i])
		}
		if math.Abs(res-w.Res[i]) > 1e-2*tol*before[i] {
			t.Errorf("sample %d: residual %g outside, %g inside, start %g", i, res, w.Res[i], before[i])
		}
		res2 += res * res
	}
	if want := math.Sqrt(res2 / start2); math.Abs(r.Residual()-want) > 1e-2*tol {
		t.Errorf("ρ of the batch %g, want %g", r.Residual(), want)
	}
}
