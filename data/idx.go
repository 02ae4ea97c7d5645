package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// IDX is an array of unsigned bytes, as LeCun's IDX files hold them: images×rows×columns, or labels.
//
// The format is: two zero bytes, the element type, the number of dimensions, each dimension as a big-endian uint32,
// the elements in row-major order.
type IDX struct {
	Dims []int  // 1 to 4 of them, none 0; the first counts the items
	Data []byte // row-major
}

const (
	unsignedBytes = 0x08       // the element type
	maxDims       = 4          // images × rows × columns × channels
	maxBytes      = 1<<31 - 1  // of elements: what a 32-bit int counts
	firstRead     = 64 << 10   // read before anything is believed
	growth        = 16         // memory asked for, over bytes that are there
	bufferSize    = 64 << 10   // for a gzip reader that works byte by byte
	gzipMagic     = "\x1f\x8b" // RFC 1952
)

// idxTypes names the element types of the format.
var idxTypes = map[byte]string{
	0x08: "unsigned bytes", 0x09: "signed bytes", 0x0b: "16-bit integers", 0x0c: "32-bit integers",
	0x0d: "32-bit floats", 0x0e: "64-bit floats",
}

// ReadIDX reads one array of unsigned bytes to the end of r, through gzip if r starts like a gzip file. Anything but
// exactly one array of at most 2³¹−1 elements is an error, which starts with "data: " and the given name and says what
// was found and what is accepted.
//
// Memory follows the bytes that are there, never what the header promises: at most 64 KiB or 16 times what was read.
func ReadIDX(r io.Reader, name string) (IDX, error) {
	x, err := readIDX(bufio.NewReaderSize(r, bufferSize))
	if err != nil {
		return IDX{}, fmt.Errorf("data: %s: %w", name, err)
	}
	return x, nil
}

func readIDX(b *bufio.Reader) (IDX, error) {
	var r io.Reader = b
	if magic, _ := b.Peek(len(gzipMagic)); string(magic) == gzipMagic {
		z, err := gzip.NewReader(b)
		if err != nil {
			return IDX{}, fmt.Errorf("gzip header damaged or cut short: %w", cut(err))
		}
		r = z
	}
	dims, err := readDims(r)
	if err != nil {
		return IDX{}, err
	}
	total := 1
	for _, d := range dims {
		total *= d
	}
	data, err := readBytes(r, total)
	if err != nil {
		return IDX{}, fmt.Errorf("header announces %d bytes (%s), %d could be read: %w", total, shape(dims), len(data), cut(err))
	}
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return IDX{}, fmt.Errorf("goes on after the %d bytes (%s) that its header announces", len(data), shape(dims))
	case err != io.EOF: // gzip checks its sums here
		return IDX{}, fmt.Errorf("damaged at its end: %w", err)
	}
	return IDX{Dims: dims, Data: data}, nil
}

// readDims reads the header.
func readDims(r io.Reader) ([]int, error) {
	var magic [4]byte
	switch n, err := io.ReadFull(r, magic[:]); {
	case n == 0 && err == io.EOF:
		return nil, errors.New("empty (accepted: an IDX file, gzipped or not)")
	case err != nil:
		return nil, fmt.Errorf("IDX header: %d bytes could be read (accepted: at least 8): %w", n, cut(err))
	}
	kind, known := idxTypes[magic[2]]
	switch {
	case magic[0] != 0 || magic[1] != 0 || !known:
		return nil, fmt.Errorf("not an IDX file: starts with % x (accepted: 00 00 08 and the number of dimensions)", magic)
	case magic[2] != unsignedBytes:
		return nil, fmt.Errorf("elements are %s, type %#02x (accepted: unsigned bytes, 0x08)", kind, magic[2])
	case magic[3] < 1 || magic[3] > maxDims:
		return nil, fmt.Errorf("%d dimensions (accepted: 1 to %d)", magic[3], maxDims)
	}
	raw := make([]byte, 4*int(magic[3]))
	if n, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("IDX header: %d bytes could be read (accepted: %d, for %d dimensions): %w", 4+n, 4+len(raw), magic[3], cut(err))
	}
	return decodeDims(raw)
}

// decodeDims checks each dimension and their product before either becomes an int.
func decodeDims(raw []byte) ([]int, error) {
	dims, total := make([]int, len(raw)/4), uint64(1)
	for i := range dims {
		d := binary.BigEndian.Uint32(raw[4*i:])
		if d == 0 {
			return nil, fmt.Errorf("dimension %d of %d is 0 (accepted: 1 or more)", i+1, len(dims))
		}
		if total *= uint64(d); total > maxBytes { // both factors are below 2³², so the product is exact
			return nil, fmt.Errorf("header announces %d or more bytes (accepted: up to %d)", total, maxBytes)
		}
		dims[i] = int(d)
	}
	return dims, nil
}

// readBytes reads total bytes, or returns those that it could read and why not more. Memory grows 16-fold, not twofold:
// a set of 47 MB then leaves 17 MB behind for the collector instead of 47.
func readBytes(r io.Reader, total int) ([]byte, error) {
	var data []byte
	for have := 0; have < total; {
		size := total
		if have < total/growth {
			size = max(min(firstRead, total), growth*have)
		}
		grown := make([]byte, size)
		copy(grown, data)
		n, err := io.ReadFull(r, grown[have:])
		have += n
		if data = grown[:have]; err != nil {
			return data, err
		}
	}
	return data, nil
}

// cut names the end of a file where there should be more.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// shape writes dims as 60000×28×28.
func shape(dims []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(dims), "[]"), " ", "×")
}

// WriteIDX writes x uncompressed, as ReadIDX reads it.
func WriteIDX(w io.Writer, x IDX) error {
	if _, err := w.Write(x.header()); err != nil {
		return err
	}
	_, err := w.Write(x.Data)
	return err
}

// SHA256 returns the checksum of the bytes that WriteIDX writes: that of an IDX file's uncompressed content.
func (x IDX) SHA256() [sha256.Size]byte {
	sum := sha256.New()
	sum.Write(x.header())
	sum.Write(x.Data)
	return [sha256.Size]byte(sum.Sum(nil))
}

func (x IDX) header() []byte {
	if len(x.Dims) < 1 || len(x.Dims) > maxDims {
		panic("data: an IDX array has 1 to 4 dimensions")
	}
	head := bytes.NewBuffer([]byte{0, 0, unsignedBytes, byte(len(x.Dims))})
	total := 1
	for _, d := range x.Dims {
		if d < 1 || d > maxBytes/total {
			panic("data: dimension of an IDX array out of range")
		}
		total *= d
		binary.Write(head, binary.BigEndian, uint32(d)) // to memory: cannot fail
	}
	if len(x.Data) != total {
		panic("data: IDX data does not fill its dimensions")
	}
	return head.Bytes()
}
