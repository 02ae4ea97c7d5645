package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/train"
)

// compareFlags are the flags of compare beside the network's.
type compareFlags struct {
	rules, acts []string
	rates       []float64
	seeds       []uint
	thresholds  []float64
	preview     bool
}

func (a *app) compareCommand() *cobra.Command {
	plan := experiment.Fair()
	flags := compareFlags{rules: plan.Rules, acts: plan.Acts}
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Predictive coding against backpropagation: curves and batches to a training error",
		Long: `Trains the same network from the same initial weights on the same batches with several learning rules and
activations, each at its best learning rate, and reports batches, passes and seconds until the running training error
(mean over the last 50 batches) reaches each threshold. A cell, one training, stops at its lowest threshold, at
divergence, or after --batches batches.

Learning rates are powers of two, more of them until the best has two worse ones on both sides (at most three more on a
side), then ×√2 around it; they are chosen for each threshold on the seeds 100 to 102, and --seeds are reported.
--preview is a comparison of a minute that is not fair, and says why; --lrs gives the learning rates.
Interrupted or killed, the same command with --out DIRECTORY goes on where it was.`,
		Example: `  settle compare
  settle compare --preview
  settle compare --acts relu --arch 784-300x9-10 --batches 3000
  settle compare --arch 784-300-300-10 --acts tanh --optim adam --thresholds 0.03,0.02
  settle compare --acts relu --lrs 0.25,0.5,1,2,4,8 --seeds 0,1,2 --batches 2000`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.plan(cmd, &plan, flags); err != nil {
				return err
			}
			return a.compare(plan)
		},
	}
	f := cmd.Flags()
	networkFlags(f, &plan.Base)
	f.StringSliceVar(&flags.rules, "rules", flags.rules, "learning rules")
	f.StringSliceVar(&flags.acts, "acts", flags.acts, "activations")
	f.Float64SliceVar(&flags.rates, "lrs", nil, "learning `rates`, of every rule, instead of a search")
	f.UintSliceVar(&flags.seeds, "seeds", nil, "`seeds` that are reported (default 0 to 4; with --lrs or --preview the one of --seed)")
	f.Float64SliceVar(&flags.thresholds, "thresholds", nil, "training `errors` (MSE) to reach, for every activation (default 0.05, 0.03, 0.02; linear 0.05, 0.042)")
	f.BoolVar(&flags.preview, "preview", false, "the short comparison: refuses --lrs and --seeds")
	hideEmpty(f, "lrs", "seeds", "thresholds")
	return cmd
}

// plan completes the comparison from the flags.
func (a *app) plan(cmd *cobra.Command, c *experiment.Compare, flags compareFlags) error {
	given := cmd.Flags().Changed
	if flags.preview && (given("lrs") || given("seeds")) {
		return errors.New("--preview: want it without --lrs and --seeds, which it chooses")
	}
	if flags.preview {
		if given("optim") && c.Base.Optim != "sgd" {
			return fmt.Errorf("--optim %s: want none with --preview, whose learning rates are for sgd", c.Base.Optim)
		}
		base := c.Base
		*c = experiment.Preview()
		if !given("batches") {
			base.Batches = c.Base.Batches
		}
		c.Base = base
	}
	a.settleSpec(cmd, &c.Base)
	c.Base.Workers = 1 // of a cell; and a comparison that goes on may do so with another number of them
	c.Rules, c.Acts = flags.rules, flags.acts
	if flags.preview || given("lrs") {
		c.Seeds = []uint64{a.seed}
	}
	if given("seeds") {
		c.Seeds = nil
		for _, s := range flags.seeds {
			c.Seeds = append(c.Seeds, uint64(s))
		}
	}
	if given("lrs") {
		c.SetRates(slices.Sorted(slices.Values(flags.rates)))
	} else if !flags.preview {
		c.Search.Grids = map[string]experiment.Grid{}
		c.SetGrids()
	}
	for _, act := range c.Acts {
		if given("thresholds") {
			t := slices.Compact(slices.Sorted(slices.Values(flags.thresholds)))
			slices.Reverse(t)
			c.Thresholds[act] = t
		} else if c.Thresholds[act] == nil {
			c.Thresholds[act] = c.Thresholds["relu"]
		}
	}
	return c.Validate()
}

// compareResult is the object that --json prints.
type compareResult struct {
	experiment.Comparison
	Figures []string `json:"figures"`
	Run     string   `json:"run"`
}

func (a *app) compare(plan experiment.Compare) error {
	set, err := openSet(plan.Base.Data)
	if err != nil {
		return err
	}
	for _, rule := range plan.Rules {
		s := plan.Base
		s.Rule = rule
		if err := s.Fits(set); err != nil {
			return err
		}
	}
	run, err := a.openCompare(plan)
	if err != nil {
		return err
	}
	bar := a.progress("compare", 1)
	draft := run.Draft("")
	sink := &watchful{Draft: draft, run: run, say: bar.line}
	result, err := plan.Run(a.ctx, set, sink, experiment.Env{Workers: a.workers, Now: time.Now, Progress: func(p experiment.Progress) {
		if p.Note != "" {
			bar.line(p.Note)
		}
		bar.set(p.Done/p.Total, "")
	}})
	bar.end()
	if errors.Is(err, context.Canceled) {
		return interrupted("the same command with --out " + run.Dir() + " goes on from the cells that are done")
	}
	if err == nil {
		err = draft.Commit()
	}
	if err != nil {
		return failure{err}
	}
	out := compareResult{Comparison: result, Figures: []string{}, Run: run.Dir()}
	figures, err := report.Compare(run)
	if err != nil {
		return failure{err}
	}
	out.Figures = append(out.Figures, figures...)
	for i := range out.Cells {
		out.Cells[i].Curve = nil // the curves are in the run's tables
	}
	if err := writeJSON(run, resultFile, out); err != nil {
		return failure{err}
	}
	compareTable(a.text(), out.Comparison)
	if err := a.printJSON(out); err != nil {
		return failure{err}
	}
	if len(figures) == 0 {
		fmt.Fprintf(a.text(), "no figure: no training reached batch %d, where curves begin\n", train.Window)
	} else {
		fmt.Fprintf(a.text(), "figure: %s\n", strings.Join(figures, ", "))
	}
	fmt.Fprintf(a.text(), "tables and results: %s\n", run.Dir())
	return nil
}

// openCompare makes the run directory, or opens the one of --out where the same comparison was interrupted.
func (a *app) openCompare(plan experiment.Compare) (*store.Run, error) {
	spec, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return nil, err
	}
	if a.dir != "" {
		stored, err := os.ReadFile(filepath.Join(a.dir, specFile))
		switch _, finished := os.Stat(filepath.Join(a.dir, resultFile)); {
		case err != nil:
		case finished == nil:
			return nil, fmt.Errorf("--out %s: holds a finished run: want a new directory", a.dir)
		case string(stored) != string(spec):
			return nil, fmt.Errorf("--out %s: holds another comparison: want its flags, to go on with it, or a new directory", a.dir)
		default:
			run, err := a.goOn()
			if err == nil {
				fmt.Fprintf(a.note(), "going on in %s, begun by %s\n", a.dir, begunOn(run))
			}
			return run, err
		}
	}
	return a.runOf("compare", specFile, spec)
}

// compareTable prints one row for each rule, activation and threshold at the best learning rate, then the caveats.
func compareTable(to io.Writer, c experiment.Comparison) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "activation\trule\tbest lr\tMSE\tbatches\tpasses\tseconds\t")
	for _, b := range c.Best {
		for _, key := range descending(b.ToMSE) {
			lr := "none"
			if r := b.Rates[key]; r != nil {
				lr = fmt.Sprintf("%.4g", *r)
			}
			cost := "not reached\t\t"
			if t := b.ToMSE[key]; t != nil {
				cost = fmt.Sprintf("%d\t%.0f\t%.1f", t.Batches, t.Passes, t.Seconds)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", b.Act, b.Rule, lr, key, cost)
		}
	}
	// A failed write of results for people shows on their terminal.
	_ = w.Flush()
	for _, r := range c.Ratios {
		fmt.Fprintf(to, "%s to %g: %s; %s over %s in batches %s, in passes %s (%d seeds)\n", r.Act, r.Threshold, r.Outcome,
			r.BP.Rule, r.PC.Rule, times(r.Batches), times(r.Passes), r.Seeds)
	}
	if !c.Fair {
		fmt.Fprintf(to, "not a fair comparison:\n")
		for _, why := range c.Why {
			fmt.Fprintf(to, "  - %s\n", why)
		}
	}
}

// descending returns the thresholds that are the keys of m, largest first.
func descending(m map[string]*experiment.Cost) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		if errX != nil || errY != nil || x == y {
			return strings.Compare(a, b)
		}
		if x > y {
			return -1
		}
		return 1
	})
	return keys
}

// times writes a ratio with its interval.
func times(v experiment.Interval) string {
	if v.Low == nil {
		return fmt.Sprintf("×%.3g", v.Estimate)
	}
	return fmt.Sprintf("×%.3g [%.3g, %.3g]", v.Estimate, *v.Low, *v.High)
}
