package learn_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// maker makes a rule, always in the same way.
type maker[T tensor.Float] struct {
	name string
	make func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T]
}

func makers[T tensor.Float]() []maker[T] {
	settings := infer.Settings{Tol: 1e-3, Gap: 0.01, MaxPasses: 16}
	of := func(inf learn.Inference[T]) func(*nn.Network[T], *learn.Pool, int) learn.Rule[T] {
		inf.Settings = settings
		return func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] { return pc(net, nil, inf, p, rows) }
	}
	euler := func() infer.Method[T] { return &infer.Euler[T]{} }
	return []maker[T]{
		{"bp", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] { return learn.NewBP(net, p, rows) }},
		{"pc", of(learn.Inference[T]{})},
		{"pc in activities", of(learn.Inference[T]{Coordinates: learn.Activities})},
		{"pc by euler in activities", of(learn.Inference[T]{Coordinates: learn.Activities, Method: euler})},
		{"pc by euler", of(learn.Inference[T]{Method: euler})},
		{"ipc", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewIPC(&energy.PC[T]{Net: net}, learn.Incremental{Steps: 3}, p, rows)
		}},
		{"zil", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewZIL(&energy.PC[T]{Net: net}, p, rows)
		}},
		{"nudged", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewNudged(&energy.PC[T]{Net: net}, learn.Inference[T]{Settings: settings}, -0.3, p, rows)
		}},
		{"centred", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewCentred(&energy.PC[T]{Net: net}, learn.Inference[T]{Settings: settings}, 0.3, p, rows)
		}},
		{"precise", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewPrecise(&energy.PC[T]{Net: net}, learn.Inference[T]{Settings: settings}, learn.Precision{LR: 0.1}, p, rows)
		}},
		{"bp clipped", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			r := learn.NewBP(net, p, rows)
			r.Clip(1e-3)
			return r
		}},
		{"pc with cross-entropy", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewPC(&energy.PC[T]{Net: net, Output: energy.CrossEntropy[T]{}}, learn.Inference[T]{Settings: settings}, p, rows)
		}},
	}
}

// isolating makes the rules between BP and PC.
func isolating[T tensor.Float]() []maker[T] {
	return []maker[T]{
		{"bp-curved", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewCurvedBP(net, p, rows)
		}},
		{"pc-feedforward", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewFeedforwardPC(&energy.PC[T]{Net: net}, learn.Inference[T]{}, p, rows)
		}},
		{"bp-matched", func(net *nn.Network[T], p *learn.Pool, rows int) learn.Rule[T] {
			return learn.NewMatchedBP(&energy.PC[T]{Net: net}, learn.Inference[T]{}, p, rows)
		}},
	}
}

// trail is all that a few steps of training show.
type trail[T tensor.Float] struct {
	grad, theta []T
	stats       string
	state       []float64
}

// follow takes the gradient of the first batch and then steps on all of them.
func follow[T tensor.Float](t *testing.T, k maker[T], a nn.Arch, workers int, batches []data.Batch[T]) trail[T] {
	t.Helper()
	net := build[T](a, 1)
	r := k.make(net, pool(t, workers), batches[0].X.Rows)
	var w trail[T]
	if r, ok := r.(graded[T]); ok {
		g, s := gradient(t, r, batches[0])
		w.grad, w.stats = g, fmt.Sprintf("%b\n", s)
	}
	opt := optim.NewAdam[T](len(net.Theta()), optim.Rate{LR: 1e-3}, 1e-2)
	for _, b := range batches {
		s, err := r.Step(context.Background(), b, opt)
		if err != nil {
			t.Fatal(err)
		}
		w.stats += fmt.Sprintf("%b\n", s)
	}
	w.theta, w.state = slices.Clone(net.Theta()), r.State()
	return w
}

// TestWorkersDoNotChangeABit of gradient, statistics, state, or weights after several steps of Adam, nor does doing it
// twice. The first layer is wide enough to be divided in several tiles, the batch leaves a shard of two rows.
func TestWorkersDoNotChangeABit(t *testing.T) { both(t, checkWorkers[float32], checkWorkers[float64]) }

func checkWorkers[T tensor.Float](t *testing.T) {
	const rows = 2*learn.ShardRows + 2
	wide, err := nn.ParseArch("2x5x5-conv64k3p1:drop0.2:maxpool2-norm:conv64k3p1-3") // the second convolution makes three tiles
	if err != nil {
		t.Fatal(err)
	}
	wide.Act, wide.Bias = nn.ReLU, true
	archs := []nn.Arch{{Dims: []int{100, 170, 7, 3}, Bias: true}, {Dims: []int{100, 170, 7, 3}, Act: nn.ReLU, Bias: true}, wide}
	if testing.Short() {
		archs = archs[:2] // minutes, emulated
	}
	for _, a := range archs {
		act := a.Act
		net := build[T](a, 1)
		var batches []data.Batch[T]
		for i := range 2 {
			b := draw(net, rows)
			tensor.Scale(b.X.Data, T(0.1+0.1*float64(i)))
			b.Draw = uint64(i)
			batches = append(batches, b)
		}
		for _, k := range makers[T]() {
			if act == nn.Linear && k.name != "pc" {
				continue // of interest for Exact alone
			}
			want := follow(t, k, a, 1, batches)
			for _, workers := range []int{1, 2, 3} {
				got := follow(t, k, a, workers, batches)
				if !check.SameBits(got.grad, want.grad) {
					t.Errorf("%s on %v: %d workers change the gradient", k.name, act, workers)
				}
				if !check.SameBits(got.theta, want.theta) {
					t.Errorf("%s on %v: %d workers change the weights", k.name, act, workers)
				}
				if got.stats != want.stats || !slices.Equal(got.state, want.state) {
					t.Errorf("%s on %v: %d workers change statistics or state:\n%s\n%s", k.name, act, workers, got.stats, want.stats)
				}
			}
		}
	}
}

// TestStateContinues: weights, optimiser and rule restored in new ones go on as if nothing had happened, to the bit.
func TestStateContinues(t *testing.T) { both(t, checkState[float32], checkState[float64]) }

func checkState[T tensor.Float](t *testing.T) {
	const rows, before, after = 20, 3, 3
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh} {
		a := nn.Arch{Dims: []int{6, 5, 5, 3}, Act: act, Bias: true}
		for _, k := range makers[T]() {
			net := build[T](a, 1)
			b := draw(net, rows)
			r := k.make(net, pool(t, 1), rows)
			opt := optim.NewAdam[T](len(net.Theta()), optim.Rate{LR: 1e-2}, 0)
			step := func(r learn.Rule[T], opt optim.Optimizer[T]) string {
				s, err := r.Step(context.Background(), b, opt)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("%b", s)
			}
			for range before {
				step(r, opt)
			}
			other := build[T](a, 0)
			other.Update(func(theta []T) { copy(theta, net.Theta()) })
			restored := k.make(other, pool(t, 2), rows)
			if err := restored.SetState(r.State()); err != nil {
				t.Fatal(err)
			}
			copied := optim.NewAdam[T](len(net.Theta()), optim.Rate{LR: 1e-2}, 0)
			if err := copied.SetState(opt.State()); err != nil {
				t.Fatal(err)
			}
			for range after {
				if want, got := step(r, opt), step(restored, copied); got != want {
					t.Errorf("%s on %v: goes on with %s, want %s", k.name, act, got, want)
				}
			}
			if !check.SameBits(net.Theta(), other.Theta()) || !slices.Equal(r.State(), restored.State()) {
				t.Errorf("%s on %v: weights or state differ after %d more steps", k.name, act, after)
			}
		}
	}
}

// TestForeignStatesAreRefused, and change nothing.
func TestForeignStatesAreRefused(t *testing.T) {
	net := build[float64](archs[1], 1)
	p := pool(t, 1)
	for _, c := range []struct {
		r   learn.Rule[float64]
		bad [][]float64
	}{
		{learn.NewBP(net, p, 4), [][]float64{{1}}},
		{pc(net, nil, learn.Inference[float64]{}, p, 4), [][]float64{{1}, {1, 2}, {nan}}},
	} {
		want := c.r.State()
		for _, s := range c.bad {
			if err := c.r.SetState(s); err == nil || !slices.Equal(c.r.State(), want) {
				t.Errorf("%T takes the state %v (%v), now %v", c.r, s, err, c.r.State())
			}
		}
	}
}

// TestStepAllocatesNothing in steady state.
func TestStepAllocatesNothing(t *testing.T) { both(t, checkAllocs[float32], checkAllocs[float64]) }

func checkAllocs[T tensor.Float](t *testing.T) {
	const rows = 20
	dims := []int{6, 5, 5, 3}
	for _, a := range []nn.Arch{{Dims: dims, Bias: true}, {Dims: dims, Act: nn.Tanh, Bias: true}, {Dims: dims, Act: nn.ReLU, Bias: true}, convArch(true)} {
		act := a.DimString() + " " + a.Act.String()
		for _, k := range makers[T]() {
			for _, workers := range []int{1, 3} {
				if a.Nodes != nil && workers > 1 && strings.HasPrefix(k.name, "pc") {
					continue // so long a shard that a worker's inference method may see its first one, and size itself, late
				}
				net := build[T](a, 1)
				b := draw(net, rows)
				r := k.make(net, pool(t, workers), rows)
				opt := optim.NewAdam[T](len(net.Theta()), optim.Rate{LR: 1e-3}, 0)
				ctx := context.Background()
				step := func() {
					if _, err := r.Step(ctx, b, opt); err != nil {
						t.Fatal(err)
					}
					if r, ok := r.(graded[T]); ok {
						if _, _, err := r.Gradient(ctx, b); err != nil {
							t.Fatal(err)
						}
					}
				}
				// Convolutions work in as many spare blocks as calls have ever met: with several workers it is steady once they have.
				n := testing.AllocsPerRun(5, step)
				for tries := 0; n != 0 && workers > 1 && tries < 20; tries++ {
					n = testing.AllocsPerRun(5, step)
				}
				if n != 0 {
					t.Errorf("%s on %v, %d workers: %v allocations", k.name, act, workers, n)
				}
			}
		}
	}
}

// TestStepsOnAnyLayersAreThoseOfTheGradient: layers that are Local or not, with several tiles each, take steps of SGD to θ − lr·gradient, to
// the bit, and what is packed afterwards is what another network packs of these weights.
func TestStepsOnAnyLayersAreThoseOfTheGradient(t *testing.T) {
	both(t, checkLayers[float32], checkLayers[float64])
}

func checkLayers[T tensor.Float](t *testing.T) {
	const rows, lr = learn.ShardRows + 5, 0.125
	mixed, err := nn.ParseArch("2x5x5-conv64k3p1:maxpool2-norm:conv64k3p1-170-3")
	if err != nil {
		t.Fatal(err)
	}
	mixed.Bias = true
	archs := []nn.Arch{
		{Dims: []int{100, 170, 210, 3}, Act: nn.Tanh, Bias: true}, {Dims: []int{100, 170, 210, 3}, Act: nn.ReLU, Place: nn.Before},
		{Dims: []int{100, 170, 210, 3}, Act: nn.Tanh, Bias: true, Feedback: nn.Learned}, {Dims: []int{9, 170, 170, 3}, Residual: true}, mixed,
	}
	if testing.Short() {
		archs = archs[:4] // minutes, emulated
	}
	for _, a := range archs {
		for _, workers := range []int{1, 3} {
			net, fresh := build[T](a, 1), build[T](a, 1)
			r := learn.NewBP(net, pool(t, workers), rows)
			opt := optim.NewSGD[T](optim.Rate{LR: lr}, 0)
			b := draw(net, rows)
			for step := range 3 {
				want := slices.Clone(net.Theta())
				grad, _ := gradient(t, graded[T](learn.NewBP(fresh, pool(t, 1), rows)), b)
				for i, g := range grad {
					want[i] -= T(lr * g)
				}
				if _, err := r.Step(context.Background(), b, opt); err != nil {
					t.Fatal(err)
				}
				if !check.SameBits(net.Theta(), want) {
					t.Fatalf("%+v: step %d of %d workers is not that of a new network's gradient", a, step, workers)
				}
				fresh.Update(func(theta []T) { copy(theta, want) })
				if got, want := pulled(net, b), pulled(fresh, b); !check.Same(got, want) {
					t.Fatalf("%+v: after step %d of %d workers something comes back through other weights", a, step, workers)
				}
			}
		}
	}
}

// pulled is what comes back from the targets of b as far as its inputs: through the first layer too.
func pulled[T tensor.Float](net *nn.Network[T], b data.Batch[T]) tensor.Matrix[T] {
	trace := nn.NewTrace(net, b.X.Rows)
	trace.Z[0] = b.X
	trace.Feedforward()
	trace.U[net.L()].CopyFrom(b.Y)
	trace.Back()
	x := tensor.New[T](b.X.Rows, net.Inputs())
	trace.Pull(1, x, trace.U[1])
	return x
}
