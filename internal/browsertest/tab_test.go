package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in the browser, and what is wrong with it so far.
type tab struct {
	*testing.T
	ctx context.Context

	mu    sync.Mutex
	wrong []string
}

func (p *tab) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// faults returns them: messages on the console, exceptions, requests that are not allowed.
func (p *tab) faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wrong)
}

// openTab opens a page at a width. The tab lasts as long as the test.
func openTab(t *testing.T, browser context.Context, url string, width int64, allowed func(url string) bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	p := &tab{T: t}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			p.fault("console: %s", ev.Type)
		case *runtime.EventExceptionThrown:
			p.fault("exception: %s", ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if !strings.HasPrefix(ev.Entry.Text, "Canvas2D: Multiple readback") { // advice to Plotly on speed
				p.fault("log: %s %s", ev.Entry.Text, ev.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if u := ev.Request.URL; !allowed(u) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
				p.fault("request: %s", u)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var stop context.CancelFunc
	p.ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	p.front()
	p.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(url))
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

// front turns to the tab: one that is not seen paints nothing.
func (p *tab) front() {
	p.Helper()
	if _, err := chromedp.Call(p.ctx, page.BringToFront, cdp.Empty{}); err != nil {
		p.Fatal(err)
	}
}

// eval returns the value of an expression, awaited if it is a promise.
func eval[V any](p *tab, expression string) V {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[V](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return v
}

// run evaluates statements for what they do.
func (p *tab) run(statements string) {
	p.Helper()
	eval[bool](p, "(async () => {"+statements+"; return true})()")
}

// text is what an element shows.
func (p *tab) text(selector string) string {
	p.Helper()
	return eval[string](p, fmt.Sprintf(`(document.querySelector(%q)?.textContent ?? "")`, selector))
}

// until waits for an expression to be true.
func (p *tab) until(expression string) {
	p.Helper()
	for range 600 {
		if eval[bool](p, "Boolean("+expression+")") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.Fatalf("waited in vain for %s", expression)
}

// settled waits until what was asked for is drawn.
func (p *tab) settled() {
	p.Helper()
	p.run(`for (let i = 0; i < 3; i++) await new Promise(r => requestAnimationFrame(r));
		await Promise.all(document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished.catch(() => {})))`)
}

// set gives a control a value, as a person would with it.
func (p *tab) set(selector, value string) {
	p.Helper()
	p.run(fmt.Sprintf(`const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true}))`, selector, value))
	p.settled()
}

func (p *tab) click(selector string) {
	p.Helper()
	p.run(fmt.Sprintf(`document.querySelector(%q).click()`, selector))
	p.settled()
}

// prefer tells the page what its reader has asked the system for.
func (p *tab) prefer(feature, value string) {
	p.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
	if err != nil {
		p.Fatal(err)
	}
}

// shot keeps a picture of the whole page in the folder SETTLE_SHOTS, if there is one, for people to look at.
func (p *tab) shot(name string) {
	p.Helper()
	dir := os.Getenv("SETTLE_SHOTS")
	if dir == "" {
		return
	}
	b, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o666); err != nil {
		p.Fatal(err)
	}
}

// blameless fails the test for every fault of the page, and where it scrolls sideways.
func (p *tab) blameless() {
	p.Helper()
	if wide := eval[float64](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
		p.fault("scrolls sideways by %.0f px", wide)
	}
	for _, f := range p.faults() {
		p.Error(f)
	}
}
