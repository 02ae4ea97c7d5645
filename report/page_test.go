package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/train"
)

// contestRun holds Figure 4 and one other setting on a synthetic set, of a second.
func contestRun(t *testing.T) *store.Run {
	t.Helper()
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	base := train.Defaults()
	base.Data, base.Arch, base.Act, base.Optim, base.Batch, base.Batches, base.Epochs = "synthetic", "36-12-10-4", "tanh", "sgd", 16, 120, 0
	c := experiment.Contest{Name: "tanh-12", Base: base, Rules: []experiment.Entrant{{Rule: "bp", Low: -4, High: -2}, {Rule: "pc", Low: -4, High: 12}},
		Thresholds: []float64{0.12, 0.0001}, Selection: []uint64{100}, Elsewhere: 1, Reporting: []uint64{0, 1}, Worse: 1}
	iso := c
	iso.Name, iso.Rules = "tanh-12-isolate", []experiment.Entrant{{Rule: "bp-curved", Low: -4, High: -2}}
	draft := run.Draft("fig4")
	env := experiment.Env{Workers: 2}
	sets := func(string) (*data.Set, error) { return data.Synthetic(5, 200, 6, 6, 4), nil }
	if _, err := (experiment.Depth{Contests: []experiment.Contest{c}, Isolate: []experiment.Contest{iso}, Confound: true, Optimum: true}).Run(context.Background(), sets, draft, env); err != nil {
		t.Fatal(err)
	}
	other := c
	other.Name = "tanh-other"
	if _, err := (experiment.Generality{Contests: []experiment.Contest{other}, Missing: []string{"relu-fashion: not <here> & now"}}).Run(context.Background(), sets, draft, env); err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{{"new", 4., 8, "auto"}, {"new", 8., 9, "auto"}, {"new", 4., 40, "euler-0.1"}, {"new", 8., nil, "euler-0.1"}} {
		if err := draft.Row("cost_inference", []string{"along", "act", "state", "depth", "width", "method", "gap", "passes"}, []any{"depth", "tanh", row[0], row[1], 64, row[3], "0.01", row[2]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := draft.Row("cost_growth", []string{"act", "state", "along", "dynamics", "sizes", "passes", "exponent"}, []any{"tanh", "new", "depth", "post", []float64{4, 8}, []any{40, nil}, nil}); err != nil {
		t.Fatal(err)
	}
	if err := draft.Commit(); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestContestsAreDrawn(t *testing.T) {
	run := contestRun(t)
	for _, draw := range []struct {
		name  string
		draw  func(*store.Run, int) ([]string, error)
		texts map[string][]string
	}{
		{"depth", report.Depth, map[string][]string{
			"fig4": {"tanh", "lr: BP", "BP, median", "PC, median", "batches"}, "fig4-cost": {"passes, inference included"},
			"fig4-rates": {"learning rate", "budget", "PC diverged", "BP to the highest error"}}},
		{"generality", report.Generality, map[string][]string{"generality": {"tanh-other to 0.12", "neither reached it", "BP over PC"}}},
		{"cost", report.Cost, map[string][]string{"cost": {"depth", "passes", "ours (default solver)"}}},
	} {
		files, err := draw.draw(run, 2)
		if err != nil {
			t.Fatalf("%s: %v", draw.name, err)
		}
		for name, texts := range draw.texts {
			path := filepath.Join(run.Dir(), "figures", name+".svg")
			svg, err := os.ReadFile(path)
			if err != nil || !slices.Contains(files, path) {
				t.Errorf("%s: %v, among %q", name, err, files)
			}
			for _, text := range texts {
				if !bytes.Contains(svg, []byte(text)) {
					t.Errorf("%s does not say %q", name, text)
				}
			}
		}
	}
	for _, name := range []string{"fig4_cells", "fig4_curves", "fig4_ratios", "fig4_isolated_ratios", "generality_ratios", "cost_growth"} {
		if got := readRecords(t, run, "tables/"+name+".csv"); len(got) < 2 {
			t.Errorf("%s.csv has %d lines", name, len(got))
		}
	}
}

// pageOf writes the report of a run with these claims.
func pageOf(t *testing.T, run *store.Run, claims []experiment.Claim) string {
	t.Helper()
	put := func(name string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.WriteFile(name, b); err != nil {
			t.Fatal(err)
		}
	}
	put("claims.json", claims)
	put(report.AboutFile, map[string]any{"command": "settle reproduce --quick", "seconds": 12.3, "kernels": "generic", "notes": []string{"less than <asked>"}, "date": "2026-01-02T03:04:05Z", "cores": 2, "seed": 7})
	if err := report.Page(run); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(run.Dir(), report.PageFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(html)
}

func TestPageIsOneFileWithEverything(t *testing.T) {
	run := contestRun(t)
	for _, draw := range []func(*store.Run, int) ([]string, error){report.Depth, report.Generality, report.Cost} {
		if _, err := draw(run, 2); err != nil {
			t.Fatal(err)
		}
	}
	claims := experiment.AllClaims([]experiment.Claim{{ID: "C8", Statement: "faster", Verdict: experiment.Fails, Numbers: map[string]any{"a": 1.5}, Text: "not <faster> & so on"}})
	html := pageOf(t, run, claims)
	for _, want := range []string{"not &lt;faster&gt; &amp; so on", "less than &lt;asked&gt;", "settle reproduce --quick", "generic kernels", "seed 7", "prefers-color-scheme: dark", "@media print",
		`&#34;a&#34;: 1.5`, "Just this again: <code>settle reproduce fig4</code>", "bp-curved", "summed", "not &lt;here&gt; &amp; now", "Not stated in the source"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	for _, c := range claims {
		if !strings.Contains(html, `id="`+c.ID+`"`) {
			t.Errorf("no place for %s", c.ID)
		}
	}
	// Whatever a browser would fetch.
	if m := regexp.MustCompile(`(?i)(src|href)\s*=\s*["'](?:[a-z]+:)?//[^"']*|@import|url\(\s*["']?(?:https?:)?//`).FindAllString(html, -1); len(m) > 0 {
		t.Errorf("asks for %q", m)
	}
	if strings.Contains(html, "<script") || strings.Contains(html, "<?xml") || strings.Contains(html, "<!DOCTYPE svg") {
		t.Error("scripts, or heads of other files, are in the page")
	}
	if n := strings.Count(html, "<svg"); n != 5 {
		t.Errorf("%d pictures, want fig4, its cost and rates, generality and cost", n)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if seen[m[1]] {
			t.Errorf("the name %s is given twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:url\(|href=")#([^)"]*)`).FindAllStringSubmatch(html, -1) {
		if !seen[m[1]] {
			t.Errorf("nothing is called %s", m[1])
		}
	}
	text, err := os.ReadFile(filepath.Join(run.Dir(), "report.md"))
	if err != nil || !strings.Contains(string(text), "| C8 | fails | faster |") {
		t.Errorf("report.md: %v\n%s", err, text)
	}
}

// What is missing or damaged is said, not left out in silence.
func TestPageNeedsItsFiles(t *testing.T) {
	run := contestRun(t)
	if err := report.Page(run); err == nil || !strings.Contains(err.Error(), "json") {
		t.Errorf("without claims: %v", err)
	}
	pageOf(t, run, experiment.AllClaims(nil))
	if err := run.WriteFile("claims.json", []byte("[{")); err != nil {
		t.Fatal(err)
	}
	if err := report.Page(run); err == nil || !strings.Contains(err.Error(), "claims.json") {
		t.Errorf("half a file of claims: %v", err)
	}
}

// readRecords reads a CSV file of the run.
func readRecords(t *testing.T, run *store.Run, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(run.Dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
