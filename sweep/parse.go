package sweep

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/settle-pc/settle/train"
)

// Parse reads a sweep from YAML. The error has every fault of the file as FILE:LINE:COLUMN, with what is accepted; faults of
// trials, whose settings may not go together, are Trial's.
func Parse(file string, source []byte) (*Spec, error) {
	doc, err := parser.ParseBytes(source, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			at := syntax.GetToken().Position
			return nil, fmt.Errorf("%s:%d:%d: %s", file, at.Line, at.Column, syntax.GetMessage())
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Docs) != 1 || doc.Docs[0].Body == nil {
		return nil, fmt.Errorf("%s: want one YAML document with the keys %s", file, strings.Join(topKeys, ", "))
	}
	r := &reader{file: file, known: names()}
	s := r.spec(doc.Docs[0].Body)
	if len(r.faults) == 0 {
		r.relate(s)
	}
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return s, nil
}

// names lists the settings that a sweep may set. The seed has a key of its own; workers change no number.
func names() []string {
	return slices.DeleteFunc(train.Settings(), func(n string) bool { return n == "seed" || n == "workers" })
}

var topKeys = []string{"name", "base", "grid", "sample", "seeds", "halving"}

func (r *reader) spec(n ast.Node) *Spec {
	s := &Spec{Name: "sweep", Seeds: []uint64{0}, file: r.file}
	varies := false
	for _, e := range r.mapping(n, "sweep", topKeys) {
		switch e.key {
		case "name":
			if v, ok := r.scalar(e.value, "name"); ok {
				s.Name = v.Text
				if err := checkName(v.Text); err != nil {
					r.fault(v.At, "%v", err)
				}
			}
		case "base":
			for _, e := range r.mapping(e.value, "base", r.known) {
				if v, ok := r.setting(e.value, e.key); ok {
					s.Base = append(s.Base, Setting{e.key, v.Text, v.At})
				}
			}
		case "grid":
			s.Grid, varies = r.grid(e.value), true
		case "sample":
			s.Sample, varies = r.sample(e.value), true
		case "seeds":
			s.Seeds, varies = r.seeds(e.value), true
		case "halving":
			s.Halving = r.halving(e.value)
		}
	}
	if len(r.faults) == 0 && !varies {
		r.fault(position(n), "sweep: nothing varies: want grid, sample or seeds")
	}
	return s
}

func (r *reader) grid(n ast.Node) []Axis {
	var axes []Axis
	for _, e := range r.mapping(n, "grid", r.known) {
		a := Axis{Name: e.key, At: e.at}
		values := e.value
		if _, ok := e.value.(ast.MapNode); ok {
			values = nil
			for _, e := range r.mapping(e.value, a.Name, []string{"values", "when"}) {
				if e.key == "when" {
					a.When = r.when(e.value, a.Name)
				} else {
					values = e.value
				}
			}
		}
		if values != nil {
			a.Values = r.values(values, a.Name)
		} else {
			r.fault(e.at, "%s: no values: want  %s: {values: [1, 2], when: {rule: pc}}", a.Name, a.Name)
		}
		axes = append(axes, a)
	}
	if len(r.faults) == 0 && len(axes) == 0 {
		r.fault(position(n), "grid: empty: want settings with lists of values, such as  lr: [0.01, 0.1]")
	}
	return axes
}

// when reads conditions: a value, or a list of values, for each setting.
func (r *reader) when(n ast.Node, of string) []Condition {
	var out []Condition
	for _, e := range r.mapping(n, of+": when", r.known) {
		c := Condition{Name: e.key, At: e.at}
		if _, ok := e.value.(*ast.SequenceNode); ok {
			for _, v := range r.values(e.value, e.key) {
				c.Values = append(c.Values, v.Text)
			}
		} else if v, ok := r.setting(e.value, e.key); ok {
			c.Values = []string{v.Text}
		}
		out = append(out, c)
	}
	return out
}

func (r *reader) sample(n ast.Node) *Sample {
	s := &Sample{Method: Methods[0]}
	for _, e := range r.mapping(n, "sample", []string{"method", "n", "seed", "ranges"}) {
		switch e.key {
		case "method":
			r.word(e.value, "method", Methods, &s.Method)
		case "n":
			s.N = int(r.whole(e.value, "n", 1, math.MaxInt32))
		case "seed":
			s.Seed = r.whole(e.value, "seed", 0, math.MaxUint64)
		case "ranges":
			for _, e := range r.mapping(e.value, "ranges", r.known) {
				s.Ranges = append(s.Ranges, r.rangeOf(e))
			}
		}
	}
	if n := len(s.Ranges); s.Method == "sobol" && n > sobolDims {
		at := s.Ranges[sobolDims]
		r.fault(at.At, "%s: %d ranges with method sobol: want at most %d, or method random", at.Name, n, sobolDims)
	}
	if len(r.faults) == 0 && (s.N == 0 || len(s.Ranges) == 0) {
		r.fault(position(n), "sample: want n, the number of points, and ranges, such as  ranges: {lr: {log-uniform: [1e-4, 0.1]}}")
	}
	return s
}

func (r *reader) rangeOf(e entry) Range {
	g := Range{Name: e.key, At: e.at}
	for _, e := range r.mapping(e.value, g.Name, append([]string{"when"}, Kinds...)) {
		switch {
		case e.key == "when":
			g.When = r.when(e.value, g.Name)
			continue
		case g.Kind != "":
			r.fault(e.at, "%s: %s beside %s: want one of them", g.Name, e.key, g.Kind)
			continue
		}
		g.Kind = e.key
		if g.Kind == "choice" {
			g.Values = r.values(e.value, g.Name)
		} else {
			r.bounds(e, &g)
		}
	}
	if g.Kind == "" && len(r.faults) == 0 {
		r.fault(g.At, "%s: no range: want one of %s", g.Name, strings.Join(Kinds, ", "))
	}
	return g
}

// bounds reads [low, high].
func (r *reader) bounds(e entry, g *Range) {
	kind := train.Kind(g.Name)
	if kind != reflect.Float64 && (kind != reflect.Int || g.Kind != "int") {
		r.fault(e.at, "%s: %s: want %s for this setting", g.Name, g.Kind, map[bool]string{true: "int or choice", false: "choice"}[kind == reflect.Int])
		return
	}
	l := r.list(e.value, g.Name)
	if len(l) != 2 {
		if len(l) > 0 {
			r.fault(position(e.value), "%s: %d bounds: want [low, high]", g.Name, len(l))
		}
		return
	}
	var v [2]float64
	for i, n := range l {
		t, ok := r.scalar(n, g.Name)
		if !ok {
			return
		}
		x, err := strconv.ParseFloat(t.Text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || g.Kind == "int" && (x != math.Trunc(x) || math.Abs(x) > 1<<31) {
			r.fault(t.At, "%s %q: want a %s number", g.Name, t.Text, map[bool]string{true: "whole", false: "finite"}[g.Kind == "int"])
			return
		}
		v[i] = x
	}
	g.Low, g.High = v[0], v[1]
	switch {
	case g.Low >= g.High:
		r.fault(position(l[0]), "%s: [%g, %g]: want the lower bound first", g.Name, g.Low, g.High)
	case g.Kind == "log-uniform" && g.Low <= 0:
		r.fault(position(l[0]), "%s: log-uniform from %g: want a bound above 0", g.Name, g.Low)
	}
}

func (r *reader) seeds(n ast.Node) []uint64 {
	var out []uint64
	for _, e := range r.list(n, "seeds") {
		k := r.whole(e, "seed", 0, math.MaxUint64)
		if slices.Contains(out, k) && len(r.faults) == 0 {
			r.fault(position(e), "seeds: %d is there twice: want different seeds", k)
		}
		out = append(out, k)
	}
	return out
}

func (r *reader) halving(n ast.Node) *Halving {
	h := &Halving{Metric: Metrics[0], Rungs: 3, Factor: 3}
	for _, e := range r.mapping(n, "halving", []string{"metric", "rungs", "factor"}) {
		switch e.key {
		case "metric":
			r.word(e.value, "metric", Metrics, &h.Metric)
		case "rungs":
			h.Rungs = int(r.whole(e.value, "rungs", 2, 10))
		case "factor":
			h.Factor = int(r.whole(e.value, "factor", 2, 10))
		}
	}
	return h
}
