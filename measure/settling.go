package measure

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
)

// Settling asks how well inference must settle for learning not to be the worse for it: PC by SGD at its best learning rate, with
// inference ended at several energy gaps, and after fixed numbers of Barzilai–Borwein steps.
type Settling struct {
	Arch    string
	Acts    []nn.Activation
	Gaps    []float64 // the smallest is the tight one
	Steps   []int
	Seeds   []uint64
	LR      float64 // 0: the best rate of the activation
	Init    nn.Init
	Batch   int
	Batches int
	Workers int // trainings at a time; none changes a number
}

// settlingThresholds are running training errors, the mean MSE of 50 batches.
var settlingThresholds = []float64{0.05, 0.03, 0.02}

// settlingWindow is the number of batches of a running mean.
const settlingWindow = 50

// SettlingCase is one activation and setting over all seeds.
type SettlingCase struct {
	Act     string  `json:"act"`
	LR      float64 `json:"lr"`
	Setting string  `json:"setting"` // gap 0.01, or 3 steps
	// ToMSE is the median number of batches until the running error is at most the key; nil: not reached by most seeds.
	ToMSE     map[string]*float64 `json:"to_mse"`
	TrainMSE  *float64            `json:"train_mse"` // median at the end
	Passes    float64             `json:"passes"`    // mean of a training step
	Diverged  int                 `json:"diverged"`  // seeds
	Truncated float64             `json:"truncated"` // share of samples that reached neither their gap nor an equilibrium
	// Same says that the learning curve is the tight one's: no seed diverges that did not there, and every threshold that the tight
	// setting reached is reached within 5 % of its batches. NoSlower allows it to be faster.
	// Both are nil where the tight setting reached no threshold.
	Same     *bool       `json:"same"`
	NoSlower *bool       `json:"no_slower"`
	Curves   [][]float64 `json:"-"` // running error of each seed, from batch 50 on
}

// setting is how inference ends.
type setting struct {
	name     string
	method   string
	settings infer.Settings
}

func (q Settling) settings() []setting {
	var out []setting
	for _, g := range q.Gaps {
		out = append(out, setting{fmt.Sprintf("gap %g", g), "auto", infer.Settings{Tol: 1e-6, Gap: g}})
	}
	for _, n := range q.Steps {
		out = append(out, setting{fmt.Sprintf("%d steps", n), "bb", infer.Settings{MaxSteps: n, Patience: -1}})
	}
	return out
}

// settlingRun is one training.
type settlingRun struct {
	curve           []float64
	passes          float64
	truncated, done int
	samples         int
	diverged        bool
}

// Run trains all settings on all seeds, tells tick of each, and hands the cases over in order.
func (q Settling) Run(ctx context.Context, set *data.Set, tick func(what string), done func(SettlingCase)) error {
	dims, err := nn.ParseDims(q.Arch)
	if err != nil {
		return err
	}
	settings := q.settings()
	for _, act := range q.Acts {
		runs := make([][]settlingRun, len(settings))
		type cell struct{ setting, seed int }
		var cells []cell
		for i := range settings {
			runs[i] = make([]settlingRun, len(q.Seeds))
			for k := range q.Seeds {
				cells = append(cells, cell{i, k})
			}
		}
		var mu sync.Mutex
		var failed error
		pool := learn.NewPool(max(1, q.Workers))
		pool.Do(len(cells), func(_, i int) {
			c := cells[i]
			r, err := q.train(ctx, set, nn.Arch{Dims: dims, Act: act}, settings[c.setting], q.Seeds[c.seed])
			runs[c.setting][c.seed] = r
			mu.Lock()
			defer mu.Unlock()
			if err != nil && failed == nil {
				failed = err
			}
			tick(fmt.Sprintf("%v, %s, seed %d", act, settings[c.setting].name, q.Seeds[c.seed]))
		})
		pool.Close()
		if failed != nil {
			return failed
		}
		cases := make([]SettlingCase, len(settings))
		tight := slices.Index(q.Gaps, slices.Min(q.Gaps))
		for i, s := range settings {
			cases[i] = summarise(runs[i])
			cases[i].Act, cases[i].LR, cases[i].Setting = act.String(), q.rate(act), s.name
		}
		for i := range cases {
			cases[i].Same, cases[i].NoSlower = cases[i].against(cases[tight])
			done(cases[i])
		}
	}
	return nil
}

// rate is the learning rate for an activation.
func (q Settling) rate(act nn.Activation) float64 {
	if q.LR > 0 {
		return q.LR
	}
	if r, ok := bestRates[act]; ok {
		return r[1]
	}
	return bestRates[nn.Tanh][1]
}

// train runs one training on one worker.
func (q Settling) train(ctx context.Context, set *data.Set, a nn.Arch, s setting, seed uint64) (settlingRun, error) {
	var out settlingRun
	net, err := nn.Build[float32](a)
	if err != nil {
		return out, err
	}
	nn.Initialize(net, q.Init, seed)
	batches, err := data.NewBatches[float32](set, q.Batch, seed)
	if err != nil {
		return out, err
	}
	method, err := learn.NewMethod[float32](s.method, learn.Errors, learn.Tuning{})
	if err != nil {
		return out, err
	}
	pool := learn.NewPool(1)
	defer pool.Close()
	rule := learn.NewPC(&energy.PC[float32]{Net: net}, learn.Inference[float32]{Method: method, Settings: s.settings}, pool, q.Batch)
	sgd := optim.NewSGD[float32](optim.Rate{LR: q.rate(a.Act)}, 0)
	var recent []float64
	for range q.Batches {
		st, err := rule.Step(ctx, batches.Next(), sgd)
		if err != nil {
			return out, err
		}
		out.done++
		out.samples += st.Inference.Samples
		out.passes += st.Passes
		out.truncated += st.Inference.Samples - st.Inference.Count[infer.Equilibrium] - st.Inference.Count[infer.Gap]
		if !(st.MSE <= 50) {
			out.diverged = true
			break
		}
		if recent = append(recent, st.MSE); len(recent) >= settlingWindow {
			out.curve = append(out.curve, sum(recent[len(recent)-settlingWindow:])/settlingWindow)
		}
	}
	return out, nil
}

// summarise takes medians over the seeds, those that did not reach a threshold being above all others.
func summarise(runs []settlingRun) SettlingCase {
	c := SettlingCase{ToMSE: map[string]*float64{}}
	batches, samples, all := 0, 0, 0
	var ends []float64
	for _, r := range runs {
		c.Passes += r.passes
		batches += r.done
		all += r.samples
		samples += r.truncated
		if r.diverged {
			c.Diverged++
		}
		c.Curves = append(c.Curves, r.curve)
		if n := len(r.curve); n > 0 && !r.diverged {
			ends = append(ends, r.curve[n-1])
		}
	}
	c.Passes /= float64(batches)
	c.Truncated = float64(samples) / float64(all)
	c.TrainMSE = middle(ends, len(runs))
	for _, th := range settlingThresholds {
		var at []float64
		for _, r := range runs {
			if i := slices.IndexFunc(r.curve, func(v float64) bool { return v <= th }); i >= 0 && !r.diverged {
				at = append(at, float64(i+settlingWindow))
			}
		}
		c.ToMSE[fmt.Sprint(th)] = middle(at, len(runs))
	}
	return c
}

// middle returns the median of v and n − len(v) values above all, nil where that is one of these.
func middle(v []float64, n int) *float64 {
	if len(v) <= n/2 {
		return nil
	}
	slices.Sort(v)
	return &v[n/2]
}

// against reports whether c learns as the tight case does, and whether it is no slower.
func (c SettlingCase) against(tight SettlingCase) (same, noSlower *bool) {
	yes, no, decided := true, false, false
	equal := true
	for key, want := range tight.ToMSE {
		if want == nil {
			continue
		}
		got := c.ToMSE[key]
		decided = true
		if got == nil || *got > 1.05**want || c.Diverged > tight.Diverged {
			return &no, &no
		}
		equal = equal && *got >= 0.95**want
	}
	if !decided {
		return nil, nil
	}
	return &equal, &yes
}
