package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
)

// setHelp says what --data takes beside names.
const setHelp = "a `folder` with IDX, CIFAR-10 or .npy files or with train/CLASS/*.png, or an .npz file"

// openSet opens mnist (embedded), fashion (where it is installed), an .npz file or a folder.
func openSet(name string) (*data.Set, error) {
	var set *data.Set
	var err error
	switch {
	case name == "mnist":
		set, err = data.Open(mnist.FS(), "mnist")
	case name == "fashion":
		set, err = data.OpenFashion(os.Getenv("SETTLE_DATA"))
	case strings.EqualFold(filepath.Ext(name), ".npz"):
		set, err = data.OpenNPZ(name)
	default:
		set, err = data.OpenDir(name)
	}
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w", name, err)
	}
	return set, nil
}
