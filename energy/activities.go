package energy

import "github.com/settle-pc/settle/tensor"

// Activities is F as a function of the free activities, (z_1 … z_{L−1}) in training: the coordinates of the post. A
// step in them is local, as in the brain: ∂F/∂z_l = π_l e_l − (∂g_{l+1}/∂z_l)ᵀ π_{l+1} e_{l+1} (Eq. 4).
type Activities[T tensor.Float] struct{ *State[T] }

// Activities returns the objective in activities on this state.
func (s *State[T]) Activities() *Activities[T] { return &Activities[T]{s} }

// Start stores the feedforward activities, where every free e_l is 0, in z (B×Dim); a free input starts at 0.
// Cost: one pass.
func (a *Activities[T]) Start(z tensor.Matrix[T]) {
	for l := range a.clamped {
		if a.clamped[l] {
			continue
		}
		zl := a.Trace.Z[l].RowsOf(0, z.Rows)
		if l == 0 {
			tensor.Zero(zl)
		} else {
			a.predict(l, zl)
		}
		a.of(l, z).CopyFrom(zl)
	}
	a.count(1, z.Rows)
}

// Place stores the point p (n×Dim) whose activities are z, l = 0…L, of which the free layers' are used. Cost: nothing.
func (a *Activities[T]) Place(p tensor.Matrix[T], z []tensor.Matrix[T]) {
	a.place(p, z)
}

// Eval stores F of each sample in f and, unless grad has no rows, ∂F/∂z in grad, at the point z: n×Dim for the first n
// samples of the batch. It leaves z, u and the caches in the Trace. Cost: one pass, two with grad.
func (a *Activities[T]) Eval(f []float64, grad, z tensor.Matrix[T]) {
	a.check(a.rows, f, grad, z)
	f = f[:z.Rows]
	clear(f)
	L := a.net.L()
	for l := range a.clamped {
		// The copy is small beside the products, and lets a batch's Trace be whole whatever points its shards use.
		if !a.clamped[l] {
			a.Trace.Z[l].RowsOf(0, z.Rows).CopyFrom(a.of(l, z))
		}
		a.shrink(l, f)
		if l > 0 {
			a.residual(l, f)
		}
	}
	a.count(1, z.Rows)
	if grad.Rows == 0 {
		return
	}
	for l := range a.clamped {
		if a.clamped[l] {
			continue
		}
		g := a.of(l, grad)
		if l < L {
			a.pull(l+1, g, a.Trace.U[l+1].RowsOf(0, z.Rows))
		} else {
			tensor.Zero(g)
		}
		a.shrinkGradient(l, g)
		if l > 0 {
			tensor.Sub(g, a.Trace.U[l].RowsOf(0, z.Rows), g)
		} else {
			scaleRows(g, -1)
		}
	}
	a.count(1, z.Rows)
}
