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

// TheoryTrap is the first trap: Eq. 8 in the toy at w = (0.3, −0.7), x = 1.3, y = 0.9, signed, one weight a row.
type TheoryTrap struct {
	Weight string  `json:"weight"`
	PC     float64 `json:"pc"` // ∂F*/∂w, measured
	TR     float64 `json:"tr"`
	BP     float64 `json:"bp"`
	Sum    float64 `json:"sum"` // TR + BP, the post's approximation of PC
	Rel    float64 `json:"rel_error_sum"`
}

// toy measures it, and the toy as a case of the study.
func (r *theoryRun) toy(ctx context.Context) error {
	net, err := theory.New(nn.Arch{Dims: []int{1, 1, 1}}, []float64{0.3, -0.7}, nil)
	if err != nil {
		return err
	}
	samples := []*theory.Sample{net.Sample([]float64{1.3}, []float64{0.9})}
	for i, t := range net.Terms(samples, []theory.Equilibrium{samples[0].Settle()}) {
		sum := t.TR[0] + t.BP[0]
		r.out.Toy = append(r.out.Toy, TheoryTrap{fmt.Sprintf("w%d", i+1), t.PC[0], t.TR[0], t.BP[0], sum, theory.RelError([]float64{sum}, t.PC)})
	}
	g := newGauge(ctx, r.Seed, r.Study.Directions, true)
	g.remainders(samples)
	g.solve(samples)
	r.out.Cases = append(r.out.Cases, g.result(describeCase("toy", net.Arch, 1, 1)))
	return nil
}

// TheoryLimit follows a relative error into a limit: slope is that of its logarithm.
type TheoryLimit struct {
	Limit    string     `json:"limit"` // output precision, residual
	Act      string     `json:"act"`
	Place    string     `json:"place"`
	Depth    int        `json:"depth"`
	Quantity string     `json:"quantity"`
	X        []float64  `json:"x"`
	RelError []*float64 `json:"rel_error"`
	Slope    *float64   `json:"slope"`
}

// Quantities of TheoryLimit.
const (
	pcAsBP    = "PC/π_L for BP"
	sumForPC  = "TR + BP for PC"
	errForPC  = "TR^err for PC"
	stepForPC = "local rule after the step for PC"
)

// limits looks at two limits on networks of depth 4 and scale 1: π_L → 0, where PC becomes BP, and r → 0, where TR^err
// becomes PC and the sum of Eq. 8 does not.
func (r *theoryRun) limits(ctx context.Context) error {
	for _, arch := range []nn.Arch{{Act: nn.Linear}, {Act: nn.Tanh}, {Act: nn.Tanh, Place: nn.Before}} {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		arch.Dims = append(slices.Repeat([]int{r.Study.Width}, 4), r.Study.Outputs)
		if err := r.limitsOf(ctx, arch); err != nil {
			return err
		}
	}
	r.m.add(restWork/4, "limits")
	return r.err
}

func (r *theoryRun) limitsOf(ctx context.Context, arch nn.Arch) error {
	const samples = 8
	rng := rand.New(rand.NewPCG(r.Seed, 0x6c696d697473)) // "limits"
	net, err := theory.New(arch, theory.Draw(arch, 1, 0, rng), nil)
	if err != nil {
		return err
	}
	x, y := gaussian(rng, samples, r.Study.Width), gaussian(rng, samples, r.Study.Outputs)
	precisions := []float64{1, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}
	var off []float64
	for _, pi := range precisions {
		all := slices.Repeat([]float64{1}, net.L())
		all[net.L()-1] = pi
		n, err := theory.New(arch, net.Theta(), all)
		if err != nil {
			return err
		}
		pc, bp := make([]float64, n.Params()), make([]float64, n.Params())
		for _, s := range samplesOf(n, x, y) {
			s.Settle().ParamGradient(pc)
			s.LossGradient(bp)
		}
		for i := range pc {
			pc[i] /= pi
		}
		off = append(off, theory.RelError(pc, bp))
	}
	r.limit(arch, "output precision", pcAsBP, precisions, off)
	parts := []float64{1, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3}
	worst := map[string][]float64{} // of the layers
	for _, part := range parts {
		near := make([][]float64, samples)
		for i, s := range samplesOf(net, x, y) {
			near[i] = slices.Clone(y[i])
			for k, v := range s.Residual() {
				near[i][k] -= (1 - part) * v
			}
		}
		g := newGauge(ctx, r.Seed, 1, false)
		g.solve(samplesOf(net, x, near))
		layers := map[string][]float64{}
		for l := range net.L() {
			t := g.term(l)
			for name, v := range map[string]*float64{sumForPC: t.RelSum, errForPC: t.RelErr, stepForPC: t.RelStep} {
				if v != nil {
					layers[name] = append(layers[name], *v)
				}
			}
		}
		for _, name := range []string{sumForPC, errForPC, stepForPC} {
			worst[name] = append(worst[name], slices.Max(append(layers[name], 0)))
		}
	}
	for _, name := range []string{sumForPC, errForPC, stepForPC} {
		r.limit(arch, "residual", name, parts, worst[name])
	}
	return nil
}

// limit keeps one; its slope is of the last four points, those nearest to the limit.
func (r *theoryRun) limit(arch nn.Arch, limit, quantity string, x, off []float64) {
	const last = 4
	l := TheoryLimit{Limit: limit, Act: arch.Act.String(), Place: arch.Place.String(), Depth: len(arch.Dims) - 1, Quantity: quantity, X: x}
	lost := true
	for _, v := range off {
		l.RelError = append(l.RelError, orNil(v))
		lost = lost && v < exactly
	}
	if !lost {
		l.Slope = orNil(theory.Slope(x[len(x)-last:], off[len(off)-last:]))
	}
	r.out.Limits = append(r.out.Limits, l)
}

// TheoryChain is the condition number of the activity Hessian at the feedforward activities against depth and width, in
// activities and in errors: medians over random networks of scale 1.
type TheoryChain struct {
	Act    string  `json:"act"`
	Depth  int     `json:"depth"`
	Width  int     `json:"width"`
	Low    float64 `json:"min"`
	High   float64 `json:"max"`
	Kappa  float64 `json:"condition"`
	Errors float64 `json:"condition_errors"`
	Chain  float64 `json:"condition_chain"` // (2L/π)², about that of a chain of width 1 with weights 1
}

// conditions measures them.
func (r *theoryRun) conditions(ctx context.Context) error {
	const networks = 3
	type size struct {
		act          nn.Activation
		depth, width int
	}
	var sizes []size
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		for _, width := range r.Study.ChainWidths {
			for _, depth := range r.Study.ChainDepths {
				sizes = append(sizes, size{act, depth, width})
			}
		}
	}
	out := make([]TheoryChain, len(sizes))
	err := forEach(ctx, r.env.Workers, len(sizes), func(_ context.Context, i int) error {
		s := sizes[i]
		c, err := cell(r.sink, fmt.Sprintf("chain-%v-%d-%d", s.act, s.depth, s.width), func() (TheoryChain, error) {
			var low, high, kappa, inErrors []float64
			for n := range networks {
				rng := rand.New(rand.NewPCG(r.Seed+uint64(n), 0x636861696e)) // "chain"
				arch := nn.Arch{Dims: slices.Repeat([]int{s.width}, s.depth+1), Act: s.act}
				net, err := theory.New(arch, theory.Draw(arch, 1, 0, rng), nil)
				if err != nil {
					return TheoryChain{}, err
				}
				sample := net.Sample(gaussian(rng, 1, s.width)[0], gaussian(rng, 1, s.width)[0])
				a, b, _ := sample.Fisher.Ends()
				c, d := sample.ErrorEnds()
				low, high, kappa, inErrors = append(low, a), append(high, b), append(kappa, b/a), append(inErrors, d/c)
			}
			return TheoryChain{s.act.String(), s.depth, s.width, middle(low), middle(high), middle(kappa), middle(inErrors),
				math.Pow(2*float64(s.depth)/math.Pi, 2)}, nil
		})
		out[i] = c
		r.m.add(restWork/2/float64(len(sizes)), "")
		return err
	})
	r.out.Conditions = out
	return err
}
