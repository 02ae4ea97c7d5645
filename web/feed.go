package web

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/settle-pc/settle/train"
)

// keep is the number of batches that a feed remembers. When there are more it forgets every other one, so that any
// training fits, from its first batch to its last.
const keep = 4096

// eventPoints is the number of batches in an event to a client that has read some: more in so short a time no curve shows.
const eventPoints = 120

// feed is what clients see of a training. There are no queues: each client has read up to some batch, and takes what is
// newer when it is ready, so that a slow one costs nothing and misses nothing but batches that are forgotten by then.
type feed struct {
	total int
	bell  *bell // rings at every change

	mu      sync.Mutex
	points  []point
	every   int // batches between two remembered ones
	last    point
	tests   []point
	state   string
	message string
	summary *train.Summary
	version int // of all but the points
}

// bell tells any number of waiters that something has changed.
type bell struct {
	mu sync.Mutex
	c  chan struct{} // nil: nobody waits
}

// wait returns a channel that is closed at the next ring.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		b.c = make(chan struct{})
	}
	return b.c
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c != nil {
		close(b.c)
		b.c = nil
	}
}

// point is a row of numbers: batch first, then for a training MSE, its running mean, passes, residual ratio, gap; for a
// test MSE and accuracy.
type point []float64

// MarshalJSON writes null for what is not finite, and no more digits than a curve shows.
func (p point) MarshalJSON() ([]byte, error) { return p.append(nil), nil }

func (p point) append(b []byte) []byte {
	b = append(b, '[')
	for i, v := range p {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			b = append(b, "null"...)
		case v == math.Trunc(v) && math.Abs(v) < 1<<53:
			b = strconv.AppendInt(b, int64(v), 10)
		default:
			b = strconv.AppendFloat(b, v, 'g', 6, 64)
		}
	}
	return append(b, ']')
}

// news is what has changed of a training since a client last asked.
type news struct {
	ID      int            `json:"id"`
	Spec    *train.Spec    `json:"spec,omitempty"` // the first time
	State   string         `json:"state"`
	Batch   int            `json:"batch"`
	Total   int            `json:"total"`
	Message string         `json:"message,omitempty"`
	Summary *train.Summary `json:"summary,omitempty"`
	Points  []point        `json:"points,omitempty"`
	Tests   []point        `json:"tests,omitempty"`
}

// encode is n as JSON. The points are most of it, and package json would check what MarshalJSON has written.
func (n news) encode() ([]byte, error) {
	lists := []struct {
		name   string
		points []point
	}{{"points", n.Points}, {"tests", n.Tests}}
	n.Points, n.Tests = nil, nil
	b, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	b = b[:len(b)-1]
	for _, l := range lists {
		b = append(b, `,"`+l.name+`":[`...)
		for i, p := range l.points {
			if i > 0 {
				b = append(b, ',')
			}
			b = p.append(b)
		}
		b = append(b, ']')
	}
	return append(b, '}'), nil
}

// cursor is how far a client has read: batches, tests by their batches, and the version of the rest.
type cursor struct{ batch, test, version int }

func newFeed(b *bell) *feed { return &feed{bell: b, every: 1, state: running} }

// Batch remembers a batch.
func (f *feed) Batch(r train.Record) {
	residual, gap := math.NaN(), math.NaN()
	if r.Stats.Inference.Samples > 0 {
		residual, gap = r.Stats.Inference.Residual(), r.Stats.Inference.Gap()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = point{float64(r.Batch), r.MSE, r.Running, r.Passes, residual, gap}
	if r.Batch%f.every == 0 {
		f.points = append(f.points, f.last)
	}
	if len(f.points) >= keep {
		f.every *= 2
		f.points = slices.DeleteFunc(f.points, func(p point) bool { return int(p[0])%f.every != 0 })
	}
	f.bell.ring()
}

// Eval remembers a test.
func (f *feed) Eval(batch int, test train.Score) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tests) == keep {
		f.tests = slices.Delete(f.tests, 0, keep/2) // the oldest
	}
	f.tests = append(f.tests, point{float64(batch), test.MSE, test.Accuracy})
	f.version++
	f.bell.ring()
}

// become changes the state.
func (f *feed) become(state, message string, s *train.Summary) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.message, f.summary = state, message, s
	f.version++
	f.bell.ring()
}

// over reports whether the training is at its end, good or bad.
func (f *feed) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state != running && f.state != paused
}

// since returns what is newer than the cursor and moves it; fresh is false if nothing is.
func (f *feed) since(c *cursor) (n news, fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	batch := 0
	if f.last != nil {
		batch = int(f.last[0])
	}
	fresh = batch > c.batch || f.version != c.version
	if fresh {
		after := func(p point, b int) int { return int(p[0]) - b - 1 }
		i, _ := slices.BinarySearchFunc(f.points, c.batch, after)
		j, _ := slices.BinarySearchFunc(f.tests, c.test, after)
		n = news{State: f.state, Batch: batch, Total: f.total, Points: slices.Clone(f.points[i:]), Tests: slices.Clone(f.tests[j:]), Message: f.message, Summary: f.summary}
		if batch > c.batch && (len(n.Points) == 0 || int(n.Points[len(n.Points)-1][0]) < batch) {
			n.Points = append(n.Points, f.last)
		}
		if c.batch > 0 {
			n.Points = thin(n.Points, eventPoints)
		}
		c.batch, c.version = batch, f.version
		if len(n.Tests) > 0 {
			c.test = int(n.Tests[len(n.Tests)-1][0])
		}
	}
	return n, fresh
}

// thin keeps at most so many of the points, evenly, the last among them.
func thin(p []point, most int) []point {
	every := (len(p) + most - 1) / most
	if every <= 1 {
		return p
	}
	out := p[:0]
	for i := (len(p) - 1) % every; i < len(p); i += every {
		out = append(out, p[i])
	}
	return out
}
