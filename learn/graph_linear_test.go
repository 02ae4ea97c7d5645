package learn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// linearGraph is the closed form of a graph without activations, by gonum: e = A x − c over all nodes to which edges lead.
type linearGraph struct {
	a  *mat.Dense
	c  []float64
	pi []float64 // of each row
}

func newLinearGraph(g *nn.Graph[float64], pi, theta []float64) linearGraph {
	at, dim := make([]int, g.Nodes()), 0
	for i := range at {
		at[i] = dim
		dim += g.Vertex(i).N
	}
	var rows [][]float64
	var s linearGraph
	for i := range at {
		if len(g.Into(i)) == 0 {
			continue
		}
		for k := range g.Vertex(i).N {
			row := make([]float64, dim)
			row[at[i]+k] = 1
			bias := 0.0
			for n, l := range g.Into(i) {
				j, _ := g.Ends(l)
				w, width := g.Of(l, theta), g.Vertex(j).N
				for m := range width {
					row[at[j]+m] -= w[k*width+m]
				}
				if g.Vertex(i).Bias && n == len(g.Into(i))-1 {
					bias = w[g.Vertex(i).N*width+k]
				}
			}
			rows, s.c, s.pi = append(rows, row), append(s.c, bias), append(s.pi, pi[i])
		}
	}
	s.a = mat.NewDense(len(rows), dim, slices.Concat(rows...))
	return s
}

// equilibrium returns x with its unknown coordinates where F is smallest, and F there: least squares of √π (A x − c).
func (s linearGraph) equilibrium(t *testing.T, x []float64, known func(k int) bool) ([]float64, float64) {
	t.Helper()
	rows, dim := s.a.Dims()
	var free []int
	rhs := mat.NewDense(rows, 1, nil)
	for k := range dim {
		if !known(k) {
			free = append(free, k)
		}
	}
	a := mat.NewDense(rows, len(free), nil)
	for r := range rows {
		v := s.c[r]
		for k := range dim {
			if known(k) {
				v -= s.a.At(r, k) * x[k]
			}
		}
		rhs.Set(r, 0, math.Sqrt(s.pi[r])*v)
		for n, k := range free {
			a.Set(r, n, math.Sqrt(s.pi[r])*s.a.At(r, k))
		}
	}
	var sol, e mat.Dense
	if err := sol.Solve(a, rhs); err != nil {
		t.Fatal(err)
	}
	at := slices.Clone(x)
	for n, k := range free {
		at[k] = sol.At(n, 0)
	}
	e.Mul(a, &sol)
	e.Sub(rhs, &e)
	norm := mat.Norm(&e, 2)
	return at, norm * norm / 2
}

// TestLinearGraphSettlesInClosedForm: whatever nodes are given, in whole or in part, by every method that needs no curvature.
func TestLinearGraphSettlesInClosedForm(t *testing.T) {
	g := grown[float64](tangle(nn.Linear, nn.After), 0.8)
	pi := []float64{1, 0.5, 2, 1.5}
	problem := &energy.Graph[float64]{Net: g, Precision: pi}
	rng := rand.New(rand.NewPCG(3, 4))
	var data []tensor.Matrix[float64]
	for i := range g.Nodes() {
		data = append(data, check.Random[float64](rng, batchRows, g.Vertex(i).N))
	}
	for what, q := range map[string]struct {
		nodes []int
		known [][]bool
	}{
		"x":                {[]int{0}, nil},
		"h and y":          {[]int{1, 3}, nil}, // y alone leaves more free than there are errors: F* = 0 in many places
		"x and y":          {[]int{0, 3}, nil},
		"x and half of y":  {[]int{0, 3}, [][]bool{nil, nil, nil, {true, false}}},
		"half of h, all x": {[]int{0, 1}, [][]bool{nil, {true, false, true, false, true}, nil, nil}},
	} {
		given := make([]tensor.Matrix[float64], g.Nodes())
		var known []bool
		for i := range given {
			all := make([]bool, g.Vertex(i).N)
			if slices.Contains(q.nodes, i) {
				given[i] = check.Clone(data[i])
				for k := range all {
					if all[k] = q.known == nil || q.known[i] == nil || q.known[i][k]; !all[k] {
						for row := range batchRows {
							given[i].Row(row)[k] = nan // which nobody may look at
						}
					}
				}
			}
			known = append(known, all...)
		}
		for _, m := range []infer.Method[float64]{&infer.Auto[float64]{}, &infer.Euler[float64]{DT: 0.1}, &infer.Momentum[float64]{DT: 0.1, Mu: 0.5},
			&infer.RungeKutta[float64]{Tableau: infer.DormandPrince, DT: 0.2}} {
			got, r, err := learn.Query(problem, given, q.known, m, infer.Settings{Tol: 1e-10, MaxPasses: 1e5, Patience: -1})
			if err != nil || r.Count[infer.Equilibrium] != batchRows {
				t.Fatalf("%s by %T: %v, %v", what, m, r.Count, err)
			}
			newLinearGraph(g, pi, g.Theta()).check(t, fmt.Sprintf("%s by %T", what, m), data, known, got, r.F)
		}
	}
	if _, _, err := learn.Query(problem, []tensor.Matrix[float64]{data[0], {}, {}, {}}, nil, &infer.ConjugateGradient[float64]{}, infer.Settings{}); err == nil {
		t.Error("a method that needs curvature runs without")
	}
}

// check compares activities and energy with the equilibrium from data of which some coordinates are known.
func (s linearGraph) check(t *testing.T, what string, data []tensor.Matrix[float64], known []bool, got []tensor.Matrix[float64], f float64) {
	t.Helper()
	want := 0.0
	for row := range batchRows {
		var x, at []float64
		for i := range got {
			x, at = append(x, data[i].Row(row)...), append(at, got[i].Row(row)...)
		}
		z, least := s.equilibrium(t, x, func(k int) bool { return known[k] })
		want += least
		// 1e−10 of a residual of about 5 over the smallest curvature, which is 0.03 or more.
		if d := check.RelError(at, z); !(d < 1e-7) {
			t.Errorf("%s: sample %d is off by %g", what, row, d)
		}
	}
	if !(math.Abs(f-want) <= 1e-9*max(want, 1)) { // 0 where x alone is given
		t.Errorf("%s: F* = %v, want %v", what, f, want)
	}
}

// TestGraphLearnsDownTheEquilibratedEnergy: the learning gradient is (1/B) ∂F*/∂θ, F* in closed form, by central differences.
func TestGraphLearnsDownTheEquilibratedEnergy(t *testing.T) {
	g := grown[float64](tangle(nn.Linear, nn.After), 0.8)
	pi := []float64{1, 0.5, 2, 1.5}
	b := data.Batch[float64]{X: check.Random[float64](rand.New(rand.NewPCG(5, 6)), batchRows, 4), Y: check.Random[float64](rand.New(rand.NewPCG(7, 8)), batchRows, 2)}
	r := learn.NewGraph(&energy.Graph[float64]{Net: g, Precision: pi}, learn.Nodes{X: 0, Y: 3}, tight(learn.Activities), pool(t, 2), batchRows)
	got, stats := gradient(t, r, b)
	theta := slices.Clone(g.Theta())
	star := func() float64 {
		oracle, sum := newLinearGraph(g, pi, theta), 0.0
		for row := range batchRows {
			x := slices.Concat(b.X.Row(row), make([]float64, 8), b.Y.Row(row))
			_, f := oracle.equilibrium(t, x, func(k int) bool { return k < 4 || k >= 12 })
			sum += f
		}
		return sum
	}
	want := check.Gradient(star, theta)
	tensor.Scale(want, 1./batchRows)
	if d := check.RelError(got, want); !(d < 1e-7) { // differences of F* of about 20: rounding 4e−11·20 over gradients of 1
		t.Errorf("learning gradient is off by %g", d)
	}
	if total := star(); !check.Close(stats.Inference.F, total, 1e-9) {
		t.Errorf("F* = %v, want %v", stats.Inference.F, total)
	}
}

// TestGraphReportsItsStabilityLimit where Euler's steps are too long for it, in the batch where that shows: 2/λ_max of AᵀΠA over what is
// free, of which power iteration finds a few percent too little. Half as long, every sample settles.
func TestGraphReportsItsStabilityLimit(t *testing.T) {
	g := grown[float64](tangle(nn.Linear, nn.After), 0.8)
	pi := []float64{1, 0.5, 2, 1.5}
	s := newLinearGraph(g, pi, g.Theta())
	rows, _ := s.a.Dims()
	a := mat.DenseCopyOf(s.a.Slice(0, rows, 4, 12)) // h and g
	for r := range rows {
		for k := range 8 {
			a.Set(r, k, math.Sqrt(s.pi[r])*a.At(r, k))
		}
	}
	var svd mat.SVD
	if !svd.Factorize(a, mat.SVDNone) {
		t.Fatal("no singular values")
	}
	largest := slices.Max(svd.Values(nil))
	want := 2 / (largest * largest)
	b := data.Batch[float64]{X: check.Random[float64](rand.New(rand.NewPCG(5, 6)), batchRows, 4), Y: check.Random[float64](rand.New(rand.NewPCG(7, 8)), batchRows, 2)}
	for _, times := range []float64{0.5, 1.5} {
		inf := learn.Inference[float64]{Coordinates: learn.Activities, Method: func() infer.Method[float64] { return &infer.Euler[float64]{DT: times * want} },
			Settings: infer.Settings{Tol: 1e-3, MaxPasses: 1e4}}
		_, stats := gradient(t, learn.NewGraph(&energy.Graph[float64]{Net: g, Precision: pi}, learn.Nodes{X: 0, Y: 3}, inf, pool(t, 1), batchRows), b)
		switch {
		case times < 1 && (stats.Limit != 0 || stats.Inference.Count[infer.Equilibrium] != batchRows):
			t.Errorf("below the limit: %v, and a limit of %v", stats.Inference.Count, stats.Limit)
		case times > 1 && (stats.Inference.Count[infer.Diverged] != batchRows || !(math.Abs(stats.Limit/want-1) < 0.05)):
			t.Errorf("above the limit: %v, and a limit of %v, want %v", stats.Inference.Count, stats.Limit, want)
		}
	}
}
