package learn_test

import (
	"context"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// TestTrainingLearns a set that is known to be separable: the loss falls to a tenth, no test image is mistaken, and PC is
// at equilibrium in every sample of every batch.
func TestTrainingLearns(t *testing.T) { both(t, checkTraining[float32], checkTraining[float64]) }

func checkTraining[T tensor.Float](t *testing.T) {
	const rows, steps, lr = 40, 150, 0.25
	set := data.Synthetic(1, 400, 4, 5, 4)
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		for name, rule := range map[string]func(net *nn.Network[T]) learn.Rule[T]{
			"bp": func(net *nn.Network[T]) learn.Rule[T] { return learn.NewBP(net, pool(t, 2), rows) },
			"pc": func(net *nn.Network[T]) learn.Rule[T] {
				return pc(net, nil, learn.Inference[T]{Settings: infer.Settings{Tol: 1e-3}}, pool(t, 2), rows)
			},
		} {
			net := build[T](nn.Arch{Dims: []int{set.Inputs, 12, 12, set.Classes}, Act: act, Bias: true}, 0.6)
			r := rule(net)
			batches, err := data.NewBatches[T](set, rows, 1)
			if err != nil {
				t.Fatal(err)
			}
			opt := optim.NewSGD[T](optim.Rate{LR: lr}, 0)
			var first, last float64
			for i := range steps {
				s, err := r.Step(context.Background(), batches.Next(), opt)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = s.Loss
				}
				last = s.Loss
				if name == "pc" && s.Inference.Count[infer.Equilibrium] != rows {
					t.Fatalf("%s on %v, batch %d: %v", name, act, i, s.Inference.Count)
				}
			}
			// Least squares leave a linear classifier a loss of its own.
			if limit := map[nn.Activation]float64{nn.Linear: 0.3, nn.Tanh: 0.1}[act]; !(last < limit*first) {
				t.Errorf("%s on %v: loss from %v to %v", name, act, first, last)
			}
			if n := mistakes(net, set); n != 0 {
				t.Errorf("%s on %v: %d mistakes in %d test images", name, act, n, set.Test.N())
			}
		}
	}
}

// mistakes counts the test images whose largest output is not their label's.
func mistakes[T tensor.Float](net *nn.Network[T], set *data.Set) int {
	n := set.Test.N()
	b := data.Fill(data.NewBatch[T](set, n), set, set.Test, 0, n)
	trace := nn.NewTrace(net, n)
	trace.Z[0] = b.X
	trace.Feedforward()
	wrong := 0
	for i, label := range b.Labels {
		y := trace.Z[net.L()].Row(i)
		for k, v := range y {
			if k != int(label) && v >= y[label] {
				wrong++
				break
			}
		}
	}
	return wrong
}
