package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// TestMaxPoolTakesTheFirstOfEqualOnes, and NaN for larger than any number.
func TestMaxPoolTakesTheFirstOfEqualOnes(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct{ z, g, pull []float64 }{
		{[]float64{1, 1, 1, 1}, []float64{1}, []float64{1, 0, 0, 0}},
		{[]float64{0, 2, 2, 1}, []float64{2}, []float64{0, 1, 0, 0}},
		{[]float64{-inf, -inf, -inf, -inf}, []float64{-inf}, []float64{1, 0, 0, 0}},
		{[]float64{3, inf, nan, nan}, []float64{nan}, []float64{0, 0, 1, 0}},
		{[]float64{nan, 1, inf, 0}, []float64{nan}, []float64{1, 0, 0, 0}},
	} {
		m := NewMaxPool[float64](Image{1, 2, 2}, 2, 2)
		cache := NewCache[float64](1, m.Slot())
		g, pull := tensor.New[float64](1, 1), tensor.New[float64](1, 4)
		m.Forward(g, tensor.Of(1, 4, c.z), cache)
		m.Pull(pull, tensor.Of(1, 1, []float64{1}), cache)
		if !check.SameBits(g.Data, c.g) || !slices.Equal(pull.Data, c.pull) {
			t.Errorf("%v: %v, whose derivative is %v, want %v and %v", c.z, g.Data, pull.Data, c.g, c.pull)
		}
	}
}

func TestPoolingPanics(t *testing.T) {
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"nn: pooling of no pixels or of more than 2²⁴ elements", func() { NewMaxPool[float32](Image{0, 2, 2}, 1, 1) }},
		{"nn: pooling of no pixels or of more than 2²⁴ elements", func() { NewAvgPool[float32](Image{1, 4097, 4096}, 1, 1) }},
		{"nn: pooling wants a window and a stride from 1", func() { NewMaxPool[float32](Image{1, 2, 2}, 0, 1) }},
		{"nn: pooling wants a window and a stride from 1", func() { NewAvgPool[float32](Image{1, 2, 2}, 2, 0) }},
		{"nn: window larger than its image", func() { NewAvgPool[float32](Image{1, 2, 3}, 3, 1) }},
		{"nn: convolution without channels or pixels", func() { NewConv2D[float32](Image{1, 0, 2}, 1, Kernel{1, 1, 0}, true) }},
		{"nn: convolution without channels or pixels", func() { NewConv2D[float32](Image{1, 2, 2}, 0, Kernel{1, 1, 0}, true) }},
		{"nn: convolution wants a kernel and a stride from 1 and a padding below the kernel", func() { NewConv2D[float32](Image{1, 2, 2}, 1, Kernel{2, 1, 2}, true) }},
		{"nn: convolution wants a kernel and a stride from 1 and a padding below the kernel", func() { NewConv2D[float32](Image{1, 2, 2}, 1, Kernel{1, 0, 0}, true) }},
		{"nn: kernel larger than its image", func() { NewConv2D[float32](Image{1, 2, 2}, 1, Kernel{3, 1, 0}, true) }},
		{"nn: dropout wants a rate from 0 to below 1", func() { NewDropout[float32](1, 1) }},
		{"nn: dropout wants a rate from 0 to below 1", func() { NewDropout[float32](1, math.NaN()) }},
		{"nn: layer without units", func() { NewAct[float32](0, Tanh) }},
		{"nn: layer without units", func() { NewLayerNorm[float32](1, 0) }},
		{"nn: unknown activation", func() { NewAct[float32](1, numActivations) }},
		{"nn: attention without tokens", func() { NewAttention[float32](2, 2, 0) }},
		{"nn: composition of no layers", func() { NewSeq[float32]() }},
		{"nn: layers of different widths", func() { NewSeq[float32](NewAct[float32](2, Tanh), NewAct[float32](3, Tanh)) }},
	} {
		if got := check.Panic(c.f); got != c.want {
			t.Errorf("panic %v, want %q", got, c.want)
		}
	}
}
