package data

import (
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"path"
	"slices"
	"strings"
)

// Picture is a decoded PNG, JPEG or GIF file without transparency.
type Picture struct {
	Rows, Cols int
	RGB        []uint16 // 3·Rows·Cols: row by row, red, green and blue of each pixel side by side
}

// pictureEndings are those of the names of files that ReadPicture reads, in small letters.
var pictureEndings = []string{".png", ".jpg", ".jpeg", ".gif"}

// IsPicture reports whether a file is a picture, by the ending of its name.
func IsPicture(name string) bool {
	return slices.Contains(pictureEndings, strings.ToLower(path.Ext(name)))
}

// maxPixels is the size of the largest picture, far above what fits this library's use: a damaged header may promise more.
const maxPixels = 1 << 24

// ReadPicture decodes the one image in r, of up to 2²⁴ pixels. A GIF file has one frame. The size is known before any pixel gets
// memory: what fits makes of it, unless nil, ends the reading. Nothing after the end of the image is looked at. Errors say what was
// found and what is accepted; the caller knows the file's name.
func ReadPicture(r io.ReadSeeker, fits func(rows, cols int) error) (Picture, error) {
	width, height, kind, err := pictureSize(r)
	if err == nil && fits != nil {
		err = fits(height, width)
	}
	if err != nil {
		return Picture{}, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return Picture{}, err
	}
	if kind == "gif" { // the decoder keeps all frames, each of up to maxPixels
		if n := gifFrames(r); n > 1 {
			return Picture{}, fmt.Errorf("GIF image cannot be read: %d frames: want 1", n)
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return Picture{}, err
		}
	}
	img, err := decoders[kind](r)
	if err != nil {
		return Picture{}, fmt.Errorf("%s image cannot be read: %w", strings.ToUpper(kind), cut(err))
	}
	if b := img.Bounds(); b.Dx() != width || b.Dy() != height {
		return Picture{}, fmt.Errorf("frame of %d×%d pixels in an image of %d×%d: want one that fills it", b.Dx(), b.Dy(), width, height)
	}
	return opaque(img)
}

// decoders have the names by which package image knows the formats that are read here.
var decoders = map[string]func(io.Reader) (image.Image, error){"png": png.Decode, "jpeg": jpeg.Decode, "gif": onlyFrame}

// onlyFrame decodes a GIF file that is not an animation.
func onlyFrame(r io.Reader) (image.Image, error) {
	g, err := gif.DecodeAll(r)
	if err != nil {
		return nil, err
	}
	if n := len(g.Image); n != 1 {
		return nil, fmt.Errorf("%d frames: want 1", n)
	}
	return g.Image[0], nil
}

// pictureSize reads the header.
func pictureSize(r io.Reader) (width, height int, kind string, err error) {
	c, kind, err := image.DecodeConfig(r)
	switch {
	case errors.Is(err, image.ErrFormat) || err == nil && decoders[kind] == nil:
		return 0, 0, "", errors.New("not a PNG, JPEG or GIF image")
	case err != nil:
		return 0, 0, "", fmt.Errorf("%s header cannot be read: %w", strings.ToUpper(kind), cut(err))
	case c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height:
		return 0, 0, "", fmt.Errorf("%d×%d pixels: want from 1 to %d", c.Width, c.Height, maxPixels)
	}
	return c.Width, c.Height, kind, nil
}

// opaque takes the pixels out of an image without transparency.
func opaque(img image.Image) (Picture, error) {
	b := img.Bounds()
	p := Picture{Rows: b.Dy(), Cols: b.Dx(), RGB: make([]uint16, 0, 3*b.Dx()*b.Dy())}
	at := img.(image.RGBA64Image).RGBA64At // every image of the standard library has it
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			if c.A != math.MaxUint16 {
				return Picture{}, fmt.Errorf("pixel (%d, %d) is transparent: want an image without transparency", x-b.Min.X, y-b.Min.Y)
			}
			p.RGB = append(p.RGB, c.R, c.G, c.B)
		}
	}
	return p, nil
}

// Colour returns column and row of the first pixel that is not grey, or false if all are.
func (p Picture) Colour() (x, y int, found bool) {
	for i := 0; i < len(p.RGB); i += 3 {
		if c := p.RGB[i : i+3]; c[0] != c[1] || c[1] != c[2] {
			return i / 3 % p.Cols, i / 3 / p.Cols, true
		}
	}
	return 0, 0, false
}

// bytes stores the samples, rounded to 8 bits: with one channel red, which stands for the others where a picture is grey.
func (p Picture) bytes(dst []byte, channels int) {
	step := 3 / channels
	for i := range dst {
		dst[i] = byte((uint32(p.RGB[i*step]) + 128) / 257)
	}
}
