package train

import (
	"math"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
)

// naive computes a score by the definition, one sample and one unit at a time, for tanh after the weights.
func naive(dims []int, theta []float64, set *data.Set, split data.Split) Score {
	var s Score
	for i := range split.N() {
		var z []float64
		for _, v := range split.Image(i) {
			z = append(z, (float64(v)/255-set.Mean)/set.Std)
		}
		w := theta
		for l := 1; l < len(dims); l++ {
			next := make([]float64, dims[l])
			for j := range next {
				for k, v := range z {
					next[j] += w[j*dims[l-1]+k] * v
				}
				next[j] += w[dims[l]*dims[l-1]+j]
				if l < len(dims)-1 {
					next[j] = math.Tanh(next[j])
				}
			}
			w = w[dims[l]*(dims[l-1]+1):]
			z = next
		}
		best := 0
		for c, v := range z {
			y := 0.0
			if c == int(split.Labels[i]) {
				y = 1
			}
			s.MSE += (y - v) * (y - v)
			if v > z[best] {
				best = c
			}
		}
		if best == int(split.Labels[i]) {
			s.Accuracy++
		}
	}
	s.MSE /= float64(split.N() * dims[len(dims)-1])
	s.Accuracy /= float64(split.N())
	return s
}

// Splits on both sides of the number of rows that are predicted at a time.
func TestEvaluateIsTheNaiveScore(t *testing.T) {
	dims := []int{36, 9, 5, 4}
	net, err := nn.Build[float64](nn.Arch{Dims: dims, Act: nn.Tanh, Bias: true})
	if err != nil {
		t.Fatal(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 8)
	for _, n := range []int{4, evalRows - 1, evalRows, evalRows + 1, 2*evalRows + 33} {
		set := data.Synthetic(2, n, 6, 6, 4)
		want := naive(dims, net.Theta(), set, set.Train)
		if want.Accuracy == 0 || want.Accuracy == 1 {
			t.Fatalf("%d samples: accuracy %v says little", n, want.Accuracy)
		}
		for _, workers := range []int{1, 3} {
			pool := learn.NewPool(workers)
			got := Evaluate(net, pool, set, set.Train)
			pool.Close()
			// Sums of 36 products, of n·4 squares.
			if got.Accuracy != want.Accuracy || math.Abs(got.MSE-want.MSE) > 1e-12*want.MSE {
				t.Errorf("%d samples, %d workers: %+v, want %+v", n, workers, got, want)
			}
		}
	}
}

func TestArgmaxIsTheFirstLargest(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want int
	}{{[]float64{0}, 0}, {[]float64{1, 2, 2}, 1}, {[]float64{-3, -1, -2}, 1}, {[]float64{5, 5}, 0}, {[]float64{0, math.Inf(-1), 7}, 2}} {
		if got := Argmax(c.v); got != c.want {
			t.Errorf("Argmax(%v) = %d, want %d", c.v, got, c.want)
		}
	}
}
