package data

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
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

// formsOf lists the names that a file may have, the one to take last.
func formsOf(name string) []string {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return []string{dotted + ".gz", dotted, name + ".gz", name}
}

// idxForms lists all names that a file may have.
func idxForms() []string {
	var forms []string
	for _, name := range fileNames {
		forms = append(forms, formsOf(name)...)
	}
	return forms
}

// openIDX reads the four IDX files of a set.
func openIDX(d root) (*Set, error) {
	files, err := d.locate()
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", d.name, err)
	}
	paths := d.paths(files)
	arrays, err := readAll(d, files, paths)
	if err != nil {
		return nil, err
	}
	s, err := assemble(arrays, paths)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return s, nil
}

// locate finds the form in which each file is there, or reports all that are missing.
func (d root) locate() (files [4]string, err error) {
	var missing []string
	for i, name := range fileNames {
		for _, form := range formsOf(name) {
			if d.has(form) {
				files[i] = form
			}
		}
		if files[i] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return files, fmt.Errorf("%w: %s; the folder %s", fs.ErrNotExist, expected(missing), listing(d.entries))
	}
	return files, nil
}

func expected(names []string) string {
	return strings.Join(names, ", ") + " (IDX, as they are or with .gz)"
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
		Size:  Size{size[0], size[1], 1},
		Train: Split{Images: arrays[trainImages].Data, Labels: arrays[trainLabels].Data},
		Test:  Split{Images: arrays[testImages].Data, Labels: arrays[testLabels].Data},
	}
	return s, s.complete(paths)
}
