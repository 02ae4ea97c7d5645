package report

import (
	"fmt"
	"strings"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// Settling draws learning curves by how inference was ended: energy gaps on the left, fixed numbers of steps on the right, a row for
// each activation, of each setting the first seed that has a curve. It reads table settling and writes figures/settling.
func Settling(run *store.Run) ([]string, error) {
	t, err := run.Table("settling")
	if err != nil {
		return nil, err
	}
	if err := csvOf(run, "settling", t); err != nil {
		return nil, err
	}
	f := &plot.Figure{Title: "Learning with loose and with tight inference"}
	row := map[string]int{}
	first := map[[2]string]any{} // the seed that is drawn, by activation and setting
	for _, r := range t.Rows {
		var act, setting string
		var lr, batch, mse float64
		var seed any // all digits of it
		if err := scan(t, r, map[string]any{"act": &act, "lr": &lr, "setting": &setting, "seed": &seed, "batch": &batch, "mse": &mse}); err != nil {
			return nil, fmt.Errorf("table settling: %w", err)
		}
		if drawn, ok := first[[2]string{act, setting}]; !ok {
			first[[2]string{act, setting}] = seed
		} else if drawn != seed {
			continue
		}
		i, ok := row[act]
		if !ok {
			i = len(f.Panels)
			row[act] = i
			axes := plot.Axes{Title: fmt.Sprintf("%s, lr %g, ended by energy gap", act, lr), X: "batches", Y: "MSE, mean of 50 batches", LogY: true}
			steps := axes
			steps.Title = fmt.Sprintf("%s, lr %g, fixed steps", act, lr)
			f.Panels = append(f.Panels, []plot.Axes{axes, steps})
		}
		k := 0
		if strings.HasSuffix(setting, "steps") {
			k = 1
		}
		lines := &f.Panels[i][k].Lines
		if n := len(*lines); n == 0 || (*lines)[n-1].Name != setting {
			*lines = append(*lines, plot.Line{Name: setting})
		}
		l := &(*lines)[len(*lines)-1]
		l.X, l.Y = append(l.X, batch), append(l.Y, mse)
	}
	if len(f.Panels) == 0 {
		return nil, fmt.Errorf("table settling: no rows")
	}
	return save(run, "settling", f)
}
