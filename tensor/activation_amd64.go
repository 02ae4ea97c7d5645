//go:build amd64 && !noasm

package tensor

// machineActivation stores f and its derivative, if there is a kernel for it, and reports whether it did.
func machineActivation[T Float](f activation, dst, slope, x []T) bool {
	if len(x) == 0 {
		return true
	}
	if !is32[T]() || current == generic {
		return false
	}
	d, s, v := ptr[float32](dst), ptr[float32](slope), ptr[float32](x)
	if current == avx512 {
		avx512Activation(f, d, s, v, len(x))
	} else {
		avx2Activation(f, d, s, v, len(x))
	}
	return true
}

func avx512Activation(f activation, dst, slope, x *float32, n int) {
	switch f {
	case tanh:
		tanh32AVX512(dst, slope, x, n)
	case sigmoid:
		sigmoid32AVX512(dst, slope, x, n)
	case silu:
		silu32AVX512(dst, slope, x, n)
	case gelu:
		gelu32AVX512(dst, slope, x, n)
	case relu:
		relu32AVX512(dst, slope, x, n)
	case leakyReLU:
		leakyReLU32AVX512(dst, slope, x, n)
	case hardTanh:
		hardTanh32AVX512(dst, slope, x, n)
	}
}

func avx2Activation(f activation, dst, slope, x *float32, n int) {
	switch f {
	case tanh:
		tanh32AVX2(dst, slope, x, n)
	case sigmoid:
		sigmoid32AVX2(dst, slope, x, n)
	case silu:
		silu32AVX2(dst, slope, x, n)
	case gelu:
		gelu32AVX2(dst, slope, x, n)
	case relu:
		relu32AVX2(dst, slope, x, n)
	case leakyReLU:
		leakyReLU32AVX2(dst, slope, x, n)
	case hardTanh:
		hardTanh32AVX2(dst, slope, x, n)
	}
}

// machineExp stores eˣ.
func machineExp[T Float](dst, x []T) bool {
	if len(x) == 0 {
		return true
	}
	switch {
	case !is32[T]() || current == generic:
		return false
	case current == avx512:
		exp32AVX512(ptr[float32](dst), ptr[float32](x), len(x))
	default:
		exp32AVX2(ptr[float32](dst), ptr[float32](x), len(x))
	}
	return true
}
