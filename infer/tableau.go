package infer

import "math"

// Tableau is an explicit Runge–Kutta method as a table of numbers (Butcher 2016): stage i is evaluated at
// z + dt Σ_j A[i][j] k_j, the step is z + dt Σ_i B[i] k_i, of order Order, and E (nil: none) gives the error estimate
// dt Σ_i E[i] k_i, the difference to an embedded method of order Order−1. The flow ż = −∂F/∂z does not depend on time,
// so that no nodes are needed.
type Tableau struct {
	Name  string
	Order int
	A     [][]float64
	B     []float64
	E     []float64
	// Last says that the last stage is evaluated at the new point, which makes it the next step's first.
	Last bool
}

// The tableaus. Heun is Heun's method of order 2 with Euler's embedded, as diffrax has it; Bogacki–Shampine (1989) is of
// order 3 with 2 embedded, Dormand–Prince (1980) of order 5 with 4 embedded.
var (
	Heun = Tableau{Name: "heun", Order: 2, A: [][]float64{{}, {1}}, B: []float64{0.5, 0.5}, E: []float64{-0.5, 0.5}}

	BogackiShampine = Tableau{Name: "bosh", Order: 3, Last: true,
		A: [][]float64{{}, {1. / 2}, {0, 3. / 4}, {2. / 9, 1. / 3, 4. / 9}},
		B: []float64{2. / 9, 1. / 3, 4. / 9, 0},
		E: []float64{2./9 - 7./24, 1./3 - 1./4, 4./9 - 1./3, -1. / 8}}

	DormandPrince = Tableau{Name: "dopri", Order: 5, Last: true,
		A: [][]float64{
			{},
			{1. / 5},
			{3. / 40, 9. / 40},
			{44. / 45, -56. / 15, 32. / 9},
			{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
			{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
			{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
		B: []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
		E: []float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40}}
)

// check panics unless the table is one of an explicit method whose weights have the sums of order conditions 1 to 3
// (for an autonomous system: Σb = 1, Σ b c = 1/2, Σ b c² = 1/3, Σ b A c = 1/6) as far as Order asks for them.
func (t Tableau) check() {
	s := len(t.B)
	if s == 0 || len(t.A) != s || (t.E != nil && len(t.E) != s) {
		panic("infer: tableau of uneven size")
	}
	c := make([]float64, s)
	for i, row := range t.A {
		if len(row) > i {
			panic("infer: tableau is not explicit")
		}
		for _, a := range row {
			c[i] += a
		}
	}
	var b, e, bc, bcc, bac float64
	for i, w := range t.B {
		b += w
		bc += w * c[i]
		bcc += w * c[i] * c[i]
		for j, a := range t.A[i] {
			bac += w * a * c[j]
		}
		if t.E != nil {
			e += t.E[i]
		}
	}
	off := func(v, want float64) bool { return math.Abs(v-want) > 1e-12 }
	if off(b, 1) || off(e, 0) || (t.Order >= 2 && off(bc, 0.5)) || (t.Order >= 3 && (off(bcc, 1./3) || off(bac, 1./6))) {
		panic("infer: tableau misses its order conditions")
	}
	if t.Last {
		for j, a := range t.A[s-1] {
			if off(a, t.B[j]) {
				panic("infer: tableau's last stage is not at the new point")
			}
		}
	}
}
