package toy

import "math"

// Field is a gradient field over the weights.
type Field func(w Vec) Vec

// Rule is a learning rule.
type Rule uint8

// The rules: gradient descent on 𝓛 and on F*.
const (
	BP Rule = iota
	PC
)

// String returns bp or pc.
func (r Rule) String() string { return [...]string{"bp", "pc"}[r] }

// Grad returns the gradient that the rule descends.
func (p Problem) Grad(r Rule) Field {
	if r == PC {
		return p.FStarGrad
	}
	return p.LossGrad
}

// Status is how a descent ended.
type Status uint8

// The outcomes.
const (
	Reached   Status = iota // the loss is below the threshold
	StepLimit               // it is not, after all steps
	Diverged                // the weights left every reasonable size
)

// String returns the status in words.
func (s Status) String() string { return [...]string{"reached", "step limit", "diverged"}[s] }

// Descent is how to learn: w ← w − LR·∇ until 𝓛(w) < Loss, at most Steps times.
type Descent struct {
	LR    float64
	Steps int
	Loss  float64
}

// Path is where a descent went: W[0] is the start.
type Path struct {
	W      []Vec
	Status Status
}

// tooFar is the size of weights, relative to the start's and the solutions', from which no descent has returned.
const tooFar = 1e6

// Run descends grad from w. The stop is on the loss for every rule, so that their steps compare. The last point of a
// diverged path is the last one of reasonable size.
func (p Problem) Run(grad Field, w Vec, d Descent) Path {
	path := Path{W: []Vec{w}}
	limit := tooFar * (1 + w.Norm() + math.Sqrt(math.Abs(p.Y/p.X)))
	for !(p.Loss(w) < d.Loss) {
		if len(path.W) > d.Steps {
			path.Status = StepLimit
			return path
		}
		w = w.Sub(grad(w).Scale(d.LR))
		if !(w.Norm() < limit) {
			path.Status = Diverged
			return path
		}
		path.W = append(path.W, w)
	}
	return path
}

// Steps returns the number of steps taken.
func (p Path) Steps() int { return len(p.W) - 1 }

// End returns the last point.
func (p Path) End() Vec { return p.W[len(p.W)-1] }

// Length returns the sum of the lengths of the steps.
func (p Path) Length() float64 {
	sum := 0.0
	for i := range p.Steps() {
		sum += p.W[i+1].Sub(p.W[i]).Norm()
	}
	return sum
}

// Straight returns the distance from the start to the end.
func (p Path) Straight() float64 { return p.End().Sub(p.W[0]).Norm() }

// Closest returns the least distance of a point of the path to the saddle, and its index.
func (p Path) Closest() (distance float64, step int) {
	distance = math.Inf(1)
	for i, w := range p.W {
		if d := w.Norm(); d < distance {
			distance, step = d, i
		}
	}
	return distance, step
}

// Within returns how many of the steps start within radius of the saddle.
func (p Path) Within(radius float64) int {
	n := 0
	for _, w := range p.W[:p.Steps()] {
		if w.Norm() <= radius {
			n++
		}
	}
	return n
}

// StepsTo returns the number of steps until the loss is first below the threshold, or false where it never is.
func (p Problem) StepsTo(path Path, loss float64) (int, bool) {
	for i, w := range path.W {
		if p.Loss(w) < loss {
			return i, true
		}
	}
	return 0, false
}
