package measure

import (
	"math"
	"strings"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
)

// TestDiagnosisAddsUp: in every frame the layers' energies sum to F and their residuals to the one in activities; gradient
// descent by the recommended step never raises the energy and settles, by 1.2 times the limit it diverges.
func TestDiagnosisAddsUp(t *testing.T) {
	set := data.Synthetic(3, 200, 6, 6, 4)
	net, err := nn.Build[float64](nn.Arch{Dims: []int{36, 12, 10, 8, 4}, Act: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	nn.Initialize(net, nn.Init{Kind: nn.Xavier}, 1)
	b := data.Fill(data.NewBatch[float64](set, 16), set, set.Test, 0, 16)
	d, err := Diagnose(net, b, "cg", learn.Errors, 400)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Courses) != 5 || d.Courses[0].Method != "cg" || len(d.Stability) != 2 {
		t.Fatalf("%d courses, %d kinds of coordinates", len(d.Courses), len(d.Stability))
	}
	least := math.Inf(1)
	for _, c := range d.Courses {
		for k, f := range c.Frames {
			energies, squares := 0.0, 0.0
			for _, l := range f.Layers {
				energies += l.Energy
				squares += l.Residual * l.Residual
			}
			if !check.Close(energies, f.F, 1e-12) || !check.Close(math.Sqrt(squares), f.Activity, 1e-12) {
				t.Errorf("%s in %s, frame %d: energies %v, F %v; residuals %v, all %v", c.Method, c.Coordinates, k, energies, f.F, math.Sqrt(squares), f.Activity)
			}
			if c.Coordinates == "activities" && !check.Close(f.Activity, f.Residual, 1e-12) {
				t.Errorf("%s, frame %d: residual %v in activities, %v in the coordinates of inference", c.Method, k, f.Activity, f.Residual)
			}
			if c.Method == "euler" && k > 0 && f.F > c.Frames[k-1].F*(1+1e-12) {
				t.Errorf("euler in %s raises F at step %d", c.Coordinates, k)
			}
		}
		least = min(least, c.Frames[len(c.Frames)-1].F)
	}
	for _, c := range d.Courses {
		if end := c.Frames[len(c.Frames)-1].F; !check.Close(end, least, 1e-4) {
			t.Errorf("%s in %s ends at F = %v, the best at %v (%s)", c.Method, c.Coordinates, end, least, c.Statuses)
		}
	}
	straight, err := nn.Build[float64](nn.Arch{Dims: []int{36, 12, 10, 8, 4}}) // tanh would end in a cycle
	if err != nil {
		t.Fatal(err)
	}
	nn.Initialize(straight, nn.Init{Kind: nn.Xavier}, 1)
	if d, err = Diagnose(straight, b, "auto", learn.Errors, 40); err != nil {
		t.Fatal(err)
	}
	for i, coords := range []learn.Coordinates{learn.Errors, learn.Activities} {
		c, err := follow(straight, b, contender{method: "euler", coords: coords, tuning: learn.Tuning{DT: 1.2 * d.Stability[i].Limit}}, 4000)
		if err != nil || !strings.HasPrefix(c.Statuses, "16 diverged") {
			t.Errorf("%s: with 1.2 times the limit %v (%v)", d.Stability[i].Coordinates, c.Statuses, err)
		}
	}
}
