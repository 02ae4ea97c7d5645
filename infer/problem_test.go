package infer_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// both runs a generic check for the two element types.
func both(t *testing.T, check32, check64 func(t *testing.T)) {
	t.Run("float32", check32)
	t.Run("float64", check64)
}

func single[T tensor.Float]() bool { return T(1)+T(0x1p-30) == 1 }

func normal[T tensor.Float](rng *rand.Rand, rows, cols int) tensor.Matrix[T] {
	m := tensor.New[T](rows, cols)
	for i := range m.Data {
		m.Data[i] = T(rng.NormFloat64())
	}
	return m
}

// bowl is F_i(z) = ½ zᵀD z + (h/2)‖y_i − J z‖² in plain loops: a quadratic with curvature that owes nothing to package
// energy. Its work is counted by spy.
type bowl[T tensor.Float] struct {
	d []T
	j tensor.Matrix[T] // n_L×Dim
	h float64
	y tensor.Matrix[T] // B×n_L
	r tensor.Matrix[T] // h (y − J z) at the last Eval
}

// newBowl has the eigenvalues top, …, 1 of hJᵀJ in geometric progression, all of which its gradient at 0 excites; d nil
// means D = I.
func newBowl[T tensor.Float](rows, dim, outputs int, d []float64, top float64) *bowl[T] {
	rng := rand.New(rand.NewPCG(uint64(dim), uint64(outputs)))
	b := &bowl[T]{d: make([]T, dim), j: normal[T](rng, outputs, dim), h: 2, y: normal[T](rng, rows, outputs), r: tensor.New[T](rows, outputs)}
	for k := range b.d {
		b.d[k] = 1
		if d != nil {
			b.d[k] = T(d[k])
		}
	}
	var svd mat.SVD
	if !svd.Factorize(b.dense(), mat.SVDThin) {
		panic("no singular values")
	}
	var u, v, j mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	s := mat.NewDiagDense(outputs, nil)
	for k := range outputs {
		s.SetDiag(k, math.Sqrt(math.Pow(top, 1-float64(k)/float64(outputs-1))/b.h))
	}
	j.Product(&u, s, v.T())
	for k, x := range j.RawMatrix().Data {
		b.j.Data[k] = T(x)
	}
	return b
}

func (b *bowl[T]) Dim() int             { return len(b.d) }
func (b *bowl[T]) Outputs() int         { return b.j.Rows }
func (b *bowl[T]) Precision() []T       { return b.d }
func (b *bowl[T]) Quadratic() bool      { return true }
func (b *bowl[T]) Smooth() bool         { return true }
func (b *bowl[T]) Isotropic() bool      { return true }
func (b *bowl[T]) Cost() (_, _ float64) { return 0, 0 }
func (b *bowl[T]) dense() *mat.Dense    { return mat.NewDense(b.j.Rows, b.j.Cols, wide(b.j.Data)) }

func (b *bowl[T]) Eval(f []float64, grad, z tensor.Matrix[T]) {
	for i := range z.Rows {
		f[i] = 0
		for k, v := range z.Row(i) {
			f[i] += float64(b.d[k]) * float64(v) * float64(v) / 2
			if grad.Rows > 0 {
				grad.Row(i)[k] = b.d[k] * v
			}
		}
		for o := range b.j.Rows {
			r := float64(b.y.Row(i)[o])
			for k, v := range z.Row(i) {
				r -= float64(b.j.Row(o)[k]) * float64(v)
			}
			f[i] += b.h * r * r / 2
			b.r.Row(i)[o] = T(b.h * r)
			if grad.Rows > 0 {
				tensor.Axpy(grad.Row(i), -b.r.Row(i)[o], b.j.Row(o))
			}
		}
	}
}

func (b *bowl[T]) Residual(r tensor.Matrix[T]) { r.CopyFrom(b.r.RowsOf(0, r.Rows)) }

func (b *bowl[T]) Curve(dst, v tensor.Matrix[T]) {
	dst.CopyFrom(v)
	for i := range dst.Rows {
		tensor.Scale(dst.Row(i), T(b.h))
	}
}

func (b *bowl[T]) Push(dst, v tensor.Matrix[T]) { tensor.NaiveMulT(dst, v, b.j) }
func (b *bowl[T]) Pull(dst, u tensor.Matrix[T]) { tensor.NaiveMul(dst, u, b.j) }

// PullEach is Pull: all samples have one J.
func (b *bowl[T]) PullEach(dst, u tensor.Matrix[T], samples int) { b.Pull(dst, u) }

// minima returns F* of each sample: z* = (D + hJᵀJ)⁻¹ hJᵀy.
func (b *bowl[T]) minima(t testing.TB) []float64 {
	t.Helper()
	a, j := hessian(wide(b.d), b.h, b.dense()), b.dense()
	var want []float64
	for i := range b.y.Rows {
		var rhs, z, jz mat.VecDense
		y := mat.NewVecDense(b.y.Cols, wide(b.y.Row(i)))
		rhs.MulVec(j.T(), y)
		rhs.ScaleVec(b.h, &rhs)
		if err := z.SolveVec(a, &rhs); err != nil {
			t.Fatalf("oracle: %v", err)
		}
		jz.MulVec(j, &z)
		y.SubVec(y, &jz)
		f := b.h / 2 * mat.Dot(y, y)
		for k, d := range b.d {
			f += float64(d) / 2 * z.AtVec(k) * z.AtVec(k)
		}
		want = append(want, f)
	}
	return want
}

// diagonal is F_i(z) = ½ Σ_j a_ij (z_ij − c_ij)², every sample with its own curvatures, and no curvature to share.
type diagonal[T tensor.Float] struct{ a, c tensor.Matrix[T] }

func (d *diagonal[T]) Dim() int             { return d.a.Cols }
func (d *diagonal[T]) Cost() (_, _ float64) { return 0, 0 }

func (d *diagonal[T]) Eval(f []float64, grad, z tensor.Matrix[T]) {
	for i := range z.Rows {
		f[i] = 0
		for k, v := range z.Row(i) {
			a, e := float64(d.a.Row(i)[k]), float64(v)-float64(d.c.Row(i)[k])
			f[i] += a * e * e / 2
			if grad.Rows > 0 {
				grad.Row(i)[k] = T(a * e)
			}
		}
	}
}

// spy passes an objective on, counts passes by itself and remembers the point of the last Eval.
type spy[T tensor.Float] struct {
	infer.Objective[T]
	rows   int
	passes float64
	evals  int
	last   tensor.Matrix[T]
}

func newSpy[T tensor.Float](f infer.Objective[T], rows int) *spy[T] {
	return &spy[T]{Objective: f, rows: rows, last: tensor.New[T](rows, f.Dim())}
}

func (s *spy[T]) count(passes, rows int) { s.passes += float64(passes*rows) / float64(s.rows) }

func (s *spy[T]) Cost() (passes, macs float64) { return s.passes, 10 * s.passes }

func (s *spy[T]) Eval(f []float64, grad, z tensor.Matrix[T]) {
	s.Objective.Eval(f, grad, z)
	s.evals++
	s.last.RowsOf(0, z.Rows).CopyFrom(z)
	s.count(1, z.Rows)
	if grad.Rows > 0 {
		s.count(1, z.Rows)
	}
}

func (s *spy[T]) curved() infer.Curved[T] { return s.Objective.(infer.Curved[T]) }

// Outputs is 0 where what stands behind has no curvature.
func (s *spy[T]) Outputs() int {
	if c, ok := s.Objective.(infer.Curved[T]); ok {
		return c.Outputs()
	}
	return 0
}
func (s *spy[T]) Precision() []T                { return s.curved().Precision() }
func (s *spy[T]) Quadratic() bool               { return s.curved().Quadratic() }
func (s *spy[T]) Smooth() bool                  { return s.curved().Smooth() }
func (s *spy[T]) Isotropic() bool               { return s.curved().Isotropic() }
func (s *spy[T]) Residual(r tensor.Matrix[T])   { s.curved().Residual(r) }
func (s *spy[T]) Curve(dst, v tensor.Matrix[T]) { s.curved().Curve(dst, v) }
func (s *spy[T]) Push(dst, v tensor.Matrix[T])  { s.curved().Push(dst, v); s.count(1, v.Rows) }
func (s *spy[T]) Pull(dst, u tensor.Matrix[T])  { s.curved().Pull(dst, u); s.count(1, u.Rows) }
func (s *spy[T]) PullEach(dst, u tensor.Matrix[T], samples int) {
	s.curved().PullEach(dst, u, samples)
	s.count(1, u.Rows)
}

// task is a network with a batch to settle.
type task[T tensor.Float] struct {
	arch nn.Arch
	pc   *energy.PC[T]
	x, y tensor.Matrix[T]
}

// newTask draws weights and biases of gain/√fan_in and a normal batch.
func newTask[T tensor.Float](a nn.Arch, pi []float64, gain float64, rows int) *task[T] {
	net, err := nn.Build[T](a)
	if err != nil {
		panic(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
	net.Update(func(theta []T) { tensor.Scale(theta, T(gain*math.Sqrt(3))) })
	rng := rand.New(rand.NewPCG(2, uint64(len(a.Dims))))
	return &task[T]{arch: a, pc: &energy.PC[T]{Net: net, Precision: pi},
		x: normal[T](rng, rows, net.Inputs()), y: normal[T](rng, rows, net.Outputs())}
}

func (k *task[T]) oracle() *mlp { return readMLP(k.arch, k.pc.Net, k.pc.Precision) }

// objective is an energy in either coordinates.
type objective[T tensor.Float] interface {
	infer.Objective[T]
	Start(z tensor.Matrix[T])
}

func (k *task[T]) state() *energy.State[T] {
	s := k.pc.NewState(k.x.Rows)
	s.Clamp(0, k.x)
	s.Clamp(k.pc.Net.L(), k.y)
	return s
}

func (k *task[T]) errors() objective[T]     { return k.state().Errors() }
func (k *task[T]) activities() objective[T] { return k.state().Activities() }

// solve starts at the feedforward point and settles.
func solve[T tensor.Float](t testing.TB, f objective[T], rows int, m infer.Method[T], s infer.Settings) (*infer.Work[T], infer.Result) {
	t.Helper()
	w := infer.NewWork[T](rows, f.Dim())
	f.Start(w.Z)
	r, err := infer.Solve[T](f, w, m, s)
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}
