package data

import (
	"fmt"
	"math/bits"
	"math/rand/v2"

	"github.com/settle-pc/settle/tensor"
)

// Batches deals the training images of a set in shuffled minibatches, without end.
//
// Epoch k (from 0) uses each image at most once, in an order that depends on the seed, on k and on the number of
// training images, and on nothing else: not on earlier epochs, the batch size, the element type, the machine or the
// version of Go. It starts from 0, 1, … n−1; for i from n−1 down to 1, position i is exchanged with position
// j = ⌊u(i+1)/2⁶⁴⌋, where u is the next output of PCG-DXSM (math/rand/v2) with the 128-bit state seed·2⁶⁴ + k:
// Fisher–Yates, with a bias below 2⁻³² where n < 2³². The n mod size images that do not fill a batch at the end of
// an epoch sit it out.
//
// A value serves one goroutine.
type Batches[T tensor.Float] struct {
	set    *Set
	seed   uint64
	tables []Table[T]
	batch  Batch[T]
	step   int   // of the batch that Next deals next
	epoch  int   // that order belongs to, −1 at first
	order  []int // of the training images
}

// NewBatches returns the batches of size images of s.Train that the seed gives, at the first of them.
func NewBatches[T tensor.Float](s *Set, size int, seed uint64) (*Batches[T], error) {
	if n := s.Train.N(); size < 1 || size > n {
		return nil, fmt.Errorf("data: batch size %d: %s has %d training images (accepted: 1 to %d)", size, s.Name, n, n)
	}
	return &Batches[T]{
		set:    s,
		seed:   seed,
		tables: tablesOf[T](nil, s),
		batch:  NewBatch[T](s, size),
		epoch:  -1,
		order:  make([]int, s.Train.N()),
	}, nil
}

// PerEpoch returns the number of batches in an epoch.
func (b *Batches[T]) PerEpoch() int { return b.set.Train.N() / len(b.batch.Index) }

// Step returns the number of the batch that Next deals next, counted from 0 at the start of training.
func (b *Batches[T]) Step() int { return b.step }

// Seek makes Next deal batch number step: the state of training that Step returned.
func (b *Batches[T]) Seek(step int) {
	if step < 0 {
		panic("data: negative step")
	}
	b.step = step
}

// Next deals the next batch, which holds until the next call: every batch uses the same memory. It allocates nothing.
func (b *Batches[T]) Next() Batch[T] {
	per := b.PerEpoch()
	if epoch := b.step / per; epoch != b.epoch {
		shuffle(b.order, b.seed, uint64(epoch))
		b.epoch = epoch
	}
	copy(b.batch.Index, b.order[b.step%per*len(b.batch.Index):])
	b.batch.gather(b.set.Task, b.set.Train, b.tables)
	b.batch.Draw = drawSeed(b.seed, b.step)
	b.step++
	return b.batch
}

// drawSeed is another number for every batch of every seed, as good as at random, so that random choices go on after a resume as
// if there had been none.
func drawSeed(seed uint64, step int) uint64 {
	var source rand.PCG
	source.Seed(seed, ^uint64(step)) // an epoch's order uses small second numbers
	return source.Uint64()
}

// shuffle stores the order of an epoch. rand.Shuffle is not used because its draws are not promised to stay the same.
func shuffle(order []int, seed, epoch uint64) {
	var source rand.PCG
	source.Seed(seed, epoch)
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		j := below(&source, i+1)
		order[i], order[j] = order[j], order[i]
	}
}

// below draws from 0 … n−1.
func below(source *rand.PCG, n int) int {
	j, _ := bits.Mul64(source.Uint64(), uint64(n))
	return int(j)
}
