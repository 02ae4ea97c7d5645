package theory

import "math"

// Sample is one input and target in a network, with what the expansion around its feedforward activities ẑ needs.
type Sample struct {
	Net      *Net
	X, Y     []float64
	Start    *Point       // at ẑ
	G        []float64    // g = ∂F/∂z at ẑ: −π_L (∂g_L/∂z)ᵀr in block L−1, 0 elsewhere
	Fisher   *Tridiagonal // 𝓘 at ẑ
	Solution []float64    // −𝓘⁻¹g
}

// Sample prepares x (n_0) and y (n_L), which are kept by reference. It panics unless activities and Fisher information
// are finite: ask Size before of weights that nobody has looked at.
func (n *Net) Sample(x, y []float64) *Sample {
	if len(x) != n.Arch.Dims[0] || len(y) != n.Arch.Dims[n.L()] {
		panic("theory: sample of another shape")
	}
	s := &Sample{Net: n, X: x, Y: y}
	z := x
	var free []float64
	for _, layer := range n.layers[:n.L()-1] {
		t := layer.at(z)
		z = t.g
		free = append(free, z...)
	}
	s.Start = s.At(free)
	s.G = s.Start.Gradient()
	s.Fisher = s.Start.Fisher()
	s.Solution = s.Fisher.sure().Solve(s.G)
	scale(s.Solution, -1)
	return s
}

// Size returns the largest of |x|, |y|, all feedforward activities and all weights; infinite if one is not finite. Second
// derivatives are of the order of its powers up to about the fourth.
func (n *Net) Size(x, y []float64) float64 {
	size := 0.0
	see := func(v []float64) {
		for _, a := range v {
			if math.IsNaN(a) {
				a = math.Inf(1)
			}
			size = max(size, math.Abs(a))
		}
	}
	see(x)
	see(y)
	see(n.theta)
	for _, layer := range n.layers {
		t := layer.at(x)
		x = t.g
		see(x)
	}
	return size
}

// Point is a sample at activities z: every layer's site and the errors e_l = z_l − g_l(z_{l−1}).
type Point struct {
	sample *Sample
	sites  []site      // l = 1…L
	e      [][]float64 // l = 1…L
}

// At returns the point with the free activities z = (z_1 … z_{L−1}), which it keeps by reference.
func (s *Sample) At(z []float64) *Point {
	p := &Point{sample: s}
	all := append(append([][]float64{s.X}, s.Net.split(z)...), s.Y)
	for i, layer := range s.Net.layers {
		var t site
		if i == 0 && s.Start != nil {
			t = s.Start.sites[0] // the input is given: g_1 is the same at all points
		} else {
			t = layer.at(all[i])
		}
		p.sites = append(p.sites, t)
		p.e = append(p.e, sub(all[i+1], t.g))
	}
	return p
}

// Shift returns the point ẑ + d.
func (s *Sample) Shift(d []float64) *Point {
	z := s.Start.Z()
	add(z, 1, d)
	return s.At(z)
}

// AtErrors returns the point with free errors e = (e_1 … e_{L−1}): z_l = g_l(z_{l−1}) + e_l.
func (s *Sample) AtErrors(e []float64) *Point {
	z, free := s.X, []float64(nil)
	for i, el := range s.Net.split(e) {
		t := s.Net.layers[i].at(z)
		z = t.g
		add(z, 1, el)
		free = append(free, z...)
	}
	return s.At(free)
}

// Z returns the free activities.
func (p *Point) Z() []float64 {
	var z []float64
	for _, t := range p.sites[1:] {
		z = append(z, t.z...)
	}
	return z
}

// Error returns e_l, l = 1…L. To read only.
func (p *Point) Error(l int) []float64 { return p.e[l-1] }

// Energy returns F = Σ_l (π_l/2)‖e_l‖² (post, Eq. 3, with the half).
func (p *Point) Energy() float64 {
	sum := 0.0
	for i, e := range p.e {
		sum += p.sample.Net.Pi[i] / 2 * dot(e, e)
	}
	return sum
}

// weighted returns u_l = π_l e_l, l = 1…L.
func (p *Point) weighted() [][]float64 {
	u := make([][]float64, len(p.e))
	for i, e := range p.e {
		u[i] = append([]float64(nil), e...)
		scale(u[i], p.sample.Net.Pi[i])
	}
	return u
}

// Gradient returns ∂F/∂z: u_l − (∂g_{l+1}/∂z_l)ᵀ u_{l+1}, l = 1…L−1 (Eq. 4).
func (p *Point) Gradient() []float64 {
	u := p.weighted()
	var g []float64
	for i := range u[1:] {
		g = append(g, sub(u[i], p.sites[i+1].pull(u[i+1]))...)
	}
	return g
}

// ParamGradient adds ∂F/∂θ with z held fixed to grad: −(∂g_l/∂θ_l)ᵀ u_l (Eq. 5).
func (p *Point) ParamGradient(grad []float64) {
	p.pullParams(grad, -1, p.weighted())
}

// pullParams adds k (∂g_l/∂θ_l)ᵀ u_l of every layer to grad.
func (p *Point) pullParams(grad []float64, k float64, u [][]float64) {
	for i, b := range p.sample.Net.blocks(grad) {
		p.sites[i].pullParams(b, k, u[i])
	}
}

// Loss returns 𝓛 = ½‖y − ŷ‖².
func (s *Sample) Loss() float64 {
	r := s.Residual()
	return dot(r, r) / 2
}

// Residual returns r = y − ŷ. To read only.
func (s *Sample) Residual() []float64 { return s.Start.e[s.Net.L()-1] }

// back returns v_l = (∂ŷ/∂ẑ_l)ᵀ v, l = 1…L: what backpropagation carries.
func (s *Sample) back(v []float64) [][]float64 {
	out := make([][]float64, s.Net.L())
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = v
		if i > 0 {
			v = s.Start.sites[i].pull(v)
		}
	}
	return out
}

// LossGradient adds ∂𝓛/∂θ to grad, by backpropagation.
func (s *Sample) LossGradient(grad []float64) {
	s.Start.pullParams(grad, -1, s.back(s.Residual()))
}

func scale(x []float64, k float64) {
	for i := range x {
		x[i] *= k
	}
}
