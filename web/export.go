package web

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// toyFiles are the files that the toy's page is made of, beside its HTML; folders end in a slash.
var toyFiles = []string{"static/css/app.css", "static/css/plotly.css", "static/icon.svg", "static/toy.wasm.gz", "static/wasm_exec.js", "static/js/theme.js", "static/js/toy.js", "static/js/dom.js",
	"static/js/engine.js", "static/js/panel.js", "static/js/state.js", "static/js/color.js", "static/js/save.js", "static/js/space.js", "third_party/plotly/", "third_party/go/"}

// Export writes the toy as a static page to dir, which must be empty or not exist: index.html and what it needs, for any file
// server. It returns the files' names.
func Export(dir string) ([]string, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: the folder is not empty (it has %s): want a new or an empty one", dir, entries[0].Name())
	}
	p := pages["/{$}"]
	p.Static, p.Policy = true, strings.Replace(policy, "; frame-ancestors 'none'", "", 1) // which a page cannot say of itself
	html, err := p.html()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{"index.html": html}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !ofToy(name) {
			return err
		}
		out[name], err = files.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range sortedKeys(out) {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, out[name], 0o666); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func ofToy(name string) bool {
	for _, f := range toyFiles {
		if name == f || strings.HasSuffix(f, "/") && strings.HasPrefix(name, f) {
			return true
		}
	}
	return false
}
