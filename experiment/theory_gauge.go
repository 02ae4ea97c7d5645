package experiment

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/settle-pc/settle/theory"
)

// Names of the expansions in tables and figures.
const (
	withFisher  = "𝓘"
	withHessian = "exact Hessian"
	inErrors    = "errors"
)

// fewSamples of a network have their spectra computed and their path followed.
const fewSamples = 4

// pathTimes are the steps of inference, of length 1/λ_max(𝓘), after which the path is looked at.
var pathTimes = []int{1, 2, 5, 10, 20, 50, 100, 200, 500}

// gauge collects measurements over the networks of a case.
type gauge struct {
	ctx        context.Context // an ended one makes measurements stop, for the caller to notice
	rng        *rand.Rand
	directions int
	paths      bool // follow inference too

	slopes                      map[string][]float64
	curves                      map[string][][]float64 // by radius
	solution, natural, gradient []float64
	terms                       [][]theory.Terms // of each network
	condition, conditionErrors  []float64
	moves                       [][]move // by time
	unsettled                   int
}

// move is a TheoryMove of one sample.
type move struct{ residual, cosNatural, cosGradient, relNatural, relGradient, relTrust float64 }

func newGauge(ctx context.Context, seed uint64, directions int, paths bool) *gauge {
	return &gauge{ctx: ctx, rng: rand.New(rand.NewPCG(seed, 0x6761756765)), directions: directions, paths: paths,
		slopes: map[string][]float64{}, curves: map[string][][]float64{}, moves: make([][]move, len(pathTimes))}
}

// remainders measures the order of the remainder of Eq. 6, each direction on another sample.
func (g *gauge) remainders(samples []*theory.Sample) {
	if samples[0].Net.Dim() == 0 {
		return
	}
	radii := theory.Radii()
	for i := range g.directions {
		s := samples[i%len(samples)]
		u := theory.Direction(g.rng, s.Net.Dim())
		for name, x := range map[string]theory.Expansion{withFisher: s.Activities(false), withHessian: s.Activities(true), inErrors: s.Errors()} {
			rest := x.Remainder(u, radii)
			g.slopes[name] = append(g.slopes[name], theory.Slope(radii, rest))
			if g.curves[name] == nil {
				g.curves[name] = make([][]float64, len(radii))
			}
			for k, v := range rest {
				g.curves[name][k] = append(g.curves[name][k], v)
			}
		}
	}
}

// solve settles the samples of a network and takes them in.
func (g *gauge) solve(samples []*theory.Sample) {
	var settled []theory.Equilibrium
	for _, s := range samples {
		if g.ctx.Err() != nil {
			return
		}
		settled = append(settled, s.Settle())
	}
	g.take(samples, settled)
}

// take measures what rests on equilibria: Eq. 7, Eq. 8 and the path of inference.
func (g *gauge) take(samples []*theory.Sample, settled []theory.Equilibrium) {
	var good []*theory.Sample
	var ends []theory.Equilibrium
	for i, s := range samples {
		q := settled[i]
		if !q.OK() {
			g.unsettled++
			continue
		}
		good, ends = append(good, s), append(ends, q)
		if s.Net.Dim() == 0 {
			continue
		}
		g.solution = append(g.solution, theory.RelError(s.Solution, q.Shift))
		g.natural = append(g.natural, theory.Cosine(s.Solution, q.Shift))
		g.gradient = append(g.gradient, -theory.Cosine(s.G, q.Shift))
		if len(good) > fewSamples {
			continue
		}
		low, high, _ := s.Fisher.Ends()
		g.condition = append(g.condition, high/low)
		if g.paths {
			g.follow(s, 1/high)
		}
		low, high = s.ErrorEnds()
		g.conditionErrors = append(g.conditionErrors, high/low)
	}
	if len(good) > 0 {
		g.terms = append(g.terms, samples[0].Net.Terms(good, ends))
	}
}

// follow looks at the path of inference of one sample by steps of dt.
func (g *gauge) follow(s *theory.Sample, dt float64) {
	path := s.Flow(dt, pathTimes[len(pathTimes)-1])
	down := append([]float64(nil), s.G...)
	for i := range down {
		down[i] = -down[i]
	}
	start := theory.Norm(s.G)
	for k, t := range pathTimes {
		d := path[t]
		g.moves[k] = append(g.moves[k], move{
			residual:   theory.Norm(s.Shift(d).Gradient()) / start,
			cosNatural: theory.Cosine(d, s.Solution), cosGradient: theory.Cosine(d, down),
			relNatural: theory.RelError(d, s.Solution), relGradient: theory.RelError(d, down),
			relTrust: theory.RelError(d, s.TrustRegion(theory.Norm(d))),
		})
	}
}

// result fills in the medians.
func (g *gauge) result(c TheoryCase) TheoryCase {
	slope := func(name string) *float64 { return orNil(middle(g.slopes[name])) }
	c.TaylorSlope, c.TaylorExact, c.TaylorErrors = slope(withFisher), slope(withHessian), slope(inErrors)
	c.SolutionRelError, c.SolutionCos, c.GradientCos = orNil(middle(g.solution)), orNil(middle(g.natural)), orNil(middle(g.gradient))
	if len(g.solution) > 0 {
		c.SolutionQuarter = [2]*float64{orNil(quantile(g.solution, 0.25)), orNil(quantile(g.solution, 0.75))}
	}
	c.Condition, c.ConditionErrors = orNil(middle(g.condition)), orNil(middle(g.conditionErrors))
	c.Unsettled = g.unsettled
	c.Remainder = map[string][]*float64{}
	for name, curve := range g.curves {
		for _, v := range curve {
			c.Remainder[name] = append(c.Remainder[name], orNil(middleOfLost(v)))
		}
	}
	if len(g.terms) > 0 {
		for l := range g.terms[0] {
			c.Terms = append(c.Terms, g.term(l))
		}
	}
	for k, t := range pathTimes {
		if len(g.moves[k]) > 0 {
			of := func(f func(move) float64) *float64 {
				var v []float64
				for _, m := range g.moves[k] {
					v = append(v, f(m))
				}
				return orNil(middle(v))
			}
			c.Path = append(c.Path, TheoryMove{T: t, Residual: of(func(m move) float64 { return m.residual }),
				CosNatural: of(func(m move) float64 { return m.cosNatural }), CosGradient: of(func(m move) float64 { return m.cosGradient }),
				RelNatural: of(func(m move) float64 { return m.relNatural }), RelGradient: of(func(m move) float64 { return m.relGradient }),
				RelTrust: of(func(m move) float64 { return m.relTrust })})
		}
	}
	return c
}

// middleOfLost is the median with what is lost in rounding at the lower end, where it lies: NaN if that is the median.
// Left out, it would lift the curve where it begins to be lost.
func middleOfLost(v []float64) float64 {
	v = slices.Clone(v)
	for i, x := range v {
		if math.IsNaN(x) {
			v[i] = 0
		}
	}
	if m := middle(v); m > 0 {
		return m
	}
	return math.NaN()
}

// term is the median over networks of Eq. 8 in layer l+1.
func (g *gauge) term(l int) TheoryTerm {
	of := func(f func(theory.Terms) float64) *float64 {
		var v []float64
		for _, t := range g.terms {
			v = append(v, f(t[l]))
		}
		return orNil(middle(v))
	}
	sum := func(t theory.Terms) []float64 { return theory.Sum(t.TR, t.BP) }
	return TheoryTerm{
		Layer:   l + 1,
		NormPC:  of(func(t theory.Terms) float64 { return theory.Norm(t.PC) }),
		NormTR:  of(func(t theory.Terms) float64 { return theory.Norm(t.TR) }),
		NormBP:  of(func(t theory.Terms) float64 { return theory.Norm(t.BP) }),
		CosTR:   of(func(t theory.Terms) float64 { return theory.Cosine(t.TR, t.PC) }),
		CosBP:   of(func(t theory.Terms) float64 { return theory.Cosine(t.BP, t.PC) }),
		CosSum:  of(func(t theory.Terms) float64 { return theory.Cosine(sum(t), t.PC) }),
		RelSum:  of(func(t theory.Terms) float64 { return theory.RelError(sum(t), t.PC) }),
		RelTR:   of(func(t theory.Terms) float64 { return theory.RelError(t.TR, t.PC) }),
		RelLoc:  of(func(t theory.Terms) float64 { return theory.RelError(t.Local, t.PC) }),
		RelErr:  of(func(t theory.Terms) float64 { return theory.RelError(t.Err, t.PC) }),
		RelBP:   of(func(t theory.Terms) float64 { return theory.RelError(t.BP, t.PC) }),
		RelStep: of(func(t theory.Terms) float64 { return theory.RelError(t.Step, t.PC) }),
	}
}
