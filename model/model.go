// Package model is a network to and from a file: safetensors with the architecture in the metadata.
//
// Layer l = 1…L holds the tensors layers.l.W (n_l×n_{l−1}, row-major) and, with biases, layers.l.b (n_l), or whatever its
// nn.Param list: a convolution W of out×kernel×kernel×in, a normalisation gain and shift, attention Wq, Wk, Wv, Wo; feedback.l.B beside
// them are feedback weights that were learned. The metadata
// say what is needed to build the network and to feed it: format, arch, act, place, bias, and mean, std, rows, cols,
// data and, if not 1, channels of the set it was trained on, the loss if it was not squared error, the target, with
// target_mean and target_std of its numbers, if it was not the label, channel_mean and channel_std where each channel has its own, and
// the name of a second network, if there is one, under which its tensors are.
package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/safetensors"
	"github.com/settle-pc/settle/tensor"
)

// Format is the value of the metadata key "format".
const Format = "settle-model/1"

// Meta describes the network of a file and the inputs it expects.
type Meta struct {
	Arch       nn.Arch
	Data       string  // name of the training set
	Rows, Cols int     // of its images
	Channels   int     // of a pixel, side by side in the inputs; 0 stands for 1
	Mean, Std  float64 // inputs are (v/255 − Mean)/Std
	ByChannel  []Unit  // Mean and Std of each channel, where they have their own; nil: all alike
	Generates  bool    // the outputs are the image, predicted from causes
	Loss       string  // that it was trained by: cross-entropy and bernoulli, whose outputs are logits, or empty: mse
	Target     string  // what the outputs are: pixels, normalised as the inputs are, moments of the ink, or empty: classes
	Units      []Unit  // of moments
	Second     string  // name of the file's second network: Amortiser, Down, or empty: there is none
}

// Unit says what a standardised output v stands for: Mean + Std·v.
type Unit struct{ Mean, Std float64 }

// File is a model file read into memory.
type File struct {
	Meta
	tensors *safetensors.File
}

// Tensors returns the parameters of net under their names in a file, layer by layer, sharing no memory with it.
func Tensors[T tensor.Float](net *nn.Network[T]) []safetensors.Tensor {
	return TensorsOf("", net)
}

// TensorsOf is Tensors of the second network of that name, whose tensors are named so too: amortiser.layers.1.W.
func TensorsOf[T tensor.Float](second string, net *nn.Network[T]) []safetensors.Tensor {
	var out []safetensors.Tensor
	for l := 1; l <= net.L(); l++ {
		theta := net.Of(l, net.Theta())
		for _, p := range net.Layers[l-1].Params() {
			out = append(out, safetensors.FromFloats(under(second)+tensorName(l, p), p.Shape, theta[:p.Len()]))
			theta = theta[p.Len():]
		}
	}
	return out
}

// tensorName names a parameter of layer l. Learned feedback weights, which no prediction needs, stand apart: a model file with them
// is read as one without.
func tensorName(l int, p nn.Param) string {
	if p.Name == "B" {
		return fmt.Sprintf("feedback.%d.%s", l, p.Name)
	}
	return fmt.Sprintf("%s%d.%s", layerPrefix, l, p.Name)
}

const layerPrefix = "layers."

// Metadata returns m as the metadata of a file.
func (m Meta) Metadata() map[string]string {
	real := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	meta := map[string]string{
		"format": Format, "arch": m.Arch.DimString(), "act": m.Arch.Act.String(), "place": m.Arch.Place.String(),
		"bias": strconv.FormatBool(m.Arch.Bias), "residual": strconv.FormatBool(m.Arch.Residual), "data": m.Data, "rows": strconv.Itoa(m.Rows), "cols": strconv.Itoa(m.Cols),
		"mean": real(m.Mean), "std": real(m.Std),
	}
	if m.Arch.Param != nn.Standard { // files of earlier versions have no such networks
		meta["param"] = m.Arch.Param.String()
	}
	if m.Channels > 1 { // files of earlier versions have one
		meta["channels"] = strconv.Itoa(m.Channels)
	}
	if m.Loss != "" { // files of earlier versions have none
		meta["loss"] = m.Loss
	}
	if m.Generates {
		meta["generates"] = strconv.FormatBool(true)
	}
	if m.Second != "" {
		meta["second"] = m.Second
	}
	if m.Target != "" { // files of earlier versions have none
		meta["target"] = m.Target
	}
	writeUnits(meta, "target", m.Units)
	writeUnits(meta, "channel", m.ByChannel)
	return meta
}

// Save writes net, built from m.Arch, to w.
func Save[T tensor.Float](w io.Writer, net *nn.Network[T], m Meta) error {
	return SaveBoth(w, net, nil, m)
}

// SaveBoth is Save with the network that m.Second names, built from Mirror(m.Arch), or nil.
func SaveBoth[T tensor.Float](w io.Writer, net, second *nn.Network[T], m Meta) error {
	f := &safetensors.File{Metadata: m.Metadata(), Tensors: Tensors(net)}
	if second != nil {
		f.Tensors = append(f.Tensors, TensorsOf(m.Second, second)...)
	}
	return f.Write(w)
}

// Load reads a model file. Whether its tensors fit its architecture is checked by Network.
func Load(r io.Reader) (*File, error) {
	f, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	m, err := ParseMeta(f.Metadata)
	if err != nil {
		return nil, err
	}
	return &File{Meta: m, tensors: f}, nil
}

// ParseMeta reads what Metadata wrote and reports every fault.
func ParseMeta(meta map[string]string) (Meta, error) {
	var m Meta
	var faults []error
	fail := func(err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("model: %w", err))
		}
	}
	if got := meta["format"]; got != Format {
		return m, fmt.Errorf("model: metadata format %q: want %q, as settle train writes it", got, Format)
	}
	var err error
	m.Arch, err = nn.ParseArch(meta["arch"])
	fail(wrap("arch", err))
	m.Arch.Act, err = nn.ParseActivation(meta["act"])
	fail(wrap("act", err))
	m.Arch.Place, err = nn.ParsePlace(meta["place"])
	fail(wrap("place", err))
	m.Arch.Bias, err = strconv.ParseBool(meta["bias"])
	fail(unread(meta, "bias", err, "true or false"))
	if given, ok := meta["residual"]; ok { // files of earlier versions have no such networks
		m.Arch.Residual, err = strconv.ParseBool(given)
		fail(unread(meta, "residual", err, "true or false"))
	}
	if given, ok := meta["param"]; ok {
		m.Arch.Param, err = nn.ParseParameterisation(given)
		fail(wrap("param", err))
	}
	m.Rows, err = strconv.Atoi(meta["rows"])
	fail(unread(meta, "rows", err, "a whole number"))
	m.Cols, err = strconv.Atoi(meta["cols"])
	fail(unread(meta, "cols", err, "a whole number"))
	m.Channels = 1
	if given, ok := meta["channels"]; ok {
		m.Channels, err = strconv.Atoi(given)
		fail(unread(meta, "channels", err, "a whole number"))
	}
	var errs [2]error
	m.Mean, errs[0] = strconv.ParseFloat(meta["mean"], 64)
	fail(unread(meta, "mean", errs[0], "a number"))
	m.Std, errs[1] = strconv.ParseFloat(meta["std"], 64)
	fail(unread(meta, "std", errs[1], "a number"))
	if errs == [2]error{} && (!(m.Std > 0) || math.IsInf(m.Std, 0) || math.IsNaN(m.Mean) || math.IsInf(m.Mean, 0)) {
		fail(fmt.Errorf("mean %v, std %v: want finite numbers, std above 0", m.Mean, m.Std))
	}
	m.Data = meta["data"]
	fail(m.parseTask(meta))
	fail(m.parseChannels(meta))
	if dims := m.Arch.Dims; dims != nil {
		values, at := dims[0], "begins"
		if m.Generates {
			values, at = dims[len(dims)-1], "ends"
		}
		if !m.fits(values) {
			fail(fmt.Errorf("rows %d, cols %d%s: want those of images with the %d values that arch %s with", m.Rows, m.Cols, m.channels(), values, at))
		}
	}
	return m, errors.Join(faults...)
}

// fits reports whether an image has so many values.
func (m Meta) fits(values int) bool {
	if m.Rows < 1 || m.Cols < 1 || m.Channels < 1 || values%m.Rows != 0 || values/m.Rows%m.Cols != 0 {
		return false
	}
	return values/m.Rows/m.Cols == m.Channels
}

// channels names them where there are several.
func (m Meta) channels() string {
	if m.Channels == 1 {
		return ""
	}
	return fmt.Sprintf(", channels %d", m.Channels)
}

func wrap(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("metadata %s: %w", key, err)
}

// unread says of a value that err keeps from being read what is accepted.
func unread(meta map[string]string, key string, err error, want string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("metadata %s %q: want %s", key, meta[key], want)
}

// Network builds the file's network in element type T. float32 weights widen exactly to float64; float64 weights are
// rounded to float32.
func Network[T tensor.Float](f *File) (*nn.Network[T], error) { return network[T](f, f.Arch, "") }

// network builds the network of an architecture, the second one of a name if it has one.
func network[T tensor.Float](f *File, a nn.Arch, second string) (*nn.Network[T], error) {
	// Checked before memory is asked for on the word of the metadata alone.
	layers, err := nn.LayersOf[T](a)
	if err != nil {
		return nil, err
	}
	if err := fit(f.tensors, second, params(layers)); err != nil {
		return nil, err
	}
	net := nn.New(layers...)
	if err := SetTensorsOf(second, net, f.tensors); err != nil {
		return nil, err
	}
	return net, nil
}

// params describes the parameters of each layer.
func params[T tensor.Float](layers []nn.Layer[T]) [][]nn.Param {
	var out [][]nn.Param
	for _, l := range layers {
		out = append(out, l.Params())
	}
	return out
}

// fit checks that f has every parameter of the layers in its shape, and no other layer's, of the network or the second one of a name.
func fit(f *safetensors.File, second string, layers [][]nn.Param) error {
	want := 0
	for i, params := range layers {
		for _, p := range params {
			if strings.HasPrefix(tensorName(i+1, p), layerPrefix) {
				want++
			}
			name := under(second) + tensorName(i+1, p)
			t, ok := f.Tensor(name)
			if !ok {
				return fmt.Errorf("model: tensor %s is missing: the architecture in the metadata has it", name)
			}
			if !slices.Equal(t.Shape, p.Shape) {
				return fmt.Errorf("model: tensor %s: shape %v: the architecture in the metadata wants %v", t.Name, t.Shape, p.Shape)
			}
		}
	}
	have := 0
	for _, t := range f.Tensors {
		if strings.HasPrefix(t.Name, under(second)+layerPrefix) {
			have++
		}
	}
	if have != want {
		return fmt.Errorf("model: %d layer tensors: the architecture in the metadata has %d", have, want)
	}
	return nil
}

// SetTensors gives net the parameters in f. Every parameter must be there in its shape, and no other layer's.
func SetTensors[T tensor.Float](net *nn.Network[T], f *safetensors.File) error {
	return SetTensorsOf("", net, f)
}

// SetTensorsOf is SetTensors for the second network of that name.
func SetTensorsOf[T tensor.Float](second string, net *nn.Network[T], f *safetensors.File) error {
	layers := params(net.Layers)
	if err := fit(f, second, layers); err != nil {
		return err
	}
	values := make([]T, 0, len(net.Theta()))
	for i, params := range layers {
		for _, p := range params {
			v, err := read[T](f, under(second)+tensorName(i+1, p))
			if err != nil {
				return err
			}
			values = append(values, v...)
		}
	}
	net.Update(func(theta []T) { copy(theta, values) })
	return nil
}

// read returns the values of a tensor that is there, converted to T. They must be finite.
func read[T tensor.Float](f *safetensors.File, name string) ([]T, error) {
	t, _ := f.Tensor(name)
	var out []T
	switch t.DType {
	case safetensors.F32:
		v, err := safetensors.Floats[float32](t)
		if err != nil {
			return nil, err
		}
		out = convert[T](v)
	case safetensors.F64:
		v, err := safetensors.Floats[float64](t)
		if err != nil {
			return nil, err
		}
		out = convert[T](v)
	default:
		return nil, fmt.Errorf("model: tensor %s: element type %s: want F32 or F64", name, t.DType)
	}
	if !tensor.Finite(out) {
		return nil, fmt.Errorf("model: tensor %s holds values that are not finite numbers in %T", name, T(0))
	}
	return out, nil
}

func convert[T, S tensor.Float](v []S) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// Sum returns the SHA-256 of θ, little-endian in its element type, layer by layer, W row-major, then b, in hexadecimal; of several
// networks, of one θ after the other.
func Sum[T tensor.Float](nets ...*nn.Network[T]) string {
	var b bytes.Buffer
	for _, net := range nets {
		if err := binary.Write(&b, binary.LittleEndian, net.Theta()); err != nil {
			panic("model: weights are not of fixed size")
		}
	}
	s := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(s[:])
}
