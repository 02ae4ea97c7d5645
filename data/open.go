package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// The files of a set, in the order in which faults are reported.
const (
	trainImages = iota
	trainLabels
	testImages
	testLabels
)

// fileNames are the official names, without .gz.
var fileNames = [4]string{
	trainImages: "train-images-idx3-ubyte",
	trainLabels: "train-labels-idx1-ubyte",
	testImages:  "t10k-images-idx3-ubyte",
	testLabels:  "t10k-labels-idx1-ubyte",
}

// fileDims are the dimensions of each file, and what they count.
var fileDims = [4]string{
	trainImages: "images × rows × columns",
	trainLabels: "labels",
	testImages:  "images × rows × columns",
	testLabels:  "labels",
}

// OpenDir opens the set in a folder of the operating system, under the folder's name.
func OpenDir(dir string) (*Set, error) { return Open(os.DirFS(dir), dir) }

// Open reads a set from the root of fsys: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
// t10k-labels-idx1-ubyte, each as it is or with .gz, and with a hyphen or a dot before idx. Of several forms of a file
// it takes the first in that order. The name becomes the set's and heads the path in messages; a set that is called
// "mnist" must hold the official digits, byte for byte (CheckMNIST).
//
// The files are decoded side by side; every faulty one is named in the error, with what was found and what is accepted.
func Open(fsys fs.FS, name string) (*Set, error) {
	files, err := locate(fsys)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	paths := files
	for i, file := range files {
		paths[i] = path.Join(name, file)
	}
	arrays, err := readAll(fsys, files, paths)
	if err != nil {
		return nil, err
	}
	s, err := assemble(arrays, paths)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	s.Name = name
	if name == mnistName {
		if err := s.CheckMNIST(); err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
	}
	return s, nil
}

// locate finds the form in which each file is there, or reports all that are missing.
func locate(fsys fs.FS) (files [4]string, err error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return files, fmt.Errorf("no folder that can be read: %w; a set is a folder with %s", bare(err), expected(fileNames[:]))
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
	}
	var missing []string
	for i, name := range fileNames {
		dotted := strings.Replace(name, "-idx", ".idx", 1)
		for _, form := range []string{dotted + ".gz", dotted, name + ".gz", name} { // the last that is there wins
			if there[form] {
				files[i] = form
			}
		}
		if files[i] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return files, fmt.Errorf("%w: %s; the folder %s", fs.ErrNotExist, expected(missing), listing(entries))
	}
	return files, nil
}

// bare takes the operation and the path off a file error: the path is relative to a folder that the message names.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func expected(names []string) string {
	return strings.Join(names, ", ") + " (IDX, as they are or with .gz)"
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

// readAll decodes the four files side by side. The training images take most of the time, so more than two goroutines
// at work would not help.
func readAll(fsys fs.FS, files, paths [4]string) ([4]IDX, error) {
	var (
		arrays [4]IDX
		faults [4]error
		wg     sync.WaitGroup
	)
	for i, file := range files {
		wg.Go(func() { arrays[i], faults[i] = readFile(fsys, file, paths[i]) })
	}
	wg.Wait()
	for i, x := range arrays {
		want := 1 + strings.Count(fileDims[i], "×")
		if faults[i] == nil && len(x.Dims) != want {
			faults[i] = fmt.Errorf("data: %s: %d dimensions, %s (accepted: %d, %s)",
				paths[i], len(x.Dims), shape(x.Dims), want, fileDims[i])
		}
	}
	return arrays, errors.Join(faults[:]...)
}

func readFile(fsys fs.FS, file, name string) (IDX, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return IDX{}, fmt.Errorf("data: %s: %w", name, bare(err))
	}
	defer f.Close()
	return ReadIDX(f, name)
}

// assemble makes a set of the four arrays, checked against each other.
func assemble(arrays [4]IDX, paths [4]string) (*Set, error) {
	size, test := arrays[trainImages].Dims[1:], arrays[testImages].Dims[1:]
	if !slices.Equal(size, test) {
		return nil, fmt.Errorf("%s: images of %s (accepted: %s, as in %s)", paths[testImages], shape(test), shape(size), paths[trainImages])
	}
	s := &Set{
		Rows:  size[0],
		Cols:  size[1],
		Train: Split{Images: arrays[trainImages].Data, Labels: arrays[trainLabels].Data},
		Test:  Split{Images: arrays[testImages].Data, Labels: arrays[testLabels].Data},
	}
	return s, s.complete(paths)
}
