package energy

import (
	"fmt"
	"math"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// twoWay is a problem in both directions with the naive energy of each.
type twoWay struct {
	up, down *fixture
	f        *Bidirectional[float64]
}

func newTwoWay(t *testing.T, p problem, weight float64) *twoWay {
	back, L := p, len(p.arch.Dims)-1
	back.arch.Dims = nil
	for l := L; l >= 0; l-- {
		back.arch.Dims = append(back.arch.Dims, p.arch.Dims[l])
	}
	back.pi = make([]float64, L)
	for l := range back.pi {
		back.pi[l] = weight * (1 + 0.5*float64(l))
	}
	if p.clamped != nil {
		back.clamped = []int{}
		for _, l := range p.clamped {
			back.clamped = append(back.clamped, L-l)
		}
	}
	x := &twoWay{up: newFixture(t, p), down: newFixture(t, back)}
	down := *x.down.pc
	down.Clamped = []int{0} // is replaced by what Up clamps
	x.f = NewBidirectional(x.up.pc, &down, x.up.rows)
	for l := range p.arch.Dims {
		if x.up.given(l) {
			x.f.Clamp(l, x.up.data[l])
		}
	}
	return x
}

// energy is F of sample i at the point p: both naive energies of the same activities.
func (x *twoWay) energy(i int, p []float64) float64 {
	z := x.up.activities(i, p)
	back := make([][]float64, len(z))
	for l := range z {
		back[len(z)-1-l] = z[l]
	}
	return x.up.energy(z) + x.down.energy(back)
}

// TestBidirectionalEnergyIsTheSumOfBoth, its gradient in z their sum and each network's gradient in θ its own, whatever is clamped.
func TestBidirectionalEnergyIsTheSumOfBoth(t *testing.T) {
	eachProblem(t, func(t *testing.T, u *fixture) {
		x := newTwoWay(t, u.problem, 0.7)
		p := x.up.point
		f, grad := make([]float64, x.up.rows), check.Random[float64](x.up.rng, x.up.rows, x.f.Dim())
		x.f.Eval(f, grad, p)
		if passes, _ := x.f.Cost(); passes != 4 {
			t.Errorf("an evaluation with gradient cost %v passes, want 4", passes)
		}
		gu, gd := make([]float64, len(x.up.theta)), make([]float64, len(x.down.theta))
		x.f.Up.Gradient(gu)
		x.f.Down.Gradient(gd)
		total := func() float64 {
			sum := 0.0
			for i := range x.up.rows {
				sum += x.energy(i, p.Row(i))
			}
			return sum
		}
		for i := range x.up.rows {
			if want := x.energy(i, p.Row(i)); !check.Close(f[i], want, roundTol) {
				t.Errorf("F of sample %d = %v, want %v", i, f[i], want)
			}
			want := check.Gradient(func() float64 { return x.energy(i, p.Row(i)) }, p.Row(i))
			if x.f.Dim() > 0 && !(check.RelError(grad.Row(i), want) <= fdTol) {
				t.Errorf("gradient of sample %d is off by %g", i, check.RelError(grad.Row(i), want))
			}
		}
		for what, c := range map[string]struct{ got, theta []float64 }{"up": {gu, x.up.theta}, "down": {gd, x.down.theta}} {
			if d := check.RelError(c.got, check.Gradient(total, c.theta)); !(d <= fdTol) {
				t.Errorf("∂F/∂θ %s is off by %g", what, d)
			}
		}
	})
}

// TestBidirectionalComesToPC: as the precisions of the way down vanish, its gradient is PC's, with an error linear in them; and both
// start at a feedforward point, where the errors of one direction are 0.
func TestBidirectionalComesToPC(t *testing.T) {
	for _, clamped := range [][]int{nil, {0}, {3}} {
		p := problem{arch: archOf(4, 5, 3, 2), clamped: clamped}
		var off [2]float64
		for k, weight := range []float64{1e-4, 1e-5} {
			x := newTwoWay(t, p, weight)
			f := make([]float64, x.up.rows)
			grad, want := tensor.New[float64](x.up.rows, x.f.Dim()), tensor.New[float64](x.up.rows, x.f.Dim())
			x.f.Eval(f, grad, x.up.point)
			x.up.state.Activities().Eval(make([]float64, x.up.rows), want, x.up.point)
			off[k] = check.RelError(grad.Data, want.Data)
		}
		if !(off[0] < 0.01) || !(math.Abs(off[0]/off[1]-10) < 0.1) {
			t.Errorf("clamped %v: off PC by %g and %g", clamped, off[0], off[1])
		}
		x := newTwoWay(t, p, 1)
		z := tensor.New[float64](x.up.rows, x.f.Dim())
		x.f.Start(z)
		x.f.Eval(make([]float64, x.up.rows), tensor.Matrix[float64]{}, z)
		side := x.f.Up
		if !x.up.given(0) {
			side = x.f.Down
		}
		for l := 1; l < 3; l++ {
			if u := side.Trace.U[l]; tensor.Dot(u.Data, u.Data) != 0 {
				t.Errorf("clamped %v: starts with an error in layer %d", clamped, l)
			}
		}
	}
	two, three := newFixture(t, problem{arch: archOf(3, 2)}), newFixture(t, problem{arch: archOf(3, 4, 2)})
	for want, f := range map[string]func(){
		"energy: two directions of different depths": func() { NewBidirectional(two.pc, three.pc, 1) },
		"energy: two directions of different widths": func() { NewBidirectional(two.pc, two.pc, 1) },
	} {
		if got := fmt.Sprint(check.Panic(f)); got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}
}
