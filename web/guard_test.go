package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRequestsOfOthersAreRefused: a wrong host, a page elsewhere, a form of one, a method that is not ours.
func TestRequestsOfOthersAreRefused(t *testing.T) {
	x := open(t)
	host := x.http.Listener.Addr().String()
	body := small(5, "")
	for _, c := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"ours", "GET", "/", nil, 200},
		{"ours by origin", "POST", "/api/trainings", []string{asJSON, "Origin: http://" + host}, 200},
		{"ours by fetch", "POST", "/api/trainings", []string{asJSON, "Sec-Fetch-Site: same-origin"}, 200},
		{"a link from elsewhere", "GET", "/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200},
		{"a frame elsewhere", "GET", "/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"wrong host", "GET", "/", []string{"Host: evil.example"}, 421},
		{"wrong port", "GET", "/api/runs", []string{"Host: 127.0.0.1:1"}, 421},
		{"rebound name", "POST", "/api/trainings", []string{asJSON, "Host: evil.example", "Origin: http://evil.example"}, 421},
		{"origin elsewhere", "POST", "/api/trainings", []string{asJSON, "Origin: http://evil.example"}, 403},
		{"no origin", "POST", "/api/trainings", []string{asJSON, "Origin: null"}, 403},
		{"another scheme", "POST", "/api/trainings", []string{asJSON, "Origin: https://" + host}, 403},
		{"reading from elsewhere", "GET", "/api/runs", []string{"Origin: http://evil.example"}, 403},
		{"fetch from elsewhere", "GET", "/api/runs", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"another port of this machine", "POST", "/api/trainings", []string{asJSON, "Sec-Fetch-Site: same-site"}, 403},
		{"a form", "POST", "/api/trainings", []string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		{"plain text", "POST", "/api/trainings", []string{"Content-Type: text/plain"}, 415},
		{"delete", "DELETE", "/api/trainings", nil, 405},
		{"a GET that would change", "GET", "/api/trainings/1/close", nil, 405},
		{"nowhere", "GET", "/nowhere", nil, 404},
	} {
		if code, text := x.ask(c.method, c.path, body, c.headers...); code != c.want {
			t.Errorf("%s: %d %.80q, want %d", c.name, code, text, c.want)
		}
	}
}

// TestBodiesAreBounded: too long, not JSON, too deep, more than one: each is refused, and the server goes on.
func TestBodiesAreBounded(t *testing.T) {
	x := open(t)
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"long", `{"data":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		{"megabytes", strings.Repeat(" ", 8<<20), 413},
		{"empty", "", 400}, {"half", `{"lr":`, 400}, {"not an object", `[1]`, 400}, {"two", `{}{}`, 400}, {"wrong type", `{"lr":"x"}`, 400}, {"too large", `{"lr":1e999}`, 400},
		{"deep", strings.Repeat(`{"a":`, 20000), 400}, {"not text", "\xff\xfe\x00", 400},
	} {
		if code, text := x.ask("POST", "/api/trainings", c.body, asJSON); code != c.want {
			t.Errorf("%s: %d %.80q, want %d", c.name, code, text, c.want)
		}
	}
	e := x.train(small(1, ""))
	for _, c := range []string{`{"index":-1}`, `{"index":999999}`, `{"split":"other"}`, `{"pixels":[1,2]}`, `{"target":4}`, `{"steps":100000}`, `{"steps":0}`, `{"dt":-1}`, `{"dt":1e300}`,
		`{"method":"x"}`, `{"method":"cg","coords":"activities"}`, `{"coords":"x"}`, `{"pixels":[` + strings.Repeat("256,", 63) + `1]}`} {
		if code, text := x.ask("POST", fmt.Sprintf("/api/trainings/%d/look", e.ID), c, asJSON); code != 400 {
			t.Errorf("look %s: %d %.80q, want 400", c, code, text)
		}
	}
	if code, _ := x.ask("GET", "/?"+strings.Repeat("a", 2*headerBytes+8192), ""); code != 431 {
		t.Errorf("a long address: %d, want 431", code)
	}
	if code, _ := x.ask("GET", "/", ""); code != 200 {
		t.Errorf("then: %d", code)
	}
}

// private is what no answer may hold.
const private = "PRIVATE-0f3a"

// TestNoFileLeaks: names that climb, links that lead out, hidden files, and files that are not for showing.
func TestNoFileLeaks(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "runs")
	makeRun(t, filepath.Join(dir, "a"))
	secret := filepath.Join(base, "secret.json")
	if err := os.WriteFile(secret, []byte(private), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(base, "b", "tables"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "b", "tables", "secret.jsonl"), []byte(`{"a":"`+private+`"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{secret: "a/link.json", base: "a/up", filepath.Join(base, "b"): "linked", filepath.Join(base, "b", "tables", "secret.jsonl"): "a/tables/link.jsonl"} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(from))); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	x := open(t, func(o *Options, _ *httptest.Server) { o.Runs = dir })
	for _, path := range []string{"/files/../secret.json", "/files/a/../../secret.json", "/files/%2e%2e/secret.json", "/files/a/..%2f..%2fsecret.json", "/files/..%5csecret.json", "/files/a/link.json",
		"/files/a/up/secret.json", "/files//" + secret, "/files/" + secret, "/files/a/model.safetensors", "/files/a/.hidden.json", "/files/a/tables/metrics.jsonl", "/files/a", "/files/a/", "/files/",
		"/files/a%00.json", "/static/../web.go", "/static/%2e%2e/%2e%2e/go.mod", "/pages/toy.html", "/static/", "/third_party/",
		"/api/run?run=..", "/api/run?run=/etc", "/api/run?run=../b", "/api/table?run=..&table=secret", "/api/table?run=../b&table=secret", "/api/table?run=linked&table=secret", "/api/table?run=a&table=link", "/api/table?run=a&table=../../../b/tables/secret",
		"/api/table?run=a&table=../spec", "/api/table?run=/&table=metrics", "/api/table?run=&table=metrics", "/api/table", "/api/table?run=a%00&table=metrics"} {
		code, text := x.ask("GET", path, "")
		if strings.Contains(text, private) || code == 200 || code >= 500 {
			t.Errorf("%s: %d %.80q", path, code, text)
		}
		if strings.Contains(text, base) && !strings.Contains(path, base) {
			t.Errorf("%s: the answer names a folder of this machine: %q", path, text)
		}
	}
	for _, path := range []string{"/api/run?run=linked", "/api/run?run=a/up"} {
		if _, text := x.ask("GET", path, ""); strings.Contains(text, "secret") {
			t.Errorf("%s: %s", path, text)
		}
	}
	if _, text := x.ask("GET", "/api/runs", ""); strings.Contains(text, "linked") {
		t.Errorf("a linked folder is listed: %s", text)
	}
}

// TestHeadersOfEveryAnswer: the policy, and nothing to sniff or keep.
func TestHeadersOfEveryAnswer(t *testing.T) {
	dir := t.TempDir()
	makeRun(t, filepath.Join(dir, "a"))
	x := open(t, func(o *Options, _ *httptest.Server) { o.Runs = dir })
	for path, want := range map[string]string{"/": policy, "/network": policy, "/static/js/toy.js": policy, "/api/runs": policy, "/nowhere": policy, "/files/a/report.html": filePolicy, "/files/a/figures/a.svg": filePolicy} {
		resp, err := http.Get(x.http.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		h := resp.Header
		if h.Get("Content-Security-Policy") != want || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// TestToken: beyond loopback nothing is answered without it, and it leaves the address for a cookie.
func TestToken(t *testing.T) {
	x := open(t, func(o *Options, _ *httptest.Server) { o.Hosts, o.Token = nil, "right" })
	for _, c := range []struct {
		path, header string
		want         int
	}{
		{"/", "", 401}, {"/?token=wrong", "", 401}, {"/?token=", "", 401}, {"/static/js/toy.js", "", 401}, {"/api/runs", "Cookie: settle=wrong", 401},
		{"/?token=right", "", 303}, {"/", "Cookie: settle=right", 200}, {"/api/runs", "Cookie: settle=right", 200},
	} {
		headers := []string{"Accept: */*"}
		if c.header != "" {
			headers = append(headers, c.header)
		}
		if code, text := x.ask("GET", c.path, "", headers...); code != c.want {
			t.Errorf("%s %s: %d %.80q, want %d", c.path, c.header, code, text, c.want)
		}
	}
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]string{"/network?seed=3&token=right": "/network?seed=3", "/?token=right": "/", "//evil.example/?token=right": "/evil.example/"} {
		resp, err := noFollow.Get(x.http.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		c := resp.Header.Get("Set-Cookie")
		if got := resp.Header.Get("Location"); got != want || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") {
			t.Errorf("%s: to %s with %q, want %s and a cookie of its own", path, got, c, want)
		}
	}
}

// TestManyChangesAreAbsorbed: ten thousand commands to a training, from several pages at once, leave it as it was.
func TestManyChangesAreAbsorbed(t *testing.T) {
	x := open(t)
	e := x.train(small(1_000_000, ""))
	commands := 10_000
	if testing.Short() {
		commands = 1000
	}
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	for page := range 8 {
		wg.Go(func() {
			for i := range commands / 8 {
				what := []string{"pause", "step", "resume"}[(i+page)%3]
				resp, err := client.Post(fmt.Sprintf("%s/api/trainings/%d/%s", x.http.URL, e.ID, what), "application/json", strings.NewReader("{}"))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Errorf("%s: %s", what, resp.Status)
				}
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	var none struct{}
	x.post(fmt.Sprintf("/api/trainings/%d/pause", e.ID), "{}", &none)
	x.until(e.ID, paused)
	waitFor(t, "goroutines to end", func() bool { return runtime.NumGoroutine() < before+20 })
}

// waitFor waits up to ten seconds.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("waited in vain for %s", what)
}

// TestSlowReadersAreDropped: a client that takes nothing holds up neither the training nor others, and goes after a while.
func TestSlowReadersAreDropped(t *testing.T) {
	x := open(t, func(o *Options, s *httptest.Server) {
		o.Now = func() time.Time { return time.Now().Add(-stuckTime + 500*time.Millisecond) } // the deadline is soon
		s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			_ = c.(*net.TCPConn).SetWriteBuffer(4096) // full soon
			return ctx
		}
	})
	e := x.train(small(1_000_000, ""))
	conn, err := net.Dial("tcp", x.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(1024); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/events HTTP/1.1\r\nHost: %s\r\n\r\n", x.http.Listener.Addr())
	waitFor(t, "the client to be counted", func() bool { return x.srv.live.clients.Load() == 1 })
	before := 0
	x.follow(e.ID, func(n news) bool { before = n.Batch; return true })
	x.follow(e.ID, func(n news) bool { return n.Batch > before+100 }) // training goes on
	waitFor(t, "the slow client to be dropped", func() bool { return x.srv.live.clients.Load() == 0 })
}

// TestSlowWritersAreDropped: headers that never end do not hold a connection.
func TestSlowWritersAreDropped(t *testing.T) {
	x := open(t, func(_ *Options, s *httptest.Server) { s.Config.ReadHeaderTimeout = 300 * time.Millisecond })
	conn, err := net.Dial("tcp", x.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n")
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 512)); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the connection is still open")
	}
}
