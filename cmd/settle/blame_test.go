package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/settle-pc/settle/store"
)

// A directory that another process writes to, or a disk that is full, is no fault of the request: schedulers try again after
// exit code 1, and not after 2.
func TestDirectoriesInUseAreNoFaultOfTheRequest(t *testing.T) {
	dir := t.TempDir()
	set := filepath.Join(dir, "set")
	if err := os.Mkdir(set, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeSet(set, synthetic()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(file, []byte("base: {data: "+set+", arch: 64-4, batch: 20, batches: 3}\nseeds: [0, 1]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	grid, alone := filepath.Join(dir, "grid"), filepath.Join(dir, "alone")
	settle(t, exitDone, "sweep", file, "--out", grid, "--quiet")
	settle(t, exitDone, "train", "--data", set, "--arch", "64-4", "--batch", "20", "--batches", "3", "--out", alone, "--quiet")
	if err := os.Remove(filepath.Join(grid, "trials", "0001", resultFile)); err != nil {
		t.Fatal(err)
	}
	for _, held := range []string{grid, filepath.Join(grid, "trials", "0001"), alone} {
		r, err := store.Continue(held)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
	}
	for _, args := range [][]string{
		{"train", "--resume", alone}, {"sweep", grid}, {"sweep", "collect", grid}, {"sweep", "run", grid, "--trial", "1"},
	} {
		if _, errs := settle(t, exitFailed, args...); !strings.Contains(errs, "in use: process") {
			t.Errorf("%q: %s", args, errs)
		}
	}
}

func TestBlame(t *testing.T) {
	for errno, code := range map[syscall.Errno]int{syscall.ENOSPC: exitFailed, syscall.EIO: exitFailed, syscall.EACCES: exitRefused, syscall.ENOTDIR: exitRefused} {
		err := blame(&fs.PathError{Op: "mkdir", Path: "out", Err: errno})
		if _, failed := err.(failure); failed != (code == exitFailed) {
			t.Errorf("%v: %#v, want exit code %d", errno, err, code)
		}
	}
	if blame(nil) != nil {
		t.Error("blame without an error")
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "precious"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run([]string{"data", "--out", full}, &out, &out); code != exitRefused {
		t.Errorf("a folder that is not empty: exit code %d", code)
	}
}
