package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Trajectory is a path over a landscape, from a diamond to a star, with a dot at every step.
type Trajectory struct {
	Name       string // in the legend; none: not there
	X, Y       []float64
	Start, End string // labels of the marks at the ends; none: no mark

	Color  Color   // zero: Yellow
	Casing Color   // of the outline that sets it off the landscape; zero: dark grey
	Width  float64 // in points; zero: 1.8
	Dash   bool
	Plain  bool // no dots
}

// Yellow is the colour of trajectories: it stands out from blue, red and, with an outline, from white.
const Yellow Color = 0xFFD60AFF

// mostDots is the number of steps up to which they have dots.
const mostDots = 200

func (t *Trajectory) faults() []error {
	var faults []error
	if len(t.X) != len(t.Y) {
		faults = append(faults, fmt.Errorf("%d values of X and %d of Y; equal numbers are accepted", len(t.X), len(t.Y)))
	}
	if !(t.Width >= 0 && t.Width <= 20) {
		faults = append(faults, fmt.Errorf("field Width: %v points; 0 to 20 are accepted", t.Width))
	}
	return faults
}

func (t *Trajectory) span() (x, y []float64) { return t.X, t.Y }

func (t *Trajectory) look() look {
	l := look{color: t.Color, casing: t.Casing, width: vg.Length(t.Width), dash: t.Dash}
	if l.color == 0 {
		l.color = Yellow
	}
	if l.casing == 0 {
		l.casing = textTint
	}
	if l.width == 0 {
		l.width = 1.8
	}
	return l
}

func (t *Trajectory) covers() bool { return false }

func (t *Trajectory) entries() []entry {
	if t.Name == "" {
		return nil
	}
	return []entry{{t.look(), printable(t.Name)}}
}

func (t *Trajectory) records(put func(record)) {
	for i := range t.X {
		put(record{name: t.Name, x: t.X[i], y: t.Y[i], value: math.NaN(), dx: math.NaN(), dy: math.NaN()})
	}
}

// points returns the places on the canvas, without those that have none.
func (t *Trajectory) points(p *panel) []vg.Point {
	var out []vg.Point
	for i := range t.X {
		if drawable(t.X[i], p.x.log) && drawable(t.Y[i], p.y.log) {
			out = append(out, p.point(t.X[i], t.Y[i]))
		}
	}
	return out
}

func (t *Trajectory) paths(p *panel) [][]vg.Point {
	area := draw.Canvas{Rectangle: p.area}
	return area.ClipLinesXY(t.points(p))
}

func (t *Trajectory) draw(dc draw.Canvas, p *panel) {
	all := t.points(p)
	if len(all) == 0 {
		return
	}
	area := draw.Canvas{Rectangle: p.area}
	strokes := area.ClipLinesXY(all)
	t.look().strokeLines(dc, strokes)
	if !t.Plain && len(all) <= mostDots {
		for _, pt := range all {
			if area.Contains(pt) {
				disc(dc, pt, 0.62*t.look().width+0.5, t.look().casing)
				disc(dc, pt, 0.62*t.look().width, t.look().color)
			}
		}
	}
}

// ends marks the ends, over all lines.
func (t *Trajectory) ends(dc draw.Canvas, p *panel) {
	all := t.points(p)
	if len(all) == 0 {
		return
	}
	area := draw.Canvas{Rectangle: p.area}
	for _, end := range []struct {
		pt    vg.Point
		label string
		shape []vg.Point
	}{{all[0], t.Start, diamond}, {all[len(all)-1], t.End, star}} {
		if end.label != "" && area.Contains(end.pt) {
			marker(dc, end.pt, end.shape, t.look())
		}
	}
}

// labels writes the labels of both ends over all marks, where they meet the fewest paths, and returns those paths with
// the labels among them.
func (t *Trajectory) labels(dc draw.Canvas, p *panel, paths [][]vg.Point) [][]vg.Point {
	all := t.points(p)
	if len(all) == 0 {
		return paths
	}
	area := draw.Canvas{Rectangle: p.area}
	if t.Start != "" && area.Contains(all[0]) {
		paths = p.tag(dc, printable(t.Start), all[0], paths)
	}
	if end := all[len(all)-1]; t.End != "" && area.Contains(end) {
		paths = p.tag(dc, printable(t.End), end, paths)
	}
	return paths
}

// strokeLines draws lines with their casing.
func (l look) strokeLines(dc draw.Canvas, lines [][]vg.Point) {
	if l.casing != 0 {
		under := draw.LineStyle{Color: l.casing, Width: l.width + 1.1}
		dc.StrokeLines(under, lines...)
	}
	dc.StrokeLines(l.stroke(), lines...)
}

// Shapes of markers with radius 1.
var (
	diamond = []vg.Point{{X: 0, Y: 1}, {X: 0.8, Y: 0}, {X: 0, Y: -1}, {X: -0.8, Y: 0}}
	star    = func() []vg.Point {
		var out []vg.Point
		for k := range 10 {
			r := 1.18
			if k%2 == 1 {
				r = 0.5
			}
			sin, cos := math.Sincos(math.Pi/2 + float64(k)*math.Pi/5)
			out = append(out, vg.Point{X: vg.Length(r * cos), Y: vg.Length(r * sin)})
		}
		return out
	}()
)

const markerSize vg.Length = 5

func marker(dc draw.Canvas, at vg.Point, shape []vg.Point, how look) {
	grown := func(r vg.Length) []vg.Point {
		out := make([]vg.Point, len(shape))
		for i, pt := range shape {
			out[i] = vg.Point{X: at.X + r*pt.X, Y: at.Y + r*pt.Y}
		}
		return out
	}
	outline := grown(markerSize)
	dc.FillPolygon(how.color, outline)
	dc.StrokeLines(draw.LineStyle{Color: how.casing, Width: 0.9}, append(outline, outline[0], outline[1]))
}

// tag writes a short text beside a marker on a veil, on the side where it meets the fewest paths and stays inside, and
// adds itself to the paths.
func (p *panel) tag(dc draw.Canvas, text string, at vg.Point, paths [][]vg.Point) [][]vg.Point {
	w, h := textWidth(text, labelSize), (capHeight+0.1)*labelSize
	var best vg.Rectangle
	fewest := -1
	for _, d := range [][2]vg.Length{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
		gap := markerSize + 2.5
		if d[0] != 0 && d[1] != 0 {
			gap *= 0.75
		}
		mid := vg.Point{X: at.X + d[0]*(gap+w/2), Y: at.Y + d[1]*(gap+h/2)}
		box := vg.Rectangle{Min: vg.Point{X: mid.X - w/2, Y: mid.Y - h/2}, Max: vg.Point{X: mid.X + w/2, Y: mid.Y + h/2}}
		n := crossings(grow(box, 1), paths)
		if box.Min.X < p.area.Min.X+1 || box.Max.X > p.area.Max.X-1 || box.Min.Y < p.area.Min.Y+1 || box.Max.Y > p.area.Max.Y-1 {
			n += 1000
		}
		if fewest < 0 || n < fewest {
			best, fewest = box, n
		}
	}
	dc.SetColor(white.alpha(0.72))
	dc.Fill(grow(best, 1.3).Path())
	ink{labelSize, textTint, fromLeft}.write(dc, text, best.Min)
	for k := range 5 { // close enough that no other label fits between
		y := best.Min.Y + vg.Length(k)/4*best.Size().Y
		paths = append(paths, []vg.Point{{X: best.Min.X, Y: y}, {X: best.Max.X, Y: y}})
	}
	return paths
}
