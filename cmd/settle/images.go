package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/png" // registers the decoder
	"math"
	"os"
	"strings"

	"github.com/sbinet/npyio/npy"

	"github.com/settle-pc/settle/data"
)

// readImages reads the images in a file, each rows×cols intensities from 0 to 1, row-major.
func readImages(name string, rows, cols int) ([][]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	defer f.Close()
	var images [][]float64
	switch {
	case strings.HasSuffix(strings.ToLower(name), ".png"):
		images, err = readPNG(f, rows, cols)
	case strings.HasSuffix(strings.ToLower(name), ".npy"):
		images, err = readNPY(f, rows, cols)
	default:
		images, err = readIDX(f, rows, cols)
	}
	if err != nil {
		return nil, fmt.Errorf("predict %s: %w", name, err)
	}
	return images, nil
}

func readPNG(f *os.File, rows, cols int) ([][]float64, error) {
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("not a PNG image: %w", err)
	}
	b := img.Bounds()
	if b.Dx() != cols || b.Dy() != rows {
		return nil, fmt.Errorf("%d×%d pixels: want %d×%d", b.Dx(), b.Dy(), cols, rows)
	}
	out := make([]float64, 0, rows*cols)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := img.At(x, y)
			if r, g, b, _ := c.RGBA(); r != g || g != b {
				return nil, fmt.Errorf("pixel (%d, %d) is coloured: want a grey image", x, y)
			}
			out = append(out, float64(color.Gray16Model.Convert(c).(color.Gray16).Y)/math.MaxUint16)
		}
	}
	return [][]float64{out}, nil
}

func readIDX(f *os.File, rows, cols int) ([][]float64, error) {
	x, err := data.ReadIDX(f, f.Name())
	if err != nil {
		return nil, fmt.Errorf("want a .png, a .npy or an IDX file of images: %w", err)
	}
	if len(x.Dims) != 3 {
		return nil, fmt.Errorf("%d axes: want images, rows and columns", len(x.Dims))
	}
	if x.Dims[1] != rows || x.Dims[2] != cols {
		return nil, fmt.Errorf("images of %d×%d: want %d×%d", x.Dims[1], x.Dims[2], rows, cols)
	}
	v := make([]float64, len(x.Data))
	for i, b := range x.Data {
		v[i] = float64(b) / 255
	}
	return cut(v, rows*cols), nil
}

// readNPY reads an array whose last axis has rows·cols elements, or whose last two are rows and cols.
func readNPY(f *os.File, rows, cols int) ([][]float64, error) {
	r, err := npy.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("not a .npy array: %w", err)
	}
	h := r.Header.Descr
	size, n := rows*cols, len(h.Shape)
	flat := n >= 1 && n <= 2 && h.Shape[n-1] == size
	square := n >= 2 && n <= 3 && h.Shape[n-2] == rows && h.Shape[n-1] == cols
	if !flat && !square {
		return nil, fmt.Errorf("shape %v: want (…, %d) or (…, %d, %d)", h.Shape, size, rows, cols)
	}
	if h.Fortran && n > 1 {
		return nil, errors.New("Fortran order: want C order (numpy.ascontiguousarray)")
	}
	v, err := npyValues(r, h.Type)
	if err != nil {
		return nil, err
	}
	for i, x := range v {
		if !(x >= 0 && x <= 1) {
			return nil, fmt.Errorf("value %v at position %d: want floats from 0 to 1", x, i)
		}
	}
	if len(v)%size != 0 {
		return nil, fmt.Errorf("%d values: want a multiple of %d", len(v), size)
	}
	return cut(v, size), nil
}

// npyValues reads all values as intensities: bytes over 255, floats as they are.
func npyValues(r *npy.Reader, dtype string) ([]float64, error) {
	switch strings.TrimLeft(dtype, "<|=") {
	case "u1":
		var b []uint8
		err := r.Read(&b)
		return scaled(b, 255), err
	case "f4":
		var b []float32
		err := r.Read(&b)
		return scaled(b, 1), err
	case "f8":
		var b []float64
		err := r.Read(&b)
		return b, err
	}
	return nil, fmt.Errorf("element type %s: want uint8, float32 or float64, little-endian", dtype)
}

func scaled[V uint8 | float32](v []V, by float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x) / by
	}
	return out
}

// cut divides v into pieces of n.
func cut(v []float64, n int) [][]float64 {
	var out [][]float64
	for ; len(v) >= n; v = v[n:] {
		out = append(out, v[:n])
	}
	return out
}
