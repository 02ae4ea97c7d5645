package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// Files of a training's run directory.
const (
	specFile   = "spec.json"
	resultFile = "result.json"
	modelFile  = "model.safetensors"
	// oldCheckpoint is where the only checkpoint was before runs kept several.
	oldCheckpoint = "checkpoint.safetensors"
)

// checkpointEvery is the default time between checkpoints.
const checkpointEvery = 30 * time.Second

// checkpointShare bounds what checkpoints may cost: after one that took a second, at least so many seconds are trained.
const checkpointShare = 50

// trainOptions are what a training does beside computing: none of them changes a number.
type trainOptions struct {
	every time.Duration // between checkpoints; 0: one at the end only
	look  bool          // diagnose the trained network
	calm  bool          // no bar and no remarks: it is one of many
	set   *data.Set     // nil: the one that the spec names is opened
	logs  logFlags      // programs that it is passed on to
}

// task is a training to run.
type task struct {
	trainOptions
	spec train.Spec
	from *train.Checkpoint          // nil: from the start
	open func() (*store.Run, error) // its directory, called once all else is in order
}

// conclusion is how a training ended.
type conclusion struct {
	train.Summary
	Diagnosis *diagnosis `json:"diagnosis,omitempty"`

	dt      float64
	pixels  string // their normalisation
	run     *store.Run
	outcome error // nil, a *train.DivergedError, or the context's
}

// trainTo trains spec in dir: a pure, idempotent function of both. What is finished there is read, what was begun goes
// on from its last checkpoint, also with more batches than were asked for then, and nothing is computed twice. A training
// that diverges is a result, in which DivergedAt says so.
func (a *app) trainTo(ctx context.Context, dir string, spec train.Spec, opts trainOptions) (train.Summary, error) {
	if done, was, ok := stored(dir); ok && spec.GoesOnFrom(was) && (done.DivergedAt != nil || was.Batches == spec.Batches && was.Epochs == spec.Epochs) {
		return done, nil
	}
	k := task{open: func() (*store.Run, error) {
		run, err := store.Create(dir)
		return run, blame(err)
	}}
	run, err := store.Continue(dir)
	switch {
	case err == nil:
		defer run.Close()
		if k, err = a.begun(run); errors.Is(err, fs.ErrNotExist) { // killed before its first file
			k, err = task{open: func() (*store.Run, error) { return run, nil }}, nil
		} else if err == nil && !spec.GoesOnFrom(k.spec) {
			err = fmt.Errorf("%s: holds another training: want a new directory, or that training's settings", dir)
		}
	case errors.Is(err, store.ErrLocked):
	default:
		if _, gone := os.Stat(filepath.Join(dir, specFile)); gone != nil {
			err = nil // not begun
		}
	}
	if err != nil {
		return train.Summary{}, blame(err)
	}
	k.spec, k.trainOptions = spec, opts
	c, err := a.train(ctx, k)
	switch {
	case err != nil:
		return c.Summary, err
	case c.DivergedAt != nil:
		return c.Summary, nil
	}
	return c.Summary, c.outcome
}

// stored returns the result of the training in dir, with its spec, if it has one.
func stored(dir string) (train.Summary, train.Spec, bool) {
	var result train.Summary
	spec := train.Defaults() // settings that an older settle did not have
	for name, into := range map[string]any{resultFile: &result, specFile: &spec} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || json.Unmarshal(text, into) != nil {
			return train.Summary{}, train.Spec{}, false
		}
	}
	return result, spec, true
}

// begun is the training that was begun in run, to go on with from the newest checkpoint that is whole.
func (a *app) begun(run *store.Run) (task, error) {
	dir := run.Dir()
	k := task{spec: train.Defaults()} // settings that an older settle did not have
	text, err := os.ReadFile(filepath.Join(dir, specFile))
	if err != nil {
		return k, fmt.Errorf("%w; want the directory of a training", err)
	}
	if err := json.Unmarshal(text, &k.spec); err != nil || k.spec.Arch == "" {
		return k, fmt.Errorf("%s holds another command's run: want the directory of a training", specFile)
	}
	if result, _, ok := stored(dir); ok && result.DivergedAt != nil {
		return k, fmt.Errorf("diverged at batch %d: want a training that was interrupted or finished", *result.DivergedAt)
	}
	whole, damaged := run.Checkpoints()
	for _, d := range damaged {
		fmt.Fprintf(a.note(), "note: %v: passed over\n", d)
	}
	at, path := store.Checkpoint{}, ""
	switch old := filepath.Join(dir, oldCheckpoint); {
	case len(whole) > 0:
		at, path = whole[0], whole[0].Path
	case len(damaged) == 0:
		if _, err := os.Stat(old); err == nil {
			path = old
		}
	}
	if path != "" {
		if k.from, err = readCheckpoint(path); err != nil {
			return k, err
		}
		k.spec = k.from.Spec
		if k.from.Level != tensor.Level() {
			fmt.Fprintf(a.note(), "note: the checkpoint was computed with %s kernels, this continues with %s: bits will differ\n", k.from.Level, tensor.Level())
		}
	}
	k.open = func() (*store.Run, error) {
		if k.from == nil {
			fmt.Fprintf(a.note(), "note: no checkpoint in %s can be gone on from: starting at batch 0\n", dir)
		}
		// From here on the run is unfinished again.
		if err := forget(run, resultFile); err != nil {
			return nil, failure{err}
		}
		if k.from != nil && at.Path == "" {
			return run, nil // the old layout: it was interrupted between two batches, its tables end there
		}
		if err := run.Rewind(at); err != nil {
			return nil, failure{err}
		}
		return run, nil
	}
	return k, nil
}

func readCheckpoint(path string) (*train.Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := train.ReadCheckpoint(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// train runs a task. The error is of the request or a failure; how the training itself ended is in the conclusion.
func (a *app) train(ctx context.Context, k task) (conclusion, error) {
	set := k.set
	if set == nil {
		var err error
		if set, err = openSet(k.spec.Data); err != nil {
			return conclusion{}, err
		}
	}
	if k.spec.DType == "float64" {
		return trainAs[float64](ctx, a, k, set)
	}
	return trainAs[float32](ctx, a, k, set)
}

func trainAs[T tensor.Float](ctx context.Context, a *app, k task, set *data.Set) (conclusion, error) {
	var t *train.Trainer[T]
	s := &session{task: k, save: func(w io.Writer) error { return t.Save(w) }}
	opts := train.Options{Recorder: s, Now: time.Now, Stop: func(r train.Record) bool {
		if s.err == nil && r.Batch < t.Total() {
			s.keep(s.checkpointIfDue(r.Batch))
		}
		return s.err != nil
	}}
	var err error
	if k.from != nil {
		t, err = train.Resume[T](k.from, k.spec, set, opts)
	} else {
		t, err = train.New[T](k.spec, set, opts)
	}
	if err != nil {
		return conclusion{}, err
	}
	defer t.Close()
	if err := k.logs.check(); err != nil {
		return conclusion{}, err
	}
	if s.run, err = k.open(); err != nil {
		return conclusion{}, err
	}
	defer s.run.Close()
	s.log = slog.New(slog.NewJSONHandler(s.run.Log(), nil))
	if err := writeJSON(s.run, specFile, k.spec); err != nil {
		return conclusion{}, failure{err}
	}
	s.log.Info("begins", "batch", t.Done(), "of", t.Total(), "kernels", tensor.Level(), "workers", k.spec.Workers, "version", version())
	s.bar = silent()
	if !k.calm {
		fmt.Fprintln(a.note(), describe(k.spec, t.Total()))
		s.bar = a.progress("train", float64(t.Total()))
	}
	s.bar.set(float64(t.Done()), "")
	s.startLoggers(t.Done())
	s.saved = time.Now()
	outcome := t.Run(ctx)
	s.bar.end()
	c, err := conclude(t, s, outcome)
	for _, l := range s.loggers {
		l.end(c, err)
	}
	if err != nil {
		s.log.Error("failed", "error", err.Error())
		return c, failure{err}
	}
	s.log.Info("ends", "batch", t.Done(), "outcome", fmt.Sprint(c.outcome))
	return c, nil
}

// conclude writes what a training leaves: model and result, or a checkpoint if it was interrupted. The final test comes
// after the final checkpoint, so that one that is prolonged from there does not have it, unless it is one of those on the way.
func conclude[T tensor.Float](t *train.Trainer[T], s *session, outcome error) (conclusion, error) {
	c := conclusion{run: s.run, outcome: outcome, pixels: t.Spec().Normalize}
	if learn.Steps(t.Spec().Solver) {
		c.dt = t.Spec().DT
	}
	if s.err != nil {
		return c, s.err
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
		return c, s.checkpoint(t.Done())
	case c.outcome != nil:
		return c, c.outcome
	default:
		steps := []func() error{func() error { return s.checkpoint(t.Done()) }, func() error { return s.finalRow(t.Done(), score) }}
		if e := t.Spec().EvalEvery; e > 0 && t.Done()%e == 0 {
			slices.Reverse(steps)
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return c, err
			}
		}
		if err := save(s.run, modelFile, func(f *store.File) error { return model.SaveBoth(f, t.Network(), t.Second(), t.Meta()) }); err != nil {
			return c, err
		}
		if s.look {
			var err error
			if c.Diagnosis, err = diagnose(t, s.run); err != nil {
				return c, err
			}
		}
		c.Summary = t.Summary(&score)
	}
	c.Run = s.run.Dir()
	return c, writeJSON(s.run, resultFile, c)
}

// forget removes a file of a run, if it has it.
func forget(run *store.Run, name string) error {
	if err := os.Remove(filepath.Join(run.Dir(), name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
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
