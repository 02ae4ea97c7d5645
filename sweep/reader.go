package sweep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/settle-pc/settle/internal/nearest"
	"github.com/settle-pc/settle/train"
)

// reader turns nodes into a Spec and collects faults.
type reader struct {
	file   string
	known  []string // settings
	faults []error
}

func position(n ast.Node) Position {
	p := n.GetToken().Position
	return Position{p.Line, p.Column}
}

func (r *reader) fault(at Position, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.file, at.Line, at.Column, fmt.Sprintf(format, args...)))
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    Position
	value ast.Node
}

// mapping returns the entries of a node whose keys are among known.
func (r *reader) mapping(n ast.Node, what string, known []string) []entry {
	m, ok := n.(ast.MapNode)
	if !ok {
		r.fault(position(n), "%s: want keys and values, of %s", what, strings.Join(known, ", "))
		return nil
	}
	var out []entry
	for it := m.MapRange(); it.Next(); {
		e := entry{it.Key().GetToken().Value, position(it.Key()), it.Value()}
		switch _, isString := it.Key().(*ast.StringNode); {
		case isString && slices.Contains(known, e.key):
			out = append(out, e)
		case e.key == "seed" && slices.Contains(known, "arch"):
			r.fault(e.at, "%s: seed: want it in the list  seeds: [0, 1, 2]  beside base and grid", what)
		case e.key == "workers" && slices.Contains(known, "arch"):
			r.fault(e.at, "%s: workers: want none: they change no number; --workers says how many", what)
		default:
			r.unknown(e.at, what, e.key, known)
		}
	}
	return out
}

func (r *reader) unknown(at Position, what, key string, known []string) {
	if meant := nearest.Word(key, known); meant != "" {
		r.fault(at, "%s: unknown key %q: did you mean %q?", what, key, meant)
		return
	}
	r.fault(at, "%s: unknown key %q: want one of %s", what, key, strings.Join(known, ", "))
}

// scalar returns a single value as a command line would have it.
func (r *reader) scalar(n ast.Node, what string) (Value, bool) {
	switch n := n.(type) {
	case *ast.BoolNode, *ast.FloatNode, *ast.IntegerNode, *ast.InfinityNode, *ast.NanNode, *ast.StringNode:
		return Value{n.GetToken().Value, position(n)}, true
	}
	r.fault(position(n), "%s: %s: want a single value", what, strings.ToLower(n.Type().String()))
	return Value{}, false
}

// setting returns the value of a setting, as train.Spec.Value writes it.
func (r *reader) setting(n ast.Node, name string) (Value, bool) {
	v, ok := r.scalar(n, name)
	if !ok {
		return v, false
	}
	t := train.Defaults()
	if err := t.Set(name, v.Text); err != nil {
		r.fault(v.At, "%v", err)
		return v, false
	}
	v.Text = t.Value(name)
	return v, true
}

// list returns the elements of a list that has some.
func (r *reader) list(n ast.Node, what string) []ast.Node {
	l, ok := n.(*ast.SequenceNode)
	switch {
	case !ok:
		r.fault(position(n), "%s: want a list, such as [1, 2]", what)
		return nil
	case len(l.Values) == 0:
		r.fault(position(n), "%s: empty list: want at least one value", what)
	}
	return l.Values
}

// values returns a list of different values of a setting.
func (r *reader) values(n ast.Node, name string) []Value {
	var out []Value
	for _, e := range r.list(n, name) {
		v, ok := r.setting(e, name)
		if !ok {
			continue
		}
		if slices.ContainsFunc(out, func(o Value) bool { return o.Text == v.Text }) {
			r.fault(v.At, "%s: %s is there twice: want different values", name, v.Text)
		}
		out = append(out, v)
	}
	return out
}

func (r *reader) word(n ast.Node, what string, known []string, to *string) {
	v, ok := r.scalar(n, what)
	if ok && !slices.Contains(known, v.Text) {
		r.fault(v.At, "%s %q: want one of %s", what, v.Text, strings.Join(known, ", "))
	}
	*to = v.Text
}

func (r *reader) whole(n ast.Node, what string, low, high uint64) uint64 {
	v, ok := r.scalar(n, what)
	if !ok {
		return low
	}
	k, err := strconv.ParseUint(v.Text, 10, 64)
	if err != nil || k < low || k > high {
		r.fault(v.At, "%s %q: want a whole number from %d to %d", what, v.Text, low, high)
		return low
	}
	return k
}
