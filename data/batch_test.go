package data

import (
	"math"
	"slices"
	"testing"

	"github.com/settle-pc/settle/tensor"
)

// checkBatch compares a batch with the bytes that its index points to, normalised by the definition.
func checkBatch[T tensor.Float](t *testing.T, b Batch[T], s *Set, from Split) {
	t.Helper()
	if b.X.Rows != len(b.Index) || b.Y.Rows != len(b.Index) || len(b.Labels) != len(b.Index) || b.X.Cols != s.Inputs || b.Y.Cols != s.Classes {
		t.Fatalf("X %d×%d, Y %d×%d, %d labels, %d indices", b.X.Rows, b.X.Cols, b.Y.Rows, b.Y.Cols, len(b.Labels), len(b.Index))
	}
	for i, at := range b.Index {
		for j, x := range b.X.Row(i) {
			if want := T((float64(from.Images[at*s.Inputs+j])/255 - s.Mean) / s.Std); x != want {
				t.Fatalf("row %d, pixel %d of image %d: %v, want %v", i, j, at, x, want)
			}
		}
		for c, y := range b.Y.Row(i) {
			want := T(0)
			if c == int(from.Labels[at]) {
				want = 1
			}
			if y != want {
				t.Fatalf("row %d, class %d of image %d: %v, want %v", i, c, at, y, want)
			}
		}
		if b.Labels[i] != from.Labels[at] {
			t.Fatalf("row %d: label %d of image %d, want %d", i, b.Labels[i], at, from.Labels[at])
		}
	}
}

func TestFill(t *testing.T) {
	t.Run("float32", testFill[float32])
	t.Run("float64", testFill[float64])
}

func testFill[T tensor.Float](t *testing.T) {
	s := Synthetic(1, 60, 3, 5, 4)
	room := NewBatch[T](s, 7)
	for _, r := range [][2]int{{0, 7}, {3, 6}, {53, 60}, {10, 17}, {20, 20}} {
		b := Fill(room, s, s.Train, r[0], r[1])
		for i := range b.Index {
			if b.Index[i] != r[0]+i {
				t.Errorf("%v: index %v", r, b.Index)
			}
		}
		if len(b.Index) != r[1]-r[0] {
			t.Errorf("%v: %d rows", r, len(b.Index))
		}
		checkBatch(t, b, s, s.Train)
	}
	checkBatch(t, Fill(room, s, s.Test, 8, 15), s, s.Test)
	for name, f := range map[string]func(){
		"below the split":  func() { Fill(room, s, s.Test, -1, 3) },
		"beyond the split": func() { Fill(room, s, s.Test, 14, 16) },
		"backwards":        func() { Fill(room, s, s.Test, 3, 2) },
		"beyond the batch": func() { Fill(room, s, s.Test, 0, 8) },
	} {
		if !panics(f) {
			t.Errorf("%s: no panic", name)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Fill(room, s, s.Test, 0, 7) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBatchWindow(t *testing.T) {
	s := Synthetic(2, 20, 2, 2, 3)
	b := Fill(NewBatch[float64](s, 9), s, s.Train, 5, 14)
	w := b.RowsOf(2, 6)
	if !slices.Equal(w.Index, []int{7, 8, 9, 10}) {
		t.Errorf("window has images %v, want 7 to 10", w.Index)
	}
	checkBatch(t, w, s, s.Train)
}

// TestTableIsNormal checks the table over the pixels it was made for: mean 0 and deviation 1, up to the four decimals.
func TestTableIsNormal(t *testing.T) {
	s := loadMNIST(t)
	table := NewTable[float32](s.Mean, s.Std)
	var count [256]float64
	for _, v := range s.Train.Images {
		count[v]++
	}
	var sum, squares float64
	for v, c := range count {
		sum += c * float64(table[v])
		squares += c * float64(table[v]) * float64(table[v])
	}
	n := float64(len(s.Train.Images))
	// Half a unit of the fourth decimal, over a deviation of 0.3.
	const tol = 0.5e-4 / 0.3
	if mean, std := sum/n, math.Sqrt(squares/n); math.Abs(mean) > tol || math.Abs(std-1) > tol {
		t.Errorf("mean %v, deviation %v, want 0, 1", mean, std)
	}
	if !panics(func() { table.Normalise(make([]float32, 3), make([]byte, 2)) }) {
		t.Error("a row of another length was filled")
	}
}
