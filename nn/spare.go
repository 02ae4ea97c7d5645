package nn

import "sync"

// spare keeps what calls on a layer work in and hand back. What is lent is not cleared.
type spare[E any] struct {
	make func() E // a new one
	mu   sync.Mutex
	free []E
	made int
}

// take returns one that is free, or a new one.
func (s *spare[E]) take() E {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		s.made++
		return s.make()
	}
	e := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return e
}

// give returns e.
func (s *spare[E]) give(e E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, e)
}

// reserve makes ready for n calls at a time.
func (s *spare[E]) reserve(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.made < n; s.made++ {
		s.free = append(s.free, s.make())
	}
}
