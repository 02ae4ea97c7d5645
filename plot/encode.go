package plot

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Format is a file format of figures, and the extension of its files.
type Format string

// The formats. PNG is the reference for how a figure looks.
const (
	SVG Format = "svg"
	PDF Format = "pdf"
	PNG Format = "png"
)

// dpi of PNG: two pixels for each of a screen of 96, sharp on paper and on fine screens.
const dpi = 192

// Encode writes the figure in a format.
func (f *Figure) Encode(w io.Writer, format Format) error {
	data, err := f.encode(format)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("plot: %s: %w", format, err)
	}
	return nil
}

// Save encodes the figure in each format, CSV aside, and hands it to write as base.svg, base.pdf and base.png, in the
// order of formats. It returns the names that were written.
func (f *Figure) Save(write func(name string, data []byte) error, base string, formats ...Format) ([]string, error) {
	var names []string
	for _, format := range formats {
		data, err := f.encode(format)
		if err != nil {
			return names, err
		}
		name := base + "." + string(format)
		if err := write(name, data); err != nil {
			return names, fmt.Errorf("plot: %s: %w", name, err)
		}
		names = append(names, name)
	}
	return names, nil
}

func (f *Figure) encode(format Format) ([]byte, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	l, err := newLayout(f)
	if err != nil {
		return nil, err
	}
	var c vg.CanvasWriterTo
	switch format {
	case SVG:
		c = vgsvg.New(l.width, l.height)
	case PDF:
		c = newPDF(l.width, l.height, strings.Join(l.title, " "))
	case PNG:
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(l.width, l.height), vgimg.UseDPI(dpi))}
	default:
		return nil, fmt.Errorf("plot: format %q is unknown; %s, %s and %s are accepted", string(format), SVG, PDF, PNG)
	}
	l.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("plot: %s: %w", format, err)
	}
	if format == SVG {
		return polish(b.Bytes()), nil
	}
	return b.Bytes(), nil
}

// polish mends what gonum's SVG leaves to chance: fonts where DejaVu Sans is missing (Verdana has its metrics), the
// mitred joins that turn noisy lines into spikes, and pictures that are called JPEG and may keep their proportions.
func polish(svg []byte) []byte {
	const family = "font-family:" + typeface
	svg = bytes.ReplaceAll(svg, []byte(`xlink:href="data:image/jpg;`), []byte(`preserveAspectRatio="none" xlink:href="data:image/png;`))
	svg = bytes.ReplaceAll(svg, []byte(family+";"), []byte("font-family:'"+typeface+"',Verdana,'Bitstream Vera Sans',sans-serif;"))
	return bytes.Replace(svg, []byte("<svg "), []byte(`<svg stroke-linejoin="round" `), 1)
}
