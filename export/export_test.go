package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/pythontest"
	"github.com/settle-pc/settle/store"
)

// stored returns a table as a run stores it and reads it back: a value of every kind, and missing ones.
func stored(t *testing.T) store.Table {
	t.Helper()
	r, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	cols := []string{"z batch", "ρ", "none", "ok", "maybe", "seed", "debt", "credit", "huge", "Act", "act", "list", "mixed", "blank"}
	rows := [][]any{
		{1, 0.1, nil, true, nil, uint64(math.MaxUint64), int64(math.MinInt64), nil, json.Number("1e400"), "relu", `a "b", <c>`, []float64{1, 2.5}, 1, ""},
		{2, math.NaN(), nil, false, true, 7, 1 << 53, uint64(1) << 63, 2, nil, "two\nlines é", []string{}, "x", ""},
		{3, -1e-300, nil, true, false, 0, -1, 3, 0.5, "", "", nil, true, nil},
	}
	for _, row := range rows {
		if err := r.Row("t", cols, row); err != nil {
			t.Fatal(err)
		}
	}
	table, err := r.Table("t")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func written(t *testing.T, format string, table store.Table) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, table); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSONLIsWhatTheRunStored(t *testing.T) {
	want := `{"z batch":1,"ρ":0.1,"none":null,"ok":true,"maybe":null,"seed":18446744073709551615,"debt":-9223372036854775808,` +
		`"credit":null,"huge":1e400,"Act":"relu","act":"a \"b\", <c>","list":[1,2.5],"mixed":1,"blank":""}` + "\n"
	if got, _, _ := strings.Cut(written(t, "jsonl", stored(t)), "\n"); got+"\n" != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := strings.Count(written(t, "jsonl", stored(t)), "\n"); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

// readers print what pandas-like readers see: columns in order with types and values, NaN as the word.
const readers = `
import json, sys
import numpy as np, pyarrow.parquet as pq

t = pq.read_table("t.parquet")
parquet = [[name, str(t.schema.field(name).type), t.column(name).to_pylist()] for name in t.column_names]
z = np.load("t.npz")
npz = [[name, z[name].dtype.kind + str(z[name].dtype.itemsize if z[name].dtype.kind != "U" else ""), z[name].tolist()] for name in z.files]
def plain(v):
    if isinstance(v, list):
        return [plain(x) for x in v]
    return "NaN" if v != v else str(v) if type(v) is int and abs(v) >= 2**53 else v
print(json.dumps({"parquet": plain(parquet), "npz": plain(npz)}))
`

func TestPyArrowAndNumPyReadEveryKind(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{"parquet", "npz"} {
		if err := os.WriteFile(filepath.Join(dir, "t."+format), []byte(written(t, format, stored(t))), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var got map[string][][3]any
	text := pythontest.Run(t, dir, readers)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err, text)
	}
	type list = []any
	want := map[string][][3]any{
		"parquet": {
			{"z batch", "double", list{1.0, 2.0, 3.0}},
			{"ρ", "double", list{0.1, nil, -1e-300}},
			{"none", "double", list{nil, nil, nil}},
			{"ok", "bool", list{true, false, true}},
			{"maybe", "bool", list{nil, true, false}},
			{"seed", "uint64", list{"18446744073709551615", 7.0, 0.0}},
			{"debt", "int64", list{"-9223372036854775808", "9007199254740992", -1.0}},
			{"credit", "uint64", list{nil, "9223372036854775808", 3.0}},
			{"huge", "string", list{"1e400", "2", "0.5"}},
			{"Act", "string", list{"relu", nil, ""}},
			{"act", "string", list{`a "b", <c>`, "two\nlines é", ""}},
			{"list", "string", list{"[1,2.5]", "[]", nil}},
			{"mixed", "string", list{"1", "x", "true"}},
			{"blank", "string", list{"", "", nil}},
		},
		"npz": {
			{"z batch", "f8", list{1.0, 2.0, 3.0}},
			{"ρ", "f8", list{0.1, "NaN", -1e-300}},
			{"none", "f8", list{"NaN", "NaN", "NaN"}},
			{"ok", "b1", list{true, false, true}},
			{"maybe", "f8", list{"NaN", 1.0, 0.0}},
			{"seed", "u8", list{"18446744073709551615", 7.0, 0.0}},
			{"debt", "i8", list{"-9223372036854775808", "9007199254740992", -1.0}},
			{"credit", "U", list{"", "9223372036854775808", "3"}},
			{"huge", "U", list{"1e400", "2", "0.5"}},
			{"Act", "U", list{"relu", "", ""}},
			{"act", "U", list{`a "b", <c>`, "two\nlines é", ""}},
			{"list", "U", list{"[1,2.5]", "[]", ""}},
			{"mixed", "U", list{"1", "x", "true"}},
			{"blank", "U", list{"", "", ""}},
		},
	}
	for format, cols := range want {
		if len(got[format]) != len(cols) {
			t.Fatalf("%s: %d columns, want %d", format, len(got[format]), len(cols))
		}
		for i, c := range cols {
			if !reflect.DeepEqual(got[format][i], c) {
				t.Errorf("%s: %#v, want %#v", format, got[format][i], c)
			}
		}
	}
}

func TestATableWithoutRowsHasItsColumns(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{"parquet", "npz"} {
		empty := written(t, format, store.Table{Columns: []string{"b", "a"}})
		if err := os.WriteFile(filepath.Join(dir, "t."+format), []byte(empty), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.TrimSpace(pythontest.Run(t, dir, readers))
	if want := `{"parquet": [["b", "double", []], ["a", "double", []]], "npz": [["b", "f8", []], ["a", "f8", []]]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnknownFormatAndFailedWrites(t *testing.T) {
	err := Write(&bytes.Buffer{}, "xlsx", store.Table{})
	if err == nil || err.Error() != `export: format "xlsx": want one of csv, jsonl, parquet, npz` {
		t.Errorf("got %v", err)
	}
	for _, format := range Formats {
		if err := Write(full{}, format, stored(t)); !errors.Is(err, errFull) {
			t.Errorf("%s into a full disk: %v", format, err)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
