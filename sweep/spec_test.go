package sweep

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/train"
)

func parse(t *testing.T, source string) *Spec {
	t.Helper()
	s, err := Parse("s.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// labels returns the labels of all trials.
func labels(s *Spec) []string {
	var out []string
	for i := range int(s.Count().Int64()) {
		out = append(out, Label(s.Settings(i)))
	}
	return out
}

func TestGridIsTheProductWithTheLastAxisAndThenTheSeedFastest(t *testing.T) {
	s := parse(t, "grid:\n  rule: [bp, pc]\n  lr: [0.1, 1e-2]\nseeds: [3, 7]\n")
	want := []string{
		"rule=bp lr=0.1 seed=3", "rule=bp lr=0.1 seed=7", "rule=bp lr=0.01 seed=3", "rule=bp lr=0.01 seed=7",
		"rule=pc lr=0.1 seed=3", "rule=pc lr=0.1 seed=7", "rule=pc lr=0.01 seed=3", "rule=pc lr=0.01 seed=7",
	}
	if got := labels(s); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	trial, err := s.Trial(5)
	if err != nil || trial.Rule != "pc" || trial.LR != 0.1 || trial.Seed != 7 {
		t.Errorf("trial 5: %+v, %v", trial, err)
	}
}

func TestATrialIsDefaultsThenBaseThenItsOwn(t *testing.T) {
	s := parse(t, "base: {arch: 784-20-10, batches: 30, tol: 1e-4, lr: 3}\ngrid: {lr: [0.1], act: [tanh]}")
	want := train.Defaults()
	want.Arch, want.Batches, want.Epochs, want.Tol, want.Gap, want.LR, want.Act = "784-20-10", 30, 0, 1e-4, 0, 0.1, "tanh"
	if got, err := s.Trial(0); got != want || err != nil {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
}

// enumerated are the trials of a sweep of grids by brute force: all combinations, less what conditions exclude, each once.
func enumerated(s *Spec) map[string]bool {
	out := map[string]bool{}
	total := 1
	for _, a := range s.Grid {
		total *= len(a.Values)
	}
	for i := range total {
		values := map[string]string{}
		for _, a := range slices.Backward(s.Grid) {
			values[a.Name] = a.Values[i%len(a.Values)].Text
			i /= len(a.Values)
		}
		for range s.Grid { // until nothing changes: a chain is no longer than the grid
			for _, a := range s.Grid {
				for _, c := range a.When {
					v, ok := values[c.Name]
					if !ok {
						v = s.fixed[c.Name]
					}
					if !slices.Contains(c.Values, v) {
						delete(values, a.Name)
					}
				}
			}
		}
		label := ""
		for _, a := range s.Grid {
			if v, ok := values[a.Name]; ok {
				label += a.Name + "=" + v + " "
			}
		}
		out[label+"seed=0"] = true
	}
	return out
}

func TestConditionsLeaveParametersOutAndNoTrialIsThereTwice(t *testing.T) {
	for _, source := range []string{
		"grid:\n  rule: [bp, pc]\n  gap: {values: [0.1, 0.01, 0.001], when: {rule: pc}}\n  lr: [1, 2]\n",
		"grid:\n  gap: {values: [0.1, 0.01], when: {rule: pc, act: [relu, tanh]}}\n  act: [relu, tanh, linear]\n  rule: [bp, pc]\n",
		// A chain: dt where the solver is euler, which is where the rule is pc. In the base the solver is auto.
		"grid:\n  rule: [bp, pc]\n  solver: {values: [euler, auto], when: {rule: pc}}\n  dt: {values: [0.1, 0.2], when: {solver: euler}}\n  batch: [10, 20]\n  momentum: {values: [0, 0.5], when: {optim: momentum}}\n  optim: [sgd, momentum]\n",
		// The base decides where the axis is no part of the trial.
		"base: {solver: euler}\ngrid:\n  rule: [bp, ipc, pc]\n  solver: {values: [heun, auto], when: {rule: pc}}\n  dt: {values: [0.1, 0.2], when: {solver: euler}}\n",
	} {
		s := parse(t, source)
		want := enumerated(s)
		got := map[string]bool{}
		for i, l := range labels(s) {
			if got[l] {
				t.Errorf("trial %d is there already: %s", i, l)
			}
			got[l] = true
		}
		if len(got) != len(want) {
			t.Errorf("%d trials, want %d:\n%s", len(got), len(want), source)
		}
		for l := range want {
			if !got[l] {
				t.Errorf("not there: %s", l)
			}
		}
	}
}

// A grid is counted without being enumerated, even past 64 bits; its trials can be looked at.
func TestAHugeGridIsCounted(t *testing.T) {
	var b strings.Builder
	b.WriteString("base: {arch: 784-10-10, rule: pc}\ngrid:\n")
	for _, name := range []string{"lr", "tol", "gap", "dt", "momentum", "weight-decay", "batch"} {
		fmt.Fprintf(&b, "  %s: [", name)
		for i := range 1000 {
			if name == "batch" {
				fmt.Fprintf(&b, "%d, ", i+1)
			} else {
				fmt.Fprintf(&b, "0.%03d1, ", i)
			}
		}
		b.WriteString("]\n")
	}
	s := parse(t, b.String())
	want := new(big.Int).Exp(big.NewInt(10), big.NewInt(21), nil)
	if got := s.Count(); got.Cmp(want) != 0 {
		t.Errorf("%d trials, want %d", got, want)
	}
	if got := Label(s.Settings(1_002_003)); got != "lr=0.0001 tol=0.0001 gap=0.0001 dt=0.0001 momentum=0.0011 weight-decay=0.0021 batch=4 seed=0" {
		t.Error(got)
	}
}

func TestSampledPointsAreTheSameAtEveryPointOfTheGridAndSeed(t *testing.T) {
	s := parse(t, "grid: {act: [relu, tanh]}\nsample: {n: 8, ranges: {lr: {log-uniform: [1e-4, 1e-1]}, batch: {int: [16, 19]}}}\nseeds: [0, 1]")
	if got := s.Count().Int64(); got != 32 {
		t.Fatalf("%d trials", got)
	}
	for p := range 8 {
		first := s.Settings(2 * p)[1:3]
		for _, i := range []int{2*p + 1, 16 + 2*p, 17 + 2*p} {
			if got := s.Settings(i)[1:3]; !slices.Equal(got, first) {
				t.Errorf("trial %d: %v, want %v", i, got, first)
			}
		}
	}
}

func TestSampledConditions(t *testing.T) {
	s := parse(t, "grid: {rule: [bp, pc]}\nsample:\n  n: 64\n  ranges:\n    gap: {log-uniform: [1e-3, 0.1], when: {rule: pc, act: tanh}}\n    act: {choice: [relu, tanh]}\n")
	seen := map[string]int{}
	for i := range 128 {
		trial, err := s.Trial(i)
		if err != nil {
			t.Fatal(err)
		}
		has := slices.ContainsFunc(s.Settings(i), func(p Setting) bool { return p.Name == "gap" })
		if want := trial.Rule == "pc" && trial.Act == "tanh"; has != want || !has && trial.Gap != 0.01 {
			t.Errorf("trial %d: %s", i, Label(s.Settings(i)))
		}
		seen[trial.Rule+trial.Act]++
	}
	// Of 64 points of a stratified coordinate half are in each half.
	for _, k := range []string{"bprelu", "bptanh", "pcrelu", "pctanh"} {
		if seen[k] != 32 {
			t.Errorf("%s: %d trials, want 32", k, seen[k])
		}
	}
}

func TestDir(t *testing.T) {
	for _, c := range []struct {
		i, n int
		want string
	}{{0, 1, "trials/0000"}, {199, 200, "trials/0199"}, {9999, 10000, "trials/9999"}, {5, 10001, "trials/00005"}} {
		if got := Dir(c.i, c.n); got != c.want {
			t.Errorf("Dir(%d, %d) = %s, want %s", c.i, c.n, got, c.want)
		}
	}
}

func TestTrialsOutOfRangePanic(t *testing.T) {
	s := parse(t, "seeds: [0, 1]")
	for _, i := range []int{-1, 2} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("trial %d of 2 is there", i)
				}
			}()
			s.Settings(i)
		}()
	}
}
