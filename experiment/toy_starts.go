package experiment

import (
	"context"
	"math"
	"slices"

	"github.com/settle-pc/settle/toy"
)

// ToyStarts counts, over the grid of starts, which rule does better. A start counts where both can be compared: at the
// origin and on a solution neither moves.
type ToyStarts struct {
	Points int `json:"points"` // that are not on a solution already, nor at the origin
	// Which rule is first below the threshold, both at LR, and both at their best rates.
	Equal ToyRace `json:"equal_rate"`
	Best  ToyRace `json:"best_rates"`
	// The same for starts within half a unit of the saddle.
	EqualNear ToyRace `json:"equal_rate_near_saddle"`
	BestNear  ToyRace `json:"best_rates_near_saddle"`
	// Where each rule stays farther from the saddle, among starts that either leads nearer to it.
	Farther ToyShare `json:"farther_from_saddle"`
	// BP's attraction: parts of the starts that it leads nearer to the saddle, and to within 0.6 units from outside.
	Approach float64 `json:"share_approaching"`
	Enter    float64 `json:"share_entering"`
	// Path over straight line, and distance from the end to the solution that was nearest to the start, where both reach
	// the threshold.
	Direct  ToyShare `json:"path_over_straight_line"`
	Nearest ToyShare `json:"end_to_nearest_solution_of_start"`
	// Cosine of the negative gradient with the direction to the nearest solution: over all, and near the saddle.
	Cosine     ToyShare `json:"cosine_to_nearest_solution"`
	CosineNear ToyShare `json:"cosine_to_nearest_solution_near_saddle"`
}

// ToyRace is who needs fewer steps. Caught and diverged starts lose.
type ToyRace struct {
	BP        int      `json:"bp_first"`
	PC        int      `json:"pc_first"`
	Tie       int      `json:"tie"`
	Neither   int      `json:"neither"`
	MissedBP  int      `json:"bp_never"`
	MissedPC  int      `json:"pc_never"`
	MedianBP  *float64 `json:"bp_median_steps"` // null if the median start does not reach the threshold
	MedianPC  *float64 `json:"pc_median_steps"`
	ShareOfPC *float64 `json:"share_pc_first"` // of those where one is
}

// ToyShare is a number measured for both rules at many starts.
type ToyShare struct {
	Starts int      `json:"starts"`
	BP     *float64 `json:"bp_median"` // null of no starts
	PC     *float64 `json:"pc_median"`
	Better *float64 `json:"share_pc_better"` // of the starts where they differ
	Differ int      `json:"differ"`
}

// toyStart is one start: index 0 of each pair is BP, 1 PC.
type toyStart struct {
	w      toy.Vec
	path   [2]toy.Path // at LR
	steps  [2]float64  // of path to the threshold, +Inf where it is not reached
	best   [2]float64  // the same at the best rate
	cosine [2]float64  // of −∇ with the direction to the nearest solution
	end    [2]float64  // distance from the end of path to that solution
}

// starts runs both rules from every point of the grid of starts.
func (r *toyRun) starts(ctx context.Context) error {
	side := axis(r.W1, r.Starts)
	up := axis(r.W2, r.Starts)
	r.grid = make([]toyStart, len(side)*len(up))
	return forEach(ctx, r.env.Workers, len(up), func(_ context.Context, row int) error {
		for col := range side {
			s := &r.grid[row*len(side)+col]
			*s = toyStart{w: toy.Vec{side[col], up[row]}}
			for i, rule := range toyRules {
				grad := r.p.Grad(rule)
				s.path[i] = r.p.Run(grad, s.w, r.descent(r.LR, r.mapSteps()))
				s.steps[i], s.best[i] = steps(s.path[i]), math.Inf(1)
				down := grad(s.w).Scale(-1)
				s.cosine[i] = down.Cos(r.nearest(s.w, down).Sub(s.w))
				s.end[i] = s.path[i].End().Sub(r.nearest(s.w, s.path[i].End().Sub(s.w))).Norm()
			}
		}
		return nil
	})
}

// summarise counts the starts, once the best rates are known.
func (r *toyRun) summarise() {
	o := &r.out.Starts
	var direct, nearest, farther, cosine, cosineNear pairs
	approach, enter := 0, 0
	for i := range r.grid {
		s := &r.grid[i]
		if s.settled() {
			continue
		}
		o.Points++
		near := s.w.Norm() < startsNear*r.unit()
		cosine.add(s.cosine[0], s.cosine[1])
		if near {
			cosineNear.add(s.cosine[0], s.cosine[1])
		}
		bp, _ := s.path[0].Closest()
		pc, _ := s.path[1].Closest()
		if from := s.w.Norm(); bp < from || pc < from {
			farther.add(bp, pc)
			if bp < from {
				approach++
			}
			if from > nearSaddle*r.unit() && bp <= nearSaddle*r.unit() {
				enter++
			}
		}
		if s.path[0].Status == toy.Reached && s.path[1].Status == toy.Reached {
			direct.add(s.path[0].Length()/s.path[0].Straight(), s.path[1].Length()/s.path[1].Straight())
			nearest.add(s.end[0], s.end[1])
		}
	}
	n := float64(max(o.Points, 1))
	o.Approach, o.Enter = float64(approach)/n, float64(enter)/n
	o.Farther, o.Cosine, o.CosineNear = farther.share(+1), cosine.share(+1), cosineNear.share(+1)
	o.Direct, o.Nearest = direct.share(-1), nearest.share(-1)
	all := func(*toyStart) bool { return true }
	near := func(s *toyStart) bool { return s.w.Norm() < startsNear*r.unit() }
	equal := func(s *toyStart) [2]float64 { return s.steps }
	best := func(s *toyStart) [2]float64 { return s.best }
	o.Equal, o.EqualNear = r.race(all, equal), r.race(near, equal)
	o.Best, o.BestNear = r.race(all, best), r.race(near, best)
	r.storeStarts()
}

// nearest returns the solution nearest to w, of several the one that lies more in direction dir.
func (r *toyRun) nearest(w, dir toy.Vec) toy.Vec {
	if n := dir.Norm(); n > 0 {
		w = w.Add(dir.Scale(1e-9 * r.unit() / n))
	}
	return r.p.Nearest(w)
}

// settled reports that neither rule moves: on a solution, or at the origin.
func (s *toyStart) settled() bool {
	return s.w == toy.Vec{} || s.path[0].Status == toy.Reached && s.path[0].Steps() == 0
}

// steps is the number of steps to the threshold, +Inf where it is not reached.
func steps(p toy.Path) float64 {
	if p.Status != toy.Reached {
		return math.Inf(1)
	}
	return float64(p.Steps())
}

// race counts who is first over the starts of a set.
func (r *toyRun) race(in func(*toyStart) bool, of func(*toyStart) [2]float64) ToyRace {
	var o ToyRace
	var all [2][]float64
	for i := range r.grid {
		s := &r.grid[i]
		if s.settled() || !in(s) {
			continue
		}
		bp, pc := of(s)[0], of(s)[1]
		all[0], all[1] = append(all[0], bp), append(all[1], pc)
		if math.IsInf(bp, 1) {
			o.MissedBP++
		}
		if math.IsInf(pc, 1) {
			o.MissedPC++
		}
		switch {
		case math.IsInf(bp, 1) && math.IsInf(pc, 1):
			o.Neither++
		case bp < pc:
			o.BP++
		case pc < bp:
			o.PC++
		default:
			o.Tie++
		}
	}
	o.MedianBP, o.MedianPC = orNil(median(all[0])), orNil(median(all[1]))
	o.ShareOfPC = orNil(float64(o.PC) / float64(o.PC+o.BP))
	return o
}

// pairs are values of BP and PC.
type pairs struct{ bp, pc []float64 }

func (p *pairs) add(bp, pc float64) {
	if !math.IsNaN(bp) && !math.IsNaN(pc) {
		p.bp, p.pc = append(p.bp, bp), append(p.pc, pc)
	}
}

// share compares: better is +1 where more is better, −1 where less is. Values that agree to 1e-9 do not differ.
func (p *pairs) share(better float64) ToyShare {
	s := ToyShare{Starts: len(p.bp), BP: orNil(quantile(p.bp, 0.5)), PC: orNil(quantile(p.pc, 0.5))}
	wins := 0
	for i := range p.bp {
		d := better * (p.pc[i] - p.bp[i])
		if math.Abs(d) <= 1e-9*max(math.Abs(p.bp[i]), math.Abs(p.pc[i])) {
			continue
		}
		s.Differ++
		if d > 0 {
			wins++
		}
	}
	s.Better = orNil(float64(wins) / float64(s.Differ))
	return s
}

// mapLimit is the base-2 logarithm of the ratio of steps at which the map of starts ends.
const mapLimit = 2

// first is what the map of starts shows: log₂ of BP's steps over PC's, positive where PC is first, within ±mapLimit; NaN
// where neither arrives.
func first(s *toyStart, steps [2]float64) float64 {
	bp, pc := steps[0], steps[1]
	switch {
	case s.settled() || math.IsInf(bp, 1) && math.IsInf(pc, 1):
		return math.NaN()
	case math.IsInf(bp, 1):
		return mapLimit
	case math.IsInf(pc, 1):
		return -mapLimit
	}
	return max(-mapLimit, min(mapLimit, math.Log2(bp/pc)))
}

// storeStarts stores a row for each start.
func (r *toyRun) storeStarts() {
	columns := []string{"w1", "w2", "bp_status", "pc_status", "bp_steps", "pc_steps", "first", "bp_steps_best", "pc_steps_best", "first_best",
		"bp_closest", "pc_closest", "bp_path_over_line", "pc_path_over_line", "bp_end_to_nearest", "pc_end_to_nearest",
		"bp_cosine", "pc_cosine", "cosine_gain", "to_solutions"}
	for i := range r.grid {
		s := &r.grid[i]
		var of [2]struct{ closest, ratio float64 }
		for k, path := range s.path {
			o := &of[k]
			o.closest, _ = path.Closest()
			o.ratio = path.Length() / path.Straight()
		}
		b, c := of[0], of[1]
		r.row("starts", columns, s.w[0], s.w[1], s.path[0].Status.String(), s.path[1].Status.String(), s.steps[0], s.steps[1], first(s, s.steps),
			s.best[0], s.best[1], first(s, s.best), b.closest, c.closest, b.ratio, c.ratio, s.end[0], s.end[1],
			s.cosine[0], s.cosine[1], s.cosine[1]-s.cosine[0], r.p.Distance(s.w))
	}
}

// ToyBest is a rule's best learning rate over the grid of starts: of those at which no start diverges, the one with the
// fewest steps to the threshold in the median, ties by the mean of those that arrive.
type ToyBest struct {
	Rule     string   `json:"rule"`
	LR       *float64 `json:"lr"`
	Steps    *float64 `json:"median_steps"`
	Mean     *float64 `json:"mean_steps"`
	Interior bool     `json:"interior"` // two worse rates on either side
	Reached  int      `json:"reached"`
	Starts   int      `json:"starts"`
}

// ToyRate is one learning rate of one rule.
type toyRate struct {
	lr                float64
	median, mean      float64
	reached, diverged int
	steps             []float64
}

// rates finds each rule's best learning rate among powers of √2 over the curvature 1/|xy|, and races there.
func (r *toyRun) rates(ctx context.Context) error {
	for i, rule := range toyRules {
		tried, err := r.search(ctx, rule)
		if err != nil {
			return err
		}
		best := bestRate(tried)
		b := ToyBest{Rule: rule.String(), Starts: len(r.grid)}
		for k, t := range tried {
			r.row("rates", []string{"rule", "lr", "starts", "reached", "diverged", "median_steps", "mean_steps", "best"},
				rule.String(), t.lr, len(r.grid), t.reached, t.diverged, t.median, t.mean, k == best)
		}
		if best >= 0 {
			t := tried[best]
			b.LR, b.Steps, b.Mean, b.Reached = &t.lr, orNil(t.median), orNil(t.mean), t.reached
			b.Interior = best >= 2 && best < len(tried)-2
			for k := range r.grid {
				r.grid[k].best[i] = t.steps[k]
			}
		}
		r.out.Rates = append(r.out.Rates, b)
	}
	r.summarise()
	return nil
}

// search tries rates, from small to large, until the best has worse ones above it that are of no use; they fall by as
// many below.
func (r *toyRun) search(ctx context.Context, rule toy.Rule) ([]toyRate, error) {
	const least, most = -14, 40 // half powers of two
	scale := 1 / math.Abs(r.X*r.Y)
	var tried []toyRate
	for k := least; k <= most; k++ {
		t, err := r.try(ctx, rule, scale*math.Pow(2, float64(k)/2))
		if err != nil {
			return nil, err
		}
		tried = append(tried, t)
		// Beyond the first rates at which most starts diverge there is nothing to find.
		if n := len(tried); n > 2 && slices.IndexFunc(tried[n-3:], func(t toyRate) bool { return 2*t.diverged < len(r.grid) }) < 0 {
			break
		}
	}
	return tried, nil
}

// try runs a rule at one rate from all starts.
func (r *toyRun) try(ctx context.Context, rule toy.Rule, lr float64) (toyRate, error) {
	t := toyRate{lr: lr, steps: make([]float64, len(r.grid))}
	ends := make([]toy.Status, len(r.grid))
	err := forEach(ctx, r.env.Workers, r.Starts, func(_ context.Context, row int) error {
		for k := row * r.Starts; k < (row+1)*r.Starts; k++ {
			path := r.p.Run(r.p.Grad(rule), r.grid[k].w, r.descent(lr, r.mapSteps()))
			t.steps[k], ends[k] = steps(path), path.Status
		}
		return nil
	})
	var all []float64
	for k, n := range t.steps {
		if r.grid[k].settled() {
			continue
		}
		all = append(all, n)
		switch ends[k] {
		case toy.Diverged:
			t.diverged++
		case toy.Reached:
			t.reached++
			t.mean += n
		}
	}
	t.median = median(all)
	t.mean /= float64(t.reached) // NaN where none arrives
	return t, err
}

// bestRate returns the index of the best rate, −1 if all of them diverge somewhere or none arrives in the median.
func bestRate(tried []toyRate) int {
	best := -1
	for i, t := range tried {
		if t.diverged > 0 || math.IsInf(t.median, 1) {
			continue
		}
		if best < 0 || t.median < tried[best].median || t.median == tried[best].median && t.mean < tried[best].mean {
			best = i
		}
	}
	return best
}
