package tensor

import "math"

// The functions below store φ(x) in dst and φ′(x) in slope, of one length; dst may be x. NaN stays NaN, and at ±Inf φ and φ′ are
// their limits. Portably, and for float64, values are computed in float64 and rounded once. The float32 kernels of avx2 and
// avx512 give the same bits at both; docs/design/kernels.md says how far they are from the exact values.

// activation is one of them.
type activation uint8

const (
	tanh activation = iota
	sigmoid
	silu
	gelu
	relu
	leakyReLU
	hardTanh
)

// leak is the slope of LeakyReLU below zero.
const leak = 0.01

// Tanh stores the hyperbolic tangent and its derivative 1 − tanh².
func Tanh[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(tanh, dst, slope, x) {
		return
	}
	for i, v := range x {
		t := T(math.Tanh(float64(v)))
		dst[i], slope[i] = t, 1-T(t*t)
	}
}

// Sigmoid stores s = 1/(1 + e⁻ˣ) and its derivative s(1 − s).
func Sigmoid[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(sigmoid, dst, slope, x) {
		return
	}
	for i, v := range x {
		s := T(logistic(float64(v)))
		dst[i], slope[i] = s, s*(1-s)
	}
}

// SiLU stores x·s, s = 1/(1 + e⁻ˣ), and its derivative s + x·s(1 − s).
func SiLU[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(silu, dst, slope, x) {
		return
	}
	for i, v := range x {
		x := float64(v)
		s := logistic(x)
		if math.IsInf(x, 0) { // Inf·0 below
			dst[i], slope[i] = max(v, 0), T(s)
			continue
		}
		dst[i], slope[i] = T(x*s), T(s+x*s*(1-s))
	}
}

// GELU stores x·Φ(x), with the normal distribution function Φ itself and not an approximation by tanh, and its derivative
// Φ(x) + x e^(−x²/2)/√2π.
func GELU[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(gelu, dst, slope, x) {
		return
	}
	for i, v := range x {
		x := float64(v)
		// Erfc keeps its relative accuracy in the left tail, where 1+Erf would cancel.
		cdf := 0.5 * math.Erfc(-x/math.Sqrt2)
		if math.IsInf(x, 0) { // Inf·0 below
			dst[i], slope[i] = max(v, 0), T(cdf)
			continue
		}
		dst[i], slope[i] = T(x*cdf), T(cdf+x*math.Exp(-0.5*x*x)/math.Sqrt(2*math.Pi))
	}
}

// ReLU stores max(x, 0) and its derivative, 0 at the kink.
func ReLU[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(relu, dst, slope, x) {
		return
	}
	for i, v := range x {
		dst[i], slope[i] = max(v, 0), positive(v)
	}
}

// LeakyReLU stores x or, below zero, 0.01·x, and its derivative, 0.01 at the kink.
func LeakyReLU[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(leakyReLU, dst, slope, x) {
		return
	}
	for i, v := range x {
		s := leak + T((1-leak)*positive(v))
		dst[i], slope[i] = s*v, s
	}
}

// HardTanh stores x clipped to [−1, 1] and its derivative, 0 at the kinks.
func HardTanh[T Float](dst, slope, x []T) {
	checkLengths(dst, slope, x)
	if machineActivation(hardTanh, dst, slope, x) {
		return
	}
	for i, v := range x {
		dst[i], slope[i] = min(max(v, -1), 1), positive(v+1)*positive(1-v)
	}
}

// Exp stores eˣ in dst, of the length of x, which it may be.
func Exp[T Float](dst, x []T) {
	if len(dst) != len(x) {
		panic("tensor: length mismatch")
	}
	if machineExp(dst, x) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Exp(float64(v)))
	}
}

// checkLengths panics unless the three have one length.
func checkLengths[T Float](dst, slope, x []T) {
	if len(dst) != len(x) || len(slope) != len(x) {
		panic("tensor: length mismatch")
	}
}

// positive returns 1 where v > 0, else 0, without a branch: signs of activities are as good as random, and a
// mispredicted branch costs more than the rest of the loop.
func positive[T Float](v T) T {
	var b uint32
	if v > 0 {
		b = 1
	}
	return T(b)
}

// logistic returns 1/(1+e^(−x)) without overflow on either side.
func logistic(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}
