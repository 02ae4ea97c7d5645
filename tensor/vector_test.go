package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

// lengths cross the unrolling of every loop.
var lengths = []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 300}

// naiveDot follows the doc comment of Dot, index by index.
func naiveDot[T Float](x, y []T) float64 {
	if vectorised() {
		return naiveSum(len(x), func(i int) (a, b float64) { return float64(x[i]), float64(y[i]) })
	}
	var s [4]float64
	for i := range x {
		at := i % 4
		if i >= len(x)/4*4 {
			at = 0
		}
		s[at] += float64(float64(x[i]) * float64(y[i]))
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// naiveSum returns Σ_i a_i b_i, i < n, in the sixteen sums of the machine's levels.
func naiveSum(n int, at func(i int) (a, b float64)) float64 {
	var s [16]float64
	for i := range n {
		a, b := at(i)
		s[i%16] = math.FMA(a, b, s[i%16])
	}
	for half := 8; half > 0; half /= 2 {
		for j := range half {
			s[j] += s[j+half]
		}
	}
	return s[0]
}

func TestSecantIsItsDefinition(t *testing.T) {
	both(t, checkSecant[float32], checkSecant[float64])
}

func checkSecant[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 0))
	for _, n := range lengths {
		before, after := random[T](rng, 1, n).Row(0), random[T](rng, 1, n).Row(0)
		g := func(i int) float64 { return float64(before[i]) }
		y := func(i int) float64 { return float64(after[i]) - g(i) }
		sum := func(a, b func(i int) float64) float64 {
			if vectorised() {
				return naiveSum(n, func(i int) (float64, float64) { return a(i), b(i) })
			}
			s := 0.0
			for i := range n {
				s += float64(a(i) * b(i))
			}
			return s
		}
		gg, gy, yy := Secant(before, after)
		if gg != sum(g, g) || gy != sum(g, y) || yy != sum(y, y) {
			t.Errorf("length %d: %v, %v, %v, want %v, %v, %v", n, gg, gy, yy, sum(g, g), sum(g, y), sum(y, y))
		}
	}
}

func TestDotIsItsDefinition(t *testing.T) {
	both(t, checkDot[float32], checkDot[float64])
}

func checkDot[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 0))
	for _, n := range lengths {
		x, y := random[T](rng, 3, n), random[T](rng, 3, n)
		dots, squares := make([]float64, 3), make([]float64, 3)
		DotRows(dots, x, y)
		SquaresRows(squares, x)
		for i := range 3 {
			want := naiveDot(x.Row(i), y.Row(i))
			if got := Dot(x.Row(i), y.Row(i)); got != want || dots[i] != want {
				t.Errorf("row %d of length %d: Dot %v, DotRows %v, want %v", i, n, got, dots[i], want)
			}
			if want := naiveDot(x.Row(i), x.Row(i)); squares[i] != want {
				t.Errorf("row %d of length %d: SquaresRows %v, want %v", i, n, squares[i], want)
			}
		}
	}
}

// A float32 accumulator would lose every 1 after 2²⁴, and a float32 product would overflow.
func TestDotAccumulatesInFloat64(t *testing.T) {
	eachLevel(func() { checkWide(t) })
}

func checkWide(t *testing.T) {
	x := []float32{0x1p24, 1, 1, 1, 1, 1, 1, 1, 0x1p100}
	ones := []float32{1, 1, 1, 1, 1, 1, 1, 1, 0}
	if got := Dot(x, ones); got != 0x1p24+7 {
		t.Errorf("Dot = %v, want %v", got, 0x1p24+7)
	}
	dst := make([]float64, 1)
	SquaresRows(dst, Of(1, 1, x[8:]))
	if dst[0] != 0x1p200 {
		t.Errorf("squared norm of 2¹⁰⁰ = %v, want 2²⁰⁰", dst[0])
	}
}

func TestElementwiseOperations(t *testing.T) {
	both(t, checkElementwise[float32], checkElementwise[float64])
}

func checkElementwise[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 0))
	b, v, v0 := random[T](rng, 1, 300), random[T](rng, 1, 300), random[T](rng, 1, 300)
	c := T(0.3)
	for _, n := range lengths {
		bias, sum, sum0 := b.Row(0)[:n], v.Row(0)[:n], v0.Row(0)[:n]
		factors := []float64{0.7, 0, -1.3}
		for _, op := range []struct {
			name string
			call func(dst, x, y Matrix[T])
			want func(d, x, y T, i, j int) T
		}{
			{"Add", Add[T], func(_, x, y T, _, _ int) T { return x + y }},
			{"Sub", Sub[T], func(_, x, y T, _, _ int) T { return x - y }},
			{"Hadamard", Hadamard[T], func(_, x, y T, _, _ int) T { return x * y }},
			{"Zero", func(dst, _, _ Matrix[T]) { Zero(dst) }, func(_, _, _ T, _, _ int) T { return 0 }},
			{"AddRow", func(dst, _, _ Matrix[T]) { AddRow(dst, bias) }, func(d, _, _ T, _, j int) T { return d + bias[j] }},
			{"AxpyRows", func(dst, x, _ Matrix[T]) { AxpyRows(dst, factors, x) }, func(d, x, _ T, i, _ int) T { return d + T(T(factors[i])*x) }},
			{"Axpy", func(dst, x, _ Matrix[T]) { Axpy(dst.Row(1), c, x.Row(1)) }, func(d, x, _ T, i, _ int) T {
				if i != 1 {
					return d
				}
				return d + T(c*x)
			}},
			{"Scale", func(dst, _, _ Matrix[T]) { Scale(dst.Row(1), c) }, func(d, _, _ T, i, _ int) T {
				if i != 1 {
					return d
				}
				return c * d
			}},
			{"AddSumRows", func(dst, x, _ Matrix[T]) {
				copy(sum, sum0)
				AddSumRows(sum, x)
				dst.CopyFrom(Matrix[T]{Rows: 3, Cols: n, Data: sum}) // stride 0: the sum in every row
			}, nil},
		} {
			x, y := random[T](rng, 3, n), random[T](rng, 3, n)
			dst, around := guarded[T](rng, 3, n)
			start, x0, y0 := clone(dst), clone(x), clone(y)
			op.call(dst, x, y)
			for i := range 3 {
				for j := range n {
					var want T
					if op.want == nil {
						want = ((sum0[j] + x.Row(0)[j]) + x.Row(1)[j]) + x.Row(2)[j]
					} else {
						want = op.want(start.Row(i)[j], x.Row(i)[j], y.Row(i)[j], i, j)
					}
					if got := dst.Row(i)[j]; !same(got, want) {
						t.Fatalf("%s: element (%d, %d) of 3×%d is %v, want %v", op.name, i, j, n, got, want)
					}
				}
			}
			if !intact(around, 3, n) || differing(x, x0) != 0 || differing(y, y0) != 0 {
				t.Errorf("%s of 3×%d wrote outside its window or into an operand", op.name, n)
			}
		}
	}
}

func TestElementwiseOperationsInPlace(t *testing.T) {
	eachLevel(func() { checkInPlace(t) })
}

func checkInPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 0))
	a, b := random[float64](rng, 3, 9), random[float64](rng, 3, 9)
	for name, op := range map[string]func(dst, a, b Matrix[float64]){
		"Add": Add[float64], "Sub": Sub[float64], "Hadamard": Hadamard[float64],
	} {
		apart, inA, inB := New[float64](3, 9), clone(a), clone(b)
		op(apart, a, b)
		op(inA, inA, b)
		op(inB, a, inB)
		if differing(inA, apart)+differing(inB, apart) != 0 {
			t.Errorf("%s: another result when dst is an operand", name)
		}
	}
	doubled, inPlace := clone(a), clone(a)
	Axpy(doubled.Row(1), 0.3, a.Row(1))
	Axpy(inPlace.Row(1), 0.3, inPlace.Row(1))
	if differing(doubled, inPlace) != 0 {
		t.Error("Axpy: another result when dst is x")
	}
}

// AxpyRows freezes rows with factor 0, even against NaN; Axpy must not hide a NaN behind a zero.
func TestZeroFactors(t *testing.T) {
	eachLevel(func() { checkZeroFactors(t) })
}

func checkZeroFactors(t *testing.T) {
	nan := math.NaN()
	x := Of(3, 2, []float64{nan, nan, 1, nan, 2, math.Inf(1)})
	dst := Of(3, 2, []float64{10, 20, 30, 40, 50, nan})
	AxpyRows(dst, []float64{0, 2, math.Copysign(0, -1)}, x)
	if want := Of(3, 2, []float64{10, 20, 32, nan, 50, nan}); differing(dst, want) != 0 {
		t.Errorf("AxpyRows gave %v, want %v", dst.Data, want.Data)
	}
	y := []float64{1}
	if Axpy(y, 0, []float64{nan}); y[0] == y[0] {
		t.Errorf("1 + 0·NaN = %v, want NaN", y[0])
	}
	small := []float32{1}
	AxpyRows(Of(1, 1, small), []float64{1e-60}, Of(1, 1, []float32{1}))
	if small[0] != 1 {
		t.Errorf("a factor below float32 changed 1 to %v", small[0])
	}
}

func TestFinite(t *testing.T) {
	both(t, checkFinite[float32], checkFinite[float64])
}

func checkFinite[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 0))
	for _, n := range lengths {
		m := random[T](rng, 2, n) // NaN all around
		for j := range n {
			m.Row(1)[j] = T(math.MaxFloat32) // must not overflow into a false alarm
		}
		if !AllFinite(m) || !Finite(m.Row(1)) {
			t.Fatalf("2×%d finite elements reported as not finite", n)
		}
		for _, bad := range []T{T(math.NaN()), T(math.Inf(1)), T(math.Inf(-1))} {
			for j := range n {
				m.Row(1)[j] = bad
				if Finite(m.Row(1)) || AllFinite(m) {
					t.Fatalf("%v at %d of %d not seen", bad, j, n)
				}
				m.Row(1)[j] = 0
			}
		}
	}
}

func TestVectorOperationsDoNotAllocate(t *testing.T) {
	both(t, checkVectorAllocs[float32], checkVectorAllocs[float64])
}

func checkVectorAllocs[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 0))
	x, y, row, f := random[T](rng, 3, 17), random[T](rng, 3, 17), make([]T, 17), []float64{1, 2, 3}
	if n := testing.AllocsPerRun(10, func() {
		Add(x, x, y)
		Sub(x, x, y)
		Hadamard(x, x, y)
		AddRow(x, row)
		AddSumRows(row, x)
		AxpyRows(x, f, y)
		DotRows(f, x, y)
		SquaresRows(f, x)
		Scale(row, T(Dot(row, row)))
		Secant(row, row)
		Tanh(row, x.Row(0), row)
		Descend(row, x.Row(0), 1, 1)
		Momentum[T]{}.Step(row, x.Row(0), x.Row(1))
		Momentum[T]{}.Nesterov(row, x.Row(0), x.Row(1))
		Adam[T]{}.Step(row, x.Row(0), x.Row(1), x.Row(2))
		if AllFinite(x) {
			Zero(x)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestVectorPanics(t *testing.T) {
	m, v := New[float32], make([]float32, 3)
	const length, shapes = "tensor: length mismatch", "tensor: matrices of different shapes"
	panics(t, []panicCase{
		{"Dot", length, func() { Dot(v, v[:2]) }},
		{"Dot", length, func() { Dot(v[:2], v) }},
		{"Axpy", length, func() { Axpy(v, 1, v[:2]) }},
		{"Axpy", length, func() { Axpy(v[:2], 1, v) }},
		{"AddRow", length, func() { AddRow(m(2, 2), v) }},
		{"AddRow", length, func() { AddRow(m(0, 4), v) }},
		{"AddSumRows", length, func() { AddSumRows(v, m(2, 4)) }},
		{"AddSumRows", length, func() { AddSumRows(v, m(0, 2)) }},
		{"Add", shapes, func() { Add(m(2, 3), m(2, 3), m(2, 2)) }},
		{"Sub", shapes, func() { Sub(m(2, 3), m(3, 3), m(2, 3)) }},
		{"Hadamard", shapes, func() { Hadamard(m(1, 3), m(2, 3), m(2, 3)) }},
		{"Add", shapes, func() { Add(m(2, 3), m(2, 4), m(2, 3)) }},
		{"Add", shapes, func() { Add(m(2, 3), m(2, 3), m(1, 3)) }},
		{"AxpyRows", shapes, func() { AxpyRows(m(2, 3), make([]float64, 2), m(3, 3)) }},
		{"AxpyRows", shapes, func() { AxpyRows(m(2, 3), make([]float64, 2), m(2, 2)) }},
		{"AxpyRows", length, func() { AxpyRows(m(2, 3), make([]float64, 3), m(2, 3)) }},
		{"DotRows", shapes, func() { DotRows(make([]float64, 2), m(2, 3), m(2, 2)) }},
		{"DotRows", shapes, func() { DotRows(make([]float64, 2), m(2, 3), m(3, 3)) }},
		{"DotRows", length, func() { DotRows(make([]float64, 3), m(2, 3), m(2, 3)) }},
		{"SquaresRows", length, func() { SquaresRows(make([]float64, 1), m(2, 3)) }},
		{"Descend", length, func() { Descend(v[:2], v, 1, 0) }},
		{"Descend", length, func() { Descend(v, v[:2], 1, 0) }},
		{"Momentum.Step", length, func() { Momentum[float32]{}.Step(v[:2], v, v) }},
		{"Momentum.Step", length, func() { Momentum[float32]{}.Step(v, v, v[:2]) }},
		{"Momentum.Nesterov", length, func() { Momentum[float32]{}.Nesterov(v[:2], v, v) }},
		{"Momentum.Nesterov", length, func() { Momentum[float32]{}.Nesterov(v, v, v[:2]) }},
		{"Adam.Step", length, func() { Adam[float32]{}.Step(v[:2], v, v, v) }},
		{"Adam.Step", length, func() { Adam[float32]{}.Step(v, v, v[:2], v) }},
		{"Adam.Step", length, func() { Adam[float32]{}.Step(v, v, v, v[:2]) }},
	})
}
