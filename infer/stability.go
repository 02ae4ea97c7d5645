package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// stabilityIterations bring power iteration from the gradient to λ_max within a few percent below it on networks of ten layers.
const stabilityIterations = 30

// LargestEigenvalues returns |λ|_max of ∂²F/∂z² at the point z of each of its samples, by power iteration from the gradient,
// in the coordinates of the objective. Explicit steps dt along the gradient are stable for dt < 2/λ_max, and 1/λ_max is a good
// fixed one. Hessian products are central differences of the gradient. Cost: 2 + 4·30 passes of these rows. Samples without a
// gradient have 0.
func LargestEigenvalues[T tensor.Float](f Objective[T], z tensor.Matrix[T]) []float64 {
	v, up, down, at := tensor.New[T](z.Rows, z.Cols), tensor.New[T](z.Rows, z.Cols), tensor.New[T](z.Rows, z.Cols), tensor.New[T](z.Rows, z.Cols)
	energies, lambda, h := make([]float64, z.Rows), make([]float64, z.Rows), make([]float64, z.Rows)
	f.Eval(energies, v, z)
	for i := range h {
		if normalise(v.Row(i)) == 0 {
			clear(v.Row(i))
		}
		// The error of a central difference is of order h² + ε/h.
		h[i] = math.Cbrt(epsilon[T]()) * (1 + math.Sqrt(tensor.Dot(z.Row(i), z.Row(i))))
	}
	for range stabilityIterations {
		at.CopyFrom(z)
		tensor.AxpyRows(at, h, v)
		f.Eval(energies, up, at)
		for i := range h {
			tensor.Axpy(at.Row(i), T(-2*h[i]), v.Row(i))
		}
		f.Eval(energies, down, at)
		tensor.Sub(v, up, down)
		for i := range lambda {
			lambda[i] = normalise(v.Row(i)) / (2 * h[i])
		}
	}
	return lambda
}

// normalise divides v by its norm, unless that is 0, and returns the norm.
func normalise[T tensor.Float](v []T) float64 {
	n := math.Sqrt(tensor.Dot(v, v))
	if n > 0 {
		tensor.Scale(v, T(1/n))
	}
	return n
}

// epsilon is the rounding unit of T.
func epsilon[T tensor.Float]() float64 {
	if T(1)+T(0x1p-30) == 1 {
		return 0x1p-24
	}
	return 0x1p-53
}
