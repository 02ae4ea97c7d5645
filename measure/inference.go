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
	Batch   int     // samples of a batch
	Batches int     // batches measured; figures are medians over them
	Max     float64 // passes at which a method is given up
	Workers int     // of the trainings that make states
	Seed    uint64
	Now     func() time.Time

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

// bestRates are the learning rates of the states at width 128, from a grid of powers of two (settle compare); wider
// networks take 128/width of them, which keeps the change of the activities.
var bestRates = map[nn.Activation][2]float64{
	nn.Linear: {0.5, 2}, nn.Tanh: {1, 4}, nn.ReLU: {0.5, 16},
}

// Methods lists the names of the methods that are measured.
func Methods() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	return names
}

// method is a named inference method in coordinates.
type method struct {
	name   string
	coords learn.Coordinates
	make   func() infer.Method[float32]
}

var methods = []method{
	{"auto", learn.Errors, func() infer.Method[float32] { return &infer.Auto[float32]{} }},
	{"bb", learn.Errors, func() infer.Method[float32] { return &infer.BarzilaiBorwein[float32]{} }},
	{"cg", learn.Errors, func() infer.Method[float32] { return &infer.ConjugateGradient[float32]{} }},
	{"euler-errors-0.4", learn.Errors, func() infer.Method[float32] { return &infer.Euler[float32]{DT: 0.4} }},
	{"euler-0.1", learn.Activities, func() infer.Method[float32] { return &infer.Euler[float32]{DT: 0.1} }},
	{"euler-0.3", learn.Activities, func() infer.Method[float32] { return &infer.Euler[float32]{DT: 0.3} }},
	{"euler-0.5", learn.Activities, func() infer.Method[float32] { return &infer.Euler[float32]{DT: 0.5} }},
	{"momentum-0.2-0.7", learn.Activities, func() infer.Method[float32] { return &infer.Momentum[float32]{DT: 0.2, Mu: 0.7} }},
	{"heun-adaptive", learn.Activities, func() infer.Method[float32] { return &infer.RungeKutta[float32]{RTol: 1e-3, ATol: 1e-3} }},
	{"bb-activities", learn.Activities, func() infer.Method[float32] { return &infer.BarzilaiBorwein[float32]{} }},
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
	Gap         map[string]*Work `json:"gap"`
	Residual    map[string]*Work `json:"residual"`
	// GradientError is ‖∂F/∂θ − ∂F*/∂θ‖/‖∂F*/∂θ‖ where the residual ratio first reached the key.
	GradientError map[string]*float64 `json:"gradient_error"`
}

// Run measures all cases; each is handed to done as it is finished.
func (q Inference) Run(ctx context.Context, set *data.Set, done func(InferenceCase)) error {
	for _, arch := range q.Archs {
		dims, err := nn.ParseDims(arch)
		if err != nil {
			return err
		}
		for _, act := range q.Acts {
			for _, state := range q.States {
				net, err := q.network(ctx, nn.Arch{Dims: dims, Act: act}, state, set)
				if err != nil {
					return err
				}
				bench, err := newBench(q, nn.Arch{Dims: dims, Act: act}, net, set)
				if err != nil {
					return err
				}
				for _, name := range q.Methods {
					if err := ctx.Err(); err != nil {
						return err
					}
					m := methods[slices.IndexFunc(methods, func(m method) bool { return m.name == name })]
					c := bench.measure(m)
					c.Arch, c.Act, c.State, c.Depth, c.Width = arch, act.String(), state, len(dims)-1, dims[1]
					done(c)
				}
			}
		}
	}
	return nil
}

// network returns the network in the given state. Shallow networks do not bear the learning rates of deep ones: where a training
// diverges, the next has a quarter of its rate.
func (q Inference) network(ctx context.Context, a nn.Arch, state string, set *data.Set) (*nn.Network[float32], error) {
	for scale := 1.0; scale > 1e-3; scale /= 4 {
		if net, err := q.trained(ctx, a, state, set, scale); net != nil || err != nil {
			return net, err
		}
	}
	return nil, fmt.Errorf("%s %s: the training that makes the state %s diverged", a.DimString(), a.Act, state)
}

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
	rates, ok := bestRates[a.Act]
	if !ok {
		rates = bestRates[nn.Tanh]
	}
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
	sgd := optim.NewSGD[float32](optim.Rate{LR: scale * lr * min(1, 128/float64(a.Dims[1]))}, 0)
	for range n / max(1, q.shorter) {
		s, err := rule.Step(ctx, batches.Next(), sgd)
		if err != nil {
			return nil, err
		}
		if math.IsNaN(s.MSE) {
			return nil, nil
		}
	}
	return net, nil
}
