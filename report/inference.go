package report

import (
	"fmt"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// Inference draws how the energy gap of one batch falls with the passes spent, a row of panels for each network and state, a
// line for each method: the gap to the lowest energy known, and the residual ratio. It reads table inference and writes
// figures/inference.
func Inference(run *store.Run) ([]string, error) {
	t, err := run.Table("inference")
	if err != nil {
		return nil, err
	}
	if err := csvOf(run, "inference", t); err != nil {
		return nil, err
	}
	f := &plot.Figure{Title: "Energy gap and residual ratio against passes"}
	row := map[string]int{}
	for _, r := range t.Rows {
		var network, method string
		var passes, gap, residual float64
		if err := scan(t, r, map[string]any{"network": &network, "method": &method, "passes": &passes, "gap": &gap, "residual": &residual}); err != nil {
			return nil, fmt.Errorf("table inference: %w", err)
		}
		i, ok := row[network]
		if !ok {
			i = len(f.Panels)
			row[network] = i
			f.Panels = append(f.Panels, []plot.Axes{
				{Title: network, X: "passes", Y: "energy gap", LogX: true, LogY: true, YRange: plot.Range{Min: 1e-5, Max: 3}},
				{Title: network, X: "passes", Y: "residual ratio ρ", LogX: true, LogY: true, YRange: plot.Range{Min: 1e-4, Max: 30}}})
		}
		for k, y := range []float64{gap, residual} {
			lines := &f.Panels[i][k].Lines
			if n := len(*lines); n == 0 || (*lines)[n-1].Name != method {
				width := 1.0
				if method == "auto" {
					width = 2.2
				}
				*lines = append(*lines, plot.Line{Name: method, Width: width})
			}
			l := &(*lines)[len(*lines)-1]
			l.X, l.Y = append(l.X, passes), append(l.Y, y)
		}
	}
	if len(f.Panels) == 0 {
		return nil, fmt.Errorf("table inference: no rows")
	}
	return save(run, "inference", f)
}
