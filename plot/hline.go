package plot

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HLine is a horizontal reference line across a panel, dashed and grey, with a label beside it. The y axis reaches to it
// unless its range is given.
type HLine struct {
	Y     float64
	Label string
	Color Color // zero: grey
}

// level is a reference line in the coordinates of the canvas.
type level struct {
	y     vg.Length
	label string
	color Color
	text  vg.Rectangle // of the label, empty without one
}

// placeLevels places the reference lines that are in range, each label where it meets the fewest lines: above or below, at
// the right end, the left end, or the middle.
func (p *panel) placeLevels(curves []curve) []level {
	var levels []level
	for _, h := range p.axes.HLines {
		if !p.y.contains(h.Y) {
			continue
		}
		v := level{y: p.point(1, h.Y).Y, label: shorten(printable(h.Label), tickSize, p.area.Size().X-6), color: h.Color}
		if v.color == 0 {
			v.color = axisTint
		}
		if v.label != "" {
			v.text = p.labelBox(v, curves, levels)
		}
		levels = append(levels, v)
	}
	return levels
}

func (p *panel) labelBox(v level, curves []curve, before []level) vg.Rectangle {
	const gap = 2
	w, h := textWidth(v.label, tickSize), capHeight*tickSize
	var best vg.Rectangle
	fewest := -1
	for _, y := range []vg.Length{v.y + gap + 1, v.y - gap - 1 - h} {
		if y < p.area.Min.Y || y+h > p.area.Max.Y {
			continue
		}
		for _, x := range []vg.Length{p.area.Max.X - gap - w, p.area.Min.X + 2*gap, (p.area.Min.X + p.area.Max.X - w) / 2} {
			box := vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + w, Y: y + h}}
			n := 0
			for i := range curves {
				n += crossings(box, curves[i].paths()) // a band behind a label is no harm
			}
			for _, b := range before {
				n += crossings(box, b.paths(p.area))
			}
			if fewest < 0 || n < fewest {
				best, fewest = box, n
			}
		}
	}
	return best
}

func (v *level) paths(area vg.Rectangle) [][]vg.Point {
	paths := [][]vg.Point{{{X: area.Min.X, Y: v.y}, {X: area.Max.X, Y: v.y}}}
	if v.text != (vg.Rectangle{}) {
		mid := (v.text.Min.Y + v.text.Max.Y) / 2 // half a cap height: nothing fits between this and the line
		paths = append(paths, []vg.Point{{X: v.text.Min.X, Y: mid}, {X: v.text.Max.X, Y: mid}})
	}
	return paths
}

func (v *level) drawLine(dc draw.Canvas, area vg.Rectangle) {
	dc.StrokeLine2(draw.LineStyle{Color: v.color, Width: 0.8, Dashes: []vg.Length{3, 2}}, area.Min.X, v.y, area.Max.X, v.y)
}

// drawLabel writes the label over a veil: where every place is taken it stays readable.
func (v *level) drawLabel(dc draw.Canvas) {
	if v.text != (vg.Rectangle{}) {
		dc.SetColor(white.alpha(0.75))
		dc.Fill(grow(v.text, 1).Path())
		ink{tickSize, v.color, fromLeft}.write(dc, v.label, v.text.Min)
	}
}

// crossings counts the segments of the paths that enter the box.
func crossings(box vg.Rectangle, paths [][]vg.Point) int {
	n := 0
	for _, path := range paths {
		for i := 1; i < len(path); i++ {
			if meets(box, path[i-1], path[i]) {
				n++
			}
		}
	}
	return n
}

// meets reports whether the segment from a to b enters the box: the parameters at which it is inside in x and in y,
// both within 0 … 1, must overlap (Liang and Barsky).
func meets(box vg.Rectangle, a, b vg.Point) bool {
	t0, t1 := vg.Length(0), vg.Length(1)
	for _, e := range [...][3]vg.Length{{a.X, b.X - a.X, 0}, {a.Y, b.Y - a.Y, 1}} {
		lo, hi := box.Min.X, box.Max.X
		if e[2] == 1 {
			lo, hi = box.Min.Y, box.Max.Y
		}
		if e[1] == 0 {
			if e[0] < lo || e[0] > hi {
				return false
			}
			continue
		}
		u, v := (lo-e[0])/e[1], (hi-e[0])/e[1]
		t0, t1 = max(t0, min(u, v)), min(t1, max(u, v))
	}
	return t0 <= t1
}
