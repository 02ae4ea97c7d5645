package infer_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// mlp is a network written out on gonum matrices: the oracle shares no code with what it checks. Only the layout of the
// parameters, W_l then b_l, layer by layer, is taken from the documentation.
type mlp struct {
	dims   []int // n_0 … n_L
	before bool
	tanh   bool
	w      []*mat.Dense // W_1 … W_L
	b      []*mat.VecDense
	pi     []float64 // π_1 … π_L
}

// readMLP copies the parameters of a network built from a.
func readMLP[T tensor.Float](a nn.Arch, net *nn.Network[T], pi []float64) *mlp {
	m := &mlp{dims: a.Dims, before: a.Place == nn.Before, tanh: a.Act == nn.Tanh, pi: pi}
	theta := wide(net.Theta())
	for l := 1; l < len(a.Dims); l++ {
		in, out := a.Dims[l-1], a.Dims[l]
		m.w = append(m.w, mat.NewDense(out, in, theta[:in*out]))
		theta = theta[in*out:]
		b := mat.NewVecDense(out, nil)
		if a.Bias {
			b = mat.NewVecDense(out, theta[:out])
			theta = theta[out:]
		}
		m.b = append(m.b, b)
		if m.pi == nil || len(m.pi) < l {
			m.pi = append(m.pi, 1)
		}
	}
	return m
}

func wide[T tensor.Float](v []T) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func (m *mlp) layers() int { return len(m.w) }

// active reports whether layer l has a nonlinearity: the output layer has none After, the first none Before.
func (m *mlp) active(l int) bool {
	return m.tanh && (m.before && l > 1 || !m.before && l < m.layers())
}

// predict returns g_l(z) and its Jacobian.
func (m *mlp) predict(l int, z *mat.VecDense) (*mat.VecDense, *mat.Dense) {
	var g mat.VecDense
	var jac mat.Dense
	jac.CloneFrom(m.w[l-1])
	in := mat.VecDenseCopyOf(z)
	if m.active(l) && m.before {
		for k := range in.Len() {
			t := math.Tanh(z.AtVec(k))
			in.SetVec(k, t)
			for i := range m.dims[l] {
				jac.Set(i, k, jac.At(i, k)*(1-t*t))
			}
		}
	}
	g.MulVec(m.w[l-1], in)
	g.AddVec(&g, m.b[l-1])
	if m.active(l) && !m.before {
		for i := range g.Len() {
			t := math.Tanh(g.AtVec(i))
			g.SetVec(i, t)
			for k := range z.Len() {
				jac.Set(i, k, jac.At(i, k)*(1-t*t))
			}
		}
	}
	return &g, &jac
}

// feedforward returns z_0 … z_L, and the Jacobians of the layers there.
func (m *mlp) feedforward(x []float64) ([]*mat.VecDense, []*mat.Dense) {
	z := []*mat.VecDense{mat.NewVecDense(len(x), x)}
	var jac []*mat.Dense
	for l := 1; l <= m.layers(); l++ {
		g, j := m.predict(l, z[l-1])
		z, jac = append(z, g), append(jac, j)
	}
	return z, jac
}

// loss returns ½‖y − ŷ‖².
func (m *mlp) loss(x, y []float64) float64 {
	z, _ := m.feedforward(x)
	f := 0.0
	for k, v := range y {
		r := v - z[m.layers()].AtVec(k)
		f += r * r / 2
	}
	return f
}

// energy returns F at the point p = (z_1 … z_{L−1}) and, if grad is not nil, stores ∂F/∂p.
func (m *mlp) energy(x, y, p, grad []float64) float64 {
	z := []*mat.VecDense{mat.NewVecDense(len(x), x)}
	for l := 1; l < m.layers(); l++ {
		z = append(z, mat.NewVecDense(m.dims[l], p[:m.dims[l]]))
		p = p[m.dims[l]:]
	}
	z = append(z, mat.NewVecDense(len(y), y))
	f, at := 0.0, 0
	for l := 1; l <= m.layers(); l++ {
		g, jac := m.predict(l, z[l-1])
		var e, back mat.VecDense
		e.SubVec(z[l], g)
		f += m.pi[l-1] / 2 * mat.Dot(&e, &e)
		if grad == nil {
			continue
		}
		if l > 1 { // what layer l pulls back on z_{l−1}, the block before at
			back.MulVec(jac.T(), &e)
			for k := range m.dims[l-1] {
				grad[at-m.dims[l-1]+k] -= m.pi[l-1] * back.AtVec(k)
			}
		}
		if l < m.layers() {
			for k := range m.dims[l] {
				grad[at+k] = m.pi[l-1] * e.AtVec(k)
			}
			at += m.dims[l]
		}
	}
	return f
}

// minimum returns F* of one sample, found in activities from the feedforward point by damped Newton steps with a Hessian
// of central differences.
func (m *mlp) minimum(t testing.TB, x, y []float64) float64 {
	t.Helper()
	z, _ := m.feedforward(x)
	var p []float64
	for l := 1; l < m.layers(); l++ {
		p = append(p, z[l].RawVector().Data...)
	}
	n := len(p)
	grad, up, down, trial := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	f := m.energy(x, y, p, grad)
	for range 50 {
		if norm(grad) < 1e-11 {
			return f
		}
		h := mat.NewSymDense(n, nil)
		for k, v := range p {
			p[k] = v + 1e-5
			m.energy(x, y, p, up)
			p[k] = v - 1e-5
			m.energy(x, y, p, down)
			p[k] = v
			for i := range k + 1 {
				h.SetSym(i, k, (up[i]-down[i])/2e-5)
			}
		}
		var chol mat.Cholesky
		for shift := 1e-3; !chol.Factorize(h); shift *= 2 {
			for k := range n {
				h.SetSym(k, k, h.At(k, k)+shift)
			}
		}
		var step mat.VecDense
		if err := chol.SolveVecTo(&step, mat.NewVecDense(n, grad)); err != nil {
			t.Fatalf("oracle: %v", err)
		}
		for a := 1.0; ; a /= 2 {
			for k := range trial {
				trial[k] = p[k] - a*step.AtVec(k)
			}
			// Near the minimum F no longer tells a better point from a worse one: there the whole step is right.
			if g := m.energy(x, y, trial, grad); g < f || a < 1e-3 || norm(grad) < 1e-6 {
				f = g
				break
			}
		}
		copy(p, trial)
	}
	t.Fatalf("oracle: gradient %g", norm(grad))
	return 0
}

func norm(v []float64) float64 {
	return math.Sqrt(mat.Dot(mat.NewVecDense(len(v), v), mat.NewVecDense(len(v), v)))
}

// outputJacobian returns J = ∂ŷ/∂(e_1 … e_{L−1}) at the feedforward point: block l is G_L ⋯ G_{l+1}.
func (m *mlp) outputJacobian(x []float64) *mat.Dense {
	_, jac := m.feedforward(x)
	L, n := m.layers(), m.dims[m.layers()]
	blocks := make([]*mat.Dense, L) // blocks[l] for l = 1 … L−1
	p := mat.NewDense(n, n, nil)
	for i := range n {
		p.Set(i, i, 1)
	}
	dim := 0
	for l := L - 1; l >= 1; l-- {
		var next mat.Dense
		next.Mul(p, jac[l])
		p, blocks[l] = &next, &next
		dim += m.dims[l]
	}
	j := mat.NewDense(n, dim, nil)
	at := 0
	for l := 1; l < L; l++ {
		j.Slice(0, n, at, at+m.dims[l]).(*mat.Dense).Copy(blocks[l])
		at += m.dims[l]
	}
	return j
}

// linearMinimum returns F* = ½ rᵀS⁻¹r of a linear network, S = I/π_L + Σ_{l=2}^{L} P_l P_lᵀ/π_{l−1}, P_l = W_L ⋯ W_l,
// and the errors e_l* = P_{l+1}ᵀS⁻¹r/π_l there (notation, section 2).
func (m *mlp) linearMinimum(t testing.TB, x, y []float64) (f float64, e []float64) {
	t.Helper()
	L, n := m.layers(), m.dims[m.layers()]
	s, p := mat.NewDense(n, n, nil), mat.DenseCopyOf(mat.NewDiagDense(n, ones(n)))
	for k := range n {
		s.Set(k, k, 1/m.pi[L-1])
	}
	products := make([]*mat.Dense, L+1)
	for l := L; l >= 2; l-- {
		var pl, pp mat.Dense
		pl.Mul(p, m.w[l-1])
		pp.Mul(&pl, pl.T())
		pp.Scale(1/m.pi[l-2], &pp)
		s.Add(s, &pp)
		p, products[l] = &pl, &pl
	}
	z, _ := m.feedforward(x)
	r, v := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	r.SubVec(mat.NewVecDense(n, y), z[L])
	if err := v.SolveVec(s, r); err != nil {
		t.Fatalf("oracle: %v", err)
	}
	for l := 1; l < L; l++ {
		var el mat.VecDense
		el.MulVec(products[l+1].T(), v)
		el.ScaleVec(1/m.pi[l-1], &el)
		e = append(e, el.RawVector().Data...)
	}
	return mat.Dot(r, v) / 2, e
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// largestEigenvalue of the symmetric matrix D + hJᵀJ.
func largestEigenvalue(t testing.TB, d []float64, h float64, j *mat.Dense) float64 {
	t.Helper()
	values := eigenvalues(t, d, h, j)
	return values[len(values)-1]
}

func eigenvalues(t testing.TB, d []float64, h float64, j *mat.Dense) []float64 {
	t.Helper()
	var eig mat.EigenSym
	if !eig.Factorize(hessian(d, h, j), false) {
		t.Fatal("oracle: no eigenvalues")
	}
	return eig.Values(nil)
}

// hessian returns D + hJᵀJ.
func hessian(d []float64, h float64, j *mat.Dense) *mat.SymDense {
	a := mat.NewSymDense(len(d), nil)
	a.SymOuterK(h, j.T())
	for k, v := range d {
		a.SetSym(k, k, a.At(k, k)+v)
	}
	return a
}
