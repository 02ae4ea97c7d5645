package nn

import (
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// pulled is (φ′ ⊙ u) B, or φ′ ⊙ (u B), by hand, for the input z and prediction g of one row.
func pulled(d *Dense[float64], b, z, g, u []float64) []float64 {
	want := make([]float64, d.in)
	for o, factor := range u {
		if d.act == Tanh && d.place == After {
			factor *= 1 - g[o]*g[o]
		}
		for k := range want {
			want[k] += factor * b[o*d.in+k]
		}
	}
	for k, v := range z {
		if d.act == Tanh && d.place == Before {
			want[k] *= 1 - formula(Tanh, v)*formula(Tanh, v)
		}
	}
	return want
}

// TestFeedbackPullsByItsOwnWeights: Pull is that of a dense layer whose W is B, at the same φ′ (After, where φ′ stands on this
// side of the weights, and Before); with B = W all four maps are the dense layer's, bit for bit; B's gradient is W's.
func TestFeedbackPullsByItsOwnWeights(t *testing.T) {
	const rows, in, out = 5, 7, 6
	for _, act := range []Activation{Linear, Tanh} {
		for _, place := range []Place{After, Before} {
			for _, learned := range []bool{false, true} {
				rng := rand.New(rand.NewPCG(4, 5))
				d := NewDense[float64](in, out, act, place, true)
				f := NewFeedback(NewDense[float64](in, out, act, place, true), learned)
				dense, net := New[float64](d), New[float64](f)
				b, w := make([]float64, in*out), make([]float64, in*out+out)
				for _, v := range [][]float64{b, w} {
					for i := range v {
						v[i] = rng.NormFloat64()
					}
				}
				dense.Update(func(theta []float64) { copy(theta, w) })
				net.Update(func(theta []float64) { copy(theta, w); f.SetB(b) })
				z, u := check.Random[float64](rng, rows, in), check.Random[float64](rng, rows, out)
				run := func(l Layer[float64]) (g, jv, ju tensor.Matrix[float64], grad []float64) {
					c := NewCache[float64](rows, l.Slot())
					g, jv, ju = tensor.New[float64](rows, out), tensor.New[float64](rows, out), tensor.New[float64](rows, in)
					l.Forward(g, z, c)
					l.Push(jv, z, c)
					l.Pull(ju, u, c)
					grad = make([]float64, 2*in*out+out)
					for i := range grad {
						grad[i] = 1 // is added to
					}
					l.PullParams(grad, Span{Hi: 2}, u, z, c)
					l.PullParams(grad, Span{Lo: 2, Hi: out}, u, z, c)
					return g, jv, ju, grad
				}
				g, jv, ju, grad := run(f)
				g0, jv0, ju0, grad0 := run(d)
				if !check.Same(g, g0) || !check.Same(jv, jv0) || !check.SameBits(grad[:in*out+out], grad0[:in*out+out]) {
					t.Errorf("%v %v: forward maps depend on B", act, place)
				}
				if learned != check.SameBits(grad[in*out+out:], grad[:in*out]) {
					t.Errorf("%v %v, learned %v: B's gradient %v beside W's %v", act, place, learned, grad[in*out+out:], grad[:in*out])
				}
				for i := range rows {
					if e := check.RelError(ju.Row(i), pulled(d, b, z.Row(i), g.Row(i), u.Row(i))); !(e < 1e-13) {
						t.Errorf("%v %v: Pull is off by %g", act, place, e)
					}
				}
				net.Update(func([]float64) { f.SetB(w[:in*out]) })
				if _, _, ju, _ := run(f); !check.Same(ju, ju0) {
					t.Errorf("%v %v: with B = W Pull is not the dense layer's", act, place)
				}
			}
		}
	}
}

// TestFeedbackLeavesTheWeightsAlone: W is drawn the same with feedback weights as without, and B is not W, and not 0.
func TestFeedbackLeavesTheWeightsAlone(t *testing.T) {
	arch := Arch{Dims: []int{5, 4, 3, 2}, Act: Tanh, Bias: true}
	plain, err := Build[float64](arch)
	if err != nil {
		t.Fatal(err)
	}
	Initialize(plain, Init{Kind: FanIn}, 7)
	for _, kind := range []FeedbackKind{Fixed, Learned} {
		arch.Feedback = kind
		net, err := Build[float64](arch)
		if err != nil {
			t.Fatal(err)
		}
		Initialize(net, Init{Kind: FanIn}, 7)
		for l := 1; l <= 3; l++ {
			want := plain.Of(l, plain.Theta())
			got := net.Of(l, net.Theta())
			if !check.SameBits(got[:len(want)], want) {
				t.Errorf("%v: layer %d starts with other weights", kind, l)
			}
			f, ok := net.Layers[l-1].(*Feedback[float64])
			if ok != (l > 1) {
				t.Errorf("layer %d: feedback %v", l, ok)
			}
			if ok {
				if e := check.RelError(f.b.Data, want[:len(f.b.Data)]); !(e > 0.1) || tensor.Dot(f.b.Data, f.b.Data) == 0 {
					t.Errorf("%v: layer %d: B is %g from W", kind, l, e)
				}
			}
		}
	}
	arch.Residual = true
	if _, err := Build[float64](arch); err == nil {
		t.Error("feedback weights around a residual layer are accepted")
	}
}
