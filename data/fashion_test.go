package data

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFashion reads the real set, from $SETTLE_DATA or Debian's package, and compares with what is published about it.
func TestFashion(t *testing.T) {
	dirs := FashionDirs(os.Getenv("SETTLE_DATA"))
	if !slices.ContainsFunc(dirs, func(dir string) bool { _, err := os.Stat(dir); return err == nil }) {
		if os.Getenv("SETTLE_FULL") == "1" {
			t.Fatalf("SETTLE_FULL=1, but no Fashion-MNIST in %v", dirs)
		}
		t.Skipf("no Fashion-MNIST in %v (Debian: apt-get install dataset-fashion-mnist)", dirs)
	}
	s, err := OpenFashion(os.Getenv("SETTLE_DATA"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "fashion" || s.Train.N() != 60000 || s.Test.N() != 10000 || s.Rows != 28 || s.Cols != 28 || s.Classes != 10 {
		t.Errorf("%s: %d + %d images of %d×%d in %d classes", s.Name, s.Train.N(), s.Test.N(), s.Rows, s.Cols, s.Classes)
	}
	if s.Mean != 0.2860 || s.Std != 0.3530 {
		t.Errorf("mean %v, deviation %v, want 0.2860, 0.3530", s.Mean, s.Std)
	}
	var count [10]int
	for _, c := range s.Train.Labels {
		count[c]++
	}
	for c, n := range count {
		if n != 6000 {
			t.Errorf("class %d has %d training images, want 6000", c, n)
		}
	}
	if err := s.CheckFashion(); err != nil {
		t.Error(err)
	}
	if err := s.CheckMNIST(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("Fashion-MNIST taken for MNIST: %v", err)
	}
}

func TestOtherSetsAreNotFashion(t *testing.T) {
	err := Synthetic(1, 20, 28, 28, 10).CheckFashion()
	if err == nil || strings.Count(err.Error(), "not Fashion-MNIST's") != 4 {
		t.Errorf("error %v: want all four files named", err)
	}
}

func TestFashionDirs(t *testing.T) {
	const debian = "/usr/share/datasets/fashion-mnist"
	if got := FashionDirs(""); !slices.Equal(got, []string{debian}) {
		t.Errorf("without SETTLE_DATA: %v", got)
	}
	if got := FashionDirs("/d"); !slices.Equal(got, []string{filepath.Join("/d", "fashion-mnist"), debian}) {
		t.Errorf("SETTLE_DATA=/d: %v", got)
	}
}

func TestFashionTakesTheFirstFolder(t *testing.T) {
	root := t.TempDir()
	absent := filepath.Join(root, "absent")
	_, err := openFashion([]string{absent})
	if err == nil || !strings.Contains(err.Error(), absent) || !strings.Contains(err.Error(), "SETTLE_DATA") || !strings.Contains(err.Error(), "dataset-fashion-mnist") {
		t.Errorf("nowhere: %v", err)
	}
	dir := filepath.Join(root, "fashion-mnist")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	// A folder that is there but lacks its files is a fault, not a reason to look elsewhere.
	if _, err := OpenFashion(root); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("an empty folder: %v", err)
	}
	want := Synthetic(1, 20, 2, 2, 3)
	for name, f := range folder(t, want) {
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openFashion([]string{absent, dir, absent})
	if err != nil || s.Name != "fashion" || !slices.Equal(s.Train.Images, want.Train.Images) {
		t.Errorf("the second folder: %v", err)
	}
}
