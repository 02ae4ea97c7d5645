package theory

import (
	"math"

	"github.com/settle-pc/settle/nn"
)

// curve is φ with its first and second derivative.
type curve func(x float64) (value, slope, bend float64)

func identity(x float64) (float64, float64, float64) { return x, 1, 0 }

// curveOf returns φ, written out anew here: package nn is among what this package checks. At a kink the slope is the
// smaller of the two, and the second derivative, which does not exist there, is 0.
func curveOf(a nn.Activation) curve {
	switch a {
	case nn.Linear:
		return identity
	case nn.Tanh:
		return func(x float64) (float64, float64, float64) {
			t := math.Tanh(x)
			s := 1 - t*t
			return t, s, -2 * t * s
		}
	case nn.Sigmoid:
		return func(x float64) (float64, float64, float64) {
			v, s := logistic(x)
			return v, s, s * (1 - 2*v)
		}
	case nn.SiLU: // x σ
		return func(x float64) (float64, float64, float64) {
			v, s := logistic(x)
			return x * v, v + x*s, s * (2 + x*(1-2*v))
		}
	case nn.GELU: // x Φ, Φ′ the normal density p: (xΦ)′ = Φ + xp, (xΦ)″ = (2 − x²)p
		return func(x float64) (float64, float64, float64) {
			p := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
			cdf := math.Erfc(-x/math.Sqrt2) / 2
			return x * cdf, cdf + x*p, (2 - x*x) * p
		}
	case nn.ReLU:
		return hinge(0)
	case nn.LeakyReLU:
		return hinge(0.01)
	case nn.HardTanh:
		return func(x float64) (float64, float64, float64) {
			if -1 < x && x < 1 {
				return x, 1, 0
			}
			return math.Copysign(1, x), 0, 0
		}
	}
	panic("theory: unknown activation")
}

// logistic returns σ = 1/(1 + e^(−x)) and its derivative.
func logistic(x float64) (value, slope float64) {
	v := (1 + math.Tanh(x/2)) / 2
	return v, v * (1 - v)
}

// hinge has slope 1 above 0 and leak below.
func hinge(leak float64) curve {
	return func(x float64) (float64, float64, float64) {
		if x > 0 {
			return x, 1, 0
		}
		return leak * x, leak, 0
	}
}

// straight reports whether φ(0) = 0, φ′(0) = 1 and φ is twice differentiable there: to second order in the weights
// around a saddle with all activities 0, the network is then the linear one.
func straight(a nn.Activation) bool { return a == nn.Linear || a == nn.Tanh || a == nn.HardTanh }
