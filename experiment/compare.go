package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/train"
)

// Compare asks which of several learning rules needs fewer batches to a training error, for several activations: a
// Contest for each. With Search it is the fair protocol; without it every rule has the learning rates in Rates, and
// those are chosen on the seeds that are reported.
type Compare struct {
	Base  train.Spec `json:"base"` // of every cell, but for rule, activation, learning rate and seed
	Rules []string   `json:"rules"`
	Acts  []string   `json:"acts"`
	// Rates holds the learning rates of each "ACT/RULE", ascending; with Search it is not used.
	Rates      map[string][]float64 `json:"rates,omitempty"`
	Search     *Search              `json:"search,omitempty"`
	Seeds      []uint64             `json:"seeds"`      // reported
	Thresholds map[string][]float64 `json:"thresholds"` // of each activation, descending
}

// Search is how a fair comparison looks for learning rates: the fields of Contest, and a grid for each "ACT/RULE".
type Search struct {
	Grids     map[string]Grid `json:"grids"`
	Selection []uint64        `json:"selection"`
	Elsewhere int             `json:"elsewhere"`
	Worse     int             `json:"worse"`
	Extend    int             `json:"extend"`
	Refine    bool            `json:"refine"`
}

// Grid is the learning rates 2^Low … 2^High.
type Grid struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// thresholds of the ten-layer networks on MNIST: the best linear map reaches 0.0380.
func thresholds() map[string][]float64 {
	return map[string][]float64{"relu": {0.05, 0.03, 0.02}, "tanh": {0.05, 0.03, 0.02}, "linear": {0.05, 0.042}}
}

// tenLayers returns the training of Figure 4: ten layers of the width, next to the saddle at the origin; plain SGD.
func tenLayers(width, batches int) train.Spec {
	base := train.Defaults()
	base.Arch, base.Optim = fmt.Sprintf("784-%dx9-10", width), "sgd"
	base.Batches, base.Epochs = batches, 0
	return base
}

// Preview returns a comparison of a minute: two learning rates a rule near the best of a wider search; one seed. It is
// not fair, and says so.
func Preview() Compare {
	return Compare{
		Base: tenLayers(128, 1000), Rules: []string{"bp", "pc"}, Acts: []string{"relu", "tanh", "linear"}, Seeds: []uint64{0},
		Rates: map[string][]float64{
			"relu/bp": {0.25, 0.5}, "relu/pc": {8, 16},
			"tanh/bp": {0.5, 1}, "tanh/pc": {2, 4},
			"linear/bp": {0.25, 0.5}, "linear/pc": {1, 2},
		},
		Thresholds: map[string][]float64{"relu": {0.05, 0.03}, "tanh": {0.05, 0.03}, "linear": {0.05}},
	}
}

// Fair returns the comparison of Preview's networks under the fair protocol.
func Fair() Compare {
	c := Preview()
	c.Base.Batches, c.Rates, c.Seeds = 2000, nil, []uint64{0, 1, 2, 3, 4}
	c.Thresholds = thresholds()
	c.Search = &Search{Grids: map[string]Grid{}, Selection: []uint64{100, 101, 102}, Elsewhere: 1, Worse: 2, Extend: 3, Refine: true}
	c.SetGrids()
	return c
}

// SetGrids gives the activations and rules that have no grid one around where experience has the best learning rate of
// the optimiser. The search goes on from there.
func (c *Compare) SetGrids() {
	for _, act := range c.Acts {
		for _, rule := range c.Rules {
			if _, ok := c.Search.Grids[act+"/"+rule]; !ok {
				c.Search.Grids[act+"/"+rule] = gridOf(c.Base.Optim, act, rule)
			}
		}
	}
}

// gridOf returns five powers of two around the best of ten layers of width 128.
func gridOf(optim, act, rule string) Grid {
	best := -1
	switch {
	case optim == "adam" || optim == "adamw":
		return Grid{-12, -8}
	case rule == "bp":
		if act == "tanh" {
			best = 0
		}
	case act == "relu":
		best = 4
	case act == "tanh":
		best = 2
	default:
		best = 1
	}
	if optim != "sgd" {
		best -= 3 // a step of momentum 0.9 goes ten times as far in the end
	}
	return Grid{best - 2, best + 2}
}

// SetRates gives every activation and rule the same learning rates, instead of a search.
func (c *Compare) SetRates(rates []float64) {
	c.Search, c.Rates = nil, map[string][]float64{}
	for _, act := range c.Acts {
		for _, rule := range c.Rules {
			c.Rates[act+"/"+rule] = rates
		}
	}
}

// Best is the learning rate of a rule for the lowest threshold that was reached at any of its rates by the seeds that
// choose, and the medians over the reported seeds of its costs to each threshold, at the rate chosen for that.
type Best struct {
	Rule  string              `json:"rule"`
	Act   string              `json:"act"`
	LR    *float64            `json:"lr"`
	Rates map[string]*float64 `json:"rates"`
	ToMSE map[string]*Cost    `json:"to_mse"`
}

// Comparison is the outcome: cells in the order of the spec.
type Comparison struct {
	Fair   bool     `json:"fair"`
	Why    []string `json:"why"` // not fair
	Cells  []Cell   `json:"cells"`
	Best   []Best   `json:"best"`
	Ratios []Ratio  `json:"ratios"` // of bp to every other rule
}

// Validate reports every fault of the description.
func (c Compare) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		err := fmt.Errorf(format, args...)
		if !slices.ContainsFunc(faults, func(e error) bool { return e.Error() == err.Error() }) {
			faults = append(faults, err)
		}
	}
	if len(c.Rules) == 0 || len(c.Acts) == 0 || len(c.Seeds) == 0 {
		fault("--rules, --acts, --seeds: want at least one of each")
	}
	base := c.Base
	if base.Batches < 1 {
		fault("--batches %d: want a number from 1", base.Batches)
		base.Batches = 1
	}
	// What cells replace is judged below, in the words of the flags that ask for it.
	base.Act, base.Rule, base.LR = "linear", "bp", 1
	if err := base.Validate(); err != nil {
		fault("%w", err)
	}
	c.validateWords(fault)
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	for _, x := range c.contests() {
		if err := x.Validate(); err != nil {
			fault("%w", err)
		}
	}
	return errors.Join(faults...)
}

// validateWords reports what is wrong with rules, activations and seeds, and what is asked for twice.
func (c Compare) validateWords(fault func(string, ...any)) {
	for _, rule := range c.Rules {
		if !slices.Contains(train.Rules, rule) {
			fault("--rules %q: want some of %s", rule, strings.Join(train.Rules, ", "))
		}
	}
	for _, act := range c.Acts {
		c.validateAct(act, fault)
	}
	if twice(c.Rules) || twice(c.Acts) || twice(c.Seeds) {
		fault("--rules, --acts, --seeds: something is asked for twice; want each once")
	}
	if c.Search == nil {
		return
	}
	for _, s := range c.Search.Selection {
		if slices.Contains(c.Seeds, s) {
			fault("--seeds %d: want others than %v, which choose the learning rates", s, c.Search.Selection)
		}
	}
}

func twice[E comparable](v []E) bool {
	for i, x := range v {
		if slices.Contains(v[:i], x) {
			return true
		}
	}
	return false
}

// validateAct reports what is wrong with an activation, its thresholds and its learning rates.
func (c Compare) validateAct(act string, fault func(string, ...any)) {
	if _, err := nn.ParseActivation(act); err != nil {
		fault("--acts: %w", err)
		return
	}
	if len(c.Thresholds[act]) == 0 {
		fault("--thresholds: none for %s: want one or more", act)
	}
	for _, t := range c.Thresholds[act] {
		if !(t > 0) || math.IsInf(t, 0) {
			fault("--thresholds %v: want training errors above 0", t)
		}
	}
	if c.Search != nil {
		return
	}
	for _, rule := range c.Rules {
		rates := c.Rates[act+"/"+rule]
		if len(rates) == 0 {
			fault("--lrs: no learning rate for %s with %s: want one or more", rule, act)
		}
		if twice(rates) {
			fault("--lrs %v: a learning rate is asked for twice; want each once", rates)
		}
		for _, lr := range rates {
			if !(lr > 0) || math.IsInf(lr, 0) {
				fault("--lrs %v: want learning rates above 0", lr)
			}
		}
	}
}

// contests returns one for each activation.
func (c Compare) contests() []Contest {
	var out []Contest
	for _, act := range c.Acts {
		x := Contest{Name: act, Base: c.Base, Thresholds: c.Thresholds[act], Reporting: c.Seeds, Worse: 1}
		x.Base.Act = act
		if s := c.Search; s != nil {
			x.Selection, x.Elsewhere, x.Worse, x.Extend, x.Refine = s.Selection, s.Elsewhere, s.Worse, s.Extend, s.Refine
		}
		for _, rule := range c.Rules {
			e := Entrant{Rule: rule, Rates: c.Rates[act+"/"+rule]}
			if c.Search != nil {
				g := c.Search.Grids[act+"/"+rule]
				e = Entrant{Rule: rule, Low: g.Low, High: g.High}
			}
			x.Rules = append(x.Rules, e)
		}
		out = append(out, x)
	}
	return out
}

// Run computes the comparison. The cells that the sink already has are not computed again. Its tables are cells, curves,
// chosen, best, ratios and timings.
func (c Compare) Run(ctx context.Context, set *data.Set, sink Sink, env Env) (Comparison, error) {
	if err := c.Validate(); err != nil {
		return Comparison{}, err
	}
	outcomes, err := contests(ctx, c.contests(), newTrials(sink, env), func(string) (*data.Set, error) { return set, nil }, env.Now)
	if err != nil {
		return Comparison{}, err
	}
	out := Comparison{Ratios: []Ratio{}}
	for _, o := range outcomes {
		out.Cells = append(out.Cells, o.Cells...)
		for _, rule := range c.Rules {
			out.Best = append(out.Best, o.best(rule))
		}
		out.Ratios = append(out.Ratios, o.ratios()...)
	}
	out.Why = c.why(outcomes)
	out.Fair = len(out.Why) == 0
	w := &tables{sink: sink}
	w.outcomes("", outcomes)
	w.ratios("", out.Ratios)
	for _, b := range out.Best {
		w.row("best", []string{"act", "rule", "lr"}, b.Act, b.Rule, deref(b.LR))
	}
	return out, w.err
}

// best returns a rule's learning rates and the medians of its costs.
func (o Outcome) best(rule string) Best {
	b := Best{Rule: rule, Act: o.Contest.Base.Act, Rates: map[string]*float64{}, ToMSE: map[string]*Cost{}}
	for _, t := range o.Contest.Thresholds { // descending
		key := ThresholdKey(t)
		c, _ := o.choice(rule, t)
		b.Rates[key], b.ToMSE[key] = c.LR, nil
		if c.LR != nil {
			b.ToMSE[key] = medianCost(o.of(rule, Reporting, *c.LR), key)
		}
		if b.LR == nil || c.Reached {
			b.LR = c.LR
		}
	}
	return b
}

// ratios compares bp with every other rule at every threshold.
func (o Outcome) ratios() []Ratio {
	var out []Ratio
	rules := o.Contest.rules()
	if !slices.Contains(rules, "bp") {
		return nil
	}
	for _, rule := range rules {
		for _, t := range o.Contest.Thresholds {
			if rule != "bp" {
				out = append(out, ratio(o, "bp", o, rule, t))
			}
		}
	}
	return out
}

// why lists what keeps the comparison from being fair by section 3 of the notation.
func (c Compare) why(outcomes []Outcome) []string {
	var why, lost, edge []string
	if n := len(c.Seeds); n < 3 {
		why = append(why, fmt.Sprintf("%d seed(s): at least 3 are needed", n))
	}
	for _, o := range outcomes {
		for _, x := range o.Chosen {
			switch {
			case x.LR == nil:
				lost = append(lost, x.Act+" "+x.Rule)
			case x.Edge:
				edge = append(edge, fmt.Sprintf("%s %s %.4g", x.Act, x.Rule, *x.LR))
			}
		}
	}
	if len(lost) > 0 {
		why = append(why, "diverged at every learning rate tried: "+strings.Join(slices.Compact(lost), ", "))
	}
	if len(edge) > 0 {
		why = append(why, "best learning rate at the edge of its grid: "+strings.Join(slices.Compact(edge), ", "))
	}
	if c.Search == nil {
		why = append(why, "learning rates are chosen on the seeds that are reported")
	}
	return why
}

// deref returns what p points to, or nil.
func deref[V any](p *V) any {
	if p == nil {
		return nil
	}
	return *p
}
