package theory

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Expansion is a quadratic model of F along directions from the feedforward point, F(0) + gᵀd + ½dᵀCd (post, Eq. 6).
type Expansion struct {
	Dim       int
	F         func(d []float64) float64
	Gradient  []float64
	Curvature func(d []float64) []float64 // C d
}

// Activities is Eq. 6: the expansion of F in the activities with the Fisher information 𝓘 as curvature; exact asks for
// the Hessian in its place.
//
// Order of the remainder: none for linear networks and, with the activation after the weights, for L = 2, where F is
// quadratic; 3 for after, where 𝓘 is the Hessian at ẑ; 2 for before, 3 with the exact Hessian.
func (s *Sample) Activities(exact bool) Expansion {
	c := s.Fisher
	if exact {
		c = s.Start.Hessian()
	}
	return Expansion{
		Dim:       s.Net.Dim(),
		F:         func(d []float64) float64 { return s.Shift(d).Energy() },
		Gradient:  s.G,
		Curvature: c.Mul,
	}
}

// Errors is the expansion of F in the errors e, at e = 0: gradient −π_L Jᵀr, curvature D + π_L JᵀJ. It is congruent to
// 𝓘, but leaves out how ŷ bends in e: its remainder is of order 2 unless the network is linear.
func (s *Sample) Errors() Expansion {
	n := s.Net
	forward := func(e []float64) []float64 { // π_L J e
		var v []float64
		for i, el := range n.split(e) {
			v2 := append([]float64(nil), el...)
			if i > 0 {
				add(v2, 1, s.Start.sites[i].push(v))
			}
			v = v2
		}
		v = s.Start.sites[n.L()-1].push(v)
		scale(v, n.Pi[n.L()-1])
		return v
	}
	back := func(u []float64) []float64 { // Jᵀu
		return slices.Concat(s.back(u)[:n.L()-1]...)
	}
	g := back(s.Residual())
	scale(g, -n.Pi[n.L()-1])
	return Expansion{
		Dim:      n.Dim(),
		F:        func(e []float64) float64 { return s.AtErrors(e).Energy() },
		Gradient: g,
		Curvature: func(e []float64) []float64 {
			out := back(forward(e))
			for i, el := range n.split(e) {
				add(n.split(out)[i], n.Pi[i], el)
			}
			return out
		},
	}
}

// Remainder returns |F(t u) − F(0) − t gᵀu − ½t² uᵀCu| for each t, NaN where it is lost in rounding: below lostBits ε
// times the energies that it is the difference of.
func (x Expansion) Remainder(u []float64, ts []float64) []float64 {
	zero := x.F(make([]float64, x.Dim))
	slope, bend := dot(x.Gradient, u), dot(u, x.Curvature(u))/2
	out := make([]float64, len(ts))
	for i, t := range ts {
		d := append([]float64(nil), u...)
		scale(d, t)
		f := x.F(d)
		out[i] = math.Abs(f - zero - t*slope - t*t*bend)
		if out[i] <= lostBits*0x1p-52*(math.Abs(zero)+math.Abs(f)) {
			out[i] = math.NaN()
		}
	}
	return out
}

// lostBits leaves remainders known to about one part in 300: F is a sum of a few dozen squares, known to a few ε.
const lostBits = 1000

// Radii are the distances at which the remainder is measured: 13 from 1e−3 to 3e−2, equally spaced in their logarithm.
func Radii() []float64 {
	const n = 13
	out := make([]float64, n)
	for i := range out {
		out[i] = 1e-3 * math.Pow(30, float64(i)/(n-1))
	}
	return out
}

// Direction returns a random unit vector.
func Direction(rng *rand.Rand, dim int) []float64 {
	u := make([]float64, dim)
	for i := range u {
		u[i] = rng.NormFloat64()
	}
	scale(u, 1/norm(u))
	return u
}

// Slope returns the least-squares slope of log y against log x over the points where y is positive and finite; NaN if
// they are fewer than half.
func Slope(x, y []float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i, v := range y {
		if v > 0 && !math.IsInf(v, 0) {
			a, b := math.Log(x[i]), math.Log(v)
			n, sx, sy, sxx, sxy = n+1, sx+a, sy+b, sxx+a*a, sxy+a*b
		}
	}
	if 2*n < float64(len(y)) {
		return math.NaN()
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
