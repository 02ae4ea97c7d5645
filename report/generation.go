package report

import (
	"fmt"
	"slices"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// Generation draws the images of table images, rows×cols pixels each, in one row for each of their kinds, in the order in which these
// come, white on black. It writes figures/generation.
func Generation(run *store.Run, rows, cols int) ([]string, error) {
	t, err := run.Table("images")
	if err != nil {
		return nil, err
	}
	var kinds []string
	images := map[string][][]float64{}
	for _, row := range t.Rows {
		var kind string
		var cells any
		if err := scan(t, row, map[string]any{"kind": &kind, "pixels": &cells}); err != nil {
			return nil, fmt.Errorf("table images: %w", err)
		}
		list, _ := cells.([]any)
		pixels := make([]float64, len(list))
		for i, v := range list {
			var ok bool
			if pixels[i], ok = v.(float64); !ok {
				return nil, fmt.Errorf("table images: pixel %d is %v: want a number", i, v)
			}
		}
		if len(pixels) != rows*cols {
			return nil, fmt.Errorf("table images: %d pixels: want %d×%d", len(pixels), rows, cols)
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		images[kind] = append(images[kind], pixels)
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("table images: no rows")
	}
	slices.Reverse(kinds) // the first on top, at the highest y
	most := 0
	for _, k := range kinds {
		most = max(most, len(images[k]))
	}
	g := plot.Grid{}
	for x := range most * cols {
		g.X = append(g.X, (float64(x)+0.5)/float64(cols)-0.5)
	}
	for y := range len(kinds) * rows {
		g.Y = append(g.Y, (float64(y)+0.5)/float64(rows)-0.5)
		list := images[kinds[y/rows]]
		for x := range most * cols {
			v := 0.0
			if i := x / cols; i < len(list) {
				v = list[i][(rows-1-y%rows)*cols+x%cols]
			}
			g.Z = append(g.Z, v)
		}
	}
	scale := &plot.ColorScale{Label: "intensity", Palette: plot.Palette{Colors: []plot.Color{0x000000FF, 0xFFFFFFFF}}, Range: plot.Range{Min: 0, Max: 1}}
	axes := plot.Axes{Title: "Images of a generative network", X: "image", YNames: kinds,
		Marks: []plot.Mark{&plot.HeatMap{Name: "pixels", Grid: g, Scale: scale, Cells: true}}}
	return save(run, "generation", &plot.Figure{Panels: [][]plot.Axes{{axes}}})
}
