package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/store/index"
	"github.com/settle-pc/settle/sweep"
	"github.com/settle-pc/settle/train"
)

// The states of a trial. Where a scheduler knows more of one that has no result, its word is used, such as pending.
const (
	finished = index.Finished
	diverged = index.Diverged
	stopped  = "stopped" // by halving: its result is of fewer batches
	running  = index.Running
	begun    = "begun"   // and not running: it goes on from its checkpoint
	missing  = "missing" // not begun
)

// trialRow is a trial in the object that --json prints: the keys of train, null where there is no result.
type trialRow struct {
	Trial    int               `json:"trial"`
	State    string            `json:"state"`
	Settings map[string]string `json:"settings"` // of grid and sample, and the seed
	train.Summary
}

// line is the result for people.
func (r trialRow) line() string {
	if r.TestMSE == nil {
		return r.State
	}
	return fmt.Sprintf("%s, test MSE %s%s, %d batches in %.1f s", r.State, show("%.4f", r.TestMSE), accuracy(", ", r.Summary), r.Batches, r.Seconds)
}

func stateOf(s train.Summary) string {
	if s.DivergedAt != nil {
		return diverged
	}
	return finished
}

func settingsMap(p *sweepPlan, i int) map[string]string {
	m := map[string]string{}
	for _, s := range p.Settings(i) {
		m[s.Name] = s.Value
	}
	return m
}

// rows looks at the directories of all trials; queued has what a scheduler says of those without a result.
func (p *sweepPlan) rows(out string, queued map[int]string) []trialRow {
	var rows []trialRow
	for i, t := range p.trials {
		dir := p.dir(out, i)
		r := trialRow{Trial: i, Settings: settingsMap(p, i), Summary: train.Summary{Rule: t.Rule, Arch: t.Arch, Act: t.Act, Optim: t.Optim, LR: t.LR, Seed: t.Seed}}
		result, was, ok := stored(dir)
		_, there := os.Stat(dir)
		switch word := queued[i]; {
		case ok:
			r.Summary, r.State = result, stateOf(result)
			if r.State == finished && (was.Batches != t.Batches || was.Epochs != t.Epochs) {
				r.State = stopped
			}
		case word != "":
			r.State = word
		case there != nil:
			r.State = missing
		case store.Busy(dir):
			r.State = running
		default:
			r.State = begun
		}
		rows = append(rows, r)
	}
	return rows
}

// count lists the states that occur, those with a result first, and how many trials are in each.
func count(rows []trialRow) ([]string, map[string]int) {
	n := map[string]int{}
	for _, r := range rows {
		n[r.State]++
	}
	order := []string{finished, diverged, stopped, running, begun, missing}
	for _, r := range rows {
		if !slices.Contains(order, r.State) {
			order = append(order, r.State)
		}
	}
	return slices.DeleteFunc(order, func(s string) bool { return n[s] == 0 }), n
}

func counted(rows []trialRow) string {
	states, n := count(rows)
	var parts []string
	for _, s := range states {
		parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
	}
	return strings.Join(parts, ", ")
}

func (a *app) sweepStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status DIR",
		Short:   "How far the trials of a sweep are",
		Long:    `Counts the trials by state, from their directories and, of those that were submitted to Slurm, from its queue.`,
		Example: "  settle sweep status gaps\n  settle sweep status gaps --json",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, queued, err := a.lookAt(cmd, args[0])
			if err != nil {
				return err
			}
			rows := p.rows(args[0], queued)
			_, n := count(rows)
			open := []int{}
			for _, r := range rows {
				if r.WeightsSHA256 == "" {
					open = append(open, r.Trial)
				}
			}
			fmt.Fprintf(a.text(), "%s: %d trials: %s\n", p.Name, len(rows), counted(rows))
			return a.deliver(nil, "", map[string]any{"name": p.Name, "trials": len(rows), "states": n, "without_result": open, "run": args[0]})
		},
	}
}

// openSweep reads the sweep in a directory.
func openSweep(dir string) (*sweepPlan, error) {
	if _, err := store.Open(dir); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, sweepFile)); err != nil {
		return nil, fmt.Errorf("%s: no %s in it: want the directory of a sweep", dir, sweepFile)
	}
	return readSweep(dir, math.MaxInt32)
}

// lookAt is openSweep for a command that asks how far the trials are, with what a scheduler says of them.
func (a *app) lookAt(cmd *cobra.Command, dir string) (*sweepPlan, map[int]string, error) {
	if err := refuse(cmd, "seed", "out", "workers"); err != nil {
		return nil, nil, err
	}
	p, err := openSweep(dir)
	if err != nil {
		return nil, nil, err
	}
	queued, err := a.queue(dir)
	if err != nil {
		return nil, nil, failure{err}
	}
	return p, queued, nil
}

func (a *app) sweepCollectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "collect DIR",
		Short: "The results of a sweep as one table",
		Long: `Gathers the results of all trials from their directories into DIR/trials.csv, a line a trial, and prints the best.
With --json all of them are printed. With the results of all trials the sweep is finished.`,
		Example: "  settle sweep collect gaps\n  settle sweep collect gaps --json",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, queued, err := a.lookAt(cmd, args[0])
			if err != nil {
				return err
			}
			run, err := store.Continue(args[0])
			if err != nil {
				return blame(err)
			}
			defer run.Close()
			// Of a sweep with halving, results say nothing about the rungs that are to come.
			return a.collect(run, p, queued, p.Halving == nil)
		},
	}
}

// trialsFile is the table of all trials.
const trialsFile = "trials.csv"

// collect writes the table of all trials and prints the best. A sweep that may end here is finished if all trials have results.
func (a *app) collect(run *store.Run, p *sweepPlan, queued map[int]string, ends bool) error {
	rows := p.rows(run.Dir(), queued)
	if err := save(run, trialsFile, func(f *store.File) error { return table(p, rows).WriteCSV(f) }); err != nil {
		return failure{err}
	}
	best(a.text(), p, rows)
	fmt.Fprintf(a.text(), "%s: %d trials: %s\n", p.Name, len(rows), counted(rows))
	fmt.Fprintf(a.text(), "table: %s\n", filepath.Join(run.Dir(), trialsFile))
	out := map[string]any{"name": p.Name, "trials": rows, "run": run.Dir()}
	if slices.ContainsFunc(rows, func(r trialRow) bool { return r.WeightsSHA256 == "" }) || !ends {
		run = nil // what is printed is not the result
	}
	return a.deliver(run, resultFile, out)
}

// table is that of all trials: what varies, then results.
func table(p *sweepPlan, rows []trialRow) store.Table {
	varies := varying(p)
	t := store.Table{Columns: append(append([]string{"trial", "state"}, varies...), "batches", "train_mse", "test_mse", "test_accuracy",
		"seconds", "samples_per_second", "passes_mean", "residual_mean", "gap_mean", "diverged_at", "weights_sha256", "level", "dir")}
	for i, r := range rows {
		row := []any{r.Trial, r.State}
		for _, name := range varies {
			// A parameter that is no part of the trial has an empty field.
			var v any
			if text, ok := r.Settings[name]; ok {
				v = text
			}
			row = append(row, v)
		}
		if r.WeightsSHA256 == "" {
			row = append(row, make([]any, 12)...)
		} else {
			row = append(row, r.Batches, number(r.TrainMSE), number(r.TestMSE), number(r.TestAccuracy), r.Seconds, number(r.SamplesPerSecond),
				number(r.PassesMean), number(r.ResidualMean), number(r.GapMean), number(r.DivergedAt), r.WeightsSHA256, r.Level)
		}
		t.Rows = append(t.Rows, append(row, sweep.Dir(i, len(rows))))
	}
	return t
}

// number is what a pointer points to, nil for none.
func number[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}

// varying lists the parameters of a sweep, and the seed.
func varying(p *sweepPlan) []string {
	var names []string
	for _, axis := range p.Grid {
		names = append(names, axis.Name)
	}
	if p.Sample != nil {
		for _, r := range p.Sample.Ranges {
			names = append(names, r.Name)
		}
	}
	return append(names, "seed")
}

// bestShown is how many trials a table for people has.
const bestShown = 10

// best prints the trials with the lowest test error.
func best(to io.Writer, p *sweepPlan, rows []trialRow) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r trialRow) bool { return r.TestMSE == nil })
	slices.SortStableFunc(rows, func(a, b trialRow) int {
		if d := *a.TestMSE - *b.TestMSE; d != 0 {
			return int(math.Copysign(1, d))
		}
		return 0
	})
	if len(rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "trial\t%s\tbatches\ttest MSE\ttest accuracy\t\n", strings.Join(varying(p), "\t"))
	for _, r := range rows[:min(len(rows), bestShown)] {
		fmt.Fprintf(w, "%d\t", r.Trial)
		for _, name := range varying(p) {
			fmt.Fprintf(w, "%s\t", r.Settings[name])
		}
		score := "" // where there are no labels
		if r.TestAccuracy != nil {
			score = percent(r.TestAccuracy)
		}
		fmt.Fprintf(w, "%d\t%.4f\t%s\t\n", r.Batches, *r.TestMSE, score)
	}
	_ = w.Flush()
	if len(rows) > 1 {
		fmt.Fprintf(to, "ranked by the test set: the best of %d looks better there than it is\n", len(rows))
	}
}
