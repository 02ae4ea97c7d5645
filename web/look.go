package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// question asks how one sample settles.
type question struct {
	Split  string  `json:"split"`  // test or train
	Index  int     `json:"index"`  // in it
	Pixels []int   `json:"pixels"` // 0 … 255, instead of a sample of the set
	Target int     `json:"target"` // class to clamp the output to; −1: the sample's label, or what the network says of the pixels
	Method string  `json:"method"` // of inference
	Coords string  `json:"coords"`
	DT     float64 `json:"dt"`
	Steps  int     `json:"steps"` // at most
}

// mostFrames bounds a look: each step is kept, with two numbers a unit.
const mostFrames = 200

// view is the answer: the course of inference, frame by frame from the feedforward activities.
type view struct {
	Rows   int       `json:"rows"`
	Cols   int       `json:"cols"`
	Pixels []int     `json:"pixels"`
	Label  int       `json:"label"` // −1: not known
	Target int       `json:"target"`
	Output []float64 `json:"output"` // the feedforward prediction: for cross-entropy probabilities
	Status string    `json:"status"`
	Frames []frame   `json:"frames"`
	Z      []picture `json:"z"` // activities, l = 1…L−1
	E      []picture `json:"e"` // errors, l = 1…L
}

// frame is one step of inference. Layers are l = 1…L.
type frame struct {
	Passes   float64 `json:"passes"`
	Energy   float64 `json:"energy"`
	Energies point   `json:"energies"`  // ½‖e_l‖², for l = L ½‖∂F/∂ŷ‖²
	Residual point   `json:"residuals"` // ‖∂F/∂z_l‖, 0 where clamped
	Cosines  point   `json:"cosines"`   // of PC's learning direction here with BP's; null where one is 0
	Output   point   `json:"output"`    // the prediction from z_{L−1}
}

// picture is a layer in all frames, as signed bytes: v·127/scale.
type picture struct {
	Scale float64 `json:"scale"` // the largest size in any frame
	Bytes []byte  `json:"bytes"` // frames × units, in base64

	values [][]float64
}

// pack scales the values to bytes.
func (p *picture) pack() {
	for _, row := range p.values {
		for _, v := range row {
			p.Scale = max(p.Scale, math.Abs(v))
		}
	}
	for _, row := range p.values {
		for _, v := range row {
			b := int8(0)
			if p.Scale > 0 {
				b = int8(math.Round(127 * v / p.Scale))
			}
			p.Bytes = append(p.Bytes, byte(b))
		}
	}
}

// look answers a question about a training's network as it is.
func (v *live) look(w http.ResponseWriter, r *http.Request, t *training) {
	q := question{Split: "test", Target: -1, Method: "euler", Coords: "activities", DT: 0.1, Steps: 60}
	if !accept(w, r, &q) {
		return
	}
	select {
	case v.looks <- struct{}{}:
		defer func() { <-v.looks }()
	case <-r.Context().Done():
		return
	}
	var net frozen
	if err := t.do(r.Context(), func() { net = t.engine.freeze() }); err != nil {
		refuse(w, http.StatusConflict, "%v", err)
		return
	}
	out, err := net.look(r.Context(), q)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	answer(w, out)
}

// still is a copy of a network, and the set it was trained on.
type still[T tensor.Float] struct {
	net *nn.Network[T]
	set *data.Set
	out energy.Output[T]
}

// sample makes a batch of one of the sample in question.
func (s *still[T]) sample(q question) (data.Batch[T], []int, int, error) {
	b := data.NewBatch[T](s.set, 1)
	if q.Pixels != nil {
		if len(q.Pixels) != s.set.Inputs {
			return b, nil, 0, fmt.Errorf("pixels: %d: want %d", len(q.Pixels), s.set.Inputs)
		}
		bytes := make([]byte, len(q.Pixels))
		for i, v := range q.Pixels {
			if v < 0 || v > 255 {
				return b, nil, 0, fmt.Errorf("pixels: %d: want numbers from 0 to 255", v)
			}
			bytes[i] = byte(v)
		}
		data.Normalise(b.X.Row(0), s.set, bytes)
		return b, q.Pixels, -1, nil
	}
	split := s.set.Test
	switch q.Split {
	case "test":
	case "train":
		split = s.set.Train
	default:
		return b, nil, 0, fmt.Errorf("split %q: want test or train", q.Split)
	}
	if q.Index < 0 || q.Index >= split.N() {
		return b, nil, 0, fmt.Errorf("index %d: want 0 to %d", q.Index, split.N()-1)
	}
	data.Fill(b, s.set, split, q.Index, q.Index+1)
	pixels := make([]int, s.set.Inputs)
	for i, v := range split.Image(q.Index) {
		pixels[i] = int(v)
	}
	return b, pixels, int(split.Labels[q.Index]), nil
}

// look follows the inference of one sample.
func (s *still[T]) look(ctx context.Context, q question) (view, error) {
	var out view
	b, pixels, label, err := s.sample(q)
	if err != nil {
		return out, err
	}
	coords := train.Spec{Coords: q.Coords}.Coordinates()
	method, err := learn.NewMethod[T](q.Method, coords, learn.Tuning{DT: q.DT})
	if err != nil {
		return out, fmt.Errorf("method %w", err)
	}
	if err := s.check(q); err != nil {
		return out, err
	}
	out = view{Rows: s.set.Rows, Cols: s.set.Cols, Pixels: pixels, Label: label}
	trace := nn.NewTrace(s.net, 1)
	trace.Z[0] = b.X
	trace.Feedforward()
	mean := trace.Z[s.net.L()]
	s.out.Mean(mean, mean)
	yhat := mean.Row(0)
	out.Output = floats(yhat)
	out.Target = q.Target
	switch {
	case q.Target >= 0:
	case label >= 0:
		out.Target = label
	default:
		out.Target = train.Argmax(yhat)
	}
	clear(b.Y.Row(0))
	b.Y.Row(0)[out.Target] = 1
	bp, err := s.backpropagate(ctx, b)
	if err != nil {
		return out, err
	}
	c := s.course(b, bp)
	out.Status, err = c.follow(method(), coords, q.Steps)
	out.Frames, out.Z, out.E = c.frames, c.z, c.e
	for _, pictures := range [][]picture{out.Z, out.E} {
		for i := range pictures {
			pictures[i].pack()
		}
	}
	return out, err
}

// check reports what of a question is out of range.
func (s *still[T]) check(q question) error {
	var faults []error
	if q.Coords != "errors" && q.Coords != "activities" {
		faults = append(faults, fmt.Errorf("coords %q: want errors or activities", q.Coords))
	}
	units := s.set.Inputs
	for _, l := range s.net.Layers {
		_, out := l.Dims()
		units += out
	}
	if most := max(1, min(mostFrames, mostUnits/2/units-1)); q.Steps < 1 || q.Steps > most {
		faults = append(faults, fmt.Errorf("steps %d: want 1 to %d for a network of %d units", q.Steps, most, units))
	}
	if !(q.DT > 0 && q.DT <= 100) {
		faults = append(faults, fmt.Errorf("dt %v: want a step above 0, up to 100", q.DT))
	}
	if q.Target < -1 || q.Target >= s.net.Outputs() {
		faults = append(faults, fmt.Errorf("target %d: want a class from 0 to %d, or -1", q.Target, s.net.Outputs()-1))
	}
	return errors.Join(faults...)
}

// backpropagate returns ∂𝓛/∂θ.
func (s *still[T]) backpropagate(ctx context.Context, b data.Batch[T]) ([]T, error) {
	pool := learn.NewPool(1)
	defer pool.Close()
	g, _, err := learn.NewLossBP(s.net, s.out, pool, 1).Gradient(ctx, b)
	return g, err
}

// course records an inference.
type course[T tensor.Float] struct {
	net    *nn.Network[T]
	b      data.Batch[T]
	bp, pc []T // gradients
	state  *energy.State[T]
	work   *infer.Work[T]
	frames []frame
	z, e   []picture
}

func (s *still[T]) course(b data.Batch[T], bp []T) *course[T] {
	L := s.net.L()
	c := &course[T]{net: s.net, b: b, bp: bp, pc: make([]T, len(bp)), z: make([]picture, L-1), e: make([]picture, L)}
	c.state = (&energy.PC[T]{Net: s.net, Output: s.out}).NewState(1)
	c.state.Clamp(0, b.X)
	c.state.Clamp(L, b.Y)
	return c
}

// start is an objective that knows its feedforward point.
type start[T tensor.Float] interface {
	infer.Objective[T]
	Start(tensor.Matrix[T])
}

// follow settles the sample and returns its status.
func (c *course[T]) follow(m infer.Method[T], coords learn.Coordinates, steps int) (string, error) {
	var f start[T] = c.state.Errors()
	if coords == learn.Activities {
		f = c.state.Activities()
	}
	c.work = infer.NewWork[T](1, f.Dim())
	f.Start(c.work.Z)
	c.state.ResetCost()
	_, err := infer.Solve[T](f, c.work, m, infer.Settings{Tol: 1e-4, MaxSteps: steps, Patience: -1, Observe: c.observe})
	return c.work.Status[0].String(), err
}

// observe keeps a frame.
func (c *course[T]) observe() {
	passes, _ := c.state.Cost()
	f := frame{Passes: passes, Energy: c.work.F[0]}
	if math.IsNaN(f.Energy) || math.IsInf(f.Energy, 0) {
		return // JSON has no such numbers, and the status says it
	}
	var l energy.Layers
	c.state.Layers(&l)
	f.Energies = l.Energy
	for _, r := range l.Residual {
		f.Residual = append(f.Residual, math.Sqrt(r))
	}
	L := c.net.L()
	for i, e := range c.state.Trace.U[L].Row(0) {
		f.Output = append(f.Output, float64(c.b.Y.Row(0)[i])-float64(e))
	}
	clear(c.pc)
	for k := 1; k <= L; k++ {
		c.state.Trace.PullParams(c.pc, k, nn.Span{Hi: c.net.Layers[k-1].Units()})
		f.Cosines = append(f.Cosines, -cosine(c.net.Of(k, c.pc), c.net.Of(k, c.bp))) // it points downhill
		c.e[k-1].values = append(c.e[k-1].values, floats(c.state.Trace.U[k].Row(0)))
		if k < L {
			c.z[k-1].values = append(c.z[k-1].values, floats(c.state.Trace.Z[k].Row(0)))
		}
	}
	c.frames = append(c.frames, f)
}

// cosine of the angle between two gradients, NaN where one of them is 0.
func cosine[T tensor.Float](a, b []T) float64 {
	return tensor.Dot(a, b) / math.Sqrt(tensor.Dot(a, a)*tensor.Dot(b, b))
}

func floats[T tensor.Float](v []T) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
