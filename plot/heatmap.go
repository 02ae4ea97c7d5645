package plot

import (
	"image"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HeatMap shows a function of two variables by colour. It is one picture in every format, so that no seams show between
// its cells.
type HeatMap struct {
	Name string // in CSV
	Grid
	Scale *ColorScale // nil: the default
	// Cells paints the cell around each point in its colour, for values that have none between them. Otherwise values are
	// interpolated.
	Cells bool
}

// pixels is the resolution of pictures inside figures, in pixels a point: that of PNG.
const pixels = dpi / 72.0

func (h *HeatMap) faults() []error {
	faults := h.Grid.faults()
	if h.Scale != nil {
		faults = append(faults, h.Scale.faults()...)
	}
	return faults
}

// span is the extent of the picture: half a cell more on all sides with cells.
func (h *HeatMap) span() (x, y []float64) {
	if !h.Cells {
		return h.X, h.Y
	}
	ends := func(v []float64) []float64 {
		n := len(v)
		return []float64{v[0] - (v[1]-v[0])/2, v[n-1] + (v[n-1]-v[n-2])/2}
	}
	return ends(h.X), ends(h.Y)
}

func (h *HeatMap) covers() bool { return true }

func (h *HeatMap) entries() []entry { return nil }

func (h *HeatMap) paths(*panel) [][]vg.Point { return nil }

func (h *HeatMap) records(put func(record)) { h.Grid.records(h.Name, put) }

func (h *HeatMap) draw(dc draw.Canvas, p *panel) {
	dc.DrawImage(p.area, h.picture(p))
}

// picture paints the panel.
func (h *HeatMap) picture(p *panel) *image.Paletted {
	size := p.area.Size()
	w, ht := max(1, int(math.Round(float64(size.X)*pixels))), max(1, int(math.Round(float64(size.Y)*pixels)))
	img := image.NewPaletted(image.Rect(0, 0, w, ht), p.tint.images())
	cols, rows := h.spots(h.X, p.x, w), h.spots(h.Y, p.y, ht)
	for j := range ht {
		y := rows[ht-1-j] // rows of pictures go down
		line := img.Pix[j*img.Stride : j*img.Stride+w]
		for i, x := range cols {
			line[i] = h.paint(p.tint, x, y)
		}
	}
	return img
}

func (h *HeatMap) paint(t *tint, x, y spot) uint8 {
	if !x.ok || !y.ok {
		return transparent
	}
	v := h.between(x, y)
	if h.Cells {
		v = h.at(x.i+int(x.f+0.5), y.i+int(y.f+0.5))
	}
	if math.IsNaN(v) {
		return noValue
	}
	return uint8(t.of(v)*lastTint + 0.5)
}

// spots returns where the centres of n pixels lie on the grid's axis. With cells the half of one beyond each end counts
// as its point.
func (h *HeatMap) spots(axis []float64, s scale, n int) []spot {
	out := make([]spot, n)
	from := 0
	for i := range out {
		v := s.lo + (float64(i)+0.5)/float64(n)*(s.hi-s.lo)
		if s.log {
			v = math.Pow(10, v)
		}
		if last := len(axis) - 1; h.Cells && v < axis[0] && v >= axis[0]-(axis[1]-axis[0])/2 {
			v = axis[0]
		} else if h.Cells && v > axis[last] && v <= axis[last]+(axis[last]-axis[last-1])/2 {
			v = axis[last]
		}
		out[i] = spotOf(axis, v, from)
		from = out[i].i
	}
	return out
}
