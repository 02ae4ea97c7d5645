package measure

import (
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
)

// Training asks what a step of training costs, by backpropagation and by predictive coding at its equilibrium: inference to a
// residual ratio of Tol or an energy gap of Gap, weight gradient, update and packing. Both rules start from copies of one network,
// see the same batches and take turns, so that what disturbs the machine meets both; or, Alone, follow each other, so that neither
// drives the other out of the caches. Updates have a rate too small to change
// anything: every step is one of the state, which is made as for Inference, but by 300 batches of BP or 60 of PC.
type Training struct {
	Archs   []string
	Acts    []nn.Activation
	States  []string
	Optims  []string
	Init    nn.Init
	Batch   int
	Steps   int   // timed steps of each rule; figures are medians and means over them
	Workers []int // numbers of workers
	Alone   bool
	Tol     float64
	Gap     float64
	Seed    uint64
	Now     func() time.Time
}

// TrainCase is one network, state, rule and optimiser. Nil stands for "does not apply".
type TrainCase struct {
	Arch     string   `json:"arch"`
	Act      string   `json:"act"`
	State    string   `json:"state"`
	Rule     string   `json:"rule"`
	Solver   *string  `json:"solver"`
	Optim    string   `json:"optim"`
	Batch    int      `json:"batch"`
	Workers  int      `json:"workers"`
	MS       float64  `json:"ms_per_step"` // median
	MinMS    float64  `json:"ms_min"`
	MaxMS    float64  `json:"ms_max"`
	Passes   float64  `json:"passes"` // means
	MACs     float64  `json:"macs"`
	Gap      *float64 `json:"gap"` // estimated, as in training
	Residual *float64 `json:"residual"`
	Allocs   float64  `json:"allocs_per_step"`
}

// optimiser is a named optimiser, for n parameters.
type optimiser struct {
	name string
	make func(n int) optim.Optimizer[float32]
}

// optimisers are those whose steps are measured, with a rate that changes nothing.
var optimisers = []optimiser{
	{"sgd", func(int) optim.Optimizer[float32] { return optim.NewSGD[float32](idle, 0) }},
	{"momentum", func(n int) optim.Optimizer[float32] { return optim.NewMomentum[float32](n, idle, 0.9, 0) }},
	{"adam", func(n int) optim.Optimizer[float32] { return optim.NewAdam[float32](n, idle, 0) }},
}

var idle = optim.Rate{LR: 1e-9}

// Optimisers lists their names.
func Optimisers() []string {
	names := make([]string, len(optimisers))
	for i, o := range optimisers {
		names[i] = o.name
	}
	return names
}

// trainBatches is the number of batches that the steps go through, over and over.
const trainBatches = 4

// Run measures all cases; those of the two rules are handed to done together.
func (q Training) Run(ctx context.Context, set *data.Set, done func(bp, pc TrainCase)) error {
	batches := make([]data.Batch[float32], trainBatches)
	for i := range batches {
		batches[i] = data.Fill(data.NewBatch[float32](set, q.Batch), set, set.Train, i*q.Batch, (i+1)*q.Batch)
	}
	states := Inference{shorter: 5, Init: q.Init, Batch: q.Batch, Workers: slices.Max(q.Workers), Seed: q.Seed}
	for _, arch := range q.Archs {
		dims, err := nn.ParseDims(arch)
		if err != nil {
			return err
		}
		for _, act := range q.Acts {
			for _, state := range q.States {
				a := nn.Arch{Dims: dims, Act: act}
				net, err := states.network(ctx, a, state, set)
				if err != nil {
					return err
				}
				c := TrainCase{Arch: arch, Act: act.String(), State: state, Batch: q.Batch}
				if err := (race{q, a, net, batches}).run(ctx, c, done); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// race measures one network.
type race struct {
	Training
	arch    nn.Arch
	net     *nn.Network[float32]
	batches []data.Batch[float32]
}

// run measures the network with every optimiser and number of workers; c says what it is.
func (r race) run(ctx context.Context, c TrainCase, done func(bp, pc TrainCase)) error {
	for _, name := range r.Optims {
		o := optimisers[slices.IndexFunc(optimisers, func(o optimiser) bool { return o.name == name })]
		for _, workers := range r.Workers {
			c.Optim, c.Workers = name, workers
			pool := learn.NewPool(workers)
			bp, pc, err := r.contestants(o, pool)
			if err == nil {
				err = r.both(ctx, bp, pc)
			}
			pool.Close()
			if err != nil {
				return err
			}
			done(bp.result(c, "bp"), pc.result(c, "pc"))
		}
	}
	return nil
}

// contestants returns the two rules, each with a copy of the network.
func (r race) contestants(o optimiser, pool *learn.Pool) (bp, pc *contestant, err error) {
	var nets [2]*nn.Network[float32]
	for i := range nets {
		if nets[i], err = nn.Build[float32](r.arch); err != nil {
			return nil, nil, err
		}
		nets[i].Update(func(theta []float32) { copy(theta, r.net.Theta()) })
	}
	inf := learn.Inference[float32]{Settings: infer.Settings{Tol: r.Tol, Gap: r.Gap}}
	n := len(r.net.Theta())
	bp = &contestant{opt: o.make(n), rule: learn.NewBP(nets[0], pool, r.Batch)}
	pc = &contestant{opt: o.make(n), rule: learn.NewPC(&energy.PC[float32]{Net: nets[1]}, inf, pool, r.Batch)}
	return bp, pc, nil
}

// contestant is a rule and what its steps cost so far.
type contestant struct {
	rule                     learn.Rule[float32]
	opt                      optim.Optimizer[float32]
	times                    []float64
	passes, macs, gap, resid float64
	allocs                   float64
}

// both measures the two rules, in turns or one after the other.
func (r race) both(ctx context.Context, bp, pc *contestant) error {
	if !r.Alone {
		return r.turns(ctx, bp, pc)
	}
	if err := r.turns(ctx, bp); err != nil {
		return err
	}
	return r.turns(ctx, pc)
}

// turns lets the rules take turns: some steps to warm up, some in which allocations are counted, then those that are timed.
func (r race) turns(ctx context.Context, rules ...*contestant) error {
	for _, c := range rules {
		for _, b := range r.batches {
			if _, err := c.rule.Step(ctx, b, c.opt); err != nil {
				return err
			}
		}
		if err := c.countAllocs(ctx, r.batches); err != nil {
			return err
		}
	}
	for i := range r.Steps {
		for _, c := range rules {
			start := r.Now()
			s, err := c.rule.Step(ctx, r.batches[i%len(r.batches)], c.opt)
			if err != nil {
				return err
			}
			c.times = append(c.times, r.Now().Sub(start).Seconds()*1e3)
			c.passes, c.macs = c.passes+s.Passes, c.macs+s.MACs
			c.gap, c.resid = c.gap+s.Inference.Gap(), c.resid+s.Inference.Residual()
		}
	}
	return nil
}

// countAllocs counts allocations per step, rounded down: what the runtime allocates for itself is no step's.
func (c *contestant) countAllocs(ctx context.Context, batches []data.Batch[float32]) error {
	const steps = 2 * trainBatches
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range steps {
		if _, err := c.rule.Step(ctx, batches[i%len(batches)], c.opt); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&after)
	c.allocs = math.Floor(float64(after.Mallocs-before.Mallocs) / steps)
	return nil
}

// result completes what to says of the case.
func (c *contestant) result(to TrainCase, rule string) TrainCase {
	n := float64(len(c.times))
	slices.Sort(c.times)
	to.MinMS, to.MaxMS = c.times[0], c.times[len(c.times)-1]
	to.Rule, to.MS, to.Passes, to.MACs, to.Allocs = rule, c.times[len(c.times)/2], c.passes/n, c.macs/n, c.allocs
	if rule == "pc" {
		solver, resid := "auto", c.resid/n
		to.Solver, to.Residual = &solver, &resid
		if gap := c.gap / n; !math.IsNaN(gap) {
			to.Gap = &gap
		}
	}
	return to
}
