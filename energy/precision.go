package energy

import "github.com/settle-pc/settle/tensor"

// Precisions returns π_1 … π_L. To read only.
func (s *State[T]) Precisions() []float64 { return s.pi[1:] }

// SetPrecisions makes pi (L) the precisions of the state and of all windows of the same batch, between two inferences.
func (s *State[T]) SetPrecisions(pi []float64) {
	if len(pi) != s.net.L() {
		panic("energy: want one precision for each layer")
	}
	for l, v := range pi {
		checkPrecision[T](v)
		s.pi[l+1] = v
	}
	s.weigh()
}

// PrecisionGradient stores the derivative in each precision, z and θ held fixed, of
//
//	F − Σ_b Σ_l (n_l/2) log π_l,   ∂/∂π_l = ½ Σ_b ‖e_l‖² − B n_l/(2π_l),
//
// at the last Eval over all rows, in grad (L): the energy with what normalises the density of e_l, without which every precision
// would fall to 0. It is 0 where π_l is the inverse of the mean square of an error of the layer, B n_l/Σ_b‖e_l‖². The output term
// must be squared error: the others are normalised for precision 1 alone.
func (s *State[T]) PrecisionGradient(grad []float64) {
	if !s.out.Quadratic() {
		panic("energy: the precision of an output term other than squared error has no normalisation")
	}
	for l := range grad {
		pi, sum := s.pi[l+1], 0.0
		for i := range s.Trace.Rows {
			u := s.Trace.U[l+1].Row(i) // π_l e_l
			sum += tensor.Dot(u, u)
		}
		grad[l] = (sum/pi - float64(s.Trace.Rows*s.net.Width(l+1))) / (2 * pi)
	}
}
