package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Format is the version of the layout that this package writes. Runs without a number, from before there was one, are
// read like those of format 1.
const Format = 1

const (
	lockFile   = "lock"
	formatFile = "store.json"
)

// patience is how long a writer waits for the lock: a look at whether a run is being written holds it for a moment.
const patience = 300 * time.Millisecond

// ErrLocked is what errors are that mean: another process is writing to this run.
var ErrLocked = errors.New("in use")

// about is the content of store.json.
type about struct {
	Format int    `json:"format"`
	Writer writer `json:"writer"` // the last
}

type writer struct {
	PID  int    `json:"pid"`
	Host string `json:"host"`
}

// readAbout reads store.json and refuses formats of the future. A missing or half-written file is format 1's.
func readAbout(dir string) (about, error) {
	a := about{Format: Format}
	text, err := os.ReadFile(filepath.Join(dir, formatFile))
	if err != nil || json.Unmarshal(text, &a) != nil {
		return about{Format: Format}, nil
	}
	if a.Format > Format {
		return a, fmt.Errorf("store: %s: written by a newer settle (format %d); this one reads formats up to %d: take the newer one", dir, a.Format, Format)
	}
	return a, nil
}

// lock makes r its directory's only writer, until Close or the end of the process, and says so in store.json. File
// systems that know no locks are taken at their word: there it is up to the user.
func (r *Run) lock() error {
	old, err := readAbout(r.dir)
	if err != nil {
		return err
	}
	f := flock.New(filepath.Join(r.dir, lockFile), flock.SetPermissions(0o666))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	held, err := f.TryLockContext(ctx, patience/10)
	switch {
	case held:
		r.held = f
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("store: %s: %w: process %d on %s is writing to it; wait for it, stop it, or give another folder", r.dir, ErrLocked, old.Writer.PID, old.Writer.Host)
	case !errors.Is(err, errors.ErrUnsupported):
		return unwritable(r.dir, err)
	}
	r.writer = true
	me := about{Format: Format, Writer: writer{PID: os.Getpid()}}
	me.Writer.Host, _ = os.Hostname() // only a help for people
	text, err := json.Marshal(me)
	if err == nil {
		err = r.WriteFile(formatFile, append(text, '\n'))
	}
	if err != nil {
		return errors.Join(err, r.Close())
	}
	return nil
}

// Close lets other writers at the directory. Everything written is in its files already. A run that is only read needs
// no Close; twice does no harm.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writer = false
	if r.held == nil {
		return nil
	}
	err := r.held.Close()
	r.held = nil
	return err
}

func (r *Run) writes() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writer
}

// Busy reports whether a process is writing to the run in dir at this moment.
func Busy(dir string) bool {
	f := flock.New(filepath.Join(dir, lockFile), flock.SetFlag(os.O_RDONLY))
	free, err := f.TryRLock()
	if free {
		// Nothing was written under this lock: an error is of no consequence.
		_ = f.Close()
	}
	return !free && (err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported))
}
