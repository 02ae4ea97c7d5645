// Package export writes a stored table for other programs to read.
//
// A column of numbers is float64 whatever the numbers are, so that the tables of different runs have the same types; one
// with a whole number of 2^53 or more, such as a seed, is uint64 (int64 where one is negative). Columns of booleans are
// booleans. All else, lists and mixtures among it, is text: strings as they are, other values as JSON. A missing value is
//
//	csv       an empty field
//	jsonl     null
//	parquet   null
//	npz       NaN, an empty string, and no boolean or large number: such columns become float64 and text
package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/settle-pc/settle/store"
)

// Formats are the names of the formats, which are also the extensions of their files.
var Formats = []string{"csv", "jsonl", "parquet", "npz"}

// Write writes the table to w in one of Formats. In NPZ every column is an array of its name.
func Write(w io.Writer, format string, t store.Table) error {
	var err error
	switch format {
	case "csv":
		err = t.WriteCSV(w)
	case "jsonl":
		err = writeJSONL(w, t)
	case "parquet":
		err = writeParquet(w, t)
	case "npz":
		err = writeNPZ(w, t)
	default:
		return fmt.Errorf("export: format %q: want one of %s", format, strings.Join(Formats, ", "))
	}
	if err != nil {
		return fmt.Errorf("export: %s: %w", format, err)
	}
	return nil
}

// writeJSONL writes one object a row, its keys in the order of the columns.
func writeJSONL(w io.Writer, t store.Table) error {
	var line bytes.Buffer
	for _, row := range t.Rows {
		line.Reset()
		for i, v := range row {
			line.WriteByte("{,"[min(i, 1)])
			line.WriteString(encode(t.Columns[i]))
			line.WriteByte(':')
			line.WriteString(encode(v))
		}
		line.WriteString("}\n")
		if _, err := w.Write(line.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// encode returns a value of a table as JSON, without escapes for HTML.
func encode(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("export: a table holds what JSON has not")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
