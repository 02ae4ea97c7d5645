package theory

import "math"

// Equilibrium is where the activities of a sample settle.
type Equilibrium struct {
	*Point
	Shift []float64 // z* − ẑ
	Ratio float64   // residual ratio ρ = ‖∂F/∂z‖ / ‖∂F/∂z at ẑ‖
	Steps int
}

// Reached is the residual ratio below which a point counts as an equilibrium here. Rounding leaves about 1e−15 times
// the condition number of the Hessian.
const Reached = 1e-9

const (
	firstStep    = 0.25 // in time of the flow; errors relax in about 1/π
	shortestStep = 1e-12
	longestStep  = 1e12 // Newton's
	settleSteps  = 500  // 5 to 50 are needed
	settleRatio  = 1e-15
	perfectModel = 0.02 // off the decrease of F that the quadratic model foretells
	goodModel    = 0.75 // of that decrease
	poorModel    = 0.25
)

// Settle follows the flow of inference, ż = −∂F/∂z (post, Eq. 4), from the feedforward activities to its end by linearly
// implicit Euler steps, (H + I/h) d = −∂F/∂z, whose length h grows while F falls as its quadratic model says: Newton's
// method in the end (pseudo-transient continuation, Kelley and Keyes 1998; the control of h is Levenberg's). F falls with
// every step. It ends where rounding stops it; where F has kinks (ReLU) it may end short of an equilibrium, which Ratio
// shows: ask OK.
func (s *Sample) Settle() Equilibrium {
	shift := make([]float64, s.Net.Dim())
	q := Equilibrium{Point: s.Start, Shift: shift}
	start := norm(s.G)
	if yhat := sub(s.Y, s.Residual()); start == 0 || norm(s.Residual()) <= 1e-14*(norm(s.Y)+norm(yhat)) {
		return q // ẑ is the equilibrium, to rounding
	}
	q.Ratio = 1
	f, g, hessian := s.Start.Energy(), s.G, s.Start.Hessian()
	for h := firstStep; q.Steps < settleSteps && q.Ratio > settleRatio && h > shortestStep; q.Steps++ {
		factor, ok := hessian.Shift(1 / h).Factor()
		if !ok {
			h /= 4
			continue
		}
		d := factor.Solve(g)
		scale(d, -1)
		foretold := dot(g, d) + dot(d, hessian.Mul(d))/2
		to := Sum(q.Shift, d)
		p := s.Shift(to)
		fp, gp := p.Energy(), p.Gradient()
		ratio := norm(gp) / start
		rounding := q.noise()
		lost := -foretold <= rounding // F cannot show the decrease: the residual must
		if !(fp < f || lost && fp <= f+rounding && ratio < q.Ratio) {
			if q.Ratio < Reached {
				break
			}
			h /= 4
			continue
		}
		switch trust := (fp - f) / foretold; {
		case lost || math.Abs(trust-1) < perfectModel:
			h = min(16*h, longestStep)
		case trust > goodModel:
			h = min(4*h, longestStep)
		case trust < poorModel:
			h /= 4
		}
		q.Point, q.Shift, q.Ratio, f, g, hessian = p, to, ratio, fp, gp, p.Hessian()
	}
	return q
}

// noise is about how well F is known: each error is a difference that rounding blurs by some ε of what is subtracted.
func (p *Point) noise() float64 {
	sum := 0.0
	for i, e := range p.e {
		sum += p.sample.Net.Pi[i] * norm(e) * (norm(e) + norm(p.sites[i].g))
	}
	return 0x1p-48 * sum
}

// OK reports whether the residual test passed.
func (q Equilibrium) OK() bool { return q.Ratio <= Reached }

// Flow returns the displacement z_t − ẑ after t = 0…T steps of z ← z − dt ∂F/∂z from the feedforward activities.
func (s *Sample) Flow(dt float64, steps int) [][]float64 {
	d := make([]float64, s.Net.Dim())
	path := [][]float64{d}
	g := s.G
	for range steps {
		d = append([]float64(nil), d...)
		add(d, -dt, g)
		path = append(path, d)
		g = s.Shift(d).Gradient()
	}
	return path
}

// TrustRegion returns the minimiser of the model gᵀd + ½dᵀ𝓘d among all d with ‖d‖ ≤ radius: −𝓘⁻¹g where that is short
// enough, else d = −(𝓘 + λI)⁻¹g with the λ > 0 for which ‖d‖ = radius; for a small radius that is along −g, for radius 0 it is 0. λ
// comes from Newton's iteration on 1/‖d‖, nearly linear in λ, which rises to it from 0 (Nocedal & Wright 2006, Alg. 4.3).
func (s *Sample) TrustRegion(radius float64) []float64 {
	if !(radius >= 0) {
		panic("theory: radius that is negative or no number")
	}
	if radius == 0 {
		return make([]float64, len(s.Solution))
	}
	d := append([]float64(nil), s.Solution...)
	if norm(d) <= radius || norm(s.G) == 0 {
		return d
	}
	lambda := 0.0
	for range 100 {
		f := s.Fisher.Shift(lambda).sure()
		d = f.Solve(s.G)
		scale(d, -1)
		over := norm(d)/radius - 1
		if over <= 1e-13 {
			break
		}
		lambda += dot(d, d) / dot(d, f.Solve(d)) * over
	}
	return d
}
