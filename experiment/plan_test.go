package experiment

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, c := range []Compare{Preview(), Fair()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	if err := tiny().Validate(); err != nil {
		t.Error(err)
	}
}

// plans are changes to a good comparison, and what the refusal says: in the words of the flags of compare.
var plans = []struct {
	change func(*Compare)
	want   string
}{
	{func(c *Compare) { c.Rules = nil }, "--rules, --acts, --seeds: want at least one"},
	{func(c *Compare) { c.Acts = nil }, "--rules, --acts, --seeds: want at least one"},
	{func(c *Compare) { c.Seeds = nil }, "--rules, --acts, --seeds: want at least one"},
	{func(c *Compare) { c.Rules = []string{"bp", "pcx"} }, `--rules "pcx": want some of bp, pc`},
	{func(c *Compare) { c.Acts = []string{"wobble"} }, `--acts: activation "wobble"`},
	{func(c *Compare) { c.Acts = []string{"gelu"} }, "--lrs: no learning rate for bp with gelu"},
	{func(c *Compare) { c.SetRates(nil) }, "--lrs: no learning rate for bp with tanh"},
	{func(c *Compare) { c.SetRates([]float64{0}) }, "--lrs 0: want learning rates above 0"},
	{func(c *Compare) { c.SetRates([]float64{-1}) }, "--lrs -1"},
	{func(c *Compare) { c.SetRates([]float64{math.NaN()}) }, "--lrs NaN"},
	{func(c *Compare) { c.SetRates([]float64{math.Inf(1)}) }, "--lrs +Inf"},
	{func(c *Compare) { c.SetRates([]float64{0.1, 0.1}) }, "asked for twice"},
	{func(c *Compare) { c.Seeds = []uint64{1, 1} }, "asked for twice"},
	{func(c *Compare) { c.Acts = []string{"tanh", "tanh"} }, "asked for twice"},
	{func(c *Compare) { c.Thresholds["tanh"] = nil }, "--thresholds: none for tanh"},
	{func(c *Compare) { c.Thresholds["tanh"] = []float64{0} }, "--thresholds 0: want"},
	{func(c *Compare) { c.Thresholds["tanh"] = []float64{math.NaN()} }, "--thresholds NaN"},
	{func(c *Compare) { c.Base.Batches = 0 }, "--batches 0: want a number from 1"},
	{func(c *Compare) { c.Base.Epochs = 1 }, "--batches"},
	{func(c *Compare) { c.Base.Arch = "36-0-4" }, "--arch"},
	{func(c *Compare) { c.Base.Optim = "magic" }, `--optim "magic"`},
	{func(c *Compare) { c.Base.Solver = "exact" }, "--solver exact"},
	{func(c *Compare) { c.Base.Tol = -1 }, "--tol -1"},
}

func TestValidateSpeaksOfTheFlagsOfCompare(t *testing.T) {
	for _, p := range plans {
		c := tiny()
		p.change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), p.want) {
			t.Errorf("error %v: want one with %q", err, p.want)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if slices.Sort(lines); len(slices.Compact(lines)) != len(strings.Split(err.Error(), "\n")) {
			t.Errorf("a fault is named twice: %v", err)
		}
		if _, err := c.Run(context.Background(), synthetic(), newMemory(), Env{}); err == nil {
			t.Errorf("ran in spite of %s", p.want)
		}
	}
	c := tiny()
	c.Rules, c.Acts, c.Base.Tol = []string{"x"}, []string{"y"}, -1
	for _, want := range []string{"--rules", "--acts", "--tol"} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in: %v", want, err)
		}
	}
}

func TestForEachEndsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	for _, workers := range []int{0, 1, 3} {
		var calls, after atomic.Int64
		err := forEach(context.Background(), workers, 1000, func(ctx context.Context, i int) error {
			calls.Add(1)
			if ctx.Err() != nil {
				after.Add(1)
			}
			if i == 5 {
				return broken
			}
			return nil
		})
		if !errors.Is(err, broken) || calls.Load() > 100 {
			t.Errorf("%d workers: error %v after %d calls", workers, err, calls.Load())
		}
	}
}

func TestForEachCallsEachOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		var seen [50]atomic.Int64
		if err := forEach(context.Background(), workers, len(seen), func(_ context.Context, i int) error { seen[i].Add(1); return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if n := seen[i].Load(); n != 1 {
				t.Errorf("%d workers: %d was called %d times", workers, i, n)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := forEach(ctx, 2, 9, func(context.Context, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: error %v", err)
	}
}
