package energy

import "github.com/settle-pc/settle/tensor"

// Layers describes the batch layer by layer at the last Eval over all its rows: where its energy lies, and which activities
// are not yet where their neighbours want them. Sums over the batch.
type Layers struct {
	Energy   []float64 // l = 1…L at index l−1: (π_l/2)‖e_l‖²; for a clamped output with another term than squared error ½‖r‖²/π_L. Decay is no part
	Residual []float64 // l = 1…L at index l−1: ‖∂F/∂z_l‖² in activities, 0 where z_l is clamped
}

// Layers measures them into d, whose slices it fits. It costs a pass of work that is not counted: it is for looking, and no
// part of inference.
func (s *State[T]) Layers(d *Layers) {
	L := s.net.L()
	d.Energy, d.Residual = fit(d.Energy, L), fit(d.Residual, L)
	for l := 1; l <= L; l++ {
		u := s.Trace.U[l]
		for i := range u.Rows {
			d.Energy[l-1] += tensor.Dot(u.Row(i), u.Row(i)) / (2 * s.pi[l])
		}
		if s.clamped[l] {
			continue
		}
		g := s.of(l, s.w)
		if l < L {
			s.Trace.Pull(l+1, g, s.Trace.U[l+1])
		} else {
			tensor.Zero(g)
		}
		s.shrinkGradient(l, g)
		for i := range g.Rows {
			row, u := g.Row(i), u.Row(i)
			for j, v := range row {
				e := float64(u[j]) - float64(v)
				d.Residual[l-1] += float64(e * e)
			}
		}
	}
}

// fit returns a zeroed slice of n in v's memory where it suffices.
func fit(v []float64, n int) []float64 {
	if cap(v) < n {
		return make([]float64, n)
	}
	v = v[:n]
	clear(v)
	return v
}
