// Package check holds what tests share: comparison by relative error and central differences.
package check

import (
	"math"

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
