package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "kill a thousand trainings, which takes half an hour")

// killed is the training of these tests: about a second, with some ten checkpoints.
var killed = strings.Fields("train --data set --arch 64-16-4 --batch 20 --batches 6000 --lr 0.001 --seed 4 --eval-every 1000 --checkpoint-every 1ms --quiet")

// leftBehind is all that a finished training says of itself, without its times.
type leftBehind struct {
	Result         map[string]any
	Metrics, Tests []map[string]any
}

func leavings(t *testing.T, dir string) leftBehind {
	t.Helper()
	var l leftBehind
	text, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &l.Result); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"seconds", "samples_per_second", "run"} {
		delete(l.Result, key)
	}
	for name, to := range map[string]*[]map[string]any{"metrics": &l.Metrics, "tests": &l.Tests} {
		text, err := os.ReadFile(filepath.Join(dir, "tables", name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var row map[string]any
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
			delete(row, "seconds")
			*to = append(*to, row)
		}
	}
	return l
}

// TestKilledTrainingsLoseNothing kills a training at a random moment, again and again, half of the time with what a
// power cut does to files that were not synced, and goes on each time: result, every row and the weights are those of a
// training that was left alone.
func TestKilledTrainingsLoseNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the shell's kill is not there")
	}
	times := 20
	switch {
	case *long:
		times = 1000
	case testing.Short():
		times = 3
	}
	dir, whole := leftAlone(t, killed)
	want := leavings(t, filepath.Join(dir, "whole"))
	if len(want.Metrics) != 6000 || len(want.Tests) != 6 {
		t.Fatalf("%d and %d rows", len(want.Metrics), len(want.Tests))
	}
	rng := rand.New(rand.NewPCG(3, 4))
	kills, cuts := 0, 0
	for kills < times {
		k, c := killAndGoOn(t, rng, dir, whole)
		kills, cuts = kills+k, cuts+c
		if got := leavings(t, filepath.Join(dir, "run")); !reflect.DeepEqual(got, want) {
			t.Fatalf("after %d kills: %s", kills, unlike(got, want))
		}
		if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d power cuts", kills, cuts)
}

// leftAlone runs a command, which writes to whole, in a folder with a set, and returns the folder and the time that it took.
func leftAlone(t *testing.T, args []string) (dir string, took time.Duration) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "set"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeSet(filepath.Join(dir, "set"), synthetic()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if cmd, out := started(t, dir, append(args, "--out", "whole")); cmd.Wait() != nil {
		t.Fatal(out)
	}
	return dir, time.Since(start)
}

// started is a command on its way in dir, and what it says on stderr.
func started(t *testing.T, dir string, args []string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	cmd := exec.Command("settle", args...)
	cmd.Dir, cmd.Stderr = dir, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// killedWithin runs a command that is killed at a random moment up to a time, unless it has succeeded by then.
func killedWithin(t *testing.T, rng *rand.Rand, dir string, args []string, most time.Duration) bool {
	t.Helper()
	cmd, out := started(t, dir, args)
	timer := time.AfterFunc(time.Duration(rng.Float64()*float64(most)), func() { cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	if err != nil && cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return err != nil
}

// killAndGoOn trains in dir/run to the end, killed at a random moment up to the time that a whole training takes, as often as
// it is hit.
func killAndGoOn(t *testing.T, rng *rand.Rand, dir string, whole time.Duration) (kills, cuts int) {
	t.Helper()
	run := filepath.Join(dir, "run")
	args := append(killed, "--out", "run")
	for {
		if !killedWithin(t, rng, dir, args, whole) {
			return kills, cuts
		}
		kills++
		if _, err := os.Stat(filepath.Join(run, specFile)); err != nil { // killed before there was a training
			if err := os.RemoveAll(run); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if rng.IntN(2) == 0 {
			cuts++
			cutPower(t, rng, run)
		}
		args = []string{"train", "--resume", "run", "--checkpoint-every", "1ms", "--quiet"}
	}
}

func unlike(got, want leftBehind) string {
	if len(got.Metrics) != len(want.Metrics) || len(got.Tests) != len(want.Tests) {
		return fmt.Sprintf("%d and %d rows, want %d and %d", len(got.Metrics), len(got.Tests), len(want.Metrics), len(want.Tests))
	}
	for i, row := range got.Metrics {
		if !reflect.DeepEqual(row, want.Metrics[i]) {
			return fmt.Sprintf("row %d is %v, want %v", i, row, want.Metrics[i])
		}
	}
	return fmt.Sprintf("%v %v, want %v %v", got.Result, got.Tests, want.Result, want.Tests)
}

// cutPower loses, cuts or fills with zeros what came after the last checkpoint: rows of the tables and, now and then, the
// last checkpoint itself, as if the disk had lied about it.
func cutPower(t *testing.T, rng *rand.Rand, run string) {
	t.Helper()
	marks, err := filepath.Glob(filepath.Join(run, "checkpoints", "0*.json"))
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]struct{ Bytes int }{}
	if len(marks) > 0 {
		last := marks[len(marks)-1]
		text, err := os.ReadFile(last)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ = bytes.Cut(text, []byte("\n"))
		var mark struct {
			Tables map[string]struct{ Bytes int }
		}
		if err := json.Unmarshal(text, &mark); err != nil {
			t.Fatal(err)
		}
		ends = mark.Tables
		if rng.IntN(4) == 0 {
			spoil(t, rng, strings.TrimSuffix(last, ".json")+".safetensors", 0)
		}
	}
	for _, name := range []string{"metrics", "tests"} {
		path := filepath.Join(run, "tables", name+".jsonl")
		if _, err := os.Stat(path); err == nil {
			spoil(t, rng, path, ends[name].Bytes)
		}
	}
}

// spoil does to a file's bytes from from on what a power cut may do.
func spoil(t *testing.T, rng *rand.Rand, path string, from int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	from = min(from, len(b)) // a kill may have left a mark behind whose tables were already taken back
	at := from + rng.IntN(len(b)-from+1)
	if rng.IntN(2) == 0 {
		b = b[:at]
	} else {
		clear(b[at:])
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// compared is the comparison of TestKilledComparisonsLoseNothing: some half a second on one processor, in four cells.
var compared = strings.Fields("compare --data set --arch 64-32-32-32-4 --batch 60 --batches 700 --acts tanh --lrs 0.001,0.002 --seeds 0 --thresholds 0.0001 --workers 1 --quiet")

// TestKilledComparisonsLoseNothing kills a comparison at random moments, half of the time spoils one of its cells as a power cut
// may, and gives the same command again: its cells are those of a comparison that was left alone.
func TestKilledComparisonsLoseNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the shell's kill is not there")
	}
	times := 10
	if testing.Short() {
		times = 2
	}
	dir, whole := leftAlone(t, compared)
	table := func(run string) string {
		text, err := os.ReadFile(filepath.Join(dir, run, "tables", "cells.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := table("whole")
	rng := rand.New(rand.NewPCG(5, 6))
	kills, spoilt := 0, 0
	for kills < times || spoilt == 0 {
		if killedWithin(t, rng, dir, append(compared, "--out", "run"), whole) {
			kills++
			cells, err := filepath.Glob(filepath.Join(dir, "run", "cells", "*"))
			if err != nil {
				t.Fatal(err)
			}
			if len(cells) > 0 && rng.IntN(2) == 0 {
				spoilt++
				spoil(t, rng, cells[rng.IntN(len(cells))], 0)
			}
			continue
		}
		if got := table("run"); got != want {
			t.Fatalf("after %d kills the cells are\n%s\nwant\n%s", kills, got, want)
		}
		if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d cells spoilt", kills, spoilt)
}
