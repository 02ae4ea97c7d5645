package theory

import (
	"math"
	"math/rand/v2"

	"github.com/settle-pc/settle/nn"
)

// Draw returns random parameters for New: weights from N(0, scale²/n_{l−1}), so that scale 1 keeps the size of linear
// activities, and biases, if any, from N(0, bias²).
func Draw(arch nn.Arch, scale, bias float64, rng *rand.Rand) []float64 {
	var theta []float64
	for l := 1; l < len(arch.Dims); l++ {
		in, out := arch.Dims[l-1], arch.Dims[l]
		for range in * out {
			theta = append(theta, scale/math.Sqrt(float64(in))*rng.NormFloat64())
		}
		if arch.Bias {
			for range out {
				theta = append(theta, bias*rng.NormFloat64())
			}
		}
	}
	return theta
}
