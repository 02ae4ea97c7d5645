package theory

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/nn"
)

// fdTol: central differences with h = ∛ε err by about h² ≈ 4e−11 of a third derivative; the rest is for its size.
const fdTol = 1e-7

// problem is a random network with samples.
type problem struct {
	arch nn.Arch
	pi   []float64
	net  *Net
	x, y [][]float64
	rng  *rand.Rand
}

func (p *problem) String() string {
	return fmt.Sprintf("%s/%v/%v/bias=%v/π=%v", p.arch.DimString(), p.arch.Act, p.arch.Place, p.arch.Bias, p.pi)
}

// newProblem draws weights from N(0, scale²/n_{l−1}), biases from N(0, 0.3²), inputs and targets from N(0, 1).
func newProblem(t *testing.T, arch nn.Arch, pi []float64, scale float64, seed uint64) *problem {
	t.Helper()
	p := &problem{arch: arch, pi: pi, rng: rand.New(rand.NewPCG(seed, 3))}
	n, err := New(arch, Draw(arch, scale, 0.3, p.rng), pi)
	if err != nil {
		t.Fatal(err)
	}
	p.net = n
	for range 3 {
		p.x, p.y = append(p.x, p.vector(arch.Dims[0])), append(p.y, p.vector(arch.Dims[n.L()]))
	}
	return p
}

func (p *problem) vector(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = p.rng.NormFloat64()
	}
	return v
}

// samples are those of the problem in a network with parameters theta.
func (p *problem) samples(theta []float64) []*Sample {
	n := p.net.With(theta)
	var out []*Sample
	for i := range p.x {
		out = append(out, n.Sample(p.x[i], p.y[i]))
	}
	return out
}

// settle returns the equilibria.
func settle(t *testing.T, samples []*Sample) []Equilibrium {
	t.Helper()
	var out []Equilibrium
	for i, s := range samples {
		q := s.Settle()
		if !q.OK() {
			t.Fatalf("sample %d settles to residual ratio %v after %d steps", i, q.Ratio, q.Steps)
		}
		out = append(out, q)
	}
	return out
}

// eachProblem runs f on networks of all activations with a derivative, depths, placements, biases and precisions.
func eachProblem(t *testing.T, f func(t *testing.T, p *problem)) {
	for _, act := range []nn.Activation{nn.Linear, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU} {
		for _, place := range []nn.Place{nn.After, nn.Before} {
			for _, c := range []struct {
				dims []int
				bias bool
				pi   []float64
			}{
				{[]int{3, 2}, true, []float64{0.7}},
				{[]int{3, 4, 2}, true, nil},
				{[]int{4, 3, 5, 2}, false, []float64{0.5, 2, 1.5}},
				{[]int{2, 4, 3, 4, 3}, true, []float64{1, 0.3, 4, 0.2}},
			} {
				p := newProblem(t, nn.Arch{Dims: c.dims, Act: act, Place: place, Bias: c.bias}, c.pi, 1.1, uint64(len(c.dims)))
				t.Run(p.String(), func(t *testing.T) { f(t, p) })
			}
		}
	}
}

// differences returns the matrix of central differences of a gradient g(x), column by column.
func differences(g func(x []float64) []float64, x []float64) [][]float64 {
	var columns [][]float64
	for i, v := range x {
		h := check.Step * max(1, abs(v))
		x[i] = v + h
		up := g(x)
		x[i] = v - h
		d := sub(up, g(x))
		x[i] = v
		scale(d, 1/(2*h))
		columns = append(columns, d)
	}
	return columns
}

func abs(v float64) float64 { return max(v, -v) }
