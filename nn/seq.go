package nn

import (
	"fmt"

	"github.com/settle-pc/settle/tensor"
)

// Seq is a composition of layers, the first one first, that predicts as one: predictive coding has an error at its end and none
// inside. A convolution, its activation and pooling are one g_l that way. Its parameters are those of its layers in order; where
// two have a name in common, the second is called name2, and so on. So are its units.
type Seq[T tensor.Float] struct {
	layers []Layer[T]
	at     []int // of each layer's part of θ; the last is the end
	units  []int // likewise
	slot   []int // of each layer's part of the cache: its own slot, then its output unless it is the last
	widest int   // of the outputs inside
	rows   spare[[]T]
}

var _ Layer[float32] = (*Seq[float32])(nil)

// seqRows is the number of rows that are carried through at a time where room for the outputs between layers is lent.
const seqRows = 16

// NewSeq composes the layers, each of which must take what the one before gives. An activation After a dense layer that is not the first
// with parameters stands apart, as a NewAct: inside a Dense it has its scratch in the cache, which PullParams of earlier layers share.
func NewSeq[T tensor.Float](layers ...Layer[T]) *Seq[T] {
	if len(layers) == 0 {
		panic("nn: composition of no layers")
	}
	s := &Seq[T]{layers: layers, at: []int{0}, units: []int{0}, slot: []int{0}}
	for i, l := range layers {
		in, out := l.Dims()
		if i > 0 {
			if _, before := layers[i-1].Dims(); before != in {
				panic("nn: layers of different widths")
			}
		}
		slot := l.Slot().Floats
		if i < len(layers)-1 {
			slot += out
			s.widest = max(s.widest, out)
		}
		s.at = append(s.at, s.at[i]+paramLen(l))
		s.units = append(s.units, s.units[i]+l.Units())
		s.slot = append(s.slot, s.slot[i]+slot)
	}
	s.rows.make = func() []T { return make([]T, 2*seqRows*s.widest) } // the outputs of two layers
	return s
}

// paramLen is the number of a layer's parameters.
func paramLen[T tensor.Float](l Layer[T]) int {
	n := 0
	for _, p := range l.Params() {
		n += p.Len()
	}
	return n
}

// Dims returns the input of the first layer and the output of the last.
func (s *Seq[T]) Dims() (in, out int) {
	in, _ = s.layers[0].Dims()
	_, out = s.layers[len(s.layers)-1].Dims()
	return in, out
}

// Params returns those of all layers.
func (s *Seq[T]) Params() []Param {
	var all []Param
	seen := map[string]int{}
	for _, l := range s.layers {
		for _, p := range l.Params() {
			name := p.Name
			if seen[name]++; seen[name] > 1 {
				p.Name = fmt.Sprint(name, seen[name])
			}
			all = append(all, p)
		}
	}
	return all
}

// Units returns those of all layers.
func (s *Seq[T]) Units() int { return s.units[len(s.layers)] }

// MACs returns the sum over the layers.
func (s *Seq[T]) MACs() int {
	sum := 0
	for _, l := range s.layers {
		sum += l.MACs()
	}
	return sum
}

// Affine reports whether all layers are.
func (s *Seq[T]) Affine() bool {
	for _, l := range s.layers {
		if !l.Affine() {
			return false
		}
	}
	return true
}

// Smooth reports whether all layers are.
func (s *Seq[T]) Smooth() bool {
	for _, l := range s.layers {
		if !l.Smooth() {
			return false
		}
	}
	return true
}

// Slot holds those of all layers, and what each gives to the next.
func (s *Seq[T]) Slot() Slot { return Slot{Floats: s.slot[len(s.layers)]} }

// Bind gives each layer its part.
func (s *Seq[T]) Bind(theta []T) {
	for i, l := range s.layers {
		l.Bind(theta[s.at[i]:s.at[i+1]])
	}
}

// Pack packs all layers.
func (s *Seq[T]) Pack() {
	for _, l := range s.layers {
		l.Pack()
	}
}

// Draw lets every layer choose, each from a seed of its own.
func (s *Seq[T]) Draw(c Cache[T], seed uint64) {
	for i, l := range s.layers {
		l.Draw(s.cache(c, i), mix(seed, uint64(i)))
	}
}

// Reserve makes room for what goes from layer to layer, and in them.
func (s *Seq[T]) Reserve(calls int) {
	s.rows.reserve(calls)
	for _, l := range s.layers {
		l.Reserve(calls)
	}
}

// cache is layer i's part of the cache.
func (s *Seq[T]) cache(c Cache[T], i int) Cache[T] {
	return Cache[T]{F: c.F.ColsOf(s.slot[i], s.slot[i]+s.layers[i].Slot().Floats)}
}

// output is what layer i, not the last, gave at the last Forward.
func (s *Seq[T]) output(c Cache[T], i int) tensor.Matrix[T] {
	return c.F.ColsOf(s.slot[i]+s.layers[i].Slot().Floats, s.slot[i+1])
}

// Forward composes those of the layers.
func (s *Seq[T]) Forward(dst, z tensor.Matrix[T], c Cache[T]) {
	last := len(s.layers) - 1
	for i, l := range s.layers {
		to := dst
		if i < last {
			to = s.output(c, i)
		}
		l.Forward(to, z, s.cache(c, i))
		z = to
	}
}

// Push composes those of the layers, a few rows at a time.
func (s *Seq[T]) Push(dst, v tensor.Matrix[T], c Cache[T]) {
	room := s.rows.take()
	for lo := 0; lo < v.Rows; lo += seqRows {
		hi := min(lo+seqRows, v.Rows)
		v := v.RowsOf(lo, hi)
		for i, l := range s.layers {
			to := dst.RowsOf(lo, hi)
			if i < len(s.layers)-1 {
				_, out := l.Dims()
				to = s.half(room, i, hi-lo, out)
			}
			l.Push(to, v, s.cache(c, i).RowsOf(lo, hi))
			v = to
		}
	}
	s.rows.give(room)
}

// half is a rows×n matrix in the first or second half of room, in turn.
func (s *Seq[T]) half(room []T, i, rows, n int) tensor.Matrix[T] {
	at := i % 2 * (len(room) / 2)
	return tensor.Of(rows, n, room[at:at+rows*n])
}

// Pull composes those of the layers, the last one first, a few rows at a time.
func (s *Seq[T]) Pull(dst, u tensor.Matrix[T], c Cache[T]) {
	room := s.rows.take()
	for lo := 0; lo < u.Rows; lo += seqRows {
		hi := min(lo+seqRows, u.Rows)
		u := u.RowsOf(lo, hi)
		for i := len(s.layers) - 1; i >= 0; i-- {
			to := dst.RowsOf(lo, hi)
			if i > 0 {
				in, _ := s.layers[i].Dims()
				to = s.half(room, i, hi-lo, in)
			}
			s.layers[i].Pull(to, u, s.cache(c, i).RowsOf(lo, hi))
			u = to
		}
	}
	s.rows.give(room)
}

// PullParams carries u back, a few rows at a time, as far as the layers to which units belong.
func (s *Seq[T]) PullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	for lo := 0; lo < u.Rows; lo += seqRows {
		hi := min(lo+seqRows, u.Rows)
		s.pullParams(grad, units, u.RowsOf(lo, hi), z.RowsOf(lo, hi), c.RowsOf(lo, hi))
	}
}

func (s *Seq[T]) pullParams(grad []T, units Span, u, z tensor.Matrix[T], c Cache[T]) {
	room := s.rows.take()
	for i := len(s.layers) - 1; i >= 0 && units.Lo < s.units[i+1]; i-- {
		l, in := s.layers[i], z
		if i > 0 {
			in = s.output(c, i-1)
		}
		lo, hi := max(units.Lo, s.units[i]), min(units.Hi, s.units[i+1])
		if lo < hi {
			l.PullParams(grad[s.at[i]:s.at[i+1]], Span{lo - s.units[i], hi - s.units[i]}, u, in, s.cache(c, i))
		}
		if i > 0 && units.Lo < s.units[i] {
			to := s.half(room, i, u.Rows, in.Cols)
			l.Pull(to, u, s.cache(c, i))
			u = to
		}
	}
	s.rows.give(room)
}
