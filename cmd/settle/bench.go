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

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure this machine: kernels, inference, training steps",
		Example: "  settle bench kernels\n  settle bench inference\n  settle bench train",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.benchKernels(), a.benchInference(), a.benchTrain())
	return cmd
}

// inferenceFlags are the flags of bench inference.
type inferenceFlags struct {
	archs, acts, states, methods []string
	init                         string
	batch, batches               int
	max                          float64
}

func (a *app) benchInference() *cobra.Command {
	flags := inferenceFlags{archs: []string{"784-128x9-10"}, acts: []string{"linear", "tanh", "relu"}, states: measure.States(),
		methods: measure.Methods(), init: "fanin", batch: 64, batches: 5, max: 300}
	cmd := &cobra.Command{
		Use:   "inference",
		Short: "Passes and time to equilibrium of every inference method",
		Long: `Measures how many passes, multiply-adds and milliseconds inference takes to an energy gap and a residual ratio of
10 %, 1 % and 0.1 %, on MNIST networks new, trained by BP (1,500 batches) and trained by PC (300 batches). The gap is the true
one: the minimum is that of a long run in float64, or lower if any method found it. Figures are medians over batches; passes
include what measuring the curvature costs.`,
		Example: `  settle bench inference
  settle bench inference --archs 784-300x9-10 --acts relu --methods auto,bb,cg
  settle bench inference --archs 784-64x4-10,784-64x19-10,784-64x49-10 --init orthogonal --states new --acts tanh`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.inference(flags) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.archs, "archs", flags.archs, "architectures")
	f.StringSliceVar(&flags.acts, "acts", flags.acts, "activations: "+strings.Join(nn.Activations(), "|"))
	f.StringSliceVar(&flags.states, "states", flags.states, "states of the network: "+strings.Join(measure.States(), "|"))
	f.StringSliceVar(&flags.methods, "methods", flags.methods, "methods: "+strings.Join(measure.Methods(), "|"))
	f.StringVar(&flags.init, "init", flags.init, "initial weights")
	f.IntVar(&flags.batch, "batch", flags.batch, "`samples` in a batch")
	f.IntVar(&flags.batches, "batches", flags.batches, "`number` of batches measured")
	f.Float64Var(&flags.max, "max-passes", flags.max, "give a method up after this `number` of passes")
	return cmd
}

// plan turns the flags into what is measured, or reports the first that is wrong.
func (f inferenceFlags) plan() (measure.Inference, error) {
	q := measure.Inference{Archs: f.archs, Batch: f.batch, Batches: f.batches, Max: f.max, States: f.states, Methods: f.methods, Now: time.Now}
	known := func(flag string, given, words []string) error {
		for _, g := range given {
			if !slices.Contains(words, g) {
				return fmt.Errorf("--%s %q: want some of %s", flag, g, strings.Join(words, ", "))
			}
		}
		return nil
	}
	if err := known("states", f.states, measure.States()); err != nil {
		return q, err
	}
	if err := known("methods", f.methods, measure.Methods()); err != nil {
		return q, err
	}
	for _, s := range f.acts {
		act, err := nn.ParseActivation(s)
		if err != nil {
			return q, fmt.Errorf("--acts: %w", err)
		}
		q.Acts = append(q.Acts, act)
	}
	for _, arch := range f.archs {
		dims, err := nn.ParseDims(arch)
		if err != nil {
			return q, fmt.Errorf("--archs: %w", err)
		}
		if dims[0] != 784 || dims[len(dims)-1] != 10 {
			return q, fmt.Errorf("--archs %s: want 784 inputs and 10 outputs, those of MNIST", arch)
		}
	}
	var err error
	if q.Init, err = nn.ParseInit(f.init); err != nil {
		return q, fmt.Errorf("--init: %w", err)
	}
	if f.batch < 1 || f.batches < 1 || f.batch*f.batches > 10000 {
		return q, fmt.Errorf("--batch %d --batches %d: want 1 or more, together at most the 10,000 test digits", f.batch, f.batches)
	}
	if !(f.max > 0) {
		return q, fmt.Errorf("--max-passes %v: want a number above 0", f.max)
	}
	return q, nil
}

func (a *app) inference(flags inferenceFlags) error {
	q, err := flags.plan()
	if err != nil {
		return err
	}
	run, err := a.outRun("bench")
	if err != nil {
		return err
	}
	q.Workers, q.Seed = a.workers, a.seed
	set, err := openSet("mnist")
	if err != nil {
		return err
	}
	bar := a.progress("bench inference", float64(len(q.Archs)*len(q.Acts)*len(q.States)*len(q.Methods)))
	var cases []measure.InferenceCase
	err = q.Run(a.ctx, set, func(c measure.InferenceCase) {
		cases = append(cases, c)
		bar.set(float64(len(cases)), c.Act+" "+c.State+" "+c.Method)
	})
	bar.end()
	if err != nil {
		return failure{err}
	}
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "network\tstate\tmethod\tpasses to gap 10 %\t1 %\t0.1 %\tms to 1 %\tgradient error at ρ = 0.1\t")
	for _, c := range cases {
		ms, gradient := "–", "–"
		if t := c.Gap["0.01"]; t != nil {
			ms = fmt.Sprintf("%.1f", t.MS)
		}
		if e := c.GradientError["0.1"]; e != nil {
			gradient = fmt.Sprintf("%.1f %%", 100**e)
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Arch, c.Act, c.State, c.Method,
			passes(c.Gap["0.1"]), passes(c.Gap["0.01"]), passes(c.Gap["0.001"]), ms, gradient)
	}
	if err := w.Flush(); err != nil {
		return failure{err}
	}
	return a.deliver(run, "bench.json", map[string]any{"cases": cases})
}

func passes(w *measure.Work) string {
	if w == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", w.Passes)
}
