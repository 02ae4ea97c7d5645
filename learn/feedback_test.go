package learn_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// byEuler settles in activities with a step of its own: the only way where errors come back by other weights.
func byEuler[T tensor.Float](tol float64) learn.Inference[T] {
	return learn.Inference[T]{Coordinates: learn.Activities, Settings: infer.Settings{Tol: tol, MaxPasses: 1e5, Patience: -1},
		Method: func() infer.Method[T] { return &infer.Euler[T]{DT: 0.1} }}
}

// weightsAndB returns W and B of the layers that have one.
func weightsAndB[T tensor.Float](net *nn.Network[T]) (w, b [][]T) {
	for l := 2; l <= net.L(); l++ {
		theta, in := net.Of(l, net.Theta()), net.Width(l-1)
		n := in * net.Width(l)
		w, b = append(w, theta[:n]), append(b, theta[len(theta)-n:])
	}
	return w, b
}

// TestSymmetricFeedbackIsPC, bit for bit, over a training: from B = W learned feedback weights stay W.
func TestSymmetricFeedbackIsPC(t *testing.T) {
	both(t, checkSymmetric[float32], checkSymmetric[float64])
}

func checkSymmetric[T tensor.Float](t *testing.T) {
	for _, a := range archs[1:3] {
		plain := build[T](a, 1)
		a.Feedback = nn.Learned
		net := build[T](a, 1)
		net.Update(func([]T) {
			for l := 2; l <= net.L(); l++ {
				theta := plain.Of(l, plain.Theta())
				net.Layers[l-1].(*nn.Feedback[T]).SetB(theta[:net.Width(l-1)*net.Width(l)])
			}
		})
		// build scales θ, and with it a learned B, after W was drawn: put W back too.
		net.Update(func([]T) {
			for l := 1; l <= net.L(); l++ {
				copy(net.Of(l, net.Theta()), plain.Of(l, plain.Theta()))
			}
		})
		b := draw(plain, batchRows)
		for _, n := range []*nn.Network[T]{plain, net} {
			r := learn.NewPC(&energy.PC[T]{Net: n}, byEuler[T](1e-3), pool(t, 2), batchRows)
			opt := optim.NewMomentum[T](len(n.Theta()), optim.Rate{LR: 0.1}, 0.9, 1e-3)
			for range 10 {
				if _, err := r.Step(context.Background(), b, opt); err != nil {
					t.Fatal(err)
				}
			}
		}
		for l := 1; l <= net.L(); l++ {
			want := plain.Of(l, plain.Theta())
			if !check.SameBits(net.Of(l, net.Theta())[:len(want)], want) {
				t.Errorf("%+v: layer %d is not PC's", a, l)
			}
		}
		if w, b := weightsAndB(net); !slices.EqualFunc(w, b, check.SameBits[T]) {
			t.Errorf("%+v: B left W", a)
		}
	}
}

// TestLearnedFeedbackComesToTheWeights: under SGD with weight decay λ, B − W shrinks by (1 − lr λ) a step, whatever is learned.
func TestLearnedFeedbackComesToTheWeights(t *testing.T) {
	a := archs[1]
	a.Feedback = nn.Learned
	net := build[float64](a, 1)
	bt := draw(net, batchRows)
	apart := func() float64 {
		sum := 0.0
		w, b := weightsAndB(net)
		for l := range w {
			for i, v := range w[l] {
				sum += (v - b[l][i]) * (v - b[l][i])
			}
		}
		return math.Sqrt(sum)
	}
	start := apart()
	r := learn.NewPC(&energy.PC[float64]{Net: net}, byEuler[float64](1e-2), pool(t, 1), batchRows)
	const lr, decay, steps = 0.02, 1, 30
	opt := optim.NewSGD[float64](optim.Rate{LR: lr}, decay)
	for range steps {
		if _, err := r.Step(context.Background(), bt, opt); err != nil {
			t.Fatal(err)
		}
	}
	if want := start * math.Pow(1-lr*decay, steps); !check.Close(apart(), want, 1e-10) || start < 0.1 {
		t.Errorf("B − W went from %v to %v, want %v", start, apart(), want)
	}
}

// TestFixedFeedbackAligns: with random feedback that is never learned the loss falls all the same (feedback alignment), and B
// stays; and as π_L → 0 the gradient is that of BP through the same feedback.
func TestFixedFeedbackAligns(t *testing.T) {
	a := archs[1]
	a.Feedback = nn.Fixed
	net := build[float64](a, 1)
	b := draw(net, batchRows)
	want, first := gradient[float64](t, learn.NewBP(net, pool(t, 1), batchRows), b)
	var off [2]float64
	for i, pi := range []float64{1e-3, 1e-4} {
		g, _ := gradient[float64](t, learn.NewPC(&energy.PC[float64]{Net: net, Precision: []float64{1, 1, pi}}, byEuler[float64](1e-10), pool(t, 1), batchRows), b)
		tensor.Scale(g, 1/pi)
		off[i] = check.RelError(g, want)
	}
	if !(off[0] < 0.01 && math.Abs(off[0]/off[1]-10) < 0.5) {
		t.Errorf("as π_L falls tenfold the distance from BP by feedback falls from %g to %g", off[0], off[1])
	}
	r := learn.NewPC(&energy.PC[float64]{Net: net}, byEuler[float64](1e-3), pool(t, 1), batchRows)
	var last learn.Stats
	for range 300 {
		var err error
		if last, err = r.Step(context.Background(), b, optim.NewSGD[float64](optim.Rate{LR: 0.2}, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if !(last.Loss < 0.7*first.Loss) {
		t.Errorf("loss from %v to %v", first.Loss, last.Loss)
	}
}
