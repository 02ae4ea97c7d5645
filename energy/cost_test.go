package energy

import (
	"math"
	"testing"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// meter reports what was spent since the last look.
type meter struct {
	cost         func() (passes, macs float64)
	passes, macs float64
}

func (m *meter) look() (passes, macs float64) {
	p, k := m.cost()
	passes, macs = p-m.passes, k-m.macs
	m.passes, m.macs = p, k
	return passes, macs
}

// TestCostIsThatOfTheNotation: a pass for one map over all layers and rows, whatever is skipped; multiply-adds as done,
// over those of a feedforward evaluation. The layers of 4-5-3-2 cost 20, 15 and 6, together 41.
func TestCostIsThatOfTheNotation(t *testing.T) {
	const all, kept = 41, 21 // with g_1(x) computed, and with it kept
	arch := nn.Arch{Dims: []int{4, 5, 3, 2}, Act: nn.Tanh}
	x := newFixture(t, problem{arch, nil, nil})
	a, e := x.state.Activities(), x.state.Errors()
	f, grad := make([]float64, 3), tensor.New[float64](3, 8)
	u, none := tensor.New[float64](3, 2), tensor.Matrix[float64]{}
	one := func(m tensor.Matrix[float64]) tensor.Matrix[float64] { return m.RowsOf(0, 1) }
	clamp := func() { x.state.Clamp(0, x.data[0]) }
	bill{x, &meter{cost: x.state.Cost}}.check(t, []item{
		{"Start in errors", func() { e.Start(x.point) }, 0, 0},
		{"Start in activities", func() { a.Start(x.point) }, 1, 35}, // ŷ is not needed
		{"value", func() { a.Eval(f, none, x.point) }, 1, kept},
		{"value and gradient", func() { a.Eval(f, grad, x.point) }, 2, 2 * kept},
		{"the same in errors", func() { e.Eval(f, grad, x.point) }, 2, 2 * kept},
		{"value in errors", func() { e.Eval(f, none, x.point) }, 1, kept},
		{"one row of three", func() { e.Eval(f, one(grad), one(x.point)) }, 2. / 3, 2. / 3 * kept},
		{"one row of three in activities", func() { a.Eval(f, one(grad), one(x.point)) }, 2. / 3, 2. / 3 * kept},
		{"Push", func() { e.Push(u, grad) }, 1, kept},
		{"Pull", func() { e.Pull(grad, u) }, 1, kept},
		{"Push of one row", func() { e.Push(one(u), one(grad)) }, 1. / 3, 1. / 3 * kept},
		{"Pull of one row", func() { e.Pull(one(grad), one(u)) }, 1. / 3, 1. / 3 * kept},
		{"Curve and Residual", func() { e.Curve(u, u); e.Residual(u) }, 0, 0},
		{"weight gradient", func() { x.state.Gradient(make([]float64, len(x.theta))) }, 1, all},
		{"Clamp", clamp, 0, 0},
		{"another input", func() { e.Eval(f, none, x.point) }, 1, all},
		{"the same input", func() { e.Eval(f, none, x.point) }, 1, kept},
		{"other weights", func() { x.perturb(); a.Eval(f, none, x.point) }, 1, all},
		{"the same weights", func() { a.Eval(f, none, x.point) }, 1, kept},
		{"one row of another input", func() { clamp(); a.Eval(f, none, one(x.point)) }, 1. / 3, 1. / 3 * all},
		{"then all", func() { a.Eval(f, none, x.point) }, 1, all},
		{"Start", func() { clamp(); a.Start(one(x.point)) }, 1. / 3, 1. / 3 * 35},
	})

	window := x.state.RowsOf(1, 3).Errors() // counts for itself, in units of its own rows
	point, g := x.point.RowsOf(1, 3), grad.RowsOf(1, 3)
	bill{x, &meter{cost: window.Cost}}.check(t, []item{
		{"window, at first", func() { window.Eval(f, g, point) }, 2, all + kept},
		{"window", func() { window.Eval(f, g, point) }, 2, 2 * kept},
		{"one row of a window", func() { window.Eval(f, none, one(point)) }, 0.5, 0.5 * kept},
	})

	free := newFixture(t, problem{arch, nil, []int{3}})
	g = tensor.New[float64](3, 12)
	bill{free, &meter{cost: free.state.Cost}}.check(t, []item{
		{"free input, activities", func() { free.state.Activities().Eval(f, g, free.point) }, 2, 2 * all},
		{"free input, errors", func() { free.state.Errors().Eval(f, g, free.point) }, 2, 2 * all},
	})
}

// TestOneLayerCostsPasses: with L = 1 there is nothing to move, but a pass is a pass.
func TestOneLayerCostsPasses(t *testing.T) {
	x := newFixture(t, problem{nn.Arch{Dims: []int{4, 2}}, nil, nil})
	e, f := x.state.Errors(), make([]float64, 3)
	u := tensor.New[float64](3, 2)
	bill{x, &meter{cost: x.state.Cost}}.check(t, []item{
		{"value", func() { e.Eval(f, tensor.Matrix[float64]{}, x.point) }, 1, 8},
		{"value and gradient", func() { e.Eval(f, x.point, x.point) }, 2, 0},
		{"Push", func() { e.Push(u, x.point) }, 1, 0},
		{"Pull", func() { e.Pull(x.point, u) }, 1, 0},
	})
	for i := range u.Rows {
		if tensor.Dot(u.Row(i), u.Row(i)) != 0 {
			t.Errorf("Jv without free layers is %v", u.Row(i))
		}
	}
}

// item is a call and what it costs: passes, and multiply-adds of a row.
type item struct {
	what         string
	call         func()
	passes, macs float64
}

type bill struct {
	x *fixture
	m *meter
}

func (b bill) check(t *testing.T, items []item) {
	t.Helper()
	for _, c := range items {
		c.call()
		passes, macs := b.m.look()
		macs *= float64(b.x.net.MACs())
		if !(math.Abs(passes-c.passes) <= 1e-12) || !(math.Abs(macs-c.macs) <= 1e-10) {
			t.Errorf("%s: %v passes, %v multiply-adds a row, want %v and %v", c.what, passes, macs, c.passes, c.macs)
		}
	}
}
