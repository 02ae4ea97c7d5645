package optim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// drop is a schedule whose value differs at every step.
type drop struct{}

func (drop) At(t int) float64 { return 1 / float64(t+1) }

// kind is an optimiser and, as an oracle, the loop that torch.optim documents for it, written out for one parameter:
// given θ and the gradients of all steps it returns θ after each.
type kind[T tensor.Float] struct {
	name   string
	make   func(n int, r Rate) Optimizer[T]
	oracle func(theta float64, g, lr []float64) []float64
}

const (
	mu    = 0.9
	decay = 0.03
)

func kinds[T tensor.Float]() []kind[T] {
	sgd := func(lambda float64) func(float64, []float64, []float64) []float64 {
		return func(theta float64, g, lr []float64) (out []float64) {
			for t := range g {
				theta -= lr[t] * (g[t] + lambda*theta)
				out = append(out, theta)
			}
			return out
		}
	}
	return []kind[T]{
		{"sgd", func(n int, r Rate) Optimizer[T] { return NewSGD[T](r, 0) }, sgd(0)},
		{"sgd, decay", func(n int, r Rate) Optimizer[T] { return NewSGD[T](r, decay) }, sgd(decay)},
		{"momentum", func(n int, r Rate) Optimizer[T] { return NewMomentum[T](n, r, mu, 0) }, torchSGD(false, 0)},
		{"momentum, decay", func(n int, r Rate) Optimizer[T] { return NewMomentum[T](n, r, mu, decay) }, torchSGD(false, decay)},
		{"nesterov", func(n int, r Rate) Optimizer[T] { return NewNesterov[T](n, r, mu, 0) }, torchSGD(true, 0)},
		{"nesterov, decay", func(n int, r Rate) Optimizer[T] { return NewNesterov[T](n, r, mu, decay) }, torchSGD(true, decay)},
		{"adam", func(n int, r Rate) Optimizer[T] { return NewAdam[T](n, r, 0) }, torchAdam(0, 0)},
		{"adam, decay", func(n int, r Rate) Optimizer[T] { return NewAdam[T](n, r, decay) }, torchAdam(decay, 0)},
		{"adamw", func(n int, r Rate) Optimizer[T] { return NewAdamW[T](n, r, 0) }, torchAdam(0, 0)},
		{"adamw, decay", func(n int, r Rate) Optimizer[T] { return NewAdamW[T](n, r, decay) }, torchAdam(0, decay)},
	}
}

// torchSGD is torch.optim.SGD with momentum, dampening 0: b_1 = g_1, b_t = μ b_{t−1} + g_t.
func torchSGD(nesterov bool, lambda float64) func(theta float64, g, lr []float64) []float64 {
	return func(theta float64, g, lr []float64) (out []float64) {
		var b float64
		for t := range g {
			gt := g[t] + lambda*theta
			if t == 0 {
				b = gt
			} else {
				b = mu*b + gt
			}
			if nesterov {
				gt += mu * b
			} else {
				gt = b
			}
			theta -= lr[t] * gt
			out = append(out, theta)
		}
		return out
	}
}

// torchAdam is torch.optim.Adam, with the moments as the weighted sums that their recursions stand for; coupled is
// Adam's weight decay, decoupled AdamW's, which comes first.
func torchAdam(coupled, decoupled float64) func(theta float64, g, lr []float64) []float64 {
	return func(theta float64, g, lr []float64) (out []float64) {
		var seen []float64
		for t := range g {
			seen = append(seen, g[t]+coupled*theta)
			theta -= lr[t] * decoupled * theta
			var m, v, mw, vw float64 // sums, and the sums of their weights
			for i, gi := range seen {
				a, b := math.Pow(0.9, float64(t-i)), math.Pow(0.999, float64(t-i))
				m, v = m+a*gi, v+b*gi*gi
				mw, vw = mw+a, vw+b
			}
			theta -= lr[t] * (m / mw) / (math.Sqrt(v/vw) + 1e-8)
			out = append(out, theta)
		}
		return out
	}
}

// scene is θ and the gradients of some steps, of very different sizes.
type scene[T tensor.Float] struct {
	theta []T
	g     [][]T
}

func newScene[T tensor.Float](n, steps int) scene[T] {
	rng := rand.New(rand.NewPCG(14, 0))
	s := scene[T]{theta: check.Random[T](rng, 1, n).Row(0)}
	for range steps {
		g := check.Random[T](rng, 1, n).Row(0)
		for i := range g {
			g[i] *= T(math.Pow(10, float64(i%7-4)))
		}
		s.g = append(s.g, g)
	}
	return s
}

// step takes one whole step.
func step[T tensor.Float](o Optimizer[T], theta, g []T) {
	o.Advance()
	o.Apply(theta, g, 0)
}

func TestOptimizersFollowTheirFormulas(t *testing.T) {
	// Recursions of twelve steps of order lr, rounded; Adam's β₂ᵗ loses three digits in 1 − β₂.
	t.Run("float32", func(t *testing.T) { testFormulas[float32](t, 2e-6) })
	t.Run("float64", func(t *testing.T) { testFormulas[float64](t, 1e-14) })
}

func testFormulas[T tensor.Float](t *testing.T, tol float64) {
	const n, steps, lr = 21, 12, 0.05
	for _, k := range kinds[T]() {
		s := newScene[T](n, steps)
		o := k.make(n, Rate{lr, drop{}})
		var want [n][]float64
		for i := range want {
			var g, rates []float64
			for j := range steps {
				g, rates = append(g, float64(s.g[j][i])), append(rates, lr/float64(j+1))
			}
			want[i] = k.oracle(float64(s.theta[i]), g, rates)
		}
		for j := range steps {
			g := slices.Clone(s.g[j])
			step(o, s.theta, g)
			if !check.SameBits(g, s.g[j]) {
				t.Errorf("%s: step %d changes the gradient", k.name, j)
			}
			for i, v := range s.theta {
				if !(math.Abs(float64(v)-want[i][j]) <= tol*max(1, math.Abs(want[i][j]))) {
					t.Errorf("%s: step %d, parameter %d (gradients of 1e%d): %v, want %v", k.name, j, i, i%7-4, v, want[i][j])
				}
			}
		}
		if got := o.State().Steps; got != steps {
			t.Errorf("%s: %d steps counted, want %d", k.name, got, steps)
		}
	}
}

// TestPolyakSum: with a constant gradient and no decay, v_t = g(1 − μᵗ)/(1 − μ), and θ moves by the sum of them.
func TestPolyakSum(t *testing.T) {
	const g, lr, steps = 0.7, 0.01, 30
	o, theta := NewMomentum[float64](1, Rate{LR: lr}, mu, 0), []float64{2}
	for range steps {
		step(o, theta, []float64{g})
	}
	last := math.Pow(mu, steps)
	want := 2 - lr*g/(1-mu)*(steps-mu*(1-last)/(1-mu))
	if !check.Close(theta[0], want, 1e-14) || !check.Close(o.State().Slots[0].V[0], g*(1-last)/(1-mu), 1e-14) {
		t.Errorf("θ = %v, want %v; v = %v", theta[0], want, o.State().Slots[0].V[0])
	}
}

// TestAdamOnAConstantGradientStepsByTheRate: m̂ = g and v̂ = g² at every step, hence lr·g/(|g| + ε): the rate, towards −g,
// for a gradient of any size well above ε, and the first step for any gradient.
func TestAdamOnAConstantGradientStepsByTheRate(t *testing.T) {
	const lr = 0.125
	for _, o := range []*Adam[float64]{NewAdam[float64](6, Rate{LR: lr}, 0), NewAdamW[float64](6, Rate{LR: lr}, 0)} {
		g, theta := []float64{1e6, -3, 1e-4, -1e-8, 1e-12, 0}, make([]float64, 6)
		for n := 1; n <= 50; n++ {
			step(o, theta, g)
			for i, v := range theta {
				// m̂ is a sum of n terms over 1 − β₁ⁿ, v̂ over 1 − β₂ⁿ ≈ n/1000.
				if want := -lr * g[i] / (math.Abs(g[i]) + 1e-8) * float64(n); !check.Close(v, want, 1e-12) {
					t.Errorf("after %d steps along %v: %v, want %v", n, g[i], v, want)
				}
			}
		}
	}
}

// TestAdamWDecouples: what AdamW takes by decay does not depend on the gradient, what Adam takes does.
func TestAdamWDecouples(t *testing.T) {
	const lr = 0.5
	w := NewAdamW[float64](2, Rate{LR: lr}, decay)
	theta := []float64{3, -1e-3}
	step(w, theta, []float64{0, 0})
	if want := []float64{3 * (1 - lr*decay), -1e-3 * (1 - lr*decay)}; check.RelError(theta, want) > 1e-15 {
		t.Errorf("AdamW without gradient: %v, want %v", theta, want)
	}
	if m := w.State().Slots[0].V; m[0] != 0 || m[1] != 0 {
		t.Errorf("AdamW's decay enters m: %v", m)
	}
	a := NewAdam[float64](2, Rate{LR: lr}, decay)
	theta = []float64{3, -1e-3}
	step(a, theta, []float64{0, 0})
	if want := []float64{3 - lr*0.09/(0.09+1e-8), -1e-3 + lr*3e-5/(3e-5+1e-8)}; check.RelError(theta, want) > 1e-12 {
		t.Errorf("Adam without gradient: %v, want %v", theta, want)
	}
}

// TestRangesGiveTheSameBits divides θ in all sorts of ways, applies the parts at the same time and in any order.
func TestRangesGiveTheSameBits(t *testing.T) {
	t.Run("float32", testRanges[float32])
	t.Run("float64", testRanges[float64])
}

func testRanges[T tensor.Float](t *testing.T) {
	const n, steps = 37, 4
	for _, k := range kinds[T]() {
		s := newScene[T](n, steps)
		want, whole := slices.Clone(s.theta), k.make(n, Rate{0.1, drop{}})
		for _, g := range s.g {
			step(whole, want, g)
		}
		for _, size := range []int{1, 2, 5, 16, 36} {
			theta, o := slices.Clone(s.theta), k.make(n, Rate{0.1, drop{}})
			for _, g := range s.g {
				o.Advance()
				var parts sync.WaitGroup
				for lo := 0; lo < n; lo += size {
					hi := min(lo+size, n)
					parts.Go(func() { o.Apply(theta[lo:hi], g[lo:hi], lo) })
				}
				parts.Wait()
			}
			if !check.SameBits(theta, want) {
				t.Errorf("%s: in ranges of %d the result differs", k.name, size)
			}
			for i, slot := range o.State().Slots {
				if !check.SameBits(slot.V, whole.State().Slots[i].V) {
					t.Errorf("%s: in ranges of %d the state %q differs", k.name, size, slot.Name)
				}
			}
		}
	}
}

func TestApplyTouchesItsRangeOnly(t *testing.T) {
	for _, k := range kinds[float64]() {
		s := newScene[float64](9, 1)
		theta, o := slices.Clone(s.theta), k.make(9, Rate{LR: 0.1})
		o.Advance()
		o.Apply(theta[3:5], s.g[0][3:5], 3)
		for i := range theta {
			inside := 3 <= i && i < 5
			if (theta[i] != s.theta[i]) != inside {
				t.Errorf("%s: parameter %d is %v, was %v", k.name, i, theta[i], s.theta[i])
			}
			for _, slot := range o.State().Slots {
				if (slot.V[i] != 0) != inside {
					t.Errorf("%s: state %q of parameter %d is %v", k.name, slot.Name, i, slot.V[i])
				}
			}
		}
	}
}

// TestStateRoundTripContinues: an optimiser of the same kind that is given a copy of the state goes on bit for bit, with
// the rate of the step reached, whatever it did before.
func TestStateRoundTripContinues(t *testing.T) {
	t.Run("float32", testRoundTrip[float32])
	t.Run("float64", testRoundTrip[float64])
}

func testRoundTrip[T tensor.Float](t *testing.T) {
	const n, before, after = 11, 5, 4
	for _, k := range kinds[T]() {
		s := newScene[T](n, before+after)
		rate := Rate{0.1, drop{}}
		a := k.make(n, rate)
		for _, g := range s.g[:before] {
			step(a, s.theta, g)
		}
		saved := State[T]{Steps: a.State().Steps}
		for _, slot := range a.State().Slots {
			saved.Slots = append(saved.Slots, Slot[T]{slot.Name, slices.Clone(slot.V)})
		}
		resumed := slices.Clone(s.theta)
		b := k.make(n, rate)
		for _, g := range s.g { // another history
			step(b, slices.Clone(resumed), g)
		}
		if err := b.SetState(saved); err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		for _, slot := range saved.Slots { // SetState has copied
			clear(slot.V)
		}
		for _, g := range s.g[before:] {
			step(a, s.theta, g)
			step(b, resumed, g)
		}
		if !check.SameBits(resumed, s.theta) || b.State().Steps != before+after {
			t.Errorf("%s: resumed %v after %d steps, uninterrupted %v", k.name, resumed, b.State().Steps, s.theta)
		}
		if err := a.SetState(a.State()); err != nil {
			t.Errorf("%s: its own state: %v", k.name, err)
		}
	}
}

func TestWrongStatesAreRefused(t *testing.T) {
	o := NewAdam[float64](3, Rate{LR: 0.1}, 0)
	step(o, make([]float64, 3), []float64{1, 2, 3})
	v := func(n int) []float64 { return make([]float64, n) }
	good := []Slot[float64]{{"m", v(3)}, {"v", v(3)}}
	for _, c := range []struct {
		o    Optimizer[float64]
		s    State[float64]
		want string
	}{
		{o, State[float64]{-1, good}, "-1 steps: want 0 or more"},
		{o, State[float64]{2, nil}, "0 slots: want 2"},
		{o, State[float64]{2, good[:1]}, "1 slots: want 2"},
		{o, State[float64]{2, append(good[:2:2], good[0])}, "3 slots: want 2"},
		{o, State[float64]{2, []Slot[float64]{{"m", v(3)}, {"v", v(4)}}}, `slot "v" of 4: want "v" of 3`},
		{o, State[float64]{2, []Slot[float64]{{"m", nil}, {"v", v(3)}}}, `slot "m" of 0: want "m" of 3`},
		{o, State[float64]{2, []Slot[float64]{{"v", v(3)}, {"m", v(3)}}}, `slot "v" of 3: want "m" of 3`},
		{NewSGD[float64](Rate{LR: 1}, 0), State[float64]{2, good}, "2 slots: want 0"},
		{NewMomentum[float64](3, Rate{LR: 1}, mu, 0), State[float64]{2, good[:1]}, `slot "m" of 3: want "v" of 3`},
	} {
		before := c.o.State().Steps
		err := c.o.SetState(c.s)
		if err == nil || !strings.HasPrefix(err.Error(), "optimiser state: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if c.o.State().Steps != before {
			t.Errorf("a refused state left %d steps, was %d", c.o.State().Steps, before)
		}
	}
	if m := o.State().Slots[0].V; !(m[0] != 0 && m[1] != 0 && m[2] != 0) {
		t.Errorf("a refused state left m = %v", m)
	}
}

func TestNaNStaysInItsParameter(t *testing.T) {
	for _, k := range kinds[float32]() {
		s := newScene[float32](3, 1)
		theta := slices.Clone(s.theta)
		step(k.make(3, Rate{LR: 0.1}), s.theta, s.g[0])
		g := slices.Clone(s.g[0])
		g[1] = float32(math.NaN())
		step(k.make(3, Rate{LR: 0.1}), theta, g)
		if theta[1] == theta[1] || theta[0] != s.theta[0] || theta[2] != s.theta[2] {
			t.Errorf("%s: a NaN in gradient 1 leads to %v, none to %v", k.name, theta, s.theta)
		}
	}
}

func TestStepsAllocateNothing(t *testing.T) {
	for _, k := range kinds[float32]() {
		s := newScene[float32](5, 1)
		o := k.make(5, Rate{0.1, Cosine{Total: 100}})
		if n := testing.AllocsPerRun(10, func() { step(o, s.theta, s.g[0]) }); n != 0 {
			t.Errorf("%s: a step allocates %v times", k.name, n)
		}
	}
}
