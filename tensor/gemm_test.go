package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The sizes stand at, one below and one above every edge of the kernels: tiles, the eight unrolled steps, blocks of AddMulT; one
// to three registers of columns.
var (
	rowSizes   = []int{0, 1, tileRows, tileRows + 1, 4, 5, 7, 8, 9, 16, 23}
	depthSizes = []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 30}
	colSizes   = []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 97}
	batchSizes = []int{0, 1, minDepth - 1, minDepth, minDepth + 1, blockDepth - 1, blockDepth, blockDepth + 1, 2*blockDepth + minDepth}
	blockSizes = []int{0, 1, 2, 3, 4, 7, 8, 9, 12, blockRows - 1, blockRows, blockRows + 1, 2*blockRows + 1}
)

func TestNaiveProductsByHand(t *testing.T) {
	a := Of(2, 3, []float64{1, 2, 3, 4, 5, 6})
	w := Of(3, 2, []float64{7, 8, 9, 10, 11, 12})
	wt := Of(2, 3, []float64{7, 9, 11, 8, 10, 12})
	at := Of(3, 2, []float64{1, 4, 2, 5, 3, 6})
	dst := New[float64](2, 2)
	expect := func(name string, want ...float64) {
		t.Helper()
		if !slices.Equal(dst.Data, want) {
			t.Errorf("%s = %v, want %v", name, dst.Data, want)
		}
	}
	NaiveMul(dst, a, w)
	expect("NaiveMul", 58, 64, 139, 154)
	NaiveMulT(dst, a, wt)
	expect("NaiveMulT", 58, 64, 139, 154)
	NaiveAddMulT(dst, at, w)
	expect("NaiveAddMulT on top", 2*58, 2*64, 2*139, 2*154)
}

func TestMulIsItsDefinitionToTheBit(t *testing.T) {
	both(t, checkMul[float32], checkMul[float64])
}

func checkMul[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	var p Packed[T] // one for all sizes: leftovers of a larger operand must not show
	for _, rows := range rowSizes {
		for _, k := range depthSizes {
			for _, n := range colSizes {
				size := fmt.Sprintf("%d×%d×%d", rows, k, n)
				a, w, want := random[T](rng, rows, k), random[T](rng, k, n), New[T](rows, n)

				dst, around := guarded[T](rng, rows, n)
				p.Pack(w)
				Mul(dst, a, &p)
				wantMul(want, a, w)
				if d := differing(dst, want); d != 0 || !intact(around, rows, n) {
					t.Fatalf("E W %s: %d elements differ from naive, or written outside the window", size, d)
				}

				w = random[T](rng, n, k)
				dst, around = guarded[T](rng, rows, n)
				p.PackT(w)
				Mul(dst, a, &p)
				wantMulT(want, a, w)
				if d := differing(dst, want); d != 0 || !intact(around, rows, n) {
					t.Fatalf("Z Wᵀ %s: %d elements differ from naive, or written outside the window", size, d)
				}
			}
		}
	}
}

func TestAddMulTIsItsDefinitionToTheBit(t *testing.T) {
	both(t, checkAddMulT[float32], checkAddMulT[float64])
}

func checkAddMulT[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for _, B := range batchSizes {
		for _, m := range blockSizes {
			for _, n := range colSizes {
				e, z := random[T](rng, B, m), random[T](rng, B, n)
				dst, around := guarded[T](rng, m, n)
				want := clone(dst)
				AddMulT(dst, e, z)
				wantAddMulT(want, e, z)
				if d := differing(dst, want); d != 0 || !intact(around, m, n) {
					t.Fatalf("EᵀZ %d×%d×%d: %d elements differ from naive, or written outside the window", B, m, n, d)
				}
			}
		}
	}
}

// The comparison must see what it is there for: another order of summation, and a more accurate accumulator.
func TestComparisonSeesOrderAndRounding(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	const rows, k, n = 5, 40, 6
	a, w, got := random[float32](rng, rows, k), random[float32](rng, k, n), New[float32](rows, n)
	var p Packed[float32]
	p.Pack(w)
	Mul(got, a, &p)
	descending, wide := New[float32](rows, n), New[float32](rows, n)
	for i := range rows {
		for j := range n {
			var s float32
			var s64 float64
			for l := range k {
				s += float32(a.Row(i)[k-1-l] * w.Row(k - 1 - l)[j])
				s64 += float64(a.Row(i)[l]) * float64(w.Row(l)[j])
			}
			descending.Row(i)[j], wide.Row(i)[j] = s, float32(s64)
		}
	}
	if differing(got, descending) == 0 {
		t.Error("sums over descending k pass for sums over ascending k")
	}
	if differing(got, wide) == 0 {
		t.Error("sums in float64 pass for sums in float32")
	}
}

// (1+ε)² = 1 + 2ε + ε² rounds to 1 + 2ε when ε² is half a unit in the last place. Less 1 + 2ε that is 0, and ε² where fused:
// the portable kernels must not fuse, whatever the compiler would like, and the others must.
func TestProductsAreRoundedAsTheLevelSays(t *testing.T) {
	both(t,
		func(t *testing.T) { checkRounded[float32](t, 0x1p-12) },
		func(t *testing.T) { checkRounded[float64](t, 0x1p-26*math.Sqrt2) })
}

func checkRounded[T Float](t *testing.T, eps T) {
	x := 1 + eps
	sq := T(x * x)
	fused := T(math.FMA(float64(x), float64(x), -float64(sq)))
	if fused == 0 {
		t.Fatal("the square is exact: the test shows nothing")
	}
	product := T(0)
	if !portable[T]() {
		product = fused
	}
	// Row 0 of the operand is −x², row 1 is x, at all widths and in full and single rows of tiles.
	for _, depth := range []int{2, 8, 16} {
		for n := 1; n <= 2*tileCols; n++ {
			a, w, dst := New[T](tileRows+1, depth), New[T](depth, n), New[T](tileRows+1, n)
			for i := range a.Rows {
				a.Row(i)[0], a.Row(i)[depth-1] = 1, x
			}
			for j := range n {
				w.Row(0)[j], w.Row(depth - 1)[j] = -sq, x
			}
			var p Packed[T]
			p.Pack(w)
			Mul(dst, a, &p)
			expectAll(t, "Mul", dst, product)
			NaiveMul(dst, a, w)
			expectAll(t, "NaiveMul", dst, 0)
			at := New[T](depth, a.Rows)
			transpose(at, a)
			clear(dst.Data)
			AddMulT(dst, at, w)
			expectAll(t, "AddMulT", dst, product)
			clear(dst.Data)
			NaiveAddMulT(dst, at, w)
			expectAll(t, "NaiveAddMulT", dst, 0)
			Axpy(w.Row(0), x, w.Row(depth-1))
			expectAll(t, "Axpy", w.RowsOf(0, 1), 0)
		}
	}
}

func expectAll[T Float](t *testing.T, name string, m Matrix[T], want T) {
	t.Helper()
	for i := range m.Rows {
		for j, x := range m.Row(i) {
			if x != want {
				t.Fatalf("%s: element (%d, %d) of %d×%d is %v, want %v", name, i, j, m.Rows, m.Cols, x, want)
			}
		}
	}
}

func TestRowOfAProductDoesNotDependOnItsCompany(t *testing.T) {
	both(t, checkRowIndependence[float32], checkRowIndependence[float64])
}

func checkRowIndependence[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	const rows, k, n = 19, 21, 61
	a, w, all := random[T](rng, rows, k), random[T](rng, k, n), New[T](rows, n)
	var p Packed[T]
	p.Pack(w)
	Mul(all, a, &p)
	for lo := range rows {
		for hi := lo; hi <= rows; hi++ {
			some := New[T](hi-lo, n)
			Mul(some, a.RowsOf(lo, hi), &p)
			if d := differing(some, all.RowsOf(lo, hi)); d != 0 {
				t.Fatalf("rows %d…%d: %d elements differ from those of the whole", lo, hi-1, d)
			}
		}
	}
}

func TestGradientDoesNotDependOnHowItIsSplit(t *testing.T) {
	both(t, checkSplit[float32], checkSplit[float64])
}

func checkSplit[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 0))
	const B, m, n = blockDepth + minDepth + 1, blockRows + 5, 11
	e, z, start := random[T](rng, B, m), random[T](rng, B, n), random[T](rng, m, n)
	whole := clone(start)
	AddMulT(whole, e, z)
	for cut := range m + 1 { // columns of e: rows of the gradient
		dst := clone(start)
		AddMulT(dst.RowsOf(cut, m), e.ColsOf(cut, m), z)
		AddMulT(dst.RowsOf(0, cut), e.ColsOf(0, cut), z)
		if d := differing(dst, whole); d != 0 {
			t.Fatalf("columns of e cut at %d: %d elements differ", cut, d)
		}
	}
	for cut := range n + 1 {
		dst := clone(start)
		AddMulT(dst.ColsOf(0, cut), e, z.ColsOf(0, cut))
		AddMulT(dst.ColsOf(cut, n), e, z.ColsOf(cut, n))
		if d := differing(dst, whole); d != 0 {
			t.Fatalf("columns of z cut at %d: %d elements differ", cut, d)
		}
	}
	for cut := range B + 1 {
		dst := clone(start)
		AddMulT(dst, e.RowsOf(0, cut), z.RowsOf(0, cut))
		AddMulT(dst, e.RowsOf(cut, B), z.RowsOf(cut, B))
		if d := differing(dst, whole); d != 0 {
			t.Fatalf("rows cut at %d: %d elements differ", cut, d)
		}
	}
}

// One bad element of an operand reaches exactly the elements that it is multiplied into, also where it meets a zero.
func TestBadElementsPropagate(t *testing.T) {
	for _, k := range []int{minDepth - 1, minDepth + 11} {
		both(t, func(t *testing.T) { checkBad[float32](t, k) }, func(t *testing.T) { checkBad[float64](t, k) })
	}
}

func checkBad[T Float](t *testing.T, k int) {
	const rows, n = 11, 61
	for _, bad := range []T{T(math.NaN()), T(math.Inf(1)), T(math.Inf(-1))} {
		for at := range k {
			a, w, dst := New[T](rows, k), New[T](k, n), New[T](rows, n)
			var p Packed[T]
			a.Row(3)[at] = bad // times the zeros of w
			p.Pack(w)
			Mul(dst, a, &p)
			expectBad(t, "Mul, bad a", dst, func(i, _ int) bool { return i == 3 })
			at2 := New[T](k, rows)
			transpose(at2, a)
			clear(dst.Data)
			AddMulT(dst, at2, w)
			expectBad(t, "AddMulT, bad e", dst, func(i, _ int) bool { return i == 3 })

			clear(a.Data)
			w.Row(at)[5] = bad // times the zeros of a
			p.Pack(w)
			Mul(dst, a, &p)
			expectBad(t, "Mul, bad w", dst, func(_, j int) bool { return j == 5 })
			clear(at2.Data)
			clear(dst.Data)
			AddMulT(dst, at2, w)
			expectBad(t, "AddMulT, bad z", dst, func(_, j int) bool { return j == 5 })
		}
	}
}

func expectBad[T Float](t *testing.T, name string, m Matrix[T], bad func(i, j int) bool) {
	t.Helper()
	for i := range m.Rows {
		for j, x := range m.Row(i) {
			if isNaN := x != x; isNaN != bad(i, j) {
				t.Fatalf("%s: element (%d, %d) is %v", name, i, j, x)
			}
		}
	}
}

func TestPackCopies(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	a, w := random[float32](rng, 2, 5), random[float32](rng, 5, 6)
	before, after := New[float32](2, 6), New[float32](2, 6)
	var p Packed[float32]
	p.Pack(w)
	Mul(before, a, &p)
	Zero(w)
	Mul(after, a, &p)
	if differing(before, after) != 0 {
		t.Error("the packed operand changed with the matrix")
	}
}

// TestRowsPackedAnewAreAsIfAllWere: rows that have changed, wherever they are cut, in either orientation; and no others are looked at.
func TestRowsPackedAnewAreAsIfAllWere(t *testing.T) {
	both(t, checkPackRows[float32], checkPackRows[float64])
}

func checkPackRows[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 0))
	for _, rows := range []int{1, 7, 8, 17, 47, 48, 49, 97} {
		for _, cols := range []int{0, 1, 3, 8, 9, 24, 50} {
			w, all := guarded[T](rng, rows, cols)
			var p, pt, want, wantT Packed[T]
			p.Pack(w)
			pt.PackT(w)
			for range 4 {
				lo, mid, hi := rng.IntN(rows+1), rng.IntN(rows+1), rng.IntN(rows+1)
				lo, hi = min(lo, mid, hi), max(lo, mid, hi)
				mid = lo + (hi-lo)/3
				fill(rng, all) // what is not packed now must not show
				kept := clone(w)
				for _, s := range [][2]int{{mid, hi}, {lo, mid}} {
					p.PackRows(w, s[0], s[1])
					pt.PackTRows(w, s[0], s[1])
				}
				fill(rng, w)
				w.RowsOf(lo, hi).CopyFrom(kept.RowsOf(lo, hi))
				p.PackRows(w, 0, lo)
				pt.PackTRows(w, 0, lo)
				p.PackRows(w, hi, rows)
				pt.PackTRows(w, hi, rows)
				want.Pack(w)
				wantT.PackT(w)
				if !slices.Equal(p.data, want.data) || !slices.Equal(pt.data, wantT.data) {
					t.Fatalf("rows %d to %d and the others of %d×%d are not packed as all at once", lo, hi, rows, cols)
				}
			}
		}
	}
}

// The padding of the last panel is never part of a result, but what a larger operand left there could be slow (subnormal).
func TestPanelsAreFilledUpWithZeros(t *testing.T) {
	both(t, checkPadding[float32], checkPadding[float64])
}

func checkPadding[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 0))
	for _, pack := range []func(p *Packed[T], w Matrix[T]){(*Packed[T]).Pack, (*Packed[T]).PackT} {
		var p Packed[T]
		width := panelCols[T]()
		pack(&p, random[T](rng, 2*width, 2*width))
		pack(&p, random[T](rng, width+1, width+1))
		panel := Of(p.k, width, p.panel(width))
		if padding := panel.ColsOf(1, width); differing(padding, New[T](p.k, width-1)) != 0 {
			t.Errorf("the last panel of one column is %v", panel.Data)
		}
	}
}

func TestProductsDoNotAllocate(t *testing.T) {
	both(t, checkAllocs[float32], checkAllocs[float64])
}

func checkAllocs[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	z, e := random[T](rng, 17, 33), random[T](rng, 17, 21)
	w, dst, grad := random[T](rng, 21, 33), New[T](17, 21), New[T](21, 33)
	var p Packed[T]
	p.Pack(w) // 21×33 takes the most room
	for name, call := range map[string]func(){
		"Pack":    func() { p.Pack(w); p.Pack(w.ColsOf(0, 7)) },
		"PackT":   func() { p.PackT(w) },
		"Mul":     func() { Mul(dst, z, &p) },
		"AddMulT": func() { AddMulT(grad, e, z) },
	} {
		p.PackT(w)
		if n := testing.AllocsPerRun(10, call); n != 0 {
			t.Errorf("%s: %v allocations per call", name, n)
		}
	}
}

func TestProductsPanic(t *testing.T) {
	m := New[float32]
	var p Packed[float32] // 3×5
	p.Pack(m(3, 5))
	panics(t, []panicCase{
		{"Mul", "tensor: row mismatch", func() { Mul(m(2, 5), m(1, 3), &p) }},
		{"Mul", "tensor: operand of another shape", func() { Mul(m(2, 5), m(2, 4), &p) }},
		{"Mul", "tensor: operand of another shape", func() { Mul(m(2, 4), m(2, 3), &p) }},
		{"Mul", "tensor: operand of another shape", func() { Mul(m(2, 5), m(2, 3), new(Packed[float32])) }},
		{"PackRows", "tensor: operand of another shape", func() { p.PackRows(m(5, 3), 0, 1) }},
		{"PackRows", "tensor: rows out of range", func() { p.PackRows(m(3, 5), 2, 4) }},
		{"PackTRows", "tensor: operand of another shape", func() { p.PackTRows(m(3, 5), 0, 1) }},
		{"PackTRows", "tensor: rows out of range", func() { p.PackTRows(m(5, 3), 4, 6) }},
		{"AddMulT", "tensor: row mismatch", func() { AddMulT(m(3, 4), m(2, 3), m(1, 4)) }},
		{"AddMulT", "tensor: gradient of another shape", func() { AddMulT(m(2, 4), m(2, 3), m(2, 4)) }},
		{"AddMulT", "tensor: gradient of another shape", func() { AddMulT(m(3, 3), m(2, 3), m(2, 4)) }},
		{"NaiveMul", "tensor: operands of different shapes", func() { NaiveMul(m(2, 4), m(2, 3), m(4, 4)) }},
		{"NaiveMulT", "tensor: operands of different shapes", func() { NaiveMulT(m(2, 4), m(2, 3), m(3, 4)) }},
		{"NaiveAddMulT", "tensor: operands of different shapes", func() { NaiveAddMulT(m(3, 4), m(2, 3), m(1, 4)) }},
	})
}
