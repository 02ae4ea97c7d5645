package main

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

// array is a .npy file of images: its shape, and all values as intensities, bytes over 255 and floats as they are.
type array struct {
	shape  []int
	values []float64
}

// The header of a .npy file is a Python dictionary, in this form in every file that NumPy writes (NEP 1).
var (
	npyType    = regexp.MustCompile(`'descr': *'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape   = regexp.MustCompile(`'shape': *\(([0-9, ]*)\)`)
)

const (
	npyMagic     = "\x93NUMPY"
	maxNPYHeader = 64 << 10
	maxNPYValues = 1 << 31
)

// readArray reads a .npy file of bytes or floats in C order. Memory follows the bytes that are there, not the header.
// (The library npyio panics on damaged headers and allocates what they promise.)
func readArray(r io.Reader) (array, error) {
	header, err := npyHeader(r)
	if err != nil {
		return array{}, err
	}
	kind, fortran, shape := npyType.FindStringSubmatch(header), npyFortran.FindStringSubmatch(header), npyShape.FindStringSubmatch(header)
	if kind == nil || fortran == nil || shape == nil {
		return array{}, fmt.Errorf("header %q: want descr, fortran_order and shape of a plain array", strings.TrimSpace(header))
	}
	a := array{}
	count := 1
	for _, s := range strings.Split(strings.Trim(shape[1], ", "), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || n > maxNPYValues/count {
			return array{}, fmt.Errorf("shape (%s): want from 1 to %d values", shape[1], maxNPYValues)
		}
		count *= n
		a.shape = append(a.shape, n)
	}
	if fortran[1] == "True" && len(a.shape) > 1 {
		return array{}, errors.New("in Fortran order: want C order (numpy.ascontiguousarray)")
	}
	size, decode, err := npyElement(kind[1])
	if err != nil {
		return array{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, int64(count)*int64(size)+1))
	if err != nil {
		return array{}, err
	}
	if len(raw) != count*size {
		return array{}, fmt.Errorf("%d bytes or more after the header: want %d, for shape (%s) of %s", len(raw), count*size, shape[1], kind[1])
	}
	a.values = make([]float64, count)
	for i := range a.values {
		a.values[i] = decode(raw[i*size:])
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
			return "", fmt.Errorf("header: %w", err)
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
		return "", fmt.Errorf("header: %w", err)
	}
	return string(header), nil
}

// npyElement returns the size of an element and how it becomes an intensity.
func npyElement(kind string) (size int, decode func([]byte) float64, err error) {
	var order binary.ByteOrder = binary.LittleEndian
	if strings.HasPrefix(kind, ">") {
		order = binary.BigEndian
	}
	switch strings.TrimLeft(kind, "<>|=") {
	case "u1":
		return 1, func(b []byte) float64 { return float64(b[0]) / 255 }, nil
	case "f4":
		return 4, func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }, nil
	case "f8":
		return 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }, nil
	}
	return 0, nil, fmt.Errorf("element type %s: want uint8, float32 or float64", kind)
}
