package tensor

// The naive kernels say what Mul and AddMulT compute, in plain loops and in the same order of summation: every faster kernel
// is checked against them bit for bit. They are slow, and kept for ever.

// NaiveMul stores a·w in dst: what Mul does with Pack(w). a is rows×k, w is k×n, dst is rows×n and aliases neither.
func NaiveMul[T Float](dst, a, w Matrix[T]) {
	if dst.Rows != a.Rows || dst.Cols != w.Cols || a.Cols != w.Rows {
		panic("tensor: operands of different shapes")
	}
	for i := range dst.Rows {
		for j := range dst.Cols {
			var sum T
			for k := range a.Cols {
				sum += T(a.Data[i*a.Stride+k] * w.Data[k*w.Stride+j])
			}
			dst.Data[i*dst.Stride+j] = sum
		}
	}
}

// NaiveMulT stores a·wᵀ in dst: what Mul does with PackT(w). a is rows×k, w is n×k, dst is rows×n and aliases neither.
func NaiveMulT[T Float](dst, a, w Matrix[T]) {
	if dst.Rows != a.Rows || dst.Cols != w.Rows || a.Cols != w.Cols {
		panic("tensor: operands of different shapes")
	}
	for i := range dst.Rows {
		for j := range dst.Cols {
			var sum T
			for k := range a.Cols {
				sum += T(a.Data[i*a.Stride+k] * w.Data[j*w.Stride+k])
			}
			dst.Data[i*dst.Stride+j] = sum
		}
	}
}

// NaiveAddMulT adds eᵀz to dst, as AddMulT does. e is B×m, z is B×n, dst is m×n and aliases neither.
func NaiveAddMulT[T Float](dst, e, z Matrix[T]) {
	if e.Rows != z.Rows || dst.Rows != e.Cols || dst.Cols != z.Cols {
		panic("tensor: operands of different shapes")
	}
	for i := range dst.Rows {
		for j := range dst.Cols {
			sum := dst.Data[i*dst.Stride+j]
			for b := range e.Rows {
				sum += T(e.Data[b*e.Stride+i] * z.Data[b*z.Stride+j])
			}
			dst.Data[i*dst.Stride+j] = sum
		}
	}
}
