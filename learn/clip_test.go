package learn_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
)

// clippable are makers, and those of the rules that these leave out.
func clippable() []maker[float64] {
	return append(makers[float64](),
		maker[float64]{"bp-curved", func(net *nn.Network[float64], p *learn.Pool, rows int) learn.Rule[float64] {
			return learn.NewCurvedBP(net, p, rows)
		}},
		maker[float64]{"pc-feedforward", func(net *nn.Network[float64], p *learn.Pool, rows int) learn.Rule[float64] {
			return learn.NewFeedforwardPC(&energy.PC[float64]{Net: net}, learn.Inference[float64]{}, p, rows)
		}},
		maker[float64]{"bp-matched", func(net *nn.Network[float64], p *learn.Pool, rows int) learn.Rule[float64] {
			return learn.NewMatchedBP(&energy.PC[float64]{Net: net}, learn.Inference[float64]{}, p, rows)
		}},
		maker[float64]{"one step of ipc", func(net *nn.Network[float64], p *learn.Pool, rows int) learn.Rule[float64] {
			return learn.NewIPC(&energy.PC[float64]{Net: net}, learn.Incremental{Steps: 3, From: 2}, p, rows)
		}},
	)
}

// descended is what one step along the gradient, of rate 1, adds to the weights, clipped or not, and whether it was.
func descended(t *testing.T, k maker[float64], norm float64) ([]float64, []float64, int) {
	t.Helper()
	const rows = 20
	net := build[float64](nn.Arch{Dims: []int{100, 170, 7, 3}, Act: nn.Tanh, Bias: true}, 1) // two tiles in the first layer
	before := slices.Clone(net.Theta())
	r := k.make(net, pool(t, 2), rows)
	r.(learn.Clipper).Clip(norm)
	if _, err := r.Step(context.Background(), draw(net, rows), optim.NewSGD[float64](optim.Rate{LR: 1}, 0)); err != nil {
		t.Fatal(err)
	}
	delta := slices.Clone(net.Theta())
	for i, v := range before {
		delta[i] -= v
	}
	return delta, slices.Clone(net.Theta()), r.(learn.Clipper).Clipped()
}

// TestClippedStepIsTheDefinition: g·min(1, c/‖g‖) over all weights at once, which PyTorch's min(1, c/(‖g‖ + 10⁻⁶)) comes to within
// 10⁻⁶/‖g‖; and where the norm is not above c nothing changes, to the bit.
func TestClippedStepIsTheDefinition(t *testing.T) {
	for _, k := range clippable() {
		if k.name == "ipc" || k.name == "bp clipped" { // a step is several updates, or clipped at another bound
			continue
		}
		g, free, n := descended(t, k, 0)
		squares := 0.0
		for _, v := range g {
			squares += v * v
		}
		norm := math.Sqrt(squares)
		if _, same, m := descended(t, k, norm*(1+1e-9)); n != 0 || m != 0 || !check.SameBits(same, free) {
			t.Errorf("%s: a norm below the bound is clipped, or another step taken (%d clipped)", k.name, m)
		}
		for _, c := range []float64{norm * (1 - 1e-6), norm / 3, norm / 1e3} {
			got, _, m := descended(t, k, c)
			want, torch := slices.Clone(g), slices.Clone(g)
			for i := range g {
				want[i] *= min(1, c/norm)
				torch[i] *= min(1, c/(norm+1e-6))
			}
			// A difference of weights of about 0.1, of which the steps are down to a millionth.
			if d := check.RelError(got, want); !(d < 1e-9) || m != 1 {
				t.Errorf("%s, clipped to %v of %v: off by %g, %d updates clipped", k.name, c, norm, d, m)
			}
			if d := check.RelError(got, torch); !(d < 1.1e-6/norm) {
				t.Errorf("%s, clipped to %v of %v: off PyTorch's by %g", k.name, c, norm, d)
			}
		}
	}
}

func TestClippingWantsANorm(t *testing.T) {
	r := learn.NewBP(build[float64](nn.Arch{Dims: []int{3, 2}}, 1), pool(t, 1), 4)
	for _, norm := range []float64{-1, nan} {
		if check.Panic(func() { r.Clip(norm) }) == nil {
			t.Errorf("clips to %v", norm)
		}
	}
}
