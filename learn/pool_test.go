package learn_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/settle-pc/settle/learn"
)

// TestPoolDoesEachTaskOnce, for every number of workers and tasks, again and again on one pool; calls with one worker's
// number never overlap, and all have ended when Do returns.
func TestPoolDoesEachTaskOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		p := pool(t, workers)
		if p.Workers() != workers {
			t.Errorf("%d workers, want %d", p.Workers(), workers)
		}
		for _, n := range []int{0, 1, 2, 3, 7, 100, 0, 1000, 1} {
			done := make([]int, n)                // no atomics: each is written by one call, and read after Do
			busy := make([]atomic.Int32, workers) // calls under way
			count := make([]int, workers)         // a race unless calls of one worker follow each other
			p.Do(n, func(worker, i int) {
				if busy[worker].Add(1) != 1 {
					t.Errorf("worker %d does two things at a time", worker)
				}
				done[i]++
				count[worker]++
				if i%5 == 0 {
					runtime.Gosched()
				}
				busy[worker].Add(-1)
			})
			sum := 0
			for i, d := range done {
				if d != 1 {
					t.Errorf("%d workers, %d tasks: task %d done %d times", workers, n, i, d)
				}
			}
			for _, c := range count {
				sum += c
			}
			if sum != n {
				t.Errorf("%d workers, %d tasks: %d calls", workers, n, sum)
			}
		}
	}
}

// TestPoolSharesItsWork: with as many tasks as workers, each of which waits for all others, Do returns only if every
// worker takes one.
func TestPoolSharesItsWork(t *testing.T) {
	const workers = 4
	p := pool(t, workers)
	for range 20 {
		var there atomic.Int32
		deadline := time.Now().Add(10 * time.Second)
		p.Do(workers, func(worker, i int) {
			there.Add(1)
			for there.Load() < workers && time.Now().Before(deadline) {
				runtime.Gosched()
			}
		})
		if there.Load() != workers || time.Now().After(deadline) {
			t.Fatalf("%d of %d tasks were under way at a time", there.Load(), workers)
		}
	}
}

// TestClosedPoolEndsItsWorkers, and may be closed twice.
func TestClosedPoolEndsItsWorkers(t *testing.T) {
	before := runtime.NumGoroutine() // workers of earlier tests may still be ending
	p := learn.NewPool(99)
	p.Do(200, func(int, int) {})
	if n := runtime.NumGoroutine(); n < 99 {
		t.Fatalf("%d goroutines: no workers?", n)
	}
	p.Close()
	p.Close()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// TestDoAllocatesNothing.
func TestDoAllocatesNothing(t *testing.T) {
	p := pool(t, 3)
	sums := make([]int, 3)
	f := func(worker, i int) { sums[worker] += i }
	if n := testing.AllocsPerRun(10, func() { p.Do(50, f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
