package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/train"
)

func (a *app) trainCommand() *cobra.Command {
	spec := train.Defaults()
	resume, opts := "", trainOptions{}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train one network",
		Long: `Trains one network by predictive coding or backpropagation and writes the model, metrics and a result to the run
directory. Ctrl-C finishes the batch and writes a checkpoint from which --resume continues bit for bit; after a power cut
or a kill it continues from the last of those written every --checkpoint-every, and recomputes what came after.`,
		Example: `  settle train --rule pc --batches 300
  settle train --rule bp --arch 784-128x9-10 --act tanh --optim sgd --lr 0.5 --epochs 2
  settle train --solver euler --coords activities --dt 0.1 --max-passes 60 --batches 50
  settle train --tensorboard curves --mlflow http://127.0.0.1:5000
  settle train --config jpc-mupc --seed 1
  settle train --resume runs/20260102-150405-train --workers 1`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.every < 0 {
				return fmt.Errorf("--checkpoint-every %s: want a time from 0 (at the end only)", opts.every)
			}
			if resume != "" {
				return a.resume(cmd, resume, spec, opts)
			}
			a.settleSpec(cmd, &spec)
			if err := spec.Validate(); err != nil {
				return err
			}
			if opts.look && !spec.Infers() {
				return fmt.Errorf("--diagnose with --rule %s: want a rule that infers, such as pc", spec.Rule)
			}
			if opts.look && !spec.Plain() {
				return errors.New("--diagnose: want --loss mse, all precisions 1, no activity decay, symmetric feedback and one network from images to targets: it looks at that energy")
			}
			return a.finish(a.train(a.ctx, task{spec: spec, trainOptions: opts, open: func() (*store.Run, error) { return a.run("train") }}))
		},
	}
	trainFlags(cmd.Flags(), &spec)
	cmd.Flags().BoolVar(&opts.look, "diagnose", false, "look at inference on the trained network: energies and residuals by layer, λ_max, stable steps, a figure")
	cmd.Flags().DurationVar(&opts.every, "checkpoint-every", checkpointEvery, "`time` between checkpoints; 0: one at the end only")
	opts.logs.add(cmd.Flags())
	cmd.Flags().StringVar(&resume, "resume", "", "continue the interrupted training in this run `directory`")
	return cmd
}

// besideResume are the flags that may stand beside --resume; all others are the checkpoint's.
var besideResume = []string{"resume", "batches", "epochs", "eval-every", "workers", "json", "quiet", "config", "diagnose", "checkpoint-every", "tensorboard", "mlflow"}

// resume continues the training in dir with the flags given here over those of its checkpoint.
func (a *app) resume(cmd *cobra.Command, dir string, flags train.Spec, opts trainOptions) error {
	var faults []error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(besideResume, f.Name) {
			faults = append(faults, fmt.Errorf("--%s %s: want none with --resume, which goes on in its own directory with the checkpoint's", f.Name, f.Value))
		}
	})
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	run, err := store.Continue(dir)
	if err != nil {
		return blame(fmt.Errorf("--resume: %w", err))
	}
	defer run.Close()
	k, err := a.begun(run)
	if err != nil {
		return blame(fmt.Errorf("--resume %s: %w", dir, err))
	}
	if result, _, ok := stored(dir); ok && k.from == nil { // to start again would throw the result away
		return fmt.Errorf("--resume %s: finished at batch %d, and has no checkpoint to go on from: want one that has, or a new training", dir, result.Batches)
	}
	given := cmd.Flags().Changed
	k.trainOptions, k.spec.Workers = opts, a.workers
	if given("eval-every") {
		k.spec.EvalEvery = flags.EvalEvery
	}
	if given("batches") || given("epochs") {
		k.spec.Batches, k.spec.Epochs = flags.Batches, flags.Epochs
		if !given("epochs") {
			k.spec.Epochs = 0
		}
	}
	return a.finish(a.train(a.ctx, k))
}

// finish reports a training's end and turns its outcome into an error.
func (a *app) finish(c conclusion, err error) error {
	if err != nil {
		return err
	}
	dir := c.run.Dir()
	if errors.Is(c.outcome, context.Canceled) {
		return interrupted("go on with: settle train --resume " + dir)
	}
	w := a.text()
	if c.DivergedAt == nil {
		fmt.Fprintf(w, "train MSE %s (mean of the last %d batches)  test MSE %s%s\n", show("%.4f", c.TrainMSE),
			min(train.Window, c.Batches), show("%.4f", c.TestMSE), accuracy("  ", c.Summary))
	}
	fmt.Fprintf(w, "%d batches in %.1f s  %s samples/s  %s passes a step\n", c.Batches, c.Seconds, show("%.0f", c.SamplesPerSecond), show("%.1f", c.PassesMean))
	if c.Statuses != nil {
		gap := "unknown"
		if c.GapMean != nil {
			gap = "about " + percent(c.GapMean)
		}
		fmt.Fprintf(w, "inference: residual ratio %s, energy gap %s; samples: %s\n", show("%.2g", c.ResidualMean), gap, counts(c.Statuses))
	}
	if c.GenerationMSE != nil {
		unit := "a variance of 1"
		if strings.Contains(c.pixels, ",") { // mean and deviation are not the set's
			unit = "pixels normalised by " + c.pixels
		}
		fmt.Fprintf(w, "images predicted from their targets: MSE %.4f, of %s\n", *c.GenerationMSE, unit)
	}
	if c.InferencePasses != nil && c.ColdPasses != nil {
		fmt.Fprintf(w, "inference of test images: %.1f passes from the amortiser's guess, %.1f without it to the same residual\n", *c.InferencePasses, *c.ColdPasses)
	}
	if c.Clipped != nil {
		fmt.Fprintf(w, "clipped %s of the updates\n", percent(c.Clipped))
	}
	if c.DTLimit != nil && c.dt > 0 {
		fmt.Fprintf(w, "inference diverged: --dt %g; the stability limit 2/λ_max of Euler's method was %.3g on that network\n", c.dt, *c.DTLimit)
	}
	if c.Diagnosis != nil {
		if err := a.diagnosis(c.Diagnosis); err != nil {
			return failure{err}
		}
	}
	if err := a.printJSON(c); err != nil {
		return failure{err}
	}
	if c.outcome != nil {
		return failure{fmt.Errorf("%w; metrics so far are in %s", c.outcome, dir)}
	}
	next := "settle predict --model %s IMAGE"
	if c.Rule == "pc-generative" || c.Rule == "pc-bidirectional" {
		next = "settle generate --model %s"
	}
	fmt.Fprintf(w, "model and metrics are in %s; next: "+next+"\n", dir, filepath.Join(dir, modelFile))
	return nil
}

// accuracy is that of the test after a separator, nothing where the training has none.
func accuracy(after string, s train.Summary) string {
	if s.TestAccuracy == nil {
		return ""
	}
	return after + "test accuracy " + percent(s.TestAccuracy)
}

// describe says in a line what is trained.
func describe(s train.Spec, batches int) string {
	how := s.Rule
	if s.Solves() {
		how += fmt.Sprintf(" (%s, %s)", s.Solver, s.Coords)
	}
	what := s.Data
	if s.Target != train.Targets[0] {
		what += " (" + s.Target + ")"
	}
	return fmt.Sprintf("training %s with %s: %s %s, %s %g, %d batches of %d", what, how, s.Arch, s.Act, s.Optim, s.LR, batches, s.Batch)
}

func show(format string, v *float64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf(format, *v)
}

func percent(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.2f %%", 100**v)
}

// counts lists the statuses that occurred.
func counts(n map[string]int) string {
	var parts []string
	for _, st := range infer.Statuses() {
		if k := n[st.String()]; k > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k, st))
		}
	}
	return strings.Join(parts, ", ")
}
