package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

const rowsExt = ".jsonl"

// Row appends one row to a table; the first row fixes the columns and their order. Values are numbers, strings,
// booleans, nil, and slices of them; NaN and infinities, which JSON lacks, are stored as null. When Row returns, the
// system has the row.
func (r *Run) Row(table string, columns []string, values []any) error {
	if len(columns) != len(values) {
		panic("store: columns and values differ in number")
	}
	path, err := r.path(tablesDir + "/" + table + rowsExt)
	if err != nil {
		return err
	}
	line, err := encodeRow(columns, values)
	if err != nil {
		return fmt.Errorf("store: table %s: %w", table, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.writer {
		return fmt.Errorf("store: table %s: %w", table, errReader)
	}
	t, err := r.openTable(table, path, columns)
	if err != nil {
		return fmt.Errorf("store: table %s: %w", table, err)
	}
	if err := appendLine(path, line); err != nil {
		delete(r.tables, table) // half a line may be there; the next Row mends it
		return fmt.Errorf("store: table %s: %w", table, err)
	}
	t.add(line)
	return nil
}

// tableFile is what a writer knows of a table: its columns (nil: no rows yet), its file's length and the hash of its content.
type tableFile struct {
	columns []string
	bytes   int64
	synced  int64 // of them
	sum     hash.Hash
}

func newTableFile(columns []string, content []byte) *tableFile {
	t := &tableFile{columns: columns, sum: sha256.New()}
	t.add(content)
	return t
}

func (t *tableFile) add(content []byte) {
	t.bytes += int64(len(content))
	t.sum.Write(content)
}

// openTable returns the table of that name, which must have these columns. The first time it also mends what a crash has
// left.
func (r *Run) openTable(name, path string, columns []string) (*tableFile, error) {
	t := r.tables[name]
	if t == nil {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, err
		}
		var err error
		if t, err = mend(path); err != nil {
			return nil, err
		}
		r.tables[name] = t
	}
	if t.columns == nil {
		t.columns = slices.Clone(columns)
	}
	if !slices.Equal(t.columns, columns) {
		return nil, fmt.Errorf("columns %s; the table has %s, and takes only those", strings.Join(columns, ", "), strings.Join(t.columns, ", "))
	}
	return t, nil
}

// mend cuts a half-written last line off, or ends it where only the line break is missing, so that the next row starts
// on its own line.
func mend(path string) (*tableFile, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newTableFile(nil, nil), nil
	}
	if err != nil {
		return nil, err
	}
	if n := bytes.LastIndexByte(data, '\n') + 1; n < len(data) {
		if _, _, bad := decodeRow(data[n:]); bad != nil {
			data = data[:n]
			err = os.Truncate(path, int64(n))
		} else {
			data = append(data, '\n')
			err = appendLine(path, data[len(data)-1:])
		}
		if err != nil {
			return nil, err
		}
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if len(first) == 0 {
		return newTableFile(nil, data), nil
	}
	columns, _, err := decodeRow(first)
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	return newTableFile(columns, data), nil
}

// appendLine writes line in one call. The file is opened each time (about 10 µs): no handle stays behind to be closed,
// and a folder can be renamed or removed on Windows while a run is going on.
func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}

func encodeRow(columns []string, values []any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range columns {
		if slices.Contains(columns[:i], c) {
			return nil, fmt.Errorf("column %q comes twice; names must differ", c)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		err := encodeJSON(&b, c)
		b.WriteByte(':')
		if err = errors.Join(err, encodeValue(&b, reflect.ValueOf(values[i]))); err != nil {
			return nil, fmt.Errorf("column %s: %w; numbers, strings, booleans, nil and slices of them are accepted", c, err)
		}
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

func encodeValue(b *bytes.Buffer, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("null")
		return nil
	case reflect.Interface:
		return encodeValue(b, v.Elem())
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			b.WriteString("null")
			return nil
		}
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encodeValue(b, v.Index(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case reflect.Bool, reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		return fmt.Errorf("a %s cannot be stored", v.Type())
	}
	return encodeJSON(b, v.Interface())
}

// encodeJSON writes v without escapes for HTML and without a line break. A type with a MarshalJSON of its own may fail.
func encodeJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	return nil
}

// decodeRow reads one line, with the columns in the order of the line.
func decodeRow(line []byte) (columns []string, values []any, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, nil, errors.New("not a JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, nil, err
		}
		columns, values = append(columns, key.(string)), append(values, number(v))
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, errors.New("text after the JSON object")
	}
	return columns, values, nil
}

// Object reads a JSON object. Its numbers, and those in lists and objects in it, are float64 where that loses nothing, and
// json.Number else, as in a Table.
func Object(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("text after the JSON object")
	}
	number(v)
	return v, nil
}

// number turns json.Numbers into float64 where that loses nothing: whole numbers of 2^53 and more, such as seeds, stay.
func number(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil || math.Abs(f) >= 1<<53 && !strings.ContainsAny(v.String(), ".eE") {
			return v
		}
		return f
	case []any:
		for i := range v {
			v[i] = number(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = number(v[k])
		}
	}
	return v
}
