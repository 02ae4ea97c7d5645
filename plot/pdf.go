package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strconv"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

var _ vg.CanvasWriterTo = (*pdf)(nil)

// pdf draws to one page. gonum's canvas for PDF writes text in code page 1252, which has neither ∇ nor subscripts, and
// the time of day; this one embeds the glyphs in use under their Unicode values.
type pdf struct {
	doc           *fpdf.Fpdf
	width, height vg.Length
	images        int
	widths        map[int]bool // of pictures
	stack         []pen
}

const pdfFont = "DejaVuSans" // names in PDF have no spaces

type pen struct {
	color color.Color
	width vg.Length
}

func newPDF(width, height vg.Length, title string) *pdf {
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: width.Points(), Ht: height.Points()}})
	epoch := time.Unix(0, 0).UTC() // equal figures give equal bytes
	doc.SetCreationDate(epoch)
	doc.SetModificationDate(epoch)
	doc.SetCatalogSort(true)
	doc.SetTitle(title, true)
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.SetLineJoinStyle("round")
	doc.AddUTF8FontFromBytes(pdfFont, "", dejavu)
	doc.AddPage()
	c := &pdf{doc: doc, width: width, height: height, stack: make([]pen, 1)}
	vg.Initialize(c)
	return c
}

func (c *pdf) top() *pen { return &c.stack[len(c.stack)-1] }

func (c *pdf) Size() (w, h vg.Length) { return c.width, c.height }

func (c *pdf) SetLineWidth(w vg.Length) {
	c.top().width = w
	c.doc.SetLineWidth(w.Points())
}

func (c *pdf) SetLineDash(pattern []vg.Length, offset vg.Length) {
	dashes := make([]float64, len(pattern))
	for i, d := range pattern {
		dashes[i] = d.Points()
	}
	c.doc.SetDashPattern(dashes, offset.Points())
}

func (c *pdf) SetColor(col color.Color) {
	if col == nil {
		col = color.Black
	}
	c.top().color = col
	n := color.NRGBAModel.Convert(col).(color.NRGBA)
	r, g, b := int(n.R), int(n.G), int(n.B)
	c.doc.SetFillColor(r, g, b)
	c.doc.SetDrawColor(r, g, b)
	c.doc.SetTextColor(r, g, b)
	c.doc.SetAlpha(float64(n.A)/255, "Normal")
}

// xy turns the point of origin from the lower left, as in vg, to the upper left, as in fpdf.
func (c *pdf) xy(pt vg.Point) (x, y float64) { return pt.X.Points(), (c.height - pt.Y).Points() }

func (c *pdf) Rotate(rad float64) {
	x, y := c.xy(vg.Point{})
	c.doc.TransformRotate(rad*180/math.Pi, x, y)
}

func (c *pdf) Translate(pt vg.Point) { c.doc.TransformTranslate(pt.X.Points(), -pt.Y.Points()) }

func (c *pdf) Scale(sx, sy float64) {
	x, y := c.xy(vg.Point{})
	c.doc.TransformScale(sx*100, sy*100, x, y)
}

func (c *pdf) Push() {
	c.stack = append(c.stack, *c.top())
	c.doc.TransformBegin()
}

// Pop restores the state of PDF; colour and width are set again because fpdf remembers what it has written, not what is
// in force. The dash pattern is written with every line.
func (c *pdf) Pop() {
	c.doc.TransformEnd()
	c.stack = c.stack[:len(c.stack)-1]
	c.SetColor(c.top().color)
	c.SetLineWidth(c.top().width)
}

func (c *pdf) Stroke(p vg.Path) {
	if c.top().width > 0 {
		c.path(p, "D")
	}
}

func (c *pdf) Fill(p vg.Path) { c.path(p, "F") }

func (c *pdf) path(p vg.Path, style string) {
	for i, comp := range p {
		x, y := c.xy(comp.Pos)
		switch comp.Type {
		case vg.MoveComp:
			c.doc.MoveTo(x, y)
		case vg.LineComp:
			c.doc.LineTo(x, y)
		case vg.ArcComp:
			c.arc(comp)
		case vg.CurveComp:
			control := comp.Control
			if len(control) == 1 { // quadratic: PDF has only cubic curves
				q := control[0]
				control = []vg.Point{p[i-1].Pos.Add(q.Sub(p[i-1].Pos).Scale(2.0 / 3)), comp.Pos.Add(q.Sub(comp.Pos).Scale(2.0 / 3))}
			}
			x1, y1 := c.xy(control[0])
			x2, y2 := c.xy(control[1])
			c.doc.CurveBezierCubicTo(x1, y1, x2, y2, x, y)
		case vg.CloseComp:
			c.doc.ClosePath()
		}
	}
	c.doc.DrawPath(style)
}

// arc adds an arc as cubic curves of up to a quarter, each with control points at k = 4/3·tan(angle/4) radii along the
// tangents; it errs by less than 3·10⁻⁴ of the radius.
func (c *pdf) arc(comp vg.PathComp) {
	at := func(angle, along float64) (x, y float64) {
		sin, cos := math.Sincos(angle)
		r := comp.Radius.Points()
		return c.xy(comp.Pos.Add(vg.Point{X: vg.Length(r * (cos - along*sin)), Y: vg.Length(r * (sin + along*cos))}))
	}
	c.doc.LineTo(at(comp.Start, 0))
	n := math.Ceil(math.Abs(comp.Angle) / (math.Pi / 2))
	part := comp.Angle / max(n, 1)
	k := 4.0 / 3 * math.Tan(part/4)
	for i := range int(n) {
		from := comp.Start + float64(i)*part
		x1, y1 := at(from, k)
		x2, y2 := at(from+part, -k)
		x, y := at(from+part, 0)
		c.doc.CurveBezierCubicTo(x1, y1, x2, y2, x, y)
	}
}

func (c *pdf) FillString(f font.Face, pt vg.Point, text string) {
	if f.Font.Size <= 0 {
		return
	}
	c.doc.SetFont(pdfFont, "", f.Font.Size.Points())
	x, y := c.xy(pt)
	c.doc.Text(x, y, text)
}

// DrawImage puts a picture. fpdf writes pictures of one width in the order of a map, so each gets a width of its own, by
// transparent columns at its right.
func (c *pdf) DrawImage(rect vg.Rectangle, img image.Image) {
	w := img.Bounds().Dx()
	for c.widths[w] {
		w++
	}
	if c.widths == nil {
		c.widths = map[int]bool{}
	}
	c.widths[w] = true
	rect.Max.X = rect.Min.X + rect.Size().X*vg.Length(w)/vg.Length(img.Bounds().Dx())
	var b bytes.Buffer
	if err := png.Encode(&b, widen(img, w)); err != nil {
		c.doc.SetError(err)
		return
	}
	c.images++
	name, opts := strconv.Itoa(c.images), fpdf.ImageOptions{ImageType: "png"}
	c.doc.RegisterImageOptionsReader(name, opts, &b)
	x, y := c.xy(vg.Point{X: rect.Min.X, Y: rect.Max.Y})
	c.doc.ImageOptions(name, x, y, rect.Size().X.Points(), rect.Size().Y.Points(), false, opts, 0, "")
}

// widen returns the picture with transparent columns up to the width w.
func widen(img image.Image, w int) image.Image {
	size := img.Bounds().Size()
	if size.X == w {
		return img
	}
	box := image.Rect(0, 0, w, size.Y)
	if p, ok := img.(*image.Paletted); ok && p.Palette.Index(color.Transparent) == transparent && len(p.Palette) > transparent {
		out := image.NewPaletted(box, p.Palette)
		for i := range out.Pix {
			out.Pix[i] = transparent
		}
		for y := range size.Y {
			copy(out.Pix[y*out.Stride:], p.Pix[y*p.Stride:][:size.X])
		}
		return out
	}
	out := image.NewNRGBA(box)
	draw.Draw(out, img.Bounds().Sub(img.Bounds().Min), img, img.Bounds().Min, draw.Src)
	return out
}

func (c *pdf) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	if err := c.doc.Output(&b); err != nil {
		return 0, err
	}
	return b.WriteTo(w)
}
