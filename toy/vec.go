package toy

import "math"

// Vec is a point or a gradient in the plane of the weights, (w₁, w₂).
type Vec [2]float64

// Add returns v + u.
func (v Vec) Add(u Vec) Vec { return Vec{v[0] + u[0], v[1] + u[1]} }

// Sub returns v − u.
func (v Vec) Sub(u Vec) Vec { return Vec{v[0] - u[0], v[1] - u[1]} }

// Scale returns s·v.
func (v Vec) Scale(s float64) Vec { return Vec{s * v[0], s * v[1]} }

// Dot returns v·u.
func (v Vec) Dot(u Vec) float64 { return v[0]*u[0] + v[1]*u[1] }

// Norm returns ‖v‖.
func (v Vec) Norm() float64 { return math.Hypot(v[0], v[1]) }

// Cos returns the cosine of the angle between v and u, NaN where one of them is 0.
func (v Vec) Cos(u Vec) float64 {
	a, b := v.Norm(), u.Norm()
	return v[0]/a*(u[0]/b) + v[1]/a*(u[1]/b)
}

// Sym is the symmetric matrix [[A, B], [B, C]].
type Sym struct{ A, B, C float64 }

// Mul returns the product with v.
func (s Sym) Mul(v Vec) Vec { return Vec{s.A*v[0] + s.B*v[1], s.B*v[0] + s.C*v[1]} }

// Scale returns f times the matrix.
func (s Sym) Scale(f float64) Sym { return Sym{f * s.A, f * s.B, f * s.C} }

// Eigenvalues returns them in ascending order. The one that is smaller in size is the determinant over the other: the
// textbook's difference of two near numbers would lose its digits.
func (s Sym) Eigenvalues() (lo, hi float64) {
	mean := (s.A + s.C) / 2
	d := math.Hypot((s.A-s.C)/2, s.B)
	if d == 0 && mean == 0 {
		return 0, 0
	}
	if mean > 0 {
		hi = mean + d
		return s.det() / hi, hi
	}
	lo = mean - d
	return lo, s.det() / lo
}

// det returns AC − B² without the loss of digits in the difference (Kahan).
func (s Sym) det() float64 {
	b2 := s.B * s.B
	return math.FMA(s.A, s.C, -b2) + math.FMA(-s.B, s.B, b2)
}

// Eigenvector returns a unit eigenvector for the eigenvalue l: the longer of the rows of S − l·1, turned by a right angle.
func (s Sym) Eigenvector(l float64) Vec {
	v, u := Vec{-s.B, s.A - l}, Vec{s.C - l, -s.B}
	if u.Norm() > v.Norm() {
		v = u
	}
	n := v.Norm()
	if n == 0 { // a multiple of the unit matrix: every vector is one
		return Vec{1, 0}
	}
	return v.Scale(1 / n)
}
