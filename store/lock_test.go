package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// reopened is r as the next process finds it, to go on with.
func reopened(t *testing.T, r *Run) *Run {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Continue(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

func TestARunHasOneWriter(t *testing.T) {
	r := newRun(t)
	_, err := Continue(r.Dir())
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("a second writer: %v", err)
	}
	host, _ := os.Hostname()
	wantError(t, err, r.Dir(), fmt.Sprintf("process %d on %s", os.Getpid(), host), "wait for it")
	if !Busy(r.Dir()) {
		t.Error("a run being written is not busy")
	}
	reader, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"a row": reader.Row("t", []string{"a"}, []any{1}), "a cell": reader.Put("c", nil), "a file": reader.WriteFile("f", nil),
		"a checkpoint": reader.Checkpoint(nil), "a rewind": reader.Rewind(Checkpoint{}),
	} {
		if !errors.Is(err, errReader) {
			t.Errorf("%s through a reader: %v", what, err)
		}
	}
	if _, err := reader.Log().Write([]byte("{}\n")); !errors.Is(err, errReader) {
		t.Errorf("a log line through a reader: %v", err)
	}
	again := reopened(t, r)
	if err := r.Row("t", []string{"a"}, []any{1}); !errors.Is(err, errReader) {
		t.Errorf("a row after Close: %v", err)
	}
	if err := again.Row("t", []string{"a"}, []any{1}); err != nil {
		t.Error(err)
	}
	if err := again.Close(); err != nil || Busy(r.Dir()) {
		t.Errorf("Close: %v; busy %v", err, Busy(r.Dir()))
	}
	if err := again.Close(); err != nil {
		t.Errorf("Close twice: %v", err)
	}
	if Busy(t.TempDir()) {
		t.Error("an empty folder is busy")
	}
}

// The lock must end with the process, however that ends.
func TestTheLockDiesWithItsProcess(t *testing.T) {
	if dir := os.Getenv("STORE_LOCK_TEST"); dir != "" {
		if _, err := Create(dir); err != nil {
			t.Fatal(err)
		}
		os.Exit(9) // no Close
	}
	dir := filepath.Join(t.TempDir(), "run")
	cmd := exec.Command(os.Args[0], "-test.run=^TestTheLockDiesWithItsProcess$")
	cmd.Env = append(os.Environ(), "STORE_LOCK_TEST="+dir)
	if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != 9 {
		t.Fatalf("%v: %s", err, out)
	}
	r, err := Continue(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestFormats(t *testing.T) {
	r := newRun(t)
	if err := r.Row("t", []string{"a"}, []any{1}); err != nil {
		t.Fatal(err)
	}
	r.Close()
	path := filepath.Join(r.Dir(), formatFile)
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), `{"format":1,`) {
		t.Fatalf("%s, %v", text, err)
	}
	for _, old := range []string{"", `{"for`} { // half-written is as good as missing
		if err := os.WriteFile(path, []byte(old), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(r.Dir()); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	reopened(t, r).Close()
	if err := os.WriteFile(path, []byte(`{"format":2,"future":[]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Open(r.Dir())
	wantError(t, err, r.Dir(), "a newer settle (format 2)", "formats up to 1")
	_, err = Continue(r.Dir())
	wantError(t, err, "a newer settle")
}
