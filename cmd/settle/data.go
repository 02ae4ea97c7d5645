package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/data"
)

// setInfo describes a data set in the object that --json prints.
type setInfo struct {
	Name      string     `json:"name"`
	Found     bool       `json:"found"`
	Train     int        `json:"train"`
	Test      int        `json:"test"`
	Rows      int        `json:"rows"`
	Cols      int        `json:"cols"`
	Channels  int        `json:"channels"`
	Classes   int        `json:"classes"`
	Mean      float64    `json:"mean"`
	Std       float64    `json:"std"`
	Official  *bool      `json:"official_mnist"`
	Checksums []checksum `json:"checksums,omitempty"`
	Fault     string     `json:"fault,omitempty"`
}

// checksum is a data.Checksum with the keys of JSON.
type checksum struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// dataFile is what the commands write to --out.
const dataFile = "data.json"

func (a *app) dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data [SET]",
		Short: "What data sets are there; check one; import one",
		Long: `Lists the data sets that --data takes by name. MNIST is built in; Fashion-MNIST is looked for in
$SETTLE_DATA/fashion-mnist and where Debian's package dataset-fashion-mnist puts it. Other sets
are given to --data by their paths: folders with the four IDX files of such a set (gzipped or not), with the six binary
files of CIFAR-10, with x_train.npy, y_train.npy, x_test.npy and y_test.npy, or with pictures in train/CLASS and
test/CLASS; or an .npz file with those four arrays. docs/data.md has the details. "settle data SET" is short for
"settle data check SET".`,
		Example: `  settle data
  settle data check path/to/folder
  settle data check mnist.npz
  SETTLE_DATA=$HOME/data settle data import fashion path/to/folder`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !isSet(args[0]) {
				return fmt.Errorf("unknown command %q for %q: want one of %s, or one set: mnist, fashion, a folder or an .npz file",
					args[0], cmd.CommandPath(), subcommands(cmd))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.checkData(args[0])
			}
			return a.listData()
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "check mnist|fashion|DIR|FILE.npz",
		Short:   "Read a set whole and print its checksums",
		Example: "  settle data check mnist",
		Args:    operands(1, 1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.checkData(args[0]) },
	}, &cobra.Command{
		Use:     "import fashion DIR",
		Short:   "Check by its checksums that DIR holds Fashion-MNIST, and copy it, as IDX files, to where --data fashion finds it",
		Example: "  SETTLE_DATA=$HOME/data settle data import fashion path/to/folder",
		Args:    operands(2, 2),
		RunE:    func(_ *cobra.Command, args []string) error { return a.importData(args[0], args[1]) },
	})
	return cmd
}

// isSet reports whether the name is that of a set, or of something that may be one.
func isSet(name string) bool {
	_, err := os.Stat(name)
	return err == nil || name == "mnist" || name == "fashion"
}

func (a *app) listData() error {
	run, err := a.outRun("data")
	if err != nil {
		return err
	}
	var infos []setInfo
	for _, name := range []string{"mnist", "fashion"} {
		set, err := openSet(name)
		if err != nil {
			infos = append(infos, setInfo{Name: name, Fault: err.Error()})
			fmt.Fprintf(a.text(), "%-8s not there: %v\n", name, err)
			continue
		}
		info := inform(set)
		infos = append(infos, info)
		describeSet(a.text(), info)
	}
	return a.deliver(run, dataFile, map[string]any{"sets": infos})
}

func (a *app) checkData(name string) error {
	set, err := openSet(name)
	if err != nil {
		return err
	}
	run, err := a.outRun("data")
	if err != nil {
		return err
	}
	info := inform(set)
	for _, c := range set.Checksums() {
		info.Checksums = append(info.Checksums, checksum(c))
	}
	describeSet(a.text(), info)
	for _, c := range info.Checksums {
		fmt.Fprintf(a.text(), "  %s  %s\n", c.SHA256, c.File)
	}
	return a.deliver(run, dataFile, map[string]any{"sets": []setInfo{info}})
}

func inform(s *data.Set) setInfo {
	official := s.CheckMNIST() == nil
	return setInfo{Name: s.Name, Found: true, Train: s.Train.N(), Test: s.Test.N(), Rows: s.Rows, Cols: s.Cols,
		Channels: s.Channels, Classes: s.Classes, Mean: s.Mean, Std: s.Std, Official: &official}
}

func describeSet(w io.Writer, i setInfo) {
	note := ""
	if *i.Official {
		note = "  the official MNIST digits"
	}
	size := fmt.Sprintf("%d×%d", i.Rows, i.Cols)
	if i.Channels > 1 {
		size += fmt.Sprintf(" in %d channels", i.Channels)
	}
	fmt.Fprintf(w, "%-8s %d training and %d test images of %s, %d classes, mean %.4f, deviation %.4f%s\n",
		i.Name, i.Train, i.Test, size, i.Classes, i.Mean, i.Std, note)
}

// importData copies a set, checked, to $SETTLE_DATA.
func (a *app) importData(name, dir string) error {
	root := os.Getenv("SETTLE_DATA")
	switch {
	case name != "fashion":
		return fmt.Errorf("data import %q: want fashion (MNIST is built in; other sets need no import: --data FOLDER)", name)
	case root == "":
		return errors.New("data import: SETTLE_DATA is not set: want the folder in which sets are kept")
	}
	to := filepath.Join(root, "fashion-mnist")
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("data import: %s is there already: want it removed first", to)
	}
	set, err := data.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("data import: %w", err)
	}
	if set.CheckMNIST() == nil {
		return fmt.Errorf("data import: %s holds MNIST, which is built in: want Fashion-MNIST", dir)
	}
	if err := set.CheckFashion(); err != nil {
		return fmt.Errorf("data import: %s: %w; a set of your own needs no import: --data %s", dir, err, dir)
	}
	set.Name = name
	run, err := a.outRun("data")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o777); err != nil {
		return fmt.Errorf("data import: SETTLE_DATA: %w", err)
	}
	if err := place(to, set); err != nil {
		return failure{fmt.Errorf("data import: %w", err)}
	}
	info := inform(set)
	describeSet(a.text(), info)
	fmt.Fprintf(a.text(), "copied to %s; next: settle train --data fashion\n", to)
	return a.deliver(run, dataFile, map[string]any{"sets": []setInfo{info}})
}

// place writes a set to the new folder dir, whole or not at all: it gets its name when all files are in it.
func place(dir string, s *data.Set) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".import-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // MkdirTemp's is for the owner alone
		return err
	}
	if err := writeSet(tmp, s); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// writeSet writes the four IDX files of a set.
func writeSet(dir string, s *data.Set) error {
	for i, split := range []data.Split{s.Train, s.Test} {
		prefix := [...]string{"train", "t10k"}[i]
		for name, x := range map[string]data.IDX{
			prefix + "-images-idx3-ubyte": {Dims: []int{split.N(), s.Rows, s.Cols}, Data: split.Images},
			prefix + "-labels-idx1-ubyte": {Dims: []int{split.N()}, Data: split.Labels},
		} {
			f, err := os.Create(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			if err := errors.Join(data.WriteIDX(f, x), f.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}
