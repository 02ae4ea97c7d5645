package theory

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Linear is the closed form of a linear network's equilibrium, at any depth and precision (notation, section 2). With
// P_l = W_L⋯W_l, P_{L+1} = I, and r = y − ŷ:
//
//	S = I/π_L + Σ_{l=2}^{L} P_l P_lᵀ/π_{l−1}     F* = ½ rᵀS⁻¹r     e_l* = P_{l+1}ᵀS⁻¹r/π_l,  l = 1…L
//
// S is the covariance of y − ŷ under the network as a generative model, errors of layer l having the variance 1/π_l.
// It is 1/π_L at least: what PC minimises is the loss in a metric that discounts what hidden errors can explain.
type Linear struct {
	net  *Net
	p    []*mat.Dense // P_1 … P_{L+1}
	s    *mat.SymDense
	chol mat.Cholesky
}

// NonlinearError says that a formula for linear networks was asked of another one.
type NonlinearError struct{ Act string }

// Error names the activation.
func (e *NonlinearError) Error() string {
	return fmt.Sprintf("activation %s: this closed form wants linear", e.Act)
}

// Closed returns the closed form, or a *NonlinearError.
func (n *Net) Closed() (*Linear, error) {
	if !n.Linear() {
		return nil, &NonlinearError{n.Arch.Act.String()}
	}
	c := &Linear{net: n, p: make([]*mat.Dense, n.L()+1)}
	outputs := n.Arch.Dims[n.L()]
	eye := mat.NewDense(outputs, outputs, nil)
	c.s = mat.NewSymDense(outputs, nil)
	for i := range outputs {
		eye.Set(i, i, 1)
		c.s.SetSym(i, i, 1/n.Pi[n.L()-1])
	}
	c.p[n.L()] = eye
	for i := n.L() - 1; i >= 0; i-- {
		c.p[i] = new(mat.Dense)
		c.p[i].Mul(c.p[i+1], n.weights(i+1))
		if i > 0 {
			c.s.SymRankK(c.s, 1/n.Pi[i-1], c.p[i])
		}
	}
	if !c.chol.Factorize(c.s) {
		return nil, fmt.Errorf("theory: S is not positive definite in float64: the weights are too large")
	}
	return c, nil
}

// weights returns W_l.
func (n *Net) weights(l int) *mat.Dense {
	w := n.layers[l-1].w
	return mat.NewDense(w.Rows, w.Cols, w.Data)
}

// S returns the matrix, not to be changed.
func (c *Linear) S() *mat.SymDense { return c.s }

// predict returns z_l = W_l⋯W_1 x + biases on their way, with errors e_1 … e_l (nil: none) added.
func (c *Linear) predict(l int, x []float64, e [][]float64) []float64 {
	z := x
	for i := range l {
		var v mat.VecDense
		v.MulVec(c.net.weights(i+1), mat.NewVecDense(len(z), z))
		z = v.RawVector().Data
		if b := c.net.layers[i].b; b != nil {
			add(z, 1, b)
		}
		if e != nil {
			add(z, 1, e[i])
		}
	}
	return z
}

// residual returns r and S⁻¹r.
func (c *Linear) residual(x, y []float64) (r, sr *mat.VecDense) {
	r, sr = mat.NewVecDense(len(y), sub(y, c.predict(c.net.L(), x, nil))), new(mat.VecDense)
	_ = c.chol.SolveVecTo(sr, r) // S is positive definite; the error is about its condition number
	return r, sr
}

// Energy returns F* = ½ rᵀS⁻¹r.
func (c *Linear) Energy(x, y []float64) float64 {
	r, sr := c.residual(x, y)
	return mat.Dot(r, sr) / 2
}

// Errors returns e_1* … e_L*.
func (c *Linear) Errors(x, y []float64) [][]float64 {
	_, sr := c.residual(x, y)
	e := make([][]float64, c.net.L())
	for i := range e {
		var v mat.VecDense
		v.MulVec(c.p[i+1].T(), sr)
		v.ScaleVec(1/c.net.Pi[i], &v)
		e[i] = v.RawVector().Data
	}
	return e
}

// Equilibrium returns z_1* … z_{L−1}* in one vector.
func (c *Linear) Equilibrium(x, y []float64) []float64 {
	e := c.Errors(x, y)
	var z []float64
	for l := 1; l < c.net.L(); l++ {
		z = append(z, c.predict(l, x, e)...)
	}
	return z
}

// ParamGradient adds ∂F*/∂θ to grad: −π_l e_l* z_{l−1}*ᵀ, and −π_l e_l* for a bias.
func (c *Linear) ParamGradient(x, y, grad []float64) {
	e := c.Errors(x, y)
	for i, b := range c.net.blocks(grad) {
		b.add(-c.net.Pi[i], e[i], c.predict(i, x, e))
	}
}
