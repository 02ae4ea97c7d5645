package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/settle-pc/settle/store"
)

// sweepBelow makes a sweep with two trials in base, the first finished, and returns its path and the second, which is being written.
func sweepBelow(t *testing.T, base string) (string, *store.Run) {
	t.Helper()
	dir := filepath.Join(base, "grid")
	var open *store.Run
	for _, at := range []string{"", "trials/0000", "trials/0001"} {
		r, err := store.Create(filepath.Join(dir, at))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		if at == "trials/0000" {
			if err := r.WriteFile(resultFile, []byte(`{"batches":1}`)); err != nil {
				t.Fatal(err)
			}
		}
		if open = r; at != "trials/0001" {
			r.Close()
		}
	}
	return dir, open
}

func collectGarbage(t *testing.T, base string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := run(append([]string{"runs", "gc", "--runs", base}, args...), &out, &out); code != exitDone {
		t.Fatalf("gc %q: exit code %d: %s", args, code, &out)
	}
	return out.String()
}

// A trial that a scheduler runs locks only its own directory: neither its sweep nor what it is writing may go.
func TestGCLeavesASweepWhoseTrialRuns(t *testing.T) {
	base := t.TempDir()
	dir, trial := sweepBelow(t, base)
	f, err := trial.Create("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	half, err := filepath.Glob(filepath.Join(trial.Dir(), ".model*"))
	if err != nil || len(half) != 1 {
		t.Fatalf("%q, %v", half, err)
	}
	for _, args := range [][]string{{"--delete"}, {"state=interrupted", "--whole", "--delete"}, {"run~grid", "--whole", "--delete"}, {"state=running", "--whole", "--delete"}} {
		out := collectGarbage(t, base, args...)
		for _, path := range []string{half[0], filepath.Join(dir, "trials/0000", resultFile)} {
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("gc %q: %v: %s", args, err, out)
			}
		}
		if args[0] == "run~grid" && !strings.Contains(out, "grid: left as it is: it is being written, or one of its trials is") {
			t.Errorf("gc %q: %s", args, out)
		}
	}
}

// An interrupted sweep holds finished trials: it goes only where the filters hold for these, too, and none has a tag.
func TestGCLeavesASweepWithTrialsThatAreNotMeant(t *testing.T) {
	base := t.TempDir()
	dir, trial := sweepBelow(t, base)
	trial.Close()
	if out := collectGarbage(t, base, "state=interrupted", "--whole"); !strings.Contains(out, "grid: left as it is: the filters do not hold for trials/0000") {
		t.Errorf("gc: %s", out)
	}
	var out bytes.Buffer
	if code := run([]string{"runs", "tag", "--runs", base, "grid/trials/0000", "good"}, &out, &out); code != exitDone {
		t.Fatal(&out)
	}
	if out := collectGarbage(t, base, "run~grid", "--whole"); !strings.Contains(out, "grid: left as it is: trials/0000 has tags") {
		t.Errorf("gc: %s", out)
	}
	if code := run([]string{"runs", "tag", "--runs", base, "grid/trials/0000", "good", "--remove"}, &out, &out); code != exitDone {
		t.Fatal(&out)
	}
	if out := collectGarbage(t, base, "run~grid", "--whole", "--delete"); !strings.Contains(out, "removed 1,") {
		t.Errorf("gc: %s", out)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the sweep is still there")
	}
}
