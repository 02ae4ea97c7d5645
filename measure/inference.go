package measure

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
)

// Inference asks how much work inference takes: for every network, in every state, with every method, until the energy
// gap and the residual ratio of a batch are 10 %, 1 % and 0.1 %.
type Inference struct {
	Archs   []string
	Acts    []nn.Activation
	States  []string
	Methods []string
	Init    nn.Init
	// Residual puts skip connections around the hidden layers.
	Residual bool
	Batch    int     // samples of a batch
	Batches  int     // batches measured; figures are medians over them
	Max      float64 // passes at which a method is given up
	Workers  int     // of the trainings that make states
	Seed     uint64
	Now      func() time.Time

	shorter int // the trainings that make states have so many times fewer batches; 0: all
}

// The states in which a network's inference is measured: with initial weights, after 1,500 batches of BP and after 300
// batches of PC, both by SGD at (about) the rule's best learning rate.
const (
	New       = "new"
	BPTrained = "bp-trained"
	PCTrained = "pc-trained"
)

// States lists them.
func States() []string { return []string{New, BPTrained, PCTrained} }

// bestRates are the learning rates of the states, BP's and PC's: about the best of a grid of powers of two at widths 128 and 300
// for ten layers from fan-in weights (1,500 batches of BP, 300 of PC; PC diverges at 4 on tanh and linear networks).
var bestRates = map[nn.Activation][2]float64{
	nn.Linear: {0.5, 2}, nn.Tanh: {1, 2}, nn.ReLU: {0.5, 16}, nn.GELU: {2, 32},
}

// shallowRates are those of networks of fewer than deep layers: half the largest power of two with which 784-300-300-10 learned.
var shallowRates = map[nn.Activation][2]float64{
	nn.Linear: {1. / 32, 1. / 32}, nn.Tanh: {1. / 16, 1. / 16}, nn.ReLU: {0.25, 0.5}, nn.GELU: {0.25, 0.5},
}

// deep is the number of layers from which bestRates hold.
const deep = 5

// stateRates returns the learning rates of BP and PC that make the states of a.
func stateRates(a nn.Arch) [2]float64 {
	known := bestRates
	if len(a.Dims)-1 < deep {
		known = shallowRates
	}
	if rates, ok := known[a.Act]; ok {
		return rates
	}
	return known[nn.Tanh]
}

// contender is a method as it is measured: a name of package learn with a step of its own, in coordinates.
type contender struct {
	name   string
	method string
	coords learn.Coordinates
	tuning learn.Tuning
}

var contenders = []contender{
	{"auto", "auto", learn.Errors, learn.Tuning{}},
	{"bb", "bb", learn.Errors, learn.Tuning{}},
	{"chord", "chord", learn.Errors, learn.Tuning{}},
	{"exact", "exact", learn.Errors, learn.Tuning{}},
	{"cg", "cg", learn.Errors, learn.Tuning{}},
	{"newton", "newton", learn.Errors, learn.Tuning{}},
	{"euler-errors-0.4", "euler", learn.Errors, learn.Tuning{DT: 0.4}},
	{"euler-0.1", "euler", learn.Activities, learn.Tuning{DT: 0.1}},
	{"euler-0.3", "euler", learn.Activities, learn.Tuning{DT: 0.3}},
	{"euler-0.5", "euler", learn.Activities, learn.Tuning{DT: 0.5}},
	{"momentum-0.2", "momentum", learn.Activities, learn.Tuning{DT: 0.2}},
	{"nesterov-0.2", "nesterov", learn.Activities, learn.Tuning{DT: 0.2}},
	{"heun-adaptive", "heun-adaptive", learn.Activities, learn.Tuning{}},
	{"dopri-adaptive", "dopri-adaptive", learn.Activities, learn.Tuning{}},
	{"bb-activities", "bb", learn.Activities, learn.Tuning{}},
}

// Methods lists the names of the methods that are measured.
func Methods() []string {
	names := make([]string, len(contenders))
	for i, m := range contenders {
		names[i] = m.name
	}
	return names
}

// thresholds of gap and residual ratio, and their keys.
var thresholds = []struct {
	key   string
	value float64
}{{"0.1", 0.1}, {"0.01", 0.01}, {"0.001", 0.001}}

// Work is what it took to reach a threshold, medians over batches.
type Work struct {
	Passes float64 `json:"passes"`
	MACs   float64 `json:"macs"`
	MS     float64 `json:"ms"`
}

// InferenceCase is one network, state and method. Nil stands for "not reached in half of the batches".
type InferenceCase struct {
	Arch        string           `json:"arch"`
	Act         string           `json:"act"`
	State       string           `json:"state"`
	Depth       int              `json:"depth"`
	Width       int              `json:"width"`
	Method      string           `json:"method"`
	Coordinates string           `json:"coordinates"`
	Gap         map[string]*Work `json:"gap"` // to the lowest energies known: of two long float64 runs, and of any method
	// OwnGap is the gap to the lowest energies that this method itself reached on the batch. Where F has many minima, as with
	// ReLU, it says how fast the method settles in one, and Gap how good that is.
	OwnGap   map[string]*Work `json:"own_gap"`
	Residual map[string]*Work `json:"residual"`
	// GradientError is ‖∂F/∂θ − ∂F*/∂θ‖/‖∂F*/∂θ‖ where the residual ratio first reached the key.
	GradientError map[string]*float64 `json:"gradient_error"`
	// Course is the first batch after each step, for a figure.
	Course []CoursePoint `json:"-"`
}

// CoursePoint is a batch after a step of inference.
type CoursePoint struct{ Passes, Gap, Residual float64 }

// Run measures all cases. Those of a network are handed to done together, once all methods have run on it, since any may find
// a lower energy; tick is told of every run as it is finished.
func (q Inference) Run(ctx context.Context, set *data.Set, tick func(what string), done func(InferenceCase)) error {
	for _, arch := range q.Archs {
		dims, err := nn.ParseDims(arch)
		if err != nil {
			return err
		}
		for _, act := range q.Acts {
			for _, state := range q.States {
				net, err := q.network(ctx, nn.Arch{Dims: dims, Act: act, Residual: q.Residual}, state, set)
				if err != nil {
					return err
				}
				tick(arch + " " + act.String() + " " + state)
				bench, err := newBench(q, nn.Arch{Dims: dims, Act: act, Residual: q.Residual}, net, set)
				if err != nil {
					return err
				}
				methods, runs := make([]contender, len(q.Methods)), make([][]trace, len(q.Methods))
				for i, name := range q.Methods {
					if err := ctx.Err(); err != nil {
						return err
					}
					methods[i] = contenders[slices.IndexFunc(contenders, func(m contender) bool { return m.name == name })]
					runs[i] = bench.run(methods[i])
					tick(act.String() + " " + state + " " + name)
				}
				for i, m := range methods {
					c := bench.judge(runs[i])
					c.Arch, c.Act, c.State, c.Depth, c.Width = arch, act.String(), state, len(dims)-1, dims[1]
					c.Method, c.Coordinates = m.name, coordinateName(m.coords)
					done(c)
				}
			}
		}
	}
	return nil
}

// network returns the network in the given state. Where the training that makes it diverges, the next has a quarter of its rate.
func (q Inference) network(ctx context.Context, a nn.Arch, state string, set *data.Set) (*nn.Network[float32], error) {
	for scale := 1.0; scale > 1e-3; scale /= 4 {
		if net, err := q.trained(ctx, a, state, set, scale); net != nil || err != nil {
			return net, err
		}
	}
	return nil, fmt.Errorf("%s %s: the training that makes the state %s diverged", a.DimString(), a.Act, state)
}

// worse is the error at the end, over that at the start, from which a training has diverged though its numbers are finite. An
// error that hardly falls, as on a plateau, varies less between batches.
const worse = 2

// trained returns the network in the given state, or nil if the training that makes it, at scale times its learning rate, diverged.
func (q Inference) trained(ctx context.Context, a nn.Arch, state string, set *data.Set, scale float64) (*nn.Network[float32], error) {
	net, err := nn.Build[float32](a)
	if err != nil {
		return nil, err
	}
	nn.Initialize(net, q.Init, q.Seed)
	if state == New {
		return net, nil
	}
	rates := stateRates(a)
	pool := learn.NewPool(q.Workers)
	defer pool.Close()
	batches, err := data.NewBatches[float32](set, q.Batch, q.Seed)
	if err != nil {
		return nil, err
	}
	var rule learn.Rule[float32]
	n, lr := 1500, rates[0]
	if state == PCTrained {
		n, lr = 300, rates[1]
		rule = learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{Settings: infer.Settings{Tol: 1e-3, Gap: 0.01}}, pool, q.Batch)
	} else {
		rule = learn.NewBP(net, pool, q.Batch)
	}
	sgd := optim.NewSGD[float32](optim.Rate{LR: scale * lr}, 0)
	var first, last float64
	for i := range n / max(1, q.shorter) {
		s, err := rule.Step(ctx, batches.Next(), sgd)
		if err != nil {
			return nil, err
		}
		if last = s.MSE; math.IsNaN(last) {
			return nil, nil
		}
		if i == 0 {
			first = last
		}
	}
	if last > worse*first {
		return nil, nil
	}
	return net, nil
}
