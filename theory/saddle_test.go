package theory

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// saddles are the saddles of a problem by name.
func saddles(t *testing.T, p *problem) map[string]*Saddle {
	t.Helper()
	out := map[string]*Saddle{}
	var err error
	if out["origin"], err = p.net.Origin(p.x, p.y); err != nil {
		t.Fatal(err)
	}
	s, err := p.net.Penultimate(p.x, p.y)
	if (err == nil) != (p.net.L() > 2) {
		t.Fatalf("L = %d: %v", p.net.L(), err)
	}
	if err == nil {
		out["penultimate"] = s
	}
	return out
}

// TestSaddleHessians: the closed forms against the dense matrices built from Hessian-vector products, their eigenvalues
// against the levels, and that the gradients vanish, for linear and tanh, L = 2 … 5, with precisions.
func TestSaddleHessians(t *testing.T) {
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		for _, place := range []nn.Place{nn.After, nn.Before} {
			for _, c := range []struct {
				dims []int
				pi   []float64
			}{
				{[]int{3, 4, 2}, nil},
				{[]int{2, 3, 4}, []float64{0.5, 2}},
				{[]int{3, 4, 3, 2}, nil},
				{[]int{3, 2, 4, 2}, []float64{0.5, 2, 3}},
				{[]int{3, 4, 3, 4, 2}, []float64{0.5, 2, 3, 0.7}},
				{[]int{2, 3, 2, 3, 2, 2}, nil},
				{[]int{3, 1, 1, 20, 3}, nil}, // fewer parameters than the eigenvalues of all blocks
				{[]int{3, 1, 20, 3}, []float64{0.5, 2, 3}},
				{[]int{8, 1, 3, 20, 8}, nil},
			} {
				p := newProblem(t, nn.Arch{Dims: c.dims, Act: act, Place: place}, c.pi, 1, 9)
				for name, s := range saddles(t, p) {
					t.Run(fmt.Sprint(p, " ", name), func(t *testing.T) { checkSaddle(t, s) })
				}
			}
		}
	}
}

func checkSaddle(t *testing.T, s *Saddle) {
	g := make([]float64, s.net.Params())
	for _, x := range s.samples {
		x.LossGradient(g)
		x.Settle().ParamGradient(g)
	}
	if norm(g) != 0 {
		t.Errorf("not critical: gradients of norm %v", norm(g))
	}
	loss, energy, err := s.Hessians()
	if err != nil {
		t.Fatal(err)
	}
	closedLoss, closedEnergy := s.Closed()
	levelsLoss, levelsEnergy := s.Spectra()
	for name, c := range map[string]struct {
		h      Operator
		closed *mat.SymDense
		levels []Level
	}{"𝓛": {loss, closedLoss, levelsLoss}, "F*": {energy, closedEnergy, levelsEnergy}} {
		dense := c.h.Dense()
		if !mat.EqualApprox(dense, c.closed, 1e-12) {
			t.Errorf("Hessian of %s is not the closed form", name)
		}
		want := Eigenvalues(dense)
		for _, l := range c.levels {
			if l.Times < 1 {
				t.Errorf("%s: eigenvalue %v occurs %d times", name, l.Value, l.Times)
			}
		}
		got := Expand(c.levels)
		if len(got) != len(want) {
			t.Fatalf("%s: %d eigenvalues, want %d", name, len(got), len(want))
		}
		for i := range want {
			if !(math.Abs(got[i]-want[i]) <= 1e-11*max(1, math.Abs(want[0]))) {
				t.Errorf("%s: eigenvalue %d is %v, want %v", name, i, got[i], want[i])
			}
		}
	}
	// Flat to second order for 𝓛 from L = 4, at the origin from L = 3; for F* never.
	flat := s.net.L() > 3 || s.v == nil && s.net.L() > 2
	if got := mat.Norm(closedLoss, 1) == 0; got != flat {
		t.Errorf("Hessian of 𝓛 vanishes: %v, want %v", got, flat)
	}
	if mat.Norm(closedEnergy, 1) == 0 {
		t.Error("Hessian of F* vanishes")
	}
}

// TestPenultimateIsNoSaddleForTwoLayers: W_1 ≠ 0 alone has a gradient in W_2.
func TestPenultimateIsNoSaddleForTwoLayers(t *testing.T) {
	p := newProblem(t, nn.Arch{Dims: []int{3, 4, 2}}, nil, 1, 9)
	theta := p.net.Theta()
	clear(p.net.Of(2, theta))
	g := make([]float64, len(theta))
	p.samples(theta)[0].Settle().ParamGradient(g)
	if norm(g) == 0 {
		t.Error("no gradient")
	}
	for _, act := range []nn.Activation{nn.ReLU, nn.Sigmoid, nn.GELU} {
		q := newProblem(t, nn.Arch{Dims: []int{3, 4, 4, 2}, Act: act}, nil, 1, 9)
		if _, err := q.net.Origin(q.x, q.y); err == nil {
			t.Errorf("%v: a closed form that does not hold", act)
		}
	}
}

// TestEscapeRateIsTheFlows: gradient flow of F* from near the origin of a network with three layers leaves it at the
// rate of the closed form, λ_max(Σ_yy); that of 𝓛 stays.
func TestEscapeRateIsTheFlows(t *testing.T) {
	p := newProblem(t, nn.Arch{Dims: []int{3, 4, 3, 2}, Act: nn.Tanh}, nil, 1, 9)
	s, err := p.net.Origin(p.x, p.y)
	if err != nil {
		t.Fatal(err)
	}
	_, levels := s.Spectra()
	yy := mat.NewSymDense(2, nil)
	for i := range 2 {
		for j := i; j < 2; j++ {
			yy.SetSym(i, j, s.yy.At(i, j))
		}
	}
	rate := EscapeRate(levels[0].Value)
	if want := Eigenvalues(yy)[1]; !check.Close(rate, want, 1e-12) {
		t.Fatalf("rate %v, want λ_max(Σ_yy) = %v", rate, want)
	}
	const lr, steps = 0.01, 600
	for name, c := range map[string]struct {
		gradient func(s *Sample, g []float64)
		want     float64
	}{
		"𝓛":  {func(s *Sample, g []float64) { s.LossGradient(g) }, 0},
		"F*": {func(s *Sample, g []float64) { s.Settle().ParamGradient(g) }, rate},
	} {
		theta := make([]float64, s.net.Params())
		add(theta, 1e-9, Direction(p.rng, len(theta)))
		last := 0.0
		for range steps {
			last = norm(theta)
			g := make([]float64, len(theta))
			for _, x := range p.samples(theta) {
				c.gradient(x, g)
			}
			add(theta, -lr/float64(len(p.x)), g)
		}
		// The fastest direction has outgrown the others to a part in a thousand.
		if got := (norm(theta)/last - 1) / lr; !(math.Abs(got-c.want) <= 2e-3*max(rate, 1)) {
			t.Errorf("%s: grows at %v, want %v", name, got, c.want)
		}
	}
}

// TestCurvatureAtASolution: where r = 0, the Hessian of F*/B is (1/B) Σ (∂ŷ/∂θ)ᵀS⁻¹(∂ŷ/∂θ), that of 𝓛/B the same with I
// for S⁻¹: in the toy, F* has the curvature of 𝓛 over 1 + w₂².
func TestCurvatureAtASolution(t *testing.T) {
	p := newProblem(t, nn.Arch{Dims: []int{3, 4, 3, 2}, Act: nn.Tanh}, nil, 1, 9)
	for i, s := range p.samples(p.net.Theta()) {
		p.y[i] = sub(s.Y, s.Residual())
	}
	samples := p.samples(p.net.Theta())
	loss := LossHessian(samples)
	energy, err := EnergyHessian(settle(t, samples))
	if err != nil {
		t.Fatal(err)
	}
	want := [2]*mat.Dense{mat.NewDense(p.net.Params(), p.net.Params(), nil), mat.NewDense(p.net.Params(), p.net.Params(), nil)}
	for _, s := range samples {
		j := mat.NewDense(2, p.net.Params(), nil)
		for i := range 2 {
			unit := make([]float64, 2)
			unit[i] = 1
			s.Start.pullParams(j.RawRowView(i), 1, s.back(unit))
		}
		var sj, m mat.Dense
		if err := sj.Solve(s.Spread(), j); err != nil {
			t.Fatal(err)
		}
		m.Mul(j.T(), j)
		want[0].Add(want[0], &m)
		m.Mul(j.T(), &sj)
		want[1].Add(want[1], &m)
	}
	for k, h := range []Operator{loss, energy} {
		want[k].Scale(1/float64(len(samples)), want[k])
		if !mat.EqualApprox(h.Dense(), want[k], 1e-12) {
			t.Errorf("Hessian %d is not Gauss–Newton's", k)
		}
	}
}
