package measure

import (
	"fmt"
	"slices"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Course is what one method does on a batch.
type Course struct {
	Method      string  `json:"method"`
	Coordinates string  `json:"coordinates"`
	DT          float64 `json:"dt"` // 0: the method chooses
	Frames      []Frame `json:"frames"`
	Statuses    string  `json:"statuses"`
}

// Stability describes the curvature that a fixed step meets at the feedforward point, in one kind of coordinates.
type Stability struct {
	Coordinates string  `json:"coordinates"`
	LambdaMax   float64 `json:"lambda_max"`   // of F's Hessian in these coordinates, largest over the samples looked at
	LambdaLeast float64 `json:"lambda_least"` // the smallest of their λ_max
	Limit       float64 `json:"dt_limit"`     // 2/λ_max: Euler's method diverges beyond
	DT          float64 `json:"dt"`           // 1/λ_max: a step to recommend
}

// Diagnosis is how a network's inference goes: the curvature, and the course of several methods.
type Diagnosis struct {
	Stability []Stability `json:"stability"`
	Courses   []Course    `json:"courses"`
}

// stabilityRows is the number of samples whose λ_max is found.
const stabilityRows = 8

// Diagnose looks at the inference of net on the batch: with the named method in its coordinates, and beside it the default, and
// gradient descent in errors and in activities with the recommended steps. Every course ends at ρ ≤ 1e−4 or after passes.
func Diagnose[T tensor.Float](net *nn.Network[T], b data.Batch[T], method string, c learn.Coordinates, passes float64) (Diagnosis, error) {
	var d Diagnosis
	dts := map[learn.Coordinates]float64{}
	for _, c := range []learn.Coordinates{learn.Errors, learn.Activities} {
		n := min(stabilityRows, b.X.Rows)
		f := inCoordinates(clamped(net, b.X.RowsOf(0, n), b.Y.RowsOf(0, n)), c)
		z := tensor.New[T](n, f.Dim())
		f.Start(z)
		lambda := infer.LargestEigenvalues[T](f, z)
		s := Stability{Coordinates: coordinateName(c), LambdaMax: slices.Max(lambda), LambdaLeast: slices.Min(lambda)}
		if !finite(s.LambdaMax) || !finite(s.LambdaLeast) {
			return d, fmt.Errorf("%s: λ_max is not finite: the weights have diverged", s.Coordinates)
		}
		if s.LambdaMax > 0 {
			s.Limit, s.DT = 2/s.LambdaMax, 1/s.LambdaMax
		}
		dts[c] = s.DT
		d.Stability = append(d.Stability, s)
	}
	done := map[string]bool{}
	for _, m := range []contender{{method: method, coords: c}, {method: "auto"}, {method: "euler"},
		{method: "euler", coords: learn.Activities}, {method: "momentum", coords: learn.Activities}} {
		key := m.method + coordinateName(m.coords)
		if done[key] {
			continue
		}
		done[key] = true
		m.tuning.DT = dts[m.coords]
		course, err := follow(net, b, m, passes)
		if err != nil {
			return d, err
		}
		d.Courses = append(d.Courses, course)
	}
	return d, nil
}

// follow records one method's course.
func follow[T tensor.Float](net *nn.Network[T], b data.Batch[T], m contender, passes float64) (Course, error) {
	out := Course{Method: m.method, Coordinates: coordinateName(m.coords)}
	if learn.Steps(m.method) {
		out.DT = m.tuning.DT
	}
	method, err := learn.NewMethod[T](m.method, m.coords, m.tuning)
	if err != nil {
		return out, err
	}
	state := clamped(net, b.X, b.Y)
	f := inCoordinates(state, m.coords)
	w := infer.NewWork[T](b.X.Rows, f.Dim())
	f.Start(w.Z)
	state.ResetCost()
	rec := Recorder[T]{State: state, Work: w}
	r, err := infer.Solve[T](f, w, method(), infer.Settings{Tol: 1e-4, MaxPasses: passes, Patience: -1, Observe: rec.Observe})
	if err != nil {
		return out, err
	}
	out.Frames = rec.Frames
	for _, st := range infer.Statuses() {
		if n := r.Count[st]; n > 0 {
			out.Statuses += fmt.Sprintf("%d %s ", n, st)
		}
	}
	return out, nil
}

// startable is an objective that knows its feedforward point.
type startable[T tensor.Float] interface {
	infer.Objective[T]
	Start(tensor.Matrix[T])
}

func inCoordinates[T tensor.Float](s *energy.State[T], c learn.Coordinates) startable[T] {
	if c == learn.Activities {
		return s.Activities()
	}
	return s.Errors()
}

func coordinateName(c learn.Coordinates) string {
	if c == learn.Activities {
		return "activities"
	}
	return "errors"
}
