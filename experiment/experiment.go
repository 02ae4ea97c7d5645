// Package experiment holds one file per question. A Spec is plain data and says everything that the answer depends on;
// Run is a pure function of it (wall times aside), computes its cells in parallel, and hands every finished cell to a
// Sink, so that an interrupted run goes on where it was.
package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Sink keeps what an experiment finds. A store.Run is one.
type Sink interface {
	Done(cell string) ([]byte, bool)      // the stored result of a finished cell
	Put(cell string, result []byte) error // atomic
	Row(table string, columns []string, values []any) error
}

// Env is what a run needs of its surroundings.
type Env struct {
	Workers  int              // cells computed at a time, at least one
	Now      func() time.Time // the clock
	Progress func(Progress)   // called from one goroutine at a time; nil: nobody looks
}

// Progress says how much of the planned work is done, in units of about equal cost, and on what.
type Progress struct {
	Done, Total float64
	Note        string // of a cell that has just ended, else ""
}

// meter adds up the work of cells that run at the same time.
type meter struct {
	mu   sync.Mutex
	p    Progress
	show func(Progress)
}

func (m *meter) add(work float64, note string) {
	if m.show == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Done += work
	m.p.Note = note
	m.show(m.p)
}

// forEach calls f(i) for i = 0…n−1 on workers goroutines, in ascending order of start, until one fails or ctx ends.
func forEach(ctx context.Context, workers, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(max(1, workers), n) {
		wg.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// cell returns the stored result of a cell, or computes and stores it.
func cell[R any](sink Sink, name string, compute func() (R, error)) (R, error) {
	var r R
	if stored, ok := sink.Done(name); ok {
		if err := json.Unmarshal(stored, &r); err == nil {
			return r, nil
		}
	}
	r, err := compute()
	if err != nil {
		return r, err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("cell %s: %w", name, err)
	}
	return r, sink.Put(name, b)
}
