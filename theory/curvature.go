package theory

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Fisher returns 𝓘 = Σ_l π_l (∂e_l/∂z)ᵀ(∂e_l/∂z) at the point: the Hessian of F without the terms that bend, which is
// its mean over y ~ p(y | z) where all hidden errors are 0. It is positive definite.
//
//	blocks (l, l)    π_l I + π_{l+1} G_{l+1}ᵀG_{l+1},   G_l = ∂g_l/∂z_{l−1}
//	blocks (l+1, l)  −π_{l+1} G_{l+1}
func (p *Point) Fisher() *Tridiagonal { return p.curvature(false) }

// Hessian returns ∂²F/∂z² at the point. To 𝓘 it adds in block (l−1, l−1), l = 2…L,
//
//	−s_in (Wᵀ diag(c_out ⊙ u) W) s_in − diag(c_in ⊙ Wᵀq),   u = π_l e_l, q = s_out ⊙ u,
//
// φ″ being in c_out for the placement after and in c_in for before. At ẑ only e_L = r differs from 0, so there H = 𝓘 for
// after, and for before H − 𝓘 = −π_L diag(φ″(z_{L−1}) ⊙ W_Lᵀr).
func (p *Point) Hessian() *Tridiagonal { return p.curvature(true) }

func (p *Point) curvature(exact bool) *Tridiagonal {
	t := &Tridiagonal{}
	pi := p.sample.Net.Pi
	for i := 1; i < len(p.sites); i++ { // layer l = i+1, acting on z_i
		s := &p.sites[i]
		n := len(s.z)
		d := mat.NewSymDense(n, nil)
		for k := range n {
			d.SetSym(k, k, pi[i-1])
		}
		j := s.jacobian()
		blas64.Syrk(blas.Trans, pi[i], j, 1, d.RawSymmetric())
		if exact {
			u := append([]float64(nil), p.e[i]...)
			scale(u, pi[i])
			s.bend(d, u)
		}
		t.Diag = append(t.Diag, d)
		if i < len(p.sites)-1 {
			o := mat.NewDense(j.Rows, j.Cols, j.Data)
			o.Scale(-pi[i], o)
			t.Sub = append(t.Sub, o)
		}
	}
	return t
}

// bend subtracts Σ_i u_i ∂²g_i/∂z² from d.
func (t *site) bend(d *mat.SymDense, u []float64) {
	if k := times(u, t.cOut); norm(k) > 0 {
		w := blas64.General{Rows: t.w.Rows, Cols: t.w.Cols, Stride: t.w.Cols, Data: make([]float64, t.w.Rows*t.w.Cols)}
		kw := blas64.General{Rows: t.w.Rows, Cols: t.w.Cols, Stride: t.w.Cols, Data: make([]float64, t.w.Rows*t.w.Cols)}
		for i := range w.Rows {
			for j := range w.Cols {
				w.Data[i*w.Stride+j] = t.w.Data[i*t.w.Stride+j] * t.sIn[j]
				kw.Data[i*w.Stride+j] = k[i] * w.Data[i*w.Stride+j]
			}
		}
		// (WᵀKW + (WᵀKW)ᵀ)/2, K not being positive.
		blas64.Syr2k(blas.Trans, -0.5, w, kw, 1, d.RawSymmetric())
	}
	for i, v := range mulT(t.w, times(u, t.sOut)) {
		d.SetSym(i, i, d.At(i, i)-v*t.cIn[i])
	}
}

// Jacobian returns J = ∂ŷ/∂e at ẑ, n_L×Dim: block l is G_L ⋯ G_{l+1}.
func (s *Sample) Jacobian() *mat.Dense {
	n := s.Net
	outputs := n.Arch.Dims[n.L()]
	if n.L() == 1 {
		panic("theory: one layer has no free activities")
	}
	j := mat.NewDense(outputs, n.Dim(), nil)
	for i := range outputs {
		unit := make([]float64, outputs)
		unit[i] = 1
		row := j.RawRowView(i)
		for _, v := range s.back(unit)[:n.L()-1] {
			row = row[copy(row, v):]
		}
	}
	return j
}

// Spread returns S = I/π_L + Σ_{l<L} J_l J_lᵀ/π_l at ẑ, n_L×n_L: the covariance of y under the network linearised
// there, with errors of variance 1/π_l.
func (s *Sample) Spread() *mat.SymDense {
	n := s.Net
	out := mat.NewSymDense(n.Arch.Dims[n.L()], nil)
	for i := range out.SymmetricDim() {
		out.SetSym(i, i, 1/n.Pi[n.L()-1])
	}
	if n.L() > 1 {
		j := s.Jacobian()
		at := 0
		for l := 1; l < n.L(); l++ {
			width := n.Arch.Dims[l]
			out.SymRankK(out, 1/n.Pi[l-1], j.Slice(0, out.SymmetricDim(), at, at+width).(*mat.Dense))
			at += width
		}
	}
	return out
}

// ErrorCurvature returns the curvature in error coordinates, D + π_L JᵀJ with D = diag(π_l), dense. It is congruent to
// 𝓘, A⁻ᵀ𝓘A⁻¹ with A = ∂e/∂z, but of other eigenvalues: none below min π_l, and all but n_L of them among the π_l.
func (s *Sample) ErrorCurvature() *mat.SymDense {
	n := s.Net
	out := mat.NewSymDense(n.Dim(), nil)
	at := 0
	for l := 1; l < n.L(); l++ {
		for range n.Arch.Dims[l] {
			out.SetSym(at, at, n.Pi[l-1])
			at++
		}
	}
	out.SymRankK(out, n.Pi[n.L()-1], s.Jacobian().T())
	return out
}

// errorsOf returns (A v)_l = v_l − G_l v_{l−1}, l = 1…L−1, and −G_L v_{L−1}: how all errors move with the activities.
func (s *Sample) errorsOf(v []float64) [][]float64 {
	out := make([][]float64, s.Net.L())
	parts := s.Net.split(v)
	for i := range out {
		out[i] = make([]float64, s.Net.Arch.Dims[i+1])
		if i < len(parts) {
			copy(out[i], parts[i])
		}
		if i > 0 {
			add(out[i], -1, s.Start.sites[i].push(parts[i-1]))
		}
	}
	return out
}
