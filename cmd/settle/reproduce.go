package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/experiment"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/tensor"
)

func (a *app) reproduceCommand() *cobra.Command {
	quick, full := false, false
	cmd := &cobra.Command{
		Use:   "reproduce [" + strings.Join(experiment.Experiments(), " ") + "]",
		Short: "Every figure and claim of the post, judged, in one report",
		Long: fmt.Sprintf(`Reproduces the figures of "Predictive Coding as a 2nd-Order Method" on this machine, judges each of its claims by a
stated criterion, and writes report.html (self-contained), figures (SVG, PDF, PNG), tables (CSV) and claims.json.

How much is done depends on the time: --quick takes up to %s on two cores with AVX2, no flag up to %s, --full up to
%s. On slower machines the plan shrinks to the time, and says so. Names pick parts of it.
Interrupted or killed, the same command with --out DIRECTORY goes on where it was.`, minutes(experiment.Quick), minutes(experiment.Standard), minutes(experiment.Full)),
		Example: `  settle reproduce
  settle reproduce --quick
  settle reproduce fig4 generality --full --out runs/fig4`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, names []string) error {
			level := experiment.Standard
			switch {
			case quick && full:
				return errors.New("--quick --full: want one of them, or none")
			case quick:
				level = experiment.Quick
			case full:
				level = experiment.Full
			}
			request, err := experiment.NewRequest(level, names, a.seed)
			if err != nil {
				return err
			}
			return a.reproduce(request)
		},
	}
	cmd.Flags().BoolVar(&quick, "quick", false, "one seed, short trainings, one width: may leave claims undecided")
	cmd.Flags().BoolVar(&full, "full", false, "all seeds, grids, widths and settings")
	return cmd
}

func minutes(level string) string {
	d := experiment.Limit(level)
	if d < 2*time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}

// reproduceResult is the object that --json prints.
type reproduceResult struct {
	Claims  []experiment.Claim `json:"claims"`
	Figures []string           `json:"figures"`
	Report  string             `json:"report"`
	Seconds float64            `json:"seconds"`
	Notes   []string           `json:"notes"`
	Run     string             `json:"run"`
}

// reproduction is a reproduction on its way.
type reproduction struct {
	*app
	plan    experiment.Reproduction
	run     *store.Run
	bar     *progress
	started time.Time
	sets    experiment.Sets
	done    float64 // of the whole, in shares of 1
	figures []string
	earlier string // the session that this one goes on from
	claims  []experiment.Claim
	ratios  []experiment.Ratio
	scaling *experiment.ScalingResult
}

func (a *app) reproduce(request experiment.Request) error {
	r := &reproduction{app: a, started: time.Now(), sets: experiment.TaskSets(openSet)}
	if err := r.open(request); err != nil {
		return err
	}
	for _, n := range r.plan.Notes {
		fmt.Fprintln(a.note(), "plan:", n)
	}
	r.bar = a.progress("reproduce", 1)
	err := r.all()
	r.bar.end()
	if errors.Is(err, context.Canceled) {
		return interrupted("the same command with --out " + r.run.Dir() + " goes on from what is done")
	}
	if err != nil {
		return failure{fmt.Errorf("%w; what was finished so far is in %s, and the same command with --out %s goes on from there", err, r.run.Dir(), r.run.Dir())}
	}
	out, err := r.publish()
	if err != nil {
		return failure{err}
	}
	if err := a.printJSON(out); err != nil {
		return failure{err}
	}
	w := a.text()
	counts := map[experiment.Verdict]int{}
	for _, c := range out.Claims {
		counts[c.Verdict]++
	}
	fmt.Fprintf(w, "%d claims: %d hold, %d conditional, %d fail, %d undecided\n", len(out.Claims), counts[experiment.Holds], counts[experiment.Conditional], counts[experiment.Fails], counts[experiment.Undecided])
	fmt.Fprintf(w, "%.0f s; report: %s (%d figures, tables and claims.json beside it)\n", out.Seconds, out.Report, figureCount(out.Figures))
	return nil
}

// open makes the run directory and plans, or takes up the run of --out.
func (r *reproduction) open(request experiment.Request) error {
	if r.dir != "" {
		spec, err := os.ReadFile(filepath.Join(r.dir, specFile))
		if err == nil {
			return r.resume(request, spec)
		}
	}
	speed, err := experiment.MeasureSpeed(r.ctx, r.sets, r.workers, time.Now)
	if errors.Is(err, context.Canceled) {
		return interrupted("nothing was begun yet")
	}
	if err != nil {
		return failure{err}
	}
	run, err := r.app.run("reproduce")
	if err != nil {
		return err
	}
	r.run = run
	have := func(name string) bool { _, err := r.sets(name); return err == nil }
	r.plan = experiment.NewPlan(request, speed, r.workers, have)
	fmt.Fprintf(r.note(), "reproduce: %s; %d workers, %s kernels, %.1f GFLOP/s a core in training; results in %s\n",
		strings.Join(request.Names, " "), r.workers, tensor.Level(), 2*float64(speed)/1000, run.Dir())
	if err := writeJSON(run, specFile, reproduceSpec{r.plan, tensor.Level()}); err != nil {
		return failure{err}
	}
	return nil
}

// reproduceSpec is what a run directory keeps of its plan: results are a function of it.
type reproduceSpec struct {
	experiment.Reproduction
	Level string `json:"kernels"`
}

// resume goes on in the directory of --out, if it holds the same request, with the plan that was made for it.
func (r *reproduction) resume(request experiment.Request, stored []byte) error {
	var spec reproduceSpec
	if err := json.Unmarshal(stored, &spec); err != nil || spec.Kind != request.Kind {
		return fmt.Errorf("--out %s: holds a run of another command: want a new directory", r.dir)
	}
	if spec.Request.Level != request.Level || spec.Seed != request.Seed || !slices.Equal(spec.Names, request.Names) {
		return fmt.Errorf("--out %s: holds another reproduction (%s): want the same words and flags, to go on with it, or a new directory", r.dir, words(spec.Request))
	}
	run, err := r.goOn()
	if err != nil {
		return err
	}
	r.run, r.plan, r.earlier = run, spec.Reproduction, begunOn(run)
	if spec.Level != tensor.Level() {
		fmt.Fprintf(r.note(), "note: what is there was computed with %s kernels, this continues with %s: bits will differ\n", spec.Level, tensor.Level())
	}
	fmt.Fprintf(r.note(), "reproduce: going on in %s\n", r.dir)
	return nil
}

// words are the arguments that ask for a request.
func words(q experiment.Request) string {
	var out []string
	if len(q.Names) < len(experiment.Experiments()) {
		out = append(out, q.Names...)
	}
	if q.Level != experiment.Standard {
		out = append(out, "--"+q.Level)
	}
	if q.Seed != 0 {
		out = append(out, fmt.Sprintf("--seed %d", q.Seed))
	}
	return strings.TrimSpace("settle reproduce " + strings.Join(out, " "))
}

// part is one experiment: what runs it, and what draws its figures.
type part struct {
	name string
	run  func(sink experiment.Sink, env experiment.Env) ([]experiment.Claim, error)
	draw func() ([]string, error)
}

// parts lists those of the plan.
func (r *reproduction) parts() []part {
	var out []part
	p := r.plan
	if p.Toy != nil {
		out = append(out, part{"toy", func(s experiment.Sink, env experiment.Env) ([]experiment.Claim, error) {
			x, err := p.Toy.Run(r.ctx, s, env)
			return x.Claims, err
		}, func() ([]string, error) { return report.Toy(r.run, report.ToyLooks["post"], r.workers) }})
	}
	if t := p.Theory; t != nil {
		out = append(out, part{"theory", func(s experiment.Sink, env experiment.Env) ([]experiment.Claim, error) {
			if !t.Study.None() {
				images, err := r.sets("mnist")
				if err != nil {
					return nil, err
				}
				t.Images = images
			}
			x, err := t.Run(r.ctx, s, env)
			return x.Claims, err
		}, func() ([]string, error) { return report.Theory(r.run, r.workers) }})
	}
	if p.Depth != nil {
		out = append(out, part{"fig4", func(s experiment.Sink, env experiment.Env) ([]experiment.Claim, error) {
			x, err := p.Depth.Run(r.ctx, r.sets, s, env)
			r.ratios = append(r.ratios, x.Ratios...)
			return x.Claims, err
		}, func() ([]string, error) { return report.Depth(r.run, r.workers) }})
	}
	if p.Scaling != nil {
		out = append(out, part{"cost", func(s experiment.Sink, env experiment.Env) ([]experiment.Claim, error) {
			x, err := p.Scaling.Run(r.ctx, r.sets, s, env)
			r.scaling = &x
			return nil, err
		}, func() ([]string, error) { return report.Cost(r.run, r.workers) }})
	}
	if p.Generality != nil {
		out = append(out, part{"generality", func(s experiment.Sink, env experiment.Env) ([]experiment.Claim, error) {
			x, err := p.Generality.Run(r.ctx, r.sets, s, env)
			r.ratios = append(r.ratios, x.Ratios...)
			return x.Claims, err
		}, func() ([]string, error) { return report.Generality(r.run, r.workers) }})
	}
	return out
}

// weight is a part's likely time, the same for all parts of a plan that has none.
func (r *reproduction) weight(p part) float64 {
	if r.plan.Seconds == nil {
		return 1
	}
	return max(r.plan.Seconds[p.name], 1e-3)
}

// all runs the parts, each with its figures and verdicts shown as soon as they are there.
func (r *reproduction) all() error {
	parts := r.parts()
	total := 0.0
	for _, p := range parts {
		total += r.weight(p)
	}
	for _, p := range parts {
		share, began := r.weight(p)/total, time.Now()
		draft := r.run.Draft(p.name)
		claims, err := p.run(&watchful{Draft: draft, run: r.run, say: r.bar.line}, experiment.Env{Workers: r.workers, Now: time.Now, Progress: func(x experiment.Progress) {
			if x.Note != "" && p.name != "toy" {
				r.bar.line(p.name + ": " + x.Note)
			}
			r.bar.set(r.done+0.95*share*x.Done/max(x.Total, 1e-9), p.name)
		}})
		if err == nil {
			err = draft.Commit()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.bar.set(r.done+0.95*share, p.name+": figures")
		figures, err := p.draw()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.done += share
		r.figures = append(r.figures, figures...)
		r.judge(claims...)
		r.bar.line(fmt.Sprintf("%s: %.0f s; %s left of %s", p.name, time.Since(began).Seconds(), (experiment.Limit(r.plan.Request.Level) - time.Since(r.started)).Round(time.Second), minutes(r.plan.Request.Level)))
	}
	if r.scaling != nil {
		r.judge(experiment.Claim9(*r.scaling, r.ratios))
	}
	return context.Cause(r.ctx)
}

// judge keeps claims and shows their verdicts.
func (r *reproduction) judge(claims ...experiment.Claim) {
	r.claims = append(r.claims, claims...)
	for _, c := range claims {
		r.bar.line(fmt.Sprintf("%-4s %-11s %s", c.ID, c.Verdict, c.Statement))
	}
}

// publish writes claims, report and result.
func (r *reproduction) publish() (reproduceResult, error) {
	out := reproduceResult{Claims: experiment.AllClaims(r.claims), Figures: r.figures, Notes: r.plan.Notes, Run: r.run.Dir(), Report: filepath.Join(r.run.Dir(), report.PageFile)}
	if out.Figures == nil {
		out.Figures = []string{}
	}
	if err := writeJSON(r.run, claimsFile, out.Claims); err != nil {
		return out, err
	}
	out.Seconds = time.Since(r.started).Seconds()
	on := r.environment("reproduce")
	me := report.About{Command: words(r.plan.Request), Level: r.plan.Request.Level, Names: r.plan.Names, Seed: r.plan.Seed, Notes: r.plan.Notes,
		Version: on.Version, Go: on.Go, System: on.System, Processor: on.Processor, Cores: on.Cores,
		Workers: on.Workers, Kernels: on.Kernels, Seconds: out.Seconds, Earlier: r.earlier, Date: r.started.UTC().Truncate(time.Second)}
	if err := writeJSON(r.run, report.AboutFile, me); err != nil {
		return out, err
	}
	if err := report.Page(r.run); err != nil {
		return out, err
	}
	return out, writeJSON(r.run, resultFile, out)
}
