package plot

import (
	_ "embed"
	"math"
	"sort"
	"strings"
	"unicode"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// DejaVu Sans 2.37 has the symbols of the notation (∇, ℒ, θ, Δ, subscripts, superscripts); gonum's default font drops
// them. Its licence lies beside it.
//
//go:embed fonts/DejaVuSans.ttf
var dejavu []byte

const typeface = "DejaVu Sans"

var parsed = func() *opentype.Font {
	f, err := opentype.Parse(dejavu)
	if err != nil {
		panic("plot: embedded font cannot be parsed")
	}
	return f
}()

// Sizes of text, in points. At the default width of a figure a point is 4/3 pixels.
const (
	tickSize   vg.Length = 8.5
	legendSize vg.Length = 9
	labelSize  vg.Length = 9.5
	titleSize  vg.Length = 10.5
	headSize   vg.Length = 12
)

// ink is how a text is written; align is the part of its width that lies left of the point where it is put.
type ink struct {
	size  vg.Length
	color Color
	align float64
}

const (
	fromLeft  = 0
	centred   = 0.5
	fromRight = 1
)

const (
	leading   = 1.25  // baseline to baseline, in ems
	capHeight = 0.729 // of DejaVu Sans, in ems
	descent   = 0.236
)

func face(size vg.Length) font.Face {
	return font.Face{Font: font.Font{Typeface: typeface, Size: size}, Face: parsed}
}

func textWidth(s string, size vg.Length) vg.Length {
	f := face(size)
	return f.Width(s)
}

func linesHeight(lines []string, size vg.Length) vg.Length {
	return vg.Length(len(lines)) * leading * size
}

func widest(lines []string, size vg.Length) vg.Length {
	w := vg.Length(0)
	for _, s := range lines {
		w = max(w, textWidth(s, size))
	}
	return w
}

// write puts s on the canvas with its baseline at pt.
func (k ink) write(c vg.Canvas, s string, pt vg.Point) {
	if s == "" {
		return
	}
	c.SetColor(k.color)
	c.FillString(face(k.size), vg.Point{X: pt.X - vg.Length(k.align)*textWidth(s, k.size), Y: pt.Y}, s)
}

// writeUp turns s by a quarter: it is read from below, with its baseline at pt.X.
func (k ink) writeUp(c vg.Canvas, s string, pt vg.Point) {
	c.Push()
	c.Translate(pt)
	c.Rotate(math.Pi / 2)
	k.write(c, s, vg.Point{})
	c.Pop()
}

// wrap breaks s at its line breaks, and at spaces where a line would pass width, into lines of about the same length.
// A word that is too long stays whole.
func wrap(s string, size, width vg.Length) []string {
	s = printable(s)
	if strings.TrimSpace(s) == "" {
		return nil
	}
	lines := breakLines(s, size, width)
	const half = 14 // steps of 5 %; below half the width there would be more lines
	for range half {
		width *= 0.95
		even := breakLines(s, size, width)
		if len(even) > len(lines) || widest(even, size) > width {
			break
		}
		lines = even
	}
	return lines
}

// shorten cuts s to width, with … at its end, for places that cannot grow.
func shorten(s string, size, width vg.Length) string {
	if textWidth(s, size) <= width {
		return s
	}
	runes := []rune(s)
	keep := sort.Search(len(runes), func(n int) bool { return textWidth(string(runes[:n])+"…", size) > width })
	return string(runes[:max(keep-1, 0)]) + "…"
}

func breakLines(s string, size, width vg.Length) []string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			lines = append(lines, "")
			continue
		}
		last := words[0]
		for _, w := range words[1:] {
			if textWidth(last+" "+w, size) > width {
				lines = append(lines, last)
				last = w
			} else {
				last += " " + w
			}
		}
		lines = append(lines, last)
	}
	return lines
}

// printable replaces what the font or the formats cannot show: control characters by spaces, letters of the
// mathematical alphabets beyond U+FFFF (which PDF text cannot hold) by their nearest relatives, others by U+FFFD.
func printable(s string) string {
	var buf sfnt.Buffer
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsControl(r):
			return ' '
		case r > 0xFFFF:
			r = plainLetter(r)
		}
		if i, err := parsed.GlyphIndex(&buf, r); err != nil || i == 0 {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// plainLetter maps U+1D400 … U+1D6A3, thirteen alphabets of 52 letters, to the script letters below U+FFFF where it is
// a script capital that has one, and to A … z otherwise.
func plainLetter(r rune) rune {
	const first, last, script, boldScriptEnd = 0x1D400, 0x1D6A3, 0x1D49C, 0x1D503
	if r < first || r > last {
		return unicode.ReplacementChar
	}
	letter := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(r-first)%52]
	if r >= script && r <= boldScriptEnd {
		if s, ok := scriptCapitals[letter]; ok {
			return s
		}
	}
	return rune(letter)
}

var scriptCapitals = map[byte]rune{'B': 'ℬ', 'E': 'ℰ', 'F': 'ℱ', 'H': 'ℋ', 'I': 'ℐ', 'L': 'ℒ', 'M': 'ℳ', 'R': 'ℛ'}
