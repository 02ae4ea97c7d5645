package learn

import (
	"runtime"
	"sync/atomic"
)

// Pool is a fixed number of workers, started once. It serves one Do at a time.
type Pool struct {
	// call is the number of Do's so far, above callBits bits that say how many workers beside the caller take part in the last.
	call  atomic.Uint64
	left  atomic.Int64 // workers that have not done their part of it
	sleep []sleeper    // of each worker; the caller is the first
	next  []counter    // task of each worker's share
	n     int
	f     func(worker, i int)
	done  func() bool // none is left; bound once
}

const (
	callBits = 16
	closed   = 1<<64 - 1 // as a call
	// patience is how often a worker looks for work before it sleeps, some 0.1 ms: to wake takes as long, and in a training step there is
	// more soon. Where there are not as many processors as workers, none looks.
	patience = 500
)

// line is what keeps two things apart in lines of the cache.
type line [120]byte

// counter counts in a line of its own.
type counter struct {
	atomic.Int64
	_ line
}

// sleeper is where a worker sleeps.
type sleeper struct {
	asleep   atomic.Bool
	wake     chan struct{}
	patience int
	_        line
}

// rouse wakes who sleeps, or is about to.
func (s *sleeper) rouse() {
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// await returns once ready holds. Who makes it hold calls rouse.
func (s *sleeper) await(ready func() bool) {
	for looks := 0; !ready(); looks++ {
		if looks < s.patience {
			runtime.Gosched()
			continue
		}
		s.asleep.Store(true)
		if ready() && s.asleep.CompareAndSwap(true, false) {
			return
		}
		<-s.wake
	}
}

// NewPool starts a pool of workers, the caller's goroutine being one of them. Close it after use.
func NewPool(workers int) *Pool {
	if workers < 1 {
		panic("learn: pool without workers")
	}
	if workers >= 1<<callBits {
		panic("learn: pool of more workers than it can count")
	}
	p := &Pool{sleep: make([]sleeper, workers), next: make([]counter, workers)}
	p.done = func() bool { return p.left.Load() == 0 }
	for w := range p.sleep {
		s := &p.sleep[w]
		s.wake = make(chan struct{}, 1)
		if workers <= runtime.GOMAXPROCS(0) {
			s.patience = patience
		}
		if w > 0 {
			go p.serve(w, s, &p.sleep[0])
		}
	}
	return p
}

// serve is a worker's life.
func (p *Pool) serve(worker int, s, caller *sleeper) {
	seen := uint64(0)
	called := func() bool { return p.call.Load() != seen }
	for {
		s.await(called)
		seen = p.call.Load()
		switch {
		case seen == closed:
			return
		case worker > int(seen&(1<<callBits-1)): // the others do without
		default:
			p.work(worker)
			if p.left.Add(-1) == 0 {
				caller.rouse()
			}
		}
	}
}

// Workers is the number of workers.
func (p *Pool) Workers() int { return len(p.sleep) }

// Do calls f(worker, i) for i = 0…n−1, each once, in any order and on any worker, and returns when all are done.
// Calls with the same worker do not overlap. It allocates nothing.
func (p *Pool) Do(n int, f func(worker, i int)) {
	if n < 1 {
		return
	}
	p.n, p.f = n, f
	for w := range p.next {
		p.next[w].Store(int64(w * n / len(p.next)))
	}
	helpers := min(len(p.sleep), n) - 1
	if helpers > 0 {
		p.left.Store(int64(helpers))
		p.call.Store((p.call.Load()>>callBits+1)<<callBits | uint64(helpers))
		for w := 1; w <= helpers; w++ {
			p.sleep[w].rouse()
		}
	}
	p.work(0)
	if helpers > 0 {
		p.sleep[0].await(p.done)
	}
	p.f = nil
}

// work takes the tasks of the worker's own share, the same ones in every Do of as many, so that it finds in its cache what it left
// there; then what is left of the others'.
func (p *Pool) work(worker int) {
	for k := range p.next {
		share := (worker + k) % len(p.next)
		end := (share + 1) * p.n / len(p.next)
		for {
			i := int(p.next[share].Add(1)) - 1
			if i >= end {
				break
			}
			p.f(worker, i)
		}
	}
}

// Close ends the workers but the caller.
func (p *Pool) Close() {
	p.call.Store(closed)
	for w := range p.sleep[1:] {
		p.sleep[w+1].rouse()
	}
	p.sleep, p.next = p.sleep[:1], p.next[:1]
}
