package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/store/index"
)

// gcFlags say what may go.
type gcFlags struct{ remove, checkpoints, whole bool }

func (s *shelf) gcCommand() *cobra.Command {
	var f gcFlags
	cmd := &cobra.Command{
		Use:   "gc [FILTER…]",
		Short: "Find what can be removed from runs, and remove it",
		Long: `Lists what can go from the runs that all filters hold for: files that a crash has left half-made; with --checkpoints
those of finished runs, which can then no more be prolonged; with --whole the runs themselves, which takes a filter.
Runs that are being written and runs with tags stay as they are, and with its trials a sweep of which one is being written.
A sweep goes as a whole only where the filters hold for all of its trials. Nothing is removed without --delete.`,
		Example: `  settle runs gc
  settle runs gc --checkpoints --delete
  settle runs gc state=diverged --whole --delete`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if f.whole && len(args) == 0 {
				return errors.New("--whole: want a filter that says which runs, such as state=diverged")
			}
			return s.gc(args, f)
		},
	}
	cmd.Flags().BoolVar(&f.remove, "delete", false, "remove what is listed")
	cmd.Flags().BoolVar(&f.checkpoints, "checkpoints", false, "checkpoints of finished runs too")
	cmd.Flags().BoolVar(&f.whole, "whole", false, "whole runs")
	return cmd
}

// waste is something that can go.
type waste struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	Why   string `json:"why"`
}

// gcResult is the object that --json prints.
type gcResult struct {
	Items   []waste `json:"items"`
	Bytes   int64   `json:"bytes"`
	Removed bool    `json:"removed"`
}

func (s *shelf) gc(filters []string, f gcFlags) error {
	runs, err := s.find(filters, "run", 0)
	if err != nil {
		return err
	}
	out := gcResult{Items: []waste{}, Removed: f.remove}
	found := map[string]index.Entry{}
	for _, e := range runs {
		found[plain(e["run"])] = e
	}
	gone, busy := map[string]bool{}, map[string]bool{} // sweeps
	for _, e := range runs {
		name, sweep := plain(e["run"]), index.SweepOf(plain(e["run"]))
		if e["state"] == index.Running {
			busy[name] = true
			if !busy[sweep] {
				fmt.Fprintf(s.note(), "note: %s: left as it is: %s\n", s.path(name), written)
			}
			continue
		}
		if sweep != "" {
			if _, known := busy[sweep]; !known {
				busy[sweep] = index.Busy(s.path(sweep))
			}
		}
		if len(tagsOf(e)) > 0 || busy[sweep] || gone[sweep] {
			continue
		}
		if f.whole && sweep == "" {
			if why := s.holds(name, found); why != "" {
				fmt.Fprintf(s.note(), "note: %s: left as it is: %s\n", s.path(name), why)
				continue
			}
			gone[name] = true
		}
		items, err := s.clean(e, f)
		if errors.Is(err, store.ErrLocked) {
			continue // begun since
		}
		if err != nil {
			return failure{err}
		}
		for _, i := range items {
			out.Items = append(out.Items, i)
			out.Bytes += i.Bytes
		}
	}
	if err := s.printJSON(out); err != nil {
		return failure{err}
	}
	s.tell(out)
	return nil
}

// tell prints what can go, or went.
func (s *shelf) tell(out gcResult) {
	for _, i := range out.Items {
		fmt.Fprintf(s.text(), "%s  %s  %s\n", i.Path, size(i.Bytes), i.Why)
	}
	switch {
	case len(out.Items) == 0:
		fmt.Fprintln(s.text(), "nothing to remove")
	case out.Removed:
		fmt.Fprintf(s.text(), "removed %d, %s\n", len(out.Items), size(out.Bytes))
	default:
		fmt.Fprintf(s.text(), "%d, %s; nothing was removed: --delete does it\n", len(out.Items), size(out.Bytes))
	}
}

// written is why a run stays.
const written = "it is being written, or one of its trials is"

// path is where a run lies.
func (s *shelf) path(run string) string { return filepath.Join(s.base, filepath.FromSlash(run)) }

// holds says why a run cannot be removed with the trials below it, of which found are those that all filters hold for; "" if
// it can.
func (s *shelf) holds(run string, found map[string]index.Entry) string {
	dir := s.path(run)
	if index.Busy(dir) {
		return written
	}
	for _, at := range index.Trials(dir) {
		switch e, there := found[run+"/"+at]; {
		case !there:
			return "the filters do not hold for " + at
		case len(tagsOf(e)) > 0:
			return at + " has tags"
		}
	}
	return ""
}

// clean lists what can go of a run, and removes it if asked to, as its only writer. The trials of a sweep are runs of their own.
func (s *shelf) clean(e index.Entry, f gcFlags) ([]waste, error) {
	dir := s.path(plain(e["run"]))
	if f.remove {
		r, err := store.Continue(dir)
		if err != nil {
			return nil, err
		}
		defer r.Close()
	}
	if f.whole {
		w := waste{Path: dir, Why: fmt.Sprintf("the run (%s)", e["state"])}
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if info, err := d.Info(); err == nil {
					w.Bytes += info.Size()
				}
			}
			return err
		})
		if err == nil && f.remove {
			err = os.RemoveAll(dir)
		}
		return []waste{w}, err
	}
	var out []waste
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "tables")); err == nil && path != dir {
				return filepath.SkipDir // a run below
			}
			return nil
		}
		why := ""
		switch {
		case store.IsTemporary(d.Name()):
			why = "left half-made by a crash"
		case f.checkpoints && e["state"] == index.Finished && filepath.Base(filepath.Dir(path)) == "checkpoints":
			why = "checkpoint of a finished run"
		default:
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		out = append(out, waste{path, info.Size(), why})
		if f.remove {
			return os.Remove(path)
		}
		return nil
	})
	return out, err
}

// size writes a number of bytes for people.
func size(n int64) string {
	units := strings.Fields("B kB MB GB TB")
	v := float64(n)
	for v >= 1000 && len(units) > 1 {
		v, units = v/1000, units[1:]
	}
	return fmt.Sprintf("%.3g %s", v, units[0])
}
