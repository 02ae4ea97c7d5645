package data

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// twoByThree is an IDX file written by hand: 2 items of 3 bytes.
var twoByThree = []byte{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadIDXByHand(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want IDX
	}{
		"labels":         {[]byte{0, 0, 8, 1, 0, 0, 0, 4, 5, 0, 4, 1}, IDX{[]int{4}, []byte{5, 0, 4, 1}}},
		"two dimensions": {twoByThree, IDX{[]int{2, 3}, []byte{1, 2, 3, 4, 5, 255}}},
		"images":         {[]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 9, 8, 7, 6}, IDX{[]int{1, 2, 2}, []byte{9, 8, 7, 6}}},
		"channels": {[]byte{0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6},
			IDX{[]int{1, 1, 2, 3}, []byte{1, 2, 3, 4, 5, 6}}},
	} {
		for form, file := range map[string][]byte{"plain": c.file, "gz": gzipped(t, c.file)} {
			got, err := ReadIDX(bytes.NewReader(file), name)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %s: %v, %v, want %v", name, form, got, err, c.want)
			}
			got, err = ReadIDX(iotest.OneByteReader(bytes.NewReader(file)), name)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %s, byte by byte: %v, %v, want %v", name, form, got, err, c.want)
			}
		}
	}
}

// TestReadIDXGrows crosses each size at which the reader asks for more memory.
func TestReadIDXGrows(t *testing.T) {
	for _, n := range []int{firstRead - 1, firstRead, firstRead + 1, growth*firstRead - 1, growth * firstRead, growth*firstRead + 1} {
		want := IDX{Dims: []int{n}, Data: make([]byte, n)}
		for i := range want.Data {
			want.Data[i] = byte(i % 251) // a prime, so that no power of two is a period
		}
		var file bytes.Buffer
		if err := WriteIDX(&file, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadIDX(&file, "grow")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %d back, error %v", n, len(got.Data), err)
		}
	}
}

func TestReadIDXNamesTheFault(t *testing.T) {
	badSum := gzipped(t, twoByThree)
	badSum[len(badSum)-5] ^= 1 // the last byte of the CRC, before the length
	damaged := gzipped(t, twoByThree)
	copy(damaged[10:], "\xff\xff\xff") // block type 3 does not exist
	failing := errors.New("disk on fire")
	for _, c := range []struct {
		name  string
		file  io.Reader
		words string // all in the message, split at |
		cause error
	}{
		{"empty", strings.NewReader(""), "empty|accepted", nil},
		{"page", strings.NewReader("<!DOCTYPE html>"), "not an IDX file|3c 21 44 4f|00 00 08", nil},
		{"little-endian magic", bytes.NewReader([]byte{3, 8, 0, 0, 1, 0, 0, 0}), "not an IDX file|03 08 00 00", nil},
		{"unknown type", bytes.NewReader([]byte{0, 0, 7, 1, 0, 0, 0, 1, 0}), "not an IDX file|00 00 07 01", nil},
		{"floats", bytes.NewReader([]byte{0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0}), "32-bit floats|0x0d|unsigned bytes", nil},
		{"scalar", bytes.NewReader([]byte{0, 0, 8, 0, 1}), "0 dimensions|1 to 4", nil},
		{"many dimensions", bytes.NewReader([]byte{0, 0, 8, 5, 1}), "5 dimensions|1 to 4", nil},
		{"no rows", bytes.NewReader([]byte{0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0}), "dimension 2 of 2 is 0", nil},
		{"too much", bytes.NewReader([]byte{0, 0, 8, 2, 0, 1, 0, 0, 0, 0, 0x80, 0}), "2147483648|2147483647", nil},
		{"wraps around", bytes.NewReader(append([]byte{0, 0, 8, 4}, bytes.Repeat([]byte{0xff}, 16)...)), "accepted: up to 2147483647", nil},
		{"short header", bytes.NewReader(twoByThree[:9]), "header: 9 bytes|accepted: 12", io.ErrUnexpectedEOF},
		{"short", bytes.NewReader(twoByThree[:16]), "6 bytes|2×3|4 could be read", io.ErrUnexpectedEOF},
		{"long", bytes.NewReader(append(bytes.Clone(twoByThree), 0)), "goes on after the 6 bytes|2×3", nil},
		{"long gz", bytes.NewReader(gzipped(t, append(bytes.Clone(twoByThree), 0))), "goes on after the 6 bytes", nil},
		{"short gz", bytes.NewReader(gzipped(t, twoByThree[:16])), "6 bytes|4 could be read", io.ErrUnexpectedEOF},
		{"gz of nothing", bytes.NewReader(gzipped(t, nil)), "empty", nil},
		{"gz magic alone", strings.NewReader(gzipMagic), "gzip header", io.ErrUnexpectedEOF},
		{"bad sum", bytes.NewReader(badSum), "at its end|checksum", gzip.ErrChecksum},
		{"damaged gz", bytes.NewReader(damaged), "corrupt", nil},
		{"after gz", bytes.NewReader(append(gzipped(t, twoByThree), "more"...)), "at its end", nil},
		{"failing header", iotest.ErrReader(failing), "disk on fire", failing},
		{"failing", io.MultiReader(bytes.NewReader(twoByThree[:14]), iotest.ErrReader(failing)), "2 could be read|disk on fire", failing},
	} {
		x, err := ReadIDX(c.file, "a/file")
		if err == nil {
			t.Errorf("%s: read as %v", c.name, x.Dims)
			continue
		}
		for _, w := range append(strings.Split(c.words, "|"), "data: a/file: ") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", c.name, err, w)
			}
		}
		if c.cause != nil && !errors.Is(err, c.cause) {
			t.Errorf("%s: %q does not wrap %q", c.name, err, c.cause)
		}
	}
}

// TestHeaderDoesNotBuyMemory promises 2³¹−1 bytes and delivers few.
func TestHeaderDoesNotBuyMemory(t *testing.T) {
	file := append([]byte{0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff}, make([]byte, firstRead+100)...)
	for form, file := range map[string][]byte{"plain": file, "gz": gzipped(t, file)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadIDX(bytes.NewReader(file), "greedy")
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", form)
		}
		// The first and second piece of memory, the buffers, and gzip's tables.
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(firstRead+growth*firstRead+bufferSize+1<<18); got > most {
			t.Errorf("%s: %d bytes allocated for %d, want at most %d", form, got, len(file), most)
		}
	}
}

func TestWriteIDXPanics(t *testing.T) {
	for name, x := range map[string]IDX{
		"no dimensions":   {},
		"five dimensions": {Dims: []int{1, 1, 1, 1, 1}, Data: []byte{0}},
		"zero":            {Dims: []int{0}},
		"overflow":        {Dims: []int{1 << 16, 1 << 16}},
		"missing data":    {Dims: []int{2, 2}, Data: []byte{1, 2, 3}},
	} {
		if !panics(func() { WriteIDX(io.Discard, x) }) {
			t.Errorf("%s: written", name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

// TestWriteIDXReportsTheWriter writes to a full disk.
func TestWriteIDXReportsTheWriter(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system: ", err)
	}
	defer full.Close()
	if err := WriteIDX(full, IDX{Dims: []int{1}, Data: []byte{1}}); err == nil {
		t.Error("a full disk took an IDX file")
	}
}

// FuzzIDX checks that what ReadIDX accepts is, byte for byte, what WriteIDX writes, and that it refuses with a name.
func FuzzIDX(f *testing.F) {
	f.Add(twoByThree)
	f.Add(gzipped(f, twoByThree))
	f.Add(twoByThree[:13])
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 1, 7})
	f.Add([]byte{0, 0, 8, 4, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, file []byte) {
		x, err := ReadIDX(bytes.NewReader(file), "fuzz")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "data: fuzz: ") {
				t.Errorf("unnamed error %q", err)
			}
			return
		}
		content := file
		if z, err := gzip.NewReader(bytes.NewReader(file)); err == nil {
			if content, err = io.ReadAll(z); err != nil {
				t.Fatalf("accepted, but gzip says %v", err)
			}
		}
		var written bytes.Buffer
		if err := WriteIDX(&written, x); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written.Bytes(), content) {
			t.Errorf("%x read from %x", written.Bytes(), content)
		}
		if again, err := ReadIDX(&written, "again"); err != nil || !reflect.DeepEqual(again, x) {
			t.Errorf("%v, %v after a round trip, want %v", again, err, x)
		}
	})
}
