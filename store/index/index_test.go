package index

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/settle-pc/settle/store"
)

// put makes a run directory as a training leaves it. A nil result leaves it unfinished.
func put(t testing.TB, base, name string, spec, result map[string]any) string {
	t.Helper()
	r, err := store.Create(filepath.Join(base, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	dir := r.Dir()
	write(t, dir, specFile, spec)
	if result != nil {
		write(t, dir, resultFile, result)
	}
	return dir
}

func write(t testing.TB, dir, name string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// later is a time at which no directory of the test is new any more.
func later() time.Time { return time.Now().Add(time.Hour) }

func opened(t testing.TB, base string) (*Index, Change) {
	t.Helper()
	x, c, err := Open(t.Context(), base, later())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x, c
}

// found returns the names of the runs that the filters find.
func found(t testing.TB, x *Index, sort string, filters ...string) []string {
	t.Helper()
	var fs []Filter
	for _, text := range filters {
		f, err := ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		fs = append(fs, f)
	}
	entries, err := x.Find(t.Context(), fs, sort, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e["run"].(string))
	}
	return names
}

func TestDocuments(t *testing.T) {
	base := t.TempDir()
	put(t, base, "20260102-030405-train", map[string]any{"rule": "pc", "lr": 0.1, "batches": 10}, map[string]any{"batches": 10, "diverged_at": nil, "statuses": map[string]int{"gap": 3}, "cells": []int{1}, "deep": map[string]any{"a": []int{1}}})
	dead := put(t, base, "dead", map[string]any{"rule": "bp"}, map[string]any{"batches": 2, "diverged_at": 2})
	write(t, dead, environmentFile, map[string]any{"command": "train", "date": "2026-01-02T03:04:05Z"})
	sweep, err := store.Create(filepath.Join(base, "grid"))
	if err != nil {
		t.Fatal(err)
	}
	sweep.Close()
	cut := put(t, base, "grid/trials/0001", map[string]any{"rule": "pc", "batches": 100}, nil)
	if err := os.WriteFile(filepath.Join(cut, "tables", "metrics.jsonl"), []byte(`{"batch":6,"mse":1}`+"\n"+`{"batch":7,"mse":1}`+"\n"+`{"bat`), 0o666); err != nil {
		t.Fatal(err)
	}
	live, err := store.Create(filepath.Join(base, "live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := WriteTags(live, []string{"a", "b c"}); err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"notes", "grid/trials/none"} {
		if err := os.MkdirAll(filepath.Join(base, no), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	x, c := opened(t, base)
	if c.Read != 5 {
		t.Errorf("read %d runs, want 5", c.Read)
	}
	entries, err := x.Find(t.Context(), nil, "run", 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"batches":10,"command":"train","diverged_at":null,"lr":0.1,"rule":"pc","run":"20260102-030405-train","state":"finished","statuses":{"gap":3},"tags":[]},` +
		`{"batches":2,"command":"train","diverged_at":2,"rule":"bp","run":"dead","started":"2026-01-02T03:04:05Z","state":"diverged","tags":[]},` +
		`{"command":"","run":"grid","state":"interrupted","tags":[]},` +
		`{"batches":7,"command":"","rule":"pc","run":"grid/trials/0001","state":"interrupted","tags":[]},` +
		`{"command":"","run":"live","state":"running","tags":["a","b c"]}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	keys, err := x.Keys(t.Context())
	if err != nil || !slices.Contains(keys, "diverged_at") || slices.Contains(keys, "cells") {
		t.Errorf("keys %v, %v", keys, err)
	}
}

// A sweep's state is also its trials': one that a scheduler runs holds no lock but its own.
func TestASweepRunsWhileATrialDoes(t *testing.T) {
	base := t.TempDir()
	sweep, err := store.Create(filepath.Join(base, "grid"))
	if err != nil {
		t.Fatal(err)
	}
	sweep.Close()
	put(t, base, "grid/trials/0000", map[string]any{}, map[string]any{})
	trial, err := store.Create(filepath.Join(base, "grid/trials/0001"))
	if err != nil {
		t.Fatal(err)
	}
	defer trial.Close()
	x, _ := opened(t, base)
	state := func(want string) {
		t.Helper()
		if _, err := x.Refresh(t.Context(), later()); err != nil {
			t.Fatal(err)
		}
		if got := found(t, x, "run", "state="+want); len(got) == 0 || got[0] != "grid" {
			t.Errorf("%s are %v: want grid among them", want, got)
		}
	}
	state(Running)
	if !Busy(filepath.Join(base, "grid")) || Busy(filepath.Join(base, "grid/trials/0000")) {
		t.Error("busy is not the sweep, or a trial at rest")
	}
	trial.Close()
	state(Interrupted)
	write(t, filepath.Join(base, "grid"), resultFile, map[string]any{"name": "grid"})
	state(Finished)
}

// Every command has a file that it writes when all else is there.
func TestRunsOfAllCommandsFinish(t *testing.T) {
	base := t.TempDir()
	for _, name := range resultFiles {
		r, err := store.Create(filepath.Join(base, strings.TrimSuffix(name, ".json")))
		if err != nil {
			t.Fatal(err)
		}
		write(t, r.Dir(), name, map[string]any{"ok": false})
		r.Close()
	}
	x, _ := opened(t, base)
	if got := found(t, x, "run", "state=finished"); len(got) != len(resultFiles) {
		t.Errorf("finished: %v", got)
	}
}

func TestRefreshReadsWhatHasChanged(t *testing.T) {
	base := t.TempDir()
	for i := range 5 {
		put(t, base, fmt.Sprint("run", i), map[string]any{"rule": "pc"}, map[string]any{"test_accuracy": 0.9})
	}
	open := put(t, base, "open", map[string]any{"rule": "bp"}, nil)
	x, _ := opened(t, base)
	refresh := func(want Change) {
		t.Helper()
		// The kernel's clock for files moves in steps of some milliseconds.
		time.Sleep(20 * time.Millisecond)
		if c, err := x.Refresh(t.Context(), later()); err != nil || c != want {
			t.Errorf("refresh: %+v, %v; want %+v", c, err, want)
		}
	}
	refresh(Change{Read: 1}) // the open one, always
	write(t, open, resultFile, map[string]any{"test_accuracy": 0.5})
	refresh(Change{Read: 1})
	refresh(Change{})
	r, err := store.Continue(filepath.Join(base, "run3"))
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteTags(r, []string{"good"}); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := os.RemoveAll(filepath.Join(base, "run1")); err != nil {
		t.Fatal(err)
	}
	refresh(Change{Read: 1, Removed: 1})
	if got := found(t, x, "run", "tag=good"); !slices.Equal(got, []string{"run3"}) {
		t.Errorf("tagged: %v", got)
	}
	// A directory that has just changed may change again within the clock's step: it is read once more.
	put(t, base, "new", map[string]any{}, map[string]any{})
	for range 2 {
		if c, err := x.Refresh(t.Context(), time.Now()); err != nil || c.Read != 1 {
			t.Errorf("refresh: %+v, %v; want the new one read", c, err)
		}
	}
}

func TestAnIndexCanBeDeletedAndIsMadeAgain(t *testing.T) {
	base := t.TempDir()
	for i := range 20 {
		put(t, base, fmt.Sprint("run", i), map[string]any{"seed": i}, map[string]any{"test_accuracy": float64(i) / 20})
	}
	x, _ := opened(t, base)
	want := found(t, x, "-seed", "test_accuracy>0.5")
	if len(want) != 9 || want[0] != "run19" {
		t.Fatalf("found %v", want)
	}
	x.Close()
	path := filepath.Join(base, File)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"missing": nil, "text": []byte(strings.Repeat("not a database ", 100)), "cut": whole[:len(whole)/2], "zeros": make([]byte, len(whole)),
		"middle": append(append(slices.Clone(whole[:4096]), make([]byte, 4096)...), whole[8192:]...)} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		if content == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		x, _ := opened(t, base)
		if got := found(t, x, "-seed", "test_accuracy>0.5"); !slices.Equal(got, want) {
			t.Errorf("%s: found %v", name, got)
		}
		if _, err := x.db.Exec("PRAGMA user_version = 99"); err != nil { // another version's, next time
			t.Fatal(err)
		}
		x.Close()
	}
	_, _, err = Open(t.Context(), filepath.Join(base, "none"), later())
	if err == nil || !strings.Contains(err.Error(), "want the folder that run directories are in") {
		t.Errorf("no folder: %v", err)
	}
}

// holds is what a filter means, without a database.
func (f Filter) holds(doc map[string]any) bool {
	v := doc[f.Key]
	if f.Op == "~" {
		s, ok := v.(string)
		return ok && strings.Contains(s, f.Value)
	}
	equal := false
	switch v := v.(type) {
	case string:
		equal = v == f.Value
	case bool:
		equal = fmt.Sprint(v) == f.Value
	case float64:
		if f.number != nil {
			equal = v == *f.number
			switch f.Op {
			case "<":
				return v < *f.number
			case "<=":
				return v <= *f.number
			case ">":
				return v > *f.number
			case ">=":
				return v >= *f.number
			}
		}
	}
	return f.Op == "=" && equal || f.Op == "!=" && !equal
}

func TestFiltersAgainstTheirMeaning(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	pick := func(v ...any) any { return v[rng.IntN(len(v))] }
	base := t.TempDir()
	docs := map[string]map[string]any{}
	for i := range 60 {
		name := fmt.Sprint("r", i)
		docs[name] = map[string]any{"rule": pick("pc", "bp", "bp-curved"), "eval-every": pick(0., 10., 2.5), "arch": pick("784", "784-10", "it's \"x\""),
			"bias": pick(true, false), "test_mse": pick(nil, 0.1, 1e-9, -3.), "odd": pick("true", "1", 1., nil)}
		put(t, base, name, docs[name], map[string]any{})
	}
	x, _ := opened(t, base)
	some, all := 0, 0
	for _, key := range []string{"rule", "eval-every", "arch", "bias", "test_mse", "missing"} {
		for _, op := range ops {
			for _, value := range []string{"pc", "bp", "784", "0", "10", "0.1", "1e-9", "true", "false", `it's "x"`, "' OR 1=1 --", ""} {
				f, err := ParseFilter(key + op + value)
				if err != nil {
					if !strings.ContainsAny(op, "<>") {
						t.Errorf("%v", err)
					}
					continue
				}
				var want []string
				for name, doc := range docs {
					if f.holds(doc) {
						want = append(want, name)
					}
				}
				slices.Sort(want)
				got := found(t, x, "run", key+op+value)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s%s%s: %d runs, want %d", key, op, value, len(got), len(want))
				}
				some += min(len(want), 1)
				all++
			}
		}
	}
	if some < all/10 || some == all {
		t.Errorf("%d of %d filters find something: these tell little", some, all)
	}
}

// Seeds are whole numbers up to 2^64 − 1: all of their digits count, in documents and in filters.
func TestLargeWholeNumbersAreExact(t *testing.T) {
	base := t.TempDir()
	seeds := []uint64{0, 7, 1234567, 1<<53 - 1, 1 << 53, 1<<53 + 1, 5577006791947779410, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1}
	for i, seed := range seeds {
		put(t, base, fmt.Sprintf("r%02d", i), map[string]any{"seed": seed}, map[string]any{})
	}
	put(t, base, "real", map[string]any{"seed": 1e19 / 3}, map[string]any{})
	put(t, base, "below", map[string]any{"seed": -5}, map[string]any{})
	x, _ := opened(t, base)
	entries, err := x.Find(t.Context(), nil, "run", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, seed := range seeds {
		if got := fmt.Sprint(entries[i+1]["seed"]); i > 3 && got != fmt.Sprint(seed) {
			t.Errorf("seed %d came back as %s", seed, got)
		}
	}
	for _, op := range []string{"=", "!=", "<", "<=", ">", ">="} {
		for _, value := range seeds {
			want := map[string]bool{"below": op == "!=" || op[0] == '<', "real": op == "!="}
			if f := float64(value); op[0] == '<' && 1e19/3 < f || op[0] == '>' && 1e19/3 > f {
				want["real"] = true
			}
			for i, seed := range seeds {
				want[fmt.Sprintf("r%02d", i)] = map[string]bool{"=": seed == value, "!=": seed != value, "<": seed < value, "<=": seed <= value, ">": seed > value, ">=": seed >= value}[op]
			}
			got := found(t, x, "run", fmt.Sprint("seed", op, value))
			for name, w := range want {
				if slices.Contains(got, name) != w {
					t.Errorf("seed%s%d: %s found %v, want %v", op, value, name, !w, w)
				}
			}
		}
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	for text, want := range map[string]string{"": "want KEY", "rule": "want KEY", "=pc": "want KEY", "rule!pc": `operator "!"`, "lr>big": "want a number"} {
		if _, err := ParseFilter(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// BenchmarkIndex is of 10,000 runs: making the index, and finding in it with nothing changed.
func BenchmarkIndex(b *testing.B) {
	base := b.TempDir()
	for i := range 10000 {
		put(b, base, fmt.Sprintf("2026-%05d-train", i), map[string]any{"rule": []string{"pc", "bp"}[i%2], "act": "relu", "lr": 0.001, "arch": "784-300-300-10", "data": "mnist", "solver": "auto", "optim": "adam", "seed": i},
			map[string]any{"rule": []string{"pc", "bp"}[i%2], "act": "relu", "lr": 0.001, "seed": i, "test_accuracy": float64(i) / 10000, "test_mse": 0.1, "seconds": 1.5, "weights_sha256": strings.Repeat("0", 64), "diverged_at": nil, "statuses": map[string]int{"gap": 1}})
	}
	b.Run("rebuild", func(b *testing.B) {
		for b.Loop() {
			if err := os.Remove(filepath.Join(base, File)); err != nil && !os.IsNotExist(err) {
				b.Fatal(err)
			}
			if _, c := opened(b, base); c.Read != 10000 {
				b.Fatalf("%d runs", c.Read)
			}
		}
	})
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			x, _ := opened(b, base)
			if n := len(found(b, x, "-test_accuracy", "rule=pc", "test_accuracy>0.95")); n != 249 {
				b.Fatalf("%d runs", n)
			}
			x.Close()
		}
	})
}
