package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is experiment.Sink, which this package must satisfy without importing it.
type sink interface {
	Done(cell string) ([]byte, bool)
	Put(cell string, result []byte) error
	Row(table string, columns []string, values []any) error
}

var _ sink = (*Run)(nil)

func newRun(t *testing.T) *Run {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q has no %q", err, p)
		}
	}
}

func TestCreateTakesNewAndEmptyFolders(t *testing.T) {
	base := t.TempDir()
	deep := filepath.Join(base, "a", "b")
	r, err := Create(deep)
	if err != nil {
		t.Fatal(err)
	}
	if r.Dir() != deep {
		t.Errorf("Dir() = %q, want %q", r.Dir(), deep)
	}
	empty := filepath.Join(base, "empty")
	if err := os.Mkdir(empty, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(empty); err != nil {
		t.Error(err)
	}
}

func TestCreateRefusesFoldersInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("years"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Create(dir)
	wantError(t, err, dir, "not empty", "thesis.tex", "a new or an empty folder")
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder now has %v", entries)
	}
	r := newRun(t)
	_, err = Create(r.Dir())
	wantError(t, err, r.Dir(), "not empty", "resume")
}

func TestOneOfManyCreatesWins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 16 {
		wg.Go(func() {
			_, err := Create(dir)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !strings.Contains(err.Error(), "not empty") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d of 16 created the run, want 1", won)
	}
}

func TestCreateDefaultNamesRunsByTimeAndCommand(t *testing.T) {
	base := filepath.Join(t.TempDir(), "runs")
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, want := range []string{"20260304-050607-train", "20260304-050607-train-2", "20260304-050607-train-3"} {
		r, err := CreateDefault(base, "train", now)
		if err != nil {
			t.Fatal(err)
		}
		if r.Dir() != filepath.Join(base, want) {
			t.Errorf("got %s, want %s", r.Dir(), want)
		}
	}
	_, err := CreateDefault(base, "../train", now)
	wantError(t, err, `command "../train"`)
}

func TestCreateDefaultNeverSharesAFolder(t *testing.T) {
	base := filepath.Join(t.TempDir(), "runs")
	var wg sync.WaitGroup
	var seen sync.Map
	for range 20 {
		wg.Go(func() {
			r, err := CreateDefault(base, "toy", time.Unix(0, 0).UTC())
			if err != nil {
				t.Error(err)
			} else if _, twice := seen.LoadOrStore(r.Dir(), true); twice {
				t.Errorf("%s was given twice", r.Dir())
			}
		})
	}
	wg.Wait()
}

// Permission bits do not bind root, under which tests may run: below a regular file nobody can make a folder.
func TestUnwritablePlaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(file, "runs")
	_, err := Create(below)
	wantError(t, err, below, "give one that you may write to")
	_, err = Create(file)
	wantError(t, err, file, "give one that you may write to")
	_, err = CreateDefault(below, "train", time.Unix(0, 0))
	wantError(t, err, below, "give one that you may write to")

	r := newRun(t)
	if err := r.WriteFile("figures", nil); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.WriteFile("figures/x.svg", nil), filepath.Join(r.Dir(), "figures"), "give one that you may write to")
	if err := os.RemoveAll(filepath.Join(r.Dir(), "cells")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Dir(), "cells"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Put("a", nil), filepath.Join(r.Dir(), "cells"))
}

func TestOpenTakesOnlyRuns(t *testing.T) {
	r := newRun(t)
	if err := r.Put("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	again, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.Done("a"); !ok || string(got) != "1" {
		t.Errorf("Done = %q, %v", got, ok)
	}
	for _, dir := range []string{t.TempDir(), filepath.Join(r.Dir(), "none")} {
		_, err := Open(dir)
		wantError(t, err, dir, "not a run directory")
	}
}

func TestNames(t *testing.T) {
	r := newRun(t)
	for _, good := range []string{"a", "figures/x.svg", "relu-bp lr=0.1,s0.json", "θ/ℒ", "CONSOLE", "com10", "x.tmp-0", strings.Repeat("n", 200)} {
		if err := r.WriteFile(good, nil); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "/a", "a/", "a//b", "a/../b", "../a", "a:b", `a\b`, "a*", "a?", `a"b`, "a<b", "a>b", "a|b",
		"a\nb", "a\x00b", "a.", "a ", ".hidden", "a/.b", "\xff", "nul", "CON.txt", "aux .x", "Com1", "lpt9.log", strings.Repeat("n", 201)} {
		if err := r.WriteFile(bad, nil); err == nil {
			t.Errorf("%q was accepted", bad)
		}
		if err := r.Put(bad, nil); err == nil {
			t.Errorf("cell %q was accepted", bad)
		}
		if _, ok := r.Done(bad); ok {
			t.Errorf("cell %q is done", bad)
		}
	}
	wantError(t, r.WriteFile("cells/a", nil), `"cells/a"`, "kept for Put")
	wantError(t, r.WriteFile("tables/a.jsonl", nil), "kept for")
	if err := r.WriteFile("tables/a.csv", nil); err != nil {
		t.Error(err)
	}
	_, err := r.Table("../../x")
	wantError(t, err, "name")
	wantError(t, r.Row("../../x", []string{"a"}, []any{1}), "name")
}

func TestFileShowsNothingBeforeClose(t *testing.T) {
	r := newRun(t)
	path := filepath.Join(r.Dir(), "model", "m.bin")
	if err := r.WriteFile("model/m.bin", []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := r.Create("model/m.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	for _, s := range []string{"ne", "w"} {
		if _, err := f.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("before Close the file has %q", got)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("after Close the file has %q", got)
	}
	if _, err := f.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	f.Discard()
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestFileAfterDiscardOrFailedWriteKeepsTheOld(t *testing.T) {
	r := newRun(t)
	if err := r.WriteFile("m", []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := r.Create("m")
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("half"))
	f.Discard()

	f, err = r.Create("m")
	if err != nil {
		t.Fatal(err)
	}
	f.f.Close() // stands for a full disk
	if _, err := f.Write([]byte("half")); err == nil {
		t.Fatal("Write on a closed file went well")
	}
	wantError(t, f.Close(), "m", "closed")
	if got, _ := os.ReadFile(filepath.Join(r.Dir(), "m")); string(got) != "old" {
		t.Errorf("the file has %q", got)
	}
	if entries, _ := os.ReadDir(r.Dir()); len(entries) != 5 { // cells, lock, m, store.json, tables
		t.Errorf("left behind: %v", entries)
	}
	if err := r.WriteFile("tables", nil); err == nil {
		t.Error("a file took the place of a folder")
	}
}

func TestFilesPassOverWhatACrashLeft(t *testing.T) {
	r := newRun(t)
	for n := range 2 {
		stale := filepath.Join(r.Dir(), ".m.tmp-"+string(rune('0'+n)))
		if err := os.WriteFile(stale, []byte("stale"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.WriteFile("m", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(r.Dir(), "m")); string(got) != "new" {
		t.Errorf("the file has %q", got)
	}
}

func TestPutMakesACellDone(t *testing.T) {
	r := newRun(t)
	if got, ok := r.Done("relu/bp"); ok || got != nil {
		t.Errorf("before Put: %q, %v", got, ok)
	}
	for _, want := range []string{"first", "", "second"} {
		if err := r.Put("relu/bp", []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, ok := r.Done("relu/bp"); !ok || string(got) != want {
			t.Errorf("after Put of %q: %q, %v", want, got, ok)
		}
	}
}

// Many writers of one cell: at every moment it is one of the results, whole.
func TestConcurrentPutsAreAtomic(t *testing.T) {
	r := newRun(t)
	results := []string{strings.Repeat("a", 10000), strings.Repeat("b", 20000)}
	if err := r.Put("c", []byte(results[0])); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				if err := r.Put("c", []byte(results[i%2])); err != nil {
					t.Error(err)
				}
				if got, ok := r.Done("c"); !ok || string(got) != results[0] && string(got) != results[1] {
					t.Errorf("read %d bytes, %v", len(got), ok)
				}
			}
		})
	}
	wg.Wait()
	if entries, _ := os.ReadDir(filepath.Join(r.Dir(), "cells")); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestClaimIsALock(t *testing.T) {
	dir := t.TempDir()
	if _, err := claim(dir); err != nil {
		t.Fatal(err)
	}
	_, err := claim(dir) // as a process would that saw the folder empty
	wantError(t, err, dir, "not empty")
}
