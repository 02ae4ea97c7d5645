package train

import (
	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/model"
)

// Meta describes the network for its model file.
func (t *Trainer[T]) Meta() model.Meta {
	m := model.Meta{Arch: t.arch, Data: t.set.Name, Rows: t.set.Rows, Cols: t.set.Cols, Channels: t.set.Channels, Mean: t.set.Mean, Std: t.set.Std,
		Loss: t.spec.lossNote(), Generates: t.spec.generates(), Target: t.targetNote(), Second: t.spec.secondName()}
	for _, u := range t.set.Units {
		m.Units = append(m.Units, model.Unit(u))
	}
	for _, u := range t.set.Channel {
		m.ByChannel = append(m.ByChannel, model.Unit(u))
	}
	return m
}

// targetNote names the targets where they are not labels.
func (t *Trainer[T]) targetNote() string {
	if t.set.Task == data.Classes {
		return ""
	}
	return t.set.Task.Targets()
}

// Set is what the network is trained and tested on: the set as the spec has it.
func (t *Trainer[T]) Set() *data.Set { return t.set }
