// Package toy is the post's toy in closed form: f(x) = w₂w₁x, one input, one free activity z, one output, one example
// (x, y). Everything about it can be written down:
//
//	𝓛(w)    = ½r²,  r = y − w₂w₁x                  the loss (post, Eq. 1, with the half)
//	F(w, z) = ½(z − w₁x)² + ½(y − w₂z)²            the energy (Eq. 3)
//	z*(w)   = (w₁x + w₂y)/(1 + w₂²)                where inference (Eq. 4) settles
//	F*(w)   = 𝓛/(1 + w₂²)                          what learning at equilibrium (Eq. 5) descends
//	F_t(w)  = F*·(1 + w₂²(1 − dt(1 + w₂²))²ᵗ)      after t steps of inference from the feedforward z₀ = w₁x
//
// Landscapes are toy.go and energy.go, inference.go what lies between them, saddle.go and solutions.go where learning
// comes from and goes to, descent.go how, noise.go what noisy data change. It shares no code with the packages for
// networks, which it can therefore check, and imports little, so that it also runs in a browser.
package toy

// Problem is the toy's only example. X and Y are finite and not zero: without them the loss has no saddle.
type Problem struct{ X, Y float64 }

// Predict returns w₂w₁x.
func (p Problem) Predict(w Vec) float64 { return w[1] * w[0] * p.X }

// Residual returns r = y − w₂w₁x.
func (p Problem) Residual(w Vec) float64 { return p.Y - p.Predict(w) }

// Loss returns 𝓛 = ½r².
func (p Problem) Loss(w Vec) float64 {
	r := p.Residual(w)
	return r * r / 2
}

// LossGrad returns ∇𝓛 = −rx(w₂, w₁).
func (p Problem) LossGrad(w Vec) Vec {
	rx := p.Residual(w) * p.X
	return Vec{-rx * w[1], -rx * w[0]}
}

// LossHessian returns the second derivatives of 𝓛: w₂²x² and w₁²x² on the diagonal, w₁w₂x² − rx beside it.
func (p Problem) LossHessian(w Vec) Sym {
	w1, w2, x := w[0], w[1], p.X
	return Sym{w2 * w2 * x * x, w1*w2*x*x - p.Residual(w)*x, w1 * w1 * x * x}
}
