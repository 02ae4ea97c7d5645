package measure

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
)

// TestSettlingComparesCurves on a linear network, where auto is exact at any gap and all gaps give the same curve; one gradient
// step is another matter. Workers change nothing.
func TestSettlingComparesCurves(t *testing.T) {
	set := data.Synthetic(1, 400, 4, 4, 4)
	q := Settling{Arch: "16-12-12-4", Acts: []nn.Activation{nn.Linear}, Gaps: []float64{0.1, 0.001}, Steps: []int{1}, Seeds: []uint64{0, 1},
		LR: 0.3, Batch: 16, Batches: 120, Workers: 1}
	run := func(q Settling) (cases []SettlingCase, ticks int) {
		if err := q.Run(context.Background(), set, func(string) { ticks++ }, func(c SettlingCase) { cases = append(cases, c) }); err != nil {
			t.Fatal(err)
		}
		return cases, ticks
	}
	cases, ticks := run(q)
	if len(cases) != 3 || ticks != 6 {
		t.Fatalf("%d cases, %d ticks", len(cases), ticks)
	}
	loose, tight, one := cases[0], cases[1], cases[2]
	if !reflect.DeepEqual(loose.Curves, tight.Curves) || !*loose.Same || !*loose.NoSlower || !*tight.Same {
		t.Errorf("gap 0.1 %+v, gap 0.001 %+v", loose, tight)
	}
	if one.Truncated != 1 || loose.Truncated != 0 || !(math.Abs(one.Passes-5) < 1e-12) || reflect.DeepEqual(one.Curves, tight.Curves) {
		t.Errorf("one step: %v truncated, %v passes", one.Truncated, one.Passes)
	}
	if n := len(tight.Curves[0]); n != 120-settlingWindow+1 || *tight.TrainMSE != max(tight.Curves[0][n-1], tight.Curves[1][n-1]) {
		t.Errorf("%d points, MSE %v", n, *tight.TrainMSE)
	}
	q.Workers = 2
	if again, _ := run(q); !reflect.DeepEqual(again, cases) {
		t.Error("two workers give other cases")
	}
}

// TestAgainstIsFivePercent: within it the curve is the same, below it faster, above it or with more divergence slower.
func TestAgainstIsFivePercent(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	tight := SettlingCase{ToMSE: map[string]*float64{"0.05": v(100), "0.03": v(200), "0.02": nil}}
	for _, c := range []struct {
		first, second  *float64
		diverged       int
		same, noSlower bool
	}{
		{v(105), v(190), 0, true, true}, {v(94), v(200), 0, false, true}, {v(100), v(211), 0, false, false},
		{v(100), nil, 0, false, false}, {v(100), v(200), 1, false, false},
	} {
		got := SettlingCase{ToMSE: map[string]*float64{"0.05": c.first, "0.03": c.second, "0.02": v(1)}, Diverged: c.diverged}
		if same, noSlower := got.against(tight); *same != c.same || *noSlower != c.noSlower {
			t.Errorf("%+v: same %v, no slower %v", c, *same, *noSlower)
		}
	}
	if same, noSlower := tight.against(SettlingCase{}); same != nil || noSlower != nil {
		t.Error("decided against a curve that reached nothing")
	}
}
