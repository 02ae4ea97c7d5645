package data

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestEveryChannelIsNormal: mean 0 and deviation 1 of every channel over the training images, up to the four decimals, where one mean for
// all leaves them apart; batches, consecutive samples and single images have the same values, and pixels as targets too.
func TestEveryChannelIsNormal(t *testing.T) {
	s := coloured(t, 4, 60, 5, 4, 3)
	for i := range s.Train.Images { // channels of other means and deviations
		s.Train.Images[i] = byte(int(s.Train.Images[i])/(1+i%3) + 70*(i%3))
	}
	own, err := s.ByChannel()
	if err != nil {
		t.Fatal(err)
	}
	own = own.Autoencoding()
	n := own.Train.N()
	b := Fill(NewBatch[float64](own, n), own, own.Train, 0, n)
	all := Fill(NewBatch[float64](s, n), s, s.Train, 0, n)
	apart := 0.0
	for c := range 3 {
		var sum, squares, shared, count float64
		for i := range n {
			for k := c; k < own.Inputs; k += 3 {
				v, u := b.X.Row(i)[k], own.Channel[c]
				if want := (float64(own.Train.Image(i)[k])/255 - u.Mean) / u.Std; v != want || b.Y.Row(i)[k] != want {
					t.Fatalf("image %d: value %d is %v, target %v, want %v", i, k, v, b.Y.Row(i)[k], want)
				}
				sum, squares, shared, count = sum+v, squares+v*v, shared+all.X.Row(i)[k], count+1
			}
		}
		// Half a unit of the fourth decimal, over the smallest deviation.
		tol := 0.5e-4 / own.Channel[c].Std
		if mean := sum / count; math.Abs(mean) > tol || math.Abs(math.Sqrt(squares/count)-1) > tol {
			t.Errorf("channel %d: mean %v, mean square %v", c, mean, squares/count)
		}
		apart = max(apart, math.Abs(shared/count))
	}
	if apart < 0.2 {
		t.Errorf("one mean for all channels leaves no mean above %v: the test says little", apart)
	}
	dealt, err := NewBatches[float64](own, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	batch := dealt.Next()
	row := make([]float64, own.Inputs)
	for i, at := range batch.Index {
		Normalise(row, own, own.Train.Image(at))
		if !slices.Equal(batch.X.Row(i), b.X.Row(at)) || !slices.Equal(row, b.X.Row(at)) {
			t.Errorf("image %d has other values in a batch, or alone", at)
		}
	}
	if n := testing.AllocsPerRun(10, func() { Fill(b, own, own.Train, 0, 5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !panics(func() { Normalise(row[:4], own, own.Train.Image(0)) }) {
		t.Error("a row of another length was filled")
	}
}

func TestChannelsOfOneOrOfNothing(t *testing.T) {
	grey := Synthetic(3, 20, 4, 4, 3)
	if s, err := grey.ByChannel(); err != nil || s.Channel != nil || s.Mean != grey.Mean {
		t.Errorf("a grey set has channels of its own: %v, %v", s.Channel, err)
	}
	s := coloured(t, 4, 20, 3, 2, 3)
	for i := 1; i < len(s.Train.Images); i += 3 {
		s.Train.Images[i] = 7
	}
	if _, err := s.ByChannel(); err == nil || !strings.Contains(err.Error(), "channel 1 is about 7 everywhere") {
		t.Errorf("error %v", err)
	}
}
