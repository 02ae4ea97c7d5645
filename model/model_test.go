package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/safetensors"
	"github.com/settle-pc/settle/tensor"
)

// meta describes a network of 6 inputs, images of 2×3.
func meta(bias bool) Meta {
	return Meta{Arch: nn.Arch{Dims: []int{6, 5, 5, 5, 2}, Act: nn.GELU, Place: nn.Before, Bias: bias},
		Data: "some digits", Rows: 2, Cols: 3, Mean: 0.1307, Std: 0.3081}
}

func build[T tensor.Float](t testing.TB, m Meta) *nn.Network[T] {
	t.Helper()
	net, err := nn.Build[T](m.Arch)
	if err != nil {
		t.Fatal(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 4)
	return net
}

// file saves a network and reads the file back, to be edited.
func file[T tensor.Float](t testing.TB, net *nn.Network[T], m Meta) *safetensors.File {
	t.Helper()
	var b bytes.Buffer
	if err := Save(&b, net, m); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// load writes f and loads it as a model.
func load[T tensor.Float](t testing.TB, f *safetensors.File) (*File, *nn.Network[T], error) {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	m, err := Load(&b)
	if err != nil {
		return nil, nil, err
	}
	net, err := Network[T](m)
	return m, net, err
}

func TestRoundTripIsExact(t *testing.T) {
	t.Run("float32", roundTrip[float32])
	t.Run("float64", roundTrip[float64])
}

func roundTrip[T tensor.Float](t *testing.T) {
	for _, bias := range []bool{false, true} {
		net := build[T](t, meta(bias))
		net.Update(func(theta []T) {
			theta[0], theta[1], theta[2] = T(math.Copysign(0, -1)), T(math.SmallestNonzeroFloat32), -T(math.MaxFloat32)
		})
		m, back, err := load[T](t, file(t, net, meta(bias)))
		if err != nil {
			t.Fatal(err)
		}
		if want := meta(bias); !slices.Equal(m.Arch.Dims, want.Arch.Dims) || m.Arch.Act != want.Arch.Act || m.Arch.Place != want.Arch.Place ||
			m.Arch.Bias != bias || m.Data != want.Data || m.Rows != want.Rows || m.Cols != want.Cols || m.Mean != want.Mean || m.Std != want.Std {
			t.Errorf("bias %v: described as %+v, want %+v", bias, m.Meta, want)
		}
		if !check.SameBits(back.Theta(), net.Theta()) || Sum(back) != Sum(net) {
			t.Errorf("bias %v: other weights", bias)
		}
	}
}

// TestNodesRoundTrip: the parameters of a network of nodes have names of their own, and come back with the description.
func TestNodesRoundTrip(t *testing.T) {
	m := meta(true)
	var err error
	if m.Arch, err = nn.ParseArch("1x2x3-conv4k2p1:norm:maxpool2-drop0.25:conv4k1-attn3-conv2k1:norm:3:norm-2"); err != nil {
		t.Fatal(err)
	}
	m.Arch.Act, m.Arch.Bias, m.Arch.Residual = nn.SiLU, true, true
	net := build[float32](t, m)
	f := file(t, net, m)
	var names []string
	for _, x := range f.Tensors {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	const want = "layers.1.W layers.1.b layers.1.gain layers.1.shift layers.2.W layers.2.b layers.3.Wk layers.3.Wo layers.3.Wq layers.3.Wv " +
		"layers.4.W layers.4.W2 layers.4.b layers.4.b2 layers.4.gain layers.4.gain2 layers.4.shift layers.4.shift2 layers.5.W layers.5.b"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("tensors %s, want %s", got, want)
	}
	back, again, err := load[float32](t, f)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.Arch, m.Arch) || !check.SameBits(again.Theta(), net.Theta()) {
		t.Errorf("described as %+v, want %+v; same weights: %v", back.Arch, m.Arch, check.SameBits(again.Theta(), net.Theta()))
	}
}

// TestChannelsAreKept: one channel leaves no trace in a file, as before there were others.
func TestChannelsAreKept(t *testing.T) {
	for _, c := range []struct {
		rows, cols, channels int
		key                  string
	}{{2, 3, 0, ""}, {2, 3, 1, ""}, {1, 2, 3, "3"}, {1, 3, 2, "2"}} {
		m := meta(true)
		m.Rows, m.Cols, m.Channels = c.rows, c.cols, c.channels
		f := file(t, build[float32](t, m), m)
		if key, there := f.Metadata["channels"]; key != c.key || there != (c.key != "") {
			t.Errorf("%+v: metadata channels %q", c, key)
		}
		back, _, err := load[float32](t, f)
		if err != nil {
			t.Error(err)
			continue
		}
		if back.Rows != c.rows || back.Cols != c.cols || back.Channels != max(1, c.channels) {
			t.Errorf("%+v: described as %d×%d×%d", c, back.Rows, back.Cols, back.Channels)
		}
	}
}

// TestBothNetworksAreKept: under names of their own, in a file that is read for the first alone as one without the second.
func TestBothNetworksAreKept(t *testing.T) {
	for _, second := range []string{Amortiser, Down} {
		m := meta(true)
		m.Second, m.Generates = second, second == Amortiser
		if m.Generates {
			m.Arch = Mirror(m.Arch)
		}
		net, other := build[float32](t, m), build[float32](t, Meta{Arch: Mirror(m.Arch)})
		var b bytes.Buffer
		if err := SaveBoth(&b, net, other, m); err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		back, again, err := load[float32](t, f)
		if err != nil {
			t.Fatal(err)
		}
		turned, err := Second[float32](back)
		if err != nil {
			t.Fatal(err)
		}
		if back.Meta.Second != second || Sum(again) != Sum(net) || Sum(turned) != Sum(other) || Sum(again, turned) != Sum(net, other) || Sum(net, other) == Sum(net) {
			t.Errorf("%s: described as %+v, or other weights", second, back.Meta)
		}
		if _, ok := f.Tensor(second + ".layers.4.b"); !ok {
			t.Errorf("%s: its tensors are not under its name", second)
		}
		f.Tensors = slices.DeleteFunc(f.Tensors, func(x safetensors.Tensor) bool { return x.Name == second+".layers.2.W" })
		if back, _, err = load[float32](t, f); err != nil {
			t.Errorf("%s: the first network needs the second's weights: %v", second, err)
		} else if _, err := Second[float32](back); err == nil || !strings.Contains(err.Error(), "tensor "+second+".layers.2.W is missing") {
			t.Errorf("%s: error %v", second, err)
		}
		for key, v := range map[string]string{"second": "third", "generates": strconv.FormatBool(!m.Generates), "arch": "1x2x3-conv4k1-2"} {
			bad := maps.Clone(f.Metadata)
			bad[key] = v
			if _, err := ParseMeta(bad); err == nil || !strings.Contains(err.Error(), "metadata second") {
				t.Errorf("%s, %s %q: error %v", second, key, v, err)
			}
		}
	}
	alone, _, err := load[float32](t, file(t, build[float32](t, meta(true)), meta(true)))
	if err != nil {
		t.Fatal(err)
	}
	if net, err := Second[float32](alone); net != nil || err != nil {
		t.Errorf("a second network where there is none, %v", err)
	}
}

// TestChannelUnitsAreKept: each value is normalised by its channel's and comes back.
func TestChannelUnitsAreKept(t *testing.T) {
	m := meta(false)
	m.Rows, m.Cols, m.Channels, m.ByChannel = 1, 2, 3, []Unit{{0.1, 0.5}, {0.4, 0.25}, {0.7, 2}}
	f := file(t, build[float32](t, m), m)
	back, _, err := load[float32](t, f)
	if err != nil || !slices.Equal(back.ByChannel, m.ByChannel) {
		t.Fatalf("described as %+v; %v", back, err)
	}
	for k, want := range []float64{1.6, 2, 0.1, 1.6, 2, 0.1} { // of an intensity of 0.9
		if got := back.Normal(k, 0.9); !check.Close(got, want, 1e-14) || !check.Close(back.Intensity(k, got), 0.9, 1e-14) {
			t.Errorf("value %d: %v, back %v; want %v, 0.9", k, got, back.Intensity(k, got), want)
		}
	}
	if plain := meta(false); !check.Close(plain.Normal(5, 0.9), (0.9-0.1307)/0.3081, 1e-14) {
		t.Errorf("without units of its own: %v", plain.Normal(5, 0.9))
	}
	for key, values := range map[string][]string{"channel_mean": {"", "1,2", "1,2,x"}, "channel_std": {"1,1,0", "1"}} {
		for _, v := range values {
			bad := maps.Clone(f.Metadata)
			bad[key] = v
			if _, err := ParseMeta(bad); err == nil || !strings.Contains(err.Error(), key+" ") || !strings.Contains(err.Error(), "want 3 finite numbers") {
				t.Errorf("%s %q: error %v", key, v, err)
			}
		}
	}
}

// TestTargetsAreKept: what the outputs are comes back; labels leave no trace in a file.
func TestTargetsAreKept(t *testing.T) {
	units := []Unit{{0.1, 0.3}, {4, 1e-3}, {-2.5, 7}, {0, 1. / 3}}
	for _, c := range []struct {
		target string
		dims   []int
		units  []Unit
	}{{"", []int{6, 4}, nil}, {"pixels", []int{6, 3, 6}, nil}, {"moments", []int{6, 4}, units}} {
		m := meta(false)
		m.Arch.Dims, m.Target, m.Units = c.dims, c.target, c.units
		f := file(t, build[float32](t, m), m)
		if _, there := f.Metadata["target"]; there != (c.target != "") {
			t.Errorf("%q: metadata %v", c.target, f.Metadata)
		}
		back, _, err := load[float32](t, f)
		if err != nil {
			t.Error(err)
			continue
		}
		if back.Target != c.target || !slices.Equal(back.Units, c.units) {
			t.Errorf("%q: described as %q with %v", c.target, back.Target, back.Units)
		}
		for key, values := range map[string][]string{"target": {"faces", "pixels"}, "target_mean": {"", "1,2", "1,2,3,x", "1,2,3,NaN"}, "target_std": {"1,1,1,0", "1,1,1,Inf", "1,1"}} {
			for _, v := range values {
				if c.target != "moments" {
					continue
				}
				bad := maps.Clone(f.Metadata)
				bad[key] = v
				if _, err := ParseMeta(bad); err == nil || !strings.Contains(err.Error(), "model: metadata "+key) && !strings.Contains(err.Error(), key+" ") {
					t.Errorf("%s %q: error %v", key, v, err)
				}
			}
		}
	}
}

// The packs that the kernels use are those of the loaded weights.
func TestLoadedNetworkPredictsTheSame(t *testing.T) {
	net := build[float64](t, meta(true))
	_, back, err := load[float64](t, file(t, net, meta(true)))
	if err != nil {
		t.Fatal(err)
	}
	predict := func(n *nn.Network[float64]) []float64 {
		tr := nn.NewTrace(n, 1)
		tr.Z[0] = tensor.Of(1, 6, []float64{1, -2, 3, 0.5, 0, -1})
		tr.Feedforward()
		return tr.Z[n.L()].Row(0)
	}
	if a, b := predict(net), predict(back); !check.SameBits(a, b) {
		t.Errorf("predicts %v, then %v", a, b)
	}
}

func TestElementTypesConvert(t *testing.T) {
	single, double := build[float32](t, meta(true)), build[float64](t, meta(true))
	_, widened, err := load[float64](t, file(t, single, meta(true)))
	if err != nil {
		t.Fatal(err)
	}
	_, rounded, err := load[float32](t, file(t, double, meta(true)))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range single.Theta() {
		if widened.Theta()[i] != float64(v) {
			t.Fatalf("float32 %v became %v", v, widened.Theta()[i])
		}
		if rounded.Theta()[i] != float32(double.Theta()[i]) {
			t.Fatalf("float64 %v became %v", double.Theta()[i], rounded.Theta()[i])
		}
	}
	double.Update(func(theta []float64) { theta[7] = 1e300 })
	if _, _, err := load[float32](t, file(t, double, meta(true))); err == nil || !strings.Contains(err.Error(), "layers.1.W") {
		t.Errorf("1e300 as float32: error %v", err)
	}
	if _, _, err := load[float64](t, file(t, double, meta(true))); err != nil {
		t.Error(err)
	}
}

// faults change the metadata of a good file; the message names the second word.
var faults = []struct{ key, value, want string }{
	{"format", "settle-model/2", `format "settle-model/2"`}, {"format", "-", `format ""`},
	{"arch", "6-0-2", "arch"}, {"arch", "-", "arch"}, {"arch", "6", "arch"}, {"arch", "6-5x3-2x", "arch"},
	{"arch", "6-5x2-2", "layers.3.W"}, {"arch", "6-4x3-2", "layers.1.W"}, {"arch", "6-5x3-3", "layers.4.W"},
	{"arch", "7-5x3-2", "rows 2, cols 3: want"}, {"arch", "6-30000x2-2", "layers.1.W"},
	{"act", "wobble", `"wobble"`}, {"act", "-", `""`},
	{"place", "beside", `"beside"`}, {"place", "-", `""`},
	{"bias", "perhaps", "bias"}, {"bias", "-", "bias"}, {"bias", "false", "layer tensors"},
	{"rows", "2.5", "rows"}, {"rows", "-", "rows"}, {"rows", "3", "rows 3, cols 3"}, {"rows", "-2", "rows -2"}, {"rows", "0", "rows 0"},
	{"cols", "x", "cols"}, {"cols", "-3", "cols -3"},
	{"channels", "x", "metadata channels \"x\": want a whole number"}, {"channels", "0", "rows 2, cols 3, channels 0: want"},
	{"channels", "3", "rows 2, cols 3, channels 3: want"}, {"channels", "-1", "channels -1"},
	{"mean", "x", "mean"}, {"mean", "NaN", "mean NaN"}, {"mean", "Inf", "mean +Inf"}, {"mean", "-", "mean"},
	{"std", "0", "std 0"}, {"std", "-1", "std -1"}, {"std", "NaN", "std NaN"}, {"std", "+Inf", "std +Inf"}, {"std", "-", "std"}, {"std", "1e999", "std"},
}

func TestFaultyMetadataIsRefused(t *testing.T) {
	net := build[float32](t, meta(true))
	for _, c := range faults {
		f := file(t, net, meta(true))
		if f.Metadata[c.key] = c.value; c.value == "-" {
			delete(f.Metadata, c.key)
		}
		if _, _, err := load[float32](t, f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %q: error %v: want one with %q", c.key, c.value, err, c.want)
		}
	}
	// Both are negative, and their product is right.
	f := file(t, net, meta(true))
	f.Metadata["rows"], f.Metadata["cols"] = "-2", "-3"
	if _, _, err := load[float32](t, f); err == nil {
		t.Error("images of -2×-3 were accepted")
	}
}

func TestEveryFaultIsReported(t *testing.T) {
	bad := map[string]string{"format": Format, "arch": "x", "act": "x", "place": "x", "bias": "x", "rows": "x", "cols": "x", "mean": "x", "std": "x"}
	_, err := ParseMeta(bad)
	delete(bad, "format") // which is good
	for _, key := range slices.Sorted(maps.Keys(bad)) {
		if err == nil || !strings.Contains(err.Error(), "metadata "+key) {
			t.Errorf("%s is missing in: %v", key, err)
		}
	}
}

// at returns the tensor of that name, to be changed.
func at(f *safetensors.File, name string) *safetensors.Tensor {
	return &f.Tensors[slices.IndexFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })]
}

func TestTensorsMustBeThoseOfTheArchitecture(t *testing.T) {
	net := build[float32](t, meta(true))
	for name, c := range map[string]struct {
		change func(*safetensors.File)
		want   string
	}{
		"missing weights": {func(f *safetensors.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == "layers.2.W" })
		}, "tensor layers.2.W is missing"},
		"missing bias": {func(f *safetensors.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == "layers.4.b" })
		}, "tensor layers.4.b is missing"},
		"one layer more": {func(f *safetensors.File) {
			f.Tensors = append(f.Tensors, safetensors.FromFloats("layers.5.W", []int{1, 2}, []float32{1, 2}))
		}, "9 layer tensors: the architecture in the metadata has 8"},
		"renamed":       {func(f *safetensors.File) { at(f, "layers.1.W").Name = "layers.01.W" }, "tensor layers.1.W is missing"},
		"transposed":    {func(f *safetensors.File) { at(f, "layers.1.W").Shape = []int{6, 5} }, "tensor layers.1.W: shape [6 5]"},
		"flat":          {func(f *safetensors.File) { at(f, "layers.1.W").Shape = []int{30} }, "tensor layers.1.W: shape [30]"},
		"bias as a row": {func(f *safetensors.File) { at(f, "layers.1.b").Shape = []int{1, 5} }, "tensor layers.1.b: shape [1 5]"},
		"integers":      {func(f *safetensors.File) { at(f, "layers.1.W").DType = safetensors.I32 }, "element type I32"},
		"NaN":           {func(f *safetensors.File) { put(at(f, "layers.3.W"), 4, math.NaN()) }, "layers.3.W"},
		"infinity":      {func(f *safetensors.File) { put(at(f, "layers.3.b"), 0, math.Inf(-1)) }, "layers.3.b"},
	} {
		f := file(t, net, meta(true))
		c.change(f)
		if _, _, err := load[float32](t, f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: want one with %q", name, err, c.want)
		}
	}
	// What is no layer's is not the model's business: a checkpoint has more tensors.
	f := file(t, net, meta(true))
	f.Tensors = append(f.Tensors, safetensors.FromFloats("optim.m", []int{2}, []float32{1, 2}))
	if _, _, err := load[float32](t, f); err != nil {
		t.Error(err)
	}
}

// put changes one float32 of a tensor.
func put(t *safetensors.Tensor, i int, v float64) {
	binary.LittleEndian.PutUint32(t.Data[4*i:], math.Float32bits(float32(v)))
}

func TestSetTensorsLeavesTheNetworkAloneOnFaults(t *testing.T) {
	net, other := build[float32](t, meta(true)), build[float32](t, meta(true))
	f := file(t, other, meta(true))
	put(at(f, "layers.4.b"), 1, math.NaN())
	before := slices.Clone(net.Theta())
	if err := SetTensors(net, f); err == nil || !check.SameBits(before, net.Theta()) {
		t.Errorf("error %v, weights changed: %v", err, !check.SameBits(before, net.Theta()))
	}
}

// Sum is the SHA-256 of weights and biases laid out by hand: layer by layer, W row-major, then b, little-endian.
func TestSumIsOfTheBytesOfTheContract(t *testing.T) {
	a := nn.Arch{Dims: []int{2, 3, 1}, Act: nn.Tanh, Bias: true}
	values := []float64{ // W₁ by rows, b₁, W₂, b₂
		0.5, -1.25, 3, 1e-3, -7, 0.1, 1, 2, 3, -0.5, 0.25, 8, 4,
	}
	var raw32, raw64 []byte
	for _, v := range values {
		bits := math.Float32bits(float32(v))
		raw32 = append(raw32, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
		long := math.Float64bits(v)
		for shift := 0; shift < 64; shift += 8 {
			raw64 = append(raw64, byte(long>>shift))
		}
	}
	sum := func(raw []byte) string { s := sha256.Sum256(raw); return hex.EncodeToString(s[:]) }
	net32, err32 := nn.Build[float32](a)
	net64, err64 := nn.Build[float64](a)
	if err := errors.Join(err32, err64); err != nil {
		t.Fatal(err)
	}
	net32.Update(func(theta []float32) {
		for i, v := range values {
			theta[i] = float32(v)
		}
	})
	net64.Update(func(theta []float64) { copy(theta, values) })
	if Sum(net32) != sum(raw32) || Sum(net64) != sum(raw64) {
		t.Errorf("sums %s, %s; want %s, %s", Sum(net32), Sum(net64), sum(raw32), sum(raw64))
	}
	// The file has the same bytes under their names: the layout is what readers of other languages see.
	for _, c := range []struct {
		name   string
		shape  []int
		lo, hi int
	}{{"layers.1.W", []int{3, 2}, 0, 6}, {"layers.1.b", []int{3}, 6, 9}, {"layers.2.W", []int{1, 3}, 9, 12}, {"layers.2.b", []int{1}, 12, 13}} {
		x, ok := (&safetensors.File{Tensors: Tensors(net32)}).Tensor(c.name)
		if !ok || !slices.Equal(x.Shape, c.shape) || !bytes.Equal(x.Data, raw32[4*c.lo:4*c.hi]) {
			t.Errorf("%s: %+v", c.name, x)
		}
	}
}

func TestTensorsShareNoMemory(t *testing.T) {
	net := build[float32](t, meta(false))
	before := Sum(net)
	for _, x := range Tensors(net) {
		clear(x.Data)
	}
	if Sum(net) != before {
		t.Error("the network's weights changed")
	}
}

func TestLoadRefusesWhatIsNoModel(t *testing.T) {
	net := build[float32](t, meta(true))
	var b bytes.Buffer
	if err := Save(&b, net, meta(true)); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	for n := 0; n < len(good); n += 1 + len(good)/61 {
		if _, err := Load(bytes.NewReader(good[:n])); err == nil {
			t.Errorf("accepted the first %d of %d bytes", n, len(good))
		}
	}
	if _, err := Load(strings.NewReader("not a model")); err == nil {
		t.Error("accepted text")
	}
	if err := Save(short{}, net, meta(true)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a failed write gives %v", err)
	}
}

type short struct{}

func (short) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
