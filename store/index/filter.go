package index

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Filter is a condition on a key of a document.
type Filter struct {
	Key, Op, Value string
	number         *float64 // Value, if it is one
	whole          *int64   // and if it is a whole one of 64 bits with a sign
	large          bool     // a whole one above those, in plain digits
}

// ops are the operators, longer ones first.
var ops = []string{"!=", "<=", ">=", "=", "<", ">", "~"}

// ParseFilter reads KEY OP VALUE without spaces, such as rule=pc or test_accuracy>0.95. = and != compare numbers as
// numbers, whole ones with all of their digits, and all else as text, <, <=, >, >= want a number, ~ finds a part of a text. A run that has no such key, or
// null there, satisfies != only. The key tag stands for each of the run's tags.
func ParseFilter(text string) (Filter, error) {
	at := strings.IndexAny(text, "!<>=~")
	if at < 1 {
		return Filter{}, fmt.Errorf("filter %q: want KEY%sVALUE, such as rule=pc or test_accuracy>0.95", text, strings.Join(ops, "|"))
	}
	f := Filter{Key: text[:at]}
	i := slices.IndexFunc(ops, func(op string) bool { return strings.HasPrefix(text[at:], op) })
	if i < 0 {
		return Filter{}, fmt.Errorf("filter %q: operator %q: want one of %s", text, text[at:at+1], strings.Join(ops, " "))
	}
	f.Op, f.Value = ops[i], text[at+len(ops[i]):]
	if v, err := strconv.ParseFloat(f.Value, 64); err == nil {
		f.number = &v
		if n, err := strconv.ParseInt(f.Value, 10, 64); err == nil {
			f.whole = &n
		}
		f.large = v > 0 && f.whole == nil && f.Value[0] != '0' && strings.Trim(f.Value, "0123456789") == ""
	} else if strings.ContainsAny(f.Op, "<>") {
		return Filter{}, fmt.Errorf("filter %q: %s %q: want a number", text, f.Op, f.Value)
	}
	return f, nil
}

// sql is the condition in SQL, its values appended to args.
func (f Filter) sql(args *[]any) string {
	if f.Key == "tag" {
		*args = append(*args, f.Value)
		match := map[string]string{"=": "value = ?", "!=": "value = ?", "~": "instr(value, ?) > 0"}[f.Op]
		if match == "" {
			match = "value " + f.Op + " ?"
		}
		return map[bool]string{true: "NOT ", false: ""}[f.Op == "!="] + "EXISTS (SELECT 1 FROM json_each(doc, '$.tags') WHERE " + match + ")"
	}
	at := jsonPath(f.Key)
	// is compares a value of these JSON types.
	is := func(types, op string, v any) string {
		*args = append(*args, at, at, v)
		return "(json_type(doc, ?) IN (" + types + ") AND " + fmt.Sprintf(op, "jsonb_extract(doc, ?)", "?") + ")"
	}
	const text = "'text'"
	// compare is a comparison of numbers. SQLite's are exact, but for whole numbers above its own, which it rounds: of these, more
	// digits are more, and as many compare as text.
	compare := func(op string) string {
		const integers, reals = "'integer'", "'real'"
		switch {
		case f.large:
			*args = append(*args, at, at, at, len(f.Value), f.Value)
			return "(json_type(doc, ?) IN (" + integers + ") AND (length(doc -> ?), doc -> ?) " + op + " (?, ?)) OR " + is(reals, "%s "+op+" %s", *f.number)
		case f.whole != nil:
			return is(integers+", "+reals, "%s "+op+" %s", *f.whole)
		}
		return is(integers+", "+reals, "%s "+op+" %s", *f.number)
	}
	switch f.Op {
	case "~":
		return is(text, "instr(%s, %s) > 0", f.Value)
	case "=", "!=":
		// A text may look like a number or a truth value: an arch 784, a run named 1.
		equal := is(text, "%s = %s", f.Value)
		if f.number != nil {
			equal += " OR " + compare("=")
		}
		if f.Value == "true" || f.Value == "false" {
			*args = append(*args, at, f.Value)
			equal += " OR json_type(doc, ?) = ?"
		}
		return map[string]string{"=": "", "!=": "NOT "}[f.Op] + "coalesce(" + equal + ", 0)"
	}
	return "(" + compare(f.Op) + ")"
}

// jsonPath is where SQLite finds a key of a document. It has no escape for a quotation mark, and no key has one.
func jsonPath(key string) string { return `$."` + strings.ReplaceAll(key, `"`, "") + `"` }
