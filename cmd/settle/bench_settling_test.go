package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/settle-pc/settle/measure"
	"github.com/settle-pc/settle/store"
)

// Rows name the seed itself, and the first seed that has a curve is drawn where the first one has diverged.
func TestSettlingRowsHaveTheirSeed(t *testing.T) {
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	const large = 1<<64 - 1
	cases := []measure.SettlingCase{{Act: "relu", LR: 0.1, Setting: "gap 0.1", Curves: [][]float64{nil, {0.5, 0.4}, {0.3}}}}
	figures, err := drawSettling(run, cases, []uint64{7, 9, large})
	if err != nil || len(figures) == 0 {
		t.Fatalf("figures %q, %v", figures, err)
	}
	table, err := run.Table("settling")
	if err != nil {
		t.Fatal(err)
	}
	want := []any{9.0, 9.0, json.Number("18446744073709551615")}
	for i, row := range table.Rows {
		if len(table.Rows) != len(want) || row[3] != want[i] {
			t.Errorf("row %d of %d has seed %v, want %v", i, len(table.Rows), row[3], want)
		}
	}
	csv, err := os.ReadFile(filepath.Join(run.Dir(), "figures", "settling.csv"))
	if err != nil || !strings.Contains(string(csv), "0.4") || strings.Contains(string(csv), "0.3") {
		t.Errorf("drawn: %s, %v; want the curve of seed 9", csv, err)
	}
}
