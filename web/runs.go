package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/store/index"
)

// run is a stored run, as a list shows it.
type run struct {
	Name   string         `json:"name"`   // its path below the folder of runs, with slashes
	Fields map[string]any `json:"fields"` // what the index knows of it that is a plain value
}

// contents are what a run holds: tables, and report and pictures as paths in the run.
type contents struct {
	Tables []string `json:"tables"`
	Files  []string `json:"files"`
}

// Bounds of what is read.
const (
	mostTable = 64 << 20 // bytes
	mostRows  = 2000     // of a table that are sent
)

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

// list returns the runs by their index, which is brought up to date, the newest first. Those to which only a link out of the
// folder leads are left out, as their files would be.
func (f *folder) list(ctx context.Context, now time.Time) ([]run, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	x, _, err := index.Open(ctx, f.dir, now)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	entries, err := x.Find(ctx, nil, "-started", 0)
	out := []run{}
	for _, e := range entries {
		name, _ := e["run"].(string)
		if _, err := root.Stat(path.Join(name, "tables")); err != nil {
			continue
		}
		r := run{Name: name, Fields: map[string]any{}}
		for k, v := range e {
			switch v := v.(type) {
			case string, float64, bool:
				r.Fields[k] = v
			case json.Number: // of more digits than a page's numbers have
				r.Fields[k] = v.String()
			}
		}
		delete(r.Fields, "run")
		out = append(out, r)
	}
	return out, err
}

// contents lists what a run holds.
func (f *folder) contents(name string) (contents, error) {
	c := contents{Tables: []string{}, Files: []string{}}
	root, err := f.open()
	if err != nil || !fs.ValidPath(name) {
		return c, errors.New("there is none")
	}
	names := func(sub, ext string) []string {
		var out []string
		entries, _ := fs.ReadDir(root.FS(), path.Join(name, sub)) // none where there is no such folder
		for _, e := range entries {
			if path.Ext(e.Name()) == ext {
				out = append(out, e.Name())
			}
		}
		return out
	}
	for _, t := range names("tables", ".jsonl") {
		c.Tables = append(c.Tables, strings.TrimSuffix(t, ".jsonl"))
	}
	if _, err := root.Stat(path.Join(name, "report.html")); err == nil {
		c.Files = append(c.Files, "report.html")
	}
	for _, p := range names("figures", ".svg") {
		c.Files = append(c.Files, "figures/"+p)
	}
	return c, nil
}

func (s *Server) registerRuns(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/runs", func(w http.ResponseWriter, r *http.Request) {
		runs, err := s.folder.list(r.Context(), s.opts.Now())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			refuse(w, http.StatusInternalServerError, "runs: they cannot be listed")
			return
		}
		answer(w, map[string]any{"folder": s.opts.Runs, "runs": append([]run{}, runs...)})
	})
	mux.HandleFunc("GET /api/run", func(w http.ResponseWriter, r *http.Request) {
		c, err := s.folder.contents(r.URL.Query().Get("run"))
		if err != nil {
			refuse(w, http.StatusNotFound, "run %q: %v", r.URL.Query().Get("run"), err)
			return
		}
		answer(w, c)
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
