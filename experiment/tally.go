package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// tally counts the outcomes of ratios.
type tally struct {
	counts map[string]int
	all    int
	seeds  int  // fewest
	edges  int  // cells with a rate at the edge
	exact  bool // all have intervals
	where  map[string][]string
}

func tallyOf(ratios []Ratio) tally {
	t := tally{counts: map[string]int{Faster: 0, Slower: 0, Unclear: 0, Neither: 0}, all: len(ratios), exact: true, where: map[string][]string{}}
	for i, r := range ratios {
		t.counts[r.Outcome]++
		t.where[r.Outcome] = append(t.where[r.Outcome], fmt.Sprintf("%s to %g", r.Contest, r.Threshold))
		if i == 0 || r.Seeds < t.seeds {
			t.seeds = r.Seeds
		}
		if r.BP.Edge || r.PC.Edge {
			t.edges++
		}
		t.exact = t.exact && r.Batches.Low != nil
	}
	return t
}

// everyFaster is the verdict on "PC is faster" over all cells, and a sentence on it.
func (t tally) everyFaster() (Verdict, string) {
	if t.all == 0 {
		return Undecided, "Nothing was measured."
	}
	text := fmt.Sprintf("PC needs fewer batches in %d of %d cells, BP in %d", t.counts[Faster], t.all, t.counts[Slower])
	if n := t.counts[Unclear]; n > 0 {
		text += fmt.Sprintf(", %d show no difference", n)
	}
	if n := t.counts[Neither]; n > 0 {
		text += fmt.Sprintf(", in %d neither reached the threshold within the budget (%s)", n, list(t.where[Neither]))
	}
	text += fmt.Sprintf("; %d seed(s).", t.seeds)
	if t.counts[Slower] > 0 {
		text += " BP is ahead at " + list(t.where[Slower]) + "."
	}
	if t.edges > 0 {
		text += fmt.Sprintf(" In %d cells a best learning rate is at the edge of its grid.", t.edges)
	}
	decided := t.all - t.counts[Neither]
	switch {
	case decided == 0:
		return Undecided, text
	case t.seeds < 2:
		return Undecided, text + " One seed decides nothing."
	case t.exact && t.counts[Faster] == t.all:
		return Holds, text
	case t.exact && t.counts[Faster] == decided:
		return Undecided, text + " The run is too short to judge every cell."
	case t.exact && t.counts[Faster] == 0:
		return Fails, text
	case t.counts[Faster] == 0:
		return Undecided, text + fmt.Sprintf(" It takes %d seeds to say that it fails: --full.", minSeeds)
	case !t.exact && t.counts[Faster] == decided:
		return Conditional, text + fmt.Sprintf(" Intervals take %d seeds: --full may find that it holds.", minSeeds)
	}
	return Conditional, text
}

// list writes names, some of many.
func list(names []string) string {
	const most = 6
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// tallyPasses says in a sentence how the rules compare in passes.
func tallyPasses(ratios []Ratio) string {
	fewer, n := 0, 0
	var low, high float64
	for _, r := range ratios {
		if r.Outcome == Neither {
			continue
		}
		v := r.Passes.Estimate
		if n == 0 {
			low, high = v, v
		}
		n++
		low, high = min(low, v), max(high, v)
		if v > 1 {
			fewer++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("Counting passes, inference included, PC is cheaper to the threshold in %d of %d cells (BP over PC: ×%.2g to ×%.2g).", fewer, n, low, high)
}

// brief is a ratio in the numbers of a claim.
type brief struct {
	Contest   string   `json:"contest"`
	Threshold float64  `json:"threshold"`
	Outcome   string   `json:"outcome"`
	Ratio     Interval `json:"batches_bp_over_pc"`
	Passes    Interval `json:"passes_bp_over_pc"`
	LRBP      *float64 `json:"lr_bp"`
	LRPC      *float64 `json:"lr_pc"`
	BatchesBP *float64 `json:"batches_bp"`
	BatchesPC *float64 `json:"batches_pc"`
	Seeds     int      `json:"seeds"`
}

func briefs(ratios []Ratio) []brief {
	out := []brief{}
	for _, r := range ratios {
		out = append(out, brief{r.Contest, r.Threshold, r.Outcome, r.Batches, r.Passes, r.BP.LR, r.PC.LR, r.BP.Batches, r.PC.Batches, r.Seeds})
	}
	return out
}

// exponent is the least-squares slope of log y against log x: y ~ x^slope; NaN with fewer than two points.
func exponent(x, y []float64) float64 {
	var sx, sy, sxx, sxy, n float64
	for i := range x {
		if !(x[i] > 0 && y[i] > 0) || math.IsInf(y[i], 0) {
			continue
		}
		a, b := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy, n = sx+a, sy+b, sxx+a*a, sxy+a*b, n+1
	}
	if d := n*sxx - sx*sx; n >= 2 && d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return math.NaN()
}

// contestsOf names the contests of ratios, each once.
func contestsOf(ratios []Ratio) []string {
	var out []string
	for _, r := range ratios {
		if !slices.Contains(out, r.Contest) {
			out = append(out, r.Contest)
		}
	}
	return out
}
