package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/train"
)

// networkFlags adds the flags that describe network, inference and batches: those that train and compare share.
func networkFlags(f *pflag.FlagSet, s *train.Spec) {
	one := func(words []string) string { return strings.Join(words, "|") }
	f.StringVar(&s.Data, "data", s.Data, "mnist, fashion, "+setHelp)
	f.StringVar(&s.Arch, "arch", s.Arch, "`layers` from input to output: widths, as in 784-128x9-10 with nine of 128, or nodes, as in\n1x28x28-conv32k3p1:maxpool2-norm:conv32k3p1-drop0.5:10 (docs/conv.md)")
	f.StringVar(&s.Place, "act-place", s.Place, "activation after|before the weights")
	f.StringVar(&s.Init, "init", s.Init, "initial weights: fanin|xavier|he|orthogonal|normal:S")
	f.BoolVar(&s.Bias, "bias", s.Bias, "give every layer a bias")
	f.BoolVar(&s.Residual, "residual", s.Residual, "skip connections around hidden layers of equal widths")
	f.StringVar(&s.Param, "param", s.Param, "scales of the predictions: "+one(nn.Parameterisations())+"; ntk and mupc come with --init normal:1, mupc with --residual")
	f.StringVar(&s.Normalize, "normalize", s.Normalize, "pixels v/255 to mean 0, deviation 1: set, of all together; channel, of each channel; or (v/255 − `M`)/S with M,S as in 0.5,0.5")
	f.StringVar(&s.DType, "dtype", s.DType, one(train.DTypes))
	f.StringVar(&s.Solver, "solver", s.Solver, "inference method: "+one(learn.MethodNames()))
	f.StringVar(&s.Coords, "coords", s.Coords, "coordinates of inference: "+one(train.Coordinates))
	f.Float64Var(&s.Tol, "tol", s.Tol, "stop a sample at this residual `ratio`; given without --gap, it alone decides")
	f.Float64Var(&s.Gap, "gap", s.Gap, "stop at this estimated energy `gap`; 0: do not")
	f.Float64Var(&s.MaxPasses, "max-passes", s.MaxPasses, "truncate inference after this `number` of passes")
	f.IntVar(&s.Steps, "steps", s.Steps, "fixed `number` of inference steps, as other libraries have it, settled or not; for --rule ipc those on a batch (0: 20)")
	f.Float64Var(&s.Horizon, "horizon", s.Horizon, "end of inference in `time`, for the Runge–Kutta solvers")
	f.Float64Var(&s.DT, "dt", s.DT, "`step` of euler, momentum, nesterov, langevin, heun, bosh, dopri and of ipc; first step of the adaptive ones")
	f.Float64Var(&s.Mu, "solver-momentum", s.Mu, "`coefficient` of inference by momentum and nesterov")
	f.BoolVar(&s.ByBatch, "divide-by-batch", s.ByBatch, "divide the activity gradient by the batch size, as JPC does")
	f.StringVar(&s.Optim, "optim", s.Optim, one(train.Optimizers))
	f.Float64Var(&s.Momentum, "momentum", s.Momentum, "`coefficient` of momentum and nesterov")
	f.Float64Var(&s.WeightDecay, "weight-decay", s.WeightDecay, "weight decay `coefficient`; decoupled in adamw, else added to the gradient")
	f.Float64Var(&s.Clip, "clip", s.Clip, "multiply a weight gradient with a `norm` above this down to it, all weights together; 0: do not")
	f.StringVar(&s.Schedule, "schedule", s.Schedule, "learning rate over time: "+one(train.Schedules)+"; pcx rises to 1.1 over a tenth, then falls to 0.1")
	f.IntVar(&s.Warmup, "warmup", s.Warmup, "`batches` of warm-up, for warmup-cosine")
	f.IntVar(&s.Batch, "batch", s.Batch, "`samples` in a batch")
	f.IntVar(&s.Batches, "batches", s.Batches, "`number` of batches, instead of --epochs")
	f.IntVar(&s.Limit, "limit", s.Limit, "use only the first `N` training images; 0: all")
}

// trainFlags adds those of a single training.
func trainFlags(f *pflag.FlagSet, s *train.Spec) {
	networkFlags(f, s)
	f.StringVar(&s.Act, "act", s.Act, "activation: "+strings.Join(nn.Activations(), "|"))
	f.StringVar(&s.Target, "target", s.Target, "what the network predicts of an image: its label, the pixels themselves (an autoencoder), or four moments of the ink: "+strings.Join(train.Targets, "|"))
	f.StringVar(&s.Rule, "rule", s.Rule, "learning rule: "+strings.Join(train.Rules, "|"))
	f.Float64Var(&s.Beta, "beta", s.Beta, "for pc-nudged and pc-centred: the `share` of the way from its prediction to the target by which the output is moved (0: 0.1); negative moves it away")
	f.StringVar(&s.Precision, "precision", s.Precision, "precisions π of the layers' errors: L `numbers` with commas between them, or one, of the output layer (default all 1)")
	f.Float64Var(&s.PrecisionLR, "precision-lr", s.PrecisionLR, "learn the precisions at this `rate`; 0: keep them")
	f.Float64Var(&s.ActivityDecay, "activity-decay", s.ActivityDecay, "add (λ/2)‖z‖² of the hidden activities to the energy, with this `λ`")
	f.Float64Var(&s.Prior, "prior", s.Prior, "for pc-generative, whose first layer is causes and last the image: `λ` of (λ/2)‖z‖² of the causes (0: 1)")
	f.BoolVar(&s.Amortise, "amortise", s.Amortise, "for pc-generative: start inference where a second network, from image to causes, guesses that it ends, and teach it (hybrid PC)")
	f.Float64Var(&s.DownWeight, "down-weight", s.DownWeight, "for pc-bidirectional, whose second network predicts images from targets: `weight` of its energy (0: 0.001)")
	f.Float64Var(&s.Temperature, "temperature", s.Temperature, "`T` of langevin, which draws activities from exp(−F/T) (0: 1)")
	f.StringVar(&s.Feedback, "feedback", s.Feedback, "weights by which errors come back: "+strings.Join(nn.FeedbackKinds(), "|")+"; the last two need --coords activities and a solver with a step")
	f.StringVar(&s.Loss, "loss", s.Loss, "loss, the output term of the energy: "+strings.Join(train.Losses, "|")+"; but for mse the outputs are logits")
	f.Float64Var(&s.LR, "lr", s.LR, "learning `rate`")
	f.IntVar(&s.Epochs, "epochs", s.Epochs, "`number` of epochs")
	f.IntVar(&s.EvalEvery, "eval-every", s.EvalEvery, "test every `N` batches; 0: at the end only")
}

// wants says in words what a type of flag takes.
var wants = map[string]string{
	"bool": "true or false", "duration": "a time such as 30s or 5m", "float64": "a number", "int": "a whole number", "uint64": "a whole number from 0",
	"float64Slice": "numbers with commas between them", "uintSlice": "whole numbers from 0 with commas between them",
}

// flagError says of a value that cannot be read what is accepted, in place of the parser's words.
func flagError(err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	want, ok := wants[bad.GetFlag().Value.Type()]
	if !ok {
		return err
	}
	return fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
}

// settleSpec completes a training from the common flags and from which flags were given.
func (a *app) settleSpec(cmd *cobra.Command, s *train.Spec) {
	s.Seed, s.Workers = a.seed, a.workers
	s.Complete(cmd.Flags().Changed)
}

// hideEmpty leaves the empty default of flags out of the help, where their texts say what is used instead.
func hideEmpty(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f.Lookup(name).DefValue = ""
	}
}
