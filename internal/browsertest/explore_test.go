package browsertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// explorer is a running settle explore, and the browser.
type explorer struct {
	settle, dir, url string // url ends in a slash
	browser          context.Context
	stop             func() // ends it, as Ctrl-C does
}

// explore starts one in a folder of its own.
func explore(t *testing.T) *explorer {
	t.Helper()
	x := &explorer{settle: command(t), dir: t.TempDir(), browser: browser(t)}
	cmd := exec.Command(x.settle, "explore", "--open=false", "--json", "--quiet")
	cmd.Dir = x.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x.stop = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil { // an interrupt is how it ends
			t.Errorf("settle explore: %v", err)
		}
	})
	t.Cleanup(x.stop)
	var first struct{ URL string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&first); err != nil {
		t.Fatal(err)
	}
	x.url = first.URL
	return x
}

// json runs settle with --json and reads what it prints.
func (x *explorer) json(t *testing.T, v any, args ...string) {
	t.Helper()
	cmd := exec.Command(x.settle, append(args, "--json", "--quiet")...)
	cmd.Dir = x.dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("settle %s: %v", strings.Join(args, " "), err)
	}
	if err := json.Unmarshal(out, v); err != nil {
		t.Fatal(err)
	}
}

// open opens a page of the explorer and waits until it is ready.
func (x *explorer) open(t *testing.T, path string, width int64) *tab {
	t.Helper()
	p := openTab(t, x.browser, x.url+path, width, func(u string) bool { return strings.HasPrefix(u, x.url) })
	p.until(`document.body.dataset.ready`)
	return p
}

// TestExplorer shares one server and one browser.
func TestExplorer(t *testing.T) {
	x := explore(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *explorer)
	}{
		{"toy numbers", toyNumbers}, {"toy controls", toyControls}, {"toy by hand", toyByHand}, {"toy by touch", toyByTouch}, {"toy calm", toyCalm}, {"toy shared", toyShared}, {"toy in space", toyInSpace}, {"toy downloads", toyDownloads},
		{"toy absorbs changes", toyAbsorbs}, {"speed", speed}, {"training", training}, {"inside", inside}, {"drawing", drawing}, {"tabs", tabs}, {"runs", runs}, {"reports", reports}, {"static page", staticPage}, {"accessible", accessible}, {"ended", ended},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, x) })
	}
}

type toyPath struct {
	End     [2]float64 `json:"end"`
	Closest float64    `json:"closest_to_saddle"`
	Length  float64    `json:"path_length"`
	Steps   int        `json:"steps"`
	Loss    float64    `json:"loss"`
	Status  string     `json:"status"`
}

// toyNumbers: the page's numbers are those of settle toy --json, to all their digits but the last.
func toyNumbers(t *testing.T, x *explorer) {
	for _, c := range []struct{ x, y, w1, w2, lr string }{
		{"1", "-1", "0.75", "0.95", "0.2"}, {"1", "-1", "0.8", "0.8", "0.2"}, {"-1.5", "0.7", "-0.3", "1", "0.05"},
	} {
		var want struct {
			BP, PC  toyPath
			Hessian struct{ Loss, Energy []float64 } `json:"hessian_origin"`
		}
		x.json(t, &want, "toy", "--x", c.x, "--y", c.y, "--w0", c.w1+","+c.w2, "--lr", c.lr, "--grid", "11", "--starts", "5", "--noise-runs", "1")
		p := x.open(t, fmt.Sprintf("?x=%s&y=%s&w1=%s&w2=%s&lr=%s", c.x, c.y, c.w1, c.w2, c.lr), 1440)
		for rule, w := range map[string]toyPath{"bp": want.BP, "pc": want.PC} {
			mark := " ✓"
			if w.Status != "reached" {
				mark = " (" + w.Status + ")"
			}
			for id, text := range map[string]string{
				"step": fmt.Sprintf("%d%s", w.Steps, mark), "closest": minus("%.3f", w.Closest), "length": minus("%.3f", w.Length), "end": minus("(%.3f, %.3f)", w.End[0], w.End[1])} {
				if got := p.text("#" + rule + "-" + id); got != text {
					t.Errorf("%+v: %s %s is %s, want %s", c, rule, id, got, text)
				}
			}
			got := eval[[]float64](p, fmt.Sprintf(`import("/static/js/engine.js").then(m => m.engine("/static/toy.wasm.gz")).then(e => {
				const r = e.path({x: %s, y: %s, lr: %s}, %q, [%s, %s], 3000, 1e-3), h = e.problem({x: %s, y: %s}, [-2, 2]);
				return [r.points[4*r.steps], r.points[4*r.steps+1], r.points[4*r.steps+2], r.closest, r.length, r.steps, ...h.loss, ...h.energy]})`, c.x, c.y, c.lr, rule, c.w1, c.w2, c.x, c.y))
			exact := append([]float64{w.End[0], w.End[1], w.Loss, w.Closest, w.Length, float64(w.Steps)}, append(want.Hessian.Loss, want.Hessian.Energy...)...)
			for i, v := range exact {
				// Thousands of steps, each rounded: two ways to add up a hypotenuse may differ by some units in the last place.
				if !(math.Abs(got[i]-v) <= 1e-11*(1+math.Abs(v))) {
					t.Errorf("%+v: %s number %d is %v, want %v", c, rule, i, got[i], v)
				}
			}
		}
		p.blameless()
	}
}

// minus formats with a true minus.
func minus(format string, args ...any) string {
	return strings.ReplaceAll(fmt.Sprintf(format, args...), "-", "−")
}

// toyControls: every control changes what it should, and nothing else that is listed.
func toyControls(t *testing.T, x *explorer) {
	p := x.open(t, "", 1440)
	// What there is to see, by name.
	const see = `(() => { const q = s => document.querySelector(s), html = s => q(s).innerHTML, heat = id => q("#panel-" + id + " canvas").toDataURL();
		return {loss: heat("loss"), energy: heat("energy"), equilibrium: heat("equilibrium"), paths: html("#panel-loss svg > g:nth-of-type(1) > g:nth-of-type(2)"), arrows: html("#panel-energy svg > g:nth-of-type(1) > g:nth-of-type(1)"),
			start: q("#panel-loss .handle").getAttribute("transform"), race: html(".race tbody"), title: q("#title-energy").textContent, at: q("#at-w0").textContent, hessian: q("#hessian").textContent, view: document.body.dataset.view || "2d"}})()`
	for _, c := range []struct {
		name      string
		do        func()
		changes   string
		unchanged string
	}{
		{"x", func() { p.set("#x", "0.5") }, "loss energy equilibrium paths race hessian at", "view title"},
		{"y", func() { p.set("#y", "0.5") }, "loss energy equilibrium paths race hessian at", "view title"},
		{"x at 0", func() { p.set("#x", "0") }, "loss energy", "view"},
		{"reset", func() { p.click("#reset") }, "loss energy equilibrium paths race", "view"},
		{"lr", func() { p.set("#lr", "0.05") }, "paths race", "loss energy equilibrium arrows start"},
		{"t", func() { p.set("#t", "5") }, "energy arrows title at", "loss equilibrium paths race start"},
		{"dt", func() { p.set("#dt", "0.02") }, "energy arrows at", "loss equilibrium paths race start"},
		{"arrows", func() { p.set("#arrows", "total") }, "arrows", "loss energy equilibrium paths race"},
		{"no arrows", func() { p.set("#arrows", "none") }, "arrows", "loss energy equilibrium paths race"},
		{"k", func() { p.set("#k", "3") }, "paths race", "loss energy equilibrium start at"},
		{"w1", func() { p.set("#w1", "-0.5") }, "start paths race at", "loss energy equilibrium arrows hessian"},
		{"w2", func() { p.set("#w2", "0.3") }, "start paths race at", "loss energy equilibrium arrows hessian"},
		{"look", func() { p.set("#look", "safe") }, "loss energy equilibrium", "paths race start at"},
		{"caught", func() { p.click("#caught") }, "start paths race at", "loss energy equilibrium"},
		{"space", func() { p.click("[data-view-button='3d']") }, "view", "paths race"},
		{"map", func() { p.click("[data-view-button='2d']") }, "view", "paths race"},
		{"play t", func() { p.click("#play-t"); time.Sleep(600 * time.Millisecond); p.click("#play-t") }, "energy title", "loss paths race"},
		{"play k", func() { p.click("#play-k"); time.Sleep(600 * time.Millisecond); p.click("#play-k") }, "paths race", "loss energy"},
	} {
		p.settled()
		before := eval[map[string]string](p, see)
		c.do()
		p.settled()
		after := eval[map[string]string](p, see)
		for _, name := range strings.Fields(c.changes) {
			if before[name] == after[name] {
				t.Errorf("%s does not change %s", c.name, name)
			}
		}
		for _, name := range strings.Fields(c.unchanged) {
			if before[name] != after[name] {
				t.Errorf("%s changes %s", c.name, name)
			}
		}
	}
	before := eval[string](p, "getComputedStyle(document.body).backgroundColor")
	p.click("#theme")
	if after := eval[string](p, "getComputedStyle(document.body).backgroundColor"); after == before {
		t.Error("the button for colours changes none")
	}
	p.run("localStorage.clear()")
	p.until(`document.querySelector("#verdict").textContent.includes("From here")`)
	p.blameless()
}

// toyByHand: mouse and keyboard place and move the start.
func toyByHand(t *testing.T, x *explorer) {
	p := x.open(t, "", 1440)
	w := func() [2]float64 {
		return eval[[2]float64](p, `[Number(document.querySelector("#w1").value), Number(document.querySelector("#w2").value)]`)
	}
	place := func(panel string, w1, w2 float64) (float64, float64) {
		at := eval[[2]float64](p, fmt.Sprintf(`(() => { const r = document.querySelector("#panel-%s svg").getBoundingClientRect(), u = r.width / 400; return [r.left + (44 + (%g + 2) / 4 * 344) * u, r.top + (10 + (2 - %g) / 4 * 350) * u] })()`, panel, w1, w2))
		return at[0], at[1]
	}
	near := func(what string, w1, w2 float64) {
		t.Helper()
		p.settled()
		if got := w(); math.Abs(got[0]-w1) > 0.03 || math.Abs(got[1]-w2) > 0.03 {
			t.Errorf("%s: w⁰ is %v, want (%v, %v)", what, got, w1, w2)
		}
	}
	px, py := place("equilibrium", -1, -0.5)
	p.do(chromedp.MouseClickXY(px, py))
	near("a click", -1, -0.5)
	p.do(chromedp.MouseEvent(chromedp.MousePressed, px, py, chromedp.Button("left"), chromedp.ClickCount(1)))
	for i := range 10 {
		qx, qy := place("equilibrium", -1+0.2*float64(i+1), -0.5+0.1*float64(i+1))
		p.do(chromedp.MouseEvent(chromedp.MouseMoved, qx, qy, chromedp.Button("left")))
	}
	qx, qy := place("equilibrium", 1, 0.5)
	p.do(chromedp.MouseEvent(chromedp.MouseReleased, qx, qy, chromedp.Button("left"), chromedp.ClickCount(1)))
	near("a drag", 1, 0.5)
	if e := eval[bool](p, `document.activeElement?.classList.contains("handle")`); !e {
		t.Error("the handle that was dragged has not the focus")
	}
	p.run(`document.querySelector("#panel-loss .handle").focus()`)
	for _, key := range []string{"ArrowLeft", "ArrowLeft", "ArrowUp"} {
		p.run(fmt.Sprintf(`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: %q, bubbles: true, cancelable: true}))`, key))
		p.settled()
	}
	if got := w(); !(got[0] < 0.96 && got[1] > 0.52) {
		t.Errorf("two keys left and one up: w⁰ is %v", got)
	}
	// Every control can be reached, and shows that it is.
	for _, id := range []string{"t", "k", "x", "y", "lr", "dt", "w1", "w2", "arrows", "look", "play-t", "play-k", "caught", "reset", "save-svg", "theme"} {
		if !eval[bool](p, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.focus(); return document.activeElement === e && e.tabIndex >= 0 })()`, id)) {
			t.Errorf("#%s cannot be reached by keyboard", id)
		}
	}
	p.blameless()
}

// toyByTouch: on a phone a finger drags the start, and the maps stay where they are; elsewhere it scrolls them.
func toyByTouch(t *testing.T, x *explorer) {
	p := x.open(t, "", 390)
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.settled()
	at := eval[[2]float64](p, `(() => { const r = document.querySelector("#panel-loss .diamond").getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] })()`)
	drag := func(from [2]float64, dx, dy float64) {
		t.Helper()
		touch := func(typ input.DispatchTouchEventType, points ...*input.TouchPoint) {
			t.Helper()
			if _, err := chromedp.Call(p.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: typ, TouchPoints: points}); err != nil {
				t.Fatal(err)
			}
		}
		touch(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: from[0], Y: from[1]})
		for i := range 8 {
			f := float64(i+1) / 8
			touch(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: from[0] + f*dx, Y: from[1] + f*dy})
		}
		touch(input.DispatchTouchEventTypeTouchEnd)
		p.settled()
	}
	w1 := func() float64 { return eval[float64](p, `Number(document.querySelector("#w1").value)`) }
	scrolled := func() float64 { return eval[float64](p, `document.querySelector(".panels").scrollLeft`) }
	drag(at, -120, 20)
	if got := w1(); !(got < 0.2) || scrolled() != 0 {
		t.Errorf("after a drag to the left w₁⁰ is %v, and the maps are scrolled by %v", got, scrolled())
	}
	before := w1()
	drag([2]float64{at[0], at[1] + 150}, -150, 0)
	p.until(`document.querySelector(".panels").scrollLeft > 50`)
	if got := w1(); got != before {
		t.Errorf("scrolling moves w₁⁰ from %v to %v", before, got)
	}
	p.blameless()
}

// toyCalm: for those who want less motion, play makes two steps a second, and nothing fades.
func toyCalm(t *testing.T, x *explorer) {
	p := x.open(t, "", 1440)
	steps := func() int {
		p.set("#t", "0")
		p.click("#play-t")
		time.Sleep(1300 * time.Millisecond)
		p.click("#play-t")
		return eval[int](p, `Number(document.querySelector("#t").value)`)
	}
	lively := steps()
	p.prefer("prefers-reduced-motion", "reduce")
	if calm := steps(); calm < 1 || calm > 4 || lively <= calm+1 {
		t.Errorf("in the same time %d steps, %d for those who want less motion", lively, calm)
	}
	if fade := eval[string](p, `getComputedStyle(document.querySelector("button")).transitionDuration`); fade != "0s" {
		t.Errorf("buttons fade for %s", fade)
	}
	p.blameless()
}

// toyShared: the address holds the view.
func toyShared(t *testing.T, x *explorer) {
	p := x.open(t, "", 1440)
	for name, v := range map[string]string{"#x": "0.5", "#t": "7", "#lr": "0.1", "#w1": "-0.25", "#look": "safe", "#arrows": "total"} {
		p.set(name, v)
	}
	for _, want := range []string{"x=0.5", "t=7", "lr=0.1", "w1=-0.25", "look=safe", "arrows=total"} {
		p.until(fmt.Sprintf(`location.search.includes(%q)`, want))
	}
	address := eval[string](p, "location.search")
	q := x.open(t, address, 1440)
	for _, id := range []string{"#at-w0", "#title-energy", ".race tbody", "#x-out"} {
		if a, b := p.text(id), q.text(id); a != b || a == "" {
			t.Errorf("%s is %q, shared %q", id, a, b)
		}
	}
	r := x.open(t, "?x=0&y=abc&t=1e99&k=-5&view=%3Cb%3E&w1=NaN&dt=9", 390) // absorbed
	if got := r.text("#x-out") + r.text("#y-out"); got != "1−1" {
		t.Errorf("bad values give x, y = %s", got)
	}
	for _, p := range []*tab{p, q, r} {
		p.blameless()
	}
}

// toyInSpace: surfaces are drawn, by WebGL.
func toyInSpace(t *testing.T, x *explorer) {
	for _, width := range []int64{390, 1440} {
		p := x.open(t, "?view=3d&t=6", width)
		p.until(`document.querySelectorAll("#space canvas").length >= 3`)
		p.until(`[...document.querySelectorAll("#space canvas")].every(c => c.width > 100)`)
		time.Sleep(1500 * time.Millisecond)
		p.shot(fmt.Sprintf("space-%d", width))
		p.set("#t", "20")
		p.blameless()
	}
}

// toyDownloads: each is a file of its kind with what the page shows.
func toyDownloads(t *testing.T, x *explorer) {
	p := x.open(t, "?t=3", 1440)
	p.run(`window.saved = []; const make = URL.createObjectURL; URL.createObjectURL = b => { saved.push(b); return make.call(URL, b) }; HTMLAnchorElement.prototype.click = function () { this.dataset.was = this.download }`)
	p.click("#save-svg")
	if svg := eval[string](p, `saved.pop().text()`); !strings.HasPrefix(svg, "<svg") || strings.Count(svg, "data:image/png") != 3 || !strings.Contains(svg, "t = 3") {
		t.Errorf("the SVG is %.200q", svg)
	}
	p.click("#save-csv")
	csv := eval[string](p, `saved.pop().text()`)
	if lines := strings.Split(csv, "\n"); len(lines) < 121*121 || lines[0] != "what,step,w1,w2,loss,energy_t,energy_equilibrium" || !strings.HasPrefix(lines[1], "path bp,0,0.75,0.95,") {
		t.Errorf("the CSV has %d lines and starts %.200q", len(lines), csv)
	}
	p.click("#save-png")
	p.until(`saved.some(b => b.type === "image/png")`)
	size := eval[[2]float64](p, `createImageBitmap(saved.find(b => b.type === "image/png")).then(b => [b.width, b.height])`)
	if size != [2]float64{2448, 892} {
		t.Errorf("the PNG is %v", size)
	}
	p.blameless()
}

// toyAbsorbs: ten thousand rapid changes end where the last one says.
func toyAbsorbs(t *testing.T, x *explorer) {
	p := x.open(t, "", 1440)
	p.run(`const t = document.querySelector("#t"), w = document.querySelector("#w1");
		for (let i = 0; i < 5000; i++) { t.value = i % 61; t.dispatchEvent(new Event("input")); w.value = (i % 300) / 100 - 1.5; w.dispatchEvent(new Event("input")); if (i % 500 === 0) await new Promise(r => setTimeout(r)) }
		t.value = 9; t.dispatchEvent(new Event("input")); w.value = 0.5; w.dispatchEvent(new Event("input"))`)
	p.settled()
	if got := p.text("#t-out") + " " + eval[string](p, `document.querySelector("#w1").value`); got != "9 0.5" {
		t.Errorf("at the end t and w₁ are %s", got)
	}
	p.until(`location.search.includes("w1=0.5")`)
	p.blameless()
}

// Bounds in milliseconds: a frame of a screen, and a moment.
const (
	frameTime = 16
	firstTime = 1000
)

// speed: dragging w⁰ or t repaints within a frame, at 121×121; the first paint comes at once.
func speed(t *testing.T, x *explorer) {
	p := x.open(t, "?t=5", 1440)
	if n := eval[int](p, `document.querySelector("#panel-energy canvas").width`); n != 121 {
		t.Fatalf("the grid has %d points a side", n)
	}
	p.until(`performance.getEntriesByName("first-contentful-paint").length`)
	first := eval[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
	// From the start of a frame in which the value has changed to the first task after its paint.
	const timed = `async (change) => { const took = []; for (let i = 0; i < 40; i++) {
			took.push(await new Promise(done => {
				let start; requestAnimationFrame(() => { start = performance.now(); }); // first in the frame, since asked first
				change(i); // asks for the frame's drawing
				requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => done(performance.now() - start); c.port2.postMessage(0) }); // after style, layout and paint
			})) } took.sort((a, b) => a - b); return took[20] }`
	best := func(change string) float64 { // of three medians: other work on the machine disturbs
		var took []float64
		for range 3 {
			took = append(took, eval[float64](p, `(`+timed+`)(`+change+`)`))
		}
		return slices.Min(took)
	}
	t1 := best(`i => { const e = document.querySelector("#t"); e.value = i % 60; e.dispatchEvent(new Event("input")) }`)
	w := best(`i => { const e = document.querySelector("#w1"); e.value = i / 40 + 0.1; e.dispatchEvent(new Event("input")) }`)
	t.Logf("first paint %.0f ms; median repaint %.1f ms for t, %.1f ms for w⁰", first, t1, w)
	if first > firstTime || t1 > frameTime || w > frameTime {
		t.Errorf("first paint %.0f ms, repaints %.1f and %.1f ms; want at most %d, %d and %d", first, t1, w, firstTime, frameTime, frameTime)
	}
}

// training: a live one, started by hand and paused on the way, has the weights of settle train with the same settings.
func training(t *testing.T, x *explorer) {
	p := x.open(t, "network", 1440)
	for id, v := range map[string]string{"#depth": "2", "#width": "32", "#batches": "150", "#seed": "5", "#lr": "0.002", "#every": "50", "#act": "tanh"} {
		p.set(id, v)
	}
	p.click("#start")
	p.until(`document.querySelector("[data-id]")`)
	p.click("[data-do=pause]")
	p.until(`["paused", "done"].includes(document.querySelector("[data-id]").dataset.state)`)
	if eval[string](p, `document.querySelector("[data-id]").dataset.state`) == "paused" {
		says := p.text("[data-id] .says")
		p.click("[data-do=step]")
		p.until(fmt.Sprintf(`document.querySelector("[data-id]").dataset.state === "paused" && document.querySelector("[data-id] .says").textContent !== %q`, says))
		p.click("[data-do=pause]") // now "Go on"
	}
	p.until(`document.querySelector(".hash")`)
	got := eval[string](p, `document.querySelector(".hash").dataset.hash`)
	var want struct {
		Sum      string  `json:"weights_sha256"`
		Accuracy float64 `json:"test_accuracy"`
	}
	x.json(t, &want, "train", "--arch", "784-32x2-10", "--act", "tanh", "--batches", "150", "--seed", "5", "--lr", "0.002")
	if got != want.Sum {
		t.Errorf("live training has weights %s, settle train %s", got, want.Sum)
	}
	if says := p.text("[data-id] .says"); !strings.Contains(says, fmt.Sprintf("test accuracy %.2f %%", 100*want.Accuracy)) {
		t.Errorf("the page says %q, settle train %v", says, want.Accuracy)
	}
	p.set("#lr", "0")
	p.set("#depth", "3")
	p.click("[data-preset=deep]")
	if d := eval[string](p, `document.querySelector("#depth").value`); d != "9" {
		t.Errorf("the preset of ten layers has %s hidden ones", d)
	}
	p.set("#rule", "bp")
	if !eval[bool](p, `document.querySelector("#solver").disabled`) {
		t.Error("BP offers inference")
	}
	p.set("#batches", "20")
	p.click("#race")
	p.until(`document.querySelectorAll("[data-state=done]").length === 3`)
	p.shot("network-1440")
	p.click("[data-id]:last-child [data-do=close]")
	p.until(`document.querySelectorAll("[data-id]").length === 2`)
	if n := eval[int](p, `document.querySelectorAll("#curves canvas").length`); n != 1 {
		t.Errorf("%d charts", n)
	}
	p.blameless()
}

// inside: the look shows the digit, and its inference step by step.
func inside(t *testing.T, x *explorer) {
	p := x.open(t, "network", 1440) // another tab, which finds the trainings of the first
	p.until(`document.querySelector("#layers tbody tr")`)
	const see = `(() => ({digit: document.querySelector("#digit").toDataURL(), layers: [...document.querySelectorAll("#layers canvas")].map(c => c.toDataURL()).join(), numbers: document.querySelector("#layers tbody").textContent,
		says: document.querySelector("#says").textContent, outputs: document.querySelector("#outputs").innerHTML, energies: document.querySelector("#energies canvas").toDataURL(), frame: document.querySelector("#frame-out").textContent}))()`
	for _, c := range []struct {
		name, id, value, changes, unchanged string
	}{
		{"frame", "#frame", "3", "layers numbers frame energies outputs", "digit says"},
		{"index", "#index", "4", "digit layers numbers says outputs", ""},
		{"target", "#target", "8", "layers numbers says outputs", "digit"},
		{"dt", "#dt", "0.02", "numbers energies", "digit"},
		{"steps", "#steps", "10", "energies", "digit"},
		{"method", "#method", "auto errors", "numbers energies", "digit"},
	} {
		before := eval[map[string]string](p, see)
		p.set(c.id, c.value)
		p.until(`!document.querySelector("#inside").hasAttribute("aria-busy")`)
		p.settled()
		after := eval[map[string]string](p, see)
		for _, name := range strings.Fields(c.changes) {
			if before[name] == after[name] {
				t.Errorf("%s does not change %s", c.name, name)
			}
		}
		for _, name := range strings.Fields(c.unchanged) {
			if before[name] != after[name] {
				t.Errorf("%s changes %s", c.name, name)
			}
		}
	}
	p.set("#method", "euler activities")
	p.set("#target", "-1")
	p.until(`!document.querySelector("#inside").hasAttribute("aria-busy") && document.querySelector("#frame").max === "10"`)
	p.set("#frame", "0")
	p.settled()
	cosines := func() []string {
		return eval[[]string](p, `[...document.querySelectorAll("#layers tbody tr")].map(r => r.lastChild.textContent)`)
	}
	if c := cosines(); len(c) < 3 || slices.ContainsFunc(c[:len(c)-1], func(v string) bool { return v != "–" }) || c[len(c)-1] != "1.000" {
		t.Errorf("before inference the cosines are %q: want the last layer's alone, 1", c)
	}
	for range 4 {
		p.click("#forth")
	}
	if f := p.text("#frame-out"); f != "4" {
		t.Errorf("four steps of inference end at %s", f)
	}
	if c := cosines(); c[len(c)-2] == "–" {
		t.Errorf("after 4 steps the cosines are %q", c)
	}
	p.click("#back")
	p.click("#play")
	p.until(`document.querySelector("#frame-out").textContent === "10"`)
	p.click("#next")
	p.click("#previous")
	p.blameless()
}

// drawing: a digit by hand is seen, and settles.
func drawing(t *testing.T, x *explorer) {
	p := x.open(t, "network", 390)
	p.until(`document.querySelector("#layers tbody tr")`)
	p.click("[data-id] [data-do=look]") // the first, which was trained longest
	p.until(`!document.querySelector("#inside").hasAttribute("aria-busy")`)
	p.click("#from-hand")
	p.run(`document.querySelector("#pad").scrollIntoView({block: "center"})`)
	box := eval[[4]float64](p, `(() => { const r = document.querySelector("#pad").getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })()`)
	at := func(u, v float64) (float64, float64) { return box[0] + u*box[2], box[1] + v*box[3] }
	px, py := at(0.5, 0.15)
	p.do(chromedp.MouseEvent(chromedp.MousePressed, px, py, chromedp.Button("left"), chromedp.ClickCount(1)))
	for i := range 12 {
		px, py = at(0.5, 0.15+0.06*float64(i))
		p.do(chromedp.MouseEvent(chromedp.MouseMoved, px, py, chromedp.Button("left")))
	}
	p.do(chromedp.MouseEvent(chromedp.MouseReleased, px, py, chromedp.Button("left"), chromedp.ClickCount(1)))
	p.until(`!document.querySelector("#inside").hasAttribute("aria-busy") && !document.querySelector("#says").textContent.includes("it is a")`)
	if says := p.text("#says"); !strings.HasPrefix(says, "The network says 1") {
		t.Errorf("a vertical stroke: %q", says)
	}
	p.shot("network-390")
	p.click("#wipe")
	p.blameless()
}

// tabs: more of them than a browser opens connections each show the trainings, and those that are seen follow them.
func tabs(t *testing.T, x *explorer) {
	var open []*tab
	for range 8 {
		p := x.open(t, "network", 1440)
		p.until(`document.querySelector("[data-id]")`)
		open = append(open, p)
	}
	last := open[len(open)-1]
	n := eval[int](last, `document.querySelectorAll("[data-id]").length`)
	last.set("#depth", "1")
	last.set("#batches", "30")
	last.click("#start")
	for _, p := range []*tab{last, open[0], open[4]} { // as a person turns to them
		p.front()
		p.until(fmt.Sprintf(`document.querySelectorAll("[data-id]").length === %d && [...document.querySelectorAll("[data-id]")].every(e => e.dataset.state === "done")`, n+1))
	}
	for _, p := range open {
		p.blameless()
	}
	last.click("[data-id]:last-child [data-do=close]")
	open[2].until(fmt.Sprintf(`document.querySelectorAll("[data-id]").length === %d`, n))
}

// runs: the table filters and sorts, chosen runs lie side by side, reports open.
func runs(t *testing.T, x *explorer) {
	var result struct{ Run string }
	x.json(t, &result, "train", "--arch", "784-16-10", "--batches", "80", "--rule", "bp", "--lr", "0.003")
	x.json(t, &result, "train", "--arch", "784-24-10", "--batches", "80")
	x.json(t, &result, "train", "--arch", "784-10", "--batches", "10", "--optim", "sgd")
	p := x.open(t, "runs", 1440)
	rows := func() []string {
		return eval[[]string](p, `[...document.querySelectorAll("#runs tbody tr")].map(r => r.dataset.run)`)
	}
	all := rows()
	if len(all) < 3 {
		t.Fatalf("the runs are %q", all)
	}
	p.set("#filter", "rule=bp lr=0.003")
	if got := rows(); len(got) != 1 {
		t.Errorf("the filter leaves %q", got)
	}
	p.set("#filter", "784-")
	trained := rows()
	p.set("#filter", "")
	p.click("[data-sort=lr]")
	up := rows()
	p.click("[data-sort=lr]")
	if down := rows(); slices.Equal(up, down) || eval[string](p, `document.querySelector("[aria-sort]").getAttribute("aria-sort")`) != "descending" {
		t.Errorf("sorted %q, then %q", up, down)
	}
	for _, name := range trained {
		p.click(fmt.Sprintf(`[data-run=%q] input`, name))
	}
	p.until(fmt.Sprintf(`document.body.dataset.curves === "%d"`, len(trained)))
	if differ := p.text("#settings tbody"); !strings.Contains(differ, "784-16-10") || !strings.Contains(differ, "784-24-10") || strings.Contains(differ, "act-place") {
		t.Errorf("what differs: %.300q", differ)
	}
	p.click("#differing")
	p.until(`document.querySelector("#settings tbody").textContent.includes("act-place")`)
	chart := func() string { return eval[string](p, `document.querySelector("#overlay canvas").toDataURL()`) }
	for id, v := range map[string]string{"#scale": "linear", "#up": "passes", "#across": "seconds"} {
		before := chart()
		p.set(id, v)
		p.settled()
		if chart() == before {
			t.Errorf("%s does not change the curves", id)
		}
	}
	if !eval[bool](p, `location.search.includes("chosen=")`) {
		p.until(`location.search.includes("chosen=")`)
	}
	p.shot("runs-1440")
	p.blameless()
	q := x.open(t, "runs"+eval[string](p, "location.search"), 390)
	q.shot("runs-390")
	q.blameless()
}

// reports: the pictures of a run show; its report has its style, and could run nothing.
func reports(t *testing.T, x *explorer) {
	var result struct{ Run string }
	x.json(t, &result, "toy", "--grid", "21", "--starts", "5", "--noise-runs", "1")
	toy := filepath.Base(result.Run)
	report := filepath.Join(x.dir, "runs", toy, "report.html")
	if err := os.WriteFile(report, []byte(`<!DOCTYPE html><link rel="icon" href="data:,"><style>p { color: rgb(1, 2, 3) }</style><p>report</p><script>document.querySelector("p").remove()</script>`), 0o666); err != nil {
		t.Fatal(err)
	}
	p := x.open(t, "runs", 1440)
	p.click(fmt.Sprintf(`[data-run=%q] input`, toy))
	p.until(`document.querySelectorAll(".thumbs img").length > 3`)
	p.run(`document.querySelector(".thumbs").scrollIntoView()`)
	p.until(`[...document.querySelectorAll(".thumbs img")].some(i => i.complete && i.naturalWidth > 50)`)
	p.until(`document.querySelector("#files a[href$='report.html']")`)
	address := eval[string](p, `document.querySelector("#files a[href$='report.html']").href`)
	r := openTab(t, x.browser, address, 1440, func(u string) bool { return u == address })
	if got := eval[string](r, `getComputedStyle(document.querySelector("p")).color`); got != "rgb(1, 2, 3)" {
		t.Errorf("the report's text is %s", got)
	}
	p.blameless()
}

// staticPage: the toy works from a plain file server, in a folder of it, and asks it for nothing but its files.
func staticPage(t *testing.T, x *explorer) {
	site := filepath.Join(x.dir, "site", "toy")
	if err := os.MkdirAll(filepath.Dir(site), 0o777); err != nil {
		t.Fatal(err)
	}
	var out struct{ Files []string }
	x.json(t, &out, "explore", "--export", site)
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(x.dir, "site"))))
	t.Cleanup(server.Close)
	for _, width := range []int64{390, 1440} {
		p := openTab(t, x.browser, server.URL+"/toy/?t=4", width, func(u string) bool { return strings.HasPrefix(u, server.URL+"/toy/") })
		p.until(`document.body.dataset.ready`)
		if got := p.text("#bp-step") + p.text("#pc-step"); got != "18 ✓25 ✓" {
			t.Errorf("the static page's race ends %q", got)
		}
		if n := eval[int](p, `document.querySelectorAll("nav a").length`); n != 1 {
			t.Errorf("the static page links to %d pages", n)
		}
		p.click("[data-view-button='3d']")
		p.until(`document.querySelectorAll("#space canvas").length >= 3`)
		p.blameless()
	}
}

// axe returns axe-core's source: the file SETTLE_AXE.
func axe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SETTLE_AXE")
	if path == "" {
		if os.Getenv("SETTLE_FULL") != "" {
			t.Fatal("SETTLE_AXE names no file, and SETTLE_FULL is set")
		}
		t.Skip("SETTLE_AXE names no file: axe.min.js of the npm package axe-core, which .ci/run fetches")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// accessible: axe-core finds no serious violation, on any page, light or dark, on a phone or a desk.
func accessible(t *testing.T, x *explorer) {
	source := axe(t)
	for _, width := range []int64{390, 1440} {
		for _, path := range []string{"?t=5", "network", "runs"} {
			p := x.open(t, path, width)
			for _, scheme := range []string{"light", "dark"} {
				p.prefer("prefers-color-scheme", scheme)
				p.settled()
				if path == "runs" {
					p.run(`document.querySelectorAll("#runs tbody input:not(:checked)").forEach((e, i) => { if (i < 2) e.click() })`)
					p.until(`!document.querySelector("#chosen").hidden`)
				}
				if path == "network" {
					p.until(`document.querySelector("#layers tbody tr")`)
				}
				eval[bool](p, source+"; true")
				type violation struct{ ID, Impact, Nodes string }
				found := eval[[]violation](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v => ({ID: v.id, Impact: v.impact, Nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + " " + n.failureSummary.slice(0, 200)).join(" | ")})))`)
				for _, v := range found {
					if v.Impact == "serious" || v.Impact == "critical" {
						t.Errorf("%q at %d px, %s: %s (%s): %s", path, width, scheme, v.ID, v.Impact, v.Nodes)
					} else {
						t.Logf("%q at %d px, %s: %s (%s): %s", path, width, scheme, v.ID, v.Impact, v.Nodes)
					}
				}
				p.shot(fmt.Sprintf("%s-%d-%s", strings.Trim(strings.Split(path, "?")[0]+"page", " "), width, scheme))
			}
			p.blameless()
		}
	}
}

// ended: when the explorer has been ended, its page says so.
func ended(t *testing.T, x *explorer) {
	p := x.open(t, "network", 1440)
	if shown := p.text("#trouble"); shown != "" {
		t.Errorf("before: %s", shown)
	}
	x.stop()
	p.until(`document.querySelector("#trouble").textContent.includes("has it been ended?")`)
}
