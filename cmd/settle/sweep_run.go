package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/sweep"
)

func (a *app) sweepRunCommand() *cobra.Command {
	trial, every := -1, checkpointEvery
	cmd := &cobra.Command{
		Use:   "run SPEC.yaml|DIR --trial I",
		Short: "Train one trial of a sweep: what the schedulers call",
		Long: `Trains trial I, from 0, in DIR/trials. A trial that is done is not done again, one that was begun goes on from its
checkpoint. SIGTERM, and SIGUSR1 where there is such a signal, make it checkpoint and exit with 130: run again, it goes on.`,
		Example: `  settle sweep run gaps --trial 17
  settle sweep run docs/examples/sweep.yaml --trial 17 --out gaps`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuse(cmd, "seed"); err != nil {
				return err
			}
			if every < 0 {
				return fmt.Errorf("--checkpoint-every %s: want a time from 0 (at the end only)", every)
			}
			return a.sweepRun(args[0], trial, trainOptions{every: every, calm: true})
		},
	}
	cmd.Flags().IntVar(&trial, "trial", -1, "`number` of the trial, from 0")
	cmd.Flags().DurationVar(&every, "checkpoint-every", every, "`time` between checkpoints; 0: one at the end only")
	return cmd
}

func (a *app) sweepRun(path string, trial int, opts trainOptions) error {
	p, err := readSweep(path, math.MaxInt32)
	if err != nil {
		return err
	}
	n := len(p.trials)
	if trial < 0 || trial >= n {
		return fmt.Errorf("--trial %d: want a number from 0 to %d", trial, n-1)
	}
	if p.Halving != nil {
		return fmt.Errorf("%s: has halving, which decides about all trials together: want  settle sweep %s", path, path)
	}
	out := a.dir
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		out = path
		if a.dir != "" && filepath.Clean(a.dir) != filepath.Clean(path) {
			return fmt.Errorf("--out %s: want none with the sweep's directory", a.dir)
		}
	}
	if out == "" {
		return errors.New("--out: want the sweep's directory, or that in place of the file")
	}
	if err := a.join(out, p); err != nil {
		return err
	}
	ctx := a.ctx
	if len(checkpointSignals) > 0 {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, checkpointSignals...)
		defer stop()
	}
	fmt.Fprintf(a.note(), "trial %d of %d: %s\n", trial, n, sweep.Label(p.Settings(trial)))
	spec := p.trials[trial]
	spec.Workers = a.workers
	result, err := a.trainTo(ctx, p.dir(out, trial), spec, opts)
	switch {
	case errors.Is(err, context.Canceled):
		return interrupted("the same command goes on")
	case err != nil:
		return err
	}
	row := trialRow{Trial: trial, State: stateOf(result), Settings: settingsMap(p, trial), Summary: result}
	fmt.Fprintf(a.text(), "trial %d: %s\n", trial, row.line())
	return a.deliver(nil, "", row)
}

// joinWait is how long a trial waits for another that is making the sweep's directory.
const joinWait = 10 * time.Second

// join makes the sweep's directory, or checks that it is this sweep's. Many trials may do so at once.
func (a *app) join(out string, p *sweepPlan) error {
	same := func() (bool, error) {
		stored, err := os.ReadFile(filepath.Join(out, sweepFile))
		if err == nil && !bytes.Equal(stored, p.source) {
			return true, fmt.Errorf("--out %s: holds another sweep: want a new directory", out)
		}
		return err == nil, nil
	}
	if there, err := same(); there {
		return err
	}
	run, failed := store.Create(out)
	if failed == nil {
		if err := errors.Join(run.WriteFile(sweepFile, p.source), run.Close()); err != nil {
			return failure{err}
		}
		return nil
	}
	for end := time.Now().Add(joinWait); time.Now().Before(end); time.Sleep(joinWait / 100) {
		if there, err := same(); there {
			return err
		}
		if _, err := store.Open(out); err != nil || a.ctx.Err() != nil {
			break // nobody is at it
		}
	}
	failed = fmt.Errorf("--out: %w", failed)
	if store.Busy(out) { // somebody is, and slow
		return failure{failed}
	}
	return blame(failed)
}
