package nn

import "github.com/settle-pc/settle/tensor"

// Record is what a batch leaves in layers: activities z_i, the vectors u_i that flow back against what is predicted of them, and the
// caches of the last Forward through each layer.
//
// Learning is the same product for every rule, (1/B) Σ_b (∂g_l/∂θ_l)ᵀ u_l; rules differ in the u and z they leave here.
// Backpropagation leaves u_l = −∂𝓛/∂z_l at the feedforward activities, predictive coding the precision-weighted prediction errors
// u_l = π_l e_l at the equilibrium (post, Eq. 5).
type Record[T tensor.Float] struct {
	Weights *Weights[T]
	Rows    int
	Z       []tensor.Matrix[T] // B×n_i
	U       []tensor.Matrix[T] // B×n_i; empty where nothing is predicted
	C       []Cache[T]         // of layer l = 1…L (C[0] is empty)

	from, to []int // layer l predicts z_to[l] from z_from[l]
}

// newRecord allocates a record for rows rows of layers from one activity to another. Those that no layer predicts are empty.
func newRecord[T tensor.Float](w *Weights[T], from, to []int, activities, rows int) Record[T] {
	r := Record[T]{Weights: w, Rows: rows, from: from, to: to,
		Z: make([]tensor.Matrix[T], activities), U: make([]tensor.Matrix[T], activities), C: make([]Cache[T], len(w.Layers)+1)}
	for l := 1; l < len(r.C); l++ {
		layer, i := w.Layers[l-1], to[l]
		if r.U[i].Rows == 0 {
			_, n := layer.Dims()
			r.Z[i], r.U[i] = tensor.New[T](rows, n), tensor.New[T](rows, n)
		}
		r.C[l] = NewCache[T](rows, layer.Slot())
	}
	return r
}

// RowsOf returns the window of rows lo ≤ i < hi, sharing the storage. What has no rows yet comes along as it is.
func (r *Record[T]) RowsOf(lo, hi int) *Record[T] {
	w := r.window(lo, hi)
	return &w
}

func (r *Record[T]) window(lo, hi int) Record[T] {
	w := *r
	w.Rows, w.Z, w.U, w.C = hi-lo, rowsOf(r.Z, lo, hi), rowsOf(r.U, lo, hi), make([]Cache[T], len(r.C))
	for l := 1; l < len(r.C); l++ {
		w.C[l] = r.C[l].RowsOf(lo, hi)
	}
	return w
}

// rowsOf are the windows of the matrices that have rows.
func rowsOf[T tensor.Float](all []tensor.Matrix[T], lo, hi int) []tensor.Matrix[T] {
	w := make([]tensor.Matrix[T], len(all))
	for i, m := range all {
		if m.Rows > 0 {
			w[i] = m.RowsOf(lo, hi)
		}
	}
	return w
}

// Draw makes the random choices of all layers for a batch. They depend on seed, layer and row alone, not on the windows that the
// record is used through, and stay until the next Draw.
func (r *Record[T]) Draw(seed uint64) {
	for l := 1; l < len(r.C); l++ {
		r.Weights.Layers[l-1].Draw(r.C[l], mix(seed, uint64(l)))
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

// Forward stores what layer l predicts in dst and keeps its cache, for the first dst.Rows rows. Cost: one product.
func (r *Record[T]) Forward(l int, dst tensor.Matrix[T]) {
	r.Weights.Layers[l-1].Forward(dst, r.Z[r.from[l]].RowsOf(0, dst.Rows), r.C[l].RowsOf(0, dst.Rows))
}

// Pull stores (∂g_l/∂z)ᵀ u in dst, for the first u.Rows rows.
func (r *Record[T]) Pull(l int, dst, u tensor.Matrix[T]) {
	r.Weights.Layers[l-1].Pull(dst, u, r.C[l].RowsOf(0, u.Rows))
}

// Push stores (∂g_l/∂z) v in dst, for the first v.Rows rows.
func (r *Record[T]) Push(l int, dst, v tensor.Matrix[T]) {
	r.Weights.Layers[l-1].Push(dst, v, r.C[l].RowsOf(0, v.Rows))
}

// PullParams adds Σ_b (∂g_l/∂θ_l)ᵀ u to the part of grad (laid out like θ) that belongs to the given units of layer l, u being what
// flows back against its predictions. Calls on disjoint parts may run at the same time. Cost over all units of all layers: one pass.
func (r *Record[T]) PullParams(grad []T, l int, units Span) {
	r.Weights.Layers[l-1].PullParams(r.Weights.Of(l, grad), units, r.U[r.to[l]], r.Z[r.from[l]], r.C[l])
}

// PullOwn is PullParams to a grad that holds just the parameters of the units of layer l, which is Local, in the order of Own.
func (r *Record[T]) PullOwn(grad []T, l int, units Span) {
	r.Weights.Layers[l-1].(Local[T]).PullOwn(grad, units, r.U[r.to[l]], r.Z[r.from[l]], r.C[l])
}
