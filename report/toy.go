package report

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// ToyLook is a choice of colours for the toy's figures.
type ToyLook struct {
	landscape, signed plot.Palette
	over, second      plot.Color // of trajectories and arrows, and of the other rule's trajectory
	casing            plot.Color
}

// ToyLooks are the choices by name: the post's blue, white and red with yellow on top, and one that people with any
// colour vision, and printers without colours, can use.
var ToyLooks = map[string]ToyLook{
	"post": {plot.BlueWhiteRed, plot.BlueWhiteRed, plot.Yellow, 0xFFFFFFFF, 0x262626FF},
	"safe": {plot.Cividis, plot.BlueWhiteOrange, 0xFFFFFFFF, 0xFF9ECFFF, 0x000000FF},
}

// toyTables are the tables of experiment.Toy that become CSV files as they are. Landscapes are in those of the figures.
var toyTables = []string{"settings", "trajectories", "fields", "flatness", "inference", "starts", "rates"}

// Toy draws the figures of experiment.Toy from the tables of its run, in up to so many at a time, under figures: each as
// SVG, PDF and PNG with its numbers as CSV, and Figure 2 also as an animation. It returns the paths of the pictures.
func Toy(run *store.Run, look ToyLook, workers int) ([]string, error) {
	d, err := readToy(run)
	if err != nil {
		return nil, err
	}
	d.look = look
	d.level = d.levels()
	figures := []*figure{
		{name: "fig2-animation.png", save: func(name string) ([]string, error) { return d.animate(run, "figures/"+name) }}, // the longest first
		{name: "fig2", draw: d.figure2}, {name: "surfaces", draw: d.surfaces}, {name: "fig1", draw: d.figure1}, {name: "fig3", draw: d.figure3},
		{name: "trajectories", draw: d.both}, {name: "sgd", draw: d.sgd}, {name: "starts", draw: d.starts}, {name: "alignment", draw: d.alignment},
		{name: "progress", draw: d.progress}, {name: "rates", draw: d.rates}, {name: "flattening", draw: d.flattening},
	}
	paths, err := renderAll(run, figures, workers)
	stem := func(p string) string { return strings.TrimSuffix(p, path.Ext(p)) }
	slices.SortStableFunc(paths, func(a, b string) int { return strings.Compare(stem(a), stem(b)) })
	return paths, err
}

// toyData is what the tables hold.
type toyData struct {
	look ToyLook

	x, y, lr, steps, loss, dt, noise, saddle float64
	w0, w1, w2                               []float64
	shown                                    []int
	last                                     int // step of inference

	grids     map[string]*plot.Grid // by surface and step
	fields    map[string]*plot.Arrows
	paths     map[string]*toyTrace // by start, rule and run
	flat, inf store.Table
	start     store.Table
	rate      store.Table

	level []float64 // of contours
}

// toyTrace is a trajectory.
type toyTrace struct {
	step, w1, w2, loss, toSaddle []float64
}

func key(name string, n float64) string { return name + "/" + strconv.FormatFloat(n, 'f', -1, 64) }

func readToy(run *store.Run) (*toyData, error) {
	d := &toyData{grids: map[string]*plot.Grid{}, fields: map[string]*plot.Arrows{}, paths: map[string]*toyTrace{}}
	tables := map[string]store.Table{}
	for _, name := range append(slices.Clone(toyTables), "landscapes") {
		t, err := run.Table(name)
		if err != nil {
			return nil, err
		}
		if name != "landscapes" {
			if err := csvOf(run, name, t); err != nil {
				return nil, err
			}
		}
		tables[name] = t
	}
	d.flat, d.inf, d.start, d.rate = tables["flatness"], tables["inference"], tables["starts"], tables["rates"]
	for _, read := range []struct {
		name string
		row  func(t store.Table, row []any) error
	}{{"settings", d.readSettings}, {"landscapes", d.readLandscape}, {"fields", d.readField}, {"trajectories", d.readTrajectory}} {
		t := tables[read.name]
		for i, row := range t.Rows {
			if err := read.row(t, row); err != nil {
				return nil, fmt.Errorf("table %s, row %d: %w", read.name, i+1, err)
			}
		}
	}
	return d, nil
}

// numbers returns a stored slice.
func numbers(v any) ([]float64, error) {
	list, ok := v.([]any)
	out := make([]float64, len(list))
	for i := range list {
		if out[i], ok = float(list[i]); !ok {
			break
		}
	}
	if !ok {
		return nil, fmt.Errorf("%v: want numbers", v)
	}
	return out, nil
}

func (d *toyData) readSettings(t store.Table, row []any) error {
	var w0, w1, w2, shown any
	err := scan(t, row, map[string]any{"x": &d.x, "y": &d.y, "w0": &w0, "lr": &d.lr, "steps": &d.steps, "loss": &d.loss, "w1": &w1, "w2": &w2,
		"dt": &d.dt, "noise": &d.noise, "saddle_loss": &d.saddle, "shown": &shown})
	if err != nil {
		return err
	}
	var steps []float64
	for _, s := range []struct {
		from any
		to   *[]float64
	}{{w0, &d.w0}, {w1, &d.w1}, {w2, &d.w2}, {shown, &steps}} {
		if *s.to, err = numbers(s.from); err != nil {
			return err
		}
	}
	for _, n := range steps {
		d.shown = append(d.shown, int(n))
	}
	if len(d.w0) != 2 || len(d.w1) != 2 || len(d.w2) != 2 || len(d.shown) == 0 {
		return fmt.Errorf("w0 %v, w1 %v, w2 %v, shown %v: want two numbers each, and a step", d.w0, d.w1, d.w2, d.shown)
	}
	return nil
}

func (d *toyData) readLandscape(t store.Table, row []any) error {
	var name string
	var step, y float64
	var x, v any
	if err := scan(t, row, map[string]any{"surface": &name, "t": &step, "w2": &y, "w1": &x, "value": &v}); err != nil {
		return err
	}
	xs, err := numbers(x)
	if err != nil {
		return err
	}
	zs, err := numbers(v)
	if err != nil {
		return err
	}
	g := d.grids[key(name, step)]
	if g == nil {
		g = &plot.Grid{X: xs}
		d.grids[key(name, step)] = g
	}
	if name == "inference" {
		d.last = max(d.last, int(step))
	}
	g.Y, g.Z = append(g.Y, y), append(g.Z, zs...)
	return nil
}

func (d *toyData) readField(t store.Table, row []any) error {
	var name string
	var step, x, y, dx, dy float64
	if err := scan(t, row, map[string]any{"surface": &name, "t": &step, "w1": &x, "w2": &y, "d1": &dx, "d2": &dy}); err != nil {
		return err
	}
	a := d.fields[key(name, step)]
	if a == nil {
		a = &plot.Arrows{}
		d.fields[key(name, step)] = a
	}
	a.X, a.Y, a.DX, a.DY = append(a.X, x), append(a.Y, y), append(a.DX, dx), append(a.DY, dy)
	return nil
}

func (d *toyData) readTrajectory(t store.Table, row []any) error {
	var start, rule string
	var run, step, w1, w2, loss, saddle float64
	if err := scan(t, row, map[string]any{"start": &start, "rule": &rule, "run": &run, "step": &step, "w1": &w1, "w2": &w2, "loss": &loss, "to_saddle": &saddle}); err != nil {
		return err
	}
	k := key(start+"/"+rule, run)
	p := d.paths[k]
	if p == nil {
		p = &toyTrace{}
		d.paths[k] = p
	}
	p.step, p.w1, p.w2 = append(p.step, step), append(p.w1, w1), append(p.w2, w2)
	p.loss, p.toSaddle = append(p.loss, loss), append(p.toSaddle, saddle)
	return nil
}
