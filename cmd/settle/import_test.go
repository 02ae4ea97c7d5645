package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
)

// The real set is imported, whole, and found by its name; SETTLE_DATA must be a folder that can be made.
func TestFashionIsImported(t *testing.T) {
	dirs := data.FashionDirs(os.Getenv("SETTLE_DATA"))
	i := slices.IndexFunc(dirs, func(dir string) bool { _, err := os.Stat(dir); return err == nil })
	if i < 0 {
		t.Skipf("no Fashion-MNIST in %v", dirs)
	}
	root := filepath.Join(t.TempDir(), "sets")
	t.Setenv("SETTLE_DATA", root)
	if out, _ := settle(t, exitDone, "data", "import", "fashion", dirs[i]); !strings.Contains(out, "60000 training and 10000 test images of 28×28, 10 classes") {
		t.Error(out)
	}
	if set, err := data.OpenFashion(root); err != nil || set.CheckFashion() != nil {
		t.Errorf("imported: %v", err)
	}
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SETTLE_DATA", filepath.Join(file, "below"))
	if _, errs := settle(t, exitRefused, "data", "import", "fashion", dirs[i]); !strings.Contains(errs, "SETTLE_DATA") {
		t.Error(errs)
	}
}

// A set is placed whole, with nothing beside it, and others may read it.
func TestSetsArePlacedWhole(t *testing.T) {
	root, want := t.TempDir(), synthetic()
	if err := place(filepath.Join(root, "set"), want); err != nil {
		t.Fatal(err)
	}
	got, err := data.OpenDir(filepath.Join(root, "set"))
	if err != nil || !bytes.Equal(got.Train.Images, want.Train.Images) || !bytes.Equal(got.Test.Labels, want.Test.Labels) {
		t.Errorf("placed: %v", err)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
