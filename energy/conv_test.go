package energy

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// nodes returns a network of nodes with drawn parameters.
func nodes(t *testing.T, text string, act nn.Activation, place nn.Place) *nn.Network[float64] {
	t.Helper()
	a, err := nn.ParseArch(text)
	if err != nil {
		t.Fatal(err)
	}
	a.Act, a.Place, a.Bias, a.Residual = act, place, true, true
	net, err := nn.Build[float64](a)
	if err != nil {
		t.Fatal(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.He}, 5)
	return net
}

// The networks have every kind of layer, and a skip around the third node.
var nodeArchs = []string{"2x4x4-conv3k3p1:maxpool2-norm:attn-conv3k3p1-drop0.3:4-2", "1x5x5-conv2k3s2p1-conv2k2p1:avgpool2s1-3"}

// TestEnergyOfNodesHasItsDerivatives: ∂F/∂z, ∂F/∂e and ∂F/∂θ against central differences of F, and J of the output space against
// differences of ŷ, with precisions and with units dropped.
func TestEnergyOfNodesHasItsDerivatives(t *testing.T) {
	const rows = 2
	for _, text := range nodeArchs {
		for _, place := range []nn.Place{nn.After, nn.Before} {
			net := nodes(t, text, nn.Tanh, place)
			L := net.L()
			pi := make([]float64, L)
			for l := range pi {
				pi[l] = 1 + float64(l)/2
			}
			state := (&PC[float64]{Net: net, Precision: pi}).NewState(rows)
			rng := rand.New(rand.NewPCG(9, uint64(place)))
			state.Trace.Draw(4)
			state.Clamp(0, check.Random[float64](rng, rows, net.Inputs()))
			state.Clamp(L, check.Random[float64](rng, rows, net.Outputs()))
			point := check.Random[float64](rng, rows, state.Dim())
			for name, c := range map[string]interface {
				Eval(f []float64, grad, z tensor.Matrix[float64])
			}{"activities": state.Activities(), "errors": state.Errors()} {
				f, grad := make([]float64, rows), tensor.New[float64](rows, state.Dim())
				value := func() float64 {
					c.Eval(f, tensor.Matrix[float64]{}, point)
					return f[0] + f[1]
				}
				c.Eval(f, grad, point)
				dtheta := make([]float64, len(net.Theta()))
				state.Gradient(dtheta)
				for i := range rows {
					want := check.Gradient(value, point.Row(i))
					if e := check.RelError(grad.Row(i), want); !(e <= 1e-7) { // fdTol, and the curvature of attention and normalisation
						t.Errorf("%s, %v, %s: gradient of sample %d is off by %g", text, place, name, i, e)
					}
				}
				if name == "errors" { // there θ moves z too
					continue
				}
				theta := append([]float64(nil), net.Theta()...)
				want := check.Gradient(func() float64 {
					net.Update(func(own []float64) { copy(own, theta) })
					return value()
				}, theta)
				net.Update(func(own []float64) { copy(own, theta) })
				if e := check.RelError(dtheta, want); !(e <= 1e-7) {
					t.Errorf("%s, %v: weight gradient is off by %g", text, place, e)
				}
			}
			checkJacobian(t, state, point)
		}
	}
}

// checkJacobian compares J v with differences of ŷ(e), and Jᵀ with J.
func checkJacobian(t *testing.T, state *State[float64], e tensor.Matrix[float64]) {
	t.Helper()
	x, rng := state.Errors(), rand.New(rand.NewPCG(10, 0))
	f, rows, n := make([]float64, e.Rows), e.Rows, state.net.Outputs()
	v, u := check.Random[float64](rng, rows, e.Cols), check.Random[float64](rng, rows, n)
	yhat := func(h float64) tensor.Matrix[float64] {
		p := check.Clone(e)
		for i := range rows {
			tensor.Axpy(p.Row(i), h, v.Row(i))
		}
		x.Eval(f, tensor.Matrix[float64]{}, p)
		return check.Clone(state.yhat)
	}
	up, down := yhat(check.Step), yhat(-check.Step)
	yhat(0)
	jv, ju := tensor.New[float64](rows, n), tensor.New[float64](rows, e.Cols)
	x.Push(jv, v)
	x.Pull(ju, u)
	for i := range up.Data {
		up.Data[i] = (up.Data[i] - down.Data[i]) / (2 * check.Step)
	}
	if e := check.RelError(jv.Data, up.Data); !(e <= 1e-7) {
		t.Errorf("J v is off by %g", e)
	}
	a, b := 0.0, 0.0
	for i := range rows {
		a, b = a+tensor.Dot(u.Row(i), jv.Row(i)), b+tensor.Dot(ju.Row(i), v.Row(i))
	}
	if !check.Close(a, b, 1e-12) {
		t.Errorf("⟨u, Jv⟩ = %v, ⟨Jᵀu, v⟩ = %v", a, b)
	}
}

// TestEnergyOfNodesAgreesWithReference vectors (nn/testdata/layers.py) at activities that are given.
func TestEnergyOfNodesAgreesWithReference(t *testing.T) {
	text, err := os.ReadFile("../nn/testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Network struct {
			Arch             string
			Precision, Theta []float64
			X, Y, Z          [][]float64
			At               struct {
				F      float64
				DZ     [][]float64 `json:"dF_dz"`
				DTheta []float64   `json:"dF_dtheta"`
			} `json:"at_z"`
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
	net, err := nn.Build[float64](a)
	if err != nil {
		t.Fatal(err)
	}
	net.Update(func(theta []float64) { copy(theta, c.Theta) })
	state := (&PC[float64]{Net: net, Precision: c.Precision}).NewState(len(c.X))
	state.Clamp(0, tensor.Of(1, len(c.X[0]), c.X[0]))
	state.Clamp(net.L(), tensor.Of(1, len(c.Y[0]), c.Y[0]))
	f, grad, dtheta := make([]float64, 1), tensor.New[float64](1, state.Dim()), make([]float64, len(c.Theta))
	state.Activities().Eval(f, grad, tensor.Of(1, state.Dim(), c.Z[0]))
	state.Gradient(dtheta)
	if e := math.Abs(f[0]/c.At.F - 1); !(e <= 1e-13) {
		t.Errorf("F is off by %g", e)
	}
	if e := check.RelError(grad.Data, c.At.DZ[0]); !(e <= 1e-12) {
		t.Errorf("∂F/∂z is off by %g", e)
	}
	if e := check.RelError(dtheta, c.At.DTheta); !(e <= 1e-12) {
		t.Errorf("∂F/∂θ is off by %g", e)
	}
}
