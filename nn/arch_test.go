package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/check"
)

// times is k copies of n.
func times(k, n int) []int { return slices.Repeat([]int{n}, k) }

func TestParseDims(t *testing.T) {
	for _, c := range []struct {
		s    string
		want []int
	}{
		{"784-10", []int{784, 10}},
		{"784-300-300-10", []int{784, 300, 300, 10}},
		{"784-128x9-10", slices.Concat([]int{784}, times(9, 128), []int{10})},
		{"1-1", []int{1, 1}},
		{"3x2", []int{3, 3}},
		{"5x1-2", []int{5, 2}},
		{"4x3-4x2", times(5, 4)},
		{"2-1x9999", slices.Concat([]int{2}, times(9999, 1))},
		{"1x10000", times(10000, 1)},
		{"46340-46340", []int{46340, 46340}}, // just under 2³¹ weights
	} {
		got, err := ParseDims(c.s)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q is read as %v (%v)", c.s, got, err)
		}
	}
}

func TestParseDimsRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":                    `width ""`,
		"784":                 "at least an input and an output",
		"7x1":                 "at least an input and an output",
		"784-":                `width ""`,
		"-784-10":             `width ""`,
		"784--10":             `width ""`,
		"784-0-10":            `width "0"`,
		"784-ten":             `width "ten"`,
		"784- 5-10":           `width " 5"`,
		"784-1.5-10":          `width "1.5"`,
		"784,10":              `width "784,10"`,
		"x3-10":               `width "x3"`,
		"784-0x3-10":          `width "0x3"`,
		"784-128x-10":         `repeat "128x"`,
		"784-128x0-10":        `repeat "128x0"`,
		"784-128x1.5":         `repeat "128x1.5"`,
		"784-128x2x2-10":      `repeat "128x2x2"`,
		"784-128xx2-10":       `repeat "128xx2"`,
		"784-128x10001-10":    `repeat "128x10001"`,
		"1x10000-1":           "more than 10000 layers",
		"1x9000-1x9000-1":     "more than 10000 layers",
		"46341-46341":         "weights: want at most 2147483648",
		"9223372036854775808": `width "9223372036854775808"`,
	} {
		dims, err := ParseDims(s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %s", s, err, want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "arch") {
			t.Errorf("%q: error %q does not name the field", s, err)
		}
		if dims != nil {
			t.Errorf("%q: widths %v beside an error", s, dims)
		}
	}
}

func TestDimString(t *testing.T) {
	for want, dims := range map[string][]int{
		"784-10":         {784, 10},
		"784-128x9-10":   slices.Concat([]int{784}, times(9, 128), []int{10}),
		"784-300-300-10": {784, 300, 300, 10},
		"5x3":            times(3, 5),
		"5x4-2-2-5x3":    {5, 5, 5, 5, 2, 2, 5, 5, 5},
		"1-11-1x3":       {1, 11, 1, 1, 1},
		"":               nil,
	} {
		if got := (Arch{Dims: dims}).DimString(); got != want {
			t.Errorf("%v is written %q, want %q", dims, got, want)
		}
	}
}

func TestDimStringRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for range 2000 {
		dims := make([]int, 2+rng.IntN(12))
		for i := range dims {
			dims[i] = 1 + rng.IntN(3) // few values: many runs
		}
		s := Arch{Dims: dims}.DimString()
		if got, err := ParseDims(s); err != nil || !slices.Equal(got, dims) {
			t.Fatalf("%v is written %q and read as %v (%v)", dims, s, got, err)
		}
	}
}

func FuzzParseDims(f *testing.F) {
	for _, s := range []string{"784-128x9-10", "1-1", "3x3", "+5-007", "x", "5x", "-", "5x2x3", "1x10000-1", "9999999999-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dims, err := ParseDims(s)
		if err != nil {
			return
		}
		if faults := (Arch{Dims: dims}).Validate(); faults != nil {
			t.Fatalf("%q is accepted, but: %v", s, faults)
		}
		short := Arch{Dims: dims}.DimString()
		again, err := ParseDims(short)
		if err != nil || !slices.Equal(again, dims) {
			t.Fatalf("%q: %v, written %q, read as %v (%v)", s, dims, short, again, err)
		}
	})
}

func TestValidateReportsEveryFault(t *testing.T) {
	faults := func(a Arch) []string {
		err := a.Validate()
		if err == nil {
			return nil
		}
		return strings.Split(err.Error(), "\n")
	}
	for _, c := range []struct {
		a    Arch
		want []string
	}{
		{Arch{Dims: []int{3, 2}, Act: HardTanh, Place: Before}, nil},
		{Arch{}, []string{"at least an input"}},
		{Arch{Dims: []int{7}}, []string{"at least an input"}},
		{Arch{Dims: []int{3, 0, -2}}, []string{"width 0 of layer 1", "width -2 of layer 2"}},
		{Arch{Dims: []int{0}, Act: 99, Place: 9}, []string{"at least an input", "width 0 of layer 0", "activation 99", "placement 9"}},
		{Arch{Dims: times(10001, 1)}, []string{"10001 layers"}},
		{Arch{Dims: []int{1 << 40, 1 << 40}, Act: numActivations}, []string{"1.21e+24 weights", "activation 8"}},
		{Arch{Input: Image{1, 2, 2}}, []string{"at least an input", "input 1x2x2: want none"}},
		{Arch{Dims: []int{4, 2}, Input: Image{1, 2, 2}}, []string{"input 1x2x2: want none"}},
		{Arch{Dims: []int{4, 2}, Input: Image{4, 1, 1}}, []string{"input 4x1x1: want none"}},
		{Arch{Input: Image{1, 2, 2}, Nodes: []Node{{{Kind: Full, N: 2}}}}, []string{"at least an input", "widths [] for 1 nodes"}},
		{Arch{Dims: []int{4}, Nodes: []Node{{{Kind: Full, N: 2}}}}, []string{"at least an input", "widths [4] for 1 nodes"}},
		{Arch{Dims: []int{4, 2}, Nodes: []Node{}}, []string{"widths [4 2] for 0 nodes"}},
		{Arch{Dims: []int{4, 2}, Feedback: Fixed}, nil},
		{Arch{Dims: []int{4, 2}, Feedback: 9}, []string{"feedback 9: want one of symmetric, fixed, learned"}},
		{Arch{Dims: []int{4, 2}, Feedback: 9, Param: 9}, []string{"parameterisation 9", "feedback 9"}},
		{Arch{Dims: []int{4, 2}, Feedback: Learned, Param: NTK}, []string{"feedback learned: want symmetric"}},
		{Arch{Dims: []int{4, 2}, Feedback: Fixed, Residual: true}, []string{"feedback fixed: want symmetric"}},
		{Arch{Dims: []int{4, 2}, Nodes: []Node{{{Kind: Full, N: 2}}}, Feedback: Learned, Param: NTK},
			[]string{"parameterisation ntk: want standard", "feedback learned: want symmetric"}},
	} {
		got := faults(c.a)
		ok := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			ok = ok && strings.Contains(got[i], c.want[i])
		}
		if !ok {
			t.Errorf("%v: faults %q, want %q", c.a, got, c.want)
		}
	}
	if n, err := Build[float32](Arch{Dims: []int{3, 0}, Act: 99}); err == nil || n != nil {
		t.Errorf("Build of a faulty description: %v, %v", n, err)
	}
}

// TestBuildPutsActivationsBetweenWeights compares the feedforward pass of whole networks with the formulas, the input
// and the output not activated.
func TestBuildPutsActivationsBetweenWeights(t *testing.T) {
	for _, place := range []Place{After, Before} {
		for _, bias := range []bool{false, true} {
			for _, dims := range [][]int{{3, 2}, {3, 4, 2}, {3, 4, 5, 2}} {
				a := Arch{Dims: dims, Act: Tanh, Place: place, Bias: bias}
				t.Run(fmt.Sprintf("%v/bias=%v/%s", place, bias, a.DimString()), func(t *testing.T) { testBuild(t, a) })
			}
		}
	}
}

func testBuild(t *testing.T, a Arch) {
	n, err := Build[float64](a)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 0))
	n.Update(func(theta []float64) {
		for i := range theta {
			if theta[i] != 0 {
				t.Fatal("a parameter of a new network is not zero")
			}
			theta[i] = rng.NormFloat64()
		}
	})
	x := check.Random[float64](rng, 1, a.Dims[0])
	tr := NewTrace(n, 1)
	tr.Z[0] = x
	tr.Feedforward()

	// z = φ(…φ(x W₁ᵀ + b₁)…) W_Lᵀ + b_L for either placement: an activation between any two weight matrices.
	want, theta, L := x.Row(0), n.Theta(), len(a.Dims)-1
	for l := 1; l <= L; l++ {
		d := NewDense[float64](a.Dims[l-1], a.Dims[l], Linear, After, a.Bias)
		want = dense(d, theta, want, nil)
		for i, v := range want {
			if l < L {
				want[i] = formula(Tanh, v)
			}
		}
		theta = theta[a.Dims[l-1]*a.Dims[l]:]
		if a.Bias {
			theta = theta[a.Dims[l]:]
		}
	}
	if len(theta) != 0 {
		t.Errorf("%d parameters too many", len(theta))
	}
	if e := check.RelError(tr.Z[L].Row(0), want); !(e <= 1e-14) {
		t.Errorf("feedforward %v, want %v", tr.Z[L].Row(0), want)
	}
	// The placement shows in the hidden activities: activated or not.
	first := dense(NewDense[float64](a.Dims[0], a.Dims[1], Linear, After, a.Bias), n.Theta(), x.Row(0), nil)
	if a.Place == After && L > 1 {
		for i, v := range first {
			first[i] = formula(Tanh, v)
		}
	}
	if e := check.RelError(tr.Z[1].Row(0), first); !(e <= 1e-14) {
		t.Errorf("z_1 = %v, want %v", tr.Z[1].Row(0), first)
	}
	for l, layer := range n.Layers {
		linear := a.Place == After && l == L-1 || a.Place == Before && l == 0
		if layer.Affine() != linear {
			t.Errorf("layer %d of %d affine: %v", l+1, L, layer.Affine())
		}
	}
}
