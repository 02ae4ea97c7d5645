package store

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Table is what Row has stored, in that order. A value is nil, bool, string, float64 (json.Number for whole numbers of
// 2^53 and more) or []any of these.
type Table struct {
	Columns []string
	Rows    [][]any // each with len(Columns) values

	// Partial is the last line of the file where a crash has cut it short, otherwise empty. It is not among the rows.
	Partial string
}

// Table reads a table back. A half-written last line is no error: it is left out and reported in Partial.
func (r *Run) Table(name string) (Table, error) {
	path, err := r.path(tablesDir + "/" + name + rowsExt)
	if err != nil {
		return Table{}, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Table{}, fmt.Errorf("store: table %s: %w; %s has %s", name, fs.ErrNotExist, r.dir, hasTables(r.Tables()))
	}
	if err != nil {
		return Table{}, fmt.Errorf("store: table %s: %w", name, err)
	}
	t, err := parseTable(data)
	if err != nil {
		return Table{}, fmt.Errorf("store: table %s: %s: %w", name, path, err)
	}
	return t, nil
}

func parseTable(data []byte) (Table, error) {
	var t Table
	for n := 1; len(data) > 0; n++ {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		data = rest
		columns, values, err := decodeRow(line)
		switch {
		case err != nil && !ended:
			t.Partial = string(line)
			return t, nil
		case err != nil:
			return t, fmt.Errorf("line %d: %w", n, err)
		case n == 1:
			t.Columns = columns
		case !slices.Equal(columns, t.Columns):
			return t, fmt.Errorf("line %d: columns %s; line 1 has %s", n, strings.Join(columns, ", "), strings.Join(t.Columns, ", "))
		}
		t.Rows = append(t.Rows, values)
	}
	return t, nil
}

// Tables returns the names of the run's tables, sorted.
func (r *Run) Tables() []string {
	var names []string
	root := filepath.Join(r.dir, tablesDir)
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, rowsExt) && !strings.HasPrefix(d.Name(), ".") {
			name, _ := filepath.Rel(root, path)
			names = append(names, filepath.ToSlash(strings.TrimSuffix(name, rowsExt)))
		}
		return nil
	})
	return names
}

func (r *Run) tablePath(name string) string {
	return filepath.Join(r.dir, tablesDir, filepath.FromSlash(name)+rowsExt)
}

func hasTables(names []string) string {
	if len(names) == 0 {
		return "no tables"
	}
	return "the tables " + strings.Join(names, ", ")
}

// Floats returns one column as numbers, with NaN for null.
func (t Table) Floats(column string) ([]float64, error) {
	c := slices.Index(t.Columns, column)
	if c < 0 {
		return nil, fmt.Errorf("store: column %q: is not in the table, which has %s", column, strings.Join(t.Columns, ", "))
	}
	out := make([]float64, len(t.Rows))
	for i, row := range t.Rows {
		switch v := row[c].(type) {
		case nil:
			out[i] = math.NaN()
		case float64:
			out[i] = v
		case json.Number:
			out[i], _ = v.Float64() // rounded, or infinite where out of range
		default:
			return nil, fmt.Errorf("store: column %q: row %d is %v; numbers and null are accepted", column, i+1, v)
		}
	}
	return out, nil
}

// WriteCSV writes the table as CSV with a header line; null is an empty field, a slice is its JSON.
func (t Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	fields := slices.Clone(t.Columns)
	c.Write(fields) // an error stays with c
	for _, row := range t.Rows {
		for i, v := range row {
			fields[i] = field(v)
		}
		c.Write(fields)
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("store: csv: %w", err)
	}
	return nil
}

func field(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	var b bytes.Buffer
	if err := encodeJSON(&b, v); err != nil {
		return fmt.Sprint(v)
	}
	return b.String()
}
