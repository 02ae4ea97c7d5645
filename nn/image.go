package nn

import "fmt"

// Image is the shape of activities that are an image. A row holds H·W pixels, one image row after the other, and a pixel its C
// channels side by side: element (y, x, c) is (y·W + x)·C + c. So H·W pixels are as many tokens of width C, and a fully connected
// layer takes an image as it is: there is nothing to flatten.
type Image struct{ C, H, W int }

// Len is the number of elements.
func (m Image) Len() int { return m.C * m.H * m.W }

// String writes channels, height and width, as in 3x32x32.
func (m Image) String() string { return fmt.Sprintf("%dx%dx%d", m.C, m.H, m.W) }

// valid reports whether there is a pixel, and no more elements than a row may have.
func (m Image) valid() bool {
	if m.C < 1 || m.H < 1 || m.W < 1 {
		return false
	}
	return float64(m.C)*float64(m.H)*float64(m.W) <= maxParams
}

// after returns the shape that the windows of a kernel give, with another number of channels, and whether there is room for one. Rows
// and columns that fill no window are left out.
func (m Image) after(channels int, k Kernel) (Image, bool) {
	h, w := m.H+2*k.Pad-k.Size, m.W+2*k.Pad-k.Size
	return Image{channels, h/k.Stride + 1, w/k.Stride + 1}, h >= 0 && w >= 0
}
