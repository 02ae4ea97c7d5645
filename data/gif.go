package data

import (
	"bufio"
	"io"
)

// gifFrames counts the frames of a GIF file without decoding any, by its blocks as image/gif reads them, up to the end or to
// where it makes no sense: what is wrong there, the decoder says. Source: GIF89a specification, W3C.
func gifFrames(r io.Reader) (n int) {
	b := bufio.NewReader(r)
	var failed bool
	skip := func(n int) {
		_, err := b.Discard(n)
		failed = failed || err != nil
	}
	next := func() byte {
		c, err := b.ReadByte()
		failed = failed || err != nil
		return c
	}
	table := func(flags byte) { // of colours
		if flags&0x80 != 0 {
			skip(3 << (1 + flags&7))
		}
	}
	chain := func() { // of sub-blocks, up to an empty one
		for size := next(); size != 0 && !failed; size = next() {
			skip(int(size))
		}
	}
	skip(10) // signature, width and height
	flags := next()
	skip(2)
	table(flags)
	for !failed {
		switch next() {
		case 0x2c: // an image
			skip(8)
			flags := next()
			table(flags)
			skip(1) // bits of the smallest code
			if !failed {
				n++
			}
			chain()
		case 0x21: // an extension
			switch next() {
			case 0x01: // text
				skip(13)
				chain()
			case 0xf9: // control
				skip(6)
			case 0xfe: // comment
				chain()
			case 0xff: // application
				skip(int(next()))
				chain()
			default:
				return n
			}
		default:
			return n
		}
	}
	return n
}
