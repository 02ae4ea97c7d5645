package tensor

import "unsafe"

// product is what the machine's kernels compute:
//
//	c[i][j] = init[i][j] + Σ_k a[i][k]·b[k][j],  0 ≤ i < rows, 0 ≤ k < steps
//
// Row i of a begins at a[i·aRow] and its element k is aStep further each time, so that a may be a transpose; rows of c, init and
// b are contiguous. An init with initRow 0 is one row for all. Strides are in elements. Every element is one chain of fused
// multiply-adds over ascending k, at every level, in every kernel: its bits depend on its own row and column alone.
type product[T Float] struct {
	c, init, a, b                     []T
	cRow, initRow, aRow, aStep, bStep int
	rows, steps                       int
}

// zeros is the init of a product that starts at 0: the columns of one kernel.
var (
	zeros32 [maxPanel]float32
	zeros64 [maxPanel]float64
)

// maxPanel is the largest number of columns of a kernel.
const maxPanel = 48

// zeros returns maxPanel zeros.
func zeros[T Float]() []T {
	if is32[T]() {
		return unsafe.Slice((*T)(unsafe.Pointer(&zeros32)), maxPanel)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&zeros64)), maxPanel)
}

// is32 reports whether T is float32.
func is32[T Float]() bool { return unsafe.Sizeof(T(0)) == 4 }

// panelCols returns the number of columns of a panel: those of the widest kernel in force.
func panelCols[T Float]() int {
	if portable[T]() {
		return tileCols
	}
	return machinePanel[T]()
}

// portable reports whether products of T have no kernel at this level.
func portable[T Float]() bool { return current == generic || current == neon && !is32[T]() }

// window returns the elements of m up to the last, which must be there: kernels do not check what they are given.
func (m Matrix[T]) window() []T {
	return m.Data[:(m.Rows-1)*m.Stride+m.Cols]
}

// mulMachine is Mul by the kernels of the machine. A panel of p stays in the cache while the rows of a pass by.
func mulMachine[T Float](dst, a Matrix[T], p *Packed[T]) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	if p.k == 0 {
		Zero(dst)
		return
	}
	c, init := dst.window(), zeros[T]()
	m := product[T]{a: a.window(), cRow: dst.Stride, aRow: a.Stride, aStep: 1, bStep: p.width, rows: a.Rows, steps: p.k}
	for j := 0; j < p.n; j += p.width {
		m.b = p.panel(j)
		for at, end := 0, min(p.width, p.n-j); at < end; {
			m.c, m.init = c[j+at:], init
			at += m.columns(at, end-at)
		}
	}
}

// addMulTMachine is AddMulT by the kernels of the machine: e is read in place, a column of it as a row of a, and so is z. A block
// of eight columns is contiguous in every row of e, and the panel of z stays in the cache: packing would cost more than it gives.
func addMulTMachine[T Float](dst, e, z Matrix[T]) {
	if dst.Rows == 0 || dst.Cols == 0 || e.Rows == 0 {
		return
	}
	c, b := dst.window(), z.window()
	m := product[T]{a: e.window(), b: b, cRow: dst.Stride, initRow: dst.Stride, aRow: 1, aStep: e.Stride, bStep: z.Stride, rows: e.Cols, steps: e.Rows}
	for j := 0; j < z.Cols; {
		m.c, m.init = c[j:], c[j:]
		j += m.columns(j, z.Cols-j)
	}
}
