package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Checkpoint is a state that work was in, together with where its tables stood at that moment.
type Checkpoint struct {
	Path   string // of the state's file; "" for the state before any work
	number int
	mark   mark
}

// mark is the content of a checkpoint's .json file. It is written once all that it speaks of is on the disk, with a
// checksum of its own: a mark that reads well and agrees with the files is a state to go on from, whatever a power cut
// has made of what was written later.
type mark struct {
	State  span            `json:"state"`
	Tables map[string]span `json:"tables"`
}

// span is a file's first bytes.
type span struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	stateExt = ".safetensors"
	markExt  = ".json"
	kept     = 2 // checkpoints: should the last be damaged, there is one before
)

// Checkpoint stores a state through write, and with it the place in all tables: Rewind brings both back. Of earlier
// checkpoints one stays. It costs a pass over the state and a sync of every table that has grown.
func (r *Run) Checkpoint(write func(io.Writer) error) error {
	n := 1
	names, err := r.checkpointNumbers()
	if err != nil {
		return err
	}
	if len(names) > 0 {
		n = names[len(names)-1] + 1
	}
	m := mark{Tables: map[string]span{}}
	if err := r.markTables(m.Tables); err != nil {
		return fmt.Errorf("store: checkpoint: %w", err)
	}
	f, err := r.create(checkpointName(n, stateExt))
	if err != nil {
		return err
	}
	defer f.Discard()
	sum := sha256.New()
	size := &counter{}
	if err := write(io.MultiWriter(f, sum, size)); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	m.State = span{size.n, fmt.Sprintf("%x", sum.Sum(nil))}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if f, err = r.create(checkpointName(n, markExt)); err != nil {
		return err
	}
	if err := f.finish(summed(text)); err != nil {
		return err
	}
	for _, old := range names[:max(len(names)-kept+1, 0)] {
		if err := r.removeCheckpoint(old); err != nil {
			return err
		}
	}
	return nil
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// markTables syncs the tables and notes where they end.
func (r *Run) markTables(to map[string]span) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.Tables() {
		path := r.tablePath(name)
		t := r.tables[name]
		if t == nil { // not written to since this Run was opened
			var err error
			if t, err = mend(path); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			r.tables[name] = t
		}
		if t.synced < t.bytes {
			if err := syncFile(path); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			syncDir(filepath.Dir(path))
			t.synced = t.bytes
		}
		to[name] = span{t.bytes, fmt.Sprintf("%x", t.sum.Sum(nil))}
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Checkpoints returns the checkpoints that are whole, newest first, and for each of the others what is wrong with it.
// For each it reads the state, and the tables up to where they stood.
func (r *Run) Checkpoints() (whole []Checkpoint, damaged []error) {
	numbers, err := r.checkpointNumbers()
	if err != nil {
		return nil, []error{err}
	}
	slices.Reverse(numbers)
	for _, n := range numbers {
		c, err := r.checkpoint(n)
		if err != nil {
			damaged = append(damaged, err)
			continue
		}
		whole = append(whole, c)
	}
	return whole, damaged
}

// checkpoint reads and checks checkpoint n.
func (r *Run) checkpoint(n int) (Checkpoint, error) {
	path := filepath.Join(r.dir, checkpointsDir, checkpointFile(n, ""))
	fault := func(format string, v ...any) error {
		return fmt.Errorf("store: checkpoint %s: "+format, append([]any{path + stateExt}, v...)...)
	}
	c := Checkpoint{Path: path + stateExt, number: n}
	file, err := os.ReadFile(path + markExt)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fault("was not finished (no %s beside it)", checkpointFile(n, markExt))
	}
	if err != nil {
		return c, fault("%w", err)
	}
	text, ok := unsum(file)
	if !ok || json.Unmarshal(text, &c.mark) != nil {
		return c, fault("%s is half-written or changed", checkpointFile(n, markExt))
	}
	if err := c.mark.State.check(c.Path, true); err != nil {
		return c, fault("%w", err)
	}
	for name, s := range c.mark.Tables {
		if _, err := r.path(tablesDir + "/" + name + rowsExt); err != nil {
			return c, fault("%w", err)
		}
		if err := s.check(r.tablePath(name), false); err != nil {
			return c, fault("table %s: %w", name, err)
		}
	}
	return c, nil
}

// check compares the first bytes of a file, or all of it, with s.
func (s span) check(path string, whole bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.CopyN(sum, f, s.Bytes)
	if err != nil && err != io.EOF {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if n < s.Bytes || whole && info.Size() != s.Bytes {
		return fmt.Errorf("has %d bytes; it had %d", info.Size(), s.Bytes)
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != s.SHA256 {
		return fmt.Errorf("its content has changed (sha256 %.12s; it was %.12s)", got, s.SHA256)
	}
	return nil
}

// Rewind takes the tables back to where they stood at c: rows that came later are cut off, tables that came later are
// removed, and so are later checkpoints. The zero Checkpoint takes all of them back.
func (r *Run) Rewind(c Checkpoint) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.writer {
		return fmt.Errorf("store: %s: %w", r.dir, errReader)
	}
	for _, name := range r.Tables() {
		path := r.tablePath(name)
		s, there := c.mark.Tables[name]
		var err error
		if there {
			err = os.Truncate(path, s.Bytes)
		} else {
			err = os.Remove(path)
		}
		if err != nil {
			return fmt.Errorf("store: table %s: %w", name, err)
		}
		delete(r.tables, name)
	}
	numbers, err := r.checkpointNumbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n > c.number {
			if err := r.removeCheckpoint(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeCheckpoint removes the mark first: without one, a state is not taken for whole.
func (r *Run) removeCheckpoint(n int) error {
	for _, ext := range []string{markExt, stateExt} {
		if err := os.Remove(filepath.Join(r.dir, checkpointsDir, checkpointFile(n, ext))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("store: checkpoint: %w", err)
		}
	}
	return nil
}

func checkpointFile(n int, ext string) string { return fmt.Sprintf("%06d%s", n, ext) }

func checkpointName(n int, ext string) string { return checkpointsDir + "/" + checkpointFile(n, ext) }

// checkpointNumbers lists the checkpoints of which there is any file, oldest first.
func (r *Run) checkpointNumbers() ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, checkpointsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: checkpoints: %w", err)
	}
	var out []int
	for _, e := range entries {
		stem, _, _ := strings.Cut(e.Name(), ".")
		if n, err := strconv.Atoi(stem); err == nil && n > 0 && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}
