package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// debianFashion is where Debian's package dataset-fashion-mnist puts its files.
const debianFashion = "/usr/share/datasets/fashion-mnist"

// FashionDirs returns the folders in which Fashion-MNIST may lie, best first: fashion-mnist under settleData, the value
// of $SETTLE_DATA (none if it is empty), and the one of Debian's package dataset-fashion-mnist.
func FashionDirs(settleData string) []string {
	if settleData == "" {
		return []string{debianFashion}
	}
	return []string{filepath.Join(settleData, "fashion-mnist"), debianFashion}
}

// OpenFashion opens the set in the first of FashionDirs that exists, under the name "fashion". If none does, the error
// names them and the ways to get the set. settle does not carry it and downloads nothing.
func OpenFashion(settleData string) (*Set, error) { return openFashion(FashionDirs(settleData)) }

func openFashion(dirs []string) (*Set, error) {
	for _, dir := range dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s, err := OpenDir(dir) // under the folder's name, so that a fault names the folder
		if err != nil {
			return nil, err
		}
		s.Name = "fashion"
		return s, nil
	}
	return nil, fmt.Errorf("data: fashion: %w: %s; put its four files in $SETTLE_DATA/fashion-mnist or install Debian's package dataset-fashion-mnist",
		fs.ErrNotExist, strings.Join(dirs, ", "))
}
