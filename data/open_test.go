package data

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/settle-pc/settle/data/mnist"
)

// folder writes s as the four files, gzipped.
func folder(t testing.TB, s *Set) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for i, x := range [4]IDX{
		{[]int{s.Train.N(), s.Rows, s.Cols}, s.Train.Images},
		{[]int{s.Train.N()}, s.Train.Labels},
		{[]int{s.Test.N(), s.Rows, s.Cols}, s.Test.Images},
		{[]int{s.Test.N()}, s.Test.Labels},
	} {
		files[fileNames[i]+".gz"] = &fstest.MapFile{Data: gzipped(t, idxBytes(t, x))}
	}
	return files
}

func idxBytes(t testing.TB, x IDX) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteIDX(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// with returns the folder with one file put in or, if it is nil, taken out.
func with(files fstest.MapFS, name string, content []byte) fstest.MapFS {
	files = maps.Clone(files)
	delete(files, name)
	if content != nil {
		files[name] = &fstest.MapFile{Data: content}
	}
	return files
}

func TestOpenIsWhatWasWritten(t *testing.T) {
	want := Synthetic(1, 30, 3, 2, 4)
	got, err := Open(folder(t, want), "synthetic")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestOpenTakesEachForm(t *testing.T) {
	want := Synthetic(2, 20, 2, 2, 3)
	files := folder(t, want)
	for _, form := range []string{"train-images-idx3-ubyte", "train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"} {
		content := files["train-images-idx3-ubyte.gz"].Data
		if !strings.HasSuffix(form, ".gz") {
			content = idxBytes(t, IDX{[]int{20, 2, 2}, want.Train.Images})
		}
		other := with(with(files, "train-images-idx3-ubyte.gz", nil), form, content)
		if got, err := Open(other, "synthetic"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", form, err)
		}
	}
	stale := with(files, "train-images.idx3-ubyte", []byte("stale"))
	if _, err := Open(stale, "synthetic"); err != nil {
		t.Errorf("the later form was read: %v", err)
	}
}

// TestTruncationNamesTheFile cuts each file at every length.
func TestTruncationNamesTheFile(t *testing.T) {
	s := Synthetic(3, 8, 3, 3, 2)
	zipped := folder(t, s)
	plain := fstest.MapFS{}
	for name := range zipped {
		x, err := ReadIDX(bytes.NewReader(zipped[name].Data), name)
		if err != nil {
			t.Fatal(err)
		}
		plain[strings.TrimSuffix(name, ".gz")] = &fstest.MapFile{Data: idxBytes(t, x)}
	}
	for _, files := range []fstest.MapFS{zipped, plain} {
		for name, file := range files {
			for k := range file.Data {
				_, err := Open(with(files, name, file.Data[:k]), "dir")
				if err == nil || !strings.HasPrefix(err.Error(), "data: dir/"+name+": ") || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s cut to %d of %d bytes: %v", name, k, len(file.Data), err)
				}
			}
		}
	}
}

// TestDamageIsNoticed inverts each byte of each file: gzip's sum catches all that matters, and its header's time and
// system do not.
func TestDamageIsNoticed(t *testing.T) {
	want := Synthetic(4, 6, 2, 2, 2)
	files := folder(t, want)
	for name, file := range files {
		for k := range file.Data {
			damaged := bytes.Clone(file.Data)
			damaged[k] ^= 0xff
			got, err := Open(with(files, name, damaged), "synthetic")
			if err == nil && !reflect.DeepEqual(got, want) || err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%s damaged at byte %d: %v", name, k, err)
			}
		}
	}
}

// TestTruncatedMNIST is acceptance/1-bad-input, in process.
func TestTruncatedMNIST(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range fileNames {
		content, err := fs.ReadFile(mnist.FS(), name+".gz")
		if err != nil {
			t.Fatal(err)
		}
		files[name+".gz"] = &fstest.MapFile{Data: content}
	}
	const name = "train-images-idx3-ubyte.gz"
	for _, k := range []int{0, 3, 9, 15, 100, 800000, 1600000, len(files[name].Data) - 1} {
		_, err := Open(with(files, name, files[name].Data[:k:k]), "dir")
		if err == nil || !strings.HasPrefix(err.Error(), "data: dir/"+name) {
			t.Errorf("cut to %d bytes: %v", k, err)
		}
	}
}

func TestOpenNamesTheFault(t *testing.T) {
	s := Synthetic(5, 20, 2, 2, 3)
	good := folder(t, s)
	labels := func(n int, last byte) []byte {
		x := IDX{[]int{n}, make([]byte, n)}
		for i := range x.Data {
			x.Data[i] = byte(i % 3)
		}
		x.Data[n-1] = last
		return idxBytes(t, x)
	}
	images := func(dims ...int) []byte {
		n := 1
		for _, d := range dims {
			n *= d
		}
		return idxBytes(t, IDX{dims, make([]byte, n)})
	}
	tests := s.Test.N()
	for _, c := range []struct {
		name, file string
		content    []byte
		words      string
	}{
		{"missing", "train-labels-idx1-ubyte.gz", nil, "file does not exist: train-labels-idx1-ubyte (|the folder has t10k-images"},
		{"fewer labels", "train-labels-idx1-ubyte.gz", labels(19, 2), "dir/train-images-idx3-ubyte.gz: 20 images, but 19 labels in dir/train-labels"},
		{"more test labels", "t10k-labels-idx1-ubyte.gz", labels(tests+1, 2), "dir/t10k-images-idx3-ubyte.gz: 5 images, but 6 labels"},
		{"one class", "train-labels-idx1-ubyte.gz", images(20), "dir/train-labels|every label is 0|two classes"},
		{"unknown class", "t10k-labels-idx1-ubyte.gz", labels(tests, 3), "dir/t10k-labels|label 3 of sample 4|0 to 2"},
		{"other size", "t10k-images-idx3-ubyte.gz", images(tests, 4, 1), "dir/t10k-images|images of 4×1|2×2"},
		{"flat images", "train-images-idx3-ubyte.gz", images(20, 4), "dir/train-images|2 dimensions, 20×4|3, images × rows × columns"},
		{"images for labels", "train-labels-idx1-ubyte.gz", images(20, 1, 1), "dir/train-labels|3 dimensions|1, labels"},
		{"black images", "train-images-idx3-ubyte.gz", images(20, 2, 2), "dir/train-images|all pixels|vary"},
	} {
		_, err := Open(with(good, c.file, c.content), "dir")
		if err == nil {
			t.Errorf("%s: opened", c.name)
			continue
		}
		for w := range strings.SplitSeq("data: dir|"+c.words, "|") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", c.name, err, w)
			}
		}
	}
}

func TestOpenReportsEveryFault(t *testing.T) {
	files := folder(t, Synthetic(6, 20, 2, 2, 3))
	files = with(files, "train-images-idx3-ubyte.gz", []byte("no"))
	files = with(files, "t10k-labels-idx1-ubyte.gz", []byte("no"))
	_, err := Open(files, "dir")
	if err == nil || strings.Count(err.Error(), "\n") != 1 ||
		!strings.Contains(err.Error(), "train-images") || !strings.Contains(err.Error(), "t10k-labels") {
		t.Errorf("two bad files: %v", err)
	}
}

func TestNoFolderListsWhatIsExpected(t *testing.T) {
	empty, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{empty, filepath.Join(empty, "nowhere"), file, ""} {
		_, err := OpenDir(dir)
		if err == nil {
			t.Errorf("%q opened", dir)
			continue
		}
		for _, w := range append(fileNames[:], "data: "+dir+": ", ".gz") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q lacks %q", dir, err, w)
			}
		}
	}
	if _, err := OpenDir(empty); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folder: %v does not wrap fs.ErrNotExist", err)
	}
}

func TestFolderForAFile(t *testing.T) {
	dir := t.TempDir()
	for name, f := range folder(t, Synthetic(7, 20, 2, 2, 3)) {
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenDir(dir); err != nil {
		t.Errorf("a good folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "t10k-labels-idx1-ubyte"), 0o777); err != nil { // comes before the .gz
		t.Fatal(err)
	}
	if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "t10k-labels-idx1-ubyte: ") {
		t.Errorf("a folder for a file: %v", err)
	}
}

func TestNameMNISTObliges(t *testing.T) {
	files := folder(t, Synthetic(8, 20, 2, 2, 3))
	if _, err := Open(files, "mnist"); err == nil || !strings.Contains(err.Error(), officialMNIST[trainImages]) {
		t.Errorf("a synthetic set called mnist: %v", err)
	}
	s := loadMNIST(t)
	if err := s.CheckMNIST(); err != nil {
		t.Error(err)
	}
	altered := *s
	altered.Test.Labels = bytes.Clone(s.Test.Labels)
	altered.Test.Labels[9999] ^= 1
	err := altered.CheckMNIST()
	if err == nil || !strings.Contains(err.Error(), "t10k-labels-idx1-ubyte: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("one label changed: %v", err)
	}
}
