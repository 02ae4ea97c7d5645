// Package tensor holds the matrices of settle and the kernels that run on them: the three products of a layer
// (Z Wᵀ, E W, Eᵀ Z) on packed weights, and the row-wise vector operations around them.
//
// Destinations come first and are checked before any work; a shape that does not fit is the caller's bug and panics.
// Every sum runs in a fixed order that depends neither on the number of rows in a call nor on the number of workers,
// so a row's result is the same bits in any company.
package tensor

// Float is the element type. There is no ~: the kernels know exactly two types.
type Float interface{ float32 | float64 }

// Matrix is a row-major window of Rows×Cols elements; element (i, j) is Data[i*Stride+j].
// Copies share the elements. The zero Matrix has no rows.
type Matrix[T Float] struct {
	Rows, Cols, Stride int
	Data               []T
}

// New returns a zeroed rows×cols matrix.
func New[T Float](rows, cols int) Matrix[T] {
	if rows < 0 || cols < 0 {
		panic("tensor: negative size")
	}
	return Matrix[T]{Rows: rows, Cols: cols, Stride: cols, Data: make([]T, rows*cols)}
}

// Of returns a rows×cols matrix over data, which it shares.
func Of[T Float](rows, cols int, data []T) Matrix[T] {
	if rows < 0 || cols < 0 || len(data) != rows*cols {
		panic("tensor: data does not fill the matrix")
	}
	return Matrix[T]{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// Row returns row i, len Cols, sharing its elements.
func (m Matrix[T]) Row(i int) []T {
	o := i * m.Stride
	return m.Data[o : o+m.Cols : o+m.Cols]
}

// RowsOf returns the window of rows lo ≤ i < hi.
func (m Matrix[T]) RowsOf(lo, hi int) Matrix[T] {
	if lo < 0 || hi < lo || hi > m.Rows {
		panic("tensor: rows out of range")
	}
	if lo == hi {
		return Matrix[T]{Cols: m.Cols, Stride: m.Stride}
	}
	return Matrix[T]{Rows: hi - lo, Cols: m.Cols, Stride: m.Stride, Data: m.Data[lo*m.Stride : (hi-1)*m.Stride+m.Cols]}
}

// ColsOf returns the window of columns lo ≤ j < hi.
func (m Matrix[T]) ColsOf(lo, hi int) Matrix[T] {
	if lo < 0 || hi < lo || hi > m.Cols {
		panic("tensor: columns out of range")
	}
	if m.Rows == 0 || lo == hi {
		return Matrix[T]{Rows: m.Rows, Cols: hi - lo} // no elements: with stride 0 even Row of such a window stays inside Data
	}
	return Matrix[T]{Rows: m.Rows, Cols: hi - lo, Stride: m.Stride, Data: m.Data[lo : (m.Rows-1)*m.Stride+hi]}
}

// CopyFrom copies src, of the same shape, into m.
func (m Matrix[T]) CopyFrom(src Matrix[T]) {
	if m.Rows != src.Rows || m.Cols != src.Cols {
		panic("tensor: copy of another shape")
	}
	for i := range m.Rows {
		copy(m.Row(i), src.Row(i))
	}
}
