package energy

import (
	"math"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// eachCurved runs f for the problems that have an output space: input and target clamped.
func eachCurved(t *testing.T, f func(t *testing.T, x *fixture, e *Errors[float64])) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		if x.clamped != nil {
			return
		}
		e := x.state.Errors()
		e.Eval(make([]float64, x.rows), tensor.Matrix[float64]{}, x.point)
		f(t, x, e)
	})
}

// output is ŷ of sample i at the errors e.
func (x *fixture) output(i int, e []float64) []float64 {
	z := x.fromErrors(i, e)
	return x.g(x.L(), z[x.L()-1])
}

func TestResidualIsThatOfTheOutput(t *testing.T) {
	eachCurved(t, func(t *testing.T, x *fixture, e *Errors[float64]) {
		r := tensor.New[float64](x.rows, e.Outputs())
		e.Residual(r)
		for i := range x.rows {
			want := x.output(i, x.point.Row(i))
			for j := range want {
				want[j] = x.precision(x.L()) * (x.data[x.L()].Row(i)[j] - want[j])
			}
			if d := check.RelError(r.Row(i), want); !(d <= roundTol) {
				t.Errorf("r of sample %d is off by %v", i, d)
			}
		}
	})
}

func TestPushIsTheDerivativeOfTheOutput(t *testing.T) {
	eachCurved(t, func(t *testing.T, x *fixture, e *Errors[float64]) {
		v := check.Random[float64](x.rng, x.rows, e.Dim())
		before := check.Clone(v)
		got := check.Random[float64](x.rng, x.rows, e.Outputs())
		e.Push(got, v)
		if !check.Same(v, before) {
			t.Error("Push changes v")
		}
		for i := range x.rows {
			at := func(h float64) []float64 {
				p := make([]float64, e.Dim())
				for j := range p {
					p[j] = x.point.Row(i)[j] + h*v.Row(i)[j]
				}
				return x.output(i, p)
			}
			want, down := at(check.Step), at(-check.Step)
			for j := range want {
				want[j] = (want[j] - down[j]) / (2 * check.Step)
			}
			if d := check.RelError(got.Row(i), want); !(d <= fdTol) {
				t.Errorf("Jv of sample %d is %v, differences give %v", i, got.Row(i), want)
			}
		}
	})
}

func TestPullIsTheDerivativeOfTheOutput(t *testing.T) {
	eachCurved(t, func(t *testing.T, x *fixture, e *Errors[float64]) {
		u, v := check.Random[float64](x.rng, x.rows, e.Outputs()), check.Random[float64](x.rng, x.rows, e.Dim())
		before := check.Clone(u)
		ju, jv := check.Random[float64](x.rng, x.rows, e.Dim()), tensor.New[float64](x.rows, e.Outputs())
		e.Pull(ju, u)
		e.Push(jv, v)
		if !check.Same(u, before) {
			t.Error("Pull changes u")
		}
		for i := range x.rows {
			p := x.point.Row(i)
			want := check.Gradient(func() float64 { return tensor.Dot(u.Row(i), x.output(i, p)) }, p)
			if d := check.RelError(ju.Row(i), want); !(d <= fdTol) {
				t.Errorf("Jᵀu of sample %d is %v, differences give %v", i, ju.Row(i), want)
			}
			a, b := tensor.Dot(u.Row(i), jv.Row(i)), tensor.Dot(ju.Row(i), v.Row(i))
			if !(math.Abs(a-b) <= roundTol*(math.Abs(a)+tensor.Dot(u.Row(i), u.Row(i)))) {
				t.Errorf("sample %d: ⟨u, Jv⟩ = %v, ⟨Jᵀu, v⟩ = %v", i, a, b)
			}
		}
	})
}

// TestRepeatedPointsPullAsTheirSample: the same bits, whatever the rows; and the next Eval finds all in order.
func TestRepeatedPointsPullAsTheirSample(t *testing.T) {
	eachCurved(t, func(t *testing.T, x *fixture, e *Errors[float64]) {
		for samples := 1; samples <= min(2, x.rows); samples++ {
			times := x.rows / samples
			u := check.Random[float64](x.rng, samples*times, e.Outputs())
			want, got := tensor.New[float64](x.rows, e.Dim()), tensor.New[float64](samples*times, e.Dim())
			one, alone := tensor.New[float64](x.rows, e.Outputs()), tensor.New[float64](x.rows, e.Dim())
			for i := range u.Rows {
				copy(one.Row(i/times), u.Row(i))
				e.Pull(alone, one)
				copy(want.Row(i), alone.Row(i/times))
			}
			if e.PullEach(got, u, samples); !check.Same(got, want.RowsOf(0, u.Rows)) {
				t.Errorf("%d samples in %d rows each: Jᵀu is not that of the samples", samples, times)
			}
			for _, c := range x.both() {
				checkFresh(t, x, c, x.rows, "after PullEach")
			}
			e.Eval(make([]float64, x.rows), tensor.Matrix[float64]{}, x.point)
		}
	})
}

// hessian returns ⟨u, (D + JᵀHJ) v⟩ of each sample.
func hessian(e *Errors[float64], u, v tensor.Matrix[float64]) []float64 {
	j, hv := tensor.New[float64](v.Rows, e.Outputs()), tensor.New[float64](v.Rows, v.Cols)
	e.Push(j, v)
	e.Curve(j, j)
	e.Pull(hv, j)
	q := make([]float64, v.Rows)
	for i := range q {
		for k, d := range e.Precision() {
			q[i] += u.Row(i)[k] * (hv.Row(i)[k] + d*v.Row(i)[k])
		}
	}
	return q
}

// mixed returns the second difference of F of sample i along u and v, of step h, which is ⟨u, ∂²F/∂e² v⟩.
func (x *fixture) mixed(i int, u, v []float64, h float64) float64 {
	at := func(a, b float64) float64 {
		p := make([]float64, len(u))
		for k := range p {
			p[k] = x.point.Row(i)[k] + a*u[k] + b*v[k]
		}
		return x.energy(x.fromErrors(i, p))
	}
	return (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4 * h * h)
}

// TestCurvatureIsTheHessian: exact for linear networks, where F is quadratic, and for all where y = ŷ, so that the
// curvature of ŷ does not count.
func TestCurvatureIsTheHessian(t *testing.T) {
	eachCurved(t, func(t *testing.T, x *fixture, e *Errors[float64]) {
		h, tol := 1.0, 1e-12 // on a quadratic a difference is exact at any step
		if !e.Quadratic() {
			// Rounding 4ε|F|/4h² and truncation h²F⁗/6 balance near ε^¼.
			h, tol = 1e-4, 1e-5
			for i := range x.rows {
				copy(x.data[x.L()].Row(i), x.output(i, x.point.Row(i)))
			}
			e.Eval(make([]float64, x.rows), tensor.Matrix[float64]{}, x.point)
		}
		for range 5 {
			u, v := check.Random[float64](x.rng, x.rows, e.Dim()), check.Random[float64](x.rng, x.rows, e.Dim())
			uu, vv := hessian(e, u, u), hessian(e, v, v)
			for i, got := range hessian(e, u, v) {
				if want := x.mixed(i, u.Row(i), v.Row(i), h); !(math.Abs(got-want) <= tol*math.Sqrt(uu[i]*vv[i])) {
					t.Errorf("sample %d: ⟨u, Hv⟩ = %v, differences give %v", i, got, want)
				}
			}
		}
	})
}

func TestQuadraticAndOutputs(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		e := x.state.Errors()
		if want := x.arch.Act == nn.Linear || x.L() == 1; e.Quadratic() != want {
			t.Errorf("quadratic: %v, want %v", e.Quadratic(), want)
		}
		want := 0
		if x.clamped == nil {
			want = x.net.Outputs()
		}
		if e.Outputs() != want {
			t.Errorf("%d outputs, want %d", e.Outputs(), want)
		}
		var pi []float64
		for l, width := range x.arch.Dims {
			for range width {
				if l == 0 && !x.given(l) {
					pi = append(pi, 0)
				} else if !x.given(l) {
					pi = append(pi, x.precision(l))
				}
			}
		}
		if !check.SameBits(e.Precision(), pi) || e.Dim() != len(pi) {
			t.Errorf("D = %v, want %v", e.Precision(), pi)
		}
		if e.Outputs() == 0 {
			m := tensor.New[float64](x.rows, max(e.Dim(), 1))
			const want = "energy: J needs input and target clamped, and nothing else"
			if p, q := check.Panic(func() { e.Push(m, m) }), check.Panic(func() { e.Pull(m, m) }); p != want || q != want {
				t.Errorf("Push and Pull without an output space panic with %v and %v", p, q)
			}
		}
	})
}
