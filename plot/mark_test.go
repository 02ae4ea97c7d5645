package plot

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// gridOf samples f at n×n points on [−2, 2]².
func gridOf(n int, f func(x, y float64) float64) Grid {
	var g Grid
	for i := range n {
		g.X = append(g.X, -2+4*float64(i)/float64(n-1))
	}
	g.Y = append([]float64(nil), g.X...)
	for _, y := range g.Y {
		for _, x := range g.X {
			g.Z = append(g.Z, f(x, y))
		}
	}
	return g
}

// arrowsOf samples the negative gradient of f in n×n cells.
func arrowsOf(n int, f func(x, y float64) float64) Arrows {
	a := Arrows{Exponent: 1. / 3, Color: Yellow, Casing: textTint.alpha(0.7)}
	for i := range n * n {
		x, y := -2+4*(float64(i%n)+0.5)/float64(n), -2+4*(float64(i/n)+0.5)/float64(n)
		const h = 1e-5
		a.X, a.Y = append(a.X, x), append(a.Y, y)
		a.DX, a.DY = append(a.DX, -(f(x+h, y)-f(x-h, y))/(2*h)), append(a.DY, -(f(x, y+h)-f(x, y-h))/(2*h))
	}
	return a
}

func bilinearLoss(x, y float64) float64 { return (1 + x*y) * (1 + x*y) / 2 }
func flatter(x, y float64) float64      { return bilinearLoss(x, y) / (1 + y*y) }

func path() Trajectory {
	t := Trajectory{Name: "descent", Start: "w⁰", End: "w*"}
	x, y := 0.75, 0.95
	for range 19 {
		t.X, t.Y = append(t.X, x), append(t.Y, y)
		r := -1 - x*y
		x, y = x+0.2*r*y, y+0.2*r*x
	}
	return t
}

func landscape(f func(x, y float64) float64, s *ColorScale) Axes {
	g := gridOf(81, f)
	arrows, t := arrowsOf(15, f), path()
	return Axes{Title: "ℒ(w₁, w₂) and −∇ℒ", X: "w₁", Y: "w₂", Marks: []Mark{
		&HeatMap{Name: "ℒ", Grid: g, Scale: s}, &Contours{Grid: g, Levels: []float64{0.02, 0.1, 0.25, 0.5, 1, 2, 4, 8}}, &arrows, &t}}
}

func markSamples() map[string]*Figure {
	levels := []float64{0, 0.1, 0.25, 0.5, 1, 2, 4, 8, 12}
	scale := &ColorScale{Label: "ℒ", Mid: 0.5, Root: true, Ticks: levels}
	safe := &ColorScale{Label: "ℒ", Palette: Cividis, Root: true}
	both := &ColorScale{Label: "loss and energy", Mid: 0.5, Root: true}
	one, two, three := landscape(bilinearLoss, scale), landscape(bilinearLoss, both), landscape(flatter, both)
	dark := landscape(bilinearLoss, safe)
	t := path()
	space := Axes{Title: "ℒ", X: "w₁", Y: "w₂", Surface: &Surface{Grid: gridOf(101, bilinearLoss), Scale: &ColorScale{Label: "ℒ", Mid: 0.5, Root: true, Range: Range{0, 3}},
		Label: "ℒ", ZRange: Range{0, 3}, Levels: []float64{0.1, 0.25, 0.5, 1, 2}, Paths: []Trajectory{t}}}
	signs := gridOf(21, func(x, y float64) float64 {
		if math.Abs(x) < 0.3 && math.Abs(y) < 0.3 {
			return math.NaN()
		}
		return x * y
	})
	cells := Axes{Title: "who is first", X: "w₁", Y: "w₂", Marks: []Mark{&HeatMap{Grid: signs, Cells: true, Scale: &ColorScale{Label: "log₂ of the ratio", Palette: BlueWhiteOrange}}}}
	return map[string]*Figure{
		"landscape": {Title: "A landscape with ∇ and F*", Aspect: 1, Panels: [][]Axes{{one}}},
		"safe":      {Aspect: 1, Panels: [][]Axes{{dark}}},
		"shared":    {Aspect: 1, Panels: [][]Axes{{two, three}, {three, two}}},
		"surface":   {Panels: [][]Axes{{space}}, Aspect: 0.8},
		"cells":     {Aspect: 1, Panels: [][]Axes{{cells, one}}},
	}
}

// Look at them with: go test ./plot -run MarkSamples -samples DIR
func TestMarkSamples(t *testing.T) {
	for name, f := range markSamples() {
		_, err := f.Save(func(name string, data []byte) error {
			if len(data) < 1000 || len(data) > 1_500_000 {
				t.Errorf("%s has %d bytes", name, len(data))
			}
			if *samplesDir == "" {
				return nil
			}
			return os.WriteFile(filepath.Join(*samplesDir, name), data, 0o666)
		}, name, SVG, PDF, PNG)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEqualMarksGiveEqualBytes(t *testing.T) {
	for name, f := range markSamples() {
		f.Width = 300
		for _, format := range []Format{SVG, PDF, PNG} {
			var got [2][]byte
			var wg sync.WaitGroup
			for k := range got {
				wg.Go(func() {
					var b bytes.Buffer
					if err := f.Encode(&b, format); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					got[k] = b.Bytes()
				})
			}
			wg.Wait()
			if !bytes.Equal(got[0], got[1]) {
				t.Errorf("%s.%s differs from itself", name, format)
			}
		}
	}
}

func TestMarksInSVG(t *testing.T) {
	for name, want := range map[string]int{"landscape": 2, "shared": 5, "surface": 2, "cells": 4} { // pictures: heat maps and bars
		svg := encoded(t, markSamples()[name], SVG)
		texts := svgTexts(t, svg)
		for _, s := range []string{"w₁", "w₂", "ℒ"} {
			if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, s) }) && name != "shared" {
				t.Errorf("%s: no text with %s", name, s)
			}
		}
		if n := bytes.Count(svg, []byte("<image ")); n != want {
			t.Errorf("%s: %d pictures, want %d", name, n, want)
		}
		if n := bytes.Count(svg, []byte(`preserveAspectRatio="none" xlink:href="data:image/png;base64,`)); n != want {
			t.Errorf("%s: %d pictures are PNG and fill their place, want %d", name, n, want)
		}
	}
}

// drawn returns the texts of a figure, which must lie inside and apart.
func drawn(t *testing.T, name string, f *Figure) []textBox {
	t.Helper()
	l, err := newLayout(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p := &probe{at: []affine{{a: 1, d: 1}}}
	l.draw(draw.NewCanvas(p, l.width, l.height))
	for i, b := range p.texts {
		if b.Min.X < -0.5 || b.Min.Y < 0 || b.Max.X > l.width+0.5 || b.Max.Y > l.height {
			t.Errorf("%s: %q at %v leaves the figure of %v×%v", name, b.text, b.Rectangle, l.width, l.height)
		}
		for _, o := range p.texts[:i] {
			if b.Min.X < o.Max.X-0.5 && o.Min.X < b.Max.X-0.5 && b.Min.Y < o.Max.Y-0.5 && o.Min.Y < b.Max.Y-0.5 {
				t.Errorf("%s: %q at %v overlaps %q at %v", name, b.text, b.Rectangle, o.text, o.Rectangle)
			}
		}
	}
	return p.texts
}

func TestTextOfMarksIsReadable(t *testing.T) {
	for name, f := range markSamples() {
		drawn(t, name, f)
		f.Width = 420
		drawn(t, name+", narrow", f)
	}
	surface := markSamples()["surface"]
	surface.Width = 300
	for azimuth := 20.0; azimuth < 360; azimuth += 29 {
		for _, elevation := range []float64{20, 60} {
			s := surface.Panels[0][0].Surface
			s.Azimuth, s.Elevation = azimuth, elevation
			if n := len(drawn(t, "surface", surface)); n < 15 {
				t.Errorf("azimuth %v, elevation %v: only %d texts", azimuth, elevation, n)
			}
		}
	}
}

func TestMarksReportTheirFaults(t *testing.T) {
	grid := gridOf(3, bilinearLoss)
	short := grid
	short.Z = short.Z[:8]
	back := grid
	back.X = []float64{0, 2, 1}
	nan := math.NaN()
	for _, c := range []struct {
		axes Axes
		want string
	}{
		{Axes{Marks: []Mark{&HeatMap{Grid: short}}}, "mark 1: 8 values for a grid of 3 by 3"},
		{Axes{Marks: []Mark{&Contours{Grid: back}}}, "X: value 3 is 1; ascending"},
		{Axes{Marks: []Mark{&Contours{Grid: grid, Levels: []float64{nan}}}}, "Levels: NaN"},
		{Axes{Marks: []Mark{&Contours{Grid: grid, Width: -1}}}, "Width: -1"},
		{Axes{Marks: []Mark{&HeatMap{Grid: Grid{X: []float64{1}, Y: []float64{1, 2}, Z: []float64{1, 2}}}}}, "X: 1 values; 2 or more"},
		{Axes{Marks: []Mark{&HeatMap{Grid: grid}, &HeatMap{Grid: grid}}}, "2 heat maps"},
		{Axes{Marks: []Mark{&HeatMap{Grid: grid, Scale: &ColorScale{Range: Range{2, 1}}}}}, "Range: 2 to 1"},
		{Axes{Marks: []Mark{&HeatMap{Grid: grid, Scale: &ColorScale{Palette: Palette{Colors: []Color{Blue}}}}}}, "Palette: 1 colours"},
		{Axes{Marks: []Mark{&HeatMap{Grid: grid, Scale: &ColorScale{Mid: nan}}}}, "Mid: NaN"},
		{Axes{Marks: []Mark{&Arrows{X: []float64{1}}}}, "1 values of X, 0 of Y"},
		{Axes{Marks: []Mark{&Arrows{Full: -1}}}, "Full: -1"}, {Axes{Marks: []Mark{&Arrows{Exponent: nan}}}, "Exponent: NaN"},
		{Axes{Marks: []Mark{&Trajectory{X: []float64{1}}}}, "1 values of X and 0 of Y"}, {Axes{Marks: []Mark{&Trajectory{Width: 99}}}, "Width: 99"},
		{Axes{Surface: &Surface{Grid: short}}, "surface: 8 values"}, {Axes{Surface: &Surface{Grid: grid, Elevation: 91}}, "Elevation: 91"},
		{Axes{Surface: &Surface{Grid: grid, Azimuth: nan}}, "Azimuth: NaN"}, {Axes{Surface: &Surface{Grid: grid, ZRange: Range{1, 0}}}, "ZRange: 1 to 0"},
		{Axes{Surface: &Surface{Grid: grid, Paths: []Trajectory{{X: []float64{1}}}}}, "path 1: 1 values of X"},
	} {
		f := &Figure{Panels: [][]Axes{{c.axes}}}
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if err := (&Figure{Panels: [][]Axes{{{}}}, Aspect: -1}).Validate(); err == nil || !strings.Contains(err.Error(), "Aspect: -1") {
		t.Errorf("aspect: %v", err)
	}
}

func TestCSVOfMarks(t *testing.T) {
	f := &Figure{Panels: [][]Axes{{{Title: "p", Lines: []Line{{Name: "l", X: []float64{7}, Y: []float64{8}}}, Marks: []Mark{
		&HeatMap{Name: "F", Grid: Grid{X: []float64{0, 1}, Y: []float64{2, 3}, Z: []float64{4, 5, 6, math.NaN()}}},
		&Contours{Grid: gridOf(3, flatter), Levels: []float64{0.5}}, &Arrows{X: []float64{1}, Y: []float64{2}, DX: []float64{3}, DY: []float64{-4}}, &Trajectory{Name: "t", X: []float64{9}, Y: []float64{10}},
	}}}}}
	var b strings.Builder
	if err := f.CSV(&b); err != nil {
		t.Fatal(err)
	}
	want := `panel,line,x,y,low,high,value,dx,dy
p,l,7,8,,,,,
p,F,0,2,,,4,,
p,F,1,2,,,5,,
p,F,0,3,,,6,,
p,F,1,3,,,,,
p,mark 2,,,,,0.5,,
p,mark 3,1,2,,,,3,-4
p,t,9,10,,,,,
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// shapes is a probe that also remembers what is filled.
type shapes struct {
	probe
	filled [][]vg.Point
}

func (s *shapes) Fill(p vg.Path) { s.filled = append(s.filled, s.points(p)) }

func (s *shapes) points(p vg.Path) []vg.Point {
	var out []vg.Point
	for _, c := range p {
		if c.Type == vg.MoveComp || c.Type == vg.LineComp {
			out = append(out, c.Pos)
		}
	}
	return out
}

func TestArrowsPointAndMeasure(t *testing.T) {
	a := &Arrows{X: []float64{0, 1, 2, 3}, Y: []float64{0, 0, 0, 0}, DX: []float64{8, 0, -1e-9, math.NaN()}, DY: []float64{0, -1, 0, 1}, Exponent: 1. / 3}
	p := newPanel(&Axes{Marks: []Mark{a}, XRange: Range{-1, 4}, YRange: Range{-1, 1}}, nil)
	p.area = vg.Rectangle{Max: vg.Point{X: 200, Y: 200}}
	s := &shapes{probe: probe{at: []affine{{a: 1, d: 1}}}}
	a.draw(draw.NewCanvas(s, 200, 200), p)
	if len(s.filled) != 2 {
		t.Fatalf("%d arrows, want those of the first two: the others are too short or no numbers", len(s.filled))
	}
	full := vg.Length(0.92 * 100) // √(200·200/4) between arrows
	for i, want := range []struct {
		mid, tip vg.Point
	}{{vg.Point{X: 40, Y: 100}, vg.Point{X: full / 2}}, {vg.Point{X: 80, Y: 100}, vg.Point{Y: -full / 2 / 2}}} { // ∛(1/8) = ½
		var tip vg.Point
		for _, pt := range s.filled[i] {
			if d := pt.Sub(want.mid); d.Dot(want.tip) > tip.Dot(want.tip) {
				tip = d
			}
		}
		if d := tip.Sub(want.tip); math.Abs(float64(d.X))+math.Abs(float64(d.Y)) > 1e-9 {
			t.Errorf("arrow %d: tip %v from its middle, want %v", i+1, tip, want.tip)
		}
	}
}

func TestTrajectoriesStayInTheirPanel(t *testing.T) {
	tr := &Trajectory{X: []float64{0, 1, 5, 1}, Y: []float64{0, 1, 5, -9}, Start: "start", End: "end"}
	f := &Figure{Panels: [][]Axes{{{XRange: Range{-2, 2}, YRange: Range{-2, 2}, Marks: []Mark{&HeatMap{Grid: gridOf(5, bilinearLoss)}, tr}}}}}
	l, err := newLayout(f)
	if err != nil {
		t.Fatal(err)
	}
	p := l.grid[0][0]
	for _, run := range tr.paths(p) {
		for _, pt := range run {
			if pt.X < p.area.Min.X-1e-6 || pt.X > p.area.Max.X+1e-6 || pt.Y < p.area.Min.Y-1e-6 || pt.Y > p.area.Max.Y+1e-6 {
				t.Errorf("%v is outside of %v", pt, p.area)
			}
		}
	}
	texts := drawn(t, "leaving", f)
	has := func(s string) bool { return slices.ContainsFunc(texts, func(b textBox) bool { return b.text == s }) }
	if !has("start") || has("end") { // the end is outside
		t.Error("want a label at the start, and none at an end that is not there")
	}
}
