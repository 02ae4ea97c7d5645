package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// generation is a request: what to draw and what to complete.
type generation struct {
	model, data, hide string
	precision, start  string
	count             int
	prior             float64
	invert            bool
}

// The parts of an image that can be hidden.
var hidden = []string{"lower", "upper", "left", "right"}

func (a *app) generateCommand() *cobra.Command {
	g := generation{count: 10, hide: hidden[0], prior: 1}
	cmd := &cobra.Command{
		Use:   "generate --model FILE [INPUT…]",
		Short: "Draw images from a generative model, and complete half images or draw one of every class",
		Long: `Draws images from a model that settle train --rule pc-generative has trained, and completes images of which it sees one
half: the visible pixels are held, all activities and the other pixels settle. New images are what the network predicts from
causes drawn from the normal distribution of those that it infers for 1000 training images. The images to complete are the
inputs (as for settle predict), or the first test images of the set that the model was trained on. A model that was trained with
--amortise starts all inference from its second network's guess, of an image with the hidden pixels at the mean.

Of a model that settle train --rule pc-bidirectional has trained it draws one image for every class: what the network from labels to
images predicts, over the mean of the class's training images, with how many of them the other network recognises.`,
		Example: `  settle train --rule pc-generative --arch 20-128-784 --act tanh --bias --epochs 2 --out digits
  settle generate --model digits/model.safetensors --count 12 --hide left
  settle train --rule pc-bidirectional --act tanh --bias --epochs 1 --out both
  settle generate --model both/model.safetensors`,
		Args: operands(0, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error { return a.generate(cmd, g, args) },
	}
	f := cmd.Flags()
	f.StringVar(&g.model, "model", "", "model `file` of --rule pc-generative or pc-bidirectional")
	f.StringVar(&g.data, "data", "", "mnist, fashion, "+setHelp+" (default the model's)")
	f.StringVar(&g.hide, "hide", g.hide, "half of the images to hide: "+strings.Join(hidden, "|"))
	f.IntVar(&g.count, "count", g.count, "`number` of images to draw, and to complete")
	f.Float64Var(&g.prior, "prior", g.prior, "`λ` of the causes' prior (λ/2)‖z‖², as in training")
	f.StringVar(&g.precision, "precision", "", "precisions `π` of the layers' errors, as in training")
	f.StringVar(&g.start, "start", "", "where inference starts: "+strings.Join(starts, "|")+" (default guess, if the model has an amortiser)")
	f.BoolVar(&g.invert, "invert", false, "the inputs are black on white")
	return cmd
}

// Where inference can start: from an amortiser's guess, or from causes of 0.
var starts = []string{"guess", "zero"}

// causesOf is the number of training images whose causes are inferred.
const causesOf = 1000

// generated is what generate says.
type generated struct {
	Drawn     int            `json:"drawn"`
	Completed int            `json:"completed"`
	HiddenMSE *float64       `json:"hidden_mse"` // mean over hidden pixels of (true − completed)², in intensities from 0 to 1
	Blank     *float64       `json:"mean_mse"`   // the same where the training set's mean intensity stands in for them
	Statuses  map[string]int `json:"statuses"`   // of the images completed
	Start     *string        `json:"start"`
	Passes    *float64       `json:"passes"` // of completing an image
	// Of images drawn from labels: how many are of their class to the other network, and how far they are from the mean of its training
	// images, in intensities.
	Recognised *int     `json:"recognised,omitempty"`
	ClassMSE   *float64 `json:"class_mse,omitempty"`
	Figures    []string `json:"figures"`
	Run        string   `json:"run"`
}

func (a *app) generate(cmd *cobra.Command, g generation, inputs []string) error {
	m, net, err := g.open()
	if err != nil {
		return err
	}
	set, err := openSet(g.data)
	if err != nil {
		return err
	}
	if set.Size != (data.Size{Rows: m.Rows, Cols: m.Cols, Channels: m.Channels}) {
		return fmt.Errorf("--data %s: images of %d×%d in %d channels: want the model's %d×%d in one", g.data, set.Rows, set.Cols, set.Channels, m.Rows, m.Cols)
	}
	if m.Second == model.Down {
		return a.drawClasses(cmd, m, net, set, inputs)
	}
	given, err := g.images(m, set, inputs)
	if err != nil {
		return err
	}
	guess, err := g.amortiser(m)
	if err != nil {
		return err
	}
	pi, err := train.ParsePrecision(g.precision, net.L())
	if err != nil {
		return fmt.Errorf("--precision %w", err)
	}
	run, err := a.run("generate")
	if err != nil {
		return err
	}
	defer run.Close()
	p := painter{m: m, net: net, guess: guess, run: run, problem: &energy.PC[float64]{Net: net, Precision: pi, Decay: make([]float64, net.L()+1)}}
	p.problem.Decay[0] = g.prior
	out := generated{Drawn: g.count, Completed: given.Rows, Start: &g.start, Run: run.Dir()}
	if err := p.draw(g.count, a.seed, set); err != nil {
		return failure{err}
	}
	if a.ctx.Err() != nil {
		return interrupted("nothing of use is kept in " + run.Dir())
	}
	if err := p.complete(given, g.hide, &out); err != nil {
		return failure{err}
	}
	if out.Figures, err = report.Generation(run, m.Rows, m.Cols); err != nil {
		return failure{err}
	}
	fmt.Fprintf(a.text(), "%d images drawn, %d completed: hidden pixels off by an MSE of %s (the mean intensity by %s), in %.0f passes from %s\nfigures: %s\n",
		out.Drawn, out.Completed, show("%.4f", out.HiddenMSE), show("%.4f", out.Blank), *out.Passes, map[string]string{"guess": "a guess", "zero": "zero"}[g.start], strings.Join(out.Figures, ", "))
	return a.deliver(run, "generate.json", out)
}

// open reads the model and settles which set goes with it.
func (g *generation) open() (*model.File, *nn.Network[float64], error) {
	switch {
	case g.model == "":
		return nil, nil, errors.New("--model: want the model file of a training by --rule pc-generative or pc-bidirectional, such as runs/…/model.safetensors")
	case !slices.Contains(hidden, g.hide):
		return nil, nil, fmt.Errorf("--hide %q: want one of %s", g.hide, strings.Join(hidden, ", "))
	case g.count < 1 || g.count > 100:
		return nil, nil, fmt.Errorf("--count %d: want a number from 1 to 100", g.count)
	case !(g.prior > 0) || math.IsInf(g.prior, 1):
		return nil, nil, fmt.Errorf("--prior %v: want a number above 0", g.prior)
	}
	f, err := os.Open(g.model)
	if err != nil {
		return nil, nil, fmt.Errorf("--model: %w", err)
	}
	defer f.Close()
	m, err := model.Load(f)
	if err == nil && !m.Generates && (m.Second != model.Down || m.Target != "") {
		err = errors.New("it predicts " + cmp.Or(m.Target, "labels") + ": want a model trained by --rule pc-generative, or on labels by pc-bidirectional")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--model %s: %w", g.model, err)
	}
	if m.Channels != 1 {
		return nil, nil, fmt.Errorf("--model %s: images of %d channels: want a model of grey images, which is what the figures show", g.model, m.Channels)
	}
	net, err := model.Network[float64](m)
	if err != nil {
		return nil, nil, fmt.Errorf("--model %s: %w", g.model, err)
	}
	if g.data == "" {
		g.data = m.Data
	}
	return m, net, nil
}

// amortiser returns the model's second network, which guesses where inference ends, or nil if that is to start from zero.
func (g *generation) amortiser(m *model.File) (*nn.Network[float64], error) {
	has := m.Second == model.Amortiser
	if g.start == "" {
		g.start = starts[1]
		if has {
			g.start = starts[0]
		}
	}
	switch {
	case !slices.Contains(starts, g.start):
		return nil, fmt.Errorf("--start %q: want one of %s", g.start, strings.Join(starts, ", "))
	case g.start == starts[1]:
		return nil, nil
	case !has:
		return nil, fmt.Errorf("--start %s: want zero: the model has no amortiser; settle train --amortise makes one", g.start)
	}
	up, err := model.Second[float64](m)
	if err != nil {
		return nil, fmt.Errorf("--model %s: %w", g.model, err)
	}
	return up, nil
}

// images returns those to complete, normalised: the inputs', or the first of the test split.
func (g *generation) images(m *model.File, set *data.Set, inputs []string) (tensor.Matrix[float64], error) {
	var all [][]float64
	for _, name := range inputs {
		pixels, err := readImages("generate", name, m.Meta)
		if err != nil {
			return tensor.Matrix[float64]{}, err
		}
		all = append(all, pixels...)
	}
	if len(all) > 100 {
		return tensor.Matrix[float64]{}, fmt.Errorf("%d images in the inputs: want at most 100", len(all))
	}
	if len(inputs) == 0 {
		for i := range min(g.count, set.Test.N()) {
			row := make([]float64, set.Inputs)
			for k, v := range set.Test.Image(i) {
				row[k] = float64(v) / 255
			}
			all = append(all, row)
		}
	}
	y := tensor.New[float64](len(all), m.Rows*m.Cols)
	for i, image := range all {
		for k, v := range image {
			if g.invert && len(inputs) > 0 {
				v = 1 - v
			}
			y.Row(i)[k] = m.Normal(k, v)
		}
	}
	return y, nil
}

// painter draws and completes with one model and keeps the images in table images of its run.
type painter struct {
	m       *model.File
	net     *nn.Network[float64]
	guess   *nn.Network[float64] // where inference starts; nil: from zero
	problem *energy.PC[float64]
	run     *store.Run
}

// recall infers from images.
func (p painter) recall() learn.Recall[float64] {
	return learn.Recall[float64]{Problem: p.problem, Up: p.guess}
}

// settling is how well inference must settle: pixels have 256 shades.
func settling() infer.Settings { return infer.Settings{Tol: 1e-3, MaxPasses: 2000} }

// draw keeps count images that the network predicts from causes like those of the set's training images.
func (p painter) draw(count int, seed uint64, set *data.Set) error {
	n := min(causesOf, set.Train.N())
	b := data.Fill(data.NewBatch[float64](set, n), set, set.Train, 0, n)
	z, _, err := p.recall().Causes(b.X, &infer.Auto[float64]{}, settling())
	if err != nil {
		return err
	}
	t := nn.NewTrace(p.net, count)
	t.Z[0] = normalLike(z, count, rand.New(rand.NewPCG(seed, 0x67656e)))
	t.Feedforward()
	return p.keep("drawn", t.Z[p.net.L()])
}

// normalLike draws rows from the normal distribution with the mean and covariance of those of z.
func normalLike(z tensor.Matrix[float64], rows int, rng *rand.Rand) tensor.Matrix[float64] {
	out, mean := tensor.New[float64](rows, z.Cols), make([]float64, z.Cols)
	tensor.AddSumRows(mean, z)
	tensor.Scale(mean, 1/float64(z.Rows))
	for i := range rows {
		// A sum of the deviations of all rows with normal weights of variance 1/B has their covariance.
		copy(out.Row(i), mean)
		for k := range z.Rows {
			weight := rng.NormFloat64() / math.Sqrt(float64(z.Rows))
			tensor.Axpy(out.Row(i), weight, z.Row(k))
			tensor.Axpy(out.Row(i), -weight, mean)
		}
	}
	return out
}

// complete hides half of each image of y and keeps the image, what is seen of it, and what the network makes of that.
func (p painter) complete(y tensor.Matrix[float64], hide string, out *generated) error {
	if err := p.keep("given", y); err != nil {
		return err
	}
	known := make([]bool, y.Cols)
	for k := range known {
		row, col := k/p.m.Cols, k%p.m.Cols
		known[k] = map[string]bool{"lower": 2*row < p.m.Rows, "upper": 2*row >= p.m.Rows, "left": 2*col >= p.m.Cols, "right": 2*col < p.m.Cols}[hide]
	}
	seen, done := tensor.New[float64](y.Rows, y.Cols), tensor.New[float64](y.Rows, y.Cols)
	for i := range y.Rows {
		for k, v := range y.Row(i) {
			if !known[k] {
				v = 0 // the mean intensity
			}
			seen.Row(i)[k] = v
		}
	}
	if err := p.keep("seen", seen); err != nil {
		return err
	}
	done.CopyFrom(seen)
	r, err := p.recall().Complete(done, known, &infer.Auto[float64]{}, settling())
	if err != nil {
		return err
	}
	out.Passes, out.Statuses = &r.Passes, map[string]int{}
	for _, st := range infer.Statuses() {
		out.Statuses[st.String()] = r.Count[st]
	}
	var off, blank, n float64
	for i := range y.Rows {
		for k, v := range y.Row(i) {
			if !known[k] {
				off += math.Pow(p.intensity(v)-p.intensity(done.Row(i)[k]), 2)
				blank += math.Pow(p.intensity(v)-p.m.Mean, 2)
				n++
			}
		}
	}
	off, blank = off/n, blank/n
	out.HiddenMSE, out.Blank = &off, &blank
	return p.keep("completed", done)
}

// intensity turns a normalised pixel into one from 0 to 1.
func (p painter) intensity(v float64) float64 { return max(0, min(1, p.m.Intensity(0, v))) } // of grey

// keep stores images, pixels from 0 to 1.
func (p painter) keep(kind string, y tensor.Matrix[float64]) error {
	for i := range y.Rows {
		pixels := make([]float64, y.Cols)
		for k, v := range y.Row(i) {
			pixels[k] = p.intensity(v)
		}
		if err := p.run.Row("images", []string{"kind", "index", "pixels"}, []any{kind, i, pixels}); err != nil {
			return err
		}
	}
	return nil
}
