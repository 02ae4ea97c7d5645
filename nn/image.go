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

// after returns the shape that windows of size×size, stride apart, on an image with pad rows and columns around it give, and
// whether there is room for one. Rows and columns that fill no window are left out.
func (m Image) after(channels, size, stride, pad int) (Image, bool) {
	h, w := m.H+2*pad-size, m.W+2*pad-size
	return Image{channels, h/stride + 1, w/stride + 1}, h >= 0 && w >= 0
}
