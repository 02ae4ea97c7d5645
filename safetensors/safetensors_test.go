package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func encode(t *testing.T, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// golden is written by hand from the description of the format: a header of 145 bytes and 7 of padding, then −2 as F64
// and the F32 values 1, 0.5, −0 (IEEE 754, low byte first).
const golden = "\x98\x00\x00\x00\x00\x00\x00\x00" +
	`{"__metadata__":{"a<b":"é","k":"v"},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]},` +
	`"w":{"dtype":"F32","shape":[1,3],"data_offsets":[8,20]}}       ` +
	"\x00\x00\x00\x00\x00\x00\x00\xc0" +
	"\x00\x00\x80\x3f" + "\x00\x00\x00\x3f" + "\x00\x00\x00\x80"

func goldenFile() *File {
	negZero := float32(math.Copysign(0, -1))
	return &File{
		Metadata: map[string]string{"k": "v", "a<b": "é"},
		Tensors: []Tensor{
			FromFloats("w", []int{1, 3}, []float32{1, 0.5, negZero}), // before s here, after s in the file
			FromFloats("s", nil, []float64{-2}),
		},
	}
}

func TestWriteGivesTheBytesOfTheFormat(t *testing.T) {
	if got := string(encode(t, goldenFile())); got != golden {
		t.Errorf("got  %q\nwant %q", got, golden)
	}
}

func TestReadTakesTheBytesOfTheFormat(t *testing.T) {
	f, err := Read(strings.NewReader(golden))
	if err != nil {
		t.Fatal(err)
	}
	want := goldenFile()
	want.Tensors[0], want.Tensors[1] = want.Tensors[1], want.Tensors[0]
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
	if w, ok := f.Tensor("w"); !ok || len(w.Data) != 12 {
		t.Errorf(`Tensor("w") = %v, %v`, w, ok)
	}
	if _, ok := f.Tensor("none"); ok {
		t.Error(`Tensor("none") was found`)
	}
}

func TestDataStartsAlignedAndTensorsAtMultiplesOfTheirElement(t *testing.T) {
	for n := range 12 { // lengths of a name walk the header through all paddings
		f := &File{Tensors: []Tensor{
			{Name: "u" + strings.Repeat("x", n), DType: U8, Shape: []int{3}, Data: make([]byte, 3)},
			FromFloats("a", []int{3}, make([]float32, 3)),
			{Name: "i", DType: I64, Shape: []int{1}, Data: make([]byte, 8)},
		}}
		b := encode(t, f)
		if head := binary.LittleEndian.Uint64(b); head%8 != 0 {
			t.Errorf("name of %d: data starts at 8+%d", n, head)
		}
		g, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		offset := 0
		for _, x := range g.Tensors {
			if offset%x.DType.Size() != 0 {
				t.Errorf("%s of %s starts at %d", x.Name, x.DType, offset)
			}
			offset += len(x.Data)
		}
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	f := goldenFile()
	for _, k := range strings.Fields("a b c d e f g h") {
		f.Metadata[k] = k // a map has another order on each walk
	}
	first := encode(t, f)
	for range 20 {
		if !bytes.Equal(encode(t, f), first) {
			t.Fatal("two writes of one file differ")
		}
	}
}

func TestFloatsKeepEveryBit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	v32 := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(-1)), math.Float32frombits(0x7fc12345), math.Float32frombits(1)}
	v64 := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Float64frombits(0x7ff8dead0000beef), math.Float64frombits(1)}
	for range 1000 {
		v32 = append(v32, math.Float32frombits(r.Uint32()|1<<22)) // bit 22 keeps NaNs quiet; loading a signalling one may quieten it
		v64 = append(v64, math.Float64frombits(r.Uint64()|1<<51))
	}
	g32, err := Floats[float32](FromFloats("a", []int{len(v32)}, v32))
	if err != nil {
		t.Fatal(err)
	}
	for i := range v32 {
		if math.Float32bits(g32[i]) != math.Float32bits(v32[i]) {
			t.Errorf("float32 %d: %x became %x", i, math.Float32bits(v32[i]), math.Float32bits(g32[i]))
		}
	}
	g64, err := Floats[float64](FromFloats("b", []int{5, len(v64) / 5}, v64))
	if err != nil {
		t.Fatal(err)
	}
	for i := range v64 {
		if math.Float64bits(g64[i]) != math.Float64bits(v64[i]) {
			t.Errorf("float64 %d: %x became %x", i, math.Float64bits(v64[i]), math.Float64bits(g64[i]))
		}
	}
}

func TestFloatsRefusesOtherElementTypesAndSizes(t *testing.T) {
	if _, err := Floats[float64](FromFloats("w1", []int{1}, []float32{1})); err == nil || !strings.Contains(err.Error(), `"w1": dtype: is F32; F64 is accepted`) {
		t.Errorf("error %v", err)
	}
	if _, err := Floats[float32](Tensor{Name: "w2", DType: F32, Shape: []int{2}, Data: make([]byte, 4)}); err == nil || !strings.Contains(err.Error(), "w2") {
		t.Errorf("error %v", err)
	}
}

func TestFromFloatsPanicsWhenValuesDoNotFillTheShape(t *testing.T) {
	for _, shape := range [][]int{{2}, {-1, -1}, {0}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("shape %v took one value", shape)
				}
			}()
			FromFloats("a", shape, []float32{1})
		}()
	}
}

func TestWriteReportsAllFaults(t *testing.T) {
	f := &File{
		Metadata: map[string]string{"bad\xff": ""},
		Tensors: []Tensor{
			{Name: "a", DType: "F8", Shape: []int{1}, Data: []byte{0}},
			{Name: "b", DType: F32, Shape: []int{2}, Data: []byte{0}},
			{Name: "b", DType: U8},
			{Name: "c\xff", DType: U8, Shape: []int{-1}},
			{Name: "__metadata__", DType: U8, Shape: []int{0}},
		},
	}
	var out bytes.Buffer
	err := f.Write(&out)
	if err == nil || out.Len() != 0 {
		t.Fatalf("error %v after %d bytes", err, out.Len())
	}
	for _, want := range []string{
		`"a": dtype: "F8" is unknown; accepted: BOOL`, `"b": data has 1 bytes; F32 of shape [2] needs 8`, `"b": the name is used twice`,
		`"c\xff": the name is not UTF-8`, `"c\xff": shape: [-1] has a negative size`, `"__metadata__": the name is reserved`, `entry "bad\xff" is not UTF-8`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}
