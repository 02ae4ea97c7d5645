package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// TestMuPCIsItsFormula: the network against the published formula written out, with z_l = z_{l−1} + W φ(z_{l−1})/√(n L) for
// hidden layers, and the derivatives of every layer against central differences.
func TestMuPCIsItsFormula(t *testing.T) {
	const L, n, in, out = 5, 4, 3, 2
	for param, scale := range map[Parameterisation]func(l int) float64{
		MuPC: func(l int) float64 {
			switch l {
			case 1:
				return 1 / math.Sqrt(in)
			case L:
				return 1. / n
			}
			return 1 / math.Sqrt(n*L)
		},
		NTK:      func(l int) float64 { return 1 / math.Sqrt(map[bool]float64{true: in, false: n}[l == 1]) },
		Standard: func(int) float64 { return 1 },
	} {
		net, err := Build[float64](Arch{Dims: []int{in, n, n, n, n, out}, Act: Tanh, Place: Before, Residual: true, Param: param})
		if err != nil {
			t.Fatal(err)
		}
		Initialize(net, Init{Kind: Normal, Scale: 1}, 3)
		rng := rand.New(rand.NewPCG(1, 2))
		z := make([]float64, in)
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		tr := NewTrace(net, 1)
		tr.Z[0] = tensor.Of(1, in, z)
		theta := net.Theta()
		for l := 1; l <= L; l++ {
			w := net.Of(l, theta)
			next := make([]float64, net.Width(l))
			for i := range next {
				for j, v := range z {
					if l > 1 {
						v = math.Tanh(v)
					}
					next[i] += scale(l) * w[i*len(z)+j] * v
				}
				if l > 1 && l < L {
					next[i] += z[i]
				}
			}
			g := tensor.New[float64](1, net.Width(l))
			tr.Forward(l, g)
			for i, v := range next {
				if math.Abs(g.Row(0)[i]-v) > 1e-14*(1+math.Abs(v)) {
					t.Fatalf("%s, layer %d: %v, want %v", param, l, g.Row(0)[i], v)
				}
			}
			checkDerivatives(t, net, l, tensor.Of(1, len(z), z), rng)
			if l < L {
				tr.Z[l] = tensor.Of(1, len(next), next)
			}
			z = next
		}
	}
}

func TestScaledRefuses(t *testing.T) {
	for what, f := range map[string]func(){
		"nn: layer scaled by 0 or by no number":            func() { NewScaled[float64](NewDense[float64](2, 2, Tanh, After, false), 0) },
		"nn: scaled layer whose units are not its outputs": func() { NewScaled[float64](unitless{NewDense[float64](2, 2, Tanh, After, false)}, 2) },
	} {
		if text := check.Panic(f); text != what {
			t.Errorf("panics with %v, want %s", text, what)
		}
	}
}

type unitless struct{ Local[float64] }

func (unitless) Units() int { return 1 }

// checkDerivatives compares the maps of layer l at z with central differences, PullParams in two halves.
func checkDerivatives(t *testing.T, net *Network[float64], l int, z tensor.Matrix[float64], rng *rand.Rand) {
	t.Helper()
	layer := net.Layers[l-1]
	in, out := layer.Dims()
	c := NewCache[float64](1, layer.Slot())
	u, v := tensor.New[float64](1, out), tensor.New[float64](1, in)
	for _, m := range []tensor.Matrix[float64]{u, v} {
		for i := range m.Row(0) {
			m.Row(0)[i] = rng.NormFloat64()
		}
	}
	g := tensor.New[float64](1, out)
	f := func() float64 {
		layer.Forward(g, z, c)
		return tensor.Dot(u.Row(0), g.Row(0))
	}
	f()
	jv, ju := tensor.New[float64](1, out), tensor.New[float64](1, in)
	layer.Push(jv, v, c)
	layer.Pull(ju, u, c)
	if a, b := tensor.Dot(u.Row(0), jv.Row(0)), tensor.Dot(ju.Row(0), v.Row(0)); math.Abs(a-b) > 1e-12*(1+math.Abs(a)) {
		t.Errorf("layer %d: ⟨u, Jv⟩ = %v, ⟨Jᵀu, v⟩ = %v", l, a, b)
	}
	grad := make([]float64, len(net.Of(l, net.Theta())))
	layer.PullParams(grad, Span{Hi: out / 2}, u, z, c)
	layer.PullParams(grad, Span{Lo: out / 2, Hi: out}, u, z, c)
	if d := check.RelError(ju.Row(0), check.Gradient(f, z.Row(0))); d > 1e-7 {
		t.Errorf("layer %d: Pull is off by %g", l, d)
	}
	w := net.Of(l, net.Theta())
	repacked := func() float64 { net.Update(func([]float64) {}); return f() }
	if d := check.RelError(grad, check.Gradient(repacked, w)); d > 1e-7 {
		t.Errorf("layer %d: PullParams is off by %g", l, d)
	}
}

func TestParameterisationNames(t *testing.T) {
	for _, name := range Parameterisations() {
		if p, err := ParseParameterisation(name); err != nil || p.String() != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := ParseParameterisation("mu"); err == nil {
		t.Error("mu was taken")
	}
}
