package learn

import (
	"fmt"
	"strings"

	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/tensor"
)

// Tuning holds the options of the methods that have any; zero values mean their defaults.
type Tuning struct {
	DT    float64 // step of euler, momentum, nesterov and the Runge–Kutta methods, first step of the adaptive ones
	Mu    float64 // coefficient of momentum and nesterov
	Until float64 // time at which a Runge–Kutta method stops a sample, truncated; 0: none
	// Scale multiplies ∂F/∂z in the methods that take a DT; 0 means 1. 1/B is the division of the activity gradient by the
	// batch size in libraries that differentiate the mean energy of a batch; inference is per sample here, and 1. Of langevin it multiplies
	// DT, and so the noise too.
	Scale float64
	// Temperature and Seed are of langevin: 0 means temperature 1.
	Temperature float64
	Seed        uint64
}

// method is a named inference method: what it needs, and how it is made.
type method[T tensor.Float] struct {
	name   string
	curved bool // error coordinates alone
	dt     bool // takes Tuning
	make   func(Tuning) infer.Method[T]
}

// methods is the one table of named methods, the default first.
func methods[T tensor.Float]() []method[T] {
	scaled := func(t Tuning) float64 { return step(t) * orOne(t.Scale) }
	momentum := func(nesterov bool) func(Tuning) infer.Method[T] {
		return func(t Tuning) infer.Method[T] { return &infer.Momentum[T]{DT: scaled(t), Mu: t.Mu, Nesterov: nesterov} }
	}
	flow := func(b infer.Tableau, tol float64) func(Tuning) infer.Method[T] {
		return func(t Tuning) infer.Method[T] {
			return &infer.RungeKutta[T]{Tableau: b, DT: step(t), RTol: tol, ATol: tol, Scale: t.Scale, Until: t.Until}
		}
	}
	plain := func(m func() infer.Method[T]) func(Tuning) infer.Method[T] {
		return func(Tuning) infer.Method[T] { return m() }
	}
	return []method[T]{
		{"auto", false, false, plain(func() infer.Method[T] { return &infer.Auto[T]{} })},
		{"bb", false, false, plain(func() infer.Method[T] { return &infer.BarzilaiBorwein[T]{} })},
		{"chord", true, false, plain(func() infer.Method[T] { return &infer.Chord[T]{} })},
		{"exact", true, false, plain(func() infer.Method[T] { return &infer.Exact[T]{} })},
		{"cg", true, false, plain(func() infer.Method[T] { return &infer.ConjugateGradient[T]{} })},
		{"newton", true, false, plain(func() infer.Method[T] { return &infer.GaussNewton[T]{} })},
		{"euler", false, true, func(t Tuning) infer.Method[T] { return &infer.Euler[T]{DT: scaled(t)} }},
		{"momentum", false, true, momentum(false)},
		{"nesterov", false, true, momentum(true)},
		{"langevin", false, true, func(t Tuning) infer.Method[T] {
			return &infer.Langevin[T]{DT: scaled(t), Temperature: t.Temperature, Seed: t.Seed}
		}},
		{"heun", false, true, flow(infer.Heun, 0)},
		{"bosh", false, true, flow(infer.BogackiShampine, 0)},
		{"dopri", false, true, flow(infer.DormandPrince, 0)},
		{"heun-adaptive", false, true, flow(infer.Heun, adaptiveTol)},
		{"dopri-adaptive", false, true, flow(infer.DormandPrince, adaptiveTol)},
	}
}

// adaptiveTol is the relative and absolute tolerance of the adaptive methods: JPC's.
const adaptiveTol = 1e-3

// step is the step of a Tuning, with the default that the methods share.
func step(t Tuning) float64 {
	if t.DT == 0 {
		return 0.1
	}
	return t.DT
}

func orOne(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

// MethodNames lists the inference methods that NewMethod knows, the default first.
func MethodNames() []string {
	var names []string
	for _, m := range methods[float64]() {
		names = append(names, m.name)
	}
	return names
}

// NewMethod returns a constructor of the named inference method for the given coordinates. The error says which names there
// are, or which the coordinates allow.
func NewMethod[T tensor.Float](name string, c Coordinates, t Tuning) (func() infer.Method[T], error) {
	var fit []string
	for _, m := range methods[T]() {
		if !m.curved || c == Errors {
			fit = append(fit, m.name)
		}
	}
	for _, m := range methods[T]() {
		switch {
		case m.name != name:
		case m.curved && c != Errors:
			return nil, fmt.Errorf("%q in activities: it needs error coordinates; want one of %s", name, strings.Join(fit, ", "))
		default:
			return func() infer.Method[T] { return m.make(t) }, nil
		}
	}
	return nil, fmt.Errorf("%q: want one of %s", name, strings.Join(fit, ", "))
}

// Steps reports whether the named method takes steps of the size Tuning.DT, which a stability limit bounds.
func Steps(name string) bool {
	for _, m := range methods[float64]() {
		if m.name == name {
			return m.dt
		}
	}
	return false
}
