package tensor

// Dot returns Σ_i x_i y_i, of two slices of equal length, in float64. Products are formed in float64 too (exactly, for float32).
// Portably, index i goes to the sum s_(i mod 4), the last len mod 4 indices to s_0, and the result is (s_0+s_1) + (s_2+s_3). At
// avx2 and avx512 there are sixteen sums, fused and added in halves: s_j + s_(j+8), then j+4, j+2, j+1. Either way the result
// depends on x and y alone.
func Dot[T Float](x, y []T) float64 {
	if len(x) != len(y) {
		panic("tensor: length mismatch")
	}
	if sum, ok := machineDot(x, y); ok {
		return sum
	}
	var s0, s1, s2, s3 float64
	for len(x) >= 4 && len(y) >= 4 {
		a, b := (*[4]T)(x), (*[4]T)(y)
		s0 += float64(float64(a[0]) * float64(b[0]))
		s1 += float64(float64(a[1]) * float64(b[1]))
		s2 += float64(float64(a[2]) * float64(b[2]))
		s3 += float64(float64(a[3]) * float64(b[3]))
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += float64(float64(v) * float64(y[i]))
	}
	return (s0 + s1) + (s2 + s3)
}

// squares returns Dot(x, x), to the bit. Converting each element once makes it nearly twice as fast for float32.
func squares[T Float](x []T) float64 {
	if sum, ok := machineSquares(x); ok {
		return sum
	}
	var s0, s1, s2, s3 float64
	for len(x) >= 4 {
		a := (*[4]T)(x)
		v0, v1, v2, v3 := float64(a[0]), float64(a[1]), float64(a[2]), float64(a[3])
		s0 += float64(v0 * v0)
		s1 += float64(v1 * v1)
		s2 += float64(v2 * v2)
		s3 += float64(v3 * v3)
		x = x[4:]
	}
	for _, a := range x {
		v := float64(a)
		s0 += float64(v * v)
	}
	return (s0 + s1) + (s2 + s3)
}

// Secant returns the products gᵀg, gᵀy and yᵀy of g = before and y = after − before, all in float64, with both slices read once:
// what a Barzilai–Borwein step is made of. Both have one length. Sums run as in Dot, portably in one sum each.
func Secant[T Float](before, after []T) (gg, gy, yy float64) {
	if len(before) != len(after) {
		panic("tensor: length mismatch")
	}
	if gg, gy, yy, ok := machineSecant(before, after); ok {
		return gg, gy, yy
	}
	for i, x := range before {
		g := float64(x)
		y := float64(after[i]) - g
		gg += float64(g * g)
		gy += float64(g * y)
		yy += float64(y * y)
	}
	return gg, gy, yy
}

// Axpy adds a·x to dst, of equal length. dst may be x. A zero a is not skipped: 0·NaN is NaN.
func Axpy[T Float](dst []T, a T, x []T) {
	if len(dst) != len(x) {
		panic("tensor: length mismatch")
	}
	if machineAxpy(dst, a, x) {
		return
	}
	for i, v := range x {
		dst[i] += T(a * v)
	}
}

// Scale multiplies dst by a.
func Scale[T Float](dst []T, a T) {
	if machineScale(dst, a) {
		return
	}
	for i := range dst {
		dst[i] *= a
	}
}

// operator is an operation on two numbers.
type operator uint8

const (
	plus operator = iota
	minus
	times
)

// combine stores x op y in dst, row by row, all of one shape; dst may be x or y. A stride of 0 is one row again and again.
func combine[T Float](op operator, dst, x, y Matrix[T]) {
	if machineBinary(op, dst, x, y) {
		return
	}
	for i := range dst.Rows {
		d, v, w := dst.Row(i), x.Row(i), y.Row(i)
		v, w = v[:len(d)], w[:len(d)]
		switch op {
		case plus:
			for j := range d {
				d[j] = v[j] + w[j]
			}
		case minus:
			for j := range d {
				d[j] = v[j] - w[j]
			}
		default:
			for j := range d {
				d[j] = v[j] * w[j]
			}
		}
	}
}

// Finite reports whether x holds neither NaN nor Inf.
func Finite[T Float](x []T) bool {
	if lanes, ok := machineNonfinite(x); ok {
		return lanes == 0
	}
	var s0, s1, s2, s3 T // v·0 is 0 for a finite v and NaN for the others; looking once at the end is twice as fast as at every v
	for len(x) >= 4 {
		a := (*[4]T)(x)
		s0, s1, s2, s3 = s0+T(a[0]*0), s1+T(a[1]*0), s2+T(a[2]*0), s3+T(a[3]*0)
		x = x[4:]
	}
	for _, v := range x {
		s0 += T(v * 0)
	}
	return s0+s1+s2+s3 == 0
}
