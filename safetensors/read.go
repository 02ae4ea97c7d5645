package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Read reads one file to its end. Anything but the format is an error that names the tensor or the field, its value
// and what is accepted.
func Read(r io.Reader) (*File, error) {
	head, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	f, spans, err := parseHeader(head)
	if err != nil {
		return nil, err
	}
	order, err := layout(f.Tensors, spans)
	if err != nil {
		return nil, err
	}
	tensors := make([]Tensor, len(order))
	for i, k := range order {
		t, n := f.Tensors[k], spans[k].end-spans[k].begin
		if t.Data, err = readN(r, n); err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: data: %d of %d bytes are there: %w", t.Name, len(t.Data), n, err)
		}
		tensors[i] = t
	}
	f.Tensors = tensors
	switch extra, err := io.CopyN(io.Discard, r, 1); {
	case extra > 0:
		return nil, fmt.Errorf("safetensors: data: more bytes follow the %d that the header describes; the file must end there", end(spans))
	case err != io.EOF:
		return nil, fmt.Errorf("safetensors: data: %w", err)
	}
	return f, nil
}

func readHeader(r io.Reader) ([]byte, error) {
	var length [8]byte
	if n, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("safetensors: header length: %d of 8 bytes are there: %w", n, unexpected(err))
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n < 2 || n > MaxHeader {
		return nil, fmt.Errorf("safetensors: header length: is %d; 2 to %d are accepted", n, MaxHeader)
	}
	head, err := readN(r, int64(n))
	if err != nil {
		return nil, fmt.Errorf("safetensors: header: %d of %d bytes are there: %w", len(head), n, err)
	}
	return head, nil
}

// readN reads n bytes into memory that at most doubles what has arrived, since n is only a claim.
func readN(r io.Reader, n int64) ([]byte, error) {
	const first = 1 << 20
	data := make([]byte, min(n, first))
	for got := 0; ; {
		k, err := io.ReadFull(r, data[got:])
		got += k
		if err != nil {
			return data[:got], unexpected(err)
		}
		if int64(got) == n {
			return data, nil
		}
		grown := make([]byte, min(n, 2*int64(got)))
		copy(grown, data)
		data = grown
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// span is where the data of a tensor claims to lie.
type span struct{ begin, end int64 }

func end(spans []span) int64 {
	last := int64(0)
	for _, s := range spans {
		last = max(last, s.end)
	}
	return last
}

// layout returns the order of the tensors in the data, after checking that they fill it from 0 without gap or overlap
// and that each has the size of its shape. Tensors without elements share an offset and keep the order of the header.
func layout(tensors []Tensor, spans []span) ([]int, error) {
	order := make([]int, len(tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(spans[a].begin, spans[b].begin), cmp.Compare(spans[a].end, spans[b].end))
	})
	next := int64(0)
	for _, k := range order {
		t, s := tensors[k], spans[k]
		n, err := size(t.DType, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		switch {
		case s.end < s.begin:
			return nil, fmt.Errorf("safetensors: tensor %q: data_offsets: [%d, %d] end before they begin", t.Name, s.begin, s.end)
		case s.begin < next:
			return nil, fmt.Errorf("safetensors: tensor %q: data_offsets: [%d, %d] overlap the tensor before; begin %d is accepted", t.Name, s.begin, s.end, next)
		case s.begin > next:
			return nil, fmt.Errorf("safetensors: tensor %q: data_offsets: [%d, %d] leave a gap; begin %d is accepted", t.Name, s.begin, s.end, next)
		case s.end-s.begin != n:
			return nil, fmt.Errorf("safetensors: tensor %q: data_offsets: [%d, %d] hold %d bytes; %s of shape %v needs %d", t.Name, s.begin, s.end, s.end-s.begin, t.DType, t.Shape, n)
		}
		next = s.end
	}
	return order, nil
}
