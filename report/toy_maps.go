package report

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// startMap is a panel with a column of table starts in cells.
func (d *toyData) startMap(column string, s *plot.ColorScale) (plot.Axes, error) {
	a := plot.Axes{X: "w₁ at the start", Y: "w₂ at the start"}
	var cols [3][]float64
	for i, name := range []string{"w1", "w2", column} {
		var err error
		if cols[i], err = d.start.Floats(name); err != nil {
			return a, fmt.Errorf("table starts: %w", err)
		}
	}
	g := plot.Grid{Z: cols[2]}
	for i := range cols[0] {
		if cols[1][i] == cols[1][0] {
			g.X = append(g.X, cols[0][i])
		}
		if cols[0][i] == cols[0][0] {
			g.Y = append(g.Y, cols[1][i])
		}
	}
	a.Marks = []plot.Mark{&plot.HeatMap{Name: column, Grid: g, Scale: s, Cells: true}}
	return a, nil
}

// starts maps which rule is first below the threshold.
func (d *toyData) starts() (*plot.Figure, error) {
	s := &plot.ColorScale{Label: "log₂(BP's steps / PC's steps): blue BP first, red PC first", Palette: d.look.signed, Range: plot.Range{Min: -2, Max: 2}}
	if d.look.signed.Colors[0] == plot.BlueWhiteOrange.Colors[0] {
		s.Label = "log₂(BP's steps / PC's steps): blue BP first, orange PC first"
	}
	f := &plot.Figure{Aspect: 1, Width: 600, Panels: [][]plot.Axes{nil},
		Title: fmt.Sprintf("Which rule is first in the valley (ℒ < %s), by start. Grey: neither arrives, or nothing to do", num(d.loss))}
	for _, p := range []struct{ column, title string }{{"first", "both at learning rate " + num(d.lr)}, {"first_best", "each at its best learning rate"}} {
		a, err := d.startMap(p.column, s)
		if err != nil {
			return nil, err
		}
		a.Title = p.title
		f.Panels[0] = append(f.Panels[0], a)
	}
	f.Panels[0][1].Y = ""
	return f, nil
}

// alignment maps the cosine of each rule's direction with that to the nearest solution, and their difference.
func (d *toyData) alignment() (*plot.Figure, error) {
	s := &plot.ColorScale{Label: "cosine, and difference of cosines", Palette: d.look.signed, Range: plot.Range{Min: -1, Max: 1}}
	f := &plot.Figure{Aspect: 1, Width: 640, Panels: [][]plot.Axes{nil}, Title: "Cosine of −∇ with the direction to the nearest solution, by start"}
	for _, p := range []struct{ column, title string }{{"bp_cosine", "−∇ℒ"}, {"pc_cosine", "−∇F*"}, {"cosine_gain", "F* less ℒ"}} {
		a, err := d.startMap(p.column, s)
		if err != nil {
			return nil, err
		}
		a.Title = p.title
		f.Panels[0] = append(f.Panels[0], a)
	}
	f.Panels[0][1].Y, f.Panels[0][2].Y = "", ""
	return f, nil
}

// progress shows loss and distance to the saddle by steps.
func (d *toyData) progress() (*plot.Figure, error) {
	loss := plot.Axes{Title: "Loss", X: "steps of learning", Y: "ℒ", LogY: true, HLines: []plot.HLine{{Y: d.loss, Label: "threshold " + num(d.loss)}}}
	saddle := plot.Axes{Title: "Distance to the saddle", X: "steps of learning", Y: "‖w‖"}
	most := 0.0
	for _, start := range []struct {
		name, label string
		dash        bool
	}{{"w0", " from w⁰", false}, {"manifold", " from the stable manifold of ℒ", true}} {
		for _, rule := range []string{"bp", "pc"} {
			p := d.paths[key(start.name+"/"+rule, 0)]
			if p == nil {
				return nil, fmt.Errorf("table trajectories: %s from %s is missing", rule, start.name)
			}
			if n := float64(len(p.step) - 1); n < d.steps {
				most = max(most, n)
			}
			line := plot.Line{Name: toyRules[rule] + start.label, X: p.step, Color: colours[rule], Dash: start.dash}
			line.Y = p.loss
			loss.Lines = append(loss.Lines, line)
			line.Y = p.toSaddle
			saddle.Lines = append(saddle.Lines, line)
		}
	}
	if most > 0 { // what is caught stays where it is
		loss.XRange = plot.Range{Max: math.Ceil(most * 1.25)}
		saddle.XRange = loss.XRange
	}
	return &plot.Figure{Title: "Learning step by step: " + d.settings(), Panels: [][]plot.Axes{{loss, saddle}}}, nil
}

// rates shows the median number of steps by learning rate, and the parts of the starts that arrive and diverge.
func (d *toyData) rates() (*plot.Figure, error) {
	steps := plot.Axes{Title: "Steps to the threshold, median over the starts", X: "learning rate", Y: "steps", LogX: true, LogY: true}
	share := plot.Axes{Title: "Starts that diverge", X: "learning rate", Y: "part of the starts", LogX: true, YRange: plot.Range{Min: 0, Max: 1.02}}
	for _, rule := range []string{"bp", "pc"} {
		var lr, median, part []float64
		for _, row := range d.rate.Rows {
			var of string
			var rate, starts, diverged float64
			var n any
			if err := scan(d.rate, row, map[string]any{"rule": &of, "lr": &rate, "starts": &starts, "diverged": &diverged, "median_steps": &n}); err != nil {
				return nil, fmt.Errorf("table rates: %w", err)
			}
			if of != rule {
				continue
			}
			m, ok := n.(float64)
			if !ok {
				m = math.NaN()
			}
			lr, median, part = append(lr, rate), append(median, m), append(part, diverged/starts)
		}
		line := plot.Line{Name: toyRules[rule], X: lr, Y: median, Color: colours[rule], Dots: true}
		steps.Lines = append(steps.Lines, line)
		line.Y = part
		share.Lines = append(share.Lines, line)
	}
	return &plot.Figure{Title: fmt.Sprintf("Learning rates, x = %s, y = %s", num(d.x), num(d.y)), Panels: [][]plot.Axes{{steps, share}}}, nil
}

// flattening shows how landscape and activity change with the steps of inference.
func (d *toyData) flattening() (*plot.Figure, error) {
	panel := func(t store.Table, a plot.Axes, columns ...[2]string) (plot.Axes, error) {
		x, err := t.Floats("t")
		if err != nil {
			return a, err
		}
		for _, c := range columns {
			y, err := t.Floats(c[0])
			if err != nil {
				return a, err
			}
			a.Lines = append(a.Lines, plot.Line{Name: c[1], X: x, Y: y, Dots: true})
		}
		return a, nil
	}
	flat, err := panel(d.flat, plot.Axes{Title: "Medians over the grid, relative to ℒ", X: "steps of inference t", Y: "ratio", YRange: plot.Range{Min: 0, Max: 1.05}},
		[2]string{"value", "Fₜ / ℒ"}, [2]string{"local_gradient", "local rule / ‖∇ℒ‖"}, [2]string{"total_gradient", "‖∇Fₜ‖ / ‖∇ℒ‖"})
	if err != nil {
		return nil, err
	}
	inf, err := panel(d.inf, plot.Axes{Title: "zₜ − ẑ against −g/ℐ and −g", X: "steps of inference t", Y: "relative error", YRange: plot.Range{Min: 0, Max: 1.05}},
		[2]string{"error_natural", "−g/ℐ (natural gradient), at w⁰"}, [2]string{"error_gradient", "−g (gradient), at w⁰"},
		[2]string{"grid_error_natural", "−g/ℐ, median of the grid"}, [2]string{"grid_error_gradient", "−g, median of the grid"})
	if err != nil {
		return nil, err
	}
	return &plot.Figure{Title: fmt.Sprintf("Inference, dt = %s", num(d.dt)), Width: 600, Panels: [][]plot.Axes{{flat, inf}}}, nil
}
