package energy

import (
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Errors is F as a function of the free prediction errors, (e_1 … e_{L−1}) in training. Then z_l = g_l(z_{l−1}) + e_l,
// ŷ is a function of e, and
//
//	F(e) = ½ Σ_{l<L} π_l ‖e_l‖² + F_L(y, ŷ(e)),   ∂F/∂e_l = π_l e_l − J_lᵀ r,   J_l = ∂ŷ/∂e_l,   r = −∂F_L/∂ŷ.
//
// It has the minima of Activities and is far better conditioned: its Gauss–Newton curvature is D + Jᵀ(∂²F_L/∂ŷ²)J with D = diag(π_l). But its
// steps are global: a gradient is a sweep back through all layers. A free input keeps z_0 itself as its coordinate.
type Errors[T tensor.Float] struct{ *State[T] }

// Errors returns the objective in errors on this state.
func (s *State[T]) Errors() *Errors[T] { return &Errors[T]{s} }

// Start stores the feedforward point in e (B×Dim): zero. Cost: nothing.
func (x *Errors[T]) Start(e tensor.Matrix[T]) { tensor.Zero(e) }

// Place stores the point e (n×Dim) whose activities are z, l = 0…L, of which the free layers' are used: e_l = z_l − g_l(z_{l−1}).
// Cost: one pass.
func (x *Errors[T]) Place(e tensor.Matrix[T], z []tensor.Matrix[T]) {
	for l, clamped := range x.clamped {
		if clamped {
			continue
		}
		to := x.of(l, e)
		x.Trace.Z[l].RowsOf(0, e.Rows).CopyFrom(z[l].RowsOf(0, e.Rows))
		if l == 0 {
			to.CopyFrom(x.Trace.Z[0].RowsOf(0, e.Rows))
			continue
		}
		u := x.Trace.U[l].RowsOf(0, e.Rows)
		x.predict(l, u)
		tensor.Sub(to, x.Trace.Z[l].RowsOf(0, e.Rows), u)
	}
	x.count(1, e.Rows)
}

// Eval stores F of each sample in f and, unless grad has no rows, ∂F/∂e in grad, at the point e: n×Dim for the first n
// samples of the batch. It leaves z, u and the caches in the Trace. Cost: one pass, two with grad.
func (x *Errors[T]) Eval(f []float64, grad, e tensor.Matrix[T]) {
	x.check(x.rows, f, grad, e)
	rows := e.Rows
	f = f[:rows]
	clear(f)
	L := x.net.L()
	for l := range x.clamped {
		switch free := !x.clamped[l]; {
		case free && l == 0:
			x.Trace.Z[0].RowsOf(0, rows).CopyFrom(x.of(0, e))
		case !free && l > 0:
			x.residual(l, f)
		case free:
			z, u := x.Trace.Z[l].RowsOf(0, rows), x.Trace.U[l].RowsOf(0, rows)
			x.predict(l, z)
			u.CopyFrom(x.of(l, e))
			tensor.Add(z, z, u)
			weigh(f, u, x.pi[l])
		}
		x.shrink(l, f)
	}
	x.count(1, rows)
	if grad.Rows == 0 {
		return
	}
	// q_l = −∂F/∂g_l, from the output back: u_l where z_l is clamped, else what layer l+1 pulls back.
	var q tensor.Matrix[T]
	for l := L; l >= 0; l-- {
		if x.clamped[l] {
			if l > 0 {
				q = x.Trace.U[l].RowsOf(0, rows)
			}
			continue
		}
		g := x.of(l, grad)
		if l < L {
			x.pull(l+1, g, q)
		} else {
			tensor.Zero(g)
		}
		x.shrinkGradient(l, g)
		q = g
	}
	for l := range x.clamped {
		if x.clamped[l] {
			continue
		}
		g := x.of(l, grad)
		if l > 0 {
			tensor.Sub(g, x.Trace.U[l].RowsOf(0, rows), g)
		} else {
			scaleRows(g, -1)
		}
	}
	x.count(1, rows)
}

// Outputs is n_L where input and target, and nothing else, are clamped, and no activities decay: there the energy has the curvature
// D + Jᵀ(∂²F_L/∂ŷ²)J, reached through the output space by the methods below. Otherwise 0: not available.
func (x *Errors[T]) Outputs() int {
	for l, c := range x.clamped {
		if c != (l == 0 || l == x.net.L()) {
			return 0
		}
	}
	if x.decays() {
		return 0
	}
	return x.net.Outputs()
}

// Precision returns the diagonal of D: π_l for each coordinate of a point. To read only.
func (x *Errors[T]) Precision() []T { return x.d }

// Quadratic reports whether F is quadratic in e, with the same Hessian for all samples: all layers affine, squared error.
func (x *Errors[T]) Quadratic() bool {
	for _, l := range x.net.Layers {
		if !l.Affine() {
			return false
		}
	}
	return x.out.Quadratic()
}

// Smooth reports whether J is differentiable and the output term (π_L/2)‖y − ŷ‖².
func (x *Errors[T]) Smooth() bool {
	for _, l := range x.net.Layers {
		if !l.Smooth() {
			return false
		}
	}
	return x.out.Quadratic()
}

// Isotropic reports whether the output term is (π_L/2)‖y − ŷ‖², with the curvature π_L I.
func (x *Errors[T]) Isotropic() bool { return x.out.Quadratic() }

// Residual stores r = −∂F_L/∂ŷ at the last Eval in r (n×n_L).
func (x *Errors[T]) Residual(r tensor.Matrix[T]) {
	r.CopyFrom(x.Trace.U[x.net.L()].RowsOf(0, r.Rows))
}

// Curve stores (∂²F_L/∂ŷ²) v at the last Eval in dst (both n×n_L); dst may be v.
func (x *Errors[T]) Curve(dst, v tensor.Matrix[T]) {
	L := x.net.L()
	x.out.Curvature(dst, v, x.yhat.RowsOf(0, v.Rows), x.pi[L])
}

// Push stores J v at the last Eval in dst: n×n_L from n×Dim. Cost: one pass.
func (x *Errors[T]) Push(dst, v tensor.Matrix[T]) {
	x.checkCurved()
	x.count(1, v.Rows)
	L := x.net.L()
	if L == 1 { // ŷ depends on no e
		tensor.Zero(dst)
		return
	}
	w := x.w.RowsOf(0, v.Rows)
	x.of(1, w).CopyFrom(x.of(1, v))
	for l := 2; l <= L; l++ {
		to := dst
		if l < L {
			to = x.of(l, w)
		}
		x.Trace.Push(l, to, x.of(l-1, w))
		x.work(l, v.Rows)
		if l < L {
			tensor.Add(to, to, x.of(l, v))
		}
	}
}

// Pull stores Jᵀ u at the last Eval in dst: n×Dim from n×n_L. Cost: one pass.
func (x *Errors[T]) Pull(dst, u tensor.Matrix[T]) { x.pullBy(x.Trace.C, dst, u) }

// PullEach is Pull for several u of each of the first samples: the rows of u are dealt to them in order, as many to each. It
// works on copies of the samples' caches: into those of the rows themselves random choices were drawn. Cost: that of Pull, and copies.
func (x *Errors[T]) PullEach(dst, u tensor.Matrix[T], samples int) {
	if x.copies == nil {
		x.copies = make([]nn.Cache[T], len(x.Trace.C))
	}
	for l := 2; l <= x.net.L(); l++ {
		if x.copies[l].F.Rows < u.Rows {
			x.copies[l] = nn.NewCache[T](u.Rows, x.net.Layers[l-1].Slot())
		}
		x.copies[l].Repeat(x.Trace.C[l], samples, u.Rows/samples)
	}
	x.pullBy(x.copies, dst, u)
}

// pullBy carries u back through caches.
func (x *Errors[T]) pullBy(caches []nn.Cache[T], dst, u tensor.Matrix[T]) {
	x.checkCurved()
	x.count(1, u.Rows)
	for l := x.net.L(); l > 1; l-- {
		g := x.of(l-1, dst)
		x.net.Layers[l-1].Pull(g, u, caches[l].RowsOf(0, u.Rows))
		x.work(l, u.Rows)
		u = g
	}
}

// checkCurved panics where J is not available.
func (x *Errors[T]) checkCurved() {
	if x.Outputs() == 0 {
		panic("energy: J needs input and target clamped, and nothing else")
	}
}
