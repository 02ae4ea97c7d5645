package tensorboard

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/settle-pc/settle/internal/pythontest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 500e6, time.UTC)

// at is the time of a step, ten a second.
func at(step int) time.Time { return start.Add(time.Duration(step) * 100 * time.Millisecond) }

// read returns the data of the records of a file, and fails where a length or checksum is wrong.
func read(t *testing.T, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		data := b[12 : 12+n]
		if binary.LittleEndian.Uint32(b[8:]) != masked(b[:8]) || binary.LittleEndian.Uint32(b[12+n:]) != masked(data) {
			t.Fatalf("record %d: a checksum is wrong", len(records))
		}
		records, b = append(records, data), b[16+n:]
	}
	return records
}

// fields takes a message apart: by number, the values in their order.
func fields(t *testing.T, m []byte) map[protowire.Number][]any {
	t.Helper()
	out := map[protowire.Number][]any{}
	for len(m) > 0 {
		num, typ, n := protowire.ConsumeTag(m)
		m = m[max(n, 0):]
		var v any
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(m)
		case protowire.Fixed32Type:
			v, n = protowire.ConsumeFixed32(m)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(m)
		case protowire.BytesType:
			var b []byte
			b, n = protowire.ConsumeBytes(m)
			v = string(b)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		out[num], m = append(out[num], v), m[n:]
	}
	return out
}

// The check value of CRC-32C, 0xe3069283 for the digits (RFC 3720 names its like), masked by hand.
func TestMaskedChecksum(t *testing.T) {
	want := bits.RotateLeft32(0xe3069283, -15)
	want += 0xa282ead8
	if got := masked([]byte("123456789")); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func TestFileHoldsVersionStartAndPoints(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "run")
	w, err := Create(dir, 7, start)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Scalars(7, at(7), []Scalar{{"train/mse", 0.5}, {"train/gap", 0.01}}), w.Close()); err != nil {
		t.Fatal(err)
	}
	records := read(t, filepath.Join(dir, "events.out.tfevents.1767323045.settle"))
	if len(records) != 3 {
		t.Fatalf("%d records, want 3", len(records))
	}
	version, session, point := fields(t, records[0]), fields(t, records[1]), fields(t, records[2])
	if version[3][0] != "brain.Event:2" || version[1][0] != math.Float64bits(1767323045.5) {
		t.Errorf("version %v", version)
	}
	if session[2][0] != uint64(7) || fields(t, []byte(session[7][0].(string)))[1][0] != uint64(1) {
		t.Errorf("session %v", session)
	}
	values := fields(t, []byte(point[5][0].(string)))[1]
	second := fields(t, []byte(values[1].(string)))
	if point[2][0] != uint64(7) || len(values) != 2 || second[1][0] != "train/gap" || second[2][0] != math.Float32bits(0.01) {
		t.Errorf("point %v, second value %v", point, second)
	}
}

// Files of one folder are read in the order of their names: each new one comes last, also within a second and with a
// clock that went back.
func TestNewFilesSortLast(t *testing.T) {
	dir := t.TempDir()
	for i, now := range []time.Time{start, start, start.Add(-time.Hour), start.Add(time.Hour)} {
		w, err := Create(dir, i, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != i+1 {
			t.Fatalf("%d files, %v", len(entries), err)
		}
		if session := fields(t, read(t, filepath.Join(dir, entries[i].Name()))[1]); session[2][0] != uint64(i) {
			t.Errorf("file %d is not the last: %v", i, session)
		}
	}
}

// What was added shows after flushEvery at the latest, while the training goes on.
func TestPointsShowBeforeTheEnd(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, 1, start)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for step := 1; step <= 30; step++ {
		if err := w.Scalars(step, at(step), []Scalar{{"a", 1}}); err != nil {
			t.Fatal(err)
		}
		want := 2 // version and session
		if step >= 20 {
			want += 20
		}
		if got := len(read(t, w.f.Name())); got != want {
			t.Errorf("%d records after step %d, want %d", got, step, want)
		}
	}
}

// Sync shows all at once; Written tells a folder with files from others.
func TestSyncAndWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if Written(dir) {
		t.Error("a folder that is not there has files")
	}
	w, err := Create(dir, 1, start)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := errors.Join(w.Scalars(1, start, []Scalar{{"a", 1}}), w.Sync()); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, w.f.Name())); n != 3 || !Written(dir) {
		t.Errorf("%d records on disk, want 3; written %v", n, Written(dir))
	}
}

func TestErrorsStay(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, 1, start)
	if err != nil {
		t.Fatal(err)
	}
	w.f.Close() // stands for a full disk
	if err := w.Scalars(1, at(1), []Scalar{{"a", 1}}); err != nil {
		t.Errorf("before the file is written: %v", err)
	}
	if err := w.Scalars(2, at(100), nil); !errors.Is(err, fs.ErrClosed) || !strings.Contains(err.Error(), "tensorboard: ") {
		t.Errorf("flushed into a closed file: %v", err)
	}
	if err := w.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Close: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "events.out.tfevents.1767323045.settle", "below"), 1, start); err == nil {
		t.Error("a folder below a file")
	}
}

// readBack prints as JSON what TensorBoard's own reader finds in the folders: scalars, and the table of hyperparameters.
const readBack = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator as Plugins
from tensorboard.plugins.hparams import metadata as h

def hparams(dir):
    content = Plugins(dir)
    content.Reload()
    content = content.PluginTagToContent("hparams")
    start = h.parse_session_start_info_plugin_data(content[h.SESSION_START_INFO_TAG])
    end = h.parse_session_end_info_plugin_data(content[h.SESSION_END_INFO_TAG])
    values = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.hparams.items()}
    return {"settings": values, "started": start.start_time_secs, "ended": end.end_time_secs, "status": end.status}

out = []
for dir in sys.argv[1:]:
    a = EventAccumulator(dir, size_guidance={"scalars": 0})
    a.Reload()
    tags = a.Tags()["scalars"]
    out.append({
        "scalars": {tag: [[e.step, e.value, e.wall_time] for e in a.Scalars(tag)] for tag in tags},
        "hparams": hparams(dir),
    })
print(json.dumps(out))
`

// A training that was killed (its last record is cut short) and resumed from an earlier checkpoint shows every step once.
func TestTensorBoardReadsAResumedTraining(t *testing.T) {
	dir := t.TempDir()
	mse := func(step int) float64 { return 1 / float64(step) }
	settings := map[string]any{"rule": "pc", "lr": 0.001, "bias": false, "residual": true}
	session := func(first, last int) *Writer {
		w, err := Create(dir, first, at(first))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Settings(at(first), settings); err != nil {
			t.Fatal(err)
		}
		for step := first; step <= last; step++ {
			points := []Scalar{{"train/mse", mse(step)}}
			if step%5 == 0 {
				points = append(points, Scalar{"test/accuracy", float64(step) / 100})
			}
			if err := w.Scalars(step, at(step), points); err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	kill(t, session(1, 33))
	resumed := session(21, 40)
	if err := errors.Join(resumed.End(at(41), true), resumed.Close()); err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Scalars map[string][][3]float64
		HParams struct {
			Settings       map[string]any
			Started, Ended float64
			Status         int
		}
	}
	text := pythontest.Run(t, ".", readBack, dir)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err, text)
	}
	curve := got[0].Scalars["train/mse"]
	if len(curve) != 40 || len(got[0].Scalars["test/accuracy"]) != 8 {
		t.Fatalf("%d and %d points, want 40 and 8", len(curve), len(got[0].Scalars["test/accuracy"]))
	}
	for i, p := range curve {
		want := [3]float64{float64(i + 1), float64(float32(mse(i + 1))), seconds(at(i + 1))}
		if p != want {
			t.Errorf("point %d is %v, want %v", i, p, want)
		}
	}
	h := got[0].HParams
	if !reflect.DeepEqual(h.Settings, settings) || h.Started != seconds(at(1)) || h.Ended != seconds(at(41)) || h.Status != statusSuccess {
		t.Errorf("hyperparameters %+v", h)
	}
}

// kill ends a file within its last record.
func kill(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(w.f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(w.f.Name(), info.Size()-9); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsOfOtherTypesAreABug(t *testing.T) {
	defer func() {
		if r := recover(); fmt.Sprint(r) != "tensorboard: a setting is no string, bool or float64" {
			t.Errorf("recovered %v", r)
		}
	}()
	value(3)
}
