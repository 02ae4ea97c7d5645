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

// TheorySpectra are the spectra of the network asked for: of the Hessians in the weights at both saddles (its own widths
// and, at the second, its own W_{L−1}; biases left out) and at its weights, and in the activities.
type TheorySpectra struct {
	Origin      *TheorySaddle   `json:"origin"`
	Penultimate *TheorySaddle   `json:"penultimate"`
	Network     *TheoryWeights  `json:"network"`
	Activities  *TheoryActivity `json:"activities"`
	Why         []string        `json:"why,omitempty"` // something is null
}

// TheorySaddle is a saddle: the Hessians of 𝓛/B and F*/B there, numeric against closed form.
type TheorySaddle struct {
	At         string     `json:"at"` // origin, penultimate
	Act        string     `json:"act"`
	Place      string     `json:"place"`
	Depth      int        `json:"depth"`
	Arch       string     `json:"arch"`
	Parameters int        `json:"parameters"`
	Method     string     `json:"method"` // dense: all eigenvalues; lanczos: the ends
	Loss       TheoryEnds `json:"loss"`
	Energy     TheoryEnds `json:"energy"`
	// Linearised rates of escape under gradient flow: minus the lowest eigenvalue.
	RateBP float64 `json:"escape_rate_bp"`
	RatePC float64 `json:"escape_rate_pc"`
}

// TheoryEnds is a spectrum: its ends as computed from Hessian-vector products, and eigenvalues of the closed form, at
// most ten from either end.
type TheoryEnds struct {
	Min      float64       `json:"min"`
	Max      float64       `json:"max"`
	Closed   []TheoryLevel `json:"closed"`
	RelError float64       `json:"rel_error"` // largest difference over the largest eigenvalue of F* there
}

// TheoryLevel is an eigenvalue and how often it occurs.
type TheoryLevel struct {
	Value float64 `json:"value"`
	Times int     `json:"times"`
}

// TheoryWeights are the ends of the spectra of 𝓛/B and F*/B at a network's own weights, by Lanczos, and how far they are
// known.
type TheoryWeights struct {
	Loss        [2]float64 `json:"loss"`
	Energy      [2]float64 `json:"energy"`
	LossBound   float64    `json:"loss_bound"`
	EnergyBound float64    `json:"energy_bound"`
}

// TheoryActivity are the ends of the spectrum of ∂²F/∂z² for the first sample, at the feedforward activities (𝓘 and exact)
// and at the equilibrium, and of the curvature in errors.
type TheoryActivity struct {
	Fisher      theoryPair `json:"fisher"`
	Hessian     theoryPair `json:"hessian"`
	Equilibrium theoryPair `json:"equilibrium"`
	Errors      theoryPair `json:"errors"`
	Condition   *float64   `json:"condition"` // of 𝓘
}

// theoryPair is the lowest and the highest eigenvalue.
type theoryPair [2]*float64

func pairOf(low, high float64) theoryPair { return theoryPair{orNil(low), orNil(high)} }

// TheoryEscapes are the linearised escape rates from both saddles.
type TheoryEscapes struct {
	Origin      *TheoryEscape `json:"origin"`
	Penultimate *TheoryEscape `json:"penultimate"`
}

// TheoryEscape is the rate at which gradient flow leaves a saddle, e^(rate·t), t being learning rate × steps.
type TheoryEscape struct {
	BP float64 `json:"bp"`
	PC float64 `json:"pc"`
}

func (s *TheorySaddle) escape() *TheoryEscape {
	if s == nil {
		return nil
	}
	return &TheoryEscape{s.RateBP, s.RatePC}
}

// Largest sizes at which all eigenvalues are computed, and products that Lanczos may take.
const (
	denseParams     = 400
	lanczosProducts = 40
	lanczosTol      = 1e-5 // bound; Ritz values are better known than that
)

// eigen is one eigenvalue of a saddle, both ways.
type eigen struct {
	landscape       string
	index           int
	numeric, closed float64
}

// measureSaddle compares numeric and closed spectra; values are all eigenvalues where they are known.
func measureSaddle(at string, s *theory.Saddle) (out TheorySaddle, values []eigen, err error) {
	net := s.Net()
	out = TheorySaddle{At: at, Act: net.Arch.Act.String(), Place: net.Arch.Place.String(), Depth: net.L(),
		Arch: net.Arch.DimString(), Parameters: net.Params(), Method: "dense"}
	loss, energy, err := s.Hessians()
	if err != nil {
		return out, nil, err
	}
	closedLoss, closedEnergy := s.Spectra()
	size := max(math.Abs(closedEnergy[0].Value), math.Abs(closedEnergy[len(closedEnergy)-1].Value))
	for _, c := range []struct {
		name   string
		h      theory.Operator
		closed []theory.Level
		to     *TheoryEnds
	}{{"loss", loss, closedLoss, &out.Loss}, {"energy", energy, closedEnergy, &out.Energy}} {
		var numeric, exact []float64
		if net.Params() <= denseParams {
			numeric, exact = theory.Eigenvalues(c.h.Dense()), theory.Expand(c.closed)
			for i := range numeric {
				values = append(values, eigen{c.name, i, numeric[i], exact[i]})
			}
		} else {
			out.Method = "lanczos"
			e := c.h.Lanczos(lanczosProducts, lanczosTol, 1)
			numeric, exact = []float64{e.Min, e.Max}, []float64{c.closed[0].Value, c.closed[len(c.closed)-1].Value}
		}
		c.to.Min, c.to.Max = numeric[0], numeric[len(numeric)-1]
		for i := range numeric {
			c.to.RelError = max(c.to.RelError, math.Abs(numeric[i]-exact[i])/size)
		}
		c.to.Closed = outer(c.closed)
	}
	out.RateBP, out.RatePC = theory.EscapeRate(closedLoss[0].Value), theory.EscapeRate(closedEnergy[0].Value)
	return out, values, nil
}

// outer returns at most ten levels from either end.
func outer(levels []theory.Level) []TheoryLevel {
	const most = 10
	var out []TheoryLevel
	for i, v := range levels {
		if i < most || i >= len(levels)-most {
			out = append(out, TheoryLevel{v.Value, v.Times})
		}
	}
	return out
}

// spectra returns those of the network asked for, several at a time.
func (r *theoryRun) spectra(ctx context.Context, samples []*theory.Sample, settled []theory.Equilibrium) (TheorySpectra, error) {
	var out TheorySpectra
	net := samples[0].Net
	var x, y [][]float64
	for _, s := range samples {
		x, y = append(x, s.X), append(y, s.Y)
	}
	saddle := func(at string, find func(x, y [][]float64) (*theory.Saddle, error), to **TheorySaddle) func() error {
		return func() error {
			s, err := find(x, y)
			if err != nil {
				return err
			}
			m, _, err := measureSaddle(at, s)
			if err == nil {
				*to = &m
			}
			return err
		}
	}
	jobs := []func() error{
		func() (err error) { out.Network, err = weightEnds(samples, settled); return err },
		saddle("origin", net.Origin, &out.Origin),
		saddle("penultimate", net.Penultimate, &out.Penultimate),
		func() error {
			if net.Dim() > 0 {
				out.Activities = activityEnds(samples[0], settled[0])
			}
			return nil
		},
	}
	why := make([]error, len(jobs))
	err := forEach(ctx, r.env.Workers, len(jobs), func(_ context.Context, i int) error {
		why[i] = jobs[i]()
		return nil
	})
	for _, w := range why {
		if w != nil {
			out.Why = append(out.Why, w.Error())
		}
	}
	return out, err
}

// weightEnds returns the ends of the spectra at the network's own weights.
func weightEnds(samples []*theory.Sample, settled []theory.Equilibrium) (*TheoryWeights, error) {
	h, err := theory.EnergyHessian(settled)
	if err != nil {
		return nil, err
	}
	energy := h.Lanczos(lanczosProducts, lanczosTol, 1)
	loss := theory.LossHessian(samples).Lanczos(lanczosProducts, lanczosTol, 1)
	return &TheoryWeights{Loss: [2]float64{loss.Min, loss.Max}, Energy: [2]float64{energy.Min, energy.Max},
		LossBound: loss.Bound, EnergyBound: energy.Bound}, nil
}

// activityEnds returns the spectra in the activities.
func activityEnds(s *theory.Sample, q theory.Equilibrium) *TheoryActivity {
	low, high, _ := s.Fisher.Ends()
	a := &TheoryActivity{Fisher: pairOf(low, high), Condition: orNil(high / low)}
	low, high, _ = s.Start.Hessian().Ends()
	a.Hessian = pairOf(low, high)
	if q.OK() {
		low, high, _ = q.Hessian().Ends()
		a.Equilibrium = pairOf(low, high)
	}
	a.Errors = pairOf(s.ErrorEnds())
	return a
}

// saddles compares spectra at the saddles for all depths of the study, and on images for one network by Lanczos.
func (r *theoryRun) saddles(ctx context.Context) error {
	const samples = 16
	for _, arch := range []nn.Arch{{Act: nn.Linear}, {Act: nn.Tanh}, {Act: nn.Tanh, Place: nn.Before}} {
		for _, depth := range r.Study.SaddleDepths {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			arch.Dims = append(slices.Repeat([]int{r.Study.Width}, depth), r.Study.Outputs)
			rng := rand.New(rand.NewPCG(r.Seed, 0x736164646c65)) // "saddle"
			x, y := gaussian(rng, samples, r.Study.Width), gaussian(rng, samples, r.Study.Outputs)
			if err := r.saddlesOf(arch, theory.Draw(arch, 1, 0, rng), x, y); err != nil {
				return err
			}
		}
	}
	if r.Images != nil {
		arch := nn.Arch{Dims: []int{r.Images.Inputs, r.Study.Trained.Width, r.Study.Trained.Width, r.Images.Classes}, Act: nn.Tanh}
		x, y := images(r.Images, 4*samples)
		if err := r.saddlesOf(arch, theory.Draw(arch, 1, 0, rand.New(rand.NewPCG(r.Seed, 1))), x, y); err != nil {
			return err
		}
	}
	r.m.add(restWork/4, "saddles")
	return r.err
}

// saddlesOf measures both saddles of an architecture.
func (r *theoryRun) saddlesOf(arch nn.Arch, theta []float64, x, y [][]float64) error {
	net, err := theory.New(arch, theta, nil)
	if err != nil {
		return err
	}
	for _, at := range []string{"origin", "penultimate"} {
		find := net.Origin
		if at == "penultimate" {
			if net.L() < 3 {
				continue
			}
			find = net.Penultimate
		}
		s, err := find(x, y)
		if err != nil {
			return err
		}
		m, values, err := measureSaddle(at, s)
		if err != nil {
			return fmt.Errorf("saddle at the %s of %s: %w", at, m.Arch, err)
		}
		r.out.Saddles = append(r.out.Saddles, m)
		for _, v := range values {
			r.row("theory_eigenvalues", []string{"act", "place", "depth", "at", "landscape", "index", "numeric", "closed"},
				m.Act, m.Place, m.Depth, at, v.landscape, v.index, v.numeric, v.closed)
		}
	}
	return r.err
}

// TheoryClosed compares the closed form of a linear network with the settled activities, batch means and largest
// relative errors.
type TheoryClosed struct {
	Energy       float64   `json:"energy"` // F*/B = ½ rᵀS⁻¹r, mean
	Loss         float64   `json:"loss"`   // 𝓛/B
	RelEnergy    float64   `json:"rel_error_energy"`
	RelZ         float64   `json:"rel_error_z"`
	RelGradient  float64   `json:"rel_error_gradient"`
	SEigenvalues []float64 `json:"s_eigenvalues"`
}

// closedForm returns nil for a network that is not linear.
func closedForm(net *theory.Net, samples []*theory.Sample, settled []theory.Equilibrium) *TheoryClosed {
	form, err := net.Closed()
	if err != nil {
		return nil
	}
	out := &TheoryClosed{SEigenvalues: theory.Eigenvalues(form.S())}
	want, got := make([]float64, net.Params()), make([]float64, net.Params())
	b := float64(len(samples))
	for i, s := range samples {
		q := settled[i]
		f := form.Energy(s.X, s.Y)
		out.Energy += f / b
		out.Loss += s.Loss() / b
		if f > 0 {
			out.RelEnergy = max(out.RelEnergy, math.Abs(q.Energy()-f)/f)
		}
		if net.Dim() > 0 {
			out.RelZ = max(out.RelZ, theory.RelError(q.Z(), form.Equilibrium(s.X, s.Y)))
		}
		form.ParamGradient(s.X, s.Y, want)
		q.ParamGradient(got)
	}
	out.RelGradient = theory.RelError(got, want)
	return out
}
