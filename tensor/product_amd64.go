//go:build amd64 && !noasm

package tensor

import "unsafe"

// machinePanel is three registers of columns.
func machinePanel[T Float]() int {
	n := 24
	if current == avx512 {
		n = 48
	}
	if is32[T]() {
		return n
	}
	return n / 2
}

// columns computes the first columns of c and init from those of b that begin at column j, at most n, and returns how many.
func (p *product[T]) columns(j, n int) int {
	switch single := is32[T](); {
	case current == avx512 && single:
		return p.avx512Single(j, n)
	case current == avx512:
		return p.avx512Double(j, n)
	case single:
		return p.avx2Single(j, n)
	}
	return p.avx2Double(j, n)
}

// single returns the operands of a float32 kernel.
func (p *product[T]) single(j int) (c, init, a, b *float32) {
	return (*float32)(unsafe.Pointer(&p.c[0])), (*float32)(unsafe.Pointer(&p.init[0])),
		(*float32)(unsafe.Pointer(&p.a[0])), (*float32)(unsafe.Pointer(&p.b[j]))
}

// double returns the operands of a float64 kernel.
func (p *product[T]) double(j int) (c, init, a, b *float64) {
	return (*float64)(unsafe.Pointer(&p.c[0])), (*float64)(unsafe.Pointer(&p.init[0])),
		(*float64)(unsafe.Pointer(&p.a[0])), (*float64)(unsafe.Pointer(&p.b[j]))
}

func (p *product[T]) avx512Single(j, n int) int {
	c, init, a, b := p.single(j)
	switch vectors := min(3, (n+15)/16); vectors {
	case 3:
		n = min(n, 48)
		product3x32AVX512(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, n-32)
	case 2:
		product2x32AVX512(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, n-16)
	default:
		product1x32AVX512(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, n)
	}
	return n
}

func (p *product[T]) avx512Double(j, n int) int {
	c, init, a, b := p.double(j)
	switch vectors := min(3, (n+7)/8); vectors {
	case 3:
		n = min(n, 24)
		product3x64AVX512(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, n-16)
	case 2:
		product2x64AVX512(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, n-8)
	default:
		product1x64AVX512(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, n)
	}
	return n
}

func (p *product[T]) avx2Single(j, n int) int {
	c, init, a, b := p.single(j)
	switch vectors := min(3, n/8); vectors {
	case 3:
		product3x32AVX2(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, 8)
		return 24
	case 2:
		product2x32AVX2(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, 8)
		return 16
	case 1:
		product1x32AVX2(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, 8)
		return 8
	}
	productPart32AVX2(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps, n)
	return n
}

func (p *product[T]) avx2Double(j, n int) int {
	c, init, a, b := p.double(j)
	switch vectors := min(3, n/4); vectors {
	case 3:
		product3x64AVX2(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, 4)
		return 12
	case 2:
		product2x64AVX2(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, 4)
		return 8
	case 1:
		product1x64AVX2(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, 4)
		return 4
	}
	productPart64AVX2(c, init, a, b, 8*p.cRow, 8*p.initRow, 8*p.aRow, 8*p.aStep, 8*p.bStep, p.rows, p.steps, n)
	return n
}

// transpose8 stores the transpose of the first 8·⌊cols/8⌋ columns of the first 8·⌊rows/8⌋ rows of float32 in dst, and returns how many
// of either: none, or some.
func transpose8[T Float](dst, src Matrix[T]) (rows, cols int) {
	blocks, bands := src.Cols/8, src.Rows/8
	if current == generic || !is32[T]() || blocks == 0 || bands == 0 {
		return 0, 0
	}
	d, s := dst.window(), src.window()
	transpose32AVX2((*float32)(unsafe.Pointer(&d[0])), (*float32)(unsafe.Pointer(&s[0])), 4*dst.Stride, 4*src.Stride, blocks, bands)
	return 8 * bands, 8 * blocks
}

// machinePanelCopy stores w, which has rows and just the columns of a panel, as a panel, and reports whether it did.
func machinePanelCopy[T Float](panel []T, w Matrix[T]) bool {
	x := w.window()
	switch single := is32[T](); {
	case current == avx512 && single:
		panel32AVX512(ptr[float32](panel), ptr[float32](x), 4*w.Stride, w.Rows)
	case current == avx2 && single:
		panel32AVX2(ptr[float32](panel), ptr[float32](x), 4*w.Stride, w.Rows)
	case current == avx512:
		panel64AVX512(ptr[float64](panel), ptr[float64](x), 8*w.Stride, w.Rows)
	case current == avx2:
		panel64AVX2(ptr[float64](panel), ptr[float64](x), 8*w.Stride, w.Rows)
	default:
		return false
	}
	return true
}

// machinePeak makes rounds of twelve multiply-adds of registers and returns the lanes of a register, or 0 without kernels.
func machinePeak[T Float](rounds int) (lanes int) {
	switch single := is32[T](); {
	case current == avx512 && single:
		peak32AVX512(rounds)
		return 16
	case current == avx2 && single:
		peak32AVX2(rounds)
		return 8
	case current == avx512:
		peak64AVX512(rounds)
		return 8
	case current == avx2:
		peak64AVX2(rounds)
		return 4
	}
	return 0
}
