package train

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/nn"
)

// TestEveryLossIsLearnt by both rules, and what is reported is of the mean that the outputs predict: a squared error of
// probabilities, below that of no information, and 𝓛 beside it.
func TestEveryLossIsLearnt(t *testing.T) {
	for _, loss := range Losses {
		for _, rule := range []string{"pc", "bp", "ipc", "pc-feedforward", "bp-matched"} {
			s := small().with(func(s *Spec) { s.Loss, s.Rule, s.Optim, s.LR, s.Batches = loss, rule, "adam", 0.01, 60 })
			tr, l := train[float64](t, s)
			first, last := l.batches[0], l.batches[len(l.batches)-1]
			if !(last.MSE < first.MSE/2) || !(last.Stats.Loss < first.Stats.Loss/2) {
				t.Errorf("%s, %s: MSE from %v to %v, loss from %v to %v", loss, rule, first.MSE, last.MSE, first.Stats.Loss, last.Stats.Loss)
			}
			score := tr.Test()
			if !(score.Accuracy > 0.9) {
				t.Errorf("%s, %s: accuracy %v", loss, rule, score.Accuracy)
			}
			if loss == "mse" && !near(score.Loss, 2*score.MSE) { // half of four outputs
				t.Errorf("%s: loss %v beside MSE %v", rule, score.Loss, score.MSE)
			}
			sum := tr.Summary(&score)
			if sum.Loss != loss || *sum.TestLoss != score.Loss {
				t.Errorf("%s, %s: summary %+v", loss, rule, sum)
			}
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }

// TestLossesOfNoInformation: a network whose weights are 0 predicts equal classes; its losses and errors are known.
func TestLossesOfNoInformation(t *testing.T) {
	set := synthetic()
	net, err := nn.Build[float64](nn.Arch{Dims: []int{36, 4}})
	if err != nil {
		t.Fatal(err)
	}
	tr := start[float64](t, small(), Options{})
	for loss, want := range map[string]Score{
		"mse":           {MSE: 0.25, Loss: 0.5},
		"cross-entropy": {MSE: (0.75*0.75 + 3*0.25*0.25) / 4, Loss: math.Log(4)},
		"bernoulli":     {MSE: 0.25, Loss: 4 * math.Log(2)},
	} {
		got := EvaluateLoss(net, Output[float64](loss), tr.pool, set, set.Test)
		if !near(got.MSE, want.MSE) || !near(got.Loss, want.Loss) {
			t.Errorf("%s: %+v, want %+v", loss, got, want)
		}
	}
	if _, ok := Output[float32]("mse").(energy.SquaredError[float32]); !ok {
		t.Error("mse is not squared error")
	}
}

// The file of a model says nothing of the usual loss, as before there was another.
func TestModelsNameAnotherLoss(t *testing.T) {
	for loss, want := range map[string]string{"mse": "", "bernoulli": "bernoulli"} {
		tr, _ := train[float32](t, small().with(func(s *Spec) { s.Loss = loss }))
		if got := tr.Meta().Metadata()["loss"]; got != want {
			t.Errorf("%s: %q in the model", loss, got)
		}
	}
}

// TestDivergenceOfAnotherLoss is seen by the loss: probabilities stay bounded.
func TestDivergenceOfAnotherLoss(t *testing.T) {
	tr := start[float64](t, small().with(func(s *Spec) { s.Loss, s.LR, s.Batches = "cross-entropy", 1e6, 20 }), Options{})
	err := tr.Run(context.Background())
	if d, ok := errors.AsType[*DivergedError](err); !ok || !strings.Contains(err.Error(), "twice the cross-entropy per output") || !(d.MSE > 50) {
		t.Errorf("error %v", err)
	}
}
