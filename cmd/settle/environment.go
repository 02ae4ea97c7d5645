package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/tensor"
)

// environmentFile is where a run directory keeps what its command ran on.
const environmentFile = "environment.json"

// environment is the content of environmentFile. No number that a command computes depends on it but for Kernels, whose
// sums differ in their last bits.
type environment struct {
	Command   string    `json:"command"`
	Args      []string  `json:"args"`
	Version   string    `json:"version"`
	Go        string    `json:"go"`
	System    string    `json:"system"`
	Processor string    `json:"processor"`
	Cores     int       `json:"cores"`
	Workers   int       `json:"workers"`
	Kernels   string    `json:"kernels"`
	Date      time.Time `json:"date"`
}

func (a *app) environment(command string) environment {
	return environment{Command: command, Args: a.args, Version: version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Processor: processor(),
		Cores: runtime.NumCPU(), Workers: a.workers, Kernels: tensor.Level(), Date: time.Now().UTC().Truncate(time.Second)}
}

// begunOn says what the first session of a run was on, as far as the run knows.
func begunOn(run *store.Run) string {
	text, err := os.ReadFile(filepath.Join(run.Dir(), environmentFile))
	var e environment
	if err != nil || json.Unmarshal(text, &e) != nil {
		return "an unknown build"
	}
	return fmt.Sprintf("settle %s on %s, %s kernels, %s", e.Version, e.Processor, e.Kernels, e.Date.Format("2 January 2006, 15:04 MST"))
}

// version names the build: a release, or the commit it is of.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(v, s.Value[:min(12, len(s.Value))]) {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v
}

// processor names the processor, where the system says it in a file.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
