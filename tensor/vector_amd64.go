//go:build amd64 && !noasm

package tensor

import "unsafe"

// ptr returns the first element of x, which has one, as a pointer to P, which is T.
func ptr[P, T Float](x []T) *P { return (*P)(unsafe.Pointer(&x[0])) }

// value returns x, of type P, which is T.
func value[P, T Float](x *T) *P { return (*P)(unsafe.Pointer(x)) }

// The functions below do the work of their portable twins on slices of equal length, if there is a kernel for it, and report
// whether they did.

func machineBinary[T Float](op operator, dst, x, y Matrix[T]) bool {
	n, rows := dst.Cols, dst.Rows
	if n == 0 || rows == 0 {
		return true
	}
	to, v, w := dst.window(), x.window(), y.window()
	size := int(unsafe.Sizeof(v[0]))
	dr, xr, yr := size*dst.Stride, size*x.Stride, size*y.Stride
	switch single := is32[T](); {
	case current == avx512 && single:
		d, a, b := ptr[float32](to), ptr[float32](v), ptr[float32](w)
		switch op {
		case plus:
			add32AVX512(d, a, b, n, rows, dr, xr, yr)
		case minus:
			sub32AVX512(d, a, b, n, rows, dr, xr, yr)
		default:
			mul32AVX512(d, a, b, n, rows, dr, xr, yr)
		}
	case current == avx2 && single:
		d, a, b := ptr[float32](to), ptr[float32](v), ptr[float32](w)
		switch op {
		case plus:
			add32AVX2(d, a, b, n, rows, dr, xr, yr)
		case minus:
			sub32AVX2(d, a, b, n, rows, dr, xr, yr)
		default:
			mul32AVX2(d, a, b, n, rows, dr, xr, yr)
		}
	case current == avx512 && !single:
		d, a, b := ptr[float64](to), ptr[float64](v), ptr[float64](w)
		switch op {
		case plus:
			add64AVX512(d, a, b, n, rows, dr, xr, yr)
		case minus:
			sub64AVX512(d, a, b, n, rows, dr, xr, yr)
		default:
			mul64AVX512(d, a, b, n, rows, dr, xr, yr)
		}
	case current == avx2 && !single:
		d, a, b := ptr[float64](to), ptr[float64](v), ptr[float64](w)
		switch op {
		case plus:
			add64AVX2(d, a, b, n, rows, dr, xr, yr)
		case minus:
			sub64AVX2(d, a, b, n, rows, dr, xr, yr)
		default:
			mul64AVX2(d, a, b, n, rows, dr, xr, yr)
		}
	default:
		return false
	}
	return true
}

func machineAxpy[T Float](dst []T, a T, x []T) bool {
	if len(x) == 0 {
		return true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		axpy32AVX512(ptr[float32](dst), ptr[float32](x), value[float32](&a), len(x))
	case current == avx2 && single:
		axpy32AVX2(ptr[float32](dst), ptr[float32](x), value[float32](&a), len(x))
	case current == avx512 && !single:
		axpy64AVX512(ptr[float64](dst), ptr[float64](x), value[float64](&a), len(x))
	case current == avx2 && !single:
		axpy64AVX2(ptr[float64](dst), ptr[float64](x), value[float64](&a), len(x))
	default:
		return false
	}
	return true
}

func machineScale[T Float](x []T, a T) bool {
	if len(x) == 0 {
		return true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		scale32AVX512(ptr[float32](x), value[float32](&a), len(x))
	case current == avx2 && single:
		scale32AVX2(ptr[float32](x), value[float32](&a), len(x))
	case current == avx512 && !single:
		scale64AVX512(ptr[float64](x), value[float64](&a), len(x))
	case current == avx2 && !single:
		scale64AVX2(ptr[float64](x), value[float64](&a), len(x))
	default:
		return false
	}
	return true
}

func machineDot[T Float](x, y []T) (sum float64, ok bool) {
	if len(x) == 0 {
		return 0, true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		sum = dot32AVX512(ptr[float32](x), ptr[float32](y), len(x))
	case current == avx2 && single:
		sum = dot32AVX2(ptr[float32](x), ptr[float32](y), len(x))
	case current == avx512 && !single:
		sum = dot64AVX512(ptr[float64](x), ptr[float64](y), len(x))
	case current == avx2 && !single:
		sum = dot64AVX2(ptr[float64](x), ptr[float64](y), len(x))
	default:
		return 0, false
	}
	return sum, true
}

func machineSquares[T Float](x []T) (sum float64, ok bool) {
	if len(x) == 0 {
		return 0, true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		sum = squares32AVX512(ptr[float32](x), len(x))
	case current == avx2 && single:
		sum = squares32AVX2(ptr[float32](x), len(x))
	case current == avx512 && !single:
		sum = squares64AVX512(ptr[float64](x), len(x))
	case current == avx2 && !single:
		sum = squares64AVX2(ptr[float64](x), len(x))
	default:
		return 0, false
	}
	return sum, true
}

func machineSecant[T Float](x, y []T) (gg, gy, yy float64, ok bool) {
	if len(x) == 0 {
		return 0, 0, 0, true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		gg, gy, yy = secant32AVX512(ptr[float32](x), ptr[float32](y), len(x))
	case current == avx2 && single:
		gg, gy, yy = secant32AVX2(ptr[float32](x), ptr[float32](y), len(x))
	case current == avx512 && !single:
		gg, gy, yy = secant64AVX512(ptr[float64](x), ptr[float64](y), len(x))
	case current == avx2 && !single:
		gg, gy, yy = secant64AVX2(ptr[float64](x), ptr[float64](y), len(x))
	default:
		return 0, 0, 0, false
	}
	return gg, gy, yy, true
}

func machineNonfinite[T Float](x []T) (lanes int, ok bool) {
	if len(x) == 0 {
		return 0, true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		lanes = nonfinite32AVX512(ptr[float32](x), len(x))
	case current == avx2 && single:
		lanes = nonfinite32AVX2(ptr[float32](x), len(x))
	case current == avx512 && !single:
		lanes = nonfinite64AVX512(ptr[float64](x), len(x))
	case current == avx2 && !single:
		lanes = nonfinite64AVX2(ptr[float64](x), len(x))
	default:
		return 0, false
	}
	return lanes, true
}
