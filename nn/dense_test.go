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

// fixture is a dense layer at a random point: parameters, input, and the cache that Forward left. Matrices are windows
// in NaN, so that reading outside them shows.
type fixture[T tensor.Float] struct {
	d       *Dense[T]
	theta   []T
	z, c, g tensor.Matrix[T] // input, cache, g(z)
	rng     *rand.Rand
}

func newFixture[T tensor.Float](d *Dense[T], rows int) fixture[T] {
	rng := rand.New(rand.NewPCG(2, uint64(d.in*d.out+rows)))
	n := 0
	for _, p := range d.Params() {
		n += p.Len()
	}
	x := fixture[T]{d: d, theta: make([]T, n), rng: rng}
	for i := range x.theta {
		// Rows of W of length about 1.5: preactivations on both sides of every kink.
		x.theta[i] = T(1.5 * rng.NormFloat64() / math.Sqrt(float64(d.in)))
	}
	d.Bind(x.theta)
	d.Pack()
	x.z, x.c = check.Random[T](rng, rows, d.in), check.Random[T](rng, rows, d.Slot().Floats)
	x.g = check.Random[T](rng, rows, d.out)
	d.Forward(x.g, x.z, x.cache())
	return x
}

func (x fixture[T]) cache() Cache[T] { return Cache[T]{F: x.c} }

// rows is the number of samples.
func (x fixture[T]) rows() int { return x.z.Rows }

// random returns a rows×cols window.
func (x fixture[T]) random(cols int) tensor.Matrix[T] {
	return check.Random[T](x.rng, x.rows(), cols)
}

// dense is the layer written out (notation, section 1), in float64, for one row; arg collects the arguments of φ.
func dense[T tensor.Float](d *Dense[T], theta, z []T, arg func(float64)) []float64 {
	phi := func(v float64) float64 {
		if arg != nil {
			arg(v)
		}
		return formula(d.act, v)
	}
	g := make([]float64, d.out)
	for i := range g {
		for j := range z {
			v := float64(z[j])
			if d.place == Before {
				v = phi(v)
			}
			g[i] += float64(theta[i*d.in+j]) * v
		}
		if d.hasBias {
			g[i] += float64(theta[d.in*d.out+i])
		}
		if d.place == After {
			g[i] = phi(g[i])
		}
	}
	return g
}

// eachDense runs f for every activation, placement and bias, with shapes on both sides of the kernels' tiles.
func eachDense[T tensor.Float](t *testing.T, f func(t *testing.T, x fixture[T])) {
	shapes := [][3]int{{1, 1, 1}, {5, 3, 4}, {3, 7, 2}, {9, 10, 5}}
	eachActivation(t, func(t *testing.T, a Activation) {
		for _, place := range []Place{After, Before} {
			for _, bias := range []bool{false, true} {
				for _, s := range shapes {
					name := fmt.Sprintf("%v/bias=%v/%d→%d×%d", place, bias, s[0], s[1], s[2])
					t.Run(name, func(t *testing.T) { f(t, newFixture(NewDense[T](s[0], s[1], a, place, bias), s[2])) })
				}
			}
		}
	})
}

// smooth fails if a kink lies so near that central differences would step over it: then the seed must change.
func (x fixture[T]) smooth(t *testing.T) {
	t.Helper()
	for i := range x.rows() {
		dense(x.d, x.theta, x.z.Row(i), func(v float64) {
			for _, k := range kinks(x.d.act) {
				if math.Abs(v-k) < 1e-4 { // the step is 6e−6, times weights of a few units
					t.Fatalf("row %d has the argument %v at a kink: another seed, please", i, v)
				}
			}
		})
	}
}

// dot is Σ u ⊙ v over all elements.
func dot[T tensor.Float](u, v tensor.Matrix[T]) float64 {
	sum := 0.0
	for i := range u.Rows {
		sum += tensor.Dot(u.Row(i), v.Row(i))
	}
	return sum
}

func TestForwardIsItsFormula(t *testing.T) {
	// Sums of up to ten products of a few units, rounded about ten times.
	t.Run("float32", func(t *testing.T) { eachDense(t, testForward[float32](20*0x1p-24)) })
	t.Run("float64", func(t *testing.T) { eachDense(t, testForward[float64](20*0x1p-53)) })
}

func testForward[T tensor.Float](tol float64) func(*testing.T, fixture[T]) {
	return func(t *testing.T, x fixture[T]) {
		for i := range x.rows() {
			want := dense(x.d, x.theta, x.z.Row(i), nil)
			for j, v := range x.g.Row(i) {
				if !(math.Abs(float64(v)-want[j]) <= tol*max(1, math.Abs(want[j]))) {
					t.Errorf("g[%d][%d] = %v, want %v", i, j, v, want[j])
				}
			}
		}
	}
}

func TestPushIsTheDerivative(t *testing.T) {
	eachDense(t, func(t *testing.T, x fixture[float64]) {
		x.smooth(t)
		v, got := x.random(x.d.in), x.random(x.d.out)
		x.d.Push(got, v, x.cache())
		for i := range x.rows() {
			z := make([]float64, x.d.in)
			at := func(h float64) []float64 {
				for j := range z {
					z[j] = x.z.Row(i)[j] + h*v.Row(i)[j]
				}
				return dense(x.d, x.theta, z, nil)
			}
			want, down := at(check.Step), at(-check.Step)
			for j := range want {
				want[j] = (want[j] - down[j]) / (2 * check.Step)
			}
			if e := check.RelError(got.Row(i), want); !(e <= fdTol) {
				t.Errorf("row %d: Jv = %v, differences give %v", i, got.Row(i), want)
			}
		}
	})
}

func TestPullIsTheDerivativeAndLeavesItsArgument(t *testing.T) {
	eachDense(t, func(t *testing.T, x fixture[float64]) {
		x.smooth(t)
		u, got := x.random(x.d.out), x.random(x.d.in)
		before := check.Clone(u)
		x.d.Pull(got, u, x.cache())
		if !check.Same(u, before) {
			t.Error("Pull changes u")
		}
		for i := range x.rows() {
			want := check.Gradient(func() float64 {
				return tensor.Dot(u.Row(i), dense(x.d, x.theta, x.z.Row(i), nil))
			}, x.z.Row(i))
			if e := check.RelError(got.Row(i), want); !(e <= fdTol) {
				t.Errorf("row %d: Jᵀu = %v, differences give %v", i, got.Row(i), want)
			}
		}
	})
}

func TestPullIsTheAdjointOfPush(t *testing.T) {
	t.Run("float32", func(t *testing.T) { eachDense(t, testAdjoint[float32](1e-5)) })
	t.Run("float64", func(t *testing.T) { eachDense(t, testAdjoint[float64](1e-14)) })
}

func testAdjoint[T tensor.Float](tol float64) func(*testing.T, fixture[T]) {
	return func(t *testing.T, x fixture[T]) {
		v, u := x.random(x.d.in), x.random(x.d.out)
		jv, ju := x.random(x.d.out), x.random(x.d.in)
		// Both orders: neither map may spoil what the other needs.
		x.d.Push(jv, v, x.cache())
		x.d.Pull(ju, u, x.cache())
		again := x.random(x.d.out)
		x.d.Push(again, v, x.cache())
		if !check.Same(jv, again) {
			t.Error("Push differs after Pull")
		}
		scale := math.Sqrt(dot(u, u)*dot(jv, jv)) + math.Sqrt(dot(v, v)*dot(ju, ju))
		if a, b := dot(u, jv), dot(ju, v); !(math.Abs(a-b) <= tol*scale) {
			t.Errorf("⟨u, Jv⟩ = %v, ⟨Jᵀu, v⟩ = %v", a, b)
		}
	}
}

func TestPullParamsAddsTheDerivative(t *testing.T) {
	eachDense(t, func(t *testing.T, x fixture[float64]) {
		x.smooth(t)
		u := x.random(x.d.out)
		want := check.Gradient(func() float64 {
			sum := 0.0
			for i := range x.rows() {
				sum += tensor.Dot(u.Row(i), dense(x.d, x.theta, x.z.Row(i), nil))
			}
			return sum
		}, x.theta)
		got := check.Random[float64](x.rng, 1, len(x.theta)).Row(0)
		for i := range want {
			want[i] += got[i]
		}
		before := check.Clone(u)
		x.d.PullParams(got, Span{0, x.d.Units()}, u, x.z, x.cache())
		if e := check.RelError(got, want); !(e <= fdTol) {
			t.Errorf("gradient plus what was there: %v, differences give %v", got, want)
		}
		if !check.Same(u, before) {
			t.Error("PullParams changes u")
		}
	})
}

// TestPullParamsInPartsIsTheWhole runs the parts at the same time: with -race it also shows that they are disjoint.
func TestPullParamsInPartsIsTheWhole(t *testing.T) {
	eachDense(t, func(t *testing.T, x fixture[float32]) {
		u := x.random(x.d.out)
		start := check.Random[float32](x.rng, 1, len(x.theta)).Row(0)
		want := append([]float32(nil), start...)
		x.d.PullParams(want, Span{0, x.d.Units()}, u, x.z, x.cache())
		for step := 1; step <= x.d.out; step++ {
			got := append([]float32(nil), start...)
			var parts sync.WaitGroup
			for lo := 0; lo < x.d.out; lo += step {
				parts.Go(func() {
					x.d.PullParams(got, Span{lo, min(lo+step, x.d.out)}, u, x.z, x.cache())
				})
			}
			parts.Wait()
			if !check.SameBits(got, want) {
				t.Errorf("in parts of %d units the gradient differs", step)
			}
		}
	})
}

// TestPartsShareNoScratch: what PullParams writes to the cache for one unit it writes for no other. (Parts that do share
// it go wrong only now and then.)
func TestPartsShareNoScratch(t *testing.T) {
	for _, place := range []Place{After, Before} {
		x := newFixture(NewDense[float64](3, 6, Tanh, place, true), 4)
		owner := make([]int, x.c.Cols) // of each column of the cache: the unit that wrote it, counted from 1
		for k := range x.d.out {
			before := check.Clone(x.c)
			x.d.PullParams(make([]float64, len(x.theta)), Span{k, k + 1}, x.random(x.d.out), x.z, x.cache())
			for j := range owner {
				if check.Same(x.c.ColsOf(j, j+1), before.ColsOf(j, j+1)) {
					continue
				}
				if owner[j] != 0 {
					t.Errorf("%v: units %d and %d both write column %d of the cache", place, owner[j]-1, k, j)
				}
				owner[j] = k + 1
			}
		}
	}
}

// TestRowsDoNotDependOnTheirNeighbours computes each row alone, and with neighbours that are NaN.
func TestRowsDoNotDependOnTheirNeighbours(t *testing.T) {
	t.Run("float32", func(t *testing.T) { eachDense(t, testRows[float32]) })
	t.Run("float64", func(t *testing.T) { eachDense(t, testRows[float64]) })
}

func testRows[T tensor.Float](t *testing.T, x fixture[T]) {
	v, u := x.random(x.d.in), x.random(x.d.out)
	maps := func(x fixture[T], v, u tensor.Matrix[T]) [3]tensor.Matrix[T] {
		g, jv, ju := x.random(x.d.out), x.random(x.d.out), x.random(x.d.in)
		x.d.Forward(g, x.z, x.cache())
		x.d.Push(jv, v, x.cache())
		x.d.Pull(ju, u, x.cache())
		return [3]tensor.Matrix[T]{g, jv, ju}
	}
	whole := maps(x, v, u)
	for i := range x.rows() {
		alone := x
		alone.z, alone.c = x.z.RowsOf(i, i+1), x.cache().RowsOf(i, i+1).F
		one := maps(alone, v.RowsOf(i, i+1), u.RowsOf(i, i+1))
		spoilt, sv, su := x, check.Clone(v), check.Clone(u)
		spoilt.z = check.Clone(x.z)
		for k := range x.rows() {
			for _, m := range []tensor.Matrix[T]{spoilt.z, sv, su} {
				if k != i {
					tensor.Scale(m.Row(k), T(math.NaN()))
				}
			}
		}
		among := maps(spoilt, sv, su)
		for k, name := range []string{"Forward", "Push", "Pull"} {
			want := whole[k].Row(i)
			if !check.SameBits(one[k].Row(0), want) || !check.SameBits(among[k].Row(i), want) {
				t.Errorf("%s: row %d alone %v, among NaN %v, in the batch %v", name, i, one[k].Row(0), among[k].Row(i), want)
			}
		}
	}
}

func TestNaNReachesEveryOutput(t *testing.T) {
	eachDense(t, func(t *testing.T, x fixture[float32]) {
		x.z.Row(0)[x.d.in/2] = float32(math.NaN())
		x.d.Forward(x.g, x.z, x.cache())
		for j, v := range x.g.Row(0) {
			if v == v {
				t.Errorf("output %d of an input with NaN is %v", j, v)
			}
		}
	})
}

func TestDenseDescribesItself(t *testing.T) {
	for _, bias := range []bool{false, true} {
		d := NewDense[float64](3, 5, Tanh, After, bias)
		in, out := d.Dims()
		want := "[{W [5 3] 3 5 0}]"
		if bias {
			want = "[{W [5 3] 3 5 0} {b [5] 3 0 0}]"
		}
		if got := fmt.Sprint(d.Params()); got != want || in != 3 || out != 5 || d.Units() != 5 || d.MACs() != 15 {
			t.Errorf("%d→%d, %d units, %d multiply-adds, %s, want %s", in, out, d.Units(), d.MACs(), got, want)
		}
	}
	eachActivation(t, func(t *testing.T, a Activation) {
		if got := NewDense[float64](1, 1, a, Before, true).Affine(); got != (a == Linear) {
			t.Errorf("affine: %v", got)
		}
	})
}

func TestPlaceNames(t *testing.T) {
	for name, want := range map[string]Place{"after": After, "before": Before} {
		if got, err := ParsePlace(name); err != nil || got != want || got.String() != name {
			t.Errorf("%q is read as %v (%v)", name, got, err)
		}
	}
	if _, err := ParsePlace("behind"); err == nil || err.Error() != `activation placement "behind": want after or before` {
		t.Errorf("behind: %v", err)
	}
	if Place(0) != After {
		t.Error("the zero place is not after")
	}
}

func TestNewDensePanics(t *testing.T) {
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"nn: dense layer without units", func() { NewDense[float32](0, 1, Tanh, After, true) }},
		{"nn: dense layer without units", func() { NewDense[float32](1, 0, Tanh, After, true) }},
		{"nn: unknown activation", func() { NewDense[float32](1, 1, numActivations, After, true) }},
		{"nn: unknown activation placement", func() { NewDense[float32](1, 1, Tanh, Before+1, true) }},
	} {
		if got := check.Panic(c.f); got != c.want {
			t.Errorf("panic %v, want %q", got, c.want)
		}
	}
}
