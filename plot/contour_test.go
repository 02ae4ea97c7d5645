package plot

import (
	"math"
	"math/rand/v2"
	"testing"
)

func length(line [][2]float64) float64 {
	sum := 0.0
	for i := 1; i < len(line); i++ {
		sum += math.Hypot(line[i][0]-line[i-1][0], line[i][1]-line[i-1][1])
	}
	return sum
}

func TestContoursFollowACircle(t *testing.T) {
	g := gridOf(41, func(x, y float64) float64 { return x*x + y*y })
	lines := g.lines(1.1)
	if len(lines) != 1 {
		t.Fatalf("%d lines, want one", len(lines))
	}
	line := lines[0]
	if line[0] != line[len(line)-1] {
		t.Error("the circle is open")
	}
	want := math.Sqrt(1.1)
	for _, pt := range line {
		// On a side of length h = 0.1 the straight line errs by h²/4 in a function with second derivative 2, hence by
		// h²/4 over the slope 2r in the radius.
		if r := math.Hypot(pt[0], pt[1]); math.Abs(r-want) > 0.01/4/(2*want) {
			t.Errorf("%v has radius %v, want %v", pt, r, want)
		}
	}
	if l := length(line); math.Abs(l/(2*math.Pi*want)-1) > 0.003 {
		t.Errorf("length %v, want %v", l, 2*math.Pi*want)
	}
	if corners := g.lines(5); len(corners) != 4 { // cut off by the edges
		t.Errorf("%d lines beyond the edges, want four", len(corners))
	}
	if none := g.lines(100); len(none) != 0 {
		t.Errorf("%d lines of a level that is nowhere", len(none))
	}
}

func TestContoursPassASaddle(t *testing.T) {
	g := gridOf(40, func(x, y float64) float64 { return x * y }) // no point on the axes
	for _, level := range []float64{0.05, -0.05} {
		lines := g.lines(level)
		if len(lines) != 2 {
			t.Errorf("level %v: %d lines, want both branches of the hyperbola", level, len(lines))
		}
		for _, line := range lines {
			for _, pt := range line {
				if math.Abs(pt[0]*pt[1]-level) > 1e-12 { // bilinear: exact on the sides
					t.Errorf("level %v at %v", level, pt)
				}
			}
		}
	}
}

// Every side that the level crosses is on exactly one line, once, and steps stay in a cell.
func TestContoursTakeEveryCrossingOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 50 {
		g := gridOf(3+r.IntN(12), func(float64, float64) float64 { return r.NormFloat64() })
		if r.IntN(2) == 0 {
			g.Z[r.IntN(len(g.Z))] = math.NaN()
		}
		n := len(g.X)
		crossed := func(a, b float64) bool { return (a >= 0.2) != (b >= 0.2) }
		whole := func(i, j int) bool {
			if i < 0 || j < 0 || i >= n-1 || j >= n-1 {
				return false
			}
			return !math.IsNaN(g.at(i, j) + g.at(i+1, j) + g.at(i, j+1) + g.at(i+1, j+1))
		}
		want := 0
		for j := range n {
			for i := range n {
				if i < n-1 && crossed(g.at(i, j), g.at(i+1, j)) && (whole(i, j) || whole(i, j-1)) {
					want++
				}
				if j < n-1 && crossed(g.at(i, j), g.at(i, j+1)) && (whole(i, j) || whole(i-1, j)) {
					want++
				}
			}
		}
		got, seen := 0, map[[2]float64]bool{}
		h := g.X[1] - g.X[0]
		for _, line := range g.lines(0.2) {
			for k, pt := range line {
				if closing := k == len(line)-1 && k > 0 && pt == line[0]; !closing {
					got++
					if seen[pt] {
						t.Errorf("%v is passed twice", pt)
					}
					seen[pt] = true
				}
				if k > 0 && (math.Abs(pt[0]-line[k-1][0]) > h*1.0001 || math.Abs(pt[1]-line[k-1][1]) > h*1.0001) {
					t.Errorf("a step from %v to %v leaves the cell", line[k-1], pt)
				}
			}
		}
		if got != want {
			t.Errorf("%d crossings on lines, want %d", got, want)
		}
	}
}
