package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// A cell's file is a line with the checksum of what follows, then the result. A rename makes a file appear whole, but
// not every system keeps it whole through a power cut, and disks and people change files.
const sumFormat = "sha256 %x\n"

var sumLength = len(fmt.Sprintf(sumFormat, [sha256.Size]byte{}))

// Put stores the result of a finished cell, replacing what was stored for it. Names are those of files.
func (r *Run) Put(cell string, result []byte) error {
	f, err := r.create(cellsDir + "/" + cell)
	if err != nil {
		return err
	}
	return f.finish(summed(result))
}

// Done returns the stored result of a cell, if it is finished. A result that cannot be read, or is not what Put was
// given, counts as missing: the work is done again. Damaged tells of the latter.
func (r *Run) Done(cell string) ([]byte, bool) {
	path, err := r.path(cellsDir + "/" + cell)
	if err != nil {
		return nil, false
	}
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err == nil {
		if result, ok := unsum(file); ok {
			return result, true
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.damaged = append(r.damaged, cell)
	return nil, false
}

// Damaged returns the cells whose files Done found half-written, changed or unreadable, in that order, each once.
func (r *Run) Damaged() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, c := range r.damaged {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// summed puts the checksum of content before it.
func summed(content []byte) []byte {
	return append(fmt.Appendf(nil, sumFormat, sha256.Sum256(content)), content...)
}

// unsum is the reverse: false if the content is not what the checksum is of.
func unsum(file []byte) ([]byte, bool) {
	if len(file) < sumLength {
		return nil, false
	}
	content := file[sumLength:]
	return content, bytes.Equal(file[:sumLength], fmt.Appendf(nil, sumFormat, sha256.Sum256(content)))
}
