package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// formula is φ as it is written down, in other terms than the code under test where there are any.
func formula(a Activation, x float64) float64 {
	logistic := 0.5 * (1 + math.Tanh(x/2))
	switch a {
	case Linear:
		return x
	case Tanh:
		return math.Expm1(2*x) / (math.Expm1(2*x) + 2)
	case ReLU:
		return 0.5 * (x + math.Abs(x))
	case LeakyReLU:
		if x < 0 {
			return x / 100
		}
		return x
	case Sigmoid:
		return logistic
	case GELU:
		return 0.5 * x * (1 + math.Erf(x/math.Sqrt2))
	case SiLU:
		return x * logistic
	case HardTanh:
		return 0.5 * (math.Abs(x+1) - math.Abs(x-1))
	}
	panic("no formula")
}

// kinks are the points where φ has no derivative.
func kinks(a Activation) []float64 {
	switch a {
	case ReLU, LeakyReLU:
		return []float64{0}
	case HardTanh:
		return []float64{-1, 1}
	}
	return nil
}

// grid is −8 … 8, none of its points at a kink.
func grid() []float64 {
	var x []float64
	for i := range 641 {
		x = append(x, (float64(i)-320.3)/40)
	}
	return x
}

// activate returns φ(x) and φ′(x).
func activate[T tensor.Float](a Activation, x ...T) (value, slope []T) {
	value, slope = make([]T, len(x)), make([]T, len(x))
	n := len(x)
	apply(a, tensor.Of(1, n, value), tensor.Of(1, n, slope), tensor.Of(1, n, x))
	return value, slope
}

// eachActivation runs f once for each.
func eachActivation(t *testing.T, f func(t *testing.T, a Activation)) {
	for a := range numActivations {
		t.Run(a.String(), func(t *testing.T) { f(t, a) })
	}
}

func TestActivationsAreTheirFormulas(t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		x := grid()
		x32 := make([]float32, len(x))
		for i, v := range x {
			x32[i] = float32(v)
		}
		got, _ := activate(a, x...)
		got32, _ := activate(a, x32...)
		for i, v := range x {
			// A few roundings of the largest intermediate, |x|; the tails have their own test.
			if want, tol := formula(a, v), 4e-16*max(1, math.Abs(v)); !(math.Abs(got[i]-want) <= tol) {
				t.Errorf("φ(%v) = %v, want %v", v, got[i], want)
			}
			// In float32, computed wide and rounded once (LeakyReLU: slope and product, twice), or with the error of tensor's kernels.
			tol32 := 0x1p-23
			if tensor.Level() != "generic" {
				tol32 *= 7
			}
			v = float64(x32[i])
			if want := formula(a, v); !(math.Abs(float64(got32[i])-want) <= tol32*math.Abs(want)+4e-16*max(1, math.Abs(v))) {
				t.Errorf("φ(%v) = %v in float32, want %v", v, got32[i], want)
			}
		}
	})
}

// tails holds values computed to 60 digits (mpmath). abs is the error of φ′ that is admitted beside a relative one: a
// derivative formed from the rounded value, as those of tanh and sigmoid are, cannot be better than a rounding of 1.
var tails = func() []tail {
	const exact, rounded = 0, 0x1p-52
	inf := math.Inf(1)
	return []tail{
		{Sigmoid, -inf, 0, 0, exact},
		{Sigmoid, -1e4, 0, 0, exact}, // 1.1e−4343
		{Sigmoid, -50, 1.928749847963917783e-22, 1.928749847963917783e-22, exact},
		{Sigmoid, -10, 4.53978687024343945e-05, 4.539580773595167103e-05, exact},
		{Sigmoid, 10, 0.9999546021312975656, 4.539580773595167103e-05, rounded},
		{Sigmoid, 50, 1, 1.928749847963917783e-22, rounded},
		{Sigmoid, 1e4, 1, 0, exact},
		{Sigmoid, inf, 1, 0, exact},
		{SiLU, -inf, 0, 0, exact},
		{SiLU, -1e4, 0, 0, exact}, // −1.1e−4339
		{SiLU, -50, -9.643749239819588915e-21, -9.450874255023197137e-21, exact},
		{SiLU, -10, -4.53978687024343945e-04, -4.085602086570823158e-04, exact},
		{SiLU, 10, 9.999546021312975656, 1.000408560208657082, exact},
		{SiLU, 50, 50, 1, exact},
		{SiLU, 1e4, 1e4, 1, exact},
		{SiLU, inf, inf, 1, exact},
		{GELU, -inf, 0, 0, exact},
		{GELU, -1e4, 0, 0, exact}, // −3e−21714725
		{GELU, -50, 0, 0, exact},  // −5e−544
		{GELU, -30, -1.472014178144456118e-196, -4.41603169070849437e-195, exact},
		{GELU, -10, -7.619853024160526066e-23, -7.618400096464814086e-22, exact},
		{GELU, 10, 10, 1, exact},
		{GELU, 50, 50, 1, exact},
		{GELU, 1e4, 1e4, 1, exact},
		{GELU, inf, inf, 1, exact},
		{Tanh, -inf, -1, 0, exact},
		{Tanh, -1e4, -1, 0, exact},
		{Tanh, -50, -1, 1.488030390408334385e-43, rounded},
		{Tanh, -10, -0.9999999958776927636, 8.244614455767397375e-09, rounded},
		{Tanh, 10, 0.9999999958776927636, 8.244614455767397375e-09, rounded},
		{Tanh, 50, 1, 1.488030390408334385e-43, rounded},
		{Tanh, 1e4, 1, 0, exact},
		{Tanh, inf, 1, 0, exact},
		{ReLU, -inf, 0, 0, exact},
		{ReLU, inf, inf, 1, exact},
		{LeakyReLU, -inf, -inf, 0.01, exact},
		{LeakyReLU, inf, inf, 1, exact},
		{HardTanh, -inf, -1, 0, exact},
		{HardTanh, inf, 1, 0, exact},
		{Linear, -inf, -inf, 1, exact},
	}
}()

type tail struct {
	a                    Activation
	x, value, slope, abs float64
}

func TestActivationTails(t *testing.T) {
	for _, c := range tails {
		// A rounding of x changes GELU by x² = 900 roundings at −30, the others by fewer.
		const tol = 900 * 0x1p-52
		value, slope := activate(c.a, c.x)
		if value[0] != c.value && !check.Close(value[0], c.value, tol) {
			t.Errorf("%v: φ(%v) = %v, want %v", c.a, c.x, value[0], c.value)
		}
		if !(math.Abs(slope[0]-c.slope) <= c.abs+tol*math.Abs(c.slope)) {
			t.Errorf("%v: φ′(%v) = %v, want %v", c.a, c.x, slope[0], c.slope)
		}
		value32, slope32 := activate(c.a, float32(c.x))
		if v, s := float64(value32[0]), float64(slope32[0]); v != float64(float32(c.value)) && !check.Close(v, c.value, 1e-6) ||
			!(math.Abs(s-c.slope) <= 0x1p-23+1e-6*c.slope) {
			t.Errorf("%v in float32: φ(%v) = %v, φ′ = %v, want %v and %v", c.a, c.x, v, s, c.value, c.slope)
		}
	}
}

// fdTol bounds the error of central differences relative to the largest derivative: with h = ∛ε rounding gives
// ε|f|/h ≈ 4e−11 |f| and truncation h²f‴/6 ≈ 6e−12 f‴; the rest is room for values and third derivatives above 1.
const fdTol = 1e-8

func TestActivationDerivatives(t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		x := grid()
		_, slope := activate(a, x...)
		f := func(v float64) float64 {
			value, _ := activate(a, v)
			return value[0]
		}
		for i, v := range x {
			want := (f(v+check.Step) - f(v-check.Step)) / (2 * check.Step)
			if !(math.Abs(slope[i]-want) <= fdTol) {
				t.Errorf("φ′(%v) = %v, differences give %v", v, slope[i], want)
			}
			if _, s32 := activate(a, float32(v)); !(math.Abs(float64(s32[0])-want) <= 1e-6) { // of values up to 1.13, from a value rounded to 6e−8 and an argument to 2.4e−7
				t.Errorf("φ′(%v) = %v in float32, differences give %v", v, s32[0], want)
			}
		}
	})
}

func TestDerivativeAtAKinkIsTheSmallerOfBothSides(t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		for _, k := range kinks(a) {
			const h = 1e-6
			left, right := (formula(a, k)-formula(a, k-h))/h, (formula(a, k+h)-formula(a, k))/h
			value, slope := activate(a, k, math.Nextafter(k, -2), math.Nextafter(k, 2))
			if value[0] != k && value[0] != 0 {
				t.Errorf("φ(%v) = %v", k, value[0])
			}
			for i, want := range []float64{min(left, right), left, right} {
				if !(math.Abs(slope[i]-want) <= 1e-9) { // differences of numbers near 1 over 1e−6
					t.Errorf("φ′ at the kink %v, or next to it: %v, want %v", k, slope, want)
				}
			}
		}
	})
}

func TestNaNStaysNaNAndAlone(t *testing.T) {
	t.Run("float32", testNaN[float32])
	t.Run("float64", testNaN[float64])
}

func testNaN[T tensor.Float](t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		nan := T(math.NaN())
		with, slopes := activate(a, -0.3, nan, 0.7, nan, nan, 2.5)
		without, want := activate[T](a, -0.3, 0.7, 2.5)
		for _, i := range []int{1, 3, 4} {
			if with[i] == with[i] {
				t.Errorf("φ(NaN) = %v", with[i])
			}
		}
		if !check.SameBits([]T{with[0], with[2], with[5]}, without) || !check.SameBits([]T{slopes[0], slopes[2], slopes[5]}, want) {
			t.Error("a NaN changes its neighbours")
		}
	})
}

func TestActivationInPlace(t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		x := grid()
		value, slope := activate(a, x...)
		n := len(x)
		s := make([]float64, n)
		apply(a, tensor.Of(1, n, x), tensor.Of(1, n, s), tensor.Of(1, n, x))
		if !check.SameBits(x, value) || !check.SameBits(s, slope) {
			t.Error("differs from the result in another matrix")
		}
	})
}

func TestActivationNames(t *testing.T) {
	names := Activations()
	if want := "linear tanh relu leaky_relu sigmoid gelu silu hard_tanh"; strings.Join(names, " ") != want {
		t.Errorf("activations %v, want %v", names, want)
	}
	for i, name := range names {
		a, err := ParseActivation(name)
		if err != nil || int(a) != i || a.String() != name {
			t.Errorf("%q is read as %v (%v)", name, a, err)
		}
	}
	names[0] = "changed"
	if Activations()[0] != "linear" || Linear.String() != "linear" {
		t.Error("Activations hands out its own names")
	}
	for _, bad := range []string{"", "Tanh", "relu ", "softmax"} {
		_, err := ParseActivation(bad)
		if err == nil {
			t.Errorf("%q is taken for an activation", bad)
			continue
		}
		for _, want := range append(Activations(), `"`+bad+`"`) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not name %s", err, want)
			}
		}
	}
	if s := Activation(200).String(); !strings.Contains(s, "200") {
		t.Errorf("unknown activation is called %q", s)
	}
	if Activation(0) != Linear {
		t.Error("the zero activation is not linear")
	}
}

func TestApplyPanics(t *testing.T) {
	m := func(r, c int) tensor.Matrix[float64] { return tensor.New[float64](r, c) }
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"nn: activation of another shape", func() { apply(Tanh, m(2, 3), m(2, 3), m(2, 4)) }},
		{"nn: activation of another shape", func() { apply(Tanh, m(2, 3), m(1, 3), m(2, 3)) }},
		{"nn: activation of another shape", func() { apply(Tanh, m(2, 3), m(2, 2), m(2, 3)) }},
		{"nn: activation of another shape", func() { apply(Tanh, m(3, 3), m(2, 3), m(2, 3)) }},
		{"nn: unknown activation", func() { apply(numActivations, m(2, 3), m(2, 3), m(2, 3)) }},
	} {
		if got := check.Panic(c.f); got != c.want {
			t.Errorf("panic %v, want %q", got, c.want)
		}
	}
}
