package nn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// network returns a network with standard normal parameters.
func network[T tensor.Float](t *testing.T, a Arch) *Network[T] {
	t.Helper()
	n, err := Build[T](a)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, uint64(len(a.Dims))))
	n.Update(func(theta []T) {
		for i := range theta {
			theta[i] = T(0.7 * rng.NormFloat64())
		}
	})
	return n
}

func TestNetworkDescribesItself(t *testing.T) {
	n, err := Build[float32](Arch{Dims: []int{3, 4, 2}, Bias: true})
	if err != nil {
		t.Fatal(err)
	}
	if n.L() != 2 || n.Inputs() != 3 || n.Outputs() != 2 || n.Width(0) != 3 || n.Width(1) != 4 || n.Width(2) != 2 {
		t.Errorf("L = %d, widths %d %d %d, inputs %d, outputs %d", n.L(), n.Width(0), n.Width(1), n.Width(2), n.Inputs(), n.Outputs())
	}
	if n.MACs() != 3*4+4*2 {
		t.Errorf("%d multiply-adds, want 20", n.MACs())
	}
	if got := len(n.Theta()); got != 4*3+4+2*4+2 {
		t.Errorf("%d parameters, want 26", got)
	}
	v := make([]float32, 26)
	if a, b := n.Of(1, v), n.Of(2, v); len(a) != 16 || len(b) != 10 || &a[0] != &v[0] || &b[0] != &v[16] {
		t.Errorf("layer 1 has %d parameters, layer 2 %d, want 16 and 10, in place", len(a), len(b))
	}
}

func TestVersionCountsUpdates(t *testing.T) {
	n := network[float32](t, Arch{Dims: []int{2, 2}})
	v := n.Version()
	n.Update(func([]float32) {})
	if n.Version() != v+1 {
		t.Errorf("version %d, then %d after an update", v, n.Version())
	}
	n.Theta()
	if n.Version() != v+1 {
		t.Error("reading counts as an update")
	}
}

// TestUpdateReachesEveryMap changes the weights and compares Forward, Push, Pull and the bias with the formula.
func TestUpdateReachesEveryMap(t *testing.T) {
	n := network[float64](t, Arch{Dims: []int{5, 3}, Bias: true})
	rng := rand.New(rand.NewPCG(7, 0))
	d, c := n.Layers[0].(*Dense[float64]), NewCache[float64](2, n.Layers[0].Slot())
	for range 2 {
		n.Update(func(theta []float64) {
			for i := range theta {
				theta[i] = rng.NormFloat64()
			}
		})
		z, u := check.Random[float64](rng, 2, 5), check.Random[float64](rng, 2, 3)
		g, jz, ju := tensor.New[float64](2, 3), tensor.New[float64](2, 3), tensor.New[float64](2, 5)
		d.Forward(g, z, c)
		d.Push(jz, z, c)
		d.Pull(ju, u, c)
		for i := range 2 {
			forward, push, pull := make([]float64, 3), make([]float64, 3), make([]float64, 5)
			for o := range 3 {
				for k := range 5 {
					w := n.Theta()[o*5+k]
					push[o] += w * z.Row(i)[k]
					pull[k] += w * u.Row(i)[o]
				}
				forward[o] = push[o] + n.Theta()[15+o]
			}
			for name, e := range map[string]float64{
				"Forward": check.RelError(g.Row(i), forward),
				"Push":    check.RelError(jz.Row(i), push),
				"Pull":    check.RelError(ju.Row(i), pull),
			} {
				if !(e <= 1e-14) {
					t.Errorf("%s is off by %v after an update", name, e)
				}
			}
		}
	}
}

// Who packs, and in which order, must not show.
func TestUpdateOnPacksEveryLayer(t *testing.T) {
	fill := func(theta []float64) {
		rng := rand.New(rand.NewPCG(8, 0))
		for i := range theta {
			theta[i] = rng.NormFloat64()
		}
	}
	arch := Arch{Dims: []int{5, 4, 4, 3}, Act: Tanh}
	alone, divided := network[float64](t, arch), network[float64](t, arch)
	alone.Update(fill)
	version := divided.Version()
	divided.UpdateOn(func(tasks int, task func(worker, i int)) {
		for i := tasks - 1; i >= 0; i-- {
			task(i%2, i)
		}
	}, fill)
	if divided.Version() == version {
		t.Error("the version did not change")
	}
	x := check.Random[float64](rand.New(rand.NewPCG(9, 0)), 2, 5)
	var traces [2]*Trace[float64]
	for i, n := range []*Network[float64]{alone, divided} {
		traces[i] = NewTrace(n, 2)
		traces[i].Z[0] = x
		traces[i].Feedforward()
		traces[i].U[3].CopyFrom(traces[i].Z[3])
		traces[i].Back()
	}
	for l := 1; l <= 3; l++ {
		if !slices.Equal(traces[0].Z[l].Data, traces[1].Z[l].Data) || !slices.Equal(traces[0].U[l].Data, traces[1].U[l].Data) {
			t.Errorf("layer %d: another prediction or pull", l)
		}
	}
}

func TestNewPanics(t *testing.T) {
	layer := func(in, out int) Layer[float64] { return NewDense[float64](in, out, Linear, After, true) }
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"nn: network without layers", func() { New[float64]() }},
		{"nn: layers of different widths", func() { New(layer(2, 3), layer(4, 1)) }},
		{"nn: layers of different widths", func() { New(layer(2, 3), layer(2, 1)) }},
		{"nn: layers of different widths", func() { New(layer(2, 3), layer(3, 1), layer(3, 1)) }},
	} {
		if got := check.Panic(c.f); got != c.want {
			t.Errorf("panic %v, want %q", got, c.want)
		}
	}
}
