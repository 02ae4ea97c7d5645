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
	State     string   `json:"state"` // asked, model, toy, new, bp-trained, pc-trained
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
