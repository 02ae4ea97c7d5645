package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

// guarded returns a rows×cols window, filled from rng, and the larger matrix around it, where every other element is NaN:
// reading outside the window spoils a result, and writing outside it shows in intact.
func guarded[T Float](rng *rand.Rand, rows, cols int) (window, around Matrix[T]) {
	around = New[T](rows+2, cols+3)
	for i := range around.Data {
		around.Data[i] = T(math.NaN())
	}
	window = around.RowsOf(1, rows+1).ColsOf(1, cols+1)
	fill(rng, window)
	return window, around
}

// random returns such a window alone.
func random[T Float](rng *rand.Rand, rows, cols int) Matrix[T] {
	m, _ := guarded[T](rng, rows, cols)
	return m
}

func fill[T Float](rng *rand.Rand, m Matrix[T]) {
	for i := range m.Rows {
		for j := range m.Cols {
			m.Row(i)[j] = T(rng.NormFloat64())
		}
	}
}

// clone returns a copy of m without gaps between its rows.
func clone[T Float](m Matrix[T]) Matrix[T] {
	c := New[T](m.Rows, m.Cols)
	c.CopyFrom(m)
	return c
}

// same reports whether x and y have the same bits; all NaN count as one, since which of two a sum passes on is not promised.
func same[T Float](x, y T) bool {
	return x == y && math.Signbit(float64(x)) == math.Signbit(float64(y)) || x != x && y != y
}

// differing counts the elements that are not the same in a and b, of one shape.
func differing[T Float](a, b Matrix[T]) int {
	n := 0
	for i := range a.Rows {
		for j, x := range a.Row(i) {
			if !same(x, b.Row(i)[j]) {
				n++
			}
		}
	}
	return n
}

// intact reports whether around still is NaN everywhere outside its rows×cols window.
func intact[T Float](around Matrix[T], rows, cols int) bool {
	for i := range around.Rows {
		for j, x := range around.Row(i) {
			inside := 1 <= i && i <= rows && 1 <= j && j <= cols
			if !inside && x == x {
				return false
			}
		}
	}
	return true
}

func TestWindowsShareTheirElements(t *testing.T) {
	m := New[float32](5, 7)
	for i := range m.Data {
		m.Data[i] = float32(i)
	}
	w := m.RowsOf(1, 4).ColsOf(2, 6)
	if w.Rows != 3 || w.Cols != 4 || w.Stride != 7 {
		t.Fatalf("window is %d×%d, stride %d", w.Rows, w.Cols, w.Stride)
	}
	for i := range w.Rows {
		if len(w.Row(i)) != 4 || cap(w.Row(i)) != 4 {
			t.Fatalf("row %d: len %d, cap %d, want 4", i, len(w.Row(i)), cap(w.Row(i)))
		}
		for j, x := range w.Row(i) {
			if want := float32(7*(i+1) + j + 2); x != want {
				t.Errorf("element (%d, %d) = %v, want %v", i, j, x, want)
			}
		}
	}
	if same, other := w.ColsOf(1, 3).RowsOf(2, 3).Row(0), m.Row(3)[3:5]; &same[0] != &other[0] {
		t.Error("a window of a window does not share its elements")
	}
	if last := &w.Data[len(w.Data)-1]; last != &m.Row(3)[5] {
		t.Error("a window's Data does not end at its last element")
	}
}

func TestEmptyWindowsHaveRows(t *testing.T) {
	m := New[float64](4, 3)
	for lo := range m.Cols + 1 {
		w := m.ColsOf(lo, lo)
		if w.Rows != 4 || w.Cols != 0 {
			t.Fatalf("ColsOf(%d, %d) is %d×%d, want 4×0", lo, lo, w.Rows, w.Cols)
		}
		for i := range w.Rows {
			if n := len(w.Row(i)); n != 0 {
				t.Errorf("row %d has %d elements", i, n)
			}
		}
		if s := w.RowsOf(1, 3); s.Rows != 2 || len(s.Row(1)) != 0 {
			t.Errorf("rows of a window without columns: %d, want 2", s.Rows)
		}
		if e := w.ColsOf(0, 0); e.Rows != 4 || len(e.Row(3)) != 0 {
			t.Error("a window of a window without columns lost its rows")
		}
	}
	for _, e := range []Matrix[float64]{m.RowsOf(4, 4), m.RowsOf(0, 0).ColsOf(1, 3), New[float64](0, 3), {}} {
		if e.Rows != 0 || e.RowsOf(0, 0).Rows != 0 || e.ColsOf(0, e.Cols).Cols != e.Cols {
			t.Errorf("a matrix without rows became %+v", e)
		}
	}
}

func TestCopyFrom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	src := random[float32](rng, 3, 5)
	dst, around := guarded[float32](rng, 3, 5)
	if differing(dst, src) == 0 {
		t.Fatal("nothing to copy")
	}
	dst.CopyFrom(src)
	if differing(dst, src) != 0 || !intact(around, 3, 5) {
		t.Error("CopyFrom missed elements or went outside its window")
	}
}

func TestMatrixPanics(t *testing.T) {
	m := New[float32](3, 4)
	panics(t, []panicCase{
		{"New", "tensor: negative size", func() { New[float32](-1, 2) }},
		{"New", "tensor: negative size", func() { New[float32](1, -2) }},
		{"Of", "tensor: data does not fill the matrix", func() { Of(2, 3, make([]float32, 5)) }},
		{"Of", "tensor: data does not fill the matrix", func() { Of(-2, -3, make([]float32, 6)) }},
		{"RowsOf", "tensor: rows out of range", func() { m.RowsOf(-1, 2) }},
		{"RowsOf", "tensor: rows out of range", func() { m.RowsOf(2, 1) }},
		{"RowsOf", "tensor: rows out of range", func() { m.RowsOf(0, 4) }},
		{"ColsOf", "tensor: columns out of range", func() { m.ColsOf(-1, 2) }},
		{"ColsOf", "tensor: columns out of range", func() { m.ColsOf(2, 1) }},
		{"ColsOf", "tensor: columns out of range", func() { m.ColsOf(0, 5) }},
		{"CopyFrom", "tensor: copy of another shape", func() { m.CopyFrom(m.RowsOf(0, 2)) }},
		{"CopyFrom", "tensor: copy of another shape", func() { m.CopyFrom(m.ColsOf(0, 3)) }},
	})
}

type panicCase struct {
	name, want string
	call       func()
}

// panics checks that every call panics with its text.
func panics(t *testing.T, cases []panicCase) {
	t.Helper()
	for _, c := range cases {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("%s: panic %v, want %q", c.name, got, c.want)
				}
			}()
			c.call()
		}()
	}
}
