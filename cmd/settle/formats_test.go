package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/settle-pc/settle/data"
)

// tinted is synthetic's counterpart in colour: three columns of a grey image are the channels of a pixel.
func tinted(n, side int) *data.Set {
	grey := data.Synthetic(7, n, side, 3*side, 4)
	s, err := data.New("tinted", data.Size{Rows: side, Cols: side, Channels: 3}, grey.Train, grey.Test)
	if err != nil {
		panic(err)
	}
	return s
}

// formats writes sets in every format that --data takes but IDX, and pictures in colour:  formats DIR
//
// arrays, packed.npz and pictures hold the same images as the folder set; colour and colour.npz the same as each other.
func formats(ts *testscript.TestScript, _ bool, args []string) {
	put := func(name string, b []byte) {
		file := filepath.Join(ts.MkAbs(args[0]), filepath.FromSlash(name))
		ts.Check(os.MkdirAll(filepath.Dir(file), 0o777))
		ts.Check(os.WriteFile(file, b, 0o666))
	}
	grey, colour, large := synthetic(), tinted(240, 8), tinted(50, 32)
	for name, content := range arrays(grey) {
		put("arrays/"+name, content)
	}
	put("packed.npz", pack(ts, arrays(grey)))
	put("colour.npz", pack(ts, arrays(colour)))
	folders(ts, grey, func(name string, b []byte) { put("pictures/"+name, b) })
	folders(ts, colour, func(name string, b []byte) { put("colour/"+name, b) })
	for b := range 5 {
		put(fmt.Sprintf("cifar/data_batch_%d.bin", b+1), planes(large.Train, 10*b, 10*b+10))
	}
	put("cifar/test_batch.bin", planes(large.Test, 0, large.Test.N()))

	one, four := paint(colour, colour.Test.Image(1)), colour.Test.Images[:4*192]
	var b bytes.Buffer
	ts.Check(jpeg.Encode(&b, one, &jpeg.Options{Quality: 100}))
	put("one.jpg", b.Bytes())
	put("one.png", encode(ts, one))
	put("grey.png", encode(ts, paint(grey, grey.Test.Image(0))))
	put("wide.png", encode(ts, paint(large, large.Test.Image(0))))
	put("one.npy", npy("|u1", "(8, 8, 3)", colour.Test.Image(1)))
	put("four.npy", npy("|u1", "(4, 8, 8, 3)", four))
	put("flat.npy", npy("|u1", "(4, 192)", four))
	put("f8.npy", npy("<f8", "(4, 8, 8, 3)", floats(four, 255, 8, binary.LittleEndian)))
	put("first.npy", npy("|u1", "(4, 3, 8, 8)", four))
	b.Reset()
	ts.Check(data.WriteIDX(&b, data.IDX{Dims: []int{4, 8, 8, 3}, Data: four}))
	put("four-idx4-ubyte", b.Bytes())
}

// arrays are the four files of a set in NumPy's format.
func arrays(s *data.Set) map[string][]byte {
	out := map[string][]byte{}
	for half, p := range map[string]data.Split{"train": s.Train, "test": s.Test} {
		size := fmt.Sprintf("%d, %d, %d", p.N(), s.Rows, s.Cols)
		if s.Channels > 1 {
			size += fmt.Sprintf(", %d", s.Channels)
		}
		out["x_"+half+".npy"] = npy("|u1", "("+size+")", p.Images)
		out["y_"+half+".npy"] = npy("|u1", fmt.Sprintf("(%d, 1)", p.N()), p.Labels)
	}
	return out
}

// pack makes an .npz file.
func pack(ts *testscript.TestScript, files map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		ts.Check(err)
		_, err = w.Write(content)
		ts.Check(err)
	}
	ts.Check(z.Close())
	return b.Bytes()
}

// folders writes each image to a folder of its class, as PNG and, every third where it is grey, as GIF.
func folders(ts *testscript.TestScript, s *data.Set, put func(string, []byte)) {
	for half, p := range map[string]data.Split{"train": s.Train, "test": s.Test} {
		for i, class := range p.Labels {
			img := paint(s, p.Image(i))
			name := fmt.Sprintf("%s/class %d/%04d", half, class, i)
			if i%3 > 0 || s.Channels > 1 {
				put(name+".png", encode(ts, img))
				continue
			}
			shades := color.Palette{}
			for v := range 256 {
				shades = append(shades, color.Gray{uint8(v)})
			}
			exact := image.NewPaletted(img.Bounds(), shades)
			for k, v := range p.Image(i) {
				exact.Pix[k] = v
			}
			var b bytes.Buffer
			ts.Check(gif.Encode(&b, exact, nil)) // keeps a palette that fits
			put(name+".gif", b.Bytes())
		}
	}
}

// paint makes a picture of an image of the set.
func paint(s *data.Set, pixels []byte) image.Image {
	if s.Channels == 1 {
		return gray(pixels, s.Cols, func(v byte) color.Color { return color.Gray{v} })
	}
	img := image.NewNRGBA(image.Rect(0, 0, s.Cols, s.Rows))
	for i := 0; i < len(pixels); i += 3 {
		img.Set(i/3%s.Cols, i/3/s.Cols, color.NRGBA{pixels[i], pixels[i+1], pixels[i+2], 255})
	}
	return img
}

// planes writes samples lo ≤ i < hi as records of CIFAR-10.
func planes(p data.Split, lo, hi int) []byte {
	var out []byte
	for i := lo; i < hi; i++ {
		out = append(out, p.Labels[i])
		for c := range 3 {
			for k := c; k < len(p.Image(i)); k += 3 {
				out = append(out, p.Image(i)[k])
			}
		}
	}
	return out
}
