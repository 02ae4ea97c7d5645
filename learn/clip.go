package learn

import (
	"math"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Clipper is a rule whose learning gradient can be clipped, as that of all rules here can.
type Clipper interface {
	// Clip bounds the norm of the learning gradient g, over all weights, in every update from now on: g is multiplied by norm/‖g‖
	// where ‖g‖ is above norm, and else left as it is, to the bit. 0 leaves it as it is, always; a negative norm is the caller's bug.
	//
	// That is Optax's clip_by_global_norm. PyTorch's clip_grad_norm_ multiplies by norm/(‖g‖ + 10⁻⁶), if that is below 1, so that its
	// steps are shorter by 10⁻⁶/‖g‖. A norm that is not a number clips nothing. The norm must be known before the first weight moves,
	// so the gradient is kept whole where it is otherwise used tile by tile: a step takes longer.
	Clip(norm float64)
	// Clipped is the number of updates that were clipped so far.
	Clipped() int
}

// clip is the bound on a gradient and what has become of it.
type clip struct {
	most    float64 // 0: none
	clipped int
}

// Clip bounds the norm of the learning gradient.
func (c *clip) Clip(norm float64) {
	if !(norm >= 0) {
		panic("learn: negative norm to clip to")
	}
	c.most = norm
}

// Clipped is the number of updates that were clipped so far.
func (c *clip) Clipped() int { return c.clipped }

// factor is what a gradient of the norm is to be multiplied by.
func (c *clip) factor(norm float64) float64 {
	if c.most == 0 || !(norm > c.most) {
		return 1
	}
	c.clipped++
	return c.most / norm
}

// norm is that of the learning gradient, of which b.grad holds the sum. Its pieces are added in order, whatever the workers.
func (b *batch[T]) norm() float64 {
	b.pool.Do(len(b.all), b.squareTask)
	return math.Abs(b.weight) / float64(b.trace.Rows) * math.Sqrt(sum(b.sumSquares))
}

// square takes a piece of the gradient.
func (b *batch[T]) square(i int, s nn.Span) {
	b.sumSquares[i] = tensor.Dot(b.grad[s.Lo:s.Hi], b.grad[s.Lo:s.Hi])
}
