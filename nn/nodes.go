package nn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/tensor"
)

// Node is one layer g_l of an Arch: the steps of which it is composed, the first one first.
type Node []Step

// Step is a part of a node. A plain row of n units is to it an image of one pixel with n channels.
type Step struct {
	Kind Kind
	N    int // units, channels, or the width of the head (0: that of a token)
	Kernel
	Rate float64 // of dropout
}

// maxTokens bounds the softmax, of a row for each token with an element for each.
const maxTokens = 1 << 14

// Kind says what a step is.
type Kind uint8

// The kinds of step: a fully connected layer, a convolution, pooling, layer normalisation of each pixel's channels, dropout, and
// attention with the pixels as tokens.
const (
	Full Kind = iota
	Conv
	Max
	Avg
	Norm
	Drop
	Attn
	numKinds
)

const stepWant = "N units, convNkK[sS][pP], maxpoolK[sS], avgpoolK[sS], norm, dropR or attn[H]"

// String writes what ParseArch reads.
func (s Step) String() string {
	stride := func(unless int) string {
		if s.Stride == unless {
			return ""
		}
		return "s" + strconv.Itoa(s.Stride)
	}
	switch s.Kind {
	case Full:
		return strconv.Itoa(s.N)
	case Conv:
		text := fmt.Sprintf("conv%dk%d%s", s.N, s.Size, stride(1))
		if s.Pad != 0 {
			text += "p" + strconv.Itoa(s.Pad)
		}
		return text
	case Max:
		return fmt.Sprintf("maxpool%d%s", s.Size, stride(s.Size))
	case Avg:
		return fmt.Sprintf("avgpool%d%s", s.Size, stride(s.Size))
	case Norm:
		return "norm"
	case Drop:
		return "drop" + strconv.FormatFloat(s.Rate, 'f', -1, 64) // a minus sign would end the node
	case Attn:
		if s.N == 0 {
			return "attn"
		}
		return "attn" + strconv.Itoa(s.N)
	}
	return fmt.Sprintf("Step(%d)", s.Kind)
}

// String writes the steps with a colon between any two.
func (n Node) String() string {
	parts := make([]string, len(n))
	for i, s := range n {
		parts[i] = s.String()
	}
	return strings.Join(parts, ":")
}

// shape is that of the input: that of an image of one pixel unless Input says another.
func (a Arch) shape() Image {
	if a.Input == (Image{}) && len(a.Dims) > 0 {
		return Image{a.Dims[0], 1, 1}
	}
	return a.Input
}

// node is layer l of either kind of network.
func (a Arch) node(l int) Node {
	if a.Nodes == nil {
		return Node{{Kind: Full, N: a.Dims[l]}}
	}
	return a.Nodes[l-1]
}

// shape is that of a node's result.
func (n Node) shape(in Image) (Image, error) {
	if len(n) == 0 {
		return in, errors.New("a node without steps: want " + stepWant)
	}
	for _, s := range n {
		var err error
		if in, err = s.shape(in); err != nil {
			return in, fmt.Errorf("%v in node %v: %w", s, n, err)
		}
	}
	return in, nil
}

// shape is that of a step's result.
func (s Step) shape(in Image) (out Image, err error) {
	fits := true
	switch s.Kind {
	case Full:
		out = Image{s.N, 1, 1}
	case Conv:
		if s.N < 1 || !s.Kernel.valid() {
			return in, errors.New("want channels, a kernel and a stride from 1, and a padding below the kernel")
		}
		out, fits = in.after(s.N, s.Kernel)
	case Max, Avg:
		if s.Size < 1 || s.Stride < 1 || in.Len() > maxPooled {
			return in, fmt.Errorf("an image of %v: want a window and a stride from 1, and at most %d elements", in, maxPooled)
		}
		out, fits = in.after(in.C, s.Kernel)
	case Drop:
		if !(s.Rate >= 0 && s.Rate < 1) {
			return in, errors.New("want a rate from 0 to below 1")
		}
		out = in
	case Attn:
		if n := in.H * in.W; n < 2 || n > maxTokens || s.N < 0 {
			return in, fmt.Errorf("%v: want an image of 2 to %d pixels, which are the tokens", in, maxTokens)
		}
		if n := in.H * in.W; attentionSlot(n, s.head(in)) > maxParams {
			return in, fmt.Errorf("attention of %d tokens with a head of %d keeps %.3g numbers a sample: want at most %d",
				n, s.head(in), attentionSlot(n, s.head(in)), maxParams)
		}
		out = in
	case Norm:
		out = in
	default:
		return in, errors.New("want " + stepWant)
	}
	if !fits {
		return in, fmt.Errorf("an image of %v: want one that has room for %d×%d pixels", in, s.Size, s.Size)
	}
	if !out.valid() {
		return in, fmt.Errorf("a result of %v: want 1 to %d elements", out, maxParams)
	}
	return out, nil
}

// weights is the number of a step's weights.
func (s Step) weights(in Image) float64 {
	switch s.Kind {
	case Full:
		return float64(in.Len()) * float64(s.N)
	case Conv:
		return float64(in.C) * float64(s.Size) * float64(s.Size) * float64(s.N)
	case Attn:
		return 4 * float64(in.C) * float64(s.head(in))
	}
	return 0
}

// head is the width of the head of attention.
func (s Step) head(in Image) int {
	if s.N == 0 {
		return in.C
	}
	return s.N
}

// validateNodes reports the faults of nodes and of the widths that go with them.
func (a Arch) validateNodes() (faults []error) {
	shape := a.shape()
	if !shape.valid() || len(a.Dims) != len(a.Nodes)+1 || a.Dims[0] != shape.Len() {
		return []error{fmt.Errorf("arch: input %v, widths %v for %d nodes: want the input's and one for each node", a.Input, a.Dims, len(a.Nodes))}
	}
	weights := 0.0
	for l, n := range a.Nodes {
		for _, s := range n {
			before := shape
			var err error
			if shape, err = s.shape(shape); err != nil {
				return append(faults, fmt.Errorf("arch %q: %v in node %v: %w", a.DimString(), s, n, err))
			}
			weights += s.weights(before)
		}
		if len(n) == 0 || a.Dims[l+1] != shape.Len() {
			return append(faults, fmt.Errorf("arch %q: width %d of node %d: want steps, and the %d units that they give",
				a.DimString(), a.Dims[l+1], l+1, shape.Len()))
		}
	}
	if weights > maxParams {
		faults = append(faults, fmt.Errorf("arch %q: %.3g weights: want at most %d", a.DimString(), weights, maxParams))
	}
	return faults
}

// weighs reports whether an activation stands beside the step.
func (s Step) weighs() bool { return s.Kind == Full || s.Kind == Conv }

// multiplies reports whether the step has weights: attention does, though no activation stands beside it.
func (s Step) multiplies() bool { return s.weighs() || s.Kind == Attn }

// ends returns the first and the last layer with weights, 0 and 0 if there is none.
func (a Arch) ends() (first, last int) {
	for l := 1; l < len(a.Dims); l++ {
		if slices.ContainsFunc(a.node(l), Step.multiplies) {
			if last = l; first == 0 {
				first = l
			}
		}
	}
	return first, last
}

// build returns layer l and the shape of its result. The activation stands after every step with weights and a normalisation that
// follows it, or before every step with weights; as in a perceptron, not after the network's last one, or not before its first:
// outermost says that it is in this layer.
func build[T tensor.Float](a Arch, l int, outermost bool, shape Image) (Layer[T], Image) {
	var layers []Layer[T]
	node := a.node(l)
	for i, s := range node {
		act, beyond := Linear, node[i+1:]
		if a.Place == Before {
			beyond = node[:i]
		}
		if s.weighs() && (!outermost || slices.ContainsFunc(beyond, Step.multiplies)) {
			act = a.Act
		}
		normed := i+1 < len(node) && node[i+1].Kind == Norm && a.Place == After
		after, _ := s.shape(shape)
		switch {
		case s.Kind == Full && len(node) == 1:
			layers = append(layers, NewDense[T](shape.Len(), s.N, act, a.Place, a.Bias))
		case !s.weighs():
			if s.Kind == Norm && i > 0 && node[i-1].weighs() && a.Place == After {
				continue // stands there already
			}
			layers = append(layers, step[T](s, shape, a.Bias))
		default:
			if a.Place == Before && act != Linear {
				layers = append(layers, NewAct[T](shape.Len(), act))
			}
			layers = append(layers, step[T](s, shape, a.Bias))
			if normed {
				layers = append(layers, step[T](node[i+1], after, a.Bias))
			}
			if a.Place == After && act != Linear {
				layers = append(layers, NewAct[T](after.Len(), act))
			}
		}
		shape = after
	}
	if len(layers) == 1 {
		return layers[0], shape
	}
	return NewSeq(layers...), shape
}

// step returns a step's layer without activation.
func step[T tensor.Float](s Step, in Image, bias bool) Layer[T] {
	switch s.Kind {
	case Full:
		return NewDense[T](in.Len(), s.N, Linear, After, bias)
	case Conv:
		return NewConv2D[T](in, s.N, s.Kernel, bias)
	case Max:
		return NewMaxPool[T](in, s.Size, s.Stride)
	case Avg:
		return NewAvgPool[T](in, s.Size, s.Stride)
	case Norm:
		return NewLayerNorm[T](in.H*in.W, in.C)
	case Drop:
		return NewDropout[T](in.Len(), s.Rate)
	case Attn:
		return NewAttention[T](in.H*in.W, in.C, s.head(in))
	}
	panic("nn: unknown step")
}

// has reports whether some step is of one of the kinds.
func (a Arch) has(kinds ...Kind) bool {
	return slices.ContainsFunc(a.Nodes, func(n Node) bool {
		return slices.ContainsFunc(n, func(s Step) bool { return slices.Contains(kinds, s.Kind) })
	})
}

// Smooth reports whether no layer has a kink.
func (a Arch) Smooth() bool { return a.Act.Smooth() && !a.has(Max) }

// Affine reports whether all layers are affine, the same for all samples.
func (a Arch) Affine() bool { return a.Act == Linear && !a.has(Max, Norm, Drop, Attn) }
