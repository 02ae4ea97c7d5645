package report

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/settle-pc/settle/store"
)

// sectionPlan says what a section shows.
type sectionPlan struct {
	id, title, question string
	claims              []string
	pictures            []pictured
	settings            func(run *store.Run) ([]grid, error)
	unknown             []string
	rerun               string
}

type pictured struct{ name, caption string }

// criteria say by what each claim is judged.
var criteria = map[string]string{
	"C1":  "values of 𝓛 and F₀ on a grid; the local and the total weight gradient at t = 0.",
	"C2":  "spectrum at the origin; closest approach and steps within 0.6 units of it, for GD and for SGD with noisy targets.",
	"C3":  "F* ≤ F(t+1) ≤ F(t) ≤ 𝓛 on the whole grid; the share of it with the smaller gradient; curvatures at minima and at the saddle: holds if energies fall so, and gradients and the escape from the saddle shrink too.",
	"C4":  "the linearised escape rate; steps to the loss threshold over a grid of starts, at equal and at each rule's best learning rate.",
	"C5":  "the order of the remainder of Eq. 6 in ‖Δz‖, case by case: third order or exact in all cases.",
	"C6":  "relative error of −𝓘⁻¹g on new, BP-trained and PC-trained networks whose F is not quadratic: holds if median and largest are at most 0.1 in each, conditional if some are.",
	"C7":  "the same rule on the relative error of the sum TR + BP against PC's gradient, layer by layer; a cosine of 0.9 is shown but does not suffice.",
	"C8":  "per activation and threshold: holds only if the paired 95 % interval of log(batches of BP / batches of PC) is above 0 in every cell.",
	"C9":  "passes to an energy gap of 1 % against depth and width: an exponent of 0.5 or more, or a gap not reached, is bad scaling; holds if both the post's dynamics and ours scale badly, conditional if some do.",
	"C10": "the other settings: holds if BP is ahead in some cell, its interval, at a level for as many cells, below 0; conditional if a cell shows no difference, or for fewer than 5 seeds.",
	"C11": "path over straight line, and distance from the end to the solution nearest to the start, over a grid of starts.",
	"C12": "cosine of −∇ with the direction to the nearest solution, over the grid and near the saddle.",
	"C13": "the move z(t) − ẑ against the trust-region step of its length at each t, and the equilibrium against −𝓘⁻¹g, each within 0.1 (cosines, and errors against −g, are shown): both experiments must agree.",
}

// sectionPlans are the sections in the order of the report.
var sectionPlans = []sectionPlan{
	{
		id: "toy", title: "Figures 1 to 3: the toy f(x) = w₂w₁x", question: "What does inference do to the loss landscape of the smallest network, and where does gradient descent go on it?",
		claims: []string{"C1", "C2", "C3", "C4", "C11", "C12", "C13"},
		pictures: []pictured{
			{"fig1", "Figure 1. The loss 𝓛, its gradient field (arrows: −∇𝓛) and gradient descent from w⁰ (diamond) to where 𝓛 < 0.001 (star): the path bends towards the saddle at the origin."},
			{"fig2", "Figure 2. The energy F after t steps of inference with weights fixed at each point of the grid: at t = 0 it is 𝓛, at equilibrium 𝓛/(1 + w₂²). First row: arrows are the local learning rule, with z held fixed. Second row: the total gradient of the landscape; they agree at equilibrium only. figures/fig2-animation.png moves."},
			{"fig3", "Figure 3. The energy at equilibrium F*, its gradient field and PC's path from the same w⁰."},
			{"trajectories", "Both rules on both landscapes, from w⁰ and from a start on the stable manifold of the saddle, where gradient descent on 𝓛 is caught."},
			{"progress", "Loss and distance to the saddle, step by step."},
			{"starts", "Steps to the threshold from every start of a grid: where which rule is first."},
			{"rates", "Median steps over the starts against the learning rate: each rule has its own best one."},
			{"alignment", "How well −∇ points to the nearest solution."},
			{"flattening", "Gradient norms of F* and 𝓛 compared over the grid, and the fall of the energy during inference."},
			{"sgd", "Stochastic gradient descent: noise in the targets."},
			{"surfaces", "The landscapes in space."},
		},
		settings: toySettings,
		unknown: []string{"Data and start of the published pictures are not stated: x = 1, y = −1, w⁰ = (0.75, 0.95) match them.", "The learning rate is not stated: 0.2 for both rules, and each rule's best.",
			"Whether arrows are the local rule or the total gradient is not stated for Figure 2; its footnote means the local rule. Both are shown."},
		rerun: "settle reproduce fig1 fig2 fig3",
	},
	{
		id: "theory", title: "Figure 0 and Eq. 6 to 8: the theory measured", question: "Is inference a second-order step on the loss in activity space, and is PC's weight gradient the sum that the post prints?",
		claims: []string{"C5", "C6", "C7", "C13"},
		pictures: []pictured{
			{"fig0", "Figure 0. Inference in the space of two free activities: contours of F, the feedforward point ẑ, the path of inference, the directions −g and −𝓘⁻¹g, the equilibrium z*."},
			{"theory_remainder", "Eq. 6: the Taylor remainder against ‖Δz‖ with the Fisher information, with the exact Hessian, and in error coordinates; its slope is the order."},
			{"theory_solution", "Eq. 7: the relative error of −𝓘⁻¹g against the scale of random weights, and on networks for images, new and trained."},
			{"theory_terms", "Eq. 8: relative errors of every reading of the sum against PC's weight gradient, layer by layer."},
			{"theory_path", "The displacement during inference against the natural-gradient, gradient and trust-region steps."},
			{"theory_spectra", "Hessians of 𝓛 and F* at two saddles, measured and in closed form."},
			{"theory_conditions", "The condition number of the activity Hessian grows with depth: this is why gradient descent on activities is slow (C9)."},
			{"theory_limits", "Two limits: vanishing output precision makes PC into BP; a vanishing residual does not make the printed sum right."},
		},
		settings: theorySettings,
		unknown: []string{"In a deep network the symbols of Eq. 6 to 8 can be read in several ways: x is all free activities, 𝓘 the Gauss–Newton matrix, TR the total derivative; the other readings are shown beside it.",
			"Depths, widths and weights are ours: random networks of several scales, fan-in networks on MNIST, new and trained by either rule."},
		rerun: "settle reproduce fig0 theory",
	},
	{
		id: "fig4", title: "Figure 4: ten-layer networks on MNIST", question: "Do deep networks learn in fewer batches with PC than with BP, each at its best learning rate?",
		claims: []string{"C8"},
		pictures: []pictured{
			{"fig4", "Training error against batches at each rule's best learning rate (chosen on other seeds for the lowest threshold): thin lines are seeds, thick ones their median, dashed levels the thresholds. A line ends at its lowest threshold, at divergence or at the budget."},
			{"fig4-cost", "The same against passes (a forward or backward sweep of the batch is one; BP takes 3 a batch, PC what its inference took) and against seconds (passes × the time of a pass, measured serially)."},
			{"fig4-rates", "Batches to each threshold against the learning rate. A dot above the budget: diverged on some seed. Gaps: not reached within the budget."},
			{"fig4-300", "Width 300: training error against batches."},
			{"fig4-cost-300", "Width 300: the same against passes and seconds."},
			{"fig4-rates-300", "Width 300: batches against the learning rate."},
		},
		settings: depthTables,
		unknown: []string{"Width, initialisation, learning-rate grid and inference settings are not published: widths 128 and 300, weights U(±1/√fan_in) without bias, which start next to the saddle at the origin, grids of powers of two refined by √2, inference to an energy gap of 1 %.",
			"The published curves show one run each; here several seeds are reported, and others choose the learning rates.",
			"Published notebooks sum PC's gradient over the batch and average BP's, which makes PC's steps B times as large: the table of the confound shows what that does."},
		rerun: "settle reproduce fig4",
	},
	{
		id: "cost", title: "What inference costs", question: "Does the extra compute of PC scale badly with the size of the network?",
		claims:   []string{"C9"},
		pictures: []pictured{{"cost", "Passes of inference to an energy gap of 1 % against depth and width, for gradient descent on activities (the post's dynamics) at three steps, and for the default solver here. A missing point: not reached within the limit."}},
		settings: costTables,
		unknown:  []string{"The post says that inference is costly without numbers: the limit of “badly” is ours, an exponent of 0.5 in depth or width, on top of a pass that grows with the network."},
		rerun:    "settle reproduce cost fig4",
	},
	{
		id: "generality", title: "Other settings", question: "Is the speed-up observed with other initial weights, optimisers, data, tasks and sizes?",
		claims:   []string{"C10"},
		pictures: []pictured{{"generality", "BP's batches over PC's to each threshold, geometric mean over seeds, with the paired 95 % interval where there are five seeds. What was not reached counts with the budget."}},
		settings: generalityTables,
		unknown:  []string{"The post names no settings in which the speed-up is absent: these are ours, one change at a time from Figure 4."},
		rerun:    "settle reproduce generality",
	},
}

// rowsOf reads a table of the run, without rows where there is none, and formats its rows.
func rowsOf(run *store.Run, name string, format func(row map[string]any) []string) ([][]string, error) {
	t, err := run.Table(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out [][]string
	for _, row := range t.Rows {
		m := map[string]any{}
		for i, c := range t.Columns {
			m[c] = row[i]
		}
		if r := format(m); r != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// show writes a stored value: numbers with few digits, a dash for null, lists with commas.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case string:
		return v
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, show(x))
		}
		return strings.Join(parts, ", ")
	}
	if f, ok := float(v); ok {
		if f == float64(int64(f)) && f < 1e7 && f > -1e7 {
			return fmt.Sprintf("%d", int64(f))
		}
		return num(f)
	}
	return fmt.Sprint(v)
}

// between writes an estimate with its interval.
func between(m map[string]any, name string) string {
	out := "×" + short(m[name+"_ratio"])
	if m[name+"_low"] != nil {
		out += fmt.Sprintf(" [%s, %s]", short(m[name+"_low"]), short(m[name+"_high"]))
	}
	return out
}

func short(v any) string {
	if f, ok := float(v); ok {
		return fmt.Sprintf("%.3g", f)
	}
	return "–"
}

// reached writes the median of batches, their range, and how many seeds got there.
func reached(m map[string]any, side string) string {
	seeds := show(m["seeds"])
	if m[side+"_batches"] == nil {
		out := fmt.Sprintf("> %s (%s of %s)", show(m["budget"]), show(m[side+"_reached"]), seeds)
		if n, ok := float(m[side+"_diverged"]); ok && n > 0 {
			out += fmt.Sprintf(", %g diverged", n)
		}
		return out
	}
	out := show(m[side+"_batches"])
	if m[side+"_least"] != nil && m[side+"_most"] != nil && seeds != "1" {
		out += fmt.Sprintf(" (%s–%s)", show(m[side+"_least"]), show(m[side+"_most"]))
	}
	return out
}

// rate writes a learning rate, marked where it is at the edge of its grid.
func rate(m map[string]any, side string) string {
	out := short(m[side+"_lr"])
	if m[side+"_edge"] == true {
		out += " (edge)"
	}
	return out
}

// ratioGrid shows a table of ratios.
func ratioGrid(run *store.Run, title, name string) ([]grid, error) {
	g := grid{Title: title, Source: name, Head: []string{"contest", "MSE", "rules", "learning rates", "batches, first rule", "batches, second rule", "first over second, batches", "in passes", "passes", "multiply-adds", "outcome"}}
	var err error
	g.Rows, err = rowsOf(run, name, func(m map[string]any) []string {
		return []string{show(m["contest"]), show(m["threshold"]), show(m["a_rule"]) + ", " + show(m["b_rule"]), rate(m, "a") + ", " + rate(m, "b"), reached(m, "a"), reached(m, "b"),
			between(m, "batches"), between(m, "passes"), whole(m["a_passes"]) + ", " + whole(m["b_passes"]), whole(m["a_macs"]) + ", " + whole(m["b_macs"]), strings.ReplaceAll(show(m["outcome"]), "PC", strings.ToUpper(show(m["b_rule"])))}
	})
	if len(g.Rows) == 0 || err != nil {
		return nil, err
	}
	return []grid{g}, nil
}

func whole(v any) string {
	if f, ok := float(v); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return "–"
}

// contestGrid shows the settings of contests, and the time of a pass.
func contestGrid(run *store.Run, prefix string) ([]grid, error) {
	g := grid{Title: "Settings", Source: prefix + "contests", Head: []string{"contest", "data", "network", "activation", "weights", "optimiser", "batch", "budget", "thresholds", "seeds that choose", "seeds reported", "rules"}}
	var err error
	g.Rows, err = rowsOf(run, prefix+"contests", func(m map[string]any) []string {
		return []string{show(m["contest"]), show(m["data"]), show(m["arch"]), show(m["act"]) + " " + show(m["place"]), show(m["init"]), show(m["optim"]), show(m["batch"]), show(m["budget"]), show(m["thresholds"]), show(m["selection"]), show(m["reporting"]), show(m["rules"])}
	})
	if err != nil || len(g.Rows) == 0 {
		return nil, err
	}
	times := grid{Title: "Time of a pass, one core, before the trainings start", Source: prefix + "timings", Head: []string{"contest", "rule", "milliseconds"}}
	times.Rows, err = rowsOf(run, prefix+"timings", func(m map[string]any) []string {
		s, _ := float(m["seconds"])
		return []string{show(m["contest"]), show(m["rule"]), fmt.Sprintf("%.3f", 1000*s)}
	})
	if err != nil || len(times.Rows) == 0 {
		return []grid{g}, err
	}
	return []grid{g, times}, nil
}

// gather calls functions that return grids until one fails.
func gather(all ...func() ([]grid, error)) ([]grid, error) {
	var out []grid
	for _, f := range all {
		g, err := f()
		if err != nil {
			return nil, err
		}
		out = append(out, g...)
	}
	return out, nil
}

func depthTables(run *store.Run) ([]grid, error) {
	return gather(
		func() ([]grid, error) { return ratioGrid(run, "BP against PC", "fig4_ratios") },
		func() ([]grid, error) {
			return ratioGrid(run, "What isolates the mechanism: BP against the rules between it and PC (bp-curved: S⁻¹r in place of r; pc-feedforward: PC's errors, feedforward activities; bp-matched: BP's directions, PC's gradient norms). Their learning rates are chosen on one seed and not refined, BP's on more: a disadvantage of theirs", "fig4_isolated_ratios")
		},
		func() ([]grid, error) { return confoundGrid(run) },
		func() ([]grid, error) {
			g := grid{Title: "The lowest training error of any linear map", Source: "fig4_optimum", Head: []string{"data", "MSE"}}
			var err error
			g.Rows, err = rowsOf(run, "fig4_optimum", func(m map[string]any) []string {
				v, _ := float(m["linear_optimum"])
				return []string{show(m["data"]), fmt.Sprintf("%.4f", v)}
			})
			if len(g.Rows) == 0 {
				return nil, err
			}
			return []grid{g}, err
		},
		func() ([]grid, error) { return contestGrid(run, "fig4_") })
}

func confoundGrid(run *store.Run) ([]grid, error) {
	g := grid{Title: "The confound: PC at BP's best learning rate, its gradient averaged like BP's, or summed over the batch", Source: "fig4_confound",
		Head: []string{"contest", "printed learning rate", "rule", "gradient", "step taken", "batches to the lowest threshold"}}
	var err error
	g.Rows, err = rowsOf(run, "fig4_confound", func(m map[string]any) []string {
		factor, _ := float(m["factor"])
		lr, _ := float(m["lr"])
		how, got := "averaged", show(m["batches"])+" to "+show(m["threshold"])
		if factor > 1 {
			how = "summed"
		}
		if m["batches"] == nil {
			got = "not reached: " + show(m["threshold"])
		}
		if m["diverged_at"] != nil {
			got = "diverged at batch " + show(m["diverged_at"])
		}
		return []string{show(m["contest"]), short(m["lr"]), show(m["rule"]), how, short(lr * factor), got}
	})
	if len(g.Rows) == 0 || err != nil {
		return nil, err
	}
	return []grid{g}, nil
}

func generalityTables(run *store.Run) ([]grid, error) {
	return gather(
		func() ([]grid, error) { return ratioGrid(run, "BP against PC", "generality_ratios") },
		func() ([]grid, error) {
			g := grid{Title: "Left out", Source: "generality_missing", Head: []string{"setting and reason"}}
			var err error
			g.Rows, err = rowsOf(run, "generality_missing", func(m map[string]any) []string { return []string{show(m["what"])} })
			if len(g.Rows) == 0 {
				return nil, err
			}
			return []grid{g}, err
		},
		func() ([]grid, error) { return contestGrid(run, "generality_") })
}

func costTables(run *store.Run) ([]grid, error) {
	g := grid{Title: "Growth of passes to a gap of 1 %", Source: "cost_growth", Head: []string{"activation", "state", "along", "dynamics", "sizes", "passes", "exponent"}}
	var err error
	g.Rows, err = rowsOf(run, "cost_growth", func(m map[string]any) []string {
		return []string{show(m["act"]), show(m["state"]), show(m["along"]), show(m["dynamics"]), show(m["sizes"]), show(m["passes"]), short(m["exponent"])}
	})
	return []grid{g}, err
}

func toySettings(run *store.Run) ([]grid, error) {
	g := grid{Title: "Settings", Source: "settings", Head: []string{"x", "y", "w⁰", "learning rate", "w₁", "w₂", "step of inference", "σ of the noise"}}
	var err error
	g.Rows, err = rowsOf(run, "settings", func(m map[string]any) []string {
		return []string{show(m["x"]), show(m["y"]), show(m["w0"]), show(m["lr"]), show(m["w1"]), show(m["w2"]), show(m["dt"]), show(m["noise"])}
	})
	return []grid{g}, err
}

func theorySettings(run *store.Run) ([]grid, error) {
	g := grid{Title: "Networks of the study", Source: "theory_cases", Head: []string{"state", "activation", "place", "network", "weight scale", "order of the remainder", "error of −𝓘⁻¹g", "its cosine", "condition number"}}
	var err error
	g.Rows, err = rowsOf(run, "theory_cases", func(m map[string]any) []string {
		return []string{show(m["state"]), show(m["act"]), show(m["place"]), show(m["arch"]), show(m["scale"]), short(m["taylor_slope"]), short(m["solution_rel_error"]), short(m["solution_cos"]), short(m["condition"])}
	})
	return []grid{g}, err
}
