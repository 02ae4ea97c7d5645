package store

import (
	"fmt"
	"io"
	"path/filepath"
)

const logName = "log.jsonl"

// Log returns where the run's log goes: every Write appends one line, of JSON by convention, as log/slog's JSON handler
// does. Like a row, a line is with the system when Write returns.
func (r *Run) Log() io.Writer { return logWriter{r} }

type logWriter struct{ run *Run }

func (l logWriter) Write(line []byte) (int, error) {
	r := l.run
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.writer {
		return 0, fmt.Errorf("store: %s: %w", logName, errReader)
	}
	if err := appendLine(filepath.Join(r.dir, logName), line); err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	return len(line), nil
}
