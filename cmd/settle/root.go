package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/train"
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

// blame marks an error of opening a run directory as a failure unless the request names a directory that it may not have:
// one that holds something else, is no folder, or must not be written to. A directory in use and a full disk will be better
// another time.
func blame(err error) error {
	_, system := errors.AsType[syscall.Errno](err)
	named := errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if errors.Is(err, store.ErrLocked) || system && !named {
		return failure{err}
	}
	return err
}

// interrupted is the error after a signal: how to go on.
type interrupted string

func (how interrupted) Error() string { return "interrupted; " + string(how) }

// Unwrap makes it one of a context that was cancelled.
func (interrupted) Unwrap() error { return context.Canceled }

// app is one invocation: the common flags and where output goes.
type app struct {
	ctx         context.Context
	args        []string
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
	a := &app{ctx: ctx, args: args, out: stdout, err: stderr}
	root := a.command()
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := execute(ctx, root, args)
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

// execute runs the command that the arguments name.
func execute(ctx context.Context, root *cobra.Command, args []string) error {
	root.SetArgs(args)
	if _, _, err := root.Find(args); err != nil {
		return fmt.Errorf("%w: want one of %s", err, subcommands(root))
	}
	return root.ExecuteContext(ctx)
}

// subcommands lists the names of the commands under cmd.
func subcommands(cmd *cobra.Command) string {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}

// operands accepts from least to most arguments, of which cmd.Use says what they are.
func operands(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("arguments %q: want %s", args, cmd.UseLine())
		}
		return nil
	}
}

// command builds the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "settle",
		Short: "Predictive coding at its inference equilibrium, fast, and checked",
		Long: `settle trains predictive-coding (PC) networks at their inference equilibrium, compares them with
backpropagation (BP), reproduces the post that the comparison is about, and checks itself. MNIST is built in.`,
		Example: `  settle reproduce --quick               every figure and claim of the post, judged, within a minute
  settle compare --preview               PC against BP on MNIST: curves and a table
  settle train --rule pc --batches 300   train one network
  settle predict --model runs/…/model.safetensors digit.png
  settle verify measure/testdata/reference.json   check this build`,
		SilenceUsage:  true,
		SilenceErrors: true,
		// All commands are named instead.
		DisableSuggestions: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.applyConfig(cmd); err != nil {
				return err
			}
			if a.workers < 1 || a.workers > train.MostWorkers {
				return fmt.Errorf("--workers %d: want a number from 1 to %d", a.workers, train.MostWorkers)
			}
			// A script's variable that is not set must not stand for the default.
			for _, name := range []string{"out", "config", "resume", "tensorboard", "mlflow"} {
				if f := cmd.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
					return fmt.Errorf("--%s \"\": want a name", name)
				}
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", flagError(err), cmd.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&a.dir, "out", "", "run `directory` for everything the command writes (default runs/DATE-TIME-COMMAND)")
	f.Uint64Var(&a.seed, "seed", 0, "`seed` of initial weights and order of batches")
	f.BoolVar(&a.json, "json", false, "print one JSON object on stdout at the end, everything else on stderr")
	f.BoolVar(&a.quiet, "quiet", false, "print results and errors only")
	f.StringVar(&a.config, "config", "", "YAML `file` with values for flags, by their names, or a preset ("+strings.Join(presetNames(), ", ")+"); flags win")
	f.IntVar(&a.workers, "workers", min(runtime.GOMAXPROCS(0), train.MostWorkers), "workers; results do not depend on their `number`")
	root.AddCommand(a.reproduceCommand(), a.trainCommand(), a.compareCommand(), a.predictCommand(), a.generateCommand(), a.verifyCommand(), a.toyCommand(), a.theoryCommand(), a.benchCommand(), a.dataCommand(),
		a.runsCommand(), a.sweepCommand(), a.exploreCommand())
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

// run makes the command's run directory, --out or a new one under runs, and notes there what it runs on.
func (a *app) run(command string) (*store.Run, error) {
	var r *store.Run
	var err error
	if a.dir == "" {
		r, err = store.CreateDefault(runsDir, command, time.Now())
	} else if r, err = store.Create(a.dir); err != nil {
		err = fmt.Errorf("--out: %w", err)
	}
	if err != nil {
		return nil, blame(err)
	}
	if err := writeJSON(r, environmentFile, a.environment(command)); err != nil {
		return nil, failure{errors.Join(err, r.Close())}
	}
	return r, nil
}

// runOf is run with a file in it that says what the run is of.
func (a *app) runOf(command, file string, content []byte) (*store.Run, error) {
	r, err := a.run(command)
	if err != nil {
		return nil, err
	}
	if err := r.WriteFile(file, content); err != nil {
		return nil, failure{errors.Join(err, r.Close())}
	}
	return r, nil
}

// goOn opens the run directory --out to go on with what was begun there.
func (a *app) goOn() (*store.Run, error) {
	r, err := store.Continue(a.dir)
	if err != nil {
		return nil, blame(fmt.Errorf("--out: %w", err))
	}
	return r, nil
}

// outRun makes the run directory of --out, nil where none was asked for: for commands whose result is printed.
func (a *app) outRun(command string) (*store.Run, error) {
	if a.dir == "" {
		return nil, nil
	}
	return a.run(command)
}

// deliver writes the result v as NAME to r, if there is a run directory, and to stdout with --json.
func (a *app) deliver(r *store.Run, name string, v any) error {
	if r != nil {
		if err := writeJSON(r, name, v); err != nil {
			return failure{err}
		}
	}
	if err := a.printJSON(v); err != nil {
		return failure{err}
	}
	return nil
}

func writeJSON(r *store.Run, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return r.WriteFile(name, append(b, '\n'))
}
