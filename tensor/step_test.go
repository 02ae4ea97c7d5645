package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestStepsAreTheirFormulas(t *testing.T) {
	both(t, checkSteps[float32], checkSteps[float64])
}

// checkSteps compares the slices that a step changes with its formula, element by element and to the bit.
func checkSteps[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(16, 0))
	c := Momentum[T]{LR: 0.3, Decay: 0.01, Mu: 0.9}
	a := Adam[T]{Decay: 0.01, Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Scale: 0.002, Unbias: 3, Epsilon: 1e-8, Shrink: 0.0003}
	for _, n := range lengths {
		for _, s := range []struct {
			name string
			call func(x [4][]T)
			want func(theta, g, m, v T) [4]T
		}{
			{"Descend", func(x [4][]T) { Descend(x[0], x[1], c.LR, c.Decay) }, func(theta, g, m, v T) [4]T {
				return [4]T{theta - T(c.LR*(g+T(c.Decay*theta))), g, m, v}
			}},
			{"Momentum", func(x [4][]T) { c.Step(x[0], x[1], x[3]) }, func(theta, g, m, v T) [4]T {
				v = T(c.Mu*v) + (g + T(c.Decay*theta))
				return [4]T{theta - T(c.LR*v), g, m, v}
			}},
			{"Nesterov", func(x [4][]T) { c.Nesterov(x[0], x[1], x[3]) }, func(theta, g, m, v T) [4]T {
				decayed := g + T(c.Decay*theta)
				v = T(c.Mu*v) + decayed
				return [4]T{theta - T(c.LR*(decayed+T(c.Mu*v))), g, m, v}
			}},
			{"Adam", func(x [4][]T) { a.Step(x[0], x[1], x[2], x[3]) }, func(theta, g, m, v T) [4]T {
				decayed := g + T(a.Decay*theta)
				m = T(a.Beta1*m) + T(a.Rest1*decayed)
				v = T(a.Beta2*v) + T(a.Rest2*T(decayed*decayed))
				step := T(a.Scale*m) / (T(math.Sqrt(float64(T(a.Unbias*v)))) + a.Epsilon)
				return [4]T{theta - (T(a.Shrink*theta) + step), g, m, v}
			}},
		} {
			x, around := guarded[T](rng, 4, n)
			for j := range n {
				x.Row(3)[j] = T(math.Abs(float64(x.Row(3)[j])))
			}
			start := clone(x)
			s.call([4][]T{x.Row(0), x.Row(1), x.Row(2), x.Row(3)})
			for j := range n {
				want := s.want(start.Row(0)[j], start.Row(1)[j], start.Row(2)[j], start.Row(3)[j])
				for i := range want {
					if got := x.Row(i)[j]; !same(got, want[i]) {
						t.Fatalf("%s, slice %d, element %d of %d is %v, want %v", s.name, i, j, n, got, want[i])
					}
				}
			}
			if !intact(around, 4, n) {
				t.Errorf("%s of %d elements wrote outside its slices", s.name, n)
			}
		}
	}
}
