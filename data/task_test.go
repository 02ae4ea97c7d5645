package data

import (
	"math"
	"testing"
)

func TestAutoencodingHasTheInputAsTarget(t *testing.T) {
	s := Synthetic(3, 40, 5, 4, 3).Autoencoding()
	b, err := NewBatches[float64](s, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 12 { // beyond an epoch
		batch := b.Next()
		for i := range 8 {
			x, y := batch.X.Row(i), batch.Y.Row(i)
			if len(y) != 20 {
				t.Fatalf("%d outputs", len(y))
			}
			for k := range y {
				if x[k] != y[k] {
					t.Fatalf("target %v of input %v", y[k], x[k])
				}
			}
		}
	}
}

// bar is a 5×5 image with ink at the places.
func bar(at ...int) []byte {
	image := make([]byte, 25)
	for _, i := range at {
		image[i] = 255
	}
	return image
}

// Moments of pictures drawn by hand: a vertical stroke, a horizontal one, a diagonal, a point, nothing.
func TestMomentsAreThoseOfTheInk(t *testing.T) {
	s := &Set{Size: Size{5, 5, 1}, Inputs: 25}
	for _, c := range []struct {
		name  string
		image []byte
		want  [4]float64
	}{
		{"vertical", bar(7, 12, 17), [4]float64{3. / 25, 0, math.Sqrt(2. / 3), 0}},
		{"horizontal", bar(11, 12, 13), [4]float64{3. / 25, math.Sqrt(2. / 3), 0, 0}},
		{"diagonal", bar(6, 12, 18), [4]float64{3. / 25, math.Sqrt(2. / 3), math.Sqrt(2. / 3), 1}},
		{"the other", bar(8, 12, 16), [4]float64{3. / 25, math.Sqrt(2. / 3), math.Sqrt(2. / 3), -1}},
		{"point", bar(3), [4]float64{1. / 25, 0, 0, 0}},
		{"nothing", bar(), [4]float64{}},
	} {
		got := s.moments(c.image)
		for k := range got {
			if math.Abs(got[k]-c.want[k]) > 1e-7 { // √ of a rounding error of 1e-15
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// In colour, ink is the sum of the channels: white on black has the moments of the same picture in grey, and so has one channel of
// three, but for the mean.
func TestMomentsInColour(t *testing.T) {
	grey, colour := &Set{Size: Size{5, 5, 1}, Inputs: 25}, &Set{Size: Size{5, 5, 3}, Inputs: 75}
	image := bar(6, 12, 18, 19)
	want := grey.moments(image)
	white, green := make([]byte, 75), make([]byte, 75)
	for i, v := range image {
		white[3*i], white[3*i+1], white[3*i+2] = v, v, v
		green[3*i+1] = v
	}
	for name, c := range map[string]struct {
		image []byte
		ink   float64
	}{"white": {white, want[0]}, "green": {green, want[0] / 3}} {
		got := colour.moments(c.image)
		for k, v := range [4]float64{c.ink, want[1], want[2], want[3]} {
			if math.Abs(got[k]-v) > 1e-7 { // as above
				t.Errorf("%s: moment %d is %v, want %v", name, k, got[k], v)
			}
		}
	}
}

func TestRegressionIsStandardised(t *testing.T) {
	s := Synthetic(3, 40, 5, 4, 3).Regression()
	if s.Outputs != 4 || len(s.Train.Targets) != 4*40 || len(s.Test.Targets) != 4*s.Test.N() {
		t.Fatalf("%d outputs, %d and %d targets", s.Outputs, len(s.Train.Targets), len(s.Test.Targets))
	}
	for k := range 4 {
		var mean, squares float64
		for i := k; i < len(s.Train.Targets); i += 4 {
			v := float64(s.Train.Targets[i])
			mean, squares = mean+v/40, squares+v*v/40
		}
		if math.Abs(mean) > 1e-6 || math.Abs(squares-1) > 1e-6 { // float32
			t.Errorf("moment %d: mean %v, mean square %v", k, mean, squares)
		}
	}
	plain := Synthetic(3, 40, 5, 4, 3) // in their units they are those of the images
	for i := range 40 {
		want := plain.moments(plain.Train.Image(i))
		for k, u := range s.Units {
			if got := u.Mean + u.Std*float64(s.Train.Targets[4*i+k]); math.Abs(got-want[k]) > 1e-6*(1+math.Abs(want[k])) {
				t.Errorf("image %d: moment %d is %v in its units, want %v", i, k, got, want[k])
			}
		}
	}
	limited, err := s.Limit(7)
	if err != nil || len(limited.Train.Targets) != 28 {
		t.Errorf("limited: %d targets, %v", len(limited.Train.Targets), err)
	}
	batch := Fill(NewBatch[float32](s, 3), s, s.Test, 2, 5)
	for i := range 3 {
		for k, v := range batch.Y.Row(i) {
			if want := s.Test.Targets[(2+i)*4+k]; v != want {
				t.Errorf("sample %d: target %v, want %v", i, v, want)
			}
		}
	}
}
