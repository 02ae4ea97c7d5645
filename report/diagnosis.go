package report

import (
	"fmt"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// courseOf is one method of table diagnosis: energy and residual after each step, and each layer's.
type courseOf struct {
	name                     string
	passes, energy, residual []float64
	layers                   map[int]*plot.Line // energies
	starved                  map[int]*plot.Line // residuals in activities
	last                     int
}

// Diagnosis draws how inference goes on the network of a training: energy and residual ratio against passes for every method,
// and, for the first of them, the energy and the residual of each layer. It reads table diagnosis and writes
// figures/diagnosis.
func Diagnosis(run *store.Run) ([]string, error) {
	t, err := run.Table("diagnosis")
	if err != nil {
		return nil, err
	}
	if err := csvOf(run, "diagnosis", t); err != nil {
		return nil, err
	}
	courses, err := readCourses(t)
	if err != nil {
		return nil, err
	}
	energy := plot.Axes{Title: "Energy", X: "passes", Y: "F, mean of a sample", LogY: true}
	residual := plot.Axes{Title: "Residual ratio", X: "passes", Y: "ρ", LogY: true}
	for i, c := range courses {
		width := 1.3
		if i == 0 {
			width = 2.2
		}
		line := plot.Line{Name: c.name, X: c.passes, Y: c.energy, Width: width, Dots: len(c.passes) < 20}
		energy.Lines = append(energy.Lines, line)
		line.Y = make([]float64, len(c.residual))
		for k, v := range c.residual {
			line.Y[k] = v / c.residual[0]
		}
		residual.Lines = append(residual.Lines, line)
	}
	first := courses[0]
	layers := plot.Axes{Title: "Energy by layer: " + first.name, X: "passes", Y: "½πₗ‖eₗ‖², mean of a sample", LogY: true}
	starved := plot.Axes{Title: "Residual by layer: " + first.name, X: "passes", Y: "‖∂F/∂zₗ‖ over the batch", LogY: true}
	for l := 1; l <= first.last; l++ {
		for _, p := range []struct {
			axes *plot.Axes
			line *plot.Line
		}{{&layers, first.layers[l]}, {&starved, first.starved[l]}} {
			if p.line != nil {
				p.line.Name, p.line.Color = fmt.Sprintf("layer %d", l), ramp(l, first.last)
				p.axes.Lines = append(p.axes.Lines, *p.line)
			}
		}
	}
	f := &plot.Figure{Title: "How inference goes", Panels: [][]plot.Axes{{energy, residual}, {layers, starved}}}
	return save(run, "diagnosis", f)
}

// ramp goes from blue for layer 1 to vermillion for layer L.
func ramp(l, last int) plot.Color {
	share := 0.0
	if last > 1 {
		share = float64(l-1) / float64(last-1)
	}
	mix := func(shift uint) plot.Color {
		a, b := float64(plot.Blue>>shift&0xFF), float64(plot.Vermillion>>shift&0xFF)
		return plot.Color(a+share*(b-a)) << shift
	}
	return mix(24) | mix(16) | mix(8) | 0xFF
}

// readCourses gathers the rows of table diagnosis, layer 0 standing for the whole batch.
func readCourses(t store.Table) ([]*courseOf, error) {
	var out []*courseOf
	for _, row := range t.Rows {
		var method, coords string
		var dt, passes, layer, energy, residual float64
		if err := scan(t, row, map[string]any{"method": &method, "coordinates": &coords, "dt": &dt, "passes": &passes,
			"layer": &layer, "energy": &energy, "residual": &residual}); err != nil {
			return nil, fmt.Errorf("table diagnosis: %w", err)
		}
		name := method + " in " + coords
		if dt > 0 {
			name += fmt.Sprintf(", dt %.3g", dt)
		}
		if len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, &courseOf{name: name, layers: map[int]*plot.Line{}, starved: map[int]*plot.Line{}})
		}
		c := out[len(out)-1]
		l := int(layer)
		if l == 0 {
			c.passes, c.energy, c.residual = append(c.passes, passes), append(c.energy, energy), append(c.residual, residual)
			continue
		}
		c.last = max(c.last, l)
		add := func(m map[int]*plot.Line, v float64) {
			if m[l] == nil {
				m[l] = &plot.Line{}
			}
			m[l].X, m[l].Y = append(m[l].X, passes), append(m[l].Y, v)
		}
		add(c.layers, energy)
		if residual > 0 {
			add(c.starved, residual)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("table diagnosis: no rows")
	}
	return out, nil
}
