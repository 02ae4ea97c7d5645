package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Write writes f. Equal files give equal bytes: metadata comes first, sorted by key, then the tensors, larger elements
// before smaller ones (so that every tensor starts at a multiple of its element size) and otherwise in the order of
// f.Tensors; the header is padded with spaces until the data starts at a multiple of 8 bytes.
func (f *File) Write(w io.Writer) error {
	if err := f.Validate(); err != nil {
		return err
	}
	tensors := slices.Clone(f.Tensors)
	slices.SortStableFunc(tensors, func(a, b Tensor) int { return cmp.Compare(b.DType.Size(), a.DType.Size()) })
	head := header(f.Metadata, tensors)
	if len(head) > MaxHeader {
		return fmt.Errorf("safetensors: header: %d bytes; up to %d are accepted", len(head), MaxHeader)
	}
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(head)))
	for _, part := range [][]byte{length[:], head} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("safetensors: header: %w", err)
		}
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// header writes the JSON by hand where the order of keys matters; encoding/json would sort tensors by name.
func header(metadata map[string]string, tensors []Tensor) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		fmt.Fprintf(&b, "%s:%s", quote(metadataKey), quote(metadata)) // maps are written in the order of their keys
	}
	offset := 0
	for _, t := range tensors {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		fmt.Fprintf(&b, `%s:{"dtype":%s,"shape":%s,"data_offsets":[%d,%d]}`, quote(t.Name), quote(t.DType), quote(shape), offset, offset+len(t.Data))
		offset += len(t.Data)
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes()
}

// quote is JSON without the escapes for HTML. Validate has seen every string, so encoding cannot fail.
func quote(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("safetensors: header value cannot be encoded")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
