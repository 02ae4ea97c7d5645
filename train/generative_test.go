package train

import (
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
