// Package check holds what tests share: comparison by relative error or by bits, random matrices, and central differences.
package check

import (
	"math"
	"math/rand/v2"

	"github.com/settle-pc/settle/tensor"
)

// Close reports whether got equals want to the relative tolerance tol. NaN is close to nothing.
func Close(got, want, tol float64) bool {
	return math.Abs(got-want) <= tol*max(math.Abs(want), math.SmallestNonzeroFloat64/tol)
}

// RelError returns max|got − want| / max|want|, the relative error of an array; NaN where got holds one.
func RelError[T tensor.Float](got, want []T) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, scale := 0.0, 1e-300
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			return d
		}
		diff, scale = max(diff, d), max(scale, math.Abs(float64(w)))
	}
	return diff / scale
}

// Step is the step of central differences in float64: ∛ε, where truncation h²f‴/6 and rounding ε|f|/h balance.
var Step = math.Cbrt(0x1p-52)

// Gradient returns the central differences of f in the elements of x, which it changes and restores.
func Gradient(f func() float64, x []float64) []float64 {
	g := make([]float64, len(x))
	for i, v := range x {
		h := Step * max(1, math.Abs(v))
		x[i] = v + h
		up := f()
		x[i] = v - h
		down := f()
		x[i] = v
		g[i] = (up - down) / (2 * h)
	}
	return g
}

// Random returns a rows×cols window of standard normal numbers in a larger matrix that is NaN elsewhere, so that
// reading outside the window shows.
func Random[T tensor.Float](rng *rand.Rand, rows, cols int) tensor.Matrix[T] {
	around := tensor.New[T](rows+2, cols+3)
	for i := range around.Data {
		around.Data[i] = T(math.NaN())
	}
	m := around.RowsOf(1, rows+1).ColsOf(1, cols+1)
	for i := range rows {
		for j := range cols {
			m.Row(i)[j] = T(rng.NormFloat64())
		}
	}
	return m
}

// Clone returns a copy of m without gaps between its rows.
func Clone[T tensor.Float](m tensor.Matrix[T]) tensor.Matrix[T] {
	c := tensor.New[T](m.Rows, m.Cols)
	c.CopyFrom(m)
	return c
}

// Same reports whether a and b have one shape and hold the same bits; all NaN count as one.
func Same[T tensor.Float](a, b tensor.Matrix[T]) bool {
	if a.Rows != b.Rows || a.Cols != b.Cols {
		return false
	}
	for i := range a.Rows {
		if !SameBits(a.Row(i), b.Row(i)) {
			return false
		}
	}
	return true
}

// SameBits is Same for slices.
func SameBits[T tensor.Float](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for j, x := range a {
		y := b[j]
		same := x == y && math.Signbit(float64(x)) == math.Signbit(float64(y)) || x != x && y != y
		if !same {
			return false
		}
	}
	return true
}

// Panic returns what f panics with, nil if it does not.
func Panic(f func()) (text any) {
	defer func() { text = recover() }()
	f()
	return nil
}
