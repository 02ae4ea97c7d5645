package energy

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// toy is f(x) = w2·w1·x with x and y clamped.
type toy struct{ w1, w2, x, y float64 }

// The third is notation's example of section 2b.
var toys = []toy{{1, 1, 1, 1}, {0.5, -2, 1.5, 0.25}, {0.3, -0.7, 1.3, 0.9}, {0, 0, 1, 1}, {2, 0.5, 1, 1}, {-1.2, 1.9, -0.4, 2}}

// loss is 𝓛 and equilibrium F* in closed form.
func (c toy) loss() float64        { r := c.y - c.w2*c.w1*c.x; return r * r / 2 }
func (c toy) equilibrium() float64 { return c.loss() / (1 + c.w2*c.w2) }

func (c toy) state(t *testing.T) *State[float64] {
	t.Helper()
	net, err := nn.Build[float64](nn.Arch{Dims: []int{1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	net.Update(func(theta []float64) { theta[0], theta[1] = c.w1, c.w2 })
	s := (&PC[float64]{Net: net}).NewState(1)
	s.Clamp(0, tensor.Of(1, 1, []float64{c.x}))
	s.Clamp(1+1, tensor.Of(1, 1, []float64{c.y}))
	return s
}

// TestToyEquilibriumIsRescaledLoss: at z* = (w1x + w2y)/(1 + w2²) the gradient is 0 and F* = 𝓛/(1 + w2²), whose
// derivatives in w are those of F with z held fixed.
func TestToyEquilibriumIsRescaledLoss(t *testing.T) {
	for _, c := range toys {
		s := c.state(t)
		z := (c.w1*c.x + c.w2*c.y) / (1 + c.w2*c.w2)
		w := []float64{c.w1, c.w2}
		want := check.Gradient(func() float64 { return toy{w[0], w[1], c.x, c.y}.equilibrium() }, w)
		for name, p := range map[string]struct {
			f interface {
				Eval(f []float64, grad, z tensor.Matrix[float64])
			}
			at float64
		}{
			"activities": {s.Activities(), z},
			"errors":     {s.Errors(), z - c.w1*c.x},
		} {
			f, g, dw := make([]float64, 1), tensor.New[float64](1, 1), make([]float64, 2)
			p.f.Eval(f, g, tensor.Of(1, 1, []float64{p.at}))
			s.Gradient(dw)
			if !(math.Abs(g.Data[0]) <= 1e-15) { // terms of order 1 cancel
				t.Errorf("%+v, %s: gradient %v at the equilibrium", c, name, g.Data[0])
			}
			if !(math.Abs(f[0]-c.equilibrium()) <= 1e-15) {
				t.Errorf("%+v, %s: F* = %v, want %v", c, name, f[0], c.equilibrium())
			}
			if !(math.Abs(dw[0]-want[0])+math.Abs(dw[1]-want[1]) <= 1e-9) {
				t.Errorf("%+v, %s: ∂F*/∂w = %v, want %v", c, name, dw, want)
			}
			// Printed in notation, section 2b, from independent measurements: +0.71640 and +0.12681.
			if c == toys[2] && !(math.Abs(dw[0]-0.71640) <= 5e-6 && math.Abs(dw[1]-0.12681) <= 5e-6) {
				t.Errorf("%s: ∂F*/∂w = %v, want 0.71640, 0.12681", name, dw)
			}
		}
	}
}

// TestFeedforwardEnergyIsLoss: at the feedforward activities F = π_L 𝓛, and the gradient in activities is −W_Lᵀ π_L r
// (through φ′) in block L−1 and 0 in all others.
func TestFeedforwardEnergyIsLoss(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		if x.clamped != nil {
			return
		}
		for _, c := range x.both() {
			p := check.Random[float64](x.rng, x.rows, x.state.Dim())
			c.f.Start(p)
			f, grad := eval(c, p)
			for i := range x.rows {
				in, y := x.data[0].Row(i), x.data[x.L()].Row(i)
				if want := x.precision(x.L()) * x.loss(in, y); !check.Close(f[i], want, roundTol) {
					t.Errorf("%s: F of sample %d = %v, want π_L 𝓛 = %v", c.name, i, f[i], want)
				}
				if c.name == "errors" || x.L() == 1 {
					continue
				}
				last := x.arch.Dims[x.L()-1]
				lower, block := grad.Row(i)[:grad.Cols-last], grad.Row(i)[grad.Cols-last:]
				if tensor.Dot(lower, lower) != 0 {
					t.Errorf("gradient below block L−1: %v", lower)
				}
				z := append([]float64(nil), p.Row(i)[grad.Cols-last:]...)
				want := check.Gradient(func() float64 {
					sum := 0.0
					for j, g := range x.g(x.L(), z) {
						sum += x.precision(x.L()) / 2 * (y[j] - g) * (y[j] - g)
					}
					return sum
				}, z)
				if e := check.RelError(block, want); !(e <= fdTol) || tensor.Dot(block, block) < 1e-6 {
					t.Errorf("gradient in block L−1: %v, want %v", block, want)
				}
			}
		}
	})
}

// TestStartHasNoFreeErrors: whatever is clamped, and wherever the state was before, at the start every free layer equals
// its prediction and a free input is 0.
func TestStartHasNoFreeErrors(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		zero := make([]float64, x.state.Dim())
		for _, c := range x.both() {
			p := check.Clone(x.point)
			eval(c, p)
			c.f.Start(p)
			f, _ := eval(c, p)
			for i := range x.rows {
				z, want := c.z(i, p.Row(i)), x.fromErrors(i, zero)
				if !check.Close(f[i], x.energy(want), roundTol) {
					t.Errorf("%s: F of sample %d = %v, want %v", c.name, i, f[i], x.energy(want))
				}
				for l := range want {
					if e := check.RelError(z[l], want[l]); !(e <= roundTol) {
						t.Errorf("%s: z_%d of sample %d is off by %v", c.name, l, i, e)
					}
				}
			}
		}
	})
}

// linear is the closed form of an equilibrium of a deep linear network (notation, section 2), by gonum.
type linear struct {
	e [][]float64 // e_l*, l = 1 … L, of one sample
	f float64     // F*
}

func (n naive) solve(x, y []float64) linear {
	L, d := n.L(), n.arch.Dims
	w, at := make([]*mat.Dense, L+1), 0
	for l := 1; l <= L; l++ {
		w[l] = mat.NewDense(d[l], d[l-1], n.theta[at:at+d[l]*d[l-1]])
		at += d[l] * d[l-1]
		if n.arch.Bias {
			at += d[l]
		}
	}
	// P_l = W_L ⋯ W_l, P_{L+1} = I, and S = I/π_L + Σ_{l=2}^{L} P_l P_lᵀ/π_{l−1}.
	p := make([]*mat.Dense, L+2)
	p[L+1], p[L] = mat.NewDense(d[L], d[L], nil), w[L]
	s := mat.NewDense(d[L], d[L], nil)
	for i := range d[L] {
		p[L+1].Set(i, i, 1)
		s.Set(i, i, 1/n.precision(L))
	}
	for l := L; l >= 2; l-- {
		var ppt mat.Dense
		ppt.Mul(p[l], p[l].T())
		ppt.Scale(1/n.precision(l-1), &ppt)
		s.Add(s, &ppt)
		p[l-1] = new(mat.Dense)
		p[l-1].Mul(p[l], w[l-1])
	}
	r, sr := mat.NewVecDense(d[L], n.feedforward(x)), new(mat.VecDense)
	r.SubVec(mat.NewVecDense(d[L], y), r)
	if err := sr.SolveVec(s, r); err != nil {
		panic(err)
	}
	out := linear{e: make([][]float64, L+1), f: mat.Dot(r, sr) / 2}
	for l := 1; l <= L; l++ {
		e := new(mat.VecDense)
		e.MulVec(p[l+1].T(), sr)
		e.ScaleVec(1/n.precision(l), e)
		out.e[l] = e.RawVector().Data
	}
	return out
}

// deepLinear is a linear network of four layers, with biases, at its closed-form equilibrium in errors.
func deepLinear(t *testing.T, pi []float64) (*fixture, []linear) {
	t.Helper()
	x := newFixture(t, problem{nn.Arch{Dims: []int{4, 5, 3, 4, 3}, Bias: true}, pi, nil})
	return x, x.atEquilibrium()
}

// atEquilibrium moves the point to the equilibrium in errors.
func (x *fixture) atEquilibrium() []linear {
	var all []linear
	for i := range x.rows {
		s := x.solve(x.data[0].Row(i), x.data[x.L()].Row(i))
		at := x.point.Row(i)
		for l := 1; l < x.L(); l++ {
			at = at[copy(at, s.e[l]):]
		}
		all = append(all, s)
	}
	return all
}

// TestDeepLinearEquilibrium: at e_l* = P_{l+1}ᵀS⁻¹r/π_l both gradients vanish, F is ½rᵀS⁻¹r, u_l is π_l e_l* for all l,
// and the weight gradient is the derivative of the closed form.
func TestDeepLinearEquilibrium(t *testing.T) {
	for _, pi := range [][]float64{nil, {0.5, 2, 1.5, 0.7}, {1, 1, 1, 30}, {3, 0.2, 1, 0.01}} {
		x, want := deepLinear(t, pi)
		both := x.both()
		start := check.Clone(x.point)
		both[0].f.Start(start)
		_, g0 := eval(both[0], start)
		z := tensor.New[float64](x.rows, x.state.Dim())
		for i := range x.rows {
			at := z.Row(i)
			for _, zl := range x.fromErrors(i, x.point.Row(i))[1:x.L()] {
				at = at[copy(at, zl):]
			}
		}
		for k, p := range []tensor.Matrix[float64]{z, x.point} {
			f, grad := eval(both[k], p)
			for i := range x.rows {
				if e := math.Sqrt(tensor.Dot(grad.Row(i), grad.Row(i)) / tensor.Dot(g0.Row(i), g0.Row(i))); !(e <= roundTol) {
					t.Errorf("π = %v, %s: residual ratio %v at the equilibrium", pi, both[k].name, e)
				}
				if !check.Close(f[i], want[i].f, roundTol) {
					t.Errorf("π = %v, %s: F* = %v, want %v", pi, both[k].name, f[i], want[i].f)
				}
				for l := 1; l <= x.L(); l++ {
					u := append([]float64(nil), want[i].e[l]...)
					tensor.Scale(u, x.precision(l))
					if e := check.RelError(x.state.Trace.U[l].Row(i), u); !(e <= 10*roundTol) {
						t.Errorf("π = %v, %s: π_%d e_%d* is off by %v", pi, both[k].name, l, l, e)
					}
				}
			}
			got := make([]float64, len(x.theta))
			x.state.Gradient(got)
			if e := check.RelError(got, check.Gradient(x.fStar, x.theta)); !(e <= fdTol) {
				t.Errorf("π = %v, %s: ∂F*/∂θ is off by %v", pi, both[k].name, e)
			}
		}
	}
}

// fStar is the closed form of F*, summed over the batch.
func (x *fixture) fStar() float64 {
	sum := 0.0
	for i := range x.rows {
		sum += x.solve(x.data[0].Row(i), x.data[x.L()].Row(i)).f
	}
	return sum
}

// TestVanishingOutputPrecisionIsBP: (1/π_L) ∂F*/∂θ → ∂𝓛/∂θ with an error linear in π_L.
func TestVanishingOutputPrecisionIsBP(t *testing.T) {
	var previous float64
	for _, pi := range []float64{1e-3, 1e-4, 1e-5} {
		x, _ := deepLinear(t, []float64{1, 1, 1, pi})
		eval(x.both()[1], x.point)
		got := make([]float64, len(x.theta))
		x.state.Gradient(got)
		tensor.Scale(got, 1/pi)
		bp := check.Gradient(func() float64 {
			sum := 0.0
			for i := range x.rows {
				sum += x.loss(x.data[0].Row(i), x.data[x.L()].Row(i))
			}
			return sum
		}, x.theta)
		e := check.RelError(got, bp)
		// Linear up to terms of relative size π_L ‖S‖ and, at the last, 1e−9 of differences over an error of 1e−5.
		if previous != 0 && !(math.Abs(previous/e-10) <= 0.5) {
			t.Errorf("π_L = %v: error %v, after %v at ten times that", pi, e, previous)
		}
		if !(e <= 100*pi) { // ‖Σ P_l P_lᵀ‖ is some tens
			t.Errorf("π_L = %v: error %v", pi, e)
		}
		previous = e
	}
}

// TestOneLayerPCIsBP: with L = 1 nothing is free, and the learning gradient is that of the loss.
func TestOneLayerPCIsBP(t *testing.T) {
	x := newFixture(t, problem{nn.Arch{Dims: []int{4, 3}, Act: nn.Tanh, Bias: true}, nil, nil})
	for _, c := range x.both() {
		eval(c, x.point)
		got := make([]float64, len(x.theta))
		x.state.Gradient(got)
		// −Σ_b r xᵀ and −Σ_b r, for a linear output layer.
		want := make([]float64, len(x.theta))
		for i := range x.rows {
			in := x.data[0].Row(i)
			for o, yhat := range x.feedforward(in) {
				r := x.data[1].Row(i)[o] - yhat
				for k, v := range in {
					want[4*o+k] -= r * v
				}
				want[12+o] -= r
			}
		}
		if e := check.RelError(got, want); !(e <= roundTol) {
			t.Errorf("%s: ∂F/∂θ is off by %v", c.name, e)
		}
	}
}
