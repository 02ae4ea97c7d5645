package report

import (
	"bytes"
	"encoding/csv"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/settle-pc/settle/store"
)

// table is a stored table: a line of columns, then rows.
type table struct {
	columns []string
	rows    [][]any
}

// comparison is what an experiment stores: two activations, two rules, two rates, one seed beyond 2⁵³.
func comparison() map[string]table {
	cells := table{columns: []string{"act", "rule", "lr", "seed", "threshold", "batches", "passes", "macs", "seconds",
		"batches_run", "train_mse", "test_accuracy", "diverged_at"}}
	curves := table{columns: []string{"act", "rule", "lr", "seed", "batch", "mse", "passes", "seconds", "stage"}}
	best := table{columns: []string{"act", "rule", "lr"}}
	const seed = uint64(math.MaxUint64)
	for _, act := range []string{"tanh", "relu"} {
		for i, rule := range []string{"bp", "pc"} {
			for _, lr := range []float64{0.5, 1} {
				cells.rows = append(cells.rows, []any{act, rule, lr, seed, 0.05, nil, nil, nil, nil, 60, 0.07, 0.9, nil})
				for batch := 50; batch <= 60; batch += 5 {
					mse := 0.1 - 0.001*lr*float64(batch-50) - 0.01*float64(i)
					curves.rows = append(curves.rows, []any{act, rule, lr, seed, batch, mse, 3 * batch, 0.1, "reporting"})
				}
			}
			best.rows = append(best.rows, []any{act, rule, 1.0})
		}
	}
	return map[string]table{"cells": cells, "curves": curves, "best": best}
}

func stored(t *testing.T, tables map[string]table) *store.Run {
	t.Helper()
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range tables {
		for _, row := range x.rows {
			if err := run.Row(name, x.columns, row); err != nil {
				t.Fatal(err)
			}
		}
	}
	return run
}

// records reads a CSV file of the run.
func records(t *testing.T, run *store.Run, name string) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(run.Dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	out, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestComparisonIsDrawn(t *testing.T) {
	run := stored(t, comparison())
	figures, err := Compare(run)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(run.Dir(), "figures", "compare.svg"), filepath.Join(run.Dir(), "figures", "compare.png")}
	if !slices.Equal(figures, want) {
		t.Fatalf("figures %q, want %q", figures, want)
	}
	svg, err := os.ReadFile(figures[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"tanh", "relu", "lr: BP 1, PC 1", "BP, best learning rate", "PC, other learning rates", "batches", "MSE"} {
		if !bytes.Contains(svg, []byte(text)) {
			t.Errorf("the picture does not say %q", text)
		}
	}
	f, err := os.Open(figures[1])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil || img.Bounds().Dx() < 400 || img.Bounds().Dy() < 150 {
		t.Errorf("picture %v, error %v", img.Bounds(), err)
	}
}

// A curve is one training: two seeds are two curves, in the order in which they were stored.
func TestEveryTrainingIsACurve(t *testing.T) {
	tables := comparison()
	x := tables["curves"]
	for _, row := range slices.Clone(x.rows) {
		other := slices.Clone(row)
		other[3] = uint64(7)
		x.rows = append(x.rows, other)
	}
	tables["curves"] = x
	stored, err := stored(t, tables).Table("curves")
	if err != nil {
		t.Fatal(err)
	}
	curves, err := readCurves(stored)
	if err != nil || len(curves) != 2*2*2*2 {
		t.Fatalf("%d curves, error %v", len(curves), err)
	}
	for i, c := range curves {
		if !slices.Equal(c.batch, []float64{50, 55, 60}) || len(c.mse) != 3 || c.act != [...]string{"tanh", "relu"}[i%8/4] {
			t.Errorf("curve %d: %+v", i, *c)
		}
	}
}

// The figure's own CSV holds every number of the curves, and the tables appear as they are.
func TestTheNumbersDrawnAreThoseStored(t *testing.T) {
	tables := comparison()
	run := stored(t, tables)
	if _, err := Compare(run); err != nil {
		t.Fatal(err)
	}
	var drawn []float64
	lines := records(t, run, "figures/compare.csv")
	y := slices.Index(lines[0], "y")
	for _, r := range lines[1:] {
		v, err := strconv.ParseFloat(r[y], 64)
		if err != nil {
			t.Fatal(err)
		}
		drawn = append(drawn, v)
		// At batch 60 the best rate, 1, has brought BP to 0.09, the other one to 0.095.
		if r[0] == lines[1][0] && r[2] == "60" && (v < 0.0925) != (r[1] == "BP, best learning rate") && strings.HasPrefix(r[1], "BP") {
			t.Errorf("drawn as %s: %v at batch 60", r[1], v)
		}
	}
	var want []float64
	for _, row := range tables["curves"].rows {
		want = append(want, row[5].(float64))
	}
	slices.Sort(drawn)
	slices.Sort(want)
	if !slices.Equal(drawn, want) {
		t.Errorf("drawn %v, stored %v", drawn, want)
	}
	for name, x := range tables {
		got := records(t, run, "tables/"+name+".csv")
		if !slices.Equal(got[0], x.columns) || len(got) != 1+len(x.rows) {
			t.Errorf("%s.csv: columns %q, %d rows", name, got[0], len(got)-1)
		}
	}
	if got := records(t, run, "tables/cells.csv")[1]; got[3] != "18446744073709551615" || got[5] != "" {
		t.Errorf("cells.csv begins with %q", got)
	}
}

// drawn is the comparison's picture.
func drawn(t *testing.T, tables map[string]table) []byte {
	t.Helper()
	figures, err := Compare(stored(t, tables))
	if err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(figures[0])
	if err != nil {
		t.Fatal(err)
	}
	return svg
}

// Seeds that choose a rate are not those that are reported, at the rate that they chose either.
func TestSeedsThatChooseAreThin(t *testing.T) {
	tables := comparison()
	for _, row := range tables["curves"].rows {
		if row[1] == "pc" {
			row[8] = "selection"
		}
	}
	svg := drawn(t, tables)
	if bytes.Contains(svg, []byte("PC, best")) || !bytes.Contains(svg, []byte("BP, best")) {
		t.Error("curves of pc's choice are drawn as its best, or bp's best is not")
	}
}

// A rule that diverged at every rate has no best one, and all its curves are alike.
func TestWithoutABestRateAllCurvesAreThin(t *testing.T) {
	tables := comparison()
	best := tables["best"]
	for _, row := range best.rows {
		if row[1] == "pc" {
			row[2] = nil
		}
	}
	svg := drawn(t, tables)
	if bytes.Contains(svg, []byte("PC, best")) || !bytes.Contains(svg, []byte("BP, best")) {
		t.Error("the best of pc is drawn, or that of bp is not")
	}
}

func TestWithoutCurvesThereIsNoFigure(t *testing.T) {
	tables := comparison()
	delete(tables, "curves")
	run := stored(t, tables)
	figures, err := Compare(run)
	if err != nil || len(figures) != 0 {
		t.Fatalf("figures %q, error %v", figures, err)
	}
	if got := records(t, run, "tables/best.csv"); len(got) != 5 {
		t.Errorf("%d lines of best.csv", len(got))
	}
}

func TestMissingTablesAndColumnsAreErrors(t *testing.T) {
	drop := func(name, column string) func(map[string]table) {
		return func(tables map[string]table) {
			x := tables[name]
			i := slices.Index(x.columns, column)
			x.columns = slices.Delete(x.columns, i, i+1)
			for k := range x.rows {
				x.rows[k] = slices.Delete(x.rows[k], i, i+1)
			}
			tables[name] = x
		}
	}
	put := func(name, column string, v any) func(map[string]table) {
		return func(tables map[string]table) {
			tables[name].rows[1][slices.Index(tables[name].columns, column)] = v
		}
	}
	for name, c := range map[string]struct {
		change func(map[string]table)
		want   string
	}{
		"no cells":          {func(tables map[string]table) { delete(tables, "cells") }, "table cells"},
		"no best":           {func(tables map[string]table) { delete(tables, "best") }, "table best"},
		"curves, no mse":    {drop("curves", "mse"), "table curves"},
		"curves, no seed":   {drop("curves", "seed"), "table curves"},
		"curves, no rule":   {drop("curves", "rule"), "table curves"},
		"best, no lr":       {drop("best", "lr"), "table best"},
		"best, no act":      {drop("best", "act"), "table best"},
		"an error as text":  {put("curves", "mse", "low"), "column mse: low: want a number"},
		"a null error":      {put("curves", "mse", nil), "column mse"},
		"a rule as number":  {put("curves", "rule", 3), "column rule: 3: want text"},
		"best rule as null": {put("best", "rule", nil), "column rule"},
	} {
		tables := comparison()
		c.change(tables)
		if _, err := Compare(stored(t, tables)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: want one with %q", name, err, c.want)
		}
	}
}
