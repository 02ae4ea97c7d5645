package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/guptarohit/asciigraph"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/store/index"
	"github.com/settle-pc/settle/train"
)

// shownRuns bounds how many curves one picture has.
const shownRuns = 12

func (s *shelf) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RUN…",
		Short: "Show runs: settings, results, and their training curves in one picture",
		Long: `Shows settings that are not the default ones, results, and the training error over the batches as a curve in the
terminal; with --out also as a figure (SVG, PDF, PNG) and as CSV in that run directory.`,
		Example: `  settle runs show 20260102-150405-train
  settle runs show runA runB --out curves`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > shownRuns {
				return fmt.Errorf("%d runs: want up to %d", len(args), shownRuns)
			}
			return s.show(args)
		},
	}
}

func (s *shelf) show(names []string) error {
	var runs, drawn []index.Entry
	var curves []report.Curve
	for _, name := range names {
		dir, err := s.resolve(name)
		if err != nil {
			return err
		}
		e := complete(index.Read(dir))
		runs = append(runs, e)
		c, err := report.ReadCurve(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a run of another kind, or one that has not begun
		}
		if err != nil {
			return failure{err}
		}
		curves, drawn = append(curves, c), append(drawn, e)
	}
	for i, what := range distinctions(drawn) {
		curves[i].Name += what
	}
	run, err := s.outRun("runs")
	if err != nil {
		return err
	}
	figures := []string{}
	if run != nil {
		defer run.Close()
		if figures, err = report.Curves(run, curves); err != nil {
			return failure{err}
		}
	}
	if err := s.deliver(run, "runs.json", map[string]any{"runs": runs, "figures": figures}); err != nil {
		return err
	}
	for _, e := range runs {
		s.describe(e)
	}
	if text := chart(curves, s.width()); text != "" {
		fmt.Fprintln(s.text(), text)
	}
	if len(figures) > 0 {
		fmt.Fprintf(s.text(), "figure: %s\n", strings.Join(figures, ", "))
	}
	return nil
}

// distinctions say of each run the first three settings in which they are not all alike, " (rule pc, seed 1)"; "" for
// runs that are.
func distinctions(runs []index.Entry) []string {
	out := make([]string, len(runs))
	n := 0
	for _, k := range []string{"rule", "act", "arch", "solver", "optim", "lr", "seed", "batch", "batches", "data", "init", "tol", "gap", "schedule"} {
		differ := slices.ContainsFunc(runs, func(r index.Entry) bool { return !reflect.DeepEqual(r[k], runs[0][k]) })
		none := slices.ContainsFunc(runs, func(r index.Entry) bool { return r[k] == nil }) // it does not apply to all
		if !differ || none || n == 3 {
			continue
		}
		var values []any
		for _, r := range runs {
			values = append(values, r[k])
		}
		for i, text := range apart(values...) {
			out[i] += map[bool]string{true: " (", false: ", "}[n == 0] + k + " " + text
		}
		n++
	}
	for i := range out {
		if n > 0 {
			out[i] += ")"
		}
	}
	return out
}

// headKeys come first, in this order.
var headKeys = []string{"command", "state", "started", "tags"}

// describe prints a run: head, settings that are not the defaults, results.
func (s *shelf) describe(e index.Entry) {
	w := tabwriter.NewWriter(s.text(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n", e["run"])
	line := func(k string, v any) {
		if text := plain(v); text != "" && text != "[]" {
			fmt.Fprintf(w, "  %s\t%s\n", k, text)
		}
	}
	for _, k := range headKeys {
		line(k, e[k])
	}
	usual, results := asEntry(train.Defaults()), asEntry(train.Summary{})
	var last []string
	for _, k := range slices.Sorted(maps.Keys(e)) {
		_, isSetting := usual[k]
		_, isResult := results[k]
		switch {
		case slices.Contains(headKeys, k) || k == "run":
		case isSetting && reflect.DeepEqual(usual[k], e[k]):
		case isResult && !isSetting:
			last = append(last, k)
		default:
			line(k, e[k])
		}
	}
	for _, k := range last {
		line(k, e[k])
	}
	// Results for people: a failed write shows on their terminal.
	_ = w.Flush()
}

// width is how many columns a picture may take.
func (s *shelf) width() int {
	if f, ok := s.out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return max(40, min(w, 120))
		}
	}
	return 80
}

// chart draws curves with characters, their errors on a logarithmic scale; "" if there is nothing to draw.
func chart(curves []report.Curve, width int) string {
	last := 0.0
	for _, c := range curves {
		if n := len(c.Batch); n > 0 {
			last = max(last, c.Batch[n-1])
		}
	}
	if last == 0 {
		return ""
	}
	columns := width - 12
	var series [][]float64
	var names []string
	for _, c := range curves {
		if len(c.Batch) == 0 {
			continue
		}
		line := make([]float64, columns)
		for i := range line { // the last value up to the column's batch
			at := last * float64(i+1) / float64(columns)
			n, _ := slices.BinarySearch(c.Batch, math.Nextafter(at, math.Inf(1)))
			line[i] = math.NaN()
			if n > 0 && (at <= c.Batch[len(c.Batch)-1] || n < len(c.Batch)) {
				line[i] = math.Log10(c.MSE[n-1])
			}
		}
		series = append(series, line)
		names = append(names, c.Name)
	}
	opts := []asciigraph.Option{asciigraph.Height(12), asciigraph.Width(columns), asciigraph.XAxisRange(0, last), asciigraph.XAxisTickCount(4),
		asciigraph.XAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%.0f", v) }),
		asciigraph.YAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%.3g", math.Pow(10, v)) }),
		asciigraph.Caption("training MSE, mean of the last " + fmt.Sprint(train.Window) + " batches, against batches")}
	if len(series) > 1 {
		marks := strings.Split("*o+x#@%&=~^:", "")
		var sets []asciigraph.CharSet
		for i := range series {
			sets = append(sets, asciigraph.CreateCharSet(marks[i]))
			names[i] = marks[i] + " " + names[i]
		}
		opts = append(opts, asciigraph.SeriesChars(sets...))
	}
	text := asciigraph.PlotMany(series, opts...)
	if len(series) > 1 {
		text += "\n" + strings.Join(names, "\n")
	}
	return text
}

func (s *shelf) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "diff RUN RUN",
		Aliases: []string{"compare"},
		Short:   "Compare two runs: settings, results, and the first batch at which they part",
		Example: `  settle runs diff 20260102-150405-train 20260102-160102-train`,
		Args:    operands(2, 2),
		RunE:    func(_ *cobra.Command, args []string) error { return s.diff(args[0], args[1]) },
	}
}

// difference is what --json prints of two runs: of each key that differs, both values.
type difference struct {
	Runs    [2]string         `json:"runs"`
	Differ  map[string][2]any `json:"differ"`
	Metrics *metricsDiffer    `json:"metrics"` // null unless both are trainings
}

// metricsDiffer compares two courses of training, times aside.
type metricsDiffer struct {
	Rows  [2]int `json:"rows"`
	First *int   `json:"first_difference"` // batch; null: equal as far as both go
}

func (s *shelf) diff(a, b string) error {
	out := difference{Differ: map[string][2]any{}}
	var docs [2]index.Entry
	var tables [2]store.Table
	have := 0
	for i, name := range []string{a, b} {
		dir, err := s.resolve(name)
		if err != nil {
			return err
		}
		docs[i], out.Runs[i] = complete(index.Read(dir)), dir
		r, err := store.Open(dir)
		if err != nil {
			return failure{err}
		}
		if tables[i], err = r.Table("metrics"); err == nil {
			have++
		} else if !errors.Is(err, fs.ErrNotExist) {
			return failure{err}
		}
	}
	for k := range docs[0] {
		if !reflect.DeepEqual(docs[0][k], docs[1][k]) && k != "run" {
			out.Differ[k] = [2]any{docs[0][k], docs[1][k]}
		}
	}
	for k, v := range docs[1] {
		if _, there := docs[0][k]; !there && k != "run" {
			out.Differ[k] = [2]any{nil, v}
		}
	}
	if have == 2 {
		out.Metrics = parting(tables)
	}
	if err := s.printJSON(out); err != nil {
		return failure{err}
	}
	w := tabwriter.NewWriter(s.text(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\t%s\n", out.Runs[0], out.Runs[1])
	for _, k := range slices.Sorted(maps.Keys(out.Differ)) {
		pair := apart(out.Differ[k][0], out.Differ[k][1])
		fmt.Fprintf(w, "%s\t%s\t%s\n", k, pair[0], pair[1])
	}
	if err := w.Flush(); err != nil {
		return failure{err}
	}
	switch m := out.Metrics; {
	case m == nil:
	case m.First != nil:
		fmt.Fprintf(s.text(), "their metrics part at batch %d\n", *m.First)
	case m.Rows[0] == m.Rows[1]:
		fmt.Fprintf(s.text(), "their metrics are the same in all %d batches, times aside\n", m.Rows[0])
	default:
		fmt.Fprintf(s.text(), "their metrics are the same for the %d batches that both have, times aside\n", min(m.Rows[0], m.Rows[1]))
	}
	return nil
}

// parting finds the first row in which two tables of metrics differ in anything but time.
func parting(t [2]store.Table) *metricsDiffer {
	m := &metricsDiffer{Rows: [2]int{len(t[0].Rows), len(t[1].Rows)}}
	at := func(t store.Table, i int) string {
		row := map[string]any{}
		for c, name := range t.Columns {
			if name != "seconds" {
				row[name] = t.Rows[i][c]
			}
		}
		return fmt.Sprint(row) // maps are printed in the order of their keys
	}
	for i := range min(m.Rows[0], m.Rows[1]) {
		if at(t[0], i) != at(t[1], i) {
			batch := i + 1
			m.First = &batch
			break
		}
	}
	return m
}
