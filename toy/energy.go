package toy

// F returns the energy ½(z − w₁x)² + ½(y − w₂z)² at an activity z.
func (p Problem) F(w Vec, z float64) float64 {
	e1, e2 := p.errors(w, z)
	return e1*e1/2 + e2*e2/2
}

// errors returns the prediction errors e₁ = z − w₁x and e₂ = y − w₂z.
func (p Problem) errors(w Vec, z float64) (e1, e2 float64) {
	return z - w[0]*p.X, p.Y - w[1]*z
}

// FGradZ returns ∂F/∂z = e₁ − w₂e₂, what inference descends (post, Eq. 4).
func (p Problem) FGradZ(w Vec, z float64) float64 {
	e1, e2 := p.errors(w, z)
	return e1 - w[1]*e2
}

// FGradW returns ∂F/∂w = −(e₁x, e₂z) with z held fixed: the local rule of learning (post, Eq. 5).
func (p Problem) FGradW(w Vec, z float64) Vec {
	e1, e2 := p.errors(w, z)
	return Vec{-e1 * p.X, -e2 * z}
}

// Feedforward returns ẑ = w₁x, where inference starts.
func (p Problem) Feedforward(w Vec) float64 { return w[0] * p.X }

// Fisher returns 𝓘 = ∂²F/∂z² = 1 + w₂², here also the exact curvature in z.
func Fisher(w Vec) float64 { return 1 + w[1]*w[1] }

// ZStar returns z* = (w₁x + w₂y)/(1 + w₂²), where ∂F/∂z = 0.
func (p Problem) ZStar(w Vec) float64 { return (w[0]*p.X + w[1]*p.Y) / Fisher(w) }

// FStar returns F* = F(w, z*) = 𝓛/(1 + w₂²).
func (p Problem) FStar(w Vec) float64 { return p.Loss(w) / Fisher(w) }

// FStarGrad returns ∇F*, which at equilibrium is the local rule at z*:
//
//	∂F*/∂w₁ = −rxw₂/s,  ∂F*/∂w₂ = −rxw₁/s − r²w₂/s²,  s = 1 + w₂²
func (p Problem) FStarGrad(w Vec) Vec {
	r, s := p.Residual(w), Fisher(w)
	return Vec{-r * p.X * w[1] / s, -r*p.X*w[0]/s - r*r*w[1]/(s*s)}
}

// FStarHessian returns the second derivatives of F*, with s = 1 + w₂²:
//
//	∂²/∂w₁²   = w₂²x²/s
//	∂²/∂w₁∂w₂ = x(w₁w₂x/s − r(1 − w₂²)/s²)
//	∂²/∂w₂²   = w₁²x²/s + 4w₁w₂xr/s² − r²(1 − 3w₂²)/s³
//
// Where r = 0 it is the Hessian of 𝓛 over s; at the origin it is [[0, −xy], [−xy, −y²]].
func (p Problem) FStarHessian(w Vec) Sym {
	w1, w2, x := w[0], w[1], p.X
	r, s := p.Residual(w), Fisher(w)
	return Sym{
		A: w2 * w2 * x * x / s,
		B: x * (w1*w2*x/s - r*(1-w2*w2)/(s*s)),
		C: w1*w1*x*x/s + 4*w1*w2*x*r/(s*s) - r*r*(1-3*w2*w2)/(s*s*s),
	}
}
