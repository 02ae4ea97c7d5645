package experiment

import (
	"context"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// Sets returns the data set of a name.
type Sets func(name string) (*data.Set, error)

// passTime is the stored time of a pass.
type passTime struct {
	Seconds float64 `json:"seconds"`
}

// Batches that a pass is timed over, after some that warm up.
const (
	warmBatches  = 3
	timedBatches = 9
)

// clock measures the time of a pass of each rule of a contest, on one worker, while nothing else runs here. Seconds in
// tables and figures are passes times this: cells that run beside each other disturb each other's clocks.
func (r *trials) clock(ctx context.Context, c Contest, sets Sets, now func() time.Time) error {
	if now == nil {
		return nil
	}
	if r.pass == nil {
		r.pass = map[string]map[string]float64{}
	}
	r.pass[c.Name] = map[string]float64{}
	for _, e := range c.Rules {
		t, err := cell(r.sink, "time-"+c.Name+"-"+e.Rule, func() (passTime, error) {
			set, err := sets(c.Base.Data)
			if err != nil {
				return passTime{}, err
			}
			s := c.Base
			s.Rule, s.LR, s.Workers = e.Rule, e.start()[0], 1
			return timePass(ctx, s, set, now)
		})
		if err != nil {
			return err
		}
		r.pass[c.Name][e.Rule] = t.Seconds
	}
	return nil
}

// timePass trains a few batches and returns the time of one of their passes.
func timePass(ctx context.Context, s train.Spec, set *data.Set, now func() time.Time) (passTime, error) {
	if s.DType == "float64" {
		return timePassAs[float64](ctx, s, set, now)
	}
	return timePassAs[float32](ctx, s, set, now)
}

func timePassAs[T tensor.Float](ctx context.Context, s train.Spec, set *data.Set, now func() time.Time) (passTime, error) {
	s.Batches, s.Epochs = warmBatches+timedBatches, 0
	var passes, seconds, p0, s0 float64
	t, err := train.New[T](s, set, train.Options{Now: now, Stop: func(r train.Record) bool {
		passes, seconds = r.Passes, r.Seconds
		if r.Batch == warmBatches {
			p0, s0 = passes, seconds
		}
		return false
	}})
	if err != nil {
		return passTime{}, err
	}
	defer t.Close()
	if err := t.Run(ctx); err != nil && ctx.Err() != nil {
		return passTime{}, err // a divergence does not disturb the clock
	}
	if passes > p0 {
		return passTime{(seconds - s0) / (passes - p0)}, nil
	}
	return passTime{}, nil
}
