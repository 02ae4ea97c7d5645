package theory

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/nn"
)

// Saddle is a point in weight space where all weights are 0, or all but those of the penultimate layer: a critical point
// of 𝓛 and F* with all activities 0. To second order around it a network with φ(0) = 0 and φ′(0) = 1 is the linear one,
// whose Hessians are known. Networks here have no biases: with them it is no critical point.
type Saddle struct {
	net     *Net       // at the saddle
	v       *mat.Dense // W_{L−1}, n_{L−1}×n_{L−2}; nil at the origin
	yy, yx  *mat.Dense // Σ_yy = YᵀY/B, Σ_yx = YᵀX/B
	samples []*Sample
}

// Origin returns the saddle θ = 0 for these inputs and targets (rows of x and y). The network gives widths, activation
// and precisions; its biases are left out.
func (n *Net) Origin(x, y [][]float64) (*Saddle, error) { return n.saddle(x, y, false) }

// Penultimate returns the saddle where only W_{L−1}, the network's own, is not 0. It is one for L ≥ 3.
func (n *Net) Penultimate(x, y [][]float64) (*Saddle, error) {
	if n.L() < 3 {
		return nil, fmt.Errorf("theory: %d layers: all weights but the penultimate ones at 0 are a saddle from 3 layers on", n.L())
	}
	return n.saddle(x, y, true)
}

func (n *Net) saddle(x, y [][]float64, penultimate bool) (*Saddle, error) {
	switch {
	case n.L() < 2:
		return nil, fmt.Errorf("theory: one layer has no saddle")
	case !straight(n.Arch.Act):
		return nil, fmt.Errorf("theory: activation %s: the saddle's closed form wants φ(0) = 0 and φ′(0) = 1: linear, tanh or hard_tanh", n.Arch.Act)
	}
	arch := nn.Arch{Dims: n.Arch.Dims, Act: n.Arch.Act, Place: n.Arch.Place}
	bare := Net{Arch: arch}
	theta := make([]float64, bare.Params())
	s := &Saddle{}
	if l := n.L() - 1; penultimate {
		copy(bare.Of(l, theta), n.layers[l-1].w.Data)
		s.v = n.weights(l)
	}
	var err error
	if s.net, err = New(arch, theta, n.Pi); err != nil {
		return nil, err
	}
	s.yy, s.yx = moment(y, y), moment(y, x)
	for i := range x {
		s.samples = append(s.samples, s.net.Sample(x[i], y[i]))
	}
	return s, nil
}

// moment returns Σ_b a_b c_bᵀ / B.
func moment(a, c [][]float64) *mat.Dense {
	m := mat.NewDense(len(a[0]), len(c[0]), nil)
	for i := range a {
		m.RankOne(m, 1/float64(len(a)), mat.NewVecDense(len(a[i]), a[i]), mat.NewVecDense(len(c[i]), c[i]))
	}
	return m
}

// Net returns the network at the saddle.
func (s *Saddle) Net() *Net { return s.net }

// Hessians returns those of 𝓛/B and F*/B there, by their products: numbers, without the closed form. All activities are
// at equilibrium: e = 0 but for e_L = y, which nothing can reach through W_L = 0.
func (s *Saddle) Hessians() (loss, energy Operator, err error) {
	var settled []Equilibrium
	for _, x := range s.samples {
		settled = append(settled, x.Settle())
	}
	energy, err = EnergyHessian(settled)
	return LossHessian(s.samples), energy, err
}

// Closed returns the closed forms of the Hessians of 𝓛/B and F*/B, θ = (W_1, …, W_L) row-major. With V = W_{L−1} (0 at
// the origin) the blocks that are not 0 are
//
//	F*, last layer           −π_L² Σ_yy ⊗ (I/π_{L−1} + VVᵀ/π_{L−2})
//	F*, (W_L)_ij and (W_1)_kl   −π_L M_jk (Σ_yx)_il
//	𝓛,  (W_L)_ij and (W_1)_kl       −M_jk (Σ_yx)_il
//
// with M = I for L = 2, V for L = 3, 0 for more layers. So for L ≥ 4, and at the origin from L = 3, the saddle of 𝓛 is
// flat to second order, that of F* never.
func (s *Saddle) Closed() (loss, energy *mat.SymDense) {
	n := s.net
	L, dims := n.L(), n.Arch.Dims
	loss, energy = mat.NewSymDense(n.Params(), nil), mat.NewSymDense(n.Params(), nil)
	last := n.Params() - n.size(L)
	cols := dims[L-1]
	inner := mat.NewSymDense(cols, nil)
	for j := range cols {
		inner.SetSym(j, j, 1/n.Pi[L-2])
	}
	if s.v != nil {
		inner.SymRankK(inner, 1/n.Pi[L-3], s.v)
	}
	pi := n.Pi[L-1]
	for a := range n.size(L) {
		for b := a; b < n.size(L); b++ {
			energy.SetSym(last+a, last+b, -pi*pi*s.yy.At(a/cols, b/cols)*inner.At(a%cols, b%cols))
		}
	}
	m := s.middle()
	if m == nil {
		return loss, energy
	}
	for a := range n.size(L) {
		for b := range n.size(1) {
			c := -m.At(a%cols, b/dims[0]) * s.yx.At(a/cols, b%dims[0])
			loss.SetSym(last+a, b, c)
			energy.SetSym(last+a, b, pi*c)
		}
	}
	return loss, energy
}

// middle returns M, nil if it is 0.
func (s *Saddle) middle() *mat.Dense {
	switch L := s.net.L(); {
	case L == 2:
		n := s.net.Arch.Dims[1]
		eye := mat.NewDense(n, n, nil)
		for i := range n {
			eye.Set(i, i, 1)
		}
		return eye
	case L == 3:
		return s.v
	}
	return nil
}

// Spectra returns the eigenvalues of the closed forms with how often they occur, in ascending order, without building
// them: each singular value v of V (n_{L−1} of them, 0 where V has fewer) contributes those of
//
//	[ −π_L² (1/π_{L−1} + v²/π_{L−2}) Σ_yy   −π_L m Σ_yx ]
//	[ −π_L m Σ_yxᵀ                           0          ],   m = 1, v, 0 for L = 2, 3, more,
//
// and for 𝓛 those of [0, −mΣ_yx; −mΣ_yxᵀ, 0], ±m times the singular values of Σ_yx; all others are 0.
func (s *Saddle) Spectra() (loss, energy []Level) {
	n := s.net
	L, dims := n.L(), n.Arch.Dims
	values := make([]float64, dims[L-1])
	if s.v != nil {
		var svd mat.SVD
		if !svd.Factorize(s.v, mat.SVDNone) {
			panic("theory: singular values of a matrix that is not finite")
		}
		copy(values, svd.Values(nil))
	}
	yx := s.narrow()
	lossLeft, energyLeft := n.Params(), n.Params()
	times := map[float64]int{}
	for _, v := range values {
		times[v]++
	}
	for v, k := range times {
		c := 1 / n.Pi[L-2]
		if s.v != nil {
			c += v * v / n.Pi[L-3]
		}
		m := 0.0
		switch {
		case L == 2:
			m = 1
		case L == 3:
			m = v
		}
		pi := n.Pi[L-1]
		for _, e := range s.bordered(yx, 0, m) {
			loss = append(loss, Level{e, k})
			lossLeft -= k
		}
		for _, e := range s.bordered(yx, pi*pi*c, pi*m) {
			energy = append(energy, Level{e, k})
			energyLeft -= k
		}
	}
	return merge(append(loss, Level{0, lossLeft})), merge(append(energy, Level{0, energyLeft}))
}

// narrow returns R with Σ_yx = R Qᵀ, Q having orthonormal columns: the same singular values in no more than n_L columns.
func (s *Saddle) narrow() *mat.Dense {
	rows, cols := s.yx.Dims()
	if cols <= rows {
		return s.yx
	}
	var qr mat.QR
	qr.Factorize(s.yx.T())
	var r mat.Dense
	qr.RTo(&r)
	return mat.DenseCopyOf(r.Slice(0, rows, 0, rows).T())
}

// bordered returns the eigenvalues of [−c Σ_yy, −m R; −m Rᵀ, 0], those of −c Σ_yy alone where m is 0: what borders it may then be
// more than all parameters.
func (s *Saddle) bordered(r *mat.Dense, c, m float64) []float64 {
	rows, cols := r.Dims()
	if m == 0 {
		cols = 0
	}
	b := mat.NewSymDense(rows+cols, nil)
	for i := range rows {
		for j := i; j < rows; j++ {
			b.SetSym(i, j, -c*s.yy.At(i, j))
		}
		for j := range cols {
			b.SetSym(i, rows+j, -m*r.At(i, j))
		}
	}
	return Eigenvalues(b)
}

// merge sorts levels and joins those that differ by rounding alone.
func merge(levels []Level) []Level {
	slices.SortFunc(levels, func(a, b Level) int {
		switch {
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	size := max(-levels[0].Value, levels[len(levels)-1].Value)
	var out []Level
	for _, v := range levels {
		if k := len(out) - 1; k >= 0 && v.Value-out[k].Value <= 1e-13*size {
			out[k].Times += v.Times
			if v.Value == 0 { // known, the other is rounding
				out[k].Value = 0
			}
		} else if v.Times > 0 {
			out = append(out, v)
		}
	}
	return out
}
