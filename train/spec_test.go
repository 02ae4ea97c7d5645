package train

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	if err := small().Validate(); err != nil {
		t.Error(err)
	}
}

var nan, inf = math.NaN(), math.Inf(1)

// faults are changes to a good spec, the flag each is of, and what the message shows of the value.
var faults = []struct {
	flag   string
	change func(*Spec)
	value  string
}{
	{"arch", func(s *Spec) { s.Arch = "784-0-10" }, `"0"`},
	{"arch", func(s *Spec) { s.Arch = "784" }, "784"},
	{"arch", func(s *Spec) { s.Arch = "" }, `""`},
	{"arch", func(s *Spec) { s.Arch = "784--10" }, `""`},
	{"arch", func(s *Spec) { s.Arch = "784-1e3-10" }, `"1e3"`},
	{"arch", func(s *Spec) { s.Arch = "784-128x0-10" }, `"128x0"`},
	{"arch", func(s *Spec) { s.Arch = "784-99999999-99999999-10" }, "weights"},
	{"arch", func(s *Spec) { s.Arch = "1x28x28-conv8k30-10" }, "conv8k30"},
	{"arch", func(s *Spec) { s.Arch = "1x28x28-blob8-10" }, `"blob8"`},
	{"solver", func(s *Spec) { s.Arch, s.Act, s.Solver = "1x28x28-conv8k3:maxpool2-10", "linear", "exact" }, "exact"},
	{"solver", func(s *Spec) { s.Arch, s.Act, s.Solver = "1x28x28-conv8k3:maxpool2-10", "tanh", "chord" }, "chord"},
	{"act", func(s *Spec) { s.Act = "wobble" }, `"wobble"`},
	{"act-place", func(s *Spec) { s.Place = "beside" }, `"beside"`},
	{"init", func(s *Spec) { s.Init = "normal:x" }, `"normal:x"`},
	{"init", func(s *Spec) { s.Init = "normal:0" }, `"normal:0"`},
	{"dtype", func(s *Spec) { s.DType = "float16" }, `"float16"`},
	{"rule", func(s *Spec) { s.Rule = "pcx" }, `"pcx"`},
	{"rule", func(s *Spec) { s.Rule = "PC" }, `"PC"`},
	{"solver", func(s *Spec) { s.Solver = "magic" }, `"magic"`},
	{"solver", func(s *Spec) { s.Solver = "exact" }, "exact"},
	{"solver", func(s *Spec) { s.Solver, s.Act, s.Coords = "exact", "linear", "activities" }, "exact"},
	{"solver", func(s *Spec) { s.Solver, s.Coords = "cg", "activities" }, "cg"},
	{"beta", func(s *Spec) { s.Beta = 0.1 }, "0.1"},
	{"beta", func(s *Spec) { s.Rule, s.Beta = "pc-centred", inf }, "Inf"},
	{"precision", func(s *Spec) { s.Precision = "1,2" }, "1,2"},
	{"precision", func(s *Spec) { s.Precision = "0" }, "0"},
	{"precision", func(s *Spec) { s.Precision = "1,x,2" }, "1,x,2"},
	{"precision", func(s *Spec) { s.Precision, s.Rule = "2", "zil" }, "2"},
	{"precision-lr", func(s *Spec) { s.PrecisionLR = 2 }, "2"},
	{"precision-lr", func(s *Spec) { s.PrecisionLR, s.Loss = 0.1, "bernoulli" }, "0.1"},
	{"activity-decay", func(s *Spec) { s.ActivityDecay = -1 }, "-1"},
	{"activity-decay", func(s *Spec) { s.ActivityDecay, s.Rule = 0.1, "bp" }, "0.1"},
	{"solver", func(s *Spec) { s.ActivityDecay, s.Solver = 0.1, "cg" }, "cg"},
	{"feedback", func(s *Spec) { s.Feedback = "spiral" }, `"spiral"`},
	{"feedback", func(s *Spec) { s.Feedback = "fixed" }, "fixed"},
	{"feedback", func(s *Spec) { s.Feedback, s.Coords = "learned", "activities" }, "learned"},
	{"prior", func(s *Spec) { s.Prior = 1 }, "1"},
	{"prior", func(s *Spec) { s.Rule, s.Prior = "pc-generative", -1 }, "-1"},
	{"amortise", func(s *Spec) { s.Rule, s.Coords, s.Amortise = "pc-bidirectional", "activities", true }, "true"},
	{"down-weight", func(s *Spec) { s.DownWeight = 0.1 }, "0.1"},
	{"down-weight", func(s *Spec) { s.Rule, s.Coords, s.DownWeight = "pc-bidirectional", "activities", -1 }, "-1"},
	{"coords", func(s *Spec) { s.Rule = "pc-bidirectional" }, "errors"},
	{"loss", func(s *Spec) { s.Rule, s.Coords, s.Loss = "pc-bidirectional", "activities", "bernoulli" }, "bernoulli"},
	{"feedback", func(s *Spec) {
		s.Rule, s.Coords, s.Solver, s.Feedback = "pc-bidirectional", "activities", "euler", "fixed"
	}, "fixed"},
	{"precision-lr", func(s *Spec) { s.Rule, s.Coords, s.PrecisionLR = "pc-bidirectional", "activities", 0.1 }, "0.1"},
	{"arch", func(s *Spec) { s.Rule, s.Coords, s.Arch = "pc-bidirectional", "activities", nodes }, nodes},
	{"amortise", func(s *Spec) { s.Amortise = true }, "true"},
	{"arch", func(s *Spec) { s.Rule, s.Amortise, s.Arch = "pc-generative", true, "1x2x2-conv4k1-36" }, "1x2x2-conv4k1-36"},
	{"loss", func(s *Spec) { s.Rule, s.Loss = "pc-generative", "bernoulli" }, "bernoulli"},
	{"solver", func(s *Spec) { s.Rule, s.Solver = "pc-generative", "cg" }, "cg"},
	{"target", func(s *Spec) { s.Target = "words" }, `"words"`},
	{"target", func(s *Spec) { s.Rule, s.Target = "pc-generative", "pixels" }, "pixels"},
	{"loss", func(s *Spec) { s.Target, s.Loss = "pixels", "bernoulli" }, "bernoulli"},
	{"steps", func(s *Spec) { s.Solver = "langevin" }, "0"},
	{"temperature", func(s *Spec) { s.Temperature = 0.5 }, "0.5"},
	{"loss", func(s *Spec) { s.Loss = "hinge" }, `"hinge"`},
	{"loss", func(s *Spec) { s.Loss, s.Rule = "bernoulli", "bp-curved" }, "bernoulli"},
	{"solver", func(s *Spec) { s.Loss, s.Solver = "cross-entropy", "newton" }, "newton"},
	{"coords", func(s *Spec) { s.Coords = "polar" }, `"polar"`},
	{"tol", func(s *Spec) { s.Tol = -1 }, "-1"},
	{"tol", func(s *Spec) { s.Tol = 1 }, "1"},
	{"tol", func(s *Spec) { s.Tol = nan }, "NaN"},
	{"gap", func(s *Spec) { s.Gap = -0.1 }, "-0.1"},
	{"gap", func(s *Spec) { s.Gap = 1.5 }, "1.5"},
	{"gap", func(s *Spec) { s.Gap = nan }, "NaN"},
	{"max-passes", func(s *Spec) { s.MaxPasses = 0 }, "0"},
	{"max-passes", func(s *Spec) { s.MaxPasses = inf }, "Inf"},
	{"dt", func(s *Spec) { s.DT = 0 }, "0"},
	{"dt", func(s *Spec) { s.DT = nan }, "NaN"},
	{"optim", func(s *Spec) { s.Optim = "lbfgsx" }, `"lbfgsx"`},
	{"lr", func(s *Spec) { s.LR = 0 }, "0"},
	{"lr", func(s *Spec) { s.LR = -1 }, "-1"},
	{"lr", func(s *Spec) { s.LR = nan }, "NaN"},
	{"lr", func(s *Spec) { s.LR = inf }, "Inf"},
	{"param", func(s *Spec) { s.Param = "mu" }, "mu"},
	{"normalize", func(s *Spec) { s.Normalize = "0.5" }, "0.5"},
	{"normalize", func(s *Spec) { s.Normalize = "0.5,0" }, "0.5,0"},
	{"normalize", func(s *Spec) { s.Normalize = "NaN,1" }, "NaN,1"},
	{"solver-momentum", func(s *Spec) { s.Mu = 1 }, "1"},
	{"momentum", func(s *Spec) { s.Momentum = 1 }, "1"},
	{"momentum", func(s *Spec) { s.Momentum = -0.1 }, "-0.1"},
	{"weight-decay", func(s *Spec) { s.WeightDecay = -1 }, "-1"},
	{"clip", func(s *Spec) { s.Clip = -0.5 }, "-0.5"},
	{"clip", func(s *Spec) { s.Clip = inf }, "Inf"},
	{"weight-decay", func(s *Spec) { s.WeightDecay = inf }, "Inf"},
	{"schedule", func(s *Spec) { s.Schedule = "sawtooth" }, `"sawtooth"`},
	{"warmup", func(s *Spec) { s.Schedule, s.Warmup = "warmup-cosine", -1 }, "-1"},
	{"warmup", func(s *Spec) { s.Warmup = 5 }, "5"},
	{"warmup", func(s *Spec) { s.Schedule, s.Warmup = "pcx", 5 }, "5"},
	{"batch", func(s *Spec) { s.Batch = 0 }, "0"},
	{"batch", func(s *Spec) { s.Batch = -3 }, "-3"},
	{"batches", func(s *Spec) { s.Batches = -1 }, "-1"},
	{"batches", func(s *Spec) { s.Batches, s.Epochs = 0, 0 }, "neither"},
	{"batches", func(s *Spec) { s.Batches, s.Epochs = 5, 5 }, "both"},
	{"epochs", func(s *Spec) { s.Epochs = -1 }, "-1"},
	{"eval-every", func(s *Spec) { s.EvalEvery = -1 }, "-1"},
	{"limit", func(s *Spec) { s.Limit = -1 }, "-1"},
	{"workers", func(s *Spec) { s.Workers = 0 }, "0"},
	{"workers", func(s *Spec) { s.Workers = MostWorkers + 1 }, "1025"},
}

// Every fault names its flag and the value, and what is accepted.
func TestValidateNamesTheFlag(t *testing.T) {
	for _, c := range faults {
		err := small().with(c.change).Validate()
		if err == nil {
			t.Errorf("--%s %s was accepted", c.flag, c.value)
			continue
		}
		if !strings.Contains(err.Error(), "--"+c.flag+" ") && !strings.Contains(err.Error(), "--"+c.flag+":") {
			t.Errorf("--%s %s: the flag is not named: %v", c.flag, c.value, err)
		}
		if !strings.Contains(err.Error(), c.value) || !strings.Contains(err.Error(), "want") {
			t.Errorf("--%s %s: value and what is accepted are not named: %v", c.flag, c.value, err)
		}
		if _, err := New[float32](small().with(c.change), synthetic(), Options{}); err == nil {
			t.Errorf("--%s %s: New accepts it", c.flag, c.value)
		}
	}
}

func TestValidateReportsAllFaults(t *testing.T) {
	err := small().with(func(s *Spec) { s.Rule, s.LR, s.Arch, s.Optim = "x", 0, "1", "y" }).Validate()
	for _, flag := range []string{"--rule", "--lr", "--arch", "--optim"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is missing in: %v", flag, err)
		}
	}
}

func TestSpecMustFitTheData(t *testing.T) {
	for _, c := range []struct {
		change func(*Spec)
		want   string
	}{
		{func(s *Spec) { s.Arch = "35-12-4" }, "--arch 35-12-4: 35 inputs: want the 36 pixels"},
		{func(s *Spec) { s.Arch = "36-12-10" }, "--arch 36-12-10: 10 outputs: want the 4 classes"},
		{func(s *Spec) { s.Target = "pixels" }, "--arch 36-12-10-4: 4 outputs: want the 36 pixels"},
		{func(s *Spec) { s.Target, s.Arch = "moments", "36-12" }, "--arch 36-12: 12 outputs: want the 4 moments"},
		{func(s *Spec) { s.Arch = "1x4x9-conv2k3-4" }, "--arch 1x4x9-conv2k3-4: input 1x4x9: want 1x6x6"},
		{func(s *Spec) { s.Limit = 201 }, "--limit 201: want at most the 200"},
		{func(s *Spec) { s.Batch = 201 }, "--batch 201: want at most the 200"},
		{func(s *Spec) { s.Limit, s.Batch = 20, 21 }, "--batch 21: want at most the 20"},
	} {
		_, err := New[float32](small().with(c.change), synthetic(), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want one with %q", err, c.want)
		}
	}
	pixels := small().with(func(s *Spec) { s.Arch, s.Loss = "36-12-36", "bernoulli" })
	if err := pixels.Fits(synthetic().Autoencoding()); err == nil || !strings.Contains(err.Error(), "--loss bernoulli: want mse for the pixels") {
		t.Errorf("pixels, which are normalised, with Bernoulli outputs: %v", err)
	}
	both := small().with(func(s *Spec) { s.Arch, s.Batch = "35-10", 500 })
	if err := both.Fits(synthetic()); err == nil || strings.Count(err.Error(), "--") != 3 {
		t.Errorf("inputs, outputs and batch are wrong: %v", err)
	}
	if _, err := New[float32](small().with(func(s *Spec) { s.Limit, s.Batch = 200, 200 }), synthetic(), Options{}); err != nil {
		t.Error(err)
	}
}

// A network whose input has a shape takes images of that shape, one with a width those with as many values.
func TestSpecMustFitTheChannels(t *testing.T) {
	grey := synthetic() // 6×6
	set, err := data.New("tinted", data.Size{Rows: 6, Cols: 2, Channels: 3}, grey.Train, grey.Test)
	if err != nil {
		t.Fatal(err)
	}
	for arch, want := range map[string]string{
		"36-12-4":         "",
		"3x6x2-conv2k1-4": "",
		"1x6x6-conv2k1-4": "--arch 1x6x6-conv2k1-4: input 1x6x6: want 3x6x2, the images of tinted",
		"1x6x2-conv2k1-4": "--arch 1x6x2-conv2k1-4: input 1x6x2: want 3x6x2, the images of tinted",
		"3x2x6-conv2k1-4": "--arch 3x2x6-conv2k1-4: input 3x2x6: want 3x6x2, the images of tinted",
		"12-12-4":         "--arch 12-12-4: 12 inputs: want the 36 values, 6×2 pixels in 3 channels, of an image of tinted",
	} {
		err := small().with(func(s *Spec) { s.Arch = arch }).Fits(set)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", arch, err, want)
		}
	}
	tr, err := New[float32](small().with(func(s *Spec) { s.Arch = "3x6x2-conv2k1-4" }), set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if m := tr.Meta(); m.Rows != 6 || m.Cols != 2 || m.Channels != 3 {
		t.Errorf("described as %d×%d×%d", m.Rows, m.Cols, m.Channels)
	}
}

// A spec is plain data: JSON holds all of it, and no two fields share a key.
func TestSpecSurvivesJSON(t *testing.T) {
	s := small()
	s.Seed, s.LR, s.Bias, s.Warmup, s.WeightDecay = math.MaxUint64, 0.1, true, 7, 1e-300
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Spec
	if err := json.Unmarshal(text, &back); err != nil || back != s {
		t.Errorf("%+v came back as %+v: %v", s, back, err)
	}
	var keys []string
	for f := range reflect.TypeFor[Spec]().Fields() {
		keys = append(keys, f.Tag.Get("json"))
	}
	slices.Sort(keys)
	if slices.Contains(keys, "") || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("keys %q", keys)
	}
}
