package nn

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/tensor"
)

// initialized returns a network of the given widths with biases, and its weights and biases by layer.
func initialized[T tensor.Float](t *testing.T, k Init, seed uint64, dims ...int) (n *Network[T], w, b [][]T) {
	t.Helper()
	n, err := Build[T](Arch{Dims: dims, Act: Tanh, Bias: true})
	if err != nil {
		t.Fatal(err)
	}
	n.Update(func(theta []T) { // what was there must not matter
		for i := range theta {
			theta[i] = 99
		}
	})
	Initialize(n, k, seed)
	for l := 1; l <= n.L(); l++ {
		theta, size := n.Of(l, n.Theta()), dims[l-1]*dims[l]
		w, b = append(w, theta[:size]), append(b, theta[size:])
	}
	return n, w, b
}

// moments returns mean, variance, kurtosis and largest magnitude.
func moments(x []float64) (mean, variance, kurtosis, largest float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
		largest = max(largest, math.Abs(v))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / n
	}
	for _, v := range x {
		kurtosis += math.Pow(v-mean, 4) / (n * variance * variance)
	}
	return
}

// TestInitialDistributions checks mean, variance and kurtosis to six standard errors, and the bounds of uniform ones.
func TestInitialDistributions(t *testing.T) {
	const in, out = 300, 170
	uniform := func(a float64) [3]float64 { return [3]float64{a * a / 3, 1.8, a} }
	normal := func(s float64) [3]float64 { return [3]float64{s * s, 3, math.Inf(1)} }
	for _, c := range []struct {
		k    Init
		want [3]float64 // variance, kurtosis, bound
	}{
		{Init{Kind: FanIn}, uniform(1 / math.Sqrt(in))},
		{Init{Kind: Xavier}, uniform(math.Sqrt(6.0 / (in + out)))},
		{Init{Kind: He}, normal(math.Sqrt(2.0 / in))},
		{Init{Kind: Normal, Scale: 0.3}, normal(0.3)},
	} {
		_, w, b := initialized[float64](t, c.k, 11, in, out)
		variance, kurtosis, bound := c.want[0], c.want[1], c.want[2]
		checkMoments := func(what string, x []float64) {
			n := float64(len(x))
			mean, v, k, largest := moments(x)
			// Standard errors: of the mean √(σ²/n), of the variance σ²√((κ−1)/n), of the kurtosis √(24/n) at most.
			if !(math.Abs(mean) <= 6*math.Sqrt(variance/n)) || !(math.Abs(v/variance-1) <= 6*math.Sqrt((kurtosis-1)/n)) ||
				!(math.Abs(k-kurtosis) <= 6*math.Sqrt(24/n)) {
				t.Errorf("%v, %s: mean %v, variance %v, kurtosis %v, want 0, %v, %v", c.k, what, mean, v, k, variance, kurtosis)
			}
			if largest > bound || !math.IsInf(bound, 1) && largest < bound*(1-20/n) {
				t.Errorf("%v, %s: largest %v, bound %v", c.k, what, largest, bound)
			}
		}
		checkMoments("weights", w[0])
		if c.k.Kind == FanIn {
			checkMoments("biases", b[0])
		} else if slices.ContainsFunc(b[0], func(v float64) bool { return v != 0 }) {
			t.Errorf("%v: biases %v, want 0", c.k, b[0])
		}
	}
}

// TestFanInNumbersArePinned holds the draws to PCG-DXSM seeded with (seed, 0x736574746c65), the low 53 bits of each
// output as a fraction u and a(2u − 1) in the order of θ, computed by an independent program (Python). Results of runs
// refer to seeds, so they never change.
func TestFanInNumbersArePinned(t *testing.T) {
	for seed, u := range map[uint64][8]float64{ // 2u − 1
		0: {-0.9784962284612657, 0.5096730749184617, -0.1772856978731696, 0.031056634594079258,
			-0.4706360181291507, -0.7059076275010734, -0.22429773260273467, 0.5900433461123764},
		42: {0.7932725714592841, 0.13556060862645292, -0.946882433787825, -0.1958447301885904,
			-0.9590931498615001, 0.4064251515566535, 0.2030589594644514, 0.9963767165784554},
		math.MaxUint64: {-0.5921922841741449, -0.4110982086943631, 0.07522099100014934, -0.019332069606998736,
			-0.6948650513489778, -0.19937072133830847, -0.6034773805576259, 0.7210735304151554},
	} {
		n, _, _ := initialized[float64](t, Init{}, seed, 4, 1, 1)
		want := make([]float64, 7)
		for i := range want {
			want[i] = u[i] / 2 // four weights and a bias, fan-in 4
			if i >= 5 {
				want[i] = u[i] // a weight and a bias, fan-in 1
			}
		}
		if !check.SameBits(n.Theta(), want) {
			t.Errorf("seed %d: %v, want %v", seed, n.Theta(), want)
		}
	}
}

func TestOrthogonalWeights(t *testing.T) {
	dims := []int{7, 20, 20, 5, 1, 4}
	_, w, b := initialized[float64](t, Init{Kind: Orthogonal}, 5, dims...)
	for l := range w {
		rows, cols := dims[l+1], dims[l]
		m := tensor.Of(rows, cols, w[l])
		at := func(i, j int) float64 { return m.Row(i)[j] } // vector i, element j, of the shorter side
		short, long := rows, cols
		if rows > cols {
			at = func(i, j int) float64 { return m.Row(j)[i] }
			short, long = cols, rows
		}
		for i := range short {
			for k := range short {
				sum, want := 0.0, 0.0
				for j := range long {
					sum += at(i, j) * at(k, j)
				}
				if i == k {
					want = 1
				}
				if !(math.Abs(sum-want) <= 1e-12) {
					t.Errorf("%d×%d: vectors %d and %d have the product %v, want %v", rows, cols, i, k, sum, want)
				}
			}
		}
		if slices.ContainsFunc(b[l], func(v float64) bool { return v != 0 }) {
			t.Errorf("biases %v, want 0", b[l])
		}
	}
	// Directions are those of a random rotation: no element prefers a sign, the square of each is 1/n on average.
	var first, last float64
	const draws = 400
	for seed := range uint64(draws) {
		_, w, _ := initialized[float64](t, Init{Kind: Orthogonal}, seed, 3, 3)
		first += w[0][0] / draws
		last += w[0][8] * w[0][8] / draws
	}
	// Standard deviations: 1/√3 of an element, √(4/45) of its square, over √draws.
	if math.Abs(first) > 5/math.Sqrt(3*draws) || math.Abs(last-1.0/3) > 5*math.Sqrt(4.0/45/draws) {
		t.Errorf("mean of an element %v, want 0, of a square %v, want 1/3", first, last)
	}
}

// TestInitialWeightsDoNotDependOnTheKernels: a process with portable ones draws the same bits.
func TestInitialWeightsDoNotDependOnTheKernels(t *testing.T) {
	sum := sha256.New()
	for _, k := range []Init{{}, {Kind: Xavier}, {Kind: He}, {Kind: Orthogonal}, {Kind: Normal, Scale: 2}} {
		n, _, _ := initialized[float64](t, k, 7, 30, 50, 40, 10)
		if err := binary.Write(sum, binary.LittleEndian, n.Theta()); err != nil {
			t.Fatal(err)
		}
	}
	digest := fmt.Sprintf("weights %x", sum.Sum(nil))
	const child = "SETTLE_TEST_WEIGHTS"
	if os.Getenv(child) != "" {
		fmt.Println(digest)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInitialWeightsDoNotDependOnTheKernels$")
	cmd.Env = append(os.Environ(), "SETTLE_CPU=generic", child+"=1")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this processor is emulated: the test binary cannot start itself")
	}
	if err != nil || !strings.Contains(string(out), digest) {
		t.Errorf("%s here, with portable kernels %s (%v)", digest, out, err)
	}
}

func TestInitialWeightsDependOnTheSeedOnly(t *testing.T) {
	dims := []int{6, 9, 9, 3}
	for _, k := range []Init{{}, {Kind: Xavier}, {Kind: He}, {Kind: Orthogonal}, {Kind: Normal, Scale: 2}} {
		a, w, _ := initialized[float64](t, k, 7, dims...)
		b, _, _ := initialized[float64](t, k, 7, dims...)
		c, other, _ := initialized[float64](t, k, 8, dims...)
		narrow, _, _ := initialized[float32](t, k, 7, dims...)
		if !check.SameBits(a.Theta(), b.Theta()) {
			t.Errorf("%v: the same seed gives other numbers", k)
		}
		for l := range w {
			for i, v := range w[l] {
				if v == other[l][i] {
					t.Errorf("%v: weight %d of layer %d is %v with either seed", k, i, l+1, v)
				}
			}
		}
		if check.SameBits(w[0], w[1][:len(w[0])]) {
			t.Errorf("%v: two layers start from the same numbers", k)
		}
		for i, v := range a.Theta() {
			if narrow.Theta()[i] != float32(v) {
				t.Errorf("%v: float32 parameter %d is %v, float64 has %v", k, i, narrow.Theta()[i], v)
			}
		}
		// The numbers are in force: weights packed. (An all-ones input gives the row sums of W₁ and the bias.)
		tr := NewTrace(c, 1)
		tr.Z[0] = tensor.Of(1, 6, []float64{1, 1, 1, 1, 1, 1})
		tr.Feedforward()
		want := dense(c.Layers[0].(*Dense[float64]), c.Theta(), tr.Z[0].Row(0), nil)
		if e := check.RelError(tr.Z[1].Row(0), want); !(e <= 1e-14) {
			t.Errorf("%v: the feedforward pass does not use the initial weights", k)
		}
	}
}

func TestInitNames(t *testing.T) {
	for s, want := range map[string]Init{
		"fanin": {}, "xavier": {Kind: Xavier}, "he": {Kind: He}, "orthogonal": {Kind: Orthogonal},
		"normal:0.05": {Kind: Normal, Scale: 0.05}, "normal:1e-07": {Kind: Normal, Scale: 1e-7},
		"normal:3": {Kind: Normal, Scale: 3},
	} {
		k, err := ParseInit(s)
		if err != nil || k != want || k.String() != s {
			t.Errorf("%q is read as %+v, written %q (%v)", s, k, k, err)
		}
	}
	for _, bad := range []string{"", "FanIn", "normal", "normal:", "normal:0", "normal:-1", "normal:NaN", "normal:Inf", "normal:1e999", "he:2"} {
		k, err := ParseInit(bad)
		if err == nil || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), initWant) || k != (Init{}) {
			t.Errorf("%q is read as %+v (%v)", bad, k, err)
		}
	}
	n := New(NewDense[float32](1, 1, Linear, After, false))
	if got := check.Panic(func() { Initialize(n, Init{Kind: Normal + 1}, 1) }); got != "nn: unknown initialisation" {
		t.Errorf("panic %v", got)
	}
}

// TestUnknownValuesHaveNames: what Validate or a panic is to report can be written.
func TestUnknownValuesHaveNames(t *testing.T) {
	for want, v := range map[string]fmt.Stringer{"Init(9)": Init{Kind: 9}, "Parameterisation(9)": Parameterisation(9), "Activation(99)": Activation(99)} {
		if got := v.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	Parameterisations()[0] = "spoilt"
	if got := Standard.String(); got != "standard" {
		t.Errorf("a caller renames the parameterisation %q", got)
	}
}
