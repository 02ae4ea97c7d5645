package train

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// variants tests what belongs to variants of rule, energy and inference, and to none else. The error is of the precisions.
func (s Spec) variants(must func(ok bool, flag string, v any, want string)) error {
	must(s.Clip >= 0 && finite(s.Clip), "clip", s.Clip, "a norm above 0, or 0 not to clip")
	nudged := s.Rule == "pc-nudged" || s.Rule == "pc-centred"
	must(finite(s.Beta) && (nudged || s.Beta == 0), "beta", s.Beta, "a number of either sign, or 0 for 0.1, with --rule pc-nudged or pc-centred, and none without")
	must(s.Precision == "" || s.Infers(), "precision", s.Precision, "none with --rule "+s.Rule+", which has no errors to weigh")
	must(s.PrecisionLR >= 0 && s.PrecisionLR <= 1, "precision-lr", s.PrecisionLR, "a rate up to 1, or 0 to keep precisions fixed")
	must(s.PrecisionLR == 0 || s.Rule == "pc" && s.squared(), "precision-lr", s.PrecisionLR, "0 unless with --rule pc and --loss mse")
	must(s.ActivityDecay >= 0 && finite(s.ActivityDecay), "activity-decay", s.ActivityDecay, "a number from 0")
	must(s.ActivityDecay == 0 || s.Infers(), "activity-decay", s.ActivityDecay, "0 with --rule "+s.Rule+", whose activities do not move")
	curved := s.Solver == "exact" || s.Solver == "chord" || s.Solver == "cg" || s.Solver == "newton"
	must(s.ActivityDecay == 0 || !curved, "solver", s.Solver, "auto, bb or a method with a step of its own with --activity-decay")
	must(s.Prior >= 0 && finite(s.Prior) && (s.generates() || s.Prior == 0), "prior", s.Prior, "a number from 0 (for 1) with --rule pc-generative, and none without")
	must(!s.generates() || s.squared(), "loss", s.Loss, "mse with --rule pc-generative: pixels are normalised")
	labels := s.Target == Targets[0]
	must(labels || s.squared(), "loss", s.Loss, "mse with --target "+s.Target+", which is no class")
	must(labels || !s.generates(), "target", s.Target, "labels with --rule pc-generative, which has no target: it learns the images themselves")
	must(!s.generates() || !curved, "solver", s.Solver, "auto, bb or a method with a step of its own with --rule pc-generative")
	must(!s.Amortise || s.generates(), "amortise", s.Amortise, "none unless with --rule pc-generative")
	must(s.secondName() == "" || plain(s.Arch), "arch", s.Arch, "widths, as in 20-128-784, for a second network from the last layer to the first")
	must(s.DownWeight >= 0 && finite(s.DownWeight) && (s.bidirectional() || s.DownWeight == 0), "down-weight", s.DownWeight, "a number above 0 (0 for 0.001) with --rule pc-bidirectional, and none without")
	must(!s.bidirectional() || s.Coords == "activities", "coords", s.Coords, "activities with --rule pc-bidirectional, whose two networks share them")
	must(!s.bidirectional() || s.squared(), "loss", s.Loss, "mse with --rule pc-bidirectional")
	draws := s.Solver == "langevin"
	must(s.Temperature >= 0 && finite(s.Temperature) && (draws || s.Temperature == 0), "temperature", s.Temperature, "a number from 0 (for 1) with --solver langevin, and none without")
	must(!draws || s.Steps > 0, "steps", s.Steps, "a number from 1 with --solver langevin, which settles nowhere")
	walks := s.Rule == "ipc" || s.Rule == "zil" || s.Coords == "activities" && learn.Steps(s.Solver)
	must(s.symmetric() || s.Rule == "bp" || walks && s.Rule != "bp-curved" && !s.generates() && !s.bidirectional(), "feedback", s.Feedback,
		"symmetric, or --rule bp, ipc, zil, or --coords activities with a solver that has a step of its own: other weights give no gradient to descend in errors")
	quadratic := s.squared() || (s.Solver != "exact" && s.Solver != "chord" && s.Solver != "newton")
	must(s.squared() || s.Rule != "bp-curved", "loss", s.Loss, "mse with --rule bp-curved, which knows the curvature of squared error only")
	must(quadratic, "solver", s.Solver, "auto, bb, cg or a method with a step of its own with a --loss other than mse")
	if _, err := s.precisions(); err != nil {
		return fmt.Errorf("--precision %w", err)
	}
	return nil
}

// plain reports whether layers are described by their widths, or not well at all.
func plain(arch string) bool {
	a, err := nn.ParseArch(arch)
	return err != nil || a.Nodes == nil
}

// Output is the output term of the named loss, squared error for names that are none.
func Output[T tensor.Float](loss string) energy.Output[T] {
	switch loss {
	case "cross-entropy":
		return energy.CrossEntropy[T]{}
	case "bernoulli":
		return energy.Bernoulli[T]{}
	}
	return energy.SquaredError[T]{}
}

// Plain reports whether the energy is that of the post: squared error, all precisions 1, no decay, its own gradient, and of one network
// from images to targets.
func (s Spec) Plain() bool {
	return s.squared() && s.Precision == "" && s.PrecisionLR == 0 && s.ActivityDecay == 0 && s.symmetric() && !s.generates() && !s.bidirectional()
}

// symmetric reports whether errors come back by the weights themselves.
func (s Spec) symmetric() bool { return s.Feedback == nn.FeedbackKinds()[0] }

// beta is the nudge, with its default.
func (s Spec) beta() float64 {
	if s.Beta == 0 {
		return 0.1
	}
	return s.Beta
}

// precisions are π_1 … π_L, nil for all 1.
func (s Spec) precisions() ([]float64, error) {
	arch, err := nn.ParseArch(s.Arch)
	if err != nil {
		return nil, nil // which is a fault of its own
	}
	return ParsePrecision(s.Precision, len(arch.Dims)-1)
}

// ParsePrecision reads π_1 … π_L with commas between them, or one number, π_L, the others being 1; nil from nothing.
func ParsePrecision(text string, L int) ([]float64, error) {
	if text == "" {
		return nil, nil
	}
	want := fmt.Errorf("%s: want %d numbers from 1e-30 to 1e30 with commas between them, of layers 1 to %d, or one, of the output layer", text, L, L)
	var pi []float64
	for _, part := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || !(v >= 1e-30 && v <= 1e30) {
			return nil, want
		}
		pi = append(pi, v)
	}
	if len(pi) == 1 {
		pi = append(slices.Repeat([]float64{1}, L-1), pi[0])
	}
	if len(pi) != L {
		return nil, want
	}
	return pi, nil
}

// decay holds λ_0 … λ_L, nil for none.
func (s Spec) decay(L int) []float64 {
	if s.ActivityDecay == 0 && !s.generates() {
		return nil
	}
	d := slices.Repeat([]float64{s.ActivityDecay}, L+1)
	if s.generates() {
		d[0] = s.Prior
		if s.Prior == 0 {
			d[0] = 1
		}
	}
	return d
}

// generates reports whether the network predicts images from causes.
func (s Spec) generates() bool { return s.Rule == "pc-generative" }

// Classifies reports whether the network is to tell classes apart, of a set that has them.
func (s Spec) Classifies() bool { return s.Target == Targets[0] && !s.generates() }

// DefaultDownWeight is what Spec.DownWeight = 0 means.
const DefaultDownWeight = 0.001

// bidirectional reports whether a second network goes from targets to images.
func (s Spec) bidirectional() bool { return s.Rule == "pc-bidirectional" }

// downPrecisions are those of all L layers of the way down.
func (s Spec) downPrecisions(L int) []float64 {
	w := s.DownWeight
	if w == 0 {
		w = DefaultDownWeight
	}
	return slices.Repeat([]float64{w}, L)
}

// Supervised lists the rules by which one network learns targets from inputs: all but pc-generative and pc-bidirectional.
func Supervised() []string {
	return slices.DeleteFunc(slices.Clone(Rules), func(r string) bool { return Spec{Rule: r}.generates() || Spec{Rule: r}.bidirectional() })
}
