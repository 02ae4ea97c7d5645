package train

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/settle-pc/settle/model"
)

// TestGenerativeTrainingReconstructs: the error falls, below that of the mean image, on test images too; there is no accuracy; more causes
// than the images' kinds of variation do not make it worse; testing on the way changes no bit.
func TestGenerativeTrainingReconstructs(t *testing.T) {
	s := generative().with(func(s *Spec) { s.Batches = 150 })
	tr, l := train[float64](t, s)
	score := tr.Test()
	if first, last := l.batches[0], l.batches[len(l.batches)-1]; !(last.MSE < 0.5*first.MSE) || !(score.MSE < 0.6*first.MSE) || !math.IsNaN(score.Accuracy) {
		t.Errorf("MSE from %v to %v, test %+v", first.MSE, last.MSE, score)
	}
	sum := tr.Summary(&score)
	if sum.TestAccuracy != nil || sum.TestMSE == nil || sum.GapMean != nil {
		t.Errorf("summary %s", text(sum))
	}
	if m := tr.Meta(); !m.Generates || m.Metadata()["generates"] != "true" {
		t.Errorf("metadata %v", m.Metadata())
	}
	tested, _ := train[float64](t, s.with(func(s *Spec) { s.EvalEvery = 7 }))
	if model.Sum(tested.Network()) != model.Sum(tr.Network()) {
		t.Error("testing on the way changes the weights")
	}
	if other, _ := train[float64](t, s.with(func(s *Spec) { s.Prior = 3 })); model.Sum(other.Network()) == model.Sum(tr.Network()) {
		t.Error("the prior changes nothing")
	}
	_, err := New[float32](generative().with(func(s *Spec) { s.Arch = "3-12-35" }), synthetic(), Options{})
	if err == nil || !strings.Contains(err.Error(), "--arch 3-12-35: 35 outputs: want the 36 pixels") {
		t.Errorf("error %v", err)
	}
}

// TestGenerativeBatchesFitTheTest: it is of whole batches, so that none would be left of a batch of more images than there are.
func TestGenerativeBatchesFitTheTest(t *testing.T) {
	set := synthetic()
	n := set.Test.N()
	s := generative().with(func(s *Spec) { s.Batches = 1 })
	if want := fmt.Sprintf("--batch %d: want at most the %d test images", n+1, n); n >= set.Train.N() {
		t.Fatalf("%d test images of a set with %d", n, set.Train.N())
	} else if err := s.with(func(s *Spec) { s.Batch = n + 1 }).Fits(set); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v: want one with %q", err, want)
	}
	tr, _ := train[float32](t, s.with(func(s *Spec) { s.Batch = n }))
	if score := tr.Test(); math.IsNaN(score.MSE) {
		t.Errorf("score %+v", score)
	}
}

// TestAmortiserSavesPasses: its guess comes near to where inference ends, so that less is left to do to the same residual; the
// reconstruction is as good; the first network starts with the same weights; and a model file holds both networks.
func TestAmortiserSavesPasses(t *testing.T) {
	s := amortised().with(func(s *Spec) { s.Batches = 400 })
	tr, l := train[float64](t, s)
	score := tr.Test()
	if !(score.Passes < 0.8*score.Cold) {
		t.Errorf("%v passes from the guess, %v without it", score.Passes, score.Cold)
	}
	plain, m := train[float64](t, s.with(func(s *Spec) { s.Amortise = false }))
	if other := plain.Test(); !(score.MSE < 1.1*other.MSE) || other.Passes != 0 || other.Cold != 0 {
		t.Errorf("scored %+v, %+v without an amortiser", score, other)
	}
	if a, b := l.batches[0].MSE, m.batches[0].MSE; math.Abs(a-b) > 1e-3*b { // of inference to 1e−3, from two starts
		t.Errorf("MSE of the first batch %v, %v without an amortiser", a, b)
	}
	if sum := tr.Summary(&score); sum.InferencePasses == nil || *sum.InferencePasses != score.Passes || *sum.ColdPasses != score.Cold || sum.WeightsSHA256 == model.Sum(tr.Network()) {
		t.Errorf("summary %s", text(sum))
	}
	fixed, _ := train[float64](t, s.with(func(s *Spec) { s.Steps, s.Tol, s.Batches = 3, 0, 5 }))
	if score := fixed.Test(); score.Passes != 0 || score.Cold != 0 {
		t.Errorf("a fixed number of steps is compared: %+v", score)
	}
	f := reloaded(t, tr)
	net, err := model.Network[float64](f)
	if err != nil {
		t.Fatal(err)
	}
	second, err := model.Second[float64](f)
	if err != nil || model.Sum(net, second) != tr.sum() {
		t.Errorf("other weights in the file; %v", err)
	}
}
