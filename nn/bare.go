package nn

import "github.com/settle-pc/settle/tensor"

// bare is what layers without parameters have in common.
type bare[T tensor.Float] struct{ sure[T] }

func (bare[T]) Params() []Param { return nil }
func (bare[T]) Units() int      { return 0 }
func (bare[T]) Bind([]T)        {}
func (bare[T]) Pack()           {}

func (bare[T]) PullParams([]T, Span, tensor.Matrix[T], tensor.Matrix[T], Cache[T]) {}

// sure is what layers without random choices have in common.
type sure[T tensor.Float] struct{}

// Draw does nothing.
func (sure[T]) Draw(Cache[T], uint64) {}
