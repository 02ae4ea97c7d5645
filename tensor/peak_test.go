package tensor

import "testing"

// A level that claims more operations than it makes would show every product a fraction of what it reaches.
func TestPeakCountsItsOperations(t *testing.T) {
	both(t, checkPeak[float32], checkPeak[float64])
}

func checkPeak[T Float](t *testing.T) {
	lanes := map[level]float64{generic: 8. / 12, neon: 16, avx2: 32, avx512: 64}[current]
	if current != generic {
		lanes /= 8
		if is32[T]() {
			lanes *= 2
		}
	}
	for _, rounds := range []int{1, 3, 1000} {
		if got, want := Peak[T](rounds), 24*lanes*float64(rounds); got != want {
			t.Errorf("%d rounds: %v operations, want %v", rounds, got, want)
		}
	}
}
