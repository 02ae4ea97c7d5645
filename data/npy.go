package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// NPY is an array of numbers as NumPy's .npy files hold it (NEP 1), in C order.
type NPY struct {
	Shape []int  // at least one axis, none of them empty
	Type  string // of the elements, as in the file: |u1, <f4, >i8, …
	Data  []byte // the elements, row-major
}

// The header of a .npy file is a Python dictionary, in this form in every file that NumPy writes.
var (
	npyType    = regexp.MustCompile(`'descr': *'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape   = regexp.MustCompile(`'shape': *\(([0-9, ]*)\)`)
	npyNumber  = regexp.MustCompile(`^[<>|=]?([iu])([1248])$|^[<>|=]?(f)([48])$`)
)

const (
	npyMagic     = "\x93NUMPY"
	maxNPYHeader = 64 << 10
)

// ReadNPY reads the array of integers or floats that r holds to its end. Memory follows the bytes that are there, not the header, as
// in ReadIDX. Errors say what was found and what is accepted; the caller knows the file's name. (The library npyio panics on damaged
// headers and allocates what they promise.)
func ReadNPY(r io.Reader) (NPY, error) {
	header, err := npyHeader(r)
	if err != nil {
		return NPY{}, err
	}
	kind, fortran, dims := npyType.FindStringSubmatch(header), npyFortran.FindStringSubmatch(header), npyShape.FindStringSubmatch(header)
	if kind == nil || fortran == nil || dims == nil {
		return NPY{}, fmt.Errorf("header %q: want descr, fortran_order and shape of a plain array", strings.TrimSpace(header))
	}
	a := NPY{Type: kind[1]}
	if !npyNumber.MatchString(a.Type) {
		return NPY{}, fmt.Errorf("element type %s: want integers, float32 or float64", a.Type)
	}
	total := a.size()
	for _, s := range strings.Split(strings.Trim(dims[1], ", "), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || n > maxBytes/total {
			return NPY{}, fmt.Errorf("shape (%s): want from 1 to %d bytes of %s", dims[1], maxBytes, a.Type)
		}
		total *= n
		a.Shape = append(a.Shape, n)
	}
	if fortran[1] == "True" && len(a.Shape) > 1 {
		return NPY{}, errors.New("in Fortran order: want C order (numpy.ascontiguousarray)")
	}
	if a.Data, err = readBytes(r, total); err != nil {
		return NPY{}, fmt.Errorf("%d bytes after the header: want %d, for shape (%s) of %s: %w", len(a.Data), total, dims[1], a.Type, cut(err))
	}
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return NPY{}, fmt.Errorf("more than %d bytes after the header: want %d, for shape (%s) of %s", total, total, dims[1], a.Type)
	case err != io.EOF: // zip and gzip check their sums here
		return NPY{}, fmt.Errorf("damaged at its end: %w", err)
	}
	return a, nil
}

// npyHeader returns the text of the header.
func npyHeader(r io.Reader) (string, error) {
	var start [10]byte // magic, version, and the length of a version 1 header
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:len(npyMagic)]) != npyMagic {
		return "", errors.New("not a .npy array")
	}
	length := int(binary.LittleEndian.Uint16(start[8:]))
	switch version := start[6]; version {
	case 1:
	case 2, 3: // four bytes of length
		var high [2]byte
		if _, err := io.ReadFull(r, high[:]); err != nil {
			return "", fmt.Errorf("header: %w", cut(err))
		}
		length |= int(binary.LittleEndian.Uint16(high[:])) << 16
	default:
		return "", fmt.Errorf("version %d of the .npy format: want 1 to 3", version)
	}
	if length > maxNPYHeader {
		return "", fmt.Errorf("header of %d bytes: want at most %d", length, maxNPYHeader)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", fmt.Errorf("header: %w", cut(err))
	}
	return string(header), nil
}

// size is the number of bytes of an element.
func (a NPY) size() int { return int(a.Type[len(a.Type)-1] - '0') }

// kind is the type without the order of the bytes: u1, i8, f4.
func (a NPY) kind() string { return a.Type[len(a.Type)-2:] }

// bits returns element i as an unsigned number of its size.
func (a NPY) bits(i int) uint64 {
	var order binary.ByteOrder = binary.LittleEndian
	if a.Type[0] == '>' {
		order = binary.BigEndian
	}
	switch b := a.Data[i*a.size():]; a.size() {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	default:
		return order.Uint64(b)
	}
}

// Intensities returns all elements, bytes over 255 and floats as they are. Its error says that they are of another type.
func (a NPY) Intensities() ([]float64, error) {
	var decode func(bits uint64) float64
	switch a.kind() {
	case "u1":
		decode = func(v uint64) float64 { return float64(v) / 255 }
	case "f4":
		decode = func(v uint64) float64 { return float64(math.Float32frombits(uint32(v))) }
	case "f8":
		decode = math.Float64frombits
	default:
		return nil, fmt.Errorf("element type %s: want uint8, float32 or float64", a.Type)
	}
	out := make([]float64, len(a.Data)/a.size())
	for i := range out {
		out[i] = decode(a.bits(i))
	}
	return out, nil
}

// labels returns the elements of an array of N or N×1 integers from 0 to 255.
func (a NPY) labels() ([]uint8, error) {
	if len(a.Shape) > 2 || len(a.Shape) == 2 && a.Shape[1] != 1 {
		return nil, fmt.Errorf("shape %s (accepted: N or N×1, a label for every image)", shape(a.Shape))
	}
	if a.kind()[0] == 'f' {
		return nil, fmt.Errorf("element type %s (accepted: integers)", a.Type)
	}
	out := make([]uint8, a.Shape[0])
	for i := range out {
		v := a.bits(i)
		if v > math.MaxUint8 || a.kind() == "i1" && v > math.MaxInt8 { // as unsigned, negative numbers are large
			return nil, fmt.Errorf("label %s of sample %d (accepted: 0 to %d)", a.integer(v), i, math.MaxUint8)
		}
		out[i] = uint8(v)
	}
	return out, nil
}

// integer writes the bits of an element as the number that they stand for.
func (a NPY) integer(v uint64) string {
	if a.kind()[0] == 'u' {
		return strconv.FormatUint(v, 10)
	}
	shift := 64 - 8*a.size()
	return strconv.FormatInt(int64(v<<shift)>>shift, 10)
}
