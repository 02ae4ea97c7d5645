// Package mlflow logs a training to an MLflow tracking server, over version 2.0 of its REST API.
//
// It never holds the training up and never makes it fail. Rows wait in a queue of bounded length for a goroutine that
// sends them; a server that does not answer is asked again, at growing intervals, until the training ends; where it
// cannot keep up, the rows that wait are thinned out evenly. What got lost is counted.
//
// Source: https://mlflow.org/docs/latest/rest-api.html.
package mlflow

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Metric is a value of one curve.
type Metric struct {
	Key   string
	Value float64
}

// Row is what was measured at one step. Values that are not finite are left out.
type Row struct {
	Step    int
	Time    time.Time
	Metrics []Metric
	Keep    bool // never thinned out, as long as others can be
}

// Options say where to log to and what the run is.
type Options struct {
	Server     *url.URL // as ParseServer returns it
	Token      string   // sent as a bearer token; "": none
	Experiment string   // by name; made where it is missing
	Run        string   // id of the run to go on with; "", and where the server knows no such run: a new one
	Name       string   // of a new run
	Start      time.Time
	Params     map[string]string // of a new run
	Tags       map[string]string // of a new run
	Past       []Row             // what was measured before a resumption, of which the server may lack some
	Created    func(run string)  // is told the id of a new run, on another goroutine
	Note       func(error)       // is told the first trouble, and no other, on another goroutine

	grace, wait time.Duration // 0: the constants below
}

const (
	maxQueue   = 4096             // rows
	maxMetrics = 1000             // in a request, the server's limit
	timeout    = 10 * time.Second // of a request
	grace      = 10 * time.Second // for what still waits when the training ends
	firstWait  = time.Second      // after a failed request; twice as long after each further one
	longWait   = 30 * time.Second
)

// Status is how a run ended.
type Status string

// What MLflow calls the ends of a run. An interrupted training, which may be resumed, is Killed.
const (
	Finished Status = "FINISHED"
	Failed   Status = "FAILED"
	Killed   Status = "KILLED"
)

// Report says what became of the rows. Err is the last trouble, nil if the server has all and knows of the end.
type Report struct {
	Sent, Lost int
	Err        error
}

// Logger logs one run. Log and End are for one goroutine.
type Logger struct {
	o   Options
	api api
	ctx context.Context // ends some time after ending
	cut context.CancelFunc

	experiment, run string         // their ids, once the server has said them
	seen            map[string]int // the last step that the server has of each key, from before
	past            []Row          // of Options.Past, what has not been sent
	noted           bool
	report          Report
	final           update            // set by End, before ending is closed
	tags            map[string]string // the same

	mu    sync.Mutex // guards queue and lost
	queue []Row
	lost  int // thinned out

	wake   chan struct{} // holds one token where there may be rows
	ending chan struct{} // closed by End
	done   chan struct{} // closed by the sender
}

// ParseServer reads the address of a tracking server; a user and a password may be in it.
func ParseServer(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("want the address of a tracking server, such as http://127.0.0.1:5000")
	}
	return u, nil
}

// Start begins to log. It waits for nothing.
func Start(o Options) *Logger {
	if o.grace == 0 {
		o.grace, o.wait = grace, firstWait
	}
	l := &Logger{o: o, api: api{o.Server, o.Token, &http.Client{Timeout: timeout}}, seen: map[string]int{}, past: finite(o.Past),
		wake: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{})}
	l.ctx, l.cut = context.WithCancel(context.Background())
	go l.send()
	return l
}

// Log adds a row to those that wait.
func (l *Logger) Log(r Row) {
	rows := finite([]Row{r})
	l.mu.Lock()
	if len(l.queue) == maxQueue {
		l.thin()
	}
	l.queue = append(l.queue, rows...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// finite returns the rows without values that are not finite, sharing no metrics with them.
func finite(rows []Row) []Row {
	out := slices.Clone(rows)
	for i := range out {
		out[i].Metrics = slices.DeleteFunc(slices.Clone(out[i].Metrics), func(m Metric) bool { return math.IsNaN(m.Value) || math.IsInf(m.Value, 0) })
	}
	return out
}

// thin drops every other row of those that need not be kept, or the oldest row if there are none.
func (l *Logger) thin() {
	drop, kept := false, l.queue[:0]
	for _, r := range l.queue {
		if !r.Keep {
			drop = !drop
		}
		if r.Keep || !drop {
			kept = append(kept, r)
		}
	}
	l.lost += len(l.queue) - len(kept)
	if len(kept) == maxQueue {
		kept = append(kept[:0], kept[1:]...)
		l.lost++
	}
	l.queue = kept
}

// End says how the run ended, with further tags. It waits until what is left has been sent, for ten seconds at most,
// and returns what became of the rows.
func (l *Logger) End(s Status, now time.Time, tags map[string]string) Report {
	l.final, l.tags = update{Status: s, EndTime: millis(now)}, tags
	close(l.ending)
	stop := time.AfterFunc(l.o.grace, l.cut)
	<-l.done
	stop.Stop()
	l.cut()
	return l.report
}

// String says in a line what the server lacks, empty if nothing.
func (r Report) String() string {
	switch {
	case r.Lost > 0:
		return fmt.Sprintf("%d of %d rows did not reach the server", r.Lost, r.Lost+r.Sent)
	case r.Err != nil:
		return fmt.Sprintf("the server was not told of the end: %v", r.Err)
	}
	return ""
}
