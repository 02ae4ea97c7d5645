package nn

import "github.com/settle-pc/settle/tensor"

// Trace is what a batch leaves in a network: activities z_0…z_L, the vectors u_1…u_L that flow back against the
// predictions, and the caches of the last Forward through each layer.
//
// Learning is the same product for every rule, (1/B) Σ_b (∂g_l/∂θ_l)ᵀ u_l; rules differ in the u_l and z_l they leave
// here. Backpropagation leaves u_l = −∂𝓛/∂z_l at the feedforward activities, predictive coding the precision-weighted
// prediction errors u_l = π_l e_l at the equilibrium (post, Eq. 5).
type Trace[T tensor.Float] struct {
	Net  *Network[T]
	Rows int
	Z    []tensor.Matrix[T] // l = 0…L; Z[0] is set by the caller, the rest are B×n_l
	U    []tensor.Matrix[T] // l = 1…L (U[0] is empty), B×n_l
	C    []Cache[T]         // l = 1…L (C[0] is empty)
}

// NewTrace allocates a trace for rows rows.
func NewTrace[T tensor.Float](n *Network[T], rows int) *Trace[T] {
	L := n.L()
	t := &Trace[T]{Net: n, Rows: rows,
		Z: make([]tensor.Matrix[T], L+1), U: make([]tensor.Matrix[T], L+1), C: make([]Cache[T], L+1)}
	for l := 1; l <= L; l++ {
		t.Z[l] = tensor.New[T](rows, n.Width(l))
		t.U[l] = tensor.New[T](rows, n.Width(l))
		t.C[l] = NewCache[T](rows, n.Layers[l-1].Slot())
	}
	return t
}

// RowsOf returns the window of rows lo ≤ i < hi, sharing the storage. Z[0] comes along if it is set.
func (t *Trace[T]) RowsOf(lo, hi int) *Trace[T] {
	w := &Trace[T]{Net: t.Net, Rows: hi - lo,
		Z: make([]tensor.Matrix[T], len(t.Z)), U: make([]tensor.Matrix[T], len(t.U)), C: make([]Cache[T], len(t.C))}
	if t.Z[0].Rows > 0 {
		w.Z[0] = t.Z[0].RowsOf(lo, hi)
	}
	for l := 1; l < len(t.Z); l++ {
		w.Z[l], w.U[l], w.C[l] = t.Z[l].RowsOf(lo, hi), t.U[l].RowsOf(lo, hi), t.C[l].RowsOf(lo, hi)
	}
	return w
}

// Draw makes the random choices of all layers for a batch. They depend on seed, layer and row alone, not on the windows that the
// trace is used through, and stay until the next Draw.
func (t *Trace[T]) Draw(seed uint64) {
	for l := 1; l < len(t.C); l++ {
		t.Net.Layers[l-1].Draw(t.C[l], mix(seed, uint64(l)))
	}
}

// mix makes one seed of two numbers, in their order: SplitMix64's output function (Steele, Lea and Flood 2014) of a, then of that and b.
func mix(a, b uint64) uint64 {
	for _, v := range [...]uint64{0, b} {
		a = a + v + 0x9e3779b97f4a7c15
		a = (a ^ a>>30) * 0xbf58476d1ce4e5b9
		a = (a ^ a>>27) * 0x94d049bb133111eb
		a ^= a >> 31
	}
	return a
}

// Forward stores g_l(z_{l−1}) in dst and keeps layer l's cache, for the first dst.Rows rows. Cost: one product.
func (t *Trace[T]) Forward(l int, dst tensor.Matrix[T]) {
	t.Net.Layers[l-1].Forward(dst, t.Z[l-1].RowsOf(0, dst.Rows), t.C[l].RowsOf(0, dst.Rows))
}

// Pull stores (∂g_l/∂z_{l−1})ᵀ u in dst, for the first u.Rows rows.
func (t *Trace[T]) Pull(l int, dst, u tensor.Matrix[T]) {
	t.Net.Layers[l-1].Pull(dst, u, t.C[l].RowsOf(0, u.Rows))
}

// Push stores (∂g_l/∂z_{l−1}) v in dst, for the first v.Rows rows.
func (t *Trace[T]) Push(l int, dst, v tensor.Matrix[T]) {
	t.Net.Layers[l-1].Push(dst, v, t.C[l].RowsOf(0, v.Rows))
}

// Feedforward computes the feedforward activities z_l = g_l(z_{l−1}), l = 1…L, from Z[0]. Cost: one pass.
func (t *Trace[T]) Feedforward() {
	for l := 1; l < len(t.Z); l++ {
		t.Forward(l, t.Z[l])
	}
}

// Back carries U[L] back through the network: u_{l−1} = (∂g_l/∂z_{l−1})ᵀ u_l, l = L…2. Cost: one pass.
func (t *Trace[T]) Back() {
	for l := len(t.Z) - 1; l > 1; l-- {
		t.Pull(l, t.U[l-1], t.U[l])
	}
}

// PullOwn is PullParams to a grad that holds just the parameters of the units of layer l, which is Local, in the order of Own.
func (t *Trace[T]) PullOwn(grad []T, l int, units Span) {
	t.Net.Layers[l-1].(Local[T]).PullOwn(grad, units, t.U[l], t.Z[l-1], t.C[l])
}

// PullParams adds Σ_b (∂g_l/∂θ_l)ᵀ u_l to the part of grad (laid out like θ) that belongs to the given units of
// layer l. Calls on disjoint parts may run at the same time. Cost over all units of all layers: one pass.
func (t *Trace[T]) PullParams(grad []T, l int, units Span) {
	t.Net.Layers[l-1].PullParams(t.Net.Of(l, grad), units, t.U[l], t.Z[l-1], t.C[l])
}
