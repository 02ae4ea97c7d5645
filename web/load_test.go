package web

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/train"
)

var long = flag.Bool("long", false, "follow with 200 clients for a minute, and compare the speed of training")

// crowd is the number of clients that follow a training at once.
const crowd = 200

// follower is one client of a crowd: it reads events without looking at them.
func follower(ctx context.Context, client *http.Client, url string, events *atomic.Int64) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("events: %s", resp.Status)
	}
	for d := newEvents(resp.Body); ; {
		if _, _, err := d.next(); err != nil {
			return nil // the context has ended
		}
		events.Add(1)
	}
}

// gather lets a crowd follow for so long and returns how many events each had.
func (x *explorer) gather(how time.Duration) []int64 {
	x.Helper()
	ctx, stop := context.WithTimeout(x.Context(), how)
	defer stop()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	counts := make([]atomic.Int64, crowd)
	var wg sync.WaitGroup
	for i := range counts {
		wg.Go(func() {
			if err := follower(ctx, client, x.http.URL+"/api/events", &counts[i]); err != nil && ctx.Err() == nil {
				x.Error(err)
			}
		})
	}
	wg.Wait()
	out := make([]int64, crowd)
	for i := range counts {
		out[i] = counts[i].Load()
	}
	return out
}

// memory is what is in use, after garbage is collected.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// batch returns how far a training is.
func (x *explorer) batch(id int) int {
	at := 0
	x.follow(id, func(n news) bool { at = n.Batch; return true })
	return at
}

// TestCrowdFollowsATraining: none of 200 clients is starved, memory and goroutines return to the start; with -long for a
// minute, and training is within a tenth as fast as alone.
func TestCrowdFollowsATraining(t *testing.T) {
	set := data.Synthetic(7, 2000, 28, 28, 10)
	x := open(t, func(o *Options, _ *httptest.Server) {
		o.OpenSet = func(string) (*data.Set, error) { return set, nil }
		o.Workers = runtime.GOMAXPROCS(0)
	})
	e := x.train(`{"data":"set","arch":"784-128-128-10","batches":1000000,"lr":0.0001}`)
	how, pairs, each := 3*time.Second, 0, 8*time.Second
	if *long {
		how, pairs = time.Minute, 5
	}
	x.follow(e.ID, func(n news) bool { return n.Batch > 200 })
	before, routines := memory(), runtime.NumGoroutine()
	events := x.gather(how)
	least := int64(how/(crowd*clientTime)) / 3
	if low := slices.Min(events); low < max(2, least) {
		t.Errorf("one client had %d events in %v, the median %d; want %d", low, how, median(events), least)
	}
	t.Logf("events in %v: least %d, median %d", how, slices.Min(events), median(events))
	waitFor(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= routines+5 })
	waitFor(t, "memory to return", func() bool { return memory() < before+4<<20 })
	t.Logf("memory: %d bytes before, %d after", before, memory())

	var ratios []float64
	for range pairs {
		start := x.batch(e.ID)
		time.Sleep(each)
		middle := x.batch(e.ID)
		x.gather(each)
		ratios = append(ratios, float64(x.batch(e.ID)-middle)/float64(middle-start))
	}
	if pairs > 0 {
		t.Logf("speed with %d clients over that without: %.3f", crowd, ratios)
		if median(ratios) < 0.9 {
			t.Errorf("median of the ratios %.3f, want 0.9", median(ratios))
		}
	}
}

func median[V int64 | float64](v []V) V {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkEvent is the cost of an event to a client that is as far behind as the largest crowd lets it be.
func BenchmarkEvent(b *testing.B) {
	f := newFeed(&bell{})
	for i := range 3 * keep {
		f.Batch(train.Record{Batch: i + 1, MSE: 0.1, Running: 0.1, Passes: float64(i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		c := cursor{batch: 2 * keep, version: -1}
		n, _ := f.since(&c)
		text, err := n.encode()
		if err != nil || len(n.Points) < eventPoints/2 {
			b.Fatal(err, len(n.Points))
		}
		b.SetBytes(int64(len(text)))
	}
}
