package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/web"
)

// exploreFlags are the flags of explore.
type exploreFlags struct {
	addr      string
	open      bool
	runs      string
	trainings int
	export    string
}

func (a *app) exploreCommand() *cobra.Command {
	f := exploreFlags{addr: "127.0.0.1:0", open: true, runs: "runs", trainings: 4}
	cmd := &cobra.Command{
		Use:   "explore",
		Short: "See a network settle: the local web explorer",
		Long: `Opens a page on this machine with three parts: the toy f(x) = w₂w₁x, whose landscapes flatten as inference runs; networks
that train and settle while you watch; and stored runs. Nothing leaves the machine. By default it listens on the loopback
address only, on a free port; elsewhere the address that it prints holds a token, without which it answers nobody.
Ctrl-C ends it.`,
		Example: `  settle explore
  settle explore --addr 127.0.0.1:8080 --open=false
  settle explore --addr 0.0.0.0:8080            others may look, with the token in the address
  settle explore --export site                  the toy as a static page, for any file server`,
		Args: operands(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"seed", "out"} {
				if flag := cmd.Flags().Lookup(name); flag.Changed {
					return fmt.Errorf("--%s %s: want none: explore writes no run, and a training's seed is set on its page", name, flag.Value)
				}
			}
			if f.trainings < 1 || f.trainings > 64 {
				return fmt.Errorf("--trainings %d: want 1 to 64", f.trainings)
			}
			if cmd.Flags().Changed("export") {
				return a.export(f.export)
			}
			return a.explore(f)
		},
	}
	p := cmd.Flags()
	p.StringVar(&f.addr, "addr", f.addr, "`host:port` to listen on; port 0: a free one")
	p.BoolVar(&f.open, "open", f.open, "open the page in the browser")
	p.StringVar(&f.runs, "runs", f.runs, "`folder` with stored runs")
	p.IntVar(&f.trainings, "trainings", f.trainings, "most trainings at once, each with all workers; `number`")
	p.StringVar(&f.export, "export", f.export, "write the toy as a static page to this `folder` instead, and end")
	return cmd
}

// export writes the static page.
func (a *app) export(dir string) error {
	if dir == "" {
		return fmt.Errorf("--export \"\": want a folder")
	}
	files, err := web.Export(dir)
	if err != nil {
		return fmt.Errorf("--export: %w", err)
	}
	fmt.Fprintf(a.text(), "%d files, for any file server; the page is %s\n", len(files), filepath.Join(dir, "index.html"))
	if err := a.printJSON(map[string]any{"export": dir, "files": files}); err != nil {
		return failure{err}
	}
	return nil
}

// explore serves until it is interrupted, which is how it ends and no failure.
func (a *app) explore(f exploreFlags) error {
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w; want host:port of this machine, such as 127.0.0.1:8080", f.addr, err)
	}
	defer l.Close()
	opts := web.Options{Runs: f.runs, Trainings: f.trainings, Workers: a.workers, Now: time.Now, OpenSet: openSet, Sets: []string{"mnist"}}
	if _, err := openSet("fashion"); err == nil {
		opts.Sets = append(opts.Sets, "fashion")
	}
	url := locate(l.Addr(), &opts)
	s, err := web.New(opts)
	if err != nil {
		return fmt.Errorf("--runs %s: %w", f.runs, err)
	}
	defer s.Close()
	fmt.Fprintf(a.text(), "the explorer is at %s\n", url)
	fmt.Fprintln(a.note(), "Ctrl-C ends it")
	if err := a.printJSON(map[string]string{"url": url}); err != nil {
		return failure{err}
	}
	if f.open {
		openBrowser(url)
	}
	if err := s.Serve(a.ctx, l); err != nil {
		return failure{err}
	}
	return nil
}

// locate says who may ask, and returns the address for people. On loopback it is known under three names; elsewhere under
// any, and a token in the address stands for them.
func locate(at net.Addr, opts *web.Options) string {
	bound, err := netip.ParseAddrPort(at.String())
	if err == nil && bound.Addr().Unmap().IsLoopback() {
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]", bound.Addr().String()} {
			opts.Hosts = append(opts.Hosts, fmt.Sprintf("%s:%d", host, bound.Port()))
		}
		return "http://" + at.String() + "/"
	}
	opts.Token = rand.Text()
	host := at.String()
	if err == nil && bound.Addr().IsUnspecified() {
		host = fmt.Sprintf("127.0.0.1:%d", bound.Port())
	}
	return "http://" + host + "/?token=" + opts.Token
}

// openBrowser shows an address, if it can: it has been printed, too.
func openBrowser(url string) {
	var cmd *exec.Cmd
	switch {
	case runtime.GOOS == "darwin":
		cmd = exec.Command("open", url)
	case runtime.GOOS == "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		cmd = exec.Command("xdg-open", url)
	}
	if err := cmd.Start(); err == nil {
		go func() { _ = cmd.Wait() }() // its exit code says nothing of ours
	}
}
