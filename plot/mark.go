package plot

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Mark is what a panel shows under its lines: HeatMap, Contours, Arrows or Trajectory. Marks are drawn in their order.
type Mark interface {
	faults() []error
	span() (x, y []float64) // what fitted axes show
	entries() []entry       // of the legend
	covers() bool           // everything
	draw(dc draw.Canvas, p *panel)
	paths(p *panel) [][]vg.Point // what labels keep off
	records(put func(r record))  // for CSV
}

var (
	_ Mark = (*HeatMap)(nil)
	_ Mark = (*Contours)(nil)
	_ Mark = (*Arrows)(nil)
	_ Mark = (*Trajectory)(nil)
)

// marks are those of a panel with axes: a surface shows nothing else.
func (a *Axes) marks() []Mark {
	if a.Surface != nil {
		return nil
	}
	return a.Marks
}

// markFaults reports what is wrong with marks and surface.
func (a *Axes) markFaults() []error {
	var faults []error
	heats := 0
	for i, m := range a.Marks {
		for _, err := range m.faults() {
			faults = append(faults, fmt.Errorf("mark %d: %w", i+1, err))
		}
		if _, ok := m.(*HeatMap); ok {
			heats++
		}
	}
	if heats > 1 {
		faults = append(faults, fmt.Errorf("field Marks: %d heat maps; one is accepted, the others would hide", heats))
	}
	if a.Surface != nil {
		for _, err := range a.Surface.faults() {
			faults = append(faults, fmt.Errorf("surface: %w", err))
		}
	}
	return faults
}

// colored returns the scale of the panel's heat map or surface and its values.
func (a *Axes) colored() (s *ColorScale, values []float64, ok bool) {
	if a.Surface != nil {
		return a.Surface.Scale, a.Surface.Z, true
	}
	for _, m := range a.Marks {
		if h, ok := m.(*HeatMap); ok {
			return h.Scale, h.Z, true
		}
	}
	return nil, nil, false
}

// drawMarks draws the marks, then the ends of trajectories with their labels, which lie over everything.
func (p *panel) drawMarks(dc draw.Canvas) {
	for _, m := range p.axes.Marks {
		m.draw(dc, p)
	}
	if p.covered {
		frame(dc, p.area)
	}
	var paths []*Trajectory
	for _, m := range p.axes.Marks {
		if t, ok := m.(*Trajectory); ok {
			t.ends(dc, p)
			paths = append(paths, t)
		}
	}
	taken := p.taken
	for _, t := range paths {
		taken = t.labels(dc, p, taken)
	}
}

// record is a line of a CSV file: values that a mark lacks are NaN.
type record struct {
	name                string
	x, y, value, dx, dy float64
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Grid is a function on a rectangular grid: Z[j·len(X)+i] is its value at (X[i], Y[j]). NaN is no value.
type Grid struct {
	X, Y []float64 // ascending
	Z    []float64
}

// mostPoints of a grid: more are finer than any figure.
const mostPoints = 4_000_000

func (g *Grid) faults() []error {
	var faults []error
	for _, axis := range []struct {
		name string
		v    []float64
	}{{"X", g.X}, {"Y", g.Y}} {
		if len(axis.v) < 2 {
			faults = append(faults, fmt.Errorf("%s: %d values; 2 or more are accepted", axis.name, len(axis.v)))
		}
		for i, v := range axis.v {
			if !drawable(v, false) || i > 0 && v <= axis.v[i-1] {
				faults = append(faults, fmt.Errorf("%s: value %d is %v; ascending numbers are accepted", axis.name, i+1, v))
				break
			}
		}
	}
	if n := len(g.X) * len(g.Y); len(g.Z) != n || n > mostPoints {
		faults = append(faults, fmt.Errorf("%d values for a grid of %d by %d; one for each point, and up to %d points, are accepted", len(g.Z), len(g.X), len(g.Y), mostPoints))
	}
	return faults
}

// at returns the value at column i and row j.
func (g *Grid) at(i, j int) float64 { return g.Z[j*len(g.X)+i] }

// place is where a value lies on an ascending axis: between i and i+1, at f from 0 to 1; ok is false outside of it.
type spot struct {
	i  int
	f  float64
	ok bool
}

// spotOf finds v, starting at the interval from, which neighbours share.
func spotOf(axis []float64, v float64, from int) spot {
	if !(v >= axis[0] && v <= axis[len(axis)-1]) {
		return spot{}
	}
	i := min(max(from, 0), len(axis)-2)
	for i > 0 && v < axis[i] {
		i--
	}
	for i < len(axis)-2 && v >= axis[i+1] {
		i++
	}
	return spot{i, (v - axis[i]) / (axis[i+1] - axis[i]), true}
}

// between returns the bilinear interpolation, NaN where a corner has no value.
func (g *Grid) between(x, y spot) float64 {
	if !x.ok || !y.ok {
		return math.NaN()
	}
	a, b := g.at(x.i, y.i), g.at(x.i+1, y.i)
	c, d := g.at(x.i, y.i+1), g.at(x.i+1, y.i+1)
	return (a*(1-x.f)+b*x.f)*(1-y.f) + (c*(1-x.f)+d*x.f)*y.f
}

func (g *Grid) records(name string, put func(record)) {
	for j, y := range g.Y {
		for i, x := range g.X {
			put(record{name: name, x: x, y: y, value: g.at(i, j), dx: math.NaN(), dy: math.NaN()})
		}
	}
}
