package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Arrows is a vector field, an arrow at each point, its middle there. Directions are those on the page if both axes have
// the same scale.
type Arrows struct {
	Name         string // in the legend; none: not there
	X, Y, DX, DY []float64

	// Full is the size of a vector whose arrow is as long as the distance between arrows; longer ones are drawn as long.
	// Zero: the largest.
	Full float64
	// Exponent e draws an arrow of size s with (s/Full)^e of the full length. Zero: 1. Small ones show what spans decades.
	Exponent float64
	Color    Color // zero: dark grey
	Casing   Color // of the outline; zero: none
}

func (a *Arrows) faults() []error {
	var faults []error
	if n := len(a.X); len(a.Y) != n || len(a.DX) != n || len(a.DY) != n {
		faults = append(faults, fmt.Errorf("%d values of X, %d of Y, %d of DX, %d of DY; equal numbers are accepted", n, len(a.Y), len(a.DX), len(a.DY)))
	}
	if !(a.Full >= 0 && a.Full <= largest) {
		faults = append(faults, fmt.Errorf("field Full: %v; 0 and more are accepted", a.Full))
	}
	if !(a.Exponent >= 0 && a.Exponent <= 10) {
		faults = append(faults, fmt.Errorf("field Exponent: %v; 0 to 10 are accepted", a.Exponent))
	}
	return faults
}

func (a *Arrows) span() (x, y []float64) { return a.X, a.Y }

func (a *Arrows) look() look {
	l := look{color: a.Color, casing: a.Casing, arrow: true}
	if l.color == 0 {
		l.color = axisTint
	}
	return l
}

func (a *Arrows) covers() bool { return false }

func (a *Arrows) entries() []entry {
	if a.Name == "" {
		return nil
	}
	return []entry{{a.look(), printable(a.Name)}}
}

func (a *Arrows) paths(*panel) [][]vg.Point { return nil }

func (a *Arrows) records(put func(record)) {
	for i := range a.X {
		put(record{name: a.Name, x: a.X[i], y: a.Y[i], value: math.NaN(), dx: a.DX[i], dy: a.DY[i]})
	}
}

// shortest arrow that shows where it points; what would be shorter is left out.
const shortest vg.Length = 1.6

func (a *Arrows) draw(dc draw.Canvas, p *panel) {
	full, exponent := a.Full, a.Exponent
	if full == 0 {
		for i := range a.DX {
			if s := math.Hypot(a.DX[i], a.DY[i]); drawable(s, false) {
				full = max(full, s)
			}
		}
	}
	if exponent == 0 {
		exponent = 1
	}
	spacing := math.Sqrt(float64(p.area.Size().X*p.area.Size().Y) / float64(max(1, len(a.X))))
	for i := range a.X {
		size := math.Hypot(a.DX[i], a.DY[i])
		at := p.point(a.X[i], a.Y[i])
		if !(size > 0) || !drawable(size, false) || !p.x.contains(a.X[i]) || !p.y.contains(a.Y[i]) {
			continue
		}
		length := vg.Length(0.92 * spacing * math.Pow(min(1, size/full), exponent))
		if length >= shortest {
			arrow(dc, at, vg.Point{X: vg.Length(a.DX[i] / size), Y: vg.Length(a.DY[i] / size)}, length, a.look())
		}
	}
}

// arrow draws an arrow with its middle at pt. Short ones are all head.
func arrow(dc draw.Canvas, pt, dir vg.Point, length vg.Length, how look) {
	head := min(length, 2.2+0.22*length)
	half := 0.42 * head                            // of the width of the head
	shaft := min(0.5, 0.11*length)                 // half of its width
	at := func(along, across vg.Length) vg.Point { // from the middle
		return vg.Point{X: pt.X + along*dir.X - across*dir.Y, Y: pt.Y + along*dir.Y + across*dir.X}
	}
	tip, neck, tail := length/2, length/2-head, -length/2
	shape := []vg.Point{at(tip, 0), at(neck, half), at(neck, shaft), at(tail, shaft), at(tail, -shaft), at(neck, -shaft), at(neck, -half)}
	if how.casing != 0 {
		dc.StrokeLines(draw.LineStyle{Color: how.casing, Width: 0.7}, append(append([]vg.Point(nil), shape...), shape[0], shape[1]))
	}
	dc.FillPolygon(how.color, shape)
}
