package learn_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

var linear = nn.Arch{Dims: []int{4, 5, 4, 3}, Bias: true}

// TestCurvedBPIsFeedforwardPCInLinearNetworks: e* = Jᵀ S⁻¹r there, by two roads: one settles, the other solves.
func TestCurvedBPIsFeedforwardPCInLinearNetworks(t *testing.T) {
	net := build[float64](linear, 1)
	b := draw(net, batchRows)
	want, _ := gradient[float64](t, learn.NewFeedforwardPC(&energy.PC[float64]{Net: net}, tight(learn.Errors), pool(t, 1), batchRows), b)
	got, _ := gradient[float64](t, learn.NewCurvedBP(net, pool(t, 2), batchRows), b)
	if d := check.RelError(got, want); !(d < 1e-8) { // tight leaves a residual of 1e-11, the condition is below 1e3
		t.Errorf("off by %g", d)
	}
	bp, _ := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b)
	if d := check.RelError(bp, want); d < 0.1 {
		t.Errorf("BP is off by %g only: a test of little", d)
	}
}

// TestCurvedBPIsItsFormula: in a one-hidden-layer network with activation φ, J = W₂, so that its u are those of BP on
// the residual (I + W₂W₂ᵀ)⁻¹r: as BP on targets that leave that residual.
func TestCurvedBPIsItsFormula(t *testing.T) {
	a := nn.Arch{Dims: []int{3, 4, 2}, Act: nn.Tanh}
	net := build[float64](a, 1)
	b := draw(net, 5)
	got, s := gradient[float64](t, learn.NewCurvedBP(net, pool(t, 1), 5), b)
	trace := nn.NewTrace(net, 5)
	trace.Z[0] = b.X
	trace.Feedforward()
	w2 := net.Of(2, net.Theta()) // 2×4
	m := [2][2]float64{{1, 0}, {0, 1}}
	for i := range 2 {
		for j := range 2 {
			m[i][j] += tensor.Dot(w2[4*i:4*i+4], w2[4*j:4*j+4])
		}
	}
	det := m[0][0]*m[1][1] - m[0][1]*m[1][0]
	curved := data.Batch[float64]{X: b.X, Y: tensor.New[float64](5, 2)}
	for i := range 5 {
		yhat := trace.Z[2].Row(i)
		r0, r1 := b.Y.Row(i)[0]-yhat[0], b.Y.Row(i)[1]-yhat[1]
		curved.Y.Row(i)[0] = yhat[0] + (m[1][1]*r0-m[0][1]*r1)/det
		curved.Y.Row(i)[1] = yhat[1] + (m[0][0]*r1-m[1][0]*r0)/det
	}
	want, _ := gradient[float64](t, learn.NewBP(net, pool(t, 1), 5), curved)
	if d := check.RelError(got, want); !(d < 1e-12) {
		t.Errorf("off by %g", d)
	}
	if l := loss(a, net.Theta(), b) / 5; !check.Close(s.Loss, l, 1e-12) {
		t.Errorf("loss %v, want %v", s.Loss, l)
	}
}

// TestFeedforwardPCIsItsFormula: (1/B) Σ −(∂g_l/∂θ_l)ᵀ e_l* at ẑ, with e* from plain gradient descent on activities.
func TestFeedforwardPCIsItsFormula(t *testing.T) {
	a := nn.Arch{Dims: []int{4, 5, 4, 3}, Act: nn.Tanh}
	net := build[float64](a, 1)
	const rows = 3
	b := draw(net, rows)
	got, s := gradient[float64](t, learn.NewFeedforwardPC(&energy.PC[float64]{Net: net}, tight(learn.Errors), pool(t, 2), rows), b)
	_, p := gradient[float64](t, pc(net, nil, tight(learn.Activities), pool(t, 1), rows), b)
	settled := settledErrors(t, net, b)
	trace := nn.NewTrace(net, rows)
	trace.Z[0] = b.X
	trace.Feedforward()
	want := make([]float64, len(net.Theta()))
	for l := 1; l <= 3; l++ {
		trace.U[l].CopyFrom(settled[l])
		trace.PullParams(want, l, nn.Span{Lo: 0, Hi: a.Dims[l]})
	}
	tensor.Scale(want, -1./rows)
	if d := check.RelError(got, want); !(d < 1e-7) {
		t.Errorf("off by %g", d)
	}
	if s.Passes <= 2 || !check.Close(s.Loss, p.Loss, 1e-12) {
		t.Errorf("%v passes, loss %v, want %v", s.Passes, s.Loss, p.Loss)
	}
}

// settledErrors returns e_l* of a batch by gradient descent on the activities, in plain steps.
func settledErrors(t *testing.T, net *nn.Network[float64], b data.Batch[float64]) []tensor.Matrix[float64] {
	t.Helper()
	rows := b.X.Rows
	state := (&energy.PC[float64]{Net: net}).NewState(rows)
	state.Clamp(0, b.X)
	state.Clamp(net.L(), b.Y)
	f := state.Activities()
	z, g := tensor.New[float64](rows, f.Dim()), tensor.New[float64](rows, f.Dim())
	f.Start(z)
	e := make([]float64, rows)
	for range 20000 {
		f.Eval(e, g, z)
		for i := range z.Data {
			z.Data[i] -= 0.1 * g.Data[i]
		}
	}
	if n := math.Sqrt(tensor.Dot(g.Data, g.Data)); n > 1e-10 {
		t.Fatalf("left a gradient of %g", n)
	}
	f.Eval(e, g, z)
	return state.Trace.U
}

// TestMatchedBPHasBPsDirectionsAndPCsNorms, layer by layer.
func TestMatchedBPHasBPsDirectionsAndPCsNorms(t *testing.T) {
	net := build[float64](archs[1], 1)
	b := draw(net, batchRows)
	problem := &energy.PC[float64]{Net: net}
	got, s := gradient[float64](t, learn.NewMatchedBP(problem, tight(learn.Errors), pool(t, 1), batchRows), b)
	bp, sb := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b)
	like, sp := gradient[float64](t, learn.NewPC(problem, tight(learn.Errors), pool(t, 1), batchRows), b)
	for l := 1; l <= net.L(); l++ {
		g, d, n := net.Of(l, got), net.Of(l, bp), net.Of(l, like)
		norm := func(v []float64) float64 { return math.Sqrt(tensor.Dot(v, v)) }
		if cos := tensor.Dot(g, d) / norm(g) / norm(d); !(math.Abs(cos-1) < 1e-12) || !check.Close(norm(g), norm(n), 1e-12) {
			t.Errorf("layer %d: cosine %v with BP, norm %v, PC's is %v", l, cos, norm(g), norm(n))
		}
		if check.Close(norm(d), norm(n), 0.05) {
			t.Errorf("layer %d: BP has PC's norm already", l)
		}
	}
	if !check.Close(s.Passes, sb.Passes+sp.Passes, 1e-12) || s.Loss != sp.Loss {
		t.Errorf("%v passes, want %v + %v", s.Passes, sb.Passes, sp.Passes)
	}
	theta := slices.Clone(net.Theta())
	if _, err := learn.NewMatchedBP(problem, tight(learn.Errors), pool(t, 1), batchRows).Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 0.5}, 0)); err != nil {
		t.Fatal(err)
	}
	for i, v := range net.Theta() {
		if want := theta[i] - 0.5*got[i]; math.Abs(v-want) > 1e-12 {
			t.Fatalf("θ[%d] = %v, want %v", i, v, want)
		}
	}
}

// TestIsolatingRulesAreTheSameOnAnyWorkers, to the bit, in float32.
func TestIsolatingRulesAreTheSameOnAnyWorkers(t *testing.T) {
	net := build[float32](archs[1], 1)
	b := draw(net, 3*learn.ShardRows+1)
	rows := b.X.Rows
	problem := &energy.PC[float32]{Net: net}
	for name, rule := range map[string]func(p *learn.Pool) graded[float32]{
		"curved": func(p *learn.Pool) graded[float32] { return learn.NewCurvedBP(net, p, rows) },
		"feedforward": func(p *learn.Pool) graded[float32] {
			return learn.NewFeedforwardPC(problem, learn.Inference[float32]{}, p, rows)
		},
		"matched": func(p *learn.Pool) graded[float32] {
			return learn.NewMatchedBP(problem, learn.Inference[float32]{}, p, rows)
		},
	} {
		want, _ := gradient(t, rule(pool(t, 1)), b)
		for _, n := range []int{2, 3} {
			if got, _ := gradient(t, rule(pool(t, n)), b); !check.SameBits(got, want) {
				t.Errorf("%s: other bits with %d workers", name, n)
			}
		}
	}
}
