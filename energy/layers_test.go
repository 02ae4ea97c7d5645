package energy

import (
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// TestLayersAddUp: layer by layer, energies sum to F, and squared residuals are those of ∂F/∂z cut where its layers meet, in
// whichever coordinates the point was reached.
func TestLayersAddUp(t *testing.T) {
	eachProblem(t, func(t *testing.T, x *fixture) {
		L := len(x.arch.Dims) - 1
		for _, c := range x.both() {
			f, _ := eval(c, x.point)
			var got Layers
			x.state.Layers(&got)
			energies, total := 0.0, 0.0
			for _, v := range got.Energy {
				energies += v
			}
			for _, v := range f {
				total += v
			}
			if !check.Close(energies, total, roundTol) {
				t.Errorf("%s: layers have %v, F is %v", c.name, energies, total)
			}
			z := tensor.New[float64](x.rows, x.state.Dim())
			for l, clamped := range x.state.clamped {
				if !clamped {
					x.state.of(l, z).CopyFrom(x.state.Trace.Z[l])
				}
			}
			_, grad := eval(x.both()[0], z)
			for l := range L {
				sum := 0.0
				if !x.given(l + 1) {
					m := x.state.of(l+1, grad)
					for i := range m.Rows {
						for _, v := range m.Row(i) {
							sum += v * v
						}
					}
				}
				if !check.Close(got.Residual[l], sum, 1e-9) {
					t.Errorf("%s: layer %d: ‖∂F/∂z‖² = %v, want %v", c.name, l+1, got.Residual[l], sum)
				}
			}
		}
	})
}
