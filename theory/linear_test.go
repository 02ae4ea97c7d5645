package theory

import (
	"errors"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// TestLinearFormsAgree: the closed form against the settled point of the same network, S against its definition by
// Jacobians, and ∂F*/∂θ against differences of ½ rᵀS⁻¹r.
func TestLinearFormsAgree(t *testing.T) {
	const tol = 1e-11
	eachProblem(t, func(t *testing.T, p *problem) {
		closed, err := p.net.Closed()
		if !p.net.Linear() {
			var want *NonlinearError
			if !errors.As(err, &want) || want.Act != p.arch.Act.String() {
				t.Errorf("closed form of %v: %v", p, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		theta := p.net.Theta()
		samples := p.samples(theta)
		for i, q := range settle(t, samples) {
			if e := check.RelError(closed.Equilibrium(p.x[i], p.y[i]), q.Z()); p.net.Dim() > 0 && !(e <= tol) {
				t.Errorf("z* is off by %v", e)
			}
			for l, el := range closed.Errors(p.x[i], p.y[i]) {
				if e := check.RelError(el, q.Error(l+1)); !(e <= tol) {
					t.Errorf("e_%d* is off by %v", l+1, e)
				}
			}
			if f := closed.Energy(p.x[i], p.y[i]); !check.Close(f, q.Energy(), tol) {
				t.Errorf("F* = %v, settled %v", f, q.Energy())
			}
		}
		if !mat.EqualApprox(closed.S(), samples[0].Spread(), 1e-13) {
			t.Error("S is not I/π_L + Σ J_l J_lᵀ/π_l")
		}
		got := make([]float64, len(theta))
		closed.ParamGradient(p.x[0], p.y[0], got)
		want := check.Gradient(func() float64 {
			c, err := p.net.With(theta).Closed()
			if err != nil {
				t.Fatal(err)
			}
			return c.Energy(p.x[0], p.y[0])
		}, theta)
		if e := check.RelError(got, want); !(e <= fdTol) {
			t.Errorf("∂F*/∂θ is off by %v", e)
		}
	})
}

// TestOneLayerPCIsBP: nothing is free, F* = π_1 𝓛, and the gradients are equal.
func TestOneLayerPCIsBP(t *testing.T) {
	p := newProblem(t, nn.Arch{Dims: []int{4, 3}, Act: nn.Tanh, Bias: true}, nil, 1, 2)
	samples := p.samples(p.net.Theta())
	terms := p.net.Terms(samples, settle(t, samples))[0]
	if RelError(terms.PC, terms.BP) != 0 || norm(terms.TR) != 0 || norm(terms.PC) == 0 {
		t.Errorf("PC %v, BP %v, TR %v", terms.PC, terms.BP, terms.TR)
	}
}

// TestNewNamesTheFault: what a command hands over.
func TestNewNamesTheFault(t *testing.T) {
	arch := nn.Arch{Dims: []int{2, 3, 1}, Bias: true}
	theta := make([]float64, 13)
	for name, f := range map[string]func() (*Net, error){
		"too few parameters":  func() (*Net, error) { return New(arch, theta[:12], nil) },
		"a precision too few": func() (*Net, error) { return New(arch, theta, []float64{1}) },
		"precision 0":         func() (*Net, error) { return New(arch, theta, []float64{1, 0}) },
		"no layers":           func() (*Net, error) { return New(nn.Arch{Dims: []int{2}}, nil, nil) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n, err := New(arch, theta, []float64{1, 2}); err != nil || n.Params() != 13 || n.Dim() != 3 {
		t.Errorf("%v", err)
	}
}
