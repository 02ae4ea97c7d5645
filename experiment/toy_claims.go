package experiment

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/toy"
)

// Tolerances of what holds but for rounding: values and gradients are sums of a dozen products.
const exactly = 1e-12

// Parts of the starts, or of the grid, from which a claim about all of them holds or fails.
const (
	nearlyAll  = 0.95
	nearlyNone = 0.05
)

// byShares gives the verdict on a claim that holds for these parts of the cases, one for each measure: for nearly all,
// nearly none, or neither. Measures that nothing decides (nil) do not count.
func byShares(shares ...*float64) Verdict {
	all, none, n := true, true, 0
	for _, s := range shares {
		if s != nil {
			all, none, n = all && *s >= nearlyAll, none && *s <= nearlyNone, n+1
		}
	}
	switch {
	case n == 0:
		return Undecided
	case all:
		return Holds
	case none:
		return Fails
	}
	return Conditional
}

// upTo writes a rounding error.
func upTo(v float64) string {
	if v == 0 {
		return "exactly"
	}
	return fmt.Sprintf("to %.0e", v)
}

func percentOf(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// partOf and number write what may be missing.
func partOf(share *float64) string {
	if share == nil {
		return "none"
	}
	return percentOf(*share)
}

func number(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%.3f", *v)
}

// orNever writes a number of steps.
func orNever(v *float64) string {
	if v == nil {
		return "never"
	}
	return fmt.Sprintf("%g", *v)
}

// claims judges what the toy can.
func (r *toyRun) claims() []Claim {
	return []Claim{r.claim1(), r.claim2(), r.claim3(), r.claim4(), r.claim11(), r.claim12(), r.claim13()}
}

// settledAtSaddle reports that the loss at the saddle is below the threshold: it stops no descent that is not over there.
func (r *toyRun) settledAtSaddle() bool { return r.p.Loss(toy.Vec{}) < r.Loss }

// nothing says why steps to the threshold say nothing.
func (r *toyRun) nothing() string {
	return fmt.Sprintf("The loss is %.3g at the saddle and %.3g at w⁰, and descents stop below %g: a lower --threshold, or another w⁰, has more to tell. "+
		"Beside the saddle PC escapes at rate %.4g, BP at %.4g.", r.p.Loss(toy.Vec{}), r.p.Loss(r.W0), r.Loss, r.out.Escape.Energy.Rate, r.out.Escape.Loss.Rate)
}

// claim1 holds if values agree everywhere and the local rule's gradient differs from BP's (third trap).
func (r *toyRun) claim1() Claim {
	c, l := newClaim("C1"), r.out.Landscape
	c.Numbers = map[string]any{
		"points": l.Points, "f0_minus_loss": l.StartError, "share_local_differs": l.LocalDiffer, "local_first_layer": l.LocalFirst,
		"local_minus_loss_gradient_last_layer": l.LocalLast, "total_minus_loss_gradient": l.TotalError,
	}
	switch {
	case l.StartError > exactly || l.LocalFirst > exactly || l.LocalLast > exactly:
		c.Verdict = Fails
	default:
		c.Verdict = byShares(&l.LocalDiffer)
	}
	c.Text = fmt.Sprintf("On %d weights F₀ and 𝓛 agree %s. PC's local rule at t = 0 is BP's gradient in the last layer and 0 in the first, and differs from ∇𝓛 on %s of those where ∂𝓛/∂w₁ is not 0; "+
		"the total gradient of F₀ is ∇𝓛 (%s). The claim is about the local rule.", l.Points, upTo(l.StartError), percentOf(l.LocalDiffer), upTo(l.TotalError))
	return c
}

// claim2 holds if the origin is a saddle and GD and SGD come nearer to it than they start, within 0.6 units, and are
// slower there than they are later.
func (r *toyRun) claim2() Claim {
	c, bp, noisy, s := newClaim("C2"), r.out.BP, r.out.Noise, r.out.Starts
	start := math.Hypot(r.W0[0], r.W0[1])
	isSaddle := r.out.Hessian.Loss[0] < 0 && r.out.Hessian.Loss[1] > 0
	attracted := func(closest float64) bool { return closest < 0.99*start && closest <= nearSaddle*r.unit() }
	slows := bp.SpeedThere < bp.SpeedAfter || bp.Status == "step limit" // caught: it never gets faster
	c.Numbers = map[string]any{
		"eigenvalues": r.out.Hessian.Loss, "start_to_saddle": start, "closest": bp.Closest, "steps_within_0.6": bp.NearSaddle, "steps": bp.Steps,
		"speed_at_closest": bp.SpeedThere, "largest_speed_after": bp.SpeedAfter, "pc_closest": r.out.PC.Closest,
		"sgd_sigma": noisy.Sigma, "sgd_runs": noisy.Runs, "sgd_closest": noisy.BP.Closest, "sgd_steps_within_0.6": noisy.BP.NearSaddle,
		"stable_manifold_steps": r.out.Manifold.BP.Steps, "stable_manifold_status": r.out.Manifold.BP.Status,
		"sgd_leaves_stable_manifold": noisy.BP.ManifoldReached, "share_of_starts_approaching": s.Approach, "share_of_starts_entering_0.6": s.Enter,
	}
	switch {
	case !isSaddle:
		c.Verdict = Fails
	case r.settledAtSaddle() || bp.Steps == 0:
		c.Text = r.nothing()
		return c
	case attracted(bp.Closest) && attracted(noisy.BP.Closest) && slows:
		c.Verdict = Holds
	default:
		c.Verdict = Conditional
	}
	c.Text = fmt.Sprintf("Curvatures at the origin are %.4g and %.4g. From w⁰ GD comes from %.3f to within %.3f of it (SGD with σ = %g: %.3f) and starts %d of %d steps within 0.6 units; "+
		"its gradient is %.2f there and at most %.2f afterwards. It leads nearer to the saddle from %s of the starts. From (%.3g, %.3g), on its stable manifold, GD: %s after %d steps, and %d of %d runs of SGD arrive (noise in y never turns the gradient off the manifold).",
		r.out.Hessian.Loss[0], r.out.Hessian.Loss[1], start, bp.Closest, noisy.Sigma, noisy.BP.Closest, bp.NearSaddle, bp.Steps,
		bp.SpeedThere, bp.SpeedAfter, percentOf(s.Approach), r.out.Manifold.W0[0], r.out.Manifold.W0[1], r.out.Manifold.BP.Status, r.out.Manifold.BP.Steps, noisy.BP.ManifoldReached, noisy.Runs)
	return c
}

// claim3 holds if energies fall everywhere, only to F*, and gradients and curvatures shrink everywhere too.
func (r *toyRun) claim3() Claim {
	c, l, e := newClaim("C3"), r.out.Landscape, r.out.Escape
	escapeRatio := e.Energy.Rate / e.Loss.Rate
	c.Numbers = map[string]any{
		"largest_increase": l.Increase, "largest_below_fstar": l.Below, "fstar_minus_rescaled_loss": l.FStarError, "share_smaller_gradient": l.Smaller,
		"share_smaller_gradient_near_saddle": l.SmallerNear, "share_larger_gradient_near_saddle": l.LargerNear, "median_gradient_ratio": l.MedianRatio, "curvature_at_minima_error": l.MinimaError,
		"trap_curvature_ratio": e.Energy.Trap / e.Loss.Trap, "escape_curvature_ratio": escapeRatio,
	}
	switch {
	case l.Increase > exactly || l.Below > exactly || l.FStarError > exactly || l.MinimaError > exactly:
		c.Verdict = Fails
	case l.Smaller >= nearlyAll && escapeRatio <= 1:
		c.Verdict = Holds
	default:
		c.Verdict = Conditional
	}
	c.Text = fmt.Sprintf("F* ≤ F_t₊₁ ≤ F_t ≤ 𝓛 on all %d weights (%s), and at solutions all curvatures shrink by 1/(1 + w₂²). But ‖∇F*‖ < ‖∇𝓛‖ on %s of them only; within half a unit of the saddle it is smaller on %s and larger on %s. "+
		"There the trap is flatter (×%.3f) and the escape steeper (×%.3f).", l.Points, upTo(max(l.Increase, l.Below)), percentOf(l.Smaller), percentOf(l.SmallerNear), percentOf(l.LargerNear), e.Energy.Trap/e.Loss.Trap, escapeRatio)
	return c
}

// claim4 holds if PC is faster in the linearised flow and from nearly all starts, at equal and at best rates, and stays
// farther from the saddle (second trap).
func (r *toyRun) claim4() Claim {
	c, s, e := newClaim("C4"), r.out.Starts, r.out.Escape
	local := e.Energy.Rate > e.Loss.Rate && e.Energy.Trap < e.Loss.Trap
	c.Numbers = map[string]any{
		"escape_rate_loss": e.Loss.Rate, "escape_rate_energy": e.Energy.Rate, "trap_rate_loss": e.Loss.Trap, "trap_rate_energy": e.Energy.Trap,
		"steps_bp": r.out.BP.Steps, "steps_pc": r.out.PC.Steps, "closest_bp": r.out.BP.Closest, "closest_pc": r.out.PC.Closest,
		"stable_manifold_bp": r.out.Manifold.BP.Status, "stable_manifold_pc": r.out.Manifold.PC.Status, "stable_manifold_steps_pc": r.out.Manifold.PC.Steps,
		"equal_rate": s.Equal, "best_rates": s.Best, "equal_rate_near_saddle": s.EqualNear, "best_rates_near_saddle": s.BestNear,
		"rates": r.out.Rates, "farther_from_saddle": s.Farther,
	}
	if r.settledAtSaddle() || s.Equal.ShareOfPC == nil && s.Best.ShareOfPC == nil {
		c.Text = r.nothing()
		return c
	}
	c.Verdict = byShares(s.Farther.Better, s.Equal.ShareOfPC, s.Best.ShareOfPC)
	if local && c.Verdict == Fails || !local && c.Verdict == Holds {
		c.Verdict = Conditional
	}
	c.Text = fmt.Sprintf("Beside the saddle it is a theorem: PC escapes at rate %.4g, BP at %.4g, and its trap is flatter (%.4g against %.4g). It is not one about steps to 𝓛 < %g: at learning rate %g PC is first from %d starts and BP from %d (never: %d and %d; medians %s and %s steps), "+
		"within half a unit of the saddle %d and %d; each at its best rate (%s), %d and %d. PC stays farther from the saddle at %s of the starts that either rule leads nearer to it.",
		e.Energy.Rate, e.Loss.Rate, e.Energy.Trap, e.Loss.Trap, r.Loss, r.LR, s.Equal.PC, s.Equal.BP, s.Equal.MissedPC, s.Equal.MissedBP, orNever(s.Equal.MedianPC), orNever(s.Equal.MedianBP),
		s.EqualNear.PC, s.EqualNear.BP, r.bestText(), s.Best.PC, s.Best.BP, partOf(s.Farther.Better))
	return c
}

func (r *toyRun) bestText() string {
	text := ""
	for _, b := range r.out.Rates {
		if text != "" {
			text += ", "
		}
		if b.LR == nil {
			text += b.Rule + " none"
			continue
		}
		text += fmt.Sprintf("%s %.3g, median %s steps", b.Rule, *b.LR, orNever(b.Steps))
	}
	return text
}

// claim11 holds if PC's paths are straighter and end nearer to the solution nearest to the start, from nearly all starts.
func (r *toyRun) claim11() Claim {
	c, s := newClaim("C11"), r.out.Starts
	c.Numbers = map[string]any{
		"path_over_straight_line": s.Direct, "end_to_nearest_solution_of_start": s.Nearest,
		"bp": map[string]any{"path": r.out.BP.Length, "straight": r.out.BP.Straight, "end_to_nearest": r.out.BP.EndToNearest, "end_to_solutions": r.out.BP.EndToSolutions},
		"pc": map[string]any{"path": r.out.PC.Length, "straight": r.out.PC.Straight, "end_to_nearest": r.out.PC.EndToNearest, "end_to_solutions": r.out.PC.EndToSolutions},
	}
	c.Verdict = byShares(s.Direct.Better, s.Nearest.Better)
	c.Text = fmt.Sprintf("From w⁰ path over straight line is %s for PC and %s for BP, and PC ends %.2f from the solution that was nearest to w⁰, BP %.2f. Over the starts PC's path is the straighter one at %s (medians %s and %s) and ends nearer to that solution at %s (medians %s and %s).",
		number(r.out.PC.Ratio), number(r.out.BP.Ratio), r.out.PC.EndToNearest, r.out.BP.EndToNearest,
		partOf(s.Direct.Better), number(s.Direct.PC), number(s.Direct.BP), partOf(s.Nearest.Better), number(s.Nearest.PC), number(s.Nearest.BP))
	return c
}

// claim12 holds if −∇F* points better to the nearest solution than −∇𝓛 at nearly all starts, near the saddle too.
func (r *toyRun) claim12() Claim {
	c, s := newClaim("C12"), r.out.Starts
	c.Numbers = map[string]any{"cosine": s.Cosine, "cosine_near_saddle": s.CosineNear}
	c.Verdict = byShares(s.Cosine.Better, s.CosineNear.Better)
	c.Text = fmt.Sprintf("The cosine of −∇ with the direction to the nearest solution is larger for F* at %s of the starts (medians %s for F*, %s for 𝓛), and at %s of those within half a unit of the saddle (%s, %s).",
		partOf(s.Cosine.Better), number(s.Cosine.PC), number(s.Cosine.BP), partOf(s.CosineNear.Better), number(s.CosineNear.PC), number(s.CosineNear.BP))
	return c
}

// claim13 is conditional here: exact at equilibrium, off by its closed form before, and with one activity a matter of
// length alone.
func (r *toyRun) claim13() Claim {
	c := newClaim("C13")
	c.Numbers["t"] = r.out.Activity
	c.Numbers["dt"] = r.DT
	c.Numbers["equilibrium_error"] = r.out.Landscape.FisherError
	last := r.out.Activity[len(r.out.Activity)-1]
	at := "nothing moves"
	if last.Natural != nil {
		at = fmt.Sprintf("it is off by %.2g", *last.Natural)
	}
	switch {
	case last.GridNatural == nil:
		return c
	case r.out.Landscape.FisherError > exactly:
		c.Verdict = Fails
	default:
		c.Verdict = Conditional
	}
	c.Text = fmt.Sprintf("The equilibrium is the natural-gradient step −g/𝓘 (%s, on the grid). Inference that stops after t steps has gone the part 1 − (1 − dt(1 + w₂²))ᵗ of it: after %d steps of %.3g that is off by %.2g in the median over the grid; at w⁰ %s. "+
		"With one activity every step has the direction of −g, so the toy tests lengths only; networks are for settle theory.", upTo(r.out.Landscape.FisherError), last.T, r.DT, *last.GridNatural, at)
	return c
}
