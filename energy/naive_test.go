package energy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// problem says which energy is meant: a network, its precisions (nil: all 1), and its clamped layers (nil: 0 and L).
type problem struct {
	arch    nn.Arch
	pi      []float64
	clamped []int
}

func (p problem) String() string {
	return fmt.Sprintf("%s/%v/%v/bias=%v/π=%v/clamped=%v", p.arch.DimString(), p.arch.Act, p.arch.Place, p.arch.Bias, p.pi, p.clamped)
}

// naive is the energy written out from notation, section 1, one sample at a time. It shares no code with nn or energy.
type naive struct {
	problem
	theta []float64 // a copy, which a test may change
	term  func(y, yhat float64) float64
	decay []float64 // λ_0 … λ_L; nil: none
}

// L is the number of weight layers.
func (n naive) L() int { return len(n.arch.Dims) - 1 }

// precision is π_l.
func (n naive) precision(l int) float64 {
	if n.pi == nil {
		return 1
	}
	return n.pi[l-1]
}

// given reports whether layer l is clamped.
func (n naive) given(l int) bool {
	if n.clamped == nil {
		return l == 0 || l == n.L()
	}
	return slices.Contains(n.clamped, l)
}

// g is the prediction of layer l from z_{l−1}.
func (n naive) g(l int, z []float64) []float64 {
	phi := func(x float64) float64 { return x }
	switch n.arch.Act {
	case nn.Tanh:
		phi = math.Tanh
	case nn.Sigmoid:
		phi = func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	case nn.SiLU:
		phi = func(x float64) float64 { return x / (1 + math.Exp(-x)) }
	}
	d, at := n.arch.Dims, 0
	for k := 1; k < l; k++ {
		at += d[k] * d[k-1]
		if n.arch.Bias {
			at += d[k]
		}
	}
	out := make([]float64, d[l])
	for i := range out {
		for j, v := range z {
			if n.arch.Place == nn.Before && l > 1 {
				v = phi(v)
			}
			out[i] += n.theta[at+i*d[l-1]+j] * v
		}
		if n.arch.Bias {
			out[i] += n.theta[at+d[l]*d[l-1]+i]
		}
		if n.arch.Place == nn.After && l < n.L() {
			out[i] = phi(out[i])
		}
	}
	return out
}

// energy is F of one sample at the activities z_0 … z_L.
func (n naive) energy(z [][]float64) float64 {
	sum := 0.0
	for l, a := range n.decay {
		if !n.given(l) {
			for _, v := range z[l] {
				sum += a / 2 * v * v
			}
		}
	}
	for l := 1; l <= n.L(); l++ {
		for i, g := range n.g(l, z[l-1]) {
			if l == n.L() && n.term != nil {
				sum += n.precision(l) * n.term(z[l][i], g)
			} else {
				sum += n.precision(l) / 2 * (z[l][i] - g) * (z[l][i] - g)
			}
		}
	}
	return sum
}

// feedforward is ŷ of the input x.
func (n naive) feedforward(x []float64) []float64 {
	for l := 1; l <= n.L(); l++ {
		x = n.g(l, x)
	}
	return x
}

// loss is 𝓛 of one sample.
func (n naive) loss(x, y []float64) float64 {
	sum := 0.0
	for i, v := range n.feedforward(x) {
		sum += (y[i] - v) * (y[i] - v) / 2
	}
	return sum
}

// fixture is a problem at a random point, in naive terms and in those of the package.
type fixture struct {
	naive
	net   *nn.Network[float64]
	pc    *PC[float64]
	state *State[float64]
	rows  int
	data  []tensor.Matrix[float64] // of layers 0 … L; the clamped ones are given to the state
	point tensor.Matrix[float64]   // B×Dim
	rng   *rand.Rand
}

func newFixture(t *testing.T, p problem) *fixture {
	t.Helper()
	net, err := nn.Build[float64](p.arch)
	if err != nil {
		t.Fatal(err)
	}
	x := &fixture{naive: naive{problem: p}, net: net, rows: 3, rng: rand.New(rand.NewPCG(12, uint64(len(p.arch.Dims))))}
	x.perturb()
	x.pc = &PC[float64]{Net: net, Precision: p.pi, Clamped: p.clamped}
	x.state = x.pc.NewState(x.rows)
	for l, width := range p.arch.Dims {
		x.data = append(x.data, check.Random[float64](x.rng, x.rows, width))
		if x.given(l) {
			x.state.Clamp(l, x.data[l])
		}
	}
	x.point = check.Random[float64](x.rng, x.rows, x.state.Dim())
	return x
}

// perturb gives network and naive formulas new random parameters.
func (x *fixture) perturb() {
	x.net.Update(func(theta []float64) {
		for i := range theta {
			theta[i] = 0.6 * x.rng.NormFloat64()
		}
	})
	x.theta = slices.Clone(x.net.Theta())
}

// use makes term the output term of network and naive formulas.
func (x *fixture) use(out Output[float64], term func(y, yhat float64) float64) {
	x.term = term
	pc := *x.pc
	pc.Output = out
	x.state = pc.NewState(x.rows)
	for l, m := range x.data {
		if x.given(l) {
			x.state.Clamp(l, m)
		}
	}
}

// activities is z_0 … z_L of sample i where the point p holds activities.
func (x *fixture) activities(i int, p []float64) [][]float64 {
	z := make([][]float64, x.L()+1)
	for l, width := range x.arch.Dims {
		if x.given(l) {
			z[l] = x.data[l].Row(i)
		} else {
			z[l], p = p[:width], p[width:]
		}
	}
	return z
}

// fromErrors is z_0 … z_L of sample i where the point p holds errors (z_0 itself for a free input).
func (x *fixture) fromErrors(i int, p []float64) [][]float64 {
	z := make([][]float64, x.L()+1)
	for l, width := range x.arch.Dims {
		switch {
		case x.given(l):
			z[l] = x.data[l].Row(i)
			continue
		case l == 0:
			z[0] = slices.Clone(p[:width])
		default:
			z[l] = x.g(l, z[l-1])
			for j := range z[l] {
				z[l][j] += p[j]
			}
		}
		p = p[width:]
	}
	return z
}

// coordinates are the two systems in the terms of both sides.
type coordinates struct {
	name string
	f    interface {
		Start(z tensor.Matrix[float64])
		Place(p tensor.Matrix[float64], z []tensor.Matrix[float64])
		Eval(f []float64, grad, z tensor.Matrix[float64])
	}
	z func(i int, p []float64) [][]float64
}

func (x *fixture) both() []coordinates {
	return []coordinates{
		{"activities", x.state.Activities(), x.activities},
		{"errors", x.state.Errors(), x.fromErrors},
	}
}

// eval returns F of each sample and the gradient at p, whatever was in their place.
func eval(c coordinates, p tensor.Matrix[float64]) ([]float64, tensor.Matrix[float64]) {
	f, grad := []float64{math.NaN(), math.NaN(), math.NaN()}[:p.Rows], tensor.New[float64](p.Rows, p.Cols)
	for i := range grad.Data {
		grad.Data[i] = math.NaN()
	}
	c.f.Eval(f, grad, p)
	return f, grad
}

// eachProblem runs f for networks of one to four layers, all sorts of clamping, and precisions.
func eachProblem(t *testing.T, f func(t *testing.T, x *fixture)) {
	archs := []nn.Arch{
		{Dims: []int{3, 2}, Act: nn.Tanh, Bias: true},
		{Dims: []int{3, 4, 2}, Act: nn.Sigmoid, Place: nn.Before, Bias: true},
		{Dims: []int{4, 5, 3, 2}, Act: nn.Tanh, Bias: true},
		{Dims: []int{4, 5, 3, 2}, Act: nn.Tanh, Place: nn.Before},
		{Dims: []int{2, 3, 5, 4, 3}, Act: nn.SiLU},
		{Dims: []int{2, 3, 5, 4, 3}, Act: nn.Linear, Bias: true},
	}
	for _, a := range archs {
		L := len(a.Dims) - 1
		pi := []float64{0.5, 2, 1.5, 0.7}[:L]
		for _, precision := range [][]float64{nil, pi} {
			clampings := [][]int{nil, {0}, {L}, {}}
			if L > 1 {
				clampings = append(clampings, []int{0, 1, L}, []int{1}, []int{0, L - 1})
			}
			if L > 3 {
				clampings = append(clampings, []int{0, 2, L}, []int{2, 3, L})
			}
			for _, clamped := range clampings {
				p := problem{a, precision, clamped}
				t.Run(p.String(), func(t *testing.T) { f(t, newFixture(t, p)) })
			}
		}
	}
}

// tolerances, relative to the largest element.
const (
	// Sums of some tens of products of a few units, with cancellation.
	roundTol = 1e-13
	// Central differences with h = ∛ε: rounding ε|F|/h ≈ 4e−11 |F|, F up to 30, against gradients above 1.
	fdTol = 1e-8
)

// archOf is a linear architecture of the given widths.
func archOf(dims ...int) nn.Arch { return nn.Arch{Dims: dims} }
