package experiment

import (
	"context"
	"math"

	"github.com/settle-pc/settle/toy"
)

// Arrows a side of the fields of Figures 1 and 3, and of the smaller panels of Figure 2.
const (
	arrows      = 17
	smallArrows = 11
)

// landscapes stores the values of 𝓛 and F*, and their gradient fields.
func (r *toyRun) landscapes(context.Context) error {
	for _, s := range []struct {
		name  string
		value func(toy.Vec) float64
		grad  toy.Field
	}{{"loss", r.p.Loss, r.p.LossGrad}, {"energy", r.p.FStar, r.p.FStarGrad}} {
		r.surface(s.name, 0, s.value)
		r.field(s.name, 0, arrows, s.grad)
	}
	return nil
}

// surface stores a landscape, a row for each w₂.
func (r *toyRun) surface(name string, t int, value func(toy.Vec) float64) {
	w1 := axis(r.W1, r.Grid)
	for _, w2 := range axis(r.W2, r.Grid) {
		v := make([]float64, len(w1))
		for i := range w1 {
			v[i] = value(toy.Vec{w1[i], w2})
		}
		r.row("landscapes", []string{"surface", "t", "w2", "w1", "value"}, name, t, w2, w1, v)
	}
}

// field stores the negative gradient at the centres of n×n cells.
func (r *toyRun) field(name string, t, n int, grad toy.Field) {
	centres := func(ends [2]float64) []float64 {
		half := (ends[1] - ends[0]) / float64(2*n)
		return axis([2]float64{ends[0] + half, ends[1] - half}, n)
	}
	for _, w2 := range centres(r.W2) {
		for _, w1 := range centres(r.W1) {
			g := grad(toy.Vec{w1, w2})
			r.row("fields", []string{"surface", "t", "w1", "w2", "d1", "d2"}, name, t, w1, w2, -g[0], -g[1])
		}
	}
}

// ToyLandscape is how inference changes the landscape, over the grid: energies by steps of inference, not closed forms.
type ToyLandscape struct {
	Points int `json:"points"`
	// StartError is the largest |F_0 − 𝓛|, Increase the largest F_{t+1} − F_t, Below the largest F* − F_t, each over the
	// loss there (1 + 𝓛 where that is small): rounding, if inference lowers the landscape everywhere and only to F*.
	StartError float64 `json:"f0_minus_loss"`
	Increase   float64 `json:"largest_increase"`
	Below      float64 `json:"largest_below_fstar"`
	// Differences of gradients at t = 0, over ‖∇𝓛‖ + 1: of the total gradient of F_0 to ∇𝓛, of the local rule to it in
	// the last layer; the size of the local rule in the first; and the part of the grid where local rule and ∇𝓛 differ,
	// of that where ∂𝓛/∂w₁ is not 0, as it is on the line w₂ = 0 and at solutions.
	TotalError  float64 `json:"total_gradient_minus_loss_gradient"`
	LocalLast   float64 `json:"local_minus_loss_gradient_last_layer"`
	LocalFirst  float64 `json:"local_first_layer"`
	LocalDiffer float64 `json:"share_local_differs"`
	// Parts of the grid where ‖∇F*‖ < ‖∇𝓛‖: of all of it, and within half a unit of the saddle; there also where it is
	// larger (on the line w₂ = 0 they are equal).
	Smaller     float64 `json:"share_smaller_gradient"`
	SmallerNear float64 `json:"share_smaller_gradient_near_saddle"`
	LargerNear  float64 `json:"share_larger_gradient_near_saddle"`
	// MedianRatio is the median of ‖∇F*‖/‖∇𝓛‖.
	MedianRatio float64 `json:"median_gradient_ratio"`
	// MinimaError is the largest relative departure of the Hessian of F* at solutions from that of 𝓛 over 1 + w₂².
	MinimaError float64 `json:"curvature_at_minima_error"`
	// FStarError is the largest difference of F at z* and 𝓛/(1 + w₂²), over 1 + 𝓛.
	FStarError float64 `json:"fstar_minus_rescaled_loss"`
	// FisherError is the largest |z* − ẑ + g/𝓘| over 1 + |z*| + |ẑ|.
	FisherError float64 `json:"natural_gradient_error"`
}

// inference steps the activities on the whole grid, and stores F_t, its two gradient fields, how flat it is at each t,
// and how the activity at W0 moves.
func (r *toyRun) inference(ctx context.Context) error {
	g := newToyGrid(r)
	g.start()
	for t := 0; t <= r.Inference; t++ {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if t > 0 {
			g.step()
		}
		r.surface("inference", t, func(w toy.Vec) float64 { return r.p.FAt(w, t, r.DT) })
		r.field("local", t, smallArrows, func(w toy.Vec) toy.Vec { return r.p.LocalGradAt(w, t, r.DT) })
		r.field("total", t, smallArrows, func(w toy.Vec) toy.Vec { return r.p.TotalGradAt(w, t, r.DT) })
		g.flatness(t)
		r.out.Activity = append(r.out.Activity, r.move(t, g.w))
	}
	for _, m := range r.out.Activity {
		r.row("inference", []string{"t", "z", "energy", "cosine", "error_natural", "error_gradient", "grid_error_natural", "grid_error_gradient"},
			m.T, m.Z, m.F, deref(m.Cosine), deref(m.Natural), deref(m.Gradient), deref(m.GridNatural), deref(m.GridGradient))
	}
	r.out.Landscape = g.out
	return nil
}

// toyGrid is inference on the grid of the landscape.
type toyGrid struct {
	*toyRun
	w   []toy.Vec
	z   []float64
	f   []float64 // energies
	out ToyLandscape
}

func newToyGrid(r *toyRun) *toyGrid {
	g := &toyGrid{toyRun: r}
	for _, w2 := range axis(r.W2, r.Grid) {
		for _, w1 := range axis(r.W1, r.Grid) {
			w := toy.Vec{w1, w2}
			z := r.p.Feedforward(w)
			g.w, g.z, g.f = append(g.w, w), append(g.z, z), append(g.f, r.p.F(w, z))
		}
	}
	g.out.Points = len(g.w)
	return g
}

// start compares values and gradients of F_0 with those of 𝓛, and those of F*.
func (g *toyGrid) start() {
	o := &g.out
	var ratios []float64
	near, smallerNear, largerNear, smaller, differ, could := 0, 0, 0, 0, 0, 0
	for i, w := range g.w {
		loss := g.p.Loss(w)
		o.StartError = max(o.StartError, math.Abs(g.f[i]-loss)/(1+loss))
		grad := g.p.LossGrad(w)
		local, total := g.p.FGradW(w, g.z[i]), g.p.TotalGradAt(w, 0, g.DT)
		size := 1 + grad.Norm()
		o.TotalError = max(o.TotalError, total.Sub(grad).Norm()/size)
		o.LocalLast = max(o.LocalLast, math.Abs(local[1]-grad[1])/size)
		o.LocalFirst = max(o.LocalFirst, math.Abs(local[0])/size)
		if math.Abs(grad[0]) > 1e-9*size {
			could++
			if local.Sub(grad).Norm() > 1e-9*size {
				differ++
			}
		}
		o.FStarError = max(o.FStarError, math.Abs(g.p.F(w, g.p.ZStar(w))-loss/toy.Fisher(w))/(1+loss))
		way := g.p.ZStar(w) - g.z[i]
		o.FisherError = max(o.FisherError, math.Abs(way+g.p.FGradZ(w, g.z[i])/toy.Fisher(w))/(1+math.Abs(g.p.ZStar(w))+math.Abs(g.z[i])))
		late := g.p.FStarGrad(w).Norm()
		isNear := w.Norm() < startsNear*g.unit()
		if late < grad.Norm() {
			smaller++
			if isNear {
				smallerNear++
			}
		}
		if isNear {
			near++
			if late > grad.Norm() {
				largerNear++
			}
		}
		if grad.Norm() > 0 {
			ratios = append(ratios, late/grad.Norm())
		}
	}
	n := float64(len(g.w))
	o.LocalDiffer, o.Smaller = float64(differ)/float64(max(could, 1)), float64(smaller)/n
	o.SmallerNear, o.LargerNear = float64(smallerNear)/float64(max(near, 1)), float64(largerNear)/float64(max(near, 1))
	o.MedianRatio = quantile(ratios, 0.5)
	o.MinimaError = g.minima()
}

// minima compares the Hessians of 𝓛 and F* at the solutions nearest to the points of the grid.
func (g *toyGrid) minima() float64 {
	worst := 0.0
	for _, w := range g.w {
		w = g.p.Nearest(w)
		got, want := g.p.FStarHessian(w), g.p.LossHessian(w).Scale(1/toy.Fisher(w))
		diff := max(math.Abs(got.A-want.A), math.Abs(got.B-want.B), math.Abs(got.C-want.C))
		worst = max(worst, diff/max(math.Abs(want.A), math.Abs(want.B), math.Abs(want.C)))
	}
	return worst
}

// step takes a step of inference everywhere.
func (g *toyGrid) step() {
	for i, w := range g.w {
		g.z[i] = g.p.InferStep(w, g.z[i], g.DT)
		f, scale := g.p.F(w, g.z[i]), 1+g.p.Loss(w)
		g.out.Increase = max(g.out.Increase, (f-g.f[i])/scale)
		g.out.Below = max(g.out.Below, (g.p.FStar(w)-f)/scale)
		g.f[i] = f
	}
}

// flatness stores how F_t compares with 𝓛 over the grid: the median of F_t/𝓛, and medians and shares of gradients.
func (g *toyGrid) flatness(t int) {
	var value, local, total []float64
	smallLocal, smallTotal := 0, 0
	for i, w := range g.w {
		if loss := g.p.Loss(w); loss > 0 {
			value = append(value, g.f[i]/loss)
		}
		size := g.p.LossGrad(w).Norm()
		if size == 0 {
			continue
		}
		l, s := g.p.FGradW(w, g.z[i]).Norm()/size, g.p.TotalGradAt(w, t, g.DT).Norm()/size
		local, total = append(local, l), append(total, s)
		if l < 1 {
			smallLocal++
		}
		if s < 1 {
			smallTotal++
		}
	}
	n := float64(len(local))
	g.row("flatness", []string{"t", "value", "local_gradient", "total_gradient", "share_local_smaller", "share_total_smaller"},
		t, quantile(value, 0.5), quantile(local, 0.5), quantile(total, 0.5), float64(smallLocal)/n, float64(smallTotal)/n)
}

// ToyMove is how far inference has moved the activity from its feedforward value after t steps, z_t − ẑ, against the
// natural-gradient step −g/𝓘 and the gradient step −g: cosine (±1, with one activity) and relative error, at W0 and as
// medians over the grid.
type ToyMove struct {
	T            int      `json:"t"`
	Z            float64  `json:"z"`
	F            float64  `json:"energy"`
	Cosine       *float64 `json:"cosine"` // with both: they point the same way
	Natural      *float64 `json:"error_natural_gradient"`
	Gradient     *float64 `json:"error_gradient"`
	GridNatural  *float64 `json:"grid_error_natural_gradient"`
	GridGradient *float64 `json:"grid_error_gradient"`
}

// move describes the activity after t steps, at W0 and on the grid.
func (r *toyRun) move(t int, grid []toy.Vec) ToyMove {
	w := toy.Vec(r.W0)
	z := r.p.ZAt(w, t, r.DT)
	m := ToyMove{T: t, Z: z, F: r.p.F(w, z)}
	var cosine, natural, gradient float64
	cosine, natural, gradient = r.compareMove(w, t)
	m.Cosine, m.Natural, m.Gradient = orNil(cosine), orNil(natural), orNil(gradient)
	var naturals, gradients []float64
	for _, w := range grid {
		_, a, b := r.compareMove(w, t)
		naturals, gradients = append(naturals, a), append(gradients, b)
	}
	m.GridNatural, m.GridGradient = orNil(quantile(naturals, 0.5)), orNil(quantile(gradients, 0.5))
	return m
}

// compareMove returns the cosine of z_t − ẑ with −g, and its relative errors against −g/𝓘 and −g; NaN where nothing moves.
func (r *toyRun) compareMove(w toy.Vec, t int) (cosine, natural, gradient float64) {
	start := r.p.Feedforward(w)
	g := r.p.FGradZ(w, start)
	dz := r.p.ZAt(w, t, r.DT) - start
	if g == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	cosine = math.NaN()
	if dz != 0 {
		cosine = math.Copysign(1, -dz*g)
	}
	step := -g / toy.Fisher(w)
	return cosine, math.Abs((dz - step) / step), math.Abs((dz + g) / g)
}

// orNil returns nil for what is not finite.
func orNil(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
