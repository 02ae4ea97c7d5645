package plot

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// page returns what draw writes to a page of 200×100 points.
func page(t *testing.T, draw func(c *pdf)) string {
	t.Helper()
	c := newPDF(200, 100, "")
	c.doc.SetCompression(false)
	draw(c)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var curveTo = regexp.MustCompile(`(?m)^([-0-9.]+) ([-0-9.]+) ([-0-9.]+) ([-0-9.]+) ([-0-9.]+) ([-0-9.]+) c *$`)

// curvesOf returns the operands of each cubic curve; PDF counts from the lower left, as vg does.
func curvesOf(s string) (curves [][6]float64) {
	for _, m := range curveTo.FindAllStringSubmatch(s, -1) {
		var c [6]float64
		for i := range c {
			c[i], _ = strconv.ParseFloat(m[i+1], 64)
		}
		curves = append(curves, c)
	}
	return curves
}

func TestPDFCurves(t *testing.T) {
	var quad, cubic vg.Path
	quad.Move(vg.Point{})
	quad.QuadTo(vg.Point{X: 30, Y: 60}, vg.Point{X: 60})
	cubic.Move(vg.Point{})
	cubic.CubeTo(vg.Point{X: 1, Y: 2}, vg.Point{X: 3, Y: 4}, vg.Point{X: 5, Y: 6})
	got := curvesOf(page(t, func(c *pdf) { c.Stroke(quad); c.Fill(cubic) }))
	want := [][6]float64{{20, 40, 40, 40, 60, 0}, {1, 2, 3, 4, 5, 6}} // two thirds of the way to the control point
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPDFArcsAreRound(t *testing.T) {
	for _, angle := range []float64{2 * math.Pi, -math.Pi, 0.3, 5} {
		var p vg.Path
		centre := vg.Point{X: 60, Y: 50}
		p.Move(vg.Point{X: 100, Y: 50})
		p.Arc(centre, 40, 0, angle)
		curves := curvesOf(page(t, func(c *pdf) { c.Stroke(p) }))
		x, y := 100.0, 50.0
		for _, c := range curves {
			for _, u := range []float64{0.25, 0.5, 0.75, 1} {
				v := 1 - u
				bx := v*v*v*x + 3*v*v*u*c[0] + 3*v*u*u*c[2] + u*u*u*c[4]
				by := v*v*v*y + 3*v*v*u*c[1] + 3*v*u*u*c[3] + u*u*u*c[5]
				if r := math.Hypot(bx-60, by-50); math.Abs(r-40) > 40*3e-4 {
					t.Errorf("arc of %v: radius %v at %v of a part", angle, r, u)
				}
			}
			x, y = c[4], c[5]
		}
		if want := [2]float64{60 + 40*math.Cos(angle), 50 + 40*math.Sin(angle)}; math.Hypot(x-want[0], y-want[1]) > 1e-3 {
			t.Errorf("arc of %v ends at %v, %v; want %v", angle, x, y, want)
		}
	}
}

func TestPDFTransformsAndImages(t *testing.T) {
	s := page(t, func(c *pdf) {
		c.Push()
		c.Translate(vg.Point{X: 10, Y: 20})
		c.Scale(2, 3)
		c.Rotate(math.Pi / 2)
		c.Pop()
		c.SetColor(nil)
		c.DrawImage(vg.Rectangle{Min: vg.Point{X: 10, Y: 20}, Max: vg.Point{X: 40, Y: 60}}, image.NewGray(image.Rect(0, 0, 2, 2)))
	})
	for _, want := range []string{ // a matrix is [a b c d e f]: x' = ax + cy + e, y' = bx + dy + f, origin lower left as in vg
		"1.00000 0.00000 0.00000 1.00000 10.00000 20.00000 cm", "2.00000 0.00000 0.00000 3.00000 0.00000 0.00000 cm", "0.00000 1.00000 -1.00000 0.00000 0.00000 0.00000 cm",
		"30.00000 0 0 40.00000 10.00000 20.00000 cm", "/Subtype /Image",
	} {
		if !strings.Contains(strings.ReplaceAll(s, "-0.00000", "0.00000"), want) {
			t.Errorf("no %q in %q", want, s[:min(len(s), 1500)])
		}
	}
}
