package theory

import "fmt"

// Operator is a symmetric matrix known by its products.
type Operator struct {
	Dim int
	Mul func(v []float64) []float64
}

// LossHessian returns ∂²𝓛/∂θ² of a batch, divided by its number of samples. A product costs about two backpropagations
// (Pearlmutter 1994).
func LossHessian(samples []*Sample) Operator {
	n := samples[0].Net
	return Operator{Dim: n.Params(), Mul: func(v []float64) []float64 {
		out := make([]float64, n.Params())
		for _, s := range samples {
			s.lossTangent(n.blocks(v), n.blocks(out))
		}
		scale(out, 1/float64(len(samples)))
		return out
	}}
}

// lossTangent adds the rate of ∂𝓛/∂θ to grad while θ moves with θ̇.
func (s *Sample) lossTangent(dtheta, grad []block) {
	moves := make([]motion, len(s.Start.sites))
	dz := make([]float64, len(s.X))
	for i := range moves {
		moves[i] = s.Start.sites[i].move(dz, &dtheta[i])
		dz = moves[i].dg
	}
	u, du := append([]float64(nil), s.Residual()...), dz // λ = ∂𝓛/∂z_l
	scale(u, -1)
	for i := len(moves) - 1; i >= 0; i-- {
		moves[i].pullParams(grad[i], 1, u, du)
		if i > 0 {
			u, du = s.Start.sites[i].pull(u), moves[i].pull(u, du)
		}
	}
}

// EnergyHessian returns ∂²F*/∂θ² of a batch, divided by its number of samples: with all derivatives at the equilibria,
//
//	F_θθ − F_θz F_zz⁻¹ F_zθ,
//
// since z* moves with −F_zz⁻¹F_zθ θ̇. The error names a sample that is not at an equilibrium, or not at a minimum.
func EnergyHessian(settled []Equilibrium) (Operator, error) {
	n := settled[0].sample.Net
	factors := make([]*Factor, len(settled))
	for i, q := range settled {
		if !q.OK() {
			return Operator{}, fmt.Errorf("theory: sample %d is at residual ratio %.1e: no equilibrium", i, q.Ratio)
		}
		f, ok := q.Hessian().Factor()
		if !ok {
			return Operator{}, fmt.Errorf("theory: sample %d is not at a minimum of F", i)
		}
		factors[i] = f
	}
	return Operator{Dim: n.Params(), Mul: func(v []float64) []float64 {
		out := make([]float64, n.Params())
		for i, q := range settled {
			dz := factors[i].Solve(q.tangent(make([]float64, n.Dim()), n.blocks(v), nil))
			scale(dz, -1)
			q.tangent(dz, n.blocks(v), n.blocks(out))
		}
		scale(out, 1/float64(len(settled)))
		return out
	}}, nil
}

// tangent returns the rate of ∂F/∂z, and adds that of ∂F/∂θ to grad unless it is nil, while z moves with ż and θ with θ̇.
func (p *Point) tangent(dz []float64, dtheta, grad []block) []float64 {
	n, u := p.sample.Net, p.weighted()
	free := n.split(dz)
	du := make([][]float64, len(u)) // π_l ė_l
	moves := make([]motion, len(u))
	from := make([]float64, len(p.sample.X))
	for i := range moves {
		moves[i] = p.sites[i].move(from, &dtheta[i])
		du[i] = append([]float64(nil), moves[i].dg...)
		scale(du[i], -1)
		if i < len(free) {
			from = free[i]
			add(du[i], 1, from)
		}
		scale(du[i], n.Pi[i])
	}
	var out []float64
	for i := range moves {
		if grad != nil {
			moves[i].pullParams(grad[i], -1, u[i], du[i])
		}
		if i > 0 {
			out = append(out, sub(du[i-1], moves[i].pull(u[i], du[i]))...)
		}
	}
	return out
}
