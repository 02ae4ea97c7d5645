package theory

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// layer is g(z) = out(W in(z) + b): in is the identity for the placement after, out for before.
type layer struct {
	block
	in, out curve
}

// site is a layer at a point z: p = in(z), a = W p + b, g = out(a); s and c are first and second derivatives.
//
// Derivatives of g, with q = s_out ⊙ u:
//
//	(∂g/∂z) v  = s_out ⊙ W(s_in ⊙ v)        (∂g/∂z)ᵀu = s_in ⊙ Wᵀq
//	(∂g/∂W)ᵀu = q pᵀ                         (∂g/∂b)ᵀu = q
type site struct {
	layer
	z, p, g    []float64
	sIn, cIn   []float64
	sOut, cOut []float64
}

func (y layer) at(z []float64) site {
	t := site{layer: y, z: z}
	t.p, t.sIn, t.cIn = y.in.of(z)
	a := mul(y.w, t.p)
	if y.b != nil {
		add(a, 1, y.b)
	}
	t.g, t.sOut, t.cOut = y.out.of(a)
	return t
}

// of returns φ, φ′ and φ″ of every element.
func (f curve) of(x []float64) (value, slope, bend []float64) {
	value, slope, bend = make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		value[i], slope[i], bend[i] = f(v)
	}
	return value, slope, bend
}

// push returns (∂g/∂z) v.
func (t *site) push(v []float64) []float64 { return times(mul(t.w, times(v, t.sIn)), t.sOut) }

// pull returns (∂g/∂z)ᵀu.
func (t *site) pull(u []float64) []float64 { return times(mulT(t.w, times(u, t.sOut)), t.sIn) }

// pullParams adds k (∂g/∂θ)ᵀu to grad.
func (t *site) pullParams(grad block, k float64, u []float64) { grad.add(k, times(u, t.sOut), t.p) }

// add adds k (q pᵀ, q).
func (b block) add(k float64, q, p []float64) {
	blas64.Ger(k, vec(q), vec(p), b.w)
	if b.b != nil {
		add(b.b, k, q)
	}
}

// jacobian returns ∂g/∂z = diag(s_out) W diag(s_in).
func (t *site) jacobian() blas64.General {
	j := blas64.General{Rows: t.w.Rows, Cols: t.w.Cols, Stride: t.w.Cols, Data: make([]float64, t.w.Rows*t.w.Cols)}
	for i := range j.Rows {
		for k := range j.Cols {
			j.Data[i*j.Stride+k] = t.sOut[i] * t.w.Data[i*t.w.Stride+k] * t.sIn[k]
		}
	}
	return j
}

// motion is a site that moves with ż and θ̇ (nil: at rest).
type motion struct {
	*site
	dtheta block
	dz, dp []float64 // dp = s_in ⊙ ż
	da, dg []float64 // da = Ẇ p + W ṗ + ḃ, dg = s_out ⊙ ȧ
}

func (t *site) move(dz []float64, dtheta *block) motion {
	m := motion{site: t, dz: dz, dp: times(dz, t.sIn)}
	m.da = mul(t.w, m.dp)
	if dtheta != nil {
		m.dtheta = *dtheta
		add(m.da, 1, mul(dtheta.w, t.p))
		if dtheta.b != nil {
			add(m.da, 1, dtheta.b)
		}
	}
	m.dg = times(m.da, t.sOut)
	return m
}

// pull returns the rate of (∂g/∂z)ᵀu while u moves with u̇: with q = s_out ⊙ u, q̇ = c_out ⊙ ȧ ⊙ u + s_out ⊙ u̇,
//
//	c_in ⊙ ż ⊙ Wᵀq + s_in ⊙ (Ẇᵀq + Wᵀq̇).
func (m *motion) pull(u, du []float64) []float64 {
	q, dq := m.flow(u, du)
	back := mulT(m.w, dq)
	if m.dtheta.w.Data != nil {
		add(back, 1, mulT(m.dtheta.w, q))
	}
	back = times(back, m.sIn)
	add(back, 1, times(times(mulT(m.w, q), m.cIn), m.dz))
	return back
}

// pullParams adds k times the rate of (∂g/∂θ)ᵀu to grad: q̇pᵀ + qṗᵀ and q̇.
func (m *motion) pullParams(grad block, k float64, u, du []float64) {
	q, dq := m.flow(u, du)
	grad.add(k, dq, m.p)
	blas64.Ger(k, vec(q), vec(m.dp), grad.w)
}

// flow returns q and q̇.
func (m *motion) flow(u, du []float64) (q, dq []float64) {
	dq = times(du, m.sOut)
	add(dq, 1, times(times(u, m.cOut), m.da))
	return times(u, m.sOut), dq
}

func vec(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

// mul returns W x.
func mul(w blas64.General, x []float64) []float64 {
	y := make([]float64, w.Rows)
	blas64.Gemv(blas.NoTrans, 1, w, vec(x), 0, vec(y))
	return y
}

// mulT returns Wᵀ x.
func mulT(w blas64.General, x []float64) []float64 {
	y := make([]float64, w.Cols)
	blas64.Gemv(blas.Trans, 1, w, vec(x), 0, vec(y))
	return y
}

// times returns x ⊙ y.
func times(x, y []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * y[i]
	}
	return out
}

// add adds k x to dst.
func add(dst []float64, k float64, x []float64) { blas64.Axpy(k, vec(x), vec(dst)) }

// sub returns x − y.
func sub(x, y []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v - y[i]
	}
	return out
}

// dot returns xᵀy.
func dot(x, y []float64) float64 { return blas64.Dot(vec(x), vec(y)) }

// norm returns ‖x‖₂.
func norm(x []float64) float64 { return blas64.Nrm2(vec(x)) }
