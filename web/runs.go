package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/settle-pc/settle/store"
)

// Run is a stored run, as a list shows it.
type Run struct {
	Name string `json:"name"` // its path below the folder of runs, with slashes
	// Fields are the plain values of its spec.json, and over them those of its result.json.
	Fields map[string]any `json:"fields"`
}

// Listing knows which runs there are.
type Listing interface {
	Runs(ctx context.Context) ([]Run, error)
}

// contents are what a run holds: tables, and report and pictures as paths in the run.
type contents struct {
	Tables []string `json:"tables"`
	Files  []string `json:"files"`
}

// Folder lists the runs in a folder and in folders of it, as sweeps have them, by looking.
type Folder struct{ Root *os.Root }

// Bounds of what is read to list runs.
const (
	deepest   = 4       // folders
	mostRuns  = 2000    // listed
	mostJSON  = 4 << 20 // bytes of a spec or a result
	mostTable = 64 << 20
	mostRows  = 2000 // of a table that are sent
)

// Runs looks for them. What cannot be read is left out.
func (f Folder) Runs(context.Context) ([]Run, error) {
	out := []Run{}
	err := fs.WalkDir(f.Root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil || !d.IsDir():
			return nil
		case strings.HasPrefix(d.Name(), ".") && name != ".", strings.Count(name, "/") >= deepest:
			return fs.SkipDir
		case len(out) == mostRuns:
			return fs.SkipAll
		}
		if info, err := f.Root.Stat(path.Join(name, "tables")); err != nil || !info.IsDir() {
			return nil
		}
		out = append(out, f.run(name))
		return nil
	})
	return out, err
}

// run reads one of them.
func (f Folder) run(name string) Run {
	r := Run{Name: name, Fields: map[string]any{}}
	for _, file := range []string{"spec.json", "result.json"} {
		var fields map[string]any
		if b, err := readRoot(f.Root, path.Join(name, file), mostJSON); err == nil && json.Unmarshal(b, &fields) == nil {
			for k, v := range fields {
				switch v.(type) {
				case string, float64, bool:
					r.Fields[k] = v
				}
			}
		}
	}
	return r
}

// contents lists what a run holds.
func (f Folder) contents(name string) contents {
	c := contents{Tables: []string{}, Files: []string{}}
	for _, t := range f.names(path.Join(name, "tables")) {
		if t, ok := strings.CutSuffix(t, ".jsonl"); ok {
			c.Tables = append(c.Tables, t)
		}
	}
	if _, err := f.Root.Stat(path.Join(name, "report.html")); err == nil {
		c.Files = append(c.Files, "report.html")
	}
	for _, p := range f.names(path.Join(name, "figures")) {
		if path.Ext(p) == ".svg" {
			c.Files = append(c.Files, "figures/"+p)
		}
	}
	return c
}

// names lists a folder.
func (f Folder) names(dir string) []string {
	entries, err := fs.ReadDir(f.Root.FS(), dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func readRoot(root *os.Root, name string, most int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > most || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: no file, or too large to show", name)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// folder is the folder of runs, which the first run may make while the explorer is there already.
type folder struct {
	dir string

	mu   sync.Mutex
	root *os.Root
}

// open returns the folder as a root, out of which no name and no link leads.
func (f *folder) open() (*os.Root, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil {
		return f.root, nil
	}
	root, err := os.OpenRoot(f.dir)
	if err == nil {
		f.root = root
	}
	return root, err
}

func (f *folder) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil {
		f.root.Close()
	}
}

func (s *Server) registerRuns(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/runs", func(w http.ResponseWriter, r *http.Request) {
		runs := []Run{}
		listing := s.opts.Listing
		if root, err := s.folder.open(); err == nil && listing == nil {
			listing = Folder{root}
		}
		if listing != nil {
			var err error
			if runs, err = listing.Runs(r.Context()); err != nil {
				refuse(w, http.StatusInternalServerError, "runs: they cannot be listed")
				return
			}
		}
		answer(w, map[string]any{"folder": s.opts.Runs, "runs": runs})
	})
	mux.HandleFunc("GET /api/run", func(w http.ResponseWriter, r *http.Request) {
		root, err := s.folder.open()
		name := r.URL.Query().Get("run")
		if err != nil || !fs.ValidPath(name) {
			refuse(w, http.StatusNotFound, "run %q: there is none", name)
			return
		}
		answer(w, Folder{root}.contents(name))
	})
	mux.HandleFunc("GET /api/table", s.table)
	mux.HandleFunc("GET /files/{path...}", s.file)
}

// table sends a table of a run, thinned to what a curve shows.
func (s *Server) table(w http.ResponseWriter, r *http.Request) {
	run, name := r.URL.Query().Get("run"), r.URL.Query().Get("table")
	t, err := s.readTable(run, name)
	if err != nil {
		refuse(w, http.StatusNotFound, "table %q of run %q: %v", name, run, err)
		return
	}
	every := (len(t.Rows) + mostRows - 1) / mostRows
	rows := [][]any{}
	for i, row := range t.Rows {
		if every <= 1 || i%every == every-1 {
			rows = append(rows, row)
		}
	}
	answer(w, map[string]any{"columns": t.Columns, "rows": rows, "every": max(1, every)})
}

func (s *Server) readTable(run, name string) (store.Table, error) {
	file := path.Join(run, "tables", name+".jsonl")
	root, err := s.folder.open()
	if err != nil || !fs.ValidPath(run) || !fs.ValidPath(name) || !fs.ValidPath(file) {
		return store.Table{}, errors.New("there is none")
	}
	// The root sees to it that no link leads out of the folder; the store then reads the file by its path.
	info, err := root.Stat(file)
	if err != nil {
		return store.Table{}, errors.New("there is none")
	}
	if info.Size() > mostTable {
		return store.Table{}, fmt.Errorf("it is larger than %d bytes", mostTable)
	}
	opened, err := store.Open(filepath.Join(s.opts.Runs, filepath.FromSlash(run)))
	if err != nil {
		return store.Table{}, err
	}
	return opened.Table(name)
}

// shown are the files of a run that are sent, by extension, with their media types.
var shown = map[string]string{".html": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".csv": "text/csv; charset=utf-8",
	".pdf": "application/pdf", ".json": "application/json", ".md": "text/markdown; charset=utf-8"}

// filePolicy is that of a run's files: they came from a command, but may have come from anywhere, so nothing in them runs.
const filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

// file sends a file of a run.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	kind, ok := shown[path.Ext(name)]
	hidden := slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
	none := func() { refuse(w, http.StatusNotFound, "file %q: there is none to show", name) }
	root, err := s.folder.open()
	if err != nil || !ok || hidden || !fs.ValidPath(name) {
		none()
		return
	}
	f, err := root.Open(name)
	if err != nil {
		none()
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		none()
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", filePolicy)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", info.ModTime(), f)
}
