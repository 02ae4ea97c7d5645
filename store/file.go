package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var _ io.WriteCloser = (*File)(nil)

// File is a file in the making. Close gives it its name; until then, and for ever after a failed Write or a Discard,
// the name shows what was there before.
type File struct {
	f    *os.File
	name string // as the caller gave it
	path string
	err  error // the first failed Write
}

// Create starts the file name, with slashes for subfolders, which are made. A file of that name is replaced on Close.
//
//	f, err := run.Create("model.safetensors")
//	…
//	defer f.Discard()
//	if err := model.Write(f); err != nil { return err }
//	return f.Close()
func (r *Run) Create(name string) (*File, error) {
	if strings.HasPrefix(name, cellsDir+"/") || strings.HasPrefix(name, checkpointsDir+"/") || strings.HasPrefix(name, tablesDir+"/") && strings.HasSuffix(name, rowsExt) {
		return nil, fmt.Errorf("store: name %q: %s/ is kept for Put, %s/ for Checkpoint and %s/*%s for Row; other names are accepted", name, cellsDir, checkpointsDir, tablesDir, rowsExt)
	}
	return r.create(name)
}

func (r *Run) create(name string) (*File, error) {
	path, err := r.path(name)
	if err != nil {
		return nil, err
	}
	if !r.writes() {
		return nil, fmt.Errorf("store: %s: %w", name, errReader)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, unwritable(filepath.Dir(path), err)
	}
	// os.CreateTemp would set mode 0600, which the rename keeps.
	for n := 0; ; n++ {
		temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s%s%d", filepath.Base(path), temporary, n))
		f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue // another writer's, or left by a crash
		}
		if err != nil {
			return nil, unwritable(filepath.Dir(path), err)
		}
		return &File{f: f, name: name, path: path}, nil
	}
}

// temporary is in the names of files in the making, after a dot and the name to be.
const temporary = ".tmp-"

// IsTemporary reports whether a file of this name is one in the making, or, where nobody is writing, left so by a crash.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, ".") && strings.Contains(name, temporary)
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) {
	if f.f == nil {
		return 0, fmt.Errorf("store: %s: %w", f.name, fs.ErrClosed)
	}
	n, err := f.f.Write(p)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("store: %s: %w", f.name, err)
	}
	return n, err
}

// Close puts the file in its place, on disk and complete; after a failed Write it discards the file and returns that error.
func (f *File) Close() error {
	if f.f == nil {
		return fmt.Errorf("store: %s: %w", f.name, fs.ErrClosed)
	}
	if f.err != nil {
		f.Discard()
		return f.err
	}
	err := f.f.Sync()
	if cerr := f.f.Close(); err == nil {
		err = cerr // closed before the rename: Windows renames no open file
	}
	if err == nil {
		err = os.Rename(f.f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.f.Name())
		err = fmt.Errorf("store: %s: %w", f.name, err)
	}
	f.f = nil
	syncDir(filepath.Dir(f.path))
	return err
}

// Discard drops the file. After Close it does nothing, so it can be deferred.
func (f *File) Discard() {
	if f.f == nil {
		return
	}
	f.f.Close()
	os.Remove(f.f.Name())
	f.f = nil
}

// syncDir makes a rename last through a power cut, on systems that can sync a folder; the others need no telling.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

// WriteFile writes the file name as a whole, as Create does.
func (r *Run) WriteFile(name string, data []byte) error {
	f, err := r.Create(name)
	if err != nil {
		return err
	}
	return f.finish(data)
}

func (f *File) finish(data []byte) error {
	f.Write(data) // Close reports what went wrong
	return f.Close()
}
