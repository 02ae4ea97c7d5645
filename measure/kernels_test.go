package measure

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/settle-pc/settle/tensor"
)

// With a clock that takes a millisecond for each look, every sample has one call, and every figure is what that makes of it.
func TestKernelBenchmarkIsConsistent(t *testing.T) {
	ticks, figures := 0, 0
	q := Kernels{Now: func() time.Time {
		ticks++
		return time.Unix(0, int64(ticks)*1e6)
	}}
	r, err := q.Run(context.Background(), func() { figures++ })
	if err != nil {
		t.Fatal(err)
	}
	if figures != q.Figures() || len(r.GEMM) != 6*len(KernelShapes()) || len(r.Conv) != 6 || len(r.Vector) != len(vectorFunctions) {
		t.Errorf("%d figures (%d products, %d functions), want %d", figures, len(r.GEMM), len(r.Vector), q.Figures())
	}
	if want := tensor.Peak[float32](2000) / 1e6; r.Level != tensor.Level() || math.Abs(r.Peak-want) > 1e-9*want {
		t.Errorf("level %s with a peak of %v, want %s and %v", r.Level, r.Peak, tensor.Level(), want)
	}
	for _, g := range r.GEMM {
		want, peak := 2*float64(g.M*g.K*g.N)/1e6, r.Peak
		if g.DType == "float64" {
			peak = r.Peak64
		}
		if math.Abs(g.GFLOPS-want) > 1e-9*want || math.Abs(g.OfPeak-want/peak) > 1e-9*g.OfPeak {
			t.Errorf("%+v: want %v GFLOP/s of %v", g, want, peak)
		}
	}
	for _, c := range r.Conv {
		want, peak := 2*16*64*64*9*256/1e6, r.Peak
		if c.DType == "float64" {
			peak = r.Peak64
		}
		if math.Abs(c.GFLOPS-want) > 1e-9*want || math.Abs(c.OfPeak-want/peak) > 1e-9*c.OfPeak {
			t.Errorf("%+v: want %v GFLOP/s of %v", c, want, peak)
		}
	}
	for _, f := range r.Vector {
		if n := 1e6 / f.NS; math.Abs(n-4800) > 1e-6 && math.Abs(n-(1<<20)) > 1e-3 {
			t.Errorf("%s: %v ns for one of %v elements", f.Name, f.NS, n)
		}
	}
}

// TestKernelBenchmarkSeesNaN wherever it is, and what an exact 0 is missed by.
func TestKernelBenchmarkSeesNaN(t *testing.T) {
	bad := vectorFunction{call: func(v *vectors) {
		copy(v.y, v.x)
		v.y[len(v.y)/2] = float32(math.NaN())
	}, exact: func(x float64) float64 { return x }}
	if worst := bad.worst(); worst == worst {
		t.Errorf("a function with NaN is off by %v ulp", worst)
	}
	off := vectorFunction{call: func(v *vectors) {
		copy(v.y, v.x)
		v.y[0] += 1e-9
	}, exact: func(x float64) float64 { return x }}
	if worst := off.worst(); !(worst > 1e30) {
		t.Errorf("1e-9 for 0 is off by %v ulp", worst)
	}
}

func TestKernelBenchmarkSeesErrors(t *testing.T) {
	for _, f := range vectorFunctions {
		if f.exact == nil {
			continue
		}
		if worst := f.worst(); !(worst <= 7) {
			t.Errorf("%s is off by %v ulp", f.name, worst)
		}
		wrong := f
		wrong.exact = func(x float64) float64 { return f.exact(x) * (1 + 0x1p-20) }
		if worst := wrong.worst(); !(worst > 7) {
			t.Errorf("%s with an error of 8 ulp and more shows %v ulp", f.name, worst)
		}
	}
}
