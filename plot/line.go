package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Line is a curve through the points (X[i], Y[i]) in the order given, with an optional band from Low[i] to High[i].
//
// A value that has no place on its axis (NaN, infinite, zero or negative on a logarithmic axis) leaves a gap; the lower
// end of a band goes down to the edge instead. A line without a single point to show keeps its entry in the legend, which
// then says so.
type Line struct {
	Name      string // in the legend; lines of one name share a colour across a figure; none: not in the legend
	X, Y      []float64
	Low, High []float64 // both or neither

	Color Color   // zero: from the palette
	Width float64 // in points; zero: 1.5, or 1 with more than 500 points
	Dash  bool
	Dots  bool // mark the points

	// Smooth over 1 draws the mean over as many neighbouring points over a faint trace of the points themselves. Half of
	// them lie on either side; near the start of a line, which is often steep, fewer on both sides, near its end those
	// that are there. A gap is an end and a start. CSV has the points.
	Smooth int
}

const (
	lineWidth  = 1.5
	denseWidth = 1   // of lines that would run into a blot
	densePoint = 500 // from here on
	traceWidth = 0.6 // of the points under a smoothed line
	traceAlpha = 0.4
	dotRadius  = 2.2 // at lineWidth
	bandAlpha  = 0.2
)

func (l *Line) faults() []error {
	var faults []error
	if len(l.X) != len(l.Y) {
		faults = append(faults, fmt.Errorf("%d values of X and %d of Y; equal numbers are accepted", len(l.X), len(l.Y)))
	}
	if (len(l.Low) > 0 || len(l.High) > 0) && (len(l.Low) != len(l.Y) || len(l.High) != len(l.Y)) {
		faults = append(faults, fmt.Errorf("%d values of Low and %d of High for %d of Y; none or as many are accepted", len(l.Low), len(l.High), len(l.Y)))
	}
	if l.Smooth < 0 {
		faults = append(faults, fmt.Errorf("field Smooth: %d; 0 and more points are accepted", l.Smooth))
	}
	if !(l.Width >= 0 && l.Width <= 20) {
		faults = append(faults, fmt.Errorf("field Width: %v points; 0 to 20 are accepted", l.Width))
	}
	return faults
}

func (l *Line) width() vg.Length {
	switch {
	case l.Width > 0:
		return vg.Length(l.Width)
	case len(l.X) > densePoint && l.Smooth <= 1:
		return denseWidth
	}
	return lineWidth
}

// look is how a line is drawn, here and in the legend.
type look struct {
	color            Color
	width            vg.Length
	dash, dots, band bool

	casing Color // of the outline of a trajectory or an arrow; zero: none
	arrow  bool
}

func (l look) stroke() draw.LineStyle {
	sty := draw.LineStyle{Color: l.color, Width: l.width}
	if l.dash {
		sty.Dashes = []vg.Length{3.2 * l.width, 2 * l.width}
	}
	return sty
}

func (l look) radius() vg.Length { return dotRadius * (l.width + lineWidth) / (2 * lineWidth) }

// curve is a line in the coordinates of the canvas, clipped to the panel.
type curve struct {
	look
	trace   [][]vg.Point // the points under a smoothed line
	strokes [][]vg.Point
	band    [][]vg.Point // polygons
	dots    []vg.Point
}

func (p *panel) curve(l *Line, how look) curve {
	c := curve{look: how}
	area := draw.Canvas{Rectangle: p.area}
	for _, run := range p.runs(l, false) {
		points := make([]vg.Point, len(run))
		for k, i := range run {
			points[k] = p.point(l.X[i], l.Y[i])
		}
		if how.dots || len(points) == 1 { // a point between gaps would be lost
			for _, pt := range points {
				if area.Contains(pt) {
					c.dots = append(c.dots, pt)
				}
			}
		}
		if l.Smooth > 1 {
			c.trace = append(c.trace, area.ClipLinesXY(thin(points))...)
			for k, mean := range l.smooth(run) {
				points[k] = p.point(l.X[run[k]], mean)
			}
		}
		c.strokes = append(c.strokes, area.ClipLinesXY(thin(points))...)
	}
	if how.band {
		for _, run := range p.runs(l, true) {
			if len(run) < 2 {
				continue // no width
			}
			var upper, lower []vg.Point
			for _, i := range run {
				low := l.Low[i]
				if !drawable(low, p.y.log) {
					low = math.Pow(10, p.y.lo-1) // below the edge; only reached on a logarithmic axis
				}
				upper, lower = append(upper, p.point(l.X[i], l.High[i])), append(lower, p.point(l.X[i], low))
			}
			c.band = append(c.band, area.ClipPolygonXY(loop(thin(upper), thin(lower))))
		}
	}
	return c
}

// smooth returns the running mean of Y over a run of indices. Each is summed anew: differences of running sums would
// carry the rounding of a peak to all that follows it.
func (l *Line) smooth(run []int) []float64 {
	means := make([]float64, len(run))
	for k := range run {
		half := min(l.Smooth/2, k)
		window := run[k-half : min(k+half+1, len(run))]
		for _, i := range window {
			means[k] += l.Y[i]
		}
		means[k] /= float64(len(window))
	}
	return means
}

// loop joins there and back into a polygon.
func loop(there, back []vg.Point) []vg.Point {
	for i := len(back) - 1; i >= 0; i-- {
		there = append(there, back[i])
	}
	return there
}

// runs returns the indices of the points that can be drawn, cut at the gaps; band asks for those of the band.
func (p *panel) runs(l *Line, band bool) [][]int {
	var runs [][]int
	open := false
	for i := range l.X {
		ok := drawable(l.X[i], p.x.log)
		if band {
			low := drawable(l.Low[i], p.y.log) || p.y.log && l.Low[i] < smallest
			ok = ok && low && drawable(l.High[i], p.y.log)
		} else {
			ok = ok && drawable(l.Y[i], p.y.log)
		}
		if ok && !open {
			runs = append(runs, nil)
		}
		if ok {
			runs[len(runs)-1] = append(runs[len(runs)-1], i)
		}
		open = ok
	}
	return runs
}

// empty reports that a line has nothing to show on its axes.
func (l *Line) empty(logX, logY bool) bool {
	for i := range l.X {
		if drawable(l.X[i], logX) && drawable(l.Y[i], logY) {
			return false
		}
	}
	return true
}

// thin keeps what can be seen of long lines: of neighbours in a column of a third of a point (half a pixel at the
// default size) the first, the lowest, the highest and the last. 100,000 training steps become 2,000 points.
func thin(points []vg.Point) []vg.Point {
	const column = 1.0 / 3
	out := make([]vg.Point, 0, min(len(points), 4096))
	for i := 0; i < len(points); {
		x := math.Floor(float64(points[i].X) / column)
		j := i + 1
		low, high := i, i
		for ; j < len(points) && math.Floor(float64(points[j].X)/column) == x; j++ {
			if points[j].Y < points[low].Y {
				low = j
			}
			if points[j].Y > points[high].Y {
				high = j
			}
		}
		last := -1
		for _, k := range [...]int{i, min(low, high), max(low, high), j - 1} {
			if k != last {
				out = append(out, points[k])
			}
			last = k
		}
		i = j
	}
	return out
}

func (c *curve) drawBand(dc draw.Canvas) {
	for _, polygon := range c.band {
		if len(polygon) > 2 { // not all of it clipped
			dc.FillPolygon(c.color.alpha(bandAlpha), polygon)
		}
	}
}

func (c *curve) drawTrace(dc draw.Canvas) {
	dc.StrokeLines(draw.LineStyle{Color: c.color.alpha(traceAlpha), Width: traceWidth}, c.trace...)
}

func (c *curve) drawLine(dc draw.Canvas) {
	dc.StrokeLines(c.stroke(), c.strokes...)
	for _, pt := range c.dots {
		disc(dc, pt, c.radius(), c.color)
	}
}

func disc(dc draw.Canvas, at vg.Point, radius vg.Length, col Color) {
	dc.DrawGlyphNoClip(draw.GlyphStyle{Color: col, Radius: radius, Shape: draw.CircleGlyph{}}, at)
}

// paths are what a legend keeps off, beside the inside of the band.
func (c *curve) paths() [][]vg.Point {
	paths := append(slices.Clone(c.strokes), c.trace...)
	for _, pt := range c.dots {
		paths = append(paths, []vg.Point{pt, pt})
	}
	return append(paths, c.band...)
}

// looks decides how each line of a figure is drawn. Lines of one name share a colour of the palette; when all colours
// are taken they are used again, dashed.
func (f *Figure) looks() [][]look {
	taken := map[string]int{}
	var all [][]look
	for _, row := range f.Panels {
		for i := range row {
			var looks []look
			for n, l := range row[i].Lines {
				how := look{color: l.Color, width: l.width(), dash: l.Dash, dots: l.Dots, band: len(l.Low) > 0}
				if how.color == 0 {
					key := cmp.Or(l.Name, fmt.Sprintf("line %d", n+1))
					k, ok := taken[key]
					if !ok {
						k = len(taken)
						taken[key] = k
					}
					how.color = palette[k%len(palette)]
					how.dash = how.dash || k/len(palette)%2 == 1
				}
				looks = append(looks, how)
			}
			all = append(all, looks)
		}
	}
	return all
}
