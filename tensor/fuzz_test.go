package tensor

import (
	"encoding/binary"
	"math"
	"testing"
)

// FuzzMul checks the three products against the their definition, to the bit, at every level, on elements of any bits and sizes below 80.
func FuzzMul(f *testing.F) {
	f.Add(uint8(5), uint8(9), uint8(6), []byte("predictive coding, twice as long as a float64"))
	f.Add(uint8(0), uint8(0), uint8(0), []byte{})
	f.Add(uint8(33), uint8(65), uint8(5), []byte{0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0xff, 0xc0, 0, 0, 0, 0, 0, 1, 0x3f, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, rows, k, n uint8, data []byte) {
		eachLevel(func() {
			fuzzProducts[float32](t, int(rows%80), int(k%80), int(n%80), data)
			fuzzProducts[float64](t, int(rows%80), int(k%80), int(n%80), data)
		})
	})
}

func fuzzProducts[T Float](t *testing.T, rows, k, n int, data []byte) {
	next := elements[T](data)
	matrix := func(rows, cols int) Matrix[T] {
		m := New[T](rows, cols)
		for i := range m.Data {
			m.Data[i] = next()
		}
		return m
	}
	a, w, want := matrix(rows, k), matrix(k, n), matrix(rows, n)
	got := clone(want)
	at, wt := New[T](k, rows), New[T](n, k)
	transpose(at, a)
	transpose(wt, w)
	expect := func(name string) {
		if d := differing(got, want); d != 0 {
			t.Errorf("%s %d×%d×%d, %T, %s: %d elements differ", name, rows, k, n, *new(T), Level(), d)
		}
	}
	wantAddMulT(want, at, w)
	AddMulT(got, at, w)
	expect("EᵀZ")
	var p Packed[T]
	wantMul(want, a, w)
	p.Pack(w)
	Mul(got, a, &p)
	expect("E W")
	p.PackT(wt)
	Mul(got, a, &p)
	expect("Z Wᵀ")
}

// elements returns a source of numbers: those with the bits of data, over and over, each time scaled a little to avoid repetition.
func elements[T Float](data []byte) func() T {
	bits := append(append([]byte{}, data...), make([]byte, 8)...)
	at, scale := 0, T(1)
	return func() T {
		if at+8 > len(bits) {
			at, scale = 0, scale*T(0.9)
		}
		word := binary.BigEndian.Uint64(bits[at:])
		at += 4
		var x T
		switch p := any(&x).(type) {
		case *float32:
			*p = math.Float32frombits(uint32(word >> 32))
		case *float64:
			*p = math.Float64frombits(word)
		}
		return x * scale
	}
}
