package measure

import (
	"math"
	"math/rand/v2"

	"github.com/settle-pc/settle/internal/ulp"
	"github.com/settle-pc/settle/tensor"
)

// VectorFunction is the speed of an operation on float32 slices, and how far its results are at most from the exact ones, in
// units in the last place, over a sample of all float32; nil where nothing is approximated.
type VectorFunction struct {
	Name string   `json:"name"`
	NS   float64  `json:"ns_per_element"`
	ULP  *float64 `json:"max_ulp"`
}

// vectorFunction is an operation, with exact values if it approximates them. Activations give φ and φ′ together.
type vectorFunction struct {
	name  string
	large bool // is measured on vectors of the size of a network
	call  func(v *vectors)
	exact func(x float64) float64
}

// vectors are what operations work on: a shard of 16 rows of 300, or a million.
type vectors struct {
	x, y, z, w []float32
	f          []float64
	m          tensor.Matrix[float32]
	pack       tensor.Packed[float32]
}

var vectorFunctions = []vectorFunction{
	{"tanh", false, activate(tensor.Tanh[float32]), math.Tanh},
	{"sigmoid", false, activate(tensor.Sigmoid[float32]), func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	{"silu", false, activate(tensor.SiLU[float32]), func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	{"gelu", false, activate(tensor.GELU[float32]), func(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) }},
	{"exp", false, func(v *vectors) { tensor.Exp(v.y, v.x) }, math.Exp},
	{"relu", false, activate(tensor.ReLU[float32]), nil},
	{"leaky_relu", false, activate(tensor.LeakyReLU[float32]), nil},
	{"hard_tanh", false, activate(tensor.HardTanh[float32]), nil},
	{"add", false, func(v *vectors) { tensor.Add(row(v.z), row(v.x), row(v.y)) }, nil},
	{"hadamard", false, func(v *vectors) { tensor.Hadamard(row(v.z), row(v.x), row(v.y)) }, nil},
	{"axpy", false, func(v *vectors) { tensor.Axpy(v.y, 0.5, v.x) }, nil},
	{"scale", false, func(v *vectors) { tensor.Scale(v.w, -1) }, nil},
	{"dot", false, func(v *vectors) { tensor.Dot(v.x, v.y) }, nil},
	{"squares", false, func(v *vectors) { tensor.SquaresRows(v.f[:1], row(v.x)) }, nil},
	{"secant", false, func(v *vectors) { tensor.Secant(v.x, v.y) }, nil},
	{"finite", false, func(v *vectors) { tensor.Finite(v.x) }, nil},
	{"pack", false, func(v *vectors) { v.pack.Pack(v.m) }, nil},
	{"pack_transposed", false, func(v *vectors) { v.pack.PackT(v.m) }, nil},
	{"sgd_1m", true, func(v *vectors) { tensor.Descend(v.x, v.y, 1e-3, 0) }, nil},
	{"momentum_1m", true, func(v *vectors) { tensor.Momentum[float32]{LR: 1e-3, Mu: 0.9}.Step(v.x, v.y, v.z) }, nil},
	{"adam_1m", true, func(v *vectors) {
		tensor.Adam[float32]{Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Scale: 1e-3, Unbias: 1, Epsilon: 1e-8}.Step(v.x, v.y, v.z, v.w)
	}, nil},
}

// activate makes an operation of an activation.
func activate(f func(dst, slope, x []float32)) func(v *vectors) {
	return func(v *vectors) { f(v.y, v.z, v.x) }
}

// row is a matrix of one row.
func row(x []float32) tensor.Matrix[float32] { return tensor.Of(1, len(x), x) }

// measure times the operation and, if it approximates, finds its largest error.
func (f vectorFunction) measure(q Kernels) VectorFunction {
	n := 16 * 300
	if f.large {
		n = 1 << 20
	}
	v := newVectors(n, q.Seed)
	out := VectorFunction{Name: f.name, NS: q.best(func() { f.call(v) }) * 1e9 / float64(n)}
	if f.exact != nil {
		worst := f.worst()
		out.ULP = &worst
	}
	return out
}

func newVectors(n int, seed uint64) *vectors {
	rng := rand.New(rand.NewPCG(seed, 1))
	random := func() []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	v := &vectors{x: random(), y: random(), z: random(), w: make([]float32, n), f: make([]float64, 1)}
	v.m = tensor.Of(n/48, 48, random()[:n/48*48])
	return v
}

// worst returns the largest error in units in the last place, over some 400,000 float32 of all sizes; NaN if one is.
func (f vectorFunction) worst() float64 {
	const stride = 9973 // a prime: all low bits occur
	v := &vectors{x: make([]float32, 0, 1<<19)}
	for b := uint64(0); b < 1<<32; b += stride {
		if x := math.Float32frombits(uint32(b)); x-x == 0 {
			v.x = append(v.x, x)
		}
	}
	v.y, v.z = make([]float32, len(v.x)), make([]float32, len(v.x))
	f.call(v)
	worst := 0.0
	for i, x := range v.x {
		worst = max(worst, ulp.Error(v.y[i], f.exact(float64(x))))
	}
	return worst
}
