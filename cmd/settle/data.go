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
	Name      string          `json:"name"`
	Found     bool            `json:"found"`
	Train     int             `json:"train"`
	Test      int             `json:"test"`
	Rows      int             `json:"rows"`
	Cols      int             `json:"cols"`
	Classes   int             `json:"classes"`
	Mean      float64         `json:"mean"`
	Std       float64         `json:"std"`
	Official  *bool           `json:"official_mnist"`
	Checksums []data.Checksum `json:"checksums,omitempty"`
	Fault     string          `json:"fault,omitempty"`
}

func (a *app) dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "What data sets are there; check one; import one",
		Long: `Lists the data sets that --data takes by name. MNIST is built in; Fashion-MNIST is looked for in
$SETTLE_DATA/fashion-mnist and where Debian's package dataset-fashion-mnist puts it. Any folder with the four IDX
files of such a set (gzipped or not) can be given to --data by its path.`,
		Example: `  settle data
  settle data check path/to/folder
  SETTLE_DATA=$HOME/data settle data import fashion path/to/folder`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.listData() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "check mnist|fashion|DIR",
		Short:   "Read a set whole and print its checksums",
		Example: "  settle data check mnist",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.checkData(args[0]) },
	}, &cobra.Command{
		Use:     "import fashion DIR",
		Short:   "Check the IDX files in DIR and copy them to where --data fashion finds them",
		Example: "  SETTLE_DATA=$HOME/data settle data import fashion path/to/folder",
		Args:    cobra.ExactArgs(2),
		RunE:    func(_ *cobra.Command, args []string) error { return a.importData(args[0], args[1]) },
	})
	return cmd
}

func (a *app) listData() error {
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
	return a.keepAndPrint("data", map[string]any{"sets": infos})
}

func (a *app) checkData(name string) error {
	set, err := openSet(name)
	if err != nil {
		return err
	}
	info := inform(set)
	sums := set.Checksums()
	info.Checksums = sums[:]
	describeSet(a.text(), info)
	for _, c := range info.Checksums {
		fmt.Fprintf(a.text(), "  %s  %s\n", c.SHA256, c.File)
	}
	return a.keepAndPrint("data", map[string]any{"sets": []setInfo{info}})
}

// keepAndPrint writes v to --out, if one was asked for, and to stdout with --json.
func (a *app) keepAndPrint(command string, v any) error {
	if err := a.keepJSON(command, command+".json", v); err != nil {
		return err
	}
	if err := a.printJSON(v); err != nil {
		return failure{err}
	}
	return nil
}

func inform(s *data.Set) setInfo {
	official := s.CheckMNIST() == nil
	return setInfo{Name: s.Name, Found: true, Train: s.Train.N(), Test: s.Test.N(), Rows: s.Rows, Cols: s.Cols,
		Classes: s.Classes, Mean: s.Mean, Std: s.Std, Official: &official}
}

func describeSet(w io.Writer, i setInfo) {
	note := ""
	if *i.Official {
		note = "  the official MNIST digits"
	}
	fmt.Fprintf(w, "%-8s %d training and %d test images of %d×%d, %d classes, mean %.4f, deviation %.4f%s\n",
		i.Name, i.Train, i.Test, i.Rows, i.Cols, i.Classes, i.Mean, i.Std, note)
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
	set, err := openSet(dir)
	if err != nil {
		return err
	}
	to := filepath.Join(root, "fashion-mnist")
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("data import: %s is there already: want it removed first", to)
	}
	if err := os.MkdirAll(root, 0o777); err != nil {
		return fmt.Errorf("data import: SETTLE_DATA: %w", err)
	}
	// Whole or not at all: the folder gets its name when all files are in it.
	tmp, err := os.MkdirTemp(root, "import-*")
	if err != nil {
		return fmt.Errorf("data import: SETTLE_DATA: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := writeSet(tmp, set); err != nil {
		return failure{err}
	}
	if err := os.Rename(tmp, to); err != nil {
		return failure{err}
	}
	describeSet(a.text(), inform(set))
	fmt.Fprintf(a.text(), "copied to %s; next: settle train --data fashion\n", to)
	return a.keepAndPrint("data", map[string]any{"sets": []setInfo{inform(set)}})
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
