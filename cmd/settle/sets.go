package main

import (
	"fmt"
	"os"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/data/mnist"
)

// openSet opens mnist (embedded), fashion (where it is installed), or the IDX files in a folder.
func openSet(name string) (*data.Set, error) {
	var set *data.Set
	var err error
	switch name {
	case "mnist":
		set, err = data.Open(mnist.FS(), "mnist")
	case "fashion":
		set, err = data.OpenFashion(os.Getenv("SETTLE_DATA"))
	default:
		set, err = data.OpenDir(name)
	}
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w", name, err)
	}
	return set, nil
}
