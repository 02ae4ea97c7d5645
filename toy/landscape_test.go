package toy

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
)

// rounding is the relative error of a dozen operations in float64, with a margin for one cancelled digit.
const rounding = 1e-13

// fdTol is what central differences with h = ∛ε leave: ε^⅔ ≈ 4e-11 times the third derivative over the first, which
// reaches a few hundred for F_t at these points.
const fdTol = 2e-8

// cases returns problems and weights all over the place, and those that the project's notation uses.
func cases() (ps []Problem, ws []Vec) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		ps = append(ps, Problem{0.3 + 2*r.Float64(), 2 * r.NormFloat64()})
		ws = append(ws, Vec{1.2 * r.NormFloat64(), 1.2 * r.NormFloat64()})
	}
	return append(ps, Problem{1.3, 0.9}, Problem{1, 1}, Problem{1, -1}), append(ws, Vec{.3, -.7}, Vec{.5, .5}, Vec{.75, .95})
}

// grid calls f for the points of a 41×41 grid on [−2, 2]².
func grid(f func(w Vec)) {
	for i := range 41 {
		for j := range 41 {
			f(Vec{-2 + float64(j)/10, -2 + float64(i)/10})
		}
	}
}

// near reports whether two vectors agree to tol of their size, with a floor for those that vanish.
func near(got, want Vec, tol float64) bool {
	return got.Sub(want).Norm() <= tol*(1e-3+want.Norm())
}

// differences returns the central differences of f at w.
func differences(f func(Vec) float64, w Vec) Vec {
	x := w[:]
	return Vec(check.Gradient(func() float64 { return f(Vec(x)) }, x))
}

func TestGradientsMeetDifferences(t *testing.T) {
	const dt, sigma = 0.07, 0.4
	ps, ws := cases()
	for i, p := range ps {
		w := ws[i]
		z := p.ZStar(w) + 0.3
		for _, c := range []struct {
			name string
			grad Vec
			f    func(Vec) float64
		}{
			{"loss", p.LossGrad(w), p.Loss},
			{"F at fixed z", p.FGradW(w, z), func(w Vec) float64 { return p.F(w, z) }},
			{"F*", p.FStarGrad(w), p.FStar},
			{"F_0", p.TotalGradAt(w, 0, dt), func(w Vec) float64 { return p.FAt(w, 0, dt) }},
			{"F_1", p.TotalGradAt(w, 1, dt), func(w Vec) float64 { return p.FAt(w, 1, dt) }},
			{"F_5", p.TotalGradAt(w, 5, dt), func(w Vec) float64 { return p.FAt(w, 5, dt) }},
			{"mean F*", p.MeanFStarGrad(w, sigma), func(w Vec) float64 { return p.MeanFStar(w, sigma) }},
			{"mean loss", p.LossGrad(w), func(w Vec) float64 { return p.MeanLoss(w, sigma) }},
		} {
			if want := differences(c.f, w); !near(c.grad, want, fdTol) {
				t.Errorf("%s of %v at %v: gradient %v, differences %v", c.name, p, w, c.grad, want)
			}
		}
		zs := []float64{z}
		if want := check.Gradient(func() float64 { return p.F(w, zs[0]) }, zs)[0]; math.Abs(p.FGradZ(w, z)-want) > fdTol*(1+math.Abs(want)) {
			t.Errorf("∂F/∂z of %v at %v, %v: %v, differences %v", p, w, z, p.FGradZ(w, z), want)
		}
	}
}

func TestHessiansMeetDifferencesOfGradients(t *testing.T) {
	ps, ws := cases()
	for i, p := range append(ps, Problem{1, 1}) {
		w := append(ws, Vec{})[i]
		for _, c := range []struct {
			name string
			h    Sym
			grad Field
		}{{"loss", p.LossHessian(w), p.LossGrad}, {"F*", p.FStarHessian(w), p.FStarGrad}} {
			first := differences(func(w Vec) float64 { return c.grad(w)[0] }, w)
			second := differences(func(w Vec) float64 { return c.grad(w)[1] }, w)
			if !near(Vec{c.h.A, c.h.B}, first, fdTol) || !near(Vec{c.h.B, c.h.C}, second, fdTol) {
				t.Errorf("Hessian of %s of %v at %v: %v; differences %v %v", c.name, p, w, c.h, first, second)
			}
		}
	}
}

// The oracle of F* and z* is a search over z that knows F alone.
func TestEquilibriumIsTheMinimumOverZ(t *testing.T) {
	ps, ws := cases()
	for i, p := range ps {
		w := ws[i]
		lo, hi := -50.0, 50.0
		const golden = 0.6180339887498949
		for hi-lo > 1e-9 {
			a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
			if p.F(w, a) < p.F(w, b) {
				hi = b
			} else {
				lo = a
			}
		}
		z := (lo + hi) / 2
		// A search by values finds the place to √ε, and the minimum to ε.
		if math.Abs(z-p.ZStar(w)) > 1e-6*(1+math.Abs(z)) || !check.Close(p.FStar(w), p.F(w, z), 1e-11) {
			t.Errorf("%v at %v: z* %v, F* %v; a search finds %v, %v", p, w, p.ZStar(w), p.FStar(w), z, p.F(w, z))
		}
	}
}

func TestToyEquilibriumIsRescaledLoss(t *testing.T) {
	for _, p := range []Problem{{1, 1}, {1, -1}, {1.3, 0.9}, {-0.4, 2.5}} {
		grid(func(w Vec) {
			want := p.Loss(w) / (1 + w[1]*w[1])
			if math.Abs(p.F(w, p.ZStar(w))-want) > 1e-12*(1+want) || math.Abs(p.FStar(w)-want) > 1e-12*want {
				t.Errorf("%v at %v: F(z*) = %v, F* = %v, 𝓛/(1+w₂²) = %v", p, w, p.F(w, p.ZStar(w)), p.FStar(w), want)
			}
			if local := p.FGradW(w, p.ZStar(w)); !near(p.FStarGrad(w), local, rounding*100) {
				t.Errorf("%v at %v: ∇F* = %v, local rule at z* %v", p, w, p.FStarGrad(w), local)
			}
		})
	}
}

// The numbers of the first trap, computed independently, with signs.
func TestGradientsOfTheFirstTrap(t *testing.T) {
	p, w := Problem{1.3, .9}, Vec{.3, -.7}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"∂F*/∂w₁", p.FStarGrad(w)[0], .71640}, {"∂F*/∂w₂", p.FStarGrad(w)[1], .12681},
		{"∂𝓛/∂w₁", p.LossGrad(w)[0], 1.06743}, {"∂𝓛/∂w₂", p.LossGrad(w)[1], -.45747},
	} {
		if math.Abs(c.got-c.want) > 5e-6 { // digits printed
			t.Errorf("%s = %.5f, want %.5f", c.name, c.got, c.want)
		}
	}
}

func TestFisherStepIsTheWholeWay(t *testing.T) {
	ps, ws := cases()
	for i, p := range ps {
		w := ws[i]
		g := p.FGradZ(w, p.Feedforward(w))
		if step := p.ZStar(w) - p.Feedforward(w); math.Abs(step+g/Fisher(w)) > rounding*10*(1+math.Abs(step)) {
			t.Errorf("%v at %v: z* − ẑ = %v, −g/𝓘 = %v", p, w, step, -g/Fisher(w))
		}
	}
}
