package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func file(head string, data string) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(head)))) + head + data
}

const a4 = `"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing":                {"", "header length: 0 of 8 bytes are there"},
		"half a length":          {"\x02\x00\x00", "header length: 3 of 8 bytes are there"},
		"no header":              {"\x00\x00\x00\x00\x00\x00\x00\x00", "header length: is 0; 2 to 100000000 are accepted"},
		"huge header":            {"\xff\xff\xff\xff\xff\xff\xff\xff{}", "header length: is 18446744073709551615; 2 to"},
		"header over the limit":  {"\x01\xe1\xf5\x05\x00\x00\x00\x00{}", "header length: is 100000001; 2 to"},
		"header cut short":       {"\x00\xe1\xf5\x05\x00\x00\x00\x00{}", "header: 2 of 100000000 bytes are there"},
		"not UTF-8":              {file("{\"\xff\":1}", ""), "is not UTF-8"},
		"space first":            {file(" {}", ""), "begins with ' '"},
		"an array":               {file("[]", ""), "begins with '['"},
		"not closed":             {file("{"+a4, ""), "not JSON"},
		"trailing comma":         {file("{"+a4+",}", "1234"), "not JSON"},
		"text after":             {file("{}null", ""), `"null" follows the object; spaces are accepted`},
		"line break after":       {file("{}\n", ""), "follows the object"},
		"same name":              {file("{"+a4+","+a4+"}", "1234"), `"a" comes twice`},
		"same name, escaped":     {file("{"+a4+","+strings.Replace(a4, `"a"`, `"\u0061"`, 1)+"}", "1234"), `"a" comes twice`},
		"same field":             {file(`{"a":{"dtype":"F32","dtype":"F32","shape":[1]}}`, "1234"), `tensor "a": "dtype" comes twice`},
		"unknown field":          {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, "1234"), `tensor "a": x: is unknown`},
		"missing field":          {file(`{"a":{"dtype":"F32","shape":[1]}}`, "1234"), `tensor "a": 2 of the fields`},
		"not an object":          {file(`{"a":[]}`, ""), `tensor "a": found [ where { is accepted`},
		"unknown type":           {file(strings.Replace("{"+a4+"}", "F32", "F33", 1), "1234"), `tensor "a": dtype: "F33" is unknown; accepted: BOOL`},
		"type not a string":      {file(strings.Replace("{"+a4+"}", `"F32"`, "32", 1), "1234"), `tensor "a": dtype: "32" is unknown`},
		"negative size":          {file(strings.Replace("{"+a4+"}", "[1]", "[-1]", 1), "1234"), `tensor "a": shape: -1 is not accepted`},
		"size with fraction":     {file(strings.Replace("{"+a4+"}", "[1]", "[1.0]", 1), "1234"), `tensor "a": shape: 1.0 is not accepted`},
		"size with exponent":     {file(strings.Replace("{"+a4+"}", "[1]", "[1e0]", 1), "1234"), `tensor "a": shape: 1e0 is not accepted`},
		"size not a number":      {file(strings.Replace("{"+a4+"}", "[1]", `["1"]`, 1), "1234"), `tensor "a": shape: 1 is not accepted`},
		"size over 2^63":         {file(strings.Replace("{"+a4+"}", "[1]", "[9223372036854775808]", 1), "1234"), `tensor "a": shape: 9223372036854775808 is not accepted`},
		"product overflows":      {file(strings.Replace("{"+a4+"}", "[1]", "[4294967296,4294967296]", 1), "1234"), `tensor "a": shape: [4294967296 4294967296] of F32 overflows`},
		"overflow, then zero":    {file(strings.Replace("{"+a4+"}", "[1]", "[4294967296,4294967296,0]", 1), "1234"), "overflows"},
		"wrong size":             {file(strings.Replace("{"+a4+"}", "[1]", "[2]", 1), "1234"), `tensor "a": data_offsets: [0, 4] hold 4 bytes; F32 of shape [2] needs 8`},
		"one offset":             {file(strings.Replace("{"+a4+"}", "[0,4]", "[0]", 1), "1234"), `tensor "a": data_offsets: 1 numbers`},
		"offsets reversed":       {file(strings.Replace("{"+a4+"}", "[0,4]", "[4,0]", 1), "1234"), `tensor "a": data_offsets: [4, 0] end before they begin`},
		"gap in front":           {file(strings.Replace("{"+a4+"}", "[0,4]", "[1,5]", 1), "12345"), `tensor "a": data_offsets: [1, 5] leave a gap; begin 0 is accepted`},
		"gap between":            {file("{"+a4+`,"b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}}`, "123456"), `tensor "b": data_offsets: [5, 6] leave a gap; begin 4`},
		"overlap":                {file("{"+a4+`,"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}`, "1234"), `tensor "b": data_offsets: [3, 4] overlap`},
		"data missing":           {file("{"+a4+"}", "123"), `tensor "a": data: 3 of 4 bytes are there`},
		"data promised, none":    {file(`{"a":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}`, "12"), `tensor "a": data: 2 of 4611686018427387904 bytes`},
		"data after the end":     {file("{"+a4+"}", "12345"), "more bytes follow the 4 that the header describes"},
		"data without tensors":   {file("{}", "1"), "more bytes follow the 0"},
		"metadata not an object": {file(`{"__metadata__":"x"}`, ""), "__metadata__: found x where { is accepted"},
		"metadata not strings":   {file(`{"__metadata__":{"k":1}}`, ""), `__metadata__: "k": is 1; a string is accepted`},
		"metadata key twice":     {file(`{"__metadata__":{"k":"1","k":"2"}}`, ""), `__metadata__: "k" comes twice`},
		"deep nesting":           {file(strings.Repeat(`{"a":`, 100000), ""), `tensor "a": a: is unknown`},
	} {
		f, err := Read(strings.NewReader(c.in))
		if err == nil || f != nil {
			t.Errorf("%s: accepted as %+v", name, f)
		} else if !strings.HasPrefix(err.Error(), "safetensors: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q, want %q in it", name, err, c.want)
		}
	}
}

// A header of a few bytes may promise exabytes: what Read allocates must follow what arrives.
func TestReadAllocatesOnlyWhatArrives(t *testing.T) {
	in := file(`{"a":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}`, "12")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		Read(strings.NewReader(in))
		Read(strings.NewReader("\x00\xe1\xf5\x05\x00\x00\x00\x00{}"))
	}
	runtime.ReadMemStats(&after)
	const limit = 20 * 2 << 20 // one first chunk of 1 MiB a file, doubled for slack
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Errorf("20 hostile files of 100 bytes allocated %d bytes, limit %d", got, limit)
	}
}

func TestReadJoinsSmallReadsAndLargeTensors(t *testing.T) {
	values := make([]float32, 1<<20+3) // 4 MiB: two doublings after the first chunk
	for i := range values {
		values[i] = float32(i)
	}
	f := &File{Tensors: []Tensor{FromFloats("big", []int{len(values)}, values)}}
	b := encode(t, f)
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(b), "halves": iotest.HalfReader(bytes.NewReader(b)), "EOF with data": iotest.DataErrReader(bytes.NewReader(b))} {
		g, err := Read(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(f, g) {
			t.Errorf("%s: the file changed on its way", name)
		}
	}
}

func TestReadPassesOnTheReadersError(t *testing.T) {
	broken := errors.New("disk on fire")
	for n := range len(golden) + 1 {
		_, err := Read(io.MultiReader(strings.NewReader(golden[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: error %v", n, err)
		}
	}
}

func TestWritePassesOnTheWritersError(t *testing.T) {
	for n := range len(golden) {
		if err := goldenFile().Write(&limited{n}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("after %d bytes: error %v", n, err)
		}
	}
}

type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, io.ErrShortWrite
	}
	l.left -= len(p)
	return len(p), nil
}

// FuzzRead: whatever Read accepts, Write writes so that Read returns it again, and a second Write gives the same bytes.
func FuzzRead(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(file("{"+a4+"}", "1234")))
	f.Add([]byte(file("{}  ", "")))
	f.Add([]byte(file(`{"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"I64","shape":[2,0,3],"data_offsets":[0,0]}}`, "")))
	f.Add([]byte(file(`{"__metadata__":{},"x":{"dtype":"BF16","shape":[1,2],"data_offsets":[1,5]},"":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}`, "\x01abcd")))
	f.Fuzz(func(t *testing.T, in []byte) {
		g, err := Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		first := encode(t, g)
		h, err := Read(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("own output refused: %v", err)
		}
		if len(g.Tensors) != len(h.Tensors) || len(g.Metadata) != len(h.Metadata) {
			t.Fatalf("%d tensors and %d entries became %d and %d", len(g.Tensors), len(g.Metadata), len(h.Tensors), len(h.Metadata))
		}
		for k, v := range g.Metadata {
			if w, ok := h.Metadata[k]; !ok || w != v {
				t.Errorf("metadata %q: %q became %q", k, v, w)
			}
		}
		for _, a := range g.Tensors {
			if b, ok := h.Tensor(a.Name); !ok || !reflect.DeepEqual(a, b) {
				t.Errorf("tensor %+v became %+v", a, b)
			}
		}
		if second := encode(t, h); !bytes.Equal(first, second) {
			t.Errorf("second write differs:\n%q\n%q", first, second)
		}
	})
}
