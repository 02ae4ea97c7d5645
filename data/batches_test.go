package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/tensor"
)

func mustBatches[T tensor.Float](t testing.TB, s *Set, size int, seed uint64) *Batches[T] {
	t.Helper()
	b, err := NewBatches[T](s, size, seed)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOrderIsPinned holds the order to the documented one, computed by an independent program (Python, from the
// definition of PCG-DXSM). Results of runs refer to seeds, so it never changes.
func TestOrderIsPinned(t *testing.T) {
	for _, c := range []struct {
		n           int
		seed, epoch uint64
		want        []int // the first ones
	}{
		{10, 0, 0, []int{4, 8, 1, 5, 0, 7, 3, 9, 6, 2}},
		{10, 0, 1, []int{6, 4, 5, 9, 7, 3, 2, 8, 0, 1}},
		{10, 1, 0, []int{7, 6, 1, 3, 2, 4, 8, 9, 0, 5}},
		{60000, 42, 3, []int{33703, 58504, 26383, 6406, 15615, 25783, 18705, 13560}},
		{60000, math.MaxUint64, 0, []int{30151, 22487, 25807, 35897, 35805, 52685, 54861, 50192}},
	} {
		got := make([]int, c.n)
		shuffle(got, c.seed, c.epoch)
		if !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("%d images, seed %d, epoch %d: %v, want %v", c.n, c.seed, c.epoch, got[:len(c.want)], c.want)
		}
	}
	b := mustBatches[float32](t, loadMNIST(t), 4, 42)
	b.Seek(3 * 15000)
	if got, want := b.Next().Index, []int{33703, 58504, 26383, 6406}; !slices.Equal(got, want) {
		t.Errorf("first batch of epoch 3: %v, want %v", got, want)
	}
}

// TestOrdersAreUniformAndIndependent counts the orders of 4 images, and the pairs of first images, of neighbouring
// epochs and of neighbouring seeds, whose generators start next to each other.
func TestOrdersAreUniformAndIndependent(t *testing.T) {
	const draws = 12000
	for name, at := range map[string]func(k uint64) (seed, epoch uint64){
		"epochs": func(k uint64) (uint64, uint64) { return 5, k },
		"seeds":  func(k uint64) (uint64, uint64) { return k, 0 },
	} {
		orders, pairs := map[[4]int]int{}, map[[2]int]int{}
		previous := 0
		for k := range uint64(draws) {
			var o [4]int
			seed, epoch := at(k)
			shuffle(o[:], seed, epoch)
			orders[o]++
			pairs[[2]int{previous, o[0]}]++
			previous = o[0]
		}
		// Chi squared with 23 (15) degrees of freedom exceeds 60 (48) by chance once in 30000 times.
		if x := chiSquared(orders, draws, 24); x > 60 {
			t.Errorf("%s: chi squared of the 24 orders is %.1f", name, x)
		}
		if x := chiSquared(pairs, draws, 16); x > 48 {
			t.Errorf("%s: chi squared of the 16 pairs of first images is %.1f", name, x)
		}
	}
}

func chiSquared[K comparable](count map[K]int, draws, cells int) float64 {
	want := float64(draws) / float64(cells)
	x := want * float64(cells-len(count)) // cells never met
	for _, c := range count {
		x += (float64(c) - want) * (float64(c) - want) / want
	}
	return x
}

func TestEpochCoversDistinctImages(t *testing.T) {
	t.Run("float32", testEpoch[float32])
	t.Run("float64", testEpoch[float64])
}

func testEpoch[T tensor.Float](t *testing.T) {
	s := Synthetic(1, 50, 3, 3, 4)
	b := mustBatches[T](t, s, 8, 9)
	if b.PerEpoch() != 6 {
		t.Fatalf("%d batches of 8 in 50 images, want 6", b.PerEpoch())
	}
	var epochs [][]int
	for range 3 {
		var seen []int
		for range b.PerEpoch() {
			batch := b.Next()
			checkBatch(t, batch, s, s.Train)
			seen = append(seen, batch.Index...)
		}
		epochs = append(epochs, slices.Clone(seen))
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 48 || seen[0] < 0 || seen[47] > 49 {
			t.Errorf("an epoch deals %v", seen)
		}
	}
	if slices.Equal(epochs[0], epochs[1]) || slices.Equal(epochs[1], epochs[2]) {
		t.Error("two epochs in the same order")
	}
	if b.Step() != 18 {
		t.Errorf("step %d after 18 batches", b.Step())
	}
}

func TestOrderDependsOnSeedOnly(t *testing.T) {
	s := Synthetic(2, 48, 2, 2, 3)
	deal := func(size int, seed uint64) (order []int) {
		b := mustBatches[float32](t, s, size, seed)
		for range 2 * b.PerEpoch() {
			order = append(order, b.Next().Index...)
		}
		return order
	}
	want := deal(8, 1)
	for _, size := range []int{1, 6, 48} {
		if got := deal(size, 1); !slices.Equal(got, want) {
			t.Errorf("batches of %d: another order than batches of 8", size)
		}
	}
	if slices.Equal(deal(8, 2), want) {
		t.Error("seeds 1 and 2 deal the same order")
	}
}

func TestSeekEqualsStepping(t *testing.T) {
	s := Synthetic(3, 23, 2, 3, 3)
	stepped := mustBatches[float64](t, s, 5, 7) // 4 an epoch
	var want []Batch[float64]
	for range 13 {
		b := stepped.Next()
		c := NewBatch[float64](s, 5)
		c.X.CopyFrom(b.X)
		c.Y.CopyFrom(b.Y)
		copy(c.Labels, b.Labels)
		copy(c.Index, b.Index)
		want = append(want, c)
	}
	sought := mustBatches[float64](t, s, 5, 7)
	for _, step := range []int{12, 0, 4, 3, 3, 7, 8, 1} { // back and forth over the ends of epochs
		sought.Seek(step)
		if sought.Step() != step {
			t.Errorf("step %d after Seek(%d)", sought.Step(), step)
		}
		for k := step; k < min(step+2, 13); k++ {
			got := sought.Next()
			if !slices.Equal(got.Index, want[k].Index) || !slices.Equal(got.X.Data, want[k].X.Data) ||
				!slices.Equal(got.Y.Data, want[k].Y.Data) || !slices.Equal(got.Labels, want[k].Labels) {
				t.Errorf("batch %d after Seek(%d) has images %v, want %v", k, step, got.Index, want[k].Index)
			}
		}
	}
	if !panics(func() { sought.Seek(-1) }) {
		t.Error("Seek(-1) accepted")
	}
}

func TestBatchSizeOutOfRange(t *testing.T) {
	s := Synthetic(4, 20, 2, 2, 3)
	for _, size := range []int{-1, 0, 21} {
		if _, err := NewBatches[float32](s, size, 0); err == nil || !strings.Contains(err.Error(), "batch size") || !strings.Contains(err.Error(), "1 to 20") {
			t.Errorf("batch size %d: %v", size, err)
		}
	}
	if b := mustBatches[float32](t, s, 20, 0); b.PerEpoch() != 1 {
		t.Errorf("%d batches of 20 in 20 images", b.PerEpoch())
	}
}

// TestDrawsDifferFromBatchToBatch and from seed to seed, and are the same after a Seek.
func TestDrawsDifferFromBatchToBatch(t *testing.T) {
	s := Synthetic(5, 50, 4, 4, 3)
	seen := map[uint64]bool{}
	for seed := range uint64(3) {
		b := mustBatches[float32](t, s, 16, seed)
		var draws []uint64
		for range 7 {
			d := b.Next().Draw
			if seen[d] {
				t.Errorf("seed %d: a batch with the draws of another", seed)
			}
			seen[d] = true
			draws = append(draws, d)
		}
		b.Seek(5)
		if b.Next().Draw != draws[5] {
			t.Errorf("seed %d: other draws after a Seek", seed)
		}
	}
}

// TestNextAllocatesNothing includes ends of epochs.
func TestNextAllocatesNothing(t *testing.T) {
	s := Synthetic(5, 50, 4, 4, 3)
	for _, size := range []int{16, 50} {
		b := mustBatches[float32](t, s, size, 0)
		if n := testing.AllocsPerRun(100, func() { b.Next() }); n != 0 {
			t.Errorf("batches of %d: %v allocations", size, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	batches := mustBatches[float32](b, loadMNIST(b), 64, 0)
	b.ReportAllocs()
	for b.Loop() {
		batches.Next()
	}
}

func BenchmarkShuffle(b *testing.B) {
	order := make([]int, 60000)
	for b.Loop() {
		shuffle(order, 1, 2)
	}
}
