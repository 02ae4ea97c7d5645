package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Contours are lines on which a function of two variables has given values.
type Contours struct {
	Name string // in the legend; none: not there
	Grid
	Levels []float64
	Color  Color   // zero: dark grey, half transparent
	Width  float64 // in points; zero: 0.6
	Dash   bool
}

const contourTint Color = 0x26262690

func (c *Contours) faults() []error {
	faults := c.Grid.faults()
	for _, v := range c.Levels {
		if !drawable(v, false) {
			faults = append(faults, fmt.Errorf("field Levels: %v; numbers are accepted", v))
		}
	}
	if !(c.Width >= 0 && c.Width <= 20) {
		faults = append(faults, fmt.Errorf("field Width: %v points; 0 to 20 are accepted", c.Width))
	}
	return faults
}

func (c *Contours) span() (x, y []float64) { return c.X, c.Y }

func (c *Contours) look() look {
	l := look{color: c.Color, width: vg.Length(c.Width), dash: c.Dash}
	if l.color == 0 {
		l.color = contourTint
	}
	if l.width == 0 {
		l.width = 0.6
	}
	return l
}

func (c *Contours) covers() bool { return false }

func (c *Contours) entries() []entry {
	if c.Name == "" {
		return nil
	}
	return []entry{{c.look(), printable(c.Name)}}
}

func (c *Contours) paths(*panel) [][]vg.Point { return nil }

// records has the levels: the function itself is with the heat map that they lie on.
func (c *Contours) records(put func(record)) {
	for _, level := range c.Levels {
		put(record{name: c.Name, x: math.NaN(), y: math.NaN(), value: level, dx: math.NaN(), dy: math.NaN()})
	}
}

func (c *Contours) draw(dc draw.Canvas, p *panel) {
	area := draw.Canvas{Rectangle: p.area}
	for _, level := range c.Levels {
		for _, line := range c.lines(level) {
			points := make([]vg.Point, len(line))
			for i, pt := range line {
				points[i] = p.point(pt[0], pt[1])
			}
			dc.StrokeLines(c.look().stroke(), area.ClipLinesXY(points)...)
		}
	}
}

// tracer follows one level over a grid. The sides of its cells are numbered: 2k is the one from point k to the next in
// its row, 2k+1 the one to the next in its column.
type tracer struct {
	*Grid
	level float64
	links [][2]int32 // the neighbours of a side on the line plus 1, 0: none
}

// lines returns the lines of a level by marching squares, with linear interpolation along the sides of the cells; closed
// ones end where they start. In a cell whose corners alternate the mean decides which sides are joined. Cells without
// all four values have no lines.
//
// Source: Lorensen & Cline 1987, in the plane.
func (g *Grid) lines(level float64) [][][2]float64 {
	t := &tracer{Grid: g, level: level, links: make([][2]int32, 2*len(g.Z))}
	for j := range len(g.Y) - 1 {
		for i := range len(g.X) - 1 {
			t.cell(i, j)
		}
	}
	var out [][][2]float64
	for _, ends := range []bool{true, false} { // open lines first: from one of their ends
		for side := range t.links {
			if l := t.links[side]; l[0] != 0 && (l[1] == 0) == ends {
				out = append(out, t.follow(side))
			}
		}
	}
	return out
}

// cell links the sides of a cell that the level crosses.
func (t *tracer) cell(i, j int) {
	n := len(t.X)
	k := j*n + i
	corners := [4]float64{t.Z[k], t.Z[k+1], t.Z[k+1+n], t.Z[k+n]} // around the cell
	sides := [4]int{2 * k, 2*(k+1) + 1, 2 * (k + n), 2*k + 1}     // side s goes from corner s to the next
	var crossed []int
	mean := 0.0
	for s, v := range corners {
		if !drawable(v, false) {
			return
		}
		mean += v / 4
		if (v >= t.level) != (corners[(s+1)%4] >= t.level) {
			crossed = append(crossed, sides[s])
		}
	}
	switch len(crossed) {
	case 2:
		t.link(crossed[0], crossed[1])
	case 4: // sides 0 and 1 meet at corner 1: cut it off if the middle is on the other side
		if (mean >= t.level) == (corners[1] >= t.level) {
			t.link(crossed[0], crossed[3])
			t.link(crossed[1], crossed[2])
		} else {
			t.link(crossed[0], crossed[1])
			t.link(crossed[2], crossed[3])
		}
	}
}

func (t *tracer) link(a, b int) {
	for _, l := range [2][2]int{{a, b}, {b, a}} {
		to := &t.links[l[0]]
		if to[0] == 0 {
			to[0] = int32(l[1] + 1)
		} else {
			to[1] = int32(l[1] + 1)
		}
	}
}

// follow returns the line through a side and takes it out of the links.
func (t *tracer) follow(start int) [][2]float64 {
	line := [][2]float64{t.crossing(start)}
	for from, at := -1, start; ; {
		next := t.links[at]
		t.links[at] = [2]int32{}
		to := int(next[0]) - 1
		if to == from {
			to = int(next[1]) - 1
		}
		if to < 0 {
			return line
		}
		line = append(line, t.crossing(to))
		if to == start {
			return line
		}
		from, at = at, to
	}
}

// crossing returns where the level crosses a side.
func (t *tracer) crossing(side int) [2]float64 {
	n := len(t.X)
	k := side / 2
	i, j := k%n, k/n
	to := k + 1
	if side%2 == 1 {
		to = k + n
	}
	f := (t.level - t.Z[k]) / (t.Z[to] - t.Z[k])
	if side%2 == 1 {
		return [2]float64{t.X[i], t.Y[j] + f*(t.Y[j+1]-t.Y[j])}
	}
	return [2]float64{t.X[i] + f*(t.X[i+1]-t.X[i]), t.Y[j]}
}
