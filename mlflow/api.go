package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// api makes the requests.
type api struct {
	server *url.URL
	token  string
	client *http.Client
}

// What requests and answers hold, in the server's words.
type (
	pair   struct{ Key, Value string }
	metric struct {
		Key       string  `json:"key"`
		Value     float64 `json:"value"`
		Timestamp int64   `json:"timestamp"` // in milliseconds
		Step      int     `json:"step"`
	}
	create struct {
		Experiment string `json:"experiment_id"`
		Name       string `json:"run_name"`
		StartTime  int64  `json:"start_time"`
		Tags       []pair `json:"tags,omitempty"`
	}
	batch struct {
		RunID   string   `json:"run_id"`
		Metrics []metric `json:"metrics,omitempty"`
		Params  []pair   `json:"params,omitempty"`
		Tags    []pair   `json:"tags,omitempty"`
	}
	update struct {
		RunID   string `json:"run_id"`
		Status  Status `json:"status"`
		EndTime int64  `json:"end_time,omitempty"`
	}
	runAnswer struct {
		Info struct {
			RunID string `json:"run_id"`
		}
		Data struct {
			Metrics []struct { // the last of each key
				Key  string
				Step int
			}
		}
	}
)

// MarshalJSON writes the keys as the server has them.
func (p pair) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"key": p.Key, "value": p.Value})
}

func pairs(m map[string]string) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, pair{k, m[k]})
	}
	return out
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// answerError is an answer that is not 200.
type answerError struct {
	Status  int    `json:"-"`
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

// Error is what the server says.
func (e *answerError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// errForeign is an answer that no tracking server gives.
var errForeign = errors.New("the answer is not of an MLflow tracking server")

// refused reports whether asking again is of no use.
func refused(err error) bool {
	e, ok := errors.AsType[*answerError](err)
	return errors.Is(err, errForeign) || ok && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

func isCode(err error, code string) bool {
	e, ok := errors.AsType[*answerError](err)
	return ok && e.Code == code
}

// get asks with one parameter; post sends body. Both decode the answer into into, unless that is nil.
func (a api) get(ctx context.Context, path, key, value string, into any) error {
	u := a.at(path)
	u.RawQuery = url.Values{key: {value}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	return a.do(req, into)
}

func (a api) post(ctx context.Context, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("mlflow: %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.at(path).String(), bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	return a.do(req, into)
}

func (a api) at(path string) *url.URL { return a.server.JoinPath("api/2.0/mlflow", path) }

// do makes a request. No error holds a password.
func (a api) do(req *http.Request, into any) error {
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	defer resp.Body.Close()
	const longest = 16 << 20
	answer, err := io.ReadAll(io.LimitReader(resp.Body, longest))
	if err == nil {
		err = decode(resp.StatusCode, answer, into)
	}
	if err != nil {
		return fmt.Errorf("mlflow: %s %s: %w", req.Method, req.URL.Redacted(), err)
	}
	return nil
}

func decode(status int, answer []byte, into any) error {
	if status != http.StatusOK {
		e := &answerError{Status: status}
		if json.Unmarshal(answer, e) != nil || e.Code == "" {
			e.Code, e.Message = http.StatusText(status), string(answer[:min(len(answer), 200)])
		}
		return e
	}
	if into == nil {
		into = &struct{}{}
	}
	if json.Unmarshal(answer, into) != nil {
		return errForeign
	}
	return nil
}
