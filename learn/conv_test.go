package learn_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// convArch is a small network with a convolution, pooling, normalisation, attention, a skip and, with drop, units dropped.
func convArch(drop bool) nn.Arch {
	text := "2x5x5-conv4k3p1:maxpool2-norm:attn-conv4k3p1:avgpool2s1-6-3"
	if drop {
		text = "2x5x5-conv4k3p1:drop0.2:maxpool2-norm:attn-drop0.3:conv4k3p1:avgpool2s1-6-drop0.5:3"
	}
	a, err := nn.ParseArch(text)
	if err != nil {
		panic(err)
	}
	a.Act, a.Bias, a.Residual = nn.Tanh, true, true
	return a
}

// TestRulesOfNodesAgreeWithReference vectors (nn/testdata/layers.py): BP's gradient, and PC's at the equilibrium.
func TestRulesOfNodesAgreeWithReference(t *testing.T) {
	text, err := os.ReadFile("../nn/testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Network struct {
			Arch             string
			Precision, Theta []float64
			X, Y             [][]float64
			Loss             float64
			DLoss            []float64 `json:"dL_dtheta"`
			Equilibrium      struct {
				F      float64
				DTheta []float64 `json:"dF_dtheta"`
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	c := file.Network
	a, err := nn.ParseArch(c.Arch)
	if err != nil {
		t.Fatal(err)
	}
	a.Act, a.Bias = nn.Tanh, true
	net := build[float64](a, 1)
	net.Update(func(theta []float64) { copy(theta, c.Theta) })
	b := data.Batch[float64]{X: tensor.Of(1, len(c.X[0]), c.X[0]), Y: tensor.Of(1, len(c.Y[0]), c.Y[0])}
	got, s := gradient[float64](t, learn.NewBP(net, pool(t, 1), 1), b)
	if e := check.RelError(got, c.DLoss); !(e <= 1e-12) || !check.Close(s.Loss, c.Loss, 1e-13) {
		t.Errorf("BP's gradient is off by %g; loss %v, want %v", e, s.Loss, c.Loss)
	}
	for _, in := range []learn.Coordinates{learn.Errors, learn.Activities} {
		got, s := gradient[float64](t, pc(net, c.Precision, tight(in), pool(t, 1), 1), b)
		// The residual ratio of 1e-11 leaves errors of about as much.
		if e := check.RelError(got, c.Equilibrium.DTheta); !(e <= 1e-8) || !check.Close(s.Inference.F, c.Equilibrium.F, 1e-10) {
			t.Errorf("PC's gradient is off by %g; F* = %v, want %v (%v)", e, s.Inference.F, c.Equilibrium.F, s.Inference.Count)
		}
	}
}

// TestVanishingOutputPrecisionGivesBPForNodes, with units dropped: both rules then see the same ones. How small a precision it
// takes is the network's: a layer normalisation of a pixel whose channels are nearly equal, all dropped say, has a derivative
// of up to 1/√ε, and the limit begins where errors are small beside √ε.
func TestVanishingOutputPrecisionGivesBPForNodes(t *testing.T) {
	net := build[float64](convArch(true), 1)
	b := draw(net, batchRows)
	b.Draw = 12
	want, _ := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b)
	var last float64
	for n, p := range []float64{1e-8, 1e-9, 1e-10} {
		got, _ := gradient[float64](t, pc(net, []float64{1, 1, 1, 1, p}, tight(learn.Errors), pool(t, 1), batchRows), b)
		tensor.Scale(got, 1/p)
		off := check.RelError(got, want)
		if n > 0 && !(math.Abs(last/off-10) < 0.5) || !(off < 0.01) {
			t.Errorf("precision %g leaves an error of %g, ten times as much left %g", p, off, last)
		}
		last = off
	}
	b.Draw = 13
	if other, _ := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b); check.RelError(other, want) < 1e-3 {
		t.Error("another batch drops the same units")
	}
}

// TestDroppedUnitsStayDroppedDuringInference: PC's gradient is that of F* with the same units dropped all the time.
func TestDroppedUnitsStayDroppedDuringInference(t *testing.T) {
	const rows = 3
	net := build[float64](convArch(true), 1)
	b := draw(net, rows)
	b.Draw = 3
	r := pc(net, nil, tight(learn.Errors), pool(t, 1), rows)
	got, s := gradient[float64](t, r, b)
	if s.Inference.Count[infer.Equilibrium] != rows {
		t.Fatalf("statuses %v", s.Inference.Count)
	}
	theta := append([]float64(nil), net.Theta()...)
	want := check.Gradient(func() float64 {
		net.Update(func(own []float64) { copy(own, theta) })
		_, s := gradient[float64](t, r, b)
		return s.Inference.F / rows
	}, theta)
	if d := check.RelError(got, want); !(d < differenceTol) {
		t.Errorf("off by %g", d)
	}
}

// TestEveryMethodSeesTheSameUnitsDropped: measuring the curvature of two samples leaves what was drawn for the others.
func TestEveryMethodSeesTheSameUnitsDropped(t *testing.T) {
	a, err := nn.ParseArch("6-12:drop0.5-12:drop0.5-3")
	if err != nil {
		t.Fatal(err)
	}
	a.Act = nn.Tanh
	const rows = 2*learn.ShardRows + 1
	net := build[float64](a, 1)
	b := draw(net, rows)
	b.Draw = 7
	_, bp := gradient[float64](t, learn.NewBP(net, pool(t, 1), rows), b)
	inf := learn.Inference[float64]{Settings: infer.Settings{Tol: 1e-9, MaxPasses: 500}}
	inf.Method = func() infer.Method[float64] { return &infer.BarzilaiBorwein[float64]{} }
	want, _ := gradient[float64](t, pc(net, nil, inf, pool(t, 1), rows), b)
	for _, name := range []string{"auto", "chord", "newton"} {
		if inf.Method, err = learn.NewMethod[float64](name, learn.Errors, learn.Tuning{}); err != nil {
			t.Fatal(err)
		}
		got, s := gradient[float64](t, pc(net, nil, inf, pool(t, 2), rows), b)
		if !check.Close(s.Loss, bp.Loss, 1e-14) { // sums over other shards
			t.Errorf("%s: a loss of %v, that of backpropagation is %v", name, s.Loss, bp.Loss)
		}
		if d := check.RelError(got, want); name != "chord" && !(d < 1e-6) { // with units dropped, chord's steps do not settle
			t.Errorf("%s: the gradient is off by %g", name, d)
		}
	}
}
