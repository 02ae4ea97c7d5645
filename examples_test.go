package settle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whoever looks for a rule, an inference method, an output term, a layer or an optimiser finds an example that uses it: in packages
// of variants, all constructors and all types that are used without one.
func TestEveryVariantHasAnExample(t *testing.T) {
	memory := []string{"nn.NewCache"} // what NewTrace allocates
	variants, shown := map[string]bool{}, map[string]bool{}
	fset := token.NewFileSet()
	for _, pkg := range []string{"learn", "infer", "energy", "nn", "optim"} {
		files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			file, err := parser.ParseFile(fset, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				switch {
				case !ok:
				case strings.HasSuffix(path, "_test.go"):
					if strings.HasPrefix(f.Name.Name, "Example") {
						used(f.Body, shown)
					}
				case f.Recv == nil && strings.HasPrefix(f.Name.Name, "New"):
					variants[pkg+"."+f.Name.Name] = true
				case pkg == "infer" && f.Name.Name == "Init", pkg == "energy" && f.Name.Name == "Curvature", pkg == "optim" && f.Name.Name == "At":
					if name := receiver(f); ast.IsExported(name) {
						variants[pkg+"."+name] = true
					}
				}
			}
		}
	}
	if len(variants) < 50 {
		t.Errorf("only %d variants found: is the test in the module's root?", len(variants))
	}
	for name := range variants {
		if !shown[name] && !slices.Contains(memory, name) {
			t.Errorf("no example uses %s", name)
		}
	}
}

// used adds every name of another package in body to names, as package.Name.
func used(body *ast.BlockStmt, names map[string]bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				names[x.Name+"."+s.Sel.Name] = true
			}
		}
		return true
	})
}

// receiver returns the name of the type of a method.
func receiver(f *ast.FuncDecl) string {
	name := ""
	if f.Recv != nil {
		ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && name == "" {
				name = id.Name
			}
			return true
		})
	}
	return name
}

// The pages for those who come from other libraries show nothing that is not in an example: their blocks of Go are passages of
// migrating_example_test.go, line by line.
func TestMigratingPagesShowExamples(t *testing.T) {
	lines := func(text string) []string {
		out := strings.Split(strings.TrimSpace(text), "\n")
		for i, line := range out {
			out[i] = strings.TrimSpace(line)
		}
		return out
	}
	source, err := os.ReadFile("migrating_example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	examples := "\n" + strings.Join(lines(string(source)), "\n") + "\n"
	for _, page := range []string{"docs/migrating-jpc.md", "docs/migrating-pcx.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "```go\n")
		if len(parts) < 5 {
			t.Errorf("%s: %d blocks of Go", page, len(parts)-1)
		}
		for _, part := range parts[1:] {
			block, _, _ := strings.Cut(part, "```")
			if !strings.Contains(examples, "\n"+strings.Join(lines(block), "\n")+"\n") {
				t.Errorf("%s: no example has\n%s", page, block)
			}
		}
	}
}
