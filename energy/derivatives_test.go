package energy

import (
	"math"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

func TestEnergyIsItsFormula(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			got, _ := eval(c, x.point)
			only := []float64{7, 7, 7, 7} // what was there does not matter, nor that f is longer
			c.f.Eval(only, tensor.Matrix[float64]{}, x.point)
			for i, f := range got {
				want := x.energy(c.z(i, x.point.Row(i)))
				if !check.Close(f, want, roundTol) {
					t.Errorf("%s: F of sample %d = %v, want %v", c.name, i, f, want)
				}
			}
			if !check.SameBits(only[:3], got) || only[3] != 7 {
				t.Errorf("%s: F without gradient %v, with %v", c.name, only, got)
			}
		}
	})
}

func TestGradientIsTheDerivativeOfF(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			checkGradient(t, x, c)
		}
	})
}

// checkGradient compares ∂F/∂z, or ∂F/∂e, with central differences of the naive formula.
func checkGradient(t *testing.T, x *fixture, c coordinates) {
	t.Helper()
	_, grad := eval(c, x.point)
	for i := range x.rows {
		p := x.point.Row(i)
		want := check.Gradient(func() float64 { return x.energy(c.z(i, p)) }, p)
		if e := check.RelError(grad.Row(i), want); !(e <= fdTol) {
			t.Errorf("%s: gradient of sample %d is %v, differences give %v", c.name, i, grad.Row(i), want)
		}
	}
}

// TestWeightGradientIsTheDerivativeOfF holds z fixed, in either coordinates: Eq. 5.
func TestWeightGradientIsTheDerivativeOfF(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			checkWeightGradient(t, x, c)
		}
	})
}

func checkWeightGradient(t *testing.T, x *fixture, c coordinates) {
	t.Helper()
	eval(c, x.point)
	got := make([]float64, len(x.theta))
	for i := range got {
		got[i] = math.NaN() // what was there does not matter
	}
	x.state.Gradient(got)
	var z [][][]float64
	for i := range x.rows {
		z = append(z, c.z(i, x.point.Row(i)))
	}
	want := check.Gradient(func() float64 {
		sum := 0.0
		for i := range z {
			sum += x.energy(z[i])
		}
		return sum
	}, x.theta)
	if e := check.RelError(got, want); !(e <= fdTol) {
		t.Errorf("%s: ∂F/∂θ = %v, differences give %v", c.name, got, want)
	}
}

// logCosh is another output term: F_L = π_L Σ log cosh(y − ŷ), whose curvature depends on ŷ.
type logCosh struct{}

func (logCosh) Residual(f []float64, r, y, yhat tensor.Matrix[float64], precision float64) {
	for i := range r.Rows {
		for j := range r.Cols {
			d := y.Row(i)[j] - yhat.Row(i)[j]
			f[i] += precision * math.Log(math.Cosh(d))
			r.Row(i)[j] = precision * math.Tanh(d)
		}
	}
}

// Curvature uses ŷ alone, as the interface allows: y is taken to be 0.4 everywhere.
func (logCosh) Curvature(dst, v, yhat tensor.Matrix[float64], precision float64) {
	for i := range dst.Rows {
		for j := range dst.Cols {
			s := 1 / math.Cosh(0.4-yhat.Row(i)[j])
			dst.Row(i)[j] = precision * s * s * v.Row(i)[j]
		}
	}
}

func (logCosh) Mean(dst, yhat tensor.Matrix[float64]) { dst.CopyFrom(yhat) }

func (logCosh) Quadratic() bool { return false }

// TestAnotherOutputTerm: gradients, and the curvature at ŷ of the last Eval, follow the term that the problem names.
func TestAnotherOutputTerm(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		if !x.given(x.L()) {
			return
		}
		for i := range x.rows {
			for j := range x.data[x.L()].Cols {
				x.data[x.L()].Row(i)[j] = 0.4
			}
		}
		x.use(logCosh{}, func(y, yhat float64) float64 { return math.Log(math.Cosh(y - yhat)) })
		for _, c := range x.both() {
			checkGradient(t, x, c)
			checkWeightGradient(t, x, c)
		}
		e := x.state.Errors()
		if e.Quadratic() {
			t.Error("quadratic with another output term")
		}
		f, n := make([]float64, x.rows), x.net.Outputs()
		e.Eval(f, tensor.Matrix[float64]{}, x.point)
		v, got := check.Random[float64](x.rng, x.rows, n), tensor.New[float64](x.rows, n)
		e.Curve(got, v)
		for i := range x.rows {
			z := x.fromErrors(i, x.point.Row(i))
			for j, yhat := range x.g(x.L(), z[x.L()-1]) {
				s := 1 / math.Cosh(0.4-yhat)
				if want := x.precision(x.L()) * s * s * v.Row(i)[j]; !check.Close(got.Row(i)[j], want, roundTol) {
					t.Errorf("Hv[%d][%d] = %v, want %v", i, j, got.Row(i)[j], want)
				}
			}
		}
	})
}

// TestPlaceIsTheInverseOfEval: the point that Place makes of the activities has them, in either coordinates.
func TestPlaceIsTheInverseOfEval(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			eval(c, x.point)
			z := make([]tensor.Matrix[float64], x.L()+1)
			for l := range z {
				z[l] = check.Clone(x.state.Trace.Z[l])
			}
			got := check.Random[float64](x.rng, x.rows, x.state.Dim())
			c.f.Place(got, z)
			for i := range x.rows {
				// In errors a difference of activities; a point without coordinates has none.
				if x.state.Dim() > 0 && !(check.RelError(got.Row(i), x.point.Row(i)) <= 10*roundTol) {
					t.Errorf("%s: placed at %v, want %v", c.name, got.Row(i), x.point.Row(i))
				}
			}
		}
	})
}

func TestErrorAndActivityEnergiesAgree(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		c := x.both()
		fe, _ := eval(c[1], x.point) // at e
		ge, gz := make([]float64, len(x.theta)), make([]float64, len(x.theta))
		x.state.Gradient(ge)
		z := tensor.New[float64](x.rows, x.state.Dim()) // the same activities, from the trace
		at := 0
		for l, width := range x.arch.Dims {
			if !x.given(l) {
				z.ColsOf(at, at+width).CopyFrom(x.state.Trace.Z[l])
				at += width
			}
		}
		fz, _ := eval(c[0], z)
		x.state.Gradient(gz)
		for i := range fe {
			if !check.Close(fz[i], fe[i], roundTol) {
				t.Errorf("sample %d: F(z) = %v, F(e) = %v", i, fz[i], fe[i])
			}
		}
		if e := check.RelError(gz, ge); !(e <= roundTol) {
			t.Errorf("∂F/∂θ at the same z differ by %v", e)
		}
	})
}

// TestTraceHoldsWhatLearningNeeds: after Eval, z_l are the activities and u_l = π_l e_l, for every layer.
func TestTraceHoldsWhatLearningNeeds(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		for _, c := range x.both() {
			eval(c, x.point)
			for i := range x.rows {
				z := c.z(i, x.point.Row(i))
				for l := range z {
					if e := check.RelError(x.state.Trace.Z[l].Row(i), z[l]); !(e <= roundTol) {
						t.Errorf("%s: z_%d of sample %d is off by %v", c.name, l, i, e)
					}
					if l == 0 {
						continue
					}
					u := x.g(l, z[l-1])
					for j := range u {
						u[j] = x.precision(l) * (z[l][j] - u[j])
					}
					if e := check.RelError(x.state.Trace.U[l].Row(i), u); !(e <= 10*roundTol) { // a difference
						t.Errorf("%s: u_%d of sample %d is off by %v", c.name, l, i, e)
					}
				}
			}
		}
	})
}

func TestSquaredErrorIsItsFormula(t *testing.T) {
	y, yhat := tensor.Of(2, 2, []float64{1, 2, 3, 4}), tensor.Of(2, 2, []float64{0.5, 4, 3, 1})
	f := []float64{10, 20}
	var out SquaredError[float64]
	out.Residual(f, yhat, y, yhat, 3) // r may be ŷ
	if want := []float64{10 + 1.5*(0.25+4), 20 + 1.5*9}; !check.SameBits(f, want) {
		t.Errorf("F = %v, want %v", f, want)
	}
	if want := []float64{1.5, -6, 0, 9}; !check.SameBits(yhat.Data, want) {
		t.Errorf("r = %v, want %v", yhat.Data, want)
	}
	v := tensor.Of(1, 2, []float64{5, -7})
	out.Curvature(v, v, tensor.Matrix[float64]{}, 3) // dst may be v
	if want := []float64{15, -21}; !check.SameBits(v.Data, want) {
		t.Errorf("Hv = %v, want %v", v.Data, want)
	}
	if !out.Quadratic() {
		t.Error("squared error is not quadratic")
	}
}
