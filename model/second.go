package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// The second networks that a file may hold, from the last layer's activities to the first's: an amortiser guesses the causes that a
// generative network would infer, down predicts inputs from outputs beside a network that predicts outputs from inputs.
const (
	Amortiser = "amortiser"
	Down      = "down"
)

// Mirror is the architecture of a second network: the layers of a, of which only widths are known, from the last to the first.
func Mirror(a nn.Arch) nn.Arch {
	a.Dims = slices.Clone(a.Dims)
	slices.Reverse(a.Dims)
	return a
}

// Second builds the second network, as Network does the first; nil where there is none.
func Second[T tensor.Float](f *File) (*nn.Network[T], error) {
	if f.Meta.Second == "" {
		return nil, nil
	}
	return network[T](f, Mirror(f.Arch), f.Meta.Second)
}

// under is what the names of a second network's tensors begin with.
func under(second string) string {
	if second == "" {
		return ""
	}
	return second + "."
}

// parseSecond reads which second network there is.
func (m *Meta) parseSecond(meta map[string]string) error {
	m.Second = meta["second"]
	switch {
	case m.Second == "":
		return nil
	case m.Second != Amortiser && m.Second != Down:
		return fmt.Errorf("metadata second %q: want none, %s or %s", m.Second, Amortiser, Down)
	case (m.Second == Amortiser) != m.Generates:
		return fmt.Errorf("metadata second %q, generates %v: want an %s of a network that generates, or %s of one that does not", m.Second, m.Generates, Amortiser, Down)
	case m.Arch.Nodes != nil:
		return errors.New("metadata second: want an arch of widths, which can be turned round")
	}
	return nil
}
