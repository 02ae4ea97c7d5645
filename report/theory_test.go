package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
)

// theoryRun is a run of a small study.
func theoryRun(t *testing.T, spec experiment.Theory) (*store.Run, experiment.TheoryResult) {
	t.Helper()
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := spec.Run(context.Background(), run, experiment.Env{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return run, r
}

func smallTheory() experiment.Theory {
	spec := experiment.QuickTheory()
	s := &spec.Study
	s.Networks, s.Samples, s.Depths, s.Scales = 2, 2, []int{2, 4}, []float64{0.3, 1}
	s.Trained.Depths, s.Trained.Width, s.Trained.Batches, s.Trained.Samples = []int{3}, 8, 30, 4
	s.ChainDepths, s.ChainWidths = []int{2, 4}, []int{4}
	spec.Images = data.Synthetic(3, 256, 6, 6, 4)
	return spec
}

var studyFigures = []string{"theory_conditions", "theory_limits", "theory_path", "theory_remainder", "theory_solution", "theory_spectra", "theory_terms"}

func TestTheoryDrawsEveryFigure(t *testing.T) {
	run, r := theoryRun(t, smallTheory())
	files, err := report.Theory(run, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"fig0", "theory_network_eq6", "theory_network_eq8"}, studyFigures...) {
		for _, ext := range []string{".svg", ".pdf", ".png"} {
			path := filepath.Join(run.Dir(), "figures", name+ext)
			if !strings.Contains(strings.Join(files, "\n"), path) {
				t.Errorf("%s is not among the figures", path)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
				continue
			}
			if ext == ".svg" && bytes.Contains(b, []byte("no data")) {
				t.Errorf("%s: a panel or a line has no data", path)
			}
			if ext == ".png" {
				if img, err := png.Decode(bytes.NewReader(b)); err != nil || img.Bounds().Dx() != 1400 {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
	}
	figureOfTerms(t, run, r)
	// What Figure 0 says of itself.
	svg, err := os.ReadFile(filepath.Join(run.Dir(), "figures", "fig0.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"output = target", "ẑ", "z*", "direction −g", "−ℐ⁻¹g (Eq. 7)", "x = 1, y = 3"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("figure 0 does not say %q", want)
		}
	}
}

// figureOfTerms: the numbers beside a figure are those of the result.
func figureOfTerms(t *testing.T, run *store.Run, r experiment.TheoryResult) {
	t.Helper()
	f, err := os.Open(filepath.Join(run.Dir(), "figures", "theory_network_eq8.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, row := range rows[1:] {
		if row[0] == "relative error against ∂F*/∂θ" && row[1] == "TR + BP (Eq. 8)" {
			layer, _ := strconv.Atoi(row[2])
			v, err := strconv.ParseFloat(row[3], 64)
			if want := *r.Terms[layer-1].RelSum; err != nil || !(math.Abs(v-want) <= 1e-12*want) {
				t.Errorf("layer %d: %s, want %v", layer, row[3], want)
			}
			found++
		}
	}
	if found != len(r.Terms) {
		t.Errorf("%d layers in the figure of Eq. 8, want %d", found, len(r.Terms))
	}
}

// Without a study there are no figures of it; one layer has no free activities to draw; another run has no tables.
func TestTheoryDrawsWhatIsThere(t *testing.T) {
	run, _ := theoryRun(t, experiment.NoStudy())
	files, err := report.Theory(run, 1)
	if err != nil || len(files) != 9 {
		t.Errorf("%d files, %v: want three figures in three formats", len(files), err)
	}
	one := experiment.NoStudy()
	one.Arch = "4-2"
	run, _ = theoryRun(t, one)
	if files, err = report.Theory(run, 1); err != nil || len(files) != 6 {
		t.Errorf("one layer: %d files, %v: want two figures", len(files), err)
	}
	empty, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Theory(empty, 1); err == nil || !strings.Contains(err.Error(), "theory_space") {
		t.Errorf("a run without tables: %v", err)
	}
}
