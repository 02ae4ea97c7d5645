package nn

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// BenchmarkConv2D measures the three products of a convolution with a 3×3 kernel, 64 channels to 64, on 16×16 pixels, and the
// share that they reach of the multiply-adds in registers measured in the same process just before.
func BenchmarkConv2D(b *testing.B) {
	b.Run("float32", benchConv[float32])
	b.Run("float64", benchConv[float64])
}

func benchConv[T tensor.Float](b *testing.B) {
	const rows = 16
	d := NewConv2D[T](Image{64, 16, 16}, 64, Kernel{3, 1, 1}, true)
	New[T](d)
	rng := rand.New(rand.NewPCG(1, 1))
	in, out := d.Dims()
	z, u := check.Random[T](rng, rows, in), check.Random[T](rng, rows, out)
	dst, back := tensor.New[T](rows, out), tensor.New[T](rows, in)
	grad, c := make([]T, paramLen[T](d)), NewCache[T](rows, d.Slot())
	for _, op := range []struct {
		name string
		call func()
	}{
		{"Forward", func() { d.Forward(dst, z, c) }},
		{"Pull", func() { d.Pull(back, u, c) }},
		{"PullParams", func() { d.PullParams(grad, Span{Hi: d.Units()}, u, z, c) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			peak, speed := 0.0, 0.0
			for b.Loop() {
				p, s := peakAnd[T](rows*d.MACs(), op.call)
				peak, speed = max(peak, p), max(speed, s) // what else runs on the machine only ever slows them down
			}
			b.ReportMetric(2*speed/1e9, "GFLOP/s")
			b.ReportMetric(100*speed/peak, "%peak")
		})
	}
}

// peakAnd returns the multiply-adds a second in registers, and of a call that makes n of them.
func peakAnd[T tensor.Float](n int, call func()) (peak, speed float64) {
	const rounds = 20000
	start := time.Now()
	flops := tensor.Peak[T](rounds)
	peak = flops / 2 / time.Since(start).Seconds()
	start = time.Now()
	call()
	return peak, float64(n) / time.Since(start).Seconds()
}
