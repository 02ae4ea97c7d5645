package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/safetensors"
	"github.com/settle-pc/settle/tensor"
)

// interrupted trains to batch k and returns the checkpoint.
func interrupted[T tensor.Float](t *testing.T, s Spec, k int) []byte {
	t.Helper()
	tr := start[T](t, s, Options{Stop: func(r Record) bool { return r.Batch == k }})
	if k > 0 {
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := tr.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func resume[T tensor.Float](file []byte, change ...func(*Spec)) (*Trainer[T], *log, error) {
	c, err := ReadCheckpoint(bytes.NewReader(file))
	if err != nil {
		return nil, nil, err
	}
	l := &log{}
	tr, err := Resume[T](c, c.Spec.with(change...), synthetic(), Options{Recorder: l})
	return tr, l, err
}

// goesOn interrupts a training at every batch and wants all that follows as if it had not been.
func goesOn[T tensor.Float](t *testing.T, s Spec) {
	t.Helper()
	whole, wholeLog := train[T](t, s)
	want := whole.Summary(nil)
	for k := range s.Batches + 1 {
		tr, l, err := resume[T](interrupted[T](t, s, k))
		if err != nil {
			t.Fatalf("%s %s %s, at batch %d: %v", s.Rule, s.Optim, s.Schedule, k, err)
		}
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := tr.Summary(nil); !sameJSON(got, want) {
			t.Errorf("%s %s %s, resumed at batch %d: %s, want %s", s.Rule, s.Optim, s.Schedule, k, text(got), text(want))
		}
		for i, r := range l.batches {
			if w := wholeLog.batches[k+i]; fmt.Sprint(r) != fmt.Sprint(w) {
				t.Errorf("%s %s %s, resumed at batch %d: batch %d recorded %+v, want %+v", s.Rule, s.Optim, s.Schedule, k, w.Batch, r, w)
			}
		}
		if len(l.batches) != s.Batches-k {
			t.Errorf("%d batches after batch %d of %d", len(l.batches), k, s.Batches)
		}
		tr.Close()
	}
}

// nodes is a network on the images of synthetic.
const nodes = "1x6x6-conv4k3p1:maxpool2-norm:attn-drop0.4:8-4"

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func sameJSON(a, b any) bool { return text(a) == text(b) }

func TestResumingChangesNoBit(t *testing.T) {
	for _, rule := range supervised {
		for _, optim := range Optimizers {
			for _, schedule := range Schedules {
				s := small().with(func(s *Spec) {
					s.Rule, s.Optim, s.LR, s.Schedule, s.WeightDecay, s.Batches = rule, optim, rates[optim], schedule, 1e-3, 5
					s.Batch = 60 // three an epoch: the second begins on the way
				})
				if schedule == "warmup-cosine" {
					s.Warmup = 2
				}
				if optim == "adam" {
					goesOn[float64](t, s)
				}
				goesOn[float32](t, s)
			}
		}
	}
	goesOn[float32](t, small().with(func(s *Spec) { s.Act, s.Solver, s.Bias, s.Batches, s.LR = "linear", "exact", true, 4, 0.1 }))
	goesOn[float32](t, small().with(func(s *Spec) { s.Coords, s.Solver, s.Batches = "activities", "bb", 4 }))
	goesOn[float64](t, small().with(func(s *Spec) { s.Precision, s.PrecisionLR, s.Loss, s.Batches = "1,2,3", 0.1, "mse", 4 }))
	goesOn[float32](t, small().with(func(s *Spec) { s.Loss, s.ActivityDecay, s.Batches = "cross-entropy", 0.1, 4 }))
	goesOn[float32](t, generative())
	goesOn[float32](t, amortised())
	goesOn[float32](t, twoWay())
	goesOn[float32](t, twoWay().with(func(s *Spec) { s.Solver, s.Steps, s.Temperature, s.Batches = "langevin", 4, 0.01, 4 }))
	goesOn[float64](t, twoWay().with(func(s *Spec) { s.Optim, s.LR, s.Clip, s.Batches = "nesterov", 0.05, 0.1, 4 }))
	goesOn[float64](t, amortised().with(func(s *Spec) { s.Optim, s.LR, s.Steps, s.Tol = "momentum", 0.05, 4, 0 }))
	goesOn[float32](t, small().with(func(s *Spec) { s.Clip, s.Batches = 0.5, 6 })) // with how many were clipped
	goesOn[float32](t, small().with(func(s *Spec) { s.Rule, s.Clip, s.Batches = "ipc", 0.1, 4 }))
	goesOn[float32](t, small().with(func(s *Spec) {
		s.Solver, s.Coords, s.Steps, s.Temperature, s.Batches = "langevin", "activities", 5, 0.01, 4
	}))
	for _, kind := range []string{"fixed", "learned"} {
		goesOn[float32](t, small().with(func(s *Spec) { s.Feedback, s.Coords, s.Solver, s.Batches = kind, "activities", "euler", 4 }))
	}
	for _, rule := range supervised { // units are dropped as if there had been no interruption
		goesOn[float32](t, small().with(func(s *Spec) { s.Rule, s.Arch, s.Bias, s.Batches, s.LR = rule, nodes, true, 4, 0.1 }))
	}
}

func TestResumingKeepsTheRunningMean(t *testing.T) {
	s := small().with(func(s *Spec) { s.Batches = Window + 6 })
	_, whole := train[float32](t, s)
	for _, k := range []int{Window - 1, Window, Window + 3} {
		tr, l, err := resume[float32](interrupted[float32](t, s, k))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i, r := range l.batches {
			if want := whole.batches[k+i].Running; !same(r.Running, want) {
				t.Errorf("resumed at batch %d: running mean of batch %d is %v, want %v", k, r.Batch, r.Running, want)
			}
		}
	}
}

func TestResumingTakesOtherWorkersAndMoreBatches(t *testing.T) {
	longer := func(s *Spec) { s.Batches = 13 }
	whole, _ := train[float32](t, small().with(longer))
	tr, _, err := resume[float32](interrupted[float32](t, small(), 7), longer, func(s *Spec) { s.Workers, s.EvalEvery = 3, 2 })
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Run(context.Background()); err != nil || model.Sum(tr.Network()) != model.Sum(whole.Network()) {
		t.Errorf("other weights, error %v", err)
	}
}

func TestResumingRefusesAnotherTraining(t *testing.T) {
	plain := interrupted[float32](t, small(), 3)
	cosine := interrupted[float32](t, small().with(func(s *Spec) { s.Schedule = "cosine" }), 3)
	for name, err := range map[string]error{
		"lr":     second(resume[float32](plain, func(s *Spec) { s.LR = 0.2 })),
		"seed":   second(resume[float32](plain, func(s *Spec) { s.Seed++ })),
		"arch":   second(resume[float32](plain, func(s *Spec) { s.Arch = "36-10-4" })),
		"cosine": second(resume[float32](cosine, func(s *Spec) { s.Batches++ })),
	} {
		if err == nil || !strings.Contains(err.Error(), "--resume") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	c, err := ReadCheckpoint(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	other := data.Synthetic(6, 200, 6, 6, 4)
	if _, err := Resume[float32](c, c.Spec, other, Options{}); err == nil || !strings.Contains(err.Error(), "want") {
		t.Errorf("resumed on other data: %v", err)
	}
}

func second[T tensor.Float](_ *Trainer[T], _ *log, err error) error { return err }

// edit changes a checkpoint as a file.
func edit(t *testing.T, file []byte, change func(*safetensors.File)) []byte {
	t.Helper()
	f, err := safetensors.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// replace puts another text into the metadata.
func replace(key, old, new string) func(*safetensors.File) {
	return func(f *safetensors.File) {
		if !strings.Contains(f.Metadata[key], old) {
			panic("no " + old + " in " + f.Metadata[key])
		}
		f.Metadata[key] = strings.Replace(f.Metadata[key], old, new, 1)
	}
}

func without(name string) func(*safetensors.File) {
	return func(f *safetensors.File) {
		f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })
	}
}

// damage changes a checkpoint after three batches with adam, and what the refusal names.
var damage = map[string]struct {
	change func(*safetensors.File)
	want   string
}{
	"no spec":      {func(f *safetensors.File) { delete(f.Metadata, specKey) }, specKey},
	"no progress":  {func(f *safetensors.File) { delete(f.Metadata, carriedKey) }, carriedKey},
	"spec no JSON": {func(f *safetensors.File) { f.Metadata[specKey] = "{" }, specKey},
	"bad spec":     {replace(specKey, `"lr":0.01`, `"lr":-1`), "lr"},
	"other arch":   {replace(specKey, "36-12-10-4", "36-12-11-4"), "arch"},
	"steps":        {replace(carriedKey, `"steps":3`, `"steps":2`), "3 batches, 2 steps"},
	"batch":        {replace(carriedKey, `"batch":3`, `"batch":-3`), "-3 batches"},
	"counts": {func(f *safetensors.File) {
		f.Metadata[carriedKey] = regexp.MustCompile(`"Count":\{[^}]*\}`).ReplaceAllString(f.Metadata[carriedKey], `"Count":null`)
	}, "counts"},
	"a newer one":   {replace(carriedKey, `"Count":{`, `"Novel":1,"Count":{`), `unknown field "Novel"; want what this settle writes`},
	"rule":          {replace(carriedKey, `"rule":null`, `"rule":[1]`), "rule state"},
	"mean":          {replace("mean", "0.", "1."), "mean"},
	"no weights":    {without("layers.2.W"), "layers.2.W"},
	"no slot":       {without("optim.v"), "slots"},
	"stray weights": {func(f *safetensors.File) { f.Tensors = append(f.Tensors, vector("layers.9.W", 1)) }, "layer tensors"},
	"short slot": {func(f *safetensors.File) {
		without("optim.v")(f)
		f.Tensors = append(f.Tensors, vector("optim.v", 1, 2))
	}, "optimiser state"},
	"NaN weights": {func(f *safetensors.File) {
		tensorOf(f, "layers.1.W").Data[3] = 0xff
		tensorOf(f, "layers.1.W").Data[2] = 0xff
	}, "layers.1.W"},
}

func TestDamagedCheckpointsAreRefused(t *testing.T) {
	good := interrupted[float32](t, small().with(func(s *Spec) { s.Optim, s.LR = "adam", 0.01 }), 3)
	for name, c := range damage {
		_, _, err := resume[float32](edit(t, good, c.change))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: want one with %q", name, err, c.want)
		}
	}
	if _, _, err := resume[float32](edit(t, good, func(*safetensors.File) {})); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	for n := 0; n < len(good); n += 1 + len(good)/97 {
		if _, err := ReadCheckpoint(bytes.NewReader(good[:n])); err == nil {
			t.Errorf("accepted the first %d of %d bytes", n, len(good))
		}
	}
}

// A second network's weights and optimiser are part of a checkpoint too.
func TestDamagedSecondNetworksAreRefused(t *testing.T) {
	good := interrupted[float32](t, amortised(), 3)
	for _, name := range []string{"amortiser.layers.1.W", "amortiser.optim.v", "amortiser.optim.m"} {
		if _, _, err := resume[float32](edit(t, good, without(name))); err == nil {
			t.Errorf("resumed without %s", name)
		}
	}
	if _, _, err := resume[float32](edit(t, good, func(f *safetensors.File) { delete(f.Metadata, "second") })); err == nil || !strings.Contains(err.Error(), `second "": want "amortiser"`) {
		t.Errorf("error %v", err)
	}
}

func vector(name string, v ...float32) safetensors.Tensor {
	return safetensors.FromFloats(name, []int{len(v)}, v)
}

func tensorOf(f *safetensors.File, name string) *safetensors.Tensor {
	return &f.Tensors[slices.IndexFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })]
}

// A checkpoint is a model file with more in it.
func TestCheckpointIsAModelFile(t *testing.T) {
	f, err := model.Load(bytes.NewReader(interrupted[float32](t, small(), 10)))
	if err != nil {
		t.Fatal(err)
	}
	net, err := model.Network[float32](f)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := train[float32](t, small())
	if model.Sum(net) != model.Sum(whole.Network()) {
		t.Error("other weights")
	}
}

func TestSaveReportsTheWriter(t *testing.T) {
	tr, _ := train[float32](t, small())
	if err := tr.Save(full{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
