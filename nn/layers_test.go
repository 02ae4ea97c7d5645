package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// layerCase is a layer under the tests of this file, which hold for any.
type layerCase[T tensor.Float] struct {
	name string
	make func() Layer[T]
}

// layerCases are the layers beyond Dense, with shapes on both sides of what they treat at a time.
func layerCases[T tensor.Float]() []layerCase[T] {
	conv := func(m Image, n, k, s, p int, bias bool) func() Layer[T] {
		return func() Layer[T] { return NewConv2D[T](m, n, Kernel{k, s, p}, bias) }
	}
	node := func(a Arch, text string) func() Layer[T] {
		return func() Layer[T] {
			b, err := ParseArch(text)
			if err != nil {
				panic(err)
			}
			b.Act, b.Place, b.Bias, b.Residual = a.Act, a.Place, a.Bias, a.Residual
			layers, err := LayersOf[T](b)
			if err != nil {
				panic(err)
			}
			return layers[min(1, len(layers)-1)]
		}
	}
	return []layerCase[T]{
		{"conv", conv(Image{2, 4, 5}, 3, 3, 1, 1, true)},
		{"conv without bias", conv(Image{3, 5, 4}, 2, 2, 1, 0, false)},
		{"conv with stride", conv(Image{2, 7, 6}, 3, 3, 2, 1, true)},
		{"conv of one pixel", conv(Image{3, 1, 1}, 2, 1, 1, 0, true)},
		{"conv of few pixels", conv(Image{2, 2, 2}, 2, 5, 1, 4, true)},
		{"conv in several pieces", conv(Image{16, 12, 12}, 3, 5, 1, 2, true)}, // 80 pixels of 400 numbers at a time
		{"average pooling", func() Layer[T] { return NewAvgPool[T](Image{3, 5, 4}, 2, 2) }},
		{"average pooling, overlapping", func() Layer[T] { return NewAvgPool[T](Image{2, 5, 5}, 3, 2) }},
		{"max pooling", func() Layer[T] { return NewMaxPool[T](Image{3, 5, 4}, 2, 2) }},
		{"max pooling, overlapping", func() Layer[T] { return NewMaxPool[T](Image{2, 5, 5}, 3, 1) }},
		{"normalisation of pixels", func() Layer[T] { return NewLayerNorm[T](4, 5) }},
		{"normalisation of a row", func() Layer[T] { return NewLayerNorm[T](1, 7) }},
		{"attention", func() Layer[T] { return NewAttention[T](5, 4, 3) }},
		{"activation", func() Layer[T] { return NewAct[T](6, GELU) }},
		{"dropout", func() Layer[T] { return NewDropout[T](9, 0.4) }},
		{"node after", node(Arch{Act: Tanh, Bias: true}, "1-16-2-conv3k1-4")},
		{"sequence", func() Layer[T] {
			return NewSeq[T](NewConv2D[T](Image{2, 4, 4}, 3, Kernel{3, 1, 1}, true), NewAct[T](48, Tanh), NewMaxPool[T](Image{3, 4, 4}, 2, 2),
				NewDense[T](12, 5, Linear, After, true), NewAct[T](5, Tanh), NewDropout[T](5, 0.3), NewDense[T](5, 4, SiLU, Before, false))
		}},
		{"node of several", node(Arch{Act: Tanh, Bias: true}, "2-6-norm:5:drop0.2:4-3")},
		{"node of several, before", node(Arch{Act: Tanh, Place: Before}, "2-6-norm:5:4-3")},
		{"sequence of one", func() Layer[T] { return NewSeq[T](NewConv2D[T](Image{1, 3, 3}, 2, Kernel{2, 1, 0}, true)) }},
		{"residual convolution", func() Layer[T] {
			return NewResidual[T](NewSeq[T](NewLayerNorm[T](1, 18), NewAct[T](18, SiLU), NewConv2D[T](Image{2, 3, 3}, 2, Kernel{3, 1, 1}, true)))
		}},
		{"residual attention", func() Layer[T] { return NewResidual[T](NewSeq[T](NewLayerNorm[T](4, 3), NewAttention[T](4, 3, 2))) }},
	}
}

// point is a layer at a random point, its matrices windows in NaN.
type point[T tensor.Float] struct {
	Layer[T]
	in, out int
	theta   []T
	z, g    tensor.Matrix[T]
	c       Cache[T]
	rng     *rand.Rand
}

func newPoint[T tensor.Float](l Layer[T], rows int) *point[T] {
	in, out := l.Dims()
	rng := rand.New(rand.NewPCG(5, uint64(in*out+rows)))
	x := &point[T]{Layer: l, in: in, out: out, theta: make([]T, paramLen(l)), rng: rng}
	at := 0
	for _, p := range l.Params() {
		for i := range p.Len() {
			x.theta[at+i] = T(1.3 * rng.NormFloat64() / math.Sqrt(float64(max(1, p.FanIn))))
		}
		at += p.Len()
	}
	l.Bind(x.theta)
	l.Pack()
	x.z, x.g = check.Random[T](rng, rows, in), check.Random[T](rng, rows, out)
	x.c = Cache[T]{F: check.Random[T](rng, rows, l.Slot().Floats)}
	tensor.Zero(x.c.F) // as NewCache makes it
	l.Draw(x.c, 77)
	l.Forward(x.g, x.z, x.c)
	return x
}

func (x *point[T]) random(cols int) tensor.Matrix[T] { return check.Random[T](x.rng, x.z.Rows, cols) }

// eachLayer runs f for every layer, with one row and with more than Seq carries back at a time.
func eachLayer[T tensor.Float](t *testing.T, f func(t *testing.T, x *point[T])) {
	for _, c := range layerCases[T]() {
		for _, rows := range []int{1, seqRows + 2} {
			t.Run(fmt.Sprintf("%s/%d", c.name, rows), func(t *testing.T) { f(t, newPoint(c.make(), rows)) })
		}
	}
}

// at is g at z with the random choices of x, in a cache of its own.
func (x *point[T]) at(z tensor.Matrix[T]) tensor.Matrix[T] {
	c, g := NewCache[T](z.Rows, x.Slot()), tensor.New[T](z.Rows, x.out)
	x.Draw(c, 77)
	x.Forward(g, z, c)
	return g
}

// layerTol is fdTol with room for the curvature of normalisation and softmax.
const layerTol = 10 * fdTol

func TestLayerPushIsTheDerivative(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float64]) {
		v, got := x.random(x.in), x.random(x.out)
		x.Push(got, v, x.c)
		side := func(h float64) tensor.Matrix[float64] {
			z := check.Clone(x.z)
			for i := range z.Rows {
				tensor.Axpy(z.Row(i), h, v.Row(i))
			}
			return x.at(z)
		}
		up, down := side(check.Step), side(-check.Step)
		for i := range up.Rows {
			for j, d := range down.Row(i) {
				up.Row(i)[j] = (up.Row(i)[j] - d) / (2 * check.Step)
			}
			if e := check.RelError(got.Row(i), up.Row(i)); !(e <= layerTol) {
				t.Errorf("row %d: Jv is off by %g", i, e)
			}
		}
	})
}

func TestLayerPullIsTheAdjointOfPushAndLeavesItsArgument(t *testing.T) {
	t.Run("float32", func(t *testing.T) { eachLayer(t, layerAdjoint[float32](1e-5)) })
	t.Run("float64", func(t *testing.T) { eachLayer(t, layerAdjoint[float64](1e-13)) })
}

func layerAdjoint[T tensor.Float](tol float64) func(*testing.T, *point[T]) {
	return func(t *testing.T, x *point[T]) {
		v, u := x.random(x.in), x.random(x.out)
		jv, ju, again := x.random(x.out), x.random(x.in), x.random(x.out)
		before := check.Clone(u)
		x.Push(jv, v, x.c)
		x.Pull(ju, u, x.c)
		x.Push(again, v, x.c)
		if !check.Same(jv, again) || !check.Same(u, before) {
			t.Error("Pull changes u or spoils what Push needs")
		}
		scale := math.Sqrt(dot(u, u)*dot(jv, jv)) + math.Sqrt(dot(v, v)*dot(ju, ju))
		if a, b := dot(u, jv), dot(ju, v); !(math.Abs(a-b) <= tol*scale) || scale == 0 {
			t.Errorf("⟨u, Jv⟩ = %v, ⟨Jᵀu, v⟩ = %v", a, b)
		}
	}
}

func TestLayerPullParamsAddsTheDerivative(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float64]) {
		if len(x.theta) == 0 {
			return
		}
		if len(x.theta) > 500 && x.z.Rows > 1 {
			return // as many differences would take long, and show no more than one row does
		}
		u := x.random(x.out)
		want := check.Gradient(func() float64 {
			x.Pack()
			return dot(u, x.at(x.z))
		}, x.theta)
		x.Pack()
		got := check.Random[float64](x.rng, 1, len(x.theta)).Row(0)
		for i := range want {
			want[i] += got[i]
		}
		x.PullParams(got, Span{0, x.Units()}, u, x.z, x.c)
		if e := check.RelError(got, want); !(e <= layerTol) {
			t.Errorf("gradient plus what was there is off by %g", e)
		}
	})
}

// TestLayerPullParamsInPartsIsTheWhole, the parts at the same time: with -race it also shows that they are disjoint.
func TestLayerPullParamsInPartsIsTheWhole(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float32]) {
		u := x.random(x.out)
		start := check.Random[float32](x.rng, 1, len(x.theta)).Row(0)
		want := append([]float32(nil), start...)
		x.PullParams(want, Span{0, x.Units()}, u, x.z, x.c)
		for step := 1; step <= x.Units(); step++ {
			got := append([]float32(nil), start...)
			var parts sync.WaitGroup
			for lo := 0; lo < x.Units(); lo += step {
				parts.Go(func() { x.PullParams(got, Span{lo, min(lo+step, x.Units())}, u, x.z, x.c) })
			}
			parts.Wait()
			if !check.SameBits(got, want) {
				t.Errorf("in parts of %d units the gradient differs", step)
			}
		}
	})
}

func TestLayerPullParamsOfNoUnitsAddsNothing(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float32]) {
		u := x.random(x.out)
		got := check.Random[float32](x.rng, 1, len(x.theta)).Row(0)
		want := append([]float32(nil), got...)
		for k := range x.Units() + 1 {
			x.PullParams(got, Span{k, k}, u, x.z, x.c)
			if !check.SameBits(got, want) {
				t.Fatalf("units %d to %d change the gradient", k, k)
			}
		}
	})
}

// TestActivationsApartHaveTheSameBits as those of the dense layer beside them.
func TestActivationsApartHaveTheSameBits(t *testing.T) {
	for _, place := range []Place{After, Before} {
		linear := NewDense[float32](5, 4, Linear, After, true)
		apart := []Layer[float32]{linear, NewAct[float32](4, GELU)}
		if place == Before {
			apart = []Layer[float32]{NewAct[float32](5, GELU), linear}
		}
		x, y := newPoint[float32](NewDense[float32](5, 4, GELU, place, true), seqRows+2), newPoint[float32](NewSeq(apart...), seqRows+2)
		v, u := x.random(x.in), x.random(x.out)
		maps := func(x *point[float32]) [3]tensor.Matrix[float32] {
			jv, ju, grad := check.Random[float32](x.rng, v.Rows, x.out), check.Random[float32](x.rng, v.Rows, x.in), make([]float32, len(x.theta))
			x.Push(jv, v, x.c)
			x.Pull(ju, u, x.c)
			x.PullParams(grad, Span{Hi: x.Units()}, u, x.z, x.c)
			return [3]tensor.Matrix[float32]{jv, ju, tensor.Of(1, len(grad), grad)}
		}
		a, b := maps(x), maps(y)
		if !check.Same(x.g, y.g) || !check.Same(a[0], b[0]) || !check.Same(a[1], b[1]) || !check.Same(a[2], b[2]) {
			t.Errorf("%v: a layer and its parts differ", place)
		}
	}
}

// TestLayerRowsDoNotDependOnTheirNeighbours: each row alone, and among rows of NaN, has the same bits.
func TestLayerRowsDoNotDependOnTheirNeighbours(t *testing.T) {
	t.Run("float32", func(t *testing.T) { eachLayer(t, layerRows[float32]) })
	t.Run("float64", func(t *testing.T) { eachLayer(t, layerRows[float64]) })
}

func layerRows[T tensor.Float](t *testing.T, x *point[T]) {
	v, u := x.random(x.in), x.random(x.out)
	maps := func(z, v, u tensor.Matrix[T], c Cache[T]) [3]tensor.Matrix[T] {
		n := z.Rows
		g, jv, ju := check.Random[T](x.rng, n, x.out), check.Random[T](x.rng, n, x.out), check.Random[T](x.rng, n, x.in)
		x.Forward(g, z, c)
		x.Push(jv, v, c)
		x.Pull(ju, u, c)
		return [3]tensor.Matrix[T]{g, jv, ju}
	}
	whole := maps(x.z, v, u, x.c)
	for i := range x.z.Rows {
		one := maps(x.z.RowsOf(i, i+1), v.RowsOf(i, i+1), u.RowsOf(i, i+1), x.c.RowsOf(i, i+1))
		spoilt := [3]tensor.Matrix[T]{check.Clone(x.z), check.Clone(v), check.Clone(u)}
		for k := range x.z.Rows {
			for _, m := range spoilt {
				if k != i {
					tensor.Scale(m.Row(k), T(math.NaN()))
				}
			}
		}
		among := maps(spoilt[0], spoilt[1], spoilt[2], x.c)
		for k, name := range []string{"Forward", "Push", "Pull"} {
			if want := whole[k].Row(i); !check.SameBits(one[k].Row(0), want) || !check.SameBits(among[k].Row(i), want) {
				t.Errorf("%s: row %d depends on its neighbours", name, i)
			}
		}
	}
}

// TestNaNReachesEveryOutputThatSeesIt: those whose derivative in that input is not 0 everywhere, found by a push.
func TestNaNReachesEveryOutputThatSeesIt(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float64]) {
		at := x.in / 2
		v, jv := tensor.New[float64](x.z.Rows, x.in), x.random(x.out)
		v.Row(0)[at] = 1
		x.Push(jv, v, x.c)
		z := check.Clone(x.z)
		z.Row(0)[at] = math.NaN()
		g := x.at(z)
		for j, d := range jv.Row(0) {
			if y := g.Row(0)[j]; d != 0 && y == y {
				t.Errorf("output %d of an input with NaN is %v", j, y)
			}
		}
	})
}

func TestLayersAllocateNothing(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float32]) {
		u, v, back, grad := x.random(x.out), x.random(x.in), x.random(x.in), make([]float32, len(x.theta))
		if n := testing.AllocsPerRun(10, func() {
			x.Pack()
			x.Draw(x.c, 3)
			x.Forward(x.g, x.z, x.c)
			x.Push(x.g, v, x.c)
			x.Pull(back, u, x.c)
			x.PullParams(grad, Span{Hi: x.Units()}, u, x.z, x.c)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// TestLayersSayWhetherTheyAreAffine: g(a) + g(b) − g(0) = g(a + b) where they do, and not where they do not. (Dropout may not say so
// although it is, since it is not the same for all samples.)
func TestLayersSayWhetherTheyAreAffine(t *testing.T) {
	eachLayer(t, func(t *testing.T, x *point[float64]) {
		a, b := check.Clone(x.random(x.in)), check.Clone(x.random(x.in))
		sum, zero := tensor.New[float64](a.Rows, a.Cols), tensor.New[float64](a.Rows, a.Cols)
		tensor.Add(sum, a, b)
		off, want, ga, gb, g0 := 0.0, x.at(sum), x.at(a), x.at(b), x.at(zero)
		for i, w := range want.Data {
			off = max(off, math.Abs(ga.Data[i]+gb.Data[i]-g0.Data[i]-w))
		}
		if _, dropped := x.Layer.(Dropout[float64]); x.Affine() != (off < 1e-12) && !dropped {
			t.Errorf("affine: %v, but additive up to %g", x.Affine(), off)
		}
	})
}
