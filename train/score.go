package train

import (
	"context"
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/learn"
)

// Test returns the network's score on the test split; of pc-generative on whole batches of it: a last one of fewer images is left out.
func (t *Trainer[T]) Test() Score {
	if r, ok := t.rule.(*learn.Generative[T]); ok {
		return t.reconstruct(r)
	}
	score := EvaluateLoss(t.net, Output[T](t.spec.Loss), t.pool, t.set, t.set.Test)
	if t.spec.bidirectional() {
		score.Generation = evaluation[T]{t.second.net, energy.SquaredError[T]{}, true}.of(t.pool, t.set, t.set.Test).MSE
	}
	return score
}

// reconstruct infers the causes of the test images, whole batches of them, and returns how well they are predicted from these. It
// leaves what the rule carries as it was.
func (t *Trainer[T]) reconstruct(r *learn.Generative[T]) Score {
	carried, score, n := r.State(), Score{Accuracy: math.NaN()}, 0.0
	b := data.NewBatch[T](t.set, t.spec.Batch)
	for lo := 0; lo+t.spec.Batch <= t.set.Test.N(); lo += t.spec.Batch {
		s, err := r.Infer(context.Background(), data.Fill(b, t.set, t.set.Test, lo, lo+t.spec.Batch))
		if err != nil { // of a batch that training takes too, none
			s.MSE, s.Loss = math.NaN(), math.NaN()
		}
		score.MSE += s.MSE
		score.Loss += s.Loss
		n++
		if t.spec.compares() && err == nil {
			score.Passes += s.Inference.Passes
			if s, err = r.InferCold(context.Background(), b); err == nil {
				score.Cold += s.Inference.Passes
			}
		}
	}
	score.Passes /= n
	score.Cold /= n
	score.MSE /= n
	score.Loss /= n
	if err := r.SetState(carried); err != nil {
		panic("train: a rule refuses its own state")
	}
	return score
}
