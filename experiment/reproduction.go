package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Reproduction is the whole job as plain data: every experiment that reproduces a figure or judges a claim of the post,
// and how much of each a machine has time for. Parts that were not asked for are nil.
type Reproduction struct {
	Request
	Toy        *Toy        `json:"toy"`
	Theory     *Theory     `json:"theory"`
	Depth      *Depth      `json:"fig4"`
	Scaling    *Scaling    `json:"cost"`
	Generality *Generality `json:"generality"`
	// Seconds are what the parts are likely to take, on all workers of the machine that the plan was made for: toy, theory, fig4,
	// cost, generality. They are for showing progress.
	Seconds map[string]float64 `json:"estimates"`
	// Notes say where the plan is less than the level asks for, and why.
	Notes []string `json:"notes"`
}

// Request is what a reproduction is asked for.
type Request struct {
	Kind  string   `json:"kind"` // "reproduce"
	Level string   `json:"level"`
	Names []string `json:"names"` // of Experiments
	Seed  uint64   `json:"seed"`
}

// The levels, by how long they may take on two cores with AVX2.
const (
	Quick    = "quick"
	Standard = "default"
	Full     = "full"
)

// limits are the times that the levels may take.
var limits = map[string]time.Duration{Quick: 60 * time.Second, Standard: 6 * time.Minute, Full: 90 * time.Minute}

// Limit is the time that a level may take.
func Limit(level string) time.Duration { return limits[level] }

// experiments are the names that Request takes, each with the claims that it judges.
var experiments = []struct {
	name   string
	claims []string
}{
	{"fig0", []string{"C5"}},
	{"fig1", []string{"C2"}},
	{"fig2", []string{"C1", "C3"}},
	{"fig3", []string{"C4", "C11", "C12"}},
	{"fig4", []string{"C8"}},
	{"theory", []string{"C5", "C6", "C7", "C13"}},
	{"cost", []string{"C9"}},
	{"generality", []string{"C10"}},
}

// Experiments lists the names.
func Experiments() []string {
	var out []string
	for _, e := range experiments {
		out = append(out, e.name)
	}
	return out
}

// NewRequest checks names (none: all) and puts them in order.
func NewRequest(level string, names []string, seed uint64) (Request, error) {
	r := Request{Kind: "reproduce", Level: level, Seed: seed}
	if _, ok := limits[level]; !ok {
		return r, fmt.Errorf("level %q: want one of %s, %s, %s", level, Quick, Standard, Full)
	}
	for _, n := range names {
		if !slices.Contains(Experiments(), n) {
			return r, fmt.Errorf("unknown experiment %q: want some of %s", n, strings.Join(Experiments(), ", "))
		}
	}
	for _, n := range Experiments() {
		if len(names) == 0 || slices.Contains(names, n) {
			r.Names = append(r.Names, n)
		}
	}
	return r, nil
}

// asks reports whether one of the names is asked for.
func (r Request) asks(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(r.Names, n) })
}

// AllClaims returns the claims of the post in its order: those given, the toy's and the theory's C13 joined, and the
// others undecided.
func AllClaims(judged []Claim) []Claim {
	var out []Claim
	for k := 1; k <= len(statements); k++ {
		id := fmt.Sprintf("C%d", k)
		c := newClaim(id)
		c.Text = "Not part of this run: settle reproduce " + strings.Join(judges(id), " ") + "."
		seen := false
		for _, x := range judged {
			switch {
			case x.ID != id:
			case !seen:
				c, seen = x, true
			default:
				c = join(c, x)
			}
		}
		out = append(out, c)
	}
	return out
}

// judges returns the names of the experiments that judge a claim.
func judges(id string) []string {
	var out []string
	for _, e := range experiments {
		if slices.Contains(e.claims, id) {
			out = append(out, e.name)
		}
	}
	return out
}

// join makes one claim of two experiments' verdicts: theirs where they agree or one is undecided, else conditional.
func join(a, b Claim) Claim {
	c := Claim{ID: a.ID, Statement: a.Statement, Verdict: Conditional, Numbers: map[string]any{"first": a.Numbers, "second": b.Numbers}, Text: a.Text + " " + b.Text}
	switch {
	case a.Verdict == b.Verdict || b.Verdict == Undecided:
		c.Verdict = a.Verdict
	case a.Verdict == Undecided:
		c.Verdict = b.Verdict
	}
	return c
}

// Speed is how fast a machine trains: millions of multiply-adds of a batch a second, on one core.
type Speed float64

// MeasureSpeed trains the network of Figure 4 for a moment with both rules, on all workers at a time: cores share caches
// and memory, and perhaps other people's work.
func MeasureSpeed(ctx context.Context, sets Sets, workers int, now func() time.Time) (Speed, error) {
	set, err := sets("mnist")
	if err != nil {
		return 0, err
	}
	speeds := make([]float64, max(1, workers))
	err = forEach(ctx, workers, len(speeds), func(ctx context.Context, i int) error {
		var work, seconds float64
		for _, rule := range []string{"bp", "pc"} {
			s := tenLayers(128, 1)
			s.Rule, s.LR = rule, map[string]float64{"bp": 0.25, "pc": 4}[rule]
			t, err := timePass(ctx, s, set, now)
			if err != nil {
				return err
			}
			// At the nominal number of passes, by which plans count.
			work += batchWork(s)
			seconds += t.Seconds * nominalPasses(s)
		}
		speeds[i] = work / seconds
		return nil
	})
	return Speed(stat.Mean(speeds, nil)), err
}
