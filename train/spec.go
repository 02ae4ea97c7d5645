package train

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
)

// Spec describes a training as plain data, in the words of the command line: what is stored with a run, and all that
// its numbers depend on but the data itself. Its JSON keys are the names of the flags.
type Spec struct {
	Data          string  `json:"data"`
	Target        string  `json:"target"` // of an image: its label, its pixels, or moments of its ink
	Arch          string  `json:"arch"`
	Act           string  `json:"act"`
	Place         string  `json:"act-place"`
	Init          string  `json:"init"`
	Bias          bool    `json:"bias"`
	Residual      bool    `json:"residual"`
	Param         string  `json:"param"`     // how predictions are scaled
	Normalize     string  `json:"normalize"` // of pixels v/255: "set", by the set's own statistics, "channel", by those of each channel, or MEAN,STD
	DType         string  `json:"dtype"`
	Rule          string  `json:"rule"`
	Loss          string  `json:"loss"`
	Beta          float64 `json:"beta"`           // of the nudged rules; 0: 0.1
	Precision     string  `json:"precision"`      // π_1 … π_L with commas between them, or one number: π_L; empty: all 1
	PrecisionLR   float64 `json:"precision-lr"`   // 0: they are fixed
	ActivityDecay float64 `json:"activity-decay"` // λ of every hidden layer
	Feedback      string  `json:"feedback"`
	Prior         float64 `json:"prior"`       // of the causes of pc-generative, λ_0; 0: 1
	Amortise      bool    `json:"amortise"`    // start the inference of pc-generative from a second network's guess
	DownWeight    float64 `json:"down-weight"` // of the energy of pc-bidirectional's way down, from targets to images; 0: DefaultDownWeight
	Temperature   float64 `json:"temperature"` // of langevin; 0: 1
	Solver        string  `json:"solver"`
	Coords        string  `json:"coords"`
	Tol           float64 `json:"tol"`
	Gap           float64 `json:"gap"`
	MaxPasses     float64 `json:"max-passes"`
	Steps         int     `json:"steps"`   // of inference, fixed; 0: until it settles. For ipc, those on a batch
	Horizon       float64 `json:"horizon"` // time at which a Runge–Kutta method ends; 0: none
	DT            float64 `json:"dt"`
	Mu            float64 `json:"solver-momentum"` // of inference by momentum and nesterov
	ByBatch       bool    `json:"divide-by-batch"` // ∂F/∂z by the batch size, as libraries do that average F over a batch
	Optim         string  `json:"optim"`
	LR            float64 `json:"lr"`
	Momentum      float64 `json:"momentum"`
	WeightDecay   float64 `json:"weight-decay"`
	Clip          float64 `json:"clip"` // most norm of the weight gradient; 0: any
	Schedule      string  `json:"schedule"`
	Warmup        int     `json:"warmup"`
	Batch         int     `json:"batch"`
	Batches       int     `json:"batches"`
	Epochs        int     `json:"epochs"`
	EvalEvery     int     `json:"eval-every"`
	Limit         int     `json:"limit"`
	Seed          uint64  `json:"seed"`
	Workers       int     `json:"workers"` // does not change any number
}

// Defaults returns the training that a command without flags runs.
func Defaults() Spec {
	return Spec{
		Data: "mnist", Target: Targets[0], Arch: "784-300-300-10", Act: "relu", Place: "after", Init: "fanin", Param: "standard", Normalize: bySet, DType: "float32", Loss: "mse", Feedback: "symmetric",
		Rule: "pc", Solver: "auto", Coords: "errors", Tol: 1e-3, Gap: 0.01, MaxPasses: 100, DT: 0.1, Mu: 0.7,
		Optim: "adam", LR: 0.001, Momentum: 0.9, Schedule: "constant", Batch: 64, Epochs: 1, Workers: 1,
	}
}

// MostWorkers bounds the workers of a training: more than machines have cores, few enough for each to have its own memory.
const MostWorkers = 1024

// The words that Spec accepts beside those of package nn.
var (
	DTypes = []string{"float32", "float64"}
	Rules  = []string{"bp", "pc", "ipc", "zil", "pc-nudged", "pc-centred", "pc-generative", "pc-bidirectional",
		"bp-curved", "pc-feedforward", "bp-matched"} // the last ones: learn/isolate.go
	Losses      = []string{"mse", "cross-entropy", "bernoulli"}
	Coordinates = []string{"errors", "activities"}
	Optimizers  = []string{"sgd", "momentum", "nesterov", "adam", "adamw"}
	Schedules   = []string{"constant", "cosine", "warmup-cosine", "pcx"}
)

// Network returns the architecture and initialisation, with every fault in their description.
func (s Spec) Network() (nn.Arch, nn.Init, error) {
	var a nn.Arch
	var errs [6]error
	a, errs[0] = nn.ParseArch(s.Arch)
	a.Act, errs[1] = nn.ParseActivation(s.Act)
	a.Place, errs[2] = nn.ParsePlace(s.Place)
	a.Bias, a.Residual = s.Bias, s.Residual
	init, err := nn.ParseInit(s.Init)
	errs[3] = err
	a.Feedback, errs[5] = nn.ParseFeedback(s.Feedback)
	a.Param, errs[4] = nn.ParseParameterisation(s.Param)
	for i, flag := range []string{"arch", "act", "act-place", "init", "param", "feedback"} {
		if errs[i] != nil {
			errs[i] = fmt.Errorf("--%s: %w", flag, errs[i])
		}
	}
	return a, init, errors.Join(errs[:]...)
}

// Validate reports every fault of the description, each with the flag, its value and what is accepted.
func (s Spec) Validate() error {
	var faults []error
	word := func(flag, v string, known []string) {
		for _, k := range known {
			if v == k {
				return
			}
		}
		faults = append(faults, fmt.Errorf("--%s %q: want one of %s", flag, v, strings.Join(known, ", ")))
	}
	must := func(ok bool, flag string, v any, want string) {
		if !ok {
			faults = append(faults, fmt.Errorf("--%s %v: want %s", flag, v, want))
		}
	}
	arch, _, err := s.Network()
	if err != nil {
		faults = append(faults, err)
	}
	if _, _, err := s.normalization(); err != nil {
		faults = append(faults, err)
	}
	word("dtype", s.DType, DTypes)
	word("target", s.Target, Targets)
	word("rule", s.Rule, Rules)
	word("loss", s.Loss, Losses)
	faults = append(faults, s.variants(must))
	word("coords", s.Coords, Coordinates)
	if _, err := learn.NewMethod[float64](s.Solver, s.Coordinates(), s.tuning()); err != nil {
		faults = append(faults, fmt.Errorf("--solver %w", err))
	}
	word("optim", s.Optim, Optimizers)
	word("schedule", s.Schedule, Schedules)
	must(s.Tol >= 0 && s.Tol < 1, "tol", s.Tol, "a residual ratio from 0 to below 1")
	must(s.Gap >= 0 && s.Gap < 1, "gap", s.Gap, "an energy gap from 0 (do not stop by it) to below 1")
	must(s.MaxPasses > 0 && finite(s.MaxPasses), "max-passes", s.MaxPasses, "a number above 0")
	must(s.Steps >= 0, "steps", s.Steps, "a number of steps from 1, or 0 to go on until inference settles")
	must(s.Horizon >= 0 && finite(s.Horizon), "horizon", s.Horizon, "a time above 0, or 0 for none")
	must(s.DT > 0 && finite(s.DT), "dt", s.DT, "a step above 0")
	must(s.Mu > 0 && s.Mu < 1, "solver-momentum", s.Mu, "a number above 0 and below 1")
	must(s.LR > 0 && finite(s.LR), "lr", s.LR, "a learning rate above 0")
	must(s.Momentum >= 0 && s.Momentum < 1, "momentum", s.Momentum, "a number from 0 to below 1")
	must(s.WeightDecay >= 0 && finite(s.WeightDecay), "weight-decay", s.WeightDecay, "a number from 0")
	must(s.Warmup >= 0, "warmup", s.Warmup, "a number of batches from 0")
	must(s.Batch > 0, "batch", s.Batch, "a number of samples from 1")
	must(s.Batches >= 0, "batches", s.Batches, "a number from 1, or 0 to go by epochs")
	must(s.Epochs >= 0, "epochs", s.Epochs, "a number from 1, or 0 to go by batches")
	must((s.Batches > 0) != (s.Epochs > 0), "batches", s.Batches, "either batches or epochs (got both or neither)")
	must(s.EvalEvery >= 0, "eval-every", s.EvalEvery, "a number of batches from 1, or 0 for the end only")
	must(s.Limit >= 0, "limit", s.Limit, "a number of training images from 1, or 0 for all")
	must(s.Workers >= 1 && s.Workers <= MostWorkers, "workers", s.Workers, fmt.Sprintf("a number from 1 to %d", MostWorkers))
	must(s.Solver != "exact" || s.Act == "linear" && (err != nil || arch.Affine()), "solver", s.Solver, "exact only with --act linear and layers that are affine; auto takes any network")
	must(s.Solver != "chord" || err != nil || arch.Smooth(), "solver", s.Solver, "chord only with a smooth activation and without maxpool; auto takes any network")
	stepped := s.Rule == "ipc" || learn.Steps(s.Solver)
	must(!s.ByBatch || stepped, "divide-by-batch", s.ByBatch, "a solver with a step of its own (euler, momentum, nesterov, heun, bosh, dopri) or --rule ipc")
	must(s.Horizon == 0 || strings.HasPrefix(s.Solver, "heun") || strings.HasPrefix(s.Solver, "dopri") || s.Solver == "bosh",
		"horizon", s.Horizon, "0 unless --solver is a Runge–Kutta method: heun, bosh, dopri or their adaptive kin")
	must(s.Schedule == "warmup-cosine" || s.Warmup == 0, "warmup", s.Warmup, "0 unless --schedule is warmup-cosine")
	return errors.Join(faults...)
}

// squared reports whether the loss is half the squared error.
func (s Spec) squared() bool { return s.Loss == Losses[0] }

// lossNote names the loss where it is not the usual one, as files do that others may read.
func (s Spec) lossNote() string {
	if s.squared() {
		return ""
	}
	return s.Loss
}

// Infers reports whether the rule moves activities before it learns, with an outcome.
func (s Spec) Infers() bool { return s.Rule != "bp" && s.Rule != "bp-curved" && s.Rule != "zil" }

// Solves reports whether the rule settles activities by the solver.
func (s Spec) Solves() bool { return s.Infers() && s.Rule != "ipc" }

// updates is the number of times that the rule moves the weights on a batch.
func (s Spec) updates() int {
	switch {
	case s.Rule != "ipc":
		return 1
	case s.Steps == 0:
		return learn.DefaultIncrementalSteps
	}
	return s.Steps
}

// Coordinates are those of inference.
func (s Spec) Coordinates() learn.Coordinates {
	if s.Coords == "activities" {
		return learn.Activities
	}
	return learn.Errors
}

// tuning holds the options of the solver.
func (s Spec) tuning() learn.Tuning {
	t := learn.Tuning{DT: s.DT, Mu: s.Mu, Until: s.Horizon, Temperature: s.Temperature, Seed: s.Seed}
	if s.ByBatch {
		t.Scale = 1 / float64(max(s.Batch, 1))
	}
	return t
}

// Fits reports every flag that does not go with the set.
func (s Spec) Fits(set *data.Set) error {
	arch, _, err := s.Network()
	if err != nil {
		return err
	}
	var faults []error
	if s.generates() {
		if got := arch.Dims[len(arch.Dims)-1]; got != set.Inputs {
			faults = append(faults, fmt.Errorf("--arch %s: %d outputs: want the %d %s of an image of %s, which --rule pc-generative predicts from the first layer", s.Arch, got, set.Inputs, inputsOf(set), set.Name))
		}
		if n := set.Test.N(); s.Batch > n {
			faults = append(faults, fmt.Errorf("--batch %d: want at most the %d test images of %s, of which --rule pc-generative tests whole batches", s.Batch, n, set.Name))
		}
		return errors.Join(append(faults, s.fitsNumber(set))...)
	}
	if in, want := arch.Input, (nn.Image{C: set.Channels, H: set.Rows, W: set.Cols}); in != (nn.Image{}) && in != want {
		faults = append(faults, fmt.Errorf("--arch %s: input %v: want %v, the images of %s", s.Arch, in, want, set.Name))
	}
	if got := arch.Dims[0]; got != set.Inputs {
		faults = append(faults, fmt.Errorf("--arch %s: %d inputs: want the %d %s of an image of %s", s.Arch, got, set.Inputs, inputsOf(set), set.Name))
	}
	task := s.task(set)
	outputs := task.Outputs(set)
	if got := arch.Dims[len(arch.Dims)-1]; got != outputs {
		faults = append(faults, fmt.Errorf("--arch %s: %d outputs: want the %d %s of %s", s.Arch, got, outputs, task.Targets(), set.Name))
	}
	if task != data.Classes && !s.squared() {
		faults = append(faults, fmt.Errorf("--loss %s: want mse for the %s of %s, which are not classes", s.Loss, task.Targets(), set.Name))
	}
	return errors.Join(append(faults, s.fitsNumber(set))...)
}

// fitsNumber reports a limit or a batch of more images than the set has.
func (s Spec) fitsNumber(set *data.Set) error {
	var faults []error
	n := set.Train.N()
	if s.Limit > n {
		faults = append(faults, fmt.Errorf("--limit %d: want at most the %d training images of %s", s.Limit, n, set.Name))
	} else if s.Limit > 0 {
		n = s.Limit
	}
	if s.Batch > n {
		faults = append(faults, fmt.Errorf("--batch %d: want at most the %d training images in use", s.Batch, n))
	}
	return errors.Join(faults...)
}

// inputsOf says what the inputs of a set are.
func inputsOf(set *data.Set) string {
	if set.Channels == 1 {
		return "pixels"
	}
	return fmt.Sprintf("values, %d×%d pixels in %d channels,", set.Rows, set.Cols, set.Channels)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
