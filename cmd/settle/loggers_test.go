package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/settle-pc/settle/internal/pythontest"
	"github.com/settle-pc/settle/store"
)

// tracking is an MLflow server of one run, as far as a training needs it.
type tracking struct {
	mu      sync.Mutex
	created int
	curves  map[string]map[int]float64
	twice   int
	params  map[string]string
	status  string
}

func (s *tracking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b struct {
		Metrics []struct {
			Key   string
			Value float64
			Step  int
		}
		Params []struct{ Key, Value string }
		Status string
	}
	if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&b) != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	for _, m := range b.Metrics {
		if s.curves[m.Key] == nil {
			s.curves[m.Key] = map[int]float64{}
		}
		if _, there := s.curves[m.Key][m.Step]; there {
			s.twice++
		}
		s.curves[m.Key][m.Step] = m.Value
	}
	for _, p := range b.Params {
		s.params[p.Key] = p.Value
	}
	if b.Status != "" {
		s.status = b.Status
	}
	if strings.HasSuffix(r.URL.Path, "runs/create") {
		s.created++
	}
	var last []map[string]any // runs/get: the last step of each curve
	for key, curve := range s.curves {
		step := 0
		for k := range curve {
			step = max(step, k)
		}
		last = append(last, map[string]any{"key": key, "step": step})
	}
	json.NewEncoder(w).Encode(map[string]any{
		"experiment": map[string]string{"experiment_id": "1"},
		"run":        map[string]any{"info": map[string]string{"run_id": "abc"}, "data": map[string]any{"metrics": last}},
	})
}

// settle runs the command in this process and wants an exit code.
func settle(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(args, &out, &errs); got != code {
		t.Fatalf("settle %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, &errs)
	}
	return out.String(), errs.String()
}

// small is a training of a second's fraction on the synthetic set, in a new folder, which is returned.
func small(t *testing.T, more ...string) (dir string, args []string) {
	t.Helper()
	dir = t.TempDir()
	set := filepath.Join(dir, "set")
	if err := os.Mkdir(set, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeSet(set, synthetic()); err != nil {
		t.Fatal(err)
	}
	return dir, append([]string{"train", "--data", set, "--arch", "64-16-4", "--batch", "20", "--eval-every", "10"}, more...)
}

// curves are those that a run's tables hold.
func curves(t *testing.T, dir string) map[string]map[int]float64 {
	t.Helper()
	r, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[int]float64{}
	for name := range prefixes {
		table, err := r.Table(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range table.Rows {
			for i, v := range row[1:] {
				key := prefixes[name] + table.Columns[i+1]
				if out[key] == nil {
					out[key] = map[int]float64{}
				}
				if v != nil {
					out[key][int(row[0].(float64))] = v.(float64)
				}
			}
		}
	}
	return out
}

// compareCurves wants two sets of curves to be equal once both are rounded.
func compareCurves(t *testing.T, what string, got, want map[string]map[int]float64, round func(float64) float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d curves, the run %d", what, len(got), len(want))
	}
	for key, curve := range want {
		if len(got[key]) != len(curve) {
			t.Errorf("%s: %s has %d points, the run %d", what, key, len(got[key]), len(curve))
		}
		for step, v := range curve {
			if round(got[key][step]) != round(v) {
				t.Errorf("%s: %s at %d is %v, in the run %v", what, key, step, got[key][step], v)
			}
		}
	}
}

// What MLflow gets of a training and of its continuation is what the run's tables have, each point once.
func TestMLflowHasTheRunsTables(t *testing.T) {
	tracker := &tracking{curves: map[string]map[int]float64{}, params: map[string]string{}}
	server := httptest.NewServer(tracker)
	defer server.Close()
	dir, args := small(t, "--batches", "30", "--lr", "0.002", "--mlflow", server.URL)
	out := filepath.Join(dir, "run")
	settle(t, exitDone, append(args, "--seed", "18446744073709551615", "--out", out)...)
	if tracker.status != "FINISHED" || tracker.params["lr"] != "0.002" || tracker.params["seed"] != "18446744073709551615" || tracker.params["bias"] != "false" {
		t.Errorf("status %s, params %v", tracker.status, tracker.params)
	}
	for _, curve := range tracker.curves { // a kill would lose what had not been sent
		for step := range curve {
			if step > 25 {
				delete(curve, step)
			}
		}
	}
	settle(t, exitDone, "train", "--resume", out, "--batches", "75", "--mlflow", server.URL)
	want := curves(t, out)
	compareCurves(t, "MLflow", tracker.curves, want, func(v float64) float64 { return v })
	if tracker.created != 1 || tracker.twice > 0 || len(want["train/mse"]) != 75 || len(want["train/running_mse"]) != 26 {
		t.Errorf("%d runs made, %d points twice, %d batches, %d of them with a mean", tracker.created, tracker.twice, len(want["train/mse"]), len(want["train/running_mse"]))
	}
}

func TestMLflowIsToldHowATrainingEnded(t *testing.T) {
	tracker := &tracking{curves: map[string]map[int]float64{}, params: map[string]string{}}
	server := httptest.NewServer(tracker)
	defer server.Close()
	dir, args := small(t, "--batches", "300", "--optim", "sgd", "--lr", "1e6", "--mlflow", server.URL)
	settle(t, exitFailed, append(args, "--out", filepath.Join(dir, "run"))...)
	if tracker.status != "FAILED" {
		t.Errorf("status %s of a training that diverged", tracker.status)
	}
}

// A server that is down changes nothing but two notes, one when it is missed and one about the rows.
func TestATrainingGoesOnWithoutItsLoggers(t *testing.T) {
	dir, args := small(t, "--batches", "30", "--mlflow", "http://127.0.0.1:1", "--tensorboard")
	board := filepath.Join(dir, "tb")
	if err := os.MkdirAll(board, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(board, "run"), nil, 0o666); err != nil { // in the folder's place
		t.Fatal(err)
	}
	_, errs := settle(t, exitDone, append(args, board, "--out", filepath.Join(dir, "run"))...)
	if n := strings.Count(errs, "note: "); n != 3 || !strings.Contains(errs, "33 of 33 rows did not reach the server") ||
		!strings.Contains(errs, "the training goes on without TensorBoard") {
		t.Errorf("%d notes in %s", n, errs)
	}
	if len(curves(t, filepath.Join(dir, "run"))["train/mse"]) != 30 {
		t.Error("rows are missing in the run")
	}
}

// scalarsOf prints as JSON the curves that TensorBoard's own reader finds in a folder.
const scalarsOf = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
a.Reload()
print(json.dumps({tag: {e.step: e.value for e in a.Scalars(tag)} for tag in a.Tags()["scalars"]}))
`

// What TensorBoard shows of a training and of its continuation is what the run's tables have, in float32.
func TestTensorBoardHasTheRunsTables(t *testing.T) {
	dir, args := small(t, "--batches", "35", "--tensorboard")
	board, out := filepath.Join(dir, "tb"), filepath.Join(dir, "run")
	settle(t, exitDone, append(args, board, "--out", out)...)
	settle(t, exitDone, "train", "--resume", out, "--batches", "60", "--tensorboard", board)
	var got map[string]map[int]float64
	text := pythontest.Run(t, dir, scalarsOf, filepath.Join("tb", "run"))
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err, text)
	}
	delete(got["test/mse"], 35) // the end of the first part
	delete(got["test/accuracy"], 35)
	compareCurves(t, "TensorBoard", got, curves(t, out), rounded)

	// Given to the continuation alone, the flag brings what is past.
	board = filepath.Join(dir, "late")
	settle(t, exitDone, "train", "--resume", out, "--batches", "70", "--tensorboard", board)
	got = nil
	if err := json.Unmarshal([]byte(pythontest.Run(t, dir, scalarsOf, filepath.Join("late", "run"))), &got); err != nil {
		t.Fatal(err)
	}
	compareCurves(t, "TensorBoard, late,", got, curves(t, out), rounded)
}

func rounded(v float64) float64 { return float64(float32(v)) }

func TestLoggerFlagsAreChecked(t *testing.T) {
	dir, args := small(t, "--batches", "3", "--out")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	args = append(args, filepath.Join(dir, "run"))
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--mlflow", "localhost:5000"}, "--mlflow localhost:5000: want the address of a tracking server"},
		{[]string{"--mlflow", "http://me:secret@localhost"}, "MLFLOW_TRACKING_PASSWORD"},
		{[]string{"--mlflow", ""}, `--mlflow "": want a name`},
		{[]string{"--tensorboard", ""}, `--tensorboard "": want a name`},
		{[]string{"--tensorboard", file}, "--tensorboard " + file},
	} {
		_, errs := settle(t, exitRefused, slices.Concat(args, c.flags)...)
		if !strings.Contains(errs, c.want) || strings.Contains(errs, "secret") {
			t.Errorf("%s: %s", c.flags, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a refused request made a run directory")
	}
}
