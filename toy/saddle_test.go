package toy

import (
	"math"
	"testing"
)

func TestSpectraAtTheOrigin(t *testing.T) {
	golden := (math.Sqrt(5) - 1) / 2
	for _, c := range []struct {
		p            Problem
		loss, energy [2]float64
	}{
		{Problem{1, 1}, [2]float64{-1, 1}, [2]float64{-1 - golden, golden}},
		{Problem{1, -1}, [2]float64{-1, 1}, [2]float64{-1 - golden, golden}},
		{Problem{2, 3}, [2]float64{-6, 6}, [2]float64{-12, 3}},
		// y⁴ and 4x²y² are 12 digits apart: the small eigenvalue is x² − …, which ½(−y² + √…) would lose.
		{Problem{1e-3, 1e3}, [2]float64{-1, 1}, [2]float64{-1e6 - 1e-6, 1e-6}},
	} {
		for _, s := range []struct {
			name string
			Saddle
			h    Sym
			want [2]float64
		}{{"𝓛", c.p.LossSaddle(), c.p.LossHessian(Vec{}), c.loss}, {"F*", c.p.FStarSaddle(), c.p.FStarHessian(Vec{}), c.energy}} {
			if math.Abs(s.Escape/s.want[0]-1) > 1e-11 || math.Abs(s.Trap/s.want[1]-1) > 1e-11 {
				t.Errorf("%v, %s: %v, %v; want %v", c.p, s.name, s.Escape, s.Trap, s.want)
			}
			for _, e := range []struct {
				value float64
				v     Vec
			}{{s.Trap, s.TrapDir}, {s.Escape, s.EscapeDir}} {
				if !near(s.h.Mul(e.v), e.v.Scale(e.value), 1e-9*math.Abs(s.Escape)) || math.Abs(e.v.Norm()-1) > rounding {
					t.Errorf("%v, %s: %v is no unit eigenvector for %v", c.p, s.name, e.v, e.value)
				}
			}
		}
	}
}

func TestEigenvaluesOfEverySign(t *testing.T) {
	for _, s := range []Sym{{2, 1, 3}, {-2, 1, -3}, {1, 5, 1}, {0, 0, 0}, {4, 0, 4}, {0, 0, -1}, {1e-8, 1, 1e8}} {
		lo, hi := s.Eigenvalues()
		size := 1e-300 + math.Abs(s.A) + math.Abs(s.B) + math.Abs(s.C)
		if lo > hi || math.Abs(lo+hi-s.A-s.C) > rounding*size || math.Abs(lo*hi-(s.A*s.C-s.B*s.B)) > rounding*size*size {
			t.Errorf("%v: %v and %v: trace or determinant is wrong", s, lo, hi)
		}
		for _, l := range []float64{lo, hi} {
			if v := s.Eigenvector(l); s.Mul(v).Sub(v.Scale(l)).Norm() > rounding*size {
				t.Errorf("%v: %v is no eigenvector for %v", s, v, l)
			}
		}
	}
}

// For every x and y the trap of F* is flatter and its escape more negative: the part of the post's claim that is a theorem.
func TestEquilibriumSaddleIsEasierToLeave(t *testing.T) {
	for _, x := range []float64{-3, 0.01, 1, 40} {
		for _, y := range []float64{-20, 0.05, 1} {
			l, f := Problem{x, y}.LossSaddle(), Problem{x, y}.FStarSaddle()
			if !(f.Trap < l.Trap && f.Escape < l.Escape && f.Trap > 0) {
				t.Errorf("x = %v, y = %v: F* has %v, %v and 𝓛 %v, %v", x, y, f.Escape, f.Trap, l.Escape, l.Trap)
			}
		}
	}
}

// A descent that starts beside the saddle grows by the linearised rate.
func TestEscapeRateIsSeen(t *testing.T) {
	const lr, eps = 0.05, 1e-6
	for _, p := range []Problem{{1, 1}, {1, -1}, {0.7, 1.9}} {
		for rule, s := range map[Rule]Saddle{BP: p.LossSaddle(), PC: p.FStarSaddle()} {
			path := p.Run(p.Grad(rule), s.EscapeDir.Scale(eps), Descent{LR: lr, Steps: 20})
			grown := path.End().Norm() / eps
			// Beside the saddle the flow departs from linear by eps² and, for F*, by eps·w.
			if want := math.Pow(1+lr*s.Rate(), 20); math.Abs(grown/want-1) > 1e-6 {
				t.Errorf("%v, %v: 20 steps grow ×%v, want ×%v", p, rule, grown, want)
			}
			if n := s.StepsPerDecade(lr); math.Abs(math.Pow(1+lr*s.Rate(), n)-10) > 1e-10 {
				t.Errorf("%v, %v: %v steps do not make ten", p, rule, n)
			}
		}
	}
}

func TestAtAMinimumHessiansDifferByTheFisher(t *testing.T) {
	for _, p := range []Problem{{1, -1}, {1.3, 0.9}, {-2, 0.3}} {
		for _, w1 := range []float64{-3, -0.5, 0.2, 1, 2} {
			w := Vec{w1, p.Y / (p.X * w1)}
			got, want := p.FStarHessian(w), p.LossHessian(w).Scale(1/Fisher(w))
			size := math.Abs(want.A) + math.Abs(want.B) + math.Abs(want.C)
			if math.Abs(got.A-want.A)+math.Abs(got.B-want.B)+math.Abs(got.C-want.C) > rounding*size {
				t.Errorf("%v at %v: %v, want %v", p, w, got, want)
			}
		}
	}
}

// TestNearestSolutionOfNoNumber: none, and at once.
func TestNearestSolutionOfNoNumber(t *testing.T) {
	nan := math.NaN()
	for _, w := range []Vec{{nan, 1}, {1, nan}, {nan, nan}, {math.Inf(1), math.Inf(-1)}} {
		if d := (Problem{1, 1}).Distance(w); d == d {
			t.Errorf("%v is %v from the solutions", w, d)
		}
	}
	if d := (Problem{0, 1}).Distance(Vec{1, 2}); !math.IsNaN(d) {
		t.Errorf("%v from the solutions where there are none", d)
	}
}

// The oracle walks along both branches in w₁ and refines the best place.
func TestNearestSolutionAgainstASearch(t *testing.T) {
	ps, ws := cases()
	for _, q := range []Problem{{1, 1}, {1, -1}} {
		for _, w := range []Vec{{0, 0}, {3, 3}, {3, -3}, {1, 1}, {1e-9, 0}, {0, 2}, {-5, 1e-7}} {
			ps, ws = append(ps, q), append(ws, w)
		}
	}
	for i, p := range ps {
		w := ws[i]
		c := p.Y / p.X
		at := func(s float64) float64 { // s > 0 and s < 0 are the branches, |s| spaced by ratios
			u := math.Copysign(math.Exp(math.Abs(s)-15), s)
			return math.Hypot(u-w[0], c/u-w[1])
		}
		best, where := math.Inf(1), 0.0
		for k := -20000; k <= 20000; k++ {
			if s := float64(k) * 30 / 20000; k != 0 && at(s) < best {
				best, where = at(s), s
			}
		}
		lo, hi := where-0.002, where+0.002
		for range 100 {
			a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
			if at(a) < at(b) {
				hi = b
			} else {
				lo = a
			}
		}
		got := p.Nearest(w)
		if math.Abs(p.Residual(got)) > 1e-12*(1+math.Abs(p.Y)) {
			t.Errorf("%v from %v: %v is no solution, r = %v", p, w, got, p.Residual(got))
		}
		if d := p.Distance(w); math.Abs(d-at(lo)) > 1e-9*(1+d) {
			t.Errorf("%v from %v: distance %v, a search finds %v", p, w, d, at(lo))
		}
	}
}
