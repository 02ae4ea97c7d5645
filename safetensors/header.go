package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// parseHeader reads the JSON token by token: json.Unmarshal would let a second entry of the same name win silently.
func parseHeader(head []byte) (*File, []span, error) {
	switch {
	case !utf8.Valid(head):
		return nil, nil, errors.New("safetensors: header: is not UTF-8")
	case head[0] != '{':
		return nil, nil, fmt.Errorf("safetensors: header: begins with %q; { is accepted", head[0])
	}
	f, spans, err := newParser(head).file()
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: %w", err)
	}
	return f, spans, nil
}

type parser struct {
	dec  *json.Decoder
	head []byte
}

func newParser(head []byte) *parser {
	dec := json.NewDecoder(bytes.NewReader(head))
	dec.UseNumber()
	return &parser{dec, head}
}

func (p *parser) file() (*File, []span, error) {
	f, spans := &File{}, []span(nil)
	err := p.object("header", func(name string) error {
		if name == metadataKey {
			f.Metadata = map[string]string{}
			return p.metadata(f.Metadata)
		}
		t, s, err := p.tensor(name)
		f.Tensors, spans = append(f.Tensors, t), append(spans, s)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if rest := bytes.Trim(p.head[p.dec.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fmt.Errorf("header: %q follows the object; spaces are accepted", rest[:min(len(rest), 16)])
	}
	return f, spans, nil
}

func (p *parser) metadata(m map[string]string) error {
	return p.object(metadataKey, func(key string) error {
		tok, err := p.next(metadataKey)
		if err != nil {
			return err
		}
		s, ok := tok.(string)
		if !ok {
			return fmt.Errorf("%s: %q: is %v; a string is accepted", metadataKey, key, tok)
		}
		m[key] = s
		return nil
	})
}

func (p *parser) tensor(name string) (Tensor, span, error) {
	where := fmt.Sprintf("tensor %q", name)
	t, s, found := Tensor{Name: name}, span{}, 0
	err := p.object(where, func(key string) error {
		found++
		field := where + ": " + key
		switch key {
		case "dtype":
			tok, err := p.next(field)
			if err != nil {
				return err
			}
			d, ok := tok.(string)
			if !ok || DType(d).Size() == 0 {
				return fmt.Errorf("%s: %q is unknown; %s", field, fmt.Sprint(tok), acceptedDTypes)
			}
			t.DType = DType(d)
			return nil
		case "shape":
			sizes, err := p.sizes(field)
			for _, v := range sizes {
				t.Shape = append(t.Shape, int(v))
				if int64(int(v)) != v {
					return fmt.Errorf("%s: %d does not fit this machine's int", field, v)
				}
			}
			return err
		case "data_offsets":
			o, err := p.sizes(field)
			if err == nil && len(o) != 2 {
				return fmt.Errorf("%s: %d numbers; begin and end are accepted", field, len(o))
			}
			if err == nil {
				s = span{o[0], o[1]}
			}
			return err
		}
		return fmt.Errorf("%s: is unknown; dtype, shape and data_offsets are accepted", field)
	})
	if err == nil && found != 3 {
		err = fmt.Errorf("%s: %d of the fields dtype, shape and data_offsets are there; all three are needed", where, found)
	}
	return t, s, err
}

// object reads {"key": …} and calls value for each key, which may not come twice; value reads what follows the key.
func (p *parser) object(where string, value func(key string) error) error {
	if err := p.delim(where, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		tok, err := p.next(where)
		if err != nil {
			return err
		}
		key := tok.(string) // the decoder lets nothing else stand for a key
		if seen[key] {
			return fmt.Errorf("%s: %q comes twice; names must differ", where, key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim(where, '}')
}

// sizes reads an array of whole numbers from 0 to 2^63−1.
func (p *parser) sizes(where string) ([]int64, error) {
	if err := p.delim(where, '['); err != nil {
		return nil, err
	}
	var sizes []int64
	for p.dec.More() {
		tok, err := p.next(where)
		if err != nil {
			return nil, err
		}
		num, _ := tok.(json.Number)
		v, err := strconv.ParseUint(num.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s: %v is not accepted; whole numbers from 0 to 2^63-1 are", where, tok)
		}
		sizes = append(sizes, int64(v))
	}
	return sizes, p.delim(where, ']')
}

func (p *parser) delim(where string, want json.Delim) error {
	tok, err := p.next(where)
	if err != nil {
		return err
	}
	if tok != want {
		return fmt.Errorf("%s: found %v where %v is accepted", where, tok, want)
	}
	return nil
}

func (p *parser) next(where string) (json.Token, error) {
	tok, err := p.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("%s: not JSON: %w", where, err)
	}
	return tok, nil
}
