package mlflow

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"
)

// record makes the recording anew:
//
//	mlflow server --backend-store-uri sqlite:///new.db --port 5055
//	go test ./mlflow -run Recorded -record http://127.0.0.1:5055
//
// That of testdata is of MLflow 3.17.2, with an empty SQLite store.
var record = flag.String("record", "", "forward to the MLflow server at this `address` and keep its answers")

const recording = "testdata/recorded.json"

// exchange is a request and its answer.
type exchange struct {
	Method, Path string
	Request      json.RawMessage `json:",omitempty"`
	Status       int
	Answer       json.RawMessage
}

// replay is a server that answers as the recorded one did, to the same requests in the same order.
type replay struct {
	t         *testing.T
	gate      chan struct{} // requests wait for it: what a training logs before it decides what is in one request
	exchanges []exchange
	next      int
}

func (s *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	<-s.gate
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if *record != "" {
		s.forward(r, body)
	}
	if s.next == len(s.exchanges) {
		s.t.Errorf("request %d: %s %s %s: not in the recording", s.next, r.Method, r.URL, body)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	x := s.exchanges[s.next]
	s.next++
	if x.Method != r.Method || x.Path != r.URL.String() || !sameJSON(x.Request, body) {
		s.t.Errorf("request %d: %s %s %s\nwant %s %s %s", s.next-1, r.Method, r.URL, body, x.Method, x.Path, x.Request)
	}
	w.WriteHeader(x.Status)
	w.Write(x.Answer)
}

// forward asks the real server and appends its answer.
func (s *replay) forward(r *http.Request, body []byte) {
	req, err := http.NewRequest(r.Method, *record+r.URL.String(), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = r.Header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.exchanges = append(s.exchanges, exchange{r.Method, r.URL.String(), body, resp.StatusCode, answer})
}

func sameJSON(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// row is one of a training: two metrics a step, and a test at every fourth.
func row(step int) Row {
	r := Row{Step: step, Time: start.Add(time.Duration(step) * time.Second),
		Metrics: []Metric{{"train/mse", 1 / float64(step)}, {"train/passes", float64(3 * step)}}}
	if step%4 == 0 {
		r.Metrics = append(r.Metrics, Metric{"test/accuracy", float64(step) / 10})
	}
	return r
}

// The real server's answers to a training, to its resumption from an earlier step, to one whose run is gone, and to one
// with a parameter that the server refuses.
func TestRecordedServer(t *testing.T) {
	s := newReplay(t)
	server := httptest.NewServer(s)
	defer server.Close()
	address, err := ParseServer(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	var notes []error
	session := func(o Options, first, last int, status Status) Report {
		s.gate = make(chan struct{})
		o.Server, o.Experiment, o.Name, o.Start = address, "settle", "20260102-030405-train", start
		o.Created = func(run string) { made = append(made, run) }
		o.Note = func(err error) { notes = append(notes, err) }
		l := Start(o)
		for step := first; step <= last; step++ {
			l.Log(row(step))
		}
		close(s.gate)
		return l.End(status, start.Add(time.Hour), map[string]string{"settle.level": "avx2"})
	}
	params := map[string]string{"rule": "pc", "lr": "0.001"}
	if got := session(Options{Params: params, Tags: map[string]string{"settle.run": "runs/a"}}, 1, 6, Killed); got != (Report{Sent: 6}) {
		t.Errorf("first: %+v", got)
	}
	if got := session(Options{Run: made[0]}, 4, 8, Finished); got != (Report{Sent: 5}) {
		t.Errorf("resumed: %+v", got)
	}
	if got := session(Options{Run: "0123456789abcdef0123456789abcdef", Params: params}, 1, 2, Failed); got != (Report{Sent: 2}) || len(made) != 2 {
		t.Errorf("run that is gone: %+v, runs %q", got, made)
	}
	if len(notes) > 0 {
		t.Errorf("notes %v", notes)
	}
	got := session(Options{Params: map[string]string{"what?": "ever"}}, 1, 2, Finished)
	if e := got.Err; got.Sent != 0 || got.Lost != 2 || !isCode(e, "INVALID_PARAMETER_VALUE") || len(notes) != 1 || notes[0] != e {
		t.Errorf("bad parameter: %+v, notes %v", got, notes)
	}
	s.wantHistory(address.String(), made[0])
	if s.next != len(s.exchanges) {
		t.Errorf("%d requests, the recording has %d", s.next, len(s.exchanges))
	}
	s.keep()
}

// newReplay reads the recording, unless it is made anew.
func newReplay(t *testing.T) *replay {
	s := &replay{t: t}
	if *record != "" {
		return s
	}
	b, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s.exchanges); err != nil {
		t.Fatal(err)
	}
	return s
}

// keep writes a new recording.
func (s *replay) keep() {
	if *record == "" || s.t.Failed() {
		return
	}
	b, err := json.MarshalIndent(s.exchanges, "", "\t")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(recording, append(b, '\n'), 0o666); err != nil {
		s.t.Fatal(err)
	}
}

// wantHistory asks the server for what it has of the resumed run: each step once.
func (s *replay) wantHistory(server, run string) {
	ask := func(path string, into any) {
		resp, err := http.Get(server + "/api/2.0/mlflow/" + path)
		if err != nil {
			s.t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			s.t.Fatal(err)
		}
	}
	var history struct{ Metrics []metric }
	ask("metrics/get-history?run_id="+run+"&metric_key=train/mse", &history)
	var want []metric
	for step := 1; step <= 8; step++ {
		r := row(step)
		want = append(want, metric{"train/mse", r.Metrics[0].Value, millis(r.Time), step})
	}
	slices.SortFunc(history.Metrics, func(a, b metric) int { return a.Step - b.Step })
	if !slices.Equal(history.Metrics, want) {
		s.t.Errorf("the server has %v, want %v", history.Metrics, want)
	}
	var found struct {
		Run struct {
			Info struct {
				Status  Status
				EndTime int64 `json:"end_time"`
			}
			Data struct{ Params, Tags []pair }
		}
	}
	ask("runs/get?run_id="+run, &found)
	end := millis(start.Add(time.Hour))
	if i := found.Run.Info; i.Status != Finished || i.EndTime != end {
		s.t.Errorf("ended %+v, want FINISHED at %d", i, end)
	}
	for _, want := range []pair{{"settle.run", "runs/a"}, {"settle.level", "avx2"}} {
		if !slices.Contains(found.Run.Data.Tags, want) {
			s.t.Errorf("tags %v, want %v", found.Run.Data.Tags, want)
		}
	}
	if want := []pair{{"lr", "0.001"}, {"rule", "pc"}}; !slices.Equal(found.Run.Data.Params, want) {
		s.t.Errorf("params %v, want %v", found.Run.Data.Params, want)
	}
}
