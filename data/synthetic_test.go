package data

import (
	"reflect"
	"testing"

	"github.com/settle-pc/settle/tensor"
)

// TestSyntheticIsLinearlySeparable lets a perceptron learn training and test images together until it makes no
// error, which it can only if they are separable.
func TestSyntheticIsLinearlySeparable(t *testing.T) {
	for _, c := range []struct{ n, rows, cols, classes int }{{200, 8, 8, 10}, {60, 1, 4, 2}, {300, 28, 28, 10}, {100, 3, 7, 25}} {
		s := Synthetic(11, c.n, c.rows, c.cols, c.classes)
		if s.Train.N() != c.n || s.Test.N() != max(c.n/4, c.classes) || s.Rows != c.rows || s.Cols != c.cols || s.Classes != c.classes {
			t.Errorf("%+v: %d + %d images of %d×%d in %d classes", c, s.Train.N(), s.Test.N(), s.Rows, s.Cols, s.Classes)
		}
		all := []Batch[float64]{
			Fill(NewBatch[float64](s, s.Train.N()), s, s.Train, 0, s.Train.N()),
			Fill(NewBatch[float64](s, s.Test.N()), s, s.Test, 0, s.Test.N()),
		}
		w := tensor.New[float64](s.Classes, s.Inputs+1)
		errors := 1
		for range 1000 {
			if errors == 0 {
				break
			}
			errors = 0
			for _, b := range all {
				errors += perceptron(w, b)
			}
		}
		if errors > 0 {
			t.Errorf("%+v: the perceptron still makes %d errors", c, errors)
		}
	}
}

// perceptron makes one pass and returns the number of errors it met.
func perceptron(w tensor.Matrix[float64], b Batch[float64]) (errors int) {
	for i, label := range b.Labels {
		x := append([]float64{1}, b.X.Row(i)...)
		best, top := 0, 0.0
		for c := range w.Rows {
			sum := 0.0
			for j, v := range w.Row(c) {
				sum += v * x[j]
			}
			if c == 0 || sum > top {
				best, top = c, sum
			}
		}
		if best == int(label) {
			continue
		}
		errors++
		for j, v := range x {
			w.Row(int(label))[j] += v
			w.Row(best)[j] -= v
		}
	}
	return errors
}

func TestSyntheticIsReproducible(t *testing.T) {
	s := Synthetic(1, 40, 4, 4, 3)
	if !reflect.DeepEqual(s, Synthetic(1, 40, 4, 4, 3)) {
		t.Error("the same seed gives another set")
	}
	if reflect.DeepEqual(s.Train, Synthetic(2, 40, 4, 4, 3).Train) {
		t.Error("another seed gives the same set")
	}
	for name, f := range map[string]func(){
		"no rows":          func() { Synthetic(0, 10, 0, 4, 2) },
		"one class":        func() { Synthetic(0, 10, 4, 4, 1) },
		"257 classes":      func() { Synthetic(0, 1000, 4, 4, 257) },
		"too few to train": func() { Synthetic(0, 2, 4, 4, 3) },
	} {
		if !panics(f) {
			t.Errorf("%s: no panic", name)
		}
	}
}
