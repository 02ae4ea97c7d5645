package tensor

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Every shape is timed naive, hoisted (what one writes who knows that row slices help: along columns and along rows) and blocked,
// in one run: on a noisy machine only ratios within a run mean something. Compare with -count and benchstat.

var shapes = [][3]int{{64, 300, 300}, {16, 300, 300}, {64, 128, 128}, {64, 300, 10}, {64, 10, 300}, {1, 300, 300}}

func BenchmarkMul(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("float32/%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) { benchMul[float32](b, s) })
		b.Run(fmt.Sprintf("float64/%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) { benchMul[float64](b, s) })
	}
}

// benchMul times a product of rows×k and k×n.
func benchMul[T Float](b *testing.B, s [3]int) {
	rng := rand.New(rand.NewPCG(20, 0))
	rows, k, n := s[0], s[1], s[2]
	a, w, wt, dst := New[T](rows, k), New[T](k, n), New[T](n, k), New[T](rows, n)
	fill(rng, a)
	fill(rng, w)
	transpose(wt, w)
	var p Packed[T]
	p.Pack(w)
	work := rows * k * n
	b.Run("naive", func(b *testing.B) { gflops(b, work, func() { NaiveMul(dst, a, w) }) })
	b.Run("hoisted-dot", func(b *testing.B) { gflops(b, work, func() { hoistedDot(dst, a, wt) }) })
	b.Run("hoisted-axpy", func(b *testing.B) { gflops(b, work, func() { hoistedAxpy(dst, a, w) }) })
	b.Run("blocked", func(b *testing.B) { gflops(b, work, func() { Mul(dst, a, &p) }) })
}

func BenchmarkAddMulT(b *testing.B) {
	for _, s := range [][3]int{{64, 300, 300}, {64, 128, 128}, {128, 300, 300}, {64, 10, 300}, {64, 300, 10}, {1, 300, 300}} {
		b.Run(fmt.Sprintf("float32/%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) { benchAddMulT[float32](b, s) })
		b.Run(fmt.Sprintf("float64/%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) { benchAddMulT[float64](b, s) })
	}
}

// benchAddMulT times a gradient of m×n from B rows; s is {B, m, n}.
func benchAddMulT[T Float](b *testing.B, s [3]int) {
	rng := rand.New(rand.NewPCG(21, 0))
	e, z, dst := New[T](s[0], s[1]), New[T](s[0], s[2]), New[T](s[1], s[2])
	fill(rng, e)
	fill(rng, z)
	work := s[0] * s[1] * s[2]
	b.Run("naive", func(b *testing.B) { gflops(b, work, func() { NaiveAddMulT(dst, e, z) }) })
	b.Run("hoisted-axpy", func(b *testing.B) { gflops(b, work, func() { hoistedAddMulT(dst, e, z) }) })
	b.Run("blocked", func(b *testing.B) { gflops(b, work, func() { AddMulT(dst, e, z) }) })
}

func BenchmarkPack(b *testing.B) {
	w := New[float32](300, 300)
	var p Packed[float32]
	b.Run("Pack", func(b *testing.B) { perElement(b, len(w.Data), func() { p.Pack(w) }) })
	b.Run("PackT", func(b *testing.B) { perElement(b, len(w.Data), func() { p.PackT(w) }) })
}

func BenchmarkVector(b *testing.B) {
	b.Run("float32", benchVector[float32])
	b.Run("float64", benchVector[float64])
}

func benchVector[T Float](b *testing.B) {
	x, y, f, row := New[T](64, 300), New[T](64, 300), make([]float64, 64), make([]T, 300)
	for _, op := range []struct {
		name string
		call func()
	}{
		{"DotRows", func() { DotRows(f, x, y) }},
		{"SquaresRows", func() { SquaresRows(f, x) }},
		{"AxpyRows", func() { f[0] = 1; AxpyRows(y, f, x) }},
		{"Sub", func() { Sub(y, y, x) }},
		{"Hadamard", func() { Hadamard(y, y, x) }},
		{"AddRow", func() { AddRow(y, row) }},
		{"AddSumRows", func() { AddSumRows(row, x) }},
		{"AllFinite", func() { AllFinite(x) }},
	} {
		for i := range f {
			f[i] = 1
		}
		b.Run(op.name, func(b *testing.B) { perElement(b, len(x.Data), op.call) })
	}
}

func gflops(b *testing.B, multiplyAdds int, call func()) {
	for b.Loop() {
		call()
	}
	b.ReportMetric(2*float64(multiplyAdds)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func perElement(b *testing.B, elements int, call func()) {
	for b.Loop() {
		call()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(elements), "ns/element")
}

func hoistedDot[T Float](dst, a, wt Matrix[T]) {
	for i := range dst.Rows {
		d, x := dst.Row(i), a.Row(i)
		for j := range d {
			r := wt.Row(j)[:len(x)]
			var sum T
			for k, v := range x {
				sum += T(v * r[k])
			}
			d[j] = sum
		}
	}
}

func hoistedAxpy[T Float](dst, a, w Matrix[T]) {
	for i := range dst.Rows {
		d := dst.Row(i)
		clear(d)
		for k, v := range a.Row(i) {
			r := w.Row(k)[:len(d)]
			for j := range d {
				d[j] += T(v * r[j])
			}
		}
	}
}

func hoistedAddMulT[T Float](dst, e, z Matrix[T]) {
	for b := range e.Rows {
		r := z.Row(b)
		for i, v := range e.Row(b) {
			d := dst.Row(i)[:len(r)]
			for j := range r {
				d[j] += T(v * r[j])
			}
		}
	}
}
