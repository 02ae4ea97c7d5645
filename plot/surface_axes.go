package plot

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// corner is a corner of the ground, −1 or 1 each.
type corner [2]float64

// front returns the corner of the ground that is nearest to the eye, and its neighbours to the left and right on the page.
func (v *view) front() (front, left, right corner) {
	best := math.Inf(-1)
	for k := range 4 {
		c := corner{float64(k&1)*2 - 1, float64(k>>1)*2 - 1}
		if _, depth := v.place(c[0], c[1], 0); depth > best {
			front, best = c, depth
		}
	}
	left, right = corner{-front[0], front[1]}, corner{front[0], -front[1]}
	a, _ := v.place(left[0], left[1], 0)
	b, _ := v.place(right[0], right[1], 0)
	if a.X > b.X {
		left, right = right, left
	}
	return front, left, right
}

func (v *view) line(a, b corner, za, zb float64) []vg.Point {
	from, _ := v.place(a[0], a[1], za)
	to, _ := v.place(b[0], b[1], zb)
	return []vg.Point{from, to}
}

// drawBox draws the ground and the two walls behind the surface, with a grid.
func (p *panel) drawBox(dc draw.Canvas, v *view) {
	front, left, right := v.front()
	back := corner{-front[0], -front[1]}
	grid := draw.LineStyle{Color: gridTint, Width: 0.6}
	for _, t := range v.z.ticks(boxHeight*v.unit, stacked) {
		if t.label != "" {
			dc.StrokeLines(grid, v.line(left, back, t.at, t.at), v.line(back, right, t.at, t.at))
		}
	}
	for dim, s := range []scale{v.x, v.y} {
		for _, t := range s.ticks(v.unit*1.6, along) {
			if t.label == "" {
				continue
			}
			a, b := front, front
			a[dim], b[dim] = 2*t.at-1, 2*t.at-1
			b[1-dim] = -b[1-dim]
			dc.StrokeLines(grid, v.line(a, b, 0, 0), v.line(b, b, 0, 1))
		}
	}
	edge := draw.LineStyle{Color: axisTint.alpha(0.55), Width: 0.6}
	dc.StrokeLines(edge, v.line(left, back, 0, 0), v.line(back, right, 0, 0), v.line(back, back, 0, 1), v.line(left, back, 1, 1),
		v.line(back, right, 1, 1), v.line(right, right, 0, 1))
}

// drawEdges draws the three axes with their ticks and labels, over the picture: they lie before it.
func (p *panel) drawEdges(dc draw.Canvas, v *view) {
	front, left, right := v.front()
	sty := draw.LineStyle{Color: axisTint, Width: 0.8}
	dc.StrokeLines(sty, v.line(front, left, 0, 0), v.line(front, right, 0, 0), v.line(left, left, 0, 1))
	foot, _ := v.place(left[0], left[1], 0)
	var taken texts
	for _, t := range v.z.ticks(boxHeight*v.unit, stacked) {
		at, _ := v.place(left[0], left[1], t.at)
		dc.StrokeLine2(sty, at.X, at.Y, at.X-majorTick, at.Y)
		taken.write(dc, ink{tickSize, textTint, fromRight}, t.label, vg.Point{X: at.X - majorTick - tickGap, Y: at.Y - capHeight*tickSize/2})
	}
	for _, side := range []corner{left, right} {
		dim, s, label := 0, v.x, printable(p.axes.X)
		if side[1] != front[1] {
			dim, s, label = 1, v.y, printable(p.axes.Y)
		}
		v.groundAxis(dc, front, side, axisOf{dim, s, label}, &taken)
	}
	head, _ := v.place(left[0], left[1], 1)
	x := foot.X - majorTick - tickGap - widestLabel(v.z.ticks(boxHeight*v.unit, stacked)) - labelGap - descent*labelSize
	ink{labelSize, textTint, centred}.writeUp(dc, printable(p.axes.Surface.Label), vg.Point{X: x, Y: (foot.Y + head.Y) / 2})
}

// axisOf is an axis on the ground.
type axisOf struct {
	dim   int // 0: x, 1: y
	scale scale
	label string
}

// texts are places of labels that have been written.
type texts []vg.Rectangle

// write writes s unless it would touch another.
func (t *texts) write(dc draw.Canvas, k ink, s string, pt vg.Point) {
	w := textWidth(s, k.size)
	left := pt.X - vg.Length(k.align)*w
	box := vg.Rectangle{Min: vg.Point{X: left - 1, Y: pt.Y - 0.5}, Max: vg.Point{X: left + w + 1, Y: pt.Y + capHeight*k.size + 0.5}}
	for _, o := range *t {
		if box.Min.X < o.Max.X && o.Min.X < box.Max.X && box.Min.Y < o.Max.Y && o.Min.Y < box.Max.Y {
			return
		}
	}
	*t = append(*t, box)
	k.write(dc, s, pt)
}

// groundAxis writes ticks and label of the edge from front to side, outside of it.
func (v *view) groundAxis(dc draw.Canvas, front, side corner, a axisOf, taken *texts) {
	ends := v.line(front, side, 0, 0)
	along3 := ends[1].Sub(ends[0])
	n := vg.Length(math.Hypot(float64(along3.X), float64(along3.Y)))
	if n == 0 {
		return
	}
	out := vg.Point{X: along3.Y / n, Y: -along3.X / n} // the normal that points down
	if out.Y > 0 {
		out = out.Scale(-1)
	}
	sty := draw.LineStyle{Color: axisTint, Width: 0.8}
	align := ink{tickSize, textTint, 0.5 - 0.5*float64(out.X)}
	for _, t := range a.scale.ticks(n, along) {
		c := front
		c[a.dim] = 2*t.at - 1
		at, _ := v.place(c[0], c[1], 0)
		end := at.Add(out.Scale(majorTick))
		dc.StrokeLine2(sty, at.X, at.Y, end.X, end.Y)
		text := at.Add(out.Scale(majorTick + tickGap + 3))
		taken.write(dc, align, t.label, vg.Point{X: text.X, Y: text.Y - capHeight*tickSize/2})
	}
	mid := ends[0].Add(ends[1]).Scale(0.5).Add(out.Scale(majorTick + tickGap + 3 + 1.9*tickSize))
	taken.write(dc, ink{labelSize, textTint, 0.5 - 0.5*float64(out.X)}, a.label, vg.Point{X: mid.X, Y: mid.Y - capHeight*labelSize/2})
}

// drawOn draws a trajectory on the surface, over ground: between its steps it follows the surface. What lies behind a
// hill is faint.
func (t *Trajectory) drawOn(dc draw.Canvas, s *Surface, r *raster) {
	const parts = 24 // of a step
	how := t.look()
	lift := 0.008 * (r.z.hi - r.z.lo)
	at := func(x, y float64) (vertex, vg.Point, bool) {
		z := s.between(spotOf(s.X, x, 0), spotOf(s.Y, y, 0))
		if math.IsNaN(z) || z < r.z.lo || z > r.z.hi {
			return vertex{}, vg.Point{}, false
		}
		pt, _ := r.of(x, y, z+lift)
		return r.vertex(x, y, z), pt, true
	}
	var runs [2][][]vg.Point // seen and hidden
	last := -1
	add := func(x, y float64) {
		v, pt, ok := at(x, y)
		if !ok {
			last = -1
			return
		}
		kind := 0
		if r.hidden(v) {
			kind = 1
		}
		if kind != last {
			run := []vg.Point{pt}
			if last >= 0 { // joined to the run before
				before := runs[last][len(runs[last])-1]
				run = []vg.Point{before[len(before)-1], pt}
			}
			runs[kind] = append(runs[kind], run)
		} else {
			k := len(runs[kind]) - 1
			runs[kind][k] = append(runs[kind][k], pt)
		}
		last = kind
	}
	for i := range t.X {
		if i > 0 {
			for k := 1; k < parts; k++ {
				f := float64(k) / parts
				add(t.X[i-1]*(1-f)+t.X[i]*f, t.Y[i-1]*(1-f)+t.Y[i]*f)
			}
		}
		add(t.X[i], t.Y[i])
	}
	faint := how
	faint.color, faint.casing = how.color.alpha(0.45), how.casing.alpha(0.2)
	faint.strokeLines(dc, runs[1])
	how.strokeLines(dc, runs[0])
	t.endsOn(dc, at)
}

// endsOn draws the marks at the ends of a trajectory on a surface.
func (t *Trajectory) endsOn(dc draw.Canvas, at func(x, y float64) (vertex, vg.Point, bool)) {
	if len(t.X) == 0 {
		return
	}
	n := len(t.X) - 1
	for _, end := range []struct {
		i     int
		label string
		shape []vg.Point
	}{{0, t.Start, diamond}, {n, t.End, star}} {
		if _, pt, ok := at(t.X[end.i], t.Y[end.i]); ok && end.label != "" {
			marker(dc, pt, end.shape, t.look())
		}
	}
}
