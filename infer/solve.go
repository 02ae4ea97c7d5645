package infer

import (
	"math"
	"math/bits"

	"github.com/settle-pc/settle/tensor"
)

// Settings says when to stop: at whichever comes first.
type Settings struct {
	// Tol stops a sample whose residual ratio ρ, ‖∂F/∂z‖ over its value at the start (or Work.Reference), is ≤ Tol. 0: only at exactly 0.
	Tol float64
	// Gap stops all samples when their estimated energy gap (F − F_min)/(F_start − F_min), on sums, is ≤ Gap. It
	// needs an objective with curvature (errors), a start at the feedforward point, and a method that estimates the curvature along its moves:
	// Momentum, RungeKutta and Langevin do not. 0: never.
	Gap float64
	// MaxPasses truncates. 0 means 100, or no limit where MaxSteps is given.
	MaxPasses float64
	// MaxSteps truncates after that many steps of the method, as libraries with a fixed number of iterations do. 0: no limit.
	MaxSteps int
	// Patience is the number of steps after which a sample must have made progress, or be Stalled; it is asked again
	// after twice as many, four times as many, …, for progress since the last time. 0 means 10, negative never.
	Patience int
	// Diverge is the multiple of |F| at the start above which a sample counts as Diverged. 0 means DivergeFactor, +Inf never: for draws,
	// which start where F is small.
	Diverge float64
	// Observe, if not nil, is called at the start and after every step, with the samples' point in the Work and the
	// objective as the method left it. Rules call it from all workers at a time, each for a shard.
	Observe func()
}

// DefaultMaxPasses is what Settings.MaxPasses = 0 means.
const DefaultMaxPasses = 100

// DefaultPatience is what Settings.Patience = 0 means.
const DefaultPatience = 10

// DivergeFactor is what Settings.Diverge = 0 means.
const DivergeFactor = 100

// A sample is Diverged when F exceeds DivergeFactor times its start, and Stalled when, over the second half of its
// steps, its best energy fell by less than stallEnergy of the start and its best residual by less than stallResidual of
// itself, and its energy is not above the start, from where it would be diverging. Both are asked because near an
// equilibrium F loses its digits twice as fast as the residual, and over half of all steps because over a fixed number slow
// convergence at a steady rate, or a plateau on the way, looks like a stall.
const (
	stallEnergy   = 1e-5
	stallResidual = 0.1
)

// Work is the caller's memory for Solve: the point, of which Z is the start, and a Status per sample.
type Work[T tensor.Float] struct {
	Point[T]
	Status []Status
	// Reference, if not nil, holds what the residual ratios of the samples are taken to, instead of their residuals at the start: for a
	// start that is better than the usual one, whose residuals these are.
	Reference []float64

	f0, res0       []float64 // at the start
	bestF, bestRes []float64 // lowest so far
	markF, markRes []float64 // lowest at the last stall check
}

// NewWork allocates the work of rows samples of dim coordinates.
func NewWork[T tensor.Float](rows, dim int) *Work[T] {
	v := func() []float64 { return make([]float64, rows) }
	return &Work[T]{
		Point: Point[T]{Z: tensor.New[T](rows, dim), Grad: tensor.New[T](rows, dim),
			F: v(), Res: v(), Alpha: v(), Done: make([]bool, rows)},
		Status: make([]Status, rows),
		f0:     v(), res0: v(), bestF: v(), bestRes: v(), markF: v(), markRes: v()}
}

// RowsOf returns the window of samples lo ≤ i < hi, sharing the memory.
func (w *Work[T]) RowsOf(lo, hi int) *Work[T] {
	var reference []float64
	if w.Reference != nil {
		reference = w.Reference[lo:hi]
	}
	return &Work[T]{
		Point: Point[T]{Z: w.Z.RowsOf(lo, hi), Grad: w.Grad.RowsOf(lo, hi),
			F: w.F[lo:hi], Res: w.Res[lo:hi], Alpha: w.Alpha[lo:hi], Done: w.Done[lo:hi]},
		Status: w.Status[lo:hi], Reference: reference,
		f0: w.f0[lo:hi], res0: w.res0[lo:hi], bestF: w.bestF[lo:hi], bestRes: w.bestRes[lo:hi],
		markF: w.markF[lo:hi], markRes: w.markRes[lo:hi]}
}

// Start returns F of each sample where Solve started: for inference from the feedforward point, π_L times its loss.
func (w *Work[T]) Start() []float64 { return w.f0 }

// Result is the outcome over all samples of a Solve. Results of shards add up.
type Result struct {
	Passes, MACs float64 // in units of one feedforward evaluation of the samples solved
	Steps        int
	Samples      int
	F, FStart    float64        // Σ F at the end and at the start
	Excess       float64        // Σ of the estimated F − F_min; NaN: unknown
	Res2, Start2 float64        // Σ‖∂F/∂z‖² at the end, and at the start or of Work.Reference
	Count        [numStatus]int // samples by Status
}

// Residual is the residual ratio ρ of the batch: root sums of squares, end over start; 0 if the start was an equilibrium.
func (r Result) Residual() float64 {
	if r.Start2 == 0 {
		return 0
	}
	return math.Sqrt(r.Res2 / r.Start2)
}

// Gap is the estimated energy gap (F − F_min)/(F_start − F_min), with F_min taken for F in the denominator; NaN while
// it is unknown, 0 if the start was an equilibrium.
func (r Result) Gap() float64 {
	switch {
	case r.Start2 == 0:
		return 0
	case !(r.FStart > r.F):
		return math.NaN()
	}
	return r.Excess / (r.FStart - r.F)
}

// Add merges the result of another shard of the same batch. Passes and MACs are means over samples.
func (r *Result) Add(s Result) {
	n := float64(r.Samples + s.Samples)
	if n == 0 {
		return
	}
	r.Passes = (float64(r.Passes*float64(r.Samples)) + float64(s.Passes*float64(s.Samples))) / n
	r.MACs = (float64(r.MACs*float64(r.Samples)) + float64(s.MACs*float64(s.Samples))) / n
	r.Steps = max(r.Steps, s.Steps)
	r.Samples += s.Samples
	r.F += s.F
	r.FStart += s.FStart
	r.Excess += s.Excess
	r.Res2 += s.Res2
	r.Start2 += s.Start2
	for i, c := range s.Count {
		r.Count[i] += c
	}
}

// Solve moves all samples of w from w.Z towards their equilibria until each has a Status other than Moving. It ends
// with the objective evaluated at w.Z, so that what learning takes from the objective agrees with the result. The
// error says what the method needs and f lacks; numerical outcomes are statuses.
func Solve[T tensor.Float](f Objective[T], w *Work[T], m Method[T], s Settings) (Result, error) {
	if w.Z.Cols != f.Dim() {
		panic("infer: work of another dimension")
	}
	if s.MaxPasses == 0 {
		s.MaxPasses = DefaultMaxPasses
		if s.MaxSteps > 0 {
			s.MaxPasses = math.Inf(1)
		}
	}
	if s.Patience == 0 {
		s.Patience = DefaultPatience
	}
	if s.Diverge == 0 {
		s.Diverge = DivergeFactor
	}
	passes, macs := f.Cost()
	clear(w.Status)
	clear(w.Done)
	clear(w.Alpha)
	if err := m.Init(f, &w.Point); err != nil {
		return Result{}, err
	}
	w.begin()
	var r Result
	for ; ; r.Steps++ {
		if s.Observe != nil {
			s.Observe()
		}
		if w.judge(s, r.Steps) == 0 {
			break
		}
		if now, _ := f.Cost(); now-passes >= s.MaxPasses || (s.MaxSteps > 0 && r.Steps >= s.MaxSteps) {
			w.finish(PassLimit)
			break
		}
		m.Step(f, &w.Point)
	}
	if w.Stale {
		f.Eval(w.F, tensor.Matrix[T]{}, w.Z) // the gradient there is known
		w.Stale = false
	}
	w.sum(&r)
	r.Passes, r.MACs = f.Cost()
	r.Passes -= passes
	r.MACs -= macs
	return r, nil
}

// begin records the start.
func (w *Work[T]) begin() {
	for _, dst := range [][]float64{w.f0, w.bestF, w.markF} {
		copy(dst, w.F)
	}
	for _, dst := range [][]float64{w.res0, w.bestRes, w.markRes} {
		copy(dst, w.Res)
	}
	copy(w.res0, w.Reference)
}

// asks reports whether steps is Patience·2ᵏ.
func (s Settings) asks(steps int) bool {
	return s.Patience > 0 && steps%s.Patience == 0 && bits.OnesCount(uint(steps/s.Patience)) == 1
}

// judge gives a Status to every sample that has come to an end and returns how many still move.
func (w *Work[T]) judge(s Settings, steps int) int {
	check, moving := s.asks(steps), 0
	for i, st := range w.Status {
		if st != Moving {
			continue
		}
		st = w.status(i, s)
		switch {
		case st != Moving:
		case w.Done[i]: // by the method
			st = PassLimit
		case check && w.stalled(i):
			st = Stalled
		}
		if st == Moving {
			moving++
		}
		w.Status[i], w.Done[i] = st, st != Moving
	}
	if moving > 0 && s.Gap > 0 && w.gap() <= s.Gap {
		w.finish(Gap)
		return 0
	}
	return moving
}

// status judges sample i by its energy and residual.
func (w *Work[T]) status(i int, s Settings) Status {
	f, res := w.F[i], w.Res[i]
	switch {
	case !finite(f) || !finite(res):
		return NotFinite
	case res <= s.Tol*w.res0[i]:
		return Equilibrium
	case f > s.Diverge*math.Abs(w.f0[i]):
		return Diverged
	}
	w.bestF[i] = min(w.bestF[i], f)
	w.bestRes[i] = min(w.bestRes[i], res)
	return Moving
}

// stalled compares sample i with the last check and sets the mark for the next.
func (w *Work[T]) stalled(i int) bool {
	still := w.F[i] <= w.f0[i] && w.markF[i]-w.bestF[i] < stallEnergy*math.Abs(w.f0[i]) && w.bestRes[i] > (1-stallResidual)*w.markRes[i]
	w.markF[i], w.markRes[i] = w.bestF[i], w.bestRes[i]
	return still
}

// finish gives every sample that still moves the status st.
func (w *Work[T]) finish(st Status) {
	for i := range w.Status {
		if w.Status[i] == Moving {
			w.Status[i], w.Done[i] = st, true
		}
	}
}

// gap estimates the energy gap of all samples together, but for those that failed; NaN while it is unknown.
func (w *Work[T]) gap() float64 {
	var r Result
	for i, st := range w.Status {
		if st != Diverged && st != NotFinite {
			w.add(i, &r)
		}
	}
	return r.Gap()
}

// sum adds all samples to r.
func (w *Work[T]) sum(r *Result) {
	for i := range w.Status {
		w.add(i, r)
	}
}

// add adds sample i's energy, residual and status to r. Its energy above the minimum is estimated as ½ α ‖∂F/∂z‖², what
// a quadratic with inverse curvature α along the gradient would have left.
func (w *Work[T]) add(i int, r *Result) {
	res2 := float64(w.Res[i] * w.Res[i])
	if w.Alpha[i] > 0 || res2 == 0 {
		r.Excess += float64(0.5 * w.Alpha[i] * res2)
	} else {
		r.Excess = math.NaN()
	}
	r.F += w.F[i]
	r.FStart += w.f0[i]
	r.Res2 += res2
	r.Start2 += float64(w.res0[i] * w.res0[i])
	r.Count[w.Status[i]]++
	r.Samples++
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
