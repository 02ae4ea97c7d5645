package theory

import (
	"gonum.org/v1/gonum/mat"
)

// Tridiagonal is a symmetric block tridiagonal matrix: a Hessian of F in the activities, where layers meet only their
// neighbours. Block k of a vector belongs to layer l = k+1.
type Tridiagonal struct {
	Diag []*mat.SymDense // n_l×n_l
	Sub  []*mat.Dense    // Sub[k] is block (k+1, k), n_{l+1}×n_l
}

// Dim is the number of rows.
func (t *Tridiagonal) Dim() int {
	sum := 0
	for _, d := range t.Diag {
		sum += d.SymmetricDim()
	}
	return sum
}

// split cuts v into blocks that share its elements.
func (t *Tridiagonal) split(v []float64) []*mat.VecDense {
	var out []*mat.VecDense
	for _, d := range t.Diag {
		n := d.SymmetricDim()
		out = append(out, mat.NewVecDense(n, v[:n]))
		v = v[n:]
	}
	return out
}

// Mul returns the product with v.
func (t *Tridiagonal) Mul(v []float64) []float64 {
	out := make([]float64, len(v))
	from, to := t.split(v), t.split(out)
	var w mat.VecDense
	for k, d := range t.Diag {
		to[k].MulVec(d, from[k])
		if k > 0 {
			w.Reset()
			w.MulVec(t.Sub[k-1], from[k-1])
			to[k].AddVec(to[k], &w)
		}
		if k < len(t.Sub) {
			w.Reset()
			w.MulVec(t.Sub[k].T(), from[k+1])
			to[k].AddVec(to[k], &w)
		}
	}
	return out
}

// Dense returns all elements.
func (t *Tridiagonal) Dense() *mat.SymDense {
	n := t.Dim()
	out := mat.NewSymDense(max(n, 1), nil)
	at := 0
	for k, d := range t.Diag {
		size := d.SymmetricDim()
		for i := range size {
			for j := i; j < size; j++ {
				out.SetSym(at+i, at+j, d.At(i, j))
			}
		}
		if k < len(t.Sub) {
			rows, cols := t.Sub[k].Dims()
			for i := range rows {
				for j := range cols {
					out.SetSym(at+size+i, at+j, t.Sub[k].At(i, j))
				}
			}
		}
		at += size
	}
	return out
}

// Shift returns the matrix with c added to its diagonal.
func (t *Tridiagonal) Shift(c float64) *Tridiagonal {
	out := &Tridiagonal{Sub: t.Sub}
	for _, d := range t.Diag {
		s := mat.NewSymDense(d.SymmetricDim(), nil)
		s.CopySym(d)
		for i := range s.SymmetricDim() {
			s.SetSym(i, i, s.At(i, i)+c)
		}
		out.Diag = append(out.Diag, s)
	}
	return out
}

// Factor is the block Cholesky factorisation of a positive definite Tridiagonal: with the Schur complements
// C_0 = D_0, C_k = D_k − O_{k−1} C_{k−1}⁻¹ O_{k−1}ᵀ, O the blocks below the diagonal.
type Factor struct {
	t    *Tridiagonal
	chol []mat.Cholesky // of C_k
}

// Factor returns the factorisation; not ok: the matrix is not positive definite.
func (t *Tridiagonal) Factor() (f *Factor, ok bool) {
	f = &Factor{t: t, chol: make([]mat.Cholesky, len(t.Diag))}
	for k, d := range t.Diag {
		c := d
		if k > 0 {
			var w, p mat.Dense
			if err := f.chol[k-1].SolveTo(&w, t.Sub[k-1].T()); err != nil {
				return nil, false
			}
			p.Mul(t.Sub[k-1], &w)
			c = mat.NewSymDense(d.SymmetricDim(), nil)
			for i := range c.SymmetricDim() {
				for j := i; j < c.SymmetricDim(); j++ {
					c.SetSym(i, j, d.At(i, j)-(p.At(i, j)+p.At(j, i))/2)
				}
			}
		}
		if !f.chol[k].Factorize(c) {
			return nil, false
		}
	}
	return f, true
}

// Solve returns the product of the inverse with v.
func (f *Factor) Solve(v []float64) []float64 {
	x := append([]float64(nil), v...)
	parts := f.t.split(x)
	var w mat.VecDense
	solve := func(k int) {
		// The matrix is positive definite: what gonum reports is a large condition number, which the residuals of the
		// caller show.
		_ = f.chol[k].SolveVecTo(parts[k], parts[k])
	}
	for k := range parts { // x_k = C_k⁻¹ (v_k − O_{k−1} x_{k−1}), then back
		if k > 0 {
			w.Reset()
			w.MulVec(f.t.Sub[k-1], parts[k-1])
			parts[k].SubVec(parts[k], &w)
		}
		solve(k)
	}
	for k := len(parts) - 2; k >= 0; k-- {
		w.Reset()
		w.MulVec(f.t.Sub[k].T(), parts[k+1])
		_ = f.chol[k].SolveVecTo(&w, &w)
		parts[k].SubVec(parts[k], &w)
	}
	return x
}

// sure returns the factorisation of a matrix that is positive definite by its construction. Where rounding denies it
// (condition numbers beyond 1e15), the diagonal is raised by as little as helps: some ε times the matrix.
func (t *Tridiagonal) sure() *Factor {
	size := 0.0
	for _, d := range t.Diag {
		size = max(size, mat.Norm(d, 1))
	}
	for shift := 0.0; ; shift = max(4*shift, 0x1p-52*size) {
		f, ok := t.Shift(shift).Factor()
		if ok {
			return f
		}
		if !(shift < size) {
			panic("theory: curvature is not finite")
		}
	}
}
