package train

import (
	"math"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/tensor"
)

// Summary is a training in one line, in the keys of the command contract. What was not reached or does not apply is nil.
type Summary struct {
	Rule    string  `json:"rule"`
	Arch    string  `json:"arch"`
	Act     string  `json:"act"`
	Solver  *string `json:"solver"`
	Optim   string  `json:"optim"`
	LR      float64 `json:"lr"`
	Seed    uint64  `json:"seed"`
	Batches int     `json:"batches"`
	// TrainMSE is the mean MSE of the last Window batches, each before its update.
	TrainMSE     *float64 `json:"train_mse"`
	TestMSE      *float64 `json:"test_mse"`
	TestAccuracy *float64 `json:"test_accuracy"`
	// Seconds and SamplesPerSecond count training steps, without reading data and evaluation.
	Seconds          float64        `json:"seconds"`
	SamplesPerSecond *float64       `json:"samples_per_second"`
	PassesMean       *float64       `json:"passes_mean"`   // of a training step, learning included
	ResidualMean     *float64       `json:"residual_mean"` // ρ of a batch, over batches where finite
	GapMean          *float64       `json:"gap_mean"`      // estimated, over batches where known
	Statuses         map[string]int `json:"statuses"`      // samples, over all batches
	WeightsSHA256    string         `json:"weights_sha256"`
	Level            string         `json:"level"`
	DivergedAt       *int           `json:"diverged_at"`
	// DTLimit is the longest --dt for which Euler's method was stable when inference first diverged: 2/λ_max of ∂²F/∂z².
	DTLimit *float64 `json:"dt_limit"`
	// Loss names the output term. TrainMSE and TestMSE are of the mean of the target that the output predicts: for mse the output
	// itself, for cross-entropy its softmax, for bernoulli σ of it. TestLoss is the mean of 𝓛 over the test samples.
	Loss     string   `json:"loss"`
	TestLoss *float64 `json:"test_loss"`
	// Clipped is the share of updates whose gradient was clipped; absent where none is to be.
	Clipped *float64 `json:"clipped,omitempty"`
	// InferencePasses is what settling a test image took from the amortiser's guess, and ColdPasses what it takes without, from z_0 = 0
	// to the same residual; absent where there is none, or no residual that ends it.
	InferencePasses *float64 `json:"inference_passes,omitempty"`
	ColdPasses      *float64 `json:"inference_passes_cold,omitempty"`
	// GenerationMSE is that of the test images that the way down of pc-bidirectional predicts from their targets, in normalised
	// intensities; absent of other rules.
	GenerationMSE *float64 `json:"generation_mse,omitempty"`
	// Precisions are π_1 … π_L as learned; absent where they are not.
	Precisions []float64 `json:"precisions,omitempty"`
	Run        string    `json:"run"`
}

// Summary returns the summary so far, with the score of test if it is not nil.
func (t *Trainer[T]) Summary(test *Score) Summary {
	p, s := t.p, t.spec
	n := float64(p.Batch)
	out := Summary{
		Rule: s.Rule, Arch: s.Arch, Act: s.Act, Optim: s.Optim, LR: s.LR, Seed: s.Seed, Batches: p.Batch,
		TrainMSE: number(p.running()), Seconds: p.Seconds, SamplesPerSecond: number(n * float64(s.Batch) / p.Seconds),
		PassesMean: number(p.Passes / n), WeightsSHA256: t.sum(), Level: tensor.Level(), Loss: s.Loss,
	}
	if test != nil {
		out.TestMSE, out.TestAccuracy, out.TestLoss = number(test.MSE), number(test.Accuracy), number(test.Loss)
		if s.bidirectional() {
			out.GenerationMSE = number(test.Generation)
		}
		if s.compares() {
			out.InferencePasses, out.ColdPasses = number(test.Passes), number(test.Cold)
		}
	}
	if s.Clip > 0 {
		out.Clipped = number(float64(p.Clipped) / (n * float64(s.updates())))
	}
	if r, ok := t.rule.(*learn.Precise[T]); ok {
		out.Precisions = r.Precisions()
	}
	if s.Infers() {
		if s.Solves() {
			out.Solver = &s.Solver
		}
		out.ResidualMean = number(p.Residual / float64(p.Residuals))
		out.GapMean = number(p.Gap / float64(p.Gaps))
		out.Statuses = map[string]int{}
		for _, st := range infer.Statuses() {
			out.Statuses[st.String()] = p.Count[st.String()]
		}
		if p.Limit > 0 {
			limit := p.Limit
			if s.ByBatch {
				limit *= float64(s.Batch)
			}
			out.DTLimit = number(limit)
		}
	}
	return out
}

// number returns v for JSON, which has no NaN: nil where it is not finite.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
