package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/settle-pc/settle/data"
)

// pictures writes the first four test images of the set in every form that predict reads, and in some that it refuses.
func pictures(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	put := func(name string, b []byte) { ts.Check(os.WriteFile(filepath.Join(dir, name), b, 0o666)) }
	set := synthetic()
	one, four := set.Test.Images[:64], set.Test.Images[:4*64]

	put("one.png", encode(ts, gray(one, 8, func(v byte) color.Color { return color.Gray{v} })))
	put("one16.PNG", encode(ts, gray(one, 8, func(v byte) color.Color { return color.Gray16{uint16(v) * 257} })))
	put("rgb.png", encode(ts, gray(one, 8, func(v byte) color.Color { return color.RGBA{v, v, v, 255} })))
	put("inverted.png", encode(ts, gray(one, 8, func(v byte) color.Color { return color.Gray{255 - v} })))
	put("coloured.png", encode(ts, gray(one, 8, func(v byte) color.Color { return color.RGBA{v, v / 2, v, 255} })))
	put("transparent.png", encode(ts, gray(one, 8, func(v byte) color.Color { return color.NRGBA{0, 0, 0, v} })))
	put("wide.png", encode(ts, gray(four, 16, func(v byte) color.Color { return color.Gray{v} })))
	put("cut.png", encode(ts, gray(one, 8, func(v byte) color.Color { return color.Gray{v} }))[:60])
	// A header that promises 2³⁰ pixels a side.
	huge := encode(ts, gray(one, 8, func(v byte) color.Color { return color.Gray{v} }))
	binary.BigEndian.PutUint32(huge[16:], 1<<30)
	put("huge.png", huge)

	var idx bytes.Buffer
	ts.Check(data.WriteIDX(&idx, data.IDX{Dims: []int{4, 8, 8}, Data: four}))
	put("four-idx3-ubyte", idx.Bytes())
	idx.Reset()
	ts.Check(data.WriteIDX(&idx, data.IDX{Dims: []int{4}, Data: set.Test.Labels[:4]}))
	put("labels-idx1-ubyte", idx.Bytes())
	idx.Reset()
	ts.Check(data.WriteIDX(&idx, data.IDX{Dims: []int{4, 4, 16}, Data: four}))
	put("other-idx3-ubyte", idx.Bytes())

	put("u1.npy", npy("|u1", "(4, 8, 8)", four))
	put("flat.npy", npy("|u1", "(4, 64)", four))
	put("vector.npy", npy("|u1", "(64,)", one))
	put("square.npy", npy("|u1", "(8, 8)", one))
	put("f4.npy", npy("<f4", "(4, 64)", floats(four, 255, 4, binary.LittleEndian)))
	put("f8.npy", npy("<f8", "(4, 64)", floats(four, 255, 8, binary.LittleEndian)))
	put("big.npy", npy(">f8", "(4, 64)", floats(four, 255, 8, binary.BigEndian)))
	nan := floats(four, 255, 8, binary.LittleEndian)
	binary.LittleEndian.PutUint64(nan[8*70:], math.Float64bits(math.NaN()))
	put("nan.npy", npy("<f8", "(4, 64)", nan))
	put("range.npy", npy("<f8", "(4, 64)", floats(four, 1, 8, binary.LittleEndian)))
	put("int.npy", npy("<i8", "(4, 64)", floats(four, 1, 8, binary.LittleEndian)))
	put("shape.npy", npy("|u1", "(4, 32)", four[:128]))
	put("rows.npy", npy("|u1", "(8, 4, 8)", four))
	put("deep.npy", npy("|u1", "(1, 4, 8, 8)", four))
	put("none.npy", npy("|u1", "(0, 64)", nil))
	put("short.npy", npy("|u1", "(4, 64)", four[:255]))
	put("long.npy", npy("|u1", "(4, 64)", append(bytes.Clone(four), 0)))
	put("greedy.npy", npy("|u1", "(1000000000000, 64)", four))
	put("fortran.npy", bytes.Replace(npy("|u1", "(4, 64)", four), []byte("False"), []byte("True "), 1))
	put("noshape.npy", bytes.Replace(npy("|u1", "(4, 64)", four), []byte("shape"), []byte("shade"), 1))
	put("text.npy", []byte("not an array"))
	put("empty.npy", nil)
}

// gray makes a picture of the given width from bytes.
func gray(pixels []byte, width int, of func(byte) color.Color) image.Image {
	img := image.NewNRGBA64(image.Rect(0, 0, width, len(pixels)/width))
	for i, v := range pixels {
		img.Set(i%width, i/width, of(v))
	}
	switch of(0).(type) { // so that the file has the type too
	case color.Gray:
		g := image.NewGray(img.Rect)
		for i, v := range pixels {
			g.Set(i%width, i/width, of(v))
		}
		return g
	case color.Gray16:
		g := image.NewGray16(img.Rect)
		for i, v := range pixels {
			g.Set(i%width, i/width, of(v))
		}
		return g
	}
	return img
}

func encode(ts *testscript.TestScript, img image.Image) []byte {
	var b bytes.Buffer
	ts.Check(png.Encode(&b, img))
	return b.Bytes()
}

// npy lays out a version 1.0 file as NumPy does: the data start at a multiple of 64.
func npy(descr, shape string, data []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	header += strings.Repeat(" ", (64-(10+len(header)+1)%64)%64) + "\n"
	out := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	return append(append(out, header...), data...)
}

// floats writes bytes over a divisor as floats of a size.
func floats(pixels []byte, by float64, size int, order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}) []byte {
	var out []byte
	for _, v := range pixels {
		if f := float64(v) / by; size == 4 {
			out = order.AppendUint32(out, math.Float32bits(float32(f)))
		} else {
			out = order.AppendUint64(out, math.Float64bits(f))
		}
	}
	return out
}
