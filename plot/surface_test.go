package plot

import (
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

func rasterOf(t *testing.T, s *Surface) (*panel, *raster) {
	t.Helper()
	p := panelOf(t, Axes{X: "x", Y: "y", Surface: s})
	r := newRaster(p.area, s.view(p.area))
	r.paint(&s.Grid, p.tint)
	return p, r
}

// A plane fills its projection, a parallelogram, without holes, in one colour for one value.
func TestSurfaceHasNoHoles(t *testing.T) {
	s := &Surface{Grid: gridOf(31, func(x, y float64) float64 { return 0.3*x - 0.2*y }), Scale: &ColorScale{Palette: Cividis}}
	_, r := rasterOf(t, s)
	img := r.picture()
	for i := range 200 {
		for j := range 200 {
			x, y := -1.97+3.94*float64(i)/199, -1.97+3.94*float64(j)/199
			z := 0.3*x - 0.2*y
			v := r.vertex(x, y, z)
			k := int(v.y)*r.w + int(v.x)
			if r.shade[k] == 0 {
				t.Fatalf("a hole at (%v, %v)", x, y)
			}
			if math.Abs(float64(r.value[k])-z) > 0.02 || r.hidden(v) {
				t.Errorf("at (%v, %v): value %v, want %v; hidden: %v", x, y, r.value[k], z, r.hidden(v))
			}
			if a := img.NRGBAAt(int(v.x)/oversample, int(v.y)/oversample).A; a != 255 {
				t.Errorf("at (%v, %v) the picture has opacity %d", x, y, a)
			}
		}
	}
	if img.NRGBAAt(0, 0).A != 0 {
		t.Error("the corner of the picture is not free")
	}
}

func TestSurfaceHidesWhatLiesBehindAHill(t *testing.T) {
	s := &Surface{Grid: gridOf(61, func(x, y float64) float64 { return 3 * math.Exp(-8*(y*y+x*x/9)) }), Azimuth: 0.001, Elevation: 25}
	_, r := rasterOf(t, s) // seen from −y: the ridge lies along x
	for _, c := range []struct {
		y    float64
		want bool
	}{{-1.8, false}, {-0.8, false}, {0, false}, {0.7, true}, {1, true}} {
		z := s.between(spotOf(s.X, 0, 0), spotOf(s.Y, c.y, 0))
		if got := r.hidden(r.vertex(0, c.y, z)); got != c.want {
			t.Errorf("y = %v: hidden %v, want %v", c.y, got, c.want)
		}
	}
}

func TestSurfaceIsCutAtItsRange(t *testing.T) {
	s := &Surface{Grid: gridOf(41, bilinearLoss), ZRange: Range{0, 2}}
	_, r := rasterOf(t, s)
	for k, c := range r.shade {
		if c != 0 && (r.value[k] > 2 || r.value[k] < 0) {
			t.Fatalf("value %v is shown", r.value[k])
		}
	}
}

func TestSurfaceLinesAreAtTheirLevels(t *testing.T) {
	s := &Surface{Grid: gridOf(41, func(x, _ float64) float64 { return x }), Elevation: 90, Azimuth: 0.001}
	_, r := rasterOf(t, s)
	before := append([]Color(nil), r.shade...)
	r.contour([]float64{0.5})
	for k := range before {
		if on := r.shade[k] != before[k]; on != (before[k] != 0 && math.Abs(float64(r.value[k])-0.5) < 0.004) {
			if math.Abs(float64(r.value[k])-0.5) < 0.002 || on && math.Abs(float64(r.value[k])-0.5) > 0.02 {
				t.Fatalf("value %v: on the line: %v", r.value[k], on)
			}
		}
	}
}

// The view keeps the box inside its panel, and nearer is deeper.
func TestViewsFitThePanel(t *testing.T) {
	area := vg.Rectangle{Min: vg.Point{X: 10, Y: 20}, Max: vg.Point{X: 310, Y: 270}}
	for azimuth := 1.0; azimuth < 360; azimuth += 13 {
		for _, elevation := range []float64{5, 35, 89} {
			s := &Surface{Grid: gridOf(3, bilinearLoss), Azimuth: azimuth, Elevation: elevation}
			v := s.view(area)
			for k := range 8 {
				pt, _ := v.place(float64(k&1)*2-1, float64(k>>1&1)*2-1, float64(k>>2))
				if pt.X < area.Min.X || pt.X > area.Max.X || pt.Y < area.Min.Y || pt.Y > area.Max.Y {
					t.Errorf("azimuth %v, elevation %v: corner at %v", azimuth, elevation, pt)
				}
			}
			front, left, right := v.front()
			a, near := v.place(front[0], front[1], 0)
			b, far := v.place(-front[0], -front[1], 0)
			l, _ := v.place(left[0], left[1], 0)
			r, _ := v.place(right[0], right[1], 0)
			if near <= far || a.Y >= b.Y || l.X > r.X {
				t.Errorf("azimuth %v, elevation %v: front %v at %v, back at %v", azimuth, elevation, front, a, b)
			}
		}
	}
}
