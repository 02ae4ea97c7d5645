package nn

import (
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// propagated returns a trace of a batch after a forward and a backward pass with u_L = y − ŷ.
func propagated[T tensor.Float](n *Network[T], x, y tensor.Matrix[T]) *Trace[T] {
	tr := NewTrace(n, x.Rows)
	tr.Z[0] = x
	propagate(tr, y)
	return tr
}

func propagate[T tensor.Float](tr *Trace[T], y tensor.Matrix[T]) {
	tr.Feedforward()
	tensor.Sub(tr.U[tr.Net.L()], y, tr.Z[tr.Net.L()])
	tr.Back()
}

// TestTraceCarriesBackpropagation: with u_L = y − ŷ, Back leaves −∂𝓛/∂z_l and PullParams −∂𝓛/∂θ_l, 𝓛 = Σ_b ½‖y − ŷ‖².
func TestTraceCarriesBackpropagation(t *testing.T) {
	for _, place := range []Place{After, Before} {
		t.Run(place.String(), func(t *testing.T) {
			n := network[float64](t, Arch{Dims: []int{4, 5, 3, 2}, Act: Sigmoid, Place: place, Bias: true})
			rng := rand.New(rand.NewPCG(8, 0))
			x, y := check.Random[float64](rng, 3, 4), check.Random[float64](rng, 3, 2)
			tr := propagated(n, x, y)
			theta := append([]float64(nil), n.Theta()...)

			// loss is that of the layers after l, from z.
			loss := func(l int, z []float64, row int) float64 {
				for ; l < 3; l++ {
					z = dense(n.Layers[l].(*Dense[float64]), n.Of(l+1, theta), z, nil)
				}
				sum := 0.0
				for j, v := range z {
					sum += (y.Row(row)[j] - v) * (y.Row(row)[j] - v) / 2
				}
				return sum
			}
			for l := 1; l <= 3; l++ {
				for i := range 3 {
					z := tr.Z[l].Row(i)
					want := check.Gradient(func() float64 { return -loss(l, z, i) }, z)
					if e := check.RelError(tr.U[l].Row(i), want); !(e <= fdTol) {
						t.Errorf("u_%d of row %d is off by %v", l, i, e)
					}
				}
			}
			want := check.Gradient(func() float64 {
				return -(loss(0, x.Row(0), 0) + loss(0, x.Row(1), 1) + loss(0, x.Row(2), 2))
			}, theta)
			got := make([]float64, len(theta))
			for l := 1; l <= 3; l++ {
				tr.PullParams(got, l, Span{0, n.Layers[l-1].Units()})
			}
			if e := check.RelError(got, want); !(e <= fdTol) {
				t.Errorf("weight gradient is off by %v", e)
			}
		})
	}
}

func TestTraceOfWindowsIsThatOfTheWhole(t *testing.T) {
	for _, place := range []Place{After, Before} {
		n := network[float32](t, Arch{Dims: []int{4, 5, 3, 2}, Act: GELU, Place: place, Bias: true})
		rng := rand.New(rand.NewPCG(9, 0))
		x, y := check.Random[float32](rng, 7, 4), check.Random[float32](rng, 7, 2)
		whole := propagated(n, x, y)
		cut := NewTrace(n, 7)
		early := cut.RowsOf(0, 3) // before Z[0] is set
		early.Z[0] = x.RowsOf(0, 3)
		cut.Z[0] = x
		late := cut.RowsOf(2, 7).RowsOf(1, 5) // Z[0] comes along, windows of windows too
		if late.Rows != 4 || late.Net != n {
			t.Errorf("a window of 4 rows has %d", late.Rows)
		}
		propagate(early, y.RowsOf(0, 3))
		propagate(late, y.RowsOf(3, 7))
		want, got := make([]float32, len(n.Theta())), make([]float32, len(n.Theta()))
		for l := 1; l <= n.L(); l++ {
			if !check.Same(cut.Z[l], whole.Z[l]) || !check.Same(cut.U[l], whole.U[l]) {
				t.Errorf("%v: z_%d or u_%d by windows differs from the whole", place, l, l)
			}
			units := Span{0, n.Layers[l-1].Units()}
			whole.PullParams(want, l, units)
			cut.PullParams(got, l, units)
		}
		if !check.SameBits(got, want) {
			t.Errorf("%v: the weight gradient by windows differs from the whole", place)
		}
	}
}

// TestTraceMapsTakeFewerRows: with n rows in the arguments, the first n of the trace take part.
func TestTraceMapsTakeFewerRows(t *testing.T) {
	n := network[float64](t, Arch{Dims: []int{3, 4, 2}, Act: Tanh})
	rng := rand.New(rand.NewPCG(10, 0))
	x, y := check.Random[float64](rng, 5, 3), check.Random[float64](rng, 5, 2)
	tr := propagated(n, x, y)
	for rows := range 6 {
		z, u, v := tensor.New[float64](rows, 4), tensor.New[float64](rows, 3), tensor.New[float64](rows, 4)
		tr.Forward(1, z)
		tr.Pull(1, u, tr.U[1].RowsOf(0, rows))
		tr.Push(1, v, x.RowsOf(0, rows))
		all, back := tensor.New[float64](5, 4), tensor.New[float64](5, 3)
		tr.Push(1, all, x)
		tr.Pull(1, back, tr.U[1])
		if !check.Same(z, tr.Z[1].RowsOf(0, rows)) || !check.Same(u, back.RowsOf(0, rows)) || !check.Same(v, all.RowsOf(0, rows)) {
			t.Errorf("%d rows differ from the first of five", rows)
		}
	}
}
