package main

import (
	"bytes"
	"encoding/binary"
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
		a, err := readArray(bytes.NewReader(file))
		if err != nil || !slices.Equal(a.shape, []int{2, 2}) {
			t.Errorf("%s: shape %v, error %v", name, a.shape, err)
			continue
		}
		for i, v := range a.values {
			if math.Abs(v-want[i]) > 1e-7 { // of float32
				t.Errorf("%s: value %d is %v, want %v", name, i, v, want[i])
			}
		}
	}
	if a, err := readArray(bytes.NewReader(npy("|u1", "(4,)", pixels))); err != nil || !slices.Equal(a.shape, []int{4}) {
		t.Errorf("a vector: shape %v, error %v", a.shape, err)
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
		if _, err := readArray(bytes.NewReader(good[:n])); err == nil {
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
		"integers":         npy("<i4", "(1, 1)", []byte{1, 2, 3, 4}),
		"half floats":      npy("<f2", "(1, 2)", []byte{1, 2, 3, 4}),
		"no braces at all": append([]byte("\x93NUMPY\x01\x00\x04\x00"), "none"...),
		"a huge header":    []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
	} {
		if a, err := readArray(bytes.NewReader(file)); err == nil {
			t.Errorf("%s: accepted as %v", name, a.shape)
		} else if strings.Contains(err.Error(), "EOF") && name != "a huge header" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReadArray: no input panics, and what is accepted has as many values as its shape says.
func FuzzReadArray(f *testing.F) {
	f.Add(npy("|u1", "(2, 2)", []byte{1, 2, 3, 4}))
	f.Add(npy("<f8", "(1,)", make([]byte, 8)))
	f.Add(version2(npy(">f4", "(1, 1, 1)", make([]byte, 4))))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := readArray(bytes.NewReader(file))
		if err != nil {
			return
		}
		n := 1
		for _, d := range a.shape {
			n *= d
		}
		if n != len(a.values) || n > len(file) {
			t.Errorf("shape %v, %d values, of %d bytes", a.shape, len(a.values), len(file))
		}
	})
}
