package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// What the figures say of themselves.
func (d *toyData) settings() string {
	return fmt.Sprintf("x = %s, y = %s, w⁰ = (%s, %s), learning rate %s", num(d.x), num(d.y), num(d.w0[0]), num(d.w0[1]), num(d.lr))
}

// num writes a number with a true minus, and a power of ten where it is very large or small.
func num(v float64) string {
	if v < 0 {
		return "−" + num(-v)
	}
	digits, exp, scientific := strings.Cut(strconv.FormatFloat(v, 'g', 4, 64), "e")
	if !scientific {
		return digits
	}
	n, err := strconv.Atoi(exp)
	if err != nil { // cannot be
		return digits + "e" + exp
	}
	return digits + "×10" + superscripts.Replace(strconv.Itoa(n))
}

var superscripts = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// steps writes a number of steps.
func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return strconv.Itoa(n) + " steps"
}

// levels are those of the contours: parts and multiples of the loss at the saddle, but not that itself, whose lines
// cross there. On the colour scale the saddle's is white.
func (d *toyData) levels() []float64 {
	var out []float64
	for _, f := range []float64{0.02, 0.1, 0.25, 0.5, 1.5, 2.5, 4, 8, 16, 32} {
		out = append(out, f*d.saddle)
	}
	return out
}

// scale is a colour scale for landscapes from 0 to the largest value of these, with as many colours below the saddle's
// loss as above it.
func (d *toyData) scale(label string, surfaces ...string) *plot.ColorScale {
	top := d.saddle
	for _, name := range surfaces {
		if g := d.grids[name]; g != nil && len(g.Z) > 0 {
			top = max(top, slices.Max(g.Z))
		}
	}
	return &plot.ColorScale{Label: label, Palette: d.look.landscape, Range: plot.Range{Max: top}, Mid: d.saddle, Root: true}
}

// landscape is a panel with a surface and its contours.
func (d *toyData) landscape(surface string, s *plot.ColorScale) (plot.Axes, error) {
	g := d.grids[surface]
	if g == nil {
		return plot.Axes{}, fmt.Errorf("table landscapes: %s is missing", surface)
	}
	return plot.Axes{X: "w₁", Y: "w₂", XRange: ends(g.X), YRange: ends(g.Y), Marks: []plot.Mark{
		&plot.HeatMap{Name: surfaceNames.Replace(surface), Grid: *g, Scale: s}, &plot.Contours{Grid: *g, Levels: d.level}}}, nil
}

// field returns the arrows of a gradient field, the longest for vectors of size full, or of the largest if that is 0.
func (d *toyData) field(name, label string, full float64) (*plot.Arrows, error) {
	f := d.fields[name]
	if f == nil {
		return nil, fmt.Errorf("table fields: %s is missing", name)
	}
	arrows := *f
	arrows.Name, arrows.Full, arrows.Exponent = label, full, 1./3
	arrows.Color, arrows.Casing = d.look.over, d.look.casing&^0xFF|0xB0
	return &arrows, nil
}

// surfaceNames writes the keys of surfaces as CSV has them.
var surfaceNames = strings.NewReplacer("loss/0", "loss", "energy/0", "energy", "inference/", "energy after t = ")

func ends(v []float64) plot.Range { return plot.Range{Min: v[0], Max: v[len(v)-1]} }

// names of the rules in legends.
var toyRules = map[string]string{"bp": "GD on ℒ (BP)", "pc": "GD on F* (PC)"}

// trajectory is the path of a rule from a start.
func (d *toyData) trajectory(start, rule string, run float64) (*plot.Trajectory, error) {
	p := d.paths[key(start+"/"+rule, run)]
	if p == nil {
		return nil, fmt.Errorf("table trajectories: %s from %s is missing", rule, start)
	}
	t := &plot.Trajectory{X: p.w1, Y: p.w2, Start: "w⁰", End: "w*", Color: d.look.over, Casing: d.look.casing}
	t.Name = toyRules[rule] + ", " + steps(len(p.step)-1)
	return t, nil
}

// single is Figure 1 or 3: a landscape with its field and the trajectory of its rule.
func (d *toyData) single(surface, rule, label, title string) (*plot.Figure, error) {
	a, err := d.landscape(key(surface, 0), d.scale(label, key(surface, 0)))
	if err != nil {
		return nil, err
	}
	arrows, err := d.field(key(surface, 0), "−∇"+label+" (length: cube root of size)", 0)
	if err != nil {
		return nil, err
	}
	t, err := d.trajectory("w0", rule, 0)
	if err != nil {
		return nil, err
	}
	a.Marks = append(a.Marks, arrows, t)
	return &plot.Figure{Title: title + "\n" + d.settings(), Aspect: 1, Panels: [][]plot.Axes{{a}}}, nil
}

func (d *toyData) figure1() (*plot.Figure, error) {
	return d.single("loss", "bp", "ℒ", "Figure 1. The loss ℒ(w₁, w₂) = ½(y − w₂w₁x)² and gradient descent")
}

func (d *toyData) figure3() (*plot.Figure, error) {
	return d.single("energy", "pc", "F*", "Figure 3. The energy at equilibrium F* = ℒ/(1 + w₂²) and gradient descent")
}

// frame is Fₜ after t steps, once under each of its gradient fields. Arrows compare between frames.
func (d *toyData) frame(t int, s *plot.ColorScale) (local, total plot.Axes, err error) {
	full := 0.0 // the largest at the end: longer ones, early on, are as long
	if f := d.fields[key("total", float64(d.last))]; f != nil {
		for i := range f.DX {
			full = max(full, math.Hypot(f.DX[i], f.DY[i]))
		}
	}
	for _, p := range []struct {
		to          *plot.Axes
		name, label string
	}{{&local, "local", localName}, {&total, "total", totalName}} {
		if *p.to, err = d.landscape(key("inference", float64(t)), s); err != nil {
			return local, total, err
		}
		arrows, err := d.field(key(p.name, float64(t)), "", full)
		if err != nil {
			return local, total, err
		}
		p.to.Marks, p.to.Title = append(p.to.Marks, arrows), p.label
	}
	return local, total, nil
}

const (
	localName = "−∂F/∂w at fixed z: PC's local rule"
	totalName = "−∇Fₜ: the total gradient"
)

// figure2 has the steps of inference in columns, and the two gradients in rows.
func (d *toyData) figure2() (*plot.Figure, error) {
	s := d.scale("energy Fₜ", key("inference", 0)) // energies only fall
	f := &plot.Figure{Aspect: 1, Width: 640, Panels: make([][]plot.Axes, 2),
		Title: fmt.Sprintf("Figure 2. The energy Fₜ after t steps of inference, w fixed. x = %s, y = %s, dt = %s\nAbove: %s. Below: %s",
			num(d.x), num(d.y), num(d.dt), localName, totalName)}
	for i, t := range d.shown {
		local, total, err := d.frame(t, s)
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("t = %d", t)
		switch i {
		case 0:
			what += ": F₀ = ℒ"
		case len(d.shown) - 1:
			what += ": Fₜ ≈ F*"
		}
		local.Title, total.Title = what, ""
		local.X, local.Y, total.Y = "", "local rule\nw₂", "total gradient\nw₂"
		if i > 0 {
			local.Y, total.Y = "", ""
		}
		f.Panels[0], f.Panels[1] = append(f.Panels[0], local), append(f.Panels[1], total)
	}
	return f, nil
}

// animate writes Figure 2 as an animation, the two gradients side by side.
func (d *toyData) animate(run *store.Run, name string) ([]string, error) {
	s := d.scale("energy Fₜ", key("inference", 0))
	a := plot.Animation{Delay: 25, Hold: 200}
	for t := range d.last + 1 {
		local, total, err := d.frame(t, s)
		if err != nil {
			return nil, err
		}
		total.Y = ""
		a.Frames = append(a.Frames, &plot.Figure{Aspect: 1, Panels: [][]plot.Axes{{local, total}},
			Title: fmt.Sprintf("Figure 2. The energy after t = %d steps of inference, dt = %s", t, num(d.dt))})
	}
	var b bytes.Buffer
	if err := a.Encode(&b); err != nil {
		return nil, fmt.Errorf("figure %s: %w", name, err)
	}
	if err := run.WriteFile(name, b.Bytes()); err != nil {
		return nil, err
	}
	numbers := strings.TrimSuffix(name, ".png") + ".csv"
	return []string{pathOf(run, name)}, run.WriteFile(numbers, d.energies())
}

// energies are the numbers of the animation as CSV; those of its arrows are in table fields.
func (d *toyData) energies() []byte {
	b := []byte("t,w1,w2,energy\n")
	for t := range d.last + 1 {
		g := d.grids[key("inference", float64(t))]
		for i, z := range g.Z {
			b = append(strconv.AppendInt(b, int64(t), 10), ',')
			b = append(strconv.AppendFloat(b, g.X[i%len(g.X)], 'g', -1, 64), ',')
			b = append(strconv.AppendFloat(b, g.Y[i/len(g.X)], 'g', -1, 64), ',')
			b = append(strconv.AppendFloat(b, z, 'g', -1, 64), '\n')
		}
	}
	return b
}

// surfaces shows 𝓛 and F* in space, up to the largest F*.
func (d *toyData) surfaces() (*plot.Figure, error) {
	energy := d.grids[key("energy", 0)]
	if energy == nil {
		return nil, fmt.Errorf("table landscapes: energy is missing")
	}
	top := plot.Range{Max: min(slices.Max(energy.Z), 6*d.saddle)}
	s := d.scale("height")
	s.Range = top
	f := &plot.Figure{Aspect: 0.84, Width: 640, Panels: [][]plot.Axes{nil},
		Title: fmt.Sprintf("The landscapes in space, cut at %s. %s", num(top.Max), d.settings())}
	for _, p := range []struct{ surface, rule, label, title string }{
		{"loss", "bp", "ℒ", "The loss ℒ"}, {"energy", "pc", "F*", "The energy at equilibrium F*"}} {
		g := d.grids[key(p.surface, 0)]
		t, err := d.trajectory("w0", p.rule, 0)
		if err != nil || g == nil {
			return nil, fmt.Errorf("table landscapes or trajectories: %s is missing (%w)", p.surface, err)
		}
		t.Name = "GD" + " from w⁰ (diamond) to w* (star)"
		f.Panels[0] = append(f.Panels[0], plot.Axes{Title: p.title, X: "w₁", Y: "w₂", Surface: &plot.Surface{
			Name: p.surface, Grid: *g, Scale: s, Label: p.label, ZRange: top, Levels: d.level, Paths: []plot.Trajectory{*t}}})
	}
	return f, nil
}

// both shows each rule's trajectories on both landscapes, from W0 and from the stable manifold of the saddle of 𝓛.
func (d *toyData) both() (*plot.Figure, error) {
	s := d.scale("energy", key("loss", 0))
	f := &plot.Figure{Aspect: 1, Width: 560, Title: "Both rules on both landscapes: " + d.settings()}
	for _, start := range []struct{ name, label string }{{"w0", "from w⁰"}, {"manifold", "from the stable manifold of the saddle of ℒ"}} {
		var row []plot.Axes
		for _, surface := range []struct{ name, label string }{{"loss", "ℒ"}, {"energy", "F*"}} {
			a, err := d.landscape(key(surface.name, 0), s)
			if err != nil {
				return nil, err
			}
			a.Title = surface.label + ", " + start.label
			for _, rule := range []string{"pc", "bp"} {
				t, err := d.trajectory(start.name, rule, 0)
				if err != nil {
					return nil, err
				}
				t.Name, t.End = toyRules[rule], d.endLabel(t, start.name, rule)
				if rule == "pc" { // under BP's, which starts in the same place
					t.Color, t.Start = d.look.second, ""
				}
				a.Marks = append(a.Marks, t)
			}
			row = append(row, a)
		}
		f.Panels = append(f.Panels, row)
	}
	return f, nil
}

// endLabel names the end of a trajectory: w* if it reached the threshold.
func (d *toyData) endLabel(t *plot.Trajectory, start, rule string) string {
	if p := d.paths[key(start+"/"+rule, 0)]; p.loss[len(p.loss)-1] < d.loss {
		return "w*"
	}
	return "after " + steps(len(t.X)-1)
}

// sgd shows the first noisy trajectories of each rule over its landscape.
func (d *toyData) sgd() (*plot.Figure, error) {
	f := &plot.Figure{Aspect: 1, Panels: [][]plot.Axes{nil}, Width: 560,
		Title: fmt.Sprintf("SGD with noisy targets y + σε, σ = %s, over GD without.\n%s", num(d.noise), d.settings())}
	s := d.scale("energy", key("loss", 0))
	for _, p := range []struct{ surface, rule, title string }{{"loss", "bp", "ℒ: BP"}, {"energy", "pc", "F*: PC"}} {
		a, err := d.landscape(key(p.surface, 0), s)
		if err != nil {
			return nil, err
		}
		a.Title = p.title
		gd, err := d.trajectory("w0", p.rule, 0)
		if err != nil {
			return nil, err
		}
		gd.Name, gd.Width, gd.Plain = "GD", 3.6, true
		a.Marks = append(a.Marks, gd)
		for run := 0.0; d.paths[key("noisy/"+p.rule, run)] != nil; run++ {
			t, err := d.trajectory("noisy", p.rule, run)
			if err != nil {
				return nil, err
			}
			t.Name, t.Start, t.End, t.Color, t.Width, t.Plain = "SGD, 8 runs", "", "", d.look.second, 0.6, true
			a.Marks = append(a.Marks, t)
		}
		f.Panels[0] = append(f.Panels[0], a)
	}
	return f, nil
}
