package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// browser starts a headless chromium, or skips where there is none; with SETTLE_FULL that is a failure.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("SETTLE_FULL") != "" {
			t.Fatal("no chromium, and SETTLE_FULL is set")
		}
		t.Skip("no chromium here: Debian's package has it")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-gpu", false), chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("enable-unsafe-swiftshader", true), chromedp.Flag("disable-gpu-rasterization", true), chromedp.Flag("disable-accelerated-2d-canvas", true)) // WebGL without a GPU
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // starts it
		t.Fatal(err)
	}
	return ctx
}

// pageState is what a page looks like from inside.
type pageState struct {
	Width    float64  `json:"width"`    // of the window
	Scroll   float64  `json:"scroll"`   // of the document
	Pictures int      `json:"pictures"` // inline
	Empty    []string `json:"empty"`    // pictures without an extent, or with a bitmap that does not decode
	Text     int      `json:"text"`     // characters
}

const inspect = `(async () => {
  const empty = [];
  const bitmaps = [...document.querySelectorAll('img, svg image')];
  await Promise.all(bitmaps.map(e => new Promise(done => {
    const i = new Image();
    i.onload = () => { if (!i.naturalWidth) empty.push('bitmap'); done(); };
    i.onerror = () => { empty.push('bitmap'); done(); };
    i.src = e.src || e.getAttribute('href') || e.getAttribute('xlink:href') || '';
  })));
  const pictures = [...document.querySelectorAll('figure svg')];
  for (const s of pictures) {
    const b = s.getBoundingClientRect(), g = s.getBBox();
    if (!(b.width > 50 && b.height > 20 && g.width > 0 && g.height > 0)) empty.push(s.closest('figure').innerText.slice(0, 40));
  }
  return {width: window.innerWidth, scroll: document.documentElement.scrollWidth, pictures: pictures.length, empty, text: document.body.innerText.length};
})()`

// look opens a page at a width and returns what is wrong with it and what it shows.
func look(t *testing.T, ctx context.Context, url string, width int64) ([]string, pageState) {
	t.Helper()
	p := openTab(t, ctx, url, width, func(u string) bool { return u == url })
	state := eval[pageState](p, inspect)
	if state.Scroll > state.Width {
		p.fault("scrolls sideways: %.0f px in a window of %.0f", state.Scroll, state.Width)
	}
	for _, e := range state.Empty {
		p.fault("not rendered: %s", e)
	}
	return p.faults(), state
}

// write makes a page for a test and returns its address.
func write(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte("<!DOCTYPE html><html><head><link rel=icon href='data:,'></head><body>"+body+"</body></html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// TestFaultsAreFound: every kind of fault that the report is checked for is seen on a page that has it.
func TestFaultsAreFound(t *testing.T) {
	ctx := browser(t)
	const good = `<figure><svg width="100" height="60" viewBox="0 0 100 60"><rect width="90" height="50"/></svg></figure>`
	for _, c := range []struct{ name, body, want string }{
		{"console", good + `<script>console.error("x")</script>`, "console: error"},
		{"exception", good + `<script>throw new Error("x")</script>`, "exception"},
		{"request", good + `<img src="other.png">`, "request: file"},
		{"wide", good + `<div style="width:3000px">x</div>`, "scrolls sideways"},
		{"blank", `<figure><svg width="100" height="60"></svg></figure>`, "not rendered"},
		{"bitmap", `<figure><svg width="100" height="60"><rect width="90" height="50"/><image href="data:image/png;base64,AAAA" width="9" height="9"/></svg></figure>`, "not rendered: bitmap"},
	} {
		faults, _ := look(t, ctx, write(t, c.body), 390)
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }) {
			t.Errorf("%s: found %q, want one with %q", c.name, faults, c.want)
		}
	}
	if faults, state := look(t, ctx, write(t, good), 390); len(faults) > 0 || state.Pictures != 1 {
		t.Errorf("a good page: %q, %+v", faults, state)
	}
}

// report returns a report: SETTLE_REPORT, or one made here by the quick reproduction.
func report(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SETTLE_REPORT"); path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return abs
	}
	dir, settle := t.TempDir(), command(t)
	run := exec.Command(settle, "reproduce", "--quick", "--out", filepath.Join(dir, "run"))
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(dir, "run", "report.html")
}

// command builds settle.
func command(t *testing.T) string {
	t.Helper()
	settle := filepath.Join(t.TempDir(), "settle")
	build := exec.Command("go", "build", "-C", filepath.Join("..", ".."), "-o", settle, "./cmd/settle")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return settle
}

// TestReportInABrowser: no console message, no request beside the file, every picture rendered, no scrolling sideways on a
// phone or a desk.
func TestReportInABrowser(t *testing.T) {
	ctx := browser(t)
	path := report(t)
	for _, width := range []int64{390, 1440} {
		faults, state := look(t, ctx, "file://"+path, width)
		for _, f := range faults {
			t.Errorf("at %d px: %s", width, f)
		}
		if state.Pictures < 20 || state.Text < 10_000 || state.Width != float64(width) {
			t.Errorf("at %d px: %+v: want 20 pictures and a paper's text", width, state)
		}
	}
}
