package plot

import (
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry is a line of a legend.
type entry struct {
	look
	text string
}

const (
	swatch       vg.Length = 17 // length of the sample of a line
	swatchGap    vg.Length = 5
	entryGap     vg.Length = 16 // between entries of a row
	entryLeading           = 1.4 * legendSize
	boxPad       vg.Length = 4
	boxInset     vg.Length = 4 // between the box and the edge of the panel
	clearance    vg.Length = 3 // between the box and a line
)

func (e entry) width() vg.Length { return swatch + swatchGap + textWidth(e.text, legendSize) }

func (a *Axes) entries(looks []look) []entry {
	var entries []entry
	for i := range a.Lines {
		l := &a.Lines[i]
		if l.Name == "" {
			continue
		}
		e := entry{looks[i], printable(l.Name)}
		if l.empty(a.LogX, a.LogY) {
			e.text += " (no data)"
		}
		if !slices.Contains(entries, e) {
			entries = append(entries, e)
		}
	}
	for _, m := range a.marks() {
		entries = union(entries, m.entries())
	}
	if a.Surface != nil {
		entries = a.Surface.entries()
	}
	return entries
}

func (e entry) draw(dc draw.Canvas, left, baseline vg.Length) {
	y := baseline + capHeight*legendSize/2
	if e.arrow {
		arrow(dc, vg.Point{X: left + swatch/2, Y: y}, vg.Point{X: 1}, swatch-2, e.look)
		ink{legendSize, textTint, fromLeft}.write(dc, e.text, vg.Point{X: left + swatch + swatchGap, Y: baseline})
		return
	}
	from, to := vg.Point{X: left, Y: y}, vg.Point{X: left + swatch, Y: y}
	if e.band {
		h := 0.36 * legendSize
		dc.FillPolygon(e.color.alpha(bandAlpha), []vg.Point{{X: left, Y: y - h}, {X: to.X, Y: y - h}, {X: to.X, Y: y + h}, {X: left, Y: y + h}})
	}
	sample := e.stroke()
	sample.Width = max(sample.Width, lineWidth) // a thin sample has no colour
	if e.casing != 0 {
		e.strokeLines(dc, [][]vg.Point{{from, to}})
	} else {
		dc.StrokeLines(sample, []vg.Point{from, to})
	}
	if e.dots {
		disc(dc, vg.Point{X: left + swatch/2, Y: y}, e.radius(), e.color)
	}
	ink{legendSize, textTint, fromLeft}.write(dc, e.text, vg.Point{X: to.X + swatchGap, Y: baseline})
}

// boxSize returns the size of a legend inside a panel: one entry below another.
func boxSize(entries []entry) (w, h vg.Length) {
	for _, e := range entries {
		w = max(w, e.width())
	}
	return w + 2*boxPad, vg.Length(len(entries)-1)*entryLeading + capHeight*legendSize + 2*boxPad
}

// place returns a place for a legend in the panel that meets no path and lies in no band: a corner where one is free,
// otherwise any of 9×9 places.
func (p *panel) place(paths [][]vg.Point) (vg.Rectangle, bool) {
	entries, area := p.legend, p.area
	w, h := boxSize(entries)
	spanX, spanY := area.Size().X-2*boxInset-w, area.Size().Y-2*boxInset-h
	if spanX < 0 || spanY < 0 {
		return vg.Rectangle{}, false
	}
	for _, at := range places() {
		lower := vg.Point{X: area.Min.X + boxInset + at[0]*spanX, Y: area.Min.Y + boxInset + at[1]*spanY}
		box := vg.Rectangle{Min: lower, Max: vg.Point{X: lower.X + w, Y: lower.Y + h}}
		if crossings(grow(box, clearance), paths) == 0 && !p.inBand(box.Min) {
			return box, true
		}
	}
	return vg.Rectangle{}, false
}

// inBand needs one point of a box: no edge of a band enters the box, so all of it lies on one side.
func (p *panel) inBand(pt vg.Point) bool {
	for i := range p.curves {
		if slices.ContainsFunc(p.curves[i].band, func(polygon []vg.Point) bool { return surrounds(polygon, pt) }) {
			return true
		}
	}
	return false
}

// surrounds counts the edges to the right of pt: an odd number surrounds it.
func surrounds(polygon []vg.Point, pt vg.Point) bool {
	odd := false
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		if (a.Y > pt.Y) != (b.Y > pt.Y) && pt.X < a.X+(pt.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
			odd = !odd
		}
	}
	return odd
}

func grow(r vg.Rectangle, by vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: r.Min.X - by, Y: r.Min.Y - by}, Max: vg.Point{X: r.Max.X + by, Y: r.Max.Y + by}}
}

// places lists where to try, in parts of the free width and height: corners, edges, then inside.
func places() [][2]vg.Length {
	list := [][2]vg.Length{{1, 1}, {0, 0}, {1, 0}, {0, 1}}
	const n = 8
	for _, edge := range []bool{true, false} {
		for j := n; j >= 0; j-- {
			for i := n; i >= 0; i-- {
				if onEdge := i == 0 || j == 0 || i == n || j == n; onEdge == edge {
					list = append(list, [2]vg.Length{vg.Length(i) / n, vg.Length(j) / n})
				}
			}
		}
	}
	return list
}

func drawBox(dc draw.Canvas, entries []entry, box vg.Rectangle) {
	dc.SetColor(white)
	dc.Fill(box.Path()) // hides the grid
	y := box.Max.Y - boxPad - capHeight*legendSize
	for _, e := range entries {
		e.draw(dc, box.Min.X+boxPad, y)
		y -= entryLeading
	}
}

// rowsOf breaks entries into rows of at most width.
func rowsOf(entries []entry, width vg.Length) [][]entry {
	var rows [][]entry
	used := vg.Length(0)
	for _, e := range entries {
		if len(rows) == 0 || used+entryGap+e.width() > width {
			rows = append(rows, nil)
			used = -entryGap
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += entryGap + e.width()
	}
	return rows
}

// drawRows writes rows of entries, each centred, downwards from top.
func drawRows(dc draw.Canvas, rows [][]entry, top vg.Length) {
	for _, row := range rows {
		width := -entryGap
		for _, e := range row {
			width += entryGap + e.width()
		}
		top -= entryLeading
		x := dc.Center().X - width/2
		for _, e := range row {
			e.draw(dc, x, top+0.35*legendSize)
			x += entryGap + e.width()
		}
	}
}

func union(entries, more []entry) []entry {
	for _, e := range more {
		if !slices.Contains(entries, e) {
			entries = append(entries, e)
		}
	}
	return entries
}
