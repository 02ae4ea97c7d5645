package tensor

// The portable kernels. Go compiles them to scalar instructions: a multiply-add is two floating-point operations, and these loops
// are as fast as independent scalar multiplications and additions in assembly. Beyond that limit are only vector instructions.
//
// One tile of dst, tileRows×tileCols sums, stays in registers while k runs over its whole length. Eight independent sums cover
// the latency of an addition (2 to 4 cycles). 3×3, 2×5, 4×2 and 1×8 come within some percent either way, 3×4 and 4×4 spill,
// and widths other than 2 and 4 leave more of 10, 128 or 300 columns to the edge.
//
// Products are rounded, T(x*y), before they are added: without the conversion the compiler may fuse the two operations
// on some targets, and results would differ between machines.
const (
	tileRows = 2
	tileCols = 4

	// AddMulT packs blockRows rows of the gradient over blockDepth rows of the batch on the stack: 8 kB in float32, 16 kB in float64.
	// A panel of z is packed once per block and serves blockRows rows. A block that is not even minDepth deep is not worth packing.
	blockRows  = 32
	blockDepth = 64
	minDepth   = 8
)

// mulPortable is Mul. A panel stays in the first-level cache while the rows of a pass by.
func mulPortable[T Float](dst, a Matrix[T], p *Packed[T]) {
	Zero(dst)
	for j := 0; j < p.n; j += tileCols {
		addPanel(dst.ColsOf(j, min(j+tileCols, p.n)), a, p.panel(j))
	}
}

// addMulTPortable is AddMulT, blockDepth rows of the batch after the other. Carrying a sum over in dst does not change its bits.
func addMulTPortable[T Float](dst, e, z Matrix[T]) {
	b := 0
	for ; b+minDepth <= e.Rows; b += blockDepth {
		end := min(b+blockDepth, e.Rows)
		addBlock(dst, e.RowsOf(b, end), z.RowsOf(b, end))
	}
	for ; b < e.Rows; b++ {
		for i, x := range e.Row(b) {
			Axpy(dst.Row(i), x, z.Row(b))
		}
	}
}

// addBlock is AddMulT for at most blockDepth rows: eᵀ is packed blockRows at a time, z one panel after the other, and the rest is
// as in Mul. Reading z packed but e in place was slower by a quarter (strided loads, two bounds checks per row), and both in place
// by almost a half; at strides of 2ⁿ, where the rows fall on each other in the cache, worse.
func addBlock[T Float](dst, e, z Matrix[T]) {
	var block [blockRows * blockDepth]T
	var store [blockDepth * tileCols]T
	panel := store[:e.Rows*tileCols]
	for i := 0; i < e.Cols; i += blockRows {
		rows := min(blockRows, e.Cols-i)
		et := Matrix[T]{Rows: rows, Cols: e.Rows, Stride: blockDepth, Data: block[:]}
		transpose(et, e.ColsOf(i, i+rows))
		for j := 0; j < z.Cols; j += tileCols {
			end := min(j+tileCols, z.Cols)
			packPanel(panel, z.ColsOf(j, end), tileCols)
			addPanel(dst.RowsOf(i, i+rows).ColsOf(j, end), et, panel)
		}
	}
}

// transpose stores the transpose of src in dst.
func transpose[T Float](dst, src Matrix[T]) {
	rows, cols := transpose8(dst, src)
	for i := range src.Rows {
		done := 0
		if i < rows {
			done = cols
		}
		o := done*dst.Stride + i
		for _, x := range src.Row(i)[done:] {
			dst.Data[o] = x
			o += dst.Stride
		}
	}
}

// addPanel adds the product of a, rows×k, and a panel of k rows to dst, rows×c, c ≤ tileCols.
func addPanel[T Float](dst, a Matrix[T], panel []T) {
	if dst.Cols < tileCols {
		addNarrowPanel(dst, a, panel)
		return
	}
	i := 0
	for ; i+tileRows <= a.Rows; i += tileRows {
		tile2x4((*[4]T)(dst.Row(i)), (*[4]T)(dst.Row(i+1)), a.Row(i), a.Row(i+1), panel)
	}
	if i < a.Rows {
		tile1x4((*[4]T)(dst.Row(i)), a.Row(i), panel)
	}
}

// addNarrowPanel is addPanel for c < tileCols: what the zeros of the panel give is computed (0·NaN, perhaps) and dropped.
func addNarrowPanel[T Float](dst, a Matrix[T], panel []T) {
	for i := range a.Rows {
		var d [tileCols]T
		copy(d[:], dst.Row(i))
		tile1x4(&d, a.Row(i), panel)
		copy(dst.Row(i), d[:])
	}
}

// tile2x4 adds the products of two rows of a and a panel to two rows of dst:
//
//	d0[j] += Σ_k a0[k]·w[k][j],   d1[j] += Σ_k a1[k]·w[k][j]
//
// Eight steps of k share one bounds check.
func tile2x4[T Float](d0, d1 *[4]T, a0, a1, w []T) {
	c0, c1, c2, c3 := d0[0], d0[1], d0[2], d0[3]
	e0, e1, e2, e3 := d1[0], d1[1], d1[2], d1[3]
	for len(a0) >= 8 && len(a1) >= 8 && len(w) >= 32 {
		x, y, b := (*[8]T)(a0), (*[8]T)(a1), (*[32]T)(w)
		c0, c1, c2, c3 = c0+T(x[0]*b[0]), c1+T(x[0]*b[1]), c2+T(x[0]*b[2]), c3+T(x[0]*b[3])
		e0, e1, e2, e3 = e0+T(y[0]*b[0]), e1+T(y[0]*b[1]), e2+T(y[0]*b[2]), e3+T(y[0]*b[3])
		c0, c1, c2, c3 = c0+T(x[1]*b[4]), c1+T(x[1]*b[5]), c2+T(x[1]*b[6]), c3+T(x[1]*b[7])
		e0, e1, e2, e3 = e0+T(y[1]*b[4]), e1+T(y[1]*b[5]), e2+T(y[1]*b[6]), e3+T(y[1]*b[7])
		c0, c1, c2, c3 = c0+T(x[2]*b[8]), c1+T(x[2]*b[9]), c2+T(x[2]*b[10]), c3+T(x[2]*b[11])
		e0, e1, e2, e3 = e0+T(y[2]*b[8]), e1+T(y[2]*b[9]), e2+T(y[2]*b[10]), e3+T(y[2]*b[11])
		c0, c1, c2, c3 = c0+T(x[3]*b[12]), c1+T(x[3]*b[13]), c2+T(x[3]*b[14]), c3+T(x[3]*b[15])
		e0, e1, e2, e3 = e0+T(y[3]*b[12]), e1+T(y[3]*b[13]), e2+T(y[3]*b[14]), e3+T(y[3]*b[15])
		c0, c1, c2, c3 = c0+T(x[4]*b[16]), c1+T(x[4]*b[17]), c2+T(x[4]*b[18]), c3+T(x[4]*b[19])
		e0, e1, e2, e3 = e0+T(y[4]*b[16]), e1+T(y[4]*b[17]), e2+T(y[4]*b[18]), e3+T(y[4]*b[19])
		c0, c1, c2, c3 = c0+T(x[5]*b[20]), c1+T(x[5]*b[21]), c2+T(x[5]*b[22]), c3+T(x[5]*b[23])
		e0, e1, e2, e3 = e0+T(y[5]*b[20]), e1+T(y[5]*b[21]), e2+T(y[5]*b[22]), e3+T(y[5]*b[23])
		c0, c1, c2, c3 = c0+T(x[6]*b[24]), c1+T(x[6]*b[25]), c2+T(x[6]*b[26]), c3+T(x[6]*b[27])
		e0, e1, e2, e3 = e0+T(y[6]*b[24]), e1+T(y[6]*b[25]), e2+T(y[6]*b[26]), e3+T(y[6]*b[27])
		c0, c1, c2, c3 = c0+T(x[7]*b[28]), c1+T(x[7]*b[29]), c2+T(x[7]*b[30]), c3+T(x[7]*b[31])
		e0, e1, e2, e3 = e0+T(y[7]*b[28]), e1+T(y[7]*b[29]), e2+T(y[7]*b[30]), e3+T(y[7]*b[31])
		a0, a1, w = a0[8:], a1[8:], w[32:]
	}
	a1 = a1[:len(a0)]
	for k, x := range a0 {
		y, b := a1[k], (*[4]T)(w[4*k:])
		c0, c1, c2, c3 = c0+T(x*b[0]), c1+T(x*b[1]), c2+T(x*b[2]), c3+T(x*b[3])
		e0, e1, e2, e3 = e0+T(y*b[0]), e1+T(y*b[1]), e2+T(y*b[2]), e3+T(y*b[3])
	}
	*d0, *d1 = [4]T{c0, c1, c2, c3}, [4]T{e0, e1, e2, e3}
}

// tile1x4 is tile2x4 for one row, in the same order: d[j] += Σ_k a[k]·w[k][j].
func tile1x4[T Float](d *[4]T, a, w []T) {
	c0, c1, c2, c3 := d[0], d[1], d[2], d[3]
	for len(a) >= 8 && len(w) >= 32 {
		x, b := (*[8]T)(a), (*[32]T)(w)
		c0, c1, c2, c3 = c0+T(x[0]*b[0]), c1+T(x[0]*b[1]), c2+T(x[0]*b[2]), c3+T(x[0]*b[3])
		c0, c1, c2, c3 = c0+T(x[1]*b[4]), c1+T(x[1]*b[5]), c2+T(x[1]*b[6]), c3+T(x[1]*b[7])
		c0, c1, c2, c3 = c0+T(x[2]*b[8]), c1+T(x[2]*b[9]), c2+T(x[2]*b[10]), c3+T(x[2]*b[11])
		c0, c1, c2, c3 = c0+T(x[3]*b[12]), c1+T(x[3]*b[13]), c2+T(x[3]*b[14]), c3+T(x[3]*b[15])
		c0, c1, c2, c3 = c0+T(x[4]*b[16]), c1+T(x[4]*b[17]), c2+T(x[4]*b[18]), c3+T(x[4]*b[19])
		c0, c1, c2, c3 = c0+T(x[5]*b[20]), c1+T(x[5]*b[21]), c2+T(x[5]*b[22]), c3+T(x[5]*b[23])
		c0, c1, c2, c3 = c0+T(x[6]*b[24]), c1+T(x[6]*b[25]), c2+T(x[6]*b[26]), c3+T(x[6]*b[27])
		c0, c1, c2, c3 = c0+T(x[7]*b[28]), c1+T(x[7]*b[29]), c2+T(x[7]*b[30]), c3+T(x[7]*b[31])
		a, w = a[8:], w[32:]
	}
	for k, x := range a {
		b := (*[4]T)(w[4*k:])
		c0, c1, c2, c3 = c0+T(x*b[0]), c1+T(x*b[1]), c2+T(x*b[2]), c3+T(x*b[3])
	}
	*d = [4]T{c0, c1, c2, c3}
}
