package main

import (
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/train"
)

// all returns every command of the tree, the root first.
func all() []*cobra.Command {
	a := &app{out: io.Discard, err: io.Discard}
	list := []*cobra.Command{a.command()}
	for i := 0; i < len(list); i++ {
		list = append(list, list[i].Commands()...)
	}
	return list
}

// Every command says what it does, with examples that its own flags and arguments accept.
func TestExamplesAreAccepted(t *testing.T) {
	for _, cmd := range all() {
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s: short help %q, examples %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // a remark follows
			words := strings.Fields(line)
			if i := slices.Index(words, "settle"); i >= 0 {
				words = words[i+1:]
			} else {
				t.Errorf("%s: example %q does not call settle", cmd.CommandPath(), line)
				continue
			}
			found, args, err := all()[0].Find(words)
			if err == nil {
				err = found.ParseFlags(args)
			}
			if err == nil {
				err = found.ValidateArgs(found.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: example %q: %v", cmd.CommandPath(), line, err)
			}
		}
	}
}

// The configurations beside the documentation are of flags that train has, with values that it takes.
func TestConfigsOfTheDocsAreAccepted(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "sweep") {
			continue // TestSweepsOfTheDocsAreInOrder
		}
		spec := train.Defaults()
		cmd := &cobra.Command{Use: "train"}
		trainFlags(cmd.Flags(), &spec)
		a := &app{out: io.Discard, err: io.Discard, config: file, workers: 1}
		if err := a.applyConfig(cmd); err != nil {
			t.Error(err)
			continue
		}
		a.settleSpec(cmd, &spec)
		if err := spec.Validate(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The sweeps beside the documentation are in order, with as many trials as they say, all of which go with their data.
func TestSweepsOfTheDocsAreInOrder(t *testing.T) {
	for name, want := range map[string]int{"sweep": 200, "sweep-halving": 128} {
		p, err := readSweep("../../docs/examples/"+name+".yaml", defaultTrials)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(p.trials) != want {
			t.Errorf("%s: %d trials, want %d", name, len(p.trials), want)
		}
		if err := p.fit(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every flag says what it is for, and none has two meanings.
func TestFlagsAreDescribed(t *testing.T) {
	for _, cmd := range all() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no description", cmd.CommandPath(), f.Name)
			}
		})
	}
}

// The keys of a stored spec are the names of the flags, and each flag sets its own field and no other.
func TestEveryFieldOfASpecHasItsFlag(t *testing.T) {
	common := map[string]bool{"seed": true, "workers": true} // of all commands
	values := map[string]string{"string": "x", "bool": "true", "float64": "0.12345", "int": "54321"}
	for field := range reflect.TypeFor[train.Spec]().Fields() {
		key := field.Tag.Get("json")
		if common[key] {
			if all()[0].PersistentFlags().Lookup(key) == nil {
				t.Errorf("no flag --%s", key)
			}
			continue
		}
		spec := train.Defaults()
		before := decodeMap(t, spec)
		f := pflag.NewFlagSet("train", pflag.ContinueOnError)
		trainFlags(f, &spec)
		flag := f.Lookup(key)
		if flag == nil {
			t.Errorf("no flag --%s", key)
			continue
		}
		if err := f.Set(key, values[flag.Value.Type()]); err != nil {
			t.Error(err)
		}
		for k, v := range decodeMap(t, spec) {
			if (v != before[k]) != (k == key) {
				t.Errorf("--%s: %s was %v and is %v", key, k, before[k], v)
			}
		}
	}
}

func decodeMap(t *testing.T, v any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The projection onto the simplex is max(y − τ, 0) for the one τ with sum 1, found here by bisection.
func TestSimplexIsTheNearestPoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 12; n++ {
		for _, scale := range []float64{1e-3, 0.3, 1, 50} {
			y := make([]float64, n)
			for i := range y {
				y[i] = scale * rng.NormFloat64()
			}
			sum := func(tau float64) (s float64) {
				for _, v := range y {
					s += max(v-tau, 0)
				}
				return s
			}
			lo, hi := slices.Min(y)-1, slices.Max(y)
			for range 200 {
				if mid := (lo + hi) / 2; sum(mid) > 1 {
					lo = mid
				} else {
					hi = mid
				}
			}
			p := simplex(y)
			total := 0.0
			for i, v := range p {
				total += v
				// Rounding of y − τ, both up to some hundreds.
				if want := max(y[i]-lo, 0); math.Abs(v-want) > 1e-12 {
					t.Errorf("simplex(%v)[%d] = %v, want %v", y, i, v, want)
				}
			}
			if math.Abs(total-1) > 1e-12 {
				t.Errorf("simplex(%v) = %v, sum %v", y, p, total)
			}
		}
	}
	if p := simplex([]float64{0, 1, 0}); !slices.Equal(p, []float64{0, 1, 0}) {
		t.Errorf("a vertex went to %v", p)
	}
}
