// Package safetensors reads and writes the safetensors format: named arrays in one file, with no code in it to run.
//
//	8 bytes    n, the length of the header, little-endian
//	n bytes    header: a JSON object, padded at its end with spaces
//	the rest   data of the tensors, little-endian, row-major, without gaps
//
// The header maps each name to {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the start of the
// data; the name "__metadata__" is kept for a map from string to string.
//
// Read takes nothing on trust. The tensors must cover the data exactly once, each in the size that its shape and type
// ask for; every departure is an error that names the tensor, and memory grows with the bytes that arrive, never with
// what the header promises.
//
// Source: https://github.com/huggingface/safetensors, section Format.
package safetensors

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxHeader is the longest header that Read accepts and Write produces, the limit of the reference implementation.
const MaxHeader = 100_000_000

const metadataKey = "__metadata__"

// Tensor is one named array. Data holds the elements in row-major order, little-endian, DType.Size() bytes each;
// an empty Shape is a scalar.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// File is what a file holds: tensors in the order of their data, and free text about them. A nil and an empty Metadata
// are the same to Write, which leaves both out.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// Validate reports every fault that would keep f from being written: names that are not UTF-8, reserved or used twice,
// unknown element types, and shapes that do not fit their data.
func (f *File) Validate() error {
	var faults []error
	seen := make(map[string]bool, len(f.Tensors))
	for _, t := range f.Tensors {
		if err := checkName(t.Name); err != nil {
			faults = append(faults, err)
		}
		if seen[t.Name] {
			faults = append(faults, fmt.Errorf("safetensors: tensor %q: the name is used twice; names must differ", t.Name))
		}
		seen[t.Name] = true
		n, err := size(t.DType, t.Shape)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err))
		case n != int64(len(t.Data)):
			faults = append(faults, fmt.Errorf("safetensors: tensor %q: data has %d bytes; %s of shape %v needs %d", t.Name, len(t.Data), t.DType, t.Shape, n))
		}
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			faults = append(faults, fmt.Errorf("safetensors: %s: entry %q is not UTF-8", metadataKey, k))
		}
	}
	return errors.Join(faults...)
}

func checkName(name string) error {
	if name == metadataKey {
		return fmt.Errorf("safetensors: tensor %q: the name is reserved for metadata; any other is accepted", name)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("safetensors: tensor %q: the name is not UTF-8", name)
	}
	return nil
}

// size returns the bytes that a tensor takes. Factors are multiplied from left to right and must not overflow on the
// way, zero or not, because the reference implementation refuses such a file too.
func size(d DType, shape []int) (int64, error) {
	n := int64(d.Size())
	if n == 0 {
		return 0, fmt.Errorf("dtype: %q is unknown; %s", string(d), acceptedDTypes)
	}
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("shape: %v has a negative size; sizes of 0 and more are accepted", shape)
		}
		if s > 0 && n > math.MaxInt64/int64(s) {
			return 0, fmt.Errorf("shape: %v of %s overflows; less than 2^63 bytes are accepted", shape, d)
		}
		n *= int64(s)
	}
	return n, nil
}
