package experiment

import (
	"fmt"
	"math"
)

// usedShare is how much of a plan's work is done: trainings that reach their lowest threshold or diverge end early, in
// short runs fewer of them.
var usedShare = map[string]float64{Quick: 0.75, Standard: 0.65, Full: 0.5}

// overheads in seconds on one core: what the toy, the theory and all pictures take, about, by level.
var overheads = map[string]float64{Quick: 26, Standard: 40, Full: 150}

// margins are the shares of a level's time that are planned: other work may slow the machine down after its speed was
// measured, the more so in a short run.
var margins = map[string]float64{Quick: 0.7, Standard: 0.85, Full: 0.92}

// toyShare is the toy's part of the overheads.
const toyShare = 0.25

// shares of the time that is left after that.
const (
	depthShare = 0.55
	costShare  = 0.15
	otherShare = 0.30
)

// NewPlan fills a request with as much as the level asks for, or as the time allows: speed is the machine's, of which
// workers cores are used; have tells which data sets are there. The plan is a function of these alone.
func NewPlan(r Request, speed Speed, workers int, have func(set string) bool) Reproduction {
	p := Reproduction{Request: r, Notes: []string{}, Seconds: map[string]float64{}}
	takes := func(part string, work float64) { p.Seconds[part] = work / float64(speed) / float64(workers) }
	time := limits[r.Level].Seconds() * margins[r.Level]
	budget := math.Max(0, time*float64(workers)-overheads[r.Level]) * float64(speed)
	if r.asks("fig1", "fig2", "fig3") {
		toy := DefaultToy()
		toy.Seed = r.Seed
		p.Toy = &toy
		p.Seconds["toy"] = toyShare * overheads[r.Level] / float64(workers)
	}
	if r.asks("theory", "fig0") {
		t := DefaultTheory()
		if r.Level != Full {
			t = QuickTheory()
		}
		if !r.asks("theory") {
			t = NoStudy()
		}
		t.Seed = r.Seed
		p.Theory = &t
		p.Seconds["theory"] = (1 - toyShare) * overheads[r.Level] / float64(workers)
	}
	left := 0.0 // of earlier shares
	if r.asks("fig4") {
		left += budget * depthShare
		work := p.planDepth(left)
		left -= work
		takes("fig4", work)
	}
	if r.asks("cost") {
		left += budget * costShare
		work := p.planScaling(left)
		left -= work
		takes("cost", work)
	}
	if r.asks("generality") {
		left += budget * otherShare
		p.planGenerality(left, have)
		takes("generality", p.estimate(p.Generality.Contests))
	}
	return p
}

func (p *Reproduction) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// protocol completes a contest with the seeds and the search of the level.
func (r Request) protocol(c Contest) Contest {
	for k := range uint64(3) {
		c.Selection = append(c.Selection, 100+k+r.Seed)
	}
	c.Elsewhere, c.Worse, c.Extend, c.Refine = 1, 2, 3, true
	seeds := map[string]uint64{Quick: 1, Standard: 3, Full: 5}[r.Level]
	for k := range seeds {
		c.Reporting = append(c.Reporting, k+r.Seed)
	}
	switch r.Level {
	case Quick:
		c.Selection, c.Worse, c.Extend, c.Refine = c.Selection[:1], 1, 2, false
	case Full:
		c.Elsewhere = 3
	}
	return c
}

// entrants gives rules their grids, moved by shift powers of two; in a quick run only the middle three values.
func (r Request) entrants(optim, act string, shift int, rules ...string) []Entrant {
	var out []Entrant
	for _, rule := range rules {
		g := gridOf(optim, act, rule)
		if r.Level == Quick {
			g.Low, g.High = g.Low+1, g.High-1
		}
		out = append(out, Entrant{Rule: rule, Low: g.Low + shift, High: g.High + shift})
	}
	return out
}

// estimate is the work that contests are likely to take.
func (r Request) estimate(all ...[]Contest) float64 {
	total := 0.0
	for _, contests := range all {
		for _, c := range contests {
			total += usedShare[r.Level] * c.planned()
		}
	}
	return total
}

// budgets returns a number of batches and ever smaller parts of it.
func budgets(most int) []int {
	var out []int
	for _, part := range []float64{1, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1} {
		if n := int(float64(most)*part) / 10 * 10; n >= 100 {
			out = append(out, n)
		}
	}
	return out
}

// planDepth plans Figure 4 and returns its work.
func (p *Reproduction) planDepth(budget float64) float64 {
	most := map[string]int{Quick: 800, Standard: 2000, Full: 3000}[p.Level]
	widths := []int{128}
	if p.Level == Full {
		widths = []int{128, 300}
	}
	var d Depth
	for _, isolate := range []bool{p.Level == Full, false} {
		for _, n := range budgets(most) {
			if d = p.depth(widths, n, isolate); p.depthWork(d) <= budget {
				p.noteDepth(d, n, most, isolate)
				return p.depthWork(d)
			}
			if isolate && n < most*6/10 {
				break // rather without the rules between BP and PC than with trainings this short
			}
		}
	}
	n := budgets(most)
	p.noteDepth(d, n[len(n)-1], most, false)
	return p.depthWork(d)
}

// depthWork is the work of Figure 4: its contests, and three trainings of the confound for each.
func (r Request) depthWork(d Depth) float64 {
	total := r.estimate(d.Contests, d.Isolate)
	for _, c := range d.Contests {
		s := c.Base
		s.Rule = "pc"
		total += 1.5 * float64(s.Batches) * batchWork(s)
	}
	return total
}

// noteDepth keeps the plan and says where it falls short of the level.
func (p *Reproduction) noteDepth(d Depth, budget, most int, isolate bool) {
	p.Depth = &d
	if budget < most {
		p.note("fig4: trainings of at most %d batches instead of %d, for this machine's speed", budget, most)
	}
	if !isolate && p.Level == Full {
		p.note("fig4: without the rules between BP and PC, for this machine's speed")
	}
}

// depth is Figure 4 at the widths with a budget of batches.
func (r Request) depth(widths []int, budget int, isolate bool) Depth {
	d := Depth{Confound: true, Optimum: true}
	for i, width := range widths {
		shift := 0
		if width > 200 {
			shift = -1 // wider layers take smaller steps
		}
		for _, act := range []string{"linear", "tanh", "relu"} {
			c := r.protocol(Contest{Name: fmt.Sprintf("%s-%d", act, width), Base: tenLayers(width, budget), Thresholds: thresholds()[act]})
			if r.Level == Quick {
				c.Thresholds = c.Thresholds[:2]
			}
			c.Base.Act = act
			c.Rules = r.entrants("sgd", act, shift, "bp", "pc")
			d.Contests = append(d.Contests, c)
			if !isolate || i > 0 {
				continue
			}
			c.Name += isolateSuffix
			c.Rules = r.entrants("sgd", act, 0, "bp-curved", "pc-feedforward", "bp-matched")
			c.Selection, c.Elsewhere, c.Refine = c.Selection[:1], 1, false
			d.Isolate = append(d.Isolate, c)
		}
	}
	return d
}

// planScaling plans C9 and returns its work.
func (p *Reproduction) planScaling(budget float64) float64 {
	s := Scaling{Acts: []string{"linear", "tanh", "relu"}, Depths: []int{5, 10, 20}, Widths: []int{64, 128, 256}, Width: 64, Depth: 10, Init: "orthogonal",
		Own: "auto", Post: []string{"euler-0.1", "euler-0.3", "euler-0.5"}, Batch: 64, Batches: 1, Max: 1000, Seed: p.Seed}
	if p.Level == Full {
		s.Depths, s.Widths, s.States, s.Batches, s.Max = []int{3, 5, 10, 20, 30}, []int{32, 64, 128, 300}, []string{"bp-trained", "pc-trained"}, 3, 3000
	}
	if p.Level == Quick {
		s.Acts, s.Depths, s.Widths, s.Batch, s.Max = []string{"tanh", "relu"}, []int{4, 8, 16}, []int{32, 64, 128}, 16, 600
	}
	if work := s.work(); work > budget && p.Level != Quick {
		s.Acts, s.Depths, s.Widths, s.States, s.Batches, s.Batch, s.Max = []string{"tanh", "relu"}, []int{4, 8, 16}, []int{32, 64, 128}, nil, 1, 32, 600
		p.note("cost: fewer and smaller networks than the level asks for, for this machine's speed")
	}
	p.Scaling = &s
	return s.work()
}

// work estimates what it takes to measure a Scaling: a reference run of 600 passes in float64, and the methods.
func (s Scaling) work() float64 {
	const reference, methods = 2 * 600, 800
	total := 0.0
	for _, q := range s.points() {
		c := tenLayers(1, 1)
		c.Arch, c.Batch = q.arch, s.Batch
		pass := batchWork(c) / nominalPasses(c)
		total += pass * float64(s.Batches) * (reference + methods)
		if q.state != "new" {
			total += pass * 300 * 8
		}
	}
	return total
}

// planGenerality plans C10: as many of the other settings as there is time for, in order of what they add.
func (p *Reproduction) planGenerality(budget float64, have func(string) bool) {
	g := Generality{Missing: []string{}}
	most := map[string]int{Quick: 300, Standard: 800, Full: 1500}[p.Level]
	least := map[string]int{Quick: 3, Standard: 6, Full: 100}[p.Level]
	for _, n := range budgets(most) {
		all := p.settings(n, have, &g.Missing)
		g.Contests = nil
		for _, c := range all {
			if more := append(g.Contests[:len(g.Contests):len(g.Contests)], c); p.estimate(more) <= budget || len(g.Contests) < 1 {
				g.Contests = more
			}
		}
		if len(g.Contests) >= min(least, len(all)) || n == budgets(most)[len(budgets(most))-1] {
			if n < most {
				p.note("generality: trainings of at most %d batches instead of %d, for this machine's speed", n, most)
			}
			for _, c := range all {
				if !holdsContest(g.Contests, c.Name) {
					g.Missing = append(g.Missing, c.Name+": no time at this level on this machine")
				}
			}
			break
		}
	}
	p.Generality = &g
}

func holdsContest(all []Contest, name string) bool {
	for _, c := range all {
		if c.Name == name {
			return true
		}
	}
	return false
}

// setting is another network, optimiser or task than that of Figure 4.
type setting struct {
	name, act string
	change    func(*Contest)
	shift     int // of both grids, in powers of two
}

// Thresholds of other tasks: Fashion-MNIST is harder; targets of the others have variance 1.
var (
	fashionErrors    = []float64{0.05, 0.04, 0.035}
	regressionErrors = []float64{0.5, 0.2, 0.1}
	pixelErrors      = []float64{0.7, 0.6, 0.5}
)

// others are the settings of C10, those that add most first.
var others = []setting{
	{"relu-he", "relu", func(c *Contest) { c.Base.Init = "he" }, -3},
	{"relu-adam", "relu", func(c *Contest) { c.Base.Optim = "adam" }, 0},
	{"tanh-xavier", "tanh", func(c *Contest) { c.Base.Init = "xavier" }, -2},
	{"relu-fashion", "relu", func(c *Contest) { c.Base.Data, c.Thresholds = "fashion", fashionErrors }, 0},
	{"tanh-regression", "tanh", func(c *Contest) {
		c.Base.Data, c.Base.Arch, c.Thresholds = "mnist"+regressionSuffix, "784-128x9-4", regressionErrors
	}, -2},
	{"tanh-autoencoder", "tanh", func(c *Contest) {
		c.Base.Data, c.Base.Arch, c.Thresholds = "mnist"+autoencoderSuffix, "784-128-64-32-64-128-784", pixelErrors
	}, -4},
	{"relu-depth5", "relu", func(c *Contest) { c.Base.Arch = "784-128x4-10" }, -1},
	{"tanh-adam", "tanh", func(c *Contest) { c.Base.Optim = "adam" }, 0},
	{"relu-momentum", "relu", func(c *Contest) { c.Base.Optim = "momentum" }, 0},
	{"linear-xavier", "linear", func(c *Contest) { c.Base.Init = "xavier" }, -2},
	{"relu-depth15", "relu", func(c *Contest) { c.Base.Arch = "784-128x14-10" }, 0},
	{"relu-orthogonal", "relu", func(c *Contest) { c.Base.Init = "orthogonal" }, -2},
	{"tanh-orthogonal", "tanh", func(c *Contest) { c.Base.Init = "orthogonal" }, -2},
	{"linear-orthogonal", "linear", func(c *Contest) { c.Base.Init = "orthogonal" }, -2},
	{"tanh-depth20", "tanh", func(c *Contest) { c.Base.Arch = "784-128x19-10" }, 0},
	{"relu-depth20", "relu", func(c *Contest) { c.Base.Arch = "784-128x19-10" }, 0},
	{"tanh-momentum", "tanh", func(c *Contest) { c.Base.Optim = "momentum" }, 0},
	{"linear-adam", "linear", func(c *Contest) { c.Base.Optim = "adam" }, 0},
	{"tanh-depth5", "tanh", func(c *Contest) { c.Base.Arch = "784-128x4-10" }, -1},
	{"tanh-width300", "tanh", func(c *Contest) { c.Base.Arch = "784-300x9-10" }, -1},
	{"relu-width300", "relu", func(c *Contest) { c.Base.Arch = "784-300x9-10" }, -1},
}

// settings returns the contests of the settings whose data are there.
func (r Request) settings(budget int, have func(string) bool, missing *[]string) []Contest {
	var out []Contest
	*missing = []string{}
	for _, s := range others {
		c := r.protocol(Contest{Name: s.name, Base: tenLayers(128, budget), Thresholds: thresholds()[s.act]})
		c.Base.Act = s.act
		s.change(&c)
		if r.Level == Quick {
			c.Thresholds = c.Thresholds[:2]
		}
		c.Rules = r.entrants(c.Base.Optim, s.act, s.shift, "bp", "pc")
		if c.Base.Data == "fashion" && !have("fashion") {
			*missing = append(*missing, s.name+": Fashion-MNIST is not here (settle data says where it is looked for)")
			continue
		}
		if r.Level == Full && r.asks("fig4") && (s.name == "tanh-width300" || s.name == "relu-width300") {
			continue // part of Figure 4
		}
		out = append(out, c)
	}
	return out
}
