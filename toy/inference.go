package toy

import "math"

// MaxDT returns 2/(1 + w₂²): inference with Euler steps below it settles, above it diverges.
func MaxDT(w2 float64) float64 { return 2 / (1 + w2*w2) }

// InferStep returns z − dt·∂F/∂z, one Euler step of inference (post, Eq. 4).
func (p Problem) InferStep(w Vec, z, dt float64) float64 { return z - dt*p.FGradZ(w, z) }

// contraction returns (1 − dt(1 + w₂²))ᵗ, by which z_t − z* has shrunk after t steps.
func contraction(w Vec, t int, dt float64) float64 { return math.Pow(1-dt*Fisher(w), float64(t)) }

// ZAt returns the activity after t steps from the feedforward one: z_t = z* + (1 − dt(1 + w₂²))ᵗ(z₀ − z*).
func (p Problem) ZAt(w Vec, t int, dt float64) float64 {
	z := p.ZStar(w)
	return z + contraction(w, t, dt)*(p.Feedforward(w)-z)
}

// FAt returns F_t, the energy after t steps: F* + ½(1 + w₂²)(z_t − z*)² = F*·(1 + w₂²q), q = (1 − dt(1 + w₂²))²ᵗ.
// F_0 = 𝓛.
func (p Problem) FAt(w Vec, t int, dt float64) float64 { return p.FStar(w) * Excess(w[1], t, dt) }

// Excess returns F_t/F* = 1 + w₂²q, which does not depend on w₁.
func Excess(w2 float64, t int, dt float64) float64 {
	k := contraction(Vec{0, w2}, t, dt)
	return 1 + w2*w2*k*k
}

// LocalGradAt returns the local rule after t steps, ∂F/∂w with z_t held fixed: the gradient that PC learns with
// (notation, third trap). At t = 0 it is BP's in the last layer and 0 in the first.
func (p Problem) LocalGradAt(w Vec, t int, dt float64) Vec { return p.FGradW(w, p.ZAt(w, t, dt)) }

// TotalGradAt returns the gradient of the function F_t(w), in which z_t moves with w. It is ∇𝓛 at t = 0, and agrees with
// the local rule only at equilibrium. With s = 1 + w₂², k = 1 − dt·s and h = (1 + w₂²k²ᵗ)/s, so that F_t = ½r²h:
//
//	∂F_t/∂w₁ = −rxw₂h,  ∂F_t/∂w₂ = −rxw₁h + ½r²h′
//	h′ = (2w₂k²ᵗ − 4t·dt·w₂³k²ᵗ⁻¹ − 2w₂h)/s
func (p Problem) TotalGradAt(w Vec, t int, dt float64) Vec {
	r, s, w2 := p.Residual(w), Fisher(w), w[1]
	k := 1 - dt*s
	q := math.Pow(k, float64(2*t))
	h := (1 + w2*w2*q) / s
	dh := 2*w2*q - 2*w2*h
	if t > 0 {
		dh -= 4 * float64(t) * dt * w2 * w2 * w2 * math.Pow(k, float64(2*t-1))
	}
	dh /= s
	return Vec{-r * p.X * w2 * h, -r*p.X*w[0]*h + r*r*dh/2}
}
