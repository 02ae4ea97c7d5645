package energy

import "github.com/settle-pc/settle/tensor"

// Output is the term F_L(y, ŷ) that ties the prediction ŷ = g_L(z_{L−1}) to the clamped target y, per sample.
type Output[T tensor.Float] interface {
	// Residual adds F_L of each row to f and stores r = −∂F_L/∂ŷ in r, which may be ŷ itself. All are B×n_L.
	Residual(f []float64, r, y, yhat tensor.Matrix[T], precision float64)
	// Curvature stores (∂²F_L/∂ŷ²) v in dst, which may be v itself.
	Curvature(dst, v, yhat tensor.Matrix[T], precision float64)
	// Quadratic reports whether F_L is (π_L/2)‖y − ŷ‖², so that its curvature is π_L I everywhere.
	Quadratic() bool
}

// SquaredError is F_L = (π_L/2)‖y − ŷ‖², summed over outputs, with the half.
type SquaredError[T tensor.Float] struct{}

var _ Output[float32] = SquaredError[float32]{}

// Residual adds (π/2)‖y − ŷ‖² of each row to f and stores π (y − ŷ) in r.
func (SquaredError[T]) Residual(f []float64, r, y, yhat tensor.Matrix[T], precision float64) {
	tensor.Sub(r, y, yhat)
	weigh(f, r, precision)
}

// Curvature stores π v.
func (SquaredError[T]) Curvature(dst, v, _ tensor.Matrix[T], precision float64) {
	dst.CopyFrom(v)
	scaleRows(dst, precision)
}

// Quadratic is true.
func (SquaredError[T]) Quadratic() bool { return true }

// weigh adds (π/2)‖e_i‖² of each row to f and turns e into π e.
func weigh[T tensor.Float](f []float64, e tensor.Matrix[T], precision float64) {
	for i := range e.Rows {
		row := e.Row(i)
		f[i] += precision / 2 * tensor.Dot(row, row)
	}
	scaleRows(e, precision)
}

func scaleRows[T tensor.Float](m tensor.Matrix[T], a float64) {
	if a == 1 {
		return
	}
	for i := range m.Rows {
		tensor.Scale(m.Row(i), T(a))
	}
}
