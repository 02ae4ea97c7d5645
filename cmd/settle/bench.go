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
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
)

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure this machine: kernels, inference, training steps",
		Example: "  settle bench kernels\n  settle bench inference\n  settle bench train",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.benchKernels(), a.benchInference(), a.benchTrain(), a.benchSettling())
	return cmd
}

// inferenceFlags are the flags of bench inference.
type inferenceFlags struct {
	archs, acts, states, methods []string
	init                         string
	residual                     bool
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
one: the minimum is that of two long runs in float64, or lower if any method found it; beside it stands the gap to the method's
own lowest energy, for networks with many minima. Figures are medians over batches; passes include what measuring the
curvature costs. With --out, a figure.`,
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
	f.BoolVar(&flags.residual, "residual", flags.residual, "skip connections around hidden layers of equal widths")
	f.IntVar(&flags.batch, "batch", flags.batch, "`samples` in a batch")
	f.IntVar(&flags.batches, "batches", flags.batches, "`number` of batches measured")
	f.Float64Var(&flags.max, "max-passes", flags.max, "give a method up after this `number` of passes")
	return cmd
}

// plan turns the flags into what is measured, or reports the first that is wrong.
func (f inferenceFlags) plan() (measure.Inference, error) {
	q := measure.Inference{Archs: f.archs, Batch: f.batch, Batches: f.batches, Max: f.max, States: f.states, Methods: f.methods, Residual: f.residual, Now: time.Now}
	if len(f.archs) == 0 || len(f.acts) == 0 || len(f.states) == 0 {
		return q, fmt.Errorf("--archs %v --acts %v --states %v: want at least one of each", f.archs, f.acts, f.states)
	}
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
	if !(f.max > 0 && f.max <= 1e6) {
		return q, fmt.Errorf("--max-passes %v: want a number above 0, at most 1e6", f.max)
	}
	return q, nil
}

func (a *app) inference(flags inferenceFlags) error {
	q, err := flags.plan()
	if err != nil {
		return err
	}
	if len(q.Methods) == 0 {
		return fmt.Errorf("--methods %v: want at least one of %s", q.Methods, strings.Join(measure.Methods(), ", "))
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
	networks := len(q.Archs) * len(q.Acts) * len(q.States)
	bar, ticks := a.progress("bench inference", float64(networks*(len(q.Methods)+1))), 0
	var cases []measure.InferenceCase
	err = q.Run(a.ctx, set, func(what string) {
		ticks++
		bar.set(float64(ticks), what)
	}, func(c measure.InferenceCase) { cases = append(cases, c) })
	bar.end()
	if err != nil {
		return failure{err}
	}
	if err := a.inferenceTable(cases); err != nil {
		return failure{err}
	}
	figures := []string{}
	if run != nil {
		if figures, err = drawInference(run, cases); err != nil {
			return failure{err}
		}
		fmt.Fprintln(a.text(), "figures:", strings.Join(figures, " "))
	}
	return a.deliver(run, "bench.json", map[string]any{"cases": cases, "figures": figures})
}

// inferenceTable prints a line a case, and a line a network that sets the default beside gradient descent on activities.
func (a *app) inferenceTable(cases []measure.InferenceCase) error {
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "network\tstate\tmethod\tpasses to gap 10 %\t1 %\t0.1 %\tto 1 % of its own minimum\tto ρ = 0.1\t0.01\t0.001\tms to gap 1 %\tgradient error at ρ = 0.1\t0.01\t")
	for _, c := range cases {
		ms := "–"
		if t := c.Gap["0.01"]; t != nil {
			ms = fmt.Sprintf("%.1f", t.MS)
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Arch, c.Act, c.State, c.Method,
			passes(c.Gap["0.1"]), passes(c.Gap["0.01"]), passes(c.Gap["0.001"]), passes(c.OwnGap["0.01"]),
			passes(c.Residual["0.1"]), passes(c.Residual["0.01"]), passes(c.Residual["0.001"]), ms,
			percent(c.GradientError["0.1"]), percent(c.GradientError["0.01"]))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := 0; i < len(cases); {
		end := i + 1
		for end < len(cases) && cases[end].Arch == cases[i].Arch && cases[end].Act == cases[i].Act && cases[end].State == cases[i].State {
			end++
		}
		if line := againstDescent(cases[i:end]); line != "" {
			fmt.Fprintln(a.text(), line)
		}
		i = end
	}
	return nil
}

// againstDescent says how many passes to a gap of 1 % the default saves on one network against the best fixed step of gradient
// descent on activities, or nothing where one of them was not measured.
func againstDescent(cases []measure.InferenceCase) string {
	var auto *measure.Work
	best, method, most, tried := 0.0, "", 0.0, false
	for _, c := range cases {
		w := c.Gap["0.01"]
		switch {
		case c.Method == "auto":
			auto = w
		case strings.HasPrefix(c.Method, "euler-") && c.Coordinates == "activities":
			tried = true
			if n := len(c.Course); n > 0 && c.Course[n-1].Gap < 1 { // else it diverged
				most = max(most, c.Course[n-1].Passes)
			}
			if w != nil && (method == "" || w.Passes < best) {
				best, method = w.Passes, c.Method
			}
		}
	}
	c := cases[0]
	switch {
	case auto == nil || !tried:
		return ""
	case method == "" && most == 0:
		return fmt.Sprintf("%s %s %s: auto %.1f passes to 1 %%; gradient descent on activities diverges at every fixed step measured",
			c.Arch, c.Act, c.State, auto.Passes)
	case method == "":
		return fmt.Sprintf("%s %s %s: auto %.1f passes to 1 %%; gradient descent on activities does not get there in %.0f: more than %.0f times as many",
			c.Arch, c.Act, c.State, auto.Passes, most, most/auto.Passes)
	}
	return fmt.Sprintf("%s %s %s: auto %.1f passes to 1 %%; gradient descent on activities at its best fixed step (%s) %.0f: %.0f times as many",
		c.Arch, c.Act, c.State, auto.Passes, method, best, best/auto.Passes)
}

// drawInference stores the courses and draws them.
func drawInference(run *store.Run, cases []measure.InferenceCase) ([]string, error) {
	for _, c := range cases {
		for _, p := range c.Course {
			if err := run.Row("inference", []string{"network", "method", "passes", "gap", "residual"},
				[]any{c.Arch + " " + c.Act + ", " + c.State, c.Method, p.Passes, p.Gap, p.Residual}); err != nil {
				return nil, err
			}
		}
	}
	return report.Inference(run)
}

func passes(w *measure.Work) string {
	if w == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", w.Passes)
}
