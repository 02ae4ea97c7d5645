package plot

import (
	"fmt"
	"image"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Surface shows a function of two variables as a landscape in space, seen in parallel projection from above, with lines
// of equal height and trajectories on it. The landscape itself is one picture in every format.
type Surface struct {
	Name string // in CSV
	Grid
	Scale *ColorScale // nil: the default

	Label  string    // of the upright axis
	ZRange Range     // what lies outside is cut off; zero: fitted
	Levels []float64 // of lines of equal height
	Paths  []Trajectory

	// Azimuth is the direction from which it is seen, in degrees from −Y towards +X; Elevation is that above the ground. Zero
	// both: 30 and 35.
	Azimuth, Elevation float64
}

func (s *Surface) faults() []error {
	faults := s.Grid.faults()
	if s.Scale != nil {
		faults = append(faults, s.Scale.faults()...)
	}
	if err := s.ZRange.fault(false); err != nil {
		faults = append(faults, fmt.Errorf("field ZRange: %w", err))
	}
	if !(s.Elevation >= 0 && s.Elevation <= 90) {
		faults = append(faults, fmt.Errorf("field Elevation: %v degrees; 0 to 90 are accepted", s.Elevation))
	}
	if !(math.Abs(s.Azimuth) <= 360) {
		faults = append(faults, fmt.Errorf("field Azimuth: %v degrees; −360 to 360 are accepted", s.Azimuth))
	}
	for i := range s.Paths {
		for _, err := range s.Paths[i].faults() {
			faults = append(faults, fmt.Errorf("path %d: %w", i+1, err))
		}
	}
	return faults
}

func (s *Surface) entries() []entry {
	var out []entry
	for i := range s.Paths {
		out = union(out, s.Paths[i].entries())
	}
	return out
}

func (s *Surface) records(put func(record)) {
	s.Grid.records(s.Name, put)
	for i := range s.Paths {
		s.Paths[i].records(put)
	}
}

// view projects the unit cube around the origin, −1 to 1 on the ground and 0 to 1 upwards, to a panel.
type view struct {
	x, y, z                 scale
	right, forward, up, tip float64 // cosine and sine of azimuth and elevation, see place
	origin                  vg.Point
	unit                    vg.Length
}

// height of the box over half of its width.
const boxHeight = 1.15

func (s *Surface) view(area vg.Rectangle) *view {
	az, el := s.Azimuth, s.Elevation
	if az == 0 && el == 0 {
		az, el = 30, 35
	}
	v := &view{x: scale{lo: s.X[0], hi: s.X[len(s.X)-1]}, y: scale{lo: s.Y[0], hi: s.Y[len(s.Y)-1]}, z: fit(false, s.ZRange, s.Z, 0)}
	v.forward, v.right = math.Sincos(az * math.Pi / 180)
	v.up, v.tip = math.Cos(el*math.Pi/180), math.Sin(el*math.Pi/180)
	v.unit = 1
	var box vg.Rectangle
	for k := range 8 {
		pt, _ := v.place(float64(k&1)*2-1, float64(k>>1&1)*2-1, float64(k>>2))
		box.Min.X, box.Max.X = min(box.Min.X, pt.X), max(box.Max.X, pt.X)
		box.Min.Y, box.Max.Y = min(box.Min.Y, pt.Y), max(box.Max.Y, pt.Y)
	}
	// Ticks and labels take the rest: left of the upright axis, below the ground, and right of its corner.
	left := tickRoom + widestLabel(v.z.ticks(area.Size().Y/2, stacked)) + labelGap + leading*labelSize
	right := tickRoom + max(widestLabel(v.x.ticks(area.Size().X/2, along)), widestLabel(v.y.ticks(area.Size().X/2, along)))
	room := vg.Rectangle{Min: vg.Point{X: area.Min.X + left, Y: area.Min.Y + 32}, Max: vg.Point{X: area.Max.X - right, Y: area.Max.Y - 4}}
	v.unit = min(room.Size().X/box.Size().X, room.Size().Y/box.Size().Y)
	v.unit = max(v.unit, 1)
	v.origin = vg.Point{
		X: (room.Min.X+room.Max.X)/2 - v.unit*(box.Min.X+box.Max.X)/2,
		Y: (room.Min.Y+room.Max.Y)/2 - v.unit*(box.Min.Y+box.Max.Y)/2,
	}
	return v
}

// tickRoom is what a tick takes beside its label.
const tickRoom = majorTick + tickGap + 1

func widestLabel(ticks []tick) vg.Length {
	w := vg.Length(0)
	for _, t := range ticks {
		w = max(w, textWidth(t.label, tickSize))
	}
	return w
}

// place projects a point of the cube; the nearer to the eye, the larger depth.
func (v *view) place(x, y, z float64) (pt vg.Point, depth float64) {
	across := x*v.right + y*v.forward
	away := -x*v.forward + y*v.right // from the eye, along the ground
	z *= boxHeight
	return vg.Point{X: v.origin.X + v.unit*vg.Length(across), Y: v.origin.Y + v.unit*vg.Length(away*v.tip+z*v.up)}, z*v.tip - away*v.up
}

// of projects values.
func (v *view) of(x, y, z float64) (vg.Point, float64) {
	return v.place(2*v.x.of(x)-1, 2*v.y.of(y)-1, v.z.of(z))
}

func (p *panel) drawSurface(dc draw.Canvas) {
	s := p.axes.Surface
	v := s.view(p.area)
	p.drawBox(dc, v)
	r := newRaster(p.area, v)
	r.paint(&s.Grid, p.tint)
	r.contour(s.Levels)
	dc.DrawImage(r.box(), r.picture())
	p.drawEdges(dc, v)
	for i := range s.Paths {
		s.Paths[i].drawOn(dc, s, r)
	}
}

// raster is the picture of a surface in the making: for each sample the depth, value and colour of what is nearest to the
// eye. Two samples a pixel in each direction make smooth edges.
type raster struct {
	*view
	area  vg.Rectangle
	w, h  int // samples
	scale float64
	depth []float32
	value []float32
	shade []Color // zero: nothing
}

const oversample = 2

func newRaster(area vg.Rectangle, v *view) *raster {
	r := &raster{view: v, area: area, scale: pixels * oversample}
	r.w = oversample * max(1, int(math.Ceil(float64(area.Size().X)*pixels)))
	r.h = oversample * max(1, int(math.Ceil(float64(area.Size().Y)*pixels)))
	r.depth, r.value, r.shade = make([]float32, r.w*r.h), make([]float32, r.w*r.h), make([]Color, r.w*r.h)
	return r
}

// box is where the picture goes: a whole number of its pixels.
func (r *raster) box() vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: r.area.Min.X, Y: r.area.Max.Y - vg.Length(float64(r.h)/r.scale)},
		Max: vg.Point{X: r.area.Min.X + vg.Length(float64(r.w)/r.scale), Y: r.area.Max.Y}}
}

// vertex is a point of the surface in samples, rows counted from above.
type vertex struct{ x, y, depth, value float64 }

func (r *raster) vertex(x, y, z float64) vertex {
	pt, depth := r.of(x, y, z)
	return vertex{float64(pt.X-r.area.Min.X) * r.scale, float64(r.area.Max.Y-pt.Y) * r.scale, depth, z}
}

// paint fills the cells of the grid, two triangles each.
func (r *raster) paint(g *Grid, t *tint) {
	for j := range len(g.Y) - 1 {
		for i := range len(g.X) - 1 {
			var c [4]vertex
			ok := true
			for k, d := range [4][2]int{{0, 0}, {1, 0}, {1, 1}, {0, 1}} {
				z := g.at(i+d[0], j+d[1])
				ok = ok && drawable(z, false)
				if ok {
					c[k] = r.vertex(g.X[i+d[0]], g.Y[j+d[1]], z)
				}
			}
			if ok {
				light := r.light(g, i, j)
				r.triangle(c[0], c[1], c[2], light, t)
				r.triangle(c[0], c[2], c[3], light, t)
			}
		}
	}
}

// light is how bright a cell is: the more it faces a lamp over the viewer's left shoulder, the brighter.
func (r *raster) light(g *Grid, i, j int) float64 {
	unit := func(s scale, d float64) float64 { return 2 * d / (s.hi - s.lo) }
	rise := func(d float64) float64 { return boxHeight * d / (r.z.hi - r.z.lo) }
	sx := rise(g.at(i+1, j)+g.at(i+1, j+1)-g.at(i, j)-g.at(i, j+1)) / 2 / unit(r.x, g.X[i+1]-g.X[i])
	sy := rise(g.at(i, j+1)+g.at(i+1, j+1)-g.at(i, j)-g.at(i+1, j)) / 2 / unit(r.y, g.Y[j+1]-g.Y[j])
	// The lamp stands 45° to the left of the viewer, 55° high.
	sin, cos := math.Sincos(math.Atan2(r.forward, r.right) - math.Pi/4)
	const high, level = 0.82, 0.57
	lx, ly := level*sin, -level*cos
	facing := (-sx*lx - sy*ly + high) / math.Sqrt(1+sx*sx+sy*sy)
	return 0.7 + 0.3*max(0, facing)
}

// triangle fills one, where it is nearest to the eye and in range.
func (r *raster) triangle(a, b, c vertex, light float64, t *tint) {
	area := (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x)
	if area == 0 || math.IsNaN(area) {
		return
	}
	x0, x1 := max(0, int(min(a.x, b.x, c.x))), min(r.w-1, int(max(a.x, b.x, c.x)))
	y0, y1 := max(0, int(min(a.y, b.y, c.y))), min(r.h-1, int(max(a.y, b.y, c.y)))
	const slack = 1e-9 // neighbours leave no gap
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			px, py := float64(x)+0.5, float64(y)+0.5
			fb := ((px-a.x)*(c.y-a.y) - (py-a.y)*(c.x-a.x)) / area
			fc := ((b.x-a.x)*(py-a.y) - (b.y-a.y)*(px-a.x)) / area
			if fb < -slack || fc < -slack || fb+fc > 1+slack {
				continue
			}
			value := a.value + fb*(b.value-a.value) + fc*(c.value-a.value)
			depth := float32(a.depth + fb*(b.depth-a.depth) + fc*(c.depth-a.depth))
			k := y*r.w + x
			if value < r.z.lo || value > r.z.hi || r.shade[k] != 0 && depth <= r.depth[k] {
				continue
			}
			r.depth[k], r.value[k], r.shade[k] = depth, float32(value), t.colors[t.index(value)].times(light)
		}
	}
}

// times makes a colour darker.
func (c Color) times(f float64) Color {
	out := c & 0xFF
	for shift := 8; shift < 32; shift += 8 {
		out |= Color(float64(c>>shift&0xFF)*f+0.5) << shift
	}
	return out
}

// contour darkens the samples beside which a level lies. Where the surface passes before itself there is no line.
func (r *raster) contour(levels []float64) {
	const jump = 0.05 // in depth
	on := make([]bool, len(r.shade))
	for y := range r.h - 1 {
		for x := range r.w - 1 {
			k := y*r.w + x
			for _, o := range [2]int{k + 1, k + r.w} {
				if r.shade[k] == 0 || r.shade[o] == 0 || math.Abs(float64(r.depth[k]-r.depth[o])) > jump {
					continue
				}
				for _, l := range levels {
					if (r.value[k] >= float32(l)) != (r.value[o] >= float32(l)) {
						on[k], on[o] = true, true
					}
				}
			}
		}
	}
	for k, is := range on {
		if is {
			r.shade[k] = r.shade[k].times(0.62)
		}
	}
}

// picture averages the samples of each pixel.
func (r *raster) picture() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, r.w/oversample, r.h/oversample))
	for y := range r.h / oversample {
		for x := range r.w / oversample {
			var sum [3]float64
			n := 0.0
			for k := range oversample * oversample {
				if c := r.shade[(oversample*y+k/oversample)*r.w+oversample*x+k%oversample]; c != 0 {
					n++
					sum[0], sum[1], sum[2] = sum[0]+float64(c>>24), sum[1]+float64(c>>16&0xFF), sum[2]+float64(c>>8&0xFF)
				}
			}
			if n == 0 {
				continue
			}
			at := img.PixOffset(x, y)
			for k, v := range sum {
				img.Pix[at+k] = uint8(v/n + 0.5)
			}
			img.Pix[at+3] = uint8(255*n/(oversample*oversample) + 0.5)
		}
	}
	return img
}

// hidden reports whether something lies before a point of the surface.
func (r *raster) hidden(v vertex) bool {
	x, y := int(v.x), int(v.y)
	if x < 0 || y < 0 || x >= r.w || y >= r.h || r.shade[y*r.w+x] == 0 {
		return false
	}
	return float64(r.depth[y*r.w+x]) > v.depth+0.04
}
