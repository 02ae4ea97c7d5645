package plot

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/draw"
	"image/png"
	"math"
	"strings"
	"testing"
)

// player plays an animation by the rules of its format.
type player struct {
	t        *testing.T
	header   []byte
	body     bytes.Buffer // of the frame that is being read
	box      image.Rectangle
	canvas   *image.RGBA
	sequence uint32

	announced int
	frames    []*image.RGBA
	delays    []int
}

// playAPNG checks every chunk's sum and the sequence, and shows each frame over the one before.
func playAPNG(t *testing.T, data []byte) (frames []*image.RGBA, delays []int) {
	t.Helper()
	p := &player{t: t}
	for rest := data[8:]; len(rest) > 0; {
		size := binary.BigEndian.Uint32(rest)
		name, data := string(rest[4:8]), rest[8:8+size]
		if crc32.ChecksumIEEE(rest[4:8+size]) != binary.BigEndian.Uint32(rest[8+size:]) {
			t.Errorf("chunk %s: wrong checksum", name)
		}
		rest = rest[12+size:]
		p.read(name, data)
	}
	if p.announced != len(p.frames) {
		t.Errorf("%d frames, %d announced", len(p.frames), p.announced)
	}
	return p.frames, p.delays
}

func (p *player) read(name string, data []byte) {
	switch name {
	case "IHDR":
		p.header = data
	case "acTL":
		p.announced = int(binary.BigEndian.Uint32(data))
	case "fcTL":
		p.show()
		v := p.next(data)
		u := func(i int) int { return int(binary.BigEndian.Uint32(v[4*i:])) }
		p.box = image.Rect(u(2), u(3), u(2)+u(0), u(3)+u(1))
		p.delays = append(p.delays, 100*int(binary.BigEndian.Uint16(v[16:]))/int(binary.BigEndian.Uint16(v[18:])))
	case "IDAT":
		p.body.Write(data)
	case "fdAT":
		p.body.Write(p.next(data))
	case "IEND":
		p.show()
	}
}

func (p *player) next(data []byte) []byte {
	if got := binary.BigEndian.Uint32(data); got != p.sequence {
		p.t.Errorf("sequence number %d, want %d", got, p.sequence)
	}
	p.sequence++
	return data[4:]
}

// show decodes the frame that has been read as a PNG of its own.
func (p *player) show() {
	if p.body.Len() == 0 {
		return
	}
	file := bytes.NewBufferString("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		file.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		file.WriteString(name)
		file.Write(data)
		file.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(append([]byte(name), data...))))
	}
	h := bytes.Clone(p.header)
	binary.BigEndian.PutUint32(h, uint32(p.box.Dx()))
	binary.BigEndian.PutUint32(h[4:], uint32(p.box.Dy()))
	chunk("IHDR", h)
	chunk("IDAT", p.body.Bytes())
	chunk("IEND", nil)
	img, err := png.Decode(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.canvas == nil {
		p.canvas = image.NewRGBA(p.box)
	}
	draw.Draw(p.canvas, p.box, img, image.Point{}, draw.Src)
	p.frames = append(p.frames, &image.RGBA{Pix: bytes.Clone(p.canvas.Pix), Stride: p.canvas.Stride, Rect: p.canvas.Rect})
	p.body.Reset()
}

func moving(n int) *Animation {
	a := &Animation{Delay: 7, Hold: 90}
	for k := range n {
		f := &Figure{Width: 200, Aspect: 1, Panels: [][]Axes{{{Title: "t", X: "x", Marks: []Mark{
			&HeatMap{Grid: gridOf(9, func(x, y float64) float64 { return x*y + float64(k)*math.Exp(-x*x-y*y) }), Scale: &ColorScale{Range: Range{-4, 6}}}}}}}}
		a.Frames = append(a.Frames, f)
	}
	return a
}

func TestAnimationShowsItsFrames(t *testing.T) {
	a := moving(4)
	a.Frames[2] = a.Frames[1] // nothing changes
	var file bytes.Buffer
	if err := a.Encode(&file); err != nil {
		t.Fatal(err)
	}
	frames, delays := playAPNG(t, file.Bytes())
	if len(frames) != 4 || delays[0] != 7 || delays[2] != 7 || delays[3] != 90 {
		t.Fatalf("%d frames with delays %v", len(frames), delays)
	}
	for i, f := range a.Frames {
		want, err := f.render(animationDPI)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(frames[i].Pix, want.Pix) {
			t.Errorf("frame %d differs from the figure", i+1)
		}
	}
	if still, err := png.Decode(bytes.NewReader(file.Bytes())); err != nil || still.Bounds() != frames[0].Rect {
		t.Errorf("as a plain PNG: %v", err)
	}
	var again bytes.Buffer
	if err := a.Encode(&again); err != nil || !bytes.Equal(again.Bytes(), file.Bytes()) {
		t.Errorf("another file: %v", err)
	}
}

func TestAnimationRefusesOtherLayouts(t *testing.T) {
	a := moving(2)
	a.Frames[1].Width = 220
	if err := a.Encode(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "frame 2") {
		t.Errorf("frames of two sizes: %v", err)
	}
	if err := (&Animation{Delay: -1}).Encode(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "Frames: 0") || !strings.Contains(err.Error(), "Delay -1") {
		t.Errorf("no frames and a negative delay: %v", err)
	}
}

func TestChangedIsTheRectangle(t *testing.T) {
	a, b := image.NewRGBA(image.Rect(0, 0, 20, 10)), image.NewRGBA(image.Rect(0, 0, 20, 10))
	if got := changed(a, b); got != image.Rect(0, 0, 1, 1) {
		t.Errorf("equal pictures: %v", got)
	}
	b.Pix[b.PixOffset(3, 2)+2], b.Pix[b.PixOffset(11, 7)] = 9, 9
	if got := changed(a, b); got != image.Rect(3, 2, 12, 8) {
		t.Errorf("%v, want (3,2)-(12,8)", got)
	}
}
