package measure

import (
	"math"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// newton carries errors near an equilibrium to it, to the last digit, by Gauss–Newton steps (notation, section 1),
//
//	e⁺ = Jᵀ S⁻¹ (r + J e),   S = I + J Jᵀ,   r = y − ŷ(e),
//
// with S formed and solved in float64 for each sample. Gradient methods on activities lose the digits of every error
// that is small beside its activity, and either kind of coordinates is badly conditioned on some deep network; S is the
// whole curvature of a linear network, and nearly that of others, as r is small where J is large.
type newton[T tensor.Float] struct {
	f     *energy.Errors[T]
	j     []tensor.Matrix[T] // J_k, k = 1…n_L: row k of every sample's J
	r, je tensor.Matrix[T]
	s, b  []float64
}

// A step that does not bring a sample nearer is halved, so often at most; the limit of steps is far above what is needed.
const (
	newtonSteps = 100
	leastDamp   = 1.0 / 16
)

// newtonSample is one sample on its way: the nearest point so far, the step from there, its length, and what part of it
// is made.
type newtonSample struct {
	best, step   []float64
	length, damp float64
}

// polish moves the errors w.Z, of a problem without precisions, and leaves f evaluated there.
func polish[T tensor.Float](f *energy.Errors[T], w *infer.Work[T]) {
	e, outputs := w.Z, f.Outputs()
	n := &newton[T]{f: f, r: tensor.New[T](e.Rows, outputs), je: tensor.New[T](e.Rows, outputs),
		s: make([]float64, outputs*outputs), b: make([]float64, outputs)}
	for range outputs {
		n.j = append(n.j, tensor.New[T](e.Rows, e.Cols))
	}
	samples := make([]newtonSample, e.Rows)
	for i := range samples {
		samples[i] = newtonSample{best: floats(e.Row(i)), step: make([]float64, e.Cols), length: math.Inf(1), damp: 1}
	}
	step := make([]float64, e.Cols)
	for range newtonSteps {
		n.linearise(w.F, e)
		for i := range samples {
			x, point := &samples[i], e.Row(i)
			if length := n.step(step, i, point); length < x.length {
				x.length = length
				copy(x.step, step)
				x.best = floats(point)
			} else {
				x.damp /= 2
			}
			if x.damp < leastDamp {
				x.damp = 0
			}
			for c, v := range x.best {
				point[c] = T(v + float64(x.damp*x.step[c]))
			}
		}
	}
	w.Point.Eval(f)
}

func floats[T tensor.Float](v []T) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// linearise finds J and r of every sample at e.
func (n *newton[T]) linearise(energies []float64, e tensor.Matrix[T]) {
	n.f.Eval(energies, tensor.Matrix[T]{}, e)
	n.f.Push(n.je, e)
	for k := range n.j {
		tensor.Zero(n.r)
		for i := range e.Rows {
			n.r.Row(i)[k] = 1
		}
		n.f.Pull(n.j[k], n.r)
	}
	n.f.Residual(n.r)
}

// step stores e⁺ − e of sample i in dst and returns its length.
func (n *newton[T]) step(dst []float64, i int, e []T) float64 {
	m := len(n.b)
	for a := range m {
		n.b[a] = float64(n.r.Row(i)[a]) + float64(n.je.Row(i)[a])
		for c := range m {
			n.s[a*m+c] = tensor.Dot(n.j[a].Row(i), n.j[c].Row(i))
		}
		n.s[a*m+a]++
	}
	solveSPD(n.s, n.b)
	sum := 0.0
	for c, v := range e {
		next := 0.0
		for k := range m {
			next += n.b[k] * float64(n.j[k].Row(i)[c])
		}
		dst[c] = next - float64(v)
		sum += dst[c] * dst[c]
	}
	return math.Sqrt(sum)
}

// solveSPD overwrites b with the solution of a x = b, and the symmetric positive definite a, m×m, with its factors:
// elimination, which needs no pivots there.
func solveSPD(a, b []float64) {
	m := len(b)
	for k := range m {
		for i := k + 1; i < m; i++ {
			f := a[i*m+k] / a[k*m+k]
			for c := k; c < m; c++ {
				a[i*m+c] -= f * a[k*m+c]
			}
			b[i] -= f * b[k]
		}
	}
	for k := m - 1; k >= 0; k-- {
		for c := k + 1; c < m; c++ {
			b[k] -= a[k*m+c] * b[c]
		}
		b[k] /= a[k*m+k]
	}
}
