package toy

import (
	"math"
	"math/rand/v2"
	"testing"
)

// reference runs a rule with formulas written out, from the definitions, and shares nothing with the package.
func reference(x, y, w1, w2, lr float64, pc bool) (end [2]float64, steps int, closest float64) {
	closest = math.Hypot(w1, w2)
	for steps = 0; steps < 3000 && (y-w1*w2*x)*(y-w1*w2*x)/2 >= 1e-3; steps++ {
		z := w1 * x
		if pc {
			z = (w1*x + w2*y) / (1 + w2*w2)
		}
		d1, d2 := -(z-w1*x)*x, -(y-w2*z)*z
		if !pc {
			d1 = -(y - w2*z) * w2 * x
		}
		w1, w2 = w1-lr*d1, w2-lr*d2
		closest = min(closest, math.Hypot(w1, w2))
	}
	return [2]float64{w1, w2}, steps, closest
}

func TestTrajectoriesAgainstAnIndependentLoop(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		p, w := Problem{0.5 + r.Float64(), r.NormFloat64()}, Vec{r.NormFloat64(), r.NormFloat64()}
		for _, rule := range []Rule{BP, PC} {
			path := p.Run(p.Grad(rule), w, Descent{LR: 0.1, Steps: 3000, Loss: 1e-3})
			if path.Status == Diverged {
				continue
			}
			end, steps, closest := reference(p.X, p.Y, w[0], w[1], 0.1, rule == PC)
			if d, _ := path.Closest(); path.Steps() != steps || !near(path.End(), end, 1e-9) || math.Abs(d-closest) > 1e-9 {
				t.Errorf("%v from %v: %d steps to %v, closest %v; the loop: %d to %v, %v", rule, w, path.Steps(), path.End(), d, steps, end, closest)
			}
		}
	}
}

// The published settings: numbers of the project's notation and experiments pages.
func TestTrajectoriesOfTheFigures(t *testing.T) {
	p := Problem{1, -1}
	d := Descent{LR: 0.2, Steps: 3000, Loss: 1e-3}
	for _, c := range []struct {
		rule    Rule
		end     Vec
		steps   int
		closest float64
	}{{BP, Vec{-.933, 1.037}, 18, .503}, {PC, Vec{-.662, 1.452}, 25, 1.08}} {
		path := p.Run(p.Grad(c.rule), Vec{.75, .95}, d)
		closest, _ := path.Closest()
		if path.Status != Reached || path.Steps() != c.steps || path.End().Sub(c.end).Norm() > 1e-3 || math.Abs(closest-c.closest) > 1e-3 {
			t.Errorf("%v: %v after %d steps at %v, closest %v; want %+v", c.rule, path.Status, path.Steps(), path.End(), closest, c)
		}
		if n, ok := p.StepsTo(path, 1e-3); !ok || n != c.steps {
			t.Errorf("%v: loss below 1e-3 after %d steps, %v; want %d", c.rule, n, ok, c.steps)
		}
		if n, ok := p.StepsTo(path, 1e-9); ok {
			t.Errorf("%v: loss below 1e-9 after %d steps, but it stopped above", c.rule, n)
		}
	}
	caught, free := p.Run(p.LossGrad, Vec{.8, .8}, d), p.Run(p.FStarGrad, Vec{.8, .8}, d)
	if caught.Status != StepLimit || caught.Steps() != 3000 || caught.End().Norm() > 1e-100 {
		t.Errorf("GD from the saddle's stable manifold: %v after %d steps at %v; want it caught", caught.Status, caught.Steps(), caught.End())
	}
	if free.Status != Reached || free.Steps() != 26 {
		t.Errorf("PC from there: %v after %d steps; want 26", free.Status, free.Steps())
	}
}

func TestDivergenceIsAnOutcome(t *testing.T) {
	p := Problem{1, -1}
	path := p.Run(p.LossGrad, Vec{1.5, 1.9}, Descent{LR: 3, Steps: 100, Loss: 1e-3})
	if end := path.End(); path.Status != Diverged || !(end.Norm() < 1e7) {
		t.Errorf("%v after %d steps at %v", path.Status, path.Steps(), path.End())
	}
	if path := p.Run(func(Vec) Vec { return Vec{math.NaN(), 0} }, Vec{1, 1}, Descent{LR: 1, Steps: 9}); path.Status != Diverged || path.Steps() != 0 {
		t.Errorf("a gradient of NaN: %v after %d steps", path.Status, path.Steps())
	}
	if path := p.Run(p.LossGrad, Vec{1, -1}, Descent{LR: 1, Steps: 9, Loss: 1e-3}); path.Status != Reached || path.Steps() != 0 {
		t.Errorf("from a solution: %v after %d steps", path.Status, path.Steps())
	}
}

func TestMeasuresOfAPath(t *testing.T) {
	path := Path{W: []Vec{{3, 4}, {3, 1}, {0, 1}, {0, 2}, {4, 2}}}
	d, at := path.Closest()
	if path.Steps() != 4 || path.Length() != 3+3+1+4 || path.Straight() != math.Hypot(1, 2) || d != 1 || at != 2 {
		t.Errorf("steps %d, length %v, straight %v, closest %v at %d", path.Steps(), path.Length(), path.Straight(), d, at)
	}
	// The end (4, 2) starts no step; (0, 2) lies on the rim.
	if n, all := path.Within(2), path.Within(10); n != 2 || all != 4 {
		t.Errorf("steps within 2: %d, within 10: %d; want 2 and 4", n, all)
	}
}

// Gauss and Hermite's rule with three points is exact for the gradients, which are quadratic in the noise.
func TestNoiseAverages(t *testing.T) {
	const sigma = 0.7
	ps, ws := cases()
	for i, p := range ps {
		w := ws[i]
		mean := map[Rule]Vec{}
		value := map[Rule]float64{}
		for _, node := range []struct{ eps, weight float64 }{{-math.Sqrt(3), 1. / 6}, {0, 2. / 3}, {math.Sqrt(3), 1. / 6}} {
			for _, rule := range []Rule{BP, PC} {
				g := p.Noisy(rule, sigma, func() float64 { return node.eps })(w)
				mean[rule] = mean[rule].Add(g.Scale(node.weight))
			}
			q := Problem{p.X, p.Y + sigma*node.eps}
			value[BP] += node.weight * q.Loss(w)
			value[PC] += node.weight * q.FStar(w)
		}
		if !near(mean[BP], p.LossGrad(w), 1e-11) || !near(mean[PC], p.MeanFStarGrad(w, sigma), 1e-11) {
			t.Errorf("%v at %v: mean gradients %v, closed forms %v, %v", p, w, mean, p.LossGrad(w), p.MeanFStarGrad(w, sigma))
		}
		if math.Abs(value[BP]-p.MeanLoss(w, sigma)) > 1e-11*value[BP] || math.Abs(value[PC]-p.MeanFStar(w, sigma)) > 1e-11*value[PC] {
			t.Errorf("%v at %v: means %v, closed forms %v, %v", p, w, value, p.MeanLoss(w, sigma), p.MeanFStar(w, sigma))
		}
	}
}

func TestNoiseDrawsAFreshExample(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p, w := Problem{1, -1}, Vec{0.6, 0.9}
	field := p.Noisy(PC, 0.3, r.NormFloat64)
	const n = 200_000
	var sum Vec
	for range n {
		sum = sum.Add(field(w))
	}
	// The standard deviation of one gradient is below 1: that of the mean is below 1/√n.
	if mean, want := sum.Scale(1./n), p.MeanFStarGrad(w, 0.3); mean.Sub(want).Norm() > 5/math.Sqrt(n) {
		t.Errorf("mean of %d draws %v, want %v", n, mean, want)
	}
}

// On the stable manifold w₁ = ∓w₂ of the saddle of 𝓛, noise in the target moves GD along it, never off it: w₁² − w₂²
// only shrinks by (1 − (lr·r·x)²). SGD cannot leave where PC can.
func TestTargetNoiseCannotFreeGD(t *testing.T) {
	p := Problem{1, -1}
	r := rand.New(rand.NewPCG(9, 1))
	sgd := p.Run(p.Noisy(BP, 0.5, r.NormFloat64), Vec{.8, .8}, Descent{LR: 0.2, Steps: 3000, Loss: 1e-3})
	if end := sgd.End(); sgd.Status == Reached || end[0] != end[1] {
		t.Errorf("SGD from (0.8, 0.8): %v at %v", sgd.Status, end)
	}
	w := Vec{1.1, -0.4}
	next := w.Sub(p.LossGrad(w).Scale(0.2))
	rx := 0.2 * p.Residual(w) * p.X
	if got, want := next[0]*next[0]-next[1]*next[1], (w[0]*w[0]-w[1]*w[1])*(1-rx*rx); math.Abs(got-want) > rounding {
		t.Errorf("w₁² − w₂² goes to %v, want %v", got, want)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{BP.String(): "bp", PC.String(): "pc", Reached.String(): "reached",
		StepLimit.String(): "step limit", Diverged.String(): "diverged"} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
