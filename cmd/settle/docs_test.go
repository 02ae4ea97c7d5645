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

// Every block of the pages on other programs and on data does what the page says.
func TestInteropPageRuns(t *testing.T) { pageRuns(t, "interop.md", 10) }

func TestDataPageRuns(t *testing.T) { pageRuns(t, "data.md", 2) }

// pageRuns runs the blocks of a page that name their language, of which there are so many at least.
func pageRuns(t *testing.T, name string, least int) {
	t.Helper()
	page, err := filepath.Abs("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	out := pythontest.Run(t, t.TempDir(), runPage, page)
	ran, blocks := 0, 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "RAN ") {
			ran++
		}
	}
	for line := range strings.Lines(string(source)) {
		if strings.HasPrefix(line, "```") && strings.TrimSpace(line) != "```" {
			blocks++
		}
	}
	if ran != blocks || blocks < least {
		t.Errorf("%d of %d blocks were run: %s", ran, blocks, out)
	}
	if slices.Contains(strings.Split(out, "\n"), "WITHOUT torch") {
		t.Log("PyTorch is not installed: its block was not run")
	}
}

// Every command of the pages for those who come from other libraries runs, for two batches where it trains.
func TestMigratingPagesRun(t *testing.T) {
	ran := 0
	for _, page := range []string{"migrating-jpc.md", "migrating-pcx.md"} {
		source, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(page, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for i, part := range strings.Split(string(source), "```sh\n") {
				block, _, _ := strings.Cut(part, "```")
				for line := range strings.Lines(block) {
					args := strings.Fields(line)
					if i == 0 || len(args) < 2 {
						continue
					}
					args = append(args[1:], "--workers", "1")
					if args[0] == "train" {
						args = append(args, "--batches", "2", "--eval-every", "0")
					}
					settle(t, exitDone, args...)
					ran++
				}
			}
		})
	}
	if ran < 15 {
		t.Errorf("only %d commands were run", ran)
	}
}
