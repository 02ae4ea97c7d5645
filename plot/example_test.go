package plot_test

import (
	"fmt"
	"math"

	"github.com/settle-pc/settle/plot"
)

// Two curves side by side with a reference line; Save would take os.WriteFile or a run's WriteFile.
func Example() {
	var batch, loss, energy []float64
	for i := range 100 {
		batch = append(batch, float64(i))
		loss = append(loss, math.Exp(-float64(i)/20))
		energy = append(energy, math.Exp(-float64(i)/10))
	}
	f := &plot.Figure{Panels: [][]plot.Axes{{
		{Title: "Loss", X: "batch", Y: "ℒ", LogY: true, Lines: []plot.Line{{Name: "BP", X: batch, Y: loss}}},
		{Title: "Energy", X: "batch", Y: "F*", LogY: true, Lines: []plot.Line{{Name: "PC", X: batch, Y: energy}}, HLines: []plot.HLine{{Y: 0.01, Label: "target"}}},
	}}}
	names, err := f.Save(func(name string, data []byte) error { return nil }, "figures/curves", plot.SVG, plot.PNG)
	fmt.Println(names, err)
	// Output: [figures/curves.svg figures/curves.png] <nil>
}
