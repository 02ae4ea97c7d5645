package learn_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// classes makes the targets of b one-hot.
func classes[T tensor.Float](b data.Batch[T]) data.Batch[T] {
	for i := range b.Y.Rows {
		y := b.Y.Row(i)
		clear(y)
		y[i%len(y)] = 1
	}
	return b
}

// losses are the output terms.
func losses[T tensor.Float]() map[string]energy.Output[T] {
	return map[string]energy.Output[T]{"mse": energy.SquaredError[T]{}, "cross-entropy": energy.CrossEntropy[T]{}, "bernoulli": energy.Bernoulli[T]{}}
}

// lossOf is Σ_b of the textbook loss, from the feedforward prediction in plain loops.
func lossOf(name string, a nn.Arch, theta []float64, b data.Batch[float64]) float64 {
	if name == "mse" {
		return loss(a, theta, b)
	}
	sum := 0.0
	for i := range b.X.Rows {
		yhat, z := outputOf(a, theta, b.X.Row(i)), 0.0
		for _, v := range yhat {
			z += math.Exp(v)
		}
		for k, v := range yhat {
			y := b.Y.Row(i)[k]
			if name == "cross-entropy" {
				sum -= y * math.Log(math.Exp(v)/z)
			} else {
				p := 1 / (1 + math.Exp(-v))
				sum -= y*math.Log(p) + (1-y)*math.Log(1-p)
			}
		}
	}
	return sum
}

// outputOf is ŷ in plain loops.
func outputOf(a nn.Arch, theta, x []float64) []float64 {
	z, at, L := slices.Clone(x), 0, len(a.Dims)-1
	for l := 1; l <= L; l++ {
		in, out := a.Dims[l-1], a.Dims[l]
		if a.Place == nn.Before && l > 1 {
			phi(a.Act, z)
		}
		next := make([]float64, out)
		for o := range out {
			for k := range in {
				next[o] += theta[at+o*in+k] * z[k]
			}
			if a.Bias {
				next[o] += theta[at+out*in+o]
			}
		}
		if at += out * in; a.Bias {
			at += out
		}
		if z = next; a.Place == nn.After && l < L {
			phi(a.Act, z)
		}
	}
	return z
}

// TestBPGradientIsThatOfEveryLoss, against central differences of the textbook formula in plain loops.
func TestBPGradientIsThatOfEveryLoss(t *testing.T) {
	for name, out := range losses[float64]() {
		for _, a := range archs {
			net := build[float64](a, 1)
			b := classes(draw(net, batchRows))
			got, s := gradient[float64](t, learn.NewLossBP(net, out, pool(t, 1), batchRows), b)
			theta := slices.Clone(net.Theta())
			if want := lossOf(name, a, theta, b) / batchRows; !check.Close(s.Loss, want, 1e-12) {
				t.Errorf("%s, %+v: loss %v, want %v", name, a, s.Loss, want)
			}
			want := check.Gradient(func() float64 { return lossOf(name, a, theta, b) / batchRows }, theta)
			if d := check.RelError(got, want); !(d < differenceTol) {
				t.Errorf("%s, %+v: off by %g", name, a, d)
			}
		}
	}
}

// TestPCGradientIsThatOfTheEquilibratedEnergyOfEveryLoss: (1/B) ∂F*/∂θ by central differences; and as π_L → 0 it is BP's.
func TestPCGradientIsThatOfTheEquilibratedEnergyOfEveryLoss(t *testing.T) {
	const rows = 5
	a := archs[1]
	for name, out := range losses[float64]() {
		net := build[float64](a, 1)
		b := classes(draw(net, rows))
		problem := func(piL float64) *energy.PC[float64] {
			return &energy.PC[float64]{Net: net, Output: out, Precision: []float64{1.5, 1, piL}}
		}
		r := learn.NewPC(problem(2), tight(learn.Errors), pool(t, 1), rows)
		got, s := gradient[float64](t, r, b)
		theta := slices.Clone(net.Theta())
		if want := lossOf(name, a, theta, b) / rows; !check.Close(s.Loss, want, 1e-12) {
			t.Errorf("%s: loss %v, want %v, whatever the precision", name, s.Loss, want)
		}
		x := slices.Clone(theta)
		want := check.Gradient(func() float64 {
			net.Update(func(own []float64) { copy(own, x) })
			_, s := gradient[float64](t, r, b)
			return s.Inference.F / rows
		}, x)
		net.Update(func(own []float64) { copy(own, theta) })
		if d := check.RelError(got, want); !(d < differenceTol) {
			t.Errorf("%s: off by %g", name, d)
		}
		bp, _ := gradient[float64](t, learn.NewLossBP(net, out, pool(t, 1), rows), b)
		var off [2]float64
		for i, pi := range []float64{1e-3, 1e-4} {
			g, _ := gradient[float64](t, learn.NewPC(problem(pi), tight(learn.Errors), pool(t, 1), rows), b)
			tensor.Scale(g, 1/pi)
			off[i] = check.RelError(g, bp)
		}
		if !(off[0] < 0.01) || !(off[0]/off[1] > 9 && off[0]/off[1] < 11) {
			t.Errorf("%s: as π_L falls tenfold, the distance from BP falls from %g to %g, want tenfold", name, off[0], off[1])
		}
	}
}

// TestZILIsBP: Z-IL's gradient is that of backpropagation to 1e−10 in float64, for every loss and architecture, and a training by it
// the same to that; in float32 to its rounding.
func TestZILIsBP(t *testing.T) { both(t, checkZIL[float32], checkZIL[float64]) }

func checkZIL[T tensor.Float](t *testing.T) {
	tol := 1e-10
	if single[T]() {
		tol = 1e-4 // e is a difference of activities: their rounding over the smallest errors here
	}
	for name, out := range losses[T]() {
		for _, a := range append(archs, nn.Arch{Dims: []int{3, 2}}, nn.Arch{Dims: []int{4, 6, 6, 6, 6, 6, 6, 3}, Act: nn.Tanh, Residual: true}) {
			nets := [2]*nn.Network[T]{build[T](a, 1), build[T](a, 1)}
			bp := learn.NewLossBP(nets[0], out, pool(t, 1), batchRows)
			zil := learn.NewZIL(&energy.PC[T]{Net: nets[1], Output: out}, pool(t, 2), batchRows)
			b := classes(draw(nets[0], batchRows))
			want, s := gradient[T](t, bp, b)
			for range 2 { // the second is not added to the first
				got, z := gradient[T](t, zil, b)
				if d := check.RelError(got, want); !(d < tol) {
					t.Errorf("%s, %+v: off by %g", name, a, d)
				}
				if !check.Close(z.Loss, s.Loss, tol) || !check.Close(z.MSE, s.MSE, tol) {
					t.Errorf("%s, %+v: loss %v, MSE %v, want %v, %v", name, a, z.Loss, z.MSE, s.Loss, s.MSE)
				}
				if L := len(a.Dims) - 1; z.Passes != float64(2*L+2) || z.Inference.Samples != 0 {
					t.Errorf("%s, %+v: %+v", name, a, z)
				}
			}
			for _, r := range []learn.Rule[T]{bp, zil} {
				opt := optim.NewMomentum[T](len(want), optim.Rate{LR: 0.05}, 0.9, 1e-3)
				for range 5 {
					if _, err := r.Step(context.Background(), b, opt); err != nil {
						t.Fatal(err)
					}
				}
			}
			if d := check.RelError(nets[1].Theta(), nets[0].Theta()); !(d < tol) {
				t.Errorf("%s, %+v: after five steps off by %g", name, a, d)
			}
		}
	}
}

// TestNudgedTargetsGiveCurvedBP: (1/β) ∂F*/∂θ → BP's gradient with S⁻¹r in place of r, the error of order β, positive and negative;
// of order β² centred. CurvedBP is held to its formula in isolate_test.go.
func TestNudgedTargetsGiveCurvedBP(t *testing.T) {
	for _, a := range archs[1:] {
		net := build[float64](a, 1)
		b := draw(net, batchRows)
		want, s := gradient[float64](t, learn.NewCurvedBP(net, pool(t, 1), batchRows), b)
		problem := &energy.PC[float64]{Net: net}
		off := func(beta float64, centred bool) float64 {
			make := learn.NewNudged[float64]
			if centred {
				make = learn.NewCentred[float64]
			}
			r := make(problem, tight(learn.Errors), beta, pool(t, 2), batchRows)
			g, n := gradient[float64](t, r, b)
			again, _ := gradient[float64](t, r, b)
			if !check.SameBits(g, again) {
				t.Errorf("%+v, β %v: a second gradient is another", a, beta)
			}
			if !check.Close(n.Loss, s.Loss, 1e-12) || !check.Close(n.MSE, s.MSE, 1e-12) {
				t.Errorf("%+v, β %v: loss %v, want %v", a, beta, n.Loss, s.Loss)
			}
			return check.RelError(g, want)
		}
		for _, c := range []struct {
			beta    float64
			centred bool
			order   float64
		}{{0.02, false, 1}, {-0.02, false, 1}, {0.1, true, 2}} {
			at, half := off(c.beta, c.centred), off(c.beta/2, c.centred)
			if order := math.Log2(at / half); !(math.Abs(order-c.order) < 0.1) || !(at < 0.25) {
				t.Errorf("%+v, β %v, centred %v: off by %g, and %g at half of β: order %.2f, want %v", a, c.beta, c.centred, at, half, order, c.order)
			}
		}
		pcGrad, _ := gradient[float64](t, learn.NewPC(problem, tight(learn.Errors), pool(t, 1), batchRows), b)
		full, _ := gradient[float64](t, learn.NewNudged(problem, tight(learn.Errors), 1, pool(t, 1), batchRows), b)
		if d := check.RelError(full, pcGrad); !(d < 1e-9) {
			t.Errorf("%+v: β = 1 is off PC by %g", a, d)
		}
	}
}

// TestNudgedStepDescendsItsGradient, centred too, with any number of workers.
func TestNudgedStepDescendsItsGradient(t *testing.T) {
	for _, centred := range []bool{false, true} {
		var first []float32
		for _, workers := range []int{1, 3} {
			net := build[float32](archs[1], 1)
			b := draw(net, batchRows)
			inf := learn.Inference[float32]{Settings: infer.Settings{Tol: 1e-3}}
			r := learn.NewNudged(&energy.PC[float32]{Net: net}, inf, 0.1, pool(t, workers), batchRows)
			if centred {
				r = learn.NewCentred(&energy.PC[float32]{Net: net}, inf, 0.1, pool(t, workers), batchRows)
			}
			g, _ := gradient[float32](t, r, b)
			want := slices.Clone(net.Theta())
			tensor.Axpy(want, -0.5, g)
			step := func() {
				if _, err := r.Step(context.Background(), b, optim.NewSGD[float32](optim.Rate{LR: 0.5}, 0)); err != nil {
					t.Fatal(err)
				}
			}
			step()
			if d := check.RelError(net.Theta(), want); !(d < 1e-6) {
				t.Errorf("centred %v: a step is off by %g", centred, d)
			}
			step()
			if workers == 1 {
				first = slices.Clone(net.Theta())
			} else if !check.SameBits(first, net.Theta()) {
				t.Errorf("centred %v: %d workers change the weights", centred, workers)
			}
		}
	}
}

// deadline is a context that is cancelled after being asked a number of times.
type deadline struct {
	context.Context
	left int
}

func (d *deadline) Err() error {
	if d.left--; d.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestANudgeThatIsCutShortLeavesNothingBehind: wherever it was, the next gradient is that of a new rule.
func TestANudgeThatIsCutShortLeavesNothingBehind(t *testing.T) {
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	centred := func() graded[float64] {
		return learn.NewCentred(&energy.PC[float64]{Net: net}, learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-6}}, 0.3, pool(t, 1), batchRows)
	}
	want, _ := gradient(t, centred(), b)
	for n := 0; ; n++ {
		r := centred()
		_, _, err := r.Gradient(&deadline{context.Background(), n}, b)
		if got, _ := gradient(t, r, b); !check.SameBits(got, want) {
			t.Errorf("cancelled at %d: the next gradient is off by %g", n, check.RelError(got, want))
		}
		if err == nil {
			if n < 3 {
				t.Errorf("asked %d times whether there is time left", n)
			}
			return
		}
	}
}

// TestVariantsSayWhatTheyRefuse.
func TestVariantsSayWhatTheyRefuse(t *testing.T) {
	net, p := build[float64](archs[1], 1), pool(t, 1)
	for text, f := range map[string]func(){
		"learn: ZIL clamps input and target":            func() { learn.NewZIL(&energy.PC[float64]{Net: net, Clamped: []int{0}}, p, 4) },
		"learn: ZIL has all precisions 1, and no decay": func() { learn.NewZIL(&energy.PC[float64]{Net: net, Decay: make([]float64, 4)}, p, 4) },
		"learn: a nudge of 0 teaches nothing":           func() { learn.NewNudged(&energy.PC[float64]{Net: net}, learn.Inference[float64]{}, 0, p, 4) },
	} {
		if got := fmt.Sprint(check.Panic(f)); got != text {
			t.Errorf("panics with %q, want %q", got, text)
		}
	}
}

// TestLearnedPrecisionComesToItsClosedForm: with weights at rest and one layer, where errors do not depend on π, it is the inverse
// mean square of the residual; with fixed layers as they were.
func TestLearnedPrecisionComesToItsClosedForm(t *testing.T) {
	a := nn.Arch{Dims: []int{3, 2}}
	net := build[float64](a, 1)
	b := draw(net, batchRows)
	r := learn.NewPrecise(&energy.PC[float64]{Net: net}, tight(learn.Errors), learn.Precision{LR: 0.3}, pool(t, 2), batchRows)
	rest := optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)
	var s learn.Stats
	for range 200 {
		var err error
		if s, err = r.Step(context.Background(), b, rest); err != nil {
			t.Fatal(err)
		}
	}
	if want := 1 / s.MSE; !check.Close(r.Precisions()[0], want, 1e-9) {
		t.Errorf("π = %v, want %v", r.Precisions()[0], want)
	}
	if want := loss(a, net.Theta(), b) / batchRows; !check.Close(s.Loss, want, 1e-12) {
		t.Errorf("loss %v, want %v whatever the precision", s.Loss, want)
	}

	deep := build[float64](archs[1], 1)
	b = draw(deep, batchRows)
	tensor.Scale(b.Y.Data, 8) // far more than the hidden layers can take up
	r = learn.NewPrecise(&energy.PC[float64]{Net: deep, Precision: []float64{2, 0.5, 1}}, learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-9, MaxPasses: 1e5}},
		learn.Precision{LR: 0.3, Fixed: []bool{true, true, false}}, pool(t, 1), batchRows)
	for range 300 {
		if _, err := r.Step(context.Background(), b, rest); err != nil {
			t.Fatal(err)
		}
	}
	pi := r.Precisions()
	if pi[0] != 2 || pi[1] != 0.5 {
		t.Errorf("fixed precisions moved: %v", pi)
	}
	// At rest π_L = B n_L / Σ‖e_L‖² at the equilibrium that belongs to it: settle with it anew, outside the rule.
	state := (&energy.PC[float64]{Net: deep, Precision: pi}).NewState(batchRows)
	state.Clamp(0, b.X)
	state.Clamp(3, b.Y)
	f := state.Errors()
	w := infer.NewWork[float64](batchRows, f.Dim())
	if _, err := infer.Solve[float64](f, w, &infer.Auto[float64]{}, infer.Settings{Tol: 1e-11, MaxPasses: 1e5}); err != nil {
		t.Fatal(err)
	}
	squares := 0.0
	for i := range batchRows {
		u := state.Trace.U[3].Row(i)
		squares += tensor.Dot(u, u) / (pi[2] * pi[2])
	}
	if want := float64(batchRows*3) / squares; !check.Close(pi[2], want, 1e-6) {
		t.Errorf("π_L = %v, want %v", pi[2], want)
	}
}

// TestPrecisionsOutliveADivergedSample: they stay as they are in its batch, and move in the next.
func TestPrecisionsOutliveADivergedSample(t *testing.T) {
	net := build[float64](archs[1], 1)
	euler := func() infer.Method[float64] { return &infer.Euler[float64]{DT: 3} } // beyond stability
	r := learn.NewPrecise(&energy.PC[float64]{Net: net}, learn.Inference[float64]{Coordinates: learn.Activities, Method: euler}, learn.Precision{LR: 0.3}, pool(t, 2), batchRows)
	s, err := r.Step(context.Background(), draw(net, batchRows), optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0))
	if err != nil || s.Inference.Count[infer.Diverged] == 0 || !slices.Equal(r.Precisions(), []float64{1, 1, 1}) {
		t.Errorf("%v: precisions %v, %v", s.Inference.Count, r.Precisions(), err)
	}
	r = learn.NewPrecise(&energy.PC[float64]{Net: net}, learn.Inference[float64]{}, learn.Precision{LR: 0.3}, pool(t, 2), batchRows)
	b := draw(net, batchRows)
	b.Y.Row(1)[0] = 1e200
	if s, err = r.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)); err != nil || s.Inference.Count[infer.NotFinite] != 1 || !slices.Equal(r.Precisions(), []float64{1, 1, 1}) {
		t.Errorf("%v: precisions %v, %v", s.Inference.Count, r.Precisions(), err)
	}
}

// TestHiddenPrecisionsRunToTheirBound, as the doc comment says: the equilibrium has no estimate of their variance.
func TestHiddenPrecisionsRunToTheirBound(t *testing.T) {
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	r := learn.NewPrecise(&energy.PC[float64]{Net: net}, learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-6}}, learn.Precision{LR: 0.5}, pool(t, 1), batchRows)
	for range 200 {
		if _, err := r.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if pi := r.Precisions(); pi[0] != learn.MostPrecision || pi[1] != learn.MostPrecision || !(pi[2] < 10) {
		t.Errorf("precisions %v", pi)
	}
}
