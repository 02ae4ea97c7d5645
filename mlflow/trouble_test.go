package mlflow

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a tracking server that takes everything, once its hook has let the request pass.
type server struct {
	hook func(w http.ResponseWriter, r *http.Request) (answered bool)

	mu       sync.Mutex
	requests int
	metrics  []metric
	largest  int // number of metrics in one request
	status   Status
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.hook != nil && s.hook(w, r) {
		return
	}
	var b struct {
		Metrics []metric
		Status  Status
	}
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	s.metrics, s.largest = append(s.metrics, b.Metrics...), max(s.largest, len(b.Metrics))
	if b.Status != "" {
		s.status = b.Status
	}
	fmt.Fprint(w, `{"experiment":{"experiment_id":"1"},"run":{"info":{"run_id":"abc"}}}`)
}

// begin starts a logger to s, with short times, and returns what it notes.
func begin(t *testing.T, s http.Handler, o Options) (*Logger, *[]error) {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	u, err := ParseServer(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	return beginAt(u, o)
}

func beginAt(u *url.URL, o Options) (*Logger, *[]error) {
	notes := new([]error)
	o.Server, o.Experiment = u, "settle"
	o.Created, o.Note = func(string) {}, func(err error) { *notes = append(*notes, err) }
	if o.grace == 0 {
		o.grace, o.wait = 20*time.Second, time.Millisecond
	}
	return Start(o), notes
}

func step(n int) Row { return Row{Step: n, Time: start, Metrics: []Metric{{"a", float64(n)}}} }

func steps(metrics []metric) []int {
	var out []int
	for _, m := range metrics {
		out = append(out, m.Step)
	}
	return out
}

func TestNoRequestHoldsMoreThanTheServerTakes(t *testing.T) {
	gate := make(chan struct{})
	s := &server{hook: func(http.ResponseWriter, *http.Request) bool { <-gate; return false }}
	l, _ := begin(t, s, Options{})
	const n = 700 // rows of three
	for i := range n {
		l.Log(Row{Step: i, Time: start, Metrics: []Metric{{"a", 1}, {"b", 2}, {"c", 3}}})
	}
	close(gate)
	if got := l.End(Finished, start, nil); got != (Report{Sent: n}) {
		t.Errorf("%+v", got)
	}
	if len(s.metrics) != 3*n || s.largest != 999 || s.status != Finished {
		t.Errorf("%d metrics, %d at once, status %s", len(s.metrics), s.largest, s.status)
	}
}

// What is past is sent first, however much it is; a server that is down lacks it.
func TestThePastIsSentFirst(t *testing.T) {
	var past []Row
	for i := range 3 * maxQueue {
		past = append(past, step(i))
	}
	s := &server{}
	l, _ := begin(t, s, Options{Past: past})
	l.Log(step(len(past)))
	if got := l.End(Finished, start, nil); got != (Report{Sent: len(past) + 1}) || !slices.IsSorted(steps(s.metrics)) {
		t.Errorf("%+v", got)
	}
	l, _ = begin(t, http.NotFoundHandler(), Options{Past: past})
	l.Log(step(len(past)))
	if got := l.End(Finished, start, nil); got.Lost != len(past)+1 {
		t.Errorf("without a server: %+v", got)
	}
}

// Where nobody listens, logging costs next to nothing, the end comes at once, and one note says why.
func TestAServerThatIsDownIsNotedOnce(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := ParseServer("http://me:secret@" + free.Addr().String() + "/below")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	l, notes := beginAt(u, Options{grace: time.Minute, wait: time.Millisecond})
	const n = 100000
	began := time.Now()
	for i := range n {
		l.Log(step(i))
	}
	if d := time.Since(began); d > 10*time.Second { // 0.1 s; the margin is for loaded machines
		t.Errorf("logging took %v", d)
	}
	report := l.End(Finished, start, nil)
	if d := time.Since(began); d > 30*time.Second {
		t.Errorf("the end took %v", d)
	}
	if report.Sent != 0 || report.Lost != n || len(*notes) != 1 {
		t.Errorf("%+v, notes %v", report, *notes)
	}
	if text := (*notes)[0].Error(); !strings.Contains(text, "refused") || strings.Contains(text, "secret") {
		t.Errorf("%q: want why, without the password", text)
	}
	if report.String() != "100000 of 100000 rows did not reach the server" {
		t.Errorf("report %q", report)
	}
}

func TestAServerThatComesBackGetsEverything(t *testing.T) {
	failures := 0
	s := &server{hook: func(w http.ResponseWriter, _ *http.Request) bool {
		failures++
		switch {
		case failures%3 == 1:
			http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		case failures%3 == 2:
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return failures%3 != 0
	}}
	l, notes := begin(t, s, Options{})
	for i := range 1000 {
		l.Log(step(i))
	}
	for deadline := time.Now().Add(10 * time.Second); len(l.sentTo(s)) < 1000 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // the training goes on while the server is slow to come back
	}
	s.mu.Lock()
	s.hook = nil
	s.mu.Unlock()
	if got := l.End(Failed, start, nil); got != (Report{Sent: 1000}) || s.status != Failed {
		t.Errorf("%+v, status %s", got, s.status)
	}
	if len(*notes) != 1 || !strings.Contains((*notes)[0].Error(), "502 Bad Gateway: <html>bad gateway") {
		t.Errorf("notes %v", *notes)
	}
}

// sentTo returns what the server has so far.
func (l *Logger) sentTo(s *server) []metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.metrics)
}

// A server that is too slow gets fewer rows, evenly spread, and all that are to be kept.
func TestASlowServerGetsAThinnedCurve(t *testing.T) {
	gate := make(chan struct{})
	s := &server{hook: func(http.ResponseWriter, *http.Request) bool { <-gate; return false }}
	l, notes := begin(t, s, Options{})
	const n, every = 50000, 500
	for i := range n {
		r := step(i)
		r.Keep = i%every == 0
		l.Log(r)
	}
	close(gate)
	report := l.End(Finished, start, nil)
	got := steps(s.metrics)
	if report.Sent != len(got) || report.Sent+report.Lost != n || report.Err != nil || len(*notes) > 0 || len(got) < maxQueue/2 {
		t.Fatalf("%+v, %d rows arrived, notes %v", report, len(got), *notes)
	}
	// Thinned k times, neighbours are up to 2ᵏ steps apart; 50,000 rows in a queue of 4096 are thinned fewer than 5 times
	// per doubling of the distance.
	for i := 1; i < len(got); i++ {
		if d := got[i] - got[i-1]; d < 1 || d > 64*n/maxQueue {
			t.Errorf("steps %d and %d are neighbours", got[i-1], got[i])
		}
	}
	for i := 0; i < n; i += every {
		if !slices.Contains(got, i) {
			t.Errorf("step %d, to be kept, is missing", i)
		}
	}
}

func TestAQueueOfNothingButKeptRowsDropsTheOldest(t *testing.T) {
	gate := make(chan struct{})
	s := &server{hook: func(http.ResponseWriter, *http.Request) bool { <-gate; return false }}
	l, _ := begin(t, s, Options{})
	for i := range maxQueue + 5 {
		r := step(i)
		r.Keep = true
		l.Log(r)
	}
	close(gate)
	if got := l.End(Finished, start, nil); got != (Report{Sent: maxQueue, Lost: 5}) || s.metrics[0].Step != 5 {
		t.Errorf("%+v, first step %d", got, s.metrics[0].Step)
	}
}

func TestAServerThatRefusesIsNotAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		hook func(w http.ResponseWriter, r *http.Request) bool
		want string
	}{
		"unauthorized": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}, "401 Unauthorized"},
		"another server": {func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, "<html>Welcome</html>")
			return true
		}, "not of an MLflow tracking server"},
	} {
		s := &server{hook: c.hook}
		l, notes := begin(t, s, Options{})
		l.Log(step(1))
		got := l.End(Finished, start, nil)
		if s.requests != 1 || got.Lost != 1 || len(*notes) != 1 || !strings.Contains(got.Err.Error(), c.want) {
			t.Errorf("%s: %d requests, %q, notes %v", name, s.requests, got, *notes)
		}
	}
}

// A server that takes requests and never answers holds the end up no longer than the grace.
func TestTheEndIsBounded(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang })
	l, notes := begin(t, h, Options{grace: 50 * time.Millisecond, wait: time.Millisecond})
	l.Log(step(1))
	began := time.Now()
	got := l.End(Finished, start, nil)
	if d := time.Since(began); d > 5*time.Second || got.Lost != 1 || got.Err == nil || len(*notes) != 1 {
		t.Errorf("%v, %+v, notes %v", d, got, *notes)
	}
}

// Two trainings that start at once may both find the experiment missing.
func TestAnExperimentMadeByAnotherIsTaken(t *testing.T) {
	var asked []string
	s := &server{hook: func(w http.ResponseWriter, r *http.Request) bool {
		asked = append(asked, r.URL.Path[len("/api/2.0/mlflow/"):])
		switch len(asked) {
		case 1:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST"}`)
		case 2:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error_code":"RESOURCE_ALREADY_EXISTS"}`)
		}
		return len(asked) < 3
	}}
	l, _ := begin(t, s, Options{})
	if got := l.End(Finished, start, nil); got != (Report{}) {
		t.Errorf("%+v", got)
	}
	want := []string{"experiments/get-by-name", "experiments/create", "experiments/get-by-name", "runs/create"}
	if !slices.Equal(asked[:4], want) {
		t.Errorf("asked %q", asked)
	}
}

func TestPasswordAndTokenAreSent(t *testing.T) {
	var headers []string
	s := &server{hook: func(_ http.ResponseWriter, r *http.Request) bool {
		headers = append(headers, r.Header.Get("Authorization"))
		return false
	}}
	h := httptest.NewServer(s)
	defer h.Close()
	for token, address := range map[string]string{"": strings.Replace(h.URL, "://", "://me:secret@", 1), "t0ken": h.URL} {
		u, err := ParseServer(address)
		if err != nil {
			t.Fatal(err)
		}
		l, _ := beginAt(u, Options{Token: token})
		l.End(Finished, start, nil)
	}
	slices.Sort(headers)
	if got, want := slices.Compact(headers), []string{"Basic bWU6c2VjcmV0", "Bearer t0ken"}; !slices.Equal(got, want) {
		t.Errorf("headers %q, want %q", got, want)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, s := range []string{"", "localhost:5000", "sqlite:///mlflow.db", "http://", "http://a?b=c", "http://a#b", "http://a b"} {
		if _, err := ParseServer(s); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:5000") {
			t.Errorf("%q: %v", s, err)
		}
	}
}
