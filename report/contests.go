package report

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// contestTables are those that experiments with contests write, after a prefix. Only the first ones are always there.
var contestTables = []string{"contests", "cells", "chosen", "rates", "ratios", "timings", "medians", "curves", "isolated_ratios", "confound", "optimum", "missing"}

// readTables reads the tables of a prefix that are there and writes them as CSV.
func readTables(run *store.Run, prefix string, names []string) (tablesOf, error) {
	d := tablesOf{}
	for _, name := range names {
		t, err := run.Table(prefix + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		d[name] = t
		if err := csvOf(run, prefix+name, t); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// contestInfo is a row of table contests.
type contestInfo struct {
	name, act, arch string
	thresholds      []float64
	budget          float64
}

func (d tablesOf) contests() ([]contestInfo, error) {
	var out []contestInfo
	t := d["contests"]
	for _, row := range t.Rows {
		var c contestInfo
		var thresholds any
		if err := scan(t, row, map[string]any{"contest": &c.name, "act": &c.act, "arch": &c.arch, "thresholds": &thresholds, "budget": &c.budget}); err != nil {
			return nil, fmt.Errorf("table contests: %w", err)
		}
		var err error
		if c.thresholds, err = numbers(thresholds); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Depth draws Figure 4 from the tables of experiment.Depth: per width learning curves against batches, passes and
// seconds, and the sensitivity to the learning rate. It returns the paths of the pictures.
func Depth(run *store.Run, workers int) ([]string, error) {
	d, err := readTables(run, "fig4_", contestTables)
	if err != nil {
		return nil, err
	}
	all, err := d.contests()
	if err != nil {
		return nil, err
	}
	byWidth := map[string][]contestInfo{}
	var widths []string
	for _, c := range all {
		if strings.HasSuffix(c.name, "-isolate") {
			continue
		}
		_, width, _ := strings.Cut(c.name, "-")
		if byWidth[width] == nil {
			widths = append(widths, width)
		}
		byWidth[width] = append(byWidth[width], c)
	}
	var figures []*figure
	for i, width := range widths {
		suffix := ""
		if i > 0 {
			suffix = "-" + width
		}
		group := byWidth[width]
		figures = append(figures,
			&figure{name: "fig4" + suffix, draw: func() (*plot.Figure, error) { return d.curvesFigure(group, []string{"batch"}, width) }},
			&figure{name: "fig4-cost" + suffix, draw: func() (*plot.Figure, error) { return d.curvesFigure(group, []string{"passes", "seconds"}, width) }},
			&figure{name: "fig4-rates" + suffix, draw: func() (*plot.Figure, error) { return d.ratesFigure(group, width) }})
	}
	return renderAll(run, figures, workers)
}

// titles of the quantities on x axes.
var xTitles = map[string]string{"batch": "batches", "passes": "passes, inference included", "seconds": "seconds on one core (passes × time of a pass)"}

// curvesFigure has a column for each contest and a row for each quantity on the x axis: all reported seeds thin, their
// median thick.
func (d tablesOf) curvesFigure(group []contestInfo, along []string, width string) (*plot.Figure, error) {
	f := &plot.Figure{Title: fmt.Sprintf("Figure 4. Ten layers of width %s on MNIST, SGD, each rule at its best learning rate", width), Width: 640}
	for r, x := range along {
		var row []plot.Axes
		for i, c := range group {
			a := plot.Axes{X: xTitles[x], LogY: true}
			if i == 0 {
				a.Y = "training MSE (mean of 50 batches)"
			}
			var rates []string
			for _, rule := range []string{"bp", "pc"} {
				lines, lr, err := d.ruleCurves(c, rule, x)
				if err != nil {
					return nil, err
				}
				if lr > 0 {
					text := fmt.Sprintf("%s %.3g", strings.ToUpper(rule), lr)
					if len(lines) == 0 {
						text += " (no curve: diverged)"
					}
					rates = append(rates, text)
				}
				a.Lines = append(a.Lines, lines...)
			}
			if r == 0 {
				a.Title = c.act + "\nlr: " + strings.Join(rates, ", ")
			}
			a.HLines = d.levelLines(c)
			row = append(row, a)
		}
		f.Panels = append(f.Panels, row)
	}
	return f, nil
}

// levelLines are the thresholds, and for linear networks the least error of a linear map.
func (d tablesOf) levelLines(c contestInfo) []plot.HLine {
	var out []plot.HLine
	for _, t := range c.thresholds {
		out = append(out, plot.HLine{Y: t, Label: num(t)})
	}
	if o := d["optimum"]; c.act == "linear" && len(o.Rows) > 0 {
		if v, err := o.Floats("linear_optimum"); err == nil {
			out = append(out, plot.HLine{Y: v[0], Label: fmt.Sprintf("%.4f: best linear map", v[0]), Color: plot.Green})
		}
	}
	return out
}

// ruleCurves returns the reported curves of a rule at its rate for the lowest threshold, and that rate.
func (d tablesOf) ruleCurves(c contestInfo, rule, x string) ([]plot.Line, float64, error) {
	rates, err := d.pick("chosen", is{"contest": c.name, "rule": rule, "threshold": c.thresholds[len(c.thresholds)-1]}).Floats("lr")
	if err != nil || len(rates) == 0 || math.IsNaN(rates[0]) {
		return nil, 0, err
	}
	lr, scale, column := rates[0], 1.0, x
	median := d.pick("medians", is{"contest": c.name, "rule": rule})
	if x == "seconds" {
		column = "passes"
		rows := d.pick("timings", is{"contest": c.name, "rule": rule})
		if len(rows.Rows) == 0 {
			return nil, lr, nil // no clock
		}
		t, err := rows.Floats("seconds")
		if err != nil {
			return nil, lr, err
		}
		scale = t[0]
	}
	cells := d.pick("curves", is{"contest": c.name, "rule": rule, "stage": "reporting", "lr": lr})
	if len(cells.Rows) == 0 {
		return nil, lr, nil // every seed diverged, or ended, before the first point
	}
	seeds, err := cells.Floats("seed")
	if err != nil {
		return nil, 0, err
	}
	xs, err := cells.Floats(column)
	if err != nil {
		return nil, 0, err
	}
	ys, err := cells.Floats("mse")
	if err != nil {
		return nil, 0, err
	}
	var out []plot.Line
	for i := range seeds {
		if i == 0 || seeds[i] != seeds[i-1] {
			out = append(out, plot.Line{Color: colours[rule]&^0xFF | 0x73, Width: 0.6})
		}
		l := &out[len(out)-1]
		l.X, l.Y = append(l.X, scale*xs[i]), append(l.Y, ys[i])
	}
	m := plot.Line{Name: strings.ToUpper(rule) + ", median", Color: colours[rule], Width: 2}
	if len(out) == 1 {
		m.Name = strings.ToUpper(rule) + ", one seed"
	}
	if m.X, err = median.Floats(column); err != nil {
		return nil, 0, err
	}
	for i := range m.X {
		m.X[i] *= scale
	}
	m.Y, err = median.Floats("mse")
	return append(out, m), lr, err
}

// ratesFigure shows batches to each threshold against the learning rate, by the seeds that choose it.
func (d tablesOf) ratesFigure(group []contestInfo, width string) (*plot.Figure, error) {
	f := &plot.Figure{Title: fmt.Sprintf("Batches to a training error against the learning rate, width %s (median of the seeds that choose it)", width), Panels: [][]plot.Axes{nil}, Width: 640}
	for i, c := range group {
		var errors []string
		for _, t := range c.thresholds {
			errors = append(errors, num(t))
		}
		a := plot.Axes{Title: c.act + "\nto MSE " + strings.Join(errors, ", "), X: "learning rate", LogX: true, LogY: true, HLines: []plot.HLine{{Y: c.budget, Label: "budget"}}}
		if i == 0 {
			a.Y = "batches"
		}
		for _, rule := range []string{"bp", "pc"} {
			for k, t := range c.thresholds {
				rows := d.pick("rates", is{"contest": c.name, "rule": rule, "threshold": t})
				x, err := rows.Floats("lr")
				if err != nil {
					return nil, err
				}
				y, err := rows.Floats("batches")
				if err != nil {
					return nil, err
				}
				diverged, err := rows.Floats("diverged")
				if err != nil {
					return nil, err
				}
				if slices.ContainsFunc(y, func(v float64) bool { return !math.IsNaN(v) }) {
					a.Lines = append(a.Lines, plot.Line{Name: strings.ToUpper(rule) + [...]string{" to the highest error", " to the next", " to the third", " to others"}[min(k, 3)], X: x, Y: y, Color: colours[rule], Dots: true, Width: 2.2 - 0.7*float64(k), Dash: k > 0})
				}
				if k > 0 {
					continue
				}
				for j, n := range diverged {
					if n > 0 { // a dot above the budget, each alone: nothing leads there
						a.Lines = append(a.Lines, plot.Line{Name: strings.ToUpper(rule) + " diverged", X: x[j : j+1], Y: []float64{1.35 * c.budget}, Color: colours[rule]&^0xFF | 0x80, Dots: true, Width: 1})
					}
				}
			}
		}
		f.Panels[0] = append(f.Panels[0], a)
	}
	return f, nil
}

// Generality draws the ratios of experiment.Generality as a forest: a line for each contest and threshold, BP's batches
// over PC's with their interval. It returns the paths of the pictures.
func Generality(run *store.Run, workers int) ([]string, error) {
	d, err := readTables(run, "generality_", contestTables)
	if err != nil {
		return nil, err
	}
	if len(d["ratios"].Rows) == 0 {
		return nil, nil
	}
	return renderAll(run, []*figure{{name: "generality", draw: d.forest}}, workers)
}

// outcomeColours tell who is ahead.
var outcomeColours = map[string]plot.Color{"PC faster": plot.Vermillion, "BP faster": plot.Blue, "no difference shown": plot.Black, "neither reached it": 0x999999FF}

func (d tablesOf) forest() (*plot.Figure, error) {
	t := d["ratios"]
	n := len(t.Rows)
	f := &plot.Figure{Title: "BP's batches over PC's, each at its best learning rate: right of 1, PC needs fewer", Width: 560, Height: 90 + 15*float64(n)}
	a := plot.Axes{X: "batches to the threshold, BP over PC", LogX: true, YRange: plot.Range{Min: -0.7, Max: float64(n) - 0.3}, YNames: make([]string, n)}
	a.Lines = append(a.Lines, plot.Line{X: []float64{1, 1}, Y: []float64{-0.7, float64(n) - 0.3}, Color: 0x595959FF, Width: 0.8})
	for i, row := range t.Rows {
		var contest, outcome string
		var threshold, ratio float64
		var low, high any
		if err := scan(t, row, map[string]any{"contest": &contest, "threshold": &threshold, "outcome": &outcome, "batches_ratio": &ratio, "batches_low": &low, "batches_high": &high}); err != nil {
			return nil, err
		}
		y := float64(n - 1 - i)
		a.YNames[n-1-i] = contest + " to " + num(threshold)
		color := outcomeColours[outcome]
		from, okLow := float(low)
		to, okHigh := float(high)
		if okLow && okHigh {
			a.Lines = append(a.Lines, plot.Line{X: []float64{from, to}, Y: []float64{y, y}, Color: color, Width: 1.4})
		}
		a.Lines = append(a.Lines, plot.Line{Name: outcome, X: []float64{ratio}, Y: []float64{y}, Color: color, Width: 2.4, Dots: true})
	}
	f.Panels = [][]plot.Axes{{a}}
	return f, nil
}

// Cost draws the growth of inference from the tables of experiment.Scaling. It returns the paths of the pictures.
func Cost(run *store.Run, workers int) ([]string, error) {
	d, err := readTables(run, "cost_", []string{"inference", "growth"})
	if err != nil {
		return nil, err
	}
	if len(d["inference"].Rows) == 0 {
		return nil, nil
	}
	return renderAll(run, []*figure{{name: "cost", draw: d.growthFigure}}, workers)
}

// growthFigure shows passes to a gap of 1 % against depth and width, of every method, for new networks.
func (d tablesOf) growthFigure() (*plot.Figure, error) {
	f := &plot.Figure{Title: "Passes of inference to an energy gap of 1 %, new networks (orthogonal weights)", Width: 640}
	acts := d.words("inference", "act")
	for r, along := range []string{"depth", "width"} {
		var row []plot.Axes
		for i, act := range acts {
			a := plot.Axes{X: along, LogX: true, LogY: true}
			if r == 0 {
				a.Title = act
			}
			if i == 0 {
				a.Y = "passes"
			}
			for k, method := range d.words("inference", "method") {
				l, err := d.line("inference", along, "passes", is{"along": along, "act": act, "state": "new", "method": method, "gap": "0.01"})
				if err != nil {
					return nil, err
				}
				l.Name, l.Color = methodNames[method], methodColours[k%len(methodColours)]
				if l.Name == "" {
					l.Name = method
				}
				if k > 0 {
					l.Dash = true
				}
				a.Lines = append(a.Lines, l)
			}
			row = append(row, a)
		}
		f.Panels = append(f.Panels, row)
	}
	return f, nil
}

var methodNames = map[string]string{"auto": "ours (default solver)", "euler-0.1": "activity descent, step 0.1", "euler-0.3": "step 0.3", "euler-0.5": "step 0.5"}

var methodColours = []plot.Color{plot.Vermillion, plot.Blue, plot.Sky, plot.Green}

// words returns the texts of a column, each once, in order of appearance.
func (d tablesOf) words(table, column string) []string {
	t := d[table]
	i := slices.Index(t.Columns, column)
	var out []string
	for _, row := range t.Rows {
		if s, ok := row[i].(string); ok && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
