package infer_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// scaledEigenvalue is λ_max of I + D^(−½)hJᵀJ D^(−½), the Hessian D + hJᵀJ in the metric of D.
func scaledEigenvalue(t *testing.T, d []float64, h float64, j *mat.Dense) float64 {
	t.Helper()
	var scaled mat.Dense
	root := mat.NewDiagDense(len(d), nil)
	for k, v := range d {
		root.SetDiag(k, 1/math.Sqrt(v))
	}
	scaled.Mul(j, root)
	return largestEigenvalue(t, ones(len(d)), h, &scaled)
}

// TestMeasuredStepIsTheInverseOfTheLargestEigenvalue: 1/Step is never above λ_max of the worst sample, and within 10 %
// of it for tanh networks, where J is iterated, 3 % for linear ones, where it is that of S.
func TestMeasuredStepIsTheInverseOfTheLargestEigenvalue(t *testing.T) {
	both(t, checkMeasure[float32], checkMeasure[float64])
}

func checkMeasure[T tensor.Float](t *testing.T) {
	const rows = 8
	rounding := 1e-12
	if single[T]() {
		rounding = 1e-4
	}
	for _, c := range []struct {
		a     nn.Arch
		pi    []float64
		gain  float64
		below float64
	}{
		{nn.Arch{Dims: []int{5, 8, 3}, Act: nn.Tanh}, nil, 1, 0.1},
		{nn.Arch{Dims: []int{5, 8, 8, 8, 4}, Act: nn.Tanh, Bias: true}, nil, 1, 0.1},
		{nn.Arch{Dims: []int{5, 8, 8, 8, 4}, Act: nn.Tanh, Place: nn.Before}, nil, 3, 0.1},
		{nn.Arch{Dims: []int{5, 8, 8, 8, 4}, Act: nn.Tanh}, []float64{0.2, 3, 1, 5}, 2, 0.1},
		{nn.Arch{Dims: []int{5, 8, 8, 8, 4}, Act: nn.Tanh}, []float64{1, 1, 1, 1e-3}, 1, 0.1},
		{nn.Arch{Dims: []int{5, 8, 3}}, nil, 1, 0.03},
		{nn.Arch{Dims: []int{5, 8, 8, 8, 4}, Bias: true}, []float64{0.2, 3, 1, 5}, 2, 0.03},
		{nn.Arch{Dims: []int{5, 7, 7, 7, 7, 9}}, nil, 0.5, 0.03},
	} {
		k := newTask[T](c.a, c.pi, c.gain, rows)
		m := k.oracle()
		want := 0.0
		for i := range rows {
			want = max(want, scaledEigenvalue(t, m.precisions(), m.pi[m.layers()-1], m.outputJacobian(wide(k.x.Row(i)))))
		}
		var curvature infer.Curvature[T]
		f := k.state().Errors()
		z := tensor.New[T](rows, f.Dim())
		curvature.Measure(f, z)
		if got := 1 / curvature.Step; !(got <= want*(1+rounding) && got >= want*(1-c.below)) {
			t.Errorf("%+v, π = %v: λ_max = %v, want %v", c.a, c.pi, got, want)
		}
		first := curvature.Step
		if curvature.Measure(f, z); curvature.Step != first {
			t.Errorf("%+v: measured again %v, before %v", c.a, curvature.Step, first)
		}
	}
}

// TestMeasureWithoutGradient: where no sample has anything to explain there is no curvature to see, and the step is 1.
func TestMeasureWithoutGradient(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}, Act: nn.Tanh}, nil, 1, 2)
	trace := nn.NewTrace(k.pc.Net, 2)
	trace.Z[0] = k.x
	trace.Feedforward()
	k.y.CopyFrom(trace.Z[2])
	var c infer.Curvature[float64]
	f := k.state().Errors()
	if c.Measure(f, tensor.New[float64](2, f.Dim())); c.Step != 1 {
		t.Errorf("step %v, want 1", c.Step)
	}
}

// TestSharedCurvatureSavesMeasuring: with it, Init spends nothing but the start, and it is what Init would have measured.
func TestSharedCurvatureSavesMeasuring(t *testing.T) {
	const rows = 8
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		k := newTask[float64](nn.Arch{Dims: []int{5, 8, 8, 4}, Act: act}, nil, 1, rows)
		s := infer.Settings{Tol: 1e-8}
		own, a := solve[float64](t, k.errors(), rows, &infer.Auto[float64]{}, s)
		var c infer.Curvature[float64]
		lead := k.state().Errors()
		c.Measure(lead, tensor.New[float64](rows, lead.Dim()))
		m := &infer.Auto[float64]{}
		m.Share(&c)
		shared, b := solve[float64](t, k.errors(), rows, m, s)
		start := 2.0
		if act == nn.Linear {
			start = 1
		}
		if b.Passes != start+2*float64(b.Steps) || !(a.Passes > b.Passes) {
			t.Errorf("%v: %v passes for %d steps, want %v and two a step; alone %v", act, b.Passes, b.Steps, start, a.Passes)
		}
		if !check.Same(own.Z, shared.Z) {
			t.Errorf("%v: the shared curvature leads elsewhere", act)
		}
	}
}

// TestAForeignCurvatureIsABug.
func TestAForeignCurvatureIsABug(t *testing.T) {
	k := newTask[float64](nn.Arch{Dims: []int{3, 4, 2}}, nil, 1, 2)
	m := &infer.Exact[float64]{}
	m.Share(&infer.Curvature[float64]{})
	text := check.Panic(func() { solve[float64](t, k.errors(), 2, m, infer.Settings{}) })
	if text != "infer: shared curvature was not measured on this objective" {
		t.Errorf("panics with %v", text)
	}
}
