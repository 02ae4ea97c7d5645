package measure

import (
	"math"
	"slices"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// bench measures methods on one network and a few batches.
type bench struct {
	q     Inference
	net   *nn.Network[float32]
	truth []*reference
}

// reference is a batch with what is known of its equilibrium: by a long run in float64, and by any method since.
type reference struct {
	batch data.Batch[float32]
	start float64   // Σ F at the feedforward point
	best  []float64 // lowest F of each sample
	grad  []float64 // ∂F*/∂θ
}

// referencePasses is the length of the reference run.
const referencePasses = 600

func newBench(q Inference, a nn.Arch, net *nn.Network[float32], set *data.Set) (*bench, error) {
	wide, err := nn.Build[float64](a)
	if err != nil {
		return nil, err
	}
	wide.Update(func(theta []float64) {
		for i, v := range net.Theta() {
			theta[i] = float64(v)
		}
	})
	b := &bench{q: q, net: net}
	for k := range q.Batches {
		batch := data.Fill(data.NewBatch[float32](set, q.Batch), set, set.Test, k*q.Batch, (k+1)*q.Batch)
		b.truth = append(b.truth, newReference(wide, batch))
	}
	return b, nil
}

// newReference settles the batch in float64, in errors, by Barzilai–Borwein steps.
func newReference(net *nn.Network[float64], b data.Batch[float32]) *reference {
	state := clamped(net, widen(b.X), widen(b.Y))
	f := state.Errors()
	w := infer.NewWork[float64](b.X.Rows, f.Dim())
	r := &reference{batch: b, grad: make([]float64, len(net.Theta()))}
	s := infer.Settings{Tol: 1e-9, MaxPasses: referencePasses, Patience: -1, Observe: func() {
		if r.best == nil {
			r.start, r.best = sum(w.F), slices.Clone(w.F)
		}
		r.lower(w.F)
	}}
	if _, err := infer.Solve[float64](f, w, &infer.BarzilaiBorwein[float64]{}, s); err != nil {
		panic("measure: errors lack what gradient descent needs")
	}
	state.Gradient(r.grad)
	return r
}

// lower takes energies that a method has reached into account.
func (r *reference) lower(f []float64) {
	for i, v := range f {
		r.best[i] = min(r.best[i], v)
	}
}

// gap is the true energy gap of energies f.
func (r *reference) gap(f []float64) float64 {
	low := sum(r.best)
	return (sum(f) - low) / (r.start - low)
}

func clamped[T tensor.Float](net *nn.Network[T], x, y tensor.Matrix[T]) *energy.State[T] {
	s := (&energy.PC[T]{Net: net}).NewState(x.Rows)
	s.Clamp(0, x)
	s.Clamp(net.L(), y)
	return s
}

func widen(m tensor.Matrix[float32]) tensor.Matrix[float64] {
	w := tensor.New[float64](m.Rows, m.Cols)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			w.Row(i)[j] = float64(v)
		}
	}
	return w
}

// sample is what one batch showed at a threshold.
type sample struct {
	work  Work
	error float64 // of the weight gradient
}

// measure runs one method on every batch.
func (b *bench) measure(m method) InferenceCase {
	c := InferenceCase{Method: m.name, Coordinates: "errors",
		Gap: map[string]*Work{}, Residual: map[string]*Work{}, GradientError: map[string]*float64{}}
	if m.coords == learn.Activities {
		c.Coordinates = "activities"
	}
	gap, residual := map[string][]sample{}, map[string][]sample{}
	for _, r := range b.truth {
		b.one(m, r, gap, residual)
	}
	need := len(b.truth)/2 + 1
	for _, t := range thresholds {
		c.Gap[t.key] = medianWork(gap[t.key], need)
		c.Residual[t.key] = medianWork(residual[t.key], need)
		c.GradientError[t.key] = nil
		if s := residual[t.key]; len(s) >= need {
			v := median(s, func(s sample) float64 { return s.error })
			c.GradientError[t.key] = &v
		}
	}
	return c
}

// one runs a method on one batch and notes when each threshold is first reached. The clock stands still while it looks.
func (b *bench) one(m method, r *reference, gap, residual map[string][]sample) {
	state := clamped(b.net, r.batch.X, r.batch.Y)
	var f interface {
		infer.Objective[float32]
		Start(tensor.Matrix[float32])
	} = state.Errors()
	if m.coords == learn.Activities {
		f = state.Activities()
	}
	w := infer.NewWork[float32](r.batch.X.Rows, f.Dim())
	grad := make([]float32, len(b.net.Theta()))
	var took time.Duration
	var res0 float64
	nextGap, nextRes := 0, 0
	since := b.q.Now()
	s := infer.Settings{Tol: 1e-4, MaxPasses: b.q.Max, Patience: -1, Observe: func() {
		took += b.q.Now().Sub(since)
		passes, macs := f.Cost()
		here := sample{work: Work{Passes: passes, MACs: macs, MS: float64(took.Nanoseconds()) / 1e6}}
		r.lower(w.F)
		for ; nextGap < len(thresholds) && r.gap(w.F) <= thresholds[nextGap].value; nextGap++ {
			key := thresholds[nextGap].key
			gap[key] = append(gap[key], here)
		}
		res := rootSquares(w.Res)
		if res0 == 0 {
			res0 = res
		}
		for ; nextRes < len(thresholds) && res <= thresholds[nextRes].value*res0; nextRes++ {
			// The gradient is that of the point of the last Eval, a rejected trial of some samples at most.
			state.Gradient(grad)
			here.error = relNorm(grad, r.grad)
			key := thresholds[nextRes].key
			residual[key] = append(residual[key], here)
		}
		since = b.q.Now()
	}}
	f.Start(w.Z)
	if _, err := infer.Solve[float32](f, w, m.make(), s); err != nil {
		return // the method needs what this network lacks: nothing is reached
	}
}

func rootSquares(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return math.Sqrt(s)
}

// relNorm returns ‖a − b‖/‖b‖.
func relNorm(a []float32, b []float64) float64 {
	var diff, norm float64
	for i, v := range b {
		d := float64(a[i]) - v
		diff += d * d
		norm += v * v
	}
	return math.Sqrt(diff / norm)
}

func medianWork(s []sample, need int) *Work {
	if len(s) < need {
		return nil
	}
	return &Work{Passes: median(s, func(s sample) float64 { return s.work.Passes }),
		MACs: median(s, func(s sample) float64 { return s.work.MACs }), MS: median(s, func(s sample) float64 { return s.work.MS })}
}

// median returns the middle of f over s, the upper one of an even number.
func median(s []sample, f func(sample) float64) float64 {
	v := make([]float64, len(s))
	for i := range s {
		v[i] = f(s[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}
