package energy

import (
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// columns is where the activities that are free lie in a point, one after the other.
type columns[T tensor.Float] struct {
	widths  []int
	clamped []bool
	offset  []int // of the first column; what is clamped has none
	dim     int
}

func newColumns[T tensor.Float](widths, clamped []int) columns[T] {
	c := columns[T]{widths: widths, clamped: make([]bool, len(widths)), offset: make([]int, len(widths))}
	for _, l := range clamped {
		if l < 0 || l >= len(widths) {
			panic("energy: clamped layer out of range")
		}
		c.clamped[l] = true
	}
	for l, n := range widths {
		c.offset[l] = c.dim
		if !c.clamped[l] {
			c.dim += n
		}
	}
	return c
}

// Dim is the number of free coordinates of one sample: Σ n_l over what is not clamped.
func (c *columns[T]) Dim() int { return c.dim }

// of returns the columns of activity l in a point or gradient.
func (c *columns[T]) of(l int, p tensor.Matrix[T]) tensor.Matrix[T] {
	return p.ColsOf(c.offset[l], c.offset[l]+c.widths[l])
}

// place stores the point p (n×Dim) whose activities are z, of which the free ones are used.
func (c *columns[T]) place(p tensor.Matrix[T], z []tensor.Matrix[T]) {
	for l, clamped := range c.clamped {
		if !clamped {
			c.of(l, p).CopyFrom(z[l].RowsOf(0, p.Rows))
		}
	}
}

// check panics unless f, grad (without rows: not wanted) and p are of one batch that fits rows samples.
func (c *columns[T]) check(rows int, f []float64, grad, p tensor.Matrix[T]) {
	if p.Rows > rows || p.Cols != c.dim || len(f) < p.Rows {
		panic("energy: point of another shape")
	}
	if grad.Rows != 0 && (grad.Rows != p.Rows || grad.Cols != p.Cols) {
		panic("energy: gradient of another shape")
	}
}

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
