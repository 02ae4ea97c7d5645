package nn

import (
	"math/rand/v2"

	"github.com/settle-pc/settle/tensor"
)

// Dropout sets a share of the units to 0 and scales the others by 1/(1 − rate), so that the mean stays (Srivastava et al. 2014).
// Draw chooses which, for each sample; they stay the same until the next Draw: through a whole inference and the learning step
// after it. In a cache into which nothing was drawn, as in an evaluation, it is the identity.
type Dropout[T tensor.Float] struct {
	bare[T]
	n    int
	rate float64
}

var _ Layer[float32] = Dropout[float32]{}

// NewDropout returns dropout of n units, each with probability rate.
func NewDropout[T tensor.Float](n int, rate float64) Dropout[T] {
	if n < 1 {
		panic("nn: layer without units")
	}
	if !(rate >= 0 && rate < 1) {
		panic("nn: dropout wants a rate from 0 to below 1")
	}
	return Dropout[T]{n: n, rate: rate}
}

// Dims returns n twice.
func (d Dropout[T]) Dims() (in, out int) { return d.n, d.n }

// MACs counts one for each unit.
func (d Dropout[T]) MACs() int { return d.n }

// Affine is false but for rate 0: the choice does not depend on z, but differs from sample to sample.
func (d Dropout[T]) Affine() bool { return d.rate == 0 }

// Smooth is true.
func (d Dropout[T]) Smooth() bool { return true }

// Slot keeps what is added to 1 to make the factor of each unit: 0 until the first Draw.
func (d Dropout[T]) Slot() Slot { return Slot{Floats: d.n} }

// Draw chooses the units of each row: a pure function of seed and row.
func (d Dropout[T]) Draw(c Cache[T], seed uint64) {
	keep := T(1/(1-d.rate) - 1)
	var source rand.PCG
	for i := range c.F.Rows {
		source.Seed(seed, uint64(i))
		row := c.F.Row(i)
		for j := range row {
			row[j] = keep
			if float64(source.Uint64()>>11)*0x1p-53 < d.rate {
				row[j] = -1
			}
		}
	}
}

// Forward stores z + m ⊙ z: 0 where m is −1.
func (d Dropout[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	tensor.Hadamard(dst, z, c.F)
	tensor.Add(dst, dst, z)
}

// Push stores v + m ⊙ v.
func (d Dropout[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) { d.Forward(dst, v, c) }

// Pull stores u + m ⊙ u.
func (d Dropout[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) { d.Forward(dst, u, c) }
