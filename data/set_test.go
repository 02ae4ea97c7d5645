package data

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/settle-pc/settle/data/mnist"
)

var openMNIST = sync.OnceValues(func() (*Set, error) { return Open(mnist.FS(), "mnist") })

func loadMNIST(t testing.TB) *Set {
	t.Helper()
	s, err := openMNIST()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMNIST compares with what is published about the digits.
func TestMNIST(t *testing.T) {
	s := loadMNIST(t)
	if s.Name != "mnist" || s.Train.N() != 60000 || s.Test.N() != 10000 || s.Rows != 28 || s.Cols != 28 || s.Inputs != 784 || s.Classes != 10 {
		t.Errorf("%s: %d + %d images of %d×%d = %d in %d classes", s.Name, s.Train.N(), s.Test.N(), s.Rows, s.Cols, s.Inputs, s.Classes)
	}
	if s.Mean != 0.1307 || s.Std != 0.3081 {
		t.Errorf("mean %v, deviation %v, want 0.1307, 0.3081", s.Mean, s.Std)
	}
	if got, want := s.Train.Labels[:10], []uint8{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("training starts with %v, want %v", got, want)
	}
	if got, want := s.Test.Labels[:10], []uint8{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}; !slices.Equal(got, want) {
		t.Errorf("testing starts with %v, want %v", got, want)
	}
	var count [10]int
	for _, c := range s.Train.Labels {
		count[c]++
	}
	if want := [10]int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}; count != want {
		t.Errorf("digits occur %v times, want %v", count, want)
	}
	// The first five: its first inked pixels are 3, 18, 18 in row 5, columns 12 to 14.
	if five := s.Train.Image(0); !slices.Equal(five[5*28+11:5*28+15], []byte{0, 3, 18, 18}) {
		t.Errorf("row 5 of the first image is %v", five[5*28:6*28])
	}
}

// TestMNISTMemory holds the set to its pixels, and the way there to half as much again, which is let go.
func TestMNISTMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := Open(mnist.FS(), "mnist")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	pixels := len(s.Train.Images) + len(s.Test.Images)
	if kept := int(after.HeapAlloc) - int(before.HeapAlloc); kept > pixels+pixels/100 {
		t.Errorf("%d bytes kept for %d pixels", kept, pixels)
	}
	if used := int(after.TotalAlloc - before.TotalAlloc); used > pixels+pixels/2 {
		t.Errorf("%d bytes used on the way to %d pixels", used, pixels)
	}
	runtime.KeepAlive(s)
}

func TestPixelStatistics(t *testing.T) {
	test := Split{Images: []byte{1, 2}, Labels: []uint8{0}}
	for _, c := range []struct {
		pixels    []byte
		mean, std float64
	}{
		{[]byte{0, 255, 255, 0}, 0.5, 0.5},
		{[]byte{0, 0, 0, 255}, 0.25, 0.4330},         // √3/4 = 0.43301…
		{[]byte{255, 255, 255, 254}, 0.9990, 0.0017}, // mean 1 − 1/1020, deviation √3/1020 = 0.001698…
	} {
		s, err := New("stats", Size{1, 2, 1}, Split{Images: c.pixels, Labels: []uint8{0, 1}}, test)
		if err != nil {
			t.Error(err)
		} else if s.Mean != c.mean || s.Std != c.std {
			t.Errorf("%v: mean %v, deviation %v, want %v, %v", c.pixels, s.Mean, s.Std, c.mean, c.std)
		}
	}
}

func TestNewNamesTheFault(t *testing.T) {
	p := func(pixels string, labels ...uint8) Split { return Split{Images: []byte(pixels), Labels: labels} }
	good := p("abcd", 0, 1)
	for _, c := range []struct {
		name        string
		rows, cols  int
		train, test Split
		words       string
	}{
		{"no columns", 2, 0, good, good, "training images: size 2×0×1"},
		{"no rows", 0, 2, good, good, "training images: size 0×2×1"},
		{"no training", 1, 2, Split{}, good, "training labels: empty"},
		{"no test", 1, 2, good, Split{}, "test labels: empty"},
		{"odd bytes", 1, 2, p("abc", 0, 1), good, "training images: 3 bytes|1×2"},
		{"labels missing", 1, 2, good, p("abcd", 1), "test images: 2 images, but 1 labels in test labels"},
		{"two faults", 1, 2, p("abc", 0, 1), p("abcd", 1), "training images: 3 bytes|test images: 2 images"},
		{"one class", 1, 2, p("abcd", 0, 0), good, "training labels: every label is 0"},
		{"unknown class", 1, 2, good, p("abcd", 1, 9), "test labels: label 9 of sample 1|0 to 1"},
		{"grey", 1, 2, p("aaaa", 0, 1), good, "training images: all pixels are about 97"},
		{"classes and grey", 1, 2, p("aaaa", 0, 1), p("abcd", 1, 9), "label 9|all pixels"},
	} {
		_, err := New("bytes", Size{c.rows, c.cols, 1}, c.train, c.test)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		for w := range strings.SplitSeq("data: bytes: |"+c.words, "|") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", c.name, err, w)
			}
		}
	}
}

func TestColourIsChecked(t *testing.T) {
	good := Split{Images: []byte("abcdefghijkl"), Labels: []uint8{0, 1}}
	for size, words := range map[Size]string{
		{1, 2, 0}: "training images: size 1×2×0 (accepted: rows, columns and channels from 1)",
		{1, 5, 3}: "training images: 12 bytes are not a whole number of 1×5×3 images",
	} {
		if _, err := New("bytes", size, good, good); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v, want %q", size, err, words)
		}
	}
	s, err := New("bytes", Size{1, 2, 3}, good, good)
	if err != nil || s.Inputs != 6 || s.Mean != 0.4020 { // a + 5.5 = 102.5, over 255
		t.Errorf("%d inputs, mean %v, %v", s.Inputs, s.Mean, err)
	}
}

// TestOpeningKeepsOneByteAPixel opens every format and weighs what is left.
func TestOpeningKeepsOneByteAPixel(t *testing.T) {
	grey, colour := Synthetic(1, 400, 32, 96, 4), coloured(t, 1, 400, 32, 32, 4)
	for name, files := range map[string]fstest.MapFS{
		"IDX":               folder(t, grey),
		"CIFAR-10":          cifarFolder(colour),
		"arrays":            arrayFolder(colour),
		"pictures":          pictureFolder(t, grey),
		"pictures, colours": pictureFolder(t, colour),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := Open(files, "set")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // pools are kept for one collection
			runtime.GC()
		}
		runtime.ReadMemStats(&after)
		pixels := len(s.Train.Images) + len(s.Test.Images)
		if kept := int(after.HeapAlloc) - int(before.HeapAlloc); kept > pixels+pixels/50 {
			t.Errorf("%s: %d bytes kept for %d pixels", name, kept, pixels)
		}
	}
}

func TestLimit(t *testing.T) {
	s := loadMNIST(t)
	few, err := s.Limit(1000)
	if err != nil {
		t.Fatal(err)
	}
	if few.Train.N() != 1000 || len(few.Train.Images) != 784000 || few.Test.N() != 10000 || few.Mean != s.Mean || few.Classes != 10 {
		t.Errorf("%d + %d images, mean %v, %d classes", few.Train.N(), few.Test.N(), few.Mean, few.Classes)
	}
	if s.Train.N() != 60000 {
		t.Errorf("the whole set has %d images left", s.Train.N())
	}
	if !slices.Equal(few.Train.Image(999), s.Train.Image(999)) || few.Train.Labels[999] != s.Train.Labels[999] {
		t.Error("image 999 changed")
	}
	if whole, err := s.Limit(60000); err != nil || whole.Train.N() != 60000 {
		t.Errorf("limit 60000: %v", err)
	}
	for _, n := range []int{-1, 0, 60001, math.MaxInt} {
		if _, err := s.Limit(n); err == nil || !strings.Contains(err.Error(), "60000") || !strings.Contains(err.Error(), "limit") {
			t.Errorf("limit %d: %v", n, err)
		}
	}
}

func BenchmarkOpenMNIST(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(mnist.FS(), "mnist"); err != nil {
			b.Fatal(err)
		}
	}
}
