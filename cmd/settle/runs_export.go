package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/export"
	"github.com/settle-pc/settle/store"
)

func (s *shelf) exportCommand() *cobra.Command {
	format := "csv"
	cmd := &cobra.Command{
		Use:   "export RUN… --out DIRECTORY",
		Short: "Write the tables of runs for other programs: CSV, JSON lines, Parquet or NumPy's NPZ",
		Long: `Writes every table of the runs to DIRECTORY/RUN/TABLE.FORMAT. Weights need no export: model.safetensors of a run is read by
other libraries as it is.`,
		Example: `  settle runs export 20260102-150405-train --out tables
  settle runs export runA runB --format parquet --out tables`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(export.Formats, format) {
				return fmt.Errorf("--format %q: want one of %s", format, strings.Join(export.Formats, ", "))
			}
			if s.dir == "" {
				return errors.New("--out: want the directory to write to")
			}
			return s.export(args, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", format, strings.Join(export.Formats, "|"))
	return cmd
}

func (s *shelf) export(names []string, format string) error {
	var runs []*store.Run
	for _, name := range names {
		dir, err := s.resolve(name)
		if err != nil {
			return err
		}
		r, err := store.Open(dir)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(runs, func(other *store.Run) bool { return filepath.Base(other.Dir()) == filepath.Base(dir) }) {
			return fmt.Errorf("run %q: another of that name is exported: want one of them at a time", name)
		}
		runs = append(runs, r)
	}
	to, err := s.run("export")
	if err != nil {
		return err
	}
	defer to.Close()
	files := []string{}
	for _, r := range runs {
		for _, table := range r.Tables() {
			t, err := r.Table(table)
			if err != nil {
				return failure{err}
			}
			name := fmt.Sprintf("%s/%s.%s", filepath.Base(r.Dir()), table, format)
			if err := save(to, name, func(f *store.File) error { return export.Write(f, format, t) }); err != nil {
				return failure{err}
			}
			files = append(files, filepath.Join(to.Dir(), filepath.FromSlash(name)))
		}
	}
	if err := s.printJSON(map[string]any{"files": files}); err != nil {
		return failure{err}
	}
	for _, f := range files {
		fmt.Fprintln(s.text(), f)
	}
	return nil
}
