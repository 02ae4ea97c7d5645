package energy

import "github.com/settle-pc/settle/tensor"

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
