package infer

import "github.com/settle-pc/settle/tensor"

// Euler is gradient descent with a fixed step, z ← z − dt ∂F/∂z: on activities the inference of the post (Eq. 4),
// explicit Euler on ż = −∂F/∂z. Per sample it is stable for dt < 2/λ_max of the Hessian and contracts the slowest
// direction by 1 − dt λ_min a step. Cost: two passes a step. Prefer Auto unless these dynamics are what you study.
type Euler[T tensor.Float] struct {
	DT float64 // 0 means 0.1

	step  []float64
	old   tensor.Matrix[T]
	known bool // the objective has curvature, so that the gap can be estimated
}

var _ Method[float32] = (*Euler[float32])(nil)

// Init evaluates the start.
func (m *Euler[T]) Init(f Objective[T], p *Point[T]) error {
	m.step = resize(m.step, p.Z.Rows)
	m.old = reshape(m.old, p.Z)
	_, m.known = curved(f)
	p.Eval(f)
	return nil
}

// Step makes one step of size dt.
func (m *Euler[T]) Step(f Objective[T], p *Point[T]) {
	dt := orElse(m.DT, defaultDT)
	for i, done := range p.Done {
		m.step[i] = -dt
		if done {
			m.step[i] = 0
		}
	}
	if m.known {
		m.old.CopyFrom(p.Grad)
	}
	tensor.AxpyRows(p.Z, m.step, p.Grad)
	p.Eval(f)
	if !m.known {
		return
	}
	for i, done := range p.Done {
		if !done {
			p.Alpha[i] = metric[T]{}.secant(dt, m.old.Row(i), p.Grad.Row(i)).long(1 / minStep)
		}
	}
}

// resize returns a zeroed slice of n, reusing the memory of v where it suffices.
func resize(v []float64, n int) []float64 {
	if cap(v) < n {
		return make([]float64, n)
	}
	v = v[:n]
	clear(v)
	return v
}

// reshape returns a matrix of like's shape, reusing m's memory where it suffices.
func reshape[T tensor.Float](m, like tensor.Matrix[T]) tensor.Matrix[T] {
	n := like.Rows * like.Cols
	if cap(m.Data) < n {
		return tensor.New[T](like.Rows, like.Cols)
	}
	return tensor.Of(like.Rows, like.Cols, m.Data[:n])
}
