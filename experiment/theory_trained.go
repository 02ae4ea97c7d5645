package experiment

import (
	"context"
	"fmt"
	"slices"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/theory"
	"github.com/settle-pc/settle/train"
)

// trainings lists the trainings of the study; Batches 0 stands for a network that is not trained.
func (r *theoryRun) trainings() []train.Spec {
	t := r.Study.Trained
	var out []train.Spec
	for _, act := range t.Acts {
		for _, place := range []string{"after", "before"} {
			if act == "linear" && place == "before" {
				continue // the same network
			}
			for _, depth := range t.Depths {
				arch := nn.Arch{Dims: append(append([]int{r.Images.Inputs}, slices.Repeat([]int{t.Width}, depth-1)...), r.Images.Classes)}
				for _, rule := range []string{"", "bp", "pc"} {
					s := train.Defaults()
					s.Data, s.Arch, s.Act, s.Place, s.LR, s.Seed = r.Images.Name, arch.DimString(), act, place, t.LR, r.Seed
					s.Epochs, s.Batches = 0, t.Batches
					if s.Rule = rule; rule == "" {
						s.Batches = 0
					}
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// trained looks at networks that BP and PC have trained on images, and at what they were before.
func (r *theoryRun) trained(ctx context.Context) error {
	if r.Images == nil {
		return nil
	}
	specs := r.trainings()
	out := make([]TheoryCase, len(specs))
	err := forEach(ctx, r.env.Workers, len(specs), func(ctx context.Context, i int) error {
		s := specs[i]
		name := fmt.Sprintf("trained-%s-%s-%s-%s", s.Arch, s.Act, s.Place, stateOf(s))
		c, err := cell(r.sink, name, func() (TheoryCase, error) { return r.trainedCase(ctx, s) })
		out[i] = c
		r.m.add(trainedWork, "")
		return err
	})
	r.out.Cases = append(r.out.Cases, out...)
	return err
}

func stateOf(s train.Spec) string {
	if s.Rule == "" {
		return "new"
	}
	return s.Rule + "-trained"
}

// trainedCase trains a network and measures it on test images.
func (r *theoryRun) trainedCase(ctx context.Context, s train.Spec) (TheoryCase, error) {
	state, batches := stateOf(s), s.Batches
	if batches == 0 {
		s.Rule, s.Batches = "bp", 1 // a valid spec, not to be run
	}
	t, err := train.New[float32](s, r.Images, train.Options{})
	if err != nil {
		return TheoryCase{}, err
	}
	defer t.Close()
	if batches > 0 {
		if err := t.Run(ctx); err != nil {
			return TheoryCase{}, fmt.Errorf("%s %s of %s: %w", s.Act, state, s.Arch, err)
		}
	}
	arch, _, err := s.Network()
	if err != nil {
		return TheoryCase{}, err
	}
	var theta []float64
	for _, v := range t.Network().Theta() {
		theta = append(theta, float64(v))
	}
	net, err := theory.New(arch, theta, nil)
	if err != nil {
		return TheoryCase{}, err
	}
	x, y := images(r.Images, r.Study.Trained.Samples)
	samples := samplesOf(net, x, y)
	g := newGauge(ctx, r.Seed, r.Study.Directions, true)
	g.remainders(samples)
	g.solve(samples)
	c := g.result(describeCase(state, arch, 1, len(x)))
	if batches > 0 {
		c.TrainMSE = t.Summary(nil).TrainMSE
	}
	return c, context.Cause(ctx)
}
