package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// arrayFolder writes a set as four arrays, training labels as N×1 integers of eight bytes, those of the test as bytes.
func arrayFolder(s *Set) fstest.MapFS {
	files := fstest.MapFS{}
	put := func(name, kind string, shape []int, data []byte) {
		dims := strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ", ")
		if len(shape) == 1 {
			dims += ","
		}
		files[name] = &fstest.MapFile{Data: npy(kind, "("+dims+")", data)}
	}
	var wide []int64
	for _, c := range s.Train.Labels {
		wide = append(wide, int64(c))
	}
	put("x_train.npy", "|u1", append([]int{s.Train.N()}, s.dims()...), s.Train.Images)
	put("y_train.npy", "<i8", []int{s.Train.N(), 1}, integers(wide, 8, binary.LittleEndian))
	put("x_test.npy", "|u1", append([]int{s.Test.N()}, s.dims()...), s.Test.Images)
	put("y_test.npy", "|u1", []int{s.Test.N()}, s.Test.Labels)
	return files
}

// npz puts files into an archive, as numpy.savez or, deflated, numpy.savez_compressed does.
func npz(t testing.TB, files fstest.MapFS, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(files[name].Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archive reads the content of an .npz file called set.npz.
func archive(content []byte) (*Set, error) {
	return readNPZ(bytes.NewReader(content), int64(len(content)), "set.npz")
}

func TestArraysAreWhatWasWritten(t *testing.T) {
	for _, want := range []*Set{Synthetic(1, 30, 3, 2, 4), coloured(t, 2, 30, 3, 2, 4)} {
		files := arrayFolder(want)
		got, err := Open(files, want.Name)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("folder: %v, or another set", err)
		}
		files["more.npy"] = &fstest.MapFile{Data: []byte("which nobody reads")}
		want.Name = "set.npz"
		for name, method := range map[string]uint16{"stored": zip.Store, "deflated": zip.Deflate} {
			if got, err := archive(npz(t, files, method)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, or another set", name, err)
			}
		}
	}
	// One channel is grey, whether it has an axis or not.
	want := Synthetic(3, 30, 3, 2, 4)
	files := arrayFolder(want)
	files = with(files, "x_train.npy", npy("|u1", "(30, 3, 2, 1)", want.Train.Images))
	files = with(files, "x_test.npy", npy("|u1", fmt.Sprintf("(%d, 3, 2, 1)", want.Test.N()), want.Test.Images))
	if got, err := Open(files, want.Name); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("an axis of one channel: %v, or another set", err)
	}
}

func TestArraysNameTheFault(t *testing.T) {
	s := Synthetic(4, 20, 2, 3, 3)
	good := arrayFolder(s)
	images := s.Train.Images
	for _, c := range []struct {
		name, file string
		content    []byte
		words      string
	}{
		{"missing", "y_test.npy", nil, "dir: file does not exist: y_test.npy; the folder has x_test.npy"},
		{"text", "x_train.npy", []byte("text"), "dir/x_train.npy: not a .npy array"},
		{"cut short", "x_train.npy", good["x_train.npy"].Data[:200], "dir/x_train.npy: 72 bytes after the header: want 120"},
		{"floats", "x_train.npy", npy("<f4", "(5, 2, 3)", images), "dir/x_train.npy: element type <f4 (accepted: uint8)"},
		{"signed", "x_train.npy", npy("|i1", "(20, 2, 3)", images), "dir/x_train.npy: element type |i1 (accepted: uint8)"},
		{"flat", "x_train.npy", npy("|u1", "(20, 6)", images), "dir/x_train.npy: shape 20×6 (accepted: N×H×W or N×H×W×C)"},
		{"five axes", "x_train.npy", npy("|u1", "(20, 1, 2, 3, 1)", images), "dir/x_train.npy: shape 20×1×2×3×1 (accepted"},
		{"channels first", "x_train.npy", npy("|u1", "(3, 1, 4, 10)", images), "dir/x_train.npy: shape 3×1×4×10: 10 channels (accepted: N×H×W or N×H×W×C with C up to 4"},
		{"other size", "x_test.npy", npy("|u1", "(5, 3, 2)", s.Test.Images), "dir/x_test.npy: images of 3×2 (accepted: 2×3, as in dir/x_train.npy)"},
		{"fewer images", "x_train.npy", npy("|u1", "(19, 2, 3)", images[:19*6]), "dir/x_train.npy: 19 images, but 20 labels in dir/y_train.npy"},
		{"one-hot labels", "y_test.npy", npy("|u1", "(5, 3)", make([]byte, 15)), "dir/y_test.npy: shape 5×3 (accepted: N or N×1"},
		{"labels as floats", "y_test.npy", npy("<f8", "(5,)", make([]byte, 40)), "dir/y_test.npy: element type <f8 (accepted: integers)"},
		{"a negative label", "y_test.npy", npy("<i2", "(5,)", []byte{0, 0, 1, 0, 0xff, 0xff, 0, 0, 0, 0}), "dir/y_test.npy: label -1 of sample 2 (accepted: 0 to 255)"},
		{"unknown class", "y_test.npy", npy("|u1", "(5,)", []byte{0, 0, 3, 0, 0}), "dir/y_test.npy: label 3 of sample 2 (accepted: 0 to 2, the labels in dir/y_train.npy)"},
	} {
		_, err := Open(with(good, c.file, c.content), "dir")
		if err == nil || !strings.HasPrefix(err.Error(), "data: "+c.words) {
			t.Errorf("%s: %v, want %q", c.name, err, c.words)
		}
		if _, err := archive(npz(t, with(good, c.file, c.content), zip.Deflate)); err == nil ||
			!strings.HasPrefix(err.Error(), "data: "+strings.ReplaceAll(c.words, "dir", "set.npz")) {
			t.Errorf("%s, in an archive: %v", c.name, err)
		}
	}
	two := with(with(good, "x_train.npy", []byte("no")), "y_test.npy", []byte("no"))
	if _, err := Open(two, "dir"); err == nil || strings.Count(err.Error(), "data: dir/") != 2 {
		t.Errorf("two faults: %v", err)
	}
}

// TestDamagedArchivesAreNoticed cuts an archive at every length and inverts each of its bytes.
func TestDamagedArchivesAreNoticed(t *testing.T) {
	want := Synthetic(5, 8, 2, 2, 2)
	want.Name = "set.npz"
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		good := npz(t, arrayFolder(want), method)
		for k := range good {
			if _, err := archive(good[:k]); err == nil || !strings.HasPrefix(err.Error(), "data: set.npz: not an .npz file, or cut short: ") {
				t.Errorf("cut to %d of %d bytes: %v", k, len(good), err)
			}
			damaged := bytes.Clone(good)
			damaged[k] ^= 0xff
			got, err := archive(damaged)
			if err == nil && !reflect.DeepEqual(got, want) || err != nil && !strings.HasPrefix(err.Error(), "data: set.npz") {
				t.Errorf("damaged at byte %d: %v", k, err)
			}
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "set.npz")
	if err := os.WriteFile(file, npz(t, arrayFolder(want), zip.Store), 0o666); err != nil {
		t.Fatal(err)
	}
	if s, err := OpenNPZ(file); err != nil || s.Name != file {
		t.Errorf("a file of the system: %v", err)
	}
	if _, err := OpenNPZ(filepath.Join(dir, "nowhere.npz")); err == nil || !strings.Contains(err.Error(), "nowhere.npz: no such file") {
		t.Errorf("no file: %v", err)
	}
	if _, err := OpenNPZ(dir); err == nil || !strings.HasPrefix(err.Error(), "data: "+dir+": ") {
		t.Errorf("a folder: %v", err)
	}
}

// FuzzNPZ: no archive panics, errors name it, and what is accepted is a set.
func FuzzNPZ(f *testing.F) {
	files := arrayFolder(Synthetic(6, 8, 2, 2, 2))
	f.Add(npz(f, files, zip.Store))
	f.Add(npz(f, files, zip.Deflate))
	f.Add(npz(f, with(files, "y_test.npy", nil), zip.Store))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := archive(content)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "data: set.npz") {
				t.Errorf("unnamed error %q", err)
			}
			return
		}
		if s.Train.N() < 1 || len(s.Train.Images) != s.Train.N()*s.Inputs || len(s.Test.Images) != s.Test.N()*s.Inputs {
			t.Errorf("%d + %d images of %d in %d + %d bytes", s.Train.N(), s.Test.N(), s.Inputs, len(s.Train.Images), len(s.Test.Images))
		}
	})
}
