package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/pythontest"
)

// runPage runs the blocks of a page in the current folder, those of the shell line by line and those of Python in one
// session, and prints what it has run. A block whose import of PyTorch fails is left out.
const runPage = `
import re, subprocess, sys

session = {}
page = open(sys.argv[1], encoding="utf-8").read()
for kind, text in re.findall("^" + chr(96) * 3 + r"(\w+)\n(.*?)^" + chr(96) * 3 + "$", page, re.M | re.S):
    print("RAN", kind, flush=True)
    if kind == "sh":
        for line in text.splitlines():
            subprocess.run(line, shell=True, check=True)
    elif kind == "python":
        try:
            exec(compile(text, text, "exec"), session)
        except ModuleNotFoundError as e:
            if e.name != "torch":
                raise
            print("WITHOUT torch")
    else:
        sys.exit(f"a block of {kind}")
`

// Every block of the page on other programs does what the page says.
func TestInteropPageRuns(t *testing.T) {
	page, err := filepath.Abs("../../docs/interop.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	out := pythontest.Run(t, t.TempDir(), runPage, page)
	ran := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "RAN ") {
			ran++
		}
	}
	if blocks := strings.Count(string(source), "\n```") / 2; ran != blocks || blocks < 10 {
		t.Errorf("%d of %d blocks were run: %s", ran, blocks, out)
	}
	if slices.Contains(strings.Split(out, "\n"), "WITHOUT torch") {
		t.Log("PyTorch is not installed: its block was not run")
	}
}
