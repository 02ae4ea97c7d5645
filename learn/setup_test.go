package learn_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// both runs a generic check for the two element types.
func both(t *testing.T, check32, check64 func(t *testing.T)) {
	t.Run("float32", check32)
	t.Run("float64", check64)
}

var nan, inf = math.NaN(), math.Inf(1)

func single[T tensor.Float]() bool { return T(1)+T(0x1p-30) == 1 }

// build returns a network with weights and biases of gain/√fan_in.
func build[T tensor.Float](a nn.Arch, gain float64) *nn.Network[T] {
	net, err := nn.Build[T](a)
	if err != nil {
		panic(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 3)
	net.Update(func(theta []T) { tensor.Scale(theta, T(gain*math.Sqrt(3))) })
	return net
}

// draw returns a batch of normal numbers that fits net.
func draw[T tensor.Float](net *nn.Network[T], rows int) data.Batch[T] {
	rng := rand.New(rand.NewPCG(uint64(rows), 11))
	b := data.Batch[T]{X: tensor.New[T](rows, net.Inputs()), Y: tensor.New[T](rows, net.Outputs())}
	for _, m := range []tensor.Matrix[T]{b.X, b.Y} {
		for i := range m.Data {
			m.Data[i] = T(rng.NormFloat64())
		}
	}
	return b
}

// pool returns a pool that is closed when the test ends.
func pool(t testing.TB, workers int) *learn.Pool {
	p := learn.NewPool(workers)
	t.Cleanup(p.Close)
	return p
}

// tight settles until what is left of the residual, and with it of the gradient's error, is below all tolerances here.
func tight(c learn.Coordinates) learn.Inference[float64] {
	return learn.Inference[float64]{Coordinates: c, Settings: infer.Settings{Tol: 1e-11, MaxPasses: 1e5}}
}

// graded is a rule that learns at one point.
type graded[T tensor.Float] interface {
	learn.Rule[T]
	Gradient(ctx context.Context, b data.Batch[T]) ([]T, learn.Stats, error)
}

// gradient returns a copy of the learning gradient.
func gradient[T tensor.Float](t testing.TB, r graded[T], b data.Batch[T]) ([]T, learn.Stats) {
	t.Helper()
	g, s, err := r.Gradient(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return append([]T(nil), g...), s
}

// pc returns the rule for a network with precisions pi.
func pc[T tensor.Float](net *nn.Network[T], pi []float64, inf learn.Inference[T], p *learn.Pool, rows int) *learn.PC[T] {
	return learn.NewPC(&energy.PC[T]{Net: net, Precision: pi}, inf, p, rows)
}

// loss is Σ_b ½‖y − ŷ‖² in plain loops, from the parameters as they are laid out: W_l, then b_l.
func loss[T tensor.Float](a nn.Arch, theta []T, b data.Batch[T]) float64 {
	sum := 0.0
	L := len(a.Dims) - 1
	for i := range b.X.Rows {
		z := make([]float64, a.Dims[0])
		for k, v := range b.X.Row(i) {
			z[k] = float64(v)
		}
		at := 0
		for l := 1; l <= L; l++ {
			in, out := a.Dims[l-1], a.Dims[l]
			if a.Place == nn.Before && l > 1 {
				phi(a.Act, z)
			}
			next := make([]float64, out)
			for o := range out {
				for k := range in {
					next[o] += float64(theta[at+o*in+k]) * z[k]
				}
				if a.Bias {
					next[o] += float64(theta[at+out*in+o])
				}
			}
			if at += out * in; a.Bias {
				at += out
			}
			if z = next; a.Place == nn.After && l < L {
				phi(a.Act, z)
			}
		}
		for k, v := range b.Y.Row(i) {
			sum += (float64(v) - z[k]) * (float64(v) - z[k]) / 2
		}
	}
	return sum
}

func phi(act nn.Activation, z []float64) {
	for k, v := range z {
		switch act {
		case nn.Tanh:
			z[k] = math.Tanh(v)
		case nn.ReLU:
			z[k] = math.Max(v, 0)
		}
	}
}
