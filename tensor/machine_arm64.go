//go:build !noasm

package tensor

import "unsafe"

// Advanced SIMD is part of every arm64. Only products of float32 have kernels here.

//go:noescape
func product16NEON(c, init, a, b *float32, cRow, initRow, aRow, aStep, bStep, rows, steps int)

//go:noescape
func product4NEON(c, init, a, b *float32, cRow, initRow, aRow, aStep, bStep, rows, steps int)

//go:noescape
func product1NEON(c, init, a, b *float32, cRow, initRow, aRow, aStep, bStep, rows, steps int)

func peakNEON(rounds int)

func machineLevels() []level { return []level{generic, neon} }

// machinePanel is four registers of columns.
func machinePanel[T Float]() int { return 16 }

// columns computes the first columns of c and init from those of b that begin at column j, at most n, and returns how many.
func (p *product[T]) columns(j, n int) int {
	c, init := (*float32)(unsafe.Pointer(&p.c[0])), (*float32)(unsafe.Pointer(&p.init[0]))
	a, b := (*float32)(unsafe.Pointer(&p.a[0])), (*float32)(unsafe.Pointer(&p.b[j]))
	switch {
	case n >= 16:
		product16NEON(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps)
		return 16
	case n >= 4:
		product4NEON(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps)
		return 4
	}
	product1NEON(c, init, a, b, 4*p.cRow, 4*p.initRow, 4*p.aRow, 4*p.aStep, 4*p.bStep, p.rows, p.steps)
	return 1
}

// machinePeak makes rounds of twelve multiply-adds of registers and returns the lanes of a register, or 0 without kernels.
func machinePeak[T Float](rounds int) (lanes int) {
	if current != neon || !is32[T]() {
		return 0
	}
	peakNEON(rounds)
	return 4
}
