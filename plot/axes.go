package plot

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Axes is one panel: a pair of axes and what is drawn between them. Text is plain Unicode (w₁, F*, ∇, ℒ); a line break
// is kept, and long titles and labels are broken at spaces.
type Axes struct {
	Title, X, Y    string
	LogX, LogY     bool
	XRange, YRange Range    // zero: fitted to the lines
	YNames         []string // at 0, 1, 2 … on a linear y axis, instead of numbers
	Lines          []Line
	HLines         []HLine
	Marks          []Mark   // landscapes, fields and paths over them, under the lines
	Surface        *Surface // a landscape in space instead of all else but the title and X and Y
}

func (a *Axes) faults() []error {
	var faults []error
	for i := range a.Lines {
		for _, err := range a.Lines[i].faults() {
			faults = append(faults, fmt.Errorf("line %d %q: %w", i+1, a.Lines[i].Name, err))
		}
	}
	faults = append(faults, a.markFaults()...)
	if a.LogY && len(a.YNames) > 0 {
		faults = append(faults, fmt.Errorf("YNames: on a logarithmic axis; a linear one is accepted"))
	}
	for _, r := range []struct {
		name string
		Range
		log bool
	}{{"XRange", a.XRange, a.LogX}, {"YRange", a.YRange, a.LogY}} {
		if err := r.fault(r.log); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return faults
}

func (r Range) fault(log bool) error {
	switch {
	case r == Range{}:
		return nil
	case !drawable(r.Min, log) || !drawable(r.Max, log):
		if log {
			return fmt.Errorf("%v to %v on a logarithmic axis; %v to %v are accepted", r.Min, r.Max, smallest, largest)
		}
		return fmt.Errorf("%v to %v; %v to %v are accepted", r.Min, r.Max, -largest, largest)
	case !(r.Max-r.Min >= leastWidth(r.Min, r.Max)):
		return fmt.Errorf("%v to %v; a Max above Min is accepted, by at least %v of their size", r.Min, r.Max, minRelative)
	}
	return nil
}

const (
	majorTick vg.Length = 3.5
	minorTick vg.Length = 2
	tickGap   vg.Length = 2.5 // between a tick and its label
	labelGap  vg.Length = 4   // between tick labels and the label of the axis
	titleGap  vg.Length = 6   // between the data and the title
)

// panel is one Axes on its way to the canvas.
type panel struct {
	axes   *Axes
	looks  []look
	x, y   scale
	xticks []tick
	yticks []tick

	title, xlabel, ylabel []string

	area   vg.Rectangle // of the data
	curves []curve
	levels []level
	legend []entry
	box    vg.Rectangle // of the legend, if it is inside
	inside bool
	taken  [][]vg.Point // by lines, their labels, and trajectories

	covered bool  // by a heat map or a surface: nothing is free for a legend
	tint    *tint // the colours of its heat map or surface
	bar     *bar  // beside it, if it is not the figure's
	ownBar  bool
}

// newPanel fits the scales. The y axis is fitted to what the x axis shows.
func newPanel(a *Axes, looks []look) *panel {
	p := &panel{axes: a, looks: looks, legend: a.entries(looks)}
	var xs, ys []float64
	margin := 0.0
	for i := range a.Lines {
		l := &a.Lines[i]
		for k := range l.X {
			if drawable(l.Y[k], a.LogY) {
				xs = append(xs, l.X[k])
			}
		}
		if l.Dots || len(l.X) == 1 {
			margin = 0.03
		}
	}
	for _, m := range a.marks() {
		x, y := m.span()
		if m.covers() { // what leads out of a landscape does not widen it
			xs, ys, p.covered, margin = x, y, true, 0
			break
		}
		xs, ys = append(xs, x...), append(ys, y...)
	}
	p.covered = p.covered || a.Surface != nil
	p.x = fit(a.LogX, a.XRange, xs, margin)
	for i := range a.Lines {
		l := &a.Lines[i]
		if p.covered {
			break
		}
		for k := range l.X {
			if !p.x.contains(l.X[k]) {
				continue
			}
			ys = append(ys, l.Y[k])
			if len(l.Low) > 0 {
				ys = append(ys, l.Low[k], l.High[k])
			}
		}
	}
	margin = 0.05
	if p.covered {
		margin = 0
	} else {
		for _, h := range a.HLines {
			ys = append(ys, h.Y)
		}
	}
	p.y = fit(a.LogY, a.YRange, ys, margin)
	return p
}

// margins is what a panel needs around its data.
type margins struct{ left, right, bottom, top vg.Length }

// prepare breaks labels and chooses ticks for data of this size, and returns the room that they take.
func (p *panel) prepare(width, height vg.Length) margins {
	m := p.prepareAxes(width, height)
	if p.ownBar {
		p.bar = newBar(p.tint, height)
		m.right = max(m.right, p.bar.room())
	}
	return m
}

func (p *panel) prepareAxes(width, height vg.Length) margins {
	if p.axes.Surface != nil {
		p.title = wrap(p.axes.Title, titleSize, width)
		return p.titleMargins(width, margins{left: 1, right: 1, bottom: 1})
	}
	p.xticks, p.yticks = p.x.ticks(width, along), p.y.ticks(height, stacked)
	if len(p.axes.YNames) > 0 {
		p.yticks = p.y.named(p.axes.YNames)
	}
	p.title = wrap(p.axes.Title, titleSize, width)
	p.xlabel, p.ylabel = wrap(p.axes.X, labelSize, width), wrap(p.axes.Y, labelSize, height)

	for i, s := range p.ylabel {
		p.ylabel[i] = shorten(s, labelSize, height)
	}
	m := margins{}
	m.bottom = majorTick + tickGap + capHeight*tickSize
	if len(p.xlabel) > 0 {
		m.bottom += labelGap + linesHeight(p.xlabel, labelSize) - (leading-capHeight-descent)*labelSize
	}
	m.left = p.ylabelOffset()
	if len(p.ylabel) > 0 {
		m.left += labelGap + linesHeight(p.ylabel, labelSize) - (leading-capHeight-descent)*labelSize
	}
	m.right = 1
	for _, t := range p.xticks {
		half := textWidth(t.label, tickSize) / 2
		m.right = max(m.right, half-vg.Length(1-t.at)*width)
		m.left = max(m.left, half-vg.Length(t.at)*width)
	}
	if over := (widest(p.xlabel, labelSize) - width) / 2; over > 0 { // a long word
		m.left, m.right = max(m.left, over), max(m.right, over)
	}
	return p.titleMargins(width, m)
}

// titleMargins adds the room for the title.
func (p *panel) titleMargins(width vg.Length, m margins) margins {
	m.top = capHeight * tickSize / 2
	if len(p.title) > 0 {
		m.top = titleGap + linesHeight(p.title, titleSize) - (leading-capHeight)*titleSize
	}
	m.right = max(m.right, widest(p.title, titleSize)-width)
	return m
}

// ylabelOffset is the distance from the axis to the far end of its tick labels.
func (p *panel) ylabelOffset() vg.Length {
	w := vg.Length(0)
	for _, t := range p.yticks {
		w = max(w, textWidth(t.label, tickSize))
	}
	return majorTick + tickGap + w
}

// point maps values to the canvas.
func (p *panel) point(x, y float64) vg.Point {
	at := vg.Point{}
	if drawable(x, p.x.log) {
		at.X = p.area.Min.X + vg.Length(p.x.of(x))*p.area.Size().X
	}
	if drawable(y, p.y.log) {
		at.Y = p.area.Min.Y + vg.Length(p.y.of(y))*p.area.Size().Y
	}
	return at
}

// arrange computes the marks for the final area, and a place for the legend if one inside is asked for.
func (p *panel) arrange(area vg.Rectangle, inside bool) {
	p.area, p.curves, p.inside = area, nil, false
	var paths [][]vg.Point
	for i := range p.axes.Lines {
		c := p.curve(&p.axes.Lines[i], p.looks[i])
		p.curves = append(p.curves, c)
		paths = append(paths, c.paths()...)
	}
	p.levels = p.placeLevels(p.curves)
	for i := range p.levels {
		paths = append(paths, p.levels[i].paths(area)...)
	}
	for _, m := range p.axes.marks() {
		paths = append(paths, m.paths(p)...)
	}
	p.taken = paths
	if inside && len(p.legend) > 0 {
		p.box, p.inside = p.place(paths)
	}
}

func (p *panel) draw(dc draw.Canvas) {
	if p.bar != nil {
		p.bar.draw(dc, p.area.Max.X, p.area.Min.Y, p.area.Max.Y)
	}
	if p.axes.Surface != nil {
		p.drawSurface(dc)
		p.drawTitle(dc)
		return
	}
	p.drawGrid(dc)
	p.drawMarks(dc)
	for i := range p.curves {
		p.curves[i].drawBand(dc)
	}
	for i := range p.curves {
		p.curves[i].drawTrace(dc)
	}
	for i := range p.levels {
		p.levels[i].drawLine(dc, p.area)
	}
	for i := range p.curves {
		p.curves[i].drawLine(dc)
	}
	for i := range p.levels {
		p.levels[i].drawLabel(dc)
	}
	p.drawAxes(dc)
	p.drawLabels(dc)
	if p.inside {
		drawBox(dc, p.legend, p.box)
	}
	if p.blank() {
		mid := vg.Point{X: (p.area.Min.X + p.area.Max.X) / 2, Y: (p.area.Min.Y + p.area.Max.Y) / 2}
		ink{labelSize, axisTint, centred}.write(dc, "no data", mid)
	}
}

func (p *panel) blank() bool {
	for i := range p.axes.Lines {
		if !p.axes.Lines[i].empty(p.axes.LogX, p.axes.LogY) {
			return false
		}
	}
	return len(p.levels) == 0 && len(p.axes.Marks) == 0
}

func (p *panel) drawGrid(dc draw.Canvas) {
	sty := draw.LineStyle{Color: gridTint, Width: 0.6}
	for _, t := range p.xticks {
		if x := p.atX(t); t.label != "" && x > p.area.Min.X+1 {
			dc.StrokeLine2(sty, x, p.area.Min.Y, x, p.area.Max.Y)
		}
	}
	for _, t := range p.yticks {
		if y := p.atY(t); t.label != "" && y > p.area.Min.Y+1 {
			dc.StrokeLine2(sty, p.area.Min.X, y, p.area.Max.X, y)
		}
	}
}

func (p *panel) atX(t tick) vg.Length { return p.area.Min.X + vg.Length(t.at)*p.area.Size().X }
func (p *panel) atY(t tick) vg.Length { return p.area.Min.Y + vg.Length(t.at)*p.area.Size().Y }

func (p *panel) drawAxes(dc draw.Canvas) {
	sty := draw.LineStyle{Color: axisTint, Width: 0.8}
	dc.StrokeLines(sty, []vg.Point{{X: p.area.Min.X, Y: p.area.Max.Y}, p.area.Min, {X: p.area.Max.X, Y: p.area.Min.Y}})
	length := func(t tick) vg.Length {
		if t.label == "" {
			return minorTick
		}
		return majorTick
	}
	for _, t := range p.xticks {
		x := p.atX(t)
		dc.StrokeLine2(sty, x, p.area.Min.Y, x, p.area.Min.Y-length(t))
		ink{tickSize, textTint, centred}.write(dc, t.label, vg.Point{X: x, Y: p.area.Min.Y - majorTick - tickGap - capHeight*tickSize})
	}
	for _, t := range p.yticks {
		y := p.atY(t)
		dc.StrokeLine2(sty, p.area.Min.X, y, p.area.Min.X-length(t), y)
		ink{tickSize, textTint, fromRight}.write(dc, t.label, vg.Point{X: p.area.Min.X - majorTick - tickGap, Y: y - capHeight*tickSize/2})
	}
}

func (p *panel) drawTitle(dc draw.Canvas) {
	y := p.area.Max.Y + titleGap + vg.Length(len(p.title)-1)*leading*titleSize
	for _, s := range p.title {
		ink{titleSize, textTint, fromLeft}.write(dc, s, vg.Point{X: p.area.Min.X, Y: y})
		y -= leading * titleSize
	}
}

func (p *panel) drawLabels(dc draw.Canvas) {
	p.drawTitle(dc)
	mid := vg.Point{X: (p.area.Min.X + p.area.Max.X) / 2, Y: (p.area.Min.Y + p.area.Max.Y) / 2}
	y := p.area.Min.Y - majorTick - tickGap - capHeight*tickSize - labelGap - capHeight*labelSize
	for _, s := range p.xlabel {
		ink{labelSize, textTint, centred}.write(dc, s, vg.Point{X: mid.X, Y: y})
		y -= leading * labelSize
	}
	x := p.area.Min.X - p.ylabelOffset() - labelGap - descent*labelSize - vg.Length(len(p.ylabel)-1)*leading*labelSize
	for _, s := range p.ylabel {
		ink{labelSize, textTint, centred}.writeUp(dc, s, vg.Point{X: x, Y: mid.Y})
		x += leading * labelSize
	}
}
