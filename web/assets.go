package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed pages static third_party
var files embed.FS

// page is what the layout shows.
type page struct {
	Name, Title string
	Static      bool   // the toy alone, without a server
	Policy      string // in the page itself, where no server sends it
	Body        template.HTML
}

// pages are the pages by their paths.
var pages = map[string]page{
	"/{$}":     {Name: "toy", Title: "See a network settle"},
	"/network": {Name: "network", Title: "Network"},
	"/runs":    {Name: "runs", Title: "Runs"},
}

var layout = template.Must(template.ParseFS(files, "pages/layout.html"))

// html writes the page out.
func (p page) html() ([]byte, error) {
	body, err := files.ReadFile("pages/" + p.Name + ".html")
	if err != nil {
		return nil, err
	}
	p.Body = template.HTML(body) // ours
	var b bytes.Buffer
	if err := layout.Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// asset is a file as it is sent.
type asset struct {
	body, packed []byte // packed: gzip, where that is shorter
	kind, tag    string
}

// assets are all files that the pages are made of, by path.
type assets struct{ byPath map[string]*asset }

// allAssets makes them once: packing takes a tenth of a second.
var allAssets = sync.OnceValues(newAssets)

// kinds are the media types by extension: those of the system may be anything.
var kinds = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".gz": "application/gzip", "": "text/plain; charset=utf-8"}

func newAssets() (*assets, error) {
	a := &assets{byPath: map[string]*asset{}}
	for at, p := range pages {
		b, err := p.html()
		if err != nil {
			return nil, err
		}
		a.byPath[at] = newAsset(b, ".html")
	}
	return a, fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "pages/") {
			return err
		}
		b, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		a.byPath["/"+name] = newAsset(b, path.Ext(name))
		return nil
	})
}

func newAsset(body []byte, ext string) *asset {
	f := &asset{body: body, kind: kinds[ext], tag: fmt.Sprintf(`"%x"`, sha256.Sum256(body))[:19] + `"`}
	if ext == ".gz" {
		return f
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // to memory
	if z.Close() == nil && b.Len() < len(body) {
		f.packed = b.Bytes()
	}
	return f
}

func (a *assets) register(mux *http.ServeMux) {
	for at, f := range a.byPath {
		mux.Handle("GET "+at, f)
	}
}

// ServeHTTP sends the file: packed if the peer takes that, not at all if it has it.
func (f *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache") // ask whether it has changed
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if f.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
