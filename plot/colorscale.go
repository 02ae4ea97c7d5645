package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Palette is a range of colours, through these in equal steps. A diverging one has its lightest in the middle.
type Palette struct {
	Colors    []Color
	Diverging bool
}

// Palettes. BlueWhiteRed and BlueWhiteOrange diverge, both arms evenly darker from white; the second is told apart by
// people with any common colour blindness. Cividis gets evenly lighter from end to end, which prints in grey too, and
// looks the same to nearly everyone.
//
// Source: Cividis is of Nuñez, Anderton & Renslow 2018, PLoS ONE 13(7), here by six of its colours.
var (
	BlueWhiteRed = Palette{[]Color{0x0A2463FF, 0x1F57A4FF, 0x5A9BD5FF, 0xB3D4EDFF, 0xFFFFFFFF, 0xF6C3AFFF, 0xE07A5FFF, 0xB92B32FF, 0x6B0F1AFF}, true}

	BlueWhiteOrange = Palette{[]Color{0x002B49FF, 0x005A8FFF, 0x3C9AD0FF, 0xA9D3ECFF, 0xFFFFFFFF, 0xF8CFA0FF, 0xE8933CFF, 0xB85A00FF, 0x5E2B00FF}, true}

	Cividis = Palette{[]Color{0x00204DFF, 0x31446BFF, 0x666970FF, 0x958F78FF, 0xCBBA69FF, 0xFFEA46FF}, false}
)

// at returns the colour at f from 0 to 1.
func (p Palette) at(f float64) Color {
	f = max(0, min(1, f)) * float64(len(p.Colors)-1)
	i := min(int(f), len(p.Colors)-2)
	f -= float64(i)
	mix := Color(0)
	for shift := 0; shift < 32; shift += 8 {
		a, b := float64(p.Colors[i]>>shift&0xFF), float64(p.Colors[i+1]>>shift&0xFF)
		mix |= Color(a*(1-f)+b*f+0.5) << shift
	}
	return mix
}

// ColorScale says which colours stand for which values. Marks that point to one ColorScale share it, and its bar; a
// figure with a single one has its bar once, beside all panels.
type ColorScale struct {
	Label   string
	Palette Palette   // zero: BlueWhiteRed
	Range   Range     // zero: fitted to the values of all marks that share the scale
	Mid     float64   // the value of the middle colour of a diverging palette
	Root    bool      // colours go with the square root of the distance from the lower end: more of them for small values
	Ticks   []float64 // values with a mark on the bar; none: chosen
}

// missing is the colour of no value.
const missing Color = 0xC9C9C9FF

func (s *ColorScale) faults() []error {
	var faults []error
	if err := s.Range.fault(false); err != nil {
		faults = append(faults, fmt.Errorf("field Range: %w", err))
	}
	if n := len(s.Palette.Colors); n == 1 || n > 256 {
		faults = append(faults, fmt.Errorf("field Palette: %d colours; 2 to 256, or none, are accepted", n))
	}
	if !drawable(s.Mid, false) {
		faults = append(faults, fmt.Errorf("field Mid: %v; numbers of size up to %v are accepted", s.Mid, largest))
	}
	return faults
}

// tint is a ColorScale with its range.
type tint struct {
	*ColorScale
	palette     Palette
	lo, mid, hi float64
	colors      [256]Color // from 0 to 1
}

// fitTint fits a scale to the values that use it.
func fitTint(s *ColorScale, values [][]float64) *tint {
	t := &tint{ColorScale: s, palette: s.Palette, lo: s.Range.Min, hi: s.Range.Max}
	if len(t.palette.Colors) == 0 {
		t.palette = BlueWhiteRed
	}
	if s.Range == (Range{}) {
		t.lo, t.hi = math.Inf(1), math.Inf(-1)
		for _, vs := range values {
			for _, v := range vs {
				if drawable(v, false) {
					t.lo, t.hi = min(t.lo, v), max(t.hi, v)
				}
			}
		}
		if t.lo > t.hi {
			t.lo, t.hi = 0, 1
		}
		if d := leastWidth(t.lo, t.hi); t.hi-t.lo < d {
			t.lo, t.hi = t.lo-max(d, 0.5), t.hi+max(d, 0.5)
		}
	}
	t.mid = s.Mid
	if t.palette.Diverging { // the middle lies between the ends
		t.lo, t.hi = min(t.lo, t.mid), max(t.hi, t.mid)
	}
	for i := range t.colors {
		t.colors[i] = t.palette.at(float64(i) / 255)
	}
	return t
}

// part returns where v lies between a and b, which may coincide.
func (t *tint) part(v, a, b float64) float64 {
	if t.Root {
		v, a, b = math.Sqrt(max(0, v-t.lo)), math.Sqrt(max(0, a-t.lo)), math.Sqrt(max(0, b-t.lo))
	}
	if a == b {
		return 0
	}
	return max(0, min(1, (v-a)/(b-a)))
}

// of returns where v lies on the scale, 0 to 1: with a diverging palette its middle at ½.
func (t *tint) of(v float64) float64 {
	switch {
	case !t.palette.Diverging:
		return t.part(v, t.lo, t.hi)
	case v < t.mid:
		return t.part(v, t.lo, t.mid) / 2
	}
	return 0.5 + t.part(v, t.mid, t.hi)/2
}

// index returns the colour of v among the 256, or −1 for no value.
func (t *tint) index(v float64) int {
	if math.IsNaN(v) {
		return -1
	}
	return int(t.of(v)*255 + 0.5)
}

// images returns the palette of a picture: the colours, then the one for no value and transparent.
func (t *tint) images() color.Palette {
	p := make(color.Palette, 0, 256)
	for i := range 254 {
		p = append(p, t.palette.at(float64(i)/253).nrgba())
	}
	return append(p, missing.nrgba(), color.NRGBA{})
}

// Entries of the palette of a picture.
const (
	lastTint    = 253
	noValue     = 254
	transparent = 255
)

// Sizes of a bar.
const (
	barGap   vg.Length = 9 // between data and bar
	barWidth vg.Length = 9
)

// bar is the legend of a ColorScale on its way to the canvas.
type bar struct {
	*tint
	ticks []tick
	label []string
}

// newBar chooses ticks for a bar of this height.
func newBar(t *tint, height vg.Length) *bar {
	b := &bar{tint: t, label: wrap(t.Label, labelSize, max(height, minData))}
	switch {
	case len(t.Ticks) > 0:
		b.ticks = t.someTicks(t.Ticks, height)
	case t.Root:
		b.ticks = t.someTicks(t.decades(), height)
	default:
		s := scale{lo: t.lo, hi: t.hi}
		for _, k := range s.linearTicks(height, stacked) {
			k.at = t.of(t.lo + k.at*(t.hi-t.lo))
			b.ticks = append(b.ticks, k)
		}
	}
	return b
}

// decades lists values for the ticks of a root scale, those to keep first: the ends and the middle, then 1, 5 and 2 in
// every decade from above.
func (t *tint) decades() []float64 {
	values := []float64{t.lo, t.hi}
	if t.palette.Diverging {
		values = []float64{t.mid, t.lo}
	}
	size := max(math.Abs(t.lo), math.Abs(t.hi))
	if size == 0 {
		return values
	}
	top := int(math.Floor(math.Log10(size)))
	for n := top; n >= top-3; n-- {
		for _, d := range []float64{1, 5, 2} {
			values = append(values, d*math.Pow10(n))
			if t.lo < 0 {
				values = append(values, -d*math.Pow10(n))
			}
		}
	}
	return values
}

// someTicks labels those of the values that keep apart, in their order.
func (t *tint) someTicks(values []float64, height vg.Length) []tick {
	var ticks []tick
	for _, v := range values {
		if v < t.lo || v > t.hi {
			continue
		}
		k := tick{t.of(v), shortNumber(v)}
		if !slices.ContainsFunc(ticks, func(o tick) bool { return vg.Length(math.Abs(o.at-k.at))*height < 1.6*tickSize }) {
			ticks = append(ticks, k)
		}
	}
	return ticks
}

// shortNumber writes v with up to three digits and a true minus.
func shortNumber(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e6) {
		exp := int(math.Floor(math.Log10(a) + 1e-9))
		return fmt.Sprintf("%s×%s", shortNumber(v/math.Pow10(exp)), power(exp))
	}
	for decimals := 0; ; decimals++ {
		if s := plain(v, decimals); decimals == 6 || math.Abs(v*math.Pow10(decimals)-math.Round(v*math.Pow10(decimals))) < 1e-3*math.Abs(v*math.Pow10(decimals)) || v == 0 {
			return s
		}
	}
}

// room is the width that the bar takes beside the data.
func (b *bar) room() vg.Length {
	w := barGap + barWidth + tickGap + 2
	widest := vg.Length(0)
	for _, k := range b.ticks {
		widest = max(widest, textWidth(k.label, tickSize))
	}
	w += widest
	switch {
	case b.upright():
		w += labelGap + textWidth(b.label[0], labelSize)
	case len(b.label) > 0:
		w += labelGap + linesHeight(b.label, labelSize)
	}
	return w
}

// upright reports that the label is a symbol, which needs not be turned.
func (b *bar) upright() bool {
	return len(b.label) == 1 && textWidth(b.label[0], labelSize) < 2.2*labelSize
}

// draw puts the bar to the right of x, from bottom to top.
func (b *bar) draw(dc draw.Canvas, x, bottom, top vg.Length) {
	strip := image.NewPaletted(image.Rect(0, 0, 8, 254), b.images())
	for y := range 254 {
		for i := range 8 {
			strip.SetColorIndex(i, y, uint8(lastTint-y))
		}
	}
	box := vg.Rectangle{Min: vg.Point{X: x + barGap, Y: bottom}, Max: vg.Point{X: x + barGap + barWidth, Y: top}}
	dc.DrawImage(box, strip)
	sty := draw.LineStyle{Color: axisTint, Width: 0.6}
	right := box.Max.X
	for _, k := range b.ticks {
		y := bottom + vg.Length(k.at)*(top-bottom)
		dc.StrokeLine2(sty, right-2.5, y, right+2, y)
		ink{tickSize, textTint, fromLeft}.write(dc, k.label, vg.Point{X: right + 2 + tickGap, Y: y - capHeight*tickSize/2})
	}
	frame(dc, box)
	if b.upright() {
		ink{labelSize, textTint, fromRight}.write(dc, b.label[0], vg.Point{X: x + b.room(), Y: (bottom+top)/2 - capHeight*labelSize/2})
		return
	}
	at := x + b.room() - descent*labelSize - vg.Length(len(b.label)-1)*leading*labelSize
	for _, s := range b.label {
		ink{labelSize, textTint, centred}.writeUp(dc, s, vg.Point{X: at, Y: (bottom + top) / 2})
		at += leading * labelSize
	}
}

// frame draws the edges of a box, and hides what the edges of a picture have of it.
func frame(dc draw.Canvas, box vg.Rectangle) {
	path := box.Path()
	dc.SetLineStyle(draw.LineStyle{Color: axisTint, Width: 0.8})
	dc.Stroke(path)
}

// tints fits the colour scales. One that all panels share gets one bar for the figure, others one at each panel.
func (l *layout) tints() {
	values := map[*ColorScale][][]float64{}
	var scales []*ColorScale
	l.each(func(p *panel) {
		s, v, ok := p.axes.colored()
		if !ok {
			return
		}
		if s == nil {
			s = &ColorScale{}
		}
		if _, seen := values[s]; !seen {
			scales = append(scales, s)
		}
		values[s] = append(values[s], v)
		p.tint = &tint{ColorScale: s}
	})
	fitted := map[*ColorScale]*tint{}
	for _, s := range scales {
		fitted[s] = fitTint(s, values[s])
	}
	l.each(func(p *panel) {
		if p.tint != nil {
			p.tint = fitted[p.tint.ColorScale]
			p.ownBar = len(scales) > 1
		}
	})
	if len(scales) == 1 {
		l.shared = fitted[scales[0]]
	}
}

// barRoom is the width beside all panels for the bar that they share.
func (l *layout) barRoom(s sizes) vg.Length {
	if l.shared == nil {
		return 0
	}
	height := vg.Length(len(l.grid)) * max(s.height, minData)
	l.bar = newBar(l.shared, height)
	return l.bar.room()
}

// drawBar draws the shared bar from the lowest row of panels to the highest, right of what sticks out of them.
func (l *layout) drawBar(dc draw.Canvas) {
	if l.bar == nil {
		return
	}
	bottom, top := l.height, vg.Length(0)
	l.each(func(p *panel) { bottom, top = min(bottom, p.area.Min.Y), max(top, p.area.Max.Y) })
	l.bar.draw(dc, l.width-edge-l.bar.room(), bottom, top)
}
