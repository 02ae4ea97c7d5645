// Package optim is how a gradient becomes a step of the weights: optimisers, one per file, and learning-rate schedules.
//
// Every optimiser works element by element, so that disjoint ranges of θ can be updated at the same time and the
// result does not depend on how they are divided.
package optim

import (
	"fmt"

	"github.com/settle-pc/settle/tensor"
)

// Optimizer turns gradients into steps. A step is one Advance, then Apply on pieces that cover θ once.
type Optimizer[T tensor.Float] interface {
	// Advance begins step t (counted from 0 over all steps taken): it fixes the learning rate of the step.
	Advance()
	// Apply updates theta, the piece of θ that begins at lo, from its gradient. Calls on disjoint pieces may run at the same time.
	Apply(theta, grad []T, lo int)
	// State is all that is carried from step to step, in views of what the optimiser holds: with the number of steps
	// taken it makes a checkpoint. Slots have the length of θ.
	State() State[T]
	// SetState copies a State of the same kind and size.
	SetState(State[T]) error
}

// State is what an optimiser carries: how many steps it has taken, and named slices laid out like θ.
type State[T tensor.Float] struct {
	Steps int
	Slots []Slot[T]
}

// Slot is one named slice of optimiser state.
type Slot[T tensor.Float] struct {
	Name string
	V    []T
}

// Rate is a learning rate with its schedule: the rate of step t is LR·Schedule.At(t).
type Rate struct {
	LR       float64
	Schedule Schedule // nil: constant
}

// At returns the learning rate of step t.
func (r Rate) At(t int) float64 {
	if r.Schedule == nil {
		return r.LR
	}
	return r.LR * r.Schedule.At(t)
}

// base counts steps, holds the rate of the current one and keeps the state; every optimiser embeds it.
type base[T tensor.Float] struct {
	rate  Rate
	steps int     // begun so far
	lr    float64 // of the current step
	slots []Slot[T]
}

// newBase allocates one slot of n floats for each name.
func newBase[T tensor.Float](rate Rate, n int, names ...string) base[T] {
	b := base[T]{rate: rate}
	for _, name := range names {
		b.slots = append(b.slots, Slot[T]{Name: name, V: make([]T, n)})
	}
	return b
}

// Advance begins the next step.
func (b *base[T]) Advance() {
	b.lr = b.rate.At(b.steps)
	b.steps++
}

// State returns views of all that is carried.
func (b *base[T]) State() State[T] { return State[T]{Steps: b.steps, Slots: b.slots} }

// SetState copies s, whose slots must match in number, name and length.
func (b *base[T]) SetState(s State[T]) error {
	if s.Steps < 0 {
		return fmt.Errorf("optimiser state: %d steps: want 0 or more", s.Steps)
	}
	if len(s.Slots) != len(b.slots) {
		return fmt.Errorf("optimiser state: %d slots: want %d", len(s.Slots), len(b.slots))
	}
	for i, slot := range s.Slots {
		if own := b.slots[i]; slot.Name != own.Name || len(slot.V) != len(own.V) {
			return fmt.Errorf("optimiser state: slot %q of %d: want %q of %d", slot.Name, len(slot.V), own.Name, len(own.V))
		}
	}
	b.steps = s.Steps
	for i, slot := range s.Slots {
		copy(b.slots[i].V, slot.V)
	}
	return nil
}
