package train

import (
	"fmt"

	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// companion is a network that is trained beside the first, over the same layers from the last to the first, by the same optimiser.
type companion[T tensor.Float] struct {
	name string // in files
	net  *nn.Network[T]
	opt  optim.Optimizer[T]
}

// seconds is the stream of the second network's initial weights: those of the first do not depend on there being a second.
const seconds = 0x7365636f6e64

// secondName names the second network of the spec's rule; empty: it has none.
func (s Spec) secondName() string {
	switch {
	case s.Amortise:
		return model.Amortiser
	case s.bidirectional():
		return model.Down
	}
	return ""
}

// compares reports whether inference is compared with what it would take without the amortiser: where a residual ends it.
func (s Spec) compares() bool { return s.Amortise && s.Tol > 0 }

// newSecond makes the second network of the spec, for total updates; nil if it has none.
func newSecond[T tensor.Float](s Spec, a nn.Arch, init nn.Init, total int) (*companion[T], error) {
	name := s.secondName()
	if name == "" {
		return nil, nil
	}
	net, err := nn.Build[T](model.Mirror(a))
	if err != nil {
		return nil, fmt.Errorf("--rule %s: %w", s.Rule, err)
	}
	nn.Initialize(net, init, s.Seed^seconds)
	return &companion[T]{name: name, net: net, opt: newOptimizer[T](s, len(net.Theta()), total)}, nil
}

// Second returns the network that is trained beside the first, nil if there is none.
func (t *Trainer[T]) Second() *nn.Network[T] {
	if t.second == nil {
		return nil
	}
	return t.second.net
}

// sum is the hash of all weights.
func (t *Trainer[T]) sum() string {
	if t.second == nil {
		return model.Sum(t.net)
	}
	return model.Sum(t.net, t.second.net)
}

// optimName is what the names of its optimiser's slots begin with in a checkpoint.
func (s *companion[T]) optimName() string { return s.name + "." + optimName }
