package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/measure"
	"github.com/settle-pc/settle/nn"
)

// stepFlags are the flags of bench train.
type stepFlags struct {
	archs, acts, states, optims []string
	init                        string
	batch, steps                int
	tol, gap                    float64
	alone                       bool
}

func (a *app) benchTrain() *cobra.Command {
	flags := stepFlags{archs: []string{"784-128x9-10", "784-300x9-10", "784-300-300-10"}, acts: []string{"linear", "tanh", "relu"},
		states: measure.States(), optims: []string{"sgd"}, init: "fanin", batch: 64, steps: 31,
		tol: 1e-3, gap: 0.01}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Time of a PC step against a BP step",
		Long: `Measures what a step of training costs by backpropagation and by predictive coding at its equilibrium (a residual ratio of
--tol or an energy gap of --gap), on MNIST networks new, trained by BP and trained by PC, with one worker, two, four and so on
up to --workers. The rules take turns, or with --alone follow each other; times are medians.`,
		Example: `  settle bench train
  settle bench train --archs 784-300x9-10 --acts tanh --states new --optims sgd,adam --workers 1
  settle bench train --tol 0.0024 --gap 0`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.steps(flags) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.archs, "archs", flags.archs, "architectures")
	f.StringSliceVar(&flags.acts, "acts", flags.acts, "activations: "+strings.Join(nn.Activations(), "|"))
	f.StringSliceVar(&flags.states, "states", flags.states, "states of the network: "+strings.Join(measure.States(), "|"))
	f.StringSliceVar(&flags.optims, "optims", flags.optims, "optimisers: "+strings.Join(measure.Optimisers(), "|"))
	f.StringVar(&flags.init, "init", flags.init, "initial weights")
	f.IntVar(&flags.batch, "batch", flags.batch, "`samples` in a batch")
	f.IntVar(&flags.steps, "steps", flags.steps, "`number` of steps timed")
	f.Float64Var(&flags.tol, "tol", flags.tol, "residual `ratio` at which a sample's inference stops")
	f.Float64Var(&flags.gap, "gap", flags.gap, "estimated energy `gap` at which inference stops; 0: never")
	f.BoolVar(&flags.alone, "alone", flags.alone, "measure one rule after the other: neither drives the other out of the caches")
	return cmd
}

// plan turns the flags into what is measured, or reports the first that is wrong. What bench inference has too is checked there.
func (f stepFlags) plan(workers int) (measure.Training, error) {
	q := measure.Training{Archs: f.archs, States: f.states, Optims: f.optims, Batch: f.batch, Steps: f.steps,
		Tol: f.tol, Gap: f.gap, Alone: f.alone, Now: time.Now}
	common, err := inferenceFlags{archs: f.archs, acts: f.acts, states: f.states, init: f.init, batch: f.batch, batches: 1, max: 1}.plan()
	if err != nil {
		return q, err
	}
	q.Acts, q.Init = common.Acts, common.Init
	for _, o := range f.optims {
		if !slices.Contains(measure.Optimisers(), o) {
			return q, fmt.Errorf("--optims %q: want some of %s", o, strings.Join(measure.Optimisers(), ", "))
		}
	}
	if f.batch > 10000 {
		return q, fmt.Errorf("--batch %d: want 1 to 10000", f.batch)
	}
	if f.steps < 1 {
		return q, fmt.Errorf("--steps %d: want 1 or more", f.steps)
	}
	if !(f.tol > 0 && f.tol < 1) {
		return q, fmt.Errorf("--tol %g: want more than 0, less than 1", f.tol)
	}
	if !(f.gap >= 0 && f.gap < 1) {
		return q, fmt.Errorf("--gap %g: want 0 or more, less than 1", f.gap)
	}
	for n := 1; n < workers; n *= 2 {
		q.Workers = append(q.Workers, n)
	}
	q.Workers = append(q.Workers, workers)
	return q, nil
}

func (a *app) steps(flags stepFlags) error {
	q, err := flags.plan(a.workers)
	if err != nil {
		return err
	}
	run, err := a.outRun("bench")
	if err != nil {
		return err
	}
	q.Seed = a.seed
	set, err := openSet("mnist")
	if err != nil {
		return err
	}
	bar := a.progress("bench train", float64(len(q.Archs)*len(q.Acts)*len(q.States)*len(q.Optims)*len(q.Workers)))
	var cases []measure.TrainCase
	err = q.Run(a.ctx, set, func(bp, pc measure.TrainCase) {
		cases = append(cases, bp, pc)
		bar.set(float64(len(cases)/2), bp.Arch+" "+bp.Act+" "+bp.State)
	})
	bar.end()
	if err != nil {
		return failure{err}
	}
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "network\tstate\toptimiser\tworkers\tBP ms\tPC ms\tPC/BP\tpasses\tgap\t")
	for i := 0; i < len(cases); i += 2 {
		bp, pc := cases[i], cases[i+1]
		gap := "–"
		if pc.Gap != nil {
			gap = fmt.Sprintf("%.2f %%", 100**pc.Gap)
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%d\t%.2f\t%.2f\t%.1f\t%.1f\t%s\t\n", bp.Arch, bp.Act, bp.State, bp.Optim, bp.Workers,
			bp.MS, pc.MS, pc.MS/bp.MS, pc.Passes, gap)
	}
	if err := w.Flush(); err != nil {
		return failure{err}
	}
	return a.deliver(run, "bench.json", map[string]any{"cases": cases})
}
