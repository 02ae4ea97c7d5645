package plot

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// unitPanel shows 0 … 10 (or 1 … 10¹⁰) on 0 … 100 points in x and y.
func unitPanel(logY bool) *panel {
	p := &panel{axes: &Axes{}, x: scale{lo: 0, hi: 10}, y: scale{lo: 0, hi: 10, log: logY}}
	p.area.Max = vg.Point{X: 100, Y: 100}
	return p
}

func pts(xy ...vg.Length) []vg.Point {
	var p []vg.Point
	for i := 0; i < len(xy); i += 2 {
		p = append(p, vg.Point{X: xy[i], Y: xy[i+1]})
	}
	return p
}

func TestGapsAndClipping(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		log  bool
		x, y []float64
		want [][]vg.Point
		dots []vg.Point
	}{
		"plain":           {false, []float64{0, 5, 10}, []float64{0, 10, 5}, [][]vg.Point{pts(0, 0, 50, 100, 100, 50)}, nil},
		"gap":             {false, []float64{0, 1, 2, 3, 4}, []float64{1, 1, nan, 2, 2}, [][]vg.Point{pts(0, 10, 10, 10), pts(30, 20, 40, 20)}, nil},
		"gap in x":        {false, []float64{0, 1, inf, 3, 4}, []float64{1, 1, 1, 2, 2}, [][]vg.Point{pts(0, 10, 10, 10), pts(30, 20, 40, 20)}, nil},
		"lone points":     {false, []float64{0, 1, 2, 3}, []float64{1, nan, 3, -inf}, nil, pts(0, 10, 20, 30)},
		"all NaN":         {false, []float64{0, 1}, []float64{nan, nan}, nil, nil},
		"empty":           {false, nil, nil, nil, nil},
		"not positive":    {true, []float64{0, 1, 2, 3, 4}, []float64{10, 100, 0, 100, 10}, [][]vg.Point{pts(0, 10, 10, 20), pts(30, 20, 40, 10)}, nil},
		"clipped above":   {false, []float64{0, 5, 10}, []float64{5, 15, 5}, [][]vg.Point{pts(0, 50, 25, 100), pts(75, 100, 100, 50)}, nil},
		"far away":        {false, []float64{0, 5, 10}, []float64{5, 1e300, 5}, [][]vg.Point{pts(0, 50, 0, 100), pts(100, 100, 100, 50)}, nil},
		"outside":         {false, []float64{0, 5}, []float64{11, 12}, nil, nil},
		"lone, outside":   {false, []float64{5}, []float64{11}, nil, nil},
		"beyond float32":  {true, []float64{0, 1}, []float64{1e-320, 1e301}, nil, nil},
		"through the top": {true, []float64{0, 10}, []float64{1, 1e20}, [][]vg.Point{pts(0, 0, 50, 100)}, nil},
	} {
		got := unitPanel(c.log).curve(&Line{X: c.x, Y: c.y}, look{})
		if !near(got.strokes, c.want) || !near([][]vg.Point{got.dots}, [][]vg.Point{c.dots}) {
			t.Errorf("%s: strokes %v, dots %v; want %v, %v", name, got.strokes, got.dots, c.want, c.dots)
		}
	}
}

// near allows what moving far values closer shifts at the edge: 50 points in 10⁶.
func near(a, b [][]vg.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
		for j, d := range a[i] {
			if d = d.Sub(b[i][j]); math.Hypot(float64(d.X), float64(d.Y)) > 1e-3 {
				return false
			}
		}
	}
	return true
}

func TestBands(t *testing.T) {
	l := &Line{X: []float64{0, 10}, Y: []float64{100, 100}, Low: []float64{10, 10}, High: []float64{1000, 1e4}}
	if got, want := unitPanel(true).curve(l, look{band: true}).band, [][]vg.Point{pts(0, 30, 100, 40, 100, 10, 0, 10)}; !near(got, want) {
		t.Errorf("band %v, want %v", got, want)
	}
	l.Low = []float64{-5, 0} // mean − deviation below zero: the band reaches the edge
	if got, want := unitPanel(true).curve(l, look{band: true}).band, [][]vg.Point{pts(0, 30, 100, 40, 100, 0, 0, 0)}; !near(got, want) {
		t.Errorf("band %v, want %v", got, want)
	}
	l.High[1] = math.NaN()
	if got := unitPanel(true).curve(l, look{band: true}).band; len(got) != 0 {
		t.Errorf("band of one point: %v", got)
	}
}

func TestThinKeepsTheEnvelope(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	var points []vg.Point
	for i := range 100_000 {
		points = append(points, vg.Point{X: vg.Length(i) * 120 / 100_000, Y: vg.Length(r.NormFloat64())})
	}
	type extent struct{ low, high vg.Length }
	extents := func(points []vg.Point) map[int]extent {
		m := map[int]extent{}
		for _, p := range points {
			c := int(p.X * 3)
			e, ok := m[c]
			if !ok {
				e = extent{p.Y, p.Y}
			}
			m[c] = extent{min(e.low, p.Y), max(e.high, p.Y)}
		}
		return m
	}
	got := thin(points)
	if len(got) > 4*361 || !reflect.DeepEqual(extents(got), extents(points)) || got[0] != points[0] || got[len(got)-1] != points[len(points)-1] {
		t.Errorf("%d points do not show what %d show", len(got), len(points))
	}
	few := pts(0, 1, 0, 2, 0, 3, 5, 5, 5, 4, 2, 2)
	if want := pts(0, 1, 0, 3, 5, 5, 5, 4, 2, 2); !reflect.DeepEqual(thin(few), want) {
		t.Errorf("got %v, want %v", thin(few), want)
	}
}

func TestSmoothIsTheMeanOfNeighbours(t *testing.T) {
	l := &Line{Smooth: 5}
	r := rand.New(rand.NewPCG(2, 2))
	var run []int
	for i := range 40 {
		l.Y = append(l.Y, r.Float64())
		run = append(run, i)
	}
	l.Y[20] = 1e17 // must not spoil what comes after it
	for k, got := range l.smooth(run) {
		lo, hi := max(0, k-2), min(39, k+2)
		if k < 2 {
			lo, hi = 0, 2*k
		}
		want := 0.0
		for i := lo; i <= hi; i++ {
			want += l.Y[i] / float64(hi-lo+1)
		}
		if math.Abs(got-want) > 1e-14*math.Abs(want) { // five roundings each
			t.Errorf("mean %d is %v, want %v", k, got, want)
		}
	}
	c := unitPanel(false).curve(&Line{X: []float64{0, 1, 2, 3}, Y: []float64{0, 6, 0, 6}, Smooth: 3}, look{})
	if want := [][]vg.Point{pts(0, 0, 10, 20, 20, 40, 30, 30)}; !near(c.strokes, want) {
		t.Errorf("smoothed %v, want %v", c.strokes, want)
	}
	if want := [][]vg.Point{pts(0, 0, 10, 60, 20, 0, 30, 60)}; !near(c.trace, want) {
		t.Errorf("trace %v, want %v", c.trace, want)
	}
}

func TestSegmentsMeetBoxes(t *testing.T) {
	box := vg.Rectangle{Min: vg.Point{X: 1, Y: 1}, Max: vg.Point{X: 3, Y: 2}}
	r := rand.New(rand.NewPCG(3, 1))
	hits := 0
	for range 2000 {
		a, b := vg.Point{X: vg.Length(4 * r.Float64()), Y: vg.Length(4 * r.Float64())}, vg.Point{X: vg.Length(4 * r.Float64()), Y: vg.Length(4 * r.Float64())}
		in, margin := false, 1.0
		for u := 0.0; u <= 1; u += 1.0 / 512 {
			p := a.Add(b.Sub(a).Scale(vg.Length(u)))
			d := max(float64(box.Min.X-p.X), float64(p.X-box.Max.X), float64(box.Min.Y-p.Y), float64(p.Y-box.Max.Y))
			in, margin = in || d <= 0, min(margin, math.Abs(d))
		}
		if in {
			hits++
		}
		if got := meets(box, a, b); got != in && margin > 0.02 { // closer than the samples can tell
			t.Errorf("%v to %v: %v, want %v", a, b, got, in)
		}
	}
	if hits < 200 || hits > 1800 {
		t.Errorf("%d of 2000 hit", hits)
	}
	if !meets(box, vg.Point{X: 2, Y: 1.5}, vg.Point{X: 2, Y: 1.5}) || meets(box, vg.Point{X: 0, Y: 1.5}, vg.Point{X: 0, Y: 1.5}) {
		t.Error("a point is taken wrongly")
	}
}

func TestReferenceLinesKeepTheirLabelsOffTheLines(t *testing.T) {
	p := unitPanel(false)
	p.axes.HLines = []HLine{{Y: 5, Label: "ref"}, {Y: 50, Label: "out of range"}, {Y: math.NaN()}, {Y: 9.9}}
	busy := p.curve(&Line{X: []float64{6, 10}, Y: []float64{6, 5.5}}, look{}) // above the line, at its right end
	levels := p.placeLevels([]curve{busy})
	if len(levels) != 2 || levels[0].y != 50 {
		t.Fatalf("levels %+v", levels)
	}
	if box := levels[0].text; crossings(box, busy.paths()) != 0 || box.Max.Y < 51 || box.Min.X > 10 {
		t.Errorf("label at %v, want above at the left end", box)
	}
}

func TestCSV(t *testing.T) {
	f := &Figure{Panels: [][]Axes{
		{{Title: "a, b", Lines: []Line{{Name: "BP", X: []float64{1, 2}, Y: []float64{0.1, math.NaN()}, Low: []float64{0, 1}, High: []float64{1, math.Inf(1)}}}}},
		{{Title: "same", HLines: []HLine{{Y: 0.05, Label: "ℒ = 0.05"}}}, {Title: "same", Lines: []Line{{X: []float64{1e-300}, Y: []float64{-3}}}}},
	}}
	var b strings.Builder
	if err := f.CSV(&b); err != nil {
		t.Fatal(err)
	}
	want := "panel,line,x,y,low,high\n\"a, b\",BP,1,0.1,0,1\n\"a, b\",BP,2,NaN,1,+Inf\n2,ℒ = 0.05,,0.05,,\n3,1,1e-300,-3,,\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	if err := (&Figure{}).CSV(&b); err == nil {
		t.Error("an empty figure was written")
	}
}

// FuzzFigure: any numbers and names give a figure whose SVG is XML and whose CSV has the same numbers again.
func FuzzFigure(f *testing.F) {
	add := func(name string, log byte, v ...float64) {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		f.Add(name, log, b)
	}
	add("a", 0, 1, 2, 3, 4)
	add("\x00\xff<&", 3, math.NaN(), math.Inf(1), 0, -1, 5e-324, 1e308)
	add("𝓛\n\n x", 1, -1e300, 1e300, 1, 1+1e-16, 1e16, 1e16+2)
	add("", 7, 1e-300, 1e300, 5e-324, 1e-323, math.MaxFloat64, -math.MaxFloat64)
	f.Fuzz(func(t *testing.T, name string, log byte, data []byte) {
		if len(data) > 1<<12 || len(name) > 1<<8 {
			return
		}
		l := Line{Name: name, Dots: log&4 != 0, Smooth: int(log >> 4)}
		for ; len(data) >= 16; data = data[16:] {
			l.X = append(l.X, math.Float64frombits(binary.LittleEndian.Uint64(data)))
			l.Y = append(l.Y, math.Float64frombits(binary.LittleEndian.Uint64(data[8:])))
		}
		a := Axes{Title: name, X: name, Y: name, LogX: log&1 != 0, LogY: log&2 != 0, Lines: []Line{l}}
		if len(l.X) > 0 {
			a.HLines = []HLine{{Y: l.Y[0], Label: name}}
		}
		if log&8 != 0 {
			a.Lines[0].Low, a.Lines[0].High = l.X, l.Y
		}
		fig := &Figure{Panels: [][]Axes{{a}}}
		var b bytes.Buffer
		if err := fig.Encode(&b, SVG); err != nil {
			if !strings.Contains(err.Error(), "room") && !strings.Contains(err.Error(), "high") { // a long name
				t.Fatal(err)
			}
		} else {
			svgTexts(t, b.Bytes())
			if bytes.Contains(b.Bytes(), []byte("NaN")) && !strings.Contains(name, "NaN") {
				t.Error("the SVG has NaN among its coordinates")
			}
		}
		b.Reset()
		if err := fig.CSV(&b); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(records) != 1+len(l.X)+len(a.HLines) {
			t.Fatalf("%d records for %d points: %v", len(records), len(l.X), err)
		}
		for i, x := range l.X {
			gx, _ := strconv.ParseFloat(records[i+1][2], 64)
			gy, _ := strconv.ParseFloat(records[i+1][3], 64)
			if gx != x && !(math.IsNaN(gx) && math.IsNaN(x)) || gy != l.Y[i] && !(math.IsNaN(gy) && math.IsNaN(l.Y[i])) {
				t.Errorf("point %d: %v, %v became %v", i, x, l.Y[i], records[i+1])
			}
		}
	})
}
