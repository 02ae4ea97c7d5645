package energy

import (
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// cost counts what the evaluations of a batch of rows samples took.
type cost[T tensor.Float] struct {
	weights      *nn.Weights[T]
	rows         int
	passes, macs float64
}

// Cost returns the passes and the multiply-adds since the state was made, both in units of one feedforward
// evaluation of all its rows; see notation: n of B rows count n/B, and passes are nominal while macs are counted.
func (c *cost[T]) Cost() (passes, macs float64) { return c.passes, c.macs }

// ResetCost makes the cost 0: that of a batch is then a sum of the same numbers in every batch, also in a training that was
// resumed.
func (c *cost[T]) ResetCost() { c.passes, c.macs = 0, 0 }

// count adds passes over rows of the batch's rows.
func (c *cost[T]) count(passes float64, rows int) {
	c.passes += passes * float64(rows) / float64(c.rows)
}

// work adds one product of layer l over rows of the batch's rows.
func (c *cost[T]) work(l, rows int) {
	c.macs += float64(c.weights.Layers[l-1].MACs()) * float64(rows) / (float64(c.weights.MACs()) * float64(c.rows))
}

// gradient stores −Σ_b (∂g_l/∂θ_l)ᵀ u, l = 1…L, of the record r in grad. Cost: one pass.
func (c *cost[T]) gradient(grad []T, r *nn.Record[T]) {
	clear(grad)
	for l, layer := range c.weights.Layers {
		r.PullParams(grad, l+1, nn.Span{Hi: layer.Units()})
	}
	tensor.Scale(grad, -1)
	c.count(1, c.rows)
	c.macs++
}
