package train

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/safetensors"
	"github.com/settle-pc/settle/tensor"
)

// Checkpoint is a training set aside: a model file with the optimiser's slots as further tensors (optim.NAME, and
// amortiser.optim.NAME or down.optim.NAME of a second network's, laid out like θ) and, under one metadata key, the spec and everything
// else that is carried from batch to batch. The order of the batches needs no state: it is a pure function of seed and position.
type Checkpoint struct {
	Spec Spec
	carried
	file *safetensors.File
}

// carried is what a checkpoint holds beside weights, optimiser slots and spec.
type carried struct {
	Level string    `json:"level"` // of the kernels that computed it
	Steps int       `json:"steps"` // of the optimiser
	Rule  []float64 `json:"rule"`
	P     progress  `json:"progress"`
}

const (
	specKey    = "settle.spec"
	carriedKey = "settle.training"
	optimName  = "optim."
)

// Save writes a checkpoint from which Resume continues bit for bit.
func (t *Trainer[T]) Save(w io.Writer) error {
	state := t.opt.State()
	spec, err := json.Marshal(t.spec)
	if err != nil {
		return err
	}
	c, err := json.Marshal(carried{Level: tensor.Level(), Steps: state.Steps, Rule: t.rule.State(), P: t.p})
	if err != nil {
		return err
	}
	f := &safetensors.File{Metadata: t.Meta().Metadata(), Tensors: model.Tensors(t.net)}
	f.Metadata[specKey], f.Metadata[carriedKey] = string(spec), string(c)
	for _, s := range state.Slots {
		f.Tensors = append(f.Tensors, safetensors.FromFloats(optimName+s.Name, []int{len(s.V)}, s.V))
	}
	if t.second != nil {
		f.Tensors = append(f.Tensors, model.TensorsOf(t.second.name, t.second.net)...)
		for _, s := range t.second.opt.State().Slots {
			f.Tensors = append(f.Tensors, safetensors.FromFloats(t.second.optimName()+s.Name, []int{len(s.V)}, s.V))
		}
	}
	return f.Write(w)
}

// ReadCheckpoint reads what Save wrote.
func ReadCheckpoint(r io.Reader) (*Checkpoint, error) {
	f, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{file: f, Spec: Defaults()} // settings that an older settle did not have
	for _, part := range []struct {
		key  string
		into any
	}{{specKey, &c.Spec}, {carriedKey, &c.carried}} {
		text, ok := f.Metadata[part.key]
		if !ok {
			return nil, fmt.Errorf("checkpoint: no %s in the metadata: want a checkpoint that settle train wrote", part.key)
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields() // left out, they would change what is trained
		if err := d.Decode(part.into); err != nil {
			return nil, fmt.Errorf("checkpoint: metadata %s: %w; want what this settle writes, or an older one", part.key, err)
		}
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fmt.Errorf("checkpoint: metadata %s: %w", specKey, err)
	}
	return c, nil
}

// GoesOnFrom reports whether s is the training of was, perhaps with other values for what changes no number already
// computed: batches or epochs, eval-every and workers; with a schedule that depends on the total, not batches or epochs.
func (s Spec) GoesOnFrom(was Spec) bool {
	was.Workers, was.EvalEvery = s.Workers, s.EvalEvery
	if s.Schedule == "constant" {
		was.Batches, was.Epochs = s.Batches, s.Epochs
	}
	return was == s
}

// Resume continues the training of c, from which spec must go on, with as many batches as are done or more.
func Resume[T tensor.Float](c *Checkpoint, spec Spec, set *data.Set, opts Options) (*Trainer[T], error) {
	if !spec.GoesOnFrom(c.Spec) {
		return nil, fmt.Errorf("--resume: the flags ask for another training than the checkpoint's: only --workers, --eval-every and, with a constant schedule, --batches or --epochs may change")
	}
	t, err := New[T](spec, set, opts)
	if err != nil {
		return nil, err
	}
	if err := t.restore(c); err != nil {
		t.Close()
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if done, total := t.p.Batch, t.total; done > total {
		t.Close()
		return nil, fmt.Errorf("--resume: %d batches are done, and the flags ask for %d: want %d or more", done, total, done)
	}
	return t, nil
}

func (t *Trainer[T]) restore(c *Checkpoint) error {
	for key, want := range t.Meta().Metadata() {
		if got := c.file.Metadata[key]; got != want {
			return fmt.Errorf("%s %q: want %q, as in the data and the network of its spec", key, got, want)
		}
	}
	if err := c.P.validate(c.Steps, t.spec.updates()); err != nil {
		return err
	}
	if err := model.SetTensors(t.net, c.file); err != nil {
		return err
	}
	if err := restoreOptimizer(t.opt, c, optimName); err != nil {
		return err
	}
	if t.second != nil {
		if err := model.SetTensorsOf(t.second.name, t.second.net, c.file); err != nil {
			return err
		}
		if err := restoreOptimizer(t.second.opt, c, t.second.optimName()); err != nil {
			return err
		}
	}
	if err := t.rule.SetState(c.Rule); err != nil {
		return err
	}
	t.p, t.clipped = c.P, c.P.Clipped
	return nil
}

// restoreOptimizer gives an optimiser the slots whose names begin with prefix.
func restoreOptimizer[T tensor.Float](opt optim.Optimizer[T], c *Checkpoint, prefix string) error {
	state := optim.State[T]{Steps: c.Steps}
	for _, x := range c.file.Tensors {
		name, slot := strings.CutPrefix(x.Name, prefix)
		if !slot {
			continue
		}
		v, err := safetensors.Floats[T](x)
		if err != nil {
			return err
		}
		state.Slots = append(state.Slots, optim.Slot[T]{Name: name, V: v})
	}
	return opt.SetState(state)
}

// validate checks what a file says of its progress, after so many steps of the optimiser, updates a batch.
func (p progress) validate(steps, updates int) error {
	if p.Batch < 0 || p.Batch*updates != steps || len(p.Recent) != min(p.Batch, Window) || p.Count == nil {
		return fmt.Errorf("progress: %d batches, %d steps, %d recent errors and counts %v: want as many steps as batches, the errors of up to %d, and counts",
			p.Batch, steps, len(p.Recent), p.Count, Window)
	}
	return nil
}
