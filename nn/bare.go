package nn

import "github.com/settle-pc/settle/tensor"

// bare is what layers without parameters have in common.
type bare[T tensor.Float] struct{ plain[T] }

func (bare[T]) Params() []Param { return nil }
func (bare[T]) Units() int      { return 0 }
func (bare[T]) Bind([]T)        {}
func (bare[T]) Pack()           {}

func (bare[T]) PullParams([]T, Span, tensor.Matrix[T], tensor.Matrix[T], Cache[T]) {}

// plain is what layers have in common that make no random choices and lend no memory to calls.
type plain[T tensor.Float] struct{}

// Draw does nothing.
func (plain[T]) Draw(Cache[T], uint64) {}

// Reserve does nothing.
func (plain[T]) Reserve(int) {}
