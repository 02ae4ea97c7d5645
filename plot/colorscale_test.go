package plot

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"
)

// linear returns the components of a colour as amounts of light.
func linear(c Color) [3]float64 {
	var out [3]float64
	for i := range out {
		v := float64(c>>(24-8*i)&0xFF) / 255
		if v <= 0.04045 {
			out[i] = v / 12.92
		} else {
			out[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return out
}

// lightness is L* of CIE 1976, 0 to 100.
func lightness(c Color) float64 {
	l := linear(c)
	y := 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
	if y <= 216./24389 {
		return y * 24389 / 27
	}
	return 116*math.Cbrt(y) - 16
}

func TestPalettesAreMonotone(t *testing.T) {
	for name, p := range map[string]Palette{"blue–white–red": BlueWhiteRed, "blue–white–orange": BlueWhiteOrange, "cividis": Cividis} {
		const n = 1000
		last := lightness(p.at(0))
		for i := 1; i <= n; i++ {
			f := float64(i) / n
			l := lightness(p.at(f))
			up := !p.Diverging || f <= 0.5
			// Steps of 1/1000 are finer than the 256 levels of a channel, so equal is allowed and a level down is not.
			if up && l < last-0.25 || !up && l > last+0.25 {
				t.Errorf("%s: lightness goes from %.2f to %.2f at %.3f", name, last, l, f)
			}
			last = l
		}
		if p.Diverging {
			if c := p.at(0.5); c != white {
				t.Errorf("%s: the middle is %08X, want white", name, uint32(c))
			}
			if a, b := lightness(p.at(0)), lightness(p.at(1)); a > 30 || b > 30 {
				t.Errorf("%s: the ends are not dark: %.0f and %.0f", name, a, b)
			}
		} else if a, b := lightness(p.at(0)), lightness(p.at(1)); b-a < 60 {
			t.Errorf("%s: lightness from %.0f to %.0f only", name, a, b)
		}
	}
}

// The simulation of Viénot, Brettel & Mollon 1999 for people who lack red or green receptors.
func TestTheSafePaletteTellsItsEndsApart(t *testing.T) {
	for name, m := range map[string][2][3]float64{
		"protanopia":   {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}},
		"deuteranopia": {{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}},
	} {
		seen := func(c Color) [3]float64 {
			l := linear(c)
			out := l
			for i, row := range m {
				out[i] = row[0]*l[0] + row[1]*l[1]
			}
			return out
		}
		for _, f := range []float64{0.1, 0.2, 0.3, 0.4} {
			a, b := seen(BlueWhiteOrange.at(0.5-f)), seen(BlueWhiteOrange.at(0.5+f))
			// Blue light over the rest is what is left of hue.
			blue := func(v [3]float64) float64 { return (v[2] + 0.01) / (v[0] + 0.01) }
			if blue(a) < 1.15*blue(b) {
				t.Errorf("%s: at ±%v the arms look alike: %.2f and %.2f", name, f, a, b)
			}
		}
	}
}

func TestAScaleFitsAllThatShareIt(t *testing.T) {
	s := &ColorScale{Mid: 1}
	got := fitTint(s, [][]float64{{3, math.NaN(), 7}, {math.Inf(1), -5}})
	if got.lo != -5 || got.hi != 7 || got.of(-5) != 0 || got.of(1) != 0.5 || got.of(7) != 1 || got.of(4) != 0.75 || got.of(99) != 1 || got.index(math.NaN()) != -1 {
		t.Errorf("%v to %v; middle at %v, 4 at %v", got.lo, got.hi, got.of(1), got.of(4))
	}
	root := fitTint(&ColorScale{Palette: Cividis, Root: true}, [][]float64{{0, 16}})
	if root.of(0) != 0 || root.of(1) != 0.25 || root.of(4) != 0.5 || root.of(16) != 1 {
		t.Errorf("roots: 1 at %v, 4 at %v", root.of(1), root.of(4))
	}
	for name, s := range map[string]*ColorScale{"fitted": {}, "mid": {Mid: 50}, "low mid": {Mid: -50, Root: true}, "root": {Root: true, Mid: 2}, "plain": {Palette: Cividis}} {
		f := fitTint(s, [][]float64{{-3, 8}})
		last := -1.0
		for v := -60.0; v <= 60; v += 0.5 {
			at := f.of(v)
			if !(at >= last && at <= 1) {
				t.Errorf("%s: %v at %v after %v", name, v, at, last)
			}
			last = at
		}
	}
	for name, values := range map[string][]float64{"nothing": {math.NaN()}, "one value": {2, 2}, "zero": {0}} {
		if f := fitTint(&ColorScale{}, [][]float64{values}); !(f.hi > f.lo) || math.IsNaN(f.of(2)) {
			t.Errorf("%s: %v to %v", name, f.lo, f.hi)
		}
	}
}

func TestBarsAreShared(t *testing.T) {
	count := func(f *Figure) (own int, shared bool) {
		l, err := newLayout(f)
		if err != nil {
			t.Fatal(err)
		}
		l.each(func(p *panel) {
			if p.bar != nil {
				own++
			}
		})
		return own, l.bar != nil
	}
	if own, shared := count(markSamples()["shared"]); own != 0 || !shared {
		t.Errorf("one scale: %d bars at panels, for all: %v", own, shared)
	}
	if own, shared := count(markSamples()["cells"]); own != 2 || shared {
		t.Errorf("two scales: %d bars at panels, for all: %v", own, shared)
	}
	l, err := newLayout(markSamples()["shared"])
	if err != nil {
		t.Fatal(err)
	}
	if a, b := l.grid[0][0].tint, l.grid[0][1].tint; a != b || a.hi != 12.5 {
		t.Errorf("tints %p and %p, up to %v", a, b, a.hi)
	}
}

func TestBarTicks(t *testing.T) {
	for _, c := range []struct {
		s      ColorScale
		values []float64
		want   []string
	}{
		{ColorScale{Ticks: []float64{0, 0.25, 12.5, 99}, Root: true, Mid: 0.5}, []float64{0, 12.5}, []string{"0", "0.25", "12.5"}},
		{ColorScale{}, []float64{-2, 2}, []string{"−2", "−1", "0", "1", "2"}},
		{ColorScale{Root: true, Palette: Cividis}, []float64{0, 1e-9}, []string{"0", "1×10⁻⁹"}},
	} {
		b := newBar(fitTint(&c.s, [][]float64{c.values}), 200)
		var labels []string
		for i, k := range b.ticks {
			labels = append(labels, k.label)
			for _, o := range b.ticks[:i] {
				if math.Abs(o.at-k.at)*200 < float64(tickSize) {
					t.Errorf("%q and %q are too near", o.label, k.label)
				}
			}
		}
		for _, w := range c.want {
			if !slices.Contains(labels, w) {
				t.Errorf("ticks %q, want %q among them", labels, w)
			}
		}
	}
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", -3: "−3", 12.5: "12.5", 2e-4: "2×10⁻⁴", 1500: "1,500", 2.5e7: "2.5×10⁷"} {
		if got := shortNumber(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

// panelOf lays a figure of one panel out.
func panelOf(t *testing.T, a Axes) *panel {
	t.Helper()
	l, err := newLayout(&Figure{Panels: [][]Axes{{a}}, Aspect: 1, Width: 300})
	if err != nil {
		t.Fatal(err)
	}
	return l.grid[0][0]
}

func TestHeatMapShowsItsValues(t *testing.T) {
	g := gridOf(9, func(x, y float64) float64 { return 3*x - y })
	g.Z[4*9+4] = math.NaN()
	for _, cells := range []bool{false, true} {
		h := &HeatMap{Grid: g, Cells: cells, Scale: &ColorScale{Palette: Cividis}}
		p := panelOf(t, Axes{Marks: []Mark{h}, XRange: Range{-3, 2}})
		img := h.picture(p)
		at := func(x, y float64) uint8 {
			w, ht := float64(img.Rect.Dx()), float64(img.Rect.Dy())
			return img.ColorIndexAt(int(p.x.of(x)*w), int((1-p.y.of(y))*ht))
		}
		for _, pt := range [][2]float64{{-1.99, -1.9}, {1, 1.45}, {-0.98, 1.02}, {1.5, -0.5}, {-1.3, 0.2}} {
			want := 3*pt[0] - pt[1]
			if cells {
				want = 3*math.Round(2*pt[0])/2 - math.Round(2*pt[1])/2
			}
			// A pixel is 0.008 wide here: 0.03 of 16.
			if got := at(pt[0], pt[1]); math.Abs(float64(got)-p.tint.of(want)*lastTint) > 1.5 {
				t.Errorf("cells %v: colour %d at %v, want that of %v, %v", cells, got, pt, want, p.tint.of(want)*lastTint)
			}
		}
		if got := at(0.01, 0.01); got != noValue {
			t.Errorf("cells %v: colour %d where there is no value", cells, got)
		}
		if got := at(-2.7, 0); got != transparent {
			t.Errorf("cells %v: colour %d outside of the grid", cells, got)
		}
	}
}

// Between the cells of a smooth function no pixel stands out, in PNG.
func TestHeatMapHasNoSeams(t *testing.T) {
	f := &Figure{Width: 300, Aspect: 1, Panels: [][]Axes{{{Marks: []Mark{&HeatMap{Grid: gridOf(21, func(x, y float64) float64 { return x + y })}}}}}}
	l, err := newLayout(f)
	if err != nil {
		t.Fatal(err)
	}
	area := l.grid[0][0].area
	img, err := png.Decode(bytes.NewReader(encoded(t, f, PNG)))
	if err != nil {
		t.Fatal(err)
	}
	px := func(v vg.Length) int { return int(float64(v) * pixels) }
	inner := image.Rect(px(area.Min.X)+4, px(l.height-area.Max.Y)+4, px(area.Max.X)-4, px(l.height-area.Min.Y)-4)
	worst := 0
	for y := inner.Min.Y; y < inner.Max.Y; y++ {
		for x := inner.Min.X; x < inner.Max.X; x++ {
			a, b, c, _ := img.At(x, y).RGBA()
			for _, o := range []image.Point{{x + 1, y}, {x, y + 1}} {
				d, e, f, _ := img.At(o.X, o.Y).RGBA()
				for _, v := range [][2]uint32{{a, d}, {b, e}, {c, f}} {
					worst = max(worst, int(math.Abs(float64(v[0]>>8)-float64(v[1]>>8))))
				}
			}
		}
	}
	if worst > 4 { // of 255; a palette of 254 colours over 700 pixels steps by up to 4 in a channel
		t.Errorf("neighbouring pixels differ by up to %d", worst)
	}
}
