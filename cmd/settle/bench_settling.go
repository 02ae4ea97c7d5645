package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/measure"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
)

// settlingFlags are the flags of bench settling.
type settlingFlags struct {
	arch, init     string
	acts           []string
	gaps           []float64
	steps          []int
	seeds          []uint
	batch, batches int
	lr             float64
}

func (a *app) benchSettling() *cobra.Command {
	flags := settlingFlags{arch: "784-128x9-10", init: "fanin", acts: []string{"tanh", "relu"},
		gaps: []float64{0.1, 0.03, 0.01, 0.001, 0.0001}, steps: []int{2, 3, 4, 6}, seeds: []uint{0, 1, 2}, batch: 64, batches: 600}
	cmd := &cobra.Command{
		Use:   "settling",
		Short: "How well inference must settle for learning",
		Long: `Trains networks by PC with SGD at its best learning rate, with inference ended at several energy gaps and after fixed numbers of
Barzilai–Borwein steps, and compares the learning curves with that of the smallest gap: which is the loosest setting that still
learns as fast? A curve is the same if no more seeds diverge and every threshold is reached within 5 % of the batches.`,
		Example: `  settle bench settling
  settle bench settling --acts relu --lr 8 --gaps 0.3,0.1,0.01 --steps 1,2 --out loose`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.settling(flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.arch, "arch", flags.arch, "`widths` from input to output")
	f.StringVar(&flags.init, "init", flags.init, "initial weights")
	f.StringSliceVar(&flags.acts, "acts", flags.acts, "activations: "+strings.Join(nn.Activations(), "|"))
	f.Float64SliceVar(&flags.gaps, "gaps", flags.gaps, "energy `gaps` at which inference ends; the smallest is the tight one")
	f.IntSliceVar(&flags.steps, "steps", flags.steps, "fixed `numbers` of steps")
	f.UintSliceVar(&flags.seeds, "seeds", flags.seeds, "`seeds`")
	f.IntVar(&flags.batch, "batch", flags.batch, "`samples` in a batch")
	f.IntVar(&flags.batches, "batches", flags.batches, "`number` of batches")
	f.Float64Var(&flags.lr, "lr", flags.lr, "learning `rate`; 0: the best of each activation")
	return cmd
}

// plan turns the flags into what is measured, or reports the first that is wrong.
func (f settlingFlags) plan() (measure.Settling, error) {
	q := measure.Settling{Arch: f.arch, Gaps: f.gaps, Steps: f.steps, Batch: f.batch, Batches: f.batches, LR: f.lr}
	dims, err := nn.ParseDims(f.arch)
	if err != nil {
		return q, fmt.Errorf("--arch: %w", err)
	}
	if dims[0] != 784 || dims[len(dims)-1] != 10 {
		return q, fmt.Errorf("--arch %s: want 784 inputs and 10 outputs, those of MNIST", f.arch)
	}
	if q.Init, err = nn.ParseInit(f.init); err != nil {
		return q, fmt.Errorf("--init: %w", err)
	}
	for _, s := range f.acts {
		act, err := nn.ParseActivation(s)
		if err != nil {
			return q, fmt.Errorf("--acts: %w", err)
		}
		q.Acts = append(q.Acts, act)
	}
	if len(f.gaps) == 0 || len(f.seeds) == 0 || len(f.acts) == 0 {
		return q, fmt.Errorf("--gaps %v --seeds %v --acts %v: want at least one of each", f.gaps, f.seeds, f.acts)
	}
	for _, g := range f.gaps {
		if !(g > 0 && g < 1) {
			return q, fmt.Errorf("--gaps %v: want numbers between 0 and 1", g)
		}
	}
	for _, n := range f.steps {
		if n < 1 {
			return q, fmt.Errorf("--steps %d: want 1 or more", n)
		}
	}
	for _, s := range f.seeds {
		q.Seeds = append(q.Seeds, uint64(s))
	}
	if f.batch < 1 || f.batch > 60000 {
		return q, fmt.Errorf("--batch %d: want 1 to 60000", f.batch)
	}
	if f.batches < 60 {
		return q, fmt.Errorf("--batches %d: want 60 or more, since curves are means of 50", f.batches)
	}
	if !(f.lr >= 0) {
		return q, fmt.Errorf("--lr %v: want a number above 0, or 0 for the best known", f.lr)
	}
	return q, nil
}

func (a *app) settling(flags settlingFlags) error {
	q, err := flags.plan()
	if err != nil {
		return err
	}
	run, err := a.outRun("bench")
	if err != nil {
		return err
	}
	q.Workers = a.workers
	set, err := openSet("mnist")
	if err != nil {
		return err
	}
	bar, ticks := a.progress("bench settling", float64(len(q.Acts)*(len(q.Gaps)+len(q.Steps))*len(q.Seeds))), 0
	var cases []measure.SettlingCase
	err = q.Run(a.ctx, set, func(what string) {
		ticks++
		bar.set(float64(ticks), what)
	}, func(c measure.SettlingCase) { cases = append(cases, c) })
	bar.end()
	if err != nil {
		return failure{err}
	}
	if err := a.settlingTable(cases); err != nil {
		return failure{err}
	}
	figures := []string{}
	if run != nil {
		if figures, err = drawSettling(run, cases, q.Seeds); err != nil {
			return failure{err}
		}
		fmt.Fprintln(a.text(), "figures:", strings.Join(figures, " "))
	}
	return a.deliver(run, "bench.json", map[string]any{"cases": cases, "figures": figures})
}

// settlingTable prints a line a case, and the settings that keep the tight curve.
func (a *app) settlingTable(cases []measure.SettlingCase) error {
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "network\tinference ends at\tpasses a step\tbatches to MSE 0.05\t0.03\t0.02\tMSE at the end\tdiverged\ttruncated\tagainst the tight curve\t")
	same, faster := map[string][]string{}, map[string][]string{}
	for _, c := range cases {
		verdict, name := "slower", fmt.Sprintf("%s (%.1f passes)", c.Setting, c.Passes)
		switch {
		case c.Same == nil:
			verdict = "undecided"
		case *c.Same:
			verdict = "the same"
			same[c.Act] = append(same[c.Act], name)
		case *c.NoSlower:
			verdict = "faster"
			faster[c.Act] = append(faster[c.Act], name)
		}
		to := func(key string) string { return show("%.0f", c.ToMSE[key]) }
		fmt.Fprintf(w, "%s lr %g\t%s\t%.1f\t%s\t%s\t%s\t%s\t%d\t%.0f %%\t%s\t\n", c.Act, c.LR, c.Setting, c.Passes,
			to("0.05"), to("0.03"), to("0.02"), show("%.4f", c.TrainMSE), c.Diverged, 100*c.Truncated, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range cases {
		if k := same[c.Act]; k != nil {
			line := fmt.Sprintf("%s: the same curve as the tightest with %s", c.Act, strings.Join(k, ", "))
			if f := faster[c.Act]; f != nil {
				line += "; faster with " + strings.Join(f, ", ")
			}
			fmt.Fprintln(a.text(), line)
			delete(same, c.Act)
		}
	}
	return nil
}

// drawSettling stores the curves, one of each seed, and draws them.
func drawSettling(run *store.Run, cases []measure.SettlingCase, seeds []uint64) ([]string, error) {
	points := 0
	for _, c := range cases {
		for k, curve := range c.Curves {
			points += len(curve)
			for i, v := range curve {
				if err := run.Row("settling", []string{"act", "lr", "setting", "seed", "batch", "mse"},
					[]any{c.Act, c.LR, c.Setting, seeds[k], i + 50, v}); err != nil {
					return nil, err
				}
			}
		}
	}
	if points == 0 { // all diverged before a running mean was there
		return []string{}, nil
	}
	return report.Settling(run)
}
