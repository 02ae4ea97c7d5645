package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/toy"
)

func toyRun(t *testing.T) *store.Run {
	t.Helper()
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	spec := experiment.DefaultToy()
	spec.Grid, spec.Starts, spec.Runs, spec.Inference = 21, 7, 3, 3
	if _, err := spec.Run(context.Background(), run, experiment.Env{Workers: 2}); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestToyDrawsEveryFigure(t *testing.T) {
	run := toyRun(t)
	defer checkNumbers(t, run)
	files, err := report.Toy(run, report.ToyLooks["post"], 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fig1", "fig2", "fig3", "surfaces", "trajectories", "sgd", "starts", "alignment", "progress", "rates", "flattening"} {
		for _, ext := range []string{".svg", ".pdf", ".png"} {
			path := filepath.Join(run.Dir(), "figures", name+ext)
			data, err := os.ReadFile(path)
			if err != nil || len(data) < 5000 {
				t.Errorf("%s: %d bytes, %v", path, len(data), err)
			}
			if found := strings.Contains(strings.Join(files, "\n"), path); !found {
				t.Errorf("%s is not among the figures", path)
			}
			if ext == ".svg" {
				for d := xml.NewDecoder(bytes.NewReader(data)); ; {
					if _, err := d.Token(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatalf("%s: %v", path, err)
					}
				}
			}
		}
	}
	svg, err := os.ReadFile(filepath.Join(run.Dir(), "figures", "fig1.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"x = 1, y = −1, w⁰ = (0.75, 0.95), learning rate 0.2", "w₁", "w₂", "−∇ℒ", "GD on ℒ (BP), 18 steps", ">w⁰<", ">w*<"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("figure 1 does not say %q", want)
		}
	}
}

// checkNumbers wants the numbers beside the figures to be those of the formulas.
func checkNumbers(t *testing.T, run *store.Run) {
	t.Helper()
	p := toy.Problem{X: 1, Y: -1}
	for _, c := range []struct {
		file, name string
		value      func(toy.Vec) float64
		field      toy.Field
	}{{"fig1", "loss", p.Loss, p.LossGrad}, {"fig3", "energy", p.FStar, p.FStarGrad}} {
		f, err := os.Open(filepath.Join(run.Dir(), "figures", c.file+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		records, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		number := func(s string) float64 {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatalf("%s: %v", c.file, err)
			}
			return v
		}
		values, arrows := 0, 0
		for _, r := range records[1:] {
			if r[2] == "" { // the level of a contour
				continue
			}
			w := toy.Vec{number(r[2]), number(r[3])}
			switch {
			case r[1] == c.name:
				if values++; math.Abs(number(r[6])-c.value(w)) > 1e-14 {
					t.Errorf("%s at %v: %s, want %v", c.file, w, r[6], c.value(w))
				}
			case r[7] != "":
				g := c.field(w)
				if arrows++; math.Abs(number(r[7])+g[0])+math.Abs(number(r[8])+g[1]) > 1e-14 {
					t.Errorf("%s at %v: arrow (%s, %s), want −%v", c.file, w, r[7], r[8], g)
				}
			}
		}
		if values != 21*21 || arrows != 17*17 {
			t.Errorf("%s: %d values and %d arrows", c.file, values, arrows)
		}
	}
}

func TestToySaysWhatIsMissing(t *testing.T) {
	run := toyRun(t)
	if err := os.Remove(filepath.Join(run.Dir(), "tables", "fields.jsonl")); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Toy(run, report.ToyLooks["post"], 1); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "fields") {
		t.Errorf("without its fields: %v", err)
	}
	run = toyRun(t)
	for table, line := range map[string]string{
		"landscapes": `{"surface":"loss","t":0,"w2":1,"w1":"x","value":[1]}`,
		"settings":   `{"x":1,"y":-1,"w0":[1],"lr":0.2,"steps":3,"loss":1,"w1":[-2,2],"w2":[-2,2],"dt":0.1,"noise":0.3,"saddle_loss":0.5,"shown":[0]}`,
	} {
		before, err := os.ReadFile(filepath.Join(run.Dir(), "tables", table+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(run.Dir(), "tables", table+".jsonl"), []byte(line+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := report.Toy(run, report.ToyLooks["post"], 1); err == nil || !strings.Contains(err.Error(), "table "+table) {
			t.Errorf("a damaged table %s: %v", table, err)
		}
		if err := os.WriteFile(filepath.Join(run.Dir(), "tables", table+".jsonl"), before, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
