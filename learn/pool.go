package learn

import (
	"sync"
	"sync/atomic"
)

// Pool is a fixed number of workers, started once. It serves one Do at a time.
type Pool struct {
	wake []chan struct{}
	done sync.WaitGroup
	next atomic.Int64
	n    int
	f    func(worker, i int)
}

// NewPool starts a pool of workers, the caller's goroutine being one of them. Close it after use.
func NewPool(workers int) *Pool {
	if workers < 1 {
		panic("learn: pool without workers")
	}
	p := &Pool{}
	for w := 1; w < workers; w++ {
		wake := make(chan struct{}, 1)
		p.wake = append(p.wake, wake)
		go func() {
			for range wake {
				p.work(w)
				p.done.Done()
			}
		}()
	}
	return p
}

// Workers is the number of workers.
func (p *Pool) Workers() int { return len(p.wake) + 1 }

// Do calls f(worker, i) for i = 0…n−1, each once, in any order and on any worker, and returns when all are done.
// Calls with the same worker do not overlap. It allocates nothing.
func (p *Pool) Do(n int, f func(worker, i int)) {
	p.n, p.f = n, f
	p.next.Store(0)
	helpers := min(len(p.wake), n-1)
	if helpers > 0 {
		p.done.Add(helpers)
		for _, wake := range p.wake[:helpers] {
			wake <- struct{}{}
		}
	}
	p.work(0)
	p.done.Wait()
	p.f = nil
}

// work takes tasks until there are none left.
func (p *Pool) work(worker int) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.n {
			return
		}
		p.f(worker, i)
	}
}

// Close ends the workers.
func (p *Pool) Close() {
	for _, wake := range p.wake {
		close(wake)
	}
	p.wake = nil
}
