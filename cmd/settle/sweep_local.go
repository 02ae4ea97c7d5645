package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/sweep"
	"github.com/settle-pc/settle/train"
)

// pool trains the trials of a sweep here, some at a time.
type pool struct {
	app      *app
	plan     *sweepPlan
	run      *store.Run
	opts     trainOptions
	parallel int // trials at a time
	bar      *progress

	mu     sync.Mutex
	ended  int
	failed map[int]error
}

func (a *app) sweepLocal(p *sweepPlan, f sweepFlags) error {
	run, err := a.place(p)
	if err != nil {
		return err
	}
	defer run.Close()
	// From here on it is unfinished again.
	if err := forget(run, resultFile); err != nil {
		return failure{err}
	}
	n := len(p.trials)
	parallel := f.parallel
	if parallel == 0 {
		parallel = a.workers
	}
	q := &pool{app: a, plan: p, run: run, opts: trainOptions{every: f.every, calm: true}, parallel: min(parallel, n), failed: map[int]error{}}
	fmt.Fprintf(a.note(), "sweep %s: %d trials in %s, %d at a time\n", p.Name, n, run.Dir(), q.parallel)
	q.bar = a.progress("sweep", float64(n))
	if p.Halving != nil {
		err = q.halve()
	} else {
		err = q.train(p.all(), func(i int) train.Spec { return p.trials[i] }, func(int, train.Summary) error { return nil })
	}
	q.bar.end()
	if errors.Is(err, context.Canceled) {
		return interrupted("go on with: settle sweep " + run.Dir())
	}
	if err != nil {
		return failure{err}
	}
	if err := a.collect(run, p, nil, len(q.failed) == 0); err != nil {
		return err
	}
	return q.failures()
}

// all lists the trials.
func (p *sweepPlan) all() []int {
	var list []int
	for i := range p.trials {
		list = append(list, i)
	}
	return list
}

// train trains trials to their specs and hands each result to done, one at a time. A trial that fails is noted, and the
// others go on; the error is done's or the context's.
func (q *pool) train(trials []int, spec func(int) train.Spec, done func(int, train.Summary) error) error {
	ctx, cancel := context.WithCancelCause(q.app.ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range q.parallel {
		group.Go(func() {
			for i := range next {
				if err := q.one(ctx, i, spec(i), done); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, i := range trials {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}

// one trains a trial; the error is done's.
func (q *pool) one(ctx context.Context, i int, spec train.Spec, done func(int, train.Summary) error) error {
	if ctx.Err() != nil {
		return nil
	}
	spec.Workers = max(1, q.app.workers/q.parallel)
	opts := q.opts
	opts.set = q.plan.sets[spec.Data]
	result, err := q.app.trainTo(ctx, q.plan.dir(q.run.Dir(), i), spec, opts)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	label := fmt.Sprintf("trial %d (%s)", i, sweep.Label(q.plan.Settings(i)))
	if err != nil {
		q.failed[i] = fmt.Errorf("%s: %w", label, err)
		q.bar.line(q.failed[i].Error())
		return nil
	}
	q.ended++
	q.bar.set(float64(q.ended), fmt.Sprintf("%s: test MSE %s", label, show("%.4f", result.TestMSE)))
	return done(i, result)
}

// failures is the error of the trials that failed.
func (q *pool) failures() error {
	if len(q.failed) == 0 {
		return nil
	}
	first := slices.Min(slices.Collect(maps.Keys(q.failed)))
	return failure{fmt.Errorf("%d of %d trials failed; the first: %w; the same command tries them again", len(q.failed), len(q.plan.trials), q.failed[first])}
}

// halve trains all configurations for some of their batches, and the best for more. Scores of rungs are stored: what goes
// on does not depend on when the sweep was interrupted.
func (q *pool) halve() error {
	h, per := q.plan.Halving, len(q.plan.Seeds)
	var configurations []int
	for c := range q.plan.Configurations(len(q.plan.trials)) {
		configurations = append(configurations, c)
	}
	for rung := range h.Rungs {
		scores, err := q.rung(rung, configurations)
		if err != nil || rung == h.Rungs-1 {
			return err
		}
		before := len(configurations)
		configurations = h.Promote(scores)
		q.bar.line(fmt.Sprintf("rung %d of %d: %d of %d configurations go on", rung+1, h.Rungs, len(configurations), before))
		q.mu.Lock()
		q.ended = len(q.plan.trials) - per*len(configurations)
		q.mu.Unlock()
	}
	return nil
}

// rung trains configurations as far as a rung goes and returns the sums of their seeds' scores.
func (q *pool) rung(rung int, configurations []int) (map[int]float64, error) {
	h, per := q.plan.Halving, len(q.plan.Seeds)
	cell := func(i int) string { return fmt.Sprintf("rung-%d/%d", rung, i) }
	var trials, rest []int
	for _, c := range configurations {
		for i := c * per; i < (c+1)*per; i++ {
			trials = append(trials, i)
			if _, ok := q.run.Done(cell(i)); !ok {
				rest = append(rest, i)
			}
		}
	}
	err := q.train(rest, func(i int) train.Spec { return q.plan.until(rung, i) }, func(i int, s train.Summary) error {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return q.run.Put(cell(i), text)
	})
	if err == nil {
		err = q.failures() // without all scores there is no telling which are best
	}
	if err != nil {
		return nil, err
	}
	scores := map[int]float64{}
	for _, i := range trials { // in this order, whichever ended first: a sum depends on it
		text, _ := q.run.Done(cell(i))
		var s train.Summary
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		scores[i/per] += h.Score(s)
	}
	return scores, nil
}

// until is the training of trial i up to a rung's end: another spec for as many batches, which the next rung goes on from.
func (p *sweepPlan) until(rung, i int) train.Spec {
	t := p.trials[i]
	if rung < p.Halving.Rungs-1 {
		t.Batches, t.Epochs = p.Halving.Batches(rung, p.batches(t)), 0
	}
	return t
}

// batches is the number of batches of a training.
func (p *sweepPlan) batches(t train.Spec) int {
	if t.Batches > 0 {
		return t.Batches
	}
	n := p.sets[t.Data].Train.N()
	if t.Limit > 0 {
		n = t.Limit
	}
	return t.Epochs * (n / t.Batch)
}
