package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestArraysAreRead(t *testing.T) {
	want := []float64{0, 0.2, 1, 1}
	pixels := []byte{0, 51, 255, 255}
	for name, file := range map[string][]byte{
		"bytes":         npy("|u1", "(2, 2)", pixels),
		"float32":       npy("<f4", "(2, 2)", floats(pixels, 255, 4, binary.LittleEndian)),
		"float64":       npy("<f8", "(2, 2)", floats(pixels, 255, 8, binary.LittleEndian)),
		"big-endian":    npy(">f8", "(2, 2)", floats(pixels, 255, 8, binary.BigEndian)),
		"big-endian 32": npy(">f4", "(2, 2)", floats(pixels, 255, 4, binary.BigEndian)),
		"no byte order": npy("=f8", "(2, 2)", floats(pixels, 255, 8, binary.LittleEndian)),
		"version 2":     version2(npy("|u1", "(2, 2)", pixels)),
		"no last comma": bytes.Replace(npy("|u1", "(2, 2)", pixels), []byte("2), }"), []byte("2)  }"), 1),
		"no blanks":     bytes.Replace(npy("|u1", "(2, 2)", pixels), []byte("(2, 2), }"), []byte("(2,2), } "), 1),
	} {
		a, err := ReadNPY(bytes.NewReader(file))
		if err != nil || !slices.Equal(a.Shape, []int{2, 2}) {
			t.Errorf("%s: shape %v, error %v", name, a.Shape, err)
			continue
		}
		values, err := a.Intensities()
		if err != nil || len(values) != len(want) {
			t.Errorf("%s: %d values, error %v", name, len(values), err)
			continue
		}
		for i, v := range values {
			if math.Abs(v-want[i]) > 1e-7 { // of float32
				t.Errorf("%s: value %d is %v, want %v", name, i, v, want[i])
			}
		}
	}
	if a, err := ReadNPY(bytes.NewReader(npy("|u1", "(4,)", pixels))); err != nil || !slices.Equal(a.Shape, []int{4}) {
		t.Errorf("a vector: shape %v, error %v", a.Shape, err)
	}
}

// version2 turns the header of version 1 into that of version 2, with four bytes of length.
func version2(file []byte) []byte {
	out := append([]byte("\x93NUMPY\x02\x00"), file[8], file[9], 0, 0)
	return append(out, file[10:]...)
}

func TestDamagedArraysAreRefused(t *testing.T) {
	good := npy("|u1", "(2, 2)", []byte{1, 2, 3, 4})
	for n := range len(good) {
		if _, err := ReadNPY(bytes.NewReader(good[:n])); err == nil {
			t.Errorf("accepted the first %d of %d bytes", n, len(good))
		}
	}
	for name, file := range map[string][]byte{
		"longer":           append(bytes.Clone(good), 5),
		"version 4":        bytes.Replace(good, []byte("NUMPY\x01"), []byte("NUMPY\x04"), 1),
		"a scalar":         npy("|u1", "()", []byte{1}),
		"no elements":      npy("|u1", "(0, 4)", nil),
		"negative":         npy("|u1", "(-2, -2)", []byte{1, 2, 3, 4}),
		"overflow":         npy("|u1", "(4294967296, 4294967296)", []byte{1, 2, 3, 4}),
		"greedy":           npy("|u1", "(2147483647,)", []byte{1, 2, 3, 4}),
		"structured":       npy("[('a', '<f4')]", "(2, 2)", []byte{1, 2, 3, 4}),
		"complex":          npy("<c8", "(1,)", make([]byte, 8)),
		"truths":           npy("|b1", "(4,)", []byte{1, 0, 1, 0}),
		"objects":          npy("|O", "(4,)", []byte{1, 2, 3, 4}),
		"half floats":      npy("<f2", "(1, 2)", []byte{1, 2, 3, 4}),
		"no braces at all": append([]byte("\x93NUMPY\x01\x00\x04\x00"), "none"...),
		"a huge header":    []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
	} {
		if a, err := ReadNPY(bytes.NewReader(file)); err == nil {
			t.Errorf("%s: accepted as %v", name, a.Shape)
		} else if strings.Contains(err.Error(), "EOF") && name != "a huge header" && name != "greedy" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// integers lays out numbers as integers of a size.
func integers(values []int64, size int, order binary.ByteOrder) []byte {
	var out []byte
	for _, v := range values {
		b := make([]byte, 8)
		order.PutUint64(b, uint64(v))
		if order == binary.LittleEndian {
			b = b[:size]
		} else {
			b = b[8-size:]
		}
		out = append(out, b...)
	}
	return out
}

func TestLabelsAreAnyIntegers(t *testing.T) {
	want := []int64{0, 9, 127, 3}
	for size := 1; size <= 8; size *= 2 {
		for _, kind := range []string{"u", "i"} {
			for mark, order := range map[string]binary.ByteOrder{"<": binary.LittleEndian, ">": binary.BigEndian} {
				name := fmt.Sprint(mark, kind, size)
				for _, dims := range []string{"(4,)", "(4, 1)"} {
					a, err := ReadNPY(bytes.NewReader(npy(name, dims, integers(want, size, order))))
					if err != nil {
						t.Errorf("%s %s: %v", name, dims, err)
						continue
					}
					if got, err := a.labels(); err != nil || !slices.Equal(got, []uint8{0, 9, 127, 3}) {
						t.Errorf("%s %s: %v, %v, want %v", name, dims, got, err, want)
					}
				}
				for _, bad := range []int64{-1, math.MinInt8, 256, math.MaxInt64} {
					if kind == "u" && bad < 0 || bad >= 1<<(8*size-1) && size < 8 {
						continue // no such number
					}
					a, err := ReadNPY(bytes.NewReader(npy(name, "(2,)", integers([]int64{1, bad}, size, order))))
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					if got, err := a.labels(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("label %d of sample 1", bad)) {
						t.Errorf("%s: %d taken for %v, error %v", name, bad, got, err)
					}
				}
			}
		}
	}
	a, err := ReadNPY(bytes.NewReader(npy("<u8", "(1,)", bytes.Repeat([]byte{0xff}, 8))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.labels(); err == nil || !strings.Contains(err.Error(), "label 18446744073709551615 of") {
		t.Errorf("2⁶⁴−1: %v", err)
	}
	for kind, dims := range map[string]string{"<f4": "(1,)", "<i4": "(1, 1, 1)", "<i2": "(1, 2)"} {
		a, err := ReadNPY(bytes.NewReader(npy(kind, dims, make([]byte, 4))))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.labels(); err == nil {
			t.Errorf("%s %s: labels %v", kind, dims, got)
		}
	}
}

// FuzzNPY: no input panics, and what is accepted is its header's shape and the rest of the file.
func FuzzNPY(f *testing.F) {
	f.Add(npy("|u1", "(2, 2)", []byte{1, 2, 3, 4}))
	f.Add(npy("<f8", "(1,)", make([]byte, 8)))
	f.Add(npy(">i2", "(2, 1)", []byte{0, 1, 1, 0}))
	f.Add(version2(npy(">f4", "(1, 1, 1)", make([]byte, 4))))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := ReadNPY(bytes.NewReader(file))
		if err != nil {
			return
		}
		n := 1
		for _, d := range a.Shape {
			n *= d
		}
		if n*a.size() != len(a.Data) || !bytes.HasSuffix(file, a.Data) {
			t.Errorf("shape %v of %s, %d bytes, of %d", a.Shape, a.Type, len(a.Data), len(file))
		}
		if labels, err := a.labels(); err == nil && len(labels) != a.Shape[0] {
			t.Errorf("%d labels of shape %v", len(labels), a.Shape)
		}
		if values, err := a.Intensities(); err == nil && len(values) != n {
			t.Errorf("%d values of shape %v", len(values), a.Shape)
		}
	})
}

// npy lays out a version 1.0 file as NumPy does: the data start at a multiple of 64.
func npy(descr, shape string, data []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	header += strings.Repeat(" ", (64-(10+len(header)+1)%64)%64) + "\n"
	out := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	return append(append(out, header...), data...)
}

// floats writes bytes over a divisor as floats of a size.
func floats(pixels []byte, by float64, size int, order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}) []byte {
	var out []byte
	for _, v := range pixels {
		if f := float64(v) / by; size == 4 {
			out = order.AppendUint32(out, math.Float32bits(float32(f)))
		} else {
			out = order.AppendUint64(out, math.Float64bits(f))
		}
	}
	return out
}
