package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/sweep"
	"github.com/settle-pc/settle/train"
)

// sweepFile is the sweep's file, in its directory.
const sweepFile = "sweep.yaml"

// defaultTrials is how many trials a sweep may have without --max: more are rather a mistake in the file.
const defaultTrials = 10000

// sweepFlags are those of the command, beside the common ones.
type sweepFlags struct {
	engine   string
	max      int
	parallel int
	every    time.Duration
	slurm    slurmFlags
	cluster  kubernetesFlags
}

var engines = []string{"local", "slurm", "kubernetes"}

func (a *app) sweepCommand() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep SPEC.yaml|DIR",
		Short: "A grid of trainings: here, as a Slurm job array, or as a Kubernetes job",
		Long: `Runs every training that a file describes: grids, random and Sobol samples, conditional parameters, seeds. Trial i is a
function of the file alone, so that trials can run anywhere, in any order, and again: what is done is not done twice, what
was interrupted goes on from its checkpoint. Give the sweep's directory in place of the file to go on with it.

  base: {arch: 784-128x3-10, batches: 500}              # by the names of train's flags
  grid:
    rule: [bp, pc]
    gap: {values: [0.1, 0.01], when: {rule: pc}}        # not for bp
  sample: {n: 20, ranges: {lr: {log-uniform: [0.0001, 0.1]}}}
  seeds: [0, 1, 2]

Engines: local trains here. slurm writes DIR/slurm.sh and submits it: trials checkpoint and requeue themselves before their
time limit. kubernetes writes an Indexed Job and a Dockerfile. Each puts trial i into DIR/trials/i, where status and collect
find it. A training that diverges is a result.`,
		Example: `  settle sweep docs/examples/sweep.yaml
  settle sweep docs/examples/sweep.yaml --engine slurm --out gaps --sbatch partition=short --sbatch time=1:00:00
  settle sweep docs/examples/sweep.yaml --engine kubernetes --out gaps --image registry/settle --claim runs
  settle sweep runs/20260102-150405-sweep   go on`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuse(cmd, "seed"); err != nil {
				return err
			}
			return a.sweep(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.engine, "engine", "local", strings.Join(engines, "|"))
	flags.IntVar(&f.max, "max", defaultTrials, "the largest `number` of trials to accept")
	flags.IntVar(&f.parallel, "parallel", 0, "`trials` at a time (0: local as many as workers, kubernetes 10, slurm no limit)")
	flags.DurationVar(&f.every, "checkpoint-every", checkpointEvery, "`time` between a trial's checkpoints; 0: one at the end only")
	f.slurm.add(flags)
	f.cluster.add(flags)
	cmd.AddCommand(a.sweepRunCommand(), a.sweepStatusCommand(), a.sweepCollectCommand(), a.sweepCancelCommand(), a.sweepResubmitCommand(), a.sweepSchemaCommand())
	return cmd
}

func (a *app) sweepSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of a sweep's file, for editors",
		Example: "  settle sweep schema",
		Args:    operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := refuse(cmd, "seed", "out"); err != nil {
				return err
			}
			b, err := sweep.Schema()
			if err != nil {
				return failure{err}
			}
			_, err = a.out.Write(b)
			return err
		},
	}
}

// refuse reports flags that were given and mean nothing to the command.
func refuse(cmd *cobra.Command, names ...string) error {
	instead := map[string]string{
		"seed": "a sweep's seeds are in its file", "out": "the directory is an argument", "workers": "nothing is computed here",
		"sbatch": "they are slurm's", "image": "they are kubernetes'", "claim": "they are kubernetes'", "namespace": "they are kubernetes'",
	}
	var faults []error
	for _, n := range names {
		if f := cmd.Flags().Lookup(n); f != nil && f.Changed {
			faults = append(faults, fmt.Errorf("--%s %s: want none: %s", n, f.Value, instead[n]))
		}
	}
	return errors.Join(faults...)
}

// plan is a sweep that is in order.
type sweepPlan struct {
	*sweep.Spec
	source []byte // its file
	trials []train.Spec
	sets   map[string]*data.Set // opened, by name
}

// readSweep reads and checks a sweep and all of its trials, of which there may be most. With a directory it is the one there.
func readSweep(path string, most int) (*sweepPlan, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, sweepFile)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: want a sweep's file or directory", err)
	}
	spec, err := sweep.Parse(path, source)
	if err != nil {
		return nil, err
	}
	p := &sweepPlan{Spec: spec, source: source, sets: map[string]*data.Set{}}
	n := spec.Count()
	if n.Cmp(big.NewInt(int64(most))) > 0 {
		return nil, fmt.Errorf("%s: %s trials: want at most %d, or --max for more", path, thousands(n.String()), most)
	}
	for i := range int(n.Int64()) {
		t, err := spec.Trial(i)
		if err != nil {
			return nil, err
		}
		p.trials = append(p.trials, t)
	}
	return p, nil
}

// thousands puts commas into a whole number.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// fit opens the sets of the trials and checks that they go together.
func (p *sweepPlan) fit() error {
	for i, t := range p.trials {
		if p.sets[t.Data] == nil {
			set, err := openSet(t.Data)
			if err != nil {
				return err
			}
			p.sets[t.Data] = set
		}
		if err := t.Fits(p.sets[t.Data]); err != nil {
			return fmt.Errorf("trial %d (%s): %w", i, sweep.Label(p.Settings(i)), err)
		}
	}
	return nil
}

// dir is that of a trial, below the sweep's.
func (p *sweepPlan) dir(out string, i int) string {
	return filepath.Join(out, filepath.FromSlash(sweep.Dir(i, len(p.trials))))
}

func (a *app) sweep(cmd *cobra.Command, path string, f sweepFlags) error {
	if err := f.validate(cmd); err != nil {
		return err
	}
	p, err := readSweep(path, f.max)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if a.dir != "" && filepath.Clean(a.dir) != filepath.Clean(path) {
			return fmt.Errorf("--out %s: want none with a directory, which is gone on with where it is", a.dir)
		}
		a.dir = path
	}
	if p.Halving != nil && f.engine != "local" {
		return fmt.Errorf("--engine %s: want local for a sweep with halving: which trials go on depends on all others", f.engine)
	}
	if f.engine != "kubernetes" { // where the data is in the cluster
		if err := p.fit(); err != nil {
			return err
		}
	}
	switch f.engine {
	case "slurm":
		return a.sweepSlurm(cmd, p, f)
	case "kubernetes":
		return a.sweepKubernetes(cmd, p, f)
	}
	return a.sweepLocal(p, f)
}

func (f sweepFlags) validate(cmd *cobra.Command) error {
	var faults []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	known := f.engine == "local" || f.engine == "slurm" || f.engine == "kubernetes"
	must(known, "--engine %q: want one of %s", f.engine, strings.Join(engines, ", "))
	must(f.max >= 1, "--max %d: want a number of trials from 1", f.max)
	must(f.parallel >= 0, "--parallel %d: want a number of trials from 1, or 0 for the default", f.parallel)
	must(f.every >= 0, "--checkpoint-every %s: want a time from 0 (at the end only)", f.every)
	if f.engine != "slurm" {
		faults = append(faults, refuse(cmd, "sbatch"))
	}
	if f.engine != "kubernetes" {
		faults = append(faults, refuse(cmd, "image", "claim", "namespace"))
	}
	return errors.Join(faults...)
}

// place makes the sweep's directory, --out or a new one under runs, or opens it to go on with the same sweep.
func (a *app) place(p *sweepPlan) (*store.Run, error) {
	if a.dir != "" {
		stored, err := os.ReadFile(filepath.Join(a.dir, sweepFile))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, blame(fmt.Errorf("--out: %w", err))
		case !bytes.Equal(stored, p.source):
			return nil, fmt.Errorf("--out %s: holds another sweep: want a new directory, or to go on with that one:  settle sweep %s", a.dir, a.dir)
		default:
			return a.goOn()
		}
	}
	return a.runOf("sweep", sweepFile, p.source)
}

// stamp is for a table's columns of times.
func stamp() string { return time.Now().UTC().Format(time.RFC3339) }
