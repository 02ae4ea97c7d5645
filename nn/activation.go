package nn

import (
	"fmt"
	"math"
	"strings"

	"github.com/settle-pc/settle/tensor"
)

// Activation is an elementwise φ together with its derivative φ′. The zero value is Linear.
type Activation uint8

// The activations. GELU is the exact x·Φ(x) with the normal distribution function Φ, not its tanh approximation;
// LeakyReLU has slope 0.01 below zero; HardTanh clips to [−1, 1]. Where φ has a kink (ReLU, LeakyReLU at 0,
// HardTanh at ±1) the derivative is the smaller of those of its two sides. At ±Inf every φ and φ′ is its limit.
const (
	Linear Activation = iota
	Tanh
	ReLU
	LeakyReLU
	Sigmoid
	GELU
	SiLU
	HardTanh
	numActivations
)

var activationNames = [numActivations]string{"linear", "tanh", "relu", "leaky_relu", "sigmoid", "gelu", "silu", "hard_tanh"}

// Activations lists the names that ParseActivation accepts.
func Activations() []string { return append([]string(nil), activationNames[:]...) }

// String returns the name that ParseActivation accepts.
func (a Activation) String() string {
	if a >= numActivations {
		return fmt.Sprintf("Activation(%d)", uint8(a))
	}
	return activationNames[a]
}

// ParseActivation returns the activation called name.
func ParseActivation(name string) (Activation, error) {
	for a, n := range activationNames {
		if n == name {
			return Activation(a), nil
		}
	}
	return 0, fmt.Errorf("activation %q: want one of %s", name, strings.Join(activationNames[:], ", "))
}

// leak is LeakyReLU's slope below zero.
const leak = 0.01

// apply stores φ(x) in dst and φ′(x) in slope, element by element; all three have one shape, dst may be x itself.
// NaN stays NaN. Values are computed in float64 and rounded once, the derivative in T from the rounded value.
func apply[T tensor.Float](a Activation, dst, slope, x tensor.Matrix[T]) {
	if dst.Rows != x.Rows || dst.Cols != x.Cols || slope.Rows != x.Rows || slope.Cols != x.Cols {
		panic("nn: activation of another shape")
	}
	for i := range x.Rows {
		applyRow(a, dst.Row(i), slope.Row(i), x.Row(i))
	}
}

// applyRow is apply on one row. The switch stands outside the loops, which carry the time.
func applyRow[T tensor.Float](a Activation, dst, slope, x []T) {
	dst, slope = dst[:len(x)], slope[:len(x)]
	switch a {
	case Linear:
		copy(dst, x)
		for i := range slope {
			slope[i] = 1
		}
	case Tanh:
		for i, v := range x {
			t := T(math.Tanh(float64(v)))
			dst[i], slope[i] = t, 1-t*t
		}
	case ReLU:
		for i, v := range x {
			dst[i], slope[i] = max(v, 0), positive(v)
		}
	case LeakyReLU:
		for i, v := range x {
			s := leak + (1-leak)*positive(v)
			dst[i], slope[i] = s*v, s
		}
	case Sigmoid:
		for i, v := range x {
			s := T(sigmoid(float64(v)))
			dst[i], slope[i] = s, s*(1-s)
		}
	case GELU:
		for i, v := range x {
			g, s := gelu(float64(v))
			dst[i], slope[i] = T(g), T(s)
		}
	case SiLU:
		for i, v := range x {
			g, s := silu(float64(v))
			dst[i], slope[i] = T(g), T(s)
		}
	case HardTanh:
		for i, v := range x {
			dst[i], slope[i] = min(max(v, -1), 1), positive(v+1)*positive(1-v)
		}
	default:
		panic("nn: unknown activation")
	}
}

// positive returns 1 where v > 0, else 0, without a branch: signs of activities are as good as random, and a
// mispredicted branch costs more than the rest of the loop.
func positive[T tensor.Float](v T) T {
	var b uint32
	if v > 0 {
		b = 1
	}
	return T(b)
}

// sigmoid returns 1/(1+e^(−x)) without overflow on either side.
func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// gelu returns x·Φ(x) and its derivative.
func gelu(x float64) (value, slope float64) {
	// Erfc keeps its relative accuracy in the left tail, where 1+Erf would cancel.
	cdf := 0.5 * math.Erfc(-x/math.Sqrt2)
	if math.IsInf(x, 0) { // Inf·0 below
		return max(x, 0), cdf
	}
	return x * cdf, cdf + x*math.Exp(-0.5*x*x)/math.Sqrt(2*math.Pi)
}

// silu returns x·sigmoid(x) and its derivative.
func silu(x float64) (value, slope float64) {
	s := sigmoid(x)
	if math.IsInf(x, 0) { // Inf·0 below
		return max(x, 0), s
	}
	return x * s, s + x*s*(1-s)
}
