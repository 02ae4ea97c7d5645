package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// greyImage and colourImage make a picture of bytes.
func greyImage(pixels []byte, rows, cols int) image.Image {
	img := image.NewGray(image.Rect(0, 0, cols, rows))
	copy(img.Pix, pixels)
	return img
}

func colourImage(pixels []byte, rows, cols int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, cols, rows))
	for i := range rows * cols {
		img.SetNRGBA(i%cols, i/cols, color.NRGBA{pixels[3*i], pixels[3*i+1], pixels[3*i+2], 255})
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gifOf writes as many frames as given, with the colours of a palette.
func gifOf(t testing.TB, colours color.Palette, frames ...image.Image) []byte {
	t.Helper()
	g := &gif.GIF{}
	for _, f := range frames {
		p := image.NewPaletted(f.Bounds(), colours)
		for y := range f.Bounds().Dy() {
			for x := range f.Bounds().Dx() {
				p.Set(x, y, f.At(x, y))
			}
		}
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 0)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// greys are the 256 greys.
func greys() (p color.Palette) {
	for v := range 256 {
		p = append(p, color.Gray{uint8(v)})
	}
	return p
}

// pictureFolder writes a set as PNG files. Classes are named so that their order by name is that of their labels; files are in the
// order of the samples.
func pictureFolder(t testing.TB, s *Set) fstest.MapFS {
	files := fstest.MapFS{".hidden": {}, "train/.hidden": {}, "train/c0/.hidden": {}, "labels.csv": {}}
	for half, p := range map[string]Split{"train": s.Train, "test": s.Test} {
		for i, c := range p.Labels {
			img := greyImage(p.Image(i), s.Rows, s.Cols)
			if s.Channels == 3 {
				img = colourImage(p.Image(i), s.Rows, s.Cols)
			}
			files[fmt.Sprintf("%s/c%d/%03d.png", half, c, i)] = &fstest.MapFile{Data: pngOf(t, img)}
		}
	}
	return files
}

// The samples of a synthetic set are of class 0, 1, … in turns, which is the order that a folder of pictures gives too.
func TestPicturesAreWhatWasWritten(t *testing.T) {
	for _, want := range []*Set{Synthetic(1, 30, 3, 5, 4), coloured(t, 2, 30, 3, 5, 4)} {
		got, err := Open(pictureFolder(t, want), want.Name)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d channels: %v, or another set", want.Channels, err)
		}
	}
}

// One picture in colour makes a set of three channels, wherever it is; in the others all channels are the grey.
func TestOnePictureInColour(t *testing.T) {
	s := Synthetic(3, 8, 2, 3, 2)
	for at, image := range map[string]func(*Set) []byte{
		"train/c0/000.png": func(s *Set) []byte { return s.Train.Image(0) },
		"train/c1/007.png": func(s *Set) []byte { return s.Train.Image(7) },
		"test/c1/001.png":  func(s *Set) []byte { return s.Test.Image(1) },
	} {
		red := []byte{200, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
		got, err := Open(with(pictureFolder(t, s), at, pngOf(t, colourImage(red, 2, 3))), "dir")
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		if got.Channels != 3 || got.Inputs != 18 || got.Train.N() != 8 || got.Test.N() != 2 {
			t.Errorf("%s: %d channels, %d inputs, %d + %d images", at, got.Channels, got.Inputs, got.Train.N(), got.Test.N())
		}
		var want []byte
		for _, v := range s.Train.Image(3) {
			want = append(want, v, v, v)
		}
		if !bytes.Equal(got.Train.Image(3), want) {
			t.Errorf("%s: grey became %v, want %v", at, got.Train.Image(3), want)
		}
		if !bytes.Equal(image(got), red) {
			t.Errorf("%s: %v, want %v", at, image(got), red)
		}
	}
}

// Classes go by name, take turns as long as they have files, and a test may lack some.
func TestPicturesTakeTurns(t *testing.T) {
	files := fstest.MapFS{}
	put := func(name string, v byte) {
		files[name] = &fstest.MapFile{Data: pngOf(t, greyImage([]byte{v, 0}, 1, 2))}
	}
	for i, name := range []string{"train/b/1.png", "train/a/2.png", "train/a/10.png", "train/a/3.PNG", "train/Z/x.png", "test/b/1.png", "test/b/0.png"} {
		put(name, byte(i))
	}
	s, err := Open(files, "dir")
	if err != nil {
		t.Fatal(err)
	}
	order := func(p Split) (v []byte) {
		for i := range p.N() {
			v = append(v, p.Image(i)[0])
		}
		return v
	}
	if got := order(s.Train); !slices.Equal(got, []byte{4, 2, 0, 1, 3}) || !slices.Equal(s.Train.Labels, []byte{0, 1, 2, 1, 1}) {
		t.Errorf("training: files %v, labels %v", got, s.Train.Labels)
	}
	if got := order(s.Test); !slices.Equal(got, []byte{6, 5}) || !slices.Equal(s.Test.Labels, []byte{2, 2}) || s.Classes != 3 {
		t.Errorf("test: files %v, labels %v of %d classes", got, s.Test.Labels, s.Classes)
	}
	few, err := s.Limit(3)
	if err != nil || !slices.Equal(few.Train.Labels, []byte{0, 1, 2}) {
		t.Errorf("limit 3: labels %v, %v", few.Train.Labels, err)
	}
}

// TestPictureFormats reads what the encoders wrote, pixel by pixel as package image sees it.
func TestPictureFormats(t *testing.T) {
	grey := greyImage([]byte{0, 50, 100, 150, 200, 255}, 2, 3)
	colour := colourImage([]byte{250, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}, 2, 3)
	deep := image.NewGray16(image.Rect(0, 0, 3, 2))
	for i, v := range []uint16{0, 128, 129, 257, 65535 - 128, 65535 - 129} {
		deep.SetGray16(i%3, i/3, color.Gray16{v})
	}
	offset := image.NewGray(image.Rect(10, 20, 13, 22))
	copy(offset.Pix, []byte{9, 8, 7, 6, 5, 4})
	for name, c := range map[string]struct {
		file   []byte
		bytes  []byte // exactly, or nil: what its own decoder says
		colour bool
	}{
		"png":        {pngOf(t, grey), []byte{0, 50, 100, 150, 200, 255}, false},
		"rgb png":    {pngOf(t, colour), []byte{250, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}, true},
		"16-bit png": {pngOf(t, deep), []byte{0, 0, 1, 1, 255, 254}, false}, // halves of 257 are 128.5
		"window":     {pngOf(t, offset), []byte{9, 8, 7, 6, 5, 4}, false},
		"gif":        {gifOf(t, greys(), grey), []byte{0, 50, 100, 150, 200, 255}, false},
		"colour gif": {gifOf(t, palette.Plan9, colour), nil, true},
		"jpeg":       {jpegOf(t, grey), nil, false},
		"rgb jpeg":   {jpegOf(t, colour), nil, true},
	} {
		p, err := ReadPicture(bytes.NewReader(c.file), nil)
		if err != nil || p.Rows != 2 || p.Cols != 3 {
			t.Errorf("%s: %d×%d, %v", name, p.Rows, p.Cols, err)
			continue
		}
		if _, _, got := p.Colour(); got != c.colour {
			t.Errorf("%s: colour %v", name, got)
		}
		img, _, err := image.Decode(bytes.NewReader(c.file))
		if err != nil {
			t.Fatal(err)
		}
		for y := range 2 {
			for x := range 3 {
				r, g, b, _ := img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y).RGBA()
				if got := p.RGB[(y*3+x)*3:][:3]; !slices.Equal(got, []uint16{uint16(r), uint16(g), uint16(b)}) {
					t.Errorf("%s: pixel (%d, %d) is %v, want %d %d %d", name, x, y, got, r, g, b)
				}
			}
		}
		channels := 1
		if c.colour {
			channels = 3
		}
		got := make([]byte, 6*channels)
		if p.bytes(got, channels); c.bytes != nil && !bytes.Equal(got, c.bytes) {
			t.Errorf("%s: bytes %v, want %v", name, got, c.bytes)
		}
	}
}

func TestPicturesNameTheFault(t *testing.T) {
	s := Synthetic(4, 8, 2, 3, 2)
	good := pictureFolder(t, s)
	grey := greyImage(s.Train.Image(0), 2, 3)
	veiled := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range veiled.Pix {
		veiled.Pix[i] = 255
	}
	veiled.Pix[4*4+3] = 254
	small := image.NewGray(image.Rect(0, 0, 2, 2))
	part := gifOf(t, greys(), grey)
	// The screen of a GIF file is 16 bits of width after 6 bytes of name: here wider than its frame.
	part[6] = 4
	huge := pngOf(t, grey)
	binary.BigEndian.PutUint32(huge[16:], 1<<13)
	binary.BigEndian.PutUint32(huge[20:], 1<<12)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for _, c := range []struct {
		name, file string
		content    []byte
		words      string
	}{
		{"a file among the classes", "train/list.txt", []byte{}, "dir/train/list.txt: a file (accepted: a folder for every class)"},
		{"another kind of file", "train/c0/a.bmp", []byte{}, "dir/train/c0/a.bmp: not a picture by its name (accepted: files *.png, *.jpg, *.jpeg, *.gif)"},
		{"a folder in a class", "train/c0/more.png/a.png", pngOf(t, grey), "dir/train/c0/more.png: not a picture"},
		{"a class of the test alone", "test/c2/a.png", pngOf(t, grey), "dir/test/c2: no such class in dir/train (accepted: the 2 there, from c0 to c1)"},
		{"text", "test/c1/001.png", []byte("text"), "dir/test/c1/001.png: not a PNG, JPEG or GIF image"},
		{"nothing", "test/c1/001.png", []byte{}, "dir/test/c1/001.png: not a PNG, JPEG or GIF image"},
		{"another size", "test/c1/001.png", pngOf(t, small), "dir/test/c1/001.png: 2×2 pixels (accepted: 3×2, as in dir/train/c0/000.png)"},
		{"another size first", "train/c0/000.png", pngOf(t, small), "dir/train/c1/001.png: 3×2 pixels (accepted: 2×2, as in dir/train/c0/000.png)"},
		{"transparent", "train/c1/003.png", pngOf(t, veiled), "dir/train/c1/003.png: pixel (1, 1) is transparent"},
		{"animated", "train/c1/003.png", gifOf(t, greys(), grey, grey), "dir/train/c1/003.png: GIF image cannot be read: 2 frames: want 1"},
		{"a frame of a part", "train/c0/000.png", part, "dir/train/c0/000.png: frame of 3×2 pixels in an image of 4×2"},
		{"a header that promises much", "train/c0/000.png", huge, "dir/train/c0/000.png: 8192×4096 pixels: want from 1 to 16777216"},
	} {
		files := with(good, c.file, c.content)
		if c.name == "a frame of a part" { // all of that size
			files = fstest.MapFS{}
			for name := range good {
				if strings.HasSuffix(name, ".png") {
					files[name] = &fstest.MapFile{Data: part}
				}
			}
		}
		_, err := Open(files, "dir")
		if err == nil || !strings.HasPrefix(err.Error(), "data: "+c.words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.name, err, c.words)
		}
	}
}

func TestPictureFoldersNameTheFault(t *testing.T) {
	good := pictureFolder(t, Synthetic(4, 8, 2, 3, 2))
	for name, c := range map[string]struct {
		files fstest.MapFS
		words string
	}{
		"no test":         {fstest.MapFS{"train/c0/a.png": good["train/c0/000.png"]}, "dir: file does not exist: test; the folder has train"},
		"train is a file": {fstest.MapFS{"train": {}, "test": {}}, "dir/train: "},
		"one class":       {fstest.MapFS{"train/c0/a.png": good["train/c0/000.png"], "test/c0/a.png": good["train/c0/000.png"]}, "dir/train: 1 classes (accepted: folders of 2 to 256)"},
		"an empty class":  {with(with(good, "train/c2/.keep", []byte{}), "test/c2/.keep", []byte{}), "dir/train/c2: empty (accepted: files *.png"},
	} {
		if _, err := Open(c.files, "dir"); err == nil || !strings.HasPrefix(err.Error(), "data: "+c.words) {
			t.Errorf("%s: %v, want %q", name, err, c.words)
		}
	}
	if _, err := Open(manyClasses(t), "dir"); err == nil || !strings.Contains(err.Error(), "257 classes") {
		t.Errorf("257 classes: %v", err)
	}
}

// manyClasses is a folder with a class more than labels can number.
func manyClasses(t *testing.T) fstest.MapFS {
	files := fstest.MapFS{"test/c0/a.png": {}}
	for c := range math.MaxUint8 + 2 {
		files[fmt.Sprintf("train/c%d/a.png", c)] = &fstest.MapFile{Data: pngOf(t, greyImage([]byte{byte(c)}, 1, 1))}
	}
	return files
}

// TestDamagedPicturesAreNoticed cuts a picture of each format at every length, and inverts each byte of a PNG file, whose parts have
// sums.
func TestDamagedPicturesAreNoticed(t *testing.T) {
	pixels := make([]byte, 3*9*7)
	for i := range pixels {
		pixels[i] = byte(i * i)
	}
	img := colourImage(pixels, 9, 7)
	for kind, file := range map[string][]byte{"png": pngOf(t, img), "jpeg": jpegOf(t, img), "gif": gifOf(t, palette.Plan9, img)} {
		want, err := ReadPicture(bytes.NewReader(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		for k := range file {
			if p, err := ReadPicture(bytes.NewReader(file[:k]), nil); err == nil {
				t.Errorf("%s cut to %d of %d bytes: %d×%d pixels", kind, k, len(file), p.Rows, p.Cols)
			}
			damaged := bytes.Clone(file)
			damaged[k] ^= 0xff
			p, err := ReadPicture(bytes.NewReader(damaged), nil)
			if kind == "png" && err == nil && !reflect.DeepEqual(p, want) {
				t.Errorf("png damaged at byte %d: another picture", k)
			}
		}
	}
}

// TestPicturesInSystemFolders follows links, as data sets often have them.
func TestPicturesInSystemFolders(t *testing.T) {
	want := Synthetic(5, 8, 2, 3, 2)
	dir, elsewhere := t.TempDir(), t.TempDir()
	for name, f := range pictureFolder(t, want) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"train/c1", "test/c0/000.png"} {
		target := filepath.Join(elsewhere, filepath.Base(name))
		if err := os.Rename(filepath.Join(dir, name), target); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("no links on this system: ", err)
		}
	}
	got, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name = want.Name; !reflect.DeepEqual(got, want) {
		t.Error("another set")
	}
}

// FuzzPicture: no file panics, and what is accepted has all its pixels.
func FuzzPicture(f *testing.F) {
	grey, colour := greyImage([]byte{1, 2, 3, 4, 5, 6}, 2, 3), colourImage([]byte{1, 2, 3, 4, 5, 6}, 1, 2)
	for _, img := range []image.Image{grey, colour} {
		f.Add(pngOf(f, img))
		f.Add(jpegOf(f, img))
		f.Add(gifOf(f, palette.Plan9, img))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		small := func(rows, cols int) error {
			if rows*cols > 1<<12 {
				return fmt.Errorf("%d×%d", rows, cols)
			}
			return nil
		}
		p, err := ReadPicture(bytes.NewReader(file), small)
		if err == nil && (p.Rows < 1 || p.Cols < 1 || len(p.RGB) != 3*p.Rows*p.Cols) {
			t.Errorf("%d×%d pixels in %d samples", p.Rows, p.Cols, len(p.RGB))
		}
	})
}

// An animation is refused before any of its frames gets memory: a small file may have thousands of large ones.
func TestAnimationsCostNoMemory(t *testing.T) {
	const frames = 50
	img := image.NewGray(image.Rect(0, 0, 1000, 1000))
	var all []image.Image
	for range frames {
		all = append(all, img)
	}
	file := gifOf(t, greys(), all...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadPicture(bytes.NewReader(file), nil)
	runtime.ReadMemStats(&after)
	if want := fmt.Sprintf("GIF image cannot be read: %d frames: want 1", frames); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes of memory for a file of %d", got, len(file))
	}
}

// Frames are counted by the blocks of the file, of all kinds, and up to where it is cut.
func TestFramesOfAGIF(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	two := gifOf(t, greys(), img, img)
	if n := gifFrames(bytes.NewReader(two)); n != 2 {
		t.Fatalf("%d frames, want 2", n)
	}
	table := 13
	if two[10]&0x80 != 0 {
		table += 3 << (1 + two[10]&7)
	}
	for name, block := range map[string]string{
		"comment": "\x21\xfe\x03abc\x01d\x00", "application": "\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00", "a short name": "\x21\xff\x00\x01\x2c\x00",
		"text": "\x21\x01\x0c123456789012\x01a\x00", "control": "\x21\xf9\x04\x00\x00\x00\x00\x00",
	} {
		if n := gifFrames(bytes.NewReader(slices.Concat(two[:table], []byte(block), two[table:]))); n != 2 {
			t.Errorf("%s: %d frames, want 2", name, n)
		}
	}
	for n := range two {
		if got := gifFrames(bytes.NewReader(two[:n])); got > 2 {
			t.Errorf("%d frames in the first %d bytes", got, n)
		}
	}
}
