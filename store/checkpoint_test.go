package store

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// work is a process that counts: step i adds the row i to table a, and every third to table b; its state is i.
type work struct {
	t   *testing.T
	run *Run
	at  int
}

func (w *work) step() {
	w.t.Helper()
	w.at++
	if err := w.run.Row("a", []string{"i"}, []any{w.at}); err != nil {
		w.t.Fatal(err)
	}
	if w.at%3 == 0 {
		if err := w.run.Row("deep/b", []string{"i", "s"}, []any{w.at, "third"}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *work) save() {
	w.t.Helper()
	err := w.run.Checkpoint(func(f io.Writer) error {
		_, err := fmt.Fprintf(f, "%d %s", w.at, strings.Repeat("x", 100))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// resume takes the newest whole checkpoint up and returns what was damaged.
func (w *work) resume() []error {
	w.t.Helper()
	whole, damaged := w.run.Checkpoints()
	whole = append(whole, Checkpoint{})
	w.at = 0
	if path := whole[0].Path; path != "" {
		state, err := os.ReadFile(path)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := fmt.Sscan(string(state), &w.at); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.run.Rewind(whole[0]); err != nil {
		w.t.Fatal(err)
	}
	return damaged
}

// check wants both tables to have the rows of all steps so far, each once.
func (w *work) check() {
	w.t.Helper()
	for table, every := range map[string]int{"a": 1, "deep/b": 3} {
		var got []float64
		if v, err := w.run.Table(table); err == nil {
			if v.Partial != "" {
				w.t.Errorf("table %s ends with %q", table, v.Partial)
			}
			got, _ = v.Floats("i")
		}
		var want []float64
		for i := every; i <= w.at; i += every {
			want = append(want, float64(i))
		}
		if !slices.Equal(got, want) {
			w.t.Fatalf("after %d steps table %s has %v", w.at, table, got)
		}
	}
}

func TestRewindBringsTheTablesBackToTheCheckpoint(t *testing.T) {
	w := &work{t: t, run: newRun(t)}
	for range 7 {
		w.step()
	}
	w.save()
	for range 5 {
		w.step()
	}
	w.run = reopened(t, w.run)
	if damaged := w.resume(); len(damaged) > 0 || w.at != 7 {
		t.Fatalf("at %d, damaged %v", w.at, damaged)
	}
	w.check()
	for range 2 {
		w.step()
		w.save()
	}
	w.step()
	w.check()
	if err := w.run.Rewind(Checkpoint{}); err != nil {
		t.Fatal(err)
	}
	w.at = 0
	w.check()
	if whole, damaged := w.run.Checkpoints(); len(whole)+len(damaged) > 0 {
		t.Errorf("left %v, %v", whole, damaged)
	}
}

func TestTwoCheckpointsStay(t *testing.T) {
	w := &work{t: t, run: newRun(t)}
	for range 5 {
		w.step()
		w.save()
	}
	entries, err := os.ReadDir(filepath.Join(w.run.Dir(), checkpointsDir))
	if err != nil || len(entries) != 2*kept || entries[0].Name() != "000004.json" {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestADamagedCheckpointIsPassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		damage func(string) error
		says   string
	}{
		"state cut":     {"checkpoints/000002.safetensors", func(p string) error { return os.Truncate(p, 50) }, "has 50 bytes; it had 10"},
		"state changed": {"checkpoints/000002.safetensors", flipByte, "its content has changed"},
		"state missing": {"checkpoints/000002.safetensors", os.Remove, "no such file"},
		"mark changed":  {"checkpoints/000002.json", flipByte, "000002.json is half-written or changed"},
		"mark missing":  {"checkpoints/000002.json", os.Remove, "was not finished (no 000002.json beside it)"},
		"table cut":     {"tables/a.jsonl", func(p string) error { return os.Truncate(p, 56) }, "table a: has 56 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &work{t: t, run: newRun(t)}
			for range 7 {
				w.step()
			}
			w.save()
			w.step()
			w.save()
			w.step()
			if err := c.damage(filepath.Join(w.run.Dir(), filepath.FromSlash(c.file))); err != nil {
				t.Fatal(err)
			}
			w.run = reopened(t, w.run)
			damaged := w.resume()
			if len(damaged) != 1 || w.at != 7 {
				t.Fatalf("went on from %d; damaged: %v", w.at, damaged)
			}
			wantError(t, damaged[0], "000002.safetensors", c.says)
			w.check()
			w.step()
			w.save()
			w.check()
			if whole, damaged := w.run.Checkpoints(); len(whole) != 2 || len(damaged) != 0 {
				t.Errorf("%v, %v", whole, damaged)
			}
		})
	}
}

func flipByte(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(path, b, 0o666)
}

// A power cut keeps what was synced and may keep, lose, cut, or fill with zeros each part of what was not: rows after
// the last checkpoint, and the files of a checkpoint in the making, in any combination.
func TestAPowerCutCostsOnlyWhatCameAfterACheckpoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		w := &work{t: t, run: newRun(t)}
		saved := 0
		for range rng.IntN(40) {
			w.step()
			if rng.IntN(5) == 0 {
				w.save()
				saved = w.at
			}
		}
		synced := map[string]int64{}
		if whole, _ := w.run.Checkpoints(); len(whole) > 0 {
			for name, s := range whole[0].mark.Tables {
				synced[name] = s.Bytes
			}
		}
		reached := w.at
		if rng.IntN(2) == 0 { // in the middle of a checkpoint
			w.save()
			numbers, err := w.run.checkpointNumbers()
			if err != nil {
				t.Fatal(err)
			}
			last := filepath.Join(w.run.Dir(), checkpointsDir, checkpointFile(slices.Max(numbers), ""))
			cut(t, rng, last+stateExt, 0)
			cut(t, rng, last+markExt, 0)
		}
		for _, name := range w.run.Tables() {
			cut(t, rng, w.run.tablePath(name), synced[name])
		}
		w.run = reopened(t, w.run)
		w.resume()
		if w.at != saved && w.at != reached { // the latter if by luck all of it is there
			t.Fatalf("went on from %d; the last checkpoint was at %d", w.at, saved)
		}
		w.check()
		w.step()
		w.save()
		w.check()
	}
}

// cut does to a file's bytes from from on what a power cut may do.
func cut(t *testing.T, rng *rand.Rand, path string, from int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tail := b[from:]
	switch rng.IntN(4) {
	case 0:
		b = b[:from]
	case 1:
		b = b[:int(from)+rng.IntN(len(tail)+1)]
	case 2:
		clear(tail[rng.IntN(len(tail)+1):])
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkCheckpoint is of what a training of 784-300x9-10 with Adam stores: 12 MB, and a table of 10,000 rows.
func BenchmarkCheckpoint(b *testing.B) {
	r, err := Create(filepath.Join(b.TempDir(), "run"))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10000 {
		if err := r.Row("metrics", []string{"batch", "mse", "passes"}, []any{i, 0.123456789, 1e6}); err != nil {
			b.Fatal(err)
		}
	}
	state := make([]byte, 12<<20)
	for b.Loop() {
		if err := r.Checkpoint(func(w io.Writer) error { _, err := w.Write(state); return err }); err != nil {
			b.Fatal(err)
		}
	}
}
