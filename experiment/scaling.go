package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/measure"
	"github.com/settle-pc/settle/nn"
)

// Scaling asks what inference costs as networks grow: passes to an energy gap against depth and width, for the dynamics
// of the post (gradient descent on activities, at several steps) and for the library's own solver. With what Depth and
// Generality found of the cost to a given training error it judges C9.
type Scaling struct {
	Acts    []string `json:"acts"`
	Depths  []int    `json:"depths"`  // at Width
	Widths  []int    `json:"widths"`  // at Depth
	Width   int      `json:"width"`   // of the networks of Depths
	Depth   int      `json:"depth"`   // of the networks of Widths
	Init    string   `json:"init"`    // of new networks
	States  []string `json:"states"`  // of the networks of Widths beside new: measure.States
	Own     string   `json:"own"`     // our method, in the names of measure.Methods
	Post    []string `json:"post"`    // the post's dynamics: the best of them counts
	Batch   int      `json:"batch"`   // samples
	Batches int      `json:"batches"` // medians over them
	Max     float64  `json:"max"`     // passes at which a method is given up
	Seed    uint64   `json:"seed"`
}

// gapKey is the energy gap at which growth is judged, in measure's keys.
const gapKey = "0.01"

// badGrowth is the exponent of passes in depth or width from which on cost is said to scale badly: passes that grow like
// the square root of a size, on top of a pass that grows with it.
const badGrowth = 0.5

// ScalingResult is what came out.
type ScalingResult struct {
	Cases  []measure.InferenceCase `json:"cases"`
	Growth []Growth                `json:"growth"`
}

// Growth is how passes to the gap grow with depth or width.
type Growth struct {
	Act       string    `json:"act"`
	State     string    `json:"state"`
	Along     string    `json:"along"`    // depth or width
	Dynamics  string    `json:"dynamics"` // post or ours
	Sizes     []float64 `json:"sizes"`
	Passes    []any     `json:"passes"` // nil where the gap was not reached
	Exponent  *float64  `json:"exponent"`
	Unreached int       `json:"unreached"`
}

// bad reports whether passes grow badly: by exponent, or because the gap was not reached.
func (g Growth) bad() bool { return g.Unreached > 0 || g.Exponent != nil && *g.Exponent >= badGrowth }

// point is one network to measure.
type point struct {
	along, arch, act, state string
}

func (s Scaling) points() []point {
	var out []point
	arch := func(depth, width int) string { return fmt.Sprintf("784-%dx%d-10", width, depth-1) }
	for _, act := range s.Acts {
		for _, d := range s.Depths {
			out = append(out, point{"depth", arch(d, s.Width), act, measure.New})
		}
		for _, state := range append([]string{measure.New}, s.States...) {
			for _, w := range s.Widths {
				out = append(out, point{"width", arch(s.Depth, w), act, state})
			}
		}
	}
	return out
}

// Run measures it. Its tables start with cost_.
func (s Scaling) Run(ctx context.Context, sets Sets, sink Sink, env Env) (ScalingResult, error) {
	out := ScalingResult{}
	init, err := nn.ParseInit(s.Init)
	if err != nil {
		return out, err
	}
	methods := append([]string{s.Own}, s.Post...)
	for _, m := range methods {
		if !slices.Contains(measure.Methods(), m) {
			return out, fmt.Errorf("method %q: want one of %s", m, strings.Join(measure.Methods(), ", "))
		}
	}
	set, err := sets("mnist")
	if err != nil {
		return out, err
	}
	points := s.points()
	m := &meter{show: env.Progress}
	m.p.Total = float64(len(points))
	found := make([][]measure.InferenceCase, len(points))
	err = forEach(ctx, env.Workers, len(points), func(ctx context.Context, i int) error {
		p := points[i]
		cases, err := cell(sink, fmt.Sprintf("inference-%s-%s-%s-%s", p.along, p.arch, p.act, p.state), func() ([]measure.InferenceCase, error) {
			q := measure.Inference{Archs: []string{p.arch}, States: []string{p.state}, Methods: methods, Init: init,
				Batch: s.Batch, Batches: s.Batches, Max: s.Max, Workers: 1, Seed: s.Seed, Now: env.Now}
			return p.measure(ctx, q, set)
		})
		found[i] = cases
		m.add(1, fmt.Sprintf("inference, %s %s %s", p.arch, p.act, p.state))
		return err
	})
	if err != nil {
		return out, err
	}
	w := &tables{sink: sink}
	for i, cases := range found {
		for _, c := range cases {
			out.Cases = append(out.Cases, c)
			for _, key := range []string{"0.1", "0.01", "0.001"} {
				row := []any{points[i].along, c.Act, c.State, c.Depth, c.Width, c.Arch, c.Method, c.Coordinates, key, nil, nil}
				if work := c.Gap[key]; work != nil {
					row[9], row[10] = work.Passes, work.MACs
				}
				w.row("cost_inference", []string{"along", "act", "state", "depth", "width", "arch", "method", "coordinates", "gap", "passes", "macs"}, row...)
			}
		}
	}
	out.Growth = s.growth(points, found)
	for _, g := range out.Growth {
		w.row("cost_growth", []string{"along", "act", "state", "dynamics", "sizes", "passes", "exponent", "unreached"},
			g.Along, g.Act, g.State, g.Dynamics, g.Sizes, g.Passes, deref(g.Exponent), g.Unreached)
	}
	return out, w.err
}

// measure runs one network. Wall times are no part of a cell.
func (p point) measure(ctx context.Context, q measure.Inference, set *data.Set) ([]measure.InferenceCase, error) {
	act, err := nn.ParseActivation(p.act)
	if err != nil {
		return nil, err
	}
	q.Acts = []nn.Activation{act}
	if p.state != measure.New {
		q.Init = nn.Init{Kind: nn.FanIn} // what the learning rates of the states are for
	}
	if q.Now == nil {
		q.Now = func() time.Time { return time.Time{} }
	}
	var out []measure.InferenceCase
	err = q.Run(ctx, set, func(string) {}, func(c measure.InferenceCase) {
		for _, of := range []map[string]*measure.Work{c.Gap, c.OwnGap, c.Residual} {
			for _, w := range of {
				if w != nil {
					w.MS = 0
				}
			}
		}
		out = append(out, c)
	})
	return out, err
}

// growth fits powers to the passes of our method and of the best of the post's.
func (s Scaling) growth(points []point, found [][]measure.InferenceCase) []Growth {
	var out []Growth
	at := func(along, act, state, dynamics string) *Growth {
		for i := range out {
			if g := &out[i]; g.Along == along && g.Act == act && g.State == state && g.Dynamics == dynamics {
				return g
			}
		}
		out = append(out, Growth{Along: along, Act: act, State: state, Dynamics: dynamics})
		return &out[len(out)-1]
	}
	for i, p := range points {
		best := map[string]float64{"ours": math.Inf(1), "post": math.Inf(1)}
		size := 0.0
		for _, c := range found[i] {
			if size = float64(c.Depth); p.along == "width" {
				size = float64(c.Width)
			}
			dynamics := "post"
			if c.Method == s.Own {
				dynamics = "ours"
			}
			if w := c.Gap[gapKey]; w != nil {
				best[dynamics] = min(best[dynamics], w.Passes)
			}
		}
		for _, dynamics := range []string{"post", "ours"} {
			g := at(p.along, p.act, p.state, dynamics)
			g.Sizes = append(g.Sizes, size)
			g.Passes = append(g.Passes, finite(best[dynamics]))
		}
	}
	for i := range out {
		g := &out[i]
		var x, y []float64
		for k, v := range g.Passes {
			if n, ok := v.(float64); ok {
				x, y = append(x, g.Sizes[k]), append(y, n)
			} else {
				g.Unreached++
			}
		}
		g.Exponent = orNil(exponent(x, y))
	}
	return out
}

// Claim9 judges C9 by the growth of passes, of the post's dynamics and of ours, and says what PC costs in all to reach a
// training error against BP, from the ratios of other experiments (none: they were not run).
func Claim9(s ScalingResult, ratios []Ratio) Claim {
	c := newClaim("C9")
	bad, all := map[string]int{}, map[string]int{}
	spreads := map[string][]float64{}
	for _, g := range s.Growth {
		key := g.Dynamics
		all[key]++
		if g.bad() {
			bad[key]++
		}
		if g.Exponent != nil {
			spreads[key+"/"+g.Along] = append(spreads[key+"/"+g.Along], *g.Exponent)
		}
	}
	c.Numbers["growth"], c.Numbers["limit"], c.Numbers["gap"] = s.Growth, badGrowth, gapKey
	c.Numbers["cells"] = briefs(ratios)
	switch {
	case all["post"] == 0:
		c.Verdict = Undecided
	case bad["post"] == 0:
		c.Verdict = Fails
	case bad["ours"] == all["ours"] && bad["post"] == all["post"]:
		c.Verdict = Holds
	default:
		c.Verdict = Conditional
	}
	part := func(key string) string {
		return fmt.Sprintf("exponents in depth %s, in width %s; %d of %d series grow badly (exponent %g or more, or a gap of 1 %% not reached)",
			rangeOf(spreads[key+"/depth"]).text("%.2f"), rangeOf(spreads[key+"/width"]).text("%.2f"), bad[key], all[key], badGrowth)
	}
	c.Text = fmt.Sprintf("Passes to an energy gap of 1 %%. The post's dynamics (gradient descent on activities, best of its steps): %s. Our solver: %s.", part("post"), part("ours"))
	if p := tallyPasses(ratios); p != "" {
		c.Text += " " + p
	} else {
		c.Text += " The cost to a given training error takes fig4 or generality."
	}
	return c
}
