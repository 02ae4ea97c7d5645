package sweep

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/settle-pc/settle/train"
)

func TestRungsGrowByTheFactor(t *testing.T) {
	for _, c := range []struct {
		h     Halving
		total int
		want  []int
	}{
		{Halving{Rungs: 3, Factor: 3}, 900, []int{100, 300, 900}},
		{Halving{Rungs: 4, Factor: 2}, 100, []int{13, 25, 50, 100}},
		{Halving{Rungs: 3, Factor: 10}, 5, []int{1, 1, 5}},
	} {
		for rung, want := range c.want {
			if got := c.h.Batches(rung, c.total); got != want {
				t.Errorf("%+v: rung %d of %d batches: %d, want %d", c.h, rung, c.total, got, want)
			}
		}
	}
}

func TestTheBestShareGoesOn(t *testing.T) {
	inf := math.Inf(1)
	h := Halving{Factor: 3}
	for _, c := range []struct {
		scores map[int]float64
		want   []int
	}{
		{map[int]float64{0: 9, 1: 2, 2: 8, 3: 1, 4: 7, 5: 6}, []int{1, 3}},
		{map[int]float64{0: 9, 1: 2, 2: 8, 3: 1, 4: 7, 5: 6, 6: 3}, []int{1, 3, 6}}, // a third of 7, rounded up
		{map[int]float64{4: 1, 2: 1, 7: 1}, []int{2}},                               // the first of equal ones
		{map[int]float64{0: inf, 1: 5, 2: inf, 3: inf}, []int{1}},                   // what diverged does not go on
		{map[int]float64{0: inf, 1: inf}, []int{}},
		{map[int]float64{5: 0}, []int{5}},
	} {
		if got := h.Promote(c.scores); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.scores, got, c.want)
		}
	}
}

func TestScoresAreSuchThatLessIsBetter(t *testing.T) {
	half, most, batch := 0.5, 0.9, 3
	got := []float64{
		(&Halving{Metric: "test_mse"}).Score(train.Summary{TestMSE: &half}),
		(&Halving{Metric: "test_accuracy"}).Score(train.Summary{TestAccuracy: &most}),
		(&Halving{Metric: "train_mse"}).Score(train.Summary{TrainMSE: &half, TestMSE: &most}),
		(&Halving{Metric: "test_mse"}).Score(train.Summary{TestMSE: &half, DivergedAt: &batch}),
		(&Halving{Metric: "test_mse"}).Score(train.Summary{}),
	}
	if want := []float64{0.5, -0.9, 0.5, math.Inf(1), math.Inf(1)}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
