package index

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/settle-pc/settle/store"
)

// Files that documents are made of.
const (
	specFile        = "spec.json"
	resultFile      = "result.json"
	environmentFile = "environment.json"
	tagsFile        = "tags.json"
	trialsDir       = "trials" // of a sweep
)

// resultFiles are what commands write last, one each: a run that has one is finished.
var resultFiles = []string{resultFile, "bench.json", "data.json", "generate.json", "predict.json", "runs.json", "verify.json"}

// The states of a run.
const (
	Finished    = "finished"
	Diverged    = "diverged"
	Running     = "running"
	Interrupted = "interrupted"
)

// runs yields the run directories of base and the trials of the sweeps in it, with the times of their last changes.
func runs(base string) iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		for _, name := range folders(base) {
			if changed, ok := isRun(base, name); ok {
				if !yield(name, changed) {
					return
				}
			}
			for _, trial := range folders(filepath.Join(base, name, trialsDir)) {
				at := path.Join(name, trialsDir, trial)
				if changed, ok := isRun(base, at); ok && !yield(at, changed) {
					return
				}
			}
		}
	}
}

func folders(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // gone since, or not to be read: it has no runs to show
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() || e.Type()&os.ModeSymlink != 0 {
			out = append(out, e.Name())
		}
	}
	return out
}

// isRun reports whether the directory is a run, and when an entry was last added to it or renamed.
func isRun(base, name string) (time.Time, bool) {
	dir := filepath.Join(base, filepath.FromSlash(name))
	if info, err := os.Stat(filepath.Join(dir, "tables")); err != nil || !info.IsDir() {
		return time.Time{}, false
	}
	info, err := os.Stat(dir)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

// Trials returns the trials of the run in dir, as paths below it with slashes: none unless it is a sweep.
func Trials(dir string) []string {
	var out []string
	for _, trial := range folders(filepath.Join(dir, trialsDir)) {
		at := path.Join(trialsDir, trial)
		if _, ok := isRun(dir, at); ok {
			out = append(out, at)
		}
	}
	return out
}

// SweepOf returns the path of the sweep that the run of this path is a trial of, "" if it is none.
func SweepOf(run string) string {
	sweep, _ := path.Split(run)
	sweep, ok := strings.CutSuffix(sweep, "/"+trialsDir+"/")
	if !ok {
		return ""
	}
	return sweep
}

// Busy reports whether a process is writing to the run in dir, or to one of its trials, at this moment.
func Busy(dir string) bool {
	return store.Busy(dir) || slices.ContainsFunc(Trials(dir), func(at string) bool { return store.Busy(filepath.Join(dir, filepath.FromSlash(at))) })
}

// Read returns the document of the run in dir, with its path as it is given, without the help of an index.
func Read(dir string) Entry {
	doc, _ := describe(dir, filepath.ToSlash(dir))
	return doc
}

// describe reads the document of the run in dir, and reports whether it is final.
func describe(dir, name string) (doc map[string]any, finished bool) {
	doc = map[string]any{}
	env := readObject(filepath.Join(dir, environmentFile))
	flat(doc, readObject(filepath.Join(dir, specFile)))
	result := readObject(filepath.Join(dir, resultFile))
	flat(doc, result)
	doc["run"] = name
	doc["command"] = command(env, path.Base(name))
	if started, ok := env["date"].(string); ok {
		doc["started"] = started
	}
	tags := []any{} // as they come back from the database
	for _, t := range Tags(dir) {
		tags = append(tags, t)
	}
	doc["tags"] = tags
	finished = result != nil || slices.ContainsFunc(resultFiles, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil && name != resultFile // which may be half-written
	})
	switch {
	case doc["diverged_at"] != nil:
		doc["state"] = Diverged
	case finished:
		doc["state"] = Finished
	case Busy(dir):
		doc["state"] = Running
	default:
		doc["state"] = Interrupted
	}
	if !finished {
		if n, ok := lastBatch(dir); ok {
			doc["batches"] = float64(n)
		}
	}
	return doc, finished
}

// readObject reads a JSON object, nil where there is none: a run half-written or half-copied is shown as far as it goes.
func readObject(path string) map[string]any {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	v, err := store.Object(text)
	if err != nil {
		return nil
	}
	return v
}

// flat adds the scalars of an object to doc, and objects of scalars, such as counts by name.
func flat(doc, from map[string]any) {
	for k, v := range from {
		switch v := v.(type) {
		case []any:
			continue
		case map[string]any:
			if slices.ContainsFunc(slices.Collect(maps.Values(v)), nested) {
				continue
			}
		}
		doc[k] = v
	}
}

func nested(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// command is what made a run: its environment says so, the directories of older runs end with it.
func command(env map[string]any, dir string) string {
	if c, ok := env["command"].(string); ok {
		return c
	}
	parts := strings.Split(dir, "-")
	if len(parts) > 2 {
		return parts[2]
	}
	return ""
}

// lastBatch is the batch of the last whole row of a training's metrics.
func lastBatch(dir string) (int, bool) {
	f, err := os.Open(filepath.Join(dir, "tables", "metrics.jsonl"))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false
	}
	tail := make([]byte, min(info.Size(), 4096))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && err != io.EOF {
		return 0, false
	}
	lines := bytes.Split(tail, []byte("\n"))
	for _, line := range slices.Backward(lines) {
		var row struct{ Batch *int }
		if json.Unmarshal(line, &row) == nil && row.Batch != nil {
			return *row.Batch, true
		}
	}
	return 0, false
}

// Tags returns the tags of the run in dir, never nil.
func Tags(dir string) []string {
	tags := []string{}
	if text, err := os.ReadFile(filepath.Join(dir, tagsFile)); err == nil && json.Unmarshal(text, &tags) != nil {
		return []string{}
	}
	return tags
}

// WriteTags replaces the tags of a run.
func WriteTags(r *store.Run, tags []string) error {
	text, err := json.Marshal(tags)
	if err != nil {
		return err
	}
	return r.WriteFile(tagsFile, append(text, '\n'))
}
