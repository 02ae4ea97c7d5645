package tensor

import (
	"flag"
	"math"
	"testing"

	"github.com/settle-pc/settle/internal/ulp"
)

var long = flag.Bool("long", false, "test activations on every float32, which takes minutes")

// smooth lists the functions that are approximated: φ and φ′ in float64, and how far from φ the float32 kernels may be, in units
// in the last place of the exact value, and from φ′, in units of 2⁻²⁴ (of max(1, |φ′|): its zeros cannot be met relatively).
var smooth = []struct {
	name       string
	call       func(dst, slope, x []float32)
	phi, slope func(x float64) float64
	ulp, units float64
}{
	{"tanh", Tanh[float32], math.Tanh, func(x float64) float64 { c := math.Cosh(x); return 1 / (c * c) }, 2, 4},
	{"sigmoid", Sigmoid[float32], logistic, func(x float64) float64 { return logistic(x) * logistic(-x) }, 2, 2},
	{"silu", SiLU[float32], func(x float64) float64 { return x * logistic(x) },
		func(x float64) float64 { return logistic(x) * (1 + x*logistic(-x)) }, 3, 6},
	{"gelu", GELU[float32], func(x float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) }, func(x float64) float64 {
		return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-0.5*x*x)/math.Sqrt(2*math.Pi)
	}, 7, 8},
	{"exp", func(dst, slope, x []float32) { Exp(dst, x); copy(slope, dst) }, math.Exp, nil, 1.5, 0},
}

// extreme is the largest error seen, and where; once one is NaN, that.
type extreme struct {
	err float64
	at  float32
}

func (e *extreme) see(err float64, at float32) {
	if e.err == e.err && !(err <= e.err) {
		e.err, e.at = err, at
	}
}

func TestExtremeKeepsNaN(t *testing.T) {
	var e extreme
	for i, err := range []float64{1, 3, 2, math.NaN(), 9} {
		e.see(err, float32(i))
	}
	if e.err == e.err || e.at != 3 {
		t.Errorf("%v at %v", e.err, e.at)
	}
}

// every calls f with blocks of finite float32: all of them with -long, else some thousand of every sign and exponent.
func every(f func(x []float32)) {
	step := uint64(9973)
	if *long {
		step = 1
	}
	x := make([]float32, 0, 1021) // not a multiple of a register
	for b := uint64(0); b < 1<<32; b += step {
		if v := math.Float32frombits(uint32(b)); v-v == 0 {
			x = append(x, v)
		}
		if len(x) == cap(x) {
			f(x)
			x = x[:0]
		}
	}
	f(x)
}

func TestActivationsAreWithinTheirBounds(t *testing.T) {
	eachLevel(func() {
		for _, a := range smooth {
			t.Run(Level()+"/"+a.name, func(t *testing.T) {
				var phi, phi1 extreme
				dst, slope := make([]float32, 1021), make([]float32, 1021)
				every(func(x []float32) {
					a.call(dst[:len(x)], slope[:len(x)], x)
					for i, v := range x {
						phi.see(ulp.Error(dst[i], a.phi(float64(v))), v)
						if a.slope == nil {
							continue
						}
						want := a.slope(float64(v))
						phi1.see(math.Abs(float64(slope[i])-want)/math.Max(1, math.Abs(want))*0x1p24, v)
					}
				})
				t.Logf("%.2f ulp at %v, slope %.2f·2⁻²⁴ at %v", phi.err, phi.at, phi1.err, phi1.at)
				if !(phi.err <= a.ulp) || !(phi1.err <= a.units) {
					t.Errorf("%.2f ulp at %v (want %v), slope %.2f·2⁻²⁴ at %v (want %v)", phi.err, phi.at, a.ulp, phi1.err, phi1.at, a.units)
				}
			})
		}
	})
}

// all lists the activations.
var all = []struct {
	name string
	call func(dst, slope, x []float32)
}{
	{"tanh", Tanh[float32]}, {"sigmoid", Sigmoid[float32]}, {"silu", SiLU[float32]}, {"gelu", GELU[float32]},
	{"relu", ReLU[float32]}, {"leaky_relu", LeakyReLU[float32]}, {"hard_tanh", HardTanh[float32]},
	{"exp", func(dst, slope, x []float32) { Exp(dst, x); clear(slope) }},
}

// hard is whatever a kernel may trip over: zeros, subnormals, kinks, the ends of every range, no numbers.
var hard = func() []float32 {
	x := []float32{0, 0x1p-149, 0x1p-130, 0x1p-126, 1e-20, 1e-3, 0.54999995, 0.55, 0.55000006, 0.99999994, 1, 1.0000001, 2, 9.01, 9.02, 10, 15, 20,
		87.3, 88.7, 88.8, 89, 103.9, 104, 105, 110, 1e10, math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN())}
	for _, v := range x {
		x = append(x, -v)
	}
	return x
}()

// Where an element stands in a slice, and how long that is, must not show: the end of a slice is computed under a mask.
func TestActivationsTreatElementsAlike(t *testing.T) {
	eachLevel(func() {
		for _, a := range all {
			whole, wholeSlope := make([]float32, len(hard)), make([]float32, len(hard))
			a.call(whole, wholeSlope, hard)
			for lo := range hard {
				for n := 0; lo+n <= len(hard); n++ {
					dst, slope, x := make([]float32, n+1), make([]float32, n+1), hard[lo:lo+n]
					dst[n], slope[n] = 77, 78
					a.call(dst[:n], slope[:n], x)
					inPlace := append([]float32{}, x...)
					a.call(inPlace, slope[:n], inPlace)
					for i := range n {
						if !same(dst[i], whole[lo+i]) || !same(slope[i], wholeSlope[lo+i]) || !same(inPlace[i], dst[i]) {
							t.Fatalf("%s, %s of %v: %v, slope %v at %d of %d; %v, slope %v alone; %v in place",
								Level(), a.name, x[i], dst[i], slope[i], i, n, whole[lo+i], wholeSlope[lo+i], inPlace[i])
						}
					}
					if dst[n] != 77 || slope[n] != 78 {
						t.Fatalf("%s, %s of %d elements wrote behind them", Level(), a.name, n)
					}
				}
			}
		}
	})
}

func TestActivationsOfNoNumbersAndLimits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	limits := map[string][4]float32{ // φ and φ′ at −Inf, at Inf
		"tanh": {-1, 0, 1, 0}, "sigmoid": {0, 0, 1, 0}, "silu": {0, 0, inf, 1}, "gelu": {0, 0, inf, 1}, "relu": {0, 0, inf, 1},
		"leaky_relu": {-inf, 0.01, inf, 1}, "hard_tanh": {-1, 0, 1, 0}, "exp": {0, 0, inf, 0},
	}
	eachLevel(func() {
		for _, a := range all {
			y, slope := make([]float32, 3), make([]float32, 3)
			a.call(y, slope, []float32{-inf, inf, nan})
			if got := [4]float32{y[0], slope[0], y[1], slope[1]}; got != limits[a.name] {
				t.Errorf("%s, %s: φ and φ′ at −Inf, at Inf are %v, want %v", Level(), a.name, got, limits[a.name])
			}
			if y[2] == y[2] {
				t.Errorf("%s, %s of NaN is %v", Level(), a.name, y[2])
			}
		}
	})
}

// The levels of the machine agree to the bit, so that a run on one can be repeated on another.
func TestMachineLevelsAgreeOnActivations(t *testing.T) {
	type result struct{ y, slope []float32 }
	want := map[string]result{}
	eachLevel(func() {
		for _, a := range all {
			exact := a.name == "relu" || a.name == "leaky_relu" || a.name == "hard_tanh"
			if !vectorised() && !exact {
				continue
			}
			got := result{make([]float32, len(hard)), make([]float32, len(hard))}
			a.call(got.y, got.slope, hard)
			if _, ok := want[a.name]; !ok {
				want[a.name] = got
			}
			for i, x := range hard {
				if !same(got.y[i], want[a.name].y[i]) || !same(got.slope[i], want[a.name].slope[i]) {
					t.Errorf("%s, %s of %v: %v, slope %v; before %v, slope %v", Level(), a.name, x,
						got.y[i], got.slope[i], want[a.name].y[i], want[a.name].slope[i])
				}
			}
		}
	})
}

func TestActivationPanics(t *testing.T) {
	v := make([]float32, 3)
	const length = "tensor: length mismatch"
	panics(t, []panicCase{
		{"Tanh", length, func() { Tanh(v, v, v[:2]) }},
		{"Sigmoid", length, func() { Sigmoid(v, v[:2], v) }},
		{"SiLU", length, func() { SiLU(v[:2], v, v) }},
		{"GELU", length, func() { GELU(v, v, v[:2]) }},
		{"ReLU", length, func() { ReLU(v, v[:2], v) }},
		{"LeakyReLU", length, func() { LeakyReLU(v[:2], v, v) }},
		{"HardTanh", length, func() { HardTanh(v, v, v[:2]) }},
		{"Exp", length, func() { Exp(v, v[:2]) }},
		{"Secant", length, func() { Secant(v, v[:2]) }},
	})
}
