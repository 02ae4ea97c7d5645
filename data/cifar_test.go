package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// coloured is a synthetic set whose triples of columns are the channels of a pixel.
func coloured(t testing.TB, seed uint64, n, rows, cols, classes int) *Set {
	t.Helper()
	grey := Synthetic(seed, n, rows, 3*cols, classes)
	s, err := New("coloured", Size{rows, cols, 3}, grey.Train, grey.Test)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// records lays out samples lo ≤ i < hi as CIFAR-10's files do, plane by plane.
func records(p Split, lo, hi int) []byte {
	var out []byte
	for i := lo; i < hi; i++ {
		out = append(out, p.Labels[i])
		for c := range 3 {
			for y := range 32 {
				for x := range 32 {
					out = append(out, p.Image(i)[(y*32+x)*3+c])
				}
			}
		}
	}
	return out
}

// cifarFolder writes a set of 32×32 pixels in colour, whose training images five divides.
func cifarFolder(s *Set) fstest.MapFS {
	files := fstest.MapFS{"batches.meta.txt": {}, "test_batch.bin": {Data: records(s.Test, 0, s.Test.N())}}
	n := s.Train.N() / 5
	for b := range 5 {
		files[fmt.Sprintf("data_batch_%d.bin", b+1)] = &fstest.MapFile{Data: records(s.Train, b*n, (b+1)*n)}
	}
	return files
}

func TestCIFARIsWhatWasWritten(t *testing.T) {
	want := coloured(t, 1, 20, 32, 32, 4)
	got, err := Open(cifarFolder(want), "coloured")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v, or another set", err)
	}
	checkBatch(t, Fill(NewBatch[float32](got, 5), got, got.Test, 0, 5), got, got.Test)
}

func TestCIFARNamesTheFault(t *testing.T) {
	s := coloured(t, 2, 20, 32, 32, 4)
	good := cifarFolder(s)
	file := good["data_batch_3.bin"].Data // of four records
	label := bytes.Clone(file)
	label[2*cifarRecord] = 10
	for _, c := range []struct {
		name, file string
		content    []byte
		words      string
	}{
		{"missing", "data_batch_3.bin", nil, "dir: file does not exist: data_batch_3.bin; the folder has batches.meta.txt"},
		{"empty", "test_batch.bin", []byte{}, "dir/test_batch.bin: 0 bytes (accepted: whole records of 3073 bytes"},
		{"cut by one", "data_batch_3.bin", file[:len(file)-1], "dir/data_batch_3.bin: 12291 bytes"},
		{"cut in a record", "data_batch_3.bin", file[:cifarRecord+9], "dir/data_batch_3.bin: 3082 bytes"},
		{"longer", "data_batch_3.bin", append(bytes.Clone(file), 0), "dir/data_batch_3.bin: 12293 bytes"},
		{"label", "data_batch_3.bin", label, "dir/data_batch_3.bin: record 2: label 10 (accepted: 0 to 9)"},
		{"unknown class", "test_batch.bin", append([]byte{9}, file[1:]...), "dir/test_batch.bin: label 9 of sample 0 (accepted: 0 to 3, the labels in dir/data_batch_1.bin"},
		{"whole beside small", "data_batch_3.bin", make([]byte, cifarWhole*cifarRecord), "dir/data_batch_1.bin: 4 records (accepted: 10000, as in data_batch_3.bin)"},
	} {
		_, err := Open(with(good, c.file, c.content), "dir")
		if err == nil || !strings.HasPrefix(err.Error(), "data: "+c.words) {
			t.Errorf("%s: %v, want %q", c.name, err, c.words)
		}
	}
	two := with(with(good, "data_batch_1.bin", file[:1]), "test_batch.bin", file[:2])
	if _, err := Open(two, "dir"); err == nil || strings.Count(err.Error(), "data: dir/") != 2 {
		t.Errorf("two faults: %v", err)
	}
	nested := with(with(good, "data_batch_2.bin", nil), "data_batch_2.bin/x", []byte{1})
	if _, err := Open(nested, "dir"); err == nil || !strings.HasPrefix(err.Error(), "data: dir/data_batch_2.bin: not a file") {
		t.Errorf("a folder for a file: %v", err)
	}
}

// FuzzCIFAR puts any bytes for one of the files: what is accepted is whole records, and their bytes are in the set.
func FuzzCIFAR(f *testing.F) {
	s := coloured(f, 3, 10, 32, 32, 2)
	good := cifarFolder(s)
	file := good["data_batch_4.bin"].Data
	f.Add(file)
	f.Add(file[:cifarRecord])
	f.Add(file[:100])
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := Open(with(good, "data_batch_4.bin", append([]byte{}, content...)), "fuzz")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "data: fuzz") {
				t.Errorf("unnamed error %q", err)
			}
			return
		}
		n := len(content) / cifarRecord
		if n*cifarRecord != len(content) || got.Train.N() != 8+n {
			t.Fatalf("%d training images with %d bytes in the fourth of five files", got.Train.N(), len(content))
		}
		if back := records(got.Train, 6, 6+n); !bytes.Equal(back, content) {
			t.Error("other bytes than in the file")
		}
	})
}

// TestChecksumsAreOfTheImages: a set in colour has the sums of IDX files of four dimensions.
func TestChecksumsAreOfTheImages(t *testing.T) {
	s := coloured(t, 4, 20, 3, 2, 4)
	sums := s.Checksums()
	head := []byte{0, 0, 8, 4}
	for _, d := range []uint32{20, 3, 2, 3} {
		head = binary.BigEndian.AppendUint32(head, d)
	}
	x, err := ReadIDX(bytes.NewReader(append(head, s.Train.Images...)), "by hand")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x", x.SHA256()); sums[trainImages] != (Checksum{"train-images-idx4-ubyte", want}) {
		t.Errorf("%v, want train-images-idx4-ubyte, %s", sums[trainImages], want)
	}
	if got := sums[testLabels].File; got != "t10k-labels-idx1-ubyte" {
		t.Errorf("labels of the test are in %s", got)
	}
	few, err := s.Limit(8)
	if err != nil {
		t.Fatal(err)
	}
	if few.Train.N() != 8 || len(few.Train.Images) != 8*18 || !bytes.Equal(few.Train.Image(7), s.Train.Image(7)) || few.Checksums() == sums {
		t.Errorf("limit 8: %d images in %d bytes", few.Train.N(), len(few.Train.Images))
	}
}
