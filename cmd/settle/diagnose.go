package main

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/measure"
	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// diagnosisPasses is how long every method is followed.
const diagnosisPasses = 60

// diagnosis is what --diagnose adds to a training's result.
type diagnosis struct {
	Stability []measure.Stability `json:"stability"`
	Layers    []layerDiagnosis    `json:"layers"`
	Figures   []string            `json:"figures"`
}

// layerDiagnosis is a layer before and after inference by the training's method, with the recommended step where it takes one,
// to ρ ≤ 1e−4 or for diagnosisPasses.
type layerDiagnosis struct {
	Layer    int     `json:"layer"`
	Start    float64 `json:"energy_start"`
	Energy   float64 `json:"energy"`
	Share    float64 `json:"share"` // of the energy that inference has moved into hidden layers or left in the output
	Residual float64 `json:"activity_residual"`
}

// diagnose looks at the inference of the trained network on a batch of test images, stores its course and draws it.
func diagnose[T tensor.Float](t *train.Trainer[T], run *store.Run) (*diagnosis, error) {
	s, set := t.Spec(), t.Set()
	n := min(s.Batch, set.Test.N())
	b := data.Fill(data.NewBatch[T](set, n), set, set.Test, 0, n)
	solver, c := s.Solver, s.Coordinates()
	if s.Rule == "ipc" {
		solver, c = "euler", learn.Activities
	}
	d, err := measure.Diagnose(t.Network(), b, solver, c, diagnosisPasses)
	if err != nil {
		return nil, err
	}
	columns := []string{"method", "coordinates", "dt", "step", "passes", "layer", "energy", "residual", "activity_residual"}
	for _, c := range d.Courses {
		for k, f := range c.Frames {
			if err := run.Row("diagnosis", columns, []any{c.Method, c.Coordinates, c.DT, k, f.Passes, 0, f.F, f.Residual, f.Activity}); err != nil {
				return nil, err
			}
			for l, layer := range f.Layers {
				if err := run.Row("diagnosis", columns, []any{c.Method, c.Coordinates, c.DT, k, f.Passes, l + 1, layer.Energy, layer.Residual, layer.Residual}); err != nil {
					return nil, err
				}
			}
		}
	}
	out := &diagnosis{Stability: d.Stability}
	frames := d.Courses[0].Frames
	first, last := frames[0], frames[len(frames)-1]
	for l := range last.Layers {
		out.Layers = append(out.Layers, layerDiagnosis{Layer: l + 1, Start: first.Layers[l].Energy, Energy: last.Layers[l].Energy,
			Share: last.Layers[l].Energy / last.F, Residual: last.Layers[l].Residual})
	}
	out.Figures, err = report.Diagnosis(run)
	return out, err
}

// diagnosis prints it as two small tables.
func (a *app) diagnosis(d *diagnosis) error {
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "curvature at the feedforward point\tλ_max\tstable for dt below\ttry dt\t")
	for _, s := range d.Stability {
		fmt.Fprintf(w, "in %s\t%.3g … %.3g\t%.3g\t%.3g\t\n", s.Coordinates, s.LambdaLeast, s.LambdaMax, s.Limit, s.DT)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "layer\tenergy before\tafter inference (up to 60 passes)\tshare\tresidual in activities\t")
	shares := make([]float64, len(d.Layers))
	for i, l := range d.Layers {
		shares[i] = l.Share
		fmt.Fprintf(w, "%d\t%.3g\t%.3g\t%.2g %%\t%.2g\t\n", l.Layer, l.Start, l.Energy, 100*l.Share, l.Residual)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if least := slices.Min(shares); len(shares) > 2 && least < starvedShare {
		fmt.Fprintf(a.text(), "starved: layer %d holds %.2g %% of the energy; a small total can hide that it hardly learns\n", slices.Index(shares, least)+1, 100*least)
	}
	fmt.Fprintln(a.text(), "figures:", d.Figures)
	return nil
}

// starvedShare is the share of the energy below which a layer is called starved.
const starvedShare = 1e-3
