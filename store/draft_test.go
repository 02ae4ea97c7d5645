package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A cell that is cut short, changed, or was never a cell counts as missing, is reported once, and can be put again.
func TestADamagedCellIsFoundAndReported(t *testing.T) {
	r := newRun(t)
	const result = `{"batches":12}`
	path := filepath.Join(r.Dir(), "cells", "c")
	damage := func(change func(b []byte) []byte) {
		t.Helper()
		if err := r.Put("c", []byte(result)); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(file), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, ok := r.Done("c"); ok {
			t.Errorf("%q passed for a result: %q", change(file), got)
		}
	}
	for cut := range len(result) + sumLength {
		damage(func(b []byte) []byte { return b[:cut] })
	}
	damage(func(b []byte) []byte { b[len(b)-3] ^= 1; return b })
	damage(func(b []byte) []byte { b[10] ^= 1; return b })
	damage(func(b []byte) []byte { return append(b, ' ') })
	damage(func([]byte) []byte { return []byte(result) })
	if got := r.Damaged(); !reflect.DeepEqual(got, []string{"c"}) {
		t.Errorf("damaged: %q", got)
	}
	if _, ok := r.Done("never"); ok || len(r.Damaged()) != 1 {
		t.Errorf("a cell that is not there is damaged: %q", r.Damaged())
	}
	if err := r.Put("c", []byte(result)); err != nil {
		t.Fatal(err)
	}
	if got, ok := r.Done("c"); !ok || string(got) != result {
		t.Errorf("put again: %q, %v", got, ok)
	}
}

func TestADraftKeepsCellsAtOnceAndTablesUntilCommit(t *testing.T) {
	r := newRun(t)
	d := r.Draft("fig4")
	if err := errors.Join(d.Put("a", []byte("1")), d.Row("t", []string{"x", "y"}, []any{1, nil}), d.Row("t", []string{"x", "y"}, []any{2, "z"})); err != nil {
		t.Fatal(err)
	}
	if got, ok := r.Done("fig4/a"); !ok || string(got) != "1" {
		t.Errorf("cell: %q, %v", got, ok)
	}
	if _, err := r.Table("t"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the table is there before Commit: %v", err)
	}
	wantError(t, d.Row("t", []string{"y", "x"}, []any{1, 2}), "table t", "the table has x, y")
	wantError(t, d.Row("u", []string{"x"}, []any{map[string]int{}}), "table u", "cannot be stored")
	wantError(t, d.Row("../u", []string{"x"}, []any{1}), "name")
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	want := Table{Columns: []string{"x", "y"}, Rows: [][]any{{1.0, nil}, {2.0, "z"}}}
	if got, err := r.Table("t"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("table %+v, %v", got, err)
	}
	again := r.Draft("") // the work done again replaces the table, whatever is there
	if err := errors.Join(again.Row("t", []string{"z"}, []any{3}), again.Commit(), r.Row("t", []string{"z"}, []any{4})); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Table("t"); err != nil || len(got.Rows) != 2 || strings.Join(got.Columns, "") != "z" {
		t.Errorf("table %+v, %v", got, err)
	}
}
