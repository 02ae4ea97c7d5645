package tensor

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// eachLevel calls f at every level that this machine has.
func eachLevel(f func()) {
	defer func(l level) { current = l }(current)
	for _, l := range machineLevels() {
		current = l
		f()
	}
}

// both runs a generic check for the two element types, at every level.
func both(t *testing.T, check32, check64 func(t *testing.T)) {
	eachLevel(func() {
		t.Run(Level()+"/float32", check32)
		t.Run(Level()+"/float64", check64)
	})
}

// vectorised reports whether sums and activations have kernels at this level.
func vectorised() bool { return current != generic && current != neon }

// fma returns x·y + z rounded once, the reference of every machine kernel. In float64 the product of two float32 is exact, and
// the rounding of the sum to odd (to the neighbour with an odd last bit, where it is not exact) makes that to float32 right.
func fma[T Float](x, y, z T) T {
	if !is32[T]() {
		return T(math.FMA(float64(x), float64(y), float64(z)))
	}
	p, q := float64(x)*float64(y), float64(z)
	s := p + q
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return T(s)
	}
	t := s - p
	lost := (p - (s - t)) + (q - t)
	if bits := math.Float64bits(s); lost != 0 && bits&1 == 0 {
		if (lost > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return T(s)
}

func TestReferenceMultiplyAddRoundsOnce(t *testing.T) {
	// 1 + 2⁻²³ and half a unit more, less or more a little that float64 cannot hold beside it.
	const half, unit = 0x1p-24, 0x1p-23
	tiny := float32(0x1p-100)
	for _, c := range []struct{ x, y, z, want float32 }{
		{half, 1, 1 + unit, 1 + 2*unit}, // a tie: to even
		{half, 1 - half, 1 + unit, 1 + unit},
		{half, 1 + unit, 1, 1 + unit},
		{-half, 1 + unit, -1, -1 - unit},
		{tiny, tiny, 1, 1},
		{3, 5, -15, 0},
	} {
		if got := fma(c.x, c.y, c.z); got != c.want {
			t.Errorf("%v·%v + %v = %v, want %v", c.x, c.y, c.z, got, c.want)
		}
	}
}

// wantMul stores what Mul must give with Pack(w): NaiveMul, fused at the levels of the machine.
func wantMul[T Float](dst, a, w Matrix[T]) {
	if portable[T]() {
		NaiveMul(dst, a, w)
		return
	}
	for i := range dst.Rows {
		for j := range dst.Cols {
			sum := T(0)
			for k := range a.Cols {
				sum = fma(a.Row(i)[k], w.Row(k)[j], sum)
			}
			dst.Row(i)[j] = sum
		}
	}
}

// wantMulT is wantMul for PackT(w).
func wantMulT[T Float](dst, a, w Matrix[T]) {
	wt := New[T](w.Cols, w.Rows)
	for i := range w.Rows {
		for j, x := range w.Row(i) {
			wt.Row(j)[i] = x
		}
	}
	wantMul(dst, a, wt)
}

// wantAddMulT stores what AddMulT must give.
func wantAddMulT[T Float](dst, e, z Matrix[T]) {
	if portable[T]() {
		NaiveAddMulT(dst, e, z)
		return
	}
	for i := range dst.Rows {
		for j := range dst.Cols {
			for b := range e.Rows {
				dst.Row(i)[j] = fma(e.Row(b)[i], z.Row(b)[j], dst.Row(i)[j])
			}
		}
	}
}

func TestChooseALevel(t *testing.T) {
	has := machineLevels()
	best := has[len(has)-1]
	for _, l := range has {
		if got := choose(levelNames[l]); got != l {
			t.Errorf("SETTLE_CPU=%s: level %s", levelNames[l], levelNames[got])
		}
	}
	for _, name := range []string{"", "sse9"} {
		if got := choose(name); got != best {
			t.Errorf("SETTLE_CPU=%q: level %s, want %s", name, levelNames[got], levelNames[best])
		}
	}
}

// The environment decides in a process of its own.
func TestLevelOfTheEnvironment(t *testing.T) {
	if name := os.Getenv("SETTLE_TEST_LEVEL"); name != "" {
		if Level() != name {
			t.Errorf("level %s, want %s", Level(), name)
		}
		return
	}
	for _, l := range machineLevels() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLevelOfTheEnvironment$")
		cmd.Env = append(os.Environ(), "SETTLE_CPU="+levelNames[l], "SETTLE_TEST_LEVEL="+levelNames[l])
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("this processor is emulated: the test binary cannot start itself")
		}
		if err != nil {
			t.Errorf("SETTLE_CPU=%s: %v\n%s", levelNames[l], err, out)
		}
	}
}

// Registers 16 to 31, masks and 64 bytes are of AVX-512: a machine without it would stop at the first.
func TestAVX2KernelsNeedNoMore(t *testing.T) {
	text, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	more := regexp.MustCompile(`\b(Z\d+|[XY](1[6-9]|2\d|3[01])|K[0-7])\b`)
	if !more.Match(text) {
		t.Error("no AVX-512 kernels: the test shows nothing")
	}
	seen := 0
	for _, f := range strings.Split(string(text), "TEXT ·")[1:] {
		name, body, _ := strings.Cut(f, "(SB)")
		if !strings.HasSuffix(name, "AVX2") {
			continue
		}
		seen++
		if at := more.FindString(body); at != "" {
			t.Errorf("%s uses %s", name, at)
		}
	}
	if seen == 0 {
		t.Error("no AVX2 kernels found")
	}
}
