//go:build unix

package slurmtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Twelve trainings, six of them long enough to be struck in the middle.
const spec = `name: twelve
base: {arch: 784-64-64-10, batch: 32, batches: 6000}
grid:
  rule: [bp, pc]
  lr: [0.0005, 0.001]
seeds: [0, 1, 2]
`

const (
	trials  = 12
	batches = 6000
)

// patience is for anything that a loaded machine may take long for.
const patience = 4 * time.Minute

// A sweep as a job array of a real Slurm ends with the local engine's results bit for bit, wall times aside, though one trial
// is killed and requeued, and another is told by USR1 that its time is over and requeues itself. Both go on from a checkpoint.
func TestASweepOnSlurmIsTheLocalOne(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	c := start(t)
	settle := filepath.Join(c.dir, "settle")
	if out, err := exec.Command("go", "build", "-o", settle, "../../cmd/settle").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.write("twelve.yaml", spec)
	file, local, remote := filepath.Join(c.dir, "twelve.yaml"), filepath.Join(c.dir, "local"), filepath.Join(c.dir, "remote")
	c.run(settle, "sweep", file, "--out", local, "--quiet")

	var submitted struct{ Jobs []string }
	decode(t, c.run(settle, "sweep", file, "--engine", "slurm", "--out", remote, "--checkpoint-every", "100ms", "--json", "--quiet"), &submitted)
	if len(submitted.Jobs) != 1 {
		t.Fatalf("jobs %q, want one array", submitted.Jobs)
	}
	killed := c.midway(remote, -1)
	pid := writer(t, dirOf(remote, killed))
	t.Logf("trial %d: SIGKILL to process %d", killed, pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.again(submitted.Jobs[0], killed, "requeue")

	warned := c.midway(remote, killed)
	t.Logf("trial %d: USR1 to its job, as before a time limit", warned)
	// To the shell, as --signal=B: does. Slurm 22.05's scancel would repeat the signal while other tasks wait: it takes "try again
	// later" for an answer.
	if err := syscall.Kill(parent(t, writer(t, dirOf(remote, warned))), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	c.again(submitted.Jobs[0], warned, "")

	c.wait("end of all trials", patience, func() bool {
		var status struct{ States map[string]int }
		decode(t, c.run(settle, "sweep", "status", remote, "--json", "--quiet"), &status)
		return status.States["finished"] == trials
	})
	if out := c.run(settle, "sweep", "resubmit", remote); !strings.Contains(out, "nothing to submit: 12 trials have results") {
		t.Errorf("resubmit of what is done: %s", out)
	}
	for i := range trials {
		same(t, dirOf(local, i), dirOf(remote, i))
		if batch, begins := lastBegin(t, dirOf(remote, i)); (i == killed || i == warned) != (begins == 2 && batch > 0) {
			t.Errorf("trial %d began %d times, the last time at batch %d", i, begins, batch)
		} else if begins > 1 {
			t.Logf("trial %d went on from batch %d of %d", i, batch, batches)
		}
	}
	collected(t, c.run(settle, "sweep", "collect", remote, "--json", "--quiet"))
}

// collected wants the table to have every trial, finished, in its place.
func collected(t *testing.T, text string) {
	t.Helper()
	var table struct {
		Trials []struct {
			Trial   int
			State   string
			Weights string `json:"weights_sha256"`
		}
	}
	decode(t, text, &table)
	if len(table.Trials) != trials {
		t.Errorf("%d trials collected", len(table.Trials))
	}
	for i, r := range table.Trials {
		if r.Trial != i || r.State != "finished" || len(r.Weights) != 64 {
			t.Errorf("row %d: %+v", i, r)
		}
	}
}

func dirOf(out string, trial int) string {
	return filepath.Join(out, "trials", fmt.Sprintf("%04d", trial))
}

// midway waits until a trial of PC, other than one, has a checkpoint and is far from its end.
func (c *cluster) midway(out string, but int) int {
	c.t.Helper()
	found := -1
	c.wait("trial in the middle", patience, func() bool {
		for i := trials / 2; i < trials; i++ {
			rows, _ := os.ReadFile(filepath.Join(dirOf(out, i), "tables", "metrics.jsonl"))
			done := bytes.Count(rows, []byte("\n"))
			marks, _ := filepath.Glob(filepath.Join(dirOf(out, i), "checkpoints", "*.json"))
			if i != but && len(marks) > 0 && done > batches/10 && done < batches/3 {
				found = i
				return true
			}
		}
		return false
	})
	return found
}

// writer is the process that is training in a directory.
func writer(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "store.json"))
	if err != nil {
		t.Fatal(err)
	}
	var about struct{ Writer struct{ PID int } }
	decode(t, string(text), &about)
	return about.Writer.PID
}

// parent is the process that started another.
func parent(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "PPid:"); ok {
			id, err := strconv.Atoi(strings.TrimSpace(v))
			if err != nil || id <= 1 {
				t.Fatalf("parent of %d: %q, %v", pid, v, err)
			}
			return id
		}
	}
	t.Fatalf("no parent of %d", pid)
	return 0
}

// again waits for a task to be at its end or back in the queue, requeues it if asked to, and shortens the two minutes that
// Slurm holds what was requeued.
func (c *cluster) again(job string, trial int, how string) {
	c.t.Helper()
	task := fmt.Sprintf("%s_%d", job, trial)
	state := func() string {
		out, _ := c.command("squeue", "--noheader", "--array", "--states=all", "--jobs="+task, "--format=%T").Output()
		return strings.TrimSpace(string(out))
	}
	if how != "" {
		c.wait("failed task", patience, func() bool { return state() == "FAILED" })
		c.run("scontrol", how, task)
	}
	c.wait("requeued task", patience, func() bool { return state() == "PENDING" })
	c.run("scontrol", "update", "jobid="+task, "starttime=now")
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// same wants two directories to hold the same training: model byte for byte, results and metrics without wall times.
func same(t *testing.T, a, b string) {
	t.Helper()
	read := func(dir, name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if !bytes.Equal(read(a, "model.safetensors"), read(b, "model.safetensors")) {
		t.Errorf("%s and %s: models differ", a, b)
	}
	timeless := func(line []byte) map[string]any {
		var m map[string]any
		decode(t, string(line), &m)
		for _, k := range []string{"seconds", "samples_per_second", "run"} {
			delete(m, k)
		}
		return m
	}
	if x, y := timeless(read(a, "result.json")), timeless(read(b, "result.json")); !reflect.DeepEqual(x, y) {
		t.Errorf("%s and %s: results differ:\n%v\n%v", a, b, x, y)
	}
	for _, name := range []string{"metrics", "tests"} {
		x, y := bytes.Split(read(a, "tables/"+name+".jsonl"), []byte("\n")), bytes.Split(read(b, "tables/"+name+".jsonl"), []byte("\n"))
		if len(x) != len(y) {
			t.Errorf("%s and %s: %d and %d rows of %s", a, b, len(x), len(y), name)
			continue
		}
		for i := range x {
			if len(x[i]) > 0 && !reflect.DeepEqual(timeless(x[i]), timeless(y[i])) {
				t.Errorf("%s and %s: %s, row %d:\n%s\n%s", a, b, name, i+1, x[i], y[i])
				break
			}
		}
	}
}

// lastBegin returns how often a training began, and at which batch the last time.
func lastBegin(t *testing.T, dir string) (batch, times int) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var entry struct {
			Msg   string
			Batch int
		}
		decode(t, lines.Text(), &entry)
		if entry.Msg == "begins" {
			batch = entry.Batch
			times++
		}
	}
	return batch, times
}
