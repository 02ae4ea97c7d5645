package toy

import "math"

// Saddle is the linearised flow −∇ of a landscape at the origin: its Hessian's eigenvalues with their directions.
type Saddle struct {
	Trap, Escape       float64 // eigenvalues, above and below 0
	TrapDir, EscapeDir Vec     // unit vectors, with w₂ ≥ 0
}

// LossSaddle returns the saddle of 𝓛. The Hessian is [[0, −xy], [−xy, 0]] and its eigenvalues are ±|xy|; the trap is
// along (1, −sgn xy), the escape along (1, sgn xy).
func (p Problem) LossSaddle() Saddle { return saddle(p.LossHessian(Vec{})) }

// FStarSaddle returns the saddle of F*. The Hessian is [[0, −xy], [−xy, −y²]] and its eigenvalues are
// ½(−y² ± √(y⁴ + 4x²y²)): for all x and y a flatter trap and a more negatively curved escape than those of 𝓛.
func (p Problem) FStarSaddle() Saddle { return saddle(p.FStarHessian(Vec{})) }

func saddle(h Sym) Saddle {
	lo, hi := h.Eigenvalues()
	up := func(v Vec) Vec {
		if v[1] < 0 {
			return v.Scale(-1)
		}
		return v
	}
	return Saddle{Trap: hi, Escape: lo, TrapDir: up(h.Eigenvector(hi)), EscapeDir: up(h.Eigenvector(lo))}
}

// Rate returns the rate at which the distance to the saddle grows, e^(rate·time), where time is learning rate × steps.
func (s Saddle) Rate() float64 { return -s.Escape }

// StepsPerDecade returns the number of steps of size lr in which that distance grows tenfold: each multiplies it by
// 1 + lr·rate.
func (s Saddle) StepsPerDecade(lr float64) float64 { return math.Ln10 / math.Log1p(lr*s.Rate()) }
