package learn_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// TestBidirectionalSettlesInClosedForm: one hidden layer, linear, both ways: with x and y clamped
//
//	(I + W₂ᵀW₂ + I + V₂ᵀV₂) z = W₁x + W₂ᵀy + V₁y + V₂ᵀx,
//
// W up, V down, V₂ predicting x from z.
func TestBidirectionalSettlesInClosedForm(t *testing.T) {
	up, down := build[float64](nn.Arch{Dims: []int{4, 3, 2}}, 1), build[float64](nn.Arch{Dims: []int{2, 3, 4}}, 1.3)
	b := draw(up, batchRows)
	f := energy.NewBidirectional(&energy.PC[float64]{Net: up}, &energy.PC[float64]{Net: down}, batchRows)
	f.Clamp(0, b.X)
	f.Clamp(2, b.Y)
	dense := func(n *nn.Network[float64], l int) *mat.Dense {
		return mat.NewDense(n.Width(l), n.Width(l-1), append([]float64(nil), n.Of(l, n.Theta())...))
	}
	w1, w2, v1, v2 := dense(up, 1), dense(up, 2), dense(down, 1), dense(down, 2)
	var a, c mat.Dense
	a.Mul(w2.T(), w2)
	c.Mul(v2.T(), v2)
	a.Add(&a, &c)
	for i := range 3 {
		a.Set(i, i, a.At(i, i)+2)
	}
	for _, m := range []infer.Method[float64]{&infer.Auto[float64]{}, &infer.Euler[float64]{DT: 0.1}} {
		w := infer.NewWork[float64](batchRows, f.Dim())
		f.Start(w.Z)
		r, err := infer.Solve[float64](f, w, m, infer.Settings{Tol: 1e-10, MaxPasses: 1e5, Patience: -1})
		if err != nil || r.Count[infer.Equilibrium] != batchRows {
			t.Fatalf("%T: %v, %v", m, r.Count, err)
		}
		for i := range batchRows {
			x, y := mat.NewVecDense(4, b.X.Row(i)), mat.NewVecDense(2, b.Y.Row(i))
			var rhs, part, z mat.VecDense
			rhs.MulVec(w1, x)
			for _, term := range []struct {
				m mat.Matrix
				v *mat.VecDense
			}{{w2.T(), y}, {v1, y}, {v2.T(), x}} {
				part.Reset()
				part.MulVec(term.m, term.v)
				rhs.AddVec(&rhs, &part)
			}
			if err := z.SolveVec(&a, &rhs); err != nil {
				t.Fatal(err)
			}
			if d := check.RelError(w.Z.Row(i), z.RawVector().Data); !(d < 1e-8) {
				t.Errorf("%T: sample %d is off by %g", m, i, d)
			}
		}
	}
}

// twoNets returns a network and one from its outputs to its inputs.
func twoNets[T tensor.Float](a nn.Arch) (up, down *nn.Network[T]) {
	back := a
	back.Dims = slices.Clone(a.Dims)
	slices.Reverse(back.Dims)
	return build[T](a, 1), build[T](back, 1.3)
}

// weighed returns π_1 … π_L, all the same.
func weighed(L int, pi float64) []float64 { return slices.Repeat([]float64{pi}, L) }

// TestBidirectionalOfVanishingWeightIsPC: with precisions of 10⁻³⁰⁰ on the way down, whose energy is then lost in rounding, weights and
// statistics are those of PC in activities, to the bit, over a training; and with small ones the gradient comes to PC's linearly.
func TestBidirectionalOfVanishingWeightIsPC(t *testing.T) {
	euler := func() infer.Method[float64] { return &infer.Euler[float64]{DT: 0.1} }
	for _, a := range archs {
		for _, m := range []func() infer.Method[float64]{nil, euler} {
			inf := learn.Inference[float64]{Coordinates: learn.Activities, Method: m, Settings: infer.Settings{MaxSteps: 12, Patience: -1}}
			up, down := twoNets[float64](a)
			alone := build[float64](a, 1)
			b := draw(up, batchRows)
			L := up.L()
			two := learn.NewBidirectional(&energy.PC[float64]{Net: up}, learn.Downward[float64]{&energy.PC[float64]{Net: down, Precision: weighed(L, 1e-300)},
				optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0)}, inf, pool(t, 2), batchRows)
			one := pc(alone, nil, inf, pool(t, 2), batchRows)
			for range 4 {
				s, err := two.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0))
				if err != nil {
					t.Fatal(err)
				}
				want, err := one.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0))
				if err != nil {
					t.Fatal(err)
				}
				if s.Loss != want.Loss || s.MSE != want.MSE || s.Inference.F != want.Inference.F || s.Inference.Count != want.Inference.Count {
					t.Errorf("%v: %+v, PC %+v", a, s, want)
				}
			}
			if !check.SameBits(up.Theta(), alone.Theta()) {
				t.Errorf("%v: weights differ from PC's by %g", a, check.RelError(up.Theta(), alone.Theta()))
			}
		}
	}
	a := archs[1]
	want, _ := gradient[float64](t, pc(build[float64](a, 1), nil, tight(learn.Activities), pool(t, 1), batchRows), draw(build[float64](a, 1), batchRows))
	var off [2]float64
	for k, weight := range []float64{1e-3, 1e-4} {
		up, down := twoNets[float64](a)
		r := learn.NewBidirectional(&energy.PC[float64]{Net: up}, learn.Downward[float64]{&energy.PC[float64]{Net: down, Precision: weighed(up.L(), weight)},
			optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0)}, tight(learn.Activities), pool(t, 1), batchRows)
		got, _, _, err := r.Gradient(context.Background(), draw(up, batchRows))
		if err != nil {
			t.Fatal(err)
		}
		off[k] = check.RelError(got, want)
	}
	if !(off[0] > 9*off[1] && off[0] < 11*off[1] && off[1] < 0.01) {
		t.Errorf("off PC's gradient by %g and %g", off[0], off[1])
	}
}

// TestBidirectionalGradientsAreThoseOfTheEquilibratedEnergy, of either network, by central differences of F*, settled anew.
func TestBidirectionalGradientsAreThoseOfTheEquilibratedEnergy(t *testing.T) {
	a := nn.Arch{Dims: []int{5, 4, 3, 2}, Act: nn.Tanh, Bias: true}
	up, down := twoNets[float64](a)
	b := draw(up, batchRows)
	r := learn.NewBidirectional(&energy.PC[float64]{Net: up, Precision: []float64{1, 2, 0.5}}, learn.Downward[float64]{&energy.PC[float64]{Net: down, Precision: weighed(3, 0.3)},
		optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0)}, tight(learn.Activities), pool(t, 2), batchRows)
	settled := func() (gu, gd []float64, s learn.Stats) {
		gu, gd, s, err := r.Gradient(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(gu), slices.Clone(gd), s
	}
	gu, gd, s := settled()
	if s.Inference.Count[infer.Equilibrium] != batchRows {
		t.Fatalf("%v", s.Inference.Count)
	}
	for what, c := range map[string]struct {
		net *nn.Network[float64]
		got []float64
	}{"up": {up, gu}, "down": {down, gd}} {
		theta := slices.Clone(c.net.Theta())
		want := check.Gradient(func() float64 {
			c.net.Update(func(own []float64) { copy(own, theta) })
			_, _, s := settled()
			return s.Inference.F / batchRows
		}, theta)
		c.net.Update(func(own []float64) { copy(own, theta) })
		if d := check.RelError(c.got, want); !(d < differenceTol) {
			t.Errorf("%s: off by %g", what, d)
		}
	}
}

// wide has two tiles of weights in its first layer.
var wide = nn.Arch{Dims: []int{100, 170, 7, 3}, Act: nn.Tanh, Bias: true}

// bothWays is wide and its mirror after steps on one batch, clipped or not, and what each was off by before each step.
type bothWays[T tensor.Float] struct {
	up, down *nn.Network[T]
	mse, off []float64
	clipped  int
}

func trainBothWays[T tensor.Float](t *testing.T, workers, steps int, clip float64) bothWays[T] {
	t.Helper()
	const rows = 2*learn.ShardRows + 2
	w := bothWays[T]{}
	w.up, w.down = twoNets[T](wide)
	b := draw(w.up, rows)
	tensor.Scale(b.X.Data, 0.3)
	momentum := func(net *nn.Network[T]) optim.Optimizer[T] {
		return optim.NewMomentum[T](len(net.Theta()), optim.Rate{LR: 0.05}, 0.5, 0)
	}
	r := learn.NewBidirectional(&energy.PC[T]{Net: w.up}, learn.Downward[T]{&energy.PC[T]{Net: w.down, Precision: weighed(3, 0.1)}, momentum(w.down)},
		learn.Inference[T]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: 1e-3}}, pool(t, workers), rows)
	r.Clip(clip)
	opt := momentum(w.up)
	for range steps {
		tr := nn.NewTrace(w.down, rows)
		tr.Z[0] = b.Y
		tr.Feedforward()
		off := 0.0
		for i := range rows {
			for k, v := range tr.Z[3].Row(i) {
				off += math.Pow(float64(v-b.X.Row(i)[k]), 2)
			}
		}
		s, err := r.Step(context.Background(), b, opt)
		if err != nil {
			t.Fatal(err)
		}
		w.mse, w.off = append(w.mse, s.MSE), append(w.off, off)
	}
	w.clipped = r.Clipped()
	return w
}

// TestBidirectionalLearnsBothWays: what each network predicts of the other side comes nearer, at any number of workers to the same bits.
func TestBidirectionalLearnsBothWays(t *testing.T) {
	if testing.Short() {
		t.Skip("short: trains for a while")
	}
	both(t, checkBothWays[float32], checkBothWays[float64])
}

func checkBothWays[T tensor.Float](t *testing.T) {
	w := trainBothWays[T](t, 1, 60, 0)
	if n := len(w.mse) - 1; !(w.mse[n] < 0.7*w.mse[0]) || !(w.off[n] < 0.9*w.off[0]) {
		t.Errorf("MSE from %v to %v up, squares from %v to %v down", w.mse[0], w.mse[n], w.off[0], w.off[n])
	}
	for _, workers := range []int{2, 3} {
		if v := trainBothWays[T](t, workers, 60, 0); !check.SameBits(v.up.Theta(), w.up.Theta()) || !check.SameBits(v.down.Theta(), w.down.Theta()) {
			t.Errorf("%d workers change the weights", workers)
		}
	}
}

// TestBothWaysAreClippedTogether: both steps shrink by the factor of their common norm.
func TestBothWaysAreClippedTogether(t *testing.T) {
	up, down := twoNets[float64](wide)
	before := slices.Concat(up.Theta(), down.Theta())
	step := func(clip float64) ([]float64, int) {
		w := trainBothWays[float64](t, 3, 1, clip)
		delta := slices.Concat(w.up.Theta(), w.down.Theta())
		tensor.Axpy(delta, -1, before)
		return delta, w.clipped
	}
	free, n := step(0)
	norm := math.Sqrt(tensor.Dot(free, free)) / 0.05 // of the gradient, by the rate of the step
	half, m := step(norm / 2)
	tensor.Scale(half, 2)
	if d := check.RelError(half, free); !(d < 1e-9) || n != 0 || m != 1 {
		t.Errorf("clipped to half of the norm the step is off by %g; clipped %d times, without a bound %d", d, m, n)
	}
}

// TestNaNInTheWayDownIsRefused before anything moves.
func TestNaNInTheWayDownIsRefused(t *testing.T) {
	up, down := twoNets[float64](archs[1])
	down.Update(func(theta []float64) { down.Of(2, theta)[1] = nan })
	before := slices.Clone(up.Theta())
	sgd := optim.NewSGD[float64](optim.Rate{LR: 1}, 0)
	r := learn.NewBidirectional(&energy.PC[float64]{Net: up}, learn.Downward[float64]{&energy.PC[float64]{Net: down}, sgd}, tight(learn.Activities), pool(t, 1), 4)
	if _, err := r.Step(context.Background(), draw(up, 4), sgd); err == nil || !strings.Contains(err.Error(), "network down: layer 2: the weights") || !slices.Equal(before, up.Theta()) {
		t.Errorf("error %v", err)
	}
}

// TestMisuseOfBothWaysIsNamed.
func TestMisuseOfBothWaysIsNamed(t *testing.T) {
	up, down := twoNets[float64](archs[1])
	p, sgd := pool(t, 1), optim.NewSGD[float64](optim.Rate{LR: 1}, 0)
	rule := func(clamped []int, inf learn.Inference[float64]) func() {
		return func() {
			learn.NewBidirectional(&energy.PC[float64]{Net: up, Clamped: clamped}, learn.Downward[float64]{&energy.PC[float64]{Net: down}, sgd}, inf, p, 4)
		}
	}
	for want, f := range map[string]func(){
		"learn: Bidirectional clamps input and target": rule([]int{0}, tight(learn.Activities)),
		"learn: Bidirectional infers in activities":    rule(nil, tight(learn.Errors)),
	} {
		if got := fmt.Sprint(check.Panic(f)); got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
}
