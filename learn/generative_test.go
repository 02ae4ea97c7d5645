package learn_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
)

// generative returns the rule for a network with the prior λ_0 = 0.5, and a batch of data for it.
func generative(t *testing.T, a nn.Arch, inf learn.Inference[float64], am *learn.Amortiser[float64]) (*learn.Generative[float64], *nn.Network[float64], data.Batch[float64]) {
	net := build[float64](a, 1)
	decay := make([]float64, len(a.Dims))
	decay[0] = 0.5
	r := learn.NewGenerative(&energy.PC[float64]{Net: net, Decay: decay}, inf, am, pool(t, 2), batchRows)
	b := draw(net, batchRows)
	return r, net, data.Batch[float64]{X: b.Y, Y: b.X}
}

// ridge is (λ I + WᵀW)⁻¹Wᵀ for the weights W (out×in) of one linear layer: what infers its causes.
func ridge(t *testing.T, net *nn.Network[float64], lambda float64) *mat.Dense {
	w := mat.NewDense(net.Outputs(), net.Inputs(), slices.Clone(net.Theta()))
	var a, inv, out mat.Dense
	a.Mul(w.T(), w)
	for i := range net.Inputs() {
		a.Set(i, i, a.At(i, i)+lambda)
	}
	if err := inv.Inverse(&a); err != nil {
		t.Fatal(err)
	}
	out.Mul(&inv, w.T())
	return &out
}

// TestCausesOfALinearNetworkAreRidgeRegression: one layer, z_0* = (λ I + WᵀW)⁻¹Wᵀ y, in either coordinates.
func TestCausesOfALinearNetworkAreRidgeRegression(t *testing.T) {
	for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
		r, net, b := generative(t, nn.Arch{Dims: []int{3, 6}}, tight(c), nil)
		s, err := r.Infer(context.Background(), b)
		if err != nil || s.Inference.Count[infer.Equilibrium] != batchRows {
			t.Fatalf("%v, %v", s.Inference.Count, err)
		}
		m, squares := ridge(t, net, 0.5), 0.0
		for i := range batchRows {
			var z, y mat.VecDense
			z.MulVec(m, mat.NewVecDense(6, b.X.Row(i)))
			if d := check.RelError(r.Causes().Row(i), z.RawVector().Data); !(d < 1e-9) {
				t.Errorf("coordinates %v: causes of sample %d are off by %g", c, i, d)
			}
			y.MulVec(mat.NewDense(6, 3, net.Theta()), &z)
			for k, v := range b.X.Row(i) {
				squares += (v - y.AtVec(k)) * (v - y.AtVec(k))
			}
		}
		if want := squares / batchRows / 6; !check.Close(s.MSE, want, 1e-9) {
			t.Errorf("MSE of the reconstruction %v, want %v", s.MSE, want)
		}
	}
}

// TestGenerativeGradientIsThatOfTheEquilibratedEnergy, by central differences of F*, settled anew.
func TestGenerativeGradientIsThatOfTheEquilibratedEnergy(t *testing.T) {
	a := nn.Arch{Dims: []int{2, 4, 5}, Act: nn.Tanh, Bias: true}
	r, net, b := generative(t, a, tight(learn.Errors), nil)
	got, s := gradient[float64](t, r, b)
	if s.Inference.Count[infer.Equilibrium] != batchRows {
		t.Fatalf("%v", s.Inference.Count)
	}
	theta := slices.Clone(net.Theta())
	want := check.Gradient(func() float64 {
		net.Update(func(own []float64) { copy(own, theta) })
		_, s := gradient[float64](t, r, b)
		return s.Inference.F / batchRows
	}, theta)
	if d := check.RelError(got, want); !(d < differenceTol) {
		t.Errorf("off by %g", d)
	}
}

// TestPerfectAmortiserStartsAtTheEnd: guessing by ridge regression, inference starts where it ends; and an amortiser that learns comes to
// that guess, so that of the energy which inference has to take off nearly nothing is left.
func TestPerfectAmortiserStartsAtTheEnd(t *testing.T) {
	up := build[float64](nn.Arch{Dims: []int{6, 3}}, 1)
	for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
		inf := tight(c)
		r, net, b := generative(t, nn.Arch{Dims: []int{3, 6}}, inf, learn.NewAmortiser(up, optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0)))
		up.Update(func(theta []float64) { copy(theta, ridge(t, net, 0.5).RawMatrix().Data) })
		s, err := r.Infer(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if !check.Close(s.Inference.FStart, s.Inference.F, 1e-12) || !(math.Sqrt(s.Inference.Res2) < 1e-12) || s.Inference.Steps != 0 {
			t.Errorf("coordinates %v: F from %v to %v in %d steps, residual %g", c, s.Inference.FStart, s.Inference.F, s.Inference.Steps, math.Sqrt(s.Inference.Res2))
		}
		// The ratio is to where inference starts without it, at the same residual and end.
		cold, err := r.InferCold(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if !check.Close(cold.Inference.Start2, s.Inference.Start2, 1e-12) || !check.Close(cold.Inference.F, s.Inference.F, 1e-9) || cold.Inference.Steps == 0 {
			t.Errorf("coordinates %v: residual² at the usual start %v, taken for %v; F = %v after %d steps from there, %v with the guess",
				c, cold.Inference.Start2, s.Inference.Start2, cold.Inference.F, cold.Inference.Steps, s.Inference.F)
		}
		again, err := r.Infer(context.Background(), b)
		if err != nil || fmt.Sprint(again.Inference) != fmt.Sprint(s.Inference) {
			t.Errorf("coordinates %v: another inference after the one without: %+v, %+v, %v", c, again.Inference, s.Inference, err)
		}
	}
}

// TestAmortiserLearnsWhereInferenceEnds, in a deep network, and does not change where that is.
func TestAmortiserLearnsWhereInferenceEnds(t *testing.T) {
	a := nn.Arch{Dims: []int{2, 4, 5}, Act: nn.Tanh, Bias: true}
	plain, _, b := generative(t, a, tight(learn.Errors), nil)
	want, err := plain.Infer(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	up := build[float64](nn.Arch{Dims: []int{5, 4, 2}, Act: nn.Tanh, Bias: true}, 1)
	n := len(up.Theta())
	inf := tight(learn.Errors)
	r, _, _ := generative(t, a, inf, learn.NewAmortiser(up, optim.NewAdam[float64](n, optim.Rate{LR: 0.02}, 0)))
	rest := optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)
	var s learn.Stats
	for range 800 {
		if s, err = r.Step(context.Background(), b, rest); err != nil {
			t.Fatal(err)
		}
	}
	if !check.Close(s.Inference.F, want.Inference.F, 1e-9) {
		t.Errorf("F* = %v from the amortised start, %v from 0", s.Inference.F, want.Inference.F)
	}
	left, all := s.Inference.FStart-s.Inference.F, want.Inference.FStart-want.Inference.F
	if !(left < 0.1*all) {
		t.Errorf("inference takes off %v, %v without an amortiser", left, all)
	}
	coldly, err := r.InferCold(context.Background(), b)
	if err != nil || !(s.Inference.Passes < coldly.Inference.Passes) {
		t.Errorf("%v passes from the guess, %v without, to the same residual; %v", s.Inference.Passes, coldly.Inference.Passes, err)
	}
}

// TestAmortisersPassesAreCounted: the guess 1, learning 2, beside what inference takes and the weight gradient; and a second rule with the
// same amortiser, for another number of samples, is that with an amortiser of its own.
func TestAmortisersPassesAreCounted(t *testing.T) {
	a := nn.Arch{Dims: []int{2, 4, 5}, Act: nn.Tanh, Bias: true}
	inf := learn.Inference[float64]{Coordinates: learn.Activities, Settings: infer.Settings{MaxSteps: 1},
		Method: func() infer.Method[float64] { return &infer.Euler[float64]{} }}
	am := func() *learn.Amortiser[float64] {
		return learn.NewAmortiser(build[float64](nn.Arch{Dims: []int{5, 4, 2}, Act: nn.Tanh, Bias: true}, 1), optim.NewSGD[float64](optim.Rate{LR: 0.1}, 0))
	}
	r, net, b := generative(t, a, inf, am())
	rest := optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)
	s, err := r.Step(context.Background(), b, rest)
	if want := 1.0 + (2 + 2) + 1 + 2; err != nil || !check.Close(s.Passes, want, 1e-12) || s.Inference.Passes != 4 {
		t.Errorf("%v passes, %v of inference, want %v and 4; %v", s.Passes, s.Inference.Passes, want, err)
	}
	inf.Settings.Tol = 1e-3 // residuals at the usual start are wanted, too
	var got [2]learn.Stats
	for i, m := range []*learn.Amortiser[float64]{am(), am()} {
		if i == 1 {
			learn.NewGenerative(&energy.PC[float64]{Net: net}, inf, m, pool(t, 1), batchRows)
		}
		r := learn.NewGenerative(&energy.PC[float64]{Net: net}, inf, m, pool(t, 1), 3)
		if got[i], err = r.Step(context.Background(), data.Batch[float64]{X: b.X.RowsOf(0, 3), Y: b.Y.RowsOf(0, 3)}, rest); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got[0]) != fmt.Sprint(got[1]) {
		t.Errorf("%+v, with an amortiser that another rule had: %+v", got[0], got[1])
	}
}

// TestInferringDoesNotUseUpTheStabilityLimit: training says it where it diverges first, whatever was looked at before.
func TestInferringDoesNotUseUpTheStabilityLimit(t *testing.T) {
	euler := learn.Inference[float64]{Coordinates: learn.Activities, Method: func() infer.Method[float64] { return &infer.Euler[float64]{DT: 20} }}
	r, _, b := generative(t, nn.Arch{Dims: []int{2, 4, 5}, Act: nn.Tanh, Bias: true}, euler, nil)
	s, err := r.Infer(context.Background(), b)
	if err != nil || s.Limit != 0 || s.Inference.Count[infer.Diverged]+s.Inference.Count[infer.NotFinite] == 0 {
		t.Errorf("%v, limit %v, %v", s.Inference.Count, s.Limit, err)
	}
	if s, err = r.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 1e-300}, 0)); err != nil || !(s.Limit > 0) {
		t.Errorf("limit %v, %v", s.Limit, err)
	}
}

// TestLinearGenerationFindsPrincipalComponents: one linear layer of k causes, trained to its end with a weak prior, reconstructs as well as
// the first k principal components do, the best that any can (Eckart and Young 1936).
func TestLinearGenerationFindsPrincipalComponents(t *testing.T) {
	net := build[float64](nn.Arch{Dims: []int{2, 5}}, 1)
	b := draw(build[float64](nn.Arch{Dims: []int{2, 5}}, 1), batchRows)
	for i := range batchRows { // two directions stand out
		y := b.Y.Row(i)
		y[0] *= 4
		y[3] *= 3
	}
	r := learn.NewGenerative(&energy.PC[float64]{Net: net, Decay: []float64{1e-3, 0}}, tight(learn.Errors), nil, pool(t, 1), batchRows)
	x := data.Batch[float64]{X: b.Y, Y: b.X}
	opt := optim.NewAdam[float64](len(net.Theta()), optim.Rate{LR: 0.01}, 0)
	var s learn.Stats
	for range 1500 {
		var err error
		if s, err = r.Step(context.Background(), x, opt); err != nil {
			t.Fatal(err)
		}
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(batchRows, 5, check.Clone(b.Y).Data), mat.SVDNone) {
		t.Fatal("no singular values")
	}
	left := 0.0
	for _, v := range svd.Values(nil)[2:] {
		left += v * v
	}
	if want := left / batchRows / 5; !(s.MSE > 0.999*want && s.MSE < 1.01*want) {
		t.Errorf("reconstruction MSE %v, principal components leave %v", s.MSE, want)
	}
}

// TestMisuseOfGenerationIsNamed.
func TestMisuseOfGenerationIsNamed(t *testing.T) {
	net, p := build[float64](archs[1], 1), pool(t, 1)
	for want, f := range map[string]func(){
		"learn: Generative clamps the output alone": func() {
			learn.NewGenerative(&energy.PC[float64]{Net: net, Clamped: []int{0}}, learn.Inference[float64]{}, nil, p, 4)
		},
		"learn: amortiser of other widths than the network from its outputs to its inputs": func() {
			learn.NewGenerative(&energy.PC[float64]{Net: net}, learn.Inference[float64]{}, learn.NewAmortiser(net, optim.NewSGD[float64](optim.Rate{LR: 1}, 0)), p, 4)
		},
	} {
		if got := fmt.Sprint(check.Panic(f)); got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
}

// TestLangevinInTrainingIsTheSameOnAnyWorkers, goes on from its state, and draws anew for every batch.
func TestLangevinInTrainingIsTheSameOnAnyWorkers(t *testing.T) {
	a := archs[1]
	inf := learn.Inference[float32]{Coordinates: learn.Activities, Settings: infer.Settings{MaxSteps: 5, Patience: -1, Diverge: math.Inf(1)},
		Method: func() infer.Method[float32] { return &infer.Langevin[float32]{DT: 0.05, Seed: 3} }}
	var want []float32
	for _, workers := range []int{1, 3} {
		net := build[float32](a, 1)
		b := draw(net, batchRows)
		r := pc(net, nil, inf, pool(t, workers), batchRows)
		first, _ := gradient[float32](t, r, b)
		second, _ := gradient[float32](t, r, b)
		if check.SameBits(first, second) {
			t.Error("two batches draw the same")
		}
		other := pc(net, nil, inf, pool(t, 2), batchRows)
		if err := other.SetState([]float64{1}); err != nil {
			t.Fatal(err)
		}
		again, _ := gradient[float32](t, other, b)
		if !check.SameBits(again, second) || !slices.Equal(other.State(), []float64{2}) {
			t.Errorf("goes on otherwise; state %v", other.State())
		}
		if want == nil {
			want = second
		} else if !check.SameBits(want, second) {
			t.Errorf("%d workers draw otherwise", workers)
		}
	}
	if err := pc(build[float32](a, 1), nil, inf, pool(t, 1), 4).SetState([]float64{0.5}); err == nil {
		t.Error("takes half a batch")
	}
}
