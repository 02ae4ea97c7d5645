package export

import (
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/settle-pc/settle/store"
)

// ordered is a group whose fields keep the order of the table; the library's would be sorted by name.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.fields }

func writeParquet(w io.Writer, t store.Table) error {
	cols := columns(t)
	group := parquet.Group{}
	for _, c := range cols {
		group[c.name] = parquet.Compressed(parquet.Optional(leaf(c.kind)), &parquet.Snappy)
	}
	fields := group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(t.Columns, a.Name()) - slices.Index(t.Columns, b.Name())
	})
	p := parquet.NewWriter(w, parquet.NewSchema("table", ordered{group, fields}))
	row := make(parquet.Row, len(cols))
	for r := range t.Rows {
		for i, c := range cols {
			if v := c.values[r]; v == nil {
				row[i] = parquet.NullValue().Level(0, 0, i)
			} else {
				row[i] = cell(c.kind, v).Level(0, 1, i)
			}
		}
		if _, err := p.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
	}
	return p.Close()
}

func leaf(k kind) parquet.Node {
	switch k {
	case boolean:
		return parquet.Leaf(parquet.BooleanType)
	case unsigned:
		return parquet.Uint(64)
	case signed:
		return parquet.Int(64)
	case text:
		return parquet.String()
	}
	return parquet.Leaf(parquet.DoubleType)
}

// cell returns a value that is not missing.
func cell(k kind, v any) parquet.Value {
	switch k {
	case boolean:
		return parquet.BooleanValue(v == true)
	case unsigned:
		return parquet.Int64Value(int64(asUnsigned(v))) // the bits of a uint64
	case signed:
		return parquet.Int64Value(asSigned(v))
	case text:
		return parquet.ByteArrayValue([]byte(asText(v)))
	}
	return parquet.DoubleValue(asFloat(v))
}
