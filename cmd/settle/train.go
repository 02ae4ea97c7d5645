package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// Files of a training's run directory.
const (
	specFile       = "spec.json"
	resultFile     = "result.json"
	modelFile      = "model.safetensors"
	checkpointFile = "checkpoint.safetensors"
)

func (a *app) trainCommand() *cobra.Command {
	spec := train.Defaults()
	resume, look := "", false
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train one network",
		Long: `Trains one network by predictive coding or backpropagation and writes the model, metrics and a result to the run
directory. Ctrl-C finishes the batch and writes a checkpoint from which --resume continues bit for bit.`,
		Example: `  settle train --rule pc --batches 300
  settle train --rule bp --arch 784-128x9-10 --act tanh --optim sgd --lr 0.5 --epochs 2
  settle train --solver euler --coords activities --dt 0.1 --max-passes 60 --batches 50
  settle train --resume runs/20260102-150405-train --workers 1`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if resume != "" {
				return a.resume(cmd, resume, spec, look)
			}
			a.settleSpec(cmd, &spec)
			if err := spec.Validate(); err != nil {
				return err
			}
			if look && !spec.Infers() {
				return fmt.Errorf("--diagnose with --rule %s: want a rule that infers, such as pc", spec.Rule)
			}
			return a.train(spec, nil, look, func() (*store.Run, error) { return a.run("train") })
		},
	}
	trainFlags(cmd.Flags(), &spec)
	cmd.Flags().BoolVar(&look, "diagnose", false, "look at inference on the trained network: energies and residuals by layer, λ_max, stable steps, a figure")
	cmd.Flags().StringVar(&resume, "resume", "", "continue the interrupted training in this run `directory`")
	return cmd
}

// besideResume are the flags that may stand beside --resume; all others are the checkpoint's.
var besideResume = []string{"resume", "batches", "epochs", "eval-every", "workers", "json", "quiet", "config", "diagnose"}

// resume continues the training in dir with the flags given here over those of its checkpoint.
func (a *app) resume(cmd *cobra.Command, dir string, flags train.Spec, look bool) error {
	var faults []error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(besideResume, f.Name) {
			faults = append(faults, fmt.Errorf("--%s %s: want none with --resume, which goes on in its own directory with the checkpoint's", f.Name, f.Value))
		}
	})
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	f, err := os.Open(filepath.Join(dir, checkpointFile))
	if err != nil {
		return fmt.Errorf("--resume %s: %w; want the directory of an interrupted training", dir, err)
	}
	defer f.Close()
	c, err := train.ReadCheckpoint(f)
	if err != nil {
		return fmt.Errorf("--resume %s: %w", f.Name(), err)
	}
	spec, given := c.Spec, cmd.Flags().Changed
	spec.Workers = a.workers
	if given("eval-every") {
		spec.EvalEvery = flags.EvalEvery
	}
	if given("batches") || given("epochs") {
		spec.Batches, spec.Epochs = flags.Batches, flags.Epochs
		if !given("epochs") {
			spec.Epochs = 0
		}
	}
	if c.Level != tensor.Level() {
		fmt.Fprintf(a.note(), "note: the checkpoint was computed with %s kernels, this continues with %s: bits will differ\n", c.Level, tensor.Level())
	}
	return a.train(spec, c, look, func() (*store.Run, error) { return store.Open(dir) })
}

// train runs spec, from the checkpoint if there is one, in the directory that open makes once all else is in order.
func (a *app) train(spec train.Spec, from *train.Checkpoint, look bool, open func() (*store.Run, error)) error {
	set, err := openSet(spec.Data)
	if err != nil {
		return err
	}
	if spec.DType == "float64" {
		return trainAs[float64](a, task{spec, from, set, look, open})
	}
	return trainAs[float32](a, task{spec, from, set, look, open})
}

// task is a training to run.
type task struct {
	spec train.Spec
	from *train.Checkpoint // nil: from the start
	set  *data.Set
	look bool // diagnose the trained network
	open func() (*store.Run, error)
}

func trainAs[T tensor.Float](a *app, k task) error {
	rec := &recorder{app: a}
	opts := train.Options{Recorder: rec, Now: time.Now, Stop: func(train.Record) bool { return rec.err != nil }}
	var t *train.Trainer[T]
	var err error
	if k.from != nil {
		t, err = train.Resume[T](k.from, k.spec, k.set, opts)
	} else {
		t, err = train.New[T](k.spec, k.set, opts)
	}
	if err != nil {
		return err
	}
	defer t.Close()
	if rec.run, err = k.open(); err != nil {
		return err
	}
	if err := writeJSON(rec.run, specFile, k.spec); err != nil {
		return failure{err}
	}
	fmt.Fprintln(a.note(), describe(k.spec, t.Total()))
	rec.bar = a.progress("train", float64(t.Total()))
	rec.bar.set(float64(t.Done()), "")
	outcome := t.Run(a.ctx)
	rec.bar.end()
	c, err := conclude(t, rec, outcome)
	if err == nil && c.outcome == nil && k.look {
		c.Diagnosis, err = diagnose(t, k.set, rec.run)
	}
	return a.finish(c, err)
}

// conclusion is how a training ended.
type conclusion struct {
	train.Summary
	Diagnosis *diagnosis `json:"diagnosis,omitempty"`

	dt      float64
	run     *store.Run
	outcome error
}

// conclude writes what a training leaves: model and result, or a checkpoint if it was interrupted.
func conclude[T tensor.Float](t *train.Trainer[T], rec *recorder, outcome error) (conclusion, error) {
	c := conclusion{run: rec.run, outcome: outcome}
	if learn.Steps(t.Spec().Solver) {
		c.dt = t.Spec().DT
	}
	if rec.err != nil {
		return c, rec.err
	}
	var score train.Score
	if c.outcome == nil {
		score, c.outcome = t.Conclude()
	}
	diverged, gone := errors.AsType[*train.DivergedError](c.outcome)
	switch {
	case gone: // the weights are of no use
		c.Summary = t.Summary(nil)
		c.DivergedAt = &diverged.Batch
	case errors.Is(c.outcome, context.Canceled):
		return c, saveCheckpoint(t, rec.run)
	case c.outcome != nil:
		return c, c.outcome
	default:
		if err := saveModel(t, rec, score); err != nil {
			return c, err
		}
		c.Summary = t.Summary(&score)
	}
	c.Run = rec.run.Dir()
	return c, writeJSON(rec.run, resultFile, c.Summary)
}

func saveCheckpoint[T tensor.Float](t *train.Trainer[T], run *store.Run) error {
	return save(run, checkpointFile, func(f *store.File) error { return t.Save(f) })
}

// saveModel writes what a finished training leaves: the model, its score, and a checkpoint from which it can be prolonged.
func saveModel[T tensor.Float](t *train.Trainer[T], rec *recorder, score train.Score) error {
	if err := saveCheckpoint(t, rec.run); err != nil {
		return err
	}
	if err := rec.evalRow(t.Done(), score); err != nil {
		return err
	}
	return save(rec.run, modelFile, func(f *store.File) error { return model.Save(f, t.Network(), t.Meta()) })
}

// finish reports a training's end and turns its outcome into an error.
func (a *app) finish(c conclusion, err error) error {
	dir := c.run.Dir()
	switch {
	case err != nil:
		return failure{err}
	case errors.Is(c.outcome, context.Canceled):
		return interrupted("go on with: settle train --resume " + dir)
	}
	w := a.text()
	if c.DivergedAt == nil {
		fmt.Fprintf(w, "train MSE %s (mean of the last %d batches)  test MSE %s  test accuracy %s\n", show("%.4f", c.TrainMSE),
			min(train.Window, c.Batches), show("%.4f", c.TestMSE), percent(c.TestAccuracy))
	}
	fmt.Fprintf(w, "%d batches in %.1f s  %s samples/s  %s passes a step\n", c.Batches, c.Seconds, show("%.0f", c.SamplesPerSecond), show("%.1f", c.PassesMean))
	if c.Statuses != nil {
		gap := "unknown"
		if c.GapMean != nil {
			gap = "about " + percent(c.GapMean)
		}
		fmt.Fprintf(w, "inference: residual ratio %s, energy gap %s; samples: %s\n", show("%.2g", c.ResidualMean), gap, counts(c.Statuses))
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
	fmt.Fprintf(w, "model and metrics are in %s; next: settle predict --model %s IMAGE\n", dir, filepath.Join(dir, modelFile))
	return nil
}

// save writes one file of a run through write.
func save(run *store.Run, name string, write func(*store.File) error) error {
	f, err := run.Create(name)
	if err != nil {
		return err
	}
	defer f.Discard()
	if err := write(f); err != nil {
		return err
	}
	return f.Close()
}

// describe says in a line what is trained.
func describe(s train.Spec, batches int) string {
	how := s.Rule
	if s.Infers() && s.Rule != "ipc" {
		how += fmt.Sprintf(" (%s, %s)", s.Solver, s.Coords)
	}
	return fmt.Sprintf("training %s with %s: %s %s, %s %g, %d batches of %d", s.Data, how, s.Arch, s.Act, s.Optim, s.LR, batches, s.Batch)
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

// recorder stores metrics and shows progress.
type recorder struct {
	app *app
	run *store.Run
	bar *progress
	err error // first that storing met: the training stops
}

// Batch stores one batch.
func (r *recorder) Batch(b train.Record) {
	inf := b.Stats.Inference
	row := []any{b.Batch, b.MSE, b.Running, b.Passes, b.MACs, b.Seconds, nil, nil}
	if inf.Samples > 0 {
		row[6], row[7] = inf.Residual(), inf.Gap()
	}
	r.keep(r.run.Row("metrics", []string{"batch", "mse", "running_mse", "passes", "macs", "seconds", "residual", "gap"}, row))
	r.bar.set(float64(b.Batch), fmt.Sprintf("MSE %.4f", b.MSE))
}

// Eval stores and shows a test.
func (r *recorder) Eval(batch int, test train.Score) {
	r.keep(r.evalRow(batch, test))
	r.bar.line(fmt.Sprintf("batch %d: test MSE %.4f, accuracy %.2f %%", batch, test.MSE, 100*test.Accuracy))
}

func (r *recorder) evalRow(batch int, test train.Score) error {
	return r.run.Row("tests", []string{"batch", "mse", "accuracy"}, []any{batch, test.MSE, test.Accuracy})
}

func (r *recorder) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}
