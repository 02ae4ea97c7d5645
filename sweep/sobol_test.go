package sweep

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"
)

// The first points in three dimensions, as Joe and Kuo's notes on their generator print them.
func TestSobolIsThePublishedSequence(t *testing.T) {
	want := [][3]float64{
		{0, 0, 0}, {0.5, 0.5, 0.5}, {0.75, 0.25, 0.25}, {0.25, 0.75, 0.75}, {0.375, 0.375, 0.625},
		{0.875, 0.875, 0.125}, {0.625, 0.125, 0.875}, {0.125, 0.625, 0.375}, {0.1875, 0.3125, 0.9375}, {0.6875, 0.8125, 0.4375},
	}
	for i, p := range want {
		for d, v := range p {
			if got := float64(sobol(uint32(i), d)) / (1 << 32); got != v {
				t.Errorf("point %d, coordinate %d: %v, want %v", i, d, got, v)
			}
		}
	}
}

func TestSobolIsSciPys(t *testing.T) {
	f, err := os.Open("testdata/sobol.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		i, err := strconv.ParseUint(row[0], 10, 32)
		if err != nil || len(row) != 1+sobolDims {
			t.Fatal(row, err)
		}
		for d, text := range row[1:] {
			want, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			if got := float64(sobol(uint32(i), d)) / (1 << 32); got != want {
				t.Errorf("point %d, coordinate %d: %v, want %v", i, d, got, want)
			}
		}
	}
}

// Every coordinate of each aligned block of 2^m points falls once into each of 2^m intervals.
func TestSobolIsStratified(t *testing.T) {
	for d := range sobolDims {
		for _, m := range []uint32{1, 4, 10} {
			for block := range uint32(3) {
				seen := map[uint32]bool{}
				for i := range uint32(1) << m {
					seen[sobol(block<<m+i, d)>>(32-m)] = true
				}
				if len(seen) != 1<<m {
					t.Errorf("coordinate %d, block %d of 2^%d: %d intervals", d, block, m, len(seen))
				}
			}
		}
	}
}
