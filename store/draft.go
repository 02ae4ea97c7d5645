package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Draft is a run as work sees it that may be killed and done again: its cells are kept at once, its tables are written
// whole by Commit, so that no row is there twice or missing. Tables of the same names are replaced.
//
// A Draft may be used by many goroutines at once.
type Draft struct {
	run    *Run
	prefix string

	mu     sync.Mutex
	names  []string // of the tables, in order of their first rows
	tables map[string]*draftTable
}

type draftTable struct {
	columns []string
	lines   bytes.Buffer
}

// Draft starts a draft whose cells lie in the folder named prefix of the run's cells; "" for none of their own.
func (r *Run) Draft(prefix string) *Draft {
	if prefix != "" {
		prefix += "/"
	}
	return &Draft{run: r, prefix: prefix, tables: map[string]*draftTable{}}
}

// Done is Run.Done.
func (d *Draft) Done(cell string) ([]byte, bool) { return d.run.Done(d.prefix + cell) }

// Put is Run.Put.
func (d *Draft) Put(cell string, result []byte) error { return d.run.Put(d.prefix+cell, result) }

// Row adds a row to a table, as Run.Row does, but in memory.
func (d *Draft) Row(table string, columns []string, values []any) error {
	if len(columns) != len(values) {
		panic("store: columns and values differ in number")
	}
	if _, err := d.run.path(tablesDir + "/" + table + rowsExt); err != nil {
		return err
	}
	line, err := encodeRow(columns, values)
	if err != nil {
		return fmt.Errorf("store: table %s: %w", table, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[table]
	if t == nil {
		t = &draftTable{columns: slices.Clone(columns)}
		d.tables[table] = t
		d.names = append(d.names, table)
	}
	if !slices.Equal(t.columns, columns) {
		return fmt.Errorf("store: table %s: columns %s; the table has %s, and takes only those", table, strings.Join(columns, ", "), strings.Join(t.columns, ", "))
	}
	t.lines.Write(line)
	return nil
}

// Commit writes the tables, each whole or not at all.
func (d *Draft) Commit() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range d.names {
		t := d.tables[name]
		f, err := d.run.create(tablesDir + "/" + name + rowsExt)
		if err != nil {
			return err
		}
		if err := f.finish(t.lines.Bytes()); err != nil {
			return err
		}
		d.run.mu.Lock()
		d.run.tables[name] = newTableFile(t.columns, t.lines.Bytes())
		d.run.mu.Unlock()
	}
	return nil
}
