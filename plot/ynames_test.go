package plot

import (
	"bytes"
	"strings"
	"testing"
)

func TestYNamesStandInPlaceOfNumbers(t *testing.T) {
	f := &Figure{Panels: [][]Axes{{{YNames: []string{"first", "second", "beyond"}, YRange: Range{Min: -0.5, Max: 1.5}, Lines: []Line{{X: []float64{1, 2}, Y: []float64{0, 1}}}}}}}
	var b bytes.Buffer
	if err := f.Encode(&b, SVG); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	if !strings.Contains(svg, ">first<") || !strings.Contains(svg, ">second<") || strings.Contains(svg, "beyond") || strings.Contains(svg, ">0.5<") {
		t.Error("names are missing, or beyond the axis, or numbers are there")
	}
	if strings.Index(svg, ">first<") == strings.Index(svg, ">second<") {
		t.Error("names coincide")
	}
	f.Panels[0][0].LogY, f.Panels[0][0].YRange = true, Range{}
	if err := f.Encode(&b, SVG); err == nil || !strings.Contains(err.Error(), "YNames") {
		t.Errorf("names on a logarithmic axis: %v", err)
	}
}
