//go:build amd64 && !noasm

package tensor

// The functions below take the steps of their portable twins, if there is a kernel for it, and report whether they did.

func machineDescend[T Float](theta, grad []T, c *[2]T) bool {
	if len(grad) == 0 {
		return true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		descend32AVX512(ptr[float32](theta), ptr[float32](grad), value[float32](&c[0]), len(grad))
	case current == avx2 && single:
		descend32AVX2(ptr[float32](theta), ptr[float32](grad), value[float32](&c[0]), len(grad))
	case current == avx512 && !single:
		descend64AVX512(ptr[float64](theta), ptr[float64](grad), value[float64](&c[0]), len(grad))
	case current == avx2 && !single:
		descend64AVX2(ptr[float64](theta), ptr[float64](grad), value[float64](&c[0]), len(grad))
	default:
		return false
	}
	return true
}

func machineMomentum[T Float](theta, grad, v []T, c *[3]T) bool {
	if len(grad) == 0 {
		return true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		momentum32AVX512(ptr[float32](theta), ptr[float32](grad), ptr[float32](v), value[float32](&c[0]), len(grad))
	case current == avx2 && single:
		momentum32AVX2(ptr[float32](theta), ptr[float32](grad), ptr[float32](v), value[float32](&c[0]), len(grad))
	case current == avx512 && !single:
		momentum64AVX512(ptr[float64](theta), ptr[float64](grad), ptr[float64](v), value[float64](&c[0]), len(grad))
	case current == avx2 && !single:
		momentum64AVX2(ptr[float64](theta), ptr[float64](grad), ptr[float64](v), value[float64](&c[0]), len(grad))
	default:
		return false
	}
	return true
}

func machineNesterov[T Float](theta, grad, v []T, c *[3]T) bool {
	if len(grad) == 0 {
		return true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		nesterov32AVX512(ptr[float32](theta), ptr[float32](grad), ptr[float32](v), value[float32](&c[0]), len(grad))
	case current == avx2 && single:
		nesterov32AVX2(ptr[float32](theta), ptr[float32](grad), ptr[float32](v), value[float32](&c[0]), len(grad))
	case current == avx512 && !single:
		nesterov64AVX512(ptr[float64](theta), ptr[float64](grad), ptr[float64](v), value[float64](&c[0]), len(grad))
	case current == avx2 && !single:
		nesterov64AVX2(ptr[float64](theta), ptr[float64](grad), ptr[float64](v), value[float64](&c[0]), len(grad))
	default:
		return false
	}
	return true
}

func machineAdam[T Float](theta, grad, m, v []T, c *[9]T) bool {
	if len(grad) == 0 {
		return true
	}
	switch single := is32[T](); {
	case current == avx512 && single:
		adam32AVX512(ptr[float32](theta), ptr[float32](grad), ptr[float32](m), ptr[float32](v), value[float32](&c[0]), len(grad))
	case current == avx2 && single:
		adam32AVX2(ptr[float32](theta), ptr[float32](grad), ptr[float32](m), ptr[float32](v), value[float32](&c[0]), len(grad))
	case current == avx512 && !single:
		adam64AVX512(ptr[float64](theta), ptr[float64](grad), ptr[float64](m), ptr[float64](v), value[float64](&c[0]), len(grad))
	case current == avx2 && !single:
		adam64AVX2(ptr[float64](theta), ptr[float64](grad), ptr[float64](m), ptr[float64](v), value[float64](&c[0]), len(grad))
	default:
		return false
	}
	return true
}
