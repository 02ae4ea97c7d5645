package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/train"
)

// memory is a Sink without a disk.
type memory struct {
	mu    sync.Mutex
	cells map[string][]byte
	puts  map[string]int
	rows  map[string][]string
	fail  string // of the cell or table that cannot be written
}

func newMemory() *memory {
	return &memory{cells: map[string][]byte{}, puts: map[string]int{}, rows: map[string][]string{}}
}

var errFull = errors.New("disk full")

func (m *memory) Done(cell string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.cells[cell]
	return b, ok
}

func (m *memory) Put(cell string, result []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cell == m.fail {
		return errFull
	}
	m.cells[cell] = result
	m.puts[cell]++
	return nil
}

func (m *memory) Row(table string, columns []string, values []any) error {
	if table == m.fail {
		return errFull
	}
	if len(columns) != len(values) {
		panic("columns and values differ in number")
	}
	m.rows[table] = append(m.rows[table], fmt.Sprint(columns, values))
	return nil
}

func synthetic() *data.Set { return data.Synthetic(5, 200, 6, 6, 4) }

// tiny is a comparison of milliseconds: 2 activations × 2 rules × 2 rates × 2 seeds.
func tiny() Compare {
	base := train.Defaults()
	base.Data, base.Arch, base.Optim, base.Batch, base.Batches, base.Epochs = "synthetic", "36-12-10-4", "sgd", 16, 90, 0
	c := Compare{Base: base, Rules: []string{"bp", "pc"}, Acts: []string{"tanh", "linear"}, Seeds: []uint64{0, 1},
		Thresholds: map[string][]float64{"tanh": {0.1, 0.05}, "linear": {0.08}}}
	c.SetRates([]float64{0.02, 0.1})
	return c
}

// fixed lists the trainings of a comparison with given rates, in order.
func fixed(c Compare) []trial {
	var out []trial
	for _, x := range c.contests() {
		for _, e := range x.Rules {
			for k := range e.Rates {
				for _, seed := range x.Reporting {
					s := search{Contest: x, entrant: e, set: synthetic()}
					out = append(out, s.trial(k, seed, Reporting))
				}
			}
		}
	}
	return out
}

func run(t *testing.T, c Compare, sink Sink, workers int) Comparison {
	t.Helper()
	out, err := c.Run(context.Background(), synthetic(), sink, Env{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestCellsComeInTheOrderOfTheSpec(t *testing.T) {
	out := run(t, tiny(), newMemory(), 2)
	i := 0
	for _, act := range []string{"tanh", "linear"} {
		for _, rule := range []string{"bp", "pc"} {
			for _, lr := range []float64{0.02, 0.1} {
				for _, seed := range []uint64{0, 1} {
					if c := out.Cells[i]; c.Act != act || c.Rule != rule || c.LR != lr || c.Seed != seed {
						t.Errorf("cell %d is %s %s %v %d", i, c.Act, c.Rule, c.LR, c.Seed)
					}
					i++
				}
			}
		}
	}
	if i != len(out.Cells) || len(out.Best) != 4 {
		t.Errorf("%d cells, %d best", len(out.Cells), len(out.Best))
	}
}

// Without a clock the seconds are 0, and everything else must be the same.
func TestWorkersChangeNoCell(t *testing.T) {
	one, many := newMemory(), newMemory()
	if a, b := text(run(t, tiny(), one, 1)), text(run(t, tiny(), many, 3)); a != b {
		t.Errorf("one worker: %s\nthree: %s", a, b)
	}
	if !maps.EqualFunc(one.rows, many.rows, slices.Equal) {
		t.Error("other tables")
	}
}

func TestStoredCellsAreNotComputedAgain(t *testing.T) {
	sink := newMemory()
	first := run(t, tiny(), sink, 2)
	const mark = 0.4321
	stored := first.Cells[3]
	stored.TestAccuracy = new(mark)
	if err := sink.Put(fixed(tiny())[3].name(), []byte(text(stored))); err != nil {
		t.Fatal(err)
	}
	clear(sink.puts)
	again := run(t, tiny(), sink, 2)
	if len(sink.puts) != 0 {
		t.Errorf("stored again: %v", sink.puts)
	}
	if *again.Cells[3].TestAccuracy != mark {
		t.Error("a stored cell was computed again")
	}
	again.Cells[3] = first.Cells[3]
	if text(again) != text(first) {
		t.Errorf("got %s\nwant %s", text(again), text(first))
	}
}

func TestADamagedCellIsComputedAgain(t *testing.T) {
	sink := newMemory()
	first := run(t, tiny(), sink, 1)
	name := fixed(tiny())[0].name()
	sink.cells[name] = sink.cells[name][:20]
	if again := run(t, tiny(), sink, 1); text(again) != text(first) || sink.puts[name] != 2 {
		t.Errorf("stored %d times; got %s", sink.puts[name], text(again))
	}
}

// Interrupted after some cells, the comparison goes on to the same result, and every cell is stored once.
func TestAnInterruptedComparisonGoesOn(t *testing.T) {
	want := run(t, tiny(), newMemory(), 1)
	sink := newMemory()
	for stop := 3; ; stop += 5 {
		ctx, cancel := context.WithCancel(context.Background())
		ended := 0
		env := Env{Workers: 2, Progress: func(p Progress) {
			if p.Note != "" {
				if ended++; ended == stop {
					cancel()
				}
			}
		}}
		out, err := tiny().Run(ctx, synthetic(), sink, env)
		cancel()
		if err == nil {
			if text(out) != text(want) {
				t.Errorf("got %s\nwant %s", text(out), text(want))
			}
			break
		}
		if !errors.Is(err, context.Canceled) || len(sink.rows) != 0 {
			t.Fatalf("error %v, tables %v", err, sink.rows)
		}
	}
	for name, n := range sink.puts {
		if n != 1 {
			t.Errorf("%s was stored %d times", name, n)
		}
	}
	if len(sink.puts) != 16 {
		t.Errorf("%d stored results", len(sink.puts))
	}
}

func TestSinkFaultsEndTheRun(t *testing.T) {
	for _, fail := range []string{fixed(tiny())[5].name(), "contests", "chosen", "best", "cells", "curves", "ratios"} {
		sink := newMemory()
		sink.fail = fail
		if _, err := tiny().Run(context.Background(), synthetic(), sink, Env{Workers: 2}); !errors.Is(err, errFull) {
			t.Errorf("%s: error %v", fail, err)
		}
	}
}

// recorder keeps the batches of a training.
type recorder []train.Record

func (r *recorder) Batch(x train.Record) { *r = append(*r, x) }
func (*recorder) Eval(int, train.Score)  {}

// firstAt returns the index, from 1, of the first batch from 50 on at which the mean of the last 50 errors is at or below
// the threshold (notation, section 1), 0 if there is none.
func firstAt(all []train.Record, threshold float64) int {
	for n := 50; n <= len(all); n++ {
		sum := 0.0
		for _, r := range all[n-50 : n] {
			sum += r.MSE
		}
		if sum/50 <= threshold {
			return n
		}
	}
	return 0
}

// A cell reaches its thresholds by the definition, at the cost until then, and ends at the lowest.
func TestThresholdsAreReachedByTheDefinition(t *testing.T) {
	c := tiny()
	out := run(t, c, newMemory(), 2)
	never, late := 0, 0
	for i, x := range fixed(c) {
		s := x.spec
		var all recorder
		tr, err := train.New[float32](s, synthetic(), train.Options{Recorder: &all})
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		tr.Close()
		cell, last := out.Cells[i], 0
		for _, threshold := range c.Thresholds[s.Act] {
			got := cell.ToMSE[fmt.Sprint(threshold)]
			last = firstAt(all, threshold)
			switch {
			case last == 0 && got != nil:
				t.Errorf("%s: %v reached after %d batches, want never", x.name(), threshold, got.Batches)
			case last == 0:
				never++
			case got == nil || got.Batches != last || got.Passes != all[last-1].Passes || got.MACs != all[last-1].MACs:
				t.Errorf("%s: %v reached at %+v, want batch %d", x.name(), threshold, got, last)
			case last > 50:
				late++
			}
		}
		if want := cmp.Or(last, s.Batches); cell.Batches != want {
			t.Errorf("%s ended after %d batches, want %d", x.name(), cell.Batches, want)
		}
	}
	if never < 3 || late < 3 {
		t.Errorf("%d thresholds never reached, %d after the first window: a test of little", never, late)
	}
}

// Rules differ in how they learn: network, initial weights and batches are the same.
func TestRulesStartFromTheSame(t *testing.T) {
	start := map[string]string{}
	for _, x := range fixed(tiny()) {
		s := x.spec
		var all recorder
		tr, err := train.New[float64](s, synthetic(), train.Options{Recorder: &all, Stop: func(train.Record) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		sum := model.Sum(tr.Network())
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		tr.Close()
		// The first error is before any update; rules may sum it in another order.
		got := fmt.Sprintf("%s %.12g", sum, all[0].MSE)
		key := fmt.Sprint(s.Act, s.Seed)
		if start[key] == "" {
			start[key] = got
		}
		if got != start[key] {
			t.Errorf("%s starts from %s, others from %s", x.name(), got, start[key])
		}
	}
	if start["tanh0"] == start["tanh1"] {
		t.Error("seeds do not matter")
	}
}

// A diverged run is a result, and never wins.
func TestDivergedCellsAreResults(t *testing.T) {
	c := tiny()
	c.Acts, c.Rules = []string{"tanh"}, []string{"bp", "pc"}
	c.Rates = map[string][]float64{"tanh/bp": {0.3, 1e6}, "tanh/pc": {1e6, 1e8}}
	out := run(t, c, newMemory(), 2)
	for _, cell := range out.Cells {
		if (cell.DivergedAt != nil) != (cell.LR >= 1e6) {
			t.Errorf("%s at %v: diverged at %v", cell.Rule, cell.LR, cell.DivergedAt)
		}
		if cell.DivergedAt != nil && (*cell.DivergedAt != 2 || cell.Batches != 2 || cell.TestAccuracy != nil) {
			t.Errorf("diverged at %d, %d batches, accuracy %v", *cell.DivergedAt, cell.Batches, cell.TestAccuracy)
		}
	}
	if lr := out.Best[0].LR; lr == nil || *lr != 0.3 {
		t.Errorf("best rate of bp: %v", lr)
	}
	if lr := out.Best[1].LR; lr != nil {
		t.Errorf("best rate of pc: %v", *lr)
	}
	if why := strings.Join(out.Why, "\n"); !strings.Contains(why, "diverged at every learning rate tried: tanh pc") || !strings.Contains(why, "edge of its grid") || out.Fair {
		t.Errorf("fair %v: %s", out.Fair, why)
	}
}

// So is one whose last update breaks it.
func TestDivergenceOfTheLastUpdateIsSeen(t *testing.T) {
	c := tiny()
	c.Base.Batches = 1
	c.SetRates([]float64{1e6})
	for _, cell := range run(t, c, newMemory(), 1).Cells {
		if cell.DivergedAt == nil || *cell.DivergedAt != 1 || cell.TestAccuracy != nil {
			t.Errorf("%+v", cell)
		}
	}
}

// Short of the first window there are cells, and no curve.
func TestShortTrainingsHaveNoCurve(t *testing.T) {
	c := tiny()
	c.Base.Batches = train.Window - 1
	sink := newMemory()
	for _, cell := range run(t, c, sink, 2).Cells {
		if len(cell.Curve.Batch) != 0 || cell.Batches != train.Window-1 || cell.TestAccuracy == nil {
			t.Errorf("%+v", cell)
		}
	}
	if len(sink.rows["curves"]) != 0 || len(sink.rows["cells"]) != 8*2+8 {
		t.Errorf("%d rows of curves, %d of cells", len(sink.rows["curves"]), len(sink.rows["cells"]))
	}
}

func TestProgressEndsAtItsTotal(t *testing.T) {
	var last Progress
	notes := 0
	c := tiny()
	env := Env{Workers: 2, Progress: func(p Progress) {
		if p.Done < last.Done || p.Done > p.Total*(1+1e-12) {
			t.Errorf("from %v to %v of %v", last.Done, p.Done, p.Total)
		}
		if last = p; p.Note != "" {
			notes++
		}
	}}
	if _, err := c.Run(context.Background(), synthetic(), newMemory(), env); err != nil {
		t.Fatal(err)
	}
	if math.Abs(last.Done-last.Total) > 1e-9*last.Total || notes != 16 {
		t.Errorf("ended at %v of %v after %d notes", last.Done, last.Total, notes)
	}
}

func TestJSONHasTheKeysOfTheContract(t *testing.T) {
	var m map[string]any
	if err := json.Unmarshal([]byte(text(run(t, tiny(), newMemory(), 2))), &m); err != nil {
		t.Fatal(err)
	}
	has := func(v any, keys ...string) {
		for _, k := range keys {
			if _, ok := v.(map[string]any)[k]; !ok {
				t.Errorf("no key %s in %v", k, v)
			}
		}
	}
	has(m, "fair", "why", "cells", "best")
	costs := 0
	for _, c := range m["cells"].([]any) {
		has(c, "rule", "act", "lr", "seed", "batches", "train_mse", "test_accuracy", "diverged_at", "to_mse")
		for _, v := range c.(map[string]any)["to_mse"].(map[string]any) {
			if v != nil {
				has(v, "batches", "passes", "macs", "seconds")
				costs++
			}
		}
		if c.(map[string]any)["act"] == "tanh" {
			has(c.(map[string]any)["to_mse"], "0.1", "0.05")
		}
	}
	for _, b := range m["best"].([]any) {
		has(b, "rule", "act", "lr", "to_mse")
	}
	if costs == 0 || m["why"] == nil {
		t.Errorf("%d costs, why %v", costs, m["why"])
	}
}
