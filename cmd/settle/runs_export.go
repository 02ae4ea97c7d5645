package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/export"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/store/index"
)

func (s *shelf) exportCommand() *cobra.Command {
	table, to := "", ""
	cmd := &cobra.Command{
		Use:   "export --to FILE [FILTER…]",
		Short: "Write settings and results of runs, or one of their tables, as CSV, JSONL, Parquet or NPZ",
		Long: `Writes one row a run, those that all filters hold for, with settings and results. With --table NAME it writes the rows of
that table of each run, the run's name before them, one run after the other. The format is the extension of --to.`,
		Example: `  settle runs export --to runs.parquet rule=pc 'test_accuracy>0.95'
  settle runs export --table metrics --to metrics.npz run=20260102-150405-train`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			format := strings.TrimPrefix(filepath.Ext(to), ".")
			if !slices.Contains(export.Formats, format) {
				return fmt.Errorf("--to %q: want a file name that ends in .%s", to, strings.Join(export.Formats, ", ."))
			}
			runs, err := s.find(args, "run", 0)
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				return fmt.Errorf("filters %q: no such run in %s; settle runs list shows them", args, s.base)
			}
			t := listed(runs)
			if table != "" {
				if t, err = s.joined(runs, table); err != nil {
					return err
				}
			}
			if err := writeTable(to, format, t); err != nil {
				return err
			}
			fmt.Fprintf(s.text(), "%d rows and %d columns of %d runs are in %s\n", len(t.Rows), len(t.Columns), len(runs), to)
			return s.printJSON(map[string]any{"file": to, "runs": len(runs), "rows": len(t.Rows), "columns": t.Columns})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "`file` to write, replaced if it is there: .csv, .jsonl, .parquet or .npz")
	cmd.Flags().StringVar(&table, "table", "", "`name` of the table, such as metrics or tests; \"\": the list of runs")
	return cmd
}

// listed is the table of runs: run first, then all keys that any has, sorted.
func listed(runs []index.Entry) store.Table {
	rows := make([]map[string]any, len(runs))
	keys := map[string]bool{}
	for i, r := range runs {
		rows[i] = flat(complete(r))
		for k := range rows[i] {
			keys[k] = true
		}
	}
	delete(keys, "run")
	t := store.Table{Columns: append([]string{"run"}, slices.Sorted(maps.Keys(keys))...)}
	for _, r := range rows {
		row := make([]any, len(t.Columns))
		for c, key := range t.Columns {
			row[c] = r[key]
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// flat is an entry with the values of an object in it under KEY.INNER. Runs without statuses have each of them, null, so
// that the columns do not depend on the rule.
func flat(e index.Entry) map[string]any {
	out := map[string]any{}
	for _, st := range infer.Statuses() {
		out["statuses."+st.String()] = nil
	}
	for k, v := range e {
		inner, ok := v.(map[string]any)
		if !ok && k != "statuses" {
			out[k] = v
		}
		for sub, w := range inner {
			out[k+"."+sub] = w
		}
	}
	return out
}

// joined is the table of that name of each run that has it, one after the other.
func (s *shelf) joined(runs []index.Entry, name string) (store.Table, error) {
	out := store.Table{Columns: []string{"run"}}
	var last error
	for _, r := range runs {
		run, err := store.Open(filepath.Join(s.base, plain(r["run"])))
		if err != nil {
			return out, failure{err}
		}
		t, err := run.Table(name)
		if errors.Is(err, fs.ErrNotExist) {
			last = err
			continue
		}
		if err != nil {
			return out, failure{err}
		}
		at := make([]int, len(t.Columns)) // where the run's columns lie in out
		for i, c := range t.Columns {
			if at[i] = slices.Index(out.Columns, c); at[i] < 0 {
				at[i], out.Columns = len(out.Columns), append(out.Columns, c)
			}
		}
		for _, values := range t.Rows {
			row := make([]any, len(out.Columns))
			row[0] = r["run"]
			for i, v := range values {
				row[at[i]] = v
			}
			out.Rows = append(out.Rows, row)
		}
	}
	if len(out.Columns) == 1 {
		return out, fmt.Errorf("--table %s: %w", name, last)
	}
	for i, row := range out.Rows { // columns that only later runs have
		out.Rows[i] = append(row, make([]any, len(out.Columns)-len(row))...)
	}
	return out, nil
}

// writeTable writes the file to, which appears whole or not at all.
func writeTable(to, format string, t store.Table) error {
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*")
	if err != nil {
		return fmt.Errorf("--to %s: %w", to, err)
	}
	defer os.Remove(f.Name())
	err = errors.Join(export.Write(f, format, t), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), to)
	}
	if err != nil {
		return failure{fmt.Errorf("--to %s: %w", to, err)}
	}
	return nil
}
