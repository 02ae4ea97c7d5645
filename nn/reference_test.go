package nn

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// referenceCase is a composition of layers with what testdata/layers.py, which shares nothing with this package, finds for it.
type referenceCase struct {
	Name    string
	Image   [3]int
	Layers  []map[string]json.RawMessage
	X, U, V [][]float64
	Theta   []float64

	G, Push, Pull [][]float64
	Params        []float64
}

// compose builds the layers of a case.
func compose(t *testing.T, m Image, specs []map[string]json.RawMessage) (Layer[float64], Image) {
	t.Helper()
	var layers []Layer[float64]
	for _, s := range specs {
		read := func(key string, to any) bool {
			if s[key] == nil {
				return false
			}
			if err := json.Unmarshal(s[key], to); err != nil {
				t.Fatal(err)
			}
			return true
		}
		var n [4]int
		var name string
		var bias bool
		var inner []map[string]json.RawMessage
		read("bias", &bias)
		switch {
		case read("conv", &n):
			c := NewConv2D[float64](m, n[0], Kernel{n[1], n[2], n[3]}, bias)
			layers, m = append(layers, c), c.Out()
		case read("avg", &n):
			p := NewAvgPool[float64](m, n[0], n[1])
			layers, m = append(layers, p), p.Out()
		case read("max", &n):
			p := NewMaxPool[float64](m, n[0], n[1])
			layers, m = append(layers, p), p.Out()
		case read("act", &name):
			act, err := ParseActivation(name)
			if err != nil {
				t.Fatal(err)
			}
			layers = append(layers, NewAct[float64](m.Len(), act))
		case s["norm"] != nil:
			layers = append(layers, NewLayerNorm[float64](m.H*m.W, m.C))
		case read("attn", &n[0]):
			layers = append(layers, NewAttention[float64](m.H*m.W, m.C, n[0]))
		case read("dense", &n[0]):
			layers, m = append(layers, NewDense[float64](m.Len(), n[0], Linear, After, true)), Image{n[0], 1, 1}
		case read("residual", &inner):
			l, _ := compose(t, m, inner)
			layers = append(layers, NewResidual(l))
		default:
			t.Fatalf("unknown layer %s", s)
		}
	}
	return NewSeq(layers...), m
}

// TestLayersAgreeWithReference vectors in all four maps.
func TestLayersAgreeWithReference(t *testing.T) {
	text, err := os.ReadFile("testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Layers []referenceCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Layers) != 11 {
		t.Fatalf("%d cases, want 11", len(file.Layers))
	}
	for _, c := range file.Layers {
		l, _ := compose(t, Image{c.Image[0], c.Image[1], c.Image[2]}, c.Layers)
		net := New(l)
		if len(net.Theta()) != len(c.Theta) {
			t.Errorf("%s: %d parameters, want %d", c.Name, len(net.Theta()), len(c.Theta))
			continue
		}
		net.Update(func(theta []float64) { copy(theta, c.Theta) })
		in, out := l.Dims()
		rows := len(c.X)
		x, u, v := matrix(c.X), matrix(c.U), matrix(c.V)
		g, jv, ju, grad := tensor.New[float64](rows, out), tensor.New[float64](rows, out), tensor.New[float64](rows, in), make([]float64, len(c.Theta))
		cache := NewCache[float64](rows, l.Slot())
		l.Forward(g, x, cache)
		l.Push(jv, v, cache)
		l.Pull(ju, u, cache)
		l.PullParams(grad, Span{Hi: l.Units()}, u, x, cache)
		for _, r := range []struct {
			name      string
			got, want []float64
		}{
			{"Forward", g.Data, matrix(c.G).Data}, {"Push", jv.Data, matrix(c.Push).Data}, {"Pull", ju.Data, matrix(c.Pull).Data}, {"PullParams", grad, c.Params},
		} {
			if e := check.RelError(r.got, r.want); !(e <= 1e-13) { // sums of up to 30 products on both sides
				t.Errorf("%s: %s is off by %g", c.Name, r.name, e)
			}
		}
	}
}

func matrix(rows [][]float64) tensor.Matrix[float64] {
	m := tensor.New[float64](len(rows), len(rows[0]))
	for i, r := range rows {
		copy(m.Row(i), r)
	}
	return m
}
