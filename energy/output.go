package energy

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Output is the term F_L(y, ŷ) that ties the prediction ŷ = g_L(z_{L−1}) to the clamped target y, per sample.
type Output[T tensor.Float] interface {
	// Residual adds F_L of each row to f and stores r = −∂F_L/∂ŷ in r, which may be ŷ itself. All are B×n_L.
	Residual(f []float64, r, y, yhat tensor.Matrix[T], precision float64)
	// Curvature stores (∂²F_L/∂ŷ²) v in dst, which may be v itself.
	Curvature(dst, v, yhat tensor.Matrix[T], precision float64)
	// Mean stores the y that ŷ predicts in dst, which may be ŷ itself: F_L is smallest in ŷ where this is y.
	Mean(dst, yhat tensor.Matrix[T])
	// Quadratic reports whether F_L is (π_L/2)‖y − ŷ‖², so that its curvature is π_L I everywhere.
	Quadratic() bool
}

// SquaredError is F_L = (π_L/2)‖y − ŷ‖², summed over outputs, with the half: y is normal around ŷ.
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

// Mean stores ŷ.
func (SquaredError[T]) Mean(dst, yhat tensor.Matrix[T]) { dst.CopyFrom(yhat) }

// Quadratic is true.
func (SquaredError[T]) Quadratic() bool { return true }

// CrossEntropy is F_L = π_L (log Σ_k exp ŷ_k − yᵀŷ), which for a y that sums to 1 is −π_L Σ_k y_k log p_k, p = softmax(ŷ): y is
// a class, or probabilities of classes, and ŷ are logits.
type CrossEntropy[T tensor.Float] struct{}

var _ Output[float32] = CrossEntropy[float32]{}

// Residual adds π (log Σ exp ŷ − yᵀŷ) of each row to f and stores π (y − p) in r.
func (CrossEntropy[T]) Residual(f []float64, r, y, yhat tensor.Matrix[T], precision float64) {
	for i := range r.Rows {
		r, y, yhat := r.Row(i), y.Row(i), yhat.Row(i)
		top, rest := exponents(yhat)
		// The largest logit is taken out of both terms, so that neither overflows nor a small difference drowns.
		most, loss, left := float64(yhat[top]), math.Log1p(rest), 1.0
		for k, v := range yhat {
			a, target := float64(v)-most, float64(y[k])
			loss -= float64(target * a)
			left -= target
			r[k] = T(precision * (target - math.Exp(a)/(1+rest)))
		}
		f[i] += float64(precision * (loss + float64(left*most)))
	}
}

// Curvature stores π (p ⊙ v − p pᵀv).
func (CrossEntropy[T]) Curvature(dst, v, yhat tensor.Matrix[T], precision float64) {
	for i := range dst.Rows {
		dst, v, yhat := dst.Row(i), v.Row(i), yhat.Row(i)
		top, rest := exponents(yhat)
		most, mean := float64(yhat[top]), 0.0
		for k, x := range yhat {
			mean += float64(math.Exp(float64(x)-most) / (1 + rest) * float64(v[k]))
		}
		for k, x := range yhat {
			dst[k] = T(precision * math.Exp(float64(x)-most) / (1 + rest) * (float64(v[k]) - mean))
		}
	}
}

// Mean stores softmax(ŷ).
func (CrossEntropy[T]) Mean(dst, yhat tensor.Matrix[T]) {
	for i := range dst.Rows {
		dst, yhat := dst.Row(i), yhat.Row(i)
		top, rest := exponents(yhat)
		most := float64(yhat[top])
		for k, x := range yhat {
			dst[k] = T(math.Exp(float64(x)-most) / (1 + rest))
		}
	}
}

// Quadratic is false.
func (CrossEntropy[T]) Quadratic() bool { return false }

// exponents returns the index of the largest logit a and the sum of exp(ŷ_k − a) over the others.
func exponents[T tensor.Float](yhat []T) (top int, rest float64) {
	for k, v := range yhat {
		if v > yhat[top] {
			top = k
		}
	}
	for k, v := range yhat {
		if k != top {
			rest += math.Exp(float64(v) - float64(yhat[top]))
		}
	}
	return top, rest
}

// Bernoulli is F_L = π_L Σ_k (log(1 + exp ŷ_k) − y_k ŷ_k) = −π_L Σ_k (y_k log p_k + (1 − y_k) log(1 − p_k)), p = σ(ŷ): every y_k is
// a yes or no of its own, or its probability, from 0 to 1, and ŷ are logits.
type Bernoulli[T tensor.Float] struct{}

var _ Output[float32] = Bernoulli[float32]{}

// Residual adds π Σ (log(1 + exp ŷ) − y ŷ) of each row to f and stores π (y − p) in r.
func (Bernoulli[T]) Residual(f []float64, r, y, yhat tensor.Matrix[T], precision float64) {
	for i := range r.Rows {
		r, y, yhat := r.Row(i), y.Row(i), yhat.Row(i)
		for k, v := range yhat {
			a, target := float64(v), float64(y[k])
			f[i] += float64(precision * (max(a, 0) - float64(target*a) + math.Log1p(math.Exp(-math.Abs(a)))))
			r[k] = T(precision * (target - logistic(a)))
		}
	}
}

// Curvature stores π p ⊙ (1 − p) ⊙ v.
func (Bernoulli[T]) Curvature(dst, v, yhat tensor.Matrix[T], precision float64) {
	for i := range dst.Rows {
		dst, v, yhat := dst.Row(i), v.Row(i), yhat.Row(i)
		for k, x := range yhat {
			a := float64(x)
			dst[k] = T(precision * logistic(a) * logistic(-a) * float64(v[k]))
		}
	}
}

// Mean stores σ(ŷ).
func (Bernoulli[T]) Mean(dst, yhat tensor.Matrix[T]) {
	for i := range dst.Rows {
		dst, yhat := dst.Row(i), yhat.Row(i)
		for k, x := range yhat {
			dst[k] = T(logistic(float64(x)))
		}
	}
}

// Quadratic is false.
func (Bernoulli[T]) Quadratic() bool { return false }

// logistic is σ, accurate in both tails.
func logistic(a float64) float64 {
	e := math.Exp(-math.Abs(a))
	if a < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Misfit adds ‖y − ȳ‖² of each row to squares, ȳ the mean that ŷ predicts, with scratch r, which may be ŷ itself. All are B×n_L.
func Misfit[T tensor.Float](out Output[T], squares []float64, r, y, yhat tensor.Matrix[T]) {
	out.Mean(r, yhat)
	tensor.Sub(r, y, r)
	for i := range r.Rows {
		row := r.Row(i)
		squares[i] += tensor.Dot(row, row)
	}
}

// weigh adds (π/2)‖e_i‖² of each row to f and turns e into π e.
func weigh[T tensor.Float](f []float64, e tensor.Matrix[T], precision float64) {
	for i := range e.Rows {
		row := e.Row(i)
		f[i] += float64(precision / 2 * tensor.Dot(row, row))
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
