package measure

import (
	"context"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
)

// With a clock that takes a millisecond for each look every step takes one; costs are those of the notation.
func TestTrainBenchmarkIsConsistent(t *testing.T) {
	ticks := 0
	q := Training{Archs: []string{"16-12-12-4"}, Acts: []nn.Activation{nn.Linear, nn.Tanh}, States: States(), Optims: Optimisers(),
		Batch: 16, Steps: 3, Workers: []int{1, 2}, Tol: 1e-3, Gap: 0.01, Now: func() time.Time {
			ticks++
			return time.Unix(0, int64(ticks)*1e6)
		}}
	cases := 0
	err := q.Run(context.Background(), data.Synthetic(1, 400, 4, 4, 4), func(bp, pc TrainCase) {
		cases++
		if bp.Rule != "bp" || pc.Rule != "pc" || bp.Solver != nil || bp.Gap != nil || bp.Residual != nil || pc.Solver == nil {
			t.Errorf("%+v and %+v", bp, pc)
		}
		for _, c := range []TrainCase{bp, pc} {
			if c.MS != 1 || c.MinMS != 1 || c.MaxMS != 1 || c.Allocs != 0 || !(c.MACs > 0 && c.MACs <= c.Passes) {
				t.Errorf("%+v: want 1 ms, no allocation, fewer multiply-adds than passes say", c)
			}
		}
		if bp.Passes != 3 || pc.Passes <= 3 || pc.Gap == nil || pc.Residual == nil || *pc.Gap > 0.01 && *pc.Residual > 1e-3 {
			t.Errorf("%+v settled less than asked for, or BP (%v passes) has not its three", pc, bp.Passes)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * 3 * 3 * 2; cases != want {
		t.Errorf("%d pairs of cases, want %d", cases, want)
	}
}

// Without a gap inference goes on to the residual ratio asked for; with a loose one it stops long before.
func TestTrainBenchmarkStopsWhereAsked(t *testing.T) {
	settle := func(tol, gap float64, alone bool) (pc TrainCase) {
		q := Training{Archs: []string{"16-12-12-4"}, Acts: []nn.Activation{nn.Tanh}, States: []string{"new"}, Optims: []string{"adam"},
			Batch: 16, Steps: 2, Workers: []int{1}, Tol: tol, Gap: gap, Alone: alone, Now: time.Now}
		err := q.Run(context.Background(), data.Synthetic(1, 400, 4, 4, 4), func(_, c TrainCase) { pc = c })
		if err != nil {
			t.Fatal(err)
		}
		return pc
	}
	tight, loose := settle(1e-5, 0, false), settle(1e-5, 0.5, false)
	if *tight.Residual > 1e-5 || *loose.Residual <= *tight.Residual || loose.Passes >= tight.Passes {
		t.Errorf("residual %v after %v passes, with a gap %v after %v", *tight.Residual, tight.Passes, *loose.Residual, loose.Passes)
	}
	if alone := settle(1e-5, 0, true); *alone.Residual != *tight.Residual || alone.Passes != tight.Passes {
		t.Errorf("alone: residual %v after %v passes, in turns %v after %v", *alone.Residual, alone.Passes, *tight.Residual, tight.Passes)
	}
}
