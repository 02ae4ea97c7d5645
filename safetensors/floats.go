package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Float is an element type that has a view in Go.
type Float interface{ float32 | float64 }

func dtypeOf[T Float]() DType {
	var zero T
	if _, ok := any(zero).(float32); ok {
		return F32
	}
	return F64
}

// FromFloats returns the tensor of values, row-major, in the element type of T: F32 or F64. The bits are kept, NaN
// payloads and signed zeros included; shape and values are copied.
func FromFloats[T Float](name string, shape []int, values []T) Tensor {
	d := dtypeOf[T]()
	if n, err := size(d, shape); err != nil || n != int64(len(values)*d.Size()) {
		panic("safetensors: values do not fill the shape")
	}
	data := make([]byte, 0, len(values)*d.Size())
	switch v := any(values).(type) {
	case []float32:
		for _, x := range v {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
	case []float64:
		for _, x := range v {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
		}
	}
	return Tensor{Name: name, DType: d, Shape: slices.Clone(shape), Data: data}
}

// Floats returns the values of t, bit for bit. The element type must be the one of T: a conversion would round, and
// is the caller's decision.
func Floats[T Float](t Tensor) ([]T, error) {
	d := dtypeOf[T]()
	if t.DType != d {
		return nil, fmt.Errorf("safetensors: tensor %q: dtype: is %s; %s is accepted here", t.Name, t.DType, d)
	}
	if n, err := size(d, t.Shape); err != nil || n != int64(len(t.Data)) {
		return nil, fmt.Errorf("safetensors: tensor %q: %d bytes of data do not fill shape %v of %s", t.Name, len(t.Data), t.Shape, d)
	}
	values := make([]T, len(t.Data)/d.Size())
	switch v := any(values).(type) {
	case []float32:
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
	case []float64:
		for i := range v {
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
	}
	return values, nil
}
