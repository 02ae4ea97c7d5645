package nn

import (
	"fmt"
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

// Smooth reports whether φ′ is continuous: no kinks.
func (a Activation) Smooth() bool { return a != ReLU && a != LeakyReLU && a != HardTanh }

// apply stores φ(x) in dst and φ′(x) in slope, element by element; all three have one shape, dst may be x itself.
func apply[T tensor.Float](a Activation, dst, slope, x tensor.Matrix[T]) {
	if dst.Rows != x.Rows || dst.Cols != x.Cols || slope.Rows != x.Rows || slope.Cols != x.Cols {
		panic("nn: activation of another shape")
	}
	for i := range x.Rows {
		applyRow(a, dst.Row(i), slope.Row(i), x.Row(i))
	}
}

// applyRow is apply on one row.
func applyRow[T tensor.Float](a Activation, dst, slope, x []T) {
	switch a {
	case Linear:
		copy(dst, x)
		for i := range slope {
			slope[i] = 1
		}
	case Tanh:
		tensor.Tanh(dst, slope, x)
	case ReLU:
		tensor.ReLU(dst, slope, x)
	case LeakyReLU:
		tensor.LeakyReLU(dst, slope, x)
	case Sigmoid:
		tensor.Sigmoid(dst, slope, x)
	case GELU:
		tensor.GELU(dst, slope, x)
	case SiLU:
		tensor.SiLU(dst, slope, x)
	case HardTanh:
		tensor.HardTanh(dst, slope, x)
	default:
		panic("nn: unknown activation")
	}
}
