package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// TestDropoutKeepsTheMean: units are 0 or scaled, the share of zeros is the rate to six standard errors, and so it is for each unit.
func TestDropoutKeepsTheMean(t *testing.T) {
	const rows, n, rate = 400, 50, 0.3
	d := NewDropout[float64](n, rate)
	c := NewCache[float64](rows, d.Slot())
	d.Draw(c, 5)
	z, g := tensor.New[float64](rows, n), tensor.New[float64](rows, n)
	for i := range z.Data {
		z.Data[i] = 2
	}
	d.Forward(g, z, c)
	zeros, by := 0, make([]int, n)
	for i := range rows {
		for j, v := range g.Row(i) {
			switch {
			case v == 0:
				zeros++
				by[j]++
			case !check.Close(v, 2/(1-rate), 1e-15):
				t.Fatalf("a unit of 2 becomes %v", v)
			}
		}
	}
	off := func(got int, of float64) bool { return math.Abs(float64(got)-rate*of) > 6*math.Sqrt(of*rate*(1-rate)) }
	if off(zeros, rows*n) {
		t.Errorf("%d of %d are dropped", zeros, rows*n)
	}
	for j, k := range by {
		if off(k, rows) {
			t.Errorf("unit %d is dropped %d times of %d", j, k, rows)
		}
	}
}

// TestNothingIsDroppedBeforeADraw: a new cache is an evaluation's.
func TestNothingIsDroppedBeforeADraw(t *testing.T) {
	d := NewDropout[float64](7, 0.5)
	z, g := check.Random[float64](rand.New(rand.NewPCG(1, 0)), 3, 7), tensor.New[float64](3, 7)
	d.Forward(g, z, NewCache[float64](3, d.Slot()))
	if !check.Same(g, check.Clone(z)) {
		t.Error("not the identity")
	}
}

// TestDrawsDependOnSeedLayerAndRowAlone: the same again for the same seed, another for each layer of a network and of a Seq, each
// row and each seed.
func TestDrawsDependOnSeedLayerAndRowAlone(t *testing.T) {
	const n = 64
	drop := func() Layer[float64] { return NewDropout[float64](n, 0.5) }
	net := New(drop(), drop(), Layer[float64](NewSeq(drop(), drop())))
	draw := func(seed uint64, rows int) [][]float64 {
		tr := NewTrace(net, rows)
		tr.Draw(seed)
		var masks [][]float64
		for i := range rows {
			masks = append(masks, tr.C[1].F.Row(i), tr.C[2].F.Row(i))
			s := net.Layers[2].(*Seq[float64])
			masks = append(masks, s.cache(tr.C[3], 0).F.Row(i), s.cache(tr.C[3], 1).F.Row(i))
		}
		return masks
	}
	first, again, other := draw(1, 3), draw(1, 2), draw(2, 3)
	for i, m := range append(first, other...) {
		for j, k := range append(first, other...) {
			if i != j && check.SameBits(m, k) {
				t.Errorf("choices %d and %d are the same", i, j)
			}
		}
	}
	for i, m := range again {
		if !check.SameBits(m, first[i]) {
			t.Errorf("choice %d differs for the same seed in a smaller batch", i)
		}
	}
}
