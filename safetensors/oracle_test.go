package safetensors

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	oracle "github.com/nlpodyssey/safetensors"
)

func randomFile(seed uint64) *File {
	r := rand.New(rand.NewPCG(seed, 7))
	f := &File{Metadata: map[string]string{"seed": fmt.Sprint(seed), "\"\\\u2028<": "é\n"}}
	types := []DType{Bool, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64}
	for i := range r.IntN(8) {
		d, n := types[r.IntN(len(types))], 1
		var shape []int
		for range r.IntN(4) {
			shape = append(shape, r.IntN(4))
			n *= shape[len(shape)-1]
		}
		data := make([]byte, n*d.Size())
		for k := range data {
			data[k] = byte(r.Uint32())
		}
		f.Tensors = append(f.Tensors, Tensor{Name: fmt.Sprintf("layer %d.W<%d>", r.IntN(1000), i), DType: d, Shape: shape, Data: data})
	}
	return f
}

// An independent implementation (a port of the reference in Rust) reads what Write writes.
func TestOracleReadsWhatWriteWrites(t *testing.T) {
	for seed := range uint64(50) {
		f := randomFile(seed)
		b := encode(t, f)
		o, err := oracle.Deserialize(b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if o.Len() != len(f.Tensors) {
			t.Errorf("seed %d: %d tensors, want %d", seed, o.Len(), len(f.Tensors))
		}
		for _, w := range f.Tensors {
			g, ok := o.Tensor(w.Name)
			if !ok || g.DType().String() != string(w.DType) || !bytes.Equal(g.Data(), w.Data) || fmt.Sprint(g.Shape()) != fmt.Sprint(w.Shape) {
				t.Errorf("seed %d: tensor %q: %v, want %v", seed, w.Name, g, w)
			}
		}
		_, meta, err := oracle.ReadMetadata(b)
		if err != nil || !reflect.DeepEqual(meta.Metadata(), f.Metadata) {
			t.Errorf("seed %d: metadata %v, want %v (%v)", seed, meta.Metadata(), f.Metadata, err)
		}
	}
}

func TestReadReadsWhatTheOracleWrites(t *testing.T) {
	for seed := range uint64(50) {
		want := randomFile(seed)
		views := map[string]oracle.TensorView{}
		for i := range want.Tensors {
			w := &want.Tensors[i]
			if len(w.Shape) == 0 {
				w.Shape = []int{1} // the oracle's NewTensorView takes a scalar for empty; its reader does not
			}
			d, err := oracle.ParseDType(string(w.DType))
			if err != nil {
				t.Fatal(err)
			}
			shape := []uint64{}
			for _, s := range w.Shape {
				shape = append(shape, uint64(s))
			}
			if views[w.Name], err = oracle.NewTensorView(d, shape, w.Data); err != nil {
				t.Fatal(err)
			}
		}
		b, err := oracle.Serialize(views, want.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(f.Tensors) != len(want.Tensors) || !reflect.DeepEqual(f.Metadata, want.Metadata) {
			t.Errorf("seed %d: got %+v, want %+v", seed, f, want)
		}
		for _, w := range want.Tensors {
			if g, ok := f.Tensor(w.Name); !ok || !reflect.DeepEqual(g, w) {
				t.Errorf("seed %d: got %+v, want %+v", seed, g, w)
			}
		}
	}
}
