package plot

import "image/color"

// Color is 0xRRGGBBAA, not premultiplied. The zero Color, fully transparent, stands for "chosen by the figure".
type Color uint32

// The default palette, in this order: the colours of Okabe and Ito, which people with any common colour blindness tell
// apart, without their yellow (too faint for a line on white) and with black last.
//
// Source: Okabe & Ito 2008, Color Universal Design.
const (
	Blue       Color = 0x0072B2FF
	Vermillion Color = 0xD55E00FF
	Green      Color = 0x009E73FF
	Purple     Color = 0xCC79A7FF
	Orange     Color = 0xE69F00FF
	Sky        Color = 0x56B4E9FF
	Black      Color = 0x000000FF
)

var palette = [...]Color{Blue, Vermillion, Green, Purple, Orange, Sky, Black}

// What is not data, in greys that stay behind it.
const (
	white    Color = 0xFFFFFFFF
	textTint Color = 0x262626FF
	axisTint Color = 0x595959FF // axes, reference lines and their labels
	gridTint Color = 0xE4E4E4FF
)

var _ color.Color = Color(0)

// RGBA returns the premultiplied components, as color.Color asks.
func (c Color) RGBA() (r, g, b, a uint32) { return c.nrgba().RGBA() }

func (c Color) nrgba() color.NRGBA {
	return color.NRGBA{R: uint8(c >> 24), G: uint8(c >> 16), B: uint8(c >> 8), A: uint8(c)}
}

// alpha returns c with its opacity multiplied by f, but not to nothing: gonum divides by it.
func (c Color) alpha(f float64) Color {
	return c&^0xFF | max(1, Color(f*float64(c&0xFF)+0.5))
}
