package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"
)

// maxElement leaves room for the suffix of a file in the making below the 255 bytes that file systems allow.
const maxElement = 200

var errName = errors.New("letters, digits and most signs are accepted, / between folders; not \\ : * ? \" < > |, control characters, empty parts, or a dot at the start or a dot or space at the end of a part")

// path returns where name lies below the run directory. A name must be good on every system, so that a run can be
// copied from one to another; names that differ only in case are one file on some of them.
func (r *Run) path(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", fmt.Errorf("store: name %q: %w", name, errName)
	}
	for e := range strings.SplitSeq(name, "/") {
		if err := checkElement(e); err != nil {
			return "", fmt.Errorf("store: name %q: %w", name, err)
		}
	}
	return filepath.Join(r.dir, filepath.FromSlash(name)), nil
}

func checkElement(e string) error {
	switch {
	case e == "", e[0] == '.', strings.HasSuffix(e, "."), strings.HasSuffix(e, " "),
		strings.ContainsAny(e, `/\:*?"<>|`), strings.ContainsFunc(e, unicode.IsControl):
		return errName
	case len(e) > maxElement:
		return fmt.Errorf("%d bytes in one part; up to %d are accepted", len(e), maxElement)
	case isDevice(e):
		return fmt.Errorf("%s is a device on Windows; add a letter", e)
	}
	return nil
}

// isDevice reports whether Windows would open a device, whatever the extension: CON, NUL, COM1 … LPT9.
func isDevice(e string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(e), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")) && '0' <= stem[3] && stem[3] <= '9'
}
