// Package report turns the tables that a run has stored into figures and pages. It computes nothing: a figure and the
// table under it cannot differ.
package report

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// save writes a figure as SVG and PNG and its numbers as CSV under figures/NAME, and returns the paths of the pictures.
func save(run *store.Run, name string, f *plot.Figure) ([]string, error) {
	return saveAs(run, name, f, plot.SVG, plot.PNG)
}

// saveAs is save in other formats.
func saveAs(run *store.Run, name string, f *plot.Figure, formats ...plot.Format) ([]string, error) {
	base := "figures/" + name
	names, err := f.Save(run.WriteFile, base, formats...)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", name, err)
	}
	var csv bytes.Buffer
	if err := f.CSV(&csv); err != nil {
		return nil, fmt.Errorf("figure %s: %w", name, err)
	}
	if err := run.WriteFile(base+".csv", csv.Bytes()); err != nil {
		return nil, err
	}
	for i, n := range names {
		names[i] = pathOf(run, n)
	}
	return names, nil
}

// pathOf returns where a file of the run lies.
func pathOf(run *store.Run, name string) string {
	return filepath.Join(run.Dir(), filepath.FromSlash(name))
}

// csvOf writes a stored table as tables/NAME.csv.
func csvOf(run *store.Run, name string, t store.Table) error {
	var b bytes.Buffer
	if err := t.WriteCSV(&b); err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	return run.WriteFile("tables/"+name+".csv", b.Bytes())
}
