package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/mlflow"
	"github.com/settle-pc/settle/tensorboard"
	"github.com/settle-pc/settle/train"
)

// logger passes what a training measures on to another program. It neither fails nor holds the training up: trouble is
// said once, and the training goes on without it.
type logger interface {
	// row is one of the run's tables metrics and tests, by batch.
	row(r measured)
	// saving comes before each checkpoint: what was passed on so far will not be passed on again.
	saving()
	// end comes once, with how the training ended.
	end(c conclusion, err error)
}

// measured is a row as it is passed on.
type measured struct {
	batch  int
	at     time.Time
	points []point
}

// point is a value of one curve.
type point struct {
	name  string
	value float64
}

// prefixes name the curves of the tables that are passed on, as in train/mse.
var prefixes = map[string]string{"metrics": "train/", "tests": "test/"}

// points are the finite values of a row of a table.
func points(table string, columns []string, values []any) []point {
	var out []point
	for i, v := range values[1:] {
		if f, ok := v.(float64); ok && !math.IsNaN(f) && !math.IsInf(f, 0) {
			out = append(out, point{prefixes[table] + columns[i+1], f})
		}
	}
	return out
}

// logFlags are the flags of the programs that a training is passed on to.
type logFlags struct {
	tensorboard, mlflow string
}

func (l *logFlags) add(f *pflag.FlagSet) {
	f.StringVar(&l.tensorboard, "tensorboard", "", "write curves for TensorBoard to a folder in this `directory`, named like the run's")
	f.StringVar(&l.mlflow, "mlflow", "", "log to the MLflow tracking server at this `address`")
}

// check reports every fault of the flags.
func (l logFlags) check() error {
	var faults []error
	if l.tensorboard != "" {
		if err := os.MkdirAll(l.tensorboard, 0o777); err != nil {
			faults = append(faults, fmt.Errorf("--tensorboard %s: %w: want a folder that can be made and written to", l.tensorboard, err))
		}
	}
	if l.mlflow != "" {
		if u, err := mlflow.ParseServer(l.mlflow); err != nil {
			faults = append(faults, fmt.Errorf("--mlflow %s: %w", withoutPassword(l.mlflow), err))
		} else if u.User != nil {
			faults = append(faults, fmt.Errorf("--mlflow %s: want no user here, since a run keeps its command line: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD are for that", u.Redacted()))
		}
	}
	return errors.Join(faults...)
}

// withoutPassword is an address that may be shown, if it can be read at all.
func withoutPassword(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return address
}

// startLoggers begins to pass a training on, after so many batches were done.
func (s *session) startLoggers(done int) {
	if s.logs == (logFlags{}) {
		return
	}
	past, err := s.past(done)
	if err != nil {
		s.trouble(fmt.Errorf("%w; the loggers lack what is past", err))
	}
	name := "train"
	if dir, err := filepath.Abs(s.run.Dir()); err == nil {
		name = filepath.Base(dir)
	}
	if s.logs.tensorboard != "" {
		s.loggers = append(s.loggers, s.startBoard(filepath.Join(s.logs.tensorboard, name), done, past))
	}
	if s.logs.mlflow != "" {
		s.loggers = append(s.loggers, s.startMLflow(name, past))
	}
}

// past is what the run's tables have of the batches that were done, in their order. When a row was measured is not
// stored: its time lies as many seconds of training back as have gone by since.
func (s *session) past(done int) ([]measured, error) {
	if done == 0 {
		return nil, nil
	}
	var out []measured
	now, seconds := time.Now(), map[int]float64{}
	for _, name := range []string{"metrics", "tests"} {
		t, err := s.run.Table(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		clock := slices.Index(t.Columns, "seconds")
		for _, row := range t.Rows {
			batch, ok := row[0].(float64)
			if !ok {
				return nil, fmt.Errorf("table %s: batch %v: want a number", name, row[0])
			}
			if v, ok := row[max(clock, 0)].(float64); ok && clock >= 0 {
				seconds[int(batch)] = v
			}
			out = append(out, measured{batch: int(batch), points: points(name, t.Columns, row)})
		}
	}
	for i, r := range out {
		out[i].at = now.Add(-time.Duration(1e9 * (seconds[done] - seconds[r.batch])))
	}
	slices.SortStableFunc(out, func(a, b measured) int { return a.batch - b.batch })
	return out, nil
}

// trouble says what happened to a logger. It may come from any goroutine.
func (s *session) trouble(err error) {
	s.bar.line(fmt.Sprintf("note: %v", err))
	s.log.Warn("logger", "error", err.Error())
}

// row stores a row and passes it on.
func (s *session) row(table string, columns []string, values []any) error {
	if len(s.loggers) > 0 {
		r := measured{values[0].(int), time.Now(), points(table, columns, values)}
		for _, l := range s.loggers {
			l.row(r)
		}
	}
	return s.run.Row(table, columns, values)
}

// settings are a training's, as the other programs take them: json.Numbers, strings and booleans.
func settings(spec train.Spec) map[string]any {
	var out map[string]any
	text, err := json.Marshal(spec)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := errors.Join(err, d.Decode(&out)); err != nil {
		panic("settle: a spec that is no JSON object")
	}
	return out
}

// board is TensorBoard.
type board struct {
	w       *tensorboard.Writer
	trouble func(error)
}

// startBoard starts the file of a training of which so much is past. What is past is there already, if anything is.
func (s *session) startBoard(dir string, done int, past []measured) *board {
	b := &board{trouble: s.trouble}
	if !tensorboard.Written(dir) {
		done = 0
	}
	values := settings(s.spec)
	for k, v := range values {
		if n, ok := v.(json.Number); ok {
			values[k], _ = n.Float64() // large seeds are rounded
		}
	}
	now := time.Now()
	var err error
	if b.w, err = tensorboard.Create(dir, done+1, now); err == nil {
		err = b.w.Settings(now, values)
	}
	b.keep(err)
	for _, r := range past {
		if done == 0 {
			b.row(r)
		}
	}
	return b
}

// keep gives the file up at the first error.
func (b *board) keep(err error) {
	if err != nil {
		b.trouble(fmt.Errorf("%w; the training goes on without TensorBoard", err))
		b.w = nil
	}
}

func (b *board) row(r measured) {
	if b.w == nil {
		return
	}
	scalars := make([]tensorboard.Scalar, len(r.points))
	for i, p := range r.points {
		scalars[i] = tensorboard.Scalar{Tag: p.name, Value: p.value}
	}
	b.keep(b.w.Scalars(r.batch, r.at, scalars))
}

func (b *board) saving() {
	if b.w != nil {
		b.keep(b.w.Sync())
	}
}

func (b *board) end(c conclusion, err error) {
	if b.w == nil {
		return
	}
	if status := statusOf(c, err); status != mlflow.Killed {
		b.keep(b.w.End(time.Now(), status == mlflow.Finished))
	}
	if b.w != nil {
		b.keep(b.w.Close())
	}
}

// statusOf is how a training ended: interrupted ones, which can be resumed, are killed.
func statusOf(c conclusion, err error) mlflow.Status {
	switch {
	case err != nil, c.DivergedAt != nil:
		return mlflow.Failed
	case c.outcome != nil:
		return mlflow.Killed
	}
	return mlflow.Finished
}

// tracker is MLflow.
type tracker struct {
	log     *mlflow.Logger
	trouble func(error)
}

// trackerFile is where a run keeps what MLflow calls it.
const trackerFile = "mlflow.json"

// tracked is what is in trackerFile.
type tracked struct {
	Server string `json:"server"`
	Run    string `json:"run"`
}

// startMLflow starts or takes up the run on the server.
func (s *session) startMLflow(name string, past []measured) *tracker {
	server, err := mlflow.ParseServer(s.logs.mlflow)
	if err != nil {
		panic("settle: an address that was not checked")
	}
	as := tracked{Server: server.String()}
	var was tracked
	if text, err := os.ReadFile(filepath.Join(s.run.Dir(), trackerFile)); err == nil && json.Unmarshal(text, &was) == nil && was.Server == as.Server {
		as.Run = was.Run
	}
	// The variables that MLflow's own clients read.
	if user := os.Getenv("MLFLOW_TRACKING_USERNAME"); user != "" {
		server.User = url.UserPassword(user, os.Getenv("MLFLOW_TRACKING_PASSWORD"))
	}
	experiment := os.Getenv("MLFLOW_EXPERIMENT_NAME")
	if experiment == "" {
		experiment = "settle"
	}
	params := map[string]string{}
	for k, v := range settings(s.spec) {
		params[k] = fmt.Sprint(v)
	}
	rows := make([]mlflow.Row, len(past))
	for i, r := range past {
		rows[i] = r.forMLflow()
	}
	t := &tracker{trouble: s.trouble}
	t.log = mlflow.Start(mlflow.Options{
		Server: server, Token: os.Getenv("MLFLOW_TRACKING_TOKEN"), Experiment: experiment, Run: as.Run, Name: name,
		Past:  rows,
		Start: time.Now(), Params: params, Tags: map[string]string{"settle.run": s.run.Dir(), "settle.version": version()},
		Note: func(err error) { s.trouble(fmt.Errorf("%w; the training goes on", err)) },
		Created: func(id string) {
			if err := writeJSON(s.run, trackerFile, tracked{as.Server, id}); err != nil {
				s.trouble(err)
			}
		},
	})
	return t
}

// forMLflow is the row in the words of package mlflow.
func (r measured) forMLflow() mlflow.Row {
	out := mlflow.Row{Step: r.batch, Time: r.at, Metrics: make([]mlflow.Metric, len(r.points))}
	for i, p := range r.points {
		out.Metrics[i] = mlflow.Metric{Key: p.name, Value: p.value}
		out.Keep = out.Keep || strings.HasPrefix(p.name, prefixes["tests"])
	}
	return out
}

func (t *tracker) row(r measured) { t.log.Log(r.forMLflow()) }

// saving does nothing: what the server lacks when a training is killed is sent when it is resumed.
func (t *tracker) saving() {}

func (t *tracker) end(c conclusion, err error) {
	tags := map[string]string{}
	if c.WeightsSHA256 != "" {
		tags["settle.weights_sha256"], tags["settle.level"] = c.WeightsSHA256, c.Level
	}
	if c.DivergedAt != nil {
		tags["settle.diverged_at"] = fmt.Sprint(*c.DivergedAt)
	}
	if report := t.log.End(statusOf(c, err), time.Now(), tags); report.String() != "" {
		t.trouble(errors.New("mlflow: " + report.String()))
	}
}
