package experiment

import (
	"github.com/settle-pc/settle/theory"
)

// store writes the tables of the run.
func (r *theoryRun) store() {
	asked := r.out.TheoryCase
	for i, c := range append([]TheoryCase{asked}, r.out.Cases...) {
		r.storeCase(i, c)
	}
	for _, s := range r.out.Saddles {
		for _, v := range []struct {
			name string
			TheoryEnds
			rate float64
		}{{"loss", s.Loss, s.RateBP}, {"energy", s.Energy, s.RatePC}} {
			r.row("theory_saddles", []string{"act", "place", "arch", "depth", "at", "landscape", "parameters", "method", "min", "max", "closed_min", "closed_max", "rel_error", "escape_rate"},
				s.Act, s.Place, s.Arch, s.Depth, s.At, v.name, s.Parameters, s.Method, v.Min, v.Max, v.Closed[0].Value, v.Closed[len(v.Closed)-1].Value, v.RelError, v.rate)
		}
	}
	for _, c := range r.out.Conditions {
		r.row("theory_conditions", []string{"act", "depth", "width", "min", "max", "condition", "condition_errors", "condition_chain"},
			c.Act, c.Depth, c.Width, c.Low, c.High, c.Kappa, c.Errors, c.Chain)
	}
	for _, l := range r.out.Limits {
		for i, x := range l.X {
			r.row("theory_limits", []string{"limit", "act", "place", "depth", "quantity", "x", "rel_error", "slope"},
				l.Limit, l.Act, l.Place, l.Depth, l.Quantity, x, deref(l.RelError[i]), deref(l.Slope))
		}
	}
	for _, t := range r.out.Toy {
		r.row("theory_first_trap", []string{"weight", "pc", "tr", "bp", "sum", "rel_error_sum"}, t.Weight, t.PC, t.TR, t.BP, t.Sum, t.Rel)
	}
}

// storeCase writes case number i; number 0 is the network asked for.
func (r *theoryRun) storeCase(i int, c TheoryCase) {
	r.row("theory_cases", []string{"case", "state", "act", "place", "depth", "scale", "arch", "networks", "samples", "unsettled", "train_mse", "taylor_slope",
		"taylor_slope_exact_hessian", "taylor_slope_errors", "solution_rel_error", "solution_low", "solution_high", "solution_cos", "gradient_cos", "condition", "condition_errors"},
		i, c.State, c.Act, c.Place, c.Depth, deref(c.Scale), c.Arch, c.Networks, c.Samples, c.Unsettled, deref(c.TrainMSE), deref(c.TaylorSlope),
		deref(c.TaylorExact), deref(c.TaylorErrors), deref(c.SolutionRelError), deref(c.SolutionQuarter[0]), deref(c.SolutionQuarter[1]),
		deref(c.SolutionCos), deref(c.GradientCos), deref(c.Condition), deref(c.ConditionErrors))
	for _, t := range c.Terms {
		r.row("theory_terms", []string{"case", "state", "act", "place", "depth", "scale", "layer", "norm_pc", "norm_tr", "norm_bp", "cos_tr", "cos_bp", "cos_sum",
			"rel_error_sum", "rel_error_tr", "rel_error_tr_local", "rel_error_tr_err", "rel_error_bp", "rel_error_step"},
			i, c.State, c.Act, c.Place, c.Depth, deref(c.Scale), t.Layer, deref(t.NormPC), deref(t.NormTR), deref(t.NormBP), deref(t.CosTR), deref(t.CosBP), deref(t.CosSum),
			deref(t.RelSum), deref(t.RelTR), deref(t.RelLoc), deref(t.RelErr), deref(t.RelBP), deref(t.RelStep))
	}
	for _, m := range c.Path {
		r.row("theory_paths", []string{"case", "state", "act", "place", "depth", "scale", "t", "residual", "cos_natural", "cos_gradient", "rel_error_natural", "rel_error_gradient", "rel_error_trust_region"},
			i, c.State, c.Act, c.Place, c.Depth, deref(c.Scale), m.T, deref(m.Residual), deref(m.CosNatural), deref(m.CosGradient), deref(m.RelNatural), deref(m.RelGradient), deref(m.RelTrust))
	}
	for _, name := range []string{withFisher, withHessian, inErrors} {
		for k, v := range c.Remainder[name] {
			r.row("theory_remainders", []string{"case", "state", "act", "place", "depth", "scale", "expansion", "distance", "remainder"},
				i, c.State, c.Act, c.Place, c.Depth, deref(c.Scale), name, theory.Radii()[k], deref(v))
		}
	}
}
