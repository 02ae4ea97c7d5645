package web

import (
	"context"
	"errors"
	"fmt"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

// engine is a trainer of either element type.
type engine interface {
	Run(ctx context.Context) error
	Total() int
	Done() int
	Conclude() (train.Score, error)
	Summary(test *train.Score) train.Summary
	Close()
	freeze() frozen // a copy of the network as it is
}

// frozen is a network that no training moves any more.
type frozen interface {
	look(ctx context.Context, q question) (view, error)
}

// The states of a live training.
const (
	running  = "running"
	paused   = "paused"
	done     = "done"
	diverged = "diverged"
	failed   = "failed"
)

// training is one live training: a goroutine that owns the trainer, which others reach by calls that it makes between two
// batches, and a feed that any number of clients follow.
type training struct {
	ID   int
	Spec train.Spec
	set  *data.Set
	feed *feed

	engine engine
	calls  chan func()
	end    context.CancelFunc
	gone   chan struct{} // closed when the goroutine has ended

	// Of the goroutine alone.
	hold  bool // stop after this batch
	batch int  // stop after this one; 0: none
}

// engineOf makes an engine of a trainer.
type engineOf[T tensor.Float] struct {
	*train.Trainer[T]
	set *data.Set
}

func (e engineOf[T]) freeze() frozen {
	meta := e.Meta()
	net, err := nn.Build[T](meta.Arch)
	if err != nil {
		panic("web: an architecture that is in training cannot be built")
	}
	net.Update(func(theta []T) { copy(theta, e.Network().Theta()) })
	set := *e.set
	set.Mean, set.Std, set.Channel = e.Set().Mean, e.Set().Std, e.Set().Channel // as the training has them
	return &still[T]{net: net, set: &set, out: train.Output[T](e.Spec().Loss)}
}

func newEngine[T tensor.Float](spec train.Spec, set *data.Set, opts train.Options) (engine, error) {
	t, err := train.New[T](spec, set, opts)
	if err != nil {
		return nil, err
	}
	return engineOf[T]{t, set}, nil
}

// newTraining starts a training. The error names every flag at fault.
func newTraining(id int, spec train.Spec, set *data.Set, v *live) (*training, error) {
	t := &training{ID: id, Spec: spec, set: set, feed: newFeed(&v.bell), calls: make(chan func()), gone: make(chan struct{})}
	make := newEngine[float32]
	if spec.DType == "float64" {
		make = newEngine[float64]
	}
	var err error
	if t.engine, err = make(spec, set, train.Options{Recorder: t.feed, Now: v.opts.Now, Stop: t.stop}); err != nil {
		return nil, err
	}
	t.feed.total = t.engine.Total()
	ctx, end := context.WithCancel(context.Background())
	t.end = end
	go t.run(ctx)
	return t, nil
}

// stop is asked after every batch: it makes the calls that wait, and says whether one of them wants a pause.
func (t *training) stop(r train.Record) bool {
	for {
		select {
		case f := <-t.calls:
			f()
			continue
		default:
		}
		return t.hold || r.Batch == t.batch
	}
}

// run trains until the last batch, holds where it is told to, and then answers calls until it is ended.
func (t *training) run(ctx context.Context) {
	defer close(t.gone)
	defer t.engine.Close()
	for t.part(ctx) {
		for t.hold {
			select {
			case f := <-t.calls:
				f()
			case <-ctx.Done():
				return
			}
		}
	}
}

// part trains until a pause, or to the end, and reports whether there is more to do or to answer.
func (t *training) part(ctx context.Context) bool {
	t.feed.become(running, "", nil)
	err := t.engine.Run(ctx)
	t.hold, t.batch = true, 0
	var score train.Score
	if err == nil && t.engine.Done() < t.engine.Total() {
		t.feed.become(paused, "", nil)
		return true
	}
	if err == nil {
		score, err = t.engine.Conclude()
	}
	_, gone := errors.AsType[*train.DivergedError](err)
	switch {
	case ctx.Err() != nil:
		return false
	case gone:
		s := t.engine.Summary(nil)
		t.feed.become(diverged, err.Error(), &s)
	case err != nil:
		t.feed.become(failed, err.Error(), nil)
	default:
		s := t.engine.Summary(&score)
		t.feed.become(done, "", &s)
	}
	return true
}

// do calls f on the training's goroutine, between two batches.
func (t *training) do(ctx context.Context, f func()) error {
	called := make(chan struct{})
	select {
	case t.calls <- func() { f(); close(called) }:
		<-called
		return nil
	case <-t.gone:
		return fmt.Errorf("training %d: it has ended", t.ID)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// command holds the training, lets it go on, or by one batch only.
func (t *training) command(ctx context.Context, what string) error {
	return t.do(ctx, func() {
		if t.engine.Done() >= t.engine.Total() || t.feed.over() {
			return
		}
		switch what {
		case "pause":
			t.hold = true
		case "resume":
			t.hold, t.batch = false, 0
		case "step":
			t.hold, t.batch = false, t.engine.Done()+1
		}
	})
}

// close ends the training, running or not, and waits until it has.
func (t *training) close() {
	t.end()
	<-t.gone
}
