package report

import (
	"fmt"

	"github.com/settle-pc/settle/plot"
)

// space is Figure 0.
func (d tablesOf) space() (*plot.Figure, error) {
	t := d["space"]
	f := &plot.Figure{Aspect: 1, Panels: [][]plot.Axes{nil}}
	for _, row := range t.Rows {
		var panel string
		var w, start, end, solution, down any
		var x, y, low, constraint, rel float64
		err := scan(t, row, map[string]any{"panel": &panel, "weights": &w, "x": &x, "y": &y, "z_feedforward": &start, "z_equilibrium": &end,
			"z_solution": &solution, "z_gradient": &down, "energy_equilibrium": &low, "constraint": &constraint, "rel_error": &rel})
		if err != nil {
			return nil, err
		}
		var at [5][]float64
		for i, v := range []any{w, start, end, solution, down} {
			if at[i], err = numbers(v); err != nil {
				return nil, err
			}
		}
		a := plot.Axes{X: "z₁", Y: "z₂", HLines: []plot.HLine{{Y: constraint, Label: "output = target"}}}
		a.Title = fmt.Sprintf("%s: −ℐ⁻¹g misses z* by %.0f %%", panel, 100*rel)
		if rel < 1e-12 {
			a.Title = panel + ": −ℐ⁻¹g is exact"
		}
		g, err := d.plane(panel)
		if err != nil {
			return nil, err
		}
		a.XRange, a.YRange = ends(g.X), ends(g.Y)
		path, err := d.line("space_path", "z1", "z2", is{"panel": panel})
		if err != nil {
			return nil, err
		}
		var levels []float64
		for _, k := range []float64{0.02, 0.1, 0.25, 0.5, 1, 1.75, 2.75, 4, 6, 9, 13} {
			levels = append(levels, low+k)
		}
		arrow := func(name string, to []float64, c plot.Color) *plot.Trajectory {
			return &plot.Trajectory{Name: name, X: []float64{at[1][0], to[0]}, Y: []float64{at[1][1], to[1]}, Color: c, Casing: c, Width: 0.8, Plain: true}
		}
		a.Marks = []plot.Mark{
			&plot.Contours{Name: "energy F", Grid: *g, Levels: levels},
			arrow("direction −g", at[4], plot.Purple), arrow("step −ℐ⁻¹g (Eq. 7)", at[3], plot.Vermillion),
			&plot.Trajectory{Name: "inference, z(t)", X: path.X, Y: path.Y, Start: "ẑ", End: "z*", Color: plot.Sky, Plain: true},
		}
		step := plot.Line{X: at[3][:1], Y: at[3][1:], Color: plot.Vermillion, Width: 2.5, Dots: true}
		a.Lines = []plot.Line{step}
		f.Title = fmt.Sprintf("Figure 0. Inference in activity space: three weights %s, %s, %s; x = %s, y = %s", num(at[0][0]), num(at[0][1]), num(at[0][2]), num(x), num(y))
		f.Panels[0] = append(f.Panels[0], a)
	}
	return f, nil
}

// plane returns the energy over the plane.
func (d tablesOf) plane(panel string) (*plot.Grid, error) {
	t := d.pick("space_energy", is{"panel": panel})
	g := &plot.Grid{}
	for _, row := range t.Rows {
		var z2 float64
		var z1, energy any
		if err := scan(t, row, map[string]any{"z2": &z2, "z1": &z1, "energy": &energy}); err != nil {
			return nil, err
		}
		x, err := numbers(z1)
		if err != nil {
			return nil, err
		}
		f, err := numbers(energy)
		if err != nil {
			return nil, err
		}
		g.X, g.Y, g.Z = x, append(g.Y, z2), append(g.Z, f...)
	}
	return g, nil
}

// asked is case 0, the network asked for.
var asked = is{"case": 0.}

// title says which network was asked for, and returns its depth.
func (d tablesOf) title() (string, float64, error) {
	t := d.pick("cases", asked)
	if len(t.Rows) != 1 {
		return "", 0, fmt.Errorf("table theory_cases: %d rows of the network asked for: want one", len(t.Rows))
	}
	var arch, act, place string
	var depth float64
	err := scan(t, t.Rows[0], map[string]any{"arch": &arch, "act": &act, "place": &place, "depth": &depth})
	return fmt.Sprintf("%s %s, activation %s the weights", act, arch, place), depth, err
}

// network shows Eq. 8 for the network asked for.
func (d tablesOf) network() (*plot.Figure, error) {
	title, depth, err := d.title()
	if err != nil {
		return nil, err
	}
	layers := plot.Range{Min: 0.8, Max: depth + 0.2}
	terms := plot.Axes{Title: "relative error against ∂F*/∂θ", X: "layer", Y: "relative error", LogY: true, XRange: layers, HLines: []plot.HLine{{Y: 0.1}}}
	if err := d.readings(&terms, asked); err != nil {
		return nil, err
	}
	cosines := plot.Axes{Title: "cosine with ∂F*/∂θ", X: "layer", Y: "cosine", XRange: layers}
	for _, c := range []struct {
		column, name string
		color        plot.Color
	}{{"cos_sum", "TR + BP (Eq. 8)", plot.Vermillion}, {"cos_bp", "BP alone", plot.Blue}, {"cos_tr", "TR alone", plot.Orange}} {
		l, err := d.line("terms", "layer", c.column, asked)
		if err != nil {
			return nil, err
		}
		l.Name, l.Color = c.name, c.color
		cosines.Lines = append(cosines.Lines, l)
	}
	return &plot.Figure{Title: "Eq. 8. " + title, Panels: [][]plot.Axes{{terms, cosines}}}, nil
}

// inference shows Eq. 6 and the path of inference for the network asked for.
func (d tablesOf) inference() (*plot.Figure, error) {
	title, _, err := d.title()
	if err != nil {
		return nil, err
	}
	rest := plot.Axes{Title: "remainder of Eq. 6", X: "distance ‖Δz‖ from the feedforward point", Y: "remainder of F", LogX: true, LogY: true}
	if err := d.expansions(&rest, asked); err != nil {
		return nil, err
	}
	path := plot.Axes{Title: "displacement z(t) − ẑ during inference", X: "t, in steps of 1/λmax(ℐ)", Y: "relative error", LogX: true, LogY: true, HLines: []plot.HLine{{Y: 0.1}}}
	if err := d.moves(nil, &path, asked); err != nil {
		return nil, err
	}
	return &plot.Figure{Title: "Eq. 6 and 7. " + title, Panels: [][]plot.Axes{{rest, path}}}, nil
}

// expansions adds the remainders of the three expansions.
func (d tablesOf) expansions(a *plot.Axes, want is) error {
	for _, e := range []struct {
		key, name string
		color     plot.Color
	}{{"errors", "errors as coordinates", plot.Green}, {"𝓘", "Fisher ℐ", plot.Vermillion}, {"exact Hessian", "exact Hessian", plot.Blue}} {
		l, err := d.line("remainders", "distance", "remainder", want.and("expansion", e.key))
		if err != nil {
			return err
		}
		l.Name, l.Color = e.name, e.color
		if e.key == "exact Hessian" { // may lie on the other
			l.Dots, l.Dash, l.Width = false, true, 2
		}
		a.Lines = append(a.Lines, l)
	}
	return nil
}

// readings of Eq. 8 in legends, by column.
var readings = []struct {
	column, name string
	color        plot.Color
	dash         bool
}{
	{"rel_error_sum", "TR + BP (Eq. 8)", plot.Vermillion, false},
	{"rel_error_bp", "BP alone", plot.Blue, false},
	{"rel_error_tr", "TR alone", plot.Orange, false},
	{"rel_error_tr_local", "TR, local reading", plot.Orange, true},
	{"rel_error_tr_err", "TRᵉʳʳ: errors after the step", plot.Green, false},
	{"rel_error_step", "local rule after the step", plot.Black, false},
}

// readings adds the relative errors of Eq. 8 and of what else could be meant.
func (d tablesOf) readings(a *plot.Axes, want is) error {
	for _, r := range readings {
		l, err := d.line("terms", "layer", r.column, want)
		if err != nil {
			return err
		}
		l.Name, l.Color, l.Dash = r.name, r.color, r.dash
		a.Lines = append(a.Lines, l)
	}
	return nil
}

// moves adds what the path of inference is compared with: cosines (nil: not) and relative errors.
func (d tablesOf) moves(cosine, rel *plot.Axes, want is) error {
	for _, c := range []struct {
		column, name string
		color        plot.Color
		to           *plot.Axes
	}{
		{"cos_natural", "with −ℐ⁻¹g", plot.Vermillion, cosine}, {"cos_gradient", "with −g", plot.Purple, cosine},
		{"rel_error_natural", "with −ℐ⁻¹g", plot.Vermillion, rel}, {"rel_error_gradient", "with −g", plot.Purple, rel},
		{"rel_error_trust_region", "with the trust-region step of its length", plot.Orange, rel},
	} {
		if c.to == nil {
			continue
		}
		l, err := d.line("paths", "t", c.column, want)
		if err != nil {
			return err
		}
		l.Name, l.Color = c.name, c.color
		c.to.Lines = append(c.to.Lines, l)
	}
	return nil
}
