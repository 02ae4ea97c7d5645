package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/tensor"
)

// Init says how weights are drawn. Biases are zero, except under FanIn. A gain starts at 1, a shift at 0.
type Init struct {
	Kind  InitKind
	Scale float64 // standard deviation, for Normal only
}

// InitKind names a distribution of initial weights.
type InitKind uint8

// FanIn draws weights, and biases if any, from U(±1/√fan_in), PyTorch's default scale. Xavier draws weights from
// U(±√(6/(fan_in+fan_out))) (Glorot and Bengio 2010), He from N(0, 2/fan_in) (He et al. 2015), Orthogonal as a
// random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014), Normal from N(0, Scale²).
const (
	FanIn InitKind = iota
	Xavier
	He
	Orthogonal
	Normal
)

const initWant = "fanin, xavier, he, orthogonal or normal:S with S > 0"

// ParseInit reads fanin, xavier, he, orthogonal or normal:S.
func ParseInit(s string) (Init, error) {
	switch s {
	case "fanin":
		return Init{Kind: FanIn}, nil
	case "xavier":
		return Init{Kind: Xavier}, nil
	case "he":
		return Init{Kind: He}, nil
	case "orthogonal":
		return Init{Kind: Orthogonal}, nil
	}
	if sigma, ok := strings.CutPrefix(s, "normal:"); ok {
		if v, err := strconv.ParseFloat(sigma, 64); err == nil && v > 0 && !math.IsInf(v, 0) {
			return Init{Kind: Normal, Scale: v}, nil
		}
	}
	return Init{}, fmt.Errorf("init %q: want %s", s, initWant)
}

// String writes what ParseInit reads.
func (k Init) String() string {
	if k.Kind == Normal {
		return "normal:" + strconv.FormatFloat(k.Scale, 'g', -1, 64)
	}
	names := [...]string{"fanin", "xavier", "he", "orthogonal"}
	if int(k.Kind) >= len(names) {
		return fmt.Sprintf("Init(%d)", k.Kind)
	}
	return names[k.Kind]
}

// Initialize draws all parameters anew. They are a pure function of the architecture, k and seed: draws are made in
// float64, layer by layer in the order of θ, and rounded once, so float32 and float64 networks start from the same
// numbers.
func Initialize[T tensor.Float](of Weighted[T], k Init, seed uint64) {
	n := of.weights()
	rng := rand.New(rand.NewPCG(seed, 0x736574746c65)) // "settle": apart from the stream that orders batches
	n.Update(func(theta []T) {
		for _, layer := range n.Layers {
			for _, p := range layer.Params() {
				if p.Name != feedbackName {
					k.draw(p, rng, func(i int, v float64) { theta[i] = T(v) })
				}
				theta = theta[p.Len():]
			}
		}
		drawFeedback(n.Layers, k, seed)
	})
}

// drawFeedback draws feedback weights as if they were weights, from a stream of their own: with them or without, W starts the same.
func drawFeedback[T tensor.Float](layers []Layer[T], k Init, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x6665656462)) // "feedb"
	for _, layer := range layers {
		if f, ok := layer.(*Feedback[T]); ok {
			v := make([]T, f.param().Len())
			k.draw(f.param(), rng, func(i int, x float64) { v[i] = T(x) })
			f.SetB(v)
		}
	}
}

// draw calls set(i, value) for each element of p in order.
func (k Init) draw(p Param, rng *rand.Rand, set func(int, float64)) {
	in, out := float64(p.FanIn), float64(p.FanOut)
	bias := p.FanOut == 0
	value := func() float64 { return 0 }
	uniform := func(a float64) func() float64 { return func() float64 { return a * (2*rng.Float64() - 1) } }
	switch {
	case p.FanIn == 0:
		value = func() float64 { return p.Start }
	case k.Kind == FanIn:
		value = uniform(1 / math.Sqrt(in))
	case bias: // stays zero
	case k.Kind == Xavier:
		value = uniform(math.Sqrt(6 / (in + out)))
	case k.Kind == He:
		value = func() float64 { return math.Sqrt(2/in) * rng.NormFloat64() }
	case k.Kind == Normal:
		value = func() float64 { return k.Scale * rng.NormFloat64() }
	case k.Kind == Orthogonal:
		for i, v := range orthogonal(p.Shape[0], p.Len()/p.Shape[0], rng) {
			set(i, v)
		}
		return
	default:
		panic("nn: unknown initialisation")
	}
	for i := range p.Len() {
		set(i, value())
	}
}

// orthogonal returns a rows×cols matrix, row-major, whose rows (columns, if they are fewer) are orthonormal and
// distributed as those of a random rotation: Gram–Schmidt on Gaussian vectors, each vector swept twice because one
// sweep loses orthogonality when a vector lies near the span of those before it.
func orthogonal(rows, cols int, rng *rand.Rand) []float64 {
	short, long := min(rows, cols), max(rows, cols)
	q := make([][]float64, short)
	for i := range q {
		q[i] = make([]float64, long)
		for j := range q[i] {
			q[i][j] = rng.NormFloat64()
		}
		for range 2 {
			for _, p := range q[:i] {
				tensor.Axpy(q[i], -product(p, q[i]), p)
			}
		}
		tensor.Scale(q[i], 1/math.Sqrt(product(q[i], q[i])))
	}
	w := make([]float64, rows*cols)
	for i := range rows {
		for j := range cols {
			if rows <= cols {
				w[i*cols+j] = q[i][j]
			} else {
				w[i*cols+j] = q[j][i]
			}
		}
	}
	return w
}

// product returns xᵀy. The bits of tensor.Dot depend on the kernels in force; initial weights must not.
func product(x, y []float64) float64 {
	var s0, s1, s2, s3 float64 // sums that need not wait for each other
	for len(x) >= 4 {
		a, b := (*[4]float64)(x), (*[4]float64)(y)
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += float64(v * y[i])
	}
	return (s0 + s1) + (s2 + s3)
}
