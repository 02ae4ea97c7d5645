package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far long work is: a bar with the time left on a terminal, else a line now and then.
// It may be used by many goroutines.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	bar     *progressbar.ProgressBar
	what    string
	total   float64
	done    float64
	started time.Time
	spoke   time.Time
	from    float64   // what was done
	since   time.Time // then: the pace is measured from there
}

// barTicks divides a bar, whatever the size of the work: some of it is measured in whole shares of 1.
const barTicks = 1000

// lineEvery is the time between two lines where there is no terminal.
const lineEvery = 15 * time.Second

// found is how soon after the start what is reported as done was found done, by work that is gone on with: it says nothing of the pace.
const found = 2 * time.Second

// progress starts showing work of the given size.
func (a *app) progress(what string, total float64) *progress {
	now := time.Now()
	p := &progress{w: a.note(), what: what, total: total, started: now, spoke: now, since: now}
	if f, ok := a.err.(*os.File); ok && !a.quiet && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(barTicks, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(200*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(os.Getenv("NO_COLOR") == ""))
	}
	return p
}

// silent is progress that nobody sees.
func silent() *progress {
	return &progress{w: io.Discard, total: 1}
}

// set says how much is done, of how much, and with what remark (shown beside a bar, or in the line).
func (p *progress) set(done float64, remark string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	if time.Since(p.started) < found {
		p.from, p.since = done, time.Now()
	}
	switch {
	case p.bar != nil:
		if remark != "" {
			p.bar.Describe(p.what + "  " + remark)
		}
		// A bar that cannot be drawn is no reason to stop the work.
		_ = p.bar.Set64(int64(barTicks * min(done/p.total, 1)))
	case time.Since(p.spoke) >= lineEvery:
		p.spoke = time.Now()
		fmt.Fprintf(p.w, "%s: %.0f %%, %s left  %s\n", p.what, 100*done/p.total, p.left(), remark)
	}
}

// left estimates the time left from the pace so far.
func (p *progress) left() string {
	if p.done <= p.from {
		return "unknown time"
	}
	d := time.Duration(float64(time.Since(p.since)) * (p.total - p.done) / (p.done - p.from))
	return d.Round(time.Second).String()
}

// line prints a remark above the bar.
func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(p.w, text)
}

// end clears the bar.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
