package report

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/plot"
)

// example is the depth and scale of the networks that are shown where there is room for one.
func (d tablesOf) example() (depth, scale float64, err error) {
	depths, err := d.distinct("cases", "depth", is{"state": "new", "act": "tanh", "place": "after"})
	if err != nil {
		return 0, 0, err
	}
	scales, err := d.distinct("cases", "scale", is{"state": "new"})
	return nearest(depths, 4), nearest(scales, 1), err
}

// trainedDepth returns the depth of the trained tanh networks nearest to 6.
func (d tablesOf) trainedDepth() (float64, error) {
	depths, err := d.distinct("cases", "depth", is{"state": "pc-trained", "act": "tanh"})
	return nearest(depths, 6), err
}

// remainder shows the remainder of Eq. 6 against the distance, with lines of slope 2 and 3.
func (d tablesOf) remainder() (*plot.Figure, error) {
	depth, scale, err := d.example()
	if err != nil {
		return nil, err
	}
	f := &plot.Figure{Title: fmt.Sprintf("Remainder of Eq. 6 for tanh, L = %g, scale %g: medians over directions", depth, scale), Panels: [][]plot.Axes{nil}}
	for _, place := range []string{"after", "before"} {
		a := plot.Axes{Title: "activation " + place + " the weights", X: "distance ‖Δz‖ from the feedforward point", Y: "remainder of F", LogX: true, LogY: true}
		if place == "before" {
			a.Y = ""
		}
		if err := d.expansions(&a, is{"state": "new", "act": "tanh", "place": place, "depth": depth, "scale": scale}); err != nil {
			return nil, err
		}
		a.Lines = append(a.Lines, guide(a.Lines[0], 2, 3), guide(a.Lines[2], 3, 1./3))
		f.Panels[0] = append(f.Panels[0], a)
	}
	return f, nil
}

// guide is a line of a slope on log–log axes, a factor above the middle of another line.
func guide(of plot.Line, slope, above float64) plot.Line {
	l := plot.Line{Name: fmt.Sprintf("slope %g", slope), Color: plot.Black, Width: 0.8, Dash: slope == 3}
	if len(of.X) == 0 {
		return l
	}
	mid := len(of.X) / 2
	for _, x := range []float64{of.X[0], of.X[len(of.X)-1]} {
		l.X = append(l.X, x)
		l.Y = append(l.Y, of.Y[mid]*above*math.Pow(x/of.X[mid], slope))
	}
	return l
}

// stateNames are the states in legends.
var stateNames = map[string]string{"new": "new", "bp-trained": "trained by BP", "pc-trained": "trained by PC"}

// solution shows the error of Eq. 7 against weight scale by depth, and on networks for images by state.
func (d tablesOf) solution() (*plot.Figure, error) {
	f := &plot.Figure{Title: "How far −ℐ⁻¹g (Eq. 7) misses the equilibrium, relative to its distance: tanh, medians", Panels: [][]plot.Axes{nil, nil}}
	limit := []plot.HLine{{Y: 0.1, Label: "C6: 0.1"}}
	for i, place := range []string{"after", "before"} {
		a := plot.Axes{Title: "random networks, activation " + place, X: "weight scale", Y: "‖Δz* + ℐ⁻¹g‖ / ‖Δz*‖", LogY: true, HLines: limit, YRange: plot.Range{Min: 5e-5, Max: 3}}
		depths, err := d.distinct("cases", "depth", is{"state": "new", "act": "tanh", "place": place})
		if err != nil {
			return nil, err
		}
		var lines []plot.Line
		for _, depth := range depths {
			l, err := d.line("cases", "scale", "solution_rel_error", is{"state": "new", "act": "tanh", "place": place, "depth": depth})
			if err != nil {
				return nil, err
			}
			l.Name = fmt.Sprintf("L = %g", depth)
			exact := place == "after" && depth == 2
			if l = numbersOnly(l); len(l.X) > 0 && !exact { // images have no scale
				lines = append(lines, l)
			}
		}
		a.Lines = some(lines)
		b := plot.Axes{Title: "images, activation " + place, X: "depth L", Y: a.Y, LogY: true, HLines: limit, YRange: a.YRange}
		if i == 1 {
			a.Y, b.Y = "", ""
		}
		for _, s := range []struct {
			name  string
			color plot.Color
		}{{"new", plot.Black}, {"bp-trained", plot.Blue}, {"pc-trained", plot.Vermillion}} {
			l, err := d.line("cases", "depth", "solution_rel_error", is{"state": s.name, "act": "tanh", "place": place, "scale": math.NaN()})
			if err != nil {
				return nil, err
			}
			l.Name, l.Color = stateNames[s.name], s.color
			b.Lines = append(b.Lines, l)
		}
		f.Panels[0] = append(f.Panels[0], a)
		f.Panels[1] = append(f.Panels[1], b)
	}
	return f, nil
}

// some returns at most five of the lines, with both ends.
func some(v []plot.Line) []plot.Line {
	const most = 5
	if len(v) <= most {
		return v
	}
	var out []plot.Line
	for i := range most {
		out = append(out, v[i*(len(v)-1)/(most-1)])
	}
	return out
}

// numbersOnly drops the points without an x.
func numbersOnly(l plot.Line) plot.Line {
	var x, y []float64
	for i, v := range l.X {
		if !math.IsNaN(v) {
			x, y = append(x, v), append(y, l.Y[i])
		}
	}
	l.X, l.Y = x, y
	return l
}

// terms shows the errors of Eq. 8 and of its readings in each layer.
func (d tablesOf) terms() (*plot.Figure, error) {
	depth, scale, err := d.example()
	if err != nil {
		return nil, err
	}
	f := &plot.Figure{Title: "What approximates PC's weight gradient ∂F*/∂θ: relative error in each layer", Panels: [][]plot.Axes{nil, nil}}
	deep, err := d.trainedDepth()
	if err != nil {
		return nil, err
	}
	for i, p := range []struct {
		title string
		want  is
	}{
		{fmt.Sprintf("linear, L = %g, scale %g (local rule exact)", depth, scale), is{"state": "new", "act": "linear", "depth": depth, "scale": scale}},
		{fmt.Sprintf("tanh after, L = %g, scale %g", depth, scale), is{"state": "new", "act": "tanh", "place": "after", "depth": depth, "scale": scale}},
		{fmt.Sprintf("tanh after, L = %g, trained by BP", deep), is{"state": "bp-trained", "act": "tanh", "place": "after", "depth": deep}},
		{fmt.Sprintf("tanh after, L = %g, trained by PC", deep), is{"state": "pc-trained", "act": "tanh", "place": "after", "depth": deep}},
	} {
		a := plot.Axes{Title: p.title, X: "layer", Y: "relative error", LogY: true, YRange: plot.Range{Min: 5e-3, Max: 60}, HLines: []plot.HLine{{Y: 0.1}},
			XRange: plot.Range{Min: 0.8, Max: p.want["depth"].(float64) + 0.2}}
		if i%2 == 1 {
			a.Y = ""
		}
		if err := d.readings(&a, p.want); err != nil {
			return nil, err
		}
		f.Panels[i/2] = append(f.Panels[i/2], a)
	}
	return f, nil
}

// spectra shows all eigenvalues at the saddles, numeric over closed form.
func (d tablesOf) spectra() (*plot.Figure, error) {
	f := &plot.Figure{Title: "Hessians of ℒ/B and F*/B at saddles, linear networks: eigenvalues from products (dots) and in closed form (lines)", Panels: [][]plot.Axes{nil, nil}}
	depths, err := d.distinct("eigenvalues", "depth", is{})
	if err != nil {
		return nil, err
	}
	deep := nearest(depths, 4)
	for i, p := range []struct {
		title string
		want  is
	}{
		{"origin, L = 2", is{"depth": 2., "at": "origin"}}, {"origin, L = 3 and more", is{"depth": 3., "at": "origin"}},
		{"all 0 but W₂, L = 3", is{"depth": 3., "at": "penultimate"}}, {fmt.Sprintf("all 0 but the penultimate, L = %g", deep), is{"depth": deep, "at": "penultimate"}},
	} {
		a := plot.Axes{Title: p.title, X: "eigenvalue, from the lowest", Y: "value"}
		if i%2 == 1 {
			a.Y = ""
		}
		p.want["act"] = "linear"
		for _, s := range []struct {
			key, name string
			color     plot.Color
		}{{"loss", "ℒ (BP)", plot.Blue}, {"energy", "F* (PC)", plot.Vermillion}} {
			p.want["landscape"] = s.key
			closed, err := d.line("eigenvalues", "index", "closed", p.want)
			if err != nil {
				return nil, err
			}
			numeric, err := d.line("eigenvalues", "index", "numeric", p.want)
			if err != nil {
				return nil, err
			}
			closed.Name, closed.Color, closed.Dots = s.name, s.color, false
			for k := range numeric.X { // dots without a line between them
				a.Lines = append(a.Lines, plot.Line{X: numeric.X[k : k+1], Y: numeric.Y[k : k+1], Color: s.color})
			}
			a.Lines = append(a.Lines, closed)
		}
		f.Panels[i/2] = append(f.Panels[i/2], a)
	}
	return f, nil
}

// conditions shows condition numbers against depth.
func (d tablesOf) conditions() (*plot.Figure, error) {
	f := &plot.Figure{Title: "Condition number of the Hessian of inference at the feedforward point, weight scale 1", Panels: [][]plot.Axes{nil}}
	widths, err := d.distinct("conditions", "width", is{})
	if err != nil {
		return nil, err
	}
	for i, act := range []string{"linear", "tanh"} {
		a := plot.Axes{Title: act, X: "depth L", Y: "λmax / λmin", LogX: true, LogY: true}
		if i == 1 {
			a.Y = ""
		}
		for _, c := range []struct {
			column, name string
			dash         bool
		}{{"condition", "activities", false}, {"condition_errors", "errors", true}} {
			for k, width := range widths {
				l, err := d.line("conditions", "depth", c.column, is{"act": act, "width": width})
				if err != nil {
					return nil, err
				}
				l.Name, l.Dash = fmt.Sprintf("%s, width %g", c.name, width), c.dash
				l.Color = []plot.Color{plot.Vermillion, plot.Blue, plot.Green, plot.Purple, plot.Orange}[k%5]
				a.Lines = append(a.Lines, l)
			}
		}
		chain, err := d.line("conditions", "depth", "condition_chain", is{"act": act, "width": widths[0]})
		if err != nil {
			return nil, err
		}
		chain.Name, chain.Color, chain.Width, chain.Dots = "(2L/π)²: equal weights, width 1", plot.Black, 0.8, false
		a.Lines = append(a.Lines, chain)
		f.Panels[0] = append(f.Panels[0], a)
	}
	return f, nil
}

// path shows where inference goes, in time.
func (d tablesOf) path() (*plot.Figure, error) {
	depth, scale, err := d.example()
	if err != nil {
		return nil, err
	}
	f := &plot.Figure{Title: "The displacement z(t) − ẑ during inference, in steps of 1/λmax(ℐ): medians", Panels: [][]plot.Axes{nil, nil}}
	deep, err := d.trainedDepth()
	if err != nil {
		return nil, err
	}
	for i, p := range []struct {
		title string
		want  is
	}{
		{fmt.Sprintf("tanh after, L = %g, scale %g", depth, scale), is{"state": "new", "act": "tanh", "place": "after", "depth": depth, "scale": scale}},
		{fmt.Sprintf("tanh after, L = %g, trained by PC", deep), is{"state": "pc-trained", "act": "tanh", "place": "after", "depth": deep}},
	} {
		cosine := plot.Axes{Title: p.title, X: "t", Y: "cosine", LogX: true, YRange: plot.Range{Min: 0.5, Max: 1.02}}
		rel := plot.Axes{X: "t", Y: "relative error", LogX: true, LogY: true, YRange: plot.Range{Min: 3e-3, Max: 2}, HLines: []plot.HLine{{Y: 0.1}}}
		if i == 1 {
			cosine.Y, rel.Y = "", ""
		}
		if err := d.moves(&cosine, &rel, p.want); err != nil {
			return nil, err
		}
		f.Panels[0], f.Panels[1] = append(f.Panels[0], cosine), append(f.Panels[1], rel)
	}
	return f, nil
}

// limits shows the two limits.
func (d tablesOf) limits() (*plot.Figure, error) {
	f := &plot.Figure{Title: "Two limits, L = 4, weight scale 1 (right: tanh, activation after)", Panels: [][]plot.Axes{{
		{Title: "π_L → 0: PC becomes BP", X: "π_L", Y: "relative error, all layers", LogX: true, LogY: true},
		{Title: "residual → 0: TR + BP stays wrong", X: "residual, part of the initial one", Y: "relative error, worst layer", LogX: true, LogY: true},
	}}}
	for _, c := range []struct {
		act, place, name string
		color            plot.Color
	}{{"linear", "after", "linear", plot.Black}, {"tanh", "after", "tanh after", plot.Vermillion}, {"tanh", "before", "tanh before", plot.Blue}} {
		l, err := d.line("limits", "x", "rel_error", is{"limit": "output precision", "act": c.act, "place": c.place})
		if err != nil {
			return nil, err
		}
		l.Name, l.Color = c.name, c.color
		f.Panels[0][0].Lines = append(f.Panels[0][0].Lines, l)
	}
	for _, c := range []struct {
		quantity, name string
		color          plot.Color
	}{
		{"TR + BP for PC", "TR + BP (Eq. 8)", plot.Vermillion}, {"TR^err for PC", "TRᵉʳʳ: errors after the step", plot.Green},
		{"local rule after the step for PC", "local rule after the step", plot.Black},
	} {
		l, err := d.line("limits", "x", "rel_error", is{"limit": "residual", "act": "tanh", "place": "after", "quantity": c.quantity})
		if err != nil {
			return nil, err
		}
		l.Name, l.Color = c.name, c.color
		f.Panels[0][1].Lines = append(f.Panels[0][1].Lines, l)
	}
	return f, nil
}
