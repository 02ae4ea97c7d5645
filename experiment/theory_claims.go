package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/theory"
)

// Limits of the claims' criteria.
const (
	thirdOrder = 2.9 // O(Δx³): the measured order is at least this
	smallError = 0.1 // median relative error up to which an approximation holds
	goodCosine = 0.9 // shown, but does not suffice
)

// spread is the range of a number over cases.
type spread struct {
	Cases  int      `json:"cases"`
	Min    *float64 `json:"min"`
	Median *float64 `json:"median"`
	Max    *float64 `json:"max"`
}

// spreadOf returns the range of f over the cases in which it is a number.
func spreadOf(cases []TheoryCase, f func(TheoryCase) *float64) spread {
	var v []float64
	for _, c := range cases {
		if x := f(c); x != nil {
			v = append(v, *x)
		}
	}
	return rangeOf(v)
}

func rangeOf(v []float64) spread {
	if len(v) == 0 {
		return spread{}
	}
	return spread{len(v), orNil(slices.Min(v)), orNil(middle(v)), orNil(slices.Max(v))}
}

// text writes a range.
func (s spread) text(format string) string {
	if s.Cases == 0 {
		return "none"
	}
	low, high := fmt.Sprintf(format, *s.Min), fmt.Sprintf(format, *s.Max)
	if low == high {
		return low
	}
	return low + " to " + high
}

// where returns the cases that pass all tests.
func where(cases []TheoryCase, tests ...func(TheoryCase) bool) []TheoryCase {
	return slices.DeleteFunc(slices.Clone(cases), func(c TheoryCase) bool {
		return slices.ContainsFunc(tests, func(f func(TheoryCase) bool) bool { return !f(c) })
	})
}

// Tests of cases. Where F is quadratic (linear networks; after, L = 2) Eq. 6 and 7 are exact, and would flatter.
func quadratic(c TheoryCase) bool {
	return c.Act == "linear" || c.Place == nn.After.String() && c.Depth == 2
}
func bent(c TheoryCase) bool { return !quadratic(c) }
func placed(p string) func(TheoryCase) bool {
	return func(c TheoryCase) bool { return c.Place == p }
}
func inState(s string) func(TheoryCase) bool {
	return func(c TheoryCase) bool { return c.State == s }
}

// random are networks with weights of a given scale, images the others of the study: fan-in weights, trained or not.
func isRandom(c TheoryCase) bool { return c.Scale != nil }
func onImages(c TheoryCase) bool { return c.Scale == nil }

// theoryStates are the states that C6, C7 and C13 ask about.
var theoryStates = []string{"new", "bp-trained", "pc-trained"}

// byParts gives the verdict of a claim that holds on all, some or none of its parts.
func byParts(parts []bool) Verdict {
	all, any := true, false
	for _, ok := range parts {
		all, any = all && ok, any || ok
	}
	switch {
	case len(parts) == 0:
		return Undecided
	case all:
		return Holds
	case any:
		return Conditional
	}
	return Fails
}

func (r *theoryRun) claims() []Claim {
	if r.Study.None() {
		var out []Claim
		for _, id := range []string{"C5", "C6", "C7", "C13"} {
			c := newClaim(id)
			c.Text = "One network does not decide it: it takes the study."
			out = append(out, c)
		}
		return out
	}
	return []Claim{r.claim5(), r.claim6(), r.claim7(), r.claim13()}
}

// claim5 holds if the remainder is of third order or rounding in every case.
func (r *theoryRun) claim5() Claim {
	c, cases := newClaim("C5"), r.out.Cases
	slope := func(c TheoryCase) *float64 { return c.TaylorSlope }
	exact := func(c TheoryCase) *float64 { return c.TaylorExact }
	inError := func(c TheoryCase) *float64 { return c.TaylorErrors }
	after := spreadOf(where(cases, bent, placed("after")), slope)
	before := spreadOf(where(cases, bent, placed("before")), slope)
	beforeExact := spreadOf(where(cases, bent, placed("before")), exact)
	errors := spreadOf(where(cases, bent), inError)
	var parts []bool
	for _, x := range cases {
		parts = append(parts, quadratic(x) || atLeast(x.TaylorSlope, thirdOrder))
	}
	none := len(where(cases, quadratic))
	c.Verdict = byParts(parts)
	c.Numbers = map[string]any{"order_after": after, "order_before": before, "order_before_exact_hessian": beforeExact, "order_in_errors": errors,
		"cases_without_remainder": none, "cases": len(cases)}
	c.Text = fmt.Sprintf("With 𝓘 the remainder is of order %s with the activation after the weights, L ≥ 3, and of order %s before them, where 𝓘 is not the Hessian at the feedforward values (with that: %s). "+
		"In %d of %d cases (linear networks; after, L = 2) F is quadratic and there is none. In error coordinates the order is %s.",
		after.text("%.2f"), before.text("%.2f"), beforeExact.text("%.2f"), none, len(cases), errors.text("%.2f"))
	return c
}

// claim6 holds if, in every state, the median over the networks whose F is not quadratic of ‖Δz* + 𝓘⁻¹g‖/‖Δz*‖ is at most smallError.
func (r *theoryRun) claim6() Claim {
	c, cases := newClaim("C6"), where(r.out.Cases, bent)
	f := func(c TheoryCase) *float64 { return c.SolutionRelError }
	exact := spreadOf(where(r.out.Cases, quadratic), f)
	c.Numbers["quadratic"] = exact
	var parts []bool
	for _, s := range theoryStates {
		x := spreadOf(where(cases, inState(s)), f)
		c.Numbers[s] = x
		if x.Cases > 0 {
			parts = append(parts, within(x.Median, smallError), within(x.Max, smallError))
		}
	}
	images := spreadOf(where(cases, onImages), f)
	c.Numbers["on_images"] = images
	scales := map[string]any{}
	var texts []string
	for _, scale := range r.Study.Scales {
		x := spreadOf(where(cases, isRandom, func(c TheoryCase) bool { return *c.Scale == scale }), f)
		scales[fmt.Sprint(scale)] = x
		texts = append(texts, fmt.Sprintf("%s at scale %g", x.text("%.2g"), scale))
	}
	c.Numbers["random_by_scale"] = scales
	c.Verdict = byParts(parts)
	if len(parts) < 2*len(theoryStates) && c.Verdict == Holds {
		c.Verdict = Undecided // a state is missing
	}
	c.Text = fmt.Sprintf("Median relative error of −𝓘⁻¹g, range over networks. Where F is quadratic (linear; after, L = 2): at most %s, rounding. tanh on images with fan-in weights, new or trained: %s. Random tanh networks with targets of size 1: %s.",
		format(exact.Max, "%.0e"), images.text("%.2g"), strings.Join(texts, ", "))
	return c
}

// claim7 holds if in every layer of every state the median relative error of the sum is at most smallError.
func (r *theoryRun) claim7() Claim {
	c := newClaim("C7")
	var all, last, cosines, errs, steps []float64
	var parts []bool
	for _, s := range theoryStates {
		var sums []float64
		for _, x := range where(r.out.Cases, inState(s)) {
			for _, t := range x.Terms {
				if t.RelSum == nil {
					continue
				}
				sums = append(sums, *t.RelSum)
				parts = append(parts, within(t.RelSum, smallError))
				if t.Layer == x.Depth {
					last = append(last, *t.RelSum)
				} else if t.CosSum != nil {
					cosines = append(cosines, *t.CosSum)
				}
				if t.RelErr != nil && t.RelStep != nil {
					errs, steps = append(errs, *t.RelErr), append(steps, *t.RelStep)
				}
			}
		}
		c.Numbers[s] = rangeOf(sums)
		all = append(all, sums...)
	}
	holds, good := share(all, func(v float64) bool { return v <= smallError }), share(cosines, func(v float64) bool { return v >= goodCosine })
	c.Verdict = byParts(parts)
	c.Numbers["layers"], c.Numbers["share_within_0.1"], c.Numbers["share_of_hidden_layers_with_cosine_0.9"] = len(all), finite(holds), finite(good)
	c.Numbers["last_layers"], c.Numbers["tr_err"], c.Numbers["local_rule_after_step"] = rangeOf(last), rangeOf(errs), rangeOf(steps)
	c.Numbers["toy"] = r.out.Toy
	c.Text = fmt.Sprintf("The relative error of TR + BP is %s over %d layers, median %s, and at most %g in %s of them; its cosine is %g or more in %s of the hidden layers. "+
		"TR and BP are both of first order in the residual, so that no small error helps. The local rule at ẑ − 𝓘⁻¹g is PC's gradient where F is quadratic; its median relative error is %s over all layers, that of TR^err %s.",
		rangeOf(all).text("%.2g"), len(all), format(rangeOf(all).Median, "%.2g"), smallError, percentOf(holds), goodCosine, percentOf(good),
		format(rangeOf(steps).Median, "%.2g"), format(rangeOf(errs).Median, "%.2g"))
	return c
}

// share returns the part of v that passes, NaN of nothing.
func share(v []float64, pass func(float64) bool) float64 {
	n := 0
	for _, x := range v {
		if pass(x) {
			n++
		}
	}
	return float64(n) / float64(len(v))
}

// format writes a number that may be missing.
func format(v *float64, how string) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf(how, *v)
}

// claim13 holds if, on all networks whose path was followed, inference lies within smallError of the trust-region step
// of its own length at each t, and ends within smallError of −𝓘⁻¹g.
func (r *theoryRun) claim13() Claim {
	c, cases := newClaim("C13"), where(r.out.Cases, func(c TheoryCase) bool { return len(c.Path) > 0 && slices.Contains(theoryStates, c.State) })
	var parts []bool
	moves := map[string]any{}
	at := func(k int, f func(TheoryMove) *float64) spread {
		return spreadOf(cases, func(c TheoryCase) *float64 { return f(c.Path[k]) })
	}
	for k, t := range pathTimes {
		if len(cases) == 0 {
			break
		}
		moves[fmt.Sprint(t)] = map[string]spread{
			"cos_natural":            at(k, func(m TheoryMove) *float64 { return m.CosNatural }),
			"cos_gradient":           at(k, func(m TheoryMove) *float64 { return m.CosGradient }),
			"rel_error_natural":      at(k, func(m TheoryMove) *float64 { return m.RelNatural }),
			"rel_error_gradient":     at(k, func(m TheoryMove) *float64 { return m.RelGradient }),
			"rel_error_trust_region": at(k, func(m TheoryMove) *float64 { return m.RelTrust }),
		}
	}
	var worst []float64
	for _, x := range cases {
		high := 0.0
		for _, m := range x.Path {
			if m.RelTrust != nil {
				high = max(high, *m.RelTrust)
			}
		}
		worst = append(worst, high)
		parts = append(parts, within(x.SolutionRelError, smallError), high <= smallError)
	}
	end := spreadOf(cases, func(c TheoryCase) *float64 { return c.SolutionRelError })
	cosine := spreadOf(cases, func(c TheoryCase) *float64 { return c.SolutionCos })
	c.Numbers = map[string]any{"t": moves, "step": "1/λ_max(𝓘)", "equilibrium_rel_error": end, "equilibrium_cos_natural": cosine,
		"equilibrium_cos_gradient": spreadOf(cases, func(c TheoryCase) *float64 { return c.GradientCos }), "worst_rel_error_trust_region": rangeOf(worst)}
	c.Verdict = byParts(parts)
	if len(cases) == 0 {
		return c
	}
	first, late := pathTimes[0], pathTimes[len(pathTimes)-1]
	c.Text = fmt.Sprintf("The first step of inference is −g, whose cosine with −𝓘⁻¹g is %s; %d steps of 1/λ_max(𝓘) have brought that to %s. At equilibrium inference is −𝓘⁻¹g to a relative error of %s. "+
		"On the way it keeps near the trust-region step of its own length, worst relative error %s: inference that is stopped early is regularised, not natural, gradient descent (after %d step: relative error against −𝓘⁻¹g %s).",
		at(0, func(m TheoryMove) *float64 { return m.CosNatural }).text("%.2f"), late, at(len(pathTimes)-1, func(m TheoryMove) *float64 { return m.CosNatural }).text("%.2f"),
		end.text("%.1g"), rangeOf(worst).text("%.2f"), first, at(0, func(m TheoryMove) *float64 { return m.RelNatural }).text("%.2f"))
	return c
}

// reading says in words what the numbers support: of the network asked for, and of the study.
func (r *theoryRun) reading() []string {
	o := r.out.TheoryCase
	out := []string{r.readAsked(o)}
	if o.Unsettled > 0 {
		out = append(out, fmt.Sprintf("%d of its %d samples reach no equilibrium (F has kinks where the activation has): Eq. 7 and 8 are of the others.", o.Unsettled, o.Samples))
	}
	if t := readTerms(o.Terms); t != "" {
		out = append(out, t)
	}
	if e := r.out.Escape.Origin; e != nil {
		out = append(out, fmt.Sprintf("Escape from the origin, linearised: rate %.3g under PC, %.3g under BP%s. That is about the flow at the saddle itself, not about steps to a loss: near the solutions F* is the flatter one.",
			e.PC, e.BP, map[bool]string{true: ", for which the saddle is flat to second order"}[e.BP == 0]))
	}
	worst := 0.0
	for _, s := range r.out.Saddles {
		worst = max(worst, s.Loss.RelError, s.Energy.RelError)
	}
	if len(r.out.Saddles) > 0 {
		out = append(out, fmt.Sprintf("At %d saddles spectra from Hessian-vector products agree with the closed forms to %.0e.", len(r.out.Saddles), max(worst, 1e-16)))
	}
	if s, n := r.growth(); n > 0 {
		out = append(out, fmt.Sprintf("The condition number of the activity Hessian of linear scale-1 networks of width %d grows like depth^%.1f (that of a chain of equal weights: (2L/π)²). Gradient descent on activities needs a number of steps in proportion to it: this is C9's reason.", n, s))
	}
	for _, l := range r.out.Limits {
		if l.Limit == "output precision" && l.Act == "tanh" && l.Place == "after" && l.Slope != nil {
			out = append(out, fmt.Sprintf("As π_L → 0, PC's gradient over π_L becomes BP's, with an error of order π_L^%.2f.", *l.Slope))
		}
	}
	return out
}

func (r *theoryRun) readAsked(o TheoryCase) string {
	s := fmt.Sprintf("%s %s, %s the weights: ", o.Act, o.Arch, o.Place)
	switch {
	case o.Depth == 1:
		return s + "one layer has no free activities: PC is BP."
	case o.TaylorSlope == nil && !smoothAct(o.Act):
		s += "F is quadratic between its kinks, Eq. 6 has no remainder beyond rounding there"
	case o.TaylorSlope == nil:
		s += "F is quadratic in the activities, Eq. 6 has no remainder beyond rounding"
	default:
		s += fmt.Sprintf("the remainder of Eq. 6 is of order %.2f with the Fisher information, %s with the exact Hessian", *o.TaylorSlope, format(o.TaylorExact, "%.2f"))
	}
	if o.SolutionRelError == nil {
		return s + "; no sample reached an equilibrium."
	}
	return s + fmt.Sprintf("; −𝓘⁻¹g (Eq. 7) misses the equilibrium by %.2g of its distance (median), cosine %.4f.", *o.SolutionRelError, *o.SolutionCos)
}

func smoothAct(act string) bool {
	a, err := nn.ParseActivation(act)
	return err == nil && a.Smooth()
}

// readTerms is the verdict of Eq. 8 for one network.
func readTerms(terms []TheoryTerm) string {
	var sums, steps []float64
	for _, t := range terms {
		if t.RelSum != nil && t.RelStep != nil {
			sums, steps = append(sums, *t.RelSum), append(steps, *t.RelStep)
		}
	}
	if len(sums) == 0 {
		return ""
	}
	word := "does not hold"
	if slices.Max(sums) <= smallError {
		word = "holds"
	}
	return fmt.Sprintf("Eq. 8 %s: TR + BP is off PC's gradient by %s of it over the layers; the local rule at ẑ − 𝓘⁻¹g by %s.", word, rangeOf(sums).text("%.2g"), rangeOf(steps).text("%.1g"))
}

// growth is the exponent of the condition number in the depth for the widest networks, and their width; 0 if unknown.
func (r *theoryRun) growth() (slope float64, width int) {
	var x, y []float64
	widest := 0
	for _, c := range r.out.Conditions {
		widest = max(widest, c.Width)
	}
	for _, c := range r.out.Conditions {
		if c.Width == widest && c.Act == "linear" {
			x, y = append(x, float64(c.Depth)), append(y, c.Kappa)
		}
	}
	if slope = theory.Slope(x, y); len(x) < 2 || math.IsNaN(slope) {
		return 0, 0
	}
	return slope, widest
}
