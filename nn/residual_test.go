package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// TestResidualIsItsInnerLayerAndTheIdentity: forward against the inner layer, Push and Pull against central differences and each
// other, PullParams against differences in the weights.
func TestResidualIsItsInnerLayerAndTheIdentity(t *testing.T) {
	const rows, n = 3, 4
	rng := rand.New(rand.NewPCG(1, 2))
	for _, place := range []Place{After, Before} {
		inner, wrapped := NewDense[float64](n, n, Tanh, place, true), NewResidual[float64](NewDense[float64](n, n, Tanh, place, true))
		alone, net := New[float64](inner), New[float64](wrapped)
		random := func(rows, cols int) tensor.Matrix[float64] { // without padding, for differences in its Data
			m := tensor.New[float64](rows, cols)
			for i := range m.Data {
				m.Data[i] = rng.NormFloat64()
			}
			return m
		}
		theta := random(1, len(net.Theta())).Data
		set := func() {
			for _, x := range []*Network[float64]{alone, net} {
				x.Update(func(own []float64) { copy(own, theta) })
			}
		}
		set()
		z, u, v := random(rows, n), random(rows, n), random(rows, n)
		c := NewCache[float64](rows, wrapped.Slot())
		g, h := tensor.New[float64](rows, n), tensor.New[float64](rows, n)
		forward := func() tensor.Matrix[float64] {
			wrapped.Forward(g, z, c)
			return g
		}
		forward()
		inner.Forward(h, z, NewCache[float64](rows, inner.Slot()))
		for i, x := range h.Data {
			if g.Data[i] != x+z.Data[i] {
				t.Fatalf("%v: g = %v, want z + h = %v", place, g.Data[i], x+z.Data[i])
			}
		}
		jv, ju, grad := tensor.New[float64](rows, n), tensor.New[float64](rows, n), make([]float64, len(theta))
		wrapped.Push(jv, v, c)
		wrapped.Pull(ju, u, c)
		wrapped.PullParams(grad, Span{Hi: n}, u, z, c)
		if a, b := dot(u, jv), dot(ju, v); math.Abs(a-b) > 1e-12 {
			t.Errorf("%v: ⟨u, Jv⟩ = %v, ⟨Jᵀu, v⟩ = %v", place, a, b)
		}
		want := check.Gradient(func() float64 { return dot(u, forward()) }, z.Data)
		if d := check.RelError(ju.Data, want); d > 1e-7 {
			t.Errorf("%v: Pull is off by %g", place, d)
		}
		want = check.Gradient(func() float64 { set(); return dot(u, forward()) }, theta)
		if d := check.RelError(grad, want); d > 1e-7 {
			t.Errorf("%v: PullParams is off by %g", place, d)
		}
	}
	if text := check.Panic(func() { NewResidual[float64](NewDense[float64](3, 4, Tanh, After, false)) }); text != "nn: residual layer of unequal widths" {
		t.Errorf("panics with %v", text)
	}
}

// TestArchPlacesSkips around hidden layers of equal widths, and nowhere else: with zero weights those are the identity.
func TestArchPlacesSkips(t *testing.T) {
	net, err := Build[float64](Arch{Dims: []int{4, 4, 4, 5, 5, 3}, Act: Tanh, Residual: true})
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range []bool{false, true, false, true, false} {
		if _, ok := net.Layers[l].(Residual[float64]); ok != want {
			t.Errorf("layer %d: residual %v, want %v", l+1, ok, want)
		}
	}
}
