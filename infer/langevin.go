package infer

import (
	"math"
	"math/rand/v2"

	"github.com/settle-pc/settle/tensor"
)

// Langevin draws z from the density proportional to exp(−F/T), for T = 1 the posterior of the free activities under the generative
// model whose negative log density F is: z ← z − dt ∂F/∂z + √(2 T dt) ξ, ξ normal (Monte-Carlo predictive coding: Oliviers, Bogacz
// and Meulemans 2024; the unadjusted Langevin algorithm). In errors it draws from the same density, since z and e differ by a map
// of unit Jacobian.
//
// Nothing settles: give Solve a number of steps, no Patience and Diverge = +Inf, and look at the points along the way by Observe, or
// take the last as one draw. A quadratic F with Hessian H is drawn with the mean z* and the covariance T H⁻¹(I − dt H/2)⁻¹: the
// posterior's as dt → 0. Coordinates that a Holder holds stay. Cost: two passes a step.
type Langevin[T tensor.Float] struct {
	DT          float64 // 0 means 0.1
	Temperature float64 // 0 means 1
	Seed        uint64

	round uint64
	first int
	noise []source // of each sample
	held  []bool
	step  []float64
}

// source is a stream of normal numbers that can be seeded anew.
type source struct {
	bits *rand.PCG
	*rand.Rand
}

var _ Method[float32] = (*Langevin[float32])(nil)

// Drawer is a Method that draws at random. Who divides a batch among methods says before every Solve which round it is and where
// the first sample lies: the draws are a function of these and the method's seed, however the batch is divided.
type Drawer[T tensor.Float] interface {
	Method[T]
	Draw(round uint64, first int)
}

// Holder is an Objective some of whose coordinates are held where they are.
type Holder[T tensor.Float] interface {
	Objective[T]
	Held() []bool // of each coordinate, to read only
}

// Draw sets the round and the index of the first sample. Otherwise every Solve is a new round, of samples from 0.
func (m *Langevin[T]) Draw(round uint64, first int) { m.round, m.first = round, first }

// Init evaluates the start and seeds the noise of every sample.
func (m *Langevin[T]) Init(f Objective[T], p *Point[T]) error {
	n := p.Z.Rows
	for len(m.noise) < n {
		bits := rand.NewPCG(0, 0)
		m.noise = append(m.noise, source{bits, rand.New(bits)})
	}
	for i := range n {
		// Rounds are apart by an odd constant (that of SplitMix64), so that no two (seed, round) of small numbers meet.
		m.noise[i].bits.Seed(m.Seed+m.round*0x9e3779b97f4a7c15, uint64(m.first+i))
	}
	m.round++
	m.step = resize(m.step, n)
	m.held = nil
	if h, ok := f.(Holder[T]); ok {
		m.held = h.Held()
	}
	p.Eval(f)
	return nil
}

// Step makes one step of every sample.
func (m *Langevin[T]) Step(f Objective[T], p *Point[T]) {
	dt := orElse(m.DT, defaultDT)
	size := math.Sqrt(2 * dt * orElse(m.Temperature, 1))
	for i, done := range p.Done {
		if done {
			continue
		}
		z, g, rng := p.Z.Row(i), p.Grad.Row(i), m.noise[i]
		for j, v := range z {
			xi := rng.NormFloat64()
			if m.held == nil || !m.held[j] {
				z[j] = T(float64(v) - float64(dt*float64(g[j])) + float64(size*xi))
			}
		}
	}
	p.Eval(f)
}
