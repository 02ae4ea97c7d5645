package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestRowsAreJSONLinesInColumnOrder(t *testing.T) {
	r := newRun(t)
	type level int
	columns := []string{"z", "a", "text", "n", "list"}
	rows := [][]any{
		{1, 0.1, "two\nlines & <é>", uint64(math.MaxUint64), []float64{1, math.NaN()}},
		{math.NaN(), float32(0.1), nil, level(-3), [2]bool{true, false}},
		{math.Inf(1), float32(math.Inf(-1)), "", int64(1) << 53, []any{nil, "x"}},
	}
	for _, v := range rows {
		if err := r.Row("fig1/curve", columns, v); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(r.Dir(), "tables", "fig1", "curve.jsonl"))
	want := `{"z":1,"a":0.1,"text":"two\nlines & <é>","n":18446744073709551615,"list":[1,null]}
{"z":null,"a":0.1,"text":null,"n":-3,"list":[true,false]}
{"z":null,"a":null,"text":"","n":9007199254740992,"list":[null,"x"]}
`
	if err != nil || string(got) != want {
		t.Errorf("%v; got\n%swant\n%s", err, got, want)
	}

	table, err := r.Table("fig1/curve")
	if err != nil {
		t.Fatal(err)
	}
	wantTable := Table{Columns: columns, Rows: [][]any{
		{1.0, 0.1, "two\nlines & <é>", json.Number("18446744073709551615"), []any{1.0, nil}},
		{nil, 0.1, nil, -3.0, []any{true, false}},
		{nil, nil, "", json.Number("9007199254740992"), []any{nil, "x"}},
	}}
	if !reflect.DeepEqual(table, wantTable) {
		t.Errorf("got  %#v\nwant %#v", table, wantTable)
	}

	var csv bytes.Buffer
	if err := table.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	wantCSV := "z,a,text,n,list\n" +
		"1,0.1,\"two\nlines & <é>\",18446744073709551615,\"[1,null]\"\n" +
		",0.1,,-3,\"[true,false]\"\n" +
		",,,9007199254740992,\"[null,\"\"x\"\"]\"\n"
	if csv.String() != wantCSV {
		t.Errorf("got\n%swant\n%s", csv.String(), wantCSV)
	}
}

func TestFloats(t *testing.T) {
	table := Table{Columns: []string{"a", "s"}, Rows: [][]any{{1.5, "x"}, {nil, nil}, {json.Number("18446744073709551615"), 2.0}}}
	got, err := table.Floats("a")
	if err != nil || len(got) != 3 || got[0] != 1.5 || !math.IsNaN(got[1]) || got[2] != 1<<64 {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = table.Floats("s")
	wantError(t, err, `column "s": row 1 is x`)
	_, err = table.Floats("b")
	wantError(t, err, `column "b"`, "has a, s")
}

func TestRowRefuses(t *testing.T) {
	r := newRun(t)
	if err := r.Row("t", []string{"a", "b"}, []any{1, 2}); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Row("t", []string{"b", "a"}, []any{1, 2}), "table t", "columns b, a; the table has a, b")
	wantError(t, r.Row("u", []string{"a", "a"}, []any{1, 2}), "table u", `"a" comes twice`)
	wantError(t, r.Row("u", []string{"a"}, []any{map[string]int{}}), "table u: column a: a map[string]int cannot be stored")
	wantError(t, r.Row("u", []string{"a"}, []any{[]any{new(int)}}), "a *int cannot be stored")
	wantError(t, r.Row("u", []string{"a"}, []any{json.Number("x")}), "column a")
	if table, err := r.Table("t"); err != nil || len(table.Rows) != 1 {
		t.Errorf("t has %v, %v", table, err)
	}
	_, err := r.Table("u")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused row made a table: %v", err)
	}
	wantError(t, err, "table u", "the tables t")
	again := reopened(t, r)
	wantError(t, again.Row("t", []string{"a"}, []any{1}), "columns a; the table has a, b")
	defer func() {
		if recover() == nil {
			t.Error("two columns took one value")
		}
	}()
	r.Row("t", []string{"a", "b"}, []any{1})
}

// A crash may cut the last line anywhere; the rows before must survive, and going on must not spoil them.
func TestATruncatedLastLineIsDroppedReportedAndMended(t *testing.T) {
	const full = `{"a":1,"s":"x"}` + "\n" + `{"a":2,"s":"}"}` + "\n"
	for cut := range len(full) + 1 {
		r := newRun(t)
		path := filepath.Join(r.Dir(), "tables", "t.jsonl")
		if err := os.WriteFile(path, []byte(full[:cut]), 0o666); err != nil {
			t.Fatal(err)
		}
		whole, partial := 0, ""
		for rest := full[:cut]; rest != ""; {
			line, after, _ := strings.Cut(rest, "\n")
			if json.Valid([]byte(line)) {
				whole++
			} else {
				partial = line
			}
			rest = after
		}
		table, err := r.Table("t")
		if err != nil || len(table.Rows) != whole || table.Partial != partial {
			t.Errorf("cut at %d: %+v, %v; want %d rows and partial %q", cut, table, err, whole, partial)
		}
		for _, a := range []int{8, 9} {
			if err := r.Row("t", []string{"a", "s"}, []any{a, "new"}); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
		table, err = r.Table("t")
		if err != nil || table.Partial != "" || len(table.Rows) != whole+2 || table.Rows[whole+1][0] != 9.0 {
			t.Errorf("cut at %d: after two more rows %+v, %v", cut, table, err)
		}
	}
}

func TestDamageInTheMiddleIsAnError(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"{\"a\":1}\n{\"a\":\n{\"a\":3}\n", "line 2"},
		{"{\"a\":1}\n\n", "line 2: not a JSON object"},
		{"{\"a\":1}\n{\"b\":1}\n", "line 2: columns b; line 1 has a"},
		{"{\"a\":1} {}\n", "line 1: text after"},
		{"[]\n", "line 1: not a JSON object"},
	} {
		r := newRun(t)
		if err := os.WriteFile(filepath.Join(r.Dir(), "tables", "t.jsonl"), []byte(c.data), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := r.Table("t")
		wantError(t, err, "table t", "t.jsonl", c.want)
	}
}

func TestConcurrentRows(t *testing.T) {
	r := newRun(t)
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				for _, table := range []string{"one", fmt.Sprintf("of-%d", w)} {
					if err := r.Row(table, []string{"writer", "i", "pad"}, []any{w, i, strings.Repeat("x", i)}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	table, err := r.Table("one")
	if err != nil || len(table.Rows) != writers*each {
		t.Fatalf("%d rows, %v; want %d", len(table.Rows), err, writers*each)
	}
	next := make([]float64, writers)
	for _, row := range table.Rows {
		w := int(row[0].(float64))
		if row[1] != next[w] || len(row[2].(string)) != int(next[w]) {
			t.Fatalf("writer %d: row %v, want i = %v", w, row, next[w])
		}
		next[w]++
	}
}

// FuzzRow: a row that can be encoded is one line, and comes back as it was.
func FuzzRow(f *testing.F) {
	f.Add("a", "b", "text", 1.5, int64(-1), true)
	f.Add("", "\"\\\n", "\u2028\xff", math.Inf(1), int64(math.MaxInt64), false)
	f.Fuzz(func(t *testing.T, c1, c2, s string, x float64, i int64, b bool) {
		columns := []string{c1, c2, "x", "i", "b"}
		line, err := encodeRow(columns, []any{s, nil, x, i, b})
		if err != nil {
			if c1 != c2 && !slices.Contains(columns[2:], c1) && !slices.Contains(columns[2:], c2) {
				t.Fatal(err)
			}
			return
		}
		if n := bytes.IndexByte(line, '\n'); n != len(line)-1 {
			t.Fatalf("line break at %d of %q", n, line)
		}
		table, err := parseTable(slices.Concat(line, line, line[:len(line)-2])) // the last without its brace
		if err != nil || table.Partial == "" || len(table.Rows) != 2 {
			t.Fatalf("%+v, %v", table, err)
		}
		for k, c := range columns {
			if table.Columns[k] != valid(c) {
				t.Errorf("column %q became %q", c, table.Columns[k])
			}
		}
		row := table.Rows[1]
		if row[0] != valid(s) || row[1] != nil || row[4] != b || field(row[3]) != fmt.Sprint(i) {
			t.Errorf("row became %#v", row)
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			x = math.NaN()
		}
		if got, err := table.Floats("x"); err != nil || got[1] != x && !(math.IsNaN(x) && row[2] == nil) {
			t.Errorf("%v became %v, %v", x, got, err)
		}
	})
}

// valid is s as JSON can hold it: bytes that are not UTF-8 become U+FFFD.
func valid(s string) string { return string([]rune(s)) }

// After a failed append half a line may be there, so the next Row has to look again.
func TestRowLooksAgainAfterAFailure(t *testing.T) {
	r := newRun(t)
	row := func() error { return r.Row("t", []string{"a"}, []any{1}) }
	if err := row(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.Dir(), "tables", "t.jsonl")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o777)); err != nil {
		t.Fatal(err)
	}
	wantError(t, row(), "table t")
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(`{"a":1}`+"\n"+`{"a"`), 0o666), row()); err != nil {
		t.Fatal(err)
	}
	if table, err := r.Table("t"); err != nil || len(table.Rows) != 2 || table.Partial != "" {
		t.Errorf("%+v, %v", table, err)
	}
}
