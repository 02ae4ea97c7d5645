package nn

import (
	"sync"

	"github.com/settle-pc/settle/tensor"
)

// spare keeps what calls on a layer work in and hand back. As many calls run at a time as there are workers: once each has had
// one, nothing is allocated. What is lent is not cleared.
type spare[E any] struct {
	mu   sync.Mutex
	free []E
}

// take returns one that is free, or the zero E.
func (s *spare[E]) take() (e E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		e, s.free = s.free[n-1], s.free[:n-1]
	}
	return e
}

// give returns e.
func (s *spare[E]) give(e E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, e)
}

// floats returns n of them from s, to be given back.
func floats[T tensor.Float](s *spare[[]T], n int) []T {
	b := s.take()
	if cap(b) < n {
		b = make([]T, n)
	}
	return b[:n]
}
