package settle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/settle-pc/settle"

// imports is the table of which package may import which of ours, test files aside. Packages of cmd may import all.
var imports = map[string][]string{
	"":               {},
	"tensor":         {},
	"toy":            {},
	"safetensors":    {},
	"data/mnist":     {},
	"plot":           {},
	"store":          {},
	"store/index":    {"store"},
	"nn":             {"tensor"},
	"optim":          {"tensor"},
	"data":           {"tensor"},
	"infer":          {"tensor"},
	"energy":         {"nn", "tensor"},
	"model":          {"nn", "tensor", "safetensors"},
	"learn":          {"energy", "infer", "nn", "optim", "data", "tensor"},
	"train":          {"learn", "energy", "infer", "nn", "optim", "data", "tensor", "model", "safetensors"},
	"theory":         {"toy", "nn", "tensor"},
	"measure":        {"energy", "infer", "learn", "nn", "optim", "data", "tensor", "internal/ulp"},
	"experiment":     {"train", "theory", "toy", "measure", "learn", "energy", "infer", "nn", "optim", "data", "tensor", "model", "safetensors"},
	"report":         {"store", "plot"},
	"sweep":          {"train", "learn", "nn", "internal/nearest"},
	"tensorboard":    {},
	"mlflow":         {},
	"export":         {"store"},
	"web":            {"train", "store", "store/index", "learn", "energy", "infer", "nn", "data", "tensor"},
	"web/toywasm":    {"toy"},
	"internal/check": {"tensor"},
	// Runs Python for tests.
	"internal/pythontest": {},
	"internal/nearest":    {},
	"internal/ulp":        {},
	"internal/slurmtest":  {},
}

// thirdParty lists the modules that a package of the compute core may use; packages that are not listed are free.
var thirdParty = map[string][]string{
	"": nil, "tensor": {"golang.org/x/sys"}, "nn": nil, "energy": nil, "infer": nil, "learn": nil, "optim": nil, "data": nil,
	"toy": nil, "theory": {"gonum.org/v1/gonum"},
	"data/mnist": nil, "safetensors": nil, "model": nil, "train": nil, "measure": nil, "experiment": {"gonum.org/v1/gonum"}, "store": {"github.com/gofrs/flock"}, "store/index": {"modernc.org/sqlite"},
	"internal/check": nil, "internal/ulp": nil,
}

// eachFile calls f with every Go file of the module that is not a test, and its package's path in the module.
func eachFile(t *testing.T, f func(pkg, path string, file *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bench") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); d.IsDir() && path != "." && err == nil {
			return filepath.SkipDir // another module: a generator
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = ""
		}
		f(pkg, path, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsFollowTheTable(t *testing.T) {
	seen := 0
	eachFile(t, func(pkg, path string, file *ast.File) {
		seen++
		may, known := imports[pkg]
		if strings.HasPrefix(pkg, "cmd/") {
			return
		}
		if !known {
			t.Errorf("%s: package %s is not in the table of imports: add it there", path, pkg)
			return
		}
		for _, spec := range file.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			ours, isOurs := strings.CutPrefix(name, module+"/")
			first, _, _ := strings.Cut(name, "/")
			switch {
			case isOurs && !slices.Contains(may, ours):
				t.Errorf("%s: %s may not import %s", path, pkg, ours)
			case !isOurs && strings.Contains(first, "."):
				allowed, core := thirdParty[pkg]
				if core && !slices.ContainsFunc(allowed, func(m string) bool { return strings.HasPrefix(name, m) }) {
					t.Errorf("%s: %s is of the compute core and may not import %s", path, pkg, name)
				}
			}
		}
	})
	if seen < 40 {
		t.Errorf("only %d files looked at: is the test in the module's root?", seen)
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := map[string]int{}
	eachFile(t, func(pkg, _ string, file *ast.File) {
		if file.Doc != nil {
			comments[pkg]++
		} else {
			comments[pkg] += 0
		}
	})
	for pkg, n := range comments {
		if n != 1 {
			t.Errorf("package %q: %d package comments, want 1", pkg, n)
		}
	}
}

// Library code never prints, exits, or reads the clock or the environment: the caller decides. Two exceptions: the choice of
// kernels, once, so that tests and benchmarks can force a level, and what tests alone use.
func TestLibraryLeavesTheWorldAlone(t *testing.T) {
	banned := map[string][]string{
		"os":   {"Exit", "Getenv", "LookupEnv", "Environ", "Stdout", "Stderr"},
		"time": {"Now", "Since", "Sleep"},
		"fmt":  {"Print", "Printf", "Println"},
		"log":  {"Print", "Printf", "Println", "Fatal", "Fatalf"},
	}
	eachFile(t, func(pkg, path string, file *ast.File) {
		if strings.HasPrefix(pkg, "cmd/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if (filepath.ToSlash(path) == "tensor/level.go" || pkg == "internal/pythontest") && s.Sel.Name == "Getenv" {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(banned[x.Name], s.Sel.Name) {
				t.Errorf("%s: %s.%s in package %s", path, x.Name, s.Sel.Name, pkg)
			}
			return true
		})
	})
}
