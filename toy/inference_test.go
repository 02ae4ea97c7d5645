package toy

import (
	"math"
	"testing"
)

func TestInferenceFollowsItsClosedForm(t *testing.T) {
	ps, ws := cases()
	for i, p := range ps {
		w := ws[i]
		dt := 0.6 * MaxDT(w[1]) // the factor is negative: z passes z* at every step
		z := p.Feedforward(w)
		for step := range 30 {
			if got := p.ZAt(w, step, dt); math.Abs(got-z) > 1e-12*(1+math.Abs(z)) {
				t.Fatalf("%v at %v, step %d: z = %v, stepping gives %v", p, w, step, got, z)
			}
			if got, want := p.FAt(w, step, dt), p.F(w, z); math.Abs(got-want) > 1e-11*(1e-3+want) {
				t.Fatalf("%v at %v, step %d: F = %v, stepping gives %v", p, w, step, got, want)
			}
			z = p.InferStep(w, z, dt)
		}
	}
}

// F* ≤ F_{t+1} ≤ F_t ≤ 𝓛, by stepping.
func TestInferenceOnlyLowersTheLandscape(t *testing.T) {
	const dt = 0.39 // stable on [−2, 2]²
	for _, p := range []Problem{{1, -1}, {1.3, 0.9}} {
		grid(func(w Vec) {
			z := p.Feedforward(w)
			before := p.Loss(w)
			slack := 1e-15 * (1 + before)
			if f := p.F(w, z); math.Abs(f-before) > slack {
				t.Errorf("%v at %v: F_0 = %v, 𝓛 = %v", p, w, f, before)
			}
			for step := range 40 {
				z = p.InferStep(w, z, dt)
				f := p.F(w, z)
				if f > before+slack || f < p.FStar(w)-slack {
					t.Fatalf("%v at %v, step %d: F = %v, before %v, F* %v", p, w, step+1, f, before, p.FStar(w))
				}
				before = f
			}
		})
	}
}

func TestInferenceIsStableBelowItsLimitOnly(t *testing.T) {
	p, w := Problem{1, -1}, Vec{0.5, 2}
	if MaxDT(2) != 0.4 {
		t.Errorf("limit at |w₂| = 2 is %v, want 0.4", MaxDT(2))
	}
	away := func(dt float64) float64 {
		z := p.Feedforward(w)
		start := math.Abs(z - p.ZStar(w))
		for range 500 {
			z = p.InferStep(w, z, dt)
		}
		return math.Abs(z-p.ZStar(w)) / start
	}
	// ±1 % of the limit: factors of 0.98 and 1.02 a step.
	if below, above := away(0.99*MaxDT(2)), away(1.01*MaxDT(2)); below > 1e-3 || above < 1e3 {
		t.Errorf("after 500 steps the distance to z* is ×%v below the limit and ×%v above it", below, above)
	}
}

// The third trap: two gradients of one landscape.
func TestGradientsOfTheThirdTrap(t *testing.T) {
	const dt = 0.1
	p := Problem{1, -1}
	differ := 0
	grid(func(w Vec) {
		local, total, loss := p.LocalGradAt(w, 0, dt), p.TotalGradAt(w, 0, dt), p.LossGrad(w)
		if !near(total, loss, rounding) {
			t.Errorf("at %v, t = 0: total gradient %v, ∇𝓛 %v", w, total, loss)
		}
		if !near(local, Vec{0, loss[1]}, 10*rounding) {
			t.Errorf("at %v, t = 0: local rule %v, want BP's in the last layer only, %v", w, local, loss[1])
		}
		late := p.FStarGrad(w)
		// (1 − 0.1)⁶⁰⁰ < 1e-27
		if !near(p.LocalGradAt(w, 600, dt), late, 100*rounding) || !near(p.TotalGradAt(w, 600, dt), late, 100*rounding) {
			t.Errorf("at %v, equilibrium: local %v, total %v, ∇F* %v", w, p.LocalGradAt(w, 600, dt), p.TotalGradAt(w, 600, dt), late)
		}
		if l, g := p.LocalGradAt(w, 3, dt), p.TotalGradAt(w, 3, dt); l.Sub(g).Norm() > 1e-3*g.Norm() {
			differ++
		}
	})
	if differ < 1500 {
		t.Errorf("on the way the two gradients differ at %d of 1681 points only", differ)
	}
}
