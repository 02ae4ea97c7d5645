package experiment

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
)

func everything(level string) Request {
	r, err := NewRequest(level, nil, 0)
	if err != nil {
		panic(err)
	}
	return r
}

func here(string) bool { return true }

func TestRequestsNameTheKnown(t *testing.T) {
	if _, err := NewRequest(Quick, []string{"fig4", "fig7"}, 0); err == nil || !strings.Contains(err.Error(), `"fig7": want some of fig0, fig1, fig2, fig3, fig4, theory, cost, generality`) {
		t.Errorf("error %v", err)
	}
	if _, err := NewRequest("slow", nil, 0); err == nil || !strings.Contains(err.Error(), "quick") {
		t.Errorf("error %v", err)
	}
	r, err := NewRequest(Full, []string{"theory", "fig0", "theory"}, 3)
	if err != nil || !slices.Equal(r.Names, []string{"fig0", "theory"}) {
		t.Errorf("%v, %v", r, err)
	}
	if r := everything(Standard); !slices.Equal(r.Names, Experiments()) {
		t.Errorf("no names are %v", r.Names)
	}
}

// work is what the plan's trainings are likely to take, in the units of Speed.
func (p Reproduction) work() float64 {
	total := 0.0
	if p.Depth != nil {
		total += p.depthWork(*p.Depth)
	}
	if p.Scaling != nil {
		total += p.Scaling.work()
	}
	if p.Generality != nil {
		total += p.estimate(p.Generality.Contests)
	}
	return total
}

// A plan fits the time of its level where the machine is not hopeless, does more on a faster one, says where it does less
// than the level asks for, and is valid.
func TestPlansFitTheirTime(t *testing.T) {
	for _, level := range []string{Quick, Standard, Full} {
		last := 0.0
		for _, speed := range []Speed{3e3, 1e4, 3e4, 1e5} {
			p := NewPlan(everything(level), speed, 2, here)
			if p.Toy == nil || p.Theory == nil || p.Depth == nil || p.Scaling == nil || p.Generality == nil {
				t.Fatalf("%s: parts are missing", level)
			}
			if err := p.Depth.Validate(); err != nil {
				t.Error(err)
			}
			for _, c := range p.Generality.Contests {
				if err := c.Validate(); err != nil {
					t.Error(err)
				}
			}
			seconds := p.work()/float64(speed)/2 + overheads[level]/2
			sum := 0.0
			for _, v := range p.Seconds {
				sum += v
			}
			if len(p.Seconds) != 5 || math.Abs(sum-seconds) > 1e-6*seconds {
				t.Errorf("%s at speed %g: the parts take %v, together %g s, not %g", level, speed, p.Seconds, sum, seconds)
			}
			if limit := Limit(level).Seconds(); speed >= 1e4 && seconds > limit {
				t.Errorf("%s at speed %g: %.0f s of %.0f", level, speed, seconds, limit)
			}
			if p.work() < last {
				t.Errorf("%s at speed %g: less than on a slower machine", level, speed)
			}
			if last = p.work(); speed == 3e3 && len(p.Notes) == 0 {
				t.Errorf("%s: a slow machine does all", level)
			}
		}
	}
	p := NewPlan(everything(Full), 1e9, 2, here)
	if len(p.Notes) > 0 || len(p.Depth.Contests) != 6 || len(p.Depth.Isolate) != 3 || len(p.Generality.Contests) < 15 || len(p.Generality.Missing) > 0 {
		t.Errorf("with all the time: notes %v, %d and %d contests, missing %v", p.Notes, len(p.Depth.Contests), len(p.Generality.Contests), p.Generality.Missing)
	}
	if n := len(p.Depth.Contests[0].Reporting); n != 5 {
		t.Errorf("full reports %d seeds", n)
	}
	without := NewPlan(everything(Full), 1e9, 2, func(name string) bool { return name != "fashion" })
	if len(without.Generality.Missing) != 1 || !strings.Contains(without.Generality.Missing[0], "Fashion-MNIST") || len(without.Generality.Contests) != len(p.Generality.Contests)-1 {
		t.Errorf("without Fashion-MNIST: missing %v", without.Generality.Missing)
	}
}

func TestOnlyWhatWasAskedForIsPlanned(t *testing.T) {
	r, err := NewRequest(Quick, []string{"fig0"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPlan(r, 1e5, 2, here)
	if p.Toy != nil || p.Depth != nil || p.Scaling != nil || p.Generality != nil || p.Theory == nil || !p.Theory.Study.None() {
		t.Errorf("fig0 alone: %+v", p)
	}
}

func TestAllClaimsAreThereOnce(t *testing.T) {
	a, b := newClaim("C13"), newClaim("C13")
	a.Verdict, b.Verdict = Holds, Fails
	out := AllClaims([]Claim{a, {ID: "C2", Verdict: Fails}, b})
	if len(out) != 13 {
		t.Fatalf("%d claims", len(out))
	}
	for i, c := range out {
		if want := map[int]Verdict{1: Fails, 12: Conditional}[i]; c.Verdict != want && !(want == "" && c.Verdict == Undecided) {
			t.Errorf("%s: %s", c.ID, c.Verdict)
		}
	}
	if !strings.Contains(out[7].Text, "settle reproduce fig4") {
		t.Errorf("C8 was not asked for: %s", out[7].Text)
	}
	for _, c := range []struct{ a, b, want Verdict }{{Holds, Holds, Holds}, {Holds, Undecided, Holds}, {Undecided, Fails, Fails}, {Conditional, Holds, Conditional}} {
		if got := join(Claim{Verdict: c.a}, Claim{Verdict: c.b}).Verdict; got != c.want {
			t.Errorf("%s and %s: %s", c.a, c.b, got)
		}
	}
}

func TestTaskSetsDeriveAndKeep(t *testing.T) {
	opened := 0
	sets := TaskSets(func(string) (*data.Set, error) { opened++; return synthetic(), nil })
	for name, outputs := range map[string]int{"x": 4, "x-moments": 4, "x-pixels": 36} {
		for range 2 {
			set, err := sets(name)
			if err != nil || set.Outputs != outputs {
				t.Errorf("%s: %v outputs, %v", name, set.Outputs, err)
			}
		}
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
}
