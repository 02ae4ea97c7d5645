// Package store keeps a run: one directory with everything that a command produced.
//
//	tables/NAME.jsonl         rows, one JSON object a line, appended by Row
//	cells/NAME                stored results of finished pieces of work, written by Put, each with its checksum
//	checkpoints/N…            the last two states that work can be taken up from, written by Checkpoint
//	log.jsonl                 what happened, one JSON object a line, appended through Log
//	store.json, lock          the format of this layout, and who is writing
//	anything else             figures, models, reports, written by Create and WriteFile
//
// Files appear whole or not at all: they are written under another name in the same folder, synced, closed and then
// renamed. Rows are appended and handed to the system one by one, so that a crash costs at most the row being written.
// Nothing else is kept: what can be computed from these files (an index, say) can be thrown away and made again.
//
// A directory has one writer at a time (Create, CreateDefault, Continue), which holds its lock, and any number of
// readers (Open). A Run may be used by many goroutines at once.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Run is an open run directory.
type Run struct {
	dir    string
	writer bool
	held   *flock.Flock // nil: a reader, or a file system without locks

	mu      sync.Mutex            // guards what follows and the appends
	tables  map[string]*tableFile // that this Run has written to
	damaged []string              // cells, as Done found them
}

const (
	tablesDir      = "tables"
	cellsDir       = "cells"
	checkpointsDir = "checkpoints"
)

// Dir returns the path of the directory, as it was given to Create or Open.
func (r *Run) Dir() string { return r.dir }

// Create starts a run in dir, which must be empty or not exist; folders above it are made. Of several processes that
// start in the same folder one succeeds.
func Create(dir string) (*Run, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, unwritable(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	if len(entries) > 0 {
		return nil, occupied(dir, entries[0].Name())
	}
	return claim(dir)
}

// CreateDefault starts a run in the new directory base/20060102-150405-command, in the time zone of now, with -2, -3 …
// at its end where that is taken.
func CreateDefault(base, command string, now time.Time) (*Run, error) {
	if err := checkElement(command); err != nil {
		return nil, fmt.Errorf("store: command %q: %w", command, err)
	}
	if err := os.MkdirAll(base, 0o777); err != nil {
		return nil, unwritable(base, err)
	}
	name := now.Format("20060102-150405-") + command
	for n := 1; ; n++ {
		dir := filepath.Join(base, name)
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", dir, n)
		}
		err := os.Mkdir(dir, 0o777) // fails where the name is taken, so two runs never share a directory
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, unwritable(base, err)
		}
		return claim(dir)
	}
}

// Open opens the run in dir to read it.
func Open(dir string) (*Run, error) {
	if info, err := os.Stat(filepath.Join(dir, tablesDir)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("store: %s: not a run directory (no folder %s in it); give the folder of a run", dir, tablesDir)
	}
	if _, err := readAbout(dir); err != nil {
		return nil, err
	}
	return &Run{dir: dir, tables: map[string]*tableFile{}}, nil
}

// Continue opens the run in dir to go on with it. It fails with ErrLocked while another process does.
func Continue(dir string) (*Run, error) {
	r, err := Open(dir)
	if err != nil {
		return nil, err
	}
	return r, r.lock()
}

// errReader is of a write through a Run that Open has made, or that is closed.
var errReader = errors.New("the run is open for reading only; continue it to write")

// claim makes the folders of a run. Of several processes only one can make the first, and goes on to lock the run.
func claim(dir string) (*Run, error) {
	for _, sub := range []string{tablesDir, cellsDir} {
		err := os.Mkdir(filepath.Join(dir, sub), 0o777)
		if errors.Is(err, fs.ErrExist) {
			return nil, occupied(dir, sub)
		}
		if err != nil {
			return nil, unwritable(dir, err)
		}
	}
	return Continue(dir)
}

func occupied(dir, entry string) error {
	return fmt.Errorf("store: %s: the folder is not empty (it has %s); give a new or an empty folder, or resume the run if this is one", dir, entry)
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("store: %s: cannot make or write this folder: %w; give one that you may write to", dir, err)
}
