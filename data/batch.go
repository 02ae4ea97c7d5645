package data

import "github.com/settle-pc/settle/tensor"

// Batch is B samples, ready for a network.
type Batch[T tensor.Float] struct {
	X      tensor.Matrix[T] // B×Inputs, normalised pixels
	Y      tensor.Matrix[T] // B×Outputs: labels one-hot, unless the set's task is another
	Labels []uint8          // B
	Index  []int            // B: where each sample lies in its split
	Draw   uint64           // seed of the random choices that a network makes for this batch (nn.Trace.Draw)
}

// NewBatch returns an empty batch with room for rows samples of s.
func NewBatch[T tensor.Float](s *Set, rows int) Batch[T] {
	return Batch[T]{
		X:      tensor.New[T](rows, s.Inputs),
		Y:      tensor.New[T](rows, s.Outputs),
		Labels: make([]uint8, rows),
		Index:  make([]int, rows),
	}
}

// RowsOf returns the window of samples lo ≤ i < hi.
func (b Batch[T]) RowsOf(lo, hi int) Batch[T] {
	return Batch[T]{X: b.X.RowsOf(lo, hi), Y: b.Y.RowsOf(lo, hi), Labels: b.Labels[lo:hi], Index: b.Index[lo:hi], Draw: b.Draw}
}

// Fill stores samples lo ≤ i < hi of from, s.Train or s.Test, in the first rows of dst and returns their window. dst has
// at least hi−lo rows. It allocates nothing, but for more than four channels normalised one by one.
func Fill[T tensor.Float](dst Batch[T], s *Set, from Split, lo, hi int) Batch[T] {
	if lo < 0 || hi < lo || hi > from.N() {
		panic("data: samples out of range")
	}
	if hi-lo > len(dst.Index) {
		panic("data: more samples than the batch has rows")
	}
	b := dst.RowsOf(0, hi-lo)
	for i := range b.Index {
		b.Index[i] = lo + i
	}
	var room [4]Table[T] // on the stack, for as many channels
	b.gather(s.Task, from, tablesOf(room[:0], s))
	return b
}

// gather fills the batch with the samples that Index names.
func (b Batch[T]) gather(task Task, from Split, tables []Table[T]) {
	for i, at := range b.Index {
		normalise(b.X.Row(i), from.Image(at), tables)
		b.Labels[i] = from.Labels[at]
		y := b.Y.Row(i)
		switch task {
		case Pixels:
			copy(y, b.X.Row(i))
		case Moments:
			for k, v := range from.Targets[at*len(y) : (at+1)*len(y)] {
				y[k] = T(v)
			}
		default:
			clear(y)
			y[b.Labels[i]] = 1
		}
	}
}

// Table holds the normalised value of each byte. Looking it up is as fast as computing it in T, and more accurate:
// the value is computed in float64 and rounded once.
type Table[T tensor.Float] [256]T

// tablesOf appends the tables of a set to dst: one for all channels, or one for each.
func tablesOf[T tensor.Float](dst []Table[T], s *Set) []Table[T] {
	if s.Channel == nil {
		return append(dst, NewTable[T](s.Mean, s.Std))
	}
	for _, u := range s.Channel {
		dst = append(dst, NewTable[T](u.Mean, u.Std))
	}
	return dst
}

// normalise stores the values of pixels in dst, of the same length, by the tables of tablesOf.
func normalise[T tensor.Float](dst []T, pixels []byte, tables []Table[T]) {
	if len(tables) == 1 {
		tables[0].Normalise(dst, pixels)
		return
	}
	if len(dst) != len(pixels) {
		panic("data: pixels do not fill the row")
	}
	for c := range tables {
		t := &tables[c]
		for i := c; i < len(pixels); i += len(tables) {
			dst[i] = t[pixels[i]]
		}
	}
}

// Normalise stores the values of an image's pixels in dst, of the same length, as batches of s have them.
func Normalise[T tensor.Float](dst []T, s *Set, pixels []byte) {
	normalise(dst, pixels, tablesOf[T](nil, s))
}

// NewTable returns the table of (v/255 − mean)/std.
func NewTable[T tensor.Float](mean, std float64) (t Table[T]) {
	for v := range t {
		t[v] = T((float64(v)/255 - mean) / std)
	}
	return t
}

// Normalise stores the values of pixels in dst, of the same length.
func (t *Table[T]) Normalise(dst []T, pixels []byte) {
	if len(dst) != len(pixels) {
		panic("data: pixels do not fill the row")
	}
	for i, v := range pixels {
		dst[i] = t[v]
	}
}
