package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// Cost is what it took to reach a threshold: the batch (from 1) at which the running mean of the last train.Window
// batches was at or below it, and passes and multiply-adds (of one feedforward evaluation of a batch) until then.
// Seconds are passes times the time of a pass, which is measured while no other work of the run is done; 0 where there is no clock.
type Cost struct {
	Batches int     `json:"batches"`
	Passes  float64 `json:"passes"`
	MACs    float64 `json:"macs"`
	Seconds float64 `json:"seconds"`
}

// Cell is the outcome of one training. ToMSE has every threshold, nil where it was not reached.
type Cell struct {
	Contest      string           `json:"contest"`
	Stage        string           `json:"stage"`
	Rule         string           `json:"rule"`
	Act          string           `json:"act"`
	LR           float64          `json:"lr"`
	Seed         uint64           `json:"seed"`
	Batches      int              `json:"batches"`
	TrainMSE     *float64         `json:"train_mse"`
	TestMSE      *float64         `json:"test_mse"`
	TestAccuracy *float64         `json:"test_accuracy"`
	DivergedAt   *int             `json:"diverged_at"`
	ToMSE        map[string]*Cost `json:"to_mse"`
	PassesMean   *float64         `json:"passes_mean"`
	ResidualMean *float64         `json:"residual_mean"`
	GapMean      *float64         `json:"gap_mean"`
	Curve        *Curve           `json:"curve,omitempty"`
}

// passesABatch is the mean over its batches, or, where none is known, the three of BP: too few rather than too many.
func (c Cell) passesABatch() float64 {
	if c.PassesMean == nil {
		return 3
	}
	return *c.PassesMean
}

// The stages of a contest: the seeds that choose learning rates, and those that are reported.
const (
	Selection = "selection"
	Reporting = "reporting"
)

// Curve is the running mean of the training error against batches and passes.
type Curve struct {
	Batch  []float64 `json:"batch"`
	MSE    []float64 `json:"mse"`
	Passes []float64 `json:"passes"`
}

// A stored curve has a point every curveEvery batches at first, and then about curvePoints points while batches double.
const (
	curveEvery  = 5
	curvePoints = 50
)

// stored reports whether the curve has a point at this batch.
func stored(batch int) bool {
	every := curveEvery
	for every*2*curvePoints <= batch {
		every *= 2
	}
	return batch%every == 0
}

// ThresholdKey writes a threshold as a key of ToMSE.
func ThresholdKey(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// trial is one training to be done, to the lowest of its thresholds.
type trial struct {
	contest, stage string
	spec           train.Spec
	thresholds     []float64
	set            *data.Set
	credit         *credit
}

// name is that of its cell. The stage is none of it: a seed chooses or is reported, whatever the training.
func (t trial) name() string {
	return fmt.Sprintf("%s-%s-lr%s-seed%d", t.contest, t.spec.Rule, strconv.FormatFloat(t.spec.LR, 'g', -1, 64), t.spec.Seed)
}

// credit adds the work of a contest's trainings to a meter, never more than was planned: a search decides as it goes how
// many it needs.
type credit struct {
	m    *meter
	mu   sync.Mutex
	left float64
}

func (m *meter) plan(work float64) *credit {
	m.p.Total += work
	return &credit{m: m, left: work}
}

func (c *credit) add(work float64, note string) {
	c.mu.Lock()
	work = min(work, c.left)
	c.left -= work
	c.mu.Unlock()
	c.m.add(work, note)
}

// close adds what is left: the search needed less.
func (c *credit) close() { c.add(math.Inf(1), "") }

// trials runs trainings, so many at a time.
type trials struct {
	slots chan struct{}
	sink  Sink
	m     *meter
	pass  map[string]map[string]float64 // seconds of a pass by contest and rule; nil without a clock
}

func newTrials(sink Sink, env Env) *trials {
	return &trials{slots: make(chan struct{}, max(1, env.Workers)), sink: sink, m: &meter{show: env.Progress}}
}

// all runs the trainings that the sink does not have yet and returns the cells of all, in order. It may be called from
// many goroutines, which share the slots.
func (r *trials) all(ctx context.Context, todo []trial) ([]Cell, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]Cell, len(todo))
	var wg sync.WaitGroup
	for i, t := range todo {
		if ctx.Err() != nil {
			break
		}
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		wg.Go(func() {
			defer func() { <-r.slots }()
			c, err := r.one(ctx, t)
			if out[i] = c; err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return out, context.Cause(ctx)
}

func (r *trials) one(ctx context.Context, t trial) (Cell, error) {
	left := float64(t.spec.Batches)
	tick := func() { left--; t.credit.add(batchWork(t.spec), "") }
	fresh := false
	c, err := cell(r.sink, t.name(), func() (Cell, error) {
		fresh = true
		if t.spec.DType == "float64" {
			return runTrial[float64](ctx, t, tick)
		}
		return runTrial[float32](ctx, t, tick)
	})
	c.Stage = t.stage
	if err == nil {
		note := ""
		if fresh {
			note = cellNote(c, t.thresholds)
		}
		t.credit.add(batchWork(t.spec)*left, note)
	}
	return c, err
}

func cellNote(c Cell, thresholds []float64) string {
	what := fmt.Sprintf("%s %s lr %.3g: ", c.Contest, c.Rule, c.LR)
	if c.DivergedAt != nil {
		return what + fmt.Sprintf("diverged at batch %d", *c.DivergedAt)
	}
	var reached []string
	for _, t := range thresholds {
		if cost := c.ToMSE[ThresholdKey(t)]; cost != nil {
			reached = append(reached, fmt.Sprintf("MSE %g after %d batches", t, cost.Batches))
		}
	}
	if len(reached) == 0 {
		return what + fmt.Sprintf("MSE %.3f after %d batches", finalMSE(c), c.Batches)
	}
	return what + strings.Join(reached, ", ")
}

// runTrial trains one cell, calling tick after each batch.
func runTrial[T tensor.Float](ctx context.Context, todo trial, tick func()) (Cell, error) {
	s := todo.spec
	c := Cell{Contest: todo.contest, Rule: s.Rule, Act: s.Act, LR: s.LR, Seed: s.Seed, ToMSE: map[string]*Cost{}, Curve: &Curve{}}
	for _, t := range todo.thresholds {
		c.ToMSE[ThresholdKey(t)] = nil
	}
	t, err := train.New[T](s, todo.set, train.Options{Stop: func(r train.Record) bool {
		tick()
		return c.record(r, todo.thresholds)
	}})
	if err != nil {
		return c, err
	}
	defer t.Close()
	var test *train.Score
	if err = t.Run(ctx); err == nil {
		var score train.Score
		score, err = t.Conclude()
		test = &score
	}
	if diverged, ok := errors.AsType[*train.DivergedError](err); ok {
		c.DivergedAt, test = &diverged.Batch, nil
	} else if err != nil {
		return c, err
	}
	sum := t.Summary(test)
	c.Batches, c.TrainMSE, c.TestMSE, c.TestAccuracy = sum.Batches, sum.TrainMSE, sum.TestMSE, sum.TestAccuracy
	c.PassesMean, c.ResidualMean, c.GapMean = sum.PassesMean, sum.ResidualMean, sum.GapMean
	return c, nil
}

// record takes a batch into the cell and reports whether its lowest threshold is reached.
func (c *Cell) record(r train.Record, thresholds []float64) bool {
	if math.IsNaN(r.Running) {
		return false
	}
	missing := false
	reached := false
	for _, t := range thresholds {
		key := ThresholdKey(t)
		if c.ToMSE[key] == nil && r.Running <= t {
			c.ToMSE[key] = &Cost{Batches: r.Batch, Passes: r.Passes, MACs: r.MACs}
			reached = true
		}
		missing = missing || c.ToMSE[key] == nil
	}
	if stored(r.Batch) || reached {
		c.Curve.Batch = append(c.Curve.Batch, float64(r.Batch))
		c.Curve.MSE = append(c.Curve.MSE, r.Running)
		c.Curve.Passes = append(c.Curve.Passes, r.Passes)
	}
	return !missing
}
