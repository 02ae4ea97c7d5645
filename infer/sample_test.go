package infer_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// rowsOf is the same task with some of its samples.
func (k *task[T]) rowsOf(lo, hi int) *task[T] {
	return &task[T]{arch: k.arch, pc: k.pc, x: k.x.RowsOf(lo, hi), y: k.y.RowsOf(lo, hi)}
}

// in returns the objective in errors or in activities.
func (k *task[T]) in(activities bool) objective[T] {
	if activities {
		return k.activities()
	}
	return k.errors()
}

// fits reports whether a method takes a dense network with the activation.
func fits[T tensor.Float](m infer.Method[T], act nn.Activation, activities bool) bool {
	switch m.(type) {
	case *infer.Exact[T]:
		return act == nn.Linear && !activities
	case *infer.Chord[T]:
		return act.Smooth() && !activities
	case *infer.ConjugateGradient[T], *infer.GaussNewton[T]:
		return !activities
	}
	return true
}

// TestABatchEqualsItsSamplesOneByOne: stopped by residual only, and sharing what is shared, every sample takes the same
// way to the same bits in any company. Samples end after very different numbers of steps, so this also says that those
// that are done do not move.
func TestABatchEqualsItsSamplesOneByOne(t *testing.T) {
	both(t, checkCompany[float32], checkCompany[float64])
}

func checkCompany[T tensor.Float](t *testing.T) {
	const rows = 7
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh, nn.ReLU} {
		k := newTask[T](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: act, Bias: true}, []float64{1, 2, 4}, 1.3, rows)
		tensor.Scale(k.y.Row(2), 10)
		tensor.Scale(k.x.Row(4), 0.01)
		for _, activities := range []bool{false, true} {
			var shared infer.Curvature[T]
			lead := k.rowsOf(0, 2).state().Errors()
			shared.Measure(lead, 2)
			for _, m := range []infer.Method[T]{&infer.Euler[T]{DT: 0.05}, &infer.BarzilaiBorwein[T]{First: 0.3},
				&infer.BarzilaiBorwein[T]{}, &infer.Exact[T]{}, &infer.Chord[T]{}, &infer.ConjugateGradient[T]{}, &infer.GaussNewton[T]{}, &infer.Auto[T]{}} {
				if s, ok := m.(infer.Sharer[T]); ok {
					s.Share(&shared)
				}
				if !fits(m, act, activities) {
					continue
				}
				where := fmt.Sprintf("%T, %v, activities %v", m, act, activities)
				s := infer.Settings{Tol: 1e-3, MaxPasses: 1e4} // never truncated: GaussNewton's passes depend on its company
				w, r := solve[T](t, k.in(activities), rows, m, s)
				all := 0
				for i := range rows {
					alone, one := solve[T](t, k.rowsOf(i, i+1).in(activities), 1, m, s)
					all = max(all, one.Steps)
					if !check.Same(alone.Z, w.Z.RowsOf(i, i+1)) || alone.F[0] != w.F[i] || alone.Res[0] != w.Res[i] || alone.Status[0] != w.Status[i] {
						t.Errorf("%s: sample %d alone ends %v at F = %v, in the batch %v at %v", where, i, alone.Status[0], alone.F[0], w.Status[i], w.F[i])
					}
				}
				if all != r.Steps {
					t.Errorf("%s: the batch takes %d steps, its slowest sample %d", where, r.Steps, all)
				}
			}
		}
	}
}

// TestNaNInputsStayAlone: samples with NaN or Inf in input or target end as NotFinite at once; the others neither see
// them in their numbers nor in a first step measured together.
func TestNaNInputsStayAlone(t *testing.T) {
	const rows = 6
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: act}, nil, 1.5, rows)
		k.x.Row(0)[1] = math.NaN()
		k.y.Row(2)[0] = math.NaN()
		k.y.Row(5)[2] = math.Inf(-1)
		bad := []int{0, 2, 5}
		good := newTask[float64](k.arch, nil, 1.5, 3)
		for j, i := range []int{1, 3, 4} {
			copy(good.x.Row(j), k.x.Row(i))
			copy(good.y.Row(j), k.y.Row(i))
		}
		for _, activities := range []bool{false, true} {
			for _, m := range []infer.Method[float64]{&infer.Euler[float64]{}, &infer.BarzilaiBorwein[float64]{}, &infer.Auto[float64]{}, &infer.Exact[float64]{}} {
				if !fits(m, act, activities) {
					continue
				}
				where := fmt.Sprintf("%T, %v, activities %v", m, act, activities)
				s := infer.Settings{Tol: 1e-3}
				w, r := solve[float64](t, k.in(activities), rows, m, s)
				if r.Count[infer.NotFinite] != len(bad) || finite(r.F) {
					t.Errorf("%s: statuses %v, F = %v", where, w.Status, r.F)
				}
				start := k.in(activities)
				z := tensor.New[float64](rows, start.Dim())
				start.Start(z)
				for _, i := range bad {
					if w.Status[i] != infer.NotFinite || !check.Same(w.Z.RowsOf(i, i+1), z.RowsOf(i, i+1)) {
						t.Errorf("%s: sample %d is %v and moved", where, i, w.Status[i])
					}
				}
				want, _ := solve[float64](t, good.in(activities), 3, fresh(m), s)
				for j, i := range []int{1, 3, 4} {
					if !check.Same(w.Z.RowsOf(i, i+1), want.Z.RowsOf(j, j+1)) || w.Status[i] != want.Status[j] {
						t.Errorf("%s: sample %d is %v, without its company %v", where, i, w.Status[i], want.Status[j])
					}
				}
			}
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// TestNothingToExplainIsAnEquilibrium: with y = ŷ the feedforward point has no gradient, and inference ends there.
func TestNothingToExplainIsAnEquilibrium(t *testing.T) {
	const rows = 3
	k := newTask[float32](nn.Arch{Dims: []int{4, 6, 3}, Act: nn.Tanh, Bias: true}, nil, 1, rows)
	trace := nn.NewTrace(k.pc.Net, rows)
	trace.Z[0] = k.x
	trace.Feedforward()
	k.y.CopyFrom(trace.Z[2])
	for _, activities := range []bool{false, true} {
		for _, s := range []infer.Settings{{Tol: 1e-6}, {}, {Gap: 0.01}} {
			w, r := solve[float32](t, k.in(activities), rows, &infer.Auto[float32]{}, s)
			if r.Count[infer.Equilibrium] != rows || r.Steps != 0 || r.F != 0 || r.Residual() != 0 || r.Gap() != 0 {
				t.Errorf("%+v: %v after %d steps, F = %v, ρ = %v, gap %v", s, w.Status, r.Steps, r.F, r.Residual(), r.Gap())
			}
		}
		k.y.Row(1)[0]++ // one sample has something to explain: the others stay
		w, r := solve[float32](t, k.in(activities), rows, &infer.Auto[float32]{}, infer.Settings{Tol: 1e-3})
		if r.Count[infer.Equilibrium] != rows || r.Steps == 0 || w.F[0] != 0 || w.F[2] != 0 || w.F[1] == 0 {
			t.Errorf("one of three: %v after %d steps, F = %v", w.Status, r.Steps, w.F)
		}
		k.y.CopyFrom(trace.Z[2])
	}
	// One layer: nothing is free, so every point is an equilibrium and F = 𝓛.
	one := newTask[float32](nn.Arch{Dims: []int{4, 3}}, nil, 1, rows)
	w, r := solve[float32](t, one.errors(), rows, &infer.Auto[float32]{}, infer.Settings{})
	m := one.oracle()
	for i := range rows {
		if want := m.loss(wide(one.x.Row(i)), wide(one.y.Row(i))); w.Status[i] != infer.Equilibrium || !check.Close(w.F[i], want, 1e-5) {
			t.Errorf("one layer: %v at F = %v, want %v", w.Status[i], w.F[i], want)
		}
	}
	if r.Steps != 0 {
		t.Errorf("one layer: %d steps", r.Steps)
	}
}

// TestLearningSeesTheAcceptedPoint: after Solve the objective holds z, u and caches of w.Z, to the bit, also where the
// last trial was rejected, and where some samples were done before others. Rejections are forced by a first step far
// beyond 2/λ_max, for a passes limit of every size.
func TestLearningSeesTheAcceptedPoint(t *testing.T) {
	const rows = 4
	k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: nn.Tanh, Bias: true}, nil, 3, rows)
	tensor.Scale(k.y.Row(1), 5)
	tensor.Zero(k.x.RowsOf(2, 3))
	rejected, done := 0, 0
	for _, activities := range []bool{false, true} {
		for limit := 2; limit < 40; limit++ {
			f := newSpy[float64](k.in(activities), rows)
			w := infer.NewWork[float64](rows, f.Dim())
			f.Objective.(objective[float64]).Start(w.Z)
			r, err := infer.Solve[float64](f, w, &infer.BarzilaiBorwein[float64]{First: 1}, infer.Settings{Tol: 0.05, MaxPasses: float64(limit)})
			if err != nil {
				t.Fatal(err)
			}
			if !check.Same(f.last, w.Z) {
				t.Errorf("limit %d: the last evaluation was not at the result", limit)
			}
			if r.Passes != f.passes {
				t.Errorf("limit %d: %v passes reported, %v spent", limit, r.Passes, f.passes)
			}
			if extra := f.passes - float64(2+2*r.Steps); extra == 1 {
				rejected++
			} else if extra != 0 {
				t.Errorf("limit %d: %v passes for %d steps", limit, f.passes, r.Steps)
			}
			if n := r.Count[infer.Equilibrium]; n > 0 && n < rows {
				done++
			}
			got, other := gradientOf(f.Objective), k.in(activities)
			energies, grad := make([]float64, rows), tensor.New[float64](rows, other.Dim())
			other.Eval(energies, grad, w.Z)
			if !slices.Equal(energies, w.F) || !check.Same(grad, w.Grad) {
				t.Errorf("limit %d: F = %v, or its gradient, is not that of the result, %v", limit, w.F, energies)
			}
			if !slices.Equal(got, gradientOf(other)) {
				t.Errorf("limit %d: ∂F/∂θ after Solve is not that of the result", limit)
			}
			for i := range rows {
				if w.Res[i] != norm(grad.Row(i)) && !check.Close(w.Res[i], norm(grad.Row(i)), 1e-15) {
					t.Errorf("limit %d: residual %v, want %v", limit, w.Res[i], norm(grad.Row(i)))
				}
			}
		}
	}
	if rejected < 5 || done < 5 {
		t.Errorf("only %d runs ended with a rejected trial, %d with some samples done: the test wants more", rejected, done)
	}
}

// gradientOf is ∂F/∂θ as learning would take it now.
func gradientOf[T tensor.Float](f infer.Objective[T]) []T {
	switch f := f.(type) {
	case *energy.Errors[T]:
		grad := make([]T, len(f.Trace.Net.Theta()))
		f.Gradient(grad)
		return grad
	case *energy.Activities[T]:
		grad := make([]T, len(f.Trace.Net.Theta()))
		f.Gradient(grad)
		return grad
	}
	panic("no energy")
}

// TestWindowsOfWorkAreTheWhole: shards solved in windows of one Work end where the whole does.
func TestWindowsOfWorkAreTheWhole(t *testing.T) {
	const rows, cut = 6, 2
	k := newTask[float64](nn.Arch{Dims: []int{4, 6, 5, 3}, Act: nn.Tanh}, nil, 1, rows)
	m := &infer.BarzilaiBorwein[float64]{First: 0.3}
	s := infer.Settings{Tol: 1e-6}
	whole, want := solve[float64](t, k.errors(), rows, m, s)
	work := infer.NewWork[float64](rows, k.errors().Dim())
	state := k.state()
	var sum infer.Result
	for _, c := range [][2]int{{cut, rows}, {0, cut}} {
		part := state.RowsOf(c[0], c[1])
		part.Clamp(0, k.x.RowsOf(c[0], c[1]))
		part.Clamp(3, k.y.RowsOf(c[0], c[1]))
		r, err := infer.Solve[float64](part.Errors(), work.RowsOf(c[0], c[1]), m, s)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(r)
	}
	if !check.Same(whole.Z, work.Z) || !slices.Equal(whole.Status, work.Status) || !slices.Equal(whole.F, work.F) || sum.Count != want.Count {
		t.Errorf("in windows %+v, want %+v", sum, want)
	}
}
