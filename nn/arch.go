package nn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/tensor"
)

// Arch describes a network as plain data: what a model file stores and a flag says. Without Nodes it is a multilayer perceptron.
type Arch struct {
	Dims  []int // n_0 … n_L
	Act   Activation
	Place Place
	Bias  bool
	// Residual puts a skip connection around every hidden layer between equal widths: z + φ(z Wᵀ + b).
	Residual bool
	// Nodes are the layers 1 … L of a network that is more than fully connected layers, whose widths Dims holds; nil otherwise.
	Nodes []Node
	// Input is the shape of an input with channels, heights and widths; the zero Image for one that is a plain row.
	Input Image
	// Param scales the predictions of fully connected layers.
	Param Parameterisation
	// Feedback gives every layer but the first, from which nothing comes back, feedback weights of its own.
	Feedback FeedbackKind
}

// FeedbackKind says by which weights errors come back.
type FeedbackKind uint8

// Symmetric: by W, the default. Fixed and Learned: see Feedback.
const (
	Symmetric FeedbackKind = iota
	Fixed
	Learned
)

var feedbackNames = [...]string{"symmetric", "fixed", "learned"}

// FeedbackKinds lists the names that ParseFeedback accepts.
func FeedbackKinds() []string { return append([]string(nil), feedbackNames[:]...) }

// ParseFeedback returns the kind called name; none is Symmetric.
func ParseFeedback(name string) (FeedbackKind, error) {
	for k, n := range feedbackNames {
		if n == name || name == "" && k == 0 {
			return FeedbackKind(k), nil
		}
	}
	return 0, fmt.Errorf("feedback %q: want one of %s", name, strings.Join(feedbackNames[:], ", "))
}

// The largest network that Arch accepts, far above what fits this library's use: a guard against a mistyped flag.
const (
	maxLayers = 10000
	maxParams = 1 << 31
)

// ParseDims reads widths such as "784-300-300-10"; "784-128x9-10" stands for nine layers of 128.
func ParseDims(s string) ([]int, error) {
	var dims []int
	for _, part := range strings.Split(s, "-") {
		width, times, repeated := strings.Cut(part, "x")
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("arch %q: width %q: want a whole number from 1", s, part)
		}
		k := 1
		if repeated {
			if k, err = strconv.Atoi(times); err != nil || k < 1 || k > maxLayers {
				return nil, fmt.Errorf("arch %q: repeat %q: want WIDTHxTIMES with TIMES from 1 to %d", s, part, maxLayers)
			}
		}
		if len(dims)+k > maxLayers {
			return nil, fmt.Errorf("arch: more than %d layers", maxLayers)
		}
		for range k {
			dims = append(dims, n)
		}
	}
	if err := (Arch{Dims: dims}).Validate(); err != nil {
		return nil, err
	}
	return dims, nil
}

// Validate reports every fault of the description.
func (a Arch) Validate() error {
	var faults []error
	if len(a.Dims) < 2 {
		faults = append(faults, fmt.Errorf("arch %q: want at least an input and an output width, as in 784-300-10", a.DimString()))
	}
	if len(a.Dims) > maxLayers {
		faults = append(faults, fmt.Errorf("arch: %d layers: want at most %d", len(a.Dims), maxLayers))
	}
	if a.Nodes != nil {
		faults = append(faults, a.validateNodes()...)
	} else {
		faults = append(faults, a.validateDims()...)
	}
	if a.Act >= numActivations {
		faults = append(faults, fmt.Errorf("activation %d: want one of %s", a.Act, strings.Join(activationNames[:], ", ")))
	}
	if a.Place > Before {
		faults = append(faults, fmt.Errorf("activation placement %d: want after or before", a.Place))
	}
	switch {
	case int(a.Param) >= len(parameterisations):
		faults = append(faults, fmt.Errorf("parameterisation %d: want one of %s", a.Param, strings.Join(parameterisations, ", ")))
	case a.Param != Standard && a.Nodes != nil:
		faults = append(faults, fmt.Errorf("parameterisation %s: want standard in a network that is more than fully connected layers", a.Param))
	}
	switch {
	case a.Feedback > Learned:
		faults = append(faults, fmt.Errorf("feedback %d: want one of %s", a.Feedback, strings.Join(feedbackNames[:], ", ")))
	case a.Feedback != Symmetric && (a.Residual || a.Nodes != nil || a.Param != Standard):
		faults = append(faults, fmt.Errorf("feedback %s: want symmetric but in fully connected layers without skips, standard parameterisation", feedbackNames[a.Feedback]))
	}
	return errors.Join(faults...)
}

// validateDims reports the faults of fully connected layers.
func (a Arch) validateDims() (faults []error) {
	params := 0.0
	if a.Input != (Image{}) {
		faults = append(faults, fmt.Errorf("arch: input %v: want none without nodes: fully connected layers take plain rows", a.Input))
	}
	for l, n := range a.Dims {
		if n < 1 {
			faults = append(faults, fmt.Errorf("arch %q: width %d of layer %d: want 1 or more", a.DimString(), n, l))
		}
		if l > 0 {
			params += float64(n) * float64(a.Dims[l-1])
		}
	}
	if params > maxParams {
		faults = append(faults, fmt.Errorf("arch %q: %.3g weights: want at most %d", a.DimString(), params, maxParams))
	}
	return faults
}

// DimString writes the widths as ParseDims reads them, or the input and the nodes as ParseArch does, runs of three or more equal
// widths or nodes shortened.
func (a Arch) DimString() string {
	parts := make([]string, len(a.Dims))
	for l, n := range a.Dims {
		parts[l] = strconv.Itoa(n)
		if l > 0 && l <= len(a.Nodes) {
			parts[l] = a.Nodes[l-1].String()
		}
	}
	if a.Input != (Image{}) && len(parts) > 0 {
		parts[0] = a.Input.String()
	}
	var b strings.Builder
	for i := 0; i < len(parts); {
		run := 1
		for (i > 0 || a.Nodes == nil) && i+run < len(parts) && parts[i+run] == parts[i] {
			run++
		}
		if run < 3 {
			run = 1
		}
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(parts[i])
		if run > 1 {
			b.WriteString("x" + strconv.Itoa(run))
		}
		i += run
	}
	return b.String()
}

// Build returns the network with all parameters zero. The output layer is linear with the activation After, the
// input is not activated with it Before: either way L−1 activations stand between L weight matrices.
func Build[T tensor.Float](a Arch) (*Network[T], error) {
	layers, err := LayersOf[T](a)
	if err != nil {
		return nil, err
	}
	return New(layers...), nil
}

// LayersOf returns the layers that Build chains, bound to no parameters: little memory, whatever their size.
func LayersOf[T tensor.Float](a Arch) ([]Layer[T], error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	L := len(a.Dims) - 1
	layers := make([]Layer[T], L)
	shape := a.shape()
	first, outermost := a.ends()
	if a.Place == Before {
		outermost = first
	}
	for l := 1; l <= L; l++ {
		before := shape
		layers[l-1], shape = build[T](a, l, l == outermost, shape)
		if a.Feedback != Symmetric && l > 1 {
			layers[l-1] = NewFeedback(layers[l-1].(*Dense[T]), a.Feedback == Learned)
		}
		if c := a.Param.scale(l, L, a.Dims[l-1]); c != 1 {
			layers[l-1] = NewScaled(layers[l-1].(Local[T]), c) // dense: Validate says so
		}
		if a.Residual && l > 1 && l < L && before == shape {
			layers[l-1] = NewResidual(layers[l-1])
		}
	}
	return layers, nil
}
