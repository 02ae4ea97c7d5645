package toy

import "math"

// Nearest returns the solution (a point with w₁w₂x = y) that is nearest to w, one of them if several are.
//
// The solutions are the hyperbola uv = c = y/x; for c < 0, turn w₂ around. In p = (u + v)/√2 and q = (u − v)/√2 it is
// p² − q² = 2c, with branches p = ±A cosh t, q = A sinh t, A = √(2c). By symmetry the nearest point of the branch on w's
// side has t ≥ 0 when p, q ≥ 0, and there
//
//	2A = p/cosh t + q/sinh t
//
// whose right side falls: there is one root (or t = 0, for q = 0 and p ≤ 2A) and bisection finds it.
func (p Problem) Nearest(w Vec) Vec {
	c := p.Y / p.X
	turn := math.Copysign(1, c)
	u, v := w[0], turn*w[1]
	a := math.Sqrt(2 * math.Abs(c))
	P, Q := (u+v)/math.Sqrt2, (u-v)/math.Sqrt2
	t := foot(a, math.Abs(P), math.Abs(Q))
	P, Q = math.Copysign(a*math.Cosh(t), P), math.Copysign(a*math.Sinh(t), Q)
	return Vec{(P + Q) / math.Sqrt2, turn * (P - Q) / math.Sqrt2}
}

// foot solves 2a·sinh t·cosh t = p·sinh t + q·cosh t for t ≥ 0, with p, q ≥ 0.
func foot(a, p, q float64) float64 {
	if q == 0 {
		if p <= 2*a {
			return 0
		}
		return math.Acosh(p / (2 * a))
	}
	lo, hi := 0.0, math.Asinh((p+q)/(2*a)) // there p/cosh + q/sinh < (p + q)/sinh = 2a
	for {
		t := (lo + hi) / 2
		if !(t > lo && t < hi) { // no number is between others
			return t
		}
		if sinh, cosh := math.Sinh(t), math.Cosh(t); 2*a*sinh*cosh < p*sinh+q*cosh {
			lo = t
		} else {
			hi = t
		}
	}
}

// Distance returns how far w is from the solutions.
func (p Problem) Distance(w Vec) float64 { return p.Nearest(w).Sub(w).Norm() }
