package plot

import (
	"bytes"
	"compress/zlib"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var samplesDir = flag.String("samples", "", "write the sample figures to this folder")

// decay is a noisy learning curve.
func decay(seed uint64, n int, floor, rate, noise float64) (x, y []float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		x = append(x, float64(i))
		y = append(y, (floor+(0.11-floor)*math.Exp(-rate*float64(i)/float64(n)))*math.Exp(noise*r.NormFloat64()))
	}
	return x, y
}

func threePanels(smooth int) *Figure {
	f := &Figure{Panels: [][]Axes{nil}}
	for k, act := range []string{"linear", "tanh", "ReLU"} {
		a := Axes{Title: act, X: "batch", Y: "training loss ℒ", LogY: true}
		for j, rule := range []string{"BP", "PC, equilibrium", "PC, 10 passes"} {
			x, y := decay(uint64(10*k+j), 2000, 0.004*float64((j+1)*(k+1)), 6+3*float64(j), 0.12)
			a.Lines = append(a.Lines, Line{Name: rule, X: x, Y: y, Smooth: smooth})
		}
		f.Panels[0] = append(f.Panels[0], a)
	}
	return f
}

func bands() *Figure {
	lines := []Line{{Name: "Heun, errors ε", Dots: true}, {Name: "Euler, activities z", Dots: true, Dash: true}}
	for d := 1.0; d <= 128; d *= 2 {
		for i := range lines {
			l, y := &lines[i], 3*math.Pow(d, 0.6+0.5*float64(i))
			l.X, l.Y, l.Low, l.High = append(l.X, d), append(l.Y, y), append(l.Low, y/1.4), append(l.High, y*1.5)
		}
	}
	return &Figure{Panels: [][]Axes{{{
		Title: "Passes to 1 % of F*(θ): w₁ ≈ 10⁻², Δα − ∇𝓛", X: "depth L", Y: "passes until F − F* ≤ 10⁻² F*", LogX: true, LogY: true,
		Lines: lines, HLines: []HLine{{Y: 200, Label: "budget of 200 passes"}},
	}}}}
}

func samples() map[string]*Figure {
	mixed := threePanels(0)
	mixed.Panels[0][1].Lines, mixed.Panels[0][1].LogY = mixed.Panels[0][1].Lines[:2], false
	mixed.Panels[0][2].Lines[0].Name = "another"
	mixed.Panels[0][2].HLines = []HLine{{Y: 0.05, Label: "ℒ = 0.05"}}
	empty := Axes{Title: "empty", X: "x", Lines: []Line{{Name: "NaN", X: []float64{1}, Y: []float64{math.NaN()}}}}
	return map[string]*Figure{
		"three-panels": threePanels(51),
		"dense":        threePanels(0),
		"bands":        bands(),
		"mixed":        mixed,
		"grid":         {Title: "A grid of panels: ∇ℒ against F*", Panels: [][]Axes{threePanels(51).Panels[0][:2], {bands().Panels[0][0], empty}}},
	}
}

// Encode them all, look at them with: go test ./plot -run Samples -samples DIR
func TestSamples(t *testing.T) {
	for name, f := range samples() {
		names, err := f.Save(func(name string, data []byte) error {
			if len(data) < 1000 || len(data) > 500_000 {
				t.Errorf("%s has %d bytes", name, len(data))
			}
			if *samplesDir == "" {
				return nil
			}
			return os.WriteFile(filepath.Join(*samplesDir, name), data, 0o666)
		}, name, SVG, PDF, PNG)
		if want := []string{name + ".svg", name + ".pdf", name + ".png"}; err != nil || !slices.Equal(names, want) {
			t.Errorf("wrote %v, %v; want %v", names, err, want)
		}
	}
}

func encoded(t testing.TB, f *Figure, format Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Encode(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEqualFiguresGiveEqualBytes(t *testing.T) {
	x, y := decay(1, 300, 0.01, 5, 0.1)
	f := &Figure{Title: "ℒ", Width: 300, Panels: [][]Axes{{bands().Panels[0][0], {Lines: []Line{{Name: "a", X: x, Y: y, Smooth: 9}}}}}}
	for _, format := range []Format{SVG, PDF, PNG} {
		first := encoded(t, f, format)
		var wg sync.WaitGroup // at once: nothing may be shared
		for range 3 {
			wg.Go(func() {
				var b bytes.Buffer
				if err := f.Encode(&b, format); err != nil || !bytes.Equal(b.Bytes(), first) {
					t.Errorf("%s: another %d bytes, %v", format, b.Len(), err)
				}
			})
		}
		wg.Wait()
	}
}

// svgTexts parses an SVG as strict XML and returns its texts.
func svgTexts(t testing.TB, svg []byte) []string {
	t.Helper()
	var texts []string
	d := xml.NewDecoder(bytes.NewReader(svg))
	inText := false
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			inText = tok.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				texts = append(texts, string(tok))
			}
		}
	}
}

func TestSVGHasTheTextAndTheFonts(t *testing.T) {
	f := bands()
	f.Panels[0][0].X = "<b> & \"quotes\" 'here'\x00\x1b"
	svg := encoded(t, f, SVG)
	texts := svgTexts(t, svg)
	for _, want := range []string{"Passes to 1 % of F*(θ): w₁ ≈ 10⁻², Δα − ∇ℒ", "1,000", "100", "10", "budget of 200 passes", "Heun, errors ε", "<b> & \"quotes\" 'here'"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no text %q among %q", want, texts)
		}
	}
	if n, all := bytes.Count(svg, []byte("font-family:'DejaVu Sans',Verdana,")), bytes.Count(svg, []byte("<text")); n != all {
		t.Errorf("%d of %d texts name other fonts", n, all)
	}
	if !bytes.Contains(svg, []byte(`viewBox="0 0 525 `)) {
		t.Error("the default width is not 525")
	}
}

func TestPDFHasTheTextAsUnicode(t *testing.T) {
	b := encoded(t, bands(), PDF)
	if !bytes.HasPrefix(b, []byte("%PDF-")) || !bytes.Contains(b, []byte("/ToUnicode")) || !bytes.Contains(b, []byte("/FontFile2")) {
		t.Error("no PDF with an embedded font and its Unicode values")
	}
	var streams bytes.Buffer
	for rest := b; ; {
		_, after, ok := bytes.Cut(rest, []byte("stream\n"))
		if !ok {
			break
		}
		if z, err := zlib.NewReader(bytes.NewReader(after)); err == nil {
			io.Copy(&streams, z) // what follows the stream ends it
		}
		_, rest, _ = bytes.Cut(after, []byte("endstream"))
	}
	for _, want := range []string{"Δα − ∇ℒ", "10⁻²", "w₁"} {
		var be []byte
		for _, u := range utf16.Encode([]rune(want)) {
			be = append(be, byte(u>>8), byte(u))
		}
		if !bytes.Contains(streams.Bytes(), be) {
			t.Errorf("%q is not in the PDF", want)
		}
	}
	if bytes.Contains(b, []byte("/CreationDate (D:2")) {
		t.Error("the PDF has the time of day")
	}
}

func TestPNGHasTwoPixelsForOneOfTheScreen(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(encoded(t, threePanels(0), PNG)))
	if err != nil {
		t.Fatal(err)
	}
	if w := img.Bounds().Dx(); w != 1400 {
		t.Errorf("%d pixels wide, want 1400", w)
	}
	has := map[color.NRGBA]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			has[color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)] = true
		}
	}
	for _, c := range []Color{white, Blue, Vermillion, Green} {
		if !has[c.nrgba()] {
			t.Errorf("no pixel of colour %08X", uint32(c))
		}
	}
	if c := img.At(0, 0); color.NRGBAModel.Convert(c) != white.nrgba() {
		t.Errorf("the corner is %v", c)
	}
}

func TestValidateReportsAllFaults(t *testing.T) {
	bad := &Figure{Width: math.NaN(), Height: -1, Panels: [][]Axes{{}, {{}, {
		XRange: Range{2, 1}, YRange: Range{-1, 1}, LogY: true,
		Lines: []Line{{Name: "a", X: []float64{1}}, {Name: "b", Low: []float64{1}}, {Name: "c", Width: 21, Smooth: -1}},
	}}}}
	err := bad.Validate()
	for _, want := range []string{
		"plot: Width: NaN points", "plot: Height: -1 points; 0 (chosen) to 5000 are accepted",
		`plot: panel 2,2: line 1 "a": 1 values of X and 0 of Y`, `line 2 "b": 1 values of Low and 0 of High for 0 of Y`, `line 3 "c": field Width: 21 points`, `line 3 "c": field Smooth: -1`,
		"panel 2,2: XRange: 2 to 1; a Max above Min", "panel 2,2: YRange: -1 to 1 on a logarithmic axis",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	for _, c := range []struct {
		f    *Figure
		want string
	}{
		{&Figure{}, "Panels: there are none"},
		{&Figure{Width: 100, Panels: [][]Axes{make([]Axes, 3)}}, "Width: 100 points leave no room for 3 columns of panels; "},
		{&Figure{Height: 30, Panels: make3(2)}, "Height: 30 points leave no room for 2 rows of panels; 0 (chosen), or "},
		{&Figure{Panels: make3(200)}, "Panels: 200 rows are"},
		{&Figure{Panels: [][]Axes{{{XRange: Range{1, 1 + 1e-12}}}}}, "XRange: 1 to 1.000000000001"},
		{&Figure{Panels: [][]Axes{{{XRange: Range{math.Inf(-1), 0}}}}}, "XRange: -Inf to 0"},
	} {
		if err := c.f.Encode(io.Discard, SVG); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if err := bands().Encode(io.Discard, "gif"); err == nil || !strings.Contains(err.Error(), `"gif" is unknown; svg, pdf and png`) {
		t.Errorf("error %v", err)
	}
}

func make3(rows int) [][]Axes {
	g := make([][]Axes, rows)
	for i := range g {
		g[i] = make([]Axes, 1)
	}
	return g
}

func TestErrorsOfTheWriterArePassedOn(t *testing.T) {
	full := errors.New("disk full")
	names, err := bands().Save(func(name string, data []byte) error {
		if strings.HasSuffix(name, ".png") {
			return full
		}
		return nil
	}, "figures/x", SVG, PNG, PDF)
	if !errors.Is(err, full) || !slices.Equal(names, []string{"figures/x.svg"}) {
		t.Errorf("wrote %v, %v", names, err)
	}
	r, w := io.Pipe()
	r.CloseWithError(full)
	if err := bands().Encode(w, SVG); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	if err := bands().CSV(w); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// probe is a canvas that only remembers where text goes.
type probe struct {
	at    []affine
	texts []textBox
}

type affine struct{ a, b, c, d, x, y float64 } // (X, Y) ↦ (aX + cY + x, bX + dY + y)

type textBox struct {
	text string
	vg.Rectangle
}

func (p *probe) top() *affine { return &p.at[len(p.at)-1] }
func (p *probe) mul(n affine) {
	m := *p.top()
	*p.top() = affine{m.a*n.a + m.c*n.b, m.b*n.a + m.d*n.b, m.a*n.c + m.c*n.d, m.b*n.c + m.d*n.d, m.a*n.x + m.c*n.y + m.x, m.b*n.x + m.d*n.y + m.y}
}
func (p *probe) SetLineWidth(vg.Length)              {}
func (p *probe) SetLineDash([]vg.Length, vg.Length)  {}
func (p *probe) SetColor(color.Color)                {}
func (p *probe) Rotate(r float64)                    { s, c := math.Sincos(r); p.mul(affine{a: c, b: s, c: -s, d: c}) }
func (p *probe) Translate(pt vg.Point)               { p.mul(affine{1, 0, 0, 1, float64(pt.X), float64(pt.Y)}) }
func (p *probe) Scale(x, y float64)                  { p.mul(affine{a: x, d: y}) }
func (p *probe) Push()                               { p.at = append(p.at, *p.top()) }
func (p *probe) Pop()                                { p.at = p.at[:len(p.at)-1] }
func (p *probe) Stroke(vg.Path)                      {}
func (p *probe) Fill(vg.Path)                        {}
func (p *probe) DrawImage(vg.Rectangle, image.Image) {}
func (p *probe) FillString(f font.Face, pt vg.Point, s string) {
	m, size := p.top(), float64(f.Font.Size)
	w := float64(f.Width(s))
	box := textBox{s, vg.Rectangle{Min: vg.Point{X: 1e9, Y: 1e9}, Max: vg.Point{X: -1e9, Y: -1e9}}}
	for _, x := range []float64{float64(pt.X), float64(pt.X) + w} {
		for _, y := range []float64{float64(pt.Y), float64(pt.Y) + capHeight*size} {
			to := vg.Point{X: vg.Length(m.a*x + m.c*y + m.x), Y: vg.Length(m.b*x + m.d*y + m.y)}
			box.Min = vg.Point{X: min(box.Min.X, to.X), Y: min(box.Min.Y, to.Y)}
			box.Max = vg.Point{X: max(box.Max.X, to.X), Y: max(box.Max.Y, to.Y)}
		}
	}
	p.texts = append(p.texts, box)
}

// randomFigure has all that may go wrong with a layout: long and missing texts, wild ranges, many lines.
func randomFigure(r *rand.Rand) *Figure {
	words := []string{"", "", "loss", "energy F* at equilibrium", "passes", "∇ℒ", "a title that goes on for longer than any panel of three is wide", "ρ = ‖∂F/∂z‖"}
	word := func() string { return words[r.IntN(len(words))] }
	f := &Figure{Title: word()}
	cols := 1 + r.IntN(3)
	for range 1 + r.IntN(2) {
		var row []Axes
		for range 1 + r.IntN(cols) {
			a := Axes{Title: word(), X: word(), Y: word(), LogX: r.IntN(3) == 0, LogY: r.IntN(2) == 0}
			scale, shift := math.Pow(10, 14*r.Float64()-7), 0.0
			if r.IntN(3) == 0 {
				shift = scale * (r.Float64() - 0.5) * 1000
			}
			for k := range r.IntN(5) {
				l := Line{Name: strings.Repeat("name ", r.IntN(4)) + string(rune('a'+k)), Dots: r.IntN(3) == 0, Dash: r.IntN(3) == 0, Smooth: r.IntN(9)}
				n, level := 1+r.IntN(300), r.Float64()
				for i := range n {
					l.X = append(l.X, float64(i)*math.Pow(10, float64(len(f.Panels))))
					l.Y = append(l.Y, shift+scale*(level+0.1*r.NormFloat64()+math.Exp(-float64(i)/30)))
				}
				if r.IntN(3) == 0 {
					for _, y := range l.Y {
						l.Low, l.High = append(l.Low, y-scale/20), append(l.High, y+scale/20)
					}
				}
				a.Lines = append(a.Lines, l)
			}
			if r.IntN(2) == 0 {
				a.HLines = []HLine{{Y: shift + scale*r.Float64(), Label: "reference"}}
			}
			row = append(row, a)
		}
		f.Panels = append(f.Panels, row)
	}
	return f
}

func TestNoTextIsClippedOrOverlaps(t *testing.T) {
	for seed := range uint64(80) {
		f := randomFigure(rand.New(rand.NewPCG(seed, 3)))
		l, err := newLayout(f)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		p := &probe{at: []affine{{a: 1, d: 1}}}
		l.draw(draw.NewCanvas(p, l.width, l.height))
		for i, b := range p.texts {
			if b.Min.X < -0.5 || b.Min.Y < 0 || b.Max.X > l.width+0.5 || b.Max.Y > l.height {
				t.Errorf("seed %d: %q at %v leaves the figure of %v×%v", seed, b.text, b.Rectangle, l.width, l.height)
			}
			for _, o := range p.texts[:i] {
				if b.Min.X < o.Max.X-0.5 && o.Min.X < b.Max.X-0.5 && b.Min.Y < o.Max.Y-0.5 && o.Min.Y < b.Max.Y-0.5 {
					t.Errorf("seed %d: %q at %v overlaps %q at %v", seed, b.text, b.Rectangle, o.text, o.Rectangle)
				}
			}
		}
	}
}

func TestLegendsCoverNoLine(t *testing.T) {
	inside, below := 0, 0
	for seed := range uint64(80) {
		l, err := newLayout(randomFigure(rand.New(rand.NewPCG(seed, 4))))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		l.each(func(p *panel) {
			if !p.inside {
				below += len(p.legend)
				for _, e := range p.legend {
					if !l.isBelow([]entry{e}) {
						t.Errorf("seed %d: %q is in no legend", seed, e.text)
					}
				}
				return
			}
			inside += len(p.legend)
			for _, c := range p.curves {
				for i := range 11 * 11 {
					pt := vg.Point{X: p.box.Min.X + vg.Length(i%11)/10*p.box.Size().X, Y: p.box.Min.Y + vg.Length(i/11)/10*p.box.Size().Y}
					if slices.ContainsFunc(c.band, func(polygon []vg.Point) bool { return contains(polygon, pt) }) {
						t.Fatalf("seed %d: the legend at %v covers a band at %v", seed, p.box, pt)
					}
				}
				for _, s := range slices.Concat(c.strokes, c.trace) {
					for i := 1; i < len(s); i++ {
						for u := 0.0; u <= 1; u += 1.0 / 64 { // dense samples know nothing of how segments are clipped
							pt := s[i-1].Add(s[i].Sub(s[i-1]).Scale(vg.Length(u)))
							if pt.X > p.box.Min.X && pt.X < p.box.Max.X && pt.Y > p.box.Min.Y && pt.Y < p.box.Max.Y {
								t.Fatalf("seed %d: the legend at %v covers a line at %v", seed, p.box, pt)
							}
						}
					}
				}
			}
		})
	}
	if inside < 25 || below < 25 {
		t.Errorf("%d entries inside, %d below: the figures do not try both", inside, below)
	}
}

// contains sums the angles under which pt sees the edges: a full turn from inside, nothing from outside.
func contains(polygon []vg.Point, pt vg.Point) bool {
	turn := 0.0
	for i, a := range polygon {
		a, b := a.Sub(pt), polygon[(i+1)%len(polygon)].Sub(pt)
		turn += math.Atan2(float64(a.X*b.Y-a.Y*b.X), float64(a.Dot(b)))
	}
	return math.Abs(turn) > math.Pi
}

func TestPanelsAreAligned(t *testing.T) {
	l, err := newLayout(samples()["grid"])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		a, b vg.Length
	}{
		{"tops of a row", l.grid[0][0].area.Max.Y, l.grid[0][1].area.Max.Y}, {"bottoms of a row", l.grid[1][0].area.Min.Y, l.grid[1][1].area.Min.Y},
		{"lefts of a column", l.grid[0][0].area.Min.X, l.grid[1][0].area.Min.X}, {"rights of a column", l.grid[0][1].area.Max.X, l.grid[1][1].area.Max.X},
		{"widths", l.grid[0][0].area.Size().X, l.grid[0][1].area.Size().X}, {"heights", l.grid[0][0].area.Size().Y, l.grid[1][1].area.Size().Y},
	} {
		if math.Abs(float64(c.a-c.b)) > 1e-9 { // sums of the same margins in another order
			t.Errorf("%s: %v and %v", c.name, c.a, c.b)
		}
	}
}

func TestOneLegendForEqualPanels(t *testing.T) {
	l, err := newLayout(threePanels(0))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.below) != 1 || len(l.below[0]) != 3 || l.grid[0][0].inside {
		t.Errorf("below: %v", l.below)
	}
}

func TestLinesOfOneNameShareAColour(t *testing.T) {
	x := []float64{1}
	f := &Figure{Panels: [][]Axes{{{Lines: []Line{{Name: "BP", X: x, Y: x}, {Name: "PC", X: x, Y: x}}}}, {{Lines: []Line{{Name: "PC", X: x, Y: x}, {X: x, Y: x, Color: Black}, {Name: "iPC", X: x, Y: x}}}}}}
	got := f.looks()
	want := [][]Color{{Blue, Vermillion}, {Vermillion, Black, Green}}
	for i := range want {
		for j := range want[i] {
			if got[i][j].color != want[i][j] || got[i][j].dash {
				t.Errorf("panel %d line %d: %+v, want colour %08X", i, j, got[i][j], uint32(want[i][j]))
			}
		}
	}
	many := &Figure{Panels: [][]Axes{{{Lines: make([]Line, 15)}}}}
	seen := map[look]bool{}
	for _, l := range many.looks()[0][:14] {
		seen[l] = true
	}
	if len(seen) != 14 {
		t.Errorf("14 lines look in %d ways", len(seen))
	}
}

// Colours that people with a colour blindness tell apart also differ in lightness from white: WCAG asks graphics for a
// contrast of 3; the light ones of Okabe and Ito have 2, so they come late.
func TestFirstColoursStandOut(t *testing.T) {
	linear := func(v uint8) float64 {
		if c := float64(v) / 255; c > 0.04045 {
			return math.Pow((c+0.055)/1.055, 2.4)
		} else {
			return c / 12.92
		}
	}
	for i, c := range palette {
		n := c.nrgba()
		contrast := 1.05 / (0.2126*linear(n.R) + 0.7152*linear(n.G) + 0.0722*linear(n.B) + 0.05)
		if limit := map[bool]float64{true: 3, false: 2}[i < 3]; contrast < limit {
			t.Errorf("colour %d has a contrast of %.2f to white, want %v", i, contrast, limit)
		}
	}
}

func textsOf(t *testing.T, f *Figure) (*layout, []textBox) {
	t.Helper()
	l, err := newLayout(f)
	if err != nil {
		t.Fatal(err)
	}
	p := &probe{at: []affine{{a: 1, d: 1}}}
	l.draw(draw.NewCanvas(p, l.width, l.height))
	return l, p.texts
}

// Texts that stand out of a narrow panel push its neighbours and the edge away.
func TestTextsWiderThanTheirPanel(t *testing.T) {
	x, y := []float64{200_000, 800_000}, []float64{1, 3}
	wide := Axes{Lines: []Line{{X: x, Y: y}}}
	long := strings.Repeat("endless", 30)
	for name, f := range map[string]*Figure{
		"endless":     {Title: long, Panels: [][]Axes{{{Y: long, Lines: []Line{{Name: long, X: x, Y: y}}, HLines: []HLine{{Y: 2, Label: long}}}}}},
		"tick labels": {Width: 200, Panels: [][]Axes{{wide}}},
		"title":       {Width: 200, Panels: [][]Axes{{{Title: "incomprehensibilities"}, {Title: "a"}}}},
		"label":       {Width: 108, Panels: [][]Axes{{{X: "incomprehensibilities"}}}},
	} {
		l, texts := textsOf(t, f)
		for i, b := range texts {
			if b.Min.X < 0 || b.Max.X > l.width || b.Min.Y < 0 || b.Max.Y > l.height {
				t.Errorf("%s: %q at %v leaves the figure of %v", name, b.text, b.Rectangle, l.width)
			}
			for _, o := range texts[:i] {
				if b.Min.X < o.Max.X && o.Min.X < b.Max.X && b.Min.Y < o.Max.Y && o.Min.Y < b.Max.Y {
					t.Errorf("%s: %q overlaps %q", name, b.text, o.text)
				}
			}
		}
	}
}

func TestALegendKeepsOutOfAWideBand(t *testing.T) {
	l, _ := textsOf(t, &Figure{Panels: [][]Axes{{{Lines: []Line{
		{Name: "mean", X: []float64{0, 1, 2, 3}, Y: []float64{5, 5, 5, 5}, Low: []float64{0, 0, 0, 0}, High: []float64{10, 10, 10, 10}},
	}}}}})
	if l.grid[0][0].inside || len(l.below) != 1 {
		t.Errorf("the legend is at %v, inside a band that fills the panel", l.grid[0][0].box)
	}
}

func TestWhatHasNoDataSaysSo(t *testing.T) {
	bad := Line{Name: "diverged", X: []float64{1, 2}, Y: []float64{math.NaN(), 0}}
	good := Line{Name: "fine", X: []float64{1, 2}, Y: []float64{1, 2}}
	for _, c := range []struct {
		a    Axes
		want []string
		not  string
	}{
		{Axes{LogY: true, Lines: []Line{bad, good}}, []string{"diverged (no data)", "fine"}, "no data"},
		{Axes{LogY: true, Lines: []Line{bad}}, []string{"diverged (no data)", "no data"}, "diverged"},
		{Axes{Lines: []Line{bad}}, []string{"diverged"}, "no data"}, // 0 has a place on a linear axis
		{Axes{}, []string{"no data"}, "diverged"},
	} {
		_, boxes := textsOf(t, &Figure{Panels: [][]Axes{{c.a}}})
		var texts []string
		for _, b := range boxes {
			texts = append(texts, b.text)
		}
		for _, w := range c.want {
			if !slices.Contains(texts, w) {
				t.Errorf("no %q among %q", w, texts)
			}
		}
		if slices.Contains(texts, c.not) {
			t.Errorf("%q among %q", c.not, texts)
		}
	}
}
