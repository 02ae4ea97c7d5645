package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"time"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/train"
)

// session is a training on its way: it stores metrics and checkpoints and shows progress.
type session struct {
	task
	run     *store.Run
	bar     *progress
	log     *slog.Logger
	loggers []logger
	save    func(io.Writer) error // the trainer's
	err     error                 // first that storing met: the training stops

	saved time.Time     // when the last checkpoint was, or the start
	took  time.Duration // the last one
}

// checkpointIfDue stores a checkpoint if it is time for one and its cost stays small.
func (s *session) checkpointIfDue(batch int) error {
	if s.every == 0 || time.Since(s.saved) < max(s.every, checkpointShare*s.took) {
		return nil
	}
	return s.checkpoint(batch)
}

func (s *session) checkpoint(batch int) error {
	start := time.Now()
	for _, l := range s.loggers {
		l.saving()
	}
	if err := s.run.Checkpoint(s.save); err != nil {
		return err
	}
	// One of the old layout would be older than this.
	if err := forget(s.run, oldCheckpoint); err != nil {
		return err
	}
	s.saved = time.Now()
	s.took = s.saved.Sub(start)
	s.log.Info("checkpoint", "batch", batch, "seconds", s.took.Seconds())
	return nil
}

// Batch stores one batch.
func (s *session) Batch(b train.Record) {
	inf := b.Stats.Inference
	row := []any{b.Batch, b.MSE, b.Running, b.Passes, b.MACs, b.Seconds, nil, nil}
	if inf.Samples > 0 {
		row[6], row[7] = inf.Residual(), inf.Gap()
	}
	s.keep(s.row("metrics", []string{"batch", "mse", "running_mse", "passes", "macs", "seconds", "residual", "gap"}, row))
	s.bar.set(float64(b.Batch), fmt.Sprintf("MSE %.4f", b.MSE))
}

// Eval stores and shows a test.
func (s *session) Eval(batch int, test train.Score) {
	s.keep(s.evalRow(batch, test))
	text := fmt.Sprintf("batch %d: test MSE %.4f", batch, test.MSE)
	if !math.IsNaN(test.Accuracy) {
		text += fmt.Sprintf(", accuracy %.2f %%", 100*test.Accuracy)
	}
	s.bar.line(text)
}

func (s *session) evalRow(batch int, test train.Score) error {
	return s.row("tests", []string{"batch", "mse", "accuracy"}, []any{batch, test.MSE, test.Accuracy})
}

// finalRow is evalRow unless the last row is of that batch already.
func (s *session) finalRow(batch int, test train.Score) error {
	t, err := s.run.Table("tests")
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(t.Rows) > 0 && t.Rows[len(t.Rows)-1][0] == float64(batch):
		return nil
	}
	return s.evalRow(batch, test)
}

func (s *session) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}
