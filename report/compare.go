package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// colours of the rules; others are the figure's choice.
var colours = map[string]plot.Color{"bp": plot.Blue, "pc": plot.Vermillion}

// curve is one training of table curves.
type curve struct {
	act, rule  string
	stage      string
	lr         float64
	batch, mse []float64
}

// Compare draws the learning curves of a comparison, a panel for each activation: training error against batches. The
// best learning rate of each rule, by table best, is thick on the seeds that are reported; the others, and the seeds that choose, are thin and dashed. It writes figures/compare
// and the tables as CSV, and returns the paths of the pictures: none where no training lasted long enough for a curve.
func Compare(run *store.Run) ([]string, error) {
	tables := map[string]store.Table{}
	for _, name := range []string{"cells", "best", "curves"} {
		t, err := run.Table(name)
		if name == "curves" && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if err := csvOf(run, name, t); err != nil {
			return nil, err
		}
		tables[name] = t
	}
	curves, err := readCurves(tables["curves"])
	if err != nil {
		return nil, err
	}
	best, err := readBest(tables["best"])
	if err != nil {
		return nil, err
	}
	f := &plot.Figure{Title: "Training error: predictive coding and backpropagation", Panels: [][]plot.Axes{nil}}
	panel, rates := map[string]int{}, map[int][]string{}
	for _, c := range curves {
		i, ok := panel[c.act]
		if !ok {
			i = len(f.Panels[0])
			panel[c.act] = i
			f.Panels[0] = append(f.Panels[0], plot.Axes{Title: c.act, X: "batches", Y: "MSE, mean of 50 batches", LogY: true})
		}
		p := &f.Panels[0][i]
		rule := strings.ToUpper(c.rule)
		line := plot.Line{Name: rule + ", other learning rates", X: c.batch, Y: c.mse, Color: colours[c.rule], Width: 1, Dash: true}
		if lr, ok := best[c.act+"/"+c.rule]; ok && lr == c.lr && c.stage == "reporting" {
			line.Width, line.Dash, line.Name = 2.2, false, rule+", best learning rate"
			rates[i] = append(rates[i], fmt.Sprintf("%s %.4g", rule, lr))
		}
		p.Lines = append(p.Lines, line)
	}
	for i, r := range rates {
		f.Panels[0][i].Title += "\nlr: " + strings.Join(slices.Compact(r), ", ")
	}
	return save(run, "compare", f)
}

// readCurves gathers the rows of table curves into trainings, in order of appearance.
func readCurves(t store.Table) ([]*curve, error) {
	var out []*curve
	at := map[string]*curve{}
	for _, row := range t.Rows {
		var act, rule, stage string
		var lr, batch, mse float64
		var seed any // beyond 2⁵³ no float64
		if err := scan(t, row, map[string]any{"act": &act, "rule": &rule, "stage": &stage, "lr": &lr, "seed": &seed, "batch": &batch, "mse": &mse}); err != nil {
			return nil, fmt.Errorf("table curves: %w", err)
		}
		key := fmt.Sprintf("%s/%s/%v/%v", act, rule, lr, seed)
		c := at[key]
		if c == nil {
			c = &curve{act: act, rule: rule, stage: stage, lr: lr}
			at[key] = c
			out = append(out, c)
		}
		c.batch, c.mse = append(c.batch, batch), append(c.mse, mse)
	}
	return out, nil
}

// readBest returns the best learning rate of each act/rule that has one.
func readBest(t store.Table) (map[string]float64, error) {
	best := map[string]float64{}
	for _, row := range t.Rows {
		var act, rule string
		var lr any
		if err := scan(t, row, map[string]any{"act": &act, "rule": &rule, "lr": &lr}); err != nil {
			return nil, fmt.Errorf("table best: %w", err)
		}
		if v, ok := lr.(float64); ok {
			best[act+"/"+rule] = v
		}
	}
	return best, nil
}

// scan copies the named columns of a row to *string, *float64 or *any.
func scan(t store.Table, row []any, into map[string]any) error {
	found := 0
	for i, name := range t.Columns {
		to, ok := into[name]
		if !ok {
			continue
		}
		found++
		switch to := to.(type) {
		case *any:
			*to = row[i]
		case *string:
			if *to, ok = row[i].(string); !ok {
				return fmt.Errorf("column %s: %v: want text", name, row[i])
			}
		case *float64:
			if *to, ok = float(row[i]); !ok {
				return fmt.Errorf("column %s: %v: want a number", name, row[i])
			}
		}
	}
	if found != len(into) {
		return fmt.Errorf("columns %v: some of the wanted %d are missing", t.Columns, len(into))
	}
	return nil
}

// float returns a stored number, rounded if it is a whole one of 2⁵³ and more.
func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}
