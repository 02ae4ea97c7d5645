package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/store"
)

// Exit codes of the command contract.
const (
	exitDone        = 0
	exitFailed      = 1   // the work failed
	exitRefused     = 2   // the request was wrong
	exitInterrupted = 130 // stopped by a signal, state saved
)

// failure marks an error of the work, not of the request.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// app is one invocation: the common flags and where output goes.
type app struct {
	ctx         context.Context
	out, err    io.Writer
	dir         string
	seed        uint64
	json, quiet bool
	config      string
	workers     int
}

// run executes the command line and returns the exit code. A first interrupt ends the context; a second one kills.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	a := &app{ctx: ctx, out: stdout, err: stderr}
	root := a.command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "settle:", err)
	var f failure
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &f):
		return exitFailed
	}
	return exitRefused
}

// command builds the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "settle",
		Short: "Predictive coding at its inference equilibrium, fast, and checked",
		Long: `settle trains predictive-coding (PC) networks at their inference equilibrium, compares them with
backpropagation (BP), and checks itself against reference vectors. MNIST is built in.`,
		Example: `  settle compare                         PC against BP on MNIST: curves and a table, in a few minutes
  settle train --rule pc --batches 300   train one network
  settle predict --model runs/…/model.safetensors digit.png
  settle verify reference.json           check this build`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.applyConfig(cmd); err != nil {
				return err
			}
			if a.workers < 1 {
				return fmt.Errorf("--workers %d: want 1 or more", a.workers)
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see settle %s --help)", err, cmd.Name())
	})
	f := root.PersistentFlags()
	f.StringVar(&a.dir, "out", "", "run `directory` for everything the command writes (default runs/DATE-TIME-COMMAND)")
	f.Uint64Var(&a.seed, "seed", 0, "`seed` of initial weights and order of batches")
	f.BoolVar(&a.json, "json", false, "print one JSON object on stdout at the end, everything else on stderr")
	f.BoolVar(&a.quiet, "quiet", false, "print results and errors only")
	f.StringVar(&a.config, "config", "", "YAML `file` with values for flags, by their names; flags win")
	f.IntVar(&a.workers, "workers", runtime.NumCPU(), "workers; results do not depend on their `number`")
	root.AddCommand(a.trainCommand(), a.compareCommand(), a.predictCommand(), a.verifyCommand(), a.dataCommand())
	return root
}

// text is where results for people go: stdout, or stderr beside a JSON object.
func (a *app) text() io.Writer {
	switch {
	case !a.json:
		return a.out
	case a.quiet:
		return io.Discard
	}
	return a.err
}

// note is where remarks along the way go.
func (a *app) note() io.Writer {
	if a.quiet {
		return io.Discard
	}
	return a.err
}

// printJSON prints v as the one object on stdout, if asked to.
func (a *app) printJSON(v any) error {
	if !a.json {
		return nil
	}
	return json.NewEncoder(a.out).Encode(v)
}

// run makes the command's run directory: --out, or a new one under runs.
func (a *app) run(command string) (*store.Run, error) {
	if a.dir != "" {
		r, err := store.Create(a.dir)
		if err != nil {
			return nil, fmt.Errorf("--out: %w", err)
		}
		return r, nil
	}
	return store.CreateDefault("runs", command, time.Now())
}

// keepJSON writes v to NAME in --out, if a directory was asked for.
func (a *app) keepJSON(command, name string, v any) error {
	if a.dir == "" {
		return nil
	}
	r, err := a.run(command)
	if err != nil {
		return err
	}
	return writeJSON(r, name, v)
}

func writeJSON(r *store.Run, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return r.WriteFile(name, append(b, '\n'))
}
