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

// reference is a batch with what is known of its equilibrium: by long runs in float64, and by any method since.
type reference struct {
	batch data.Batch[float32]
	start float64   // Σ F at the feedforward point
	best  []float64 // lowest F of each sample
	grad  []float64 // ∂F*/∂θ of the lower of the long runs
}

// referencePasses is the length of a reference run.
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
	b := &bench{q: q, net: net, truth: make([]*reference, q.Batches)}
	pool := learn.NewPool(max(1, q.Workers))
	defer pool.Close()
	pool.Do(q.Batches, func(_, k int) {
		batch := data.Fill(data.NewBatch[float32](set, q.Batch), set, set.Test, k*q.Batch, (k+1)*q.Batch)
		b.truth[k] = newReference(wide, batch)
	})
	return b, nil
}

// newReference settles the batch in float64, in errors: by Barzilai–Borwein steps, and again by conjugate gradients, which may
// find other minima.
func newReference(net *nn.Network[float64], b data.Batch[float32]) *reference {
	state := clamped(net, widen(b.X), widen(b.Y))
	f := state.Errors()
	r := &reference{batch: b, grad: make([]float64, len(net.Theta()))}
	lowest := math.Inf(1)
	for _, m := range []infer.Method[float64]{&infer.BarzilaiBorwein[float64]{}, &infer.ConjugateGradient[float64]{}} {
		w := infer.NewWork[float64](b.X.Rows, f.Dim())
		s := infer.Settings{Tol: 1e-9, MaxPasses: referencePasses, Patience: -1, Observe: func() {
			if r.best == nil {
				r.start, r.best = sum(w.F), slices.Clone(w.F)
			}
			r.lower(w.F)
		}}
		res, err := infer.Solve[float64](f, w, m, s)
		if err != nil {
			panic("measure: errors lack what gradient descent needs")
		}
		if res.F < lowest {
			lowest = res.F
			state.Gradient(r.grad)
		}
	}
	return r
}

// lower takes energies that a method has reached into account.
func (r *reference) lower(f []float64) {
	lower(r.best, f)
}

// lower stores the lower of low and f in low. NaN is no energy.
func lower(low, f []float64) {
	for i, v := range f {
		if v < low[i] {
			low[i] = v
		}
	}
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

// point is where a method stood: what it had cost, Σ F, and the norm of the gradient.
type point struct {
	Work
	f, res float64
}

// trace is the course of a method on one batch.
type trace struct {
	points []point
	low    float64            // Σ over samples of the lowest F seen
	grad   map[string]float64 // error of the weight gradient where the residual ratio first reached the key
}

// run follows a method on every batch.
func (b *bench) run(m contender) []trace {
	out := make([]trace, len(b.truth))
	for i, r := range b.truth {
		out[i] = b.follow(m, r)
	}
	return out
}

// follow runs a method on one batch and notes where it stands after every step. The clock stands still while it looks. A method
// that needs what this network lacks leaves no points.
func (b *bench) follow(m contender, r *reference) trace {
	t := trace{grad: map[string]float64{}}
	state := clamped(b.net, r.batch.X, r.batch.Y)
	f := inCoordinates(state, m.coords)
	w := infer.NewWork[float32](r.batch.X.Rows, f.Dim())
	grad := make([]float32, len(b.net.Theta()))
	var low []float64
	var took time.Duration
	next := 0
	since := b.q.Now()
	s := infer.Settings{Tol: 1e-4, MaxPasses: b.q.Max, Patience: -1, Observe: func() {
		took += b.q.Now().Sub(since)
		passes, macs := f.Cost()
		here := point{Work{Passes: passes, MACs: macs, MS: float64(took.Nanoseconds()) / 1e6}, sum(w.F), rootSquares(w.Res)}
		t.points = append(t.points, here)
		r.lower(w.F)
		if low == nil {
			low = slices.Clone(w.F)
		}
		lower(low, w.F)
		for ; next < len(thresholds) && here.res <= thresholds[next].value*t.points[0].res; next++ {
			// The gradient is that of the point of the last Eval, a rejected trial of some samples at most.
			weightGradient(grad, state.Trace)
			t.grad[thresholds[next].key] = relNorm(grad, r.grad)
		}
		since = b.q.Now()
	}}
	f.Start(w.Z)
	method, err := learn.NewMethod[float32](m.method, m.coords, m.tuning)
	if err != nil {
		panic("measure: a contender that does not exist")
	}
	if _, err := infer.Solve[float32](f, w, method(), s); err != nil {
		return trace{}
	}
	t.low = sum(low)
	return t
}

// weightGradient stores −Σ_b (∂g_l/∂θ_l)ᵀ u, l = 1…L, in grad. State.Gradient does the same and counts it as work of the method.
func weightGradient[T tensor.Float](grad []T, t *nn.Trace[T]) {
	clear(grad)
	for l := 1; l <= t.Net.L(); l++ {
		t.PullParams(grad, l, nn.Span{Hi: t.Net.Layers[l-1].Units()})
	}
	tensor.Scale(grad, -1)
}

// course is the trace on the first batch as gap and residual ratio after each step.
func (b *bench) course(t trace) []CoursePoint {
	var out []CoursePoint
	r := b.truth[0]
	low := sum(r.best)
	for _, p := range t.points {
		c := CoursePoint{Passes: p.Passes, Gap: (p.f - low) / (r.start - low), Residual: p.res / t.points[0].res}
		if finite(c.Gap) && finite(c.Residual) {
			out = append(out, c)
		}
	}
	return out
}

// judge finds where the traces of a method crossed each threshold: medians over the batches, nil where not in most of them.
func (b *bench) judge(traces []trace) InferenceCase {
	c := InferenceCase{Course: b.course(traces[0]), Gap: map[string]*Work{}, OwnGap: map[string]*Work{}, Residual: map[string]*Work{}, GradientError: map[string]*float64{}}
	for _, th := range thresholds {
		var gap, own, residual []Work
		var errors []float64
		for i, t := range traces {
			r := b.truth[i]
			for _, to := range []struct {
				into *[]Work
				low  float64
			}{{&gap, sum(r.best)}, {&own, t.low}} {
				if r.start-to.low < (r.start-sum(r.best))/2 {
					continue // it went nowhere: its own lowest energy is no minimum
				}
				if w := t.first(func(p point) bool { return p.f-to.low <= th.value*(r.start-to.low) }); w != nil {
					*to.into = append(*to.into, *w)
				}
			}
			if w := t.first(func(p point) bool { return p.res <= th.value*t.points[0].res }); w != nil {
				residual = append(residual, *w)
				if e := t.grad[th.key]; finite(e) {
					errors = append(errors, e)
				}
			}
		}
		c.Gap[th.key], c.OwnGap[th.key], c.Residual[th.key] = b.median(gap), b.median(own), b.median(residual)
		c.GradientError[th.key] = nil
		if len(errors) > len(b.truth)/2 {
			e := b.middle(errors)
			c.GradientError[th.key] = &e
		}
	}
	return c
}

// first returns the work up to the first point for which ok holds, nil where there is none.
func (t trace) first(ok func(point) bool) *Work {
	for i := range t.points {
		if ok(t.points[i]) {
			return &t.points[i].Work
		}
	}
	return nil
}

// middle returns the median of v over the batches, those that were not reached being above all others: v holds more than half of them.
func (b *bench) middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(b.truth)/2]
}

// median returns the medians over the batches; nil where most were not reached.
func (b *bench) median(w []Work) *Work {
	if len(w) <= len(b.truth)/2 {
		return nil
	}
	of := func(f func(Work) float64) float64 {
		v := make([]float64, len(w))
		for i := range w {
			v[i] = f(w[i])
		}
		return b.middle(v)
	}
	return &Work{Passes: of(func(w Work) float64 { return w.Passes }), MACs: of(func(w Work) float64 { return w.MACs }),
		MS: of(func(w Work) float64 { return w.MS })}
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

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
