package theory

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
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

// TestSettleSaysWhereItStopped: where F has kinks inference may end at one; that is not called an equilibrium, and what
// needs one refuses it.
func TestSettleSaysWhereItStopped(t *testing.T) {
	var reached, short []Equilibrium
	for seed := range uint64(20) {
		p := newProblem(t, nn.Arch{Dims: []int{4, 5, 5, 2}, Act: nn.ReLU}, nil, 1, seed)
		for _, s := range p.samples(p.net.Theta()) {
			q := s.Settle()
			if q.Energy() > s.Start.Energy() {
				t.Errorf("F rises from %v to %v", s.Start.Energy(), q.Energy())
			}
			ratio := norm(q.Gradient()) / norm(s.G)
			if norm(s.G) == 0 {
				ratio = 0
			}
			if ratio != q.Ratio || q.OK() != (ratio <= Reached) {
				t.Errorf("ratio %v, found %v, OK %v", ratio, q.Ratio, q.OK())
			}
			if q.OK() {
				reached = append(reached, q)
			} else {
				short = append(short, q)
			}
		}
	}
	if len(reached) == 0 || len(short) == 0 {
		t.Fatalf("%d samples at equilibrium, %d not: the test shows nothing", len(reached), len(short))
	}
	if _, err := EnergyHessian(reached[:1]); err != nil {
		t.Error(err)
	}
	if _, err := EnergyHessian([]Equilibrium{reached[0], short[0]}); err == nil || !strings.Contains(err.Error(), "sample 1") {
		t.Errorf("Hessian of F* where there is no equilibrium: %v", err)
	}
}

// TestDraw: weights have the deviation scale/√n_{l−1}, biases theirs.
func TestDraw(t *testing.T) {
	arch := nn.Arch{Dims: []int{400, 100, 25}, Bias: true}
	theta := Draw(arch, 3, 0.5, rand.New(rand.NewPCG(1, 1)))
	n, err := New(arch, theta, nil)
	if err != nil {
		t.Fatal(err)
	}
	deviation := func(v []float64) float64 { return norm(v) / math.Sqrt(float64(len(v))) }
	for _, c := range []struct {
		v    []float64
		want float64
	}{{n.layers[0].w.Data, 3. / 20}, {n.layers[1].w.Data, 3. / 10}, {n.layers[0].b, 0.5}} {
		// The deviation of n numbers is known to 1/√(2n): 3 % for 2,500, 7 % for 100; four of these.
		if tol := 4 / math.Sqrt(2*float64(len(c.v))); !(math.Abs(deviation(c.v)/c.want-1) <= tol) {
			t.Errorf("deviation %v of %d numbers, want %v", deviation(c.v), len(c.v), c.want)
		}
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
	// What would be another function of the same parameters.
	for want, change := range map[string]func(*nn.Arch){
		"residual true":              func(a *nn.Arch) { a.Residual = true },
		"parameterisation ntk":       func(a *nn.Arch) { a.Param = nn.NTK },
		"feedback learned":           func(a *nn.Arch) { a.Feedback = nn.Learned },
		`arch "2-3-1": want a chain`: func(a *nn.Arch) { a.Nodes = []nn.Node{{{Kind: nn.Full, N: 3}}, {{Kind: nn.Full, N: 1}}} },
	} {
		other := arch
		change(&other)
		if _, err := New(other, theta, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %s", err, want)
		}
	}
	if n, err := New(arch, theta, []float64{1, 2}); err != nil || n.Params() != 13 || n.Dim() != 3 {
		t.Errorf("%v", err)
	}
}
