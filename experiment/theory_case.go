package experiment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/theory"
)

// TheoryCase is what was measured on networks of one kind: medians over networks and samples.
type TheoryCase struct {
	State     string   `json:"state"` // asked, model, new, bp-trained, pc-trained
	Act       string   `json:"act"`
	Place     string   `json:"place"`
	Depth     int      `json:"depth"`
	Scale     *float64 `json:"scale"` // of random weights
	Arch      string   `json:"arch"`
	Networks  int      `json:"networks"`
	Samples   int      `json:"samples"`   // of each network
	Unsettled int      `json:"unsettled"` // samples without an equilibrium: not in what follows
	TrainMSE  *float64 `json:"train_mse"` // of trained networks: mean of the last 50 batches
	// Eq. 6: the order of the remainder, null where it is rounding, with 𝓘, with the exact Hessian, and in errors.
	TaylorSlope  *float64 `json:"taylor_slope"`
	TaylorExact  *float64 `json:"taylor_slope_exact_hessian"`
	TaylorErrors *float64 `json:"taylor_slope_errors"`
	// Eq. 7: ‖Δz* + 𝓘⁻¹g‖/‖Δz*‖ with its quartiles over all samples, and cosines of Δz* with −𝓘⁻¹g and with −g.
	SolutionRelError *float64     `json:"solution_rel_error"`
	SolutionQuarter  [2]*float64  `json:"solution_rel_error_quartiles"`
	SolutionCos      *float64     `json:"solution_cos"`
	GradientCos      *float64     `json:"gradient_cos"`
	Terms            []TheoryTerm `json:"terms"`
	Path             []TheoryMove `json:"path"`
	// Condition numbers of 𝓘 at ẑ, the activity Hessian but for "before", and of D + π_L JᵀJ in errors.
	Condition       *float64 `json:"condition"`
	ConditionErrors *float64 `json:"condition_errors"`
	// Remainder has the median remainder at theory.Radii for each expansion.
	Remainder map[string][]*float64 `json:"remainder,omitempty"`
}

// TheoryTerm is Eq. 8 in one layer: norms, cosines with PC's gradient ∂F*/∂θ, and errors relative to it.
type TheoryTerm struct {
	Layer   int      `json:"layer"`
	NormPC  *float64 `json:"norm_pc"`
	NormTR  *float64 `json:"norm_tr"`
	NormBP  *float64 `json:"norm_bp"`
	CosTR   *float64 `json:"cos_tr"`
	CosBP   *float64 `json:"cos_bp"`
	CosSum  *float64 `json:"cos_sum"`
	RelSum  *float64 `json:"rel_error_sum"`
	RelTR   *float64 `json:"rel_error_tr"`
	RelLoc  *float64 `json:"rel_error_tr_local"`
	RelErr  *float64 `json:"rel_error_tr_err"`
	RelBP   *float64 `json:"rel_error_bp"`
	RelStep *float64 `json:"rel_error_step"` // of the local rule at ẑ − 𝓘⁻¹g
}

// TheoryMove compares the displacement z_t − ẑ after t steps of inference with −𝓘⁻¹g, with −g, and with the
// trust-region step of its own length.
type TheoryMove struct {
	T           int      `json:"t"`
	Residual    *float64 `json:"residual"` // ratio ρ
	CosNatural  *float64 `json:"cos_natural"`
	CosGradient *float64 `json:"cos_gradient"`
	RelNatural  *float64 `json:"rel_error_natural"`
	RelGradient *float64 `json:"rel_error_gradient"`
	RelTrust    *float64 `json:"rel_error_trust_region"`
}

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

// samplesOf prepares the samples of a network.
func samplesOf(net *theory.Net, x, y [][]float64) []*theory.Sample {
	var out []*theory.Sample
	for i := range x {
		out = append(out, net.Sample(x[i], y[i]))
	}
	return out
}

// describeCase fills in what a case is of.
func describeCase(state string, arch nn.Arch, networks, samples int) TheoryCase {
	return TheoryCase{State: state, Act: arch.Act.String(), Place: arch.Place.String(), Depth: len(arch.Dims) - 1,
		Arch: arch.DimString(), Networks: networks, Samples: samples}
}

// asked looks at the network asked for.
func (r *theoryRun) asked(ctx context.Context) error {
	net, x, y, err := r.build()
	if err != nil {
		return err
	}
	r.m.p.Total = r.plan()
	state := "asked"
	if r.Weights != nil {
		state = "model"
	}
	samples, settled, err := r.settle(ctx, net, x, y)
	if err != nil {
		return err
	}
	g := newGauge(ctx, r.Seed, r.Study.Directions, true)
	g.remainders(samples)
	g.take(samples, settled)
	r.out.TheoryCase = g.result(describeCase(state, net.Arch, 1, len(x)))
	r.out.Seed, r.out.Model, r.out.Data = r.Seed, r.Model, r.Theory.Data
	r.out.ClosedForm = closedForm(net, samples, settled)
	if r.out.Spectra, err = r.spectra(ctx, samples, settled); err != nil {
		return err
	}
	r.out.Escape = TheoryEscapes{r.out.Spectra.Origin.escape(), r.out.Spectra.Penultimate.escape()}
	r.m.add(1, "the network asked for")
	return r.err
}

// settle prepares the samples of a network and finds their equilibria, several at a time.
func (r *theoryRun) settle(ctx context.Context, net *theory.Net, x, y [][]float64) ([]*theory.Sample, []theory.Equilibrium, error) {
	samples, settled := make([]*theory.Sample, len(x)), make([]theory.Equilibrium, len(x))
	err := forEach(ctx, r.env.Workers, len(x), func(_ context.Context, i int) error {
		samples[i] = net.Sample(x[i], y[i])
		settled[i] = samples[i].Settle()
		return nil
	})
	return samples, settled, err
}

// Units of work, about a tenth of a second each, for the progress of the run.
const (
	randomWork  = 2
	trainedWork = 12
	restWork    = 40
)

// plan returns the whole work.
func (r *theoryRun) plan() float64 {
	if r.Study.None() {
		return 1 + restWork/4
	}
	work := 1 + randomWork*float64(len(r.kinds())) + restWork
	if r.Images != nil {
		work += trainedWork * float64(len(r.trainings()))
	}
	return work
}

// kind is a kind of random networks.
type kind struct {
	arch  nn.Arch
	scale float64
}

// kinds lists the random networks of the study. For linear ones both placements are the same network.
func (r *theoryRun) kinds() []kind {
	var out []kind
	for _, c := range []nn.Arch{{Act: nn.Linear}, {Act: nn.Tanh}, {Act: nn.Tanh, Place: nn.Before}} {
		for _, depth := range r.Study.Depths {
			for _, scale := range r.Study.Scales {
				c.Dims = append(slices.Repeat([]int{r.Study.Width}, depth), r.Study.Outputs)
				out = append(out, kind{c, scale})
			}
		}
	}
	return out
}

// random looks at random networks of all kinds.
func (r *theoryRun) random(ctx context.Context) error {
	kinds := r.kinds()
	out := make([]TheoryCase, len(kinds))
	err := forEach(ctx, r.env.Workers, len(kinds), func(ctx context.Context, i int) error {
		k := kinds[i]
		name := fmt.Sprintf("random-%v-%v-%d-scale%g", k.arch.Act, k.arch.Place, len(k.arch.Dims)-1, k.scale)
		c, err := cell(r.sink, name, func() (TheoryCase, error) { return r.randomCase(ctx, k) })
		out[i] = c
		r.m.add(randomWork, "")
		return err
	})
	r.out.Cases = append(r.out.Cases, out...)
	return err
}

func (r *theoryRun) randomCase(ctx context.Context, k kind) (TheoryCase, error) {
	s := r.Study
	g := newGauge(ctx, r.Seed, s.Directions, k.scale == 1)
	for n := range s.Networks {
		rng := rand.New(rand.NewPCG(r.Seed+uint64(n), 0x72616e646f6d)) // "random"
		net, err := theory.New(k.arch, theory.Draw(k.arch, k.scale, 0, rng), nil)
		if err != nil {
			return TheoryCase{}, err
		}
		x, y := gaussian(rng, s.Samples, k.arch.Dims[0]), gaussian(rng, s.Samples, s.Outputs)
		g.solve(samplesOf(net, x, y))
		biased := k.arch
		biased.Bias = true
		if net, err = theory.New(biased, theory.Draw(biased, k.scale, s.Bias, rng), nil); err != nil {
			return TheoryCase{}, err
		}
		g.remainders(samplesOf(net, x, y))
	}
	c := g.result(describeCase("new", k.arch, s.Networks, s.Samples))
	c.Scale = &k.scale
	return c, context.Cause(ctx)
}

// atLeast reports whether v is there and at least limit, within reports whether it is there and at most limit.
func atLeast(v *float64, limit float64) bool { return v != nil && *v >= limit }
func within(v *float64, limit float64) bool  { return v != nil && *v <= limit }

// near reports whether v is there and within tol of want.
func near(v *float64, want, tol float64) bool { return v != nil && math.Abs(*v-want) <= tol }
