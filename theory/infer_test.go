package theory

import (
	"fmt"
	"math"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// state is the problem in package energy.
func (p *problem) state(t *testing.T) *energy.State[float64] {
	t.Helper()
	net, err := nn.Build[float64](p.arch)
	if err != nil {
		t.Fatal(err)
	}
	net.Update(func(theta []float64) { copy(theta, p.net.Theta()) })
	s := (&energy.PC[float64]{Net: net, Precision: p.pi}).NewState(len(p.x))
	s.Clamp(0, rows(p.x))
	s.Clamp(p.net.L(), rows(p.y))
	return s
}

func rows(v [][]float64) tensor.Matrix[float64] {
	return tensor.Of(len(v), len(v[0]), concat(v))
}

// TestLinearEquilibriumIsInfers: e*, z*, F* and ∂F*/∂θ of the closed form against what package infer reaches from the
// feedforward activities, by two methods and in both coordinates, to 1e−10.
func TestLinearEquilibriumIsInfers(t *testing.T) {
	for _, c := range []struct {
		dims []int
		pi   []float64
	}{
		{[]int{4, 3, 2}, nil},
		{[]int{4, 5, 3, 4, 3}, nil},
		{[]int{4, 5, 3, 4, 3}, []float64{0.5, 2, 1.5, 0.7}},
		{[]int{4, 5, 3, 4, 3}, []float64{3, 0.2, 1, 0.05}},
		{[]int{3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 2}, []float64{1, 2, 1, 0.5, 1, 1, 3, 1, 1, 2}},
	} {
		p := newProblem(t, nn.Arch{Dims: c.dims, Bias: true}, c.pi, 0.9, 5)
		closed, err := p.net.Closed()
		if err != nil {
			t.Fatal(err)
		}
		for name, use := range map[string]struct {
			method     infer.Method[float64]
			activities bool
		}{
			"exact":               {&infer.Exact[float64]{}, false},
			"bb":                  {&infer.BarzilaiBorwein[float64]{}, false},
			"euler in activities": {&infer.Euler[float64]{DT: 0.02}, true},
		} {
			t.Run(fmt.Sprint(p, " ", name), func(t *testing.T) {
				if use.activities && len(c.dims) > 6 {
					t.Skip("slow: the condition number grows with the depth")
				}
				s, w := p.solve(t, use.method, use.activities)
				compareLinear(t, p, closed, s, w)
			})
		}
	}
}

// solve lets package infer find the equilibria from the feedforward activities.
func (p *problem) solve(t *testing.T, m infer.Method[float64], activities bool) (*energy.State[float64], *infer.Work[float64]) {
	t.Helper()
	s := p.state(t)
	var f interface {
		infer.Objective[float64]
		Start(z tensor.Matrix[float64])
	} = s.Errors()
	if activities {
		f = s.Activities()
	}
	w := infer.NewWork[float64](len(p.x), f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve(infer.Objective[float64](f), w, m, infer.Settings{Tol: 1e-12, MaxPasses: 1e6, Patience: -1})
	if err != nil || r.Count[infer.Equilibrium] != len(p.x) {
		t.Fatalf("%v: %v", err, r.Count)
	}
	return s, w
}

// compareLinear holds what infer found against the closed form, to 1e−10.
func compareLinear(t *testing.T, p *problem, closed *Linear, s *energy.State[float64], w *infer.Work[float64]) {
	t.Helper()
	const tol = 1e-10
	want := make([]float64, p.net.Params())
	for i := range p.x {
		z := closed.Equilibrium(p.x[i], p.y[i])
		var got []float64
		for l := 1; l < p.net.L(); l++ {
			got = append(got, s.Trace.Z[l].Row(i)...)
		}
		if e := check.RelError(got, z); !(e <= tol) {
			t.Errorf("z* of sample %d: apart by %v", i, e)
		}
		if fs := closed.Energy(p.x[i], p.y[i]); !check.Close(w.F[i], fs, tol) {
			t.Errorf("F* of sample %d: %v, closed form %v", i, w.F[i], fs)
		}
		for l, el := range closed.Errors(p.x[i], p.y[i]) {
			scale(el, p.net.Pi[l])
			if e := check.RelError(s.Trace.U[l+1].Row(i), el); !(e <= tol) {
				t.Errorf("π e_%d* of sample %d: apart by %v", l+1, i, e)
			}
		}
		closed.ParamGradient(p.x[i], p.y[i], want)
	}
	got := make([]float64, len(want))
	s.Gradient(got)
	if e := check.RelError(got, want); !(e <= tol) {
		t.Errorf("∂F*/∂θ: apart by %v", e)
	}
}

// TestEnergiesAgree: F, ∂F/∂z and ∂F/∂θ of package energy at a random point, in both coordinates, against this package.
func TestEnergiesAgree(t *testing.T) {
	const tol = 1e-12
	eachProblem(t, func(t *testing.T, p *problem) {
		s, dim := p.state(t), p.net.Dim()
		var points [][]float64
		for range p.x {
			points = append(points, p.vector(dim))
		}
		at := tensor.New[float64](len(p.x), dim)
		if dim > 0 {
			at = rows(points)
		}
		for name, f := range map[string]infer.Objective[float64]{"activities": s.Activities(), "errors": s.Errors()} {
			value, grad := make([]float64, len(p.x)), tensor.New[float64](len(p.x), dim)
			f.Eval(value, grad, at)
			got, want := make([]float64, p.net.Params()), make([]float64, p.net.Params())
			s.Gradient(got)
			for i, sample := range p.samples(p.net.Theta()) {
				q := sample.At(points[i])
				if name == "errors" {
					q = sample.AtErrors(points[i])
				}
				q.ParamGradient(want)
				if !check.Close(value[i], q.Energy(), tol) {
					t.Errorf("%s: F = %v, here %v", name, value[i], q.Energy())
				}
				if e := check.RelError(grad.Row(i), q.Gradient()); name == "activities" && dim > 0 && !(e <= tol) {
					t.Errorf("∂F/∂z apart by %v", e)
				}
			}
			if e := check.RelError(got, want); !(e <= tol) {
				t.Errorf("%s: ∂F/∂θ apart by %v", name, e)
			}
		}
	})
}

// TestSettleIsInfers: the equilibrium of a nonlinear network is the one that inference finds from the feedforward
// activities by short steps.
func TestSettleIsInfers(t *testing.T) {
	for _, place := range []nn.Place{nn.After, nn.Before} {
		for _, size := range []float64{0.3, 1, 2} {
			p := newProblem(t, nn.Arch{Dims: []int{4, 4, 4, 4, 2}, Act: nn.Tanh, Place: place}, []float64{1, 2, 0.5, 1}, size, 11)
			s := p.state(t)
			a := s.Activities()
			w := infer.NewWork[float64](len(p.x), a.Dim())
			a.Start(w.Z)
			if _, err := infer.Solve(infer.Objective[float64](a), w, &infer.Euler[float64]{DT: 0.01}, infer.Settings{Tol: 1e-11, MaxPasses: 1e6, Patience: -1}); err != nil {
				t.Fatal(err)
			}
			for i, q := range settle(t, p.samples(p.net.Theta())) {
				if e := check.RelError(w.Z.Row(i), q.Z()); !(e <= 1e-8) {
					t.Errorf("%v, scale %v, sample %d: apart by %v (statuses %v)", place, size, i, e, w.Status)
				}
			}
		}
	}
}

// TestVanishingOutputPrecisionIsBP: (1/π_L) ∂F*/∂θ → ∂𝓛/∂θ, the error being linear in π_L.
func TestVanishingOutputPrecisionIsBP(t *testing.T) {
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh, nn.GELU} {
		for _, place := range []nn.Place{nn.After, nn.Before} {
			p := newProblem(t, nn.Arch{Dims: []int{4, 5, 3, 4, 3}, Act: act, Place: place, Bias: true}, nil, 1, 21)
			var precision, off []float64
			for _, v := range []float64{1e-3, 1e-4, 1e-5, 1e-6} {
				n, err := New(p.arch, p.net.Theta(), []float64{1, 1, 1, v})
				if err != nil {
					t.Fatal(err)
				}
				pc, bp := make([]float64, n.Params()), make([]float64, n.Params())
				for i := range p.x {
					s := n.Sample(p.x[i], p.y[i])
					s.Settle().ParamGradient(pc)
					s.LossGradient(bp)
				}
				scale(pc, 1/v)
				precision, off = append(precision, v), append(off, RelError(pc, bp))
			}
			if slope := Slope(precision, off); !(math.Abs(slope-1) <= 0.01) {
				t.Errorf("%v %v: errors %v: slope %v, want 1", act, place, off, slope)
			}
		}
	}
}
