package sweep

import (
	"errors"
	"fmt"
	"math/big"
	"path"
	"strings"

	"github.com/settle-pc/settle/train"
)

// Count returns the number of trials, however large.
func (s *Spec) Count() *big.Int {
	n := big.NewInt(int64(len(s.Seeds)))
	n.Mul(n, big.NewInt(int64(s.points())))
	for _, b := range s.blocks {
		n.Mul(n, b.count)
	}
	return n
}

// points is the number of sampled points, 1 without any.
func (s *Spec) points() int {
	if s.Sample == nil {
		return 1
	}
	return s.Sample.N
}

// Settings returns what trial i has of the grid and the sample, in the file's order, then its seed. An i outside Count is the
// caller's bug.
func (s *Spec) Settings(i int) []Setting {
	if i < 0 || s.Count().Cmp(big.NewInt(int64(i))) <= 0 {
		panic("sweep: no such trial")
	}
	seed := s.Seeds[i%len(s.Seeds)]
	i /= len(s.Seeds)
	point := i % s.points()
	rest := uint64(i / s.points())
	values := map[int]int{}
	for k := len(s.blocks) - 1; k >= 0; k-- {
		b := &s.blocks[k]
		b.point(s, rest%b.size(), values)
		rest /= b.size()
	}
	var out []Setting
	for k, a := range s.Grid {
		if v, ok := values[k]; ok {
			out = append(out, Setting{a.Name, a.Values[v].Text, a.Values[v].At})
		}
	}
	out = append(out, s.drawn(point, values)...)
	return append(out, Setting{Name: "seed", Value: fmt.Sprint(seed)})
}

// drawn returns the settings of a sampled point, beside these values of the grid.
func (s *Spec) drawn(point int, values map[int]int) []Setting {
	if s.Sample == nil {
		return nil
	}
	drawn := map[int]string{}
	value := func(name string) string {
		if k := s.sampled(name); k >= 0 {
			if v, ok := drawn[k]; ok {
				return v
			}
		}
		return s.gridValue(values, name)
	}
	for _, k := range s.order {
		if g := &s.Sample.Ranges[k]; s.holds(g.When, value) {
			drawn[k] = g.at(s.Sample.coordinate(point, k))
		}
	}
	var out []Setting
	for k, g := range s.Sample.Ranges {
		if v, ok := drawn[k]; ok {
			out = append(out, Setting{g.Name, v, g.At})
		}
	}
	return out
}

// Trial returns the training of trial i. The error names the trial and every fault of its settings, with the place in the
// file that set them. An i outside Count is the caller's bug.
func (s *Spec) Trial(i int) (train.Spec, error) {
	settings := s.Settings(i)
	t := train.Defaults()
	at := map[string]Position{}
	var faults []error
	for _, list := range [][]Setting{s.Base, settings} {
		for _, p := range list {
			at[p.Name] = p.At
			if err := t.Set(p.Name, p.Value); err != nil {
				faults = append(faults, err)
			}
		}
	}
	t.Complete(func(name string) bool { _, ok := at[name]; return ok })
	if len(faults) == 0 {
		faults = flatten(t.Validate())
		if s.Halving != nil && t.Schedule != "constant" {
			faults = append(faults, fmt.Errorf("--schedule %s: want constant with halving, whose rungs end before the schedule does", t.Schedule))
		}
		if s.Halving != nil && s.Halving.Metric == "test_accuracy" && !t.Classifies() {
			faults = append(faults, fmt.Errorf("--target %s, --rule %s: want halving by test_mse or train_mse: there is no accuracy without labels", t.Target, t.Rule))
		}
	}
	for k, err := range faults {
		flag, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "--"), " ")
		p, ok := at[strings.TrimSuffix(flag, ":")]
		if !ok {
			p = Position{1, 1}
		}
		faults[k] = fmt.Errorf("%s:%d:%d: trial %d (%s): %w", s.file, p.Line, p.Column, i, Label(settings), err)
	}
	return t, errors.Join(faults...)
}

// flatten returns the errors that were joined.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range list.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}

// Configurations is the number of trainings that differ in more than their seed, of n trials.
func (s *Spec) Configurations(n int) int { return n / len(s.Seeds) }

// Dir returns the folder of trial i of n below the sweep's, with slashes.
func Dir(i, n int) string {
	width := max(4, len(fmt.Sprint(n-1)))
	return path.Join("trials", fmt.Sprintf("%0*d", width, i))
}
