package experiment

import (
	"context"
	"math"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/theory"
)

// space is Figure 0: the energy of networks of width 1 with two free activities over the plane of these, the
// feedforward point, the path of inference, the steps −g and −𝓘⁻¹g, the equilibrium, and the line on which the output
// equals the target.
func (r *theoryRun) space(context.Context) error {
	for _, c := range []struct {
		panel string
		act   nn.Activation
	}{{"linear", nn.Linear}, {"tanh", nn.Tanh}} {
		if err := r.plane(c.panel, c.act); err != nil {
			return err
		}
	}
	r.m.add(restWork/4, "activity space")
	return r.err
}

// Settings of Figure 0.
var (
	spaceTheta    = []float64{0.5, 1.5, 1.5}
	spaceX        = 1.0
	spaceY        = 3.0
	spaceZ1       = [2]float64{-0.25, 1.75}
	spaceZ2       = [2]float64{-0.25, 2.25}
	spaceGrid     = 81
	spaceDT       = 0.02
	spaceDuration = 12.0
)

func (r *theoryRun) plane(panel string, act nn.Activation) error {
	net, err := theory.New(nn.Arch{Dims: []int{1, 1, 1, 1}, Act: act}, spaceTheta, nil)
	if err != nil {
		return err
	}
	s := net.Sample([]float64{spaceX}, []float64{spaceY})
	start, q := s.Start.Z(), s.Settle()
	solution := theory.Sum(start, s.Solution)
	down := []float64{start[0] - s.G[0], start[1] - s.G[1]}
	r.row("theory_space", []string{"panel", "weights", "x", "y", "z_feedforward", "z_equilibrium", "z_solution", "z_gradient", "energy_equilibrium", "constraint", "dt", "rel_error"},
		panel, spaceTheta, spaceX, spaceY, start, q.Z(), solution, down, q.Energy(), spaceY/spaceTheta[2], spaceDT, theory.RelError(s.Solution, q.Shift))
	// The path, thinned by its length.
	last := []float64{math.Inf(1), 0}
	for t, d := range s.Flow(spaceDT, int(spaceDuration/spaceDT)) {
		z := theory.Sum(start, d)
		if math.Hypot(z[0]-last[0], z[1]-last[1]) > 0.005 {
			r.row("theory_space_path", []string{"panel", "t", "z1", "z2"}, panel, t, z[0], z[1])
			last = z
		}
	}
	for _, z2 := range axis(spaceZ2, spaceGrid) {
		var f []float64
		for _, z1 := range axis(spaceZ1, spaceGrid) {
			f = append(f, s.At([]float64{z1, z2}).Energy())
		}
		r.row("theory_space_energy", []string{"panel", "z2", "z1", "energy"}, panel, z2, axis(spaceZ1, spaceGrid), f)
	}
	return r.err
}
