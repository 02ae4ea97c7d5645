package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// theoryTables are the tables of experiment.Theory; of a run without a study the last ones are not there.
var theoryTables = []string{"theory_cases", "theory_terms", "theory_paths", "theory_remainders", "theory_first_trap",
	"theory_space", "theory_space_path", "theory_space_energy", "theory_saddles", "theory_eigenvalues", "theory_conditions", "theory_limits"}

// figure is one to draw.
type figure struct {
	name  string
	table string // without rows of it that match want there is nothing to draw
	want  is
	draw  func() (*plot.Figure, error)
	save  func(name string) ([]string, error) // instead of draw: writes the files itself
	out   []string
	err   error
}

// Theory draws the figures of experiment.Theory from the tables of its run, in up to so many at a time, under figures:
// each as SVG, PDF and PNG with its numbers as CSV. It returns the paths of the pictures.
func Theory(run *store.Run, workers int) ([]string, error) {
	d, err := readTheory(run)
	if err != nil {
		return nil, err
	}
	figures := []*figure{
		{name: "fig0", table: "space", draw: d.space},
		{name: "theory_network_eq8", table: "terms", want: asked, draw: d.network},
		{name: "theory_network_eq6", table: "paths", want: asked, draw: d.inference},
		{name: "theory_conditions", table: "conditions", draw: d.conditions}, {name: "theory_limits", table: "limits", draw: d.limits},
		{name: "theory_path", table: "limits", draw: d.path}, {name: "theory_remainder", table: "limits", draw: d.remainder},
		{name: "theory_solution", table: "limits", draw: d.solution}, {name: "theory_spectra", table: "eigenvalues", draw: d.spectra},
		{name: "theory_terms", table: "limits", draw: d.terms},
	}
	figures = slices.DeleteFunc(figures, func(f *figure) bool { return len(d.pick(f.table, f.want).Rows) == 0 })
	return renderAll(run, figures, workers)
}

// renderAll draws figures, in up to so many at a time, and returns the paths of the pictures in order.
func renderAll(run *store.Run, figures []*figure, workers int) ([]string, error) {
	next := make(chan *figure)
	var wg sync.WaitGroup
	for range max(1, min(workers, len(figures))) {
		wg.Go(func() {
			for f := range next {
				f.render(run)
			}
		})
	}
	for _, f := range figures {
		next <- f
	}
	close(next)
	wg.Wait()
	var out []string
	for _, f := range figures {
		if f.err != nil {
			return nil, fmt.Errorf("figure %s: %w", f.name, f.err)
		}
		out = append(out, f.out...)
	}
	return out, nil
}

// render draws the figure and writes its files.
func (f *figure) render(run *store.Run) {
	if f.save != nil {
		f.out, f.err = f.save(f.name)
		return
	}
	var drawn *plot.Figure
	if drawn, f.err = f.draw(); f.err == nil {
		f.out, f.err = saveAs(run, f.name, drawn, plot.SVG, plot.PDF, plot.PNG)
	}
}

// readTheory reads the tables that are there and writes them as CSV.
func readTheory(run *store.Run) (tablesOf, error) {
	d := tablesOf{}
	for _, name := range theoryTables {
		t, err := run.Table(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		d[strings.TrimPrefix(name, "theory_")] = t
		if name == "theory_space_energy" {
			continue // a picture's worth of numbers, in that of Figure 0
		}
		if err := csvOf(run, name, t); err != nil {
			return nil, err
		}
	}
	if len(d["space"].Rows) == 0 {
		return nil, fmt.Errorf("table theory_space: want one, as settle theory writes it; %s is no run of it", run.Dir())
	}
	return d, nil
}

// tablesOf holds tables by name.
type tablesOf map[string]store.Table

// is asks for rows whose column has a value, text or number; NaN asks for null.
type is map[string]any

// and asks for one value more.
func (w is) and(column string, value any) is {
	out := maps.Clone(w)
	out[column] = value
	return out
}

// pick returns the rows that match.
func (d tablesOf) pick(table string, want is) store.Table {
	t := d[table]
	out := store.Table{Columns: t.Columns}
	for _, row := range t.Rows {
		ok := true
		for i, name := range t.Columns {
			switch v := want[name].(type) {
			case nil:
			case float64:
				got, number := row[i].(float64)
				ok = ok && (number && got == v || !number && math.IsNaN(v))
			default:
				ok = ok && row[i] == v
			}
		}
		if ok {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// line returns column y against column x of the rows that match.
func (d tablesOf) line(table, x, y string, want is) (plot.Line, error) {
	t := d.pick(table, want)
	xs, err := t.Floats(x)
	if err != nil {
		return plot.Line{}, err
	}
	ys, err := t.Floats(y)
	return plot.Line{X: xs, Y: ys, Dots: true}, err
}

// distinct returns the numbers of a column in ascending order, without null.
func (d tablesOf) distinct(table, column string, want is) ([]float64, error) {
	v, err := d.pick(table, want).Floats(column)
	v = slices.DeleteFunc(v, math.IsNaN)
	slices.Sort(v)
	return slices.Compact(v), err
}

// nearest returns the value nearest to v.
func nearest(values []float64, v float64) float64 {
	if len(values) == 0 {
		return v
	}
	return slices.MinFunc(values, func(a, b float64) int { return cmp.Compare(math.Abs(a-v), math.Abs(b-v)) })
}
