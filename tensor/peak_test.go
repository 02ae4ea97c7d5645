package tensor

import "testing"

// A level that claims more operations than it makes would show every product a fraction of what it reaches.
func TestPeakCountsItsOperations(t *testing.T) {
	both(t, checkPeak[float32], checkPeak[float64])
}

func checkPeak[T Float](t *testing.T) {
	lanes := 8. / 12 // portably, eight sums of one
	if !portable[T]() {
		lanes = map[level]float64{neon: 2, avx2: 4, avx512: 8}[current]
		if is32[T]() {
			lanes *= 2
		}
	}
	for _, rounds := range []int{-1, 0, 1, 3, 1000} {
		if got, want := Peak[T](rounds), 24*lanes*float64(max(0, rounds)); got != want {
			t.Errorf("%d rounds: %v operations, want %v", rounds, got, want)
		}
	}
}
