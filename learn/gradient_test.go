package learn_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// archs are small networks of every kind that a gradient distinguishes; the batch is more than one shard.
var archs = []nn.Arch{
	{Dims: []int{3, 4, 2}, Bias: true},
	{Dims: []int{4, 5, 4, 3}, Act: nn.Tanh, Bias: true},
	{Dims: []int{4, 5, 4, 3}, Act: nn.Tanh, Place: nn.Before, Bias: true},
	{Dims: []int{2, 3, 3, 3, 3, 2}, Act: nn.Tanh},
}

const batchRows = learn.ShardRows + 3

// Central differences err by h²F‴/6 + εF/h with h = ∛ε: a few 1e-10 of numbers of order 1.
const differenceTol = 1e-7

// TestBPGradientIsThatOfTheLoss: (1/B) ∂𝓛/∂θ, against central differences of the loss in plain loops.
func TestBPGradientIsThatOfTheLoss(t *testing.T) {
	for _, a := range archs {
		net := build[float64](a, 1)
		b := draw(net, batchRows)
		got, _ := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b)
		theta := slices.Clone(net.Theta())
		want := check.Gradient(func() float64 { return loss(a, theta, b) / batchRows }, theta)
		if d := check.RelError(got, want); !(d < differenceTol) {
			t.Errorf("%+v: off by %g", a, d)
		}
	}
}

// TestPCGradientIsThatOfTheEquilibratedEnergy: (1/B) ∂F*/∂θ, against central differences of F*, each settled anew: at an
// equilibrium z may be held fixed (the envelope theorem). In either coordinates, with precisions.
func TestPCGradientIsThatOfTheEquilibratedEnergy(t *testing.T) {
	const rows = 5
	for n, a := range archs {
		for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
			if c == learn.Activities && n != 1 {
				continue // the coordinates do not depend on the network
			}
			net := build[float64](a, 1)
			pi := make([]float64, len(a.Dims)-1)
			for l := range pi {
				pi[l] = 1 + 0.5*float64(l%3)
			}
			b := draw(net, rows)
			r := pc(net, pi, tight(c), pool(t, 1), rows)
			got, s := gradient[float64](t, r, b)
			if s.Inference.Count[infer.Equilibrium] != rows {
				t.Fatalf("%+v, %v: statuses %v", a, c, s.Inference.Count)
			}
			theta := slices.Clone(net.Theta())
			want := check.Gradient(func() float64 {
				net.Update(func(own []float64) { copy(own, theta) })
				_, s := gradient[float64](t, r, b)
				return s.Inference.F / rows
			}, theta)
			if d := check.RelError(got, want); !(d < differenceTol) {
				t.Errorf("%+v, coordinates %v: off by %g", a, c, d)
			}
		}
	}
}

// TestOneLayerPCIsBP: with nothing to infer, the two rules do the same arithmetic.
func TestOneLayerPCIsBP(t *testing.T) { both(t, checkOneLayer[float32], checkOneLayer[float64]) }

func checkOneLayer[T tensor.Float](t *testing.T) {
	net := build[T](nn.Arch{Dims: []int{5, 3}, Bias: true}, 1)
	b := draw(net, batchRows)
	want, sb := gradient[T](t, learn.NewBP(net, pool(t, 1), batchRows), b)
	for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
		got, sp := gradient[T](t, pc(net, nil, learn.Inference[T]{Coordinates: c}, pool(t, 1), batchRows), b)
		if !check.SameBits(got, want) {
			t.Errorf("coordinates %v: off by %g", c, check.RelError(got, want))
		}
		if sp.Inference.Count[infer.Equilibrium] != batchRows || !check.Close(sp.Loss, sb.Loss, 1e-14) {
			t.Errorf("coordinates %v: %v, loss %v, want %v", c, sp.Inference.Count, sp.Loss, sb.Loss)
		}
	}
}

// TestVanishingOutputPrecisionGivesBP: (1/π_L) ∂F*/∂θ → ∂𝓛/∂θ with an error linear in π_L (notation, section 2).
func TestVanishingOutputPrecisionGivesBP(t *testing.T) {
	for _, a := range archs {
		net := build[float64](a, 1)
		L := len(a.Dims) - 1
		b := draw(net, batchRows)
		want, _ := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b)
		var last float64
		for n, p := range []float64{1e-3, 1e-4, 1e-5} {
			pi := make([]float64, L)
			for l := range pi {
				pi[l] = 1
			}
			pi[L-1] = p
			got, _ := gradient[float64](t, pc(net, pi, tight(learn.Errors), pool(t, 1), batchRows), b)
			tensor.Scale(got, 1/p)
			off := check.RelError(got, want)
			if n > 0 && !(math.Abs(last/off-10) < 0.3) {
				t.Errorf("%+v: precision %g leaves an error of %g, ten times as much left %g", a, p, off, last)
			}
			if last = off; !(off < 100*p) {
				t.Errorf("%+v: precision %g leaves an error of %g", a, p, off)
			}
		}
	}
}

// TestRulesAreNormalisedAlike: a batch with every sample twice has the same gradient and loss.
func TestRulesAreNormalisedAlike(t *testing.T) {
	const once = 20
	a := archs[1]
	net := build[float64](a, 1)
	b := draw(net, once)
	twice := data.Batch[float64]{X: tensor.New[float64](2*once, net.Inputs()), Y: tensor.New[float64](2*once, net.Outputs())}
	for i := range 2 * once {
		copy(twice.X.Row(i), b.X.Row(i%once))
		copy(twice.Y.Row(i), b.Y.Row(i%once))
	}
	p := pool(t, 1)
	for name, rule := range map[string]func(rows int) graded[float64]{
		"bp": func(rows int) graded[float64] { return learn.NewBP(net, p, rows) },
		"pc": func(rows int) graded[float64] { return pc(net, nil, tight(learn.Errors), p, rows) },
	} {
		want, s := gradient(t, rule(once), b)
		got, d := gradient(t, rule(2*once), twice)
		if off := check.RelError(got, want); !(off < 1e-12) || !check.Close(d.Loss, s.Loss, 1e-13) || !check.Close(d.MSE, s.MSE, 1e-13) {
			t.Errorf("%s: gradient off by %g, loss %v and %v", name, off, d.Loss, s.Loss)
		}
	}
}

// TestStepDescendsTheGradient: θ ← θ − lr·gradient, to the bit, and nothing else moves.
func TestStepDescendsTheGradient(t *testing.T) { both(t, checkStep[float32], checkStep[float64]) }

func checkStep[T tensor.Float](t *testing.T) {
	const lr = 0.125
	for _, a := range archs {
		for name, rule := range map[string]func(net *nn.Network[T], p *learn.Pool) graded[T]{
			"bp": func(net *nn.Network[T], p *learn.Pool) graded[T] { return learn.NewBP(net, p, batchRows) },
			"pc": func(net *nn.Network[T], p *learn.Pool) graded[T] {
				return pc(net, nil, learn.Inference[T]{Settings: infer.Settings{Tol: 1e-3}}, p, batchRows)
			},
		} {
			net := build[T](a, 1)
			b := draw(net, batchRows)
			grad, want := gradient(t, rule(net, pool(t, 1)), b)
			theta := slices.Clone(net.Theta())
			got, err := rule(net, pool(t, 1)).Step(context.Background(), b, optim.NewSGD[T](optim.Rate{LR: lr}, 0))
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range theta {
				if now := net.Theta()[i]; now != v-lr*grad[i] {
					t.Fatalf("%s on %+v: θ[%d] = %v, want %v", name, a, i, now, v-lr*grad[i])
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s on %+v: Step says %+v, Gradient %+v", name, a, got, want)
			}
		}
	}
}
