package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/report"
)

// theoryFlags are the flags of theory that are not fields of its description.
type theoryFlags struct {
	model, study string
}

func (a *app) theoryCommand() *cobra.Command {
	spec := experiment.DefaultTheory()
	flags := theoryFlags{study: "full"}
	cmd := &cobra.Command{
		Use:   "theory",
		Short: "Eq. 6–8 of the post, spectra and escape rates, for a network and in a study",
		Long: `Measures what holds of the post's theory for one network, from a model file or described by flags: the order of the
remainder of Eq. 6, how far −𝓘⁻¹g (Eq. 7) misses the equilibrium, every term of Eq. 8 in every layer against PC's
gradient, Hessian spectra at two saddles against their closed forms, and linearised escape rates. Then the same in a
study: the toy, linear and tanh networks of depth 2 to 10, both activation placements, several weight scales, and
networks trained on MNIST by BP and by PC. Draws Figure 0, the network and the study, and judges the claims C5–C7 and C13.

Everything is computed by closed forms and Newton's method in float64, none of it by the library's own inference.`,
		Example: `  settle theory
  settle theory --act linear --arch 6-5-4-3 --precision 1,0.5,2 --closed-form
  settle theory --act-place before --bias --study quick --json
  settle theory --model runs/…/model.safetensors --study none`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.theorySpec(cmd, &spec, flags); err != nil {
				return err
			}
			return a.theory(spec)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.model, "model", "", "model `file`, as settle train writes it, instead of the flags that describe a network")
	f.StringVar(&spec.Arch, "arch", spec.Arch, "`widths` from input to output; 4x3-2 is 4-4-4-2")
	f.StringVar(&spec.Act, "act", spec.Act, "activation: "+strings.Join(nn.Activations(), "|"))
	f.StringVar(&spec.Place, "act-place", spec.Place, "activation after|before the weights")
	f.StringVar(&spec.Init, "init", spec.Init, "initial weights: fanin|xavier|he|orthogonal|normal:S")
	f.BoolVar(&spec.Bias, "bias", spec.Bias, "give every layer a bias")
	f.Float64SliceVar(&spec.Precision, "precision", nil, "`precisions` π, one for all layers or one for each (default 1)")
	f.StringVar(&spec.Data, "data", spec.Data, "inputs and targets: random, or test images of mnist, fashion, "+setHelp+"; by default those of the model")
	f.IntVar(&spec.Batch, "batch", spec.Batch, "`samples`")
	f.BoolVar(&spec.ClosedForm, "closed-form", spec.ClosedForm, "insist on the closed forms of linear networks")
	f.StringVar(&flags.study, "study", flags.study, "full, quick (fewer networks) or none (only the network asked for)")
	hideEmpty(f, "precision")
	return cmd
}

// theorySpec completes the description from the flags.
func (a *app) theorySpec(cmd *cobra.Command, spec *experiment.Theory, flags theoryFlags) error {
	given := cmd.Flags().Changed
	spec.Seed = a.seed
	switch flags.study {
	case "full":
	case "quick":
		spec.Study = experiment.QuickTheory().Study
	case "none":
		spec.Study = experiment.NoStudy().Study
	default:
		return fmt.Errorf("--study %q: want full, quick or none", flags.study)
	}
	var meta *model.Meta
	if given("model") {
		for _, name := range []string{"arch", "act", "act-place", "init", "bias"} {
			if given(name) {
				return fmt.Errorf("--%s: want none with --model, which has its own", name)
			}
		}
		m, err := theoryModel(spec, flags.model)
		if err != nil {
			return err
		}
		if meta = &m; !given("data") {
			spec.Data = m.Data
		}
	}
	if spec.Data != experiment.RandomData {
		set, err := openSet(spec.Data)
		switch {
		case err != nil && given("data"):
			return err
		case err != nil:
			return fmt.Errorf("--model %s: its data: %w; --data takes another set, or random", flags.model, err)
		}
		if meta != nil { // inputs as in training
			own := *set
			own.Mean, own.Std, own.Channel = meta.Mean, meta.Std, nil
			for _, u := range meta.ByChannel {
				own.Channel = append(own.Channel, data.Unit(u))
			}
			set = &own
		}
		spec.Set = set
	}
	return spec.Validate()
}

// theoryModel takes network and weights from a model file.
func theoryModel(spec *experiment.Theory, path string) (model.Meta, error) {
	if path == "" {
		return model.Meta{}, errors.New("--model: want the model file of a training, such as runs/…/model.safetensors")
	}
	f, err := os.Open(path)
	if err != nil {
		return model.Meta{}, fmt.Errorf("--model: %w", err)
	}
	defer f.Close()
	m, err := model.Load(f)
	if err != nil {
		return model.Meta{}, fmt.Errorf("--model %s: %w", path, err)
	}
	if err := theoryFits(m.Meta, path); err != nil {
		return model.Meta{}, err
	}
	net, err := model.Network[float64](m)
	if err != nil {
		return model.Meta{}, fmt.Errorf("--model %s: %w", path, err)
	}
	spec.Model, spec.Weights = path, net.Theta()
	spec.Arch, spec.Act, spec.Place, spec.Bias, spec.Init = m.Arch.DimString(), m.Arch.Act.String(), m.Arch.Place.String(), m.Arch.Bias, "fanin"
	return m.Meta, nil
}

// theoryFits reports every way in which the network of a model file is another than those of the theory.
func theoryFits(m model.Meta, path string) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("--model %s: "+format, append([]any{path}, args...)...))
	}
	if m.Arch.Nodes != nil {
		fault("arch %s: want a network of fully connected layers", m.Arch.DimString())
	}
	if m.Arch.Residual {
		fault("residual true: want false, a plain chain of layers")
	}
	if m.Arch.Param != nn.Standard {
		fault("param %v: want %v", m.Arch.Param, nn.Standard)
	}
	if m.Loss != "" {
		fault("loss %s: want mse, squared error", m.Loss)
	}
	return errors.Join(faults...)
}

// theoryResult is the object that --json prints.
type theoryResult struct {
	experiment.TheoryResult
	Figures []string `json:"figures"`
	Run     string   `json:"run"`
}

func (a *app) theory(spec experiment.Theory) error {
	if !spec.Study.None() {
		images, err := openSet("mnist")
		if err != nil {
			return failure{err}
		}
		spec.Images = images
	}
	run, err := a.begin("theory", spec)
	if err != nil {
		return err
	}
	const share = 0.9 // of the time; figures take the rest
	bar := a.progress("theory", 1)
	result, err := spec.Run(a.ctx, run, experiment.Env{Workers: a.workers, Progress: func(p experiment.Progress) {
		bar.set(share*p.Done/p.Total, p.Note)
	}})
	if err != nil {
		bar.end()
		return ended(run, err)
	}
	bar.set(share, "figures")
	out := theoryResult{TheoryResult: result, Run: run.Dir()}
	out.Figures, err = report.Theory(run, a.workers)
	bar.end()
	if err != nil {
		return failure{err}
	}
	if err := a.publish(run, out.Claims, out); err != nil {
		return err
	}
	w := a.text()
	theoryTables(w, out.TheoryResult)
	for _, s := range out.Reading {
		for i, line := range fold(s, 120) {
			fmt.Fprintln(w, [...]string{"- ", "  "}[min(i, 1)]+line)
		}
	}
	printClaims(w, out.Claims)
	fmt.Fprintf(w, "%d figures (SVG, PDF, PNG; numbers as CSV): %s; tables: %s; claims: %s\n", figureCount(out.Figures),
		filepath.Join(run.Dir(), "figures"), filepath.Join(run.Dir(), "tables"), filepath.Join(run.Dir(), claimsFile))
	return nil
}

// theoryTables prints Eq. 8 for the network asked for, and the first trap.
func theoryTables(to io.Writer, r experiment.TheoryResult) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(to, "Eq. 8 for %s %s (%s), against PC's gradient ∂F*/∂θ; samples: %d\n", r.Act, r.Arch, r.Place, r.Samples)
	fmt.Fprintln(w, "layer\t‖PC‖\t‖TR‖\t‖BP‖\tcos TR\tcos BP\tcos sum\terror of the sum\tof TR\tof TR, local\tof TR^err\tof the local rule after the step\t")
	for _, t := range r.Terms {
		fmt.Fprintf(w, "%d", t.Layer)
		for _, v := range []*float64{t.NormPC, t.NormTR, t.NormBP, t.CosTR, t.CosBP, t.CosSum, t.RelSum, t.RelTR, t.RelLoc, t.RelErr, t.RelStep} {
			fmt.Fprintf(w, "\t%s", orDash("%.3g", v))
		}
		fmt.Fprintln(w, "\t")
	}
	// A failed write of results for people shows on their terminal.
	_ = w.Flush()
	fmt.Fprintln(to, "the same in the toy, w = (0.3, −0.7), x = 1.3, y = 0.9: an identity not even there")
	fmt.Fprintln(w, "weight\t∂F*/∂w\tTR\tBP\tTR + BP\terror of the sum\t")
	for _, t := range r.Toy {
		fmt.Fprintf(w, "%s\t%+.5f\t%+.5f\t%+.5f\t%+.5f\t%.3g\t\n", t.Weight, t.PC, t.TR, t.BP, t.Sum, t.Rel)
	}
	_ = w.Flush()
}

// orDash writes a number, or a dash where there is none.
func orDash(format string, v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf(format, *v)
}
