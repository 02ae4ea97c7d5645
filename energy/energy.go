// Package energy is what predictive coding minimises: the energy
//
//	F = Σ_b Σ_{l=1}^{L−1} (π_l/2)‖e_l‖² + F_L(y, ŷ),   e_l = z_l − g_l(z_{l−1}),   F_L = (π_L/2)‖y − ŷ‖² unless said
//
// (post, Eq. 3, with the half), its gradients in the activities z (Eq. 4) and in the weights θ (Eq. 5), per sample, in
// two coordinate systems that have the same minima: the activities z_l themselves, and the errors e_l, in which z_l and
// ŷ are functions of e. The package knows nothing of solvers: Activities and Errors are objectives for package infer.
package energy

import (
	"math"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// PC is the problem: a network, the precision of each layer, the output term, and which layers are clamped.
type PC[T tensor.Float] struct {
	Net       *nn.Network[T]
	Precision []float64 // π_1 … π_L; nil means all 1
	// Decay holds λ_0 … λ_L: a layer that is free adds (λ_l/2)‖z_l‖² to F, a normal prior of its activities. nil means all 0. With
	// any, errors are coordinates without curvature at hand.
	Decay  []float64
	Output Output[T] // of a clamped layer L; nil means SquaredError. A free one has (π_L/2)‖e_L‖² like any layer
	// Clamped lists the layers, 0 … L, whose activities are given. nil means 0 and L: training. {0} predicts, {L}
	// generates. A clamped hidden layer cuts the chain: e_l is then an error between given and predicted activities.
	Clamped []int
}

// layout is PC with its defaults resolved: what each layer is, and where the free ones lie in a point.
type layout[T tensor.Float] struct {
	columns[T]
	net   *nn.Network[T]
	pi    []float64 // π_l, l = 1…L; π_0 = 0: nothing predicts the input
	d     []T       // D: the precision of each coordinate in errors, 0 for those of a free input
	decay []float64 // λ_l, l = 0…L, 0 where z_l is clamped
	out   Output[T]
}

func newLayout[T tensor.Float](pc *PC[T]) *layout[T] {
	if pc.Net == nil {
		panic("energy: no network")
	}
	L := pc.Net.L()
	if pc.Precision != nil && len(pc.Precision) != L {
		panic("energy: want one precision for each layer")
	}
	if pc.Decay != nil && len(pc.Decay) != L+1 {
		panic("energy: want one decay for each layer and the input")
	}
	y := &layout[T]{net: pc.Net, pi: make([]float64, L+1), decay: make([]float64, L+1), out: pc.Output}
	if y.out == nil {
		y.out = SquaredError[T]{}
	}
	for l := 1; l <= L; l++ {
		y.pi[l] = 1
		if pc.Precision != nil {
			y.pi[l] = pc.Precision[l-1]
		}
		checkPrecision[T](y.pi[l])
	}
	clamped := pc.Clamped
	if clamped == nil {
		clamped = []int{0, L}
	}
	widths := make([]int, L+1)
	for l := range widths {
		widths[l] = pc.Net.Width(l)
	}
	y.columns = newColumns[T](widths, clamped)
	for l, clamped := range y.clamped {
		if !clamped && pc.Decay != nil {
			y.decay[l] = pc.Decay[l]
		}
		if !(y.decay[l] >= 0 && y.decay[l] <= math.MaxFloat64) {
			panic("energy: decay must be from 0 and finite")
		}
	}
	y.d = make([]T, y.dim)
	y.weigh()
	return y
}

// checkPrecision panics unless π and 1/π are positive and finite numbers of the element type.
func checkPrecision[T tensor.Float](pi float64) {
	v := T(pi)
	if !(v > 0) || math.IsInf(float64(v), 0) || math.IsInf(float64(1/v), 0) {
		panic("energy: precision must be positive and finite")
	}
}

// weigh fills D from the precisions.
func (y *layout[T]) weigh() {
	for l, clamped := range y.clamped {
		if clamped {
			continue
		}
		for j := range y.widths[l] {
			y.d[y.offset[l]+j] = T(y.pi[l])
		}
	}
}

// decays reports whether any free layer does.
func (y *layout[T]) decays() bool {
	for _, v := range y.decay {
		if v != 0 {
			return true
		}
	}
	return false
}

// State is the memory of inference on one batch: activities, weighted errors u_l = π_l e_l and caches (in its Trace,
// from which learning takes them), and what is constant while z moves. It is allocated once; a shard is a window of
// rows. One State, or window, serves one goroutine.
type State[T tensor.Float] struct {
	*layout[T]
	cost[T]
	Trace *nn.Trace[T]
	yhat  tensor.Matrix[T] // ŷ, B×n_L
	r     tensor.Matrix[T] // scratch of Fit, B×n_L
	w     tensor.Matrix[T] // tangents in Push, B×Dim

	// g_1(x) does not change while the input is clamped and the weights rest.
	first        tensor.Matrix[T] // B×n_1
	firstRows    int              // rows of first that are valid
	firstVersion uint64           // of the weights

	copies []nn.Cache[T] // of layer l = 2…L, scratch of PullEach
}

// NewState allocates the state of a batch of rows samples.
func (pc *PC[T]) NewState(rows int) *State[T] {
	y := newLayout(pc)
	t := nn.NewTrace(pc.Net, rows)
	if !y.clamped[0] {
		t.Z[0] = tensor.New[T](rows, pc.Net.Inputs())
	}
	return &State[T]{layout: y, cost: cost[T]{weights: &pc.Net.Weights, rows: rows}, Trace: t,
		yhat: tensor.New[T](rows, pc.Net.Outputs()), r: tensor.New[T](rows, pc.Net.Outputs()), w: tensor.New[T](rows, y.dim),
		first: tensor.New[T](rows, pc.Net.Width(1))}
}

// RowsOf returns the window of rows lo ≤ i < hi, which shares the memory but counts its own cost.
func (s *State[T]) RowsOf(lo, hi int) *State[T] {
	return &State[T]{layout: s.layout, cost: cost[T]{weights: s.weights, rows: hi - lo}, Trace: s.Trace.RowsOf(lo, hi),
		yhat: s.yhat.RowsOf(lo, hi), r: s.r.RowsOf(lo, hi), w: s.w.RowsOf(lo, hi), first: s.first.RowsOf(lo, hi)}
}

// Clamp gives layer l the activities z (B×n_l), which the state keeps by reference: Clamp again when their elements
// change. For l = L they are the target. A state and its windows share memory, so after one of them was evaluated with
// other activities, clamp here again too.
func (s *State[T]) Clamp(l int, z tensor.Matrix[T]) {
	if !s.clamped[l] {
		panic("energy: layer is free")
	}
	if z.Rows != s.Trace.Rows || z.Cols != s.net.Width(l) {
		panic("energy: clamped activities of another shape")
	}
	s.Trace.Z[l] = z
	s.firstRows = 0
}

// shrink adds the decay of layer l at its activities to f; shrinkGradient takes λ_l z_l off g, which points down.
func (s *State[T]) shrink(l int, f []float64) {
	if a := s.decay[l]; a != 0 {
		for i := range f {
			z := s.Trace.Z[l].Row(i)
			f[i] += float64(a / 2 * tensor.Dot(z, z))
		}
	}
}

func (s *State[T]) shrinkGradient(l int, g tensor.Matrix[T]) {
	if a := s.decay[l]; a != 0 {
		for i := range g.Rows {
			tensor.Axpy(g.Row(i), T(-a), s.Trace.Z[l].Row(i))
		}
	}
}

// Fit adds to loss the output term of each sample at the last Eval over all rows, for precision 1, and to squares ‖y − ȳ‖², ȳ the
// mean of y that ŷ predicts: at the feedforward point 𝓛, and n_L times the squared error of reports. The last layer is clamped.
func (s *State[T]) Fit(loss, squares []float64) {
	L := s.net.L()
	if !s.clamped[L] {
		panic("energy: no target: the last layer is free")
	}
	s.out.Residual(loss, s.r, s.Trace.Z[L], s.yhat, 1)
	Misfit(s.out, squares, s.r, s.Trace.Z[L], s.yhat)
}

// Gradient stores ∂F/∂θ at the last Eval, summed over the batch, in grad (laid out like θ): −Σ_b (∂g_l/∂θ_l)ᵀ π_l e_l
// with z held fixed (post, Eq. 5). Every layer's part uses its own error and input only. Cost: one pass.
func (s *State[T]) Gradient(grad []T) { s.gradient(grad, &s.Trace.Record) }

// predict stores g_l(z_{l−1}) in dst.
func (s *State[T]) predict(l int, dst tensor.Matrix[T]) {
	if l > 1 || !s.clamped[0] {
		s.Trace.Forward(l, dst)
		s.work(l, dst.Rows)
		return
	}
	if v := s.net.Version(); s.firstRows < dst.Rows || s.firstVersion != v {
		s.Trace.Forward(1, s.first.RowsOf(0, dst.Rows))
		s.work(1, dst.Rows)
		s.firstRows, s.firstVersion = dst.Rows, v
	}
	dst.CopyFrom(s.first.RowsOf(0, dst.Rows))
}

// residual computes the error of layer l where z_l does not depend on e_l (a clamped layer, or any layer in
// activities): it adds the layer's energy to f and stores u_l = π_l e_l, for l = L clamped u_L = −∂F_L/∂ŷ.
func (s *State[T]) residual(l int, f []float64) {
	rows := len(f)
	u, z := s.Trace.U[l].RowsOf(0, rows), s.Trace.Z[l].RowsOf(0, rows)
	if l == s.net.L() && s.clamped[l] {
		yhat := s.yhat.RowsOf(0, rows)
		s.predict(l, yhat)
		s.out.Residual(f, u, z, yhat, s.pi[l])
		return
	}
	s.predict(l, u)
	tensor.Sub(u, z, u)
	weigh(f, u, s.pi[l])
}

// pull stores (∂g_l/∂z_{l−1})ᵀ u in dst.
func (s *State[T]) pull(l int, dst, u tensor.Matrix[T]) {
	s.Trace.Pull(l, dst, u)
	s.work(l, u.Rows)
}
