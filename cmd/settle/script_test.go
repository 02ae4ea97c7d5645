package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/settle-pc/settle/data"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"settle": main})
}

// TestScripts runs testdata/script: what the command contract promises, as a shell sees it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "json": jsonValue, "keys": keys, "nulls": nulls, "same": same, "edit": edit, "flip": flip,
			"metrics": metrics, "interrupt": interrupt, "pictures": pictures, "formats": formats,
		},
		RequireUniqueNames: true,
	})
}

// synthetic is the set of the scripts: 8×8 images of four classes that a linear map tells apart.
func synthetic() *data.Set { return data.Synthetic(7, 240, 8, 8, 4) }

// setUp gives every script the folder set, with synthetic's four files, reference.json, in $MNIST the folder of MNIST, and the
// level of the kernels that is tested.
func setUp(env *testscript.Env) error {
	dir := env.WorkDir
	mnist, err := filepath.Abs("../../data/mnist")
	if err != nil {
		return err
	}
	env.Setenv("MNIST", mnist)
	env.Setenv("BIN", filepath.SplitList(env.Getenv("PATH"))[0]) // holds settle and nothing else
	env.Setenv("SETTLE_CPU", os.Getenv("SETTLE_CPU"))
	reference, err := os.ReadFile("../../measure/testdata/reference.json")
	if err != nil {
		return err
	}
	set := filepath.Join(dir, "set")
	return errors.Join(os.WriteFile(filepath.Join(dir, "reference.json"), reference, 0o666), os.Mkdir(set, 0o777), writeSet(set, synthetic()))
}

// code runs a command and wants exactly this exit code:  code 2 settle train --lr 0
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
	if text := ts.ReadFile("stderr"); strings.Contains(text, "goroutine ") || strings.Contains(text, "panic:") {
		ts.Fatalf("it panicked")
	}
}

// decode reads a file, or stdout, that must hold one JSON value on one line or more and nothing else, and returns what
// lies at a path such as cells/0/to_mse ("." is the whole, ~ stands for / in a key).
func decode(ts *testscript.TestScript, file, path string) any {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	if d.More() {
		ts.Fatalf("%s: something follows the JSON value", file)
	}
	if path == "." {
		return v
	}
	for _, key := range strings.Split(path, "/") {
		key = strings.ReplaceAll(key, "~", "/")
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				ts.Fatalf("%s: no %s on the way to %s", file, key, path)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: no element %s on the way to %s", file, key, path)
			}
			v = at[i]
		default:
			ts.Fatalf("%s: nothing below %v on the way to %s", file, v, path)
		}
	}
	return v
}

// word writes a JSON value as a script has it: strings without quotes, the rest as JSON.
func word(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// jsonValue compares the value at a path:  json stdout rule pc
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	if got := word(decode(ts, args[0], args[1])); (got == args[2]) == neg {
		ts.Fatalf("%s is %s", args[1], got)
	}
}

// keys wants an object to have keys, with ! not to have any of them:  keys stdout cells/0 rule act
func keys(ts *testscript.TestScript, neg bool, args []string) {
	object, ok := decode(ts, args[0], args[1]).(map[string]any)
	if !ok {
		ts.Fatalf("%s is no object", args[1])
	}
	for _, k := range args[2:] {
		if _, there := object[k]; there == neg {
			ts.Fatalf("key %s: %v", k, there)
		}
	}
}

// nulls wants null for these keys of an object, and for no others:  nulls stdout . solver
func nulls(ts *testscript.TestScript, _ bool, args []string) {
	var got []string
	for k, v := range decode(ts, args[0], args[1]).(map[string]any) {
		if v == nil {
			got = append(got, k)
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(args[2:])); !slices.Equal(got, want) {
		ts.Fatalf("null are %q, want %q", got, want)
	}
}

// same compares a value in two files:  same a/result.json b/result.json weights_sha256
func same(ts *testscript.TestScript, neg bool, args []string) {
	for _, path := range args[2:] {
		a, b := word(decode(ts, args[0], path)), word(decode(ts, args[1], path))
		if (a == b) == neg {
			ts.Fatalf("%s: %s and %s", path, a, b)
		}
	}
}

// edit writes a JSON file with another value at a path; - removes it:  edit in.json out.json a/b 3
func edit(ts *testscript.TestScript, _ bool, args []string) {
	root := decode(ts, args[0], ".")
	path := strings.Split(args[2], "/")
	last := path[len(path)-1]
	at := root
	for _, key := range path[:len(path)-1] {
		if list, ok := at.([]any); ok {
			i, err := strconv.Atoi(key)
			ts.Check(err)
			at = list[i]
		} else {
			at = at.(map[string]any)[key]
		}
	}
	var v any
	if args[3] != "-" {
		ts.Check(json.Unmarshal([]byte(args[3]), &v))
	}
	switch at := at.(type) {
	case []any:
		i, err := strconv.Atoi(last)
		ts.Check(err)
		at[i] = v
	case map[string]any:
		if at[last] = v; args[3] == "-" {
			delete(at, last)
		}
	}
	b, err := json.Marshal(root)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o666))
}

// flip copies a file with the byte at an offset inverted (negative: from the end), or cut short there with !.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[2])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	if neg {
		b = b[:at]
	} else {
		b[at] ^= 0xff
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o666))
}

// metrics wants the metrics of a run to be of the batches 1…N, each once:  metrics out 40
func metrics(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[0] + "/tables/metrics.jsonl")))
	for lines.Scan() {
		var row struct{ Batch int }
		ts.Check(json.Unmarshal(lines.Bytes(), &row))
		if n++; row.Batch != n {
			ts.Fatalf("row %d is of batch %d", n, row.Batch)
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%d rows, want %s", n, args[1])
	}
}

// interrupt starts a command, sends it an interrupt once a file has N lines, and wants exit code 130. What it prints
// becomes interrupted.out and interrupted.err:  interrupt out/tables/metrics.jsonl 100 settle train …
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	lines, err := strconv.Atoi(args[1])
	ts.Check(err)
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(args[2], args[3:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), &stdout, &stderr
	ts.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && bytes.Count(text, []byte("\n")) >= lines {
			break
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			ts.Fatalf("%s never had %d lines: %s", args[0], lines, &stderr)
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	err = <-done
	ts.Check(os.WriteFile(ts.MkAbs("interrupted.out"), stdout.Bytes(), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs("interrupted.err"), stderr.Bytes(), 0o666))
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitInterrupted {
		ts.Fatalf("ended with %v: %s", err, fmt.Sprint(&stdout, &stderr))
	}
}
