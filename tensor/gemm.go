package tensor

// Packed is one orientation of a weight matrix, blocked for the kernel: the k×n right operand P of a product a·P. It is cut into
// panels of width columns; a panel holds its rows one after the other, and the last is filled up with zeros. Weights change once
// per update and are used in every pass of inference, so the cost of packing, k·n copies, is paid once for many products.
//
// The zero Packed is a 0×0 operand. Packing again reuses the memory. Products only read a Packed: workers may share it.
type Packed[T Float] struct {
	k, n, width int
	data        []T
}

// Pack makes w the right operand of later products, as in E W: k is w.Rows and n is w.Cols.
// w is copied: a later change of w is not seen. It allocates only if the operand outgrows every earlier one.
func (p *Packed[T]) Pack(w Matrix[T]) {
	p.resize(w.Rows, w.Cols)
	p.PackRows(w, 0, w.Rows)
}

// PackT makes wᵀ the right operand of later products, as in Z Wᵀ: k is w.Cols and n is w.Rows. Otherwise as Pack.
func (p *Packed[T]) PackT(w Matrix[T]) {
	p.resize(w.Cols, w.Rows)
	if full := p.n / p.width * p.width; full < p.n {
		clear(p.panel(full))
	}
	p.PackTRows(w, 0, w.Rows)
}

// PackRows packs rows lo ≤ i < hi of w anew, which is otherwise what was packed last. Calls on disjoint rows may run at the same time.
func (p *Packed[T]) PackRows(w Matrix[T], lo, hi int) {
	if w.Rows != p.k || w.Cols != p.n {
		panic("tensor: operand of another shape")
	}
	w = w.RowsOf(lo, hi)
	for j := 0; j < p.n; j += p.width {
		packPanel(p.panel(j)[lo*p.width:hi*p.width], w.ColsOf(j, min(j+p.width, p.n)), p.width)
	}
}

// PackTRows is PackRows for wᵀ, of which rows of w are columns.
func (p *Packed[T]) PackTRows(w Matrix[T], lo, hi int) {
	if w.Rows != p.n || w.Cols != p.k {
		panic("tensor: operand of another shape")
	}
	w = w.RowsOf(lo, hi)
	for at := lo; at < hi && p.k > 0; {
		j := at / p.width * p.width
		end := min(hi, j+p.width)
		transpose(Matrix[T]{Rows: p.k, Cols: end - at, Stride: p.width, Data: p.panel(j)[at-j:]}, w.RowsOf(at-lo, end-lo))
		at = end
	}
}

// resize makes room for a k×n operand, in the panels of the kernel in force.
func (p *Packed[T]) resize(k, n int) {
	p.k, p.n, p.width = k, n, panelCols[T]()
	size := k * ((n + p.width - 1) / p.width * p.width)
	if cap(p.data) < size {
		p.data = make([]T, size)
	}
	p.data = p.data[:size]
}

// panel returns the panel of columns j ≤ c < j+width; j is a multiple of width.
func (p *Packed[T]) panel(j int) []T {
	return p.data[j*p.k : (j+p.width)*p.k]
}

// packPanel stores the k×c matrix w, c ≤ width, as a panel: k rows of width, filled up with zeros; panel has just that length.
// Inlined into addBlock, its loop would run on spilled registers and cost the portable AddMulT some percent.
//
//go:noinline
func packPanel[T Float](panel []T, w Matrix[T], width int) {
	if w.Cols < width {
		clear(panel)
	}
	if w.Cols == width && w.Rows > 0 && machinePanelCopy(panel, w) {
		return
	}
	if w.Cols == tileCols && width == tileCols {
		for at := 0; len(panel) >= tileCols; at += w.Stride {
			*(*[tileCols]T)(panel) = *(*[tileCols]T)(w.Data[at:])
			panel = panel[tileCols:]
		}
		return
	}
	for k := range w.Rows {
		copy(panel[k*width:], w.Row(k))
	}
}

// Mul stores the product of a and the packed right operand in dst:
//
//	dst[i][j] = Σ_k a[i][k]·P[k][j]
//
// dst is rows×n, a is rows×k; dst may not alias a. Every element is one sum over ascending k in one accumulator that starts
// at 0, so a row is the same bits in any company and at any place, and NaN and Inf propagate. Product and sum are rounded
// separately by the portable kernels, and once, as one fused multiply-add, by all others. Cost: rows·k·n multiply-adds; no allocation.
func Mul[T Float](dst, a Matrix[T], p *Packed[T]) {
	if dst.Rows != a.Rows {
		panic("tensor: row mismatch")
	}
	if a.Cols != p.k || dst.Cols != p.n {
		panic("tensor: operand of another shape")
	}
	if portable[T]() {
		mulPortable(dst, a, p)
		return
	}
	mulMachine(dst, a, p)
}

// AddMulT adds a product summed over rows, such as a weight gradient, to dst:
//
//	dst[i][j] += Σ_b e[b][i]·z[b][j]
//
// e is B×m, z is B×n, dst is m×n; dst may alias neither. The sum runs over ascending b in one accumulator that starts at dst[i][j],
// so columns of e (with their rows of dst) may be split between workers, and rows of e and z between successive calls, with
// the same bits as one call. Roundings are those of Mul. Cost: B·m·n multiply-adds; no allocation.
func AddMulT[T Float](dst, e, z Matrix[T]) {
	if e.Rows != z.Rows {
		panic("tensor: row mismatch")
	}
	if dst.Rows != e.Cols || dst.Cols != z.Cols {
		panic("tensor: gradient of another shape")
	}
	if portable[T]() {
		addMulTPortable(dst, e, z)
		return
	}
	addMulTMachine(dst, e, z)
}
