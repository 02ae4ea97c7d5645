package measure

import (
	"math"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// Recorder notes the course of an inference, step by step and layer by layer. Its Observe is for infer.Settings. What it looks
// at costs time, but no passes.
type Recorder[T tensor.Float] struct {
	State  *energy.State[T]
	Work   *infer.Work[T]
	Frames []Frame
}

// Frame is the batch after one step of inference. Where the method has rejected a trial of some samples, the layers are those
// of the trial; energy and residual are those of the point.
type Frame struct {
	Passes   float64 `json:"passes"`
	F        float64 `json:"energy"`   // mean over the batch of a sample's F, with the half
	Residual float64 `json:"residual"` // root sum of squares of the gradient in the coordinates of inference
	Activity float64 `json:"activity_residual"`
	Layers   []Layer `json:"layers"` // l = 1…L
}

// Layer is one layer in a frame.
type Layer struct {
	Energy   float64 `json:"energy"`   // mean over the batch of (π_l/2)‖e_l‖²
	Residual float64 `json:"residual"` // root sum of squares over the batch of ∂F/∂z_l, in activities
}

// Observe appends a frame.
func (r *Recorder[T]) Observe() {
	rows := float64(len(r.Work.F))
	passes, _ := r.State.Cost()
	f := Frame{Passes: passes, F: sum(r.Work.F) / rows, Residual: rootSquares(r.Work.Res)}
	var l energy.Layers
	r.State.Layers(&l)
	all := 0.0
	for i := range l.Energy {
		f.Layers = append(f.Layers, Layer{Energy: l.Energy[i] / rows, Residual: math.Sqrt(l.Residual[i])})
		all += l.Residual[i]
	}
	f.Activity = math.Sqrt(all)
	r.Frames = append(r.Frames, f)
}
