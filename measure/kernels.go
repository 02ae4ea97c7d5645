package measure

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Kernels asks how fast the kernels are on one core, against what the machine can do, in one process and at the level in force.
type Kernels struct {
	Budget time.Duration // spent on each figure
	Seed   uint64
	Now    func() time.Time
}

// KernelReport is what it finds. Speeds are those of the fastest sample: what disturbs one only ever slows it down.
type KernelReport struct {
	Level     string           `json:"level"`
	Peak      float64          `json:"peak_gflops"`         // of float32 multiply-adds in registers
	Peak64    float64          `json:"peak_gflops_float64"` // of float64
	Bandwidth float64          `json:"bandwidth_gb_s"`      // of memory, reading two arrays and writing one of them
	GEMM      []ProductSpeed   `json:"gemm"`
	Conv      []ConvSpeed      `json:"conv"`
	Vector    []VectorFunction `json:"vector"`
}

// ProductSpeed is the speed of a product of a layer at a batch of M rows, K and N units: mul is Z Wᵀ (M×K by K×N), pull is E W
// (the same sizes), grad is Eᵀ Z (K×N from M rows). Weights are packed beforehand.
type ProductSpeed struct {
	Op     string  `json:"op"`
	M      int     `json:"m"`
	K      int     `json:"k"`
	N      int     `json:"n"`
	DType  string  `json:"dtype"`
	GFLOPS float64 `json:"gflops"`
	OfPeak float64 `json:"of_peak"`
}

// ConvSpeed is the speed of a product of the convolution of Rows images with a 3×3 kernel and padding 1, from Channels channels to as
// many, on Size×Size pixels: forward, pull or grad. Gathering of pixels is part of it.
type ConvSpeed struct {
	Op       string  `json:"op"`
	Channels int     `json:"channels"`
	Size     int     `json:"size"`
	Rows     int     `json:"rows"`
	DType    string  `json:"dtype"`
	GFLOPS   float64 `json:"gflops"`
	OfPeak   float64 `json:"of_peak"`
}

// KernelShapes lists the M, K, N that are measured.
func KernelShapes() [][3]int {
	return [][3]int{{64, 300, 300}, {64, 784, 300}, {64, 128, 128}, {16, 300, 300}, {64, 300, 10}}
}

// Figures is the number of figures that Run measures.
func (q Kernels) Figures() int { return 3 + 2*3*(len(KernelShapes())+1) + len(vectorFunctions) }

// Run measures all; done is called after each figure.
func (q Kernels) Run(ctx context.Context, done func()) (KernelReport, error) {
	r := KernelReport{Level: tensor.Level()}
	peak := func(call func(rounds int) float64) float64 {
		const rounds = 2000
		s := q.best(func() { call(rounds) })
		done()
		return call(1) * rounds / s / 1e9
	}
	r.Peak, r.Peak64 = peak(tensor.Peak[float32]), peak(tensor.Peak[float64])
	r.Bandwidth = q.bandwidth()
	done()
	for _, s := range KernelShapes() {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		r.GEMM = append(r.GEMM, products[float32](q, s, "float32", r.Peak, done)...)
		r.GEMM = append(r.GEMM, products[float64](q, s, "float64", r.Peak64, done)...)
	}
	r.Conv = append(convolutions[float32](q, "float32", r.Peak, done), convolutions[float64](q, "float64", r.Peak64, done)...)
	for _, f := range vectorFunctions {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		r.Vector = append(r.Vector, f.measure(q))
		done()
	}
	return r, nil
}

// best returns the seconds that one call of f takes, in the fastest of samples that are long enough for the clock.
func (q Kernels) best(f func()) float64 {
	const sample = 50 * time.Microsecond
	end := q.Now().Add(q.Budget)
	best, calls := 0.0, 1
	for {
		start := q.Now()
		for range calls {
			f()
		}
		now := q.Now()
		took := now.Sub(start)
		if took < sample && now.Before(end) {
			calls *= 2
			continue
		}
		if s := took.Seconds() / float64(calls); best == 0 || s < best {
			best = s
		}
		if !now.Before(end) {
			return best
		}
	}
}

// bandwidth returns the GB/s of adding one array to another, neither of which any cache holds.
func (q Kernels) bandwidth() float64 {
	const n = 16 << 20
	x, y := make([]float32, n), make([]float32, n)
	tensor.Axpy(y, 1, x) // maps the pages
	return 3 * 4 * n / q.best(func() { tensor.Axpy(y, 1, x) }) / 1e9
}

// convolutions measures the three products of a convolution.
func convolutions[T tensor.Float](q Kernels, dtype string, peak float64, done func()) []ConvSpeed {
	const channels, size, rows = 64, 16, 16
	rng := rand.New(rand.NewPCG(q.Seed, 1))
	conv := nn.NewConv2D[T](nn.Image{C: channels, H: size, W: size}, channels, nn.Kernel{Size: 3, Stride: 1, Pad: 1}, true)
	net := nn.New[T](conv)
	n := channels * size * size
	z, u, dst := tensor.New[T](rows, n), tensor.New[T](rows, n), tensor.New[T](rows, n)
	grad, cache := make([]T, len(net.Theta())), nn.NewCache[T](rows, conv.Slot())
	for _, v := range [][]T{z.Data, u.Data} {
		for i := range v {
			v[i] = T(rng.NormFloat64())
		}
	}
	net.Update(func(theta []T) {
		for i := range theta {
			theta[i] = T(rng.NormFloat64())
		}
	})
	var out []ConvSpeed
	for _, op := range []struct {
		name string
		call func()
	}{
		{"forward", func() { conv.Forward(dst, z, cache) }},
		{"pull", func() { conv.Pull(dst, u, cache) }},
		{"grad", func() { conv.PullParams(grad, nn.Span{Hi: conv.Units()}, u, z, cache) }},
	} {
		gflops := 2 * rows * float64(conv.MACs()) / q.best(op.call) / 1e9
		out = append(out, ConvSpeed{Op: op.name, Channels: channels, Size: size, Rows: rows, DType: dtype, GFLOPS: gflops, OfPeak: gflops / peak})
		done()
	}
	return out
}

// products measures the three products of one shape.
func products[T tensor.Float](q Kernels, shape [3]int, dtype string, peak float64, done func()) []ProductSpeed {
	rng := rand.New(rand.NewPCG(q.Seed, 0))
	m, k, n := shape[0], shape[1], shape[2]
	random := func(rows, cols int) tensor.Matrix[T] {
		x := tensor.New[T](rows, cols)
		for i := range x.Data {
			x.Data[i] = T(rng.NormFloat64())
		}
		return x
	}
	a, z, w, wt, dst, grad := random(m, k), random(m, n), random(k, n), random(n, k), tensor.New[T](m, n), tensor.New[T](k, n)
	var p, pt tensor.Packed[T]
	p.Pack(w)
	pt.PackT(wt)
	var out []ProductSpeed
	for _, op := range []struct {
		name string
		call func()
	}{
		{"mul", func() { tensor.Mul(dst, a, &pt) }},
		{"pull", func() { tensor.Mul(dst, a, &p) }},
		{"grad", func() { tensor.AddMulT(grad, a, z) }},
	} {
		gflops := 2 * float64(m) * float64(k) * float64(n) / q.best(op.call) / 1e9
		out = append(out, ProductSpeed{Op: op.name, M: m, K: k, N: n, DType: dtype, GFLOPS: gflops, OfPeak: gflops / peak})
		done()
	}
	return out
}
