package report

import (
	"fmt"
	"path/filepath"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// Curve is the training error of a run over its batches: the mean of the last batches, where there are enough of them.
type Curve struct {
	Name       string // of the run's directory
	Batch, MSE []float64
}

// ReadCurve reads the metrics of the training in dir. The error is fs.ErrNotExist where it has none.
func ReadCurve(dir string) (Curve, error) {
	c := Curve{Name: filepath.Base(dir)}
	run, err := store.Open(dir)
	if err != nil {
		return c, err
	}
	t, err := run.Table("metrics")
	if err != nil {
		return c, err
	}
	var columns [2][]float64
	for i, name := range []string{"batch", "running_mse"} {
		if columns[i], err = t.Floats(name); err != nil {
			return c, fmt.Errorf("table metrics: %w", err)
		}
	}
	for i, v := range columns[1] {
		if v > 0 { // not NaN: there are enough batches
			c.Batch, c.MSE = append(c.Batch, columns[0][i]), append(c.MSE, v)
		}
	}
	return c, nil
}

// Curves draws training errors against batches, writes figures/curves, and returns the paths of the pictures: none
// without a curve.
func Curves(run *store.Run, curves []Curve) ([]string, error) {
	a := plot.Axes{X: "batches", Y: "MSE, mean of 50 batches", LogY: true}
	for _, c := range curves {
		if len(c.Batch) > 0 {
			a.Lines = append(a.Lines, plot.Line{Name: c.Name, X: c.Batch, Y: c.MSE})
		}
	}
	if len(a.Lines) == 0 {
		return []string{}, nil
	}
	return save(run, "curves", &plot.Figure{Title: "Training error", Panels: [][]plot.Axes{{a}}})
}
