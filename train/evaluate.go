package train

import (
	"math"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// evalRows is the number of samples predicted at a time: enough to use a kernel well, little enough for the cache.
const evalRows = 100

// Evaluate is EvaluateLoss with squared error.
func Evaluate[T tensor.Float](net *nn.Network[T], pool *learn.Pool, set *data.Set, split data.Split) Score {
	return EvaluateLoss(net, energy.SquaredError[T]{}, pool, set, split)
}

// EvaluateLoss predicts every sample of a split on the pool's workers, for a network trained by the loss out. Sums run over samples
// in order, whatever the number of workers. Cost: one pass over the split.
func EvaluateLoss[T tensor.Float](net *nn.Network[T], out energy.Output[T], pool *learn.Pool, set *data.Set, split data.Split) Score {
	s := evaluation[T]{net, out, false}.of(pool, set, split)
	if set.Task != data.Classes {
		s.Accuracy = math.NaN() // there are no labels to hit
	}
	return s
}

// evaluation predicts targets from images or, turned round, images from targets.
type evaluation[T tensor.Float] struct {
	net    *nn.Network[T]
	out    energy.Output[T]
	turned bool
}

func (e evaluation[T]) of(pool *learn.Pool, set *data.Set, split data.Split) Score {
	net, out := e.net, e.out
	type room struct {
		batch data.Batch[T]
		trace *nn.Trace[T]
	}
	rooms := make([]room, pool.Workers())
	for i := range rooms {
		rooms[i] = room{data.NewBatch[T](set, evalRows), nn.NewTrace(net, evalRows)}
	}
	loss, squares, right := make([]float64, split.N()), make([]float64, split.N()), make([]bool, split.N())
	pool.Do((split.N()+evalRows-1)/evalRows, func(worker, i int) {
		lo := i * evalRows
		hi := min(lo+evalRows, split.N())
		b := data.Fill(rooms[worker].batch, set, split, lo, hi)
		if e.turned {
			b.X, b.Y = b.Y, b.X
		}
		t := rooms[worker].trace.RowsOf(0, hi-lo)
		t.Z[0] = b.X
		t.Feedforward()
		yhat := t.Z[net.L()]
		for k := range hi - lo {
			right[lo+k] = Argmax(yhat.Row(k)) == int(b.Labels[k])
		}
		out.Residual(loss[lo:hi], t.U[net.L()], b.Y, yhat, 1)
		out.Mean(yhat, yhat)
		for k := range hi - lo {
			mean := yhat.Row(k)
			for j, y := range b.Y.Row(k) {
				d := float64(y) - float64(mean[j])
				squares[lo+k] += d * d
			}
		}
	})
	var s Score
	for i, ok := range right {
		s.MSE += squares[i]
		s.Loss += loss[i]
		if ok {
			s.Accuracy++
		}
	}
	n := float64(split.N())
	s.MSE /= n * float64(net.Outputs())
	s.Loss /= n
	s.Accuracy /= n
	return s
}

// Argmax returns the index of the first largest element.
func Argmax[T tensor.Float](v []T) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}
