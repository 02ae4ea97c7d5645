package experiment

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/settle-pc/settle/toy"
)

// nearSaddle is the distance, in units, within which a step counts as near the saddle; startsNear that of the starts
// that are looked at apart.
const (
	nearSaddle = 0.6
	startsNear = 0.5
)

// ToyPath is what a trajectory did.
type ToyPath struct {
	End         [2]float64 `json:"end"`
	Closest     float64    `json:"closest_to_saddle"`
	ClosestStep int        `json:"closest_step"`
	Length      float64    `json:"path_length"`
	Straight    float64    `json:"straight_line"`
	Ratio       *float64   `json:"path_over_straight_line"`
	Steps       int        `json:"steps"`
	Loss        float64    `json:"loss"`
	Energy      float64    `json:"energy"` // F* at the end
	Status      string     `json:"status"`

	NearSaddle int     `json:"steps_near_saddle"` // that start within 0.6 units of it
	SpeedThere float64 `json:"speed_at_closest"`  // size of the gradient at the closest point
	SpeedAfter float64 `json:"largest_speed_after"`

	StartToSolutions float64 `json:"start_to_solutions"`
	EndToSolutions   float64 `json:"end_to_solutions"`
	// EndToNearest is the distance from the end to the solution that was nearest to the start.
	EndToNearest float64         `json:"end_to_nearest_solution_of_start"`
	StepsTo      map[string]*int `json:"steps_to"` // of losses: parts of that at the saddle, and the threshold
}

// ToyPair is both rules from one start.
type ToyPair struct {
	W0 [2]float64 `json:"w0"`
	BP ToyPath    `json:"bp"`
	PC ToyPath    `json:"pc"`
}

var toyRules = [...]toy.Rule{toy.BP, toy.PC}

// descent returns how a rule learns at this rate. Maps of starts are for finding solutions, not for showing that some
// are never found: they stop after the default number of steps.
func (r *toyRun) descent(lr float64, steps int) toy.Descent {
	return toy.Descent{LR: lr, Steps: steps, Loss: r.Loss}
}

func (r *toyRun) mapSteps() int { return min(r.Steps, DefaultToy().Steps) }

// levels are the losses to which steps are counted: three parts of the loss at the saddle, as far as they lie above the
// threshold, and the threshold.
func (r *toyRun) levels() []float64 {
	at := r.p.Loss(toy.Vec{})
	var out []float64
	for _, part := range []float64{0.5, 0.1, 0.01} {
		if v := part * at; v > r.Loss {
			out = append(out, v)
		}
	}
	return append(out, r.Loss)
}

// measure describes a path.
func (r *toyRun) measure(path toy.Path, grad toy.Field) ToyPath {
	end, start := path.End(), path.W[0]
	m := ToyPath{End: end, Length: path.Length(), Straight: path.Straight(), Steps: path.Steps(), Loss: r.p.Loss(end), Energy: r.p.FStar(end),
		Status: path.Status.String(), NearSaddle: path.Within(nearSaddle * r.unit()), StepsTo: map[string]*int{},
		StartToSolutions: r.p.Distance(start), EndToSolutions: r.p.Distance(end), EndToNearest: end.Sub(r.nearest(start, end.Sub(start))).Norm()}
	m.Closest, m.ClosestStep = path.Closest()
	if m.Straight > 0 {
		ratio := m.Length / m.Straight
		m.Ratio = &ratio
	}
	m.SpeedThere = grad(path.W[m.ClosestStep]).Norm()
	for _, w := range path.W[m.ClosestStep:] {
		m.SpeedAfter = max(m.SpeedAfter, grad(w).Norm())
	}
	for _, v := range r.levels() {
		m.StepsTo[ThresholdKey(v)] = nil
		if n, ok := r.p.StepsTo(path, v); ok {
			m.StepsTo[ThresholdKey(v)] = &n
		}
	}
	return m
}

// paths runs both rules from W0 and from the stable manifold of the saddle of 𝓛, as far from it as in the post's setting.
func (r *toyRun) paths(context.Context) error {
	w2 := 0.8 * r.unit()
	caught := toy.Vec{math.Copysign(w2, r.p.LossSaddle().TrapDir[0]), w2}
	r.out.Manifold.W0 = caught
	for _, rule := range toyRules {
		main, manifold := &r.out.BP, &r.out.Manifold.BP
		if rule == toy.PC {
			main, manifold = &r.out.PC, &r.out.Manifold.PC
		}
		for _, c := range []struct {
			name string
			w    toy.Vec
			to   *ToyPath
		}{{"w0", r.W0, main}, {"manifold", caught, manifold}} {
			path := r.p.Run(r.p.Grad(rule), c.w, r.descent(r.LR, r.Steps))
			*c.to = r.measure(path, r.p.Grad(rule))
			r.trace(c.name, rule, 0, path)
		}
	}
	l, f := r.p.LossSaddle(), r.p.FStarSaddle()
	r.out.Hessian = ToyHessians{[]float64{l.Escape, l.Trap}, []float64{f.Escape, f.Trap}}
	r.out.Escape = ToyEscapes{escape(l, r.LR), escape(f, r.LR)}
	return nil
}

// trace stores a path, a row a step.
func (r *toyRun) trace(start string, rule toy.Rule, run int, path toy.Path) {
	for step, w := range path.W {
		r.row("trajectories", []string{"start", "rule", "run", "step", "w1", "w2", "loss", "energy", "to_saddle", "to_solutions"},
			start, rule.String(), run, step, w[0], w[1], r.p.Loss(w), r.p.FStar(w), w.Norm(), r.p.Distance(w))
	}
}

// ToyHessians are eigenvalues at the origin, ascending.
type ToyHessians struct {
	Loss   []float64 `json:"loss"`
	Energy []float64 `json:"energy"`
}

// ToyEscape is the linearised descent beside the saddle: the distance to it grows as e^(rate·lr·steps).
type ToyEscape struct {
	Rate           float64    `json:"rate"`
	StepsPerDecade float64    `json:"steps_per_decade"` // at LR
	Direction      [2]float64 `json:"direction"`
	Trap           float64    `json:"trap_rate"` // at which the distance along the trap shrinks
	TrapDirection  [2]float64 `json:"trap_direction"`
}

// ToyEscapes are those of 𝓛 and F*.
type ToyEscapes struct {
	Loss   ToyEscape `json:"loss"`
	Energy ToyEscape `json:"energy"`
}

func escape(s toy.Saddle, lr float64) ToyEscape {
	return ToyEscape{Rate: s.Rate(), StepsPerDecade: s.StepsPerDecade(lr), Direction: s.EscapeDir, Trap: s.Trap, TrapDirection: s.TrapDir}
}

// ToyNoise is SGD, one example (x, y + σε) a step, from W0: medians over the runs, and how many reached the threshold.
type ToyNoise struct {
	Sigma float64    `json:"sigma"`
	Runs  int        `json:"runs"`
	BP    ToyNoisy   `json:"bp"`
	PC    ToyNoisy   `json:"pc"`
	From  [2]float64 `json:"stable_manifold_w0"`
}

// ToyNoisy are the runs of one rule.
type ToyNoisy struct {
	Reached    int      `json:"reached"`
	Steps      *float64 `json:"steps"` // median, null if that run did not reach the threshold
	Closest    float64  `json:"closest_to_saddle"`
	NearSaddle float64  `json:"steps_near_saddle"`
	// ManifoldReached counts those that reach it from the stable manifold.
	ManifoldReached int `json:"stable_manifold_reached"`
}

// noisyShown is the number of noisy runs that are stored as trajectories.
const noisyShown = 8

// noise runs SGD with the same targets for both rules.
func (r *toyRun) noise(ctx context.Context) error {
	r.out.Noise = ToyNoise{Sigma: r.Noise, Runs: r.Runs, From: r.out.Manifold.W0}
	for _, rule := range toyRules {
		to := &r.out.Noise.BP
		if rule == toy.PC {
			to = &r.out.Noise.PC
		}
		var steps, closest, near []float64
		for k := range r.Runs {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			path := r.sgd(rule, k, r.W0)
			if k < noisyShown {
				r.trace("noisy", rule, k, path)
			}
			n := math.Inf(1)
			if path.Status == toy.Reached {
				to.Reached++
				n = float64(path.Steps())
			}
			c, _ := path.Closest()
			steps, closest, near = append(steps, n), append(closest, c), append(near, float64(path.Within(nearSaddle*r.unit())))
			if r.sgd(rule, k, r.out.Manifold.W0).Status == toy.Reached {
				to.ManifoldReached++
			}
		}
		if n := median(steps); !math.IsInf(n, 0) {
			to.Steps = &n
		}
		to.Closest, to.NearSaddle = median(closest), median(near)
	}
	return nil
}

// sgd is run k of SGD from w.
func (r *toyRun) sgd(rule toy.Rule, k int, w toy.Vec) toy.Path {
	draw := rand.New(rand.NewPCG(r.Seed, uint64(k)))
	return r.p.Run(r.p.Noisy(rule, r.Noise, draw.NormFloat64), w, r.descent(r.LR, r.mapSteps()))
}

// quantile returns the value below which a part q of the finite values lies, NaN of none.
func quantile(v []float64, q float64) float64 {
	v = slices.DeleteFunc(slices.Clone(v), func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}
