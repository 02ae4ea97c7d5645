// Package pythontest runs Python in tests: what settle writes for other programs is read by those programs' own packages.
package pythontest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// requirements are the packages in exact versions, as pip reads them.
//
//go:embed requirements.txt
var requirements string

// versions prints name==version of every package that is installed.
const versions = `import importlib.metadata as m
for d in m.distributions(): print(f"{d.metadata['Name']}=={d.version}")`

// look finds out once whether there is an interpreter with the packages, and if not, why.
var look = sync.OnceValues(func() (python, reason string) {
	python = os.Getenv("SETTLE_PYTHON")
	if python == "" {
		return "", "SETTLE_PYTHON is not set; internal/pythontest/venv makes an interpreter and prints its path"
	}
	out, err := exec.Command(python, "-c", versions).Output()
	if err != nil {
		return "", "SETTLE_PYTHON " + python + ": " + err.Error()
	}
	installed := strings.Fields(string(out))
	for _, want := range strings.Fields(requirements) {
		found := false
		for _, have := range installed {
			found = found || strings.EqualFold(have, want)
		}
		if !found {
			return "", "SETTLE_PYTHON " + python + " lacks " + want + "; internal/pythontest/venv makes an interpreter with all packages"
		}
	}
	return python, ""
})

// Python returns the path of an interpreter with the packages of requirements.txt, that of SETTLE_PYTHON. Without one
// the test is skipped, or fails where SETTLE_FULL is set.
func Python(t testing.TB) string {
	t.Helper()
	python, reason := look()
	if reason != "" && os.Getenv("SETTLE_FULL") != "" {
		t.Fatal(reason)
	}
	if reason != "" {
		t.Skip(reason)
	}
	return python
}

// Run runs a script in the folder dir and returns what it prints. A script that fails, fails the test.
func Run(t testing.TB, dir, script string, args ...string) string {
	t.Helper()
	python := Python(t)
	file := filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(file, []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{file}, args...)...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	return string(out)
}
