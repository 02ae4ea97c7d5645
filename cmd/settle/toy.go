package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
)

// toyFlags are the flags of toy that are not fields of its description.
type toyFlags struct {
	w0, w1, w2 []float64
	palette    string
}

func (a *app) toyCommand() *cobra.Command {
	spec := experiment.DefaultToy()
	flags := toyFlags{palette: "post"}
	cmd := &cobra.Command{
		Use:   "toy",
		Short: "Landscapes, fields and trajectories of f(x) = w₂w₁x (Figures 1–3)",
		Long: `Draws the loss, the energy after t steps of inference and the energy at equilibrium of the smallest network,
f(x) = w₂w₁x, with their gradient fields and where gradient descent on the loss (BP) and on the energy at
equilibrium (PC) goes: from w⁰, from a grid of starts, and with noisy targets. Measures how near to the saddle, how
directly and in how many steps, and judges the claims C1–C4 and C11–C13 of the post as far as the toy can.`,
		Example: `  settle toy
  settle toy --x 1 --y -1 --w0 0.75,0.95 --lr 0.2
  settle toy --w0 0.8,0.8 --palette safe      on the stable manifold of the saddle
  settle toy --y 2.5 --w0 -0.3,1 --lr 0.05 --json`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.toySpec(cmd, &spec, flags); err != nil {
				return err
			}
			return a.toy(spec, report.ToyLooks[flags.palette])
		},
	}
	f := cmd.Flags()
	f.Float64Var(&spec.X, "x", spec.X, "`input`, not 0")
	f.Float64Var(&spec.Y, "y", spec.Y, "`target`, not 0")
	f.Float64SliceVar(&flags.w0, "w0", spec.W0[:], "initial `weights` w₁,w₂")
	f.Float64Var(&spec.LR, "lr", spec.LR, "learning `rate` of both rules")
	f.IntVar(&spec.Steps, "steps", spec.Steps, "most `steps` of learning")
	f.Float64Var(&spec.Loss, "threshold", spec.Loss, "`loss` below which a descent stops")
	f.Float64SliceVar(&flags.w1, "w1", spec.W1[:], "`range` of w₁ in landscapes and starts; by default one that shows w⁰ and the solutions nearest to the saddle")
	f.Float64SliceVar(&flags.w2, "w2", spec.W2[:], "`range` of w₂, likewise")
	f.IntVar(&spec.Grid, "grid", spec.Grid, "`points` a side of a landscape")
	f.Float64Var(&spec.DT, "dt", spec.DT, "`step` of inference; by default a quarter of the largest stable one")
	f.IntVar(&spec.Inference, "inference-steps", spec.Inference, "`steps` of inference in Figure 2")
	f.IntVar(&spec.Starts, "starts", spec.Starts, "`points` a side of the grid of starts")
	f.Float64Var(&spec.Noise, "noise", spec.Noise, "standard `deviation` of the target in SGD; by default 0.3 of its size")
	f.IntVar(&spec.Runs, "noise-runs", spec.Runs, "`number` of runs of SGD")
	f.StringVar(&flags.palette, "palette", flags.palette, "`colours`: post (blue, white, red) or safe (for any colour vision)")
	return cmd
}

// toySpec completes the description from the flags.
func (a *app) toySpec(cmd *cobra.Command, spec *experiment.Toy, flags toyFlags) error {
	given := cmd.Flags().Changed
	spec.Seed = a.seed
	var faults []error
	pair := func(name string, v []float64, to *[2]float64) {
		if len(v) != 2 {
			faults = append(faults, fmt.Errorf("--%s: %d numbers: want two with a comma between them", name, len(v)))
			return
		}
		*to = [2]float64{v[0], v[1]}
	}
	pair("w0", flags.w0, &spec.W0)
	pair("w1", flags.w1, &spec.W1)
	pair("w2", flags.w2, &spec.W2)
	if _, ok := report.ToyLooks[flags.palette]; !ok {
		faults = append(faults, fmt.Errorf("--palette %q: want post or safe", flags.palette))
	}
	spec.Choose(!given("w1"), !given("w2"), !given("dt"), !given("noise"))
	return errors.Join(append(faults, spec.Validate())...)
}

// toyResult is the object that --json prints.
type toyResult struct {
	experiment.ToyResult
	Figures []string `json:"figures"`
	Run     string   `json:"run"`
}

func (a *app) toy(spec experiment.Toy, look report.ToyLook) error {
	run, err := a.begin("toy", spec)
	if err != nil {
		return err
	}
	bar := a.progress("toy", 1)
	result, err := spec.Run(a.ctx, run, experiment.Env{Workers: a.workers, Progress: func(p experiment.Progress) {
		bar.set(0.4*p.Done/p.Total, p.Note)
	}})
	if err != nil {
		bar.end()
		return ended(run, err)
	}
	bar.set(0.4, "figures")
	out := toyResult{ToyResult: result, Run: run.Dir()}
	out.Figures, err = report.Toy(run, look, a.workers)
	bar.end()
	if err != nil {
		return failure{err}
	}
	if err := a.publish(run, out.Claims, out); err != nil {
		return err
	}
	w := a.text()
	toyTable(w, out.ToyResult)
	printClaims(w, out.Claims)
	fmt.Fprintf(w, "%d figures (SVG, PDF, PNG; numbers as CSV; fig2-animation.png moves): %s; claims: %s\n", figureCount(out.Figures),
		filepath.Join(run.Dir(), "figures"), filepath.Join(run.Dir(), claimsFile))
	return nil
}

// ended turns the error of an experiment into that of the command.
func ended(run *store.Run, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted; tables so far are in %s (%w)", run.Dir(), err)
	}
	return failure{err}
}

// figureCount counts figures, each of which has several files.
func figureCount(files []string) int {
	names := map[string]bool{}
	for _, f := range files {
		names[strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))] = true
	}
	return len(names)
}

// toyTable prints where both rules went.
func toyTable(to io.Writer, r experiment.ToyResult) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "from\trule\tend\tsteps\tstatus\tloss\tclosest to saddle\tpath\tstraight line\tend to nearest solution of start\t")
	for _, from := range []struct {
		w0     [2]float64
		bp, pc experiment.ToyPath
	}{{r.W0, r.BP, r.PC}, {r.Manifold.W0, r.Manifold.BP, r.Manifold.PC}} {
		for _, of := range []struct {
			rule string
			p    experiment.ToyPath
		}{{"bp", from.bp}, {"pc", from.pc}} {
			fmt.Fprintf(w, "(%.4g, %.4g)\t%s\t(%.3f, %.3f)\t%d\t%s\t%.2g\t%.3f\t%.3f\t%.3f\t%.3f\t\n", from.w0[0], from.w0[1], of.rule,
				of.p.End[0], of.p.End[1], of.p.Steps, of.p.Status, of.p.Loss, of.p.Closest, of.p.Length, of.p.Straight, of.p.EndToNearest)
		}
	}
	// A failed write of results for people shows on their terminal.
	_ = w.Flush()
	fmt.Fprintf(to, "Hessian at the origin: ℒ %.6f, %+.6f; F* %.6f, %+.6f; ten times farther from it in %.1f steps (BP), %.1f (PC)\n",
		r.Hessian.Loss[0], r.Hessian.Loss[1], r.Hessian.Energy[0], r.Hessian.Energy[1], r.Escape.Loss.StepsPerDecade, r.Escape.Energy.StepsPerDecade)
}
