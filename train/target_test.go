package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
)

// TestTargetIsThatOfTheSet: a training asked for another target is the training of labels on the set that has it, to the bit and the
// score, and has no accuracy. A limit takes images away, not the units of what is predicted.
func TestTargetIsThatOfTheSet(t *testing.T) {
	for target, c := range map[string]struct {
		arch string
		set  func(*data.Set) *data.Set
	}{"pixels": {"36-8-36", (*data.Set).Autoencoding}, "moments": {"36-8-4", (*data.Set).Regression}} {
		for _, limit := range []int{0, 50} {
			spec := small().with(func(s *Spec) { s.Arch, s.Limit, s.LR = c.arch, limit, 0.05 })
			want, err := New[float64](spec, c.set(synthetic()), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			got := start[float64](t, spec.with(func(s *Spec) { s.Target = target }), Options{})
			for _, tr := range []*Trainer[float64]{want, got} {
				if err := tr.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			a, b := want.Test(), got.Test()
			if model.Sum(want.Network()) != model.Sum(got.Network()) || a.MSE != b.MSE || !math.IsNaN(b.Accuracy) {
				t.Errorf("%s, limit %d: other weights, or scored %+v, want %+v", target, limit, b, a)
			}
			if s := got.Summary(&b); s.TestAccuracy != nil || s.TestMSE == nil {
				t.Errorf("%s: summary %s", target, text(s))
			}
			if m := got.Meta(); m.Target != target || !slices.Equal(m.Units, want.Meta().Units) || (len(m.Units) == 4) != (target == "moments") {
				t.Errorf("%s: metadata %v", target, m.Metadata())
			}
		}
	}
}

func TestResumingOtherTargetsChangesNoBit(t *testing.T) {
	for _, rule := range []string{"pc", "bp"} {
		goesOn[float32](t, small().with(func(s *Spec) { s.Target, s.Arch, s.Rule, s.Batches, s.LR = "moments", "36-8-4", rule, 4, 0.05 }))
		goesOn[float32](t, small().with(func(s *Spec) { s.Target, s.Arch, s.Rule, s.Batches, s.LR = "pixels", "36-8-36", rule, 4, 0.05 }))
	}
}

// TestAutoencoderLearnsPrincipalComponents: a linear network with k hidden units comes to the error that the k principal components of
// the training images leave, and never below.
func TestAutoencoderLearnsPrincipalComponents(t *testing.T) {
	s := small().with(func(s *Spec) {
		s.Rule, s.Target, s.Arch, s.Act, s.Optim, s.LR, s.Batch, s.Batches, s.Schedule = "bp", "pixels", "36-3-36", "linear", "adam", 0.01, 100, 1500, "cosine"
	})
	tr, _ := train[float64](t, s)
	set := tr.Set()
	least := leftByComponents(set, 3)
	got := Evaluate(tr.Network(), tr.pool, set, set.Train).MSE
	if !(got > least*(1-1e-9)) || !(got < least*1.02) {
		t.Errorf("MSE %v, principal components leave %v", got, least)
	}
}

// leftByComponents is the mean square of the training images, per pixel, beyond their first k principal components.
func leftByComponents(set *data.Set, k int) float64 {
	n := set.Train.N()
	b := data.Fill(data.NewBatch[float64](set, n), set, set.Train, 0, n)
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(n, set.Inputs, slices.Clone(b.X.Data)), mat.SVDNone) {
		panic("no singular values")
	}
	left := 0.0
	for _, v := range svd.Values(nil)[k:] {
		left += v * v
	}
	return left / float64(n*set.Inputs)
}

// TestChannelsAreNormalisedOneByOne: a training with --normalize channel is that on the set whose channels are, of whole statistics with
// a limit; of a grey set it is the usual one.
func TestChannelsAreNormalisedOneByOne(t *testing.T) {
	grey := synthetic() // 6×6
	set, err := data.New("tinted", data.Size{Rows: 6, Cols: 2, Channels: 3}, grey.Train, grey.Test)
	if err != nil {
		t.Fatal(err)
	}
	own, err := set.ByChannel()
	if err != nil {
		t.Fatal(err)
	}
	sum := func(set *data.Set, normalize string) (string, model.Meta) {
		tr, err := New[float64](small().with(func(s *Spec) { s.Normalize, s.Limit = normalize, 100 }), set, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return model.Sum(tr.Network()), tr.Meta()
	}
	want, _ := sum(own, "set")
	got, m := sum(set, "channel")
	if all, _ := sum(set, "set"); got != want || got == all {
		t.Error("other weights than on the set whose channels are normalised, or the same as without")
	}
	for c, u := range own.Channel {
		if m.ByChannel[c] != model.Unit(u) {
			t.Errorf("metadata %v, want %v", m.ByChannel, own.Channel)
		}
	}
	a, m := sum(grey, "channel")
	if b, _ := sum(grey, "set"); a != b || m.ByChannel != nil {
		t.Error("a grey set has another training by its channel")
	}
}
