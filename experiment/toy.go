package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/settle-pc/settle/toy"
)

// Toy asks everything that the post shows on f(x) = w₂w₁x (Figures 1–3) and claims of it: the landscapes 𝓛, F_t and F*,
// their gradients, where gradient descent on 𝓛 (BP) and F* (PC) goes from W0 and from a grid of starts, with noise in
// the data and without.
type Toy struct {
	X     float64    `json:"x"`
	Y     float64    `json:"y"`
	W0    [2]float64 `json:"w0"`
	LR    float64    `json:"lr"`
	Steps int        `json:"steps"` // at most
	Loss  float64    `json:"loss"`  // a descent stops below it

	W1   [2]float64 `json:"w1"` // range of the landscapes and of the starts
	W2   [2]float64 `json:"w2"`
	Grid int        `json:"grid"` // points a side of a landscape

	DT        float64 `json:"dt"`        // step of inference
	Inference int     `json:"inference"` // steps of inference

	Starts int     `json:"starts"` // points a side of the grid of starts
	Noise  float64 `json:"noise"`  // standard deviation of the target in SGD
	Runs   int     `json:"runs"`   // of SGD
	Seed   uint64  `json:"seed"`
}

// DefaultToy returns the settings that match the published pictures.
func DefaultToy() Toy {
	return Toy{X: 1, Y: -1, W0: [2]float64{0.75, 0.95}, LR: 0.2, Steps: 3000, Loss: 1e-3, W1: [2]float64{-2, 2}, W2: [2]float64{-2, 2},
		Grid: 81, DT: 0.1, Inference: 20, Starts: 41, Noise: 0.3, Runs: 200}
}

// Window returns a range for the weights that shows the saddle, the nearest solutions half-way out and W0: [−2, 2] for
// the settings of the published pictures.
func (t Toy) Window() [2]float64 {
	need := max(2*math.Sqrt(math.Abs(t.Y/t.X)), 1.05*math.Abs(t.W0[0]), 1.05*math.Abs(t.W0[1]))
	if !(need > 0) || math.IsInf(need, 0) {
		return [2]float64{-2, 2} // Validate says what is wrong
	}
	exp := int(math.Floor(math.Log10(need)))
	half, err := strconv.ParseFloat(fmt.Sprintf("%.0fe%d", math.Ceil(need*math.Pow10(1-exp)/5-1e-9)*5, exp-1), 64)
	if err != nil { // cannot be
		return [2]float64{-2, 2}
	}
	return [2]float64{-half, half}
}

// Choose fills in what the caller leaves open: the ranges, the step of inference, which depends on them, and the noise.
func (t *Toy) Choose(w1, w2, dt, noise bool) {
	if w1 {
		t.W1 = t.Window()
	}
	if w2 {
		t.W2 = t.Window()
	}
	if dt {
		t.DT = t.MaxDT() / 4
	}
	if noise {
		t.Noise = 0.3 * math.Abs(t.Y)
	}
}

// MaxDT is the step of inference below which it settles everywhere in the landscape.
func (t Toy) MaxDT() float64 { return toy.MaxDT(max(math.Abs(t.W2[0]), math.Abs(t.W2[1]))) }

// Limits of a Toy. Beyond those of the numbers squares overflow or vanish; beyond those of the counts pictures show no
// more and take long.
const (
	toyLargest   = 1e6
	toySmallest  = 1e-6
	toyLongest   = 100_000
	toyMostShown = 60
)

// Validate reports every fault, by the names of the flags of settle toy.
func (t Toy) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	data := func(name string, v float64, flat string) {
		switch a := math.Abs(v); {
		case v == 0:
			fault("--%s 0: the landscape is flat, %s; want a number other than 0", name, flat)
		case !(a >= toySmallest && a <= toyLargest):
			fault("--%s %v: want a number of size %g to %g", name, v, toySmallest, toyLargest)
		}
	}
	data("x", t.X, "the prediction w₂w₁x is 0 for all weights")
	data("y", t.Y, "its curvature at the origin is 0 and there is no saddle")
	for _, w := range t.W0 {
		if !(math.Abs(w) <= toyLargest) {
			fault("--w0 %v,%v: want two numbers of size up to %g", t.W0[0], t.W0[1], toyLargest)
			break
		}
	}
	positive := func(name string, v float64) {
		if !(v > 0 && v <= toyLargest) {
			fault("--%s %v: want a number above 0, up to %g", name, v, toyLargest)
		}
	}
	positive("lr", t.LR)
	positive("threshold", t.Loss)
	if !(t.Noise >= 0 && t.Noise <= toyLargest) {
		fault("--noise %v: want a number from 0 to %g", t.Noise, toyLargest)
	}
	between := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			fault("--%s %d: want a whole number from %d to %d", name, v, lo, hi)
		}
	}
	between("steps", t.Steps, 1, toyLongest)
	between("grid", t.Grid, 11, 301)
	between("starts", t.Starts, 5, 101)
	between("inference-steps", t.Inference, 1, toyMostShown)
	between("noise-runs", t.Runs, 1, 1000)
	faults = append(faults, t.validateRanges()...)
	return errors.Join(faults...)
}

// validateRanges reports what is wrong with the ranges and with the step of inference, whose limit depends on them.
func (t Toy) validateRanges() (faults []error) {
	for i, r := range [][2]float64{t.W1, t.W2} {
		switch {
		case !(math.Abs(r[0]) <= 10*toyLargest && math.Abs(r[1]) <= 10*toyLargest):
			faults = append(faults, fmt.Errorf("--w%d %v,%v: want two numbers of size up to %g", i+1, r[0], r[1], 10*toyLargest))
		case r[0] >= r[1]:
			faults = append(faults, fmt.Errorf("--w%d %v,%v: the range is empty; want its lower end first, below its upper", i+1, r[0], r[1]))
		case r[1]-r[0] < 1e-6*max(math.Abs(r[0]), math.Abs(r[1])):
			faults = append(faults, fmt.Errorf("--w%d %v,%v: the range is too narrow to draw; want ends further apart", i+1, r[0], r[1]))
		}
	}
	if faults == nil && !(t.DT > 0 && t.DT < t.MaxDT()) {
		faults = append(faults, fmt.Errorf("--dt %v: want above 0 and below %.4g, which is 2/(1 + w₂²) at the end of --w2 %v,%v: beyond it inference diverges there",
			t.DT, t.MaxDT(), t.W2[0], t.W2[1]))
	}
	return faults
}

// ToyResult is what came out. Numbers that do not apply or were not reached are null.
type ToyResult struct {
	X         float64    `json:"x"`
	Y         float64    `json:"y"`
	W0        [2]float64 `json:"w0"`
	LR        float64    `json:"lr"`
	StepLimit int        `json:"step_limit"`
	Threshold float64    `json:"threshold"`
	BP        ToyPath    `json:"bp"`
	PC        ToyPath    `json:"pc"`
	// Manifold is the same from a start on the stable manifold of the saddle of 𝓛, where GD is caught.
	Manifold  ToyPair      `json:"stable_manifold"`
	Hessian   ToyHessians  `json:"hessian_origin"`
	Escape    ToyEscapes   `json:"escape"`
	Landscape ToyLandscape `json:"landscape"`
	Starts    ToyStarts    `json:"starts"`
	Rates     []ToyBest    `json:"best_rates"`
	Noise     ToyNoise     `json:"noise"`
	Activity  []ToyMove    `json:"inference"`
	Claims    []Claim      `json:"claims"`
}

// toyRun is one run on its way.
type toyRun struct {
	Toy
	p   toy.Problem
	env Env
	out ToyResult

	grid []toyStart // the starts, rows from below

	sink Sink
	err  error // the first of the sink
}

// row stores a row; after an error it does nothing.
func (r *toyRun) row(table string, columns []string, values ...any) {
	if r.err == nil {
		r.err = r.sink.Row(table, columns, values)
	}
}

// Run computes it all, writes the tables that report.Toy draws, and judges the claims C1–C4 and C11–C13 as far as the
// toy can.
func (t Toy) Run(ctx context.Context, sink Sink, env Env) (ToyResult, error) {
	if err := t.Validate(); err != nil {
		return ToyResult{}, err
	}
	r := &toyRun{Toy: t, p: toy.Problem{X: t.X, Y: t.Y}, sink: sink, env: env}
	r.out = ToyResult{X: t.X, Y: t.Y, W0: t.W0, LR: t.LR, StepLimit: t.Steps, Threshold: t.Loss}
	r.settings()
	stages := []struct {
		note string
		do   func(context.Context) error
	}{
		{"trajectories", r.paths}, {"landscapes", r.landscapes}, {"inference", r.inference},
		{"starts", r.starts}, {"learning rates", r.rates}, {"noisy data", r.noise},
	}
	for i, s := range stages {
		if env.Progress != nil {
			env.Progress(Progress{Done: float64(i), Total: float64(len(stages)), Note: s.note})
		}
		if err := errors.Join(context.Cause(ctx), r.err); err != nil {
			return r.out, err
		}
		if err := s.do(ctx); err != nil {
			return r.out, err
		}
	}
	r.out.Claims = r.claims()
	return r.out, r.err
}

// settings stores what figures say about themselves.
func (r *toyRun) settings() {
	r.row("settings", []string{"x", "y", "w0", "lr", "steps", "loss", "w1", "w2", "dt", "noise", "saddle_loss", "shown"},
		r.X, r.Y, r.W0[:], r.LR, r.Steps, r.Loss, r.W1[:], r.W2[:], r.DT, r.Noise, r.p.Loss(toy.Vec{}), r.shown())
}

// shown are the steps of inference that get a panel in Figure 2: the first ones move most.
func (r *toyRun) shown() []int {
	var out []int
	for _, t := range []int{0, r.Inference / 10, r.Inference / 4, r.Inference} {
		if len(out) == 0 || t > out[len(out)-1] {
			out = append(out, t)
		}
	}
	return out
}

// unit is the length by which places in the toy are measured, the same for all x and y: the solutions nearest to the
// saddle are √2 units away.
func (r *toyRun) unit() float64 { return math.Sqrt(math.Abs(r.Y / r.X)) }

// axis returns n points from end to end. Where these are plain decimals so are the points, which keeps tables readable.
func axis(ends [2]float64, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = (ends[0]*float64(n-1-i) + ends[1]*float64(i)) / float64(n-1)
	}
	return v
}
