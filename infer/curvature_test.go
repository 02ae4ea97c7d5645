package infer_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// TestSharedCurvatureSavesMeasuring: with it, Init spends nothing but the start, and it is what Init would have measured.
func TestSharedCurvatureSavesMeasuring(t *testing.T) {
	const rows = 8
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		k := newTask[float64](nn.Arch{Dims: []int{5, 8, 8, 4}, Act: act}, nil, 0.3, rows)
		s := infer.Settings{Tol: 1e-8}
		own, a := solve[float64](t, k.errors(), rows, &infer.Auto[float64]{}, s)
		var c infer.Curvature[float64]
		lead := k.state().Errors()
		c.Measure(lead, infer.Lead[float64](lead, rows))
		m := &infer.Auto[float64]{}
		m.Share(&c)
		shared, b := solve[float64](t, k.errors(), rows, m, s)
		start, first := 2.0, 3.0
		if act == nn.Linear {
			start, first = 1, 2
		}
		if b.Passes != start+first+2*float64(b.Steps-1) || !(a.Passes > b.Passes) {
			t.Errorf("%v: %v passes for %d steps, want %v, %v and two a step; alone %v", act, b.Passes, b.Steps, start, first, a.Passes)
		}
		if !check.Same(own.Z, shared.Z) {
			t.Errorf("%v: the shared curvature leads elsewhere", act)
		}
	}
}

// TestGapOfTheCurvatureIsWhatAStepLeaves: measured by the quadratic models of two samples, each with the other's S, in
// gonum's algebra. It is 0 for linear networks, and infinite where there is nothing to explain or nothing measured.
func TestGapOfTheCurvatureIsWhatAStepLeaves(t *testing.T) {
	const rows = 2
	for _, gain := range []float64{0.5, 1, 3} {
		for _, pi := range [][]float64{nil, {0.2, 3, 1, 5}} {
			k := newTask[float64](nn.Arch{Dims: []int{5, 8, 8, 8, 4}, Act: nn.Tanh, Bias: true}, pi, gain, rows)
			m := k.oracle()
			d, h := m.precisions(), m.pi[m.layers()-1]
			var s [rows]mat.SymDense
			var r, w [rows]mat.VecDense
			for i := range rows {
				j := m.outputJacobian(wide(k.x.Row(i)))
				n, dim := j.Dims()
				s[i] = *mat.NewSymDense(n, nil)
				for a := range n {
					for b := range a + 1 {
						sum := 0.0
						for c := range dim {
							sum += j.At(a, c) * j.At(b, c) / d[c]
						}
						if a == b {
							sum += 1 / h
						}
						s[i].SetSym(a, b, sum)
					}
				}
				z, _ := m.feedforward(wide(k.x.Row(i)))
				r[i].SubVec(mat.NewVecDense(n, wide(k.y.Row(i))), z[m.layers()])
				r[i].ScaleVec(h, &r[i])
			}
			// Above its minimum w* = S⁻¹r/h, the model of z = D⁻¹Jᵀw is ½ (w − w*)ᵀ (D⁻¹ + h D⁻¹JᵀJD⁻¹) … = ½ h vᵀ(S − I/h)S v.
			above := func(i int, at *mat.VecDense) float64 {
				var best, v, sv mat.VecDense
				if err := best.SolveVec(&s[i], &r[i]); err != nil {
					t.Fatal(err)
				}
				best.ScaleVec(1/h, &best)
				v.SubVec(at, &best)
				sv.MulVec(&s[i], &v)
				return h / 2 * (mat.Dot(&sv, &sv) - mat.Dot(&sv, &v)/h)
			}
			var left, all float64
			for i := range rows {
				if err := w[i].SolveVec(&s[1-i], &r[i]); err != nil {
					t.Fatal(err)
				}
				w[i].ScaleVec(1/h, &w[i])
				left += above(i, &w[i])
				all += above(i, mat.NewVecDense(r[i].Len(), nil))
			}
			var c infer.Curvature[float64]
			if c.Measure(k.state().Errors(), rows); !check.Close(c.Gap, left/all, 1e-9) {
				t.Errorf("gain %v, π = %v: gap %v, want %v", gain, pi, c.Gap, left/all)
			}
		}
	}
	linear := newTask[float64](nn.Arch{Dims: []int{5, 8, 4}}, nil, 1, rows)
	var c infer.Curvature[float64]
	if c.Measure(linear.state().Errors(), rows); c.Gap != 0 {
		t.Errorf("linear: gap %v", c.Gap)
	}
	if c.Reset(); !math.IsInf(c.Gap, 1) {
		t.Errorf("reset: gap %v", c.Gap)
	}
	k := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}, Act: nn.Tanh}, nil, 1, 2)
	trace := nn.NewTrace(k.pc.Net, 2)
	trace.Z[0] = k.x
	trace.Feedforward()
	k.y.CopyFrom(trace.Z[2])
	if c.Measure(k.state().Errors(), rows); !math.IsInf(c.Gap, 1) {
		t.Errorf("nothing to explain: gap %v", c.Gap)
	}
}

// TestLeadIsWhereMeasuringPays.
func TestLeadIsWhereMeasuringPays(t *testing.T) {
	for _, c := range []struct {
		act              nn.Activation
		outputs, rows, n int
	}{
		{nn.Linear, 10, 64, 10}, {nn.Linear, 10, 5, 5}, {nn.Linear, 65, 33, 33}, {nn.Linear, 65, 32, 0},
		{nn.Tanh, 10, 64, 20}, {nn.Tanh, 10, 20, 20}, {nn.Tanh, 10, 19, 0}, {nn.ReLU, 10, 64, 0},
	} {
		k := newTask[float64](nn.Arch{Dims: []int{3, 4, c.outputs}, Act: c.act}, nil, 1, 1)
		if got := infer.Lead[float64](k.state().Errors(), c.rows); got != c.n {
			t.Errorf("%v with %d outputs, %d rows: %d, want %d", c.act, c.outputs, c.rows, got, c.n)
		}
	}
}

// TestCurvatureDoesNotDependOnItsRows: however many rows repeat the two samples, J and what follows from it are the same bits.
func TestCurvatureDoesNotDependOnItsRows(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{5, 8, 8, 4}, Act: nn.Tanh}, []float64{0.2, 3, 5}, 0.5, 8)
	var one infer.Curvature[float64]
	one.Measure(k.state().Errors(), 2)
	m := &infer.Chord[float64]{}
	m.Share(&one)
	want, _ := solve[float64](t, k.errors(), 8, m, infer.Settings{Tol: 1e-8})
	for rows := 3; rows <= 8; rows++ {
		var c infer.Curvature[float64]
		c.Measure(k.state().Errors(), rows)
		m := &infer.Chord[float64]{}
		m.Share(&c)
		if got, _ := solve[float64](t, k.errors(), 8, m, infer.Settings{Tol: 1e-8}); c.Gap != one.Gap || !check.Same(got.Z, want.Z) {
			t.Errorf("measured on %d rows: gap %v and another end, want %v", rows, c.Gap, one.Gap)
		}
	}
}

// TestAForeignCurvatureIsABug.
func TestAForeignCurvatureIsABug(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}}, nil, 1, 2)
	m := &infer.Exact[float64]{}
	m.Share(&infer.Curvature[float64]{})
	text := check.Panic(func() { solve[float64](t, k.errors(), 2, m, infer.Settings{}) })
	if text != "infer: shared curvature was not measured on this objective" {
		t.Errorf("panics with %v", text)
	}
}
