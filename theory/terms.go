package theory

// Terms are the terms of Eq. 8 for one layer, with what else they could mean in a deep network (notation, section 2b):
// gradients in θ_l, derivatives at the feedforward activities ẑ, Δz = −𝓘⁻¹g.
type Terms struct {
	PC []float64 // ∂F*/∂θ_l: ∂F/∂θ_l at the equilibrium
	BP []float64 // ∂𝓛/∂θ_l
	// TR is the post's trust-region direction, −Σ_{k=l}^{L−1} (∂ẑ_k/∂θ_l)ᵀΔz_k with total derivatives of the hidden
	// feedforward activities; 0 in the last layer.
	TR []float64
	// Local is its local reading −(∂g_l/∂θ_l)ᵀΔz_l; 0 in the last layer.
	Local []float64
	// Err has the errors after the step in place of the activities: −(∂g_l/∂θ_l)ᵀπ_l e_l⁺, e⁺ = AΔz + (0, …, 0, r), that
	// is e_l⁺ = π_l⁻¹J_lᵀS⁻¹r: backpropagation of S⁻¹r in place of r. PC differs from it by O(‖r‖²).
	Err []float64
	// Step is ∂F/∂θ_l at ẑ + Δz, the local rule of learning (Eq. 5) after the step of Eq. 7: errors and presynaptic
	// activities both moved. For linear networks it is PC.
	Step []float64
}

// Terms returns the terms for each layer, sums over samples divided by their number. settled are the equilibria of the
// samples.
func (n *Net) Terms(samples []*Sample, settled []Equilibrium) []Terms {
	var all [6][]float64
	for k := range all {
		all[k] = make([]float64, n.Params())
	}
	for b, s := range samples {
		settled[b].ParamGradient(all[0])
		s.LossGradient(all[1])
		s.Start.pullParams(all[2], -1, s.carry(s.Solution))
		s.Start.pullParams(all[3], -1, s.hidden(s.Solution))
		s.Start.pullParams(all[4], -1, s.stepErrors())
		s.Shift(s.Solution).ParamGradient(all[5])
	}
	for _, v := range all {
		scale(v, 1/float64(len(samples)))
	}
	out := make([]Terms, n.L())
	for i := range out {
		at := func(k int) []float64 { return n.Of(i+1, all[k]) }
		out[i] = Terms{PC: at(0), BP: at(1), TR: at(2), Local: at(3), Err: at(4), Step: at(5)}
	}
	return out
}

// hidden returns v_l for l < L and 0 for l = L.
func (s *Sample) hidden(v []float64) [][]float64 {
	return append(s.Net.split(v), make([]float64, len(s.Y)))
}

// carry returns δ_l = v_l + G_{l+1}ᵀδ_{l+1}, δ_L = 0: what total derivatives of all hidden activities pull back.
func (s *Sample) carry(v []float64) [][]float64 {
	out := s.hidden(v)
	for i := len(out) - 3; i >= 0; i-- {
		d := s.Start.sites[i+1].pull(out[i+1])
		add(d, 1, out[i])
		out[i] = d
	}
	return out
}

// stepErrors returns π_l e_l⁺, the weighted errors after Δz by the linearisation at ẑ.
func (s *Sample) stepErrors() [][]float64 {
	e := s.errorsOf(s.Solution)
	add(e[len(e)-1], 1, s.Residual())
	for i := range e {
		scale(e[i], s.Net.Pi[i])
	}
	return e
}

// Cosine returns xᵀy/(‖x‖‖y‖), NaN if either is 0.
func Cosine(x, y []float64) float64 { return dot(x, y) / (norm(x) * norm(y)) }

// RelError returns ‖x − y‖/‖y‖, NaN if y is 0.
func RelError(x, y []float64) float64 { return norm(sub(x, y)) / norm(y) }

// Norm returns ‖x‖₂.
func Norm(x []float64) float64 { return norm(x) }

// Sum returns x + y.
func Sum(x, y []float64) []float64 {
	out := append([]float64(nil), x...)
	add(out, 1, y)
	return out
}
