package sweep

import (
	"slices"
	"strings"

	"github.com/settle-pc/settle/train"
)

// relate checks what the parts of a sweep say of each other, and prepares Count and Trial.
func (r *reader) relate(s *Spec) {
	s.fixed = map[string]string{}
	base := train.Defaults()
	given := map[string]bool{}
	for _, b := range s.Base {
		// Set took the same text when it was read.
		_ = base.Set(b.Name, b.Value)
		given[b.Name] = true
	}
	base.Complete(func(name string) bool { return given[name] })
	for _, name := range r.known {
		s.fixed[name] = base.Value(name)
	}
	if s.Sample != nil {
		for _, g := range s.Sample.Ranges {
			if s.axis(g.Name) >= 0 {
				r.fault(g.At, "%s: is in the grid as well: want it in one of them", g.Name)
			}
		}
	}
	for i := range s.Grid {
		a := &s.Grid[i]
		for _, c := range a.When {
			if s.sampled(c.Name) >= 0 {
				r.fault(c.At, "%s: when: %s is sampled: want a condition on the grid or the base", a.Name, c.Name)
			}
		}
		r.possible(s, a.Name, a.When)
	}
	if s.Sample != nil {
		for _, g := range s.Sample.Ranges {
			r.possible(s, g.Name, g.When)
		}
	}
	if len(r.faults) == 0 {
		r.sort(s)
	}
}

func (s *Spec) axis(name string) int {
	return slices.IndexFunc(s.Grid, func(a Axis) bool { return a.Name == name })
}

func (s *Spec) sampled(name string) int {
	if s.Sample == nil {
		return -1
	}
	return slices.IndexFunc(s.Sample.Ranges, func(g Range) bool { return g.Name == name })
}

// possible wants every value of a condition to be one that the setting can have: others are mistakes.
func (r *reader) possible(s *Spec, of string, when []Condition) {
	for _, c := range when {
		var values []Value
		var conditional bool
		if i := s.axis(c.Name); i >= 0 {
			values, conditional = s.Grid[i].Values, len(s.Grid[i].When) > 0
		} else if i := s.sampled(c.Name); i >= 0 {
			g := s.Sample.Ranges[i]
			if g.Kind != "choice" {
				r.fault(c.At, "%s: when: %s is sampled from numbers: want a condition on a choice", of, c.Name)
				continue
			}
			values, conditional = g.Values, len(g.When) > 0
		}
		var texts []string
		for _, v := range values {
			texts = append(texts, v.Text)
		}
		if conditional || len(values) == 0 {
			texts = append(texts, s.fixed[c.Name])
		}
		for _, v := range c.Values {
			if !slices.Contains(texts, v) {
				r.fault(c.At, "%s: when: %s %q: never so: want one of %s", of, c.Name, v, strings.Join(texts, ", "))
			}
		}
	}
}

// sort puts parameters after those that their conditions are on, and cuts the grid into independent blocks.
func (r *reader) sort(s *Spec) {
	axes, stuck := ordered(len(s.Grid), func(i int) []int { return deps(s.Grid[i].When, s.axis) })
	if stuck >= 0 {
		a := s.Grid[stuck]
		r.fault(a.At, "%s: its conditions go in a circle", a.Name)
		return
	}
	if s.Sample != nil {
		s.order, stuck = ordered(len(s.Sample.Ranges), func(i int) []int { return deps(s.Sample.Ranges[i].When, s.sampled) })
		if stuck >= 0 {
			g := s.Sample.Ranges[stuck]
			r.fault(g.At, "%s: its conditions go in a circle", g.Name)
			return
		}
	}
	r.cut(s, axes)
}

// deps lists the parameters, of those that index finds, that conditions are on.
func deps(when []Condition, index func(string) int) []int {
	var out []int
	for _, c := range when {
		if i := index(c.Name); i >= 0 {
			out = append(out, i)
		}
	}
	return out
}

// ordered returns 0…n−1 with everything after what it needs, else as early as it can be; or one that is in a circle.
func ordered(n int, needs func(int) []int) (order []int, stuck int) {
	placed := make([]bool, n)
	ready := func(i int) bool {
		return !placed[i] && !slices.ContainsFunc(needs(i), func(k int) bool { return !placed[k] })
	}
	for len(order) < n {
		next := 0
		for next < n && !ready(next) {
			next++
		}
		if next == n {
			return nil, slices.Index(placed, false)
		}
		placed[next] = true
		order = append(order, next)
	}
	return order, -1
}
