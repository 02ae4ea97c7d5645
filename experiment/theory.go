package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/theory"
)

// Theory asks what holds of the post's theory (Eq. 6–8): for one network that the caller describes, and in a study of
// random networks (activations, placements, depths, weight scales) and of networks trained by BP and PC.
type Theory struct {
	// The network asked for, in the words of the command line. Weights, if there are any, take the place of Init.
	Arch      string    `json:"arch"`
	Act       string    `json:"act"`
	Place     string    `json:"act-place"`
	Init      string    `json:"init"`
	Bias      bool      `json:"bias"`
	Precision []float64 `json:"precision"` // π_l, one for all layers or one for each; nil: 1
	Seed      uint64    `json:"seed"`
	Model     string    `json:"model"` // where Weights come from
	Weights   []float64 `json:"-"`     // θ

	Data       string    `json:"data"` // RandomData, or the name of Set
	Batch      int       `json:"batch"`
	ClosedForm bool      `json:"closed-form"` // insist on the closed forms of linear networks
	Set        *data.Set `json:"-"`           // test images for Data; nil with RandomData

	Study TheoryStudy `json:"study"`
	// Images are what the networks of the study are trained on; nil: none are.
	Images *data.Set `json:"-"`
}

// RandomData stands for inputs and targets from N(0, 1).
const RandomData = "random"

// TheoryStudy says which networks the study looks at.
type TheoryStudy struct {
	Width    int       `json:"width"`   // of input and hidden layers
	Outputs  int       `json:"outputs"` // n_L
	Depths   []int     `json:"depths"`
	Scales   []float64 `json:"scales"`   // weights are from N(0, scale²/n_{l−1}); the first one at 1 is where the rest of the study is done
	Networks int       `json:"networks"` // of each kind, with different seeds
	Samples  int       `json:"samples"`  // of each network
	// Bias is the deviation of the biases that networks get for the remainder of Eq. 6: without them φ″ may be 0.
	Bias       float64 `json:"bias"`
	Directions int     `json:"directions"`

	Trained TheoryTraining `json:"trained"`

	SaddleDepths []int `json:"saddle_depths"`
	ChainDepths  []int `json:"chain_depths"` // for the condition numbers of the activity Hessian
	ChainWidths  []int `json:"chain_widths"`
}

// TheoryTraining says how the trained networks come about: fan-in weights without biases, Adam.
type TheoryTraining struct {
	Acts    []string `json:"acts"`
	Depths  []int    `json:"depths"`
	Width   int      `json:"width"` // of hidden layers
	Batches int      `json:"batches"`
	LR      float64  `json:"lr"`
	Samples int      `json:"samples"` // test images to look at
}

// DefaultTheory returns the network and the study of settle theory without flags.
func DefaultTheory() Theory {
	return Theory{
		Arch: "4-4-4-2", Act: "tanh", Place: "after", Init: "fanin", Data: RandomData, Batch: 16,
		Study: TheoryStudy{
			Width: 4, Outputs: 2, Depths: []int{2, 3, 4, 5, 6, 8, 10}, Scales: []float64{0.3, 1, 1.5, 2, 3}, Networks: 16, Samples: 4,
			Bias: 0.3, Directions: 20,
			Trained:      TheoryTraining{Acts: []string{"linear", "tanh"}, Depths: []int{3, 6, 10}, Width: 32, Batches: 300, LR: 1e-3, Samples: 16},
			SaddleDepths: []int{2, 3, 4, 5, 6}, ChainDepths: []int{2, 4, 8, 16, 32}, ChainWidths: []int{4, 16, 64},
		},
	}
}

// QuickTheory returns DefaultTheory with a study of a few seconds: fewer depths, scales and networks.
func QuickTheory() Theory {
	t := DefaultTheory()
	s := &t.Study
	s.Depths, s.Scales, s.Networks = []int{2, 4, 10}, []float64{0.3, 1, 2}, 5
	s.Trained.Depths, s.Trained.Batches = []int{4}, 200
	s.SaddleDepths, s.ChainDepths, s.ChainWidths = []int{2, 3, 4}, []int{2, 4, 8, 16}, []int{4, 16}
	return t
}

// NoStudy returns DefaultTheory without the study: only the network asked for, the toy and Figure 0.
func NoStudy() Theory {
	t := DefaultTheory()
	t.Study = TheoryStudy{Directions: t.Study.Directions}
	return t
}

// None reports whether there is no study.
func (s TheoryStudy) None() bool { return len(s.Depths) == 0 }

// network returns the description of the network asked for, with every fault in it by the names of the flags.
func (t Theory) network() (nn.Arch, nn.Init, error) {
	var a nn.Arch
	var errs [4]error
	a.Dims, errs[0] = nn.ParseDims(t.Arch)
	a.Act, errs[1] = nn.ParseActivation(t.Act)
	a.Place, errs[2] = nn.ParsePlace(t.Place)
	a.Bias = t.Bias
	init, err := nn.ParseInit(t.Init)
	errs[3] = err
	for i, flag := range []string{"arch", "act", "act-place", "init"} {
		if errs[i] != nil {
			errs[i] = fmt.Errorf("--%s: %w", flag, errs[i])
		}
	}
	return a, init, errors.Join(errs[:]...)
}

// Limits of the network asked for: beyond them a dense block of an activity Hessian, or a sample, takes minutes.
const (
	theoryWidest = 2048
	theoryMost   = 1024
)

// Validate reports every fault, by the names of the flags of settle theory.
func (t Theory) Validate() error {
	arch, _, err := t.network()
	faults := []error{err}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if err == nil {
		faults = append(faults, t.validateNetwork(arch)...)
	}
	if t.Batch < 1 || t.Batch > theoryMost {
		fault("--batch %d: want a number of samples from 1 to %d", t.Batch, theoryMost)
	}
	if t.Data != RandomData && t.Set == nil {
		fault("--data %s: want %s, or a data set", t.Data, RandomData)
	}
	if s := t.Study; s.Directions < 1 || !s.None() && (s.Width < 1 || s.Outputs < 1 || s.Networks < 1 || s.Samples < 1 || len(s.Scales) == 0) {
		fault("study: want directions, and with depths also width, outputs, scales, networks and samples, all at least one")
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return t.validateSize()
}

// largestSize is up to where products of weights and activities stay far from the end of float64's range.
const largestSize = 1e30

// validateSize reports a network whose activities are too large to look at.
func (t Theory) validateSize() error {
	net, x, y, err := t.build()
	if err != nil {
		return err
	}
	from := "--init " + t.Init
	if t.Weights != nil {
		from = "--model " + t.Model
	}
	for i := range x {
		if size := net.Size(x[i], y[i]); !(size <= largestSize) {
			return fmt.Errorf("%s: weights or activities of --arch %s reach %.2g: want at most %g", from, t.Arch, size, largestSize)
		}
	}
	return nil
}

// validateNetwork reports what does not go with the network.
func (t Theory) validateNetwork(arch nn.Arch) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	L := len(arch.Dims) - 1
	if widest := slices.Max(arch.Dims[1:]); widest > theoryWidest {
		fault("--arch %s: a layer of %d: want at most %d", t.Arch, widest, theoryWidest)
	}
	if n := len(t.Precision); n > 1 && n != L {
		fault("--precision: %d values: want one, or one for each of the %d layers of %s", n, L, t.Arch)
	}
	for _, v := range t.Precision {
		if !(v > 0) || math.IsInf(v, 0) {
			fault("--precision %v: want numbers above 0", v)
		}
	}
	if t.ClosedForm && arch.Act != nn.Linear && L > 1 {
		fault("--closed-form: the closed forms of F* and e* are of linear networks: want --act linear (got %s)", t.Act)
	}
	if t.Set != nil {
		if got := arch.Dims[0]; got != t.Set.Inputs {
			fault("--arch %s: %d inputs: want the %d pixels of an image of --data %s", t.Arch, got, t.Set.Inputs, t.Data)
		}
		if got := arch.Dims[L]; got != t.Set.Classes {
			fault("--arch %s: %d outputs: want the %d classes of --data %s", t.Arch, got, t.Set.Classes, t.Data)
		}
		if n := t.Set.Test.N(); t.Batch > n {
			fault("--batch %d: want at most the %d test images of --data %s", t.Batch, n, t.Data)
		}
	}
	return faults
}

// TheoryResult is what came out. The first keys are about the network asked for; numbers that do not apply are null.
type TheoryResult struct {
	TheoryCase
	Seed       uint64         `json:"seed"`
	Model      string         `json:"model,omitempty"`
	Data       string         `json:"data"`
	ClosedForm *TheoryClosed  `json:"closed_form"`
	Spectra    TheorySpectra  `json:"spectra"`
	Escape     TheoryEscapes  `json:"escape"`
	Toy        []TheoryTrap   `json:"first_trap"`
	Cases      []TheoryCase   `json:"cases"`
	Saddles    []TheorySaddle `json:"saddles"`
	Conditions []TheoryChain  `json:"conditions"`
	Limits     []TheoryLimit  `json:"limits"`
	Claims     []Claim        `json:"claims"`
	Reading    []string       `json:"reading"`
}

// theoryRun is one run on its way.
type theoryRun struct {
	Theory
	env  Env
	sink Sink
	m    *meter
	out  TheoryResult
	err  error // the first of the sink
}

// row stores a row; after an error it does nothing.
func (r *theoryRun) row(table string, columns []string, values ...any) {
	if r.err == nil {
		r.err = r.sink.Row(table, columns, values)
	}
}

// Run computes it all, writes the tables that report.Theory draws, and judges the claims C5–C7 and C13. Finished cells
// that the sink has are not computed again.
func (t Theory) Run(ctx context.Context, sink Sink, env Env) (TheoryResult, error) {
	if err := t.Validate(); err != nil {
		return TheoryResult{}, err
	}
	r := &theoryRun{Theory: t, sink: sink, env: env, m: &meter{show: env.Progress}}
	stages := []func(context.Context) error{r.asked, r.toy, r.space}
	if !t.Study.None() {
		stages = append(stages, r.random, r.trained, r.saddles, r.conditions, r.limits)
	}
	for _, do := range stages {
		if err := errors.Join(context.Cause(ctx), r.err); err != nil {
			return r.out, err
		}
		if err := do(ctx); err != nil {
			return r.out, err
		}
	}
	r.store()
	r.out.Claims = r.claims()
	r.out.Reading = r.reading()
	for i := range r.out.Cases { // the curves are in the tables
		r.out.Cases[i].Remainder = nil
	}
	r.out.Remainder = nil
	return r.out, r.err
}

// build returns the network asked for and its samples.
func (t Theory) build() (*theory.Net, [][]float64, [][]float64, error) {
	arch, init, err := t.network()
	if err != nil {
		return nil, nil, nil, err
	}
	theta := t.Weights
	if theta == nil {
		net, err := nn.Build[float64](arch)
		if err != nil {
			return nil, nil, nil, err
		}
		nn.Initialize(net, init, t.Seed)
		theta = net.Theta()
	}
	precision := t.Precision
	if len(precision) == 1 {
		precision = slices.Repeat(precision, len(arch.Dims)-1)
	}
	net, err := theory.New(arch, theta, precision)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("--model %s: %w", t.Model, err)
	}
	x, y := images(t.Set, t.Batch)
	if t.Set == nil {
		rng := rand.New(rand.NewPCG(t.Seed, 0x7468656f7279)) // "theory": apart from the weights
		x, y = gaussian(rng, t.Batch, arch.Dims[0]), gaussian(rng, t.Batch, arch.Dims[len(arch.Dims)-1])
	}
	return net, x, y, nil
}

// images returns the first n test images of a set, normalised, and their labels one-hot.
func images(set *data.Set, n int) (x, y [][]float64) {
	if set == nil {
		return nil, nil
	}
	for i := range min(n, set.Test.N()) {
		v, target := make([]float64, set.Inputs), make([]float64, set.Classes)
		data.Normalise(v, set, set.Test.Image(i))
		target[set.Test.Labels[i]] = 1
		x, y = append(x, v), append(y, target)
	}
	return x, y
}

// gaussian returns n vectors from N(0, I).
func gaussian(rng *rand.Rand, n, dim int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, dim)
		for j := range out[i] {
			out[i][j] = rng.NormFloat64()
		}
	}
	return out
}

// middle returns the median of the numbers in v, NaN if fewer than half are numbers.
func middle(v []float64) float64 {
	n := len(v)
	v = slices.DeleteFunc(slices.Clone(v), math.IsNaN)
	if len(v) == 0 || 2*len(v) < n {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
