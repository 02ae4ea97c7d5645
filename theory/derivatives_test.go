package theory

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// TestActivations: φ′ and φ″ against differences, off the kinks.
func TestActivations(t *testing.T) {
	for _, name := range nn.Activations() {
		a, err := nn.ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		f := curveOf(a)
		for _, x := range []float64{-2.3, -0.9, -0.2, 0.1, 0.7, 3.1} {
			v := []float64{x}
			_, slope, bend := f(x)
			d := check.Gradient(func() float64 { y, _, _ := f(v[0]); return y }, v)[0]
			dd := check.Gradient(func() float64 { _, s, _ := f(v[0]); return s }, v)[0]
			if !(math.Abs(d-slope) <= 1e-9 && math.Abs(dd-bend) <= 1e-9) {
				t.Errorf("%s at %v: φ′ = %v, φ″ = %v; differences say %v, %v", name, x, slope, bend, d, dd)
			}
		}
	}
}

// TestGradients: ∂F/∂z, ∂F/∂θ at fixed z, ∂𝓛/∂θ, and the gradient of the errors' expansion, against differences.
func TestGradients(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		theta := p.net.Theta()
		s := p.samples(theta)[1]
		z := p.vector(p.net.Dim())
		verify := func(what string, got, want []float64) {
			t.Helper()
			if e := check.RelError(got, want); !(e <= fdTol) {
				t.Errorf("%s is off by %v", what, e)
			}
		}
		if len(z) > 0 {
			verify("∂F/∂z", s.At(z).Gradient(), check.Gradient(func() float64 { return s.At(z).Energy() }, z))
			e := make([]float64, len(z))
			verify("∂F/∂e", s.Errors().Gradient, check.Gradient(func() float64 { return s.AtErrors(e).Energy() }, e))
		}
		got := make([]float64, len(theta))
		s.At(z).ParamGradient(got)
		verify("∂F/∂θ", got, check.Gradient(func() float64 { return p.samples(theta)[1].At(z).Energy() }, theta))
		clear(got)
		s.LossGradient(got)
		verify("∂𝓛/∂θ", got, check.Gradient(func() float64 { return p.samples(theta)[1].Loss() }, theta))
	})
}

// TestActivityHessian: ∂²F/∂z² against differences of the gradient, and its products.
func TestActivityHessian(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		if p.net.L() == 1 {
			return
		}
		s := p.samples(p.net.Theta())[0]
		z := p.vector(p.net.Dim())
		h := s.At(z).Hessian()
		dense := h.Dense()
		for i, want := range differences(func(z []float64) []float64 { return s.At(z).Gradient() }, z) {
			got := mat.Col(nil, i, dense)
			if e := check.RelError(got, want); !(e <= fdTol) {
				t.Errorf("column %d is off by %v", i, e)
			}
			unit := make([]float64, len(z))
			unit[i] = 1
			if e := check.RelError(h.Mul(unit), got); e > 1e-14 {
				t.Errorf("product with unit vector %d is off by %v", i, e)
			}
		}
	})
}

// TestFisherIsTheExpectedHessian: with y drawn around ŷ the terms of H that bend are linear in r and vanish in the mean;
// at y = ŷ they vanish. After the weights they vanish at ẑ for any y, before them H − 𝓘 = −π_L diag(φ″ ⊙ W_Lᵀr).
func TestFisherIsTheExpectedHessian(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		L := p.net.L()
		if L == 1 {
			return
		}
		s := p.samples(p.net.Theta())[0]
		fisher := s.Fisher.Dense()
		yhat := sub(s.Y, s.Residual())
		if !mat.EqualApprox(p.net.Sample(s.X, yhat).Start.Hessian().Dense(), fisher, 1e-14) {
			t.Error("H at y = ŷ is not 𝓘")
		}
		want := mat.NewSymDense(p.net.Dim(), nil)
		want.CopySym(fisher)
		if p.arch.Place == nn.Before {
			last := s.Start.sites[L-1]
			back := mulT(last.w, s.Residual())
			for i, v := range last.z {
				_, _, bend := curveOf(p.arch.Act)(v)
				k := p.net.Dim() - len(last.z) + i
				want.SetSym(k, k, want.At(k, k)-p.net.Pi[L-1]*bend*back[i])
			}
		}
		if !mat.EqualApprox(s.Start.Hessian().Dense(), want, 1e-13) {
			t.Error("H at ẑ is not what notation, section 2b, says")
		}
	})
}

// TestWeightHessians: products of the Hessians of 𝓛 and F* against differences of their gradients; for F* the network
// settles anew at every difference.
func TestWeightHessians(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		theta := p.net.Theta()
		samples := p.samples(theta)
		energy, err := EnergyHessian(settle(t, samples))
		if err != nil {
			t.Fatal(err)
		}
		mean := func(gradient func(s *Sample, g []float64)) func(theta []float64) []float64 {
			return func(theta []float64) []float64 {
				g := make([]float64, len(theta))
				for _, s := range p.samples(theta) {
					gradient(s, g)
				}
				scale(g, 1/float64(len(p.x)))
				return g
			}
		}
		for name, c := range map[string]struct {
			h Operator
			g func(theta []float64) []float64
		}{
			"𝓛":  {LossHessian(samples), mean(func(s *Sample, g []float64) { s.LossGradient(g) })},
			"F*": {energy, mean(func(s *Sample, g []float64) { s.Settle().ParamGradient(g) })},
		} {
			v := Direction(p.rng, len(theta))
			// One direction: differences along it.
			h := check.Step
			up, down := append([]float64(nil), theta...), append([]float64(nil), theta...)
			add(up, h, v)
			add(down, -h, v)
			want := sub(c.g(up), c.g(down))
			scale(want, 1/(2*h))
			if e := check.RelError(c.h.Mul(v), want); !(e <= fdTol) {
				t.Errorf("Hessian of %s: product is off by %v", name, e)
			}
			w := Direction(p.rng, len(theta))
			if a, b := dot(w, c.h.Mul(v)), dot(v, c.h.Mul(w)); !(math.Abs(a-b) <= 1e-12*max(1, math.Abs(a))) {
				t.Errorf("Hessian of %s is not symmetric: %v, %v", name, a, b)
			}
		}
	})
}

// TestEnvelope: ∂F/∂θ with z held fixed at the equilibrium is the total derivative of F*.
func TestEnvelope(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		theta := p.net.Theta()
		got := make([]float64, len(theta))
		settle(t, p.samples(theta))[2].ParamGradient(got)
		want := check.Gradient(func() float64 { return p.samples(theta)[2].Settle().Energy() }, theta)
		if e := check.RelError(got, want); !(e <= fdTol) {
			t.Errorf("off by %v", e)
		}
	})
}

// TestErrorCoordinatesAreCongruent: D + π_L JᵀJ = A⁻ᵀ𝓘A⁻¹, the step by the push-through identity, e_l⁺ = π_l⁻¹J_lᵀS⁻¹r,
// against the one by 𝓘, and ½ rᵀS⁻¹r against the minimum of the model of Eq. 6.
func TestErrorCoordinatesAreCongruent(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		n := p.net
		if n.L() == 1 {
			return
		}
		s := p.samples(n.Theta())[0]
		dim, outputs := n.Dim(), len(s.Y)
		a := s.errorMatrix()
		var got mat.Dense
		got.Product(a.T(), s.ErrorCurvature(), a)
		if !mat.EqualApprox(&got, s.Fisher.Dense(), 1e-12) {
			t.Error("Aᵀ(D + π_L JᵀJ)A is not 𝓘")
		}
		dense := s.ErrorCurvature()
		for i := range dim {
			unit := make([]float64, dim)
			unit[i] = 1
			if e := check.RelError(s.Errors().Curvature(unit), mat.Col(nil, i, dense)); !(e <= 1e-13) {
				t.Errorf("column %d of the curvature in errors: product and dense matrix differ by %v", i, e)
			}
		}
		j, sr := s.Jacobian(), new(mat.VecDense)
		if err := sr.SolveVec(s.Spread(), mat.NewVecDense(outputs, s.Residual())); err != nil {
			t.Fatal(err)
		}
		var e mat.VecDense
		e.MulVec(j.T(), sr)
		// stepErrors are weighted by π_l, which cancels the π_l⁻¹.
		if x := check.RelError(concat(s.stepErrors()[:n.L()-1]), e.RawVector().Data); !(x <= 1e-11) {
			t.Errorf("π_l e_l⁺ is not J_lᵀS⁻¹r, by %v", x)
		}
		model := s.Start.Energy() + dot(s.G, s.Solution)/2
		if want := dot(s.Residual(), sr.RawVector().Data) / 2; !check.Close(model, want, 1e-11) {
			t.Errorf("the model of Eq. 6 has the minimum %v, ½ rᵀS⁻¹r is %v", model, want)
		}
		if x := check.RelError(s.stepErrors()[n.L()-1], sr.RawVector().Data); !(x <= 1e-11) {
			t.Errorf("π_L e_L⁺ is not S⁻¹r, by %v", x)
		}
	})
}

// TestReadingsOfTR: what the three readings of Eq. 8's TR pull back is e⁺, A⁻¹e⁺ = Δz, and A⁻ᵀA⁻¹e⁺ = (AAᵀ)⁻¹e⁺.
func TestReadingsOfTR(t *testing.T) {
	eachProblem(t, func(t *testing.T, p *problem) {
		n := p.net
		if n.L() == 1 {
			return
		}
		s := p.samples(n.Theta())[0]
		a := s.errorMatrix()
		plus := concat(s.stepErrors()[:n.L()-1])
		for i, pi := range s.precisions() {
			plus[i] /= pi
		}
		var aat mat.Dense
		var solved mat.VecDense
		aat.Mul(a, a.T())
		if err := solved.SolveVec(&aat, mat.NewVecDense(n.Dim(), plus)); err != nil {
			t.Fatal(err)
		}
		if e := check.RelError(concat(s.carry(s.Solution)[:n.L()-1]), solved.RawVector().Data); !(e <= 1e-11) {
			t.Errorf("TR does not pull (AAᵀ)⁻¹e⁺ back, by %v", e)
		}
	})
}

// errorMatrix returns A = ∂e/∂z at ẑ, hidden errors only.
func (s *Sample) errorMatrix() *mat.Dense {
	dim := s.Net.Dim()
	a := mat.NewDense(dim, dim, nil)
	for i := range dim {
		unit := make([]float64, dim)
		unit[i] = 1
		col := append([]float64(nil), concat(s.errorsOf(unit)[:s.Net.L()-1])...)
		a.SetCol(i, col)
	}
	return a
}

// precisions returns π_l of every free activity.
func (s *Sample) precisions() []float64 {
	var out []float64
	for l := 1; l < s.Net.L(); l++ {
		out = append(out, slices.Repeat([]float64{s.Net.Pi[l-1]}, s.Net.Arch.Dims[l])...)
	}
	return out
}

func concat(v [][]float64) []float64 {
	var out []float64
	for _, x := range v {
		out = append(out, x...)
	}
	return out
}
