package tensor

// Zero sets every element of m to 0.
func Zero[T Float](m Matrix[T]) {
	for i := range m.Rows {
		clear(m.Row(i))
	}
}

// again returns a matrix each of whose rows is x.
func again[T Float](x []T, rows int) Matrix[T] { return Matrix[T]{Rows: rows, Cols: len(x), Data: x} }

// AddRow adds b, of length dst.Cols, to every row of dst.
func AddRow[T Float](dst Matrix[T], b []T) {
	if len(b) != dst.Cols {
		panic("tensor: length mismatch")
	}
	combine(plus, dst, dst, again(b, dst.Rows))
}

// AddSumRows adds the sum of the rows of m to dst, of length m.Cols, one row after the other from the first: a bias gradient.
func AddSumRows[T Float](dst []T, m Matrix[T]) {
	if len(dst) != m.Cols {
		panic("tensor: length mismatch")
	}
	to := again(dst, m.Rows)
	combine(plus, to, to, m)
}

// Add stores a + b in dst. All have one shape; dst may be a or b, but not overlap them in another way.
func Add[T Float](dst, a, b Matrix[T]) {
	checkShapes(dst, a, b)
	combine(plus, dst, a, b)
}

// Sub stores a − b in dst, under the conditions of Add.
func Sub[T Float](dst, a, b Matrix[T]) {
	checkShapes(dst, a, b)
	combine(minus, dst, a, b)
}

// Hadamard stores a ⊙ b, the product element by element, in dst, under the conditions of Add.
func Hadamard[T Float](dst, a, b Matrix[T]) {
	checkShapes(dst, a, b)
	combine(times, dst, a, b)
}

// AxpyRows adds a[i]·x_i, with a[i] rounded to T, to row i of dst. dst and x have one shape and may be the same; a holds one factor
// per row. A row with a[i] == 0 is left untouched, whatever x_i holds: so a solver freezes samples.
func AxpyRows[T Float](dst Matrix[T], a []float64, x Matrix[T]) {
	if dst.Rows != x.Rows || dst.Cols != x.Cols {
		panic("tensor: matrices of different shapes")
	}
	if len(a) != dst.Rows {
		panic("tensor: length mismatch")
	}
	for i, ai := range a {
		if ai != 0 {
			Axpy(dst.Row(i), T(ai), x.Row(i))
		}
	}
}

// DotRows stores in dst[i] the Dot of row i of x and row i of y. x and y have one shape; dst holds one element per row.
func DotRows[T Float](dst []float64, x, y Matrix[T]) {
	if x.Rows != y.Rows || x.Cols != y.Cols {
		panic("tensor: matrices of different shapes")
	}
	if len(dst) != x.Rows {
		panic("tensor: length mismatch")
	}
	for i := range dst {
		dst[i] = Dot(x.Row(i), y.Row(i))
	}
}

// SquaresRows stores in dst[i] the squared 2-norm of row i of x, the same bits as DotRows(dst, x, x). dst holds one element per row.
func SquaresRows[T Float](dst []float64, x Matrix[T]) {
	if len(dst) != x.Rows {
		panic("tensor: length mismatch")
	}
	for i := range dst {
		dst[i] = squares(x.Row(i))
	}
}

// AllFinite reports whether m holds neither NaN nor Inf. What lies between the rows of a window does not count.
func AllFinite[T Float](m Matrix[T]) bool {
	for i := range m.Rows {
		if !Finite(m.Row(i)) {
			return false
		}
	}
	return true
}

// checkShapes panics unless the three matrices have one shape.
func checkShapes[T Float](dst, a, b Matrix[T]) {
	if dst.Rows != a.Rows || dst.Cols != a.Cols || dst.Rows != b.Rows || dst.Cols != b.Cols {
		panic("tensor: matrices of different shapes")
	}
}
