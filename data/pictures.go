package data

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// halves are the folders of a set of pictures.
var halves = [...]string{"train", "test"}

// pictureFile is one image of a set, and its class.
type pictureFile struct {
	path  string
	label uint8
}

// openPictures reads the pictures below train/CLASS and test/CLASS.
func openPictures(d root) (*Set, error) {
	if err := d.complete(halves[:]); err != nil {
		return nil, err
	}
	classes, err := d.classes(halves[0])
	if err == nil && (len(classes) < 2 || len(classes) > math.MaxUint8+1) {
		err = fmt.Errorf("data: %s: %d classes (accepted: folders of 2 to %d)", path.Join(d.name, halves[0]), len(classes), math.MaxUint8+1)
	}
	if err != nil {
		return nil, err
	}
	var files [2][]pictureFile
	var faults [2]error
	for i, half := range halves {
		files[i], faults[i] = d.pictures(half, classes)
	}
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	p, err := d.like(slices.Concat(files[:]...))
	if err != nil {
		return nil, err
	}
	s, err := p.read(len(files[0]))
	if err != nil {
		return nil, err
	}
	train, test := path.Join(d.name, halves[0]), path.Join(d.name, halves[1])
	if err := s.complete([4]string{train, train, test, test}); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return s, nil
}

// list returns the names in a folder that do not begin with a dot, sorted, and whether each is a folder itself.
func (d root) list(dir string) (names []string, folders []bool, err error) {
	entries, err := fs.ReadDir(d, dir)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %s: %w", path.Join(d.name, dir), bare(err))
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		is := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := fs.Stat(d, path.Join(dir, e.Name()))
			if err != nil {
				return nil, nil, fmt.Errorf("data: %s: %w", path.Join(d.name, dir, e.Name()), bare(err))
			}
			is = info.IsDir()
		}
		names, folders = append(names, e.Name()), append(folders, is)
	}
	return names, folders, nil
}

// classes returns the names of the folders in one half of a set, which has nothing else.
func (d root) classes(half string) ([]string, error) {
	names, folders, err := d.list(half)
	if i := slices.Index(folders, false); err == nil && i >= 0 {
		err = fmt.Errorf("data: %s: a file (accepted: a folder for every class)", path.Join(d.name, half, names[i]))
	}
	return names, err
}

// pictures lists the files of one half, the classes taking turns. All its classes are among those of training.
func (d root) pictures(half string, classes []string) ([]pictureFile, error) {
	own, err := d.classes(half)
	if err != nil {
		return nil, err
	}
	type ranked struct {
		pictureFile
		rank int // within its class
	}
	var all []ranked
	for _, class := range own {
		label := slices.Index(classes, class)
		if label < 0 {
			return nil, fmt.Errorf("data: %s: no such class in %s (accepted: the %d there, from %s to %s)", path.Join(d.name, half, class),
				path.Join(d.name, halves[0]), len(classes), classes[0], classes[len(classes)-1])
		}
		names, folders, err := d.list(path.Join(half, class))
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("data: %s: empty (accepted: files *%s)", path.Join(d.name, half, class), strings.Join(pictureEndings, ", *"))
		}
		for i, name := range names {
			file := path.Join(half, class, name)
			if folders[i] || !IsPicture(name) {
				return nil, fmt.Errorf("data: %s: not a picture by its name (accepted: files *%s)", path.Join(d.name, file), strings.Join(pictureEndings, ", *"))
			}
			all = append(all, ranked{pictureFile{file, uint8(label)}, i})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return a.rank - b.rank })
	out := make([]pictureFile, len(all))
	for i, f := range all {
		out[i] = f.pictureFile
	}
	return out, nil
}

// pile is the pictures of a set, all of the size of the first.
type pile struct {
	root
	files      []pictureFile
	rows, cols int
}

// like makes a pile of files.
func (d root) like(files []pictureFile) (pile, error) {
	if len(files) == 0 {
		return pile{}, fmt.Errorf("data: %s: no pictures (accepted: at least one in each class)", path.Join(d.name, halves[0]))
	}
	first, err := d.file(files[0].path)
	if err != nil {
		return pile{}, err
	}
	cols, rows, _, err := pictureSize(first)
	if err != nil {
		return pile{}, fmt.Errorf("data: %s: %w", path.Join(d.name, files[0].path), err)
	}
	if n := int64(rows) * int64(cols) * int64(len(files)); n > maxBytes/3 {
		return pile{}, fmt.Errorf("data: %s: %d pictures of %d×%d pixels (accepted: up to %d pixels in all)", d.name, len(files), cols, rows, maxBytes/3)
	}
	return pile{d, files, rows, cols}, nil
}

func (d root) file(name string) (*bytes.Reader, error) {
	content, err := fs.ReadFile(d, name)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", path.Join(d.name, name), bare(err))
	}
	return bytes.NewReader(content), nil
}

// read decodes the pictures, the first train of them for training. It takes them for grey until one is not: so memory is never more
// than what the set keeps, and most sets in colour show it in their first image.
func (p pile) read(train int) (*Set, error) {
	for _, channels := range []int{1, 3} {
		s := &Set{Size: Size{p.rows, p.cols, channels}}
		all := room(len(p.files), s.values())
		more, err := p.decode(all, channels)
		if more {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.Train = Split{Images: all.Images[: train*s.values() : train*s.values()], Labels: all.Labels[:train:train]}
		s.Test = Split{Images: all.Images[train*s.values():], Labels: all.Labels[train:]}
		return s, nil
	}
	panic("data: a picture with more than three channels")
}

// decode fills a split. It stops where a picture has colour and there is one channel, and reports that; otherwise the error is of the
// first file that is at fault, whatever the number of goroutines.
func (p pile) decode(to Split, channels int) (coloured bool, err error) {
	var (
		wg      sync.WaitGroup
		colour  atomic.Bool
		workers = min(runtime.GOMAXPROCS(0), len(p.files))
		faults  = make([]error, workers)
	)
	for w := range workers {
		wg.Go(func() {
			for i := w * len(p.files) / workers; i < (w+1)*len(p.files)/workers && !colour.Load() && faults[w] == nil; i++ {
				var more bool
				more, faults[w] = p.one(to, i, channels)
				if more {
					colour.Store(true)
				}
			}
		})
	}
	wg.Wait()
	first := slices.IndexFunc(faults, func(err error) bool { return err != nil })
	if first < 0 {
		return colour.Load(), nil
	}
	return colour.Load(), faults[first]
}

// fits returns nil for the size of the first picture.
func (p pile) fits(rows, cols int) error {
	if rows == p.rows && cols == p.cols {
		return nil
	}
	return fmt.Errorf("%d×%d pixels (accepted: %d×%d, as in %s)", cols, rows, p.cols, p.rows, path.Join(p.name, p.files[0].path))
}

// one decodes a picture. It reports whether the picture needs more channels.
func (p pile) one(to Split, i, channels int) (more bool, err error) {
	f := p.files[i]
	r, err := p.file(f.path)
	if err != nil {
		return false, err
	}
	picture, err := ReadPicture(r, p.fits)
	if err != nil {
		return false, fmt.Errorf("data: %s: %w", path.Join(p.name, f.path), err)
	}
	if channels == 1 {
		if _, _, more := picture.Colour(); more {
			return true, nil
		}
	}
	picture.bytes(to.Image(i), channels)
	to.Labels[i] = f.label
	return false, nil
}
