package main

import (
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"strings"

	"github.com/settle-pc/settle/data"
)

// readImages reads, for a command, the images in a file, each rows×cols intensities from 0 to 1, row-major.
func readImages(command, name string, rows, cols int) ([][]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
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
		return nil, fmt.Errorf("%s %s: %w", command, name, err)
	}
	return images, nil
}

func readPNG(f *os.File, rows, cols int) ([][]float64, error) {
	// The size first: decoding asks for the memory that the header promises.
	c, err := png.DecodeConfig(f)
	if err != nil {
		return nil, fmt.Errorf("not a PNG image: %w", err)
	}
	if c.Width != cols || c.Height != rows {
		return nil, fmt.Errorf("%d×%d pixels: want %d×%d", c.Width, c.Height, cols, rows)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("not a PNG image: %w", err)
	}
	out := make([]float64, 0, rows*cols)
	for y := range rows {
		for x := range cols {
			r, g, b, alpha := img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y).RGBA()
			switch {
			case alpha != math.MaxUint16:
				return nil, fmt.Errorf("pixel (%d, %d) is transparent: want a grey image without transparency", x, y)
			case r != g || g != b:
				return nil, fmt.Errorf("pixel (%d, %d) is coloured: want a grey image", x, y)
			}
			out = append(out, float64(r)/math.MaxUint16)
		}
	}
	return [][]float64{out}, nil
}

func readIDX(f *os.File, rows, cols int) ([][]float64, error) {
	x, err := data.ReadIDX(f, "an IDX file, since its name ends neither in .png nor in .npy")
	if err != nil {
		return nil, err
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
	a, err := readArray(f)
	if err != nil {
		return nil, err
	}
	size, n := rows*cols, len(a.shape)
	flat := n <= 2 && a.shape[n-1] == size
	square := n >= 2 && n <= 3 && a.shape[n-2] == rows && a.shape[n-1] == cols
	if !flat && !square {
		return nil, fmt.Errorf("shape %v: want [%d], [N %d], [%d %d] or [N %d %d]", a.shape, size, size, rows, cols, rows, cols)
	}
	for i, x := range a.values {
		if !(x >= 0 && x <= 1) {
			return nil, fmt.Errorf("value %v at position %d: want bytes, or floats from 0 to 1", x, i)
		}
	}
	return cut(a.values, size), nil
}

// cut divides v into pieces of n.
func cut(v []float64, n int) [][]float64 {
	var out [][]float64
	for ; len(v) >= n; v = v[n:] {
		out = append(out, v[:n])
	}
	return out
}
