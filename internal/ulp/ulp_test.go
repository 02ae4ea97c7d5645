package ulp

import (
	"math"
	"testing"
)

func TestError(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		got        float32
		want, ulps float64
	}{
		{1, 1, 0},
		{1 + 0x1p-23, 1, 1},
		{1, 1 + 0x1p-25, 0}, // rounded
		{1 - 0x1p-24, 1, 0.5},
		{1, 1 + 0x1p-23, 1},
		{2, 2 - 0x1p-23, 1},
		{-3, -3 - 0x1p-21, 2},
		{0x1p-126, 0x1p-126 + 0x1p-149, 1},
		{0x1p-149, 0x1p-148, 1},
		{0, 0x1p-149, 1},
		{0x1p-149, 0x1p-150, 0.5},
		{0x1p-149, 0, 1},
		{1e-9, 0, float64(float32(1e-9)) * 0x1p149},
		{0, -0x1p-200, 0},
		{float32(inf), 1e40, 0},
		{float32(inf), inf, 0},
		{math.MaxFloat32, inf, inf},
	} {
		if got := Error(c.got, c.want); got != c.ulps {
			t.Errorf("%v for %v: %v units, want %v", c.got, c.want, got, c.ulps)
		}
	}
	for _, e := range []float64{Error(float32(nan), 1), Error(1, nan), Error(float32(nan), 0)} {
		if e == e {
			t.Errorf("an error of %v where a number is none", e)
		}
	}
}
