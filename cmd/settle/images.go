package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
)

// readImages reads, for a command, the images in a file, each with the values from 0 to 1 of one that the model is for, row by row, a pixel's
// channels side by side.
func readImages(command, name string, m model.Meta) ([][]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	defer f.Close()
	var images [][]float64
	switch {
	case data.IsPicture(name):
		images, err = readPicture(f, m)
	case strings.HasSuffix(strings.ToLower(name), ".npy"):
		images, err = readNPY(f, m)
	default:
		images, err = readIDX(f, m)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", command, name, err)
	}
	return images, nil
}

// readPicture reads a PNG, JPEG or GIF file. A grey picture will do for a model of three channels.
func readPicture(f *os.File, m model.Meta) ([][]float64, error) {
	if m.Channels != 1 && m.Channels != 3 {
		return nil, fmt.Errorf("a picture: want .npy or IDX for a model of images with %d channels", m.Channels)
	}
	p, err := data.ReadPicture(f, func(rows, cols int) error {
		if rows != m.Rows || cols != m.Cols {
			return fmt.Errorf("%d×%d pixels: want %d×%d", cols, rows, m.Cols, m.Rows)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	step := 1
	if m.Channels == 1 {
		if x, y, coloured := p.Colour(); coloured {
			return nil, fmt.Errorf("pixel (%d, %d) is coloured: want a grey image", x, y)
		}
		step = 3
	}
	var out []float64
	for i := 0; i < len(p.RGB); i += step {
		out = append(out, float64(p.RGB[i])/math.MaxUint16)
	}
	return [][]float64{out}, nil
}

// readIDX reads images × rows × columns, × channels where there are several.
func readIDX(f *os.File, m model.Meta) ([][]float64, error) {
	x, err := data.ReadIDX(f, "an IDX file, since its name ends neither as a picture's nor in .npy")
	if err != nil {
		return nil, err
	}
	switch {
	case len(x.Dims) == 3 && m.Channels == 1:
	case len(x.Dims) == 4 && x.Dims[3] == m.Channels:
	case m.Channels == 1:
		return nil, fmt.Errorf("%d axes: want images, rows and columns", len(x.Dims))
	default:
		return nil, fmt.Errorf("axes %v: want images, rows, columns and %d channels", x.Dims, m.Channels)
	}
	if x.Dims[1] != m.Rows || x.Dims[2] != m.Cols {
		return nil, fmt.Errorf("images of %d×%d: want %d×%d", x.Dims[1], x.Dims[2], m.Rows, m.Cols)
	}
	v := make([]float64, len(x.Data))
	for i, b := range x.Data {
		v[i] = float64(b) / 255
	}
	return cut(v, m.Rows*m.Cols*m.Channels), nil
}

// readNPY reads an array whose last axis has all values of an image, or whose last axes are rows, columns and, where there are several,
// channels.
func readNPY(f *os.File, m model.Meta) ([][]float64, error) {
	a, err := data.ReadNPY(f)
	if err != nil {
		return nil, err
	}
	size := m.Rows * m.Cols * m.Channels
	image := []int{m.Rows, m.Cols, m.Channels}
	if m.Channels == 1 {
		image = image[:2]
	}
	if !ends(a.Shape, []int{size}) && !ends(a.Shape, image) {
		axes := strings.Trim(fmt.Sprint(image), "[]")
		return nil, fmt.Errorf("shape %v: want [%d], [N %d], [%s] or [N %s]", a.Shape, size, size, axes, axes)
	}
	values, err := a.Intensities()
	if err != nil {
		return nil, err
	}
	for i, x := range values {
		if !(x >= 0 && x <= 1) {
			return nil, fmt.Errorf("value %v at position %d: want bytes, or floats from 0 to 1", x, i)
		}
	}
	return cut(values, size), nil
}

// ends reports whether a shape is that of one image, or of several.
func ends(shape, image []int) bool {
	if len(shape) == len(image)+1 {
		shape = shape[1:]
	}
	return slices.Equal(shape, image)
}

// cut divides v into pieces of n.
func cut(v []float64, n int) [][]float64 {
	var out [][]float64
	for ; len(v) >= n; v = v[n:] {
		out = append(out, v[:n])
	}
	return out
}
