package nn

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseArch(t *testing.T) {
	conv := Step{Kind: Conv, N: 32, Kernel: Kernel{3, 1, 1}}
	for s, want := range map[string]Arch{
		"784-300-10": {Dims: []int{784, 300, 10}},
		"5x3-2":      {Dims: []int{5, 5, 5, 2}},
		"1x28x28-conv32k3p1:maxpool2-10": {Dims: []int{784, 32 * 14 * 14, 10}, Input: Image{1, 28, 28},
			Nodes: []Node{{conv, {Kind: Max, Kernel: Kernel{2, 2, 0}}}, {{Kind: Full, N: 10}}}},
		"3x8x8-conv32k3p1x2-avgpool3s2-drop0.25:7": {Dims: []int{192, 2048, 2048, 32 * 9, 7}, Input: Image{3, 8, 8},
			Nodes: []Node{{conv}, {conv}, {{Kind: Avg, Kernel: Kernel{3, 2, 0}}}, {{Kind: Drop, Rate: 0.25}, {Kind: Full, N: 7}}}},
		"1x4x4-conv6k2s2-norm:attn-attn3-2": {Dims: []int{16, 24, 24, 24, 2}, Input: Image{1, 4, 4},
			Nodes: []Node{{{Kind: Conv, N: 6, Kernel: Kernel{2, 2, 0}}}, {{Kind: Norm}, {Kind: Attn}}, {{Kind: Attn, N: 3}}, {{Kind: Full, N: 2}}}},
		"12-norm:8-2": {Dims: []int{12, 8, 2}, Nodes: []Node{{{Kind: Norm}, {Kind: Full, N: 8}}, {{Kind: Full, N: 2}}}},
		"4-4-4-norm-2": {Dims: []int{4, 4, 4, 4, 2}, // no run of three: the first number is the input
			Nodes: []Node{{{Kind: Full, N: 4}}, {{Kind: Full, N: 4}}, {{Kind: Norm}}, {{Kind: Full, N: 2}}}},
		"12-drop0.00001:2": {Dims: []int{12, 2}, Nodes: []Node{{{Kind: Drop, Rate: 1e-5}, {Kind: Full, N: 2}}}},
	} {
		got, err := ParseArch(s)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %+v (%v), want %+v", s, got, err, want)
		}
		again, err := ParseArch(got.DimString())
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%q is written %q and read as %+v (%v)", s, got.DimString(), again, err)
		}
	}
}

func TestParseArchRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"784-ten-10":                      `"ten" in node "ten": want N units, convNkK`,
		"784-0-10":                        `width "0"`,
		"784-0:norm-10":                   `"0" in node "0:norm"`,
		"1x0x28-10":                       `input "1x0x28": want CHANNELSxHEIGHTxWIDTH`,
		"1x28xa-10":                       `input "1x28xa"`,
		"ax-conv3k1":                      `input "ax": want a number of units`,
		"1x28x28":                         `"" in node ""`,
		"1x28x28-conv32":                  `"conv32" in node "conv32": want N units`,
		"1x28x28-conv32k3q1":              `"conv32k3q1"`,
		"1x28x28-conv32k3p1s2":            `"conv32k3p1s2"`,
		"1x28x28-conv0k3":                 "want channels, a kernel and a stride from 1",
		"1x28x28-conv2k3s0":               "want channels, a kernel and a stride from 1",
		"1x28x28-conv2k3p3":               "a padding below the kernel",
		"1x2x2-conv2k3-2":                 "an image of 1x2x2: want one that has room for 3×3 pixels",
		"1x28x28-maxpool2:maxpool20-10":   "an image of 1x14x14: want one that has room for 20×20",
		"1x28x28-maxpool0-10":             "want a window and a stride from 1",
		"1x28x28-drop1-10":                "want a rate from 0 to below 1",
		"1x28x28-dropx-10":                `repeat "dropx"`,
		"1x28x28-drop-10":                 `"drop" in node`,
		"1x28x28-normal-10":               `"normal"`,
		"784-attn-10":                     "want an image of 2 to 16384 pixels",
		"1x128x128-attn16777216-10":       "attention of 16384 tokens with a head of 16777216 keeps 1.1e+12 numbers a sample: want at most 2147483648",
		"1x28x28-conv2k3x0-10":            `repeat "conv2k3x0"`,
		"1x28x28-norm:-10":                `"" in node "norm:"`,
		"1x1x1-normx10000-1":              "more than 10000 layers",
		"1x60000x60000-10":                `input "1x60000x60000"`,
		"1x28x28-conv9999999k3-10":        "a result of 9999999x26x26: want 1 to",
		"1x28x28-conv99999999999999999k3": `"conv99999999999999999k3"`,
		"3x32x32-conv1000k3p1-10000":      "weights: want at most",
	} {
		a, err := ParseArch(s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "arch") {
			t.Errorf("%q: error %v, want one with %s", s, err, want)
		}
		if err != nil && a.Dims != nil {
			t.Errorf("%q: %+v beside an error", s, a)
		}
	}
}

// what names the layers of which a layer is composed.
func what(l Layer[float64]) string {
	switch l := l.(type) {
	case *Seq[float64]:
		var parts []string
		for _, x := range l.layers {
			parts = append(parts, what(x))
		}
		return strings.Join(parts, " ")
	case Residual[float64]:
		return "z+[" + what(l.Layer) + "]"
	case *Dense[float64]:
		return fmt.Sprintf("dense(%v,%v)", l.act, l.place)
	case Act[float64]:
		return l.act.String()
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprintf("%T", l), "*nn."), "[")
	return strings.TrimPrefix(name, "nn.")
}

// built names the steps of each layer.
func built(t *testing.T, a Arch) []string {
	t.Helper()
	layers, err := LayersOf[float64](a)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range layers {
		names = append(names, what(l))
	}
	return names
}

// TestBuildPlacesActivations: L−1 of them between L products, and a skip where shapes agree.
func TestBuildPlacesActivations(t *testing.T) {
	const s = "2x4x4-conv4k3p1:maxpool2-conv4k3p1-norm:conv4k3p1:norm-attn-8:norm-3"
	for _, c := range []struct {
		a    Arch
		want []string
	}{
		{Arch{Act: Tanh}, []string{"Conv2D tanh MaxPool", "Conv2D tanh", "LayerNorm Conv2D LayerNorm tanh", "Attention", "dense(linear,after) LayerNorm tanh", "dense(linear,after)"}},
		{Arch{Act: Tanh, Place: Before}, []string{"Conv2D MaxPool", "tanh Conv2D", "LayerNorm tanh Conv2D LayerNorm", "Attention", "tanh dense(linear,after) LayerNorm", "dense(tanh,before)"}},
		{Arch{Act: Tanh, Residual: true}, []string{"Conv2D tanh MaxPool", "z+[Conv2D tanh]", "z+[LayerNorm Conv2D LayerNorm tanh]", "z+[Attention]", "dense(linear,after) LayerNorm tanh", "dense(linear,after)"}},
	} {
		a, err := ParseArch(s)
		if err != nil {
			t.Fatal(err)
		}
		a.Act, a.Place, a.Residual = c.a.Act, c.a.Place, c.a.Residual
		if got := built(t, a); !slices.Equal(got, c.want) {
			t.Errorf("%v, residual %v: %q, want %q", a.Place, a.Residual, got, c.want)
		}
	}
}

// TestBuildActivatesBetweenWeightsOnly: what has no weights does not make the layer beside it a hidden one.
func TestBuildActivatesBetweenWeightsOnly(t *testing.T) {
	for _, c := range []struct {
		s             string
		after, before []string
	}{
		{"2x4x4-conv4k3-conv3k1-avgpool2", []string{"Conv2D tanh", "Conv2D", "AvgPool"}, []string{"Conv2D", "tanh Conv2D", "AvgPool"}},
		{"6-5-4-drop0.1", []string{"dense(tanh,after)", "dense(linear,after)", "Dropout"}, []string{"dense(linear,before)", "dense(tanh,before)", "Dropout"}},
		{"6-5-4-norm", []string{"dense(tanh,after)", "dense(linear,after)", "LayerNorm"}, []string{"dense(linear,before)", "dense(tanh,before)", "LayerNorm"}},
		{"6-5-4:norm-drop0.1", []string{"dense(tanh,after)", "dense(linear,after) LayerNorm", "Dropout"}, []string{"dense(linear,before)", "tanh dense(linear,after) LayerNorm", "Dropout"}},
		{"6-norm-5-4", []string{"LayerNorm", "dense(tanh,after)", "dense(linear,after)"}, []string{"LayerNorm", "dense(linear,before)", "dense(tanh,before)"}},
		{"2x4x4-maxpool2-drop0.1-conv3k1-4", []string{"MaxPool", "Dropout", "Conv2D tanh", "dense(linear,after)"}, []string{"MaxPool", "Dropout", "Conv2D", "dense(tanh,before)"}},
		{"6-5:drop0.1-7:4:norm-3", []string{"dense(linear,after) tanh Dropout", "dense(linear,after) tanh dense(linear,after) LayerNorm tanh", "dense(linear,after)"},
			[]string{"dense(linear,after) Dropout", "tanh dense(linear,after) tanh dense(linear,after) LayerNorm", "dense(tanh,before)"}},
		// Attention has weights, though no activation of its own.
		{"2x2x2-conv3k1-attn", []string{"Conv2D tanh", "Attention"}, []string{"Conv2D", "Attention"}},
		{"2x2x2-conv3k1:attn", []string{"Conv2D tanh Attention"}, []string{"Conv2D Attention"}},
		{"2x2x2-attn-4", []string{"Attention", "dense(linear,after)"}, []string{"Attention", "dense(tanh,before)"}},
	} {
		for place, want := range map[Place][]string{After: c.after, Before: c.before} {
			a, err := ParseArch(c.s)
			if err != nil {
				t.Fatal(err)
			}
			a.Act, a.Place = Tanh, place
			if got := built(t, a); !slices.Equal(got, want) {
				t.Errorf("%s, %v: %q, want %q", c.s, place, got, want)
			}
		}
	}
}

// TestSeqNamesItsParameters apart from each other.
func TestSeqNamesItsParameters(t *testing.T) {
	a, err := ParseArch("1x4x4-conv2k3:norm:3:norm:2-1")
	if err != nil {
		t.Fatal(err)
	}
	a.Bias = true
	layers, err := LayersOf[float32](a)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range layers[0].Params() {
		names = append(names, p.Name)
	}
	if got, want := strings.Join(names, " "), "W b gain shift W2 b2 gain2 shift2 W3 b3"; got != want {
		t.Errorf("parameters %q, want %q", got, want)
	}
}

// TestConvolutionsAreDrawnByTheirFans, gains are 1 and shifts 0.
func TestConvolutionsAreDrawnByTheirFans(t *testing.T) {
	a, err := ParseArch("4x9x9-conv40k3:norm-2")
	if err != nil {
		t.Fatal(err)
	}
	for k, variance := range map[Init]float64{{Kind: He}: 2.0 / 36, {Kind: FanIn}: 1.0 / 36 / 3, {Kind: Xavier}: 2.0 / (36 + 360), {Kind: Orthogonal}: 1.0 / 40} {
		n, err := Build[float64](a)
		if err != nil {
			t.Fatal(err)
		}
		Initialize(n, k, 3)
		const size = 40 * 36
		w := n.Of(1, n.Theta())[:size]
		// Six standard errors of the variance of 1440 normal numbers.
		if _, v, _, _ := moments(w); !(v/variance > 1-6*0.037 && v/variance < 1+6*0.037) {
			t.Errorf("%v: variance %v of a convolution's weights, want %v", k, v, variance)
		}
		for j, v := range n.Of(1, n.Theta())[size : size+80] {
			if want := float64(1 - j/40); v != want {
				t.Errorf("%v: gain or shift %d starts at %v, want %v", k, j, v, want)
			}
		}
	}
}

func FuzzParseArch(f *testing.F) {
	for _, s := range []string{"784-128x9-10", "1x28x28-conv32k3p1:maxpool2-conv64k3s2p1x3-10", "3x4x4-norm:attn5x2-drop0.5:7-avgpool1s1", "12-norm:8-2", "4-4-4-norm-2", "12-drop0.00001:2", "x", "1x1x1-conv1k1x9999-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseArch(s)
		if err != nil {
			return
		}
		again, err := ParseArch(a.DimString())
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("%q: %+v, written %q, read as %+v (%v)", s, a, a.DimString(), again, err)
		}
		layers, err := LayersOf[float32](a)
		if err != nil || len(layers) != len(a.Dims)-1 {
			t.Fatalf("%q: %d layers (%v) for widths %v", s, len(layers), err, a.Dims)
		}
		for l, x := range layers {
			if in, out := x.Dims(); in != a.Dims[l] || out != a.Dims[l+1] {
				t.Fatalf("%q: layer %d from %d to %d units, want %d and %d", s, l+1, in, out, a.Dims[l], a.Dims[l+1])
			}
		}
	})
}
