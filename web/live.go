package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/train"
)

// Bounds of what a live training may ask for, so that a page cannot take the machine's memory. The command has none.
const (
	mostParams  = 4 << 20
	mostLayers  = 64
	mostBatch   = 1024
	mostBatches = 1_000_000
	mostUnits   = 4 << 20 // activities of a batch, and what a look keeps of them
	testRows    = 100     // samples that a test predicts at a time
	mostSteps   = 1000    // of inference on a batch, for which whoever closes a training waits; passes too
	mostLooks   = 2       // at a time
)

// live is the table of live trainings.
type live struct {
	opts    Options
	clients atomic.Int64
	bell    bell // of all feeds, and of this table
	looks   chan struct{}

	mu   sync.Mutex
	all  []*training // by age
	next int
	sets map[string]*data.Set
	shut bool
}

func newLive(opts Options) *live {
	return &live{opts: opts, looks: make(chan struct{}, mostLooks), sets: map[string]*data.Set{}}
}

func (v *live) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/choices", v.choices)
	mux.HandleFunc("GET /api/trainings", v.list)
	mux.HandleFunc("POST /api/trainings", v.create)
	mux.HandleFunc("GET /api/events", v.events)
	mux.HandleFunc("POST /api/trainings/{id}/look", v.with(v.look))
	mux.HandleFunc("POST /api/trainings/{id}/close", v.with(v.remove))
	for _, what := range []string{"pause", "resume", "step"} {
		mux.HandleFunc("POST /api/trainings/{id}/"+what, v.with(func(w http.ResponseWriter, r *http.Request, t *training) {
			var none struct{}
			if !accept(w, r, &none) {
				return
			}
			if err := t.command(r.Context(), what); err != nil {
				refuse(w, http.StatusConflict, "%v", err)
				return
			}
			answer(w, none)
		}))
	}
}

// choices are the words that a form offers, and the values it starts with.
func (v *live) choices(w http.ResponseWriter, r *http.Request) {
	var solves []string
	for _, rule := range train.Supervised() {
		if (train.Spec{Rule: rule}).Solves() {
			solves = append(solves, rule)
		}
	}
	answer(w, map[string]any{"data": v.opts.Sets, "solves": solves, "act": nn.Activations(), "rule": train.Supervised(), "solver": learn.MethodNames(), "optim": train.Optimizers,
		"coords": train.Coordinates, "most": v.opts.Trainings, "defaults": liveDefaults()})
}

// liveDefaults are those of settle train, but for a length that a person waits for.
func liveDefaults() train.Spec {
	s := train.Defaults()
	s.Epochs, s.Batches = 0, 300
	return s
}

// entry is a training in a list.
type entry struct {
	ID    int        `json:"id"`
	Spec  train.Spec `json:"spec"`
	State string     `json:"state"`
}

func (v *live) list(w http.ResponseWriter, r *http.Request) {
	out := []entry{}
	for _, t := range v.table() {
		out = append(out, t.entry())
	}
	answer(w, out)
}

// table returns the trainings as they are.
func (v *live) table() []*training {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.all)
}

func (t *training) entry() entry {
	t.feed.mu.Lock()
	defer t.feed.mu.Unlock()
	return entry{t.ID, t.Spec, t.feed.state}
}

// create starts a training of the flags in the body over the defaults. Where there are too many, one that is over makes room.
func (v *live) create(w http.ResponseWriter, r *http.Request) {
	spec := liveDefaults()
	if !accept(w, r, &spec) {
		return
	}
	spec.Workers = v.opts.Workers
	if err := bounded(spec); err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	set, err := v.open(spec.Data)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.room() {
		refuse(w, http.StatusTooManyRequests, "%d trainings are under way, as many as may be at once: close one", len(v.all))
		return
	}
	t, err := newTraining(v.next+1, spec, set, v)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	v.next++
	v.all = append(v.all, t)
	v.bell.ring()
	answer(w, t.entry())
}

// bounded checks what the trainer does not: sizes.
func bounded(s train.Spec) error {
	if err := s.Validate(); err != nil {
		return err
	}
	arch, _, err := s.Network()
	if err != nil {
		return err
	}
	if arch.Nodes != nil {
		return fmt.Errorf("--arch %s: want fully connected layers here; settle train takes all", s.Arch)
	}
	if d := train.Defaults(); !slices.Contains(train.Supervised(), s.Rule) || s.Precision != d.Precision || s.PrecisionLR != d.PrecisionLR || s.ActivityDecay != d.ActivityDecay || s.Feedback != d.Feedback {
		return fmt.Errorf("--rule %s: want a rule that classifies, and the default precision, activity-decay and feedback here, which a look inside is about; settle train takes all", s.Rule)
	}
	if s.Target != train.Targets[0] {
		return fmt.Errorf("--target %s: want labels here, which a look inside is about; settle train takes all", s.Target)
	}
	params, units := 0, arch.Dims[0]
	for l := 1; l < len(arch.Dims); l++ {
		if arch.Dims[l-1] > mostParams || arch.Dims[l] > mostParams { // and no product overflows
			return fmt.Errorf("--arch %s: want at most %d weights here", s.Arch, mostParams)
		}
		params += arch.Dims[l-1] * arch.Dims[l]
		units += arch.Dims[l]
		if params > mostParams {
			return fmt.Errorf("--arch %s: want at most %d weights here", s.Arch, mostParams)
		}
	}
	switch {
	case len(arch.Dims)-1 > mostLayers:
		return fmt.Errorf("--arch %s: want at most %d layers here", s.Arch, mostLayers)
	case s.Batch > mostBatch:
		return fmt.Errorf("--batch %d: want at most %d here", s.Batch, mostBatch)
	case units*max(s.Batch, testRows) > mostUnits:
		return fmt.Errorf("--arch %s, --batch %d: %d units: want at most %d here for so many samples at a time (a test has %d)",
			s.Arch, s.Batch, units, mostUnits/max(s.Batch, testRows), testRows)
	case s.Steps > mostSteps:
		return fmt.Errorf("--steps %d: want at most %d here", s.Steps, mostSteps)
	case s.MaxPasses > mostSteps:
		return fmt.Errorf("--max-passes %g: want at most %d here", s.MaxPasses, mostSteps)
	case s.Batches > mostBatches || s.Epochs > 100:
		return fmt.Errorf("--batches %d, --epochs %d: want at most %d batches or 100 epochs here", s.Batches, s.Epochs, mostBatches)
	}
	return nil
}

// open returns a set that is on offer. It is opened once.
func (v *live) open(name string) (*data.Set, error) {
	if !slices.Contains(v.opts.Sets, name) {
		return nil, fmt.Errorf("--data %q: want one of %q", name, v.opts.Sets)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.sets[name]; s != nil {
		return s, nil
	}
	s, err := v.opts.OpenSet(name)
	if err == nil {
		v.sets[name] = s
	}
	return s, err
}

// room makes room for another training, if it can.
func (v *live) room() bool {
	if v.shut {
		return false
	}
	if len(v.all) < v.opts.Trainings {
		return true
	}
	i := slices.IndexFunc(v.all, func(t *training) bool { return t.feed.over() })
	if i < 0 {
		return false
	}
	v.all[i].close()
	v.all = slices.Delete(v.all, i, i+1)
	return true
}

// with finds the training that a path names.
func (v *live) with(f func(http.ResponseWriter, *http.Request, *training)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		all := v.table()
		i := slices.IndexFunc(all, func(t *training) bool { return t.ID == id })
		if err != nil || i < 0 {
			refuse(w, http.StatusNotFound, "training %q: there is none", r.PathValue("id"))
			return
		}
		f(w, r, all[i])
	}
}

func (v *live) remove(w http.ResponseWriter, r *http.Request, t *training) {
	var none struct{}
	if !accept(w, r, &none) {
		return
	}
	v.mu.Lock()
	v.all = slices.DeleteFunc(v.all, func(o *training) bool { return o == t })
	v.mu.Unlock()
	t.close()
	v.bell.ring()
	answer(w, none)
}

// close ends all trainings and takes no more.
func (v *live) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = true
	for _, t := range v.all {
		t.close()
	}
	v.all = nil
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
