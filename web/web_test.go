package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/train"
)

// synthetic is 8×8 images of four classes that a linear map tells apart.
func synthetic() *data.Set { return data.Synthetic(7, 240, 8, 8, 4) }

// explorer is a server for tests, with its address, and how to ask it.
type explorer struct {
	*testing.T
	srv  *Server
	http *httptest.Server
}

func open(t *testing.T, change ...func(*Options, *httptest.Server)) *explorer {
	t.Helper()
	x := &explorer{T: t}
	x.http = httptest.NewUnstartedServer(nil)
	x.http.Config = (&Server{}).server() // limits and times as they are served
	x.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { x.srv.ServeHTTP(w, r) })
	opts := Options{Hosts: []string{x.http.Listener.Addr().String()}, Sets: []string{"set"}, OpenSet: func(string) (*data.Set, error) { return synthetic(), nil },
		Runs: filepath.Join(t.TempDir(), "runs"), Workers: 2, Now: time.Now}
	for _, f := range change {
		f(&opts, x.http)
	}
	var err error
	if x.srv, err = New(opts); err != nil {
		t.Fatal(err)
	}
	x.http.Start()
	t.Cleanup(func() { x.http.CloseClientConnections(); x.http.Close(); x.srv.Close() })
	return x
}

// ask sends a request with headers "Name: value" and returns status and body.
func (x *explorer) ask(method, path, body string, headers ...string) (int, string) {
	x.Helper()
	req, err := http.NewRequest(method, x.http.URL+path, strings.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		x.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		x.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const asJSON = "Content-Type: application/json"

// post sends JSON, wants success and reads the answer into v.
func (x *explorer) post(path, body string, v any) {
	x.Helper()
	code, text := x.ask("POST", path, body, asJSON)
	if code != http.StatusOK {
		x.Fatalf("POST %s %s: %d %s", path, body, code, text)
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		x.Fatal(err)
	}
}

// small is a training of some batches.
func small(batches int, more string) string {
	return fmt.Sprintf(`{"data":"set","arch":"64-16-16-4","batch":20,"lr":0.01,"batches":%d%s}`, batches, more)
}

func (x *explorer) train(body string) entry {
	x.Helper()
	var e entry
	x.post("/api/trainings", body, &e)
	return e
}

// follow reads a training's events until f says enough.
func (x *explorer) follow(id int, f func(news) bool) {
	x.Helper()
	ctx, stop := context.WithTimeout(x.Context(), time.Minute)
	defer stop()
	if err := follow(ctx, x.http.URL, id, f); err != nil {
		x.Fatal(err)
	}
}

// follow reads a training's events until f says enough, the training is closed, or the context ends.
func follow(ctx context.Context, url string, id int, f func(news) bool) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/api/events", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("events: %s", resp.Status)
	}
	d := newEvents(resp.Body)
	for {
		event, data, err := d.next()
		if err != nil {
			return err
		}
		if event == "gone" {
			if string(data) == strconv.Itoa(id) {
				return nil
			}
			continue
		}
		var n news
		if err := json.Unmarshal(data, &n); err != nil {
			return err
		}
		if n.ID == id && f(n) {
			return nil
		}
	}
}

// until waits for a state.
func (x *explorer) until(id int, state string) (last news) {
	x.Helper()
	x.follow(id, func(n news) bool { last = n; return n.State == state })
	return last
}

// TestLiveTrainingIsTheTraining: what is trained here has the weights of the same training elsewhere, pauses and looks or not.
func TestLiveTrainingIsTheTraining(t *testing.T) {
	for _, more := range []string{"", `,"dtype":"float64","rule":"bp","seed":3`, `,"solver":"euler","coords":"activities","steps":20,"gap":0,"tol":0`} {
		x := open(t)
		body := small(120, more)
		spec := liveDefaults()
		if err := json.Unmarshal([]byte(body), &spec); err != nil {
			t.Fatal(err)
		}
		want := weights(t, spec)
		e := x.train(body)
		var none struct{}
		x.post(fmt.Sprintf("/api/trainings/%d/pause", e.ID), "{}", &none)
		for range 3 {
			x.post(fmt.Sprintf("/api/trainings/%d/step", e.ID), "{}", &none)
			x.post(fmt.Sprintf("/api/trainings/%d/look", e.ID), `{"index":1}`, &view{})
		}
		x.post(fmt.Sprintf("/api/trainings/%d/resume", e.ID), "{}", &none)
		n := x.until(e.ID, done)
		if n.Summary == nil || n.Summary.WeightsSHA256 != want || n.Batch != 120 {
			t.Errorf("%s: %+v, want weights %s after 120 batches", more, n, want)
		}
	}
}

func weights(t *testing.T, spec train.Spec) string {
	t.Helper()
	tr, err := train.New[float32](spec, synthetic(), train.Options{})
	if spec.DType == "float64" {
		tr64, err := train.New[float64](spec, synthetic(), train.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr64.Close()
		if err := tr64.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return tr64.Summary(nil).WeightsSHA256
	}
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tr.Summary(nil).WeightsSHA256
}

// TestPauseHoldsAndStepStepsOneBatch.
func TestPauseHoldsAndStepStepsOneBatch(t *testing.T) {
	x := open(t)
	e := x.train(small(1_000_000, ""))
	var none struct{}
	x.post(fmt.Sprintf("/api/trainings/%d/pause", e.ID), "{}", &none)
	at := x.until(e.ID, paused).Batch
	for i := range 3 {
		x.post(fmt.Sprintf("/api/trainings/%d/step", e.ID), "{}", &none)
		x.follow(e.ID, func(n news) bool {
			if n.Batch > at+i+1 {
				t.Errorf("step %d from batch %d: at %d", i, at, n.Batch)
			}
			return n.State == paused && n.Batch >= at+i+1
		})
	}
}

// TestLookAgreesWithTheLibrary: before inference F is the loss of the sample, PC's update is BP's in the last layer and nothing in the others;
// at the end the residuals are small; what is not squared error predicts probabilities.
func TestLookAgreesWithTheLibrary(t *testing.T) {
	for _, loss := range []string{"mse", "cross-entropy"} {
		x := open(t)
		e := x.train(small(60, `,"loss":"`+loss+`","normalize":"0.5,0.5"`))
		x.until(e.ID, done)
		var v view
		x.post(fmt.Sprintf("/api/trainings/%d/look", e.ID), `{"split":"train","index":3,"method":"bb","coords":"errors","steps":200}`, &v)
		want, sum := 0.0, 0.0
		for k, p := range v.Output {
			sum += p
			if d := p; loss == "mse" {
				if k == v.Label {
					d = 1 - p
				}
				want += d * d / 2
			} else if k == v.Label {
				want -= math.Log(p)
			}
		}
		first, last := v.Frames[0], v.Frames[len(v.Frames)-1]
		if math.Abs(first.Energy-want) > 1e-5*(1+want) || (loss != "mse" && math.Abs(sum-1) > 1e-5) {
			t.Errorf("%s: F is %v at the start, the loss %v; outputs add up to %v", loss, first.Energy, want, sum)
		}
		for l, c := range first.Cosines {
			if end := l == len(first.Cosines)-1; end && math.Abs(c-1) > 1e-5 || !end && !math.IsNaN(c) && c != 0 {
				t.Errorf("%s: cosine of layer %d at the start %v", loss, l+1, c)
			}
		}
		if v.Status != "equilibrium" || !(last.Energy < first.Energy) || !(last.Residual[1] < 1e-3) || len(v.Z) != 2 || len(v.E[0].Bytes) != 16*len(v.Frames) {
			t.Errorf("%s: %s at F %v with residuals %v", loss, v.Status, last.Energy, last.Residual)
		}
	}
}

// TestLooksAreBounded: a look keeps every unit in every frame.
func TestLooksAreBounded(t *testing.T) {
	x := open(t)
	e := x.train(small(1, `,"arch":"64-1-30000-1-4"`))
	x.until(e.ID, done)
	code, text := x.ask("POST", fmt.Sprintf("/api/trainings/%d/look", e.ID), `{"steps":200}`, asJSON)
	if want := "steps 200: want 1 to 68 for a network of 30070 units"; code != http.StatusBadRequest || !strings.Contains(text, want) {
		t.Errorf("%d %s, want %q", code, text, want)
	}
	var v view
	if x.post(fmt.Sprintf("/api/trainings/%d/look", e.ID), `{"steps":2}`, &v); len(v.Frames) != 3 {
		t.Errorf("%d frames", len(v.Frames))
	}
}

// TestEveryRuleTrainsAndCanBeLookedInto.
func TestEveryRuleTrainsAndCanBeLookedInto(t *testing.T) {
	x := open(t)
	for _, rule := range train.Supervised() {
		e := x.train(small(3, `,"rule":"`+rule+`"`))
		x.until(e.ID, done)
		var v view
		x.post(fmt.Sprintf("/api/trainings/%d/look", e.ID), `{"steps":5}`, &v)
		if len(v.Frames) != 6 || !(v.Frames[5].Energy < v.Frames[0].Energy) {
			t.Errorf("%s: %d frames", rule, len(v.Frames))
		}
	}
}

// TestDivergedTrainingSaysSo and goes on answering.
func TestDivergedTrainingSaysSo(t *testing.T) {
	x := open(t)
	e := x.train(small(200, `,"optim":"sgd","rule":"bp","lr":1e6`))
	if n := x.until(e.ID, diverged); !strings.Contains(n.Message, "diverged at batch") || n.Summary == nil {
		t.Errorf("%+v: want where it diverged, and a summary", n)
	}
	var none struct{}
	x.post(fmt.Sprintf("/api/trainings/%d/resume", e.ID), "{}", &none) // has no effect
	if n := x.until(e.ID, diverged); n.State != diverged {
		t.Errorf("resumed to %s", n.State)
	}
}

// TestTrainingsAreBounded: there are never more than allowed, and one that is over makes room.
func TestTrainingsAreBounded(t *testing.T) {
	x := open(t, func(o *Options, _ *httptest.Server) { o.Trainings = 2 })
	over := x.train(small(1, ""))
	x.until(over.ID, done)
	x.train(small(1_000_000, ""))
	last := x.train(small(1_000_000, ""))
	if code, text := x.ask("POST", "/api/trainings", small(5, ""), asJSON); code != http.StatusTooManyRequests {
		t.Errorf("a third of two: %d %s", code, text)
	}
	if code, _ := x.ask("POST", fmt.Sprintf("/api/trainings/%d/look", over.ID), "{}", asJSON); code != http.StatusNotFound {
		t.Errorf("the one that was over is still there: %d", code)
	}
	var none struct{}
	x.post(fmt.Sprintf("/api/trainings/%d/close", last.ID), "{}", &none)
	x.train(small(1, ""))
}

// TestRefusedTrainings name the flag, and start nothing.
func TestRefusedTrainings(t *testing.T) {
	x := open(t)
	for _, c := range []struct{ body, want string }{
		{small(5, `,"lr":0`), "--lr 0: want"}, {small(5, `,"act":"x"`), "--act"}, {`{"data":"/etc"}`, `--data`}, {`{"data":"../set"}`, `--data`},
		{small(5, `,"arch":"64-99999999-4"`), "weights"}, {small(5, `,"arch":"64-4000x40-4"`), "weights"}, {small(5, `,"arch":"64-9x70-4"`), "layers"},
		{small(5, `,"arch":"63-4"`), "inputs"}, {small(5, `,"rule":"pc-generative"`), "--rule"}, {small(5, `,"precision":"2"`), "precision"}, {small(5, `,"arch":"1x8x8-conv4k3-4"`), "--arch"}, {small(5, `,"batch":2000`), "--batch"}, {small(5, `,"batches":99999999`), "batches"},
		{small(5, `,"arch":"64-1-200000-1-4","batch":100`), "--arch 64-1-200000-1-4, --batch 100: 200070 units: want at most 41943"},
		{small(5, `,"arch":"64-1-200000-1-4","batch":1`), "--batch 1: 200070 units: want at most 41943"}, {small(5, `,"arch":"64-5000-4","batch":1000`), "5068 units: want at most 4194"},
		{small(5, `,"steps":1001`), "--steps 1001: want at most 1000"}, {small(5, `,"max-passes":1e9`), "--max-passes 1e+09: want at most 1000"}, {small(5, `,"unknown":1`), "unknown"},
	} {
		code, text := x.ask("POST", "/api/trainings", c.body, asJSON)
		if code != http.StatusBadRequest || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s, want %q", c.body, code, text, c.want)
		}
	}
	if _, text := x.ask("GET", "/api/trainings", ""); text != "[]" {
		t.Errorf("there are trainings: %s", text)
	}
}

// TestFeedRemembersAFewThousandBatches of any number, the last always among them.
func TestFeedRemembersAFewThousandBatches(t *testing.T) {
	f := newFeed(&bell{})
	var slow cursor
	for b := 1; b <= 100_003; b++ {
		f.Batch(train.Record{Batch: b})
		if b == 10 {
			if n, _ := f.since(&slow); len(n.Points) != 10 {
				t.Errorf("after 10 batches %d points", len(n.Points))
			}
		}
	}
	if len(f.points) >= keep || cap(f.points) > 4*keep {
		t.Errorf("%d points in room for %d", len(f.points), cap(f.points))
	}
	for _, c := range []struct {
		name          string
		at            *cursor
		least, most   int
		first, latest float64
	}{{"slow", &slow, eventPoints / 2, eventPoints, 10, 3000}, {"new", &cursor{}, keep/2 - 1, keep, 0, 64}} {
		n, fresh := f.since(c.at)
		first, last := n.Points[0][0], n.Points[len(n.Points)-1][0]
		if !fresh || last != 100_003 || first <= c.first || first > c.latest || len(n.Points) < c.least || len(n.Points) > c.most {
			t.Errorf("a %s client gets %d points from %v to %v", c.name, len(n.Points), first, last)
		}
	}
	if _, fresh := f.since(&slow); fresh {
		t.Error("the same again is news")
	}
}

// TestTestsAreSentOnce, and the feed keeps so many.
func TestTestsAreSentOnce(t *testing.T) {
	f := newFeed(&bell{})
	var c cursor
	sent := 0
	for b := 1; b <= 3*keep; b++ {
		f.Eval(b, train.Score{MSE: 0.5})
		if b%100 == 0 {
			n, _ := f.since(&c)
			sent += len(n.Tests)
		}
	}
	n, _ := f.since(&c)
	if sent += len(n.Tests); sent != 3*keep || len(f.tests) > keep {
		t.Errorf("%d tests sent of %d, %d kept", sent, 3*keep, len(f.tests))
	}
}

// TestOneStreamHasAllTrainings: those there were, those that come, and word of those that go; what a client knows already is
// not sent again.
func TestOneStreamHasAllTrainings(t *testing.T) {
	x := open(t)
	first := x.train(small(30, ""))
	x.until(first.ID, done)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/api/events?at=%d:20,77:5,x:y", x.http.URL, first.ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	d := newEvents(resp.Body)
	_, data, err := d.next()
	var n news
	if err != nil || json.Unmarshal(data, &n) != nil || n.ID != first.ID || n.Spec == nil || len(n.Points) != 10 || n.Points[0][0] != 21 {
		t.Fatalf("%v: %s: want batches 21 to 30, with what is trained", err, data)
	}
	if event, data, err := d.next(); err != nil || event != "gone" || string(data) != "77" {
		t.Errorf("%v: %s %s: want word that 77 is gone", err, event, data)
	}
	second := x.train(small(1_000_000, `,"seed":9`))
	if _, data, err = d.next(); err != nil || json.Unmarshal(data, &n) != nil || n.ID != second.ID || n.Spec.Seed != 9 {
		t.Errorf("%v: %.200s: want the new training", err, data)
	}
	var none struct{}
	x.post(fmt.Sprintf("/api/trainings/%d/close", first.ID), "{}", &none)
	for {
		event, data, err := d.next()
		if err != nil {
			t.Fatal(err)
		}
		if event == "gone" {
			if string(data) != strconv.Itoa(first.ID) {
				t.Errorf("%s is gone, want %d", data, first.ID)
			}
			return
		}
	}
}

// TestServeEndsWithItsContext, streams and trainings included.
func TestServeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := open(t, func(o *Options, _ *httptest.Server) { o.Hosts = []string{l.Addr().String()} })
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- x.srv.Serve(ctx, l) }()
	url := "http://" + l.Addr().String()
	resp, err := http.Post(url+"/api/trainings", "application/json", strings.NewReader(small(1_000_000, "")))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(err, resp)
	}
	resp.Body.Close()
	streaming, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		first := true
		ended <- follow(context.Background(), url, 1, func(news) bool {
			if first {
				close(streaming)
			}
			first = false
			return false
		})
	}()
	<-streaming
	stop()
	for what, c := range map[string]chan error{"server": served, "stream": ended} {
		select {
		case err := <-c:
			if what == "server" && err != nil {
				t.Errorf("server: %v", err)
			}
		case <-time.After(shutdownTime + 2*time.Second):
			t.Errorf("the %s goes on", what)
		}
	}
}

// makeRun makes a run with a table, a spec and files.
func makeRun(t *testing.T, dir string) {
	t.Helper()
	run, err := store.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []int{1, 2501} {
		if err := run.Row("metrics", []string{"batch", "mse"}, []any{b, 0.5}); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"spec.json": `{"lr":0.5,"rule":"pc","list":[1]}`, "result.json": `{"lr":0.25,"test_accuracy":0.9}`,
		"report.html": "<p>report</p>", "figures/a.svg": "<svg/>", "model.safetensors": private} {
		if err := run.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".hidden.json"), []byte(private), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestRunsAreListed, those in folders of sweeps too, with their plain fields, the result's over the spec's.
func TestRunsAreListed(t *testing.T) {
	dir := t.TempDir()
	makeRun(t, filepath.Join(dir, "20260101-000000-train"))
	makeRun(t, filepath.Join(dir, "20260102-000000-sweep", "trials", "0001"))
	if err := os.MkdirAll(filepath.Join(dir, "no-run"), 0o777); err != nil {
		t.Fatal(err)
	}
	x := open(t, func(o *Options, _ *httptest.Server) { o.Runs = dir })
	code, text := x.ask("GET", "/api/runs", "")
	var got struct{ Runs []run }
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
		t.Fatal(code, err)
	}
	if len(got.Runs) != 2 || got.Runs[1].Name != "20260102-000000-sweep/trials/0001" {
		t.Fatalf("%+v", got.Runs)
	}
	r := got.Runs[0]
	if r.Fields["lr"] != 0.25 || r.Fields["rule"] != "pc" || r.Fields["list"] != nil {
		t.Errorf("%+v", r)
	}
	if code, text := x.ask("GET", "/api/run?run="+r.Name, ""); code != 200 || text != `{"tables":["metrics"],"files":["report.html","figures/a.svg"]}` {
		t.Errorf("%d %s", code, text)
	}
	code, text = x.ask("GET", "/api/table?run="+r.Name+"&table=metrics", "")
	if code != 200 || !strings.Contains(text, `"rows":[[1,0.5],[2501,0.5]]`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text = x.ask("GET", "/files/"+r.Name+"/report.html", ""); code != 200 || text != "<p>report</p>" {
		t.Errorf("%d %s", code, text)
	}
}

// TestExportIsTheToyAlone: all that its page names is there, and nothing of the other pages.
func TestExportIsTheToyAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	files, err := Export(dir)
	if err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(html, []byte(`href="network"`)) || !bytes.Contains(html, []byte("Content-Security-Policy")) {
		t.Error("the page has links to what is not there, or no policy")
	}
	for _, part := range strings.Split(string(html), `"`) {
		if strings.HasPrefix(part, "static/") || strings.HasPrefix(part, "third_party/") {
			if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, f := range files {
		if strings.Contains(f, "network") || strings.Contains(f, "uplot") {
			t.Errorf("%s is not of the toy", f)
		}
	}
	if _, err := Export(dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second time into the same folder: %v", err)
	}
}
