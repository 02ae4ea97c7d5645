package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// cholesky overwrites the lower triangle of the n×n matrix a, symmetric and positive definite, with L, a = L Lᵀ
// (Golub & Van Loan 2013, Alg. 4.2.1). Not finite where a is not positive definite.
func cholesky(a []float64, n int) {
	for j := range n {
		row := a[j*n : j*n+j]
		d := math.Sqrt(a[j*n+j] - tensor.Dot(row, row))
		a[j*n+j] = d
		for i := j + 1; i < n; i++ {
			a[i*n+j] = (a[i*n+j] - tensor.Dot(a[i*n:i*n+j], row)) / d
		}
	}
}

// cholForward overwrites r with L⁻¹ r.
func cholForward(l, r []float64) {
	n := len(r)
	for i := range n {
		r[i] = (r[i] - tensor.Dot(l[i*n:i*n+i], r[:i])) / l[i*n+i]
	}
}

// cholSolve overwrites r with (L Lᵀ)⁻¹ r.
func cholSolve(l, r []float64) {
	n := len(r)
	cholForward(l, r)
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			r[i] -= float64(l[k*n+i] * r[k])
		}
		r[i] /= l[i*n+i]
	}
}

// cholTranspose overwrites x with Lᵀ x.
func cholTranspose(l, x []float64) {
	n := len(x)
	for i := range n { // from the first: element i needs those below it
		sum := 0.0
		for k := i; k < n; k++ {
			sum += float64(l[k*n+i] * x[k])
		}
		x[i] = sum
	}
}

// cholMul overwrites x with L Lᵀ x.
func cholMul(l, x []float64) {
	n := len(x)
	cholTranspose(l, x)
	for i := n - 1; i >= 0; i-- {
		x[i] = tensor.Dot(l[i*n:i*n+i+1], x[:i+1])
	}
}
