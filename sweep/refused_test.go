package sweep

import (
	"fmt"
	"strings"
	"testing"

	"github.com/settle-pc/settle/train"
)

// A fault is named with its place, its value and what is accepted.
func TestFaultsOfASpec(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"", "s.yaml: want one YAML document"},
		{"# nothing\n", "s.yaml: want one YAML document"},
		{"grid: {lr: [1]}\n---\ngrid: {lr: [1]}\n", "s.yaml: want one YAML document"},
		{"- a\n", "s.yaml:1:1: sweep: want keys and values, of name, base, grid"},
		{"grid: {lr: [1, 2}\n", "s.yaml:1:"},
		{"grid: {lr: [1]}\ngrid: {lr: [2]}\n", `s.yaml:2:1: mapping key "grid" already defined`},
		{"base: {arch: 784-10}\n", "s.yaml:1:5: sweep: nothing varies: want grid, sample or seeds"},
		{"gird: {lr: [1]}\n", `s.yaml:1:1: sweep: unknown key "gird": did you mean "grid"?`},
		{"seed: 1\n", `s.yaml:1:1: sweep: unknown key "seed": did you mean "seeds"?`},
		{"nonsense: 1\n", `s.yaml:1:1: sweep: unknown key "nonsense": want one of name, base, grid, sample, seeds, halving`},
		{"base:\n  lrr: 1\ngrid: {lr: [1]}\n", `s.yaml:2:3: base: unknown key "lrr": did you mean "lr"?`},
		{"grid:\n  lr: [1]\n  wieght-decay: [1]\n", `s.yaml:3:3: grid: unknown key "wieght-decay": did you mean "weight-decay"?`},
		{"1: 2\n", `s.yaml:1:1: sweep: unknown key "1"`},
		{"name: a/b\ngrid: {lr: [1]}\n", `s.yaml:1:7: name "a/b": want up to 40 letters a to z, digits and hyphens`},
		{"name: ../../etc\ngrid: {lr: [1]}\n", `name "../../etc": want`},
		{"name: ..\ngrid: {lr: [1]}\n", `name "..": want`},
		{"name: -a\ngrid: {lr: [1]}\n", `name "-a": want`},
		{"name: Big\ngrid: {lr: [1]}\n", `name "Big": want`},
		{"name: \"a\\nb\"\ngrid: {lr: [1]}\n", `want up to 40 letters`},
		{"name: " + strings.Repeat("a", 41) + "\ngrid: {lr: [1]}\n", `want up to 40 letters`},
		{"name: [a]\ngrid: {lr: [1]}\n", "s.yaml:1:7: name: sequence: want a single value"},
		{"base: {seed: 1}\ngrid: {lr: [1]}\n", "base: seed: want it in the list  seeds: [0, 1, 2]"},
		{"grid: {seed: [1]}\n", "grid: seed: want it in the list"},
		{"grid: {workers: [1]}\n", "grid: workers: want none"},
		{"base: {lr: fast}\ngrid: {act: [relu]}\n", `s.yaml:1:12: --lr "fast": want a number`},
		{"base: {lr: [1]}\ngrid: {act: [relu]}\n", `s.yaml:1:12: lr: sequence: want a single value`},
		{"base: {lr: }\ngrid: {act: [relu]}\n", `lr: null: want a single value`},
		{"grid: {}\n", "s.yaml:1:7: grid: empty: want settings with lists of values"},
		{"grid:\n", "grid: want keys and values"},
		{"grid: {lr: []}\n", "s.yaml:1:12: lr: empty list: want at least one value"},
		{"grid: {lr: 1}\n", "s.yaml:1:12: lr: want a list"},
		{"grid: {lr: [1, two]}\n", `s.yaml:1:16: --lr "two": want a number`},
		{"grid: {lr: [1, 1.0]}\n", "s.yaml:1:16: lr: 1 is there twice: want different values"},
		{"grid: {lr: {when: {rule: pc}}}\n", "s.yaml:1:8: lr: no values: want"},
		{"grid: {lr: {values: [1], wen: {rule: pc}}}\n", `lr: unknown key "wen": did you mean "when"?`},
		{"grid: {rule: [bp, pc], lr: {values: [1], when: {rule: pcc}}}\n", `s.yaml:1:49: lr: when: rule "pcc": never so: want one of bp, pc`},
		{"grid: {lr: {values: [1], when: {rule: bp}}}\n", `lr: when: rule "bp": never so: want one of pc`},
		{"grid: {lr: {values: [1], when: {rul: bp}}}\n", `lr: when: unknown key "rul": did you mean "rule"?`},
		{"grid: {lr: {values: [0.001, 2], when: {gap: 1}}, gap: {values: [1, 2], when: {lr: 2}}}\n", "s.yaml:1:8: lr: its conditions go in a circle"},
		{"grid: {lr: {values: [1], when: {act: relu}}}\nsample: {n: 2, ranges: {act: {choice: [relu, tanh]}}}\n", "s.yaml:1:33: lr: when: act is sampled: want a condition on the grid or the base"},
		{"grid: {lr: [1]}\nsample: {n: 2, ranges: {lr: {uniform: [0, 1]}}}\n", "s.yaml:2:25: lr: is in the grid as well"},
		{"sample: {n: 2, ranges: {gap: {uniform: [0, 1], when: {lr: 1}}, lr: {uniform: [0, 1]}}}\n", "gap: when: lr is sampled from numbers: want a condition on a choice"},
		{"sample: {n: 2}\n", "s.yaml:1:9: sample: want n, the number of points, and ranges"},
		{"sample: {n: 2, ranges: {}}\n", "sample: want n, the number of points, and ranges"},
		{"sample: {ranges: {lr: {uniform: [0, 1]}}}\n", "sample: want n"},
		{"sample: {n: 0, ranges: {lr: {uniform: [0, 1]}}}\n", `s.yaml:1:13: n "0": want a whole number from 1`},
		{"sample: {n: 2, method: sobel, ranges: {lr: {uniform: [0, 1]}}}\n", `method "sobel": want one of sobol, random`},
		{"sample: {n: 2, ranges: {lr: {}}}\n", "lr: no range: want one of uniform, log-uniform, int, choice"},
		{"sample: {n: 2, ranges: {lr: {log_uniform: [1, 2]}}}\n", `lr: unknown key "log_uniform": did you mean "log-uniform"?`},
		{"sample: {n: 2, ranges: {lr: {uniform: [1, 2], int: [1, 2]}}}\n", "lr: int beside uniform: want one of them"},
		{"sample: {n: 2, ranges: {lr: {uniform: [1, 2, 3]}}}\n", "s.yaml:1:39: lr: 3 bounds: want [low, high]"},
		{"sample: {n: 2, ranges: {lr: {uniform: [2, 1]}}}\n", "lr: [2, 1]: want the lower bound first"},
		{"sample: {n: 2, ranges: {lr: {uniform: [0, .inf]}}}\n", `lr ".inf": want a finite number`},
		{"sample: {n: 2, ranges: {lr: {log-uniform: [0, 1]}}}\n", "lr: log-uniform from 0: want a bound above 0"},
		{"sample: {n: 2, ranges: {batch: {uniform: [1, 20]}}}\n", "batch: uniform: want int or choice for this setting"},
		{"sample: {n: 2, ranges: {batch: {int: [1, 2.5]}}}\n", `batch "2.5": want a whole number`},
		{"sample: {n: 2, ranges: {act: {int: [1, 2]}}}\n", "act: int: want choice for this setting"},
		{"sample: {n: 2, ranges: {act: {choice: []}}}\n", "act: empty list"},
		{"seeds: []\n", "s.yaml:1:8: seeds: empty list"},
		{"seeds: 3\n", "s.yaml:1:8: seeds: want a list"},
		{"seeds: [1, -1]\n", `s.yaml:1:12: seed "-1": want a whole number from 0`},
		{"seeds: [1, 1]\n", "seeds: 1 is there twice"},
		{"seeds: [1]\nhalving: {metric: test_msa}\n", `metric "test_msa": want one of test_mse, test_accuracy, train_mse`},
		{"seeds: [1]\nhalving: {rungs: 1}\n", `rungs "1": want a whole number from 2`},
		{"seeds: [1]\nhalving: {eta: 3}\n", `halving: unknown key "eta": want one of metric, rungs, factor`},
		{"base: &a {lr: 1}\ngrid: {act: [relu]}\n", "base: want keys and values"},
	} {
		_, err := Parse("s.yaml", []byte(c.source))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  %v\n  want %s", c.source, err, c.want)
		}
	}
}

func TestAllFaultsAreReported(t *testing.T) {
	_, err := Parse("s.yaml", []byte("base: {lrr: 1}\ngrid:\n  act: []\n  batch: [x]\nseeds: [-1]\n"))
	for _, want := range []string{"s.yaml:1:8:", "s.yaml:3:8:", "s.yaml:4:11:", "s.yaml:5:9:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What only a whole training shows to be wrong is named with the trial and where its value was set.
func TestFaultsOfATrial(t *testing.T) {
	s := parse(t, "base:\n  arch: 784-0-10\ngrid:\n  lr: [1, -3]\n  solver: [auto, exact]\n")
	for i, want := range [][]string{
		{`s.yaml:2:9: trial 0 (lr=1 solver=auto seed=0): --arch: arch "784-0-10"`},
		{`s.yaml:5:18: trial 1 (lr=1 solver=exact seed=0): --solver exact: want exact only with`},
		{`s.yaml:4:11: trial 2 (lr=-3 solver=auto seed=0): --lr -3: want a learning rate above 0`},
	} {
		_, err := s.Trial(i)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("trial %d: %v, want %s", i, err, w)
			}
		}
	}
}

// There is no accuracy to halve by without labels.
func TestHalvingByAccuracyWantsLabels(t *testing.T) {
	for base, want := range map[string]string{
		"target: moments, arch: 784-4":        "--target moments, --rule pc: want halving by test_mse or train_mse",
		"rule: pc-generative, arch: 5-784":    "--target labels, --rule pc-generative: want halving by",
		"rule: pc-nudged, arch: 784-100x2-10": "",
	} {
		_, err := parse(t, "base: {"+base+"}\nseeds: [0]\nhalving: {metric: test_accuracy}\n").Trial(0)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", base, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"grid: {lr: [1, 2]}", "sample: {n: 3, ranges: {lr: {uniform: [1, 2]}, act: {choice: [relu]}}}", "seeds: [1]\nhalving: {}",
		"grid: {rule: [bp, pc], gap: {values: [0.1], when: {rule: pc}}}", "base: {lr: *a}", "{1: 2}", "grid: {lr: [!!str 1]}", "? [a]\n: b",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		s, err := Parse("s", source)
		if err != nil {
			return
		}
		if s.Count().Sign() <= 0 {
			t.Fatal("a sweep without trials")
		}
		s.Settings(0)
		if n := s.Count(); n.IsInt64() && n.Int64() < 1<<40 {
			s.Settings(int(n.Int64()) - 1)
		}
	})
}

// sampleOf is a file that samples the first n settings, each from its default alone, a line a range from the second.
func sampleOf(method string, n int) string {
	text := "sample: {n: 2, method: " + method + ", ranges: {\n"
	usual := train.Defaults()
	for _, name := range names()[:n] {
		text += fmt.Sprintf("%s: {choice: [%q]},\n", name, usual.Value(name))
	}
	return text + "}}\n"
}

func TestSobolHasSoManyDimensions(t *testing.T) {
	if n := len(names()); n <= sobolDims {
		t.Fatalf("%d settings: too few to tell", n)
	}
	for method, n := range map[string]int{"sobol": sobolDims, "random": sobolDims + 1} {
		if _, err := Parse("s.yaml", []byte(sampleOf(method, n))); err != nil {
			t.Errorf("%s, %d ranges: %v", method, n, err)
		}
	}
	_, err := Parse("s.yaml", []byte(sampleOf("sobol", sobolDims+1)))
	want := fmt.Sprintf("s.yaml:%d:1: %s: 41 ranges with method sobol: want at most 40, or method random", sobolDims+2, names()[sobolDims])
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
