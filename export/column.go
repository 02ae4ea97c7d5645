package export

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/settle-pc/settle/store"
)

// kind is what a column holds beside missing values.
type kind int

const (
	real kind = iota // also where all are missing
	boolean
	unsigned
	signed
	text
)

// column is one column of a table.
type column struct {
	name    string
	kind    kind
	values  []any
	missing bool // of some rows
}

func columns(t store.Table) []column {
	out := make([]column, len(t.Columns))
	for i, name := range t.Columns {
		c := column{name: name, values: make([]any, len(t.Rows))}
		for r, row := range t.Rows {
			c.values[r] = row[i]
			c.missing = c.missing || row[i] == nil
		}
		c.kind = kindOf(c.values)
		out[i] = c
	}
	return out
}

func kindOf(values []any) kind {
	var floats, bools, large, others int
	positive, negative := true, true // all fit in uint64, in int64
	for _, v := range values {
		switch v := v.(type) {
		case nil:
		case bool:
			bools++
		case float64:
			floats++
			whole := v == math.Trunc(v) && math.Abs(v) < 1<<53
			positive, negative = positive && whole && v >= 0, negative && whole
		case json.Number:
			large++
			_, uerr := strconv.ParseUint(v.String(), 10, 64)
			_, ierr := strconv.ParseInt(v.String(), 10, 64)
			positive, negative = positive && uerr == nil, negative && ierr == nil
		default:
			others++
		}
	}
	switch {
	case others > 0 || bools > 0 && floats+large > 0:
		return text
	case bools > 0:
		return boolean
	case large == 0:
		return real
	case positive:
		return unsigned
	case negative:
		return signed
	}
	return text
}

// asFloat returns a number or boolean, NaN for a missing value.
func asFloat(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	return math.NaN()
}

// asUnsigned returns a value of an unsigned column.
func asUnsigned(v any) uint64 {
	if f, ok := v.(float64); ok {
		return uint64(f)
	}
	n, _ := strconv.ParseUint(v.(json.Number).String(), 10, 64) // it has been parsed before
	return n
}

// asSigned returns a value of a signed column.
func asSigned(v any) int64 {
	if f, ok := v.(float64); ok {
		return int64(f)
	}
	n, _ := strconv.ParseInt(v.(json.Number).String(), 10, 64) // it has been parsed before
	return n
}

// asText returns a value of a column of text, empty for a missing one.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return encode(v)
}
