// Package sweep describes many trainings by one file and says which training trial i of N is: a pure function of the file,
// so that a trial can be run anywhere, in any order and again.
//
//	Parse       the file, strict, every fault with its line and column
//	Spec.Count  how many trials, without enumerating them
//	Spec.Trial  the training of one of them
//	Halving     which configurations go on, from the scores so far
//	Slurm, Kubernetes   what hands the trials to a scheduler: files, nothing is started here
package sweep

import (
	"fmt"
	"strings"
)

// Spec is a sweep: a grid of settings, at each point of it the same sampled points, at each of those every seed. Trials are
// numbered with the seed fastest, then the samples, then the last axis of the grid.
type Spec struct {
	Name    string
	Base    []Setting // of every trial, where the grid or the sample has nothing else
	Grid    []Axis
	Sample  *Sample // nil: none
	Seeds   []uint64
	Halving *Halving // nil: every trial is trained to its end

	file   string // as errors name it
	blocks []block
	order  []int // of Sample.Ranges, such that conditions come before what they decide
	fixed  map[string]string
}

// Position is a place in the file, from 1.
type Position struct{ Line, Column int }

// Setting is a setting of a training, by the name of its flag, with its value as train.Spec.Value writes it.
type Setting struct {
	Name, Value string
	At          Position
}

// Value is one of the values of an axis.
type Value struct {
	Text string
	At   Position
}

// Axis is one parameter of the grid.
type Axis struct {
	Name   string
	Values []Value
	When   []Condition
	At     Position
}

// Condition holds in a trial in which a setting has one of the values. A parameter whose conditions do not all hold is not
// part of the trial, which has the base's value for it.
type Condition struct {
	Name   string
	Values []string
	At     Position
}

// Sample is points drawn from ranges, each range its own dimension.
type Sample struct {
	Method string // one of Methods
	N      int
	Seed   uint64
	Ranges []Range
}

// Methods of sampling: the Sobol sequence with a digital shift from the seed, or independent points.
var Methods = []string{"sobol", "random"}

// Range is one sampled parameter.
type Range struct {
	Name      string
	Kind      string  // one of Kinds
	Low, High float64 // both included; not for a choice
	Values    []Value // of a choice
	When      []Condition
	At        Position
}

// Kinds of ranges. Numbers have six significant digits: what a table shows is what was trained, on every machine.
var Kinds = []string{"uniform", "log-uniform", "int", "choice"}

// Metrics by which halving ranks.
var Metrics = []string{"test_mse", "test_accuracy", "train_mse"}

// maxName keeps a name with its suffixes below the 63 bytes of a Kubernetes label.
const maxName = 40

// checkName accepts what is a good part of a file name and of a job's name in every scheduler.
func checkName(name string) error {
	inner := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	ok := name != "" && len(name) <= maxName && inner(name[0]) && inner(name[len(name)-1])
	for i := range len(name) {
		ok = ok && (inner(name[i]) || name[i] == '-')
	}
	if !ok {
		return fmt.Errorf("name %q: want up to %d letters a to z, digits and hyphens, neither end a hyphen", name, maxName)
	}
	return nil
}

// Label writes settings in a line, as in: rule=pc lr=0.01.
func Label(settings []Setting) string {
	var parts []string
	for _, s := range settings {
		parts = append(parts, s.Name+"="+s.Value)
	}
	return strings.Join(parts, " ")
}
