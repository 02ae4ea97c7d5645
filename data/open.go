package data

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// The parts of a set, in the order in which faults are reported.
const (
	trainImages = iota
	trainLabels
	testImages
	testLabels
)

// format is a way in which a folder holds a set.
type format struct {
	wants string                     // what the folder has, in words
	names []string                   // of which the folder has at least one
	open  func(d root) (*Set, error) // the set but for its name; errors start with "data: "
}

// formats are in the order in which Open looks for them.
var formats = [...]format{
	{expected(fileNames[:]), idxForms(), openIDX},
	{strings.Join(cifarFiles[:], ", ") + " (CIFAR-10)", cifarFiles[:], openCIFAR},
	{strings.Join(arrayFiles[:], ", ") + " (NumPy)", arrayFiles[:], openArrays},
	{strings.Join(halves[:], ", ") + " (folders of classes, which are folders of PNG, JPEG or GIF files)", halves[:], openPictures},
}

// root is where the files of a set lie: the root of a file system, under the name that heads the path in messages.
type root struct {
	fs.FS
	name    string
	entries []fs.DirEntry
}

// has reports whether the folder has something of that name.
func (d root) has(name string) bool {
	return slices.ContainsFunc(d.entries, func(e fs.DirEntry) bool { return e.Name() == name })
}

// complete reports the files that are missing.
func (d root) complete(files []string) error {
	missing := slices.DeleteFunc(slices.Clone(files), d.has)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("data: %s: %w: %s; the folder %s", d.name, fs.ErrNotExist, strings.Join(missing, ", "), listing(d.entries))
}

// accepted says what a set is.
func accepted() string {
	var wants []string
	for _, f := range formats {
		wants = append(wants, f.wants)
	}
	return "a set is a folder with " + strings.Join(wants, "; or with ") + "; or an .npz file"
}

// OpenDir opens the set in a folder of the operating system, under the folder's name.
func OpenDir(dir string) (*Set, error) { return Open(os.DirFS(dir), dir) }

// Open reads a set from the root of fsys, which holds it in one of these formats (of several, the first):
//
//   - IDX: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each as
//     it is or with .gz, and with a hyphen or a dot before idx; of several forms of a file, the first in that order.
//   - CIFAR-10's binary files: data_batch_1.bin to data_batch_5.bin and test_batch.bin, records of a label and of three
//     planes of 32×32 bytes, 10000 records in every file or, in all of them, other numbers.
//   - NumPy: x_train.npy, y_train.npy, x_test.npy and y_test.npy; the images uint8, N×H×W or N×H×W×C with C up to 4,
//     the labels integers, N or N×1.
//   - Pictures: the folders train/CLASS and test/CLASS with PNG, JPEG and GIF files, all of one size. Classes are the
//     folders of train, sorted by name; files go by name, and the classes take turns, so that the first n images of the
//     set have all classes alike. If all pixels are grey, the set is, and otherwise it has three channels. Samples of 16 bits
//     are rounded to 8. Names that begin with a dot are passed over.
//
// The name becomes the set's and heads the path in messages; a set that is called "mnist" must hold the official digits,
// byte for byte (CheckMNIST). Files are decoded side by side; every faulty one is named in the error, of pictures the
// first, with what was found and what is accepted.
func Open(fsys fs.FS, name string) (*Set, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("data: %s: no folder that can be read: %w; %s", name, bare(err), accepted())
	}
	d := root{fsys, name, entries}
	i := slices.IndexFunc(formats[:], func(f format) bool { return slices.ContainsFunc(f.names, d.has) })
	if i < 0 {
		return nil, fmt.Errorf("data: %s: no set in it: %w: the folder %s; %s", name, fs.ErrNotExist, listing(entries), accepted())
	}
	s, err := formats[i].open(d)
	if err != nil {
		return nil, err
	}
	s.Name = name
	if name == mnistName {
		if err := s.CheckMNIST(); err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
	}
	return s, nil
}

// OpenNPZ reads a set from an .npz file with the arrays x_train, y_train, x_test and y_test, each as Open wants it, under
// the file's name.
func OpenNPZ(file string) (*Set, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", file, bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", file, bare(err))
	}
	return readNPZ(f, info.Size(), file)
}

func readNPZ(r io.ReaderAt, size int64, name string) (*Set, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("data: %s: not an .npz file, or cut short: %w", name, err)
	}
	entries, err := fs.ReadDir(z, ".")
	if err != nil {
		return nil, fmt.Errorf("data: %s: not an .npz file: %w", name, bare(err))
	}
	s, err := openArrays(root{z, name, entries})
	if err != nil {
		return nil, err
	}
	s.Name = name
	return s, nil
}

// bare takes the operation and the path off a file error: the path is relative to a folder that the message names.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// listing says what a folder that lacks files has instead.
func listing(entries []fs.DirEntry) string {
	const shown = 6
	if len(entries) == 0 {
		return "is empty"
	}
	var names []string
	for _, e := range entries[:min(len(entries), shown)] {
		names = append(names, e.Name())
	}
	if len(entries) > shown {
		names = append(names, "…")
	}
	return "has " + strings.Join(names, ", ")
}

// paths puts the folder's name before those of files, for messages.
func (d root) paths(files [4]string) [4]string {
	for i, file := range files {
		files[i] = path.Join(d.name, file)
	}
	return files
}
