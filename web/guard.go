package web

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// policy is what a page may load: its own files, pictures made in it, and WebAssembly.
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// cookie holds the token once it has come in the address.
const cookie = "settle"

// maxBody is the most that a request may send: a drawn digit is about 3 kB.
const maxBody = 64 << 10

// guard lets through what a page of this server, or a person at this machine, asks for:
//
//   - the Host is one of ours, or a page elsewhere could reach us under a name of its own (DNS rebinding);
//   - what a browser says of the asking page (Origin, Sec-Fetch-Site) is this one, unless a person follows a link;
//   - the token is there, where one is asked for;
//   - a GET changes nothing, and what does change something has a JSON body, which no form of another page can send.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case len(s.opts.Hosts) > 0 && !slices.Contains(s.opts.Hosts, strings.ToLower(r.Host)):
			refuse(w, http.StatusMisdirectedRequest, "host %q: want one of %s", r.Host, strings.Join(s.opts.Hosts, ", "))
		case !sameOrigin(r):
			refuse(w, http.StatusForbidden, "a page elsewhere asks: want a page of this server")
		case !s.admits(w, r):
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
			refuse(w, http.StatusMethodNotAllowed, "method %s: want GET or POST", r.Method)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		}
	})
}

// sameOrigin reports whether no other page is behind the request, as far as the browser tells.
func sameOrigin(r *http.Request) bool {
	if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// admits checks the token. One in the address of a page moves to a cookie, so that addresses that are shared lack it.
func (s *Server) admits(w http.ResponseWriter, r *http.Request) bool {
	if s.opts.Token == "" {
		return true
	}
	same := func(v string) bool { return subtle.ConstantTimeCompare([]byte(v), []byte(s.opts.Token)) == 1 }
	if c, err := r.Cookie(cookie); err == nil && same(c.Value) {
		return true
	}
	q := r.URL.Query()
	if !same(q.Get("token")) {
		refuse(w, http.StatusUnauthorized, "token: want the address that settle explore printed")
		return false
	}
	if r.Method != http.MethodGet {
		return true
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.opts.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	q.Del("token")
	to := *r.URL
	to.Scheme, to.Host, to.RawQuery = "", "", q.Encode()
	to.Path = "/" + strings.TrimLeft(to.Path, "/") // not //elsewhere
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return false
}

// refuse answers with an error, as JSON.
func refuse(w http.ResponseWriter, code int, format string, args ...any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A peer that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": fmt.Sprintf(format, args...)})
}

// answer sends v as JSON.
func answer(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%v", err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// accept reads the JSON body of a request into v, or refuses it.
func accept(w http.ResponseWriter, r *http.Request, v any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "content type %q: want application/json", r.Header.Get("Content-Type"))
		return false
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return true
		}
		err = errors.New("something follows the object")
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		refuse(w, http.StatusRequestEntityTooLarge, "body: want at most %d bytes", maxBody)
	} else {
		refuse(w, http.StatusBadRequest, "body: %v; want one JSON object", err)
	}
	return false
}
