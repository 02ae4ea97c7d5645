// Package theory holds what can be said of predictive coding without running it: closed forms for linear networks of any
// depth and precision, and, for any network given weights as data, the expansion of the energy around the feedforward
// activities that the post builds its theory on:
//
//	F(z) = π_L𝓛(ẑ) + gᵀΔz + ½ Δzᵀ𝓘Δz + O(‖Δz‖³)    (post, Eq. 6, where π_L = 1)
//	Δz* ≈ −𝓘⁻¹g                                     (Eq. 7)
//	∂F*/∂θ ≈ TR + BP                                (Eq. 8, which does not hold: see Terms)
//
// with the exact Hessian beside the Fisher information 𝓘, true equilibria to compare with, Hessians of 𝓛 and F* in the
// weights, and their spectra.
//
// It is the oracle of energy, infer and learn and shares no code with them, nor with the layers of nn: weights come in
// as numbers, all else is written out here, one sample at a time, in float64. Symbols are those of docs/design/notation.md.
package theory

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"

	"github.com/settle-pc/settle/nn"
)

// Net is a network as data. It does not change once made: any number of goroutines may use it.
type Net struct {
	Arch nn.Arch
	Pi   []float64 // precisions π_1 … π_L

	theta  []float64
	layers []layer // l = 1…L
}

// New returns the network with these parameters, which it copies: θ layer by layer, W_l row-major (n_l×n_{l−1}), then
// b_l if there are biases, as in package nn. Without precisions all π_l are 1. The network is a chain of fully connected layers, without
// skips, scalings or feedback weights.
func New(arch nn.Arch, theta, precision []float64) (*Net, error) {
	if err := plain(arch); err != nil {
		return nil, err
	}
	if precision == nil {
		precision = slices.Repeat([]float64{1}, len(arch.Dims)-1)
	}
	if len(precision) != len(arch.Dims)-1 {
		return nil, fmt.Errorf("precision: %d values: want one for each of the %d layers", len(precision), len(arch.Dims)-1)
	}
	for _, v := range precision {
		if !(v > 0 && v <= math.MaxFloat64) {
			return nil, fmt.Errorf("precision %v: want positive finite numbers", v)
		}
	}
	n := &Net{Arch: arch, Pi: slices.Clone(precision), theta: slices.Clone(theta)}
	if len(theta) != n.Params() {
		return nil, fmt.Errorf("theory: %d parameters: %s has %d", len(theta), arch.DimString(), n.Params())
	}
	for _, v := range theta {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("theory: parameter %v: want finite numbers", v)
		}
	}
	phi := curveOf(arch.Act)
	for i, b := range n.blocks(n.theta) {
		y := layer{block: b, in: identity, out: identity}
		switch last := i == n.L()-1; {
		case arch.Place == nn.After && !last:
			y.out = phi
		case arch.Place == nn.Before && i > 0:
			y.in = phi
		}
		n.layers = append(n.layers, y)
	}
	return n, nil
}

// plain reports every fault of the description, one that it is not of a chain of fully connected layers and nothing else included.
func plain(arch nn.Arch) error {
	if err := arch.Validate(); err != nil {
		return err
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("theory: "+format, args...)) }
	if arch.Residual {
		fault("residual true: want false, a plain chain of layers")
	}
	if arch.Nodes != nil {
		fault("arch %q: want a chain of fully connected layers", arch.DimString())
	}
	if arch.Param != nn.Standard {
		fault("parameterisation %v: want %v", arch.Param, nn.Standard)
	}
	if arch.Feedback != nn.Symmetric {
		fault("feedback %s: want symmetric", nn.FeedbackKinds()[arch.Feedback])
	}
	return errors.Join(faults...)
}

// With returns the network with other parameters.
func (n *Net) With(theta []float64) *Net {
	m, err := New(n.Arch, theta, n.Pi)
	if err != nil {
		panic("theory: parameters of another shape, or not finite")
	}
	return m
}

// Theta returns a copy of the parameters.
func (n *Net) Theta() []float64 { return slices.Clone(n.theta) }

// L is the number of layers.
func (n *Net) L() int { return len(n.Arch.Dims) - 1 }

// Dim is the number of free activities of one sample, n_1 + … + n_{L−1}.
func (n *Net) Dim() int {
	sum := 0
	for _, d := range n.Arch.Dims[1:n.L()] {
		sum += d
	}
	return sum
}

// Params is the number of parameters.
func (n *Net) Params() int {
	sum := 0
	for l := 1; l <= n.L(); l++ {
		sum += n.size(l)
	}
	return sum
}

// size is the number of parameters of layer l.
func (n *Net) size(l int) int {
	in, out := n.Arch.Dims[l-1], n.Arch.Dims[l]
	if n.Arch.Bias {
		in++
	}
	return in * out
}

// Of returns layer l's part of a vector laid out like θ.
func (n *Net) Of(l int, v []float64) []float64 {
	lo := 0
	for k := 1; k < l; k++ {
		lo += n.size(k)
	}
	return v[lo : lo+n.size(l)]
}

// Linear reports whether every layer is affine.
func (n *Net) Linear() bool { return n.Arch.Act == nn.Linear || n.L() == 1 }

// block is the part of a vector laid out like θ that belongs to one layer.
type block struct {
	w blas64.General
	b []float64 // nil without bias
}

// blocks returns the parts of v, sharing its elements.
func (n *Net) blocks(v []float64) []block {
	var out []block
	for l := 1; l <= n.L(); l++ {
		in, width := n.Arch.Dims[l-1], n.Arch.Dims[l]
		part := n.Of(l, v)
		b := block{w: blas64.General{Rows: width, Cols: in, Stride: in, Data: part[:width*in]}}
		if n.Arch.Bias {
			b.b = part[width*in:]
		}
		out = append(out, b)
	}
	return out
}

// split returns the parts z_1 … z_{L−1} of a vector over the free activities, sharing its elements.
func (n *Net) split(v []float64) [][]float64 {
	if len(v) != n.Dim() {
		panic("theory: activities of another shape")
	}
	var out [][]float64
	for _, d := range n.Arch.Dims[1:n.L()] {
		out = append(out, v[:d:d])
		v = v[d:]
	}
	return out
}
