package export

import (
	"io"

	"github.com/sbinet/npyio/npz"

	"github.com/settle-pc/settle/store"
)

func writeNPZ(w io.Writer, t store.Table) error {
	z := npz.NewWriter(w)
	for _, c := range columns(t) {
		if err := z.Write(c.name+".npy", array(c)); err != nil {
			return err
		}
	}
	return z.Close()
}

// array returns the values of a column as a slice of one type.
func array(c column) any {
	switch {
	case c.kind == real, c.kind == boolean && c.missing:
		return mapped(c, asFloat)
	case c.kind == boolean:
		return mapped(c, func(v any) bool { return v.(bool) })
	case c.kind == unsigned && !c.missing:
		return mapped(c, asUnsigned)
	case c.kind == signed && !c.missing:
		return mapped(c, asSigned)
	}
	return mapped(c, asText)
}

func mapped[T any](c column, f func(any) T) []T {
	out := make([]T, len(c.values))
	for i, v := range c.values {
		out[i] = f(v)
	}
	return out
}
