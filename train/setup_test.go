package train

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/tensor"
)

// small is a training of a few milliseconds: three layers on 6×6 images of four classes.
func small() Spec {
	s := Defaults()
	s.Data, s.Arch, s.Act = "synthetic", "36-12-10-4", "tanh"
	s.Batch, s.Batches, s.Epochs, s.Seed = 16, 10, 0, 3
	s.Optim, s.LR = "sgd", 0.3
	return s
}

var supervised = Supervised()

// generative is small for the rule that learns images from causes.
func generative() Spec {
	return small().with(func(s *Spec) { s.Rule, s.Arch, s.Optim, s.LR, s.Bias = "pc-generative", "3-12-36", "adam", 0.01, true })
}

// amortised is generative with an amortiser.
func amortised() Spec { return generative().with(func(s *Spec) { s.Amortise = true }) }

// twoWay is small by the rule of two networks.
func twoWay() Spec {
	return small().with(func(s *Spec) {
		s.Rule, s.Coords, s.Optim, s.LR, s.Bias = "pc-bidirectional", "activities", "adam", 0.01, true
	})
}

// with returns s after the changes.
func (s Spec) with(change ...func(*Spec)) Spec {
	for _, f := range change {
		f(&s)
	}
	return s
}

func synthetic() *data.Set { return data.Synthetic(5, 200, 6, 6, 4) }

// start returns a trainer that is closed when the test ends.
func start[T tensor.Float](t testing.TB, s Spec, opts Options) *Trainer[T] {
	t.Helper()
	tr, err := New[T](s, synthetic(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// reloaded is the model file of a training's networks, written and read.
func reloaded[T tensor.Float](t testing.TB, tr *Trainer[T]) *model.File {
	t.Helper()
	var file bytes.Buffer
	if err := model.SaveBoth(&file, tr.Network(), tr.Second(), tr.Meta()); err != nil {
		t.Fatal(err)
	}
	f, err := model.Load(&file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// log keeps all that a training records.
type log struct {
	batches []Record
	sums    []string // of the weights after each batch
	sum     func() string
	events  []event
}

type event struct {
	eval  bool
	batch int
}

func (l *log) Batch(r Record) {
	r.Stats.Inference.Passes, r.Stats.Inference.MACs = 0, 0
	l.batches = append(l.batches, r)
	l.events = append(l.events, event{false, r.Batch})
	if l.sum != nil {
		l.sums = append(l.sums, l.sum())
	}
}

func (l *log) Eval(batch int, _ Score) { l.events = append(l.events, event{true, batch}) }

// train runs a spec to its end.
func train[T tensor.Float](t testing.TB, s Spec) (*Trainer[T], *log) {
	t.Helper()
	l := &log{}
	tr := start[T](t, s, Options{Recorder: l})
	l.sum = func() string { return model.Sum(tr.Network()) }
	if err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return tr, l
}

// same reports whether two numbers are equal, two NaN too.
func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
