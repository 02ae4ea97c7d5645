package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// ofCauses are the flags of generate that are about causes and halves of images, which a model of both directions has none of.
var ofCauses = []string{"hide", "count", "prior", "precision", "start", "invert"}

// drawClasses draws an image for every class: what the second network of m predicts from its label.
func (a *app) drawClasses(cmd *cobra.Command, m *model.File, up *nn.Network[float64], set *data.Set, inputs []string) error {
	var faults []error
	for _, name := range ofCauses {
		if f := cmd.Flags().Lookup(name); f.Changed {
			faults = append(faults, fmt.Errorf("--%s %s: want none with a model of --rule pc-bidirectional, which draws one image for every class", name, f.Value))
		}
	}
	if len(inputs) > 0 {
		faults = append(faults, fmt.Errorf("generate %s: want no inputs with a model of --rule pc-bidirectional, which completes none", inputs[0]))
	}
	if set.Classes != up.Outputs() {
		faults = append(faults, fmt.Errorf("--data %s: %d classes: want the model's %d", set.Name, set.Classes, up.Outputs()))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	down, err := model.Second[float64](m)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	run, err := a.run("generate")
	if err != nil {
		return err
	}
	defer run.Close()
	labels := tensor.New[float64](set.Classes, set.Classes)
	for c := range set.Classes {
		labels.Row(c)[c] = 1
	}
	images := feedforward(down, labels)
	p, means := painter{m: m, net: down, run: run}, classMeans(set, m)
	if err := p.keep("drawn", images); err != nil {
		return failure{err}
	}
	if err := p.keep("class mean", means); err != nil {
		return failure{err}
	}
	recognised, off := 0, 0.0
	for c, y := 0, feedforward(up, images); c < set.Classes; c++ {
		if train.Argmax(y.Row(c)) == c {
			recognised++
		}
		for k, v := range images.Row(c) {
			off += math.Pow(p.intensity(v)-p.intensity(means.Row(c)[k]), 2) / float64(len(images.Data))
		}
	}
	out := generated{Drawn: set.Classes, Recognised: &recognised, ClassMSE: &off, Run: run.Dir()}
	if out.Figures, err = report.Generation(run, m.Rows, m.Cols); err != nil {
		return failure{err}
	}
	fmt.Fprintf(a.text(), "%d images drawn, one of every class: %d are recognised, off the class means by an MSE of %.4f\nfigures: %s\n",
		out.Drawn, recognised, off, strings.Join(out.Figures, ", "))
	return a.deliver(run, "generate.json", out)
}

// feedforward returns what a network predicts of x.
func feedforward(net *nn.Network[float64], x tensor.Matrix[float64]) tensor.Matrix[float64] {
	t := nn.NewTrace(net, x.Rows)
	t.Z[0] = x
	t.Feedforward()
	return t.Z[net.L()]
}

// classMeans returns the mean training image of every class, normalised as the model's inputs are; of a class without images, the mean
// intensity.
func classMeans(set *data.Set, m *model.File) tensor.Matrix[float64] {
	means, count := tensor.New[float64](set.Classes, set.Inputs), make([]float64, set.Classes)
	for i, c := range set.Train.Labels {
		count[c]++
		for k, v := range set.Train.Image(i) {
			means.Row(int(c))[k] += m.Normal(k, float64(v)/255)
		}
	}
	for c, n := range count {
		if n > 0 {
			tensor.Scale(means.Row(c), 1/n)
		}
	}
	return means
}
