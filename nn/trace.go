package nn

import "github.com/settle-pc/settle/tensor"

// Trace is the Record of a network: activities z_0…z_L, of which Z[0] is set by the caller and the rest are B×n_l, and u_1…u_L (U[0] is
// empty). Layer l predicts z_l from z_{l−1}.
type Trace[T tensor.Float] struct {
	Record[T]
	Net *Network[T]
}

// NewTrace allocates a trace for rows rows.
func NewTrace[T tensor.Float](n *Network[T], rows int) *Trace[T] {
	from, to := make([]int, n.L()+1), make([]int, n.L()+1)
	for l := 1; l <= n.L(); l++ {
		from[l], to[l] = l-1, l
	}
	return &Trace[T]{newRecord(&n.Weights, from, to, n.L()+1, rows), n}
}

// RowsOf returns the window of rows lo ≤ i < hi, sharing the storage. Z[0] comes along if it is set.
func (t *Trace[T]) RowsOf(lo, hi int) *Trace[T] { return &Trace[T]{t.window(lo, hi), t.Net} }

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
