package plot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"runtime"
	"sync"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Animation shows figures of one layout one after the other, for ever.
type Animation struct {
	Frames []*Figure
	Delay  int // of a frame, in hundredths of a second; zero: 20
	Hold   int // of the last one, likewise; zero: as the others
}

const (
	defaultDelay = 20
	longestDelay = 60_000 // APNG has 16 bits
	mostFrames   = 500
	animationDPI = 96 // 700 pixels at the default width: frames add up
)

// Encode writes the animation as APNG: browsers play it, other programs show the first frame. Colours are exact, unlike
// those of GIF, whose 256 make stripes of smooth landscapes. A frame holds the rectangle that differs from the one before.
//
// Source: PNG Specification, Third Edition (W3C 2025), acTL, fcTL and fdAT chunks.
func (a *Animation) Encode(w io.Writer) error {
	if err := a.validate(); err != nil {
		return err
	}
	frames, err := a.render()
	if err != nil {
		return err
	}
	e := &apng{}
	e.Write([]byte(pngSignature))
	for i, f := range frames {
		delay := a.Delay
		if delay == 0 {
			delay = defaultDelay
		}
		if i == len(frames)-1 && a.Hold > 0 {
			delay = a.Hold
		}
		box := f.Rect
		if i > 0 {
			box = changed(frames[i-1], f)
		}
		if err := e.frame(f, box, delay, len(frames)); err != nil {
			return fmt.Errorf("plot: frame %d: %w", i+1, err)
		}
	}
	e.chunk("IEND", nil)
	if _, err := w.Write(e.Bytes()); err != nil {
		return fmt.Errorf("plot: animation: %w", err)
	}
	return nil
}

func (a *Animation) validate() error {
	var faults []error
	if n := len(a.Frames); n == 0 || n > mostFrames {
		faults = append(faults, fmt.Errorf("plot: Frames: %d; 1 to %d are accepted", n, mostFrames))
	}
	if a.Delay < 0 || a.Hold < 0 || a.Delay > longestDelay || a.Hold > longestDelay {
		faults = append(faults, fmt.Errorf("plot: Delay %d and Hold %d; 0 to %d are accepted", a.Delay, a.Hold, longestDelay))
	}
	for i, f := range a.Frames {
		if err := f.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("frame %d: %w", i+1, err))
		}
	}
	return errors.Join(faults...)
}

// render draws all frames, several at a time.
func (a *Animation) render() ([]*image.RGBA, error) {
	frames, faults := make([]*image.RGBA, len(a.Frames)), make([]error, len(a.Frames))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(a.Frames)) {
		wg.Go(func() {
			for i := range next {
				frames[i], faults[i] = a.Frames[i].render(animationDPI)
			}
		})
	}
	for i := range a.Frames {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for i, f := range frames {
		if f.Rect != frames[0].Rect {
			return nil, fmt.Errorf("plot: frame %d has %v pixels and the first %v; figures of one layout are accepted", i+1, f.Rect.Max, frames[0].Rect.Max)
		}
	}
	return frames, nil
}

// render draws the figure to a picture.
func (f *Figure) render(dpi int) (*image.RGBA, error) {
	l, err := newLayout(f)
	if err != nil {
		return nil, err
	}
	c := vgimg.NewWith(vgimg.UseWH(l.width, l.height), vgimg.UseDPI(dpi))
	l.draw(draw.New(c))
	img, ok := c.Image().(*image.RGBA)
	if !ok {
		return nil, errors.New("plot: the canvas holds no RGBA picture")
	}
	return img, nil
}

// changed returns the rectangle outside of which both pictures, of one size, are equal; a pixel if they are everywhere.
func changed(a, b *image.RGBA) image.Rectangle {
	box := image.Rectangle{}
	width := 4 * a.Rect.Dx()
	for y := range a.Rect.Dy() {
		p, q := a.Pix[y*a.Stride:][:width], b.Pix[y*b.Stride:][:width]
		if bytes.Equal(p, q) {
			continue
		}
		from, to := 0, width
		for p[from] == q[from] {
			from++
		}
		for p[to-1] == q[to-1] {
			to--
		}
		box = box.Union(image.Rect(from/4, y, (to+3)/4, y+1))
	}
	if box.Empty() {
		return image.Rect(0, 0, 1, 1)
	}
	return box
}

// apng is a file in the making.
type apng struct {
	bytes.Buffer
	sequence uint32
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// frame adds a frame, in the file of n: what the rectangle holds of img. The first one is also the picture for programs
// that know no animations.
func (e *apng) frame(img *image.RGBA, box image.Rectangle, delay, n int) error {
	var file bytes.Buffer
	if err := png.Encode(&file, img.SubImage(box)); err != nil {
		return err
	}
	first := e.sequence == 0
	rest := file.Bytes()[len(pngSignature):]
	for len(rest) >= 12 {
		size := binary.BigEndian.Uint32(rest)
		name, data := string(rest[4:8]), rest[8:8+size]
		rest = rest[12+size:]
		switch {
		case name == "IHDR":
			if first {
				e.chunk("IHDR", data)
				e.chunk("acTL", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(n)), 0))
			}
			e.control(box, delay)
		case name == "IDAT" && first:
			e.chunk("IDAT", data)
		case name == "IDAT":
			e.chunk("fdAT", append(e.next(), data...))
		}
	}
	return nil
}

// control adds the place and time of a frame, which stays and covers what was there.
func (e *apng) control(box image.Rectangle, delay int) {
	data := e.next()
	for _, v := range []int{box.Dx(), box.Dy(), box.Min.X, box.Min.Y} {
		data = binary.BigEndian.AppendUint32(data, uint32(v))
	}
	data = binary.BigEndian.AppendUint16(data, uint16(delay))
	data = binary.BigEndian.AppendUint16(data, 100) // of a second
	e.chunk("fcTL", append(data, 0, 0))
}

// next returns the next number in the sequence of frames' chunks.
func (e *apng) next() []byte {
	e.sequence++
	return binary.BigEndian.AppendUint32(nil, e.sequence-1)
}

func (e *apng) chunk(name string, data []byte) {
	e.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data)))) // a Buffer's Write returns no error
	e.WriteString(name)
	e.Write(data)
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(name)), crc32.IEEETable, data)
	e.Write(binary.BigEndian.AppendUint32(nil, sum))
}
