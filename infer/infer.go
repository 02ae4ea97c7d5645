// Package infer is how z settles: Solve, the only loop to equilibrium, and one method per file.
//
// An Objective is a batch of independent problems, a Method moves all of them one step, each sample with its own step
// size, and Solve judges every sample after every step: not settling is a Status, never a log line. The package knows
// nothing of layers or networks, and whether a point holds activities or errors is the objective's affair.
package infer

import (
	"math"

	"github.com/settle-pc/settle/tensor"
)

// Objective is a batch of independent problems: a point is Rows×Dim, row i the free coordinates of sample i.
type Objective[T tensor.Float] interface {
	// Dim is the number of coordinates of a sample.
	Dim() int
	// Eval stores F of the first z.Rows samples in f and, unless grad has no rows, ∂F/∂z in grad.
	Eval(f []float64, grad, z tensor.Matrix[T])
	// Cost is the work so far, in passes and in multiply-adds, both in units of one feedforward evaluation.
	Cost() (passes, macs float64)
}

// Curved is an Objective ½ zᵀD z + F_L(ŷ(z)) whose Gauss–Newton curvature D + JᵀHJ, J = ∂ŷ/∂z, H = ∂²F_L/∂ŷ² (without what ŷ bends: the
// Hessian where ŷ is piecewise affine), is at hand in the output space. All methods but Outputs, Precision, Quadratic, Smooth and Isotropic hold at the point of the last Eval.
type Curved[T tensor.Float] interface {
	Objective[T]
	Outputs() int                  // n_L, or 0: not available for this objective after all
	Precision() []T                // the diagonal of D, to read only
	Quadratic() bool               // F is quadratic, with H = h I and one J for all samples
	Smooth() bool                  // J is differentiable, and H = h I: the curvature at z = 0 says something of it nearby
	Isotropic() bool               // H = h I: of squared error
	Residual(r tensor.Matrix[T])   // r = −∂F_L/∂ŷ, n×n_L
	Curve(dst, v tensor.Matrix[T]) // H v, n×n_L; dst may be v
	Push(dst, v tensor.Matrix[T])  // J v, n×n_L from n×Dim
	Pull(dst, u tensor.Matrix[T])  // Jᵀ u, n×Dim from n×n_L
	// PullEach is Pull for several u of each of the first samples: the rows of u are dealt to them in order, as many to each. J of few
	// samples then comes from one product of many rows.
	PullEach(dst, u tensor.Matrix[T], samples int)
}

// curved returns f's curvature if it has any.
func curved[T tensor.Float](f Objective[T]) (Curved[T], bool) {
	c, ok := f.(Curved[T])
	if !ok || c.Outputs() == 0 {
		return nil, false
	}
	return c, true
}

// Point is where the samples are: coordinates and gradient (n×Dim), and per sample energy, gradient norm, and inverse
// curvature.
type Point[T tensor.Float] struct {
	Z, Grad tensor.Matrix[T]
	F       []float64 // F of each sample
	Res     []float64 // ‖∂F/∂z‖ of each sample
	// Alpha is the inverse curvature along the sample's last move (the long Barzilai–Borwein step), from which the
	// energy gap is estimated; 0 while unknown.
	Alpha []float64
	// Done marks the samples that a method must not move any more. A method with a limit of its own sets it: Solve then
	// counts the sample as truncated, PassLimit.
	Done []bool
	// Stale is set by a method whose last Eval was not at Z for every sample (it rejected a trial).
	Stale bool
}

// Eval evaluates f at p.Z: energy, gradient and its norm.
func (p *Point[T]) Eval(f Objective[T]) {
	f.Eval(p.F, p.Grad, p.Z)
	norms(p.Res, p.Grad)
	p.Stale = false
}

// take moves sample i to a trial, where f, gradient and its norm are known.
func (p *Point[T]) take(i int, z, grad tensor.Matrix[T], f, res []float64) {
	copy(p.Z.Row(i), z.Row(i))
	copy(p.Grad.Row(i), grad.Row(i))
	p.F[i], p.Res[i] = f[i], res[i]
}

func norms[T tensor.Float](dst []float64, m tensor.Matrix[T]) {
	tensor.SquaresRows(dst, m)
	for i, v := range dst {
		dst[i] = math.Sqrt(v)
	}
}

// Method moves a batch of samples towards their equilibria. Its exported fields are its options, their zero values the
// documented defaults; the rest is scratch, so that one value serves one goroutine.
type Method[T tensor.Float] interface {
	// Init sizes the scratch, evaluates the start (F and Res of each sample) and says what f lacks, if it does.
	Init(f Objective[T], p *Point[T]) error
	// Step moves every sample that is not Done and leaves p.F and p.Res true of p.Z.
	Step(f Objective[T], p *Point[T])
}

// Sharer is a Method that uses what all inferences of one update share.
type Sharer[T tensor.Float] interface {
	Method[T]
	// Share gives the method the curvature to use; without it the method measures its own, or does without.
	Share(c *Curvature[T])
}
