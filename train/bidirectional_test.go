package train

import (
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/tensor"
)

// TestBothWaysAreLearned: the way up classifies; the way down comes to the mean image of every class, than which no function of the label
// is nearer to the images; with a vanishing weight the way up is that of PC, and the weight acts.
func TestBothWaysAreLearned(t *testing.T) {
	s := twoWay().with(func(s *Spec) { s.Batches, s.DownWeight, s.Schedule = 600, 0.1, "cosine" })
	tr, _ := train[float64](t, s)
	score := tr.Test()
	if !(score.Accuracy > 0.9) {
		t.Errorf("scored %+v", score)
	}
	set := tr.Set()
	least := leftByClassMeans(set)
	got := evaluation[float64]{tr.Second(), Output[float64]("mse"), true}.of(tr.pool, set, set.Train).MSE
	if !(got > least*(1-1e-12)) || !(got < 1.01*least) {
		t.Errorf("images from labels with an MSE of %v, the class means with %v", got, least)
	}
	if sum := tr.Summary(&score); sum.GenerationMSE == nil || *sum.GenerationMSE != score.Generation || !(math.Abs(score.Generation/least-1) < 0.2) {
		t.Errorf("of test images %v, summary %s", score.Generation, text(sum))
	}
	short := s.with(func(s *Spec) { s.Batches, s.Schedule, s.DownWeight = 5, "constant", 1e-300 })
	up, _ := train[float64](t, short)
	pc, _ := train[float64](t, short.with(func(s *Spec) { s.Rule, s.DownWeight = "pc", 0 }))
	if model.Sum(up.Network()) != model.Sum(pc.Network()) {
		t.Error("without weight on the way down the way up is not PC's")
	}
	weighed, _ := train[float64](t, short.with(func(s *Spec) { s.DownWeight = 0.1 }))
	preset, _ := train[float64](t, short.with(func(s *Spec) { s.DownWeight = 0 }))
	same, _ := train[float64](t, short.with(func(s *Spec) { s.DownWeight = DefaultDownWeight }))
	if model.Sum(weighed.Network()) == model.Sum(up.Network()) || preset.sum() != same.sum() || preset.sum() == weighed.sum() {
		t.Error("the weight does nothing, or its default is another")
	}
	f := reloaded(t, tr)
	down, err := model.Second[float64](f)
	if err != nil || f.Meta.Second != model.Down || f.Generates || model.Sum(down) != model.Sum(tr.Second()) {
		t.Errorf("file of %+v; %v", f.Meta, err)
	}
}

// leftByClassMeans is the mean square by which training images differ from the mean of their class, per pixel.
func leftByClassMeans(set *data.Set) float64 {
	n := set.Train.N()
	b := data.Fill(data.NewBatch[float64](set, n), set, set.Train, 0, n)
	sums, count := tensor.New[float64](set.Classes, set.Inputs), make([]float64, set.Classes)
	for i, c := range b.Labels {
		tensor.Axpy(sums.Row(int(c)), 1, b.X.Row(i))
		count[c]++
	}
	left := 0.0
	for i, c := range b.Labels {
		for k, v := range b.X.Row(i) {
			left += math.Pow(v-sums.Row(int(c))[k]/count[c], 2)
		}
	}
	return left / float64(n*set.Inputs)
}

func TestTwoNetworksCompleteToActivities(t *testing.T) {
	for _, given := range []string{"", "coords"} {
		s := Defaults()
		s.Rule = "pc-bidirectional"
		s.Complete(func(name string) bool { return name == given })
		if (s.Coords == "activities") != (given == "") {
			t.Errorf("given %q: coordinates %s", given, s.Coords)
		}
	}
}

// TestSecondNetworkStartsOnItsOwn: its initial weights are no copy of the first's, of equal widths, and change none of them.
func TestSecondNetworkStartsOnItsOwn(t *testing.T) {
	square := twoWay().with(func(s *Spec) { s.Target, s.Arch, s.Bias = "pixels", "36-12-36", false })
	tr := start[float64](t, square, Options{})
	if slices.Equal(tr.Network().Theta(), tr.Second().Theta()) {
		t.Error("both networks start with the same weights")
	}
	alone := start[float64](t, square.with(func(s *Spec) { s.Rule = "pc" }), Options{})
	if !slices.Equal(alone.Network().Theta(), tr.Network().Theta()) || alone.Second() != nil {
		t.Error("the second network changes where the first starts")
	}
}
