// Package web is the explorer: a local server of three pages, and nothing that leaves the machine. The toy is computed in the
// browser, by package toy compiled to WebAssembly (toywasm, built by build-wasm.sh, committed with the matching wasm_exec.js);
// a network is trained here by package train and followed over server-sent events; stored runs are read from a folder.
//
//	guard.go      which requests are answered at all
//	assets.go     the files of the pages, embedded; export.go the toy as a static page
//	training.go   one live training, live.go the table of them and its routes, feed.go and events.go how they are followed
//	look.go       one sample settling in a copy of a live network
//	runs.go       stored runs
package web

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/settle-pc/settle/data"
)

// Options are what the explorer needs of its surroundings.
type Options struct {
	// Hosts are the values of the Host header that are answered, with their port; none: any, which needs a Token.
	Hosts []string
	// Token must come with every request, in the query of the first and in a cookie from then on; empty: none is asked for.
	Token string
	// Sets are the names of the data sets to offer, and OpenSet opens one of them.
	Sets    []string
	OpenSet func(name string) (*data.Set, error)
	// Runs is the folder with stored runs. It need not exist.
	Runs string
	// Trainings bounds the live trainings that are kept; 0 means 4. Workers are those of each.
	Trainings, Workers int
	Now                func() time.Time // the clock
}

// Server is the explorer.
type Server struct {
	opts    Options
	handler http.Handler
	assets  *assets
	live    *live
	folder  folder
}

// New makes an explorer. Close it after use.
func New(opts Options) (*Server, error) {
	if len(opts.Hosts) == 0 && opts.Token == "" {
		panic("web: neither hosts nor a token")
	}
	if opts.Now == nil || opts.OpenSet == nil {
		panic("web: no clock, or no sets")
	}
	opts.Trainings = cmp.Or(opts.Trainings, 4)
	opts.Workers = max(1, opts.Workers)
	a, err := allAssets()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, assets: a, live: newLive(opts), folder: folder{dir: opts.Runs}}
	if _, err := s.folder.open(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s.handler = s.guard(s.routes())
	return s, nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	s.assets.register(mux)
	s.live.register(mux)
	s.registerRuns(mux)
	return mux
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Limits of a connection: what is longer is cut off, so that slow peers cannot hold the server's memory.
const (
	headerTime   = 5 * time.Second
	requestTime  = 20 * time.Second
	idleTime     = 60 * time.Second
	headerBytes  = 16 << 10
	shutdownTime = 3 * time.Second
)

// server is the explorer on a connection.
func (s *Server) server() *http.Server {
	return &http.Server{Handler: s, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes}
}

// Serve answers on the listener until ctx ends, then ends streams and trainings, lets other requests finish, and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	streams, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := s.server()
	srv.BaseContext = func(net.Listener) context.Context { return streams }
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	cut()
	limited, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer stop()
	if err := srv.Shutdown(limited); err != nil {
		return srv.Close()
	}
	return nil
}

// Close ends all trainings.
func (s *Server) Close() {
	s.live.close()
	s.folder.close()
}
