// Package plot draws figures: panels of lines with bands, reference lines, axes that people can read, and a legend that
// keeps off the data; landscapes by colour with contours, arrows and trajectories, or in space; animations. A Figure is a
// value; Encode writes it as SVG, PDF or PNG, and CSV writes the numbers that it shows.
//
// Equal figures give equal bytes in every format. Text is plain Unicode, set in an embedded DejaVu Sans: SVG names the
// font and asks for similar ones where it is missing, PDF holds the glyphs that it needs, PNG shows them.
package plot

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Figure is a grid of panels that share nothing but their alignment.
type Figure struct {
	Title  string
	Panels [][]Axes // by rows, from above; rows may differ in length

	// Width and Height in points. Zero: 525 (700 pixels on a screen), and as high as the panels look good.
	Width, Height float64

	// Aspect is height over width of the data in every panel where Height is zero. Zero: what looks good for lines.
	Aspect float64
}

const (
	defaultWidth = 525
	maxSize      = 5000
	minData      = 24 // least width and height of the data in a panel

	edge    vg.Length = 4 // around the figure
	gapX    vg.Length = 14
	gapY    vg.Length = 16
	headGap vg.Length = 10 // below the title of the figure
	rowsGap vg.Length = 6  // above a legend below the panels
)

// Validate reports every fault of a figure by panel (row, column) and line, counted from 1.
func (f *Figure) Validate() error {
	var faults []error
	add := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("plot: "+format, args...))
	}
	for _, s := range []struct {
		name string
		size float64
	}{{"Width", f.Width}, {"Height", f.Height}} {
		if !(s.size >= 0 && s.size <= maxSize) {
			add("%s: %v points; 0 (chosen) to %d are accepted", s.name, s.size, maxSize)
		}
	}
	if !(f.Aspect >= 0 && f.Aspect <= 10) {
		add("Aspect: %v; 0 (chosen) to 10 are accepted", f.Aspect)
	}
	panels := 0
	for r, row := range f.Panels {
		for c := range row {
			panels++
			for _, err := range row[c].faults() {
				add("panel %d,%d: %w", r+1, c+1, err)
			}
		}
	}
	if panels == 0 {
		add("Panels: there are none; at least one is needed")
	}
	return errors.Join(faults...)
}

// layout is a figure with every place computed.
type layout struct {
	width, height vg.Length
	title         []string
	grid          [][]*panel
	below         [][]entry // the legend below the panels
	belowTop      vg.Length
	shared        *tint // the only colour scale, if there is one
	bar           *bar  // of it, right of all panels
}

// newLayout finds the sizes. A legend goes inside its panel where it covers no line; otherwise, or if all panels have the
// same one, below them all, once.
func newLayout(f *Figure) (*layout, error) {
	l := &layout{width: vg.Length(f.Width)}
	if f.Width == 0 {
		l.width = defaultWidth
	}
	l.title = wrap(f.Title, headSize, l.width-2*edge)
	for i, s := range l.title {
		l.title[i] = shorten(s, headSize, l.width-2*edge)
	}
	looks := f.looks()
	for r := range f.Panels {
		var row []*panel
		for c := range f.Panels[r] {
			p := newPanel(&f.Panels[r][c], looks[0])
			for i := range p.legend {
				p.legend[i].text = shorten(p.legend[i].text, legendSize, l.width-2*edge-swatch-swatchGap)
			}
			row, looks = append(row, p), looks[1:]
		}
		l.grid = append(l.grid, row)
	}
	l.tints()
	outside := map[*panel]bool{}
	l.each(func(p *panel) { outside[p] = p.covered })
	if l.sameLegends() {
		l.each(func(p *panel) { outside[p] = true })
	}
	for {
		if err := l.arrange(f, outside); err != nil {
			return nil, err
		}
		again := false
		l.each(func(p *panel) { // a legend that finds no place, or is there already, moves out; the panels shrink, so look again
			if len(p.legend) > 0 && !outside[p] && (!p.inside || l.isBelow(p.legend)) {
				outside[p], again = true, true
			}
		})
		if !again {
			return l, nil
		}
	}
}

func (l *layout) each(do func(p *panel)) {
	for _, row := range l.grid {
		for _, p := range row {
			do(p)
		}
	}
}

func (l *layout) sameLegends() bool {
	var first []entry
	n, same := 0, true
	l.each(func(p *panel) {
		if len(p.legend) == 0 {
			return
		}
		if n++; n == 1 {
			first = p.legend
		}
		same = same && slices.Equal(first, p.legend)
	})
	return n > 1 && same
}

func (l *layout) isBelow(entries []entry) bool {
	for _, e := range entries {
		if !slices.ContainsFunc(l.below, func(row []entry) bool { return slices.Contains(row, e) }) {
			return false
		}
	}
	return true
}

// sizes are the widths of columns and heights of rows, with their common size of the data.
type sizes struct {
	cols, rows    []margins
	width, height vg.Length
}

// arrange computes all places for a choice of legends that go below.
func (l *layout) arrange(f *Figure, outside map[*panel]bool) error {
	l.collect(outside)
	s, err := l.measure(f)
	if err != nil {
		return err
	}
	top := l.height - edge - l.headHeight()
	for r, row := range l.grid {
		top -= s.rows[r].top
		left := edge
		for c, p := range row {
			left += s.cols[c].left
			p.arrange(vg.Rectangle{Min: vg.Point{X: left, Y: top - s.height}, Max: vg.Point{X: left + s.width, Y: top}}, !outside[p])
			left += s.width + s.cols[c].right + gapX
		}
		top -= s.height + s.rows[r].bottom + gapY
	}
	l.belowTop = top + gapY - rowsGap
	return nil
}

// collect gathers the entries that go below, each once.
func (l *layout) collect(outside map[*panel]bool) {
	var entries []entry
	l.each(func(p *panel) {
		if outside[p] {
			entries = union(entries, p.legend)
		}
	})
	l.below = rowsOf(entries, l.width-2*edge)
}

func (l *layout) headHeight() vg.Length {
	if len(l.title) == 0 {
		return 0
	}
	return linesHeight(l.title, headSize) - (leading-capHeight)*headSize + headGap
}

func (l *layout) belowHeight() vg.Length {
	if len(l.below) == 0 {
		return 0
	}
	return rowsGap + vg.Length(len(l.below))*entryLeading
}

// measure finds how large the data can be. Ticks and broken labels depend on the size, and the size on the room that
// they take, so it goes round a few times, each of which moves by half of the one before or less.
func (l *layout) measure(f *Figure) (sizes, error) {
	cols := 0
	for _, row := range l.grid {
		cols = max(cols, len(row))
	}
	s := sizes{width: (l.width - vg.Length(cols)*50) / vg.Length(cols), height: vg.Length(f.Height) / vg.Length(len(l.grid)) / 2}
	if f.Height == 0 {
		s.height = f.aspect(cols) * s.width
	}
	var needX, needY vg.Length
	for range 6 {
		s.cols, s.rows = make([]margins, cols), make([]margins, len(l.grid))
		for r, row := range l.grid {
			for c, p := range row {
				m := p.prepare(max(s.width, minData), max(s.height, minData))
				s.cols[c].left, s.cols[c].right = max(s.cols[c].left, m.left), max(s.cols[c].right, m.right)
				s.rows[r].top, s.rows[r].bottom = max(s.rows[r].top, m.top), max(s.rows[r].bottom, m.bottom)
			}
		}
		needX, needY = 2*edge-gapX+l.barRoom(s), 2*edge-gapY+l.headHeight()+l.belowHeight()
		for _, m := range s.cols {
			needX += m.left + m.right + gapX
		}
		for _, m := range s.rows {
			needY += m.top + m.bottom + gapY
		}
		s.width = (l.width - needX) / vg.Length(cols)
		s.height = (vg.Length(f.Height) - needY) / vg.Length(len(l.grid))
		if f.Height == 0 {
			s.height = max(minData, f.aspect(cols)*s.width)
		}
	}
	if s.width < minData {
		return s, fmt.Errorf("plot: Width: %v points leave no room for %d columns of panels; %.0f and more are accepted", l.width, cols, needX+vg.Length(cols)*minData)
	}
	if s.height < minData {
		return s, fmt.Errorf("plot: Height: %v points leave no room for %d rows of panels; 0 (chosen), or %.0f and more are accepted", f.Height, len(l.grid), needY+vg.Length(len(l.grid))*minData)
	}
	l.height = needY + vg.Length(len(l.grid))*s.height
	if l.height > maxSize {
		return s, fmt.Errorf("plot: Panels: %d rows are %.0f points high; up to %d are accepted", len(l.grid), l.height, maxSize)
	}
	return s, nil
}

// aspect is height over width of the data: the narrower a panel, the nearer to a square.
func (f *Figure) aspect(cols int) vg.Length {
	switch {
	case f.Aspect > 0:
		return vg.Length(f.Aspect)
	case cols == 1:
		return 0.5
	case cols == 2:
		return 0.68
	}
	return 0.85
}

func (l *layout) draw(dc draw.Canvas) {
	dc.SetColor(white)
	dc.Fill(dc.Rectangle.Path())
	y := l.height - edge - capHeight*headSize
	for _, s := range l.title {
		ink{headSize, textTint, fromLeft}.write(dc, s, vg.Point{X: edge, Y: y})
		y -= leading * headSize
	}
	l.each(func(p *panel) { p.draw(dc) })
	l.drawBar(dc)
	drawRows(dc, l.below, l.belowTop)
}
